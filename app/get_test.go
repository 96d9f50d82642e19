package app_test

import (
	"net/http"
	"strings"
	"testing"

	"vitrine/app/apptest"
	"vitrine/app/web"
	"vitrine/app/web/webtest"
)

// Every address that can be opened is opened, with parameters that mean something, by a visitor, by the buyer and
// by the creator, and no row changes but in sessions.
func TestGETNeverWrites(t *testing.T) {
	w := apptest.New(t)
	c := w.Creator()
	s := w.Buy(c.Product)
	open := w.Begin(c.Product) // and one that is not paid yet
	open.Get("/my").Is(http.StatusOK)
	open.Submit(open.Get("/my"), `form[action="/my"]`, map[string]string{"email": s.Email})
	w.Settle()
	values := map[string]string{
		"slug": c.Shop.Slug, "size": "640", "*": "app.css",
		"order": row(t, w, `SELECT id FROM orders WHERE status = 'paid'`), "block": row(t, w, `SELECT id FROM blocks LIMIT 1`),
		"product": c.Product.String(), "file": row(t, w, `SELECT id FROM files LIMIT 1`),
	}
	values["checkout token"] = w.App.Orders.CheckoutToken(checkoutOf(t, w, "paid"))
	values["open token"] = w.App.Orders.CheckoutToken(checkoutOf(t, w, "open"))
	values["order token"] = strings.TrimPrefix(s.Order.URL.Path, "/o/")
	mails := w.Mails(s.Email, "")
	for _, m := range mails {
		if _, rest, ok := strings.Cut(m.Text, "/my/"); ok {
			values["library token"] = strings.Fields(rest)[0]
		}
	}
	if values["library token"] == "" {
		t.Fatal("no mail with a link to the library")
	}
	before := fingerprint(t, w)
	seen, good := 0, 0
	for _, r := range w.App.Router.Table() {
		if r.Method != http.MethodGet || strings.HasSuffix(r.Path, "/live") {
			continue // streams stay open; they have their own tests
		}
		for _, path := range addresses(r, values, c.Slug) {
			for _, b := range []*webtest.Browser{c.Browser, s.Browser, w.Browser()} {
				for _, method := range []string{http.MethodGet, http.MethodHead} {
					p := b.Do(method, base(w, r.Host)+path, "", "")
					if p.Status >= 500 {
						t.Errorf("%s %s answers %d", method, path, p.Status)
					}
					if p.Status < 400 {
						good++
					}
					seen++
				}
			}
			after := fingerprint(t, w)
			if after != before && !learns(r, difference(before, after)) {
				t.Errorf("GET %s has written:\n%s", path, difference(before, after))
			}
			before = after
		}
	}
	if good < seen/2 {
		t.Errorf("only %d of %d answers were pages", good, seen)
	}
	t.Logf("%d calls, %d answered with a page or a way on", seen, good)
}

// addresses are those under which a route shows something.
func addresses(r web.Route, v map[string]string, productSlug string) []string {
	by := func(name, value string) string {
		m := map[string]string{name: value}
		for k, x := range v {
			if _, ok := m[k]; !ok {
				m[k] = x
			}
		}
		return fill(r.Path, m)
	}
	switch {
	case strings.HasPrefix(r.Path, "/checkout/start"):
		return []string{r.Path + "?p=" + v["product"] + "&q=1", r.Path}
	case strings.HasPrefix(r.Path, "/checkout/"):
		return []string{by("token", v["checkout token"]), by("token", v["open token"])}
	case strings.HasPrefix(r.Path, "/o/"):
		return []string{by("token", v["order token"])}
	case strings.HasPrefix(r.Path, "/my/"):
		return []string{by("token", v["library token"])}
	case strings.HasPrefix(r.Path, "/app/orders/"):
		return []string{by("id", v["order"])}
	case strings.HasPrefix(r.Path, "/app/window/blocks/"):
		return []string{by("id", v["block"])}
	case strings.HasPrefix(r.Path, "/app/products/quote"):
		return []string{r.Path + "?price=19"}
	case strings.HasPrefix(r.Path, "/app/products/"):
		return []string{by("id", v["product"])}
	case strings.HasPrefix(r.Path, "/app/files/"):
		return []string{by("id", v["file"])}
	case r.Host == web.Shop && strings.Contains(r.Path, ":product"):
		return []string{by("product", productSlug)}
	}
	return []string{by("none", "")}
}

// learns is the one exception: coming back from the payment page asks the provider and keeps what it says of the
// checkout, as its event does. Who calls it again, or from elsewhere, changes nothing by it.
func learns(r web.Route, changed string) bool {
	return r.Path == "/checkout/return/:token" && strings.HasPrefix(changed, "checkouts ") && !strings.Contains(changed, "\n")
}
