package importer_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"vitrine/app/builder"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/importer"
	"vitrine/app/importer/source"
	"vitrine/app/storefronts"
)

func TestAPageComesInOneStepAndGoesInOne(t *testing.T) {
	b := newBench(t)
	before, had := b.window(t), b.goods(t)
	o := b.read(t, b.site.put("/", workshop))
	i := b.take(t, o, all(o))

	want := []string{"header: Werkstatt Lind Instagram", "text: Keramik aus Halle.", "text: Laden", "product:", "text: Links", "link: Kurse https://example.com/kurse", "gallery:  +picture +picture"}
	if got := b.window(t); !slices.Equal(got, want) {
		t.Errorf("the window is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	goods := b.goods(t)
	if goods["Blaue Tasse"] != "24.50" || len(goods) != len(had)+1 {
		t.Errorf("the products are %v", goods)
	}
	w := why(i)
	if !strings.Contains(w["Poster"], "Prices are never converted") || !strings.Contains(w["Anruf"], "not to telephones") || w["Kurse"] != "imported" {
		t.Errorf("the report says %q", w)
	}
	if n := b.Count(`SELECT count(*) FROM products WHERE shop_id = $1 AND name = 'Blaue Tasse' AND is_active`, b.who.Shop); n != 0 {
		t.Error("the product is on sale without a file")
	}

	b.Work() // pictures come later, by jobs
	f, err := b.s.Fetched(t.Context(), i.ID)
	if err != nil || f.All != 3 || f.Waiting != 0 || len(f.Failed) != 1 || !strings.HasSuffix(f.Failed[0].URL, "/weg.png") {
		t.Errorf("pictures: %+v, %v", f, err)
	}
	if n := b.Count(`SELECT count(*) FROM files f JOIN import_pictures p ON p.file_id = f.id WHERE f.status = 'ready'`); n != 2 {
		t.Errorf("%d pictures are in the bucket", n)
	}
	blocks, err := b.App.Builder.Blocks(t.Context(), b.DB, b.who)
	if err != nil {
		t.Fatal(err)
	}
	if g := blocks[len(blocks)-1]; g.Kind != builder.Gallery || g.Props.Pictures[0].Alt != "Der Ofen" {
		t.Errorf("%+v", g)
	}

	if err := b.s.Undo(t.Context(), b.who, i.ID); err != nil {
		t.Fatal(err)
	}
	if got := b.window(t); !slices.Equal(got, before) {
		t.Errorf("undone, the window is %q, and was %q", got, before)
	}
	if got := b.goods(t); len(got) != len(had) {
		t.Errorf("undone, the products are %v", got)
	}
}

func TestTheSecondTimeNothingComes(t *testing.T) {
	b := newBench(t)
	url := b.site.put("/", workshop)
	o := b.read(t, url)
	b.take(t, o, all(o))
	window, goods := b.window(t), b.goods(t)
	o = b.read(t, url)
	for n, v := range o.Verdicts {
		if v.Can {
			t.Errorf("%q could come again", o.Import.Set.Records[n].Key)
		}
	}
	i := b.take(t, o, all(o))
	if n := importer.Tally(i.Report); n[importer.Left] != len(i.Report) || i.UndoSeq != 0 {
		t.Errorf("%v, undo %d", n, i.UndoSeq)
	}
	if got := b.window(t); !slices.Equal(got, window) {
		t.Errorf("the window is %q, and was %q", got, window)
	}
	if got := b.goods(t); len(got) != len(goods) {
		t.Errorf("the products are %v, and were %v", got, goods)
	}
	page := b.c.Get("/app/window/bring/" + b.read(t, url).Import.ID.String()).Is(200)
	page.Has("There is nothing new.").HasNot(`name="take"`)
}

func TestWhatHasChangedThereIsAnUpdate(t *testing.T) {
	b := newBench(t)
	o := b.read(t, b.site.put("/", workshop))
	b.take(t, o, all(o))
	before := b.window(t)
	now := strings.NewReplacer(">Kurse<", ">Kurse im Mai<", "24,50 €", "26,90 €", "Keramik aus Halle.", "Keramik aus Halle, seit 2009.", "</body>", `<h2>Neu</h2><a href="https://example.com/neu">Neues</a></body>`).Replace(workshop)
	o = b.read(t, b.site.put("/", now))
	updates := map[string]bool{}
	for n, v := range o.Verdicts {
		if v.Update {
			updates[o.Import.Set.Records[n].Title] = v.Can
		}
	}
	if len(updates) != 3 || !updates["Kurse im Mai"] || !updates["Blaue Tasse"] {
		t.Errorf("offered are %v", updates)
	}
	i := b.take(t, o, all(o))
	got := b.window(t)
	if len(got) != len(before)+2 || !slices.Contains(got, "link: Kurse im Mai https://example.com/kurse") || !slices.Contains(got, "text: Keramik aus Halle, seit 2009.") || !slices.Contains(got, "text: Neu") {
		t.Errorf("the window is %q", got)
	}
	if g := b.goods(t); g["Blaue Tasse"] != "26.90" {
		t.Errorf("the products are %v", g)
	}
	if err := b.s.Undo(t.Context(), b.who, i.ID); err != nil {
		t.Fatal(err)
	}
	if got := b.window(t); !slices.Equal(got, before) {
		t.Errorf("undone, the window is %q, and was %q", got, before)
	}
}

// Whatever is read, every record has one outcome with its reason, and the window is one that a person could have made.
func TestEveryFileIsAccountedFor(t *testing.T) {
	b := newBench(t)
	for name, body := range samples(t) {
		t.Run(name, func(t *testing.T) {
			c := b.Creator()
			b := &bench{b.World, b.site, c, storefronts.Who{User: c.User, Shop: c.Shop.ID}, b.s}
			o := b.file(t, name, body)
			i := b.take(t, o, all(o))
			n := importer.Tally(i.Report)
			if len(i.Report) != len(o.Import.Set.Records) || n[importer.Imported]+n[importer.Altered]+n[importer.Left] != len(i.Report) {
				t.Errorf("%d records, %v", len(o.Import.Set.Records), n)
			}
			if n[importer.Imported]+n[importer.Altered] == 0 {
				t.Error("nothing came")
			}
			for at, l := range i.Report {
				if l.Kind != o.Import.Set.Records[at].Kind || (l.Outcome == importer.Imported) != (len(l.Notes) == 0) {
					t.Errorf("%s %q is %s: %v", l.Kind, l.What, l.Outcome, l.Notes)
				}
			}
			blocks, err := b.App.Builder.Blocks(t.Context(), b.DB, b.who)
			if err != nil || len(blocks) > builder.MaxBlocks || kinds(blocks, builder.Header) > 1 {
				t.Errorf("%d blocks, %v", len(blocks), err)
			}
			for _, x := range blocks {
				if p, err := builder.CheckProps(x.Kind, x.Props); err != nil || !p.Equal(x.Props) {
					t.Errorf("%s %q would not pass: %v", x.Kind, x.Props.Title, err)
				}
			}
			if people := counted(o.Import.Set, source.Person); people > 0 {
				if had := b.Count(`SELECT count(*) FROM audience_members WHERE shop_id = $1`, b.who.Shop); had != i.People || had != n[importer.Imported]+n[importer.Altered] {
					t.Errorf("%d people in the audience, %d brought, %v", had, i.People, n)
				}
			}
			goods, window := len(b.goods(t)), b.window(t)
			again := b.file(t, name, body)
			j := b.take(t, again, all(again))
			if m := importer.Tally(j.Report); m[importer.Left] != len(j.Report) && len(window) < builder.MaxBlocks {
				t.Errorf("the second time, %v", m)
			}
			if len(b.goods(t)) != goods || !slices.Equal(b.window(t), window) {
				t.Errorf("the second time changed the shop")
			}
		})
	}
}

func TestPricesComeToTheCent(t *testing.T) {
	b := newBench(t)
	csv := "ID,Type,SKU,Name,Sale price,Regular price\n1,simple,A,Comma,,\"19,99\"\n2,simple,B,Grouped,,\"1.284,50\"\n3,simple,C,Point,,0.50\n4,simple,D,Free,,0\n5,simple,E,Tiny,,0.10\n6,simple,F,Odd,,1.999.9\n7,simple,G,Precise,,5.005\n8,simple,H,Huge,,99999999999\n"
	o := b.file(t, "woo.csv", []byte(csv))
	i := b.take(t, o, all(o))
	g := b.goods(t)
	for name, want := range map[string]string{"Comma": "19.99", "Grouped": "1284.50", "Point": "0.50", "Free": "0.00", "Tiny": "", "Odd": "", "Huge": "", "Precise": ""} {
		if g[name] != want {
			t.Errorf("%s costs %q, want %q", name, g[name], want)
		}
	}
	w := why(i)
	if !strings.Contains(w["Tiny"], "The least that can be charged") || !strings.Contains(w["Odd"], "cannot be read") {
		t.Errorf("%q", w)
	}
}

func TestPeopleComeOnce(t *testing.T) {
	b := newBench(t)
	csv := "Email,Name,Status\nmia@example.com,Mia,active\nMIA@example.com,Mia,active\nbo@example.com,Bo,unsubscribed\ncy@example.com,Cy,active\n"
	o := b.file(t, "people.csv", []byte(csv))
	i := b.take(t, o, all(o))
	if i.People != 2 || i.UndoSeq != 0 {
		t.Errorf("%d people, undo %d", i.People, i.UndoSeq)
	}
	for _, l := range i.Report {
		if strings.Contains(l.What, "@") {
			t.Errorf("the report names %q", l.What)
		}
	}
	if n := b.Count(`SELECT count(*) FROM imports WHERE id = $1 AND found IS NULL`, i.ID); n != 1 {
		t.Error("what was read is still kept")
	}
	o = b.file(t, "people.csv", []byte(csv+"di@example.com,Di,active\n"))
	j := b.take(t, o, all(o))
	if j.People != 1 {
		t.Errorf("%d people the second time", j.People)
	}
	if gone, err := b.s.Forget(t.Context(), b.who, i.ID); err != nil || gone != 2 {
		t.Errorf("%d taken out: %v", gone, err)
	}
	if n, err := b.s.Size(t.Context(), b.who); err != nil || n != 1 {
		t.Errorf("%d are left: %v", n, err)
	}
}

func TestNothingComesWithoutAWord(t *testing.T) {
	b := newBench(t)
	o := b.read(t, b.site.put("/", workshop))
	before := b.window(t)
	c := all(o)
	c.Mine = false
	if err := b.s.Take(t.Context(), b.who, o.Import.ID, c); !errs.Is(err, errs.Invalid) || errs.Fields(err)[0].Name != "mine" {
		t.Errorf("%v", err)
	}
	if got := b.window(t); !slices.Equal(got, before) {
		t.Errorf("the window is %q", got)
	}
	i := b.take(t, o, importer.Choice{Mine: true})
	if n := importer.Tally(i.Report); n[importer.Left] != len(i.Report) {
		t.Errorf("%v", n)
	}
	if got := b.window(t); !slices.Equal(got, before) {
		t.Errorf("nothing was chosen, and the window is %q", got)
	}
}

func TestTakingTwiceIsTakingOnce(t *testing.T) {
	b := newBench(t)
	o := b.read(t, b.site.put("/", workshop))
	done := make(chan error, 4)
	for range 4 {
		go func() { done <- b.s.Take(context.WithoutCancel(t.Context()), b.who, o.Import.ID, all(o)) }()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if got := b.window(t); len(got) != 7 {
		t.Errorf("the window is %q", got)
	}
	if g := b.goods(t); len(g) != 2 {
		t.Errorf("the products are %v", g)
	}
}

// cracked fails at the last moment, when products, pictures and blocks have been written.
type cracked struct{ importer.Window }

func (cracked) History(context.Context, db.Q, storefronts.Who) (builder.History, error) {
	return builder.History{}, errors.New("the wall fell in")
}

func TestAFailureLeavesEverythingAsItWas(t *testing.T) {
	b := newBench(t)
	o := b.read(t, b.site.put("/", workshop))
	before, goods, open := b.window(t), b.goods(t), b.Count(`SELECT count(*) FROM files`)
	broken := *b.s
	broken.Window = cracked{b.s.Window}
	if err := broken.Take(t.Context(), b.who, o.Import.ID, all(o)); err == nil {
		t.Fatal("nothing failed")
	}
	if got := b.window(t); !slices.Equal(got, before) || len(b.goods(t)) != len(goods) || b.Count(`SELECT count(*) FROM files`) != open {
		t.Errorf("the window is %q, the products %v", got, b.goods(t))
	}
	if n := b.Count(`SELECT count(*) FROM outbox WHERE kind = 'importer:fetch'`); n != 0 {
		t.Errorf("%d jobs are left", n)
	}
	b.take(t, o, all(o))
	if got := b.window(t); len(got) != 7 {
		t.Errorf("tried again, the window is %q", got)
	}
}

func TestAWindowHasRoomForAHundred(t *testing.T) {
	b := newBench(t)
	var html strings.Builder
	html.WriteString("<!doctype html><h1>Many</h1>")
	for n := range 130 {
		html.WriteString(`<p><a href="https://example.com/` + id.Token() + `">Link ` + strings.Repeat("i", n%7) + `</a></p>`)
	}
	o := b.file(t, "many.html", []byte(html.String()))
	c := all(o)
	c.Replace = true
	i := b.take(t, o, c)
	n := importer.Tally(i.Report)
	if got := len(b.window(t)); got != builder.MaxBlocks || n[importer.Left] != 31 {
		t.Errorf("%d blocks, %v", got, n)
	}
}

func TestWhatCannotBeReadIsSaidPlainly(t *testing.T) {
	b := newBench(t)
	b.site.put("/login", "<!doctype html><title>Log in</title><form><input name=u><button>Log in</button></form>")
	for url, want := range map[string]string{
		"http://127.0.0.1:1/": "not on the public web", "http://169.254.169.254/latest/meta-data": "not on the public web", "file:///etc/passwd": "Write the address of your page",
		b.site.URL + "/nowhere": "no page at this address", b.site.URL + "/login": "Nothing that could be brought",
	} {
		n := id.New[id.ImportKind]()
		if err := b.s.Address(t.Context(), b.who, n, url); err != nil {
			t.Fatal(err)
		}
		b.Work()
		i, err := b.s.Get(t.Context(), b.who, n)
		if err != nil || i.State != importer.Failed || !strings.Contains(i.Failure, want) {
			t.Errorf("%s is %s: %q, %v", url, i.State, i.Failure, err)
		}
		b.c.Get("/app/window/bring/" + n.String()).Is(200).Has(want)
	}
}

func TestPicturesHaveLimits(t *testing.T) {
	b := newBench(t)
	var html strings.Builder
	html.WriteString("<!doctype html><h1>Pictures</h1>")
	for n := range importer.MaxPictures + 5 {
		html.WriteString(`<img alt="One" src="/img/` + strings.Repeat("p", n+1) + `.png">`)
	}
	o := b.read(t, b.site.put("/pictures", html.String()))
	i := b.take(t, o, all(o))
	f, err := b.s.Fetched(t.Context(), i.ID)
	if err != nil || f.All != importer.MaxPictures {
		t.Errorf("%+v, %v", f, err)
	}
	cut := 0
	for _, l := range i.Report {
		for _, n := range l.Notes {
			if strings.Contains(n.Text, "one import fetches") {
				cut++
			}
		}
	}
	if cut != 5 {
		t.Errorf("%d pictures are said to be left out", cut)
	}
}

func TestWhatWasNeverTakenIsForgotten(t *testing.T) {
	b := newBench(t)
	o := b.file(t, "people.csv", []byte("email\nmia@example.com\n"))
	taken := b.file(t, "others.csv", []byte("email\nbo@example.com\n"))
	b.take(t, taken, all(taken))
	b.Pass(importer.KeepOpen + 1e9)
	if err := b.s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.s.Get(t.Context(), b.who, o.Import.ID); !errs.Is(err, errs.NotFound) {
		t.Errorf("%v", err)
	}
	if _, err := b.s.Get(t.Context(), b.who, taken.Import.ID); err != nil {
		t.Error(err)
	}
}
