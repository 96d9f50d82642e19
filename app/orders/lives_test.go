package orders_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/orders"
	"vitrine/app/sandbox"
)

// life is one payment's story at the provider: what the buyer and the dashboard do, and which events count.
type life struct {
	name   string
	live   func(w *till, c orders.Checkout)
	events []string // types, in the order in which they happen
	ends   orders.CheckoutStatus
	order  orders.Status
	back   int64
	left   int // of one copy
}

var lives = []life{
	{"card, refunded in two parts", func(w *till, c orders.Checkout) {
		w.mustPay(c, good)
		c.PaymentIntent = w.intent(c.Session)
		w.giveBack(c, 700)
		w.giveBack(c, 0)
	}, []string{"charge.succeeded", "payment_intent.succeeded", "checkout.session.completed", "charge.refunded", "charge.refunded"}, orders.CheckoutPaid, orders.Refunded, 1900, 0},
	{"delayed, refunded in part", func(w *till, c orders.Checkout) {
		w.mustPay(c, "DE89370400440532013000")
		c.PaymentIntent = w.intent(c.Session)
		w.settleDelayed(c)
		w.giveBack(c, 333)
	}, []string{"payment_intent.processing", "checkout.session.completed", "payment_intent.succeeded", "checkout.session.async_payment_succeeded", "charge.refunded"}, orders.CheckoutPaid, orders.PartlyRefunded, 333, 0},
	{"delayed, bounced", func(w *till, c orders.Checkout) {
		w.mustPay(c, "DE62370400440532013001")
		c.PaymentIntent = w.intent(c.Session)
		w.settleDelayed(c)
	}, []string{"payment_intent.processing", "checkout.session.completed", "charge.failed", "payment_intent.payment_failed", "checkout.session.async_payment_failed"}, orders.CheckoutExpired, orders.Expired, 0, 1},
	{"declined, then given up", func(w *till, c orders.Checkout) {
		if _, err := w.stripe.Pay(c.Session, "4000000000000002", ""); err == nil {
			w.t.Fatal("not declined")
		}
		w.call("/v1/checkout/sessions/"+c.Session+"/expire", "")
	}, []string{"payment_intent.created", "charge.failed", "payment_intent.payment_failed", "payment_intent.canceled", "checkout.session.expired"}, orders.CheckoutExpired, orders.Expired, 0, 1},
}

func (w *till) mustPay(c orders.Checkout, how string) {
	w.t.Helper()
	if _, err := w.stripe.Pay(c.Session, how, ""); err != nil {
		w.t.Fatal(err)
	}
}

func (w *till) intent(session string) string {
	w.t.Helper()
	s, _ := w.ask("GET", "/v1/checkout/sessions/"+session, "")["payment_intent"].(string)
	return s
}

func (w *till) settleDelayed(c orders.Checkout) {
	w.t.Helper()
	if n, err := w.stripe.Settle(c.PaymentIntent); n != 1 || err != nil {
		w.t.Fatalf("settled %d: %v", n, err)
	}
}

// template is a life lived once; its events are retold with other names.
type template struct {
	life
	checkout orders.Checkout
	bodies   []string
}

// record lives the life once on the sandbox and keeps the bodies of its events, in order.
func (w *till) record(l life, p id.Product) template {
	w.t.Helper()
	c := w.checkout(w.start(w.form(eur(1900), p)).Checkout)
	from := len(w.stripe.Events())
	l.live(w, c)
	tp := template{life: l, checkout: c}
	c.PaymentIntent = w.intent(c.Session)
	tp.checkout = c
	var all []string
	for _, e := range w.stripe.Events()[from:] {
		if slices.Contains(l.events, e.Type) {
			all = append(all, e.Type)
			tp.bodies = append(tp.bodies, fmt.Sprintf(`{"id":%q,"object":"event","api_version":"2023-10-16","created":%d,"livemode":false,"type":%q,"data":%s}`,
				e.ID, e.Created.Unix(), e.Type, e.Data))
		}
	}
	slices.Sort(all)
	want := slices.Sorted(slices.Values(l.events))
	if !slices.Equal(all, want) {
		w.t.Fatalf("%s: events %v, want %v", l.name, all, want)
	}
	return tp
}

// retell makes the bodies speak of another checkout.
func (tp template) retell(c orders.Checkout, intent string) []string {
	r := strings.NewReplacer(tp.checkout.ID.String(), c.ID.String(), tp.checkout.Session, c.Session, tp.checkout.PaymentIntent, intent)
	out := make([]string, len(tp.bodies))
	for i, b := range tp.bodies {
		out[i] = r.Replace(b)
	}
	return out
}

// bare writes an open checkout as Start leaves it, without asking the provider.
func (w *till) bare(p id.Product) orders.Checkout {
	w.t.Helper()
	st := w.start(w.form(eur(1900), p))
	return w.checkout(st.Checkout)
}

func permutations(n int) [][]int {
	if n == 1 {
		return [][]int{{0}}
	}
	var out [][]int
	for _, p := range permutations(n - 1) {
		for i := range n {
			out = append(out, slices.Insert(slices.Clone(p), i, n-1))
		}
	}
	return out
}

// Every order of the five events of a life, with some of them twice, ends in the one state.
func TestInvariant08AnyOrderOfEventsEndsTheSame(t *testing.T) {
	t.Parallel()
	for _, l := range lives {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			w := newTill(t)
			w.stripe.Misbehave(sandbox.WebhookFaults{Hold: true})
			seed := uint64(time.Now().UnixNano())
			r := rand.New(rand.NewPCG(seed, 1))
			tp := w.record(l, w.product(w.owner, 1900, 1))
			all := permutations(5)
			if testing.Short() {
				all = all[:10]
			}
			for _, order := range all {
				if err := w.tellOnce(tp, order, r); err != nil {
					t.Fatalf("seed %d, order %v: %v", seed, order, err)
				}
			}
			w.book(len(all))
		})
	}
}

func (w *till) tellOnce(tp template, order []int, r *rand.Rand) error {
	ctx := context.Background()
	p := w.product(w.owner, 1900, 1)
	c := w.bare(p)
	intent := "pi_" + id.Token()
	bodies := tp.retell(c, intent)
	if len(bodies) != len(order) {
		return fmt.Errorf("%d events", len(bodies))
	}
	var told []int
	for _, i := range order {
		told = append(told, i)
		if r.IntN(10) < 3 { // 30 % come twice, and the second time whenever it likes
			told = slices.Insert(told, r.IntN(len(told)+1), i)
		}
	}
	for _, i := range told {
		e, err := w.inbox.Providers[0].ParseEvent([]byte(bodies[i]))
		if err != nil {
			return err
		}
		if err := w.d.InTx(ctx, func(tx *db.Tx) error {
			if !e.Known {
				return nil
			}
			_, err := w.s.ApplyEvent(ctx, tx, e)
			return err
		}); err != nil {
			return fmt.Errorf("%s: %w", e.Type, err)
		}
	}
	c = w.checkout(c.ID)
	o := c.Orders[0]
	if c.Status != tp.ends || o.Status != tp.order || o.Refunded != eur(tp.back) || w.left(p) != tp.left {
		return fmt.Errorf("told %v: checkout %s, order %s, %s back, %d left", told, c.Status, o.Status, o.Refunded, w.left(p))
	}
	if o.Status.Sold() && (o.RefundedNet.Minor != eur(tp.back).Split(o.Net.Minor, o.Fee.Minor)[0].Minor || o.PaymentIntent != intent || o.Charge == "") {
		return fmt.Errorf("told %v: %+v", told, o)
	}
	gs, err := w.s.Entitlements(ctx, w.d, o.ID)
	if err != nil {
		return err
	}
	if live := len(gs) == 1 && !gs[0].Revoked; live != (o.Status == orders.Paid || o.Status == orders.PartlyRefunded) {
		return fmt.Errorf("told %v: %s, granted %v", told, o.Status, gs)
	}
	return nil
}

// book checks everything but the provider's account, which knows only the one life that was lived there.
func (w *till) book(sales int) {
	w.t.Helper()
	r, err := ledger.Check(context.Background(), w.d, w.s.Checks()...)
	if err != nil || !r.OK() {
		w.t.Fatalf("%v %v", r.Findings, err)
	}
	if n := w.count(`SELECT count(*) FROM orders WHERE status <> 'pending'`); n < sales {
		w.t.Fatalf("%d orders went through, want %d", n, sales)
	}
}

// The same through the real road: signed, stored, applied by workers, three of ten sent twice, in no order.
func TestShuffledAndDoubledWebhooksLoseNothing(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	w.stripe.Misbehave(sandbox.WebhookFaults{Duplicate: 1, Shuffle: true, Jitter: 20 * time.Millisecond})
	p := w.product(w.owner, 1900, -1)
	n := 15
	if os.Getenv("VITRINE_AUDIT") == "1" {
		n = 500
	}
	want := map[orders.Status]int{}
	for i := range n {
		c := w.checkout(w.start(w.form(eur(1900), p)).Checkout)
		lives[i%len(lives)].live(w, c)
		want[lives[i%len(lives)].order]++
	}
	w.settle()
	for status, k := range want {
		if got := w.count(`SELECT count(*) FROM orders WHERE status = $1`, string(status)); got != k {
			t.Errorf("%d orders %s, want %d", got, status, k)
		}
	}
	w.clean()
}

// Events that the provider never makes are found by reading its account.
func TestInvariant15EventsThatNeverComeAreFoundInOneRun(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	p := w.product(w.owner, 1900, -1)
	var cs []orders.Checkout
	for range 6 {
		cs = append(cs, w.sell(p, eur(1900)))
	}
	w.stripe.Misbehave(sandbox.WebhookFaults{Lose: 1})
	w.giveBack(cs[0], 0)
	w.giveBack(cs[1], 600)
	lost := w.start(w.form(eur(1900), p))
	w.pay(lost.Checkout, good)
	strange := w.call("/v1/payment_intents", "amount=4200&currency=eur&confirm=true&payment_method=pm_card_visa&return_url=http://x.test")["id"].(string)
	if found := w.audit(); len(found) != 4 {
		t.Fatalf("check-money shows %v", found)
	}
	for range 2 {
		w.pass(12 * time.Minute)
		if err := w.s.Reconcile(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for c, want := range map[id.Checkout]orders.Status{cs[0].ID: orders.Refunded, cs[1].ID: orders.PartlyRefunded, cs[2].ID: orders.Paid, lost.Checkout: orders.Paid} {
		if o := w.checkout(c).Orders[0]; o.Status != want {
			t.Errorf("%s, want %s", o.Status, want)
		}
	}
	if n := w.count(`SELECT count(*) FROM money_cases WHERE key LIKE 'difference:` + strange + `:%'`); n != 1 || w.count(`SELECT count(*) FROM money_cases`) != 1 {
		t.Errorf("%d cases for the payment that is not ours", n)
	}
	// A refund that could not be delivered comes back to the account, and to the book.
	c := w.checkout(w.start(w.form(eur(1900), p)).Checkout)
	w.stripe.ClearFaults()
	w.mustPay(c, "4000000000005126")
	w.settle()
	c = w.checkout(c.ID)
	w.giveBack(c, 0)
	w.settle()
	w.pass(25 * time.Hour)
	w.settle()
	w.pass(12 * time.Minute)
	if err := w.s.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	c = w.checkout(c.ID)
	if o := c.Orders[0]; o.Status != orders.Paid || o.Refunded.Minor != 0 || o.RefundedNet.Minor != 0 {
		t.Errorf("%s, %s back", o.Status, o.Refunded)
	}
	if gs, err := w.s.Entitlements(t.Context(), w.d, c.Orders[0].ID); err != nil || len(gs) != 1 || gs[0].Revoked {
		t.Errorf("granted %v %v", gs, err)
	}
	if n := w.count(`SELECT count(*) FROM money_cases`); n != 1 {
		t.Errorf("%d cases", n)
	}
}

func TestCheckMoneySeesEveryKindOfDamage(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	p := w.product(w.owner, 1900, 20)
	var cs []orders.Checkout
	for range 3 {
		cs = append(cs, w.sell(p, eur(1900)))
	}
	w.giveBack(cs[0], 500)
	w.settle()
	w.clean()
	first := cs[1].Orders[0].ID.String()
	held := w.start(w.form(eur(1900), p)).Checkout.String()
	for _, c := range []struct{ check, damage, repair string }{
		{"sale", `UPDATE orders SET fee_minor = fee_minor + 1, net_minor = net_minor - 1 WHERE id = '` + first + `'`, `UPDATE orders SET fee_minor = fee_minor - 1, net_minor = net_minor + 1 WHERE id = '` + first + `'`},
		{"refund", `UPDATE orders SET refunded_minor = refunded_minor + 1 WHERE status = 'partly_refunded'`, `UPDATE orders SET refunded_minor = refunded_minor - 1 WHERE status = 'partly_refunded'`},
		{"numbers", `UPDATE orders SET number = 77 WHERE number = 3`, `UPDATE orders SET number = 3 WHERE number = 77`},
		{"numbers", `UPDATE order_counters SET last = last + 1`, `UPDATE order_counters SET last = last - 1`},
		{"state", `UPDATE checkouts SET status = 'open' WHERE id = '` + cs[1].ID.String() + `'`, `UPDATE checkouts SET status = 'paid' WHERE id = '` + cs[1].ID.String() + `'`},
		{"state", `UPDATE orders SET status = 'refunded' WHERE id = '` + first + `'`, `UPDATE orders SET status = 'paid' WHERE id = '` + first + `'`},
		{"state", `UPDATE order_items SET unit_minor = 1, total_minor = 1 WHERE order_id = '` + first + `'`, `UPDATE order_items SET unit_minor = 1900, total_minor = 1900 WHERE order_id = '` + first + `'`},
		{"holds", `UPDATE holds SET sold_at = now() WHERE checkout_id = '` + held + `'`, `UPDATE holds SET sold_at = NULL WHERE checkout_id = '` + held + `'`},
		{"holds", `UPDATE holds SET sold_at = NULL WHERE checkout_id = '` + cs[1].ID.String() + `'`, `UPDATE holds SET sold_at = now() WHERE checkout_id = '` + cs[1].ID.String() + `'`},
		{"inbox", `UPDATE webhook_inbox SET applied_at = NULL, received_at = now() - interval '2 hours' WHERE type = 'charge.refunded'`, `UPDATE webhook_inbox SET applied_at = now()`},
		{"provider", `UPDATE checkouts SET payment_intent_id = 'pi_other' WHERE id = '` + cs[2].ID.String() + `'`, `UPDATE checkouts SET payment_intent_id = '` + w.checkout(cs[2].ID).PaymentIntent + `' WHERE id = '` + cs[2].ID.String() + `'`},
	} {
		w.exec(c.damage)
		found := w.audit()
		if !slices.ContainsFunc(found, func(f ledger.Finding) bool { return f.Check == c.check }) {
			t.Errorf("%s: not seen after %s: %v", c.check, c.damage, found)
		}
		w.exec(c.repair)
	}
	w.clean()
	// A sale in the book that no order knows.
	tx(t, w, func(ctx context.Context, tx txn) error {
		_, err := ledger.Post(ctx, tx, ledger.Entry{Key: "sale:" + id.New[id.OrderKind]().String(), Kind: "sale", Lines: []ledger.Line{
			{Account: ledger.Provider("stripe"), Amount: eur(-5)}, {Account: ledger.PlatformFees, Amount: eur(5)}}})
		return err
	})
	if found := w.audit(); len(found) != 2 { // no order, and the provider has less
		t.Errorf("a stray sale: %v", found)
	}
}
