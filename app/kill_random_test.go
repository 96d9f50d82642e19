package app_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
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

// underLoad is how many people buy at the same time while processes are killed.
const underLoad = 4

// Web and worker are killed at any moment, not only where somebody thought of it, while buyers pay, creators give back,
// banks dispute and payouts leave. At the end each of these has happened once, and the book adds up.
func TestInvariant09KillsAtRandomMomentsLoseNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	kills, seed := int64(200), uint64(time.Now().UnixNano())
	if os.Getenv("VITRINE_AUDIT") != "" {
		kills = 2_000
	}
	if s := os.Getenv("KILL_SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatal(err)
		}
	}
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
	k.Exec(`INSERT INTO stock (product_id, shop_id, creator_id, available, updated_at) VALUES ($1, $2, $3, 100000, now()) ON CONFLICT DO NOTHING`,
		k.creator.Product, k.creator.Shop.ID, k.creator.User)
	s := &storm{killWorld: k, left: kills}
	s.run(seed)
	s.calm()
	t.Logf("%d kills, %d processes, %d sales, %d refunds, %d disputes, %d payouts", kills, k.started.Load(), len(s.bought), s.given, s.disputed, s.paidOut)
	if s.given == 0 || s.disputed == 0 || s.paidOut == 0 {
		t.Error("too little went on")
	}
}

// storm is a time in which processes die all the while and people go on all the same.
type storm struct {
	*killWorld
	left int64 // kills to come

	mu                       sync.Mutex
	bought                   []*buyer
	paid                     int
	given, disputed, paidOut int
}

func (s *storm) run(seed uint64) {
	over, end := context.WithCancel(s.t.Context())
	var people, killers sync.WaitGroup
	for n := range underLoad {
		rng := rand.New(rand.NewPCG(seed, uint64(n)))
		people.Go(func() {
			for over.Err() == nil {
				s.shop(over, rng)
			}
		})
	}
	for i, v := range []**victim{&s.web, &s.worker} {
		rng := rand.New(rand.NewPCG(seed, uint64(100+i)))
		killers.Go(func() { s.kill(v, rng) })
	}
	killers.Wait()
	end()
	people.Wait()
}

// kill ends one kind of process again and again, each after some moment of life, and starts the next.
func (s *storm) kill(v **victim, rng *rand.Rand) {
	for i := atomic.AddInt64(&s.left, -1); i >= 0; i = atomic.AddInt64(&s.left, -1) {
		time.Sleep(20*time.Millisecond + time.Duration(rng.IntN(350))*time.Millisecond)
		if v == &s.web {
			s.startWeb("")
			continue
		}
		if i%10 == 0 {
			s.Redis.FlushAll() // rate limits; and what Redis knew is lost, besides
		}
		s.startWorker("")
	}
}

// shop lets somebody buy, patiently; and then the creator, the bank or the night do something about an order.
func (s *storm) shop(ctx context.Context, rng *rand.Rand) {
	b := &buyer{email: "ines-" + strings.ToLower(id.Token()[:12]) + "@mail.test"}
	again := func(do func() bool) bool {
		for ctx.Err() == nil {
			if do() {
				return true
			}
			time.Sleep(10 * time.Millisecond)
		}
		return false
	}
	if !again(func() bool { return s.open(b) }) {
		return
	}
	s.mu.Lock()
	s.bought = append(s.bought, b)
	s.mu.Unlock()
	if !again(func() bool {
		a, err := s.press(b)
		return err == nil && a.status < 400 && b.session != ""
	}) {
		return
	}
	next, err := s.Stripe.Pay(b.session, apptest.Good, "")
	if err != nil {
		s.t.Error(err)
		return
	}
	if rng.IntN(2) == 0 { // others close the page
		again(func() bool { a, err := s.once(http.MethodGet, next, nil); return err == nil && a.status < 500 })
	}
	var o struct {
		ID     id.Order `db:"id"`
		Charge string   `db:"charge_id"`
	}
	if !again(func() bool {
		return s.DB.Pool().GetContext(ctx, &o, `SELECT o.id, o.charge_id FROM orders o WHERE o.email = $1 AND o.status = 'paid'`, b.email) == nil
	}) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paid++
	switch s.paid % 4 {
	case 3:
		if err := s.Stripe.Dispute(o.Charge, "fraudulent"); err != nil {
			s.t.Error(err)
		}
		s.disputed++
	case 2:
		if _, err := s.App.Refunds.Create(context.WithoutCancel(ctx), s.creator.User, refunds.Input{Key: id.Token(), Order: o.ID, Amount: money.Amount{Minor: 100 + rng.Int64N(900), Currency: "EUR"}, Reason: "goodwill"}); err != nil {
			s.t.Error(err)
		}
		s.given++
	case 1:
		if err := s.App.Orders.Mature(context.WithoutCancel(ctx)); err != nil {
			s.t.Error(err)
		}
		if _, why, err := s.App.Payouts.Request(context.WithoutCancel(ctx), s.creator.User, "EUR"); err == nil && why == nil {
			s.paidOut++
		}
	}
}

// open reads the checkout page and fills its form.
func (s *storm) open(b *buyer) bool {
	b.start = s.Config.AppURL + "/checkout/start?q=1&p=" + s.creator.Product.String()
	page, err := s.once(http.MethodGet, b.start, nil)
	if err != nil || page.status != http.StatusOK {
		return false
	}
	b.form, err = formOf(page.body, "/checkout")
	if err != nil {
		s.t.Error(err)
		return true
	}
	b.form.Set("email", b.email)
	b.form.Set("consent", "on")
	return true
}

// calm lets everybody end what they began, and checks what came of it all.
func (s *storm) calm() {
	s.t.Helper()
	s.Redis.FlushAll()
	s.startWeb("")
	s.startWorker("")
	for _, b := range s.bought {
		if b.session == "" {
			s.toPayment(b)
		}
		if _, paid := s.sessions(b.email); paid == 0 {
			s.insist(http.MethodGet, s.pay(b), url.Values{})
		}
	}
	s.hurry("every order is paid", `SELECT count(*) FROM orders WHERE status IN ('pending', 'processing')`)
	s.hurry("every receipt is sent", `SELECT count(*) FROM order_mails WHERE sent_at IS NULL`)
	s.hurry("every refund has come through", `SELECT count(*) FROM refunds WHERE state <> 'succeeded'`)
	s.hurry("everything is done", `SELECT count(*) FROM outbox WHERE done_at IS NULL AND failed_at IS NULL AND kind <> 'checkouts:watch'`)
	s.quiet()
	s.stop(s.worker)
	s.stop(s.web)
	for range 3 { // what was in doubt is looked up
		if err := s.App.Payouts.Sweep(s.t.Context()); err != nil {
			s.t.Log(err)
		}
		s.Work()
	}
	for _, b := range s.bought {
		if _, paid := s.sessions(b.email); paid != 1 {
			s.t.Errorf("%s was charged %d times", b.email, paid)
		}
		if n := s.Count(`SELECT count(*) FROM orders WHERE email = $1`, b.email); n != 1 {
			s.t.Errorf("%s has %d orders", b.email, n)
		}
		receipts := map[string]bool{} // one whose sending was cut off may come twice, under the same Message-ID
		for _, m := range s.Mails(b.email, "") {
			receipts[m.Headers.Get("Message-Id")] = true
		}
		if len(receipts) == 0 {
			s.t.Errorf("%s has no receipt", b.email)
		}
	}
	if n := s.Count(`SELECT count(*) FROM payment_refunds`); n != s.given {
		s.t.Errorf("%d refunds at the provider, %d were asked for", n, s.given)
	}
	if n := s.Count(`SELECT count(*) FROM outbox WHERE failed_at IS NOT NULL`); n != 0 {
		s.t.Errorf("%d jobs were given up", n)
	}
	ps, _, err := s.App.Payouts.List(s.t.Context(), s.creator.User, "")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, p := range ps {
		if p.State == payouts.Unknown || p.State == payouts.Sending {
			s.t.Errorf("payout %d is left %s", p.Number, p.State)
		}
	}
	clean(s.t, s.World)
}

// hurry waits until a count is zero; what failed and is to be tried later is tried now.
func (s *storm) hurry(what, count string) {
	s.t.Helper()
	apptest.Eventually(s.t, 60*time.Second, what, func() bool {
		s.Exec(`UPDATE outbox SET run_at = now() WHERE done_at IS NULL AND kind <> 'checkouts:watch' AND run_at > now()`)
		return s.Count(count) == 0
	})
}
