package app_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"vitrine/app/apptest"
	"vitrine/app/id"
	"vitrine/app/web"
	"vitrine/app/web/webtest"
)

// person is the tag under which a page lets the installed app keep what belongs to who looks at it.
func person(t *testing.T, b *webtest.Browser) string {
	t.Helper()
	tag, _ := b.Get("/app/window").Is(http.StatusOK).Doc().Find(`meta[name="uid"]`).Attr("content")
	if len(tag) < 20 {
		t.Fatalf("the page is for %q", tag)
	}
	return tag
}

func TestEditsThatWaitedAreTakenFromNobodyElse(t *testing.T) {
	w := apptest.New(t)
	ada, bea := w.Creator(), w.Creator()
	tag := person(t, ada.Browser)
	if tag == person(t, bea.Browser) || strings.Contains(tag, ada.User.String()) {
		t.Fatalf("the tag %q does not tell people apart, or tells too much", tag)
	}
	add := func(b *webtest.Browser, block string) *webtest.Page {
		b.HTMX = true
		b.Header.Set("X-Person", tag)
		b.Header.Set("X-Replay", "1")
		return b.Post("/app/window/blocks", url.Values{"id": {block}, "kind": {"link"}})
	}
	have := func() int { return w.Count(`SELECT count(*) FROM blocks WHERE kind = 'link'`) }
	block := id.New[id.BlockKind]().String()
	if p := add(bea.Browser, block); p.Status != http.StatusPreconditionFailed || have() != 0 {
		t.Fatalf("Bea's session took what Ada had written: %d, %d blocks", p.Status, have())
	}
	nobody := w.Browser()
	if p := add(nobody, block); p.Status != http.StatusUnauthorized || nobody.Get("/resume").Status == http.StatusOK {
		t.Fatalf("without a session: %d, or it is kept twice", p.Status)
	}
	for range 2 {
		add(ada.Browser, block).Is(http.StatusOK)
	}
	if have() != 1 {
		t.Fatalf("Ada's edit was taken %d times", have())
	}
}

// Every address that a signed-in creator can get is asked for; only the listed ones may be kept, and only by page.
func TestOnlyListedPagesMayBeKept(t *testing.T) {
	w := apptest.New(t)
	ada := w.Creator()
	w.Buy(ada.Product)
	w.Settle()
	var order, block string
	if err := w.App.DB.Get(context.Background(), &order, `SELECT id FROM orders WHERE shop_id = $1`, ada.Shop.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.App.DB.Get(context.Background(), &block, `SELECT id FROM blocks WHERE shop_id = $1`, ada.Shop.ID); err != nil {
		t.Fatal(err)
	}
	kept := []string{"/app/today", "/app/orders", "/app/orders/:id", "/app/products", "/app/window", "/app/window/blocks", "/app/window/add", "/app/window/blocks/:id/place"}
	var marked []string
	for _, r := range w.App.Router.Table() {
		if r.Host != web.App || r.Method != http.MethodGet || strings.HasSuffix(r.Path, "/live") || strings.Contains(r.Path, "*") {
			continue
		}
		path := strings.NewReplacer("/app/orders/:id", "/app/orders/"+order, "/blocks/:id", "/blocks/"+block, ":id", ada.Product.String(), ":token", "none").Replace(r.Path)
		ada.HTMX = r.Path == "/app/window/blocks"
		p := ada.Get(path)
		if p.Header.Get("X-Offline") == "" {
			continue
		}
		marked = append(marked, r.Path)
		if p.Status != http.StatusOK || p.Header.Get("X-Person") == "" || p.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept with %d, for %q, %q", path, p.Status, p.Header.Get("X-Person"), p.Header.Get("Cache-Control"))
		}
		if !ada.HTMX && !p.Doc().Find("#as-of").Is("*") {
			t.Errorf("%s does not say when it was made", path)
		}
	}
	slices.Sort(marked)
	slices.Sort(kept)
	if !slices.Equal(marked, kept) {
		t.Errorf("may be kept: %v\nwant: %v", marked, kept)
	}
	ada.HTMX = false
	if p := ada.Get("/app/orders/" + id.New[id.OrderKind]().String()); p.Status != http.StatusNotFound || p.Header.Get("X-Offline") != "" {
		t.Errorf("an order that is not there may be kept: %d", p.Status)
	}
	if p := w.Browser().Get("/app/today"); p.Header.Get("X-Offline") != "" {
		t.Error("what nobody may see may be kept")
	}
}
