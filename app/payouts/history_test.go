package payouts_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/payments"
	"vitrine/app/payouts"
)

// seeds of the worlds; VITRINE_SEED=n plays one again.
func seeds(n int) []uint64 {
	if s := os.Getenv("VITRINE_SEED"); s != "" {
		v, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			panic(err)
		}
		return []uint64{v}
	}
	out := make([]uint64, n)
	for i := range out {
		out[i] = rand.Uint64()
	}
	return out
}

// A payout that was paid fails days later, again after a new one was asked for, while answers are lost, processes die,
// events come twice and late, and keys are forgotten. However it goes, nobody gets the same money twice.
func TestInvariant14PaidPayoutsFailLaterAndNobodyIsPaidTwice(t *testing.T) {
	t.Parallel()
	const together = 100
	for _, seed := range seeds(times(1000, 10_000) / together) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			h := newHistory(t, seed, together)
			for range 6 {
				h.step()
			}
			h.settle()
			h.check()
		})
	}
}

// Clocks an hour late or early, a day, a month or a year ahead, and right again: nobody is paid twice, and nothing waits for the
// year to come.
func TestInvariant18JumpingClocksPayNobodyTwice(t *testing.T) {
	t.Parallel()
	const together = 50
	for _, seed := range seeds(times(200, 5000) / together) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			h := newHistory(t, seed, together)
			for range 6 {
				h.jump([]time.Duration{0, -time.Hour, time.Hour, 25 * time.Hour, 31 * 24 * time.Hour, 400 * 24 * time.Hour}[h.r.IntN(6)])
				h.step()
			}
			h.jump(0)
			h.settle()
			h.check()
		})
	}
}

// history is many creators' stories in one world.
type history struct {
	*world
	r      *rand.Rand
	people []payouts.Who
	earned map[id.User]int64
	orders map[id.User][]id.Order
}

func newHistory(t *testing.T, seed uint64, n int) *history {
	h := &history{world: newWorld(t), r: rand.New(rand.NewPCG(seed, 1)), earned: map[id.User]int64{}, orders: map[id.User][]id.Order{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("VITRINE_SEED=%d plays it again", seed)
		}
	})
	h.people, h.quiet = h.crowd(n), true
	h.stripe.fault, h.paypal.fault = h.trouble, h.trouble
	return h
}

// trouble is what goes wrong with a call: every third.
func (h *history) trouble(string) fault {
	if h.r.IntN(3) > 0 {
		return fine
	}
	return []fault{lostBefore, lostAfter, lostAfter, crashBefore, crashAfter, refuse, poor, busy, stored, bounce}[h.r.IntN(10)]
}

var pauses = []time.Duration{5 * time.Minute, 3 * time.Hour, 24 * time.Hour, 25 * time.Hour, 5 * 24 * time.Hour, 8 * 24 * time.Hour, 31 * 24 * time.Hour}

func (h *history) step() {
	ctx := context.Background()
	var es []ledger.Entry // of sales and refunds: booked at once
	for _, u := range h.people {
		switch h.r.IntN(10) {
		case 0, 1, 2, 3, 4:
			n := int64(1000 + h.r.IntN(9000))
			h.earned[u.User] += n
			o := id.New[id.OrderKind]()
			h.orders[u.User] = append(h.orders[u.User], o)
			es = append(es, sale(u.User, o, eur(n))...)
		case 5:
			if os := h.orders[u.User]; len(os) > 0 {
				n := int64(1 + h.r.IntN(900))
				h.earned[u.User] -= n
				es = append(es, back(u.User, os[h.r.IntN(len(os))], eur(n)))
			}
		case 6:
			h.survive(func() error { _, _, err := h.s.Request(ctx, u.User, "EUR"); return err })
		case 7:
			h.hold(u.User, []string{"", "A shop was closed."}[h.r.IntN(2)])
		default:
			h.news(u.User)
		}
	}
	h.book(es...)
	h.survive(func() error { return h.s.Run(ctx, h.d.Now()) })
	h.work()
	h.survive(func() error { return h.swept(h.s.Sweep(ctx)) })
	h.pass(pauses[h.r.IntN(len(pauses))])
}

// swept leaves out what a sweep may well meet here.
func (h *history) swept(err error) error {
	var e *payments.Error
	if errors.As(err, &e) || errors.Is(err, payments.ErrNone) {
		return nil
	}
	return err
}

// news are events about one of the creator's payouts: new ones, old ones, twice.
func (h *history) news(u id.User) {
	all := h.list(u)
	if len(all) == 0 {
		return
	}
	p := all[h.r.IntN(len(all))]
	b := map[string]*bank{"stripe": h.stripe, "paypal": h.paypal}[p.Provider]
	to := []payments.PaymentState{payments.PaymentPaid, payments.PaymentPaid, payments.PaymentFailed, payments.PaymentReturned}[h.r.IntN(4)]
	e := b.flip(p.ID, to, "account_closed")
	if e.State == "" {
		return // it has not left
	}
	old := e
	old.State = payments.PaymentSent
	for _, x := range []payments.Payment{e, old, e} {
		if h.r.IntN(2) == 0 {
			h.tx(func(ctx context.Context, tx *db.Tx) error { return h.s.ApplyPayment(ctx, tx, p.Provider, x) })
		}
	}
}

// settle lets everything end, and hears what no event has told.
func (h *history) settle() {
	h.t.Helper()
	for _, u := range h.people {
		h.hold(u.User, "")
	}
	h.world.settle()
	h.pass(25 * time.Hour)
	for range 10 {
		if err := h.s.Sweep(context.Background()); err != nil {
			h.t.Fatal(err)
		}
		h.work()
	}
	h.world.settle()
}

// check: what a creator has got and has, is what they have earned.
func (h *history) check() {
	h.t.Helper()
	h.clean()
	h.t.Log(h.states())
	got := map[string]int64{}
	for _, b := range []*bank{h.stripe, h.paypal} {
		for _, x := range b.wired() {
			if !x.recovered {
				got[x.payout.String()] += x.amount.Minor
			}
		}
	}
	for _, u := range h.people {
		var paid int64
		for _, p := range h.list(u.User) {
			paid += got[p.ID.String()]
		}
		left := h.balance(ledger.Available(u.User), "EUR") + h.balance(ledger.InFlight(u.User), "EUR")
		if paid+left != h.earned[u.User] {
			h.t.Errorf("%s: got %d and has %d, earned %d", u.User, paid, left, h.earned[u.User])
		}
	}
}
