package products_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"vitrine/app/db"
	"vitrine/app/products"
	"vitrine/app/web/webtest"
)

// drawn is HTML that was drawn without a request.
type drawn struct {
	body string
	doc  *goquery.Document
}

func drawnOf(t *testing.T, body string) drawn {
	t.Helper()
	d, err := goquery.NewDocumentFromReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return drawn{body, d}
}

func (d drawn) has(t *testing.T, all ...string) {
	t.Helper()
	for _, s := range all {
		if !strings.Contains(d.body, s) {
			t.Errorf("no %q in %s", s, d.body)
		}
	}
}

func (d drawn) hasNot(t *testing.T, none ...string) {
	t.Helper()
	for _, s := range none {
		if strings.Contains(d.body, s) {
			t.Errorf("%q is in %s", s, d.body)
		}
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestThePublicPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := good("Forty <b>glazes</b>")
	in.Files, in.Active, in.Cover, in.CoverAlt = []string{w.file(t, "glazes.pdf")}, true, w.picture(t), "Nine tiles"
	in.Summary, in.Description, in.Limited, in.Left = "PDF, 84 pages", "# Inside\n\n**All** of them <script>alert(1)</script>", true, "3"
	p := w.make(t, in)
	shop := products.PublicShop{ID: w.who.Shop, Name: "Ada's </script>", URL: "http://shop.test/@" + w.slug, AppURL: "http://app.test"}
	draw := func(s products.PublicShop) (products.PublicPage, drawn) {
		t.Helper()
		page, err := w.PublicPage(t.Context(), w.d, s, p.Slug)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := page.Main.Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if page.Bar != nil {
			if err := page.Bar.Render(t.Context(), &b); err != nil {
				t.Fatal(err)
			}
		}
		return page, drawnOf(t, b.String())
	}
	page, main := draw(shop)
	buy := "http://app.test/checkout/start?p=" + p.ID.String() + "&q=1"
	if main.doc.Find("h1").Text() != "Forty <b>glazes</b>" || main.doc.Find("#buy").AttrOr("href", "") != buy || main.doc.Find("#buy").Text() != "Buy for €19" || main.doc.Find(".buybar a").AttrOr("href", "") != buy {
		t.Error(main.body)
	}
	main.has(t, "3 copies left", "glazes.pdf", "PDF, 19 B", "<h3>Inside</h3>")
	main.hasNot(t, "<script", "style=", "onclick", "hx-")
	img := main.doc.Find(".prod__art img")
	if img.AttrOr("fetchpriority", "") != "high" || img.AttrOr("alt", "") != "Nine tiles" || img.AttrOr("width", "") != "400" || !strings.Contains(img.AttrOr("srcset", ""), "360w") {
		t.Error(main.body)
	}
	ld := jsonOf(t, page.JSONLD)
	for _, want := range []string{`"price":"19.00"`, `"priceCurrency":"EUR"`, `schema.org/InStock`, `"BreadcrumbList"`, `"http://media.test/m/`, `\u003c/script\u003e`} {
		if !strings.Contains(ld, want) {
			t.Errorf("no %s in %s", want, ld)
		}
	}
	for _, f := range webtest.SchemaFaults(t, ld) {
		t.Error(f)
	}
	if page.Title != p.Name || page.Description != "PDF, 84 pages. Inside All of them alert(1)" || page.ImageW != 400 {
		t.Errorf("%+v", page)
	}
	closed := shop
	closed.Closed = true
	page, main = draw(closed)
	if main.doc.Find("a.btn--go").Length() != 0 || page.Bar != nil {
		t.Error("a closed shop sells")
	}
	main.has(t, "The shop is closed")

	none := 0
	if err := w.d.InTx(t.Context(), func(tx *db.Tx) error { return w.stock.Set(t.Context(), tx, p.ID, w.who.Shop, w.who.User, &none) }); err != nil {
		t.Fatal(err)
	}
	page, main = draw(shop)
	if main.doc.Find("a.btn--go").Length() != 0 || !strings.Contains(jsonOf(t, page.JSONLD), "schema.org/SoldOut") {
		t.Error("what is sold out is sold")
	}
	main.has(t, "Sold out")

	free := form(p)
	free.Price, free.LeftWas = "0", "0"
	if p, err := w.Save(t.Context(), w.who, p.ID, 1, free); err != nil || p.Left != products.Unlimited {
		t.Fatal(p.Left, err)
	}
	_, main = draw(shop)
	main.has(t, "Get it free", ">Free<")
	main.hasNot(t, "€0")
	for _, slug := range []string{"nothing", "", "../x", strings.ToUpper("<script>")} {
		if _, err := w.PublicPage(t.Context(), w.d, shop, slug); err == nil {
			t.Errorf("%q is found", slug)
		}
	}
}
