package app_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"vitrine/app/apptest"
	"vitrine/app/config"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/payments"
	"vitrine/app/payouts"
	"vitrine/app/refunds"
	"vitrine/app/sandbox"
	"vitrine/app/web/webtest"
)

// agreed goes to PayPal's page by forms alone and agrees there; next is where PayPal sends the browser.
func agreed(t *testing.T, w *apptest.World, p id.Product, buyer string) (b *webtest.Browser, email, next string) {
	t.Helper()
	b, email = w.Browser(), "ines-"+strings.ToLower(id.Token()[:10])+"@mail.test"
	page := b.Get("/checkout/start?p=" + p.String() + "&q=1").Is(http.StatusOK)
	answer := b.Submit(page, `form[action="/checkout"]`, map[string]string{"email": email, "consent": "on", "provider": "paypal"}).Is(http.StatusSeeOther)
	u, err := url.Parse(answer.Header.Get("Location"))
	if err != nil || !strings.HasPrefix(u.String(), w.Box.URL()) || u.Query().Get("token") == "" {
		t.Fatalf("checkout goes to %q", answer.Header.Get("Location"))
	}
	if next, err = w.PayPal.Approve(u.Query().Get("token"), buyer); err != nil {
		t.Fatal(err)
	}
	return b, email, next
}

func orderOf(t *testing.T, w *apptest.World, email string) orders.Order {
	t.Helper()
	var o struct {
		ID      id.Order `db:"id"`
		Creator id.User  `db:"creator_id"`
	}
	if err := w.DB.Get(t.Context(), &o, `SELECT o.id, o.creator_id FROM orders o JOIN checkouts c ON c.id = o.checkout_id WHERE c.email = $1`, email); err != nil {
		t.Fatal(err)
	}
	out, err := w.App.Orders.Get(t.Context(), o.Creator, o.ID)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A sale through PayPal goes the whole way: agreed to, taken, delivered, given back in part, disputed, won, and paid
// out to an address at PayPal; and the book agrees with PayPal's account at the end.
func TestASaleThroughPayPal(t *testing.T) {
	w := apptest.New(t, func(c *config.Config) { c.SettlementDays = 7 })
	c := w.Creator()
	b, email, next := agreed(t, w, c.Product, "robin")
	page := b.Follow(b.Get(next))
	if page.Status != http.StatusOK || !strings.Contains(page.Body, "glazes.txt") {
		t.Fatalf("%d %s", page.Status, page.Body)
	}
	w.Settle()
	o := orderOf(t, w, email)
	if o.Provider != "paypal" || o.Status != orders.Paid || len(w.Mails(email, "")) == 0 {
		t.Fatalf("%+v", o)
	}
	clean(t, w)

	if _, err := w.App.Refunds.Create(t.Context(), c.User, refunds.Input{Key: id.Token(), Order: o.ID, Amount: money.Amount{Minor: 400, Currency: "EUR"}, Reason: "goodwill"}); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	if o = orderOf(t, w, email); o.Refunded.Minor != 400 {
		t.Fatalf("%+v", o)
	}
	number, err := w.PayPal.Dispute(o.Charge, "UNAUTHORISED")
	if err != nil {
		t.Fatal(err)
	}
	w.Settle()
	if o = orderOf(t, w, email); o.Disputed.Minor != 1500 {
		t.Fatalf("%+v", o)
	}
	clean(t, w)
	if err := w.PayPal.Resolve(number, "RESOLVED_SELLER_FAVOUR"); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	if o = orderOf(t, w, email); o.Disputed.Minor != 0 {
		t.Fatalf("%+v", o)
	}
	clean(t, w)
}

// A buyer who agrees and closes the browser has paid all the same: PayPal tells, and the money is taken.
func TestABuyerWhoDoesNotComeBackFromPayPalHasPaid(t *testing.T) {
	w := apptest.New(t)
	c := w.Creator()
	_, email, _ := agreed(t, w, c.Product, "robin")
	w.Settle()
	if o := orderOf(t, w, email); o.Status != orders.Paid {
		t.Fatalf("%+v", o)
	}
	clean(t, w)
}

// A bank that says no leaves the buyer with a way to try again, and nothing is charged.
func TestADeclineAtPayPalCanBeTriedAgain(t *testing.T) {
	w := apptest.New(t)
	c := w.Creator()
	b, email, next := agreed(t, w, c.Product, "ida")
	page := b.Get(next).Is(http.StatusOK)
	if !strings.Contains(page.Body, "declined") || !strings.Contains(page.Body, "checkoutnow") {
		t.Fatal(page.Body)
	}
	w.Settle()
	if n := w.Count(`SELECT count(*) FROM checkouts WHERE status = 'open' AND email = $1`, email); n != 1 {
		t.Fatal("the checkout is not open any more")
	}
	token := page.Body[strings.Index(page.Body, "checkoutnow?token=")+len("checkoutnow?token="):]
	token = token[:strings.IndexAny(token, `"&`)]
	next, err := w.PayPal.Approve(token, "robin")
	if err != nil {
		t.Fatal(err)
	}
	if page = b.Follow(b.Get(next)); page.Status != http.StatusOK || !strings.Contains(page.Body, "glazes.txt") {
		t.Fatalf("%d %s", page.Status, page.Body)
	}
	w.Settle()
	clean(t, w)
}

// A buyer who never agrees is charged nothing, even when agreeing after the checkout's time: the goods are free again.
func TestAgreeingTooLateAtPayPalCostsNothing(t *testing.T) {
	w := apptest.New(t)
	c := w.Creator()
	b := w.Browser()
	page := b.Get("/checkout/start?p=" + c.Product.String() + "&q=1").Is(http.StatusOK)
	answer := b.Submit(page, `form[action="/checkout"]`, map[string]string{"email": "late@mail.test", "consent": "on", "provider": "paypal"}).Is(http.StatusSeeOther)
	u, err := url.Parse(answer.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	w.Pass(2 * time.Hour)
	w.Settle()
	if n := w.Count(`SELECT count(*) FROM checkouts WHERE status = 'expired' AND email = 'late@mail.test'`); n != 1 {
		t.Fatal("the checkout did not end")
	}
	if _, err := w.PayPal.Approve(u.Query().Get("token"), "robin"); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	if bal := w.PayPal.Balance("EUR"); bal.Available != 0 {
		t.Fatalf("taken: %+v", bal)
	}
	clean(t, w)
}

// Creators are paid at an address of PayPal's, and what nobody claims comes back.
func TestPayoutsThroughPayPal(t *testing.T) {
	for address, want := range map[string]payouts.State{"ada@pay.test": payouts.Paid, "unclaimed@pay.test": payouts.Returned} {
		t.Run(address, func(t *testing.T) {
			w := apptest.New(t)
			c := w.Creator()
			if _, err := w.App.Payouts.SetPayPal(t.Context(), payouts.Who{User: c.User, Email: c.Email}, address); err != nil {
				t.Fatal(err)
			}
			w.Settle()
			confirm(t, w, c)
			if err := w.PayPal.Fund("EUR", 10_000); err != nil { // what PayPal keeps of sales and payouts, the platform has put there
				t.Fatal(err)
			}
			b, _, next := agreed(t, w, c.Product, "robin")
			b.Follow(b.Get(next))
			w.Settle()
			w.Pass(73 * time.Hour) // a new method waits
			w.Settle()
			if err := w.App.Orders.Mature(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := w.App.Payouts.Run(t.Context(), w.Now()); err != nil {
				t.Fatal(err)
			}
			w.Settle()
			if _, err := w.PayPal.SettlePayouts(""); err != nil {
				t.Fatal(err)
			}
			w.Settle()
			w.Pass(32 * 24 * time.Hour)
			w.Settle()
			if err := w.App.Payouts.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.Settle()
			ps, _, err := w.App.Payouts.List(t.Context(), c.User, "")
			if err != nil || len(ps) == 0 || ps[len(ps)-1].State != want {
				out, _ := w.App.Payouts.Outlook(t.Context(), c.User)
				t.Fatalf("%+v %v %+v", ps, err, out)
			}
			clean(t, w)
		})
	}
}

// confirm follows the link that the creator was mailed.
func confirm(t *testing.T, w *apptest.World, c *apptest.Creator) {
	t.Helper()
	const path = "/app/payouts/methods/confirm/"
	for _, m := range w.Mails(c.Email, "") {
		if i := strings.Index(m.Text, path); i >= 0 {
			link := strings.Fields(m.Text[i:])[0]
			c.Submit(c.Get(link).Is(http.StatusOK), `form[action="`+link+`"]`, nil).Is(http.StatusSeeOther)
			return
		}
	}
	t.Fatalf("no link in %d mails", len(w.Mails(c.Email, "")))
}

// PayPal's reports are hours late, and some refunds take a day: neither is a difference that anybody must look at.
func TestPayPalIsLate(t *testing.T) {
	w := apptest.New(t)
	c := w.Creator()
	w.PayPal.SetReportLag(2 * time.Hour)
	b, email, next := agreed(t, w, c.Product, "leo")
	b.Follow(b.Get(next))
	w.Settle()
	w.Pass(30 * time.Minute)
	clean(t, w)
	w.Pass(2 * time.Hour)
	w.PayPal.SetReportLag(0)
	o := orderOf(t, w, email)
	if _, err := w.App.Refunds.Create(t.Context(), c.User, refunds.Input{Key: id.Token(), Order: o.ID, Amount: money.Amount{Minor: 400, Currency: "EUR"}, Reason: "goodwill"}); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	w.Pass(5 * time.Hour)
	clean(t, w)
	if err := w.App.Orders.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.Count(`SELECT count(*) FROM money_cases WHERE closed_at IS NULL`); n != 0 {
		t.Fatalf("%d cases", n)
	}
	w.Pass(20 * time.Hour)
	w.Settle()
	if o = orderOf(t, w, email); o.Refunded.Minor != 400 {
		t.Fatalf("%+v", o)
	}
	clean(t, w)
}

// PayPal does what it is asked and the answer is lost, or it is away for a moment, at any call: everything is found
// again, and nothing happens twice.
func TestPayPalLosesAnswersAndNothingHappensTwice(t *testing.T) {
	n := 6
	if os.Getenv("VITRINE_AUDIT") != "" {
		n = 60
	}
	w := apptest.New(t, func(c *config.Config) { c.SettlementDays = 0 })
	if err := w.PayPal.Fund("EUR", 1_000_000); err != nil {
		t.Fatal(err)
	}
	c := w.Creator()
	if _, err := w.App.Payouts.SetPayPal(t.Context(), payouts.Who{User: c.User, Email: c.Email}, "ada@pay.test"); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	confirm(t, w, c)
	trouble := func() {
		for _, k := range []sandbox.FaultKind{sandbox.DropAfter, sandbox.Error500After, sandbox.DropBefore, sandbox.Unavailable} {
			w.PayPal.Inject(sandbox.Fault{Kind: k, Call: "POST", Odds: 0.2})
			w.PayPal.Inject(sandbox.Fault{Kind: k, Call: "GET", Odds: 0.1})
		}
	}
	insist := func(what string, do func() error) { // as people and jobs do
		t.Helper()
		for range 60 {
			if do() == nil {
				return
			}
			w.Pass(time.Second)
		}
		t.Fatalf("%s never came through", what)
	}
	for range n {
		trouble()
		b, email := w.Browser(), "ines-"+strings.ToLower(id.Token()[:10])+"@mail.test"
		page := b.Get("/checkout/start?p=" + c.Product.String() + "&q=1").Is(http.StatusOK)
		var token string
		insist("the checkout", func() error {
			answer := b.Submit(page, `form[action="/checkout"]`, map[string]string{"email": email, "consent": "on", "provider": "paypal"})
			u, err := url.Parse(answer.Header.Get("Location"))
			if answer.Status != http.StatusSeeOther || err != nil || u.Query().Get("token") == "" {
				return fmt.Errorf("%d", answer.Status)
			}
			token = u.Query().Get("token")
			return nil
		})
		next, err := w.PayPal.Approve(token, "robin")
		if err != nil {
			t.Fatal(err)
		}
		b.Get(next)
		co := row(t, w, `SELECT id FROM checkouts WHERE email = $1`, email)
		insist("the payment", func() error {
			checkout, err := id.Parse[id.CheckoutKind](co)
			if err != nil {
				t.Fatal(err)
			}
			return w.App.Orders.Take(t.Context(), checkout)
		})
		o := orderOf(t, w, email)
		r, err := w.App.Refunds.Create(t.Context(), c.User, refunds.Input{Key: id.Token(), Order: o.ID, Amount: money.Amount{Minor: 400, Currency: "EUR"}, Reason: "goodwill"})
		if err != nil {
			t.Fatal(err)
		}
		insist("the refund", func() error {
			if err := w.App.Refunds.Send(t.Context(), r); err != nil {
				return err
			}
			if now, err := w.App.Refunds.Find(t.Context(), r); err != nil || now.State != refunds.Succeeded {
				return fmt.Errorf("%v %v", now.State, err)
			}
			return nil
		})
		w.PayPal.ClearFaults()
		w.Settle()
	}
	w.Pass(73 * time.Hour)
	w.Settle()
	trouble()
	if err := w.App.Orders.Mature(t.Context()); err != nil {
		t.Fatal(err)
	}
	insist("the payout", func() error {
		if err := w.App.Payouts.Run(t.Context(), w.Now()); err != nil {
			return err
		}
		if err := w.App.Payouts.Sweep(t.Context()); err != nil {
			return err
		}
		w.Pass(30 * time.Minute)
		w.Work()
		if n := w.Count(`SELECT count(*) FROM payouts WHERE state IN ('sent', 'paid')`); n != 1 {
			return fmt.Errorf("%d payouts sent", n)
		}
		return nil
	})
	w.PayPal.ClearFaults()
	if _, err := w.PayPal.SettlePayouts(""); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	captures, given, paid := 0, int64(0), int64(0)
	if err := w.App.PayPal.Movements(t.Context(), time.Time{}, func(m payments.Movement) error {
		switch m.Kind {
		case payments.MovementCharge:
			captures++
		case payments.MovementRefund:
			given += m.Amount.Minor
		case payments.MovementPayout:
			paid += m.Amount.Minor
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if captures != n || given != -400*int64(n) || paid == 0 || w.Count(`SELECT count(*) FROM payouts`) != 1 {
		t.Errorf("%d captures and %d given back for %d sales, %d paid out", captures, given, n, paid)
	}
	clean(t, w)
}
