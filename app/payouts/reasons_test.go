package payouts_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
	"vitrine/app/payments"
	"vitrine/app/payouts"
)

// move books money between two of a creator's accounts.
func (w *world) move(u id.User, from, to ledger.Account, a money.Amount) {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx *db.Tx) error {
		_, err := ledger.Post(ctx, tx, ledger.Entry{Key: "move:" + id.Token(), Kind: "move", Lines: []ledger.Line{{Account: from, Amount: a.Neg()}, {Account: to, Amount: a}}})
		return err
	})
}

// wait is one way in which money can wait.
type wait struct {
	code, act, words string
	begin            func(u payouts.Who)
	end              func(u payouts.Who) // nil: there is no end to it here
}

func (w *world) waits() []wait {
	return []wait{
		{payouts.ReasonNoMethod, "you", "where to pay", func(u payouts.Who) {
			w.newest(u, func(m payouts.Method) {
				w.exec(`UPDATE payout_methods SET state = 'gone', is_current = false WHERE id = $1`, m.ID)
			})
		}, nil},
		{payouts.ReasonMinimum, "nobody", "begin at €10", func(u payouts.Who) { w.refund(u.User, w.earn(u.User, eur(1000)), eur(5900)) }, func(u payouts.Who) { w.earn(u.User, eur(5000)) }},
		{payouts.ReasonOwed, "nobody", "€20 more than was there", func(u payouts.Who) { w.refund(u.User, id.New[id.OrderKind](), eur(7000)) }, func(u payouts.Who) { w.earn(u.User, eur(9000)) }},
		{payouts.ReasonPending, "nobody", "€50 may still", func(u payouts.Who) { w.move(u.User, ledger.Available(u.User), ledger.Pending(u.User), eur(5000)) },
			func(u payouts.Who) { w.move(u.User, ledger.Pending(u.User), ledger.Available(u.User), eur(5000)) }},
		{payouts.ReasonReview, "us", "€50 belongs to orders", func(u payouts.Who) { w.move(u.User, ledger.Available(u.User), ledger.Held(u.User), eur(5000)) },
			func(u payouts.Who) { w.move(u.User, ledger.Held(u.User), ledger.Available(u.User), eur(5000)) }},
		{payouts.ReasonPaused, "you", "paused", func(u payouts.Who) { w.plan(u, payouts.Paused) }, func(u payouts.Who) { w.plan(u, payouts.Daily) }},
		{payouts.ReasonIncomplete, "you", "still needs", func(u payouts.Who) {
			w.newest(u, func(m payouts.Method) { w.exec(`UPDATE payout_methods SET state = 'incomplete' WHERE id = $1`, m.ID) })
		}, func(u payouts.Who) { w.pass(time.Second); w.returned(u) }},
		{payouts.ReasonRestricted, "you", "stopped payouts", func(u payouts.Who) {
			w.account(u, func(a *payments.Account) {
				a.Payouts, a.Due = false, []payments.Requirement{{Code: "individual.id_number", Past: true}}
			})
		}, func(u payouts.Who) { w.account(u, func(a *payments.Account) { a.Payouts, a.Due = true, nil }) }},
		{payouts.ReasonRestricted, "provider", "looking at it", func(u payouts.Who) {
			w.account(u, func(a *payments.Account) {
				a.Payouts, a.Due = false, []payments.Requirement{{Code: "individual.id_number", Pending: true}}
			})
		}, func(u payouts.Who) { w.account(u, func(a *payments.Account) { a.Payouts, a.Due = true, nil }) }},
		{payouts.ReasonChanged, "nobody", "For your safety", func(u payouts.Who) { w.account(u, func(a *payments.Account) { a.Bank = "0001" }) }, func(payouts.Who) { w.pass(73 * time.Hour) }},
		{payouts.ReasonProviderOff, "us", "switched off", func(payouts.Who) { w.s.Enabled = map[string]bool{"paypal": true} }, func(payouts.Who) { w.s.Enabled = nil }},
		{payouts.ReasonCurrency, "you", "does not take EUR", func(u payouts.Who) {
			w.account(u, func(a *payments.Account) { a.Currency = "USD" })
			w.pass(73 * time.Hour)
		},
			func(u payouts.Who) {
				w.account(u, func(a *payments.Account) { a.Currency = "EUR" })
				w.pass(73 * time.Hour)
			}},
		{payouts.ReasonHeld, "us", "A shop was closed.", func(u payouts.Who) { w.hold(u.User, "A shop was closed."); w.run() }, func(u payouts.Who) { w.hold(u.User, ""); w.sweep(); w.work() }},
	}
}

// Every way in which money can wait has a reason that says who must act, in the page and in the row that the run
// leaves; it is cleared when it no longer holds.
func TestMoneyThatWaitsHasAReason(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	for _, c := range w.waits() {
		t.Run(c.code+" "+c.act, func(t *testing.T) {
			u := w.creator()
			w.earn(u.User, eur(5000))
			c.begin(u)
			w.pass(24 * time.Hour)
			w.run()
			if len(w.stripe.wired()) > 0 && w.count(`SELECT count(*) FROM payouts WHERE creator_id = $1 AND state <> 'held'`, u.User) > 0 {
				t.Fatalf("paid: %v", w.list(u.User))
			}
			all, err := w.s.Reasons(ctx, u.User)
			if err != nil || len(all) != 1 || all[0].Code != c.code || all[0].Act != c.act || !strings.Contains(all[0].Text, c.words) || all[0].Since.IsZero() {
				t.Fatalf("%+v %v", all, err)
			}
			if o := w.outlook(u.User, "EUR"); !o.Next.IsZero() || !o.Sum.IsZero() {
				t.Fatalf("%+v", o)
			}
			if n := w.count(`SELECT count(*) FROM payout_reasons WHERE creator_id = $1 AND cleared_at IS NULL AND code = $2 AND act = $3`, u.User, c.code, c.act); n != 1 {
				t.Fatal("the run left no row")
			}
			blocked, err := w.s.Blocked(ctx, c.act)
			if err != nil || !has(blocked, u.User) {
				t.Fatalf("the operator does not see it: %v %v", blocked, err)
			}
			if c.end == nil {
				return
			}
			c.end(u)
			if err := w.s.SweepReasons(ctx); err != nil {
				t.Fatal(err)
			}
			if n := w.count(`SELECT count(*) FROM payout_reasons WHERE creator_id = $1 AND cleared_at IS NULL`, u.User); n != 0 {
				t.Fatalf("it was not cleared: %+v", w.outlook(u.User, "EUR").Reason)
			}
			if o := w.outlook(u.User, "EUR"); o.Reason != nil || o.InFlight.IsZero() && (o.Next.IsZero() || o.Sum.IsZero()) {
				t.Fatalf("%+v", o)
			}
		})
	}
	w.clean()
}

func has(all []payouts.Waiting, u id.User) bool {
	for _, w := range all {
		if w.Creator == u {
			return true
		}
	}
	return false
}

func (w *world) newest(u payouts.Who, f func(payouts.Method)) { f(w.method(u)) }

func (w *world) plan(u payouts.Who, p payouts.Plan) {
	w.t.Helper()
	if err := w.s.SetPlan(context.Background(), u.User, p); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) returned(u payouts.Who) {
	w.t.Helper()
	if _, err := w.s.Returned(context.Background(), u.User); err != nil {
		w.t.Fatal(err)
	}
}

// account changes the creator's account at the provider, and we hear of it.
func (w *world) account(u payouts.Who, f func(a *payments.Account)) {
	w.t.Helper()
	w.stripe.change(w.method(u).Account, f)
	w.pass(time.Second)
	w.returned(u)
}

func (w *world) sweep() {
	w.t.Helper()
	if err := w.s.Sweep(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

// A held payout goes when its cause is over, when the operator lets it go, or back to the balance.
func TestAHeldPayoutIsLetGoOrCanceled(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	admin := payouts.Who{User: w.newcomer().User}
	for _, c := range []struct {
		name string
		do   func(u payouts.Who, p payouts.Payout) error
		want payouts.State
	}{
		{"its cause is over", func(u payouts.Who, _ payouts.Payout) error { w.hold(u.User, ""); return w.s.Sweep(ctx) }, payouts.Sent},
		{"let go", func(_ payouts.Who, p payouts.Payout) error { return w.s.Release(ctx, admin, p.ID) }, payouts.Sent},
		{"canceled", func(_ payouts.Who, p payouts.Payout) error { return w.s.Cancel(ctx, admin, p.ID) }, payouts.Canceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := w.creator()
			w.earn(u.User, eur(5000))
			w.hold(u.User, "A shop was closed.")
			if _, _, err := w.s.Request(ctx, u.User, "EUR"); err != nil {
				t.Fatal(err)
			}
			w.work()
			w.pass(48 * time.Hour)
			w.sweep()
			w.work()
			p := w.only(u.User)
			if p.State != payouts.Held || p.Why != "A shop was closed." || w.balance(ledger.InFlight(u.User), "EUR") != 5000 {
				t.Fatal(text(p))
			}
			if all, err := w.s.Attention(ctx); err != nil || len(all) != 1 {
				t.Fatalf("%v %v", all, err)
			}
			if err := c.do(u, p); err != nil {
				t.Fatal(err)
			}
			w.work()
			if p = w.only(u.User); p.State != c.want {
				t.Fatal(text(p))
			}
			for _, again := range []error{w.s.Release(ctx, admin, p.ID), w.s.Cancel(ctx, admin, p.ID)} {
				if !errs.Is(again, errs.Conflict) {
					t.Fatal(again)
				}
			}
			if c.want == payouts.Canceled && w.balance(ledger.Available(u.User), "EUR") != 5000 {
				t.Fatal("the money is not back")
			}
		})
	}
	if w.count(`SELECT count(*) FROM audit_log WHERE action IN ('payouts.release', 'payouts.cancel') AND actor_id = $1`, admin.User) != 2 {
		t.Fatal("it is not in the log")
	}
	if err := w.s.Release(ctx, admin, id.New[id.PayoutKind]()); !errs.Is(err, errs.NotFound) {
		t.Fatal(err)
	}
	w.clean()
}

// The operator cancels while the worker sends: one of them wins.
func TestCancelAndSendAtOnce(t *testing.T) {
	w := newWorld(t)
	for range 30 {
		u := w.creator()
		w.earn(u.User, eur(5000))
		p, _, err := w.s.Request(t.Context(), u.User, "EUR")
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { w.survive(func() error { return w.s.Send(context.Background(), p.ID) }) })
		wg.Go(func() {
			if err := w.s.Cancel(context.Background(), u, p.ID); err != nil && !errs.Is(err, errs.Conflict) {
				t.Error(err)
			}
		})
		wg.Wait()
		if got := w.only(u.User); got.State != payouts.Sent && got.State != payouts.Canceled {
			t.Fatal(text(got))
		}
	}
	w.clean()
}

// A payout that was given back because its provider had denied it, and that left after all: the balance pays for it, and
// the operator hears.
func TestAPayoutThatLeftAfterAllIsBooked(t *testing.T) {
	w := newWorld(t)
	u := w.creator()
	w.earn(u.User, eur(5000))
	w.stripe.fail(refuse)
	w.run()
	w.work()
	p := w.only(u.User)
	if p.State != payouts.Released {
		t.Fatal(text(p))
	}
	w.stripe.mu.Lock()
	w.stripe.wires = append(w.stripe.wires, &wire{payout: p.ID, to: "acct", amount: p.Amount, at: w.at, state: payments.PaymentPaid, n: 99})
	w.stripe.mu.Unlock()
	w.news(p, payments.PaymentPaid, "")
	if p = w.only(u.User); p.State != payouts.Paid || w.balance(ledger.Available(u.User), "EUR") != 0 {
		t.Fatal(text(p))
	}
	if w.count(`SELECT count(*) FROM money_cases WHERE key = $1`, "payout late:"+p.ID.String()) != 1 {
		t.Fatal("nobody hears of it")
	}
	w.clean()
}

// The daily job in four processes at once, every five minutes, with the balance growing: one payout a day.
func TestTheDayIsRunOnceByManyWorkers(t *testing.T) {
	w := newWorld(t)
	var all []payouts.Who
	for range 5 {
		all = append(all, w.creator())
	}
	for day := range 5 {
		for _, u := range all {
			w.earn(u.User, eur(2000))
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 3 {
					if err := w.s.Run(context.Background(), w.d.Now()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		w.work()
		for _, u := range all {
			if n := len(w.list(u.User)); n != day+1 {
				t.Fatalf("day %d: %d payouts", day, n)
			}
		}
		w.pass(24 * time.Hour)
	}
	w.clean()
}

// The instance slept through the month's first day: it is made up for.
func TestAMissedDayIsMadeUpFor(t *testing.T) {
	w := newWorld(t)
	monthly, daily := w.creator(), w.creator()
	w.plan(monthly, payouts.Monthly)
	w.run() // the first of January
	w.earn(monthly.User, eur(5000))
	w.earn(daily.User, eur(5000))
	w.pass(29 * 24 * time.Hour)
	w.run() // the 30th
	if len(w.list(monthly.User)) != 0 || len(w.list(daily.User)) != 1 {
		t.Fatal("the 30th is a day for daily only")
	}
	if o := w.outlook(monthly.User, "EUR"); o.Reason != nil || !o.Next.Equal(time.Date(2029, 2, 1, 6, 0, 0, 0, time.UTC)) {
		t.Fatalf("%+v", o)
	}
	w.pass(5 * 24 * time.Hour)
	w.run() // the fourth of February: the first was slept through
	if len(w.list(monthly.User)) != 1 {
		t.Fatal("the first of February is lost")
	}
	w.clean()
}

// A payout that came back rests, and so does the method, until the creator says that it is in order.
func TestAMethodRestsAfterAFailure(t *testing.T) {
	w := newWorld(t)
	u := w.creator()
	w.earn(u.User, eur(5000))
	w.run()
	w.work()
	w.pass(5 * 24 * time.Hour)
	w.news(w.only(u.User), payments.PaymentFailed, "account_closed")
	w.work()
	if p := w.only(u.User); p.State != payouts.Returned || p.Why != "The bank account is closed." || w.balance(ledger.Available(u.User), "EUR") != 5000 {
		t.Fatal(text(p))
	}
	w.run()
	o := w.outlook(u.User, "EUR")
	if o.Reason == nil || o.Reason.Code != payouts.ReasonTrouble || o.Reason.Act != payouts.ActYou || !strings.Contains(o.Reason.Text, "The bank account is closed.") {
		t.Fatalf("%+v", o.Reason)
	}
	if err := w.s.Choose(t.Context(), u, w.method(u).ID); err != nil {
		t.Fatal(err)
	}
	w.pass(24 * time.Hour)
	w.run()
	w.work()
	if all := w.list(u.User); len(all) != 2 || all[0].State != payouts.Sent {
		t.Fatalf("%v", all)
	}
	w.clean()
}

// What one process wrote twice, and what two send at once, is one mail.
func TestMailsAboutAPayoutAreSentOnce(t *testing.T) {
	w := newWorld(t)
	u := w.creator()
	w.earn(u.User, eur(5000))
	w.run()
	w.work()
	to, _, _ := address(t.Context(), u.User)
	for _, j := range []string{"payouts:mail", "payouts:send"} {
		var again []dueJob
		if err := w.d.Pool().SelectContext(t.Context(), &again, `SELECT id, kind, payload FROM outbox WHERE kind = $1`, j); err != nil || len(again) == 0 {
			t.Fatal(err)
		}
		for _, x := range again {
			w.survive(func() error { return w.jobs.Run(context.Background(), x.Kind, []byte(x.Payload)) })
		}
	}
	w.work()
	var sent int
	for _, m := range w.box.to(to) {
		if m.Subject == "€50 is on its way to you" {
			sent++
			if !strings.Contains(m.Text, "•••• 6789") || !strings.Contains(m.Text, "/app/payouts/"+w.only(u.User).ID.String()) || !strings.Contains(m.Text, "3 January 2029") {
				t.Fatal(m.Text)
			}
		}
	}
	if sent != 1 {
		t.Fatalf("%d mails", sent)
	}
}
