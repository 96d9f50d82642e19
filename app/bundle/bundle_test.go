package bundle_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/app/apptest"
	"vitrine/app/assist"
	"vitrine/app/builder"
	"vitrine/app/bundle"
	"vitrine/app/config"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/importer"
	"vitrine/app/products"
	"vitrine/app/storefronts"
)

func TestMain(m *testing.M) { os.Exit(apptest.Main(m)) }

// house is an instance with one shop in it.
type house struct {
	*apptest.World
	who storefronts.Who
	s   *bundle.Service
}

func newHouse(t *testing.T, secret string) *house {
	t.Helper()
	w := apptest.New(t, func(c *config.Config) { c.SecretKey = config.Secret(strings.Repeat(secret, 32)) })
	c := w.Creator()
	h := &house{w, storefronts.Who{User: c.User, Shop: c.Shop.ID}, w.App.Archives()}
	w.Exec(`UPDATE shops SET name = 'Noor', slug = 'noor' WHERE id = $1`, h.who.Shop)
	w.Exec(`UPDATE products SET archived_at = now(), is_active = false WHERE shop_id = $1`, h.who.Shop) // the one that every test creator has
	u := h.App.Assist.Placed.Unsplash                                                                   // that of both is the same place
	u.URL, u.Key = "https://api.unsplash.com", ""
	return h
}

var kiln = assist.Placed{Source: "kiln1", Raw: "https://images.unsplash.com/photo-1?ixid=a", Width: 4000, Height: 3000, Color: "#a04020", Alt: "A kiln", Credit: "Ada / Unsplash",
	CreditURL: "https://unsplash.com/@ada?utm_medium=referral&utm_source=vitrine", Download: "https://api.unsplash.com/photos/kiln1/download"}

func drawing(t *testing.T, shade byte) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 400, 300))
	for i := range 400 * 300 {
		m.SetRGBA(i%400, i/400, color.RGBA{byte(i), byte(i / 400), shade, 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (h *house) take(t *testing.T, p files.Purpose, name string, body []byte) id.File {
	t.Helper()
	f, err := h.App.Files.Take(t.Context(), h.who.User, p, name, int64(len(body)), bytes.NewReader(body))
	if err != nil || f.Status != files.Ready {
		t.Fatalf("%s: %s %s %v", name, f.Status, f.Reason, err)
	}
	return f.ID
}

// furnish fills the shop: products, blocks of many kinds, pictures, a publish with a newer draft, people.
func (h *house) furnish(t *testing.T) {
	t.Helper()
	ctx, b := t.Context(), h.App.Builder
	who := products.Who{User: h.who.User, Shop: h.who.Shop, Currency: "EUR"}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	cover := h.take(t, files.ForImage, "cover.png", drawing(t, 90))
	pot, err := h.App.Products.Create(ctx, who, products.Input{Name: "Pot", Summary: "Stoneware", Description: "**Fired** twice.", Price: "19.90", Limited: true, Left: "7", Cover: cover.String(), CoverAlt: "A pot",
		Files: []string{h.take(t, files.ForProduct, "glazes.pdf", []byte("%PDF-1.7 forty")).String(), h.take(t, files.ForProduct, "Liste ü.csv", []byte("a,b\n1,2\n")).String()}, Active: true})
	must(err)
	draft, err := h.App.Products.Create(ctx, who, products.Input{Name: "Bowl", Price: "0"})
	must(err)
	last := id.Block{}
	add := func(k builder.Kind, p builder.Props) builder.Block {
		t.Helper()
		x, err := b.Add(ctx, h.who, id.New[id.BlockKind](), k, last)
		must(err)
		e, err := b.Edit(ctx, h.who, x.ID, x.V, p)
		must(err)
		last = x.ID
		return e.Block
	}
	have, err := b.Blocks(ctx, h.DB, h.who)
	must(err)
	last = have[0].ID
	var hung builder.Picture // a photograph that stands elsewhere
	add(builder.Product, builder.Props{Product: pot.ID, Note: "Last seven"})
	add(builder.Grid, builder.Props{Title: "All", Products: []id.Product{draft.ID, pot.ID}})
	gallery := add(builder.Gallery, builder.Props{Title: "Studio", Pictures: []builder.Picture{{File: cover, Alt: "A pot"}, {File: h.take(t, files.ForImage, "kiln.png", drawing(t, 10)), Alt: "The kiln", Credit: "Ada", CreditURL: "https://example.com/ada"}}})
	must(h.DB.InTx(ctx, func(tx *db.Tx) error {
		photo, err := h.App.Assist.Placed.Adopt(ctx, tx, h.who.User, kiln)
		hung = builder.Picture{File: photo, Alt: kiln.Alt, Credit: kiln.Credit, CreditURL: kiln.CreditURL}
		return err
	}))
	add(builder.Image, builder.Props{Pictures: []builder.Picture{hung}})
	add(builder.FAQ, builder.Props{Title: "Questions", Items: []builder.Item{{Title: "Oven?", Text: "Yes.\n\nUp to 200 °C."}}})
	must(b.Schedule(ctx, h.who, gallery.ID, builder.Hours{From: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)}))
	_, err = b.Dress(ctx, h.who, storefronts.Look{Theme: "house", BrandColor: "#2637c4", HeaderStyle: "plain"})
	must(err)
	r, err := b.Review(ctx, h.who)
	must(err)
	_, err = b.Publish(ctx, h.who, r.Shop.Seq)
	must(err)
	add(builder.Quote, builder.Props{Text: "Written after the publish", By: "Nobody yet"})
	must(b.Hide(ctx, h.who, last, true))
	must(b.Move(ctx, h.who, last, id.Block{}))
	must(h.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := h.App.Importer.Welcome(ctx, tx, h.who, []importer.Person{{Email: "ada@example.com", Name: "Ada", Consent: "Newsletter form", Since: "2024-02-03"}, {Email: "bo@example.com", Consent: "Bought"}})
		return err
	}))
}

func (h *house) archive(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := h.s.Write(t.Context(), h.who, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bring sends an archive the whole way: upload, check, job.
func (h *house) bring(t *testing.T, body []byte, show bool) bundle.Arrival {
	t.Helper()
	n := id.New[id.ArrivalKind]()
	f := h.take(t, files.ForProduct, "noor.vitrine.zip", body)
	for range 2 { // a double click
		if err := h.s.Begin(t.Context(), h.who, n, f, show); err != nil {
			t.Fatal(err)
		}
	}
	h.Work()
	a, err := h.s.Find(t.Context(), h.who, n)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// entries are an archive's, without who signed it.
func entries(t *testing.T, body []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name] = b
	}
	delete(out, "vitrine.json")
	delete(out, "vitrine.sig")
	return out
}

func TestAShopLeavesAndArrivesAsItWas(t *testing.T) {
	from, to := newHouse(t, "a"), newHouse(t, "b")
	from.furnish(t)
	body := from.archive(t)
	a := to.bring(t, body, true)
	if a.State != bundle.There || a.Report.Ours || a.Report.Blocks != 7 || a.Report.Products != 2 || a.Report.Files != 4 || a.Report.Members != 2 || !a.Report.Shown {
		t.Fatalf("%+v", a)
	}
	was, is := entries(t, body), entries(t, to.archive(t))
	for name, b := range was {
		if !bytes.Equal(b, is[name]) {
			t.Errorf("%s is\n%s\nand was\n%s", name, clip(is[name]), clip(b))
		}
	}
	if len(was) != len(is) || len(was) < 9 {
		t.Errorf("%d entries, and there were %d", len(is), len(was))
	}
	for _, x := range []id.User{from.who.User, to.who.User} {
		for name, b := range is {
			if bytes.Contains(b, []byte(x.String())) {
				t.Errorf("%s names a person of an instance", name)
			}
		}
	}
	if n := to.Count(`SELECT count(*) FROM photos WHERE creator_id = $1 AND raw_url = $2`, to.who.User, kiln.Raw); n != 1 {
		t.Errorf("%d photographs", n)
	}
	// Once more: products come a second time, people do not.
	again := to.bring(t, body, false)
	if again.State != bundle.There || again.Report.Members != 0 || again.Report.Known != 2 || again.Report.Shown {
		t.Errorf("%+v", again)
	}
}

func clip(b []byte) string { return string(b[:min(len(b), 1500)]) }

func TestAnArrivalIsOneStepOfUndo(t *testing.T) {
	from, to := newHouse(t, "a"), newHouse(t, "a")
	from.furnish(t)
	before, _, err := to.App.Builder.Whole(t.Context(), to.DB, to.who)
	if err != nil {
		t.Fatal(err)
	}
	if a := to.bring(t, from.archive(t), false); a.State != bundle.There || !a.Report.Ours {
		t.Fatalf("%+v", a)
	}
	h, err := to.App.Builder.History(t.Context(), to.DB, to.who)
	if err != nil || h.Undo == nil {
		t.Fatal(err)
	}
	if _, err := to.App.Builder.Undo(t.Context(), to.who, h.Undo.Seq); err != nil {
		t.Fatal(err)
	}
	after, _, err := to.App.Builder.Whole(t.Context(), to.DB, to.who)
	if err != nil || fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("%v\nis not\n%v", after, before)
	}
	if n := to.Count(`SELECT count(*) FROM products WHERE shop_id = $1 AND archived_at IS NULL`, to.who.Shop); n != 0 {
		t.Errorf("%d products have stayed", n)
	}
}

// remake writes an archive anew with other entries, under the old table of contents and signature.
func remake(t *testing.T, body []byte, change func(name string, b []byte) []byte) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range z.File {
		r, _ := f.Open()
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if b = change(f.Name, b); b == nil {
			continue
		}
		e, _ := w.Create(f.Name)
		e.Write(b)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestAChangedArchiveIsRefused(t *testing.T) {
	from, to := newHouse(t, "a"), newHouse(t, "b")
	from.furnish(t)
	body := from.archive(t)
	same := remake(t, body, func(_ string, b []byte) []byte { return b })
	if _, err := to.s.Open(bytes.NewReader(same), int64(len(same))); err != nil {
		t.Fatalf("packed anew, and refused: %v", err)
	}
	names := slices.Sorted(func(yield func(string) bool) {
		for n := range entries(t, body) {
			if !yield(n) {
				return
			}
		}
	})
	before := to.Count(`SELECT draft_seq FROM shops WHERE id = $1`, to.who.Shop)
	for _, name := range append(names, "vitrine.json", "vitrine.sig") {
		r := rand.New(rand.NewPCG(1, 2))
		a := to.bring(t, remake(t, body, func(n string, b []byte) []byte {
			if n == name { // as long as before, so that only the digest can tell
				b = slices.Clone(b)
				b[r.IntN(len(b))] ^= 1
			}
			return b
		}), true)
		if a.State != bundle.Failed || a.Failure == "" {
			t.Errorf("%s was changed, and it was taken: %+v", name, a)
		}
	}
	for what, change := range map[string]func(n string, b []byte) []byte{
		"an entry is missing": func(n string, b []byte) []byte {
			if n == "files.json" {
				return nil
			}
			return b
		},
		"an entry is longer": func(n string, b []byte) []byte {
			if strings.HasPrefix(n, "files/") {
				return append(slices.Clone(b), 'x')
			}
			return b
		},
		"another format": func(n string, b []byte) []byte {
			if n == "vitrine.json" {
				return bytes.Replace(b, []byte("vitrine-shop/1"), []byte("vitrine-shop/9"), 1)
			}
			return b
		},
	} {
		if a := to.bring(t, remake(t, body, change), true); a.State != bundle.Failed {
			t.Errorf("%s, and it was taken: %+v", what, a)
		}
	}
	for _, junk := range [][]byte{[]byte("no zip at all, but long enough to be one, perhaps, if nobody looks"), body[:len(body)/2]} {
		if _, err := to.s.Open(bytes.NewReader(junk), int64(len(junk))); !errs.Is(err, errs.Invalid) {
			t.Errorf("junk was taken: %v", err)
		}
	}
	if now := to.Count(`SELECT draft_seq FROM shops WHERE id = $1`, to.who.Shop); now != before {
		t.Error("something of a refused archive is in the shop")
	}
}

// A photograph that does not stand where Unsplash shows its own would let an archive choose whom this instance asks.
func TestAPhotographOfAnotherHostStaysBehind(t *testing.T) {
	from, to := newHouse(t, "a"), newHouse(t, "b")
	from.furnish(t)
	for _, change := range []func(p *assist.Placed){
		func(p *assist.Placed) { p.Raw = "http://169.254.169.254/latest/meta-data" },
		func(p *assist.Placed) { p.Download = "http://127.0.0.1:6379/" },
	} {
		c, err := from.s.Read(t.Context(), from.who)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range slices.Concat(c.Page.Draft, c.Page.Published) {
			for i := range b.Props.Pictures {
				if p := b.Props.Pictures[i].Photo; p != nil {
					change(p)
				}
			}
		}
		var b bytes.Buffer
		if err := from.s.Pack(t.Context(), c, &b); err != nil {
			t.Fatal(err)
		}
		if a := to.bring(t, b.Bytes(), false); a.State != bundle.There {
			t.Fatalf("%+v", a)
		}
		if n := to.Count(`SELECT count(*) FROM photos`); n != 0 {
			t.Errorf("%d photographs", n)
		}
	}
}

// A forger signs with a key of their own: then every entry passes, and what is in it is checked as if typed.
func TestASignedArchiveIsCheckedLikeWhatPeopleType(t *testing.T) {
	from, to := newHouse(t, "a"), newHouse(t, "b")
	from.furnish(t)
	c, err := from.s.Read(t.Context(), from.who)
	if err != nil {
		t.Fatal(err)
	}
	for what, spoil := range map[string]func(*bundle.Contents){
		"a link that runs a script": func(c *bundle.Contents) {
			c.Page.Draft = append(c.Page.Draft, bundle.Block{Ref: "x", Kind: builder.Link, Props: bundle.Props{Props: builder.Props{Title: "x", URL: "javascript:alert(1)"}}})
		},
		"a kind that is none": func(c *bundle.Contents) { c.Page.Draft[0].Kind = "script" },
		"two headers": func(c *bundle.Contents) {
			c.Page.Draft = append(c.Page.Draft, bundle.Block{Ref: "x", Kind: builder.Header})
		},
		"a price below nothing": func(c *bundle.Contents) { c.Products[0].Price = "-5" },
		"another currency":      func(c *bundle.Contents) { c.Shop.Currency = "USD" },
		"a look of theirs":      func(c *bundle.Contents) { c.Shop.Look.BrandColor = "red;}body{display:none" },
		"a person who is none":  func(c *bundle.Contents) { c.Members[0].Email = "nobody" },
		"a file's purpose":      func(c *bundle.Contents) { c.Files[0].Purpose = "program" },
	} {
		bad := clone(t, from, c)
		spoil(&bad)
		var b bytes.Buffer
		if err := from.s.Pack(t.Context(), bad, &b); err != nil {
			t.Fatal(err)
		}
		if a := to.bring(t, b.Bytes(), true); a.State != bundle.Failed || a.Failure == "" {
			t.Errorf("%s: %+v", what, a)
		}
	}
	if n := to.Count(`SELECT count(*) FROM products WHERE shop_id = $1 AND archived_at IS NULL`, to.who.Shop); n != 0 {
		t.Errorf("%d products of refused archives", n)
	}
}

// clone is c as another value, through the service so that its files can still be read.
func clone(t *testing.T, h *house, c bundle.Contents) bundle.Contents {
	t.Helper()
	out, err := h.s.Read(t.Context(), h.who)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(c)
	b, _ := json.Marshal(out)
	if sha256.Sum256(a) != sha256.Sum256(b) {
		t.Fatal("the shop has changed meanwhile")
	}
	return out
}
