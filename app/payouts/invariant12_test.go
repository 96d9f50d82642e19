package payouts_test

import (
	"testing"
	"time"

	"vitrine/app/ledger"
	"vitrine/app/payments"
	"vitrine/app/payouts"
)

// A refund at each state of a payout, in part and in full, and the provider refusing to give a failed one back: what is
// owed is visible, nothing is paid below zero, and the next sales repay it first.
func TestInvariant12ARefundAtEachStateOfAPayoutIsRepaidFirst(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state payouts.State
		reach func(w *world, u payouts.Who)
	}{
		{"", func(*world, payouts.Who) {}},
		{payouts.Held, func(w *world, u payouts.Who) { w.hold(u.User, "A shop was closed."); w.run(); w.work() }},
		{payouts.Reserved, func(w *world, _ payouts.Who) { w.run() }},
		{payouts.Unknown, func(w *world, _ payouts.Who) {
			w.stripe.fail(lostAfter)
			w.run()
			w.work()
		}},
		{payouts.Sent, func(w *world, _ payouts.Who) { w.run(); w.work() }},
		{payouts.Paid, func(w *world, u payouts.Who) { w.run(); w.work(); w.arrive(u.User) }},
		{payouts.Failed, func(w *world, u payouts.Who) {
			w.run()
			w.work()
			w.stripe.lock(w.only(u.User).ID, true)
			w.news(w.only(u.User), payments.PaymentFailed, "account_closed")
			w.work()
		}},
		{payouts.Returned, func(w *world, u payouts.Who) {
			w.run()
			w.work()
			w.news(w.only(u.User), payments.PaymentFailed, "account_closed")
			w.work()
		}},
		{payouts.Released, func(w *world, _ payouts.Who) {
			w.stripe.fail(refuse)
			w.run()
			w.work()
		}},
	} {
		for _, part := range []int64{4000, 10_000} {
			t.Run(string(c.state)+" "+eur(part).Format(), func(t *testing.T) {
				w := newWorld(t)
				u := w.creator()
				o := w.earn(u.User, eur(10_000))
				c.reach(w, u)
				w.stripe.fault = nil
				if c.state != "" && w.only(u.User).State != c.state {
					t.Fatal(text(w.only(u.User)))
				}
				before := w.balance(ledger.Available(u.User), "EUR")
				w.refund(u.User, o, eur(part))
				checkOwed(t, w, u, before-part)
				w.hold(u.User, "")
				w.settle()
				w.clean()
				checkRepaid(t, w, u)
			})
		}
	}
}

// checkOwed: what is below zero is shown as owed, and nothing is paid.
func checkOwed(t *testing.T, w *world, u payouts.Who, available int64) {
	t.Helper()
	if available == 0 && w.count(`SELECT count(*) FROM payouts WHERE creator_id = $1 AND state NOT IN ('returned', 'released')`, u.User) == 0 {
		return // there is nothing to show
	}
	o := w.outlook(u.User, "EUR")
	if available >= 0 {
		if o.Available != eur(available) || !o.Owed.IsZero() {
			t.Fatalf("%+v", o)
		}
		return
	}
	if o.Owed != eur(-available) || !o.Available.IsZero() || !o.Next.IsZero() || o.Reason == nil {
		t.Fatalf("%+v", o)
	}
	n := len(w.list(u.User))
	if _, _, err := w.s.Request(t.Context(), u.User, "EUR"); err != nil || len(w.list(u.User)) != n {
		t.Fatalf("paid below zero: %v", err)
	}
}

// checkRepaid: a sale larger than what is owed pays the rest out, and only that.
func checkRepaid(t *testing.T, w *world, u payouts.Who) {
	t.Helper()
	stuck := w.count(`SELECT count(*) FROM payouts WHERE creator_id = $1 AND stuck_at IS NOT NULL`, u.User) == 1
	if cases := w.count(`SELECT count(*) FROM money_cases WHERE key LIKE 'payout stuck:%' AND closed_at IS NULL`) == 1; stuck != cases {
		t.Fatalf("stuck %v, case %v", stuck, cases)
	}
	owed := w.balance(ledger.Available(u.User), "EUR")
	w.earn(u.User, eur(20_000))
	if err := w.s.Choose(t.Context(), u, w.method(u).ID); err != nil {
		t.Fatal(err)
	}
	w.pass(24 * time.Hour)
	w.run()
	w.settle()
	p := w.list(u.User)[0]
	if p.State != payouts.Sent || p.Amount != eur(20_000+owed) || w.balance(ledger.Available(u.User), "EUR") != 0 {
		t.Fatalf("%s, owed %d", text(p), owed)
	}
	if stuck { // it comes back at last
		q := w.list(u.User)[1]
		w.stripe.lock(q.ID, false)
		w.pass(7 * time.Hour)
		w.sweep()
		if q = w.list(u.User)[1]; q.State != payouts.Returned || w.balance(ledger.Available(u.User), "EUR") != q.Amount.Minor {
			t.Fatal(text(q))
		}
		if w.count(`SELECT count(*) FROM money_cases WHERE key LIKE 'payout stuck:%' AND closed_at IS NULL`) != 0 {
			t.Fatal("the case stays open")
		}
	}
	w.clean()
}
