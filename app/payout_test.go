package app_test

import (
	"testing"
	"time"

	"vitrine/app/apptest"
	"vitrine/app/config"
	"vitrine/app/ledger"
	"vitrine/app/payouts"
	"vitrine/app/sandbox"
)

// onboarded connects a creator to Stripe as the pages do, with the form filled in.
func onboarded(t *testing.T, w *apptest.World, c *apptest.Creator) payouts.Method {
	t.Helper()
	if _, err := w.App.Payouts.Connect(t.Context(), payouts.Who{User: c.User, Email: c.Email}, "DE"); err != nil {
		t.Fatal(err)
	}
	ms, err := w.App.Payouts.Methods(t.Context(), c.User)
	if err != nil || len(ms) != 1 {
		t.Fatalf("%+v %v", ms, err)
	}
	if err := w.Stripe.Onboard(ms[0].Account, sandbox.Complete); err != nil {
		t.Fatal(err)
	}
	m, err := w.App.Payouts.Returned(t.Context(), c.User)
	if err != nil || m.State != payouts.Ready {
		t.Fatalf("%+v %v", m, err)
	}
	return m
}

// A sale's money goes the whole way: pending, available, on its way, in the bank; and the book agrees with Stripe's
// account at every step.
func TestASaleReachesTheBank(t *testing.T) {
	w := apptest.New(t, func(c *config.Config) { c.SettlementDays = 7 })
	c := w.Creator()
	onboarded(t, w, c)
	w.Buy(c.Product)
	w.Settle()
	clean(t, w)
	w.Pass(8 * 24 * time.Hour)
	w.Settle()
	run := func() {
		t.Helper()
		for _, sweep := range []func() error{func() error { return w.App.Orders.Mature(t.Context()) }, func() error { return w.App.Payouts.Run(t.Context(), w.Now()) }} {
			if err := sweep(); err != nil {
				t.Fatal(err)
			}
		}
		w.Settle()
	}
	run()
	ps, _, err := w.App.Payouts.List(t.Context(), c.User, "")
	if err != nil || len(ps) != 1 || ps[0].State != payouts.Sent {
		out, _ := w.App.Payouts.Outlook(t.Context(), c.User)
		t.Fatalf("%+v %v; %+v", ps, err, out)
	}
	clean(t, w)
	w.Pass(5 * 24 * time.Hour)
	w.Settle()
	p, err := w.App.Payouts.Get(t.Context(), c.User, ps[0].ID)
	if err != nil || p.State != payouts.Paid {
		t.Fatalf("%+v %v", p, err)
	}
	for _, a := range []ledger.Account{ledger.Pending(c.User), ledger.Available(c.User), ledger.InFlight(c.User)} {
		if b, err := ledger.Balance(t.Context(), w.DB, a, "EUR"); err != nil || !b.IsZero() {
			t.Errorf("%s: %s %v", a, b, err)
		}
	}
	clean(t, w)
}
