package app_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html"

	"vitrine/app/apptest"
	"vitrine/views/text"
)

// Every text of the creator's pages comes through the catalogue: in the disguised locale nothing stands in plain
// English but what people wrote themselves, names, numbers and dates.
func TestEveryTextComesThroughTheCatalogue(t *testing.T) {
	w := apptest.New(t)
	c := w.Creator()
	w.Buy(c.Product)
	w.Settle()
	b := w.SignIn(c.Email)
	plain := []string{"Vitrine", c.Email, c.Shop.Name, c.Shop.Slug, "@mail.", "http", "Google", "Stripe", "EUR", "PDF", "UTC", "webtest", "Android", "Forty glazes", "Aa", "#", "shop.localhost"}
	for _, path := range []string{"/app/today", "/app/orders", "/app/window", "/app/window/add", "/app/window/theme", "/app/window/publish", "/app/products",
		"/app/products/new", "/app/you", "/app/messages", "/app/settings/shop", "/app/settings/security", "/app/security", "/my", "/forgot", "/app/offline"} {
		p := b.Get(path + "?lang=en-XA").Is(200)
		for _, n := range p.Doc().Find("main *, nav *").Nodes {
			for k := n.FirstChild; k != nil; k = k.NextSibling {
				s := ""
				if k.Type == html.TextNode && n.Data != "option" && n.Data != "style" && n.Data != "template" && n.Data != "noscript" {
					s = strings.TrimSpace(k.Data)
				}
				if s == "" || text.IsPseudo(s) || written(s, plain) {
					continue
				}
				t.Errorf("%s: %q stands in <%s>", path, s, n.Data)
			}
		}
	}
}

// written reports whether a text is somebody's own, or a name, or made of numbers and a month.
func written(s string, plain []string) bool {
	for _, p := range plain {
		if p != "" && strings.Contains(s, p) {
			return true
		}
	}
	for _, f := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" ,.:·/€-–−%0123456789", r) }) {
		if !strings.Contains("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec January February March April June July August September October November December", f) {
			return false
		}
	}
	return true
}
