package app_test

import (
	"net/http"
	"strings"
	"testing"

	"vitrine/app/apptest"
	"vitrine/app/storefronts"
)

func TestProgramsOpenChangeAndDeleteShops(t *testing.T) {
	w := &integrators{apptest.New(t)}
	c, other := w.Creator(), w.Creator()
	p, thief, guest := w.program(c.User), w.program(other.User), &program{w: w.World}
	const at = "/api/v1/storefronts"

	code, made := p.post(at, "one", map[string]any{"name": "Second window", "slug": "second-window"})
	if code != 201 || made["slug"] != "second-window" || made["currency"] != "EUR" || made["published"] != false {
		t.Fatalf("%d %v", code, made)
	}
	if code, again := p.post(at, "one", map[string]any{"name": "Second window", "slug": "second-window"}); code != 201 || again["id"] != made["id"] {
		t.Errorf("the same key opened another: %d %v", code, again)
	}
	for what, body := range map[string]map[string]any{"taken": {"name": "X", "slug": "second-window"}, "no name": {"name": ""}, "no currency": {"name": "X", "currency": "XXX"}, "unknown field": {"name": "X", "creator_id": other.User.String()}} {
		if code, out := p.post(at, "", body); code != 422 {
			t.Errorf("%s: %d %v", what, code, out)
		}
	}
	code, list := p.call(http.MethodGet, at, "", nil)
	if all, _ := list["storefronts"].([]any); code != 200 || len(all) != 2 {
		t.Errorf("%d %v", code, list)
	}

	mine := at + "/" + made["id"].(string)
	code, out := p.call(http.MethodPut, mine, "", map[string]any{"name": "Renamed", "theme": "house", "brand_color": "#ff0000"})
	if look, _ := out["look"].(map[string]any); code != 200 || out["name"] != "Renamed" || out["slug"] != "second-window" || look["theme"] != "house" || look["brand_color"] != "#ff0000" {
		t.Errorf("%d %v", code, out)
	}
	for what, body := range map[string]map[string]any{"a theme that is none": {"theme": "neon"}, "a colour that is none": {"brand_color": "red;}"}, "null": {"name": nil}, "unknown": {"deleted_at": nil}} {
		if code, out := p.call(http.MethodPut, mine, "", body); code != 422 {
			t.Errorf("%s: %d %v", what, code, out)
		}
	}
	for what, body := range map[string]map[string]any{"currency": {"name": "Half", "currency": "XXX"}, "look": {"name": "Half", "theme": "neon"}, "slug": {"name": "Half", "slug": c.Shop.Slug}} {
		if code, _ := p.call(http.MethodPut, mine, "", body); code != 422 {
			t.Errorf("%s: %d", what, code)
		}
	}
	if _, out := p.call(http.MethodPut, mine, "", map[string]any{}); out["name"] != "Renamed" {
		t.Errorf("nothing named, and it changed: %v", out)
	}

	// What others may do: read what is published, and nothing else.
	for _, x := range []*program{thief, guest} {
		want := 404
		if x == guest {
			want = 401
		}
		for _, method := range []string{http.MethodPut, http.MethodDelete} {
			if code, out := x.call(method, mine, "", map[string]any{"name": "Stolen"}); code != want {
				t.Errorf("%s: %d %v", method, code, out)
			}
		}
		if code, _ := x.call(http.MethodGet, at+"/second-window", "", nil); code != 404 {
			t.Errorf("an unpublished window is shown: %d", code)
		}
	}
	code, seen := guest.call(http.MethodGet, at+"/"+c.Shop.Slug, "", nil)
	if blocks, _ := seen["blocks"].([]any); code != 200 || len(blocks) == 0 || seen["name"] != c.Shop.Name {
		t.Errorf("%d %v", code, seen)
	}

	sale := w.Buy(c.Product)
	for range 2 {
		if code, out := p.call(http.MethodDelete, at+"/"+c.Shop.ID.String(), "", nil); code != 204 {
			t.Errorf("%d %v", code, out)
		}
	}
	if code, out := guest.call(http.MethodGet, at+"/"+c.Shop.Slug, "", nil); code != 410 {
		t.Errorf("a deleted shop: %d %v", code, out)
	}
	if code, _ := p.call(http.MethodPut, at+"/"+c.Shop.ID.String(), "", map[string]any{"name": "Back"}); code != 404 {
		t.Errorf("a deleted shop was changed: %d", code)
	}
	shop := w.ShopBrowser()
	shop.Get("/@" + c.Shop.Slug).Is(410).Has("This shop is gone")
	shop.Get("/@" + c.Shop.Slug + "/p/" + c.Slug).Is(410)
	if page := w.Browser().Get("/checkout/start?p=" + c.Product.String() + "&q=1"); page.Status != 409 || !strings.Contains(page.Body, "closed") {
		t.Errorf("a product of a deleted shop can be bought: %d\n%s", page.Status, page.Text("main"))
	}
	if page := sale.Get(sale.Order.URL.String()); page.Status != 200 {
		t.Errorf("the receipt of before: %d", page.Status)
	}
	if n := w.Count(`SELECT count(*) FROM orders WHERE shop_id = $1`, c.Shop.ID); n == 0 {
		t.Error("the orders have gone with the shop")
	}
	if _, err := w.App.Shops.BringBack(t.Context(), storefronts.Who{User: c.User, Shop: c.Shop.ID}); err != nil {
		t.Error(err)
	}
}

func TestAPageOfOneShopDoesNotWriteIntoAnother(t *testing.T) {
	w := apptest.New(t)
	c := w.Creator()
	page := c.Get("/app/settings/shop").Is(200)
	tag := page.Doc().Find("meta[name=uid]").AttrOr("content", "")
	if tag == "" {
		t.Fatal("the page does not say whose it is")
	}
	second, err := w.App.Shops.Another(t.Context(), c.User, storefronts.NewShop{Name: "Second", Slug: "second-" + c.Shop.Slug[:8], Currency: "EUR"})
	if err != nil {
		t.Fatal(err)
	}
	c.Submit(c.Get("/app/settings/shop").Is(200).Has("Second"), "form:has(#choose-"+second.ID.String()+")", nil).Is(303)
	c.Get("/app/settings/shop").Is(200).Has("second-")
	was := map[string][]string{"name": {"Meant for the first"}, "slug": {c.Shop.Slug}}
	c.Post("/app/settings/shop?for="+tag, was).Is(409).Has("You work on another shop now")
	if sh, _ := w.App.Shops.ByID(t.Context(), w.DB, second.ID); sh.Name != "Second" {
		t.Fatalf("written into the wrong shop: %s", sh.Name)
	}
	now := c.Get("/app/settings/shop").Doc().Find("meta[name=uid]").AttrOr("content", "")
	c.Post("/app/settings/shop?for="+now, map[string][]string{"name": {"Renamed"}, "slug": {second.Slug}}).Is(303)
	other := w.Creator()
	other.Post("/app/shops/"+second.ID.String()+"/choose", nil).Is(404)
	other.Post("/app/shops/"+second.ID.String()+"/return", nil).Is(404)

	ask := c.Get("/app/shops/deletion").Is(200).Has("Renamed")
	c.Submit(ask, "form:has(#delete-shop)", map[string]string{"sure": "something else"}).Is(422)
	c.Submit(ask, "form:has(#delete-shop)", map[string]string{"sure": " renamed "}).Is(303)
	c.Get("/app/settings/shop").Is(200).Has(c.Shop.Slug).Has("Can be brought back until")
}
