package payouts_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"vitrine/app/ledger"
	"vitrine/app/payouts"
)

// Fifty requests and the daily job at once find one balance: one of them pays it, and the sum is never more.
func TestInvariant06FiftyRequestsOnOneBalanceAreOnePayout(t *testing.T) {
	const together = 50
	w := newWorld(t)
	u := w.creator()
	var earned, requests int64
	for round := range times(200, 2000) {
		earned += int64(5000 + round)
		w.earn(u.User, eur(int64(5000+round)))
		start := make(chan struct{})
		var wg sync.WaitGroup
		for n := range together {
			wg.Go(func() {
				<-start
				if n == 0 {
					if err := w.s.Run(context.Background(), w.d.Now()); err != nil {
						t.Errorf("round %d: %v", round, err)
					}
					return
				}
				if _, _, err := w.s.Request(context.Background(), u.User, "EUR"); err != nil {
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		close(start)
		wg.Wait()
		requests += together
		if n := w.count(`SELECT count(*) FROM payouts`); n != round+1 {
			t.Fatalf("round %d: %d payouts, want %d", round, n, round+1)
		}
		if sum := int64(w.count(`SELECT coalesce(sum(amount_minor), 0) FROM payouts`)); sum != earned {
			t.Fatalf("round %d: paid %d of %d", round, sum, earned)
		}
		w.work()
		w.arrive(u.User)
		w.pass(time.Hour)
	}
	w.clean()
	if got := w.balance(ledger.Available(u.User), "EUR"); got != 0 {
		t.Fatalf("%d are left", got)
	}
	t.Logf("%d requests, %d payouts", requests, w.count(`SELECT count(*) FROM payouts`))
}

// The provider has done it and its answer is lost. When its key is forgotten a second call would pay a second time.
func TestInvariant06NothingIsSentAgainPastTheLifeOfItsKey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		fault  fault
		pass   time.Duration
		wrong  time.Duration
		paypal bool
		want   payouts.State
	}{
		{"Stripe did it, +25 h", lostAfter, 25 * time.Hour, 0, false, payouts.Sent},
		{"Stripe did it, +10 min", lostAfter, 10 * time.Minute, 0, false, payouts.Sent},
		{"Stripe did it, +24.5 h by a clock that is an hour late", lostAfter, 24*time.Hour + 30*time.Minute, -time.Hour, false, payouts.Sent},
		{"the process died with the answer, +25 h", crashAfter, 25 * time.Hour, 0, false, payouts.Sent},
		{"the process died before the call, +10 min", crashBefore, 10 * time.Minute, 0, false, payouts.Sent},
		{"it never reached Stripe, +10 min", lostBefore, 10 * time.Minute, 0, false, payouts.Sent},
		{"it never reached Stripe, +25 h", lostBefore, 25 * time.Hour, 0, false, payouts.Released},
		{"Stripe keeps its error, +25 h", stored, 25 * time.Hour, 0, false, payouts.Released},
		{"PayPal did it, +31 days", lostAfter, 31 * 24 * time.Hour, 0, true, payouts.Sent},
		{"PayPal did it, +25 h", lostAfter, 25 * time.Hour, 0, true, payouts.Sent},
		{"it never reached PayPal, +31 days", lostBefore, 31 * 24 * time.Hour, 0, true, payouts.Released},
		{"it never reached PayPal, +25 h", lostBefore, 25 * time.Hour, 0, true, payouts.Sent},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			u, b := w.newcomer(), w.stripe
			if c.paypal {
				b = w.paypal
				w.address(u, "ada@paypal.test")
			} else {
				w.connect(u, "6789")
			}
			w.earn(u.User, eur(5000))
			b.fail(c.fault)
			w.run()
			w.work()
			if p := w.only(u.User); p.State != payouts.Unknown && p.State != payouts.Sending {
				t.Fatalf("after the call: %s", text(p))
			}
			b.fault = nil
			w.pass(c.pass)
			w.jump(c.wrong)
			if err := w.s.Sweep(context.Background()); err != nil {
				t.Fatal(err)
			}
			w.work()
			if p := w.only(u.User); p.State != c.want {
				t.Fatalf("%s, want %s", text(p), c.want)
			}
			w.clean()
			if n := len(b.wired()); (c.want == payouts.Sent) != (n == 1) {
				t.Fatalf("%d payments were made", n)
			}
		})
	}
}

// address makes a PayPal address the creator's method.
func (w *world) address(u payouts.Who, address string) payouts.Method {
	w.t.Helper()
	ctx := context.Background()
	if _, err := w.s.SetPayPal(ctx, u, address); err != nil {
		w.t.Fatal(err)
	}
	m, err := w.s.Confirm(ctx, u.User, w.link(u))
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

// A payout that was refused is money again, with a reason; it is tried again on the next day.
func TestARefusedPayoutIsMoneyAgain(t *testing.T) {
	w := newWorld(t)
	u := w.creator()
	if err := w.s.SetPlan(t.Context(), u.User, payouts.Monthly); err != nil {
		t.Fatal(err)
	}
	w.earn(u.User, eur(5000))
	w.stripe.fail(poor)
	w.run()
	w.work()
	p := w.only(u.User)
	if p.State != payouts.Released || p.Failure != "balance_insufficient" || w.balance(ledger.Available(u.User), "EUR") != 5000 {
		t.Fatal(text(p))
	}
	o := w.outlook(u.User, "EUR")
	if o.Reason == nil || o.Reason.Code != payouts.ReasonRefused || o.Reason.Act != payouts.ActUs || o.Sum != eur(5000) || !o.Next.Equal(time.Date(2029, 1, 2, 6, 0, 0, 0, time.UTC)) {
		t.Fatalf("%+v", o)
	}
	if w.count(`SELECT count(*) FROM money_cases WHERE closed_at IS NULL`) != 1 {
		t.Fatal("the operator does not hear of it")
	}
	w.stripe.fault = nil
	w.pass(24 * time.Hour)
	w.run()
	w.work()
	if all := w.list(u.User); len(all) != 2 || all[0].State != payouts.Sent {
		t.Fatalf("%v", all)
	}
	st, err := w.s.Statement(t.Context(), u.User, w.list(u.User)[0].ID)
	if err != nil || len(st.Lines) != 1 || st.Lines[0].Kind != "payout" || st.Lines[0].Number != 1 {
		t.Fatalf("%+v %v", st.Lines, err)
	}
	w.clean()
}

// Busy is not lost: nothing has left, and the payout is tried again.
func TestABusyProviderIsAskedAgain(t *testing.T) {
	w := newWorld(t)
	u := w.creator()
	w.earn(u.User, eur(5000))
	w.stripe.fail(busy)
	w.run()
	w.work()
	if p := w.only(u.User); p.State != payouts.Reserved {
		t.Fatal(text(p))
	}
	w.stripe.fault = nil
	w.pass(30 * time.Hour)
	w.work()
	if p := w.only(u.User); p.State != payouts.Sent {
		t.Fatal(text(p))
	}
	w.clean()
}

// Two workers have the same job at the same time: one calls.
func TestTwoWorkersSendOnce(t *testing.T) {
	w := newWorld(t)
	u := w.creator()
	for round := range 20 {
		w.earn(u.User, eur(5000))
		p, _, err := w.s.Request(t.Context(), u.User, "EUR")
		if err != nil {
			t.Fatal(err)
		}
		before := w.stripe.calls["pay"]
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := w.s.Send(context.Background(), p.ID); err != nil && errors.Unwrap(err).Error() != "another worker is sending this payout" {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := w.stripe.calls["pay"] - before; n != 1 {
			t.Fatalf("round %d: paid with %d calls", round, n)
		}
	}
	w.clean()
}
