package orders_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"vitrine/app/db/dbtest"
	"vitrine/app/id"
	"vitrine/app/orders"
	"vitrine/app/sandbox"
	"vitrine/views/text"
)

func TestLeavingThePaymentPageLeadsBackToIt(t *testing.T) {
	w := newPagesOn(t, dbtest.Fresh(t))
	product := w.owner.Product(t, w.db, 1900, 1)
	b := w.browser()
	pay := w.fill(b, b.Get(start(product)), "ines@mail.test")
	sess := session(t, pay)
	var c id.Checkout
	if err := w.db.Get(t.Context(), &c, `SELECT id FROM checkouts`); err != nil {
		t.Fatal(err)
	}
	before := w.stored()
	p := b.Get(w.service.CancelPath(c)).Is(http.StatusOK).Has("Nothing was charged").Has("Go on to pay €19")
	if got := p.Doc().Find("#go-on").AttrOr("href", ""); got != pay.Header.Get("Location") {
		t.Fatalf("goes on to %q", got)
	}
	if p.Header.Get("Referrer-Policy") == "" || w.stored() != before {
		t.Fatal("the page wrote something, or leaks its address")
	}
	if _, err := w.service.Providers[0].Expire(t.Context(), sess); err != nil {
		t.Fatal(err)
	}
	p = b.Get(w.service.ReturnPath(c)).Is(http.StatusOK).Has("did not go through").Has("Nothing was charged")
	if p.Doc().Find("#checkout #email").AttrOr("value", "") != "ines@mail.test" || p.Doc().Find("#go-on").Length() != 0 {
		t.Fatal("not the filled form")
	}
	next, err := w.stripe.Pay(session(t, b.Submit(p, "#checkout", map[string]string{"consent": "on"})), goodCard, "")
	if err != nil {
		t.Fatal(err)
	}
	b.Follow(b.Get(next)).Has("Thank you")
	b.Get(w.service.CancelPath(c)).Is(http.StatusConflict).Has("sold out")
}

func TestWaitingLooksEveryTwoSecondsForAMinute(t *testing.T) {
	w := newPagesOn(t, dbtest.Fresh(t))
	product := w.owner.Product(t, w.db, 1900, -1)
	b := w.browser()
	sess := session(t, w.fill(b, b.Get(start(product)), "ines@mail.test"))
	next, err := w.stripe.Pay(sess, "DE08370400440532013003", "")
	if err != nil {
		t.Fatal(err)
	}
	p := b.Follow(b.Get(next)).Is(http.StatusOK).Has("Waiting for your payment").Has(`http-equiv="refresh" content="2"`)
	at := p.URL.String()
	now := time.Now()
	w.db.Clock = func() time.Time { return now.Add(61 * time.Second) }
	b.Get(at).Is(http.StatusOK).Has("email you at ines@mail.test").HasNot("http-equiv")
	w.db.Clock = time.Now
	for _, since := range []string{"x", "", "99999999999999999999", fmt.Sprint(now.Add(time.Hour).Unix())} {
		b.Get(p.URL.Path + "?since=" + since).Is(http.StatusSeeOther)
	}
	w.stripe.Inject(sandbox.Fault{Kind: sandbox.Unavailable})
	b.Get(at).Is(http.StatusOK).Has("Waiting for your payment")
}

func TestOnePaymentToTwoShopsListsBothOrders(t *testing.T) {
	w := newPagesOn(t, dbtest.Fresh(t))
	other := dbtest.Creator(t, w.db)
	b := w.browser()
	buyer := "two+" + w.owner.Slug + "@mail.test"
	page := b.Get(start(w.owner.Product(t, w.db, 1900, -1), other.Product(t, w.db, 500, -1))).Is(http.StatusOK).Has("Pay €24").Has("2 products").Has("2 shops")
	next, err := w.stripe.Pay(session(t, w.fill(b, page, buyer)), goodCard, "")
	if err != nil {
		t.Fatal(err)
	}
	p := b.Get(next).Is(http.StatusOK).Has("Your payment made 2 orders")
	links := p.Doc().Find(`a[href^="/o/"]`)
	if links.Length() != 2 {
		t.Fatalf("%d orders", links.Length())
	}
	for i := range 2 {
		b.Get(links.Eq(i).AttrOr("href", "")).Is(http.StatusOK).Has("Order 1 from")
	}
	w.drain()
	if got := len(w.mails(buyer, "receipt")); got != 2 {
		t.Fatalf("%d receipts for 2 orders", got)
	}
	only(t, w.mails(w.owner.Email, ""))
	only(t, w.mails(other.Email, ""))
}

func TestCheckoutLinksCannotBeGuessed(t *testing.T) {
	w := newPages(t)
	o := w.sell(sale{})
	for _, tok := range []string{"x", id.Token(), o.Token, o.Checkout.String()} {
		for _, p := range []string{"return", "back"} {
			w.browser().Get("/checkout/" + p + "/" + tok).Is(http.StatusNotFound).HasNot(o.Email)
		}
	}
}

func TestLookingWritesNothing(t *testing.T) {
	w := newPagesOn(t, dbtest.Fresh(t))
	o, waiting := w.sell(sale{Number: 1}), w.sell(sale{Status: orders.Expired})
	b := w.signedIn(w.owner)
	before := w.stored()
	for _, p := range []string{o.Path, o.Path + "?sent=1", waiting.Path, start(o.Product), w.service.CancelPath(o.Checkout), w.service.CancelPath(waiting.Checkout),
		"/my", "/my?sent=1", "/app/orders", "/app/orders?q=x", "/app/orders/" + o.Order.String()} {
		if got := b.Get(p).Status; got >= 400 {
			t.Errorf("%s answered %d", p, got)
		}
	}
	if w.stored() != before {
		t.Fatal("a GET wrote something")
	}
}

// In the pseudo-locale every text of ours is framed; what is not framed was typed by somebody or is a number.
func TestEveryTextComesFromTheCatalogue(t *testing.T) {
	w := newPages(t)
	o, back := w.sell(sale{Number: 1}), w.sell(sale{Status: orders.Refunded})
	waiting, expired, test := w.sell(sale{Status: orders.Processing}), w.sell(sale{Status: orders.Expired}), w.sell(sale{Test: true})
	w.must(orders.SendReceipt{Order: o.Order})
	b := w.signedIn(w.owner)
	typed := regexp.MustCompile(`Forty glazes|Ada's shop|glazes\.pdf|PDF, 27 B|pi_[a-z2-7]+|[a-z0-9.+-]+@[a-z.]+|€|UTC|Vitrine|(January|February|March|April|May|June|July|August|September|October|November|December|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec)`)
	for _, path := range []string{o.Path + "?", o.Path + "?sent=1&", back.Path + "?", waiting.Path + "?", expired.Path + "?", test.Path + "?", "/my?", "/my?sent=1&", start(o.Product) + "&",
		"/checkout/start?", w.service.CancelPath(waiting.Checkout) + "?", "/app/orders?", "/app/orders?q=x&", "/app/orders?f=test&q=x&", "/app/orders/" + o.Order.String() + "?", "/app/orders/" + back.Order.String() + "?"} {
		p := b.Get(path + "lang=en-XA").Has("~~]")
		p.Doc().Find("main *").Each(func(_ int, s *goquery.Selection) {
			s.Contents().Each(func(_ int, n *goquery.Selection) {
				if goquery.NodeName(n) == "#text" && !text.IsPseudo(typed.ReplaceAllString(n.Text(), "")) {
					t.Errorf("%s says %q without the catalogue", path, strings.TrimSpace(n.Text()))
				}
			})
			for _, attr := range []string{"aria-label", "placeholder", "title"} {
				if v := s.AttrOr(attr, ""); !text.IsPseudo(typed.ReplaceAllString(v, "")) {
					t.Errorf("%s has %s=%q without the catalogue", path, attr, v)
				}
			}
		})
	}
}
