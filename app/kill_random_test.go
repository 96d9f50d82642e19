package app_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"vitrine/app/apptest"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/payouts"
	"vitrine/app/refunds"
)

// atOnce is Stripe's test card whose money can be used at once.
const atOnce = "4000000000000077"

// Processes are killed at any moment, not only where somebody thought of it, while buyers pay, creators give back,
// banks dispute and payouts leave. At the end each of these has happened once, and the book adds up.
func TestInvariant09KillsAtRandomMomentsLoseNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	kills, seed := 12, uint64(time.Now().UnixNano())
	if os.Getenv("VITRINE_AUDIT") != "" {
		kills = 200
	}
	if s := os.Getenv("KILL_SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatal(err)
		}
	}
	rng := rand.New(rand.NewPCG(seed, 9))
	t.Cleanup(func() { t.Logf("KILL_SEED=%d", seed) })
	k := newKillWorld(t)
	onboarded(t, k.World, k.creator)
	k.Work()
	k.alive(true)
	rich := k.buyer(k.Creator().AddProduct("A kiln", "50000.00")) // somebody else's money pays for disputes and payouts meanwhile
	k.toPayment(rich)
	if _, err := k.Stripe.Pay(rich.session, atOnce, ""); err != nil {
		t.Fatal(err)
	}
	k.finish(rich)
	var given, bought []*buyer
	for range kills {
		k.alive(true)
		b := k.buyer(k.limited())
		bought = append(bought, b)
		if len(bought) > 1 {
			last := bought[len(bought)-2]
			o := orderOf(t, k.World, last.email)
			switch rng.IntN(4) {
			case 0:
				if err := k.Stripe.Dispute(o.Charge, "fraudulent"); err != nil {
					t.Fatal(err)
				}
			default:
				if _, err := k.App.Refunds.Create(t.Context(), k.creator.User, refunds.Input{Key: id.Token(), Order: o.ID, Amount: money.Amount{Minor: 100 + rng.Int64N(900), Currency: "EUR"}, Reason: "goodwill"}); err != nil {
					t.Fatal(err)
				}
				given = append(given, last)
			}
		}
		if rng.IntN(3) == 0 {
			if err := k.App.Orders.Mature(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, _, err := k.App.Payouts.Request(t.Context(), k.creator.User, "EUR"); err != nil {
				t.Log(err) // too little, or one is under way
			}
		}
		k.strike(rng, b)
		k.heal()
		k.finish(b)
		k.Redis.FlushAll()
	}
	apptest.Eventually(t, 60*time.Second, "every refund has come through", func() bool {
		k.Exec(`UPDATE outbox SET run_at = now() WHERE done_at IS NULL AND kind LIKE 'refunds:%' AND run_at > now()`)
		return k.Count(`SELECT count(*) FROM refunds WHERE state <> 'succeeded'`) == 0
	})
	k.quiet()
	k.stop(k.worker)
	k.stop(k.web)
	for range 3 { // what was in doubt is looked up
		if err := k.App.Payouts.Sweep(t.Context()); err != nil {
			t.Log(err)
		}
		k.Work()
	}
	if n := k.Count(`SELECT count(*) FROM payment_refunds`); n != len(given) {
		t.Errorf("%d refunds at the provider, %d were asked for", n, len(given))
	}
	ps, _, err := k.App.Payouts.List(t.Context(), k.creator.User, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ps {
		if p.State == payouts.Unknown || p.State == payouts.Sending {
			t.Errorf("payout %d is left %s", p.Number, p.State)
		}
	}
	clean(t, k.World)
	t.Logf("%d kills, %d processes, %d sales, %d refunds, %d payouts", kills, k.started, len(bought), len(given), len(ps))
}

// strike lets a buyer press and pay, and kills web, worker or both at some moment of it.
func (k *killWorld) strike(rng *rand.Rand, b *buyer) {
	k.t.Helper()
	who, at := rng.IntN(3), time.Duration(rng.IntN(400))*time.Millisecond
	struck := make(chan struct{})
	web, worker := k.web, k.worker
	time.AfterFunc(at, func() {
		defer close(struck)
		if who != 0 {
			k.stop(web)
		}
		if who != 1 {
			k.stop(worker)
		}
	})
	if a, err := k.press(b); err == nil && a.status < 400 && b.session != "" {
		k.pay(b)
	}
	<-struck
}
