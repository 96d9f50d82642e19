package app_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"vitrine/app/apptest"
	"vitrine/app/id"
	"vitrine/app/inventory"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/refunds"
	"vitrine/app/sandbox"
)

// mailing dies between a mail's being sent and its being noted.
var mailing = []string{"mail.claimed", "mail.sent"}

// A process is killed at each place where one may die between two steps of the money path. Whatever comes after,
// the buyer has one paid order, one receipt and one charge, and the book adds up. A failpoint that no scenario
// comes to fails the test.
func TestInvariant09AKillAtEveryFailpointLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	k := newKillWorld(t)
	began := time.Now()
	scenarios := map[string]func(k *killWorld, failpoint string){}
	for _, s := range []struct {
		run   func(k *killWorld, failpoint string)
		names []string
	}{
		{dieInCheckout, []string{"inventory.reserve.before_commit", "inventory.reserve.after_commit", "checkout.write.before_commit", "checkout.write.after_commit",
			"provider.begin.before_call", "provider.begin.after_call", "checkout.record.before_commit", "checkout.record.after_commit"}},
		{dieAfterStoredError, []string{"provider.find.before_call", "provider.find.after_call", "checkout.attempt.before_commit", "checkout.attempt.after_commit"}},
		{dieWhenRefused, []string{"checkout.refused.before_commit", "checkout.refused.after_commit"}},
		{dieLettingGo, []string{"checkout.let_go.before_commit", "checkout.let_go.after_commit"}},
		{dieOnReturn, []string{"provider.session.before_call", "provider.session.after_call", "checkout.look.before_commit", "checkout.look.after_commit"}},
		{dieReceiving, []string{"payments.receive.before_commit", "payments.receive.after_commit"}},
		{dieApplying, []string{"payments.apply.before_commit", "payments.apply.after_commit", "ledger.after_post", "mail.claimed", "mail.sent"}},
		{dieResuming, []string{"payments.resume.before_commit", "payments.resume.after_commit"}},
		{dieTakingBack, []string{"payments.look.before_call", "payments.look.after_call"}},
		{dieAsking, []string{"orders.ask.before_call", "orders.ask.after_call", "orders.ask.before_commit", "orders.ask.after_commit"}},
		{diePulling, []string{"payments.pull.before_call", "payments.pull.after_call", "payments.pull.before_commit", "payments.pull.after_commit"}},
		{dieMaturing, []string{"orders.mature.before_commit", "orders.mature.after_commit"}},
		{dieCreatingAnIntent, []string{"provider.intent.before_call", "provider.intent.after_call", "checkout.intent.before_commit", "checkout.intent.after_commit"}},
		{dieReadingAnIntent, []string{"provider.intent_read.before_call", "provider.intent_read.after_call"}},
		{dieFindingAnIntent, []string{"provider.intent_find.before_call", "provider.intent_find.after_call"}},
		{dieConfirming, []string{"provider.confirm.before_call", "provider.confirm.after_call", "provider.intent_look.before_call", "provider.intent_look.after_call"}},
		{dieCancelling, []string{"provider.intent_cancel.before_call", "provider.intent_cancel.after_call"}},
		{dieExpiring, []string{"provider.expire.before_call", "provider.expire.after_call"}},
		{dieSweepingOrphans, []string{"sweep.orphan.before_commit", "sweep.orphan.after_commit"}},
		{dieReadingTheAccount, []string{"provider.movements.before_call", "provider.movements.after_call"}},
		{dieLearningOfAPayment, []string{"provider.payment.before_call", "provider.payment.after_call", "reconcile.learn.before_commit", "reconcile.learn.after_commit"}},
	} {
		for _, n := range s.names {
			scenarios[n] = s.run
		}
	}
	names := slices.Concat(orders.Failpoints, mailing)
	failed := 0
	for _, name := range names {
		run, ok := scenarios[name]
		if !ok {
			t.Errorf("no scenario comes to %s", name)
			continue
		}
		at := time.Now()
		if !t.Run(name, func(t *testing.T) {
			k.t = t
			run(k, name)
		}) {
			if failed++; failed == 3 {
				t.Fatal("that is enough")
			}
		}
		k.t = t
		k.Redis.FlushAll() // rate limits; and what Redis knew is lost, besides
		t.Logf("%-34s %s", name, time.Since(at).Round(10*time.Millisecond))
	}
	for name := range scenarios {
		if !slices.Contains(names, name) {
			t.Errorf("%s is no failpoint any more", name)
		}
	}
	t.Logf("%d failpoints, %d processes, %s", len(names), k.started.Load(), time.Since(began).Round(time.Second))
}

// alive makes sure that ordinary processes run, or no worker.
func (k *killWorld) alive(withWorker bool) {
	k.t.Helper()
	if k.web == nil || k.web.dead() {
		k.startWeb("")
	}
	if !withWorker {
		k.stop(k.worker)
		k.worker = nil
	} else if k.worker == nil || k.worker.dead() {
		k.startWorker("")
	}
}

func (k *killWorld) limited() id.Product {
	k.Exec(`INSERT INTO stock (product_id, shop_id, creator_id, available, updated_at) VALUES ($1, $2, $3, 100, now()) ON CONFLICT DO NOTHING`,
		k.creator.Product, k.creator.Shop.ID, k.creator.User)
	return k.creator.Product
}

func dieInCheckout(k *killWorld, failpoint string) {
	k.alive(true)
	k.startWeb(failpoint)
	b := k.buyer(k.limited())
	if a, err := k.press(b); err == nil {
		k.t.Errorf("the answer came all the same: %d %s", a.status, a.location)
	}
	k.reached(failpoint, k.web)
	k.finish(b)
	if n := k.Count(`SELECT count(*) FROM holds h JOIN checkouts c ON c.id = h.checkout_id WHERE c.email = $1 AND h.sold_at IS NOT NULL`, b.email); n != 1 {
		k.t.Errorf("%d holds of the buyer were sold", n)
	}
}

// The provider answers with an error that it keeps: we look whether there is a page, and take a new key.
func dieAfterStoredError(k *killWorld, failpoint string) {
	k.alive(true)
	k.startWeb(failpoint)
	b := k.buyer(k.limited())
	k.Stripe.Inject(sandbox.Fault{Kind: sandbox.Error500, Call: "POST /v1/checkout/sessions", Times: 1})
	if a, err := k.press(b); err == nil {
		k.t.Errorf("the answer came all the same: %d %s", a.status, a.location)
	}
	k.reached(failpoint, k.web)
	k.finish(b)
}

// Dinars have three decimals, and the provider takes only whole tens: nobody can pay this.
func dieWhenRefused(k *killWorld, failpoint string) {
	k.alive(true)
	c := k.Creator()
	k.Exec(`UPDATE shops SET currency = 'KWD' WHERE id = $1`, c.Shop.ID)
	k.Exec(`UPDATE products SET currency = 'KWD', price_minor = 12345 WHERE id = $1`, c.Product)
	k.startWeb(failpoint)
	b := k.buyer(c.Product)
	if a, err := k.press(b); err == nil {
		k.t.Errorf("the answer came all the same: %d %s", a.status, a.location)
	}
	k.reached(failpoint, k.web)
	k.heal()
	if a := k.insist(http.MethodPost, k.Config.AppURL+"/checkout", b.form); a.status < 400 {
		k.t.Errorf("the form leads to %d %s", a.status, a.location)
	}
	if n := k.Count(`SELECT count(*) FROM orders WHERE email = $1 AND status = 'expired'`, b.email); n != 1 {
		k.t.Errorf("%d expired orders", n)
	}
	k.settled(b, 0)
}

// Two forms with one key and different addresses at once: one of them is written, the other gives back what it
// had set aside.
func dieLettingGo(k *killWorld, failpoint string) {
	k.alive(true)
	k.startWeb(failpoint)
	one := k.buyer(k.limited())
	two := &buyer{email: "x" + one.email, form: map[string][]string{}}
	for f, v := range one.form {
		two.form[f] = v
	}
	two.form.Set("email", two.email)
	tx, err := k.DB.Pool().Beginx()
	if err != nil {
		k.t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec(`LOCK TABLE checkouts IN SHARE ROW EXCLUSIVE MODE`); err != nil {
		k.t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, b := range []*buyer{one, two} {
		wg.Go(func() { k.press(b) })
	}
	apptest.Eventually(k.t, 2500*time.Millisecond, "both wait to write", func() bool {
		return k.Count(`SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'checkouts'::regclass AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`) == 2
	})
	if err := tx.Rollback(); err != nil {
		k.t.Fatal(err)
	}
	wg.Wait()
	k.reached(failpoint, k.web)
	k.heal()
	winner := one
	if k.Count(`SELECT count(*) FROM checkouts WHERE email = $1`, two.email) == 1 {
		winner = two
	}
	k.Exec(`UPDATE holds SET expires_at = now() - interval '1 hour' WHERE NOT EXISTS (SELECT 1 FROM checkouts c WHERE c.id = checkout_id)`)
	k.startWorker("") // its first sweep gives back what nobody's checkout holds
	k.finish(winner)
	apptest.Eventually(k.t, 10*time.Second, "nothing is held for nobody", func() bool {
		return k.Count(`SELECT count(*) FROM holds WHERE sold_at IS NULL AND released_at IS NULL AND NOT EXISTS (SELECT 1 FROM checkouts c WHERE c.id = checkout_id)`) == 0
	})
}

// The buyer is back before the event is applied: the page asks the provider itself.
func dieOnReturn(k *killWorld, failpoint string) {
	k.alive(false)
	k.Stripe.Misbehave(sandbox.WebhookFaults{Hold: true})
	k.startWeb(failpoint)
	b := k.buyer(k.limited())
	k.toPayment(b)
	next := k.pay(b)
	if a, err := k.once(http.MethodGet, next, nil); err == nil {
		k.t.Errorf("the answer came all the same: %d %s", a.status, a.location)
	}
	k.reached(failpoint, k.web)
	k.heal()
	k.insist(http.MethodGet, next, nil)
	k.finish(b)
}

func dieReceiving(k *killWorld, failpoint string) {
	k.alive(true)
	k.startWeb(failpoint)
	b := k.buyer(k.limited())
	k.toPayment(b)
	k.pay(b)
	k.reached(failpoint, k.web)
	k.finish(b)
}

func dieApplying(k *killWorld, failpoint string) {
	k.alive(false)
	b := k.buyer(k.limited())
	k.toPayment(b)
	k.pay(b)
	k.startWorker(failpoint)
	k.reached(failpoint, k.worker)
	k.finish(b)
}

// The job of an event was lost; the sweep puts it back.
func dieResuming(k *killWorld, failpoint string) {
	k.alive(false)
	b := k.buyer(k.limited())
	k.toPayment(b)
	k.pay(b)
	apptest.Eventually(k.t, 10*time.Second, "the event is here", func() bool {
		return k.Count(`SELECT count(*) FROM webhook_inbox WHERE applied_at IS NULL`) >= 2
	})
	// In this order: an event that comes between the two keeps its job.
	k.Exec(`DELETE FROM outbox WHERE done_at IS NULL AND kind = 'payments:apply'`)
	k.Exec(`UPDATE webhook_inbox SET received_at = received_at - interval '5 minutes' WHERE applied_at IS NULL`)
	k.startWorker(failpoint)
	k.reached(failpoint, k.worker)
	k.finish(b)
}

// paid brings a buyer to a paid order without a worker.
func (k *killWorld) paid() *buyer {
	k.t.Helper()
	b := k.buyer(k.limited())
	k.toPayment(b)
	k.insist(http.MethodGet, k.pay(b), nil)
	return b
}

// The provider's dashboard gives money back; the event says so, and the payment is asked for the rest.
func dieTakingBack(k *killWorld, failpoint string) {
	k.alive(true)
	b := k.buyer(k.limited())
	k.finish(b)
	k.stop(k.worker)
	k.giveBack(b, 700)
	k.startWorker(failpoint)
	k.reached(failpoint, k.worker)
	k.startWorker("")
	apptest.Eventually(k.t, 15*time.Second, "the refund is booked", func() bool {
		return k.Count(`SELECT count(*) FROM orders WHERE email = $1 AND refunded_minor = 700 AND status = 'partly_refunded'`, b.email) == 1
	})
	k.quiet()
	clean(k.t, k.World)
}

// Someone has given all of it back at the provider's dashboard, and the event is still on its way: our own refund is
// refused, and the payment is asked how it stands.
func dieAsking(k *killWorld, failpoint string) {
	k.alive(false)
	b := k.paid()
	k.quietWorker()
	k.Stripe.Misbehave(sandbox.WebhookFaults{Hold: true})
	k.giveBack(b, 1900)
	o := orderOf(k.t, k.World, b.email)
	if _, err := k.App.Refunds.Create(k.t.Context(), k.creator.User, refunds.Input{Key: id.Token(), Order: o.ID, Amount: money.Amount{Minor: 400, Currency: "EUR"}, Reason: "goodwill"}); err != nil {
		k.t.Fatal(err)
	}
	k.startWorker(failpoint)
	k.reached(failpoint, k.worker)
	k.startWorker("")
	apptest.Eventually(k.t, 15*time.Second, "the refund is refused and the other one known", func() bool {
		return k.Count(`SELECT count(*) FROM orders o JOIN refunds r ON r.order_id = o.id WHERE o.email = $1 AND o.refunded_minor = 1900 AND o.refunding_minor = 0 AND r.state = 'refused'`, b.email) == 1
	})
	k.Stripe.ClearFaults()
	k.Stripe.Release()
	k.quiet()
	clean(k.t, k.World)
}

// quietWorker lets a worker do everything that is due, and stops it.
func (k *killWorld) quietWorker() {
	k.t.Helper()
	k.startWorker("")
	k.quiet()
	k.stop(k.worker)
	k.worker = nil
}

// What the provider keeps is booked with the lines of its account.
func diePulling(k *killWorld, failpoint string) {
	k.alive(false)
	b := k.paid()
	k.startWorker(failpoint)
	k.reached(failpoint, k.worker)
	k.finish(b)
	apptest.Eventually(k.t, 15*time.Second, "the fee is booked", func() bool {
		return k.Count(`SELECT count(*) FROM provider_movements m JOIN checkouts c ON c.payment_intent_id = m.intent JOIN ledger_entries e ON e.key = 'fee:stripe:' || m.ref WHERE c.email = $1`, b.email) == 1
	})
}

// The settlement time is over.
func dieMaturing(k *killWorld, failpoint string) {
	k.alive(false)
	b := k.paid()
	k.startWorker(failpoint)
	k.reached(failpoint, k.worker)
	k.finish(b)
	apptest.Eventually(k.t, 15*time.Second, "the money is available", func() bool {
		return k.Count(`SELECT count(*) FROM orders o JOIN ledger_entries e ON e.key = 'mature:' || o.id WHERE o.email = $1 AND o.matured_at IS NOT NULL`, b.email) == 1
	})
}

// An integrator's server asks for a payment, hears nothing, and asks again with the same key.
func dieCreatingAnIntent(k *killWorld, failpoint string) {
	k.alive(true)
	k.startWeb(failpoint)
	i := k.integrator(k.limited())
	if a, err := i.ask("create-intent"); err == nil {
		k.t.Errorf("the answer came all the same: %d %s", a.status, tail(a.body))
	}
	k.reached(failpoint, k.web)
	i.finish()
}

func dieReadingAnIntent(k *killWorld, failpoint string) {
	k.alive(true)
	i := k.integrator(k.limited())
	i.insist("create-intent")
	k.startWeb(failpoint)
	i.ask("create-intent")
	k.reached(failpoint, k.web)
	i.finish()
}

// The provider answers with an error that it keeps: we look whether there is a payment.
func dieFindingAnIntent(k *killWorld, failpoint string) {
	k.alive(true)
	k.startWeb(failpoint)
	i := k.integrator(k.limited())
	k.Stripe.Inject(sandbox.Fault{Kind: sandbox.Error500After, Call: "POST /v1/payment_intents", Times: 1})
	i.ask("create-intent")
	k.reached(failpoint, k.web)
	i.finish()
}

func dieConfirming(k *killWorld, failpoint string) {
	k.alive(true)
	i := k.integrator(k.limited())
	i.insist("create-intent")
	k.startWeb(failpoint)
	i.ask("confirm")
	k.reached(failpoint, k.web)
	i.finish()
}

// Nobody has paid in time. The payment is ended at the provider before the goods are given back.
func dieCancelling(k *killWorld, failpoint string) {
	k.alive(false)
	i := k.integrator(k.limited())
	i.insist("create-intent")
	k.Exec(`UPDATE checkouts SET expires_at = now() - interval '10 minutes' WHERE email = $1`, i.email)
	k.startWorker(failpoint)
	k.reached(failpoint, k.worker)
	k.startWorker("")
	apptest.Eventually(k.t, 15*time.Second, "the checkout is over", func() bool {
		return k.Count(`SELECT count(*) FROM checkouts c JOIN holds h ON h.checkout_id = c.id WHERE c.email = $1 AND c.status = 'expired' AND h.released_at IS NOT NULL`, i.email) == 1
	})
	k.quiet()
	clean(k.t, k.World)
}

// Nobody has paid in time. The page is closed at the provider before the goods are given back.
func dieExpiring(k *killWorld, failpoint string) {
	k.alive(false)
	b := k.buyer(k.limited())
	k.toPayment(b)
	k.Exec(`UPDATE checkouts SET expires_at = now() - interval '10 minutes' WHERE email = $1`, b.email)
	k.startWorker(failpoint)
	k.reached(failpoint, k.worker)
	k.startWorker("")
	apptest.Eventually(k.t, 15*time.Second, "the checkout is over", func() bool {
		return k.Count(`SELECT count(*) FROM checkouts WHERE email = $1 AND status = 'expired'`, b.email) == 1
	})
	if _, err := k.Stripe.Pay(b.session, apptest.Good, ""); err == nil {
		k.t.Error("the page can still be paid")
	}
	if n := k.Count(`SELECT count(*) FROM holds h JOIN checkouts c ON c.id = h.checkout_id WHERE c.email = $1 AND h.released_at IS NULL`, b.email); n != 0 {
		k.t.Errorf("%d holds are left", n)
	}
	k.settled(b, 0)
}

func dieSweepingOrphans(k *killWorld, failpoint string) {
	k.alive(false)
	p := k.limited()
	left := k.Count(`SELECT available FROM stock WHERE product_id = $1`, p)
	lost := id.New[id.CheckoutKind]()
	if _, err := k.App.Stock.Reserve(k.t.Context(), lost, []inventory.Line{{Product: p, Quantity: 3}}, k.Now().Add(-time.Hour)); err != nil {
		k.t.Fatal(err)
	}
	k.startWorker(failpoint)
	k.reached(failpoint, k.worker)
	k.startWorker("")
	apptest.Eventually(k.t, 10*time.Second, "the copies are back", func() bool {
		return k.Count(`SELECT available FROM stock WHERE product_id = $1`, p) == left
	})
	b := k.buyer(p)
	k.finish(b)
}

func dieReadingTheAccount(k *killWorld, failpoint string) {
	k.alive(false)
	b := k.buyer(k.limited())
	k.toPayment(b)
	k.startWorker(failpoint) // reconciles first of all
	k.reached(failpoint, k.worker)
	k.finish(b)
}

// The provider has the money and never told us. A reconciliation finds it, a quarter of an hour later.
func dieLearningOfAPayment(k *killWorld, failpoint string) {
	k.alive(false)
	b := k.buyer(k.limited())
	k.toPayment(b)
	k.Stripe.Misbehave(sandbox.WebhookFaults{Lose: 1})
	k.Pass(-20 * time.Minute)
	k.pay(b)
	k.Pass(20 * time.Minute)
	k.startWorker(failpoint)
	k.reached(failpoint, k.worker)
	k.startWorker("")
	k.finish(b)
}
