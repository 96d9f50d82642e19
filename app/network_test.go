package app_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"vitrine/app"
	"vitrine/app/apptest"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/refunds"
	"vitrine/app/sandbox"
)

// network is a product whose ways to Postgres and to Stripe can be disturbed. The World sees both undisturbed.
type network struct {
	*apptest.World
	t        *testing.T
	far      *app.App
	cutter   *cutter
	postgres *toxiproxy.Proxy
	stripe   *toxiproxy.Proxy
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	n := &network{World: apptest.New(t), t: t}
	n.cutter = newCutter(t, n.Config.DatabaseURL)
	srv := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	box, err := url.Parse(n.Config.StripeAPIURL)
	if err != nil {
		t.Fatal(err)
	}
	n.postgres = toxiproxy.NewProxy(srv, "postgres", "127.0.0.1:0", n.cutter.ln.Addr().String())
	n.stripe = toxiproxy.NewProxy(srv, "stripe", "127.0.0.1:0", box.Host)
	for _, p := range []*toxiproxy.Proxy{n.postgres, n.stripe} {
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Stop)
	}
	c := *n.Config
	box.Host = n.stripe.Listen
	host, port, _ := strings.Cut(n.postgres.Listen, ":")
	c.StripeAPIURL = box.String()
	c.DatabaseURL = fmt.Sprintf("%s host=%s port=%s", n.Config.DatabaseURL, host, port)
	if n.far, err = app.New(t.Context(), &c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.far.Close() })
	n.far.DB.Clock = n.Now
	return n
}

// disturbance is one way in which a network fails.
type disturbance struct {
	name   string
	gentle bool // it delays and cuts nothing
	begin  func(n *network) error
}

// mend gives both ways back.
func (n *network) mend() {
	n.t.Helper()
	n.cutter.calm()
	for _, p := range []*toxiproxy.Proxy{n.postgres, n.stripe} {
		p.Toxics.ResetToxics(context.Background())
		if err := p.Start(); err != nil && err != toxiproxy.ErrProxyAlreadyStarted {
			n.t.Fatal(err)
		}
	}
}

// disturbances are all of toxiproxy's that end or delay a conversation, on each of the two ways.
func disturbances() (out []disturbance) {
	ways := map[string]func(n *network) *toxiproxy.Proxy{
		"postgres": func(n *network) *toxiproxy.Proxy { return n.postgres },
		"stripe":   func(n *network) *toxiproxy.Proxy { return n.stripe },
	}
	for _, way := range []string{"postgres", "stripe"} {
		out = append(out, disturbance{way + " is gone", false, func(n *network) error { ways[way](n).Stop(); return nil }})
		for _, toxic := range []string{
			`{"type":"reset_peer","stream":"upstream","attributes":{"timeout":0}}`,
			`{"type":"reset_peer","stream":"downstream","attributes":{"timeout":3}}`,
			`{"type":"timeout","stream":"downstream","attributes":{"timeout":100}}`,
			`{"type":"slow_close","stream":"downstream","attributes":{"delay":50}}`,
			`{"type":"limit_data","stream":"upstream","attributes":{"bytes":600}}`,
			`{"type":"limit_data","stream":"downstream","attributes":{"bytes":300}}`,
			`{"type":"latency","stream":"downstream","attributes":{"latency":10,"jitter":10}}`,
		} {
			out = append(out, disturbance{way + " " + toxic, strings.Contains(toxic, "latency") || strings.Contains(toxic, "slow_close"), func(n *network) error {
				_, err := ways[way](n).Toxics.AddToxicJson(strings.NewReader(toxic))
				return err
			}})
		}
	}
	return out
}

// sold is one order with its refunds and its payout, made over a network that may fail, as its end is seen.
type sold struct {
	n        *network
	creator  *apptest.Creator
	email    string
	checkout id.Checkout
	keys     [2]string
	session  string
	paid     bool
	order    id.Order
	before   sandbox.Balance // the platform's, at Stripe
	failed   int             // tries
}

// steps are the ways in which the product is called in the life of an order. Each may be called again, as a person, a
// job or a sweep does, and does nothing twice.
func (s *sold) steps() []func(ctx context.Context) error {
	eur := func(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "EUR"} }
	key := orders.NewKey()
	back := func(i int, minor int64) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := s.n.far.Refunds.Create(ctx, s.creator.User, refunds.Input{Key: s.keys[i], Order: s.order, Amount: eur(minor), Reason: "goodwill"})
			return err
		}
	}
	return []func(ctx context.Context) error{
		func(ctx context.Context) error {
			st, err := s.n.far.Orders.Start(ctx, orders.StartInput{Key: key, Lines: []orders.Line{{Product: s.creator.Product, Quantity: 1}}, Email: s.email, Consent: true, Expected: eur(1900)})
			s.checkout, s.session = st.Checkout, st.URL[strings.LastIndex(st.URL, "/")+1:]
			return err
		},
		func(ctx context.Context) error { // back from the provider's page
			if !s.paid {
				if _, err := s.n.Stripe.Pay(s.session, atOnce, ""); err != nil {
					return err
				}
				s.paid = true
			}
			c, err := s.n.far.Orders.Return(ctx, s.n.far.Orders.CheckoutToken(s.checkout))
			if err == nil {
				s.order = c.Orders[0].ID
			}
			return err
		},
		s.jobs, back(0, 250), s.jobs, back(1, 150), s.jobs,
		func(ctx context.Context) error { return s.n.far.Orders.Mature(ctx) },
		func(ctx context.Context) error {
			_, why, err := s.n.far.Payouts.Request(ctx, s.creator.User, "EUR")
			if err == nil && why != nil && s.n.Count(`SELECT count(*) FROM payouts WHERE creator_id = $1`, s.creator.User) == 0 {
				return fmt.Errorf("no payout: %v", why)
			}
			return err
		},
		s.jobs,
		func(context.Context) error { s.n.Pass(time.Hour); return nil },
		func(ctx context.Context) error { return s.n.far.Payouts.Sweep(ctx) },
		s.jobs,
	}
}

// jobs does what is due, as a worker would whose network fails: what fails is tried again.
func (s *sold) jobs(ctx context.Context) error {
	flush, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := s.n.Stripe.Flush(flush); err != nil {
		return err
	}
	for {
		var due []struct {
			ID      string `db:"id"`
			Kind    string `db:"kind"`
			Payload string `db:"payload"`
		}
		if err := s.n.DB.Select(ctx, &due, `SELECT id, kind, payload FROM outbox WHERE done_at IS NULL AND failed_at IS NULL AND run_at <= $1 ORDER BY id`, s.n.Now()); err != nil {
			return err
		}
		if len(due) == 0 {
			return nil
		}
		for _, j := range due {
			if err := s.n.far.Jobs.Run(ctx, j.Kind, []byte(j.Payload)); err != nil {
				return fmt.Errorf("%s: %w", j.Kind, err)
			}
			s.n.Exec(`UPDATE outbox SET done_at = now() WHERE id = $1`, j.ID)
		}
	}
}

// live goes through all steps: before each try of each step disturb is told which try it is, and mend follows.
func (n *network) live(disturb func(step, try int)) *sold {
	n.t.Helper()
	s := &sold{n: n, creator: n.Creator(), email: "ines-" + strings.ToLower(id.Token()[:12]) + "@mail.test", keys: [2]string{id.Token(), id.Token()}, before: n.Stripe.Balance("eur")}
	onboarded(n.t, n.World, s.creator)
	n.Work()
	for i, step := range s.steps() {
		var err error
		for try := range 24 {
			disturb(i, try)
			ctx, cancel := context.WithTimeout(n.t.Context(), 10*time.Second)
			err = step(ctx)
			cancel()
			n.mend()
			if err == nil {
				break
			}
			s.failed++
			// Leases of what was cut off end, and its locks with its connection.
			n.Exec(`UPDATE payouts SET lease_until = NULL`)
			for _, mails := range []string{"order_mails", "payout_mails"} {
				n.Exec(`UPDATE ` + mails + ` SET lease_until = now() - interval '1 second' WHERE sent_at IS NULL`)
			}
		}
		if err != nil {
			n.t.Fatalf("step %d never came through: %v", i, err)
		}
	}
	n.Pass(time.Hour) // what is still in doubt is looked up after a while
	if err := n.far.Payouts.Sweep(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
	if err := s.jobs(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
	return s
}

// end is what came of it all, in words that two lives have in common.
func (s *sold) end() string {
	n, t := s.n, s.n.t
	t.Helper()
	o, err := n.App.Orders.Get(t.Context(), s.creator.User, s.order)
	if err != nil {
		t.Fatal(err)
	}
	receipts := map[string]bool{} // one whose sending was cut off may come twice, under the same Message-ID
	for _, m := range n.Mails(s.email, "") {
		receipts[m.Headers.Get("Message-Id")] = true
	}
	w := []string{fmt.Sprintf("order %s, %s back, %d letters", o.Status, o.Refunded, len(receipts))}
	for _, q := range []string{
		`SELECT count(*) || ' orders' FROM orders WHERE creator_id = $1`,
		`SELECT count(*) || ' checkouts, ' || count(payment_intent_id) || ' payments' FROM checkouts WHERE email = (SELECT email FROM orders WHERE creator_id = $1)`,
		`SELECT count(*) || ' refunds of ' || sum(amount_minor) FROM payment_refunds WHERE order_id IN (SELECT id FROM orders WHERE creator_id = $1)`,
		`SELECT count(*) || ' payouts of ' || sum(amount_minor) || ', ' || string_agg(state, ' ') FROM payouts WHERE creator_id = $1`,
	} {
		w = append(w, row(t, n.World, q, s.creator.User))
	}
	for _, a := range []ledger.Account{ledger.Pending(s.creator.User), ledger.Available(s.creator.User), ledger.InFlight(s.creator.User), ledger.Held(s.creator.User)} {
		b, err := ledger.Balance(t.Context(), n.DB, a, "EUR")
		if err != nil {
			t.Fatal(err)
		}
		w = append(w, b.String())
	}
	b := n.Stripe.Balance("eur")
	w = append(w, fmt.Sprintf("%d cents more at Stripe", b.Available+b.Pending-s.before.Available-s.before.Pending))
	return strings.Join(w, "; ")
}

// Every way to Postgres and to Stripe fails in every way that toxiproxy knows, at every step of an order's life, and then
// comes back: all orders end as the one that nothing happened to.
func TestInvariant09ANetworkThatFailsLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for many lost connections")
	}
	want := newNetwork(t).live(func(int, int) {}).end()
	t.Log(want)
	todo := make(chan disturbance)
	var all sync.WaitGroup
	for range 6 { // most of the time is spent waiting
		all.Go(func() {
			for d := range todo {
				t.Run(d.name, func(t *testing.T) {
					n := newNetwork(t)
					s := n.live(func(_, try int) {
						if try > 0 {
							return
						}
						if err := d.begin(n); err != nil {
							t.Error(err)
						}
					})
					if got := s.end(); got != want {
						t.Errorf("\n got %s\nwant %s", got, want)
					}
					if s.failed == 0 && !d.gentle {
						t.Error("nothing was disturbed")
					}
					clean(t, n.World)
				})
			}
		})
	}
	for _, d := range disturbances() {
		todo <- d
	}
	close(todo)
	all.Wait()
}

// Every third COMMIT of an order's life, and in the audit every one, is cut in a life of its own: before Postgres hears of
// it, and after Postgres has done it.
func TestInvariant09ACommitWhoseAnswerIsLostLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for many lost connections")
	}
	n := newNetwork(t)
	n.live(func(int, int) {}) // the first has a COMMIT more than all others
	began, _ := n.cutter.calm()
	want := n.live(func(int, int) {}).end()
	ended, _ := n.cutter.calm()
	step, lives := 3, 0
	if os.Getenv("VITRINE_AUDIT") != "" {
		step = 1
	}
	for _, after := range []bool{false, true} {
		for k := 1 + rand.IntN(step); k <= ended-began; k += step {
			if lives++; lives%10 == 0 { // each life takes two hours of the clock, and forms grow old
				clean(t, n.World)
				n = newNetwork(t)
			}
			before, was := n.cutter.calm()
			got := n.live(func(int, int) { n.cutter.arm(before+k, after) }).end()
			if got != want {
				t.Errorf("COMMIT %d, after %v:\n got %s\nwant %s", k, after, got, want)
			}
			if _, cut := n.cutter.calm(); cut != was+1 {
				t.Errorf("COMMIT %d, after %v: it was not cut", k, after)
			}
		}
	}
	t.Logf("%d COMMITs in a life, cut in %d lives", ended-began, lives)
	if ended-began < 20 {
		t.Error("too few went through the cutter")
	}
	clean(t, n.World)
}
