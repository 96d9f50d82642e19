package products_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/products"
)

// wrong is the field that an error blames, and its message.
func wrong(err error) (field, message string) {
	if fs := errs.Fields(err); len(fs) > 0 {
		return fs[0].Name, fs[0].Text()
	}
	return "", errs.Message(err)
}

func TestAProductKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.file(t, "a.pdf"), w.file(t, "b.pdf")
	in := products.Input{
		Name: "  Forty glazes\tthat   don’t run ", Summary: "PDF, 84 pages", Description: "**All** of them.\n\nYes.", Price: "€ 19,90", Limited: true, Left: "10",
		Cover: w.picture(t), CoverAlt: "Tiles in nine colours", Files: []string{b, a, b}, Active: true,
	}
	p := w.make(t, in)
	if p.Name != "Forty glazes that don’t run" || p.Slug != "forty-glazes-that-dont-run" || p.Price.Format() != "€19.90" || p.Left != 10 || !p.Active || p.Version != 1 {
		t.Errorf("%+v", p)
	}
	if p.Cover.Zero() || p.Cover.Alt != "Tiles in nine colours" || len(p.Files) != 2 || p.Files[0].ID.String() != b {
		t.Errorf("%+v", p)
	}
	in = form(p)
	in.Files, in.Limited, in.LeftWas, in.Name = []string{a}, false, "10", "Glazes"
	p, err := w.Save(t.Context(), w.who, p.ID, 1, in)
	if err != nil || p.Left != products.Unlimited || len(p.Files) != 1 || p.Slug != "forty-glazes-that-dont-run" || p.Version != 2 || p.Name != "Glazes" {
		t.Fatalf("%+v %v", p, err)
	}
	now, err := w.FilesOf(t.Context(), w.d, p.ID)
	if err != nil || len(now) != 1 || now[0].ID.String() != a {
		t.Errorf("today's buyers get %v, %v", now, err)
	}
	then, err := w.FilesAt(t.Context(), w.d, p.ID, time.Now().Add(-time.Hour))
	if err != nil || len(then) != 2 {
		t.Errorf("buyers of before get %v, %v", then, err)
	}
}

func TestPricesAsPeopleTypeThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for typed, want := range map[string]string{
		"19": "€19", "19,99": "€19.99", "19.9": "€19.90", "€ 5": "€5", "5 EUR": "€5", "0": "€0", "0.00": "€0", "0,50": "€0.50", "1 284,50": "€1,284.50", "999999.99": "€999,999.99",
	} {
		p, err := w.Create(t.Context(), w.who, products.Input{Name: "x", Price: typed})
		if err != nil || p.Price.Format() != want {
			t.Errorf("%q: %s %v", typed, p.Price.Format(), err)
		}
	}
	for _, typed := range []string{
		"", " ", "-5", "−5", "1e3", "1E3", "0x10", "NaN", "Inf", "١٩", "19.9999", "19,9,9", "2147483648", "9223372036854775807", "9223372036854775808", "1000000",
		"99999999999999999999999", "0.49", "0.01", "5 USD", "$5", "5%", "--5", "1/2", "5;DROP TABLE products", "<b>5</b>", "５", "1_000", "+5", "5\x00", "null", "true", "[]",
	} {
		_, err := w.Create(t.Context(), w.who, products.Input{Name: "x", Price: typed})
		if f, m := wrong(err); f != "price" || !strings.HasSuffix(m, ".") {
			t.Errorf("%q: %v", typed, err)
		}
	}
	jp := w.who
	jp.Currency = "JPY"
	if _, err := w.Create(t.Context(), jp, products.Input{Name: "x", Price: "49"}); err == nil {
		t.Error("¥49 is below what can be charged")
	}
	if _, err := w.Create(t.Context(), jp, products.Input{Name: "x", Price: "500.50"}); err == nil {
		t.Error("yen have no cents")
	}
}

func TestTheQuoteIsWhatTheFeeFunctionSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q, err := w.Quote(t.Context(), "EUR", "19")
	if err != nil || q.Price.Format() != "€19" || q.Fee.Format() != "€1.20" || q.Net.Format() != "€17.80" {
		t.Errorf("%+v %v", q, err)
	}
	if q, err := w.Quote(t.Context(), "EUR", "0"); err != nil || !q.Fee.IsZero() || !q.Net.IsZero() {
		t.Errorf("%+v %v", q, err)
	}
	if _, err := w.Quote(t.Context(), "EUR", "1e3"); !errs.Is(err, errs.Invalid) {
		t.Error(err)
	}
}

func TestOnSaleNeedsAReadyFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := good("Nothing in it")
	in.Active = true
	if f, m := wrong(second(w.Create(t.Context(), w.who, in))); f != "files" || !strings.Contains(m, "Add the file") {
		t.Error(f, m)
	}
	waiting := w.store(t, files.ForProduct, "a.pdf", []byte("%PDF-1.7"))
	in.Files = []string{waiting.ID.String()}
	if f, m := wrong(second(w.Create(t.Context(), w.who, in))); f != "files" || !strings.Contains(m, "on its way") {
		t.Error(f, m)
	}
	refused := w.store(t, files.ForProduct, "a.png", []byte("<html><script>alert(1)</script>"))
	in.Active, in.Files = false, []string{refused.ID.String()}
	p := w.make(t, in)
	w.check(t, refused.ID)
	in = form(p)
	in.Active = true
	if f, _ := wrong(second(w.Save(t.Context(), w.who, p.ID, 1, in))); f != "files" {
		t.Error(f)
	}
	w.check(t, waiting.ID)
	in.Files = append(in.Files, waiting.ID.String())
	if _, err := w.Save(t.Context(), w.who, p.ID, 1, in); err != nil {
		t.Error(err)
	}
	if fs, err := w.FilesOf(t.Context(), w.d, p.ID); err != nil || len(fs) != 1 {
		t.Errorf("a refused file is delivered: %v %v", fs, err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestNothingIsWrittenWhenSomethingIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.sold(t, "Good")
	eve := w.as(t)
	for name, change := range map[string]func(in *products.Input){
		"name":        func(in *products.Input) { in.Name = "\u202e \t" },
		"name long":   func(in *products.Input) { in.Name = strings.Repeat("é", 121) },
		"summary":     func(in *products.Input) { in.Summary = strings.Repeat("x", 161) },
		"description": func(in *products.Input) { in.Description = strings.Repeat("x", 20_001) },
		"slug":        func(in *products.Input) { in.Slug = "no spaces" },
		"slug dots":   func(in *products.Input) { in.Slug = "../admin" },
		"slug long":   func(in *products.Input) { in.Slug = strings.Repeat("a", 81) },
		"left":        func(in *products.Input) { in.Limited, in.Left = true, "-1" },
		"left e":      func(in *products.Input) { in.Limited, in.Left = true, "1e3" },
		"left none":   func(in *products.Input) { in.Limited = true },
		"left huge":   func(in *products.Input) { in.Limited, in.Left = true, "2147483648" },
		"left plus":   func(in *products.Input) { in.Limited, in.Left = true, "+5" },
		"cover":       func(in *products.Input) { in.Cover = "x" },
		"cover none":  func(in *products.Input) { in.Cover = id.New[id.FileKind]().String() },
		"cover eve":   func(in *products.Input) { in.Cover = eve.picture(t) },
		"cover file":  func(in *products.Input) { in.Cover = w.file(t, "a.pdf") },
		"cover_alt":   func(in *products.Input) { in.CoverAlt = strings.Repeat("x", 251) },
		"files":       func(in *products.Input) { in.Files = []string{"x"} },
		"files eve":   func(in *products.Input) { in.Files = append(in.Files, eve.file(t, "hers.pdf")) },
		"files image": func(in *products.Input) { in.Files = append(in.Files, w.picture(t)) },
		"files many": func(in *products.Input) {
			for range products.MaxFiles {
				in.Files = append(in.Files, id.New[id.FileKind]().String())
			}
		},
	} {
		in := form(p)
		in.Name = "Changed"
		change(&in)
		_, err := w.Save(t.Context(), w.who, p.ID, 1, in)
		if f, m := wrong(err); !errs.Is(err, errs.Invalid) || f != strings.Fields(name)[0] || m == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	now, err := w.Get(t.Context(), w.who, p.ID)
	if err != nil || now.Name != "Good" || now.Version != 1 || len(now.Files) != 1 {
		t.Errorf("%+v %v", now, err)
	}
}

func TestAddressesAreUniqueInAShop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seen := map[string]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 8 { // one name, all at once
		wg.Go(func() {
			p, err := w.Create(t.Context(), w.who, good("The same"))
			mu.Lock()
			defer mu.Unlock()
			if err != nil || seen[p.Slug] {
				t.Errorf("%s %v", p.Slug, err)
			}
			seen[p.Slug] = true
		})
	}
	wg.Wait()
	in := good("Other")
	in.Slug = "The-Same"
	if f, m := wrong(second(w.Create(t.Context(), w.who, in))); f != "slug" || !strings.Contains(m, "already") {
		t.Error(f, m)
	}
	p := w.make(t, good("Other"))
	change := form(p)
	change.Slug = "the-same"
	if f, _ := wrong(second(w.Save(t.Context(), w.who, p.ID, 1, change))); f != "slug" {
		t.Error(f)
	}
	if _, err := w.as(t).Create(t.Context(), w.as(t).who, in); err != nil {
		t.Errorf("in another shop: %v", err)
	}
	for name, want := range map[string]string{"Æther & Ölçü 2": "aether-and-olcu-2", "ŁÓDŹ": "lodz", "Straße": "strasse", "--a--": "a", "Crème Brûlée!!": "creme-brulee"} {
		if p := w.make(t, good(name)); p.Slug != want {
			t.Errorf("%q lies at %q", name, p.Slug)
		}
	}
	for _, name := range []string{"日本語", "مرحبا", "🙂", "Привет"} {
		if p := w.make(t, good(name)); !strings.HasPrefix(p.Slug, "product-") {
			t.Errorf("%q lies at %q", name, p.Slug)
		}
	}
}

func TestTheOlderOfTwoEditsIsNotLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.make(t, good("First"))
	var wg sync.WaitGroup
	var mu sync.Mutex
	won, stale := 0, 0
	for n := range 8 {
		wg.Go(func() {
			in := form(p)
			in.Name = "Edit " + strconv.Itoa(n)
			_, err := w.Save(t.Context(), w.who, p.ID, 1, in)
			mu.Lock()
			defer mu.Unlock()
			theirs, is := products.IsStale(err)
			switch {
			case err == nil:
				won++
			case is && errs.Is(err, errs.Conflict) && theirs.Version == 2 && strings.HasPrefix(theirs.Name, "Edit"):
				stale++
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won != 1 || stale != 7 {
		t.Fatalf("%d won, %d were told", won, stale)
	}
	in := form(p)
	in.Name = "Mine"
	if now, err := w.Save(t.Context(), w.who, p.ID, 2, in); err != nil || now.Name != "Mine" {
		t.Error(now, err)
	}
}

func TestCopiesSoldMeanwhileAreNotBroughtBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := good("Ten")
	in.Limited, in.Left = true, "10"
	p := w.make(t, in)
	sell := func(n int) {
		left := n
		if err := w.d.InTx(t.Context(), func(tx *db.Tx) error { return w.stock.Set(t.Context(), tx, p.ID, w.who.Shop, w.who.User, &left) }); err != nil {
			t.Fatal(err)
		}
	}
	sell(7)
	in = form(p)
	in.Limited, in.Left, in.LeftWas, in.Summary = true, "10", "10", "Only the text changed"
	p, err := w.Save(t.Context(), w.who, p.ID, 1, in)
	if err != nil || p.Left != 7 {
		t.Fatalf("%d left, %v", p.Left, err)
	}
	in.Left = "12"
	if f, m := wrong(second(w.Save(t.Context(), w.who, p.ID, 2, in))); f != "left" || !strings.Contains(m, "7 are left") {
		t.Error(f, m)
	}
	in.LeftWas = "7"
	if p, err = w.Save(t.Context(), w.who, p.ID, 2, in); err != nil || p.Left != 12 {
		t.Fatalf("%d left, %v", p.Left, err)
	}
}

func TestOthersProductsAreNotFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, eve := w.sold(t, "Mine"), w.as(t)
	mixed := products.Who{User: eve.who.User, Shop: w.who.Shop, Currency: "EUR"}
	for _, who := range []products.Who{eve.who, mixed} {
		for what, err := range map[string]error{
			"get": second(w.Get(t.Context(), who, p.ID)), "save": second(w.Save(t.Context(), who, p.ID, 1, good("Hers"))),
			"archive": w.Archive(t.Context(), who, p.ID), "restore": w.Restore(t.Context(), who, p.ID),
		} {
			if !errs.Is(err, errs.NotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if ps, _, err := w.List(t.Context(), who, false, id.Product{}); err != nil || len(ps) != 0 {
			t.Errorf("%v %v", ps, err)
		}
	}
}

func TestArchivedProductsAreGoneAndComeBackAsDrafts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.sold(t, "Old")
	shop := products.PublicShop{ID: w.who.Shop, Name: "Ada's", URL: "http://shop.test/@" + w.slug, AppURL: "http://app.test"}
	if _, err := w.PublicPage(t.Context(), w.d, shop, p.Slug); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Archive(t.Context(), w.who, p.ID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.PublicPage(t.Context(), w.d, shop, p.Slug); !errs.Is(err, errs.Gone) {
		t.Error(err)
	}
	if os, err := w.OffersOfShop(t.Context(), w.d, w.who.Shop); err != nil || len(os) != 0 {
		t.Error(os, err)
	}
	if os, err := w.Offers(t.Context(), w.d, []id.Product{p.ID}); err != nil || len(os) != 1 || os[0].Active {
		t.Error(os, err)
	}
	if _, err := w.Save(t.Context(), w.who, p.ID, 2, form(p)); !errs.Is(err, errs.Conflict) {
		t.Error(err)
	}
	if ps, _, err := w.List(t.Context(), w.who, true, id.Product{}); err != nil || len(ps) != 1 {
		t.Error(ps, err)
	}
	if err := w.Restore(t.Context(), w.who, p.ID); err != nil {
		t.Fatal(err)
	}
	now, err := w.Get(t.Context(), w.who, p.ID)
	if err != nil || now.Archived || now.Active {
		t.Errorf("%+v %v", now, err)
	}
	if fs, err := w.FilesOf(t.Context(), w.d, p.ID); err != nil || len(fs) != 1 {
		t.Error(fs, err)
	}
}

func TestOffersSayWhatCanBeBought(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.sold(t, "A"), w.sold(t, "B")
	draft := w.make(t, good("Draft"))
	in := form(b)
	in.Limited, in.Left = true, "0"
	if _, err := w.Save(t.Context(), w.who, b.ID, 1, in); err != nil {
		t.Fatal(err)
	}
	os, err := w.Offers(t.Context(), w.d, []id.Product{draft.ID, id.New[id.ProductKind](), b.ID, a.ID})
	if err != nil || len(os) != 3 || os[0].ID != draft.ID || os[1].ID != b.ID || os[2].ID != a.ID {
		t.Fatalf("%+v %v", os, err)
	}
	if os[0].Active || !os[1].SoldOut || os[1].Left != 0 || os[2].SoldOut || os[2].Left != products.Unlimited || os[2].Creator != w.who.User {
		t.Errorf("%+v", os)
	}
	if os, err = w.OffersOfShop(t.Context(), w.d, w.who.Shop); err != nil || len(os) != 2 {
		t.Errorf("%+v %v", os, err)
	}
	ps, err := w.PublicPaths(t.Context(), w.d, []id.Shop{w.who.Shop})
	if err != nil || len(ps) != 2 || ps[0].Slug != a.Slug {
		t.Errorf("%+v %v", ps, err)
	}
}

func TestTheListGoesPageByPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range products.PageSize + 3 {
		w.make(t, good(fmt.Sprint("No ", n)))
	}
	first, more, err := w.List(t.Context(), w.who, false, id.Product{})
	if err != nil || !more || len(first) != products.PageSize || first[0].Name != "No 52" {
		t.Fatal(len(first), more, err)
	}
	rest, more, err := w.List(t.Context(), w.who, false, first[len(first)-1].ID)
	if err != nil || more || len(rest) != 3 || rest[2].Name != "No 0" {
		t.Fatal(len(rest), more, err)
	}
}

func TestChangesAreHeardByTheShop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	heard := listen(t, w.d, "products.changed "+w.who.Shop.String())
	p := w.make(t, good("Heard"))
	heard("create")
	in := form(p)
	waiting := w.store(t, files.ForProduct, "a.pdf", []byte("%PDF-1.7"))
	in.Files = []string{waiting.ID.String()}
	if _, err := w.Save(t.Context(), w.who, p.ID, 1, in); err != nil {
		t.Fatal(err)
	}
	heard("save")
	w.check(t, waiting.ID)
	heard("file ready")
	if err := w.Archive(t.Context(), w.who, p.ID); err != nil {
		t.Fatal(err)
	}
	heard("archive")
}

func TestAShopWithoutSalesCanChangeItsCurrency(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.sold(t, "A"), w.sold(t, "B")
	in := form(b)
	in.Price = "19.60"
	if _, err := w.Save(t.Context(), w.who, b.ID, 1, in); err != nil {
		t.Fatal(err)
	}
	if err := w.d.InTx(t.Context(), func(tx *db.Tx) error { return w.Recurrency(t.Context(), tx, w.who.Shop, "EUR", "JPY") }); err != nil {
		t.Fatal(err)
	}
	os, err := w.Offers(t.Context(), w.d, []id.Product{a.ID, b.ID})
	if err != nil || os[0].Price.String() != "19 JPY" || os[1].Price.String() != "20 JPY" || os[0].Active {
		t.Errorf("%+v %v", os, err) // ¥19 cannot be charged
	}
	if err := w.d.InTx(t.Context(), func(tx *db.Tx) error { return w.Recurrency(t.Context(), tx, w.who.Shop, "JPY", "KWD") }); err != nil {
		t.Fatal(err)
	}
	if os, err = w.Offers(t.Context(), w.d, []id.Product{a.ID}); err != nil || os[0].Price.String() != "19.000 KWD" {
		t.Errorf("%+v %v", os, err)
	}
}

func TestFilesInUseAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.sold(t, "Kept")
	var used []bool
	if err := w.d.Select(t.Context(), &used, `SELECT used_at IS NOT NULL FROM files WHERE id = $1`, p.Files[0].ID); err != nil || !slices.Equal(used, []bool{true}) {
		t.Error(used, err)
	}
}

// listen waits for one notice after another on the event channel.
func listen(t *testing.T, d *db.DB, want string) func(what string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	ch := notices(t, d)
	return func(what string) {
		t.Helper()
		for {
			select {
			case got := <-ch:
				if got == want {
					return
				}
			case <-ctx.Done():
				t.Fatal("nobody heard of: ", what, errors.Join(ctx.Err()))
			}
		}
	}
}
