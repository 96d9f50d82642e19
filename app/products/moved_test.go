package products_test

import (
	"testing"

	"vitrine/app/errs"
	"vitrine/app/products"
)

func TestAFormerAddressLeadsToTheProduct(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := good("Forty glazes")
	in.Files, in.Active = []string{w.file(t, "glazes.pdf")}, true
	p := w.make(t, in)
	rename := func(slug string) {
		t.Helper()
		in.Slug = slug
		var err error
		if p, err = w.Save(t.Context(), w.who, p.ID, p.Version, in); err != nil {
			t.Fatal(err)
		}
	}
	moved := func(slug, want string) {
		t.Helper()
		got, err := w.Moved(t.Context(), w.d, w.who.Shop, slug)
		if got != want || (want == "") != errs.Is(err, errs.NotFound) {
			t.Errorf("%s leads to %q (%v), want %q", slug, got, err, want)
		}
	}
	first := p.Slug
	moved(first, "")
	rename("glazes")
	moved(first, "glazes")
	rename("all-glazes")
	moved(first, "all-glazes")
	moved("glazes", "all-glazes")
	rename(first) // back where it was: nothing leads in a circle
	moved("glazes", first)
	moved(first, "")
	moved("../x", "")

	page := func() error {
		_, err := w.PublicPage(t.Context(), w.d, products.PublicShop{ID: w.who.Shop, URL: "http://shop.test/@ada"}, first)
		return err
	}
	if err := page(); err != nil {
		t.Fatal(err)
	}
	if err := w.Archive(t.Context(), w.who, p.ID); err != nil {
		t.Fatal(err)
	}
	if err := page(); !errs.Is(err, errs.Gone) {
		t.Errorf("an archived product: %v", err)
	}
	moved("glazes", "")
}
