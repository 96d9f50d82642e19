package source

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vitrine/app/errs"
	"vitrine/app/fetch"
)

// Small files of our own, in the columns that each maker's help pages document.
const (
	shopifyCSV = `Handle,Title,Body (HTML),Vendor,Status,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant Price,Variant Compare At Price,Variant Inventory Tracker,Variant Inventory Policy,Variant Inventory Qty,Variant Requires Shipping,Image Src,Image Alt Text,Gift Card
bowl,Bowl,"<p>Stoneware, <b>blue</b>.</p><p>Dishwasher safe</p>",Mira,active,Size,Small,Colour,Blue,"24.50",,shopify,deny,3,true,https://cdn.example/bowl.jpg,A blue bowl,false
bowl,,,,,,Medium,,Blue,24.50,,shopify,deny,2,true,,,
bowl,,,,,,Large,,Blue,31.00,35.00,shopify,deny,1,true,,,
bowl,,,,,,,,,,,,,,,https://cdn.example/bowl2.jpg,From the side,
guide,Glaze guide,,Mira,active,Title,Default Title,,,9,,,,,false,,,false
guide,,,,,,,,,,,,,,,https://cdn.example/guide.png,,
old,Old thing,,Mira,archived,Title,Default Title,,,5,,,,,false,,,false
card,Gift card,,Mira,active,Title,Default Title,,,50,,,,,false,,,true
,Nobody's,,,,,,,,1,,,,,,,,
`
	wooCSV = `ID,Type,SKU,Name,Published,"Short description",Description,Stock,"Backorders allowed?","Sale price","Regular price",Images,Parent,"Attribute 1 name","Attribute 1 value(s)"
10,simple,PDF1,Atlas,1,Short,"<p>Long &amp; good</p>",5,0,,"1.234,50","https://cdn.example/a.jpg, https://cdn.example/b.jpg",,,
11,variable,TEE,Tee,1,,A tee,,0,,,https://cdn.example/tee.jpg,,Size,"S, M"
12,variation,TEE-S,Tee - S,1,,,4,0,15,18,,TEE,Size,S
13,variation,TEE-M,Tee - M,1,,,4,0,,18,,id:11,Size,M
14,grouped,SET,Set,1,,,,0,,,,,,
15,external,EXT,Elsewhere,1,,,,0,,9,,,,
16,variation,X,Lost,1,,,,0,,9,,NONE,Size,S
17,simple,PDF2,Free sheet,1,,,,0,,0,,,,
18,simple,PDF3,No price,1,,,,0,,,,,,
`
	salesCSV = `Purchase ID,Item Name,Buyer Name,Purchase Email,Buyer Email,Purchase Date,Subtotal ($),Sale Price ($),Refunded?,Disputed?
1,Icon set,Ana Ruiz,ana@example.com,,2024-03-01,19.99,19.99,0,0
2,Icon set,,JO@Example.com,,2024-03-02,19.99,19.99,1,0
3,Fonts,Jo,jo2@example.com,,2024-03-02,9,9,0,0
4,Fonts,Ana Ruiz,Ana@example.com ,,2024-03-03,9,9,0,0
5,Fonts,Cy,cy@example.com,,2024-03-04,9,9,0,1
`
	substackCSV = "email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at\n" +
		"a@example.com,false,,other,false,2023-01-02T03:04:05.000Z,\nb@example.com,true,2026-01-01T00:00:00.000Z,yearly,false,2023-01-02,\nc@example.com,false,,other,true,2023-01-02,\n"
	patreonCSV = "Name,Email,Discord,Patron Status,Lifetime Amount,Pledge Amount,Tier,Patronage Since Date,Currency\n" +
		"Ada,ada@example.com,,Active patron,$50.00,$5.00,Friend,2022-05-01 10:00:00,USD\nBob,bob@example.com,,Former patron,$5.00,$0.00,,2021-05-01 10:00:00,USD\nCy,cy@example.com,,Declined patron,$5.00,$5.00,Friend,2021-05-01,USD\nDi,,,Active patron,$5.00,$5.00,Friend,2021-05-01,USD\n"
	curatedCSV = "sep=;\nEmail;Name;Confirmed At\n\" mia@example.com \";\"Mia; the first\";2024-01-31\nnot an address;x;\n;;\nmia@example.com;again;\n"
)

func table1(t *testing.T, csv, name string) Set {
	t.Helper()
	s, err := File([]byte(csv), name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func titles(s Set, k Kind, out bool) (list []string) {
	for _, r := range s.Records {
		if r.Kind == k && (r.Out != nil) == out {
			list = append(list, strings.TrimSpace(r.Title+" "+r.Price+r.Email))
		}
	}
	return list
}

func want(t *testing.T, got []string, list ...string) {
	t.Helper()
	if !slices.Equal(got, list) {
		t.Errorf("%q, want %q", got, list)
	}
}

func TestShopifyRowsBecomeProducts(t *testing.T) {
	s := table1(t, shopifyCSV, "products.csv")
	want(t, titles(s, Product, false), "Bowl (Small / Blue, Medium / Blue) 24.50", "Bowl (Large / Blue) 31.00", "Glaze guide 9")
	want(t, titles(s, Product, true), "Old thing 5", "Gift card 50")
	want(t, titles(s, Variant, false), "Bowl (Medium / Blue) 24.50")
	want(t, titles(s, Other, true), "Nobody's")
	b := s.Records[1]
	if b.Text != "Stoneware, blue.\n\nDishwasher safe\n\nSize: Small, Medium\n\nColour: Blue" || b.Left != "5" || b.Image != "https://cdn.example/bowl.jpg" || b.Alt != "A blue bowl" {
		t.Errorf("%+v", b)
	}
	if !s.Priced || s.From != "shopify" {
		t.Errorf("%+v", s)
	}
	if n := len(s.Records); n != 9 {
		t.Errorf("nine rows became %d records", n)
	}
}

func TestWooCommerceRowsBecomeProducts(t *testing.T) {
	s := table1(t, wooCSV, "woo.csv")
	want(t, titles(s, Product, false), "Atlas 1.234,50", "Tee (S) 15", "Tee (M) 18", "Free sheet 0")
	want(t, titles(s, Product, true), "Set", "Elsewhere 9", "No price")
	want(t, titles(s, Variant, false), "Tee")
	want(t, titles(s, Variant, true), "Lost 9")
	want(t, titles(s, Picture, true), "")
}

func TestPeopleAreReadFromEveryList(t *testing.T) {
	for name, c := range map[string]struct {
		csv, from string
		in, out   []string
	}{
		"sales":    {salesCSV, "gumroad-sales", []string{"Ana Ruiz ana@example.com", "Jo jo2@example.com"}, []string{"jo@example.com", "Ana Ruiz ana@example.com", "Cy cy@example.com"}},
		"substack": {substackCSV, "substack-members", []string{"a@example.com", "b@example.com"}, []string{"c@example.com"}},
		"patreon":  {patreonCSV, "patreon", []string{"Ada ada@example.com"}, []string{"Bob bob@example.com", "Cy cy@example.com", "Di"}},
		"curated":  {curatedCSV, "members", []string{"Mia; the first mia@example.com"}, []string{"x not an address", "again mia@example.com"}},
	} {
		s := table1(t, c.csv, name+".csv")
		if s.From != c.from {
			t.Errorf("%s is read as %s", name, s.From)
		}
		want(t, titles(s, Person, false), c.in...)
		want(t, titles(s, Person, true), c.out...)
	}
	if p := table1(t, salesCSV, "x.csv").Records[0]; p.Consent != "Bought “Icon set” on Gumroad" || p.Since != "2024-03-01" {
		t.Errorf("%+v", p)
	}
}

// Every row of every table is one record, neither more nor fewer, but for pictures, which may share a row.
func TestRowsReconcile(t *testing.T) {
	all := map[string]string{"shopify": shopifyCSV, "woo": wooCSV, "sales": salesCSV, "substack": substackCSV, "patreon": patreonCSV, "curated": curatedCSV}
	files, _ := filepath.Glob("../../../../shared/data/*/*.csv")
	if len(files) == 0 {
		t.Log("no tables at ../shared/data: only our own are read")
	}
	for _, f := range files {
		if strings.Contains(f, "/tax/") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if b, err = fetch.Decode(b, ""); err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(f)] = string(b)
	}
	for name, csv := range all {
		s := table1(t, csv, name+".csv")
		tb, err := readTable([]byte(csv))
		if err != nil {
			t.Fatal(err)
		}
		rows := map[int]int{}
		for _, r := range s.Records {
			if r.Row > 0 {
				rows[r.Row]++
			} else if r.Kind != Picture {
				t.Errorf("%s: %q has no row", name, r.Key)
			}
		}
		for _, r := range tb.rows {
			if rows[r.n] != 1 {
				t.Errorf("%s: row %d became %d records", name, r.n, rows[r.n])
			}
		}
		if len(rows) != len(tb.rows) {
			t.Errorf("%s: %d rows became records of %d", name, len(tb.rows), len(rows))
		}
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		b    string
		want error
	}{
		"empty.csv": {"", ErrEmpty}, "blank.html": {" \n ", ErrEmpty}, "head.csv": {"email,name\n", ErrEmpty}, "odd.csv": {"colour,shape\nred,round\n", ErrColumns},
		"a.zip": {"PK\x03\x04....", ErrUnknown}, "a.pdf": {"%PDF-1.7", ErrUnknown}, "a.html": {"just words", ErrUnknown}, "a.json": {`{"a":1}`, ErrUnknown},
		"login.html": {"<!doctype html><title>Log in</title><body><form><input name=u><button>Log in</button></form></body>", ErrNothing},
		"spa.html":   {"<!doctype html><title>App</title><div id=root></div><script src=x.js></script>", ErrNothing},
		"big.csv":    {"email\n" + strings.Repeat("a", MaxFile), ErrBig}, "many.csv": {"email\n" + strings.Repeat("a@example.com\n", MaxRecords+2), ErrMany},
		"deep.html": {"<body>" + strings.Repeat("<div>", MaxNodes+1), ErrMany},
	} {
		if _, err := File([]byte(c.b), name); err == nil || errs.Message(err) != errs.Message(c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := File([]byte(strings.Repeat("<div>", 20_000)+"<a href=https://deep.example>x</a>"), "nested.html"); err != nil && !errs.Is(err, errs.Invalid) {
		t.Error(err)
	}
}

func TestPricesAreRead(t *testing.T) {
	for s, c := range map[string][2]string{
		"€19": {"19", "EUR"}, "19 €": {"19", "EUR"}, "1.284,50 €": {"1.284,50", "EUR"}, "$1,299.00": {"1,299.00", "USD CAD AUD NZD MXN TWD"}, "US$ 5": {"5", "USD"}, "499 kr": {"499", "SEK NOK DKK"},
		"CHF 12.50": {"12.50", "CHF"}, "¥500": {"500", "JPY CNY"}, "1 950 €": {"1 950", "EUR"}, "£7.00": {"7.00", "GBP"}, "20,- €": {"20", "EUR"}, "12 EUR": {"12", "EUR"}, "19.99": {"19.99", ""},
	} {
		num, cur, ok := amount(s)
		if !ok || num != c[0] || cur != c[1] {
			t.Errorf("%q is %q %q %v, want %q", s, num, cur, ok, c)
		}
	}
	for _, s := range []string{"", "free", "from 5", "1e5", "-5 €", "5 €/month x", "5..0 €"} {
		if num, _, ok := amount(s); ok {
			t.Errorf("%q is %q", s, num)
		}
	}
	for s, n := range map[string]int{"From €5 to €10": 2, "no price in 2024": 0, "5 krabs": 0, "A4$": 0, "Costs 12,50 € each, 3 for 30 €.": 2, "USD 5 and 6 USD": 2} {
		if got := prices(s); len(got) != n {
			t.Errorf("%q names %q", s, got)
		}
	}
}

// Whatever is thrown at it, reading ends, and with an error that a person can read.
func FuzzFile(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.html")
	for _, name := range files {
		if b, err := os.ReadFile(name); err == nil {
			f.Add(b, "x.html")
		}
	}
	for _, c := range []string{shopifyCSV, wooCSV, salesCSV, curatedCSV} {
		f.Add([]byte(c), "x.csv")
	}
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		b, err := fetch.Decode(b, "")
		if err != nil {
			return
		}
		s, err := File(b, name)
		if err != nil && !errs.Is(err, errs.Invalid) {
			t.Fatal(err)
		}
		have := map[string]bool{}
		for _, r := range s.Records {
			if have[r.Key] {
				t.Fatalf("%q is there twice", r.Key)
			}
			have[r.Key] = true
		}
	})
}
