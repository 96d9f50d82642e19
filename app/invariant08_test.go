package app_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vitrine/app/apptest"
	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/payments"
	"vitrine/app/payouts"
)

// bank is a payer that takes every payout and gives every failed one back.
type bank struct{}

func (bank) Name() string           { return "stripe" }
func (bank) KeyLife() time.Duration { return payments.KeyLife }
func (bank) Pay(_ context.Context, in payments.PayInput) (payments.Payment, error) {
	return payments.Payment{Payout: in.Payout, Ref: "po_" + in.Payout.String(), Advance: "tr_" + in.Payout.String(), State: payments.PaymentSent, Amount: in.Amount}, nil
}
func (b bank) Look(ctx context.Context, in payments.PayInput) (payments.Payment, error) {
	return b.Pay(ctx, in)
}
func (bank) Recover(context.Context, payments.PayInput) error { return nil }

// till opens payment pages that nobody will ever see.
type till struct{ payments.Provider }

func (till) Begin(_ context.Context, in payments.BeginInput) (payments.Session, error) {
	return payments.Session{ID: "cs_" + in.Checkout.String(), URL: "https://pay.test/", Open: true, ExpiresAt: in.ExpiresAt}, nil
}

// life is one sale with everything that can happen to it, and one payout that arrives and comes back.
type life struct {
	w       *apptest.World
	creator id.User
	order   orders.Order
	payout  payouts.Payout
	events  []payments.Event
}

const lived = 8

// begin writes an open checkout and a payout that is on its way, and the eight events that will be told of them.
func (w lane) begin(n int64) (*life, error) {
	ctx := context.Background()
	eur := func(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "EUR"} }
	l := &life{w: w.World, creator: w.c.User}
	err := w.DB.InTx(ctx, func(tx *db.Tx) error { // what was earned before, and the bank account is in order again
		if _, err := tx.Exec(ctx, `UPDATE payout_methods SET trouble = '', trouble_at = NULL, trouble_until = NULL, troubles = 0 WHERE creator_id = $1`, w.c.User); err != nil {
			return err
		}
		_, err := ledger.Post(ctx, tx, ledger.Entry{Key: fmt.Sprintf("earned:%s:%d", w.c.User, n), Kind: "test",
			Lines: []ledger.Line{{Account: ledger.Provider("stripe"), Amount: eur(-5000)}, {Account: ledger.Available(w.c.User), Amount: eur(5000)}}})
		return err
	})
	if err != nil {
		return nil, err
	}
	var why *payouts.Reason
	if l.payout, why, err = w.App.Payouts.Request(ctx, w.c.User, "EUR"); err != nil || why != nil {
		return nil, fmt.Errorf("no payout: %v %w", why, err)
	}
	if err := w.App.Payouts.Send(ctx, l.payout.ID); err != nil {
		return nil, err
	}
	st, err := w.App.Orders.Start(ctx, orders.StartInput{Key: orders.NewKey(), Lines: []orders.Line{{Product: w.c.Product, Quantity: 1}}, Email: "ines@mail.test", Consent: true, Expected: eur(1900)})
	if err != nil {
		return nil, err
	}
	c, err := w.App.Orders.Checkout(ctx, w.App.Orders.CheckoutToken(st.Checkout))
	if err != nil {
		return nil, err
	}
	l.order = c.Orders[0]
	intent := "pi_" + id.Token()
	if err := w.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE checkouts SET payment_intent_id = $2 WHERE id = $1`, c.ID, intent)
		return err
	}); err != nil {
		return nil, err
	}
	now := w.DB.Now()
	about := func(f payments.Fact) payments.Event {
		f.Intent = intent
		return payments.Event{Provider: "stripe", Known: true, Fact: f}
	}
	refund := func(ref string, minor int64) payments.Event {
		return about(payments.Fact{Refunds: []payments.Refund{{ID: ref + intent, Intent: intent, Amount: eur(minor), State: payments.RefundSucceeded, At: now}}})
	}
	dispute := func(s payments.DisputeStatus, out, in int64) payments.Event {
		return about(payments.Fact{Disputes: []payments.Dispute{{ID: "du_" + intent, Intent: intent, Reason: "fraudulent", Status: s, Amount: eur(1400), Withdrawn: eur(out), Reinstated: eur(in), At: now}}})
	}
	payout := func(s payments.PaymentState) payments.Event {
		return payments.Event{Provider: "stripe", Known: true, Payout: &payments.Payment{Payout: l.payout.ID, Ref: "po_" + l.payout.ID.String(), State: s, Amount: l.payout.Amount, Failure: "account_closed"}}
	}
	l.events = []payments.Event{
		about(payments.Fact{Checkout: c.ID, Session: c.Session, Charge: "ch_" + intent, State: payments.Succeeded, Amount: eur(1900)}),
		refund("re_1", 500), refund("re_2", 1400),
		dispute(payments.DisputeOpen, 0, 0), dispute(payments.DisputeOpen, 1400, 0), dispute(payments.DisputeWon, 1400, 1400),
		payout(payments.PaymentPaid), payout(payments.PaymentFailed),
	}
	return l, nil
}

// end says how a life ended, or what is wrong with it.
func (l *life) end() error {
	ctx := context.Background()
	o, err := l.w.App.Orders.Find(ctx, l.w.DB, l.order.ID)
	if err != nil {
		return err
	}
	ds, err := l.w.App.Orders.DisputesOf(ctx, l.w.DB, o.Checkout)
	if err != nil {
		return err
	}
	if err := l.w.App.Payouts.Recover(ctx, l.payout.ID); err != nil {
		return err
	}
	p, err := l.w.App.Payouts.Find(ctx, l.payout.ID)
	switch {
	case err != nil:
		return err
	case o.Status != orders.Refunded || o.Refunded != o.Total || o.RefundedNet != o.Net || !o.Disputed.IsZero() || !o.DisputedNet.IsZero():
		return fmt.Errorf("order %s, %s back, %s disputed", o.Status, o.Refunded, o.Disputed)
	case len(ds) != 1 || ds[0].Status != payments.DisputeWon:
		return fmt.Errorf("disputes %+v", ds)
	case p.State != payouts.Returned:
		return fmt.Errorf("payout %s", p.State)
	}
	return nil
}

type lane struct {
	*apptest.World
	c *apptest.Creator
}

// Every order of the eight events of a sale and a payout, with three of ten told twice, ends in the one state; every
// creator's accounts are empty of the sale and whole again.
func TestInvariant08EightEventsInAnyOrderEndTheSame(t *testing.T) {
	w := apptest.New(t)
	w.App.Payouts.Payers["stripe"], w.App.Orders.Providers = bank{}, payments.Providers{till{w.App.Stripe}}
	total, lanes := 2_000, 4
	all := permutations(lived)
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 8))
	if os.Getenv("VITRINE_AUDIT") == "1" {
		total = len(all)
	} else {
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
	if testing.Short() {
		total = 100
	}
	var next atomic.Int64
	var failed atomic.Bool
	var wg sync.WaitGroup
	began := time.Now()
	for n := range lanes {
		cs := make([]*apptest.Creator, 4)
		for i := range cs {
			cs[i] = w.Creator()
			onboarded(t, w, cs[i])
		}
		twice := rand.New(rand.NewPCG(seed, uint64(n)))
		wg.Go(func() {
			for i := next.Add(1) - 1; int(i) < total && !failed.Load(); i = next.Add(1) - 1 {
				if err := (lane{w, cs[int(i)/lanes%len(cs)]}).live(i, all[i], twice); err != nil {
					failed.Store(true)
					t.Errorf("seed %d, order %v: %v", seed, all[i], err)
				}
			}
			// All payouts came back, and of no sale is anything left.
			for _, c := range cs {
				for _, a := range []ledger.Account{ledger.Pending(c.User), ledger.InFlight(c.User), ledger.Held(c.User)} {
					if b, err := ledger.Balance(context.Background(), w.DB, a, "EUR"); err != nil || !b.IsZero() {
						t.Errorf("%s: %s %v", a, b, err)
					}
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d orders of %d events in %s, seed %d", total, lived, time.Since(began).Round(time.Second), seed)
	rep, err := ledger.Check(t.Context(), w.DB, append(w.App.Orders.Checks(), w.App.Payouts.Checks()...)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range rep.Findings {
		if !f.Note && f.Check != "inbox" {
			t.Errorf("check-money: %s", f)
		}
	}
}

func (w lane) live(n int64, order []int, r *rand.Rand) error {
	l, err := w.begin(n)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	told := append([]int(nil), order...)
	for _, i := range order {
		if r.IntN(10) < 3 {
			at := r.IntN(len(told) + 1)
			told = append(told[:at], append([]int{i}, told[at:]...)...)
		}
	}
	for _, i := range told {
		if err := w.DB.InTx(context.Background(), func(tx *db.Tx) error {
			_, err := w.App.Effect(context.Background(), tx, l.events[i])
			return err
		}); err != nil {
			return fmt.Errorf("event %d: %w", i, err)
		}
	}
	if err := l.end(); err != nil {
		return fmt.Errorf("told %v: %w", told, err)
	}
	return nil
}

func permutations(n int) [][]int {
	if n == 1 {
		return [][]int{{0}}
	}
	var out [][]int
	for _, p := range permutations(n - 1) {
		for i := range n {
			q := append([]int(nil), p[:i]...)
			out = append(out, append(append(q, n-1), p[i:]...))
		}
	}
	return out
}
