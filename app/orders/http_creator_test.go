package orders_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/app/db/dbtest"
	"vitrine/app/orders"
	"vitrine/app/web/webtest"
)

func rows(p *webtest.Page) (ids []string) {
	for _, n := range p.Doc().Find("#orders li.row").Nodes {
		for _, a := range n.Attr {
			if a.Key == "id" {
				ids = append(ids, strings.TrimPrefix(a.Val, "order-"))
			}
		}
	}
	return ids
}

func same(t *testing.T, what string, got []string, want ...sold) {
	t.Helper()
	var ids []string
	for _, o := range want {
		ids = append(ids, o.Order.String())
	}
	if strings.Join(got, " ") != strings.Join(ids, " ") {
		t.Errorf("%s: %v, want %v", what, got, ids)
	}
}

func TestTheListFiltersAndFinds(t *testing.T) {
	w := newPages(t)
	b := w.signedIn(w.owner)
	b.Get("/app/orders").Is(http.StatusOK).Has("No orders yet")
	at := w.db.Now().Add(-time.Hour)
	paid := w.sell(sale{Number: 31, Email: "Ines.M@mail.test", PaidAt: at})
	part := w.sell(sale{Number: 32, Status: orders.PartlyRefunded, PaidAt: at.Add(time.Minute)})
	back := w.sell(sale{Number: 33, Status: orders.Refunded, PaidAt: at.Add(2 * time.Minute)})
	test := w.sell(sale{Test: true, PaidAt: at.Add(3 * time.Minute)})
	w.sell(sale{Status: orders.Processing})
	w.sell(sale{Owner: dbtest.Creator(t, w.db), Number: 31})
	for q, want := range map[string][]sold{
		"":                   {test, back, part, paid},
		"?f=paid":            {paid},
		"?f=refunded":        {back, part},
		"?f=test":            {test},
		"?f=nonsense":        {test, back, part, paid},
		"?q=31":              {paid},
		"?q=%2331":           {paid},
		"?q=ines.m":          {paid},
		"?q=+INES.M%40+":     {paid},
		"?f=refunded&q=31":   {},
		"?q=nobody":          {},
		"?q=%25":             {},
		"?q=%00%ff":          {},
		"?q=999999999999999": {},
	} {
		for _, htmx := range []bool{false, true} {
			b.HTMX = htmx
			p := b.Get("/app/orders" + q).Is(http.StatusOK)
			same(t, fmt.Sprintf("%s htmx %v", q, htmx), rows(p), want...)
			if whole := p.Doc().Find("html[lang]").Length() == 1 && strings.Contains(p.Body, "<!doctype"); whole == htmx {
				t.Errorf("%s: whole page %v with htmx %v", q, whole, htmx)
			}
			if !slices.Contains(p.Header.Values("Vary"), "HX-Request") {
				t.Errorf("%s: Vary %q", q, p.Header.Values("Vary"))
			}
		}
	}
	b.HTMX = false
	b.Get("/app/orders?q=nobody").Has("Nothing found")
	b.Get("/app/orders?f=paid&q=ines").Has(`value="ines"`).Has(`name="f" value="paid"`)
}

func TestTheListGoesOnWithoutGapOrDouble(t *testing.T) {
	w := newPages(t)
	b := w.signedIn(w.owner)
	at := w.db.Now().Add(-time.Hour)
	all := map[string]bool{}
	for i := range 57 { // many of one moment, so that the id decides
		all[w.sell(sale{Number: i + 1, PaidAt: at.Add(time.Duration(i/20) * time.Minute)}).Order.String()] = true
	}
	next, pages := "/app/orders?f=paid", 0
	for next != "" {
		p := b.Get(next).Is(http.StatusOK)
		for _, o := range rows(p) {
			if !all[o] {
				t.Fatalf("%s is doubled or not ours", o)
			}
			delete(all, o)
		}
		pages++
		next = p.Doc().Find("#more").AttrOr("href", "")
	}
	if len(all) != 0 || pages != 3 {
		t.Fatalf("%d orders never shown on %d pages", len(all), pages)
	}
	b.Get("/app/orders?after=nonsense").Is(http.StatusNotFound)
}

func TestAnOrderOfAnotherCreatorDoesNotExist(t *testing.T) {
	w := newPagesOn(t, dbtest.Fresh(t))
	o := w.sell(sale{Number: 5})
	stranger := w.signedIn(dbtest.Creator(t, w.db))
	for _, htmx := range []bool{false, true} {
		stranger.HTMX = htmx
		stranger.Get("/app/orders/" + o.Order.String()).Is(http.StatusNotFound).HasNot(o.Email)
		stranger.Post("/app/orders/"+o.Order.String()+"/receipt", nil).Is(http.StatusNotFound)
		stranger.Get("/app/orders?q=" + url.QueryEscape(o.Email)).Is(http.StatusOK).HasNot(o.Order.String())
		stranger.Get("/app/orders/x").Is(http.StatusNotFound)
	}
	guest := w.browser()
	if p := guest.Get("/app/orders/" + o.Order.String()); p.Status != http.StatusSeeOther || !strings.HasPrefix(p.Header.Get("Location"), "/login") {
		t.Fatalf("a guest got %d %q", p.Status, p.Header.Get("Location"))
	}
	if w.drain() != 0 {
		t.Fatal("a stranger caused mail")
	}
}

func TestTheCreatorSeesTheOrderWithItsMoneyAndStory(t *testing.T) {
	w := newPages(t)
	o := w.sell(sale{Number: 41})
	w.must(orders.SendReceipt{Order: o.Order})
	w.browser().Post(o.Path+"/f/"+o.File.String(), nil).Is(http.StatusSeeOther)
	w.browser().Post(o.Path+"/f/"+o.File.String(), nil).Is(http.StatusSeeOther)
	b := w.signedIn(w.owner)
	p := b.Get("/app/orders/" + o.Order.String()).Is(http.StatusOK)
	for _, s := range []string{"Order 41", "Forty glazes", o.Email, "€19", "−€1.90", "€17.10", "pi_", o.Path} {
		p.Has(s)
	}
	if got := p.Text(".timeline li span"); got != "Went to pay Paid €19 Receipt sent Downloaded: glazes.pdf, 2 times" && got != "Went to payPaid €19Receipt sentDownloaded: glazes.pdf, 2 times" {
		t.Errorf("story %q", got)
	}
}

func TestTheCreatorSendsTheReceiptAgain(t *testing.T) {
	w := newPagesOn(t, dbtest.Fresh(t))
	o := w.sell(sale{Number: 42})
	b := w.signedIn(w.owner)
	p := b.Get("/app/orders/" + o.Order.String())
	page := "/app/orders/" + o.Order.String()
	b.Follow(b.Submit(p, "#receipt", nil).Is(http.StatusSeeOther).Goes(page)).Is(http.StatusOK).Has("The receipt is on its way to " + o.Email)
	b.HTMX = true
	p = b.Post(page+"/receipt", nil).Is(http.StatusOK).Has("is on its way").HasNot("<html")
	if p.Doc().Find("form#receipt[hx-post]").Length() != 1 {
		t.Error("the part cannot be used again")
	}
	w.drain()
	if got := len(w.mails(o.Email, "receipt")); got != 2 {
		t.Fatalf("%d receipts, want 2", got)
	}
	p = b.Post(page+"/receipt", nil) // one too many in ten minutes
	if p.Status != http.StatusTooManyRequests || !strings.Contains(p.Header.Get("HX-Trigger"), "toast") {
		t.Fatalf("one too many answered %d, %q", p.Status, p.Header.Get("HX-Trigger"))
	}
}

func TestNaughtySearchesFindNothingAndAreKept(t *testing.T) {
	w := newPages(t)
	w.sell(sale{Number: 1})
	b := w.signedIn(w.owner)
	for _, s := range naughty(t) {
		p := b.Get("/app/orders?q=" + url.QueryEscape(s))
		if p.Status != http.StatusOK {
			t.Errorf("%q answered %d", s, p.Status)
			continue
		}
		if got, want := p.Doc().Find("#q").AttrOr("value", ""), typed(s); len(want) <= 254 && strings.ReplaceAll(got, "\r", "\n") != strings.ReplaceAll(want, "\r", "\n") {
			t.Errorf("typed %q, kept %q", want, got)
		}
		if p.Doc().Find("script:not([src])").Length() != 0 {
			t.Errorf("%q became a script", s)
		}
	}
}
