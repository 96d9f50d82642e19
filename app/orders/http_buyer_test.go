package orders_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"vitrine/app/db/dbtest"
	"vitrine/app/id"
	"vitrine/app/orders"
)

func TestTheOrderPageInEachState(t *testing.T) {
	w := newPages(t)
	for name, c := range map[string]struct {
		sale     sale
		says     []string
		saysNot  []string
		download bool
		resend   bool
	}{
		"paid":        {sale{Number: 12}, []string{"Thank you", "Order 12 from Ada&#39;s shop", "€19", "Stripe", "14-day right"}, []string{"test order", "efunded"}, true, true},
		"free":        {sale{Free: true, Number: 1}, []string{"Thank you", "€0", "Nothing to pay"}, nil, true, true},
		"test":        {sale{Test: true}, []string{"This is a test order", "nothing was charged"}, nil, true, true},
		"partly back": {sale{Status: orders.PartlyRefunded}, []string{"€5 of it was refunded", "−€5"}, []string{"Closed"}, true, true},
		"refunded":    {sale{Status: orders.Refunded}, []string{"€19 went back", "Closed since the refund"}, nil, false, true},
		"processing":  {sale{Status: orders.Processing}, []string{"Waiting for your payment", "email you at"}, []string{"Thank you", "glazes.pdf"}, false, false},
		"pending":     {sale{Status: orders.Pending}, []string{"Waiting for your payment"}, []string{"glazes.pdf"}, false, false},
		"expired":     {sale{Status: orders.Expired}, []string{"nothing was charged", "/checkout/start?p="}, []string{"glazes.pdf"}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			o := w.sell(c.sale)
			p := w.browser().Get(o.Path).Is(http.StatusOK)
			for _, s := range append(c.says, o.Email[:4]) {
				if name != "expired" || s != o.Email[:4] {
					p.Has(s)
				}
			}
			for _, s := range c.saysNot {
				p.HasNot(s)
			}
			if got := p.Doc().Find(`form[action*="/f/"]`).Length() == 1; got != c.download {
				t.Errorf("download offered: %v", got)
			}
			if got := p.Doc().Find(`form[action$="/resend"]`).Length() == 1; got != c.resend {
				t.Errorf("resend offered: %v", got)
			}
			if p.Doc().Find("h1").Length() != 1 || p.Doc().Find("script").Length() != 0 {
				t.Error("not one heading, or a script")
			}
		})
	}
}

func TestTheOrderLinkLeaksNowhere(t *testing.T) {
	w := newPages(t)
	o := w.sell(sale{})
	for _, path := range []string{o.Path, "/my"} {
		p := w.browser().Get(path).Is(http.StatusOK).Has(`<meta name="robots" content="noindex">`)
		for k, v := range map[string]string{"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store"} {
			if got := p.Header.Get(k); got != v {
				t.Errorf("%s: %s is %q", path, k, got)
			}
		}
		if len(p.Header.Values("Set-Cookie")) != 0 {
			t.Errorf("%s sets a cookie", path)
		}
	}
}

func TestOnlyTheTokenOpensAnOrder(t *testing.T) {
	w := newPages(t)
	o := w.sell(sale{})
	for _, tok := range []string{o.Order.String(), id.Token(), strings.ToUpper(o.Token), o.Token[:25], o.Token + "a", "x", "%00", w.service.CheckoutToken(o.Checkout)} {
		w.browser().Get("/o/" + tok).Is(http.StatusNotFound).HasNot(o.Email)
		w.browser().Post("/o/"+tok+"/resend", nil).Is(http.StatusNotFound)
	}
}

func TestResendMailsTheReceiptOnceForEachAsking(t *testing.T) {
	w := newPagesOn(t, dbtest.Fresh(t))
	o := w.sell(sale{Number: 4})
	w.must(orders.SendReceipt{Order: o.Order})
	b := w.browser()
	p := b.Submit(b.Get(o.Path), `form[action$="/resend"]`, nil).Is(http.StatusSeeOther).Goes(o.Path + "?sent=1")
	b.Follow(p).Is(http.StatusOK).Has("Sent. It should be there within a minute.")
	w.drain()
	w.drain()
	if got := len(w.mails(o.Email, "receipt")); got != 2 {
		t.Fatalf("%d receipts, want the first and one more", got)
	}
	var last int
	for range 5 {
		last = w.browser().Post(o.Path+"/resend", nil).Status
	}
	if last != http.StatusTooManyRequests {
		t.Fatalf("asking again and again answered %d", last)
	}
	w.browser().Post(w.sell(sale{Status: orders.Processing}).Path+"/resend", nil).Is(http.StatusGone).Has("Waiting for your payment")
}

func TestHostileFileNamesStayText(t *testing.T) {
	w := newPages(t)
	o := w.sell(sale{FileName: `"><script>alert(1)</script>.zip`})
	if p := w.browser().Get(o.Path).Is(http.StatusOK); p.Doc().Find("script").Length() != 0 || !strings.Contains(p.Text("#main"), `"><script>alert(1)</script>.zip`) {
		t.Fatal("the name became markup")
	}
}

func TestOtherSitesCannotDownloadOrResend(t *testing.T) {
	w := newPages(t)
	o := w.sell(sale{})
	for _, path := range []string{o.Path + "/f/" + o.File.String(), o.Path + "/resend", "/my", "/checkout"} {
		b := w.browser()
		b.Header.Set("Sec-Fetch-Site", "cross-site")
		b.Header.Set("Origin", "https://evil.test")
		b.Post(path, url.Values{"email": {o.Email}}).Is(http.StatusForbidden)
	}
	if n, _ := w.downloads(o); n != 0 {
		t.Fatal("a download was counted")
	}
}
