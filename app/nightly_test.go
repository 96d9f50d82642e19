package app_test

import (
	"testing"
	"time"

	"vitrine/app/apptest"
	"vitrine/app/config"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/payouts"
	"vitrine/app/refunds"
)

// night lets a day pass, with what is late in every report, and compares all accounts with the book.
func night(t *testing.T, w *apptest.World) {
	t.Helper()
	w.Pass(24 * time.Hour)
	w.Settle()
	if err := w.App.Admin.Nightly(t.Context()); err != nil {
		t.Fatal(err)
	}
	runs, err := w.App.Admin.Runs(t.Context())
	if err != nil || len(runs) < len(w.App.Providers) {
		t.Fatalf("%d runs %v", len(runs), err)
	}
	for _, r := range runs[:len(w.App.Providers)] {
		if r.DoneAt == nil || r.Differences != 0 {
			t.Errorf("%+v", r)
		}
	}
	var cases []struct {
		Key     string `db:"key"`
		Details string `db:"details"`
	}
	if err := w.DB.Select(t.Context(), &cases, `SELECT key, details FROM money_cases WHERE closed_at IS NULL`); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Errorf("case %s %s", c.Key, c.Details)
	}
}

// Whatever happens to sales through both providers, the nights find nothing to say: sold, given back, disputed, won,
// paid out, and brought back.
func TestInvariant15NightsAreQuietWhenNothingIsWrong(t *testing.T) {
	t.Parallel()
	w := apptest.New(t, func(c *config.Config) { c.SettlementDays = 1 })
	c, d := w.Creator(), w.Creator()
	onboarded(t, w, c)
	if _, err := w.App.Payouts.SetPayPal(t.Context(), payouts.Who{User: d.User, Email: d.Email}, "ada@pay.test"); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	confirm(t, w, d)
	if err := w.PayPal.Fund("EUR", 100_000); err != nil {
		t.Fatal(err)
	}
	night(t, w)
	buy := func(p id.Product) orders.Order { return orderOf(t, w, w.Buy(p).Email) }
	agree := func(p id.Product) orders.Order {
		b, email, next := agreed(t, w, p, "robin")
		b.Follow(b.Get(next))
		w.Settle()
		return orderOf(t, w, email)
	}
	first, second, _ := buy(c.Product), buy(c.Product), buy(c.Product)
	for range 4 { // they are paid out through PayPal and stay at Stripe, for its fees
		buy(d.Product)
	}
	third, fourth := agree(d.Product), agree(d.Product)
	w.Settle()
	night(t, w)
	for _, o := range []orders.Order{first, third} {
		if _, err := w.App.Refunds.Create(t.Context(), o.Creator, refunds.Input{Key: id.Token(), Order: o.ID, Amount: money.Amount{Minor: 400, Currency: "EUR"}, Reason: "goodwill"}); err != nil {
			t.Fatal(err)
		}
	}
	number, err := w.PayPal.Dispute(fourth.Charge, "UNAUTHORISED")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Stripe.Dispute(second.PaymentIntent, "fraudulent"); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	night(t, w)
	if err := w.PayPal.Resolve(number, "RESOLVED_SELLER_FAVOUR"); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	for range 4 {
		for _, sweep := range []func() error{func() error { return w.App.Orders.Mature(t.Context()) }, func() error { return w.App.Payouts.Run(t.Context(), w.Now()) }} {
			if err := sweep(); err != nil {
				t.Fatal(err)
			}
		}
		w.Settle()
		if _, err := w.PayPal.SettlePayouts(""); err != nil {
			t.Fatal(err)
		}
		night(t, w)
	}
	if n := w.Count(`SELECT count(DISTINCT provider) FROM payouts WHERE state IN ('sent', 'paid')`); n != 2 {
		t.Errorf("paid out through %d providers", n)
	}
	if err := w.Stripe.FailPayout(row(t, w, `SELECT ref FROM payouts WHERE provider = 'stripe' ORDER BY number DESC LIMIT 1`), "account_closed"); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	night(t, w)
	if n := w.Count(`SELECT count(*) FROM payouts WHERE state = 'returned'`); n != 1 {
		t.Errorf("%d payouts came back", n)
	}
	clean(t, w)
}
