package orders_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/inventory"
	"vitrine/app/orders"
	"vitrine/app/payments"
	"vitrine/app/sandbox"
)

const begin = "POST /v1/checkout/sessions"

// The provider does what it is asked and the answer is lost, or fails and remembers that it failed. Whatever
// happens, the buyer's second click finds one page, pays once, and gets one order.
func TestEveryWayInWhichOpeningThePageCanFail(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]struct {
		fault  sandbox.Fault
		at1st  errs.Kind // what the first click hears
		opened int       // pages there may be at the end
	}{
		"the answer is lost":                 {sandbox.Fault{Kind: sandbox.DropAfter, Times: 1}, errs.Unavailable, 1},
		"the question is lost":               {sandbox.Fault{Kind: sandbox.DropBefore, Times: 1}, errs.Unavailable, 1},
		"busy once":                          {sandbox.Fault{Kind: sandbox.RateLimit, Times: 1}, "", 1},
		"away once":                          {sandbox.Fault{Kind: sandbox.Unavailable, Times: 1}, "", 1},
		"away for long":                      {sandbox.Fault{Kind: sandbox.Unavailable, Times: 5}, errs.Unavailable, 1},
		"a stored error, nothing done":       {sandbox.Fault{Kind: sandbox.Error500, Times: 1}, "", 1},
		"a stored error, but it was done":    {sandbox.Fault{Kind: sandbox.Error500After, Times: 1}, "", 1},
		"stored errors again and again":      {sandbox.Fault{Kind: sandbox.Error500, Times: 3}, errs.Unavailable, 1},
		"no answer in time, but it was done": {sandbox.Fault{Kind: sandbox.Latency, Times: 1, Delay: 6 * time.Second}, errs.Unavailable, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTill(t)
			p := w.product(w.owner, 1900, 2)
			f.fault.Call = begin
			w.stripe.Inject(f.fault)
			in := w.form(eur(1900), p)
			first, err := w.s.Start(t.Context(), in)
			if errs.KindOf(err) != f.at1st {
				t.Fatalf("first click: %v, want %q", err, f.at1st)
			}
			if f.at1st != "" && !strings.Contains(errs.Message(err), "You have not been charged.") {
				t.Errorf("it says %q", errs.Message(err))
			}
			w.stripe.ClearFaults()
			second := w.start(in)
			if f.at1st == "" && second != first {
				t.Errorf("two answers: %+v and %+v", first, second)
			}
			if n := w.sessions(); n != f.opened {
				t.Errorf("%d pages", n)
			}
			if w.left(p) != 1 || w.count(`SELECT count(*) FROM checkouts`) != 1 {
				t.Errorf("%d left, %d checkouts", w.left(p), w.count(`SELECT count(*) FROM checkouts`))
			}
			w.pay(second.Checkout, good)
			w.settle()
			if c := w.checkout(second.Checkout); c.Status != orders.CheckoutPaid {
				t.Errorf("%+v", c)
			}
			w.clean()
		})
	}
}

func TestARefusedPageEndsTheCheckout(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	owner := w.shop("KWD") // three decimals, and the provider takes only whole tens
	p := w.product(owner, 12_345, 2)
	_, err := w.s.Start(t.Context(), w.form(kwd(12_345), p))
	if !errs.Is(err, errs.Conflict) || !strings.Contains(errs.Message(err), "not been charged") {
		t.Fatal(err)
	}
	if w.left(p) != 2 || w.count(`SELECT count(*) FROM orders WHERE status = 'expired'`) != 1 {
		t.Fatalf("%d left", w.left(p))
	}
	w.clean()
}

// A process may die between any two steps. The same form takes up what it finds.
func TestTheSameFormTakesUpWhatACrashLeft(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	p := w.product(w.owner, 1900, 3)
	// Dead after the goods were set aside: the next click finds them.
	in := w.form(eur(1900), p)
	w.exec(`CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'dead'; END $$`)
	w.exec(`CREATE TRIGGER die BEFORE INSERT ON checkouts FOR EACH ROW EXECUTE FUNCTION die()`)
	if _, err := w.s.Start(t.Context(), in); err == nil {
		t.Fatal("it did not stop")
	}
	w.exec(`DROP TRIGGER die ON checkouts`)
	if w.left(p) != 2 || w.count(`SELECT count(*) FROM checkouts`) != 0 {
		t.Fatalf("%d left, %d checkouts", w.left(p), w.count(`SELECT count(*) FROM checkouts`))
	}
	st := w.start(in)
	if w.left(p) != 2 {
		t.Fatalf("%d left", w.left(p))
	}
	// Dead after the provider's answer, before it was written down.
	before := w.checkout(st.Checkout).Session
	w.exec(`UPDATE checkouts SET session_id = NULL, session_url = ''`)
	if again := w.start(in); again != st || w.checkout(st.Checkout).Session != before {
		t.Fatalf("%+v, was %+v", again, st)
	}
	// A day later the key is forgotten, so we only look.
	w.exec(`UPDATE checkouts SET session_id = NULL, session_url = '', expires_at = expires_at + interval '3 days'`)
	w.pass(25 * time.Hour)
	w.stripe.Record()
	if _, err := w.s.Start(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	for _, c := range w.stripe.Calls() {
		if c.Method != "GET" {
			t.Errorf("%s %s after the key's life", c.Method, c.Path)
		}
	}
	if w.checkout(st.Checkout).Session != before || w.sessions() != 1 {
		t.Fatal("another page was opened")
	}
}

func TestGoodsComeBackWhenNobodyPays(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	p := w.product(w.owner, 1900, 1)
	in := w.form(eur(1900), p)
	st := w.start(in)
	w.pass(34 * time.Minute)
	w.work()
	if err := w.s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.left(p) != 0 || w.checkout(st.Checkout).Status != orders.CheckoutOpen {
		t.Fatal("given back while the page is open")
	}
	w.pass(2 * time.Minute)
	w.work()                                                    // the watch
	if err := w.s.Watch(t.Context(), st.Checkout); err != nil { // and once more
		t.Fatal(err)
	}
	c := w.checkout(st.Checkout)
	if w.left(p) != 1 || c.Status != orders.CheckoutExpired || c.Orders[0].Status != orders.Expired || c.SessionURL != "" {
		t.Fatalf("%d left, %+v", w.left(p), c)
	}
	if _, err := w.stripe.Pay(c.Session, good, ""); err == nil {
		t.Fatal("the page can still be paid")
	}
	if _, err := w.s.Start(t.Context(), in); !errs.Is(err, errs.Invalid) || errs.Fields(err)[0].Name != "key" {
		t.Fatalf("the old form: %v", err)
	}
	w.settle()
	w.clean()
}

// The watch is lost with its job; the sweep does it. The buyer pays in the last second, and no event comes.
func TestALastSecondPaymentIsFoundBeforeTheGoodsAreGivenBack(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	w.stripe.Misbehave(sandbox.WebhookFaults{Lose: 1})
	p := w.product(w.owner, 1900, 1)
	st := w.start(w.form(eur(1900), p))
	w.exec(`DELETE FROM outbox WHERE kind = 'checkouts:watch'`)
	w.pass(34*time.Minute + 50*time.Second)
	w.pay(st.Checkout, good)
	w.pass(10 * time.Minute)
	if err := w.s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := w.checkout(st.Checkout); c.Status != orders.CheckoutPaid || w.left(p) != 0 {
		t.Fatalf("%+v, %d left", c, w.left(p))
	}
	w.clean()
}

func TestNothingIsGivenBackWhileTheProviderIsAway(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	p := w.product(w.owner, 1900, 1)
	st := w.start(w.form(eur(1900), p))
	w.stripe.Inject(sandbox.Fault{Kind: sandbox.Unavailable})
	w.pass(2 * time.Hour)
	if err := w.s.Sweep(t.Context()); err == nil {
		t.Fatal("the sweep says that all is well")
	}
	if w.left(p) != 0 || w.checkout(st.Checkout).Status != orders.CheckoutOpen {
		t.Fatal("given back on a guess")
	}
	w.stripe.ClearFaults()
	if err := w.s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.left(p) != 1 || w.checkout(st.Checkout).Status != orders.CheckoutExpired {
		t.Fatal("not given back")
	}
	w.settle()
	w.clean()
}

func TestHoldsOfDeadProcessesComeBack(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	p := w.product(w.owner, 1900, 1)
	if _, err := w.s.Stock.Reserve(t.Context(), id.New[id.CheckoutKind](), []inventory.Line{{Product: p, Quantity: 1}}, w.d.Now().Add(35*time.Minute)); err != nil {
		t.Fatal(err)
	}
	for _, after := range []struct {
		time.Duration
		left int
	}{{30 * time.Minute, 0}, {20 * time.Minute, 1}} {
		w.pass(after.Duration)
		if err := w.s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if w.left(p) != after.left {
			t.Fatalf("%d left, want %d", w.left(p), after.left)
		}
	}
	w.clean()
}

func TestEventsWhoseJobWasLostAreApplied(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	p := w.product(w.owner, 1900, 1)
	st := w.start(w.form(eur(1900), p))
	w.pay(st.Checkout, good)
	w.deliver()
	w.exec(`DELETE FROM outbox`)
	w.work()
	if w.checkout(st.Checkout).Status != orders.CheckoutOpen {
		t.Fatal("applied by nobody?")
	}
	w.pass(2 * time.Minute)
	for range 3 { // running the sweep again does not fill the outbox
		if err := w.inbox.Resume(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	waiting := w.count(`SELECT count(*) FROM webhook_inbox WHERE applied_at IS NULL`)
	if n := w.count(`SELECT count(*) FROM outbox WHERE kind = 'payments:apply'`); n != waiting || n == 0 {
		t.Fatalf("%d jobs for %d events", n, waiting)
	}
	w.work()
	if w.checkout(st.Checkout).Status != orders.CheckoutPaid {
		t.Fatal("still open")
	}
	w.clean()
}

// The wrong sum, the wrong currency, a second payment: nothing of it is taken as paid, all of it is shown to a person.
func TestWrongMoneyIsACaseForAPerson(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	p := w.product(w.owner, 1900, -1)
	apply := func(f payments.Fact) string {
		t.Helper()
		var outcome string
		tx(t, w, func(ctx context.Context, tx txn) (err error) {
			outcome, err = w.s.ApplyEvent(ctx, tx, payments.Event{Fact: f})
			return err
		})
		return outcome
	}
	for _, f := range []payments.Fact{{Amount: eur(1)}, {Amount: eur(1901)}, {Amount: kwd(1900)}, {}} {
		st := w.start(w.form(eur(1900), p))
		f.Checkout, f.State, f.Intent = st.Checkout, payments.Succeeded, "pi_"+id.Token()
		if got := apply(f); got != "mismatch" {
			t.Errorf("%+v: %s", f, got)
		}
		if c := w.checkout(st.Checkout); c.Status != orders.CheckoutOpen {
			t.Errorf("%+v: %s", f, c.Status)
		}
	}
	if n := w.count(`SELECT count(*) FROM money_cases`); n != 4 {
		t.Errorf("%d cases", n)
	}
	paid := w.sell(p, eur(1900))
	if got := apply(payments.Fact{Checkout: paid.ID, State: payments.Succeeded, Amount: eur(1900), Intent: "pi_second"}); got != "mismatch" {
		t.Errorf("paid twice: %s", got)
	}
	if got := apply(payments.Fact{Checkout: paid.ID, State: payments.Succeeded, Amount: eur(1900), Intent: paid.PaymentIntent, Refunded: eur(1901)}); got != "known" {
		t.Errorf("more back than paid: %s", got)
	}
	if got := apply(payments.Fact{Checkout: id.New[id.CheckoutKind](), State: payments.Succeeded, Amount: eur(1900), Intent: "pi_strange"}); got != "not ours" {
		t.Errorf("a stranger's payment: %s", got)
	}
	if n := w.count(`SELECT count(*) FROM money_cases`); n != 6 {
		t.Errorf("%d cases", n)
	}
	if n := w.count(`SELECT count(*) FROM ledger_entries`); n != 1 {
		t.Errorf("%d entries", n)
	}
	cases := 0
	for _, f := range w.audit() {
		if f.Check != "case" {
			t.Errorf("check-money: %s", f)
		}
		cases++
	}
	if cases != 6 {
		t.Errorf("check-money shows %d cases", cases)
	}
}

// By the provider's rules no payment comes after the page has ended. If one does, we do not oversell.
func TestAPaymentAfterTheEndTakesGoodsOnlyIfThereAreAny(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	p := w.product(w.owner, 1900, 1)
	late := func(gone bool) string {
		t.Helper()
		st := w.start(w.form(eur(1900), p))
		w.call("/v1/checkout/sessions/"+w.checkout(st.Checkout).Session+"/expire", "")
		w.settle()
		if w.checkout(st.Checkout).Status != orders.CheckoutExpired || w.left(p) != 1 {
			t.Fatal("not expired")
		}
		if gone { // someone else has it
			if _, err := w.s.Stock.Reserve(t.Context(), id.New[id.CheckoutKind](), []inventory.Line{{Product: p, Quantity: 1}}, w.d.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		var outcome string
		tx(t, w, func(ctx context.Context, tx txn) (err error) {
			outcome, err = w.s.ApplyEvent(ctx, tx, payments.Event{Fact: payments.Fact{Checkout: st.Checkout, State: payments.Succeeded, Amount: eur(1900), Intent: "pi_" + id.Token()}})
			return err
		})
		return outcome
	}
	if got := late(true); got != "too late" || w.count(`SELECT count(*) FROM orders WHERE paid_at IS NOT NULL`) != 0 || w.count(`SELECT count(*) FROM money_cases`) != 1 {
		t.Fatalf("with nothing left: %s", got)
	}
	w.exec(`DELETE FROM holds WHERE checkout_id NOT IN (SELECT id FROM checkouts)`)
	w.exec(`UPDATE stock SET available = 1`)
	if got := late(false); got != "paid" || w.left(p) != 0 {
		t.Fatalf("with one left: %s, %d left", got, w.left(p))
	}
}

func TestADeclinedCardChangesNothingAndTheNextOnePays(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	p := w.product(w.owner, 1900, 1)
	st := w.start(w.form(eur(1900), p))
	c := w.checkout(st.Checkout)
	for _, card := range []string{"4000000000000002", "4000000000009995", "4100000000000019"} {
		if _, err := w.stripe.Pay(c.Session, card, ""); err == nil {
			t.Fatalf("%s was taken", card)
		}
	}
	w.settle()
	if c = w.checkout(st.Checkout); c.Status != orders.CheckoutOpen || c.SessionURL == "" {
		t.Fatalf("%+v", c)
	}
	w.pay(st.Checkout, "4000000000009235")
	w.settle()
	if o := w.checkout(st.Checkout).Orders[0]; o.Status != orders.Paid || o.Risk != "elevated" {
		t.Fatalf("%+v", o)
	}
	w.clean()
}

func TestDelayedPayments(t *testing.T) {
	t.Parallel()
	const succeeds, fails = "DE89370400440532013000", "DE62370400440532013001"
	for name, way := range map[string]struct {
		iban  string
		ends  orders.CheckoutStatus
		left  int
		quiet bool // no event comes: the sweep asks
	}{
		"comes":                {succeeds, orders.CheckoutPaid, 0, false},
		"bounces":              {fails, orders.CheckoutExpired, 1, false},
		"comes, unannounced":   {succeeds, orders.CheckoutPaid, 0, true},
		"bounces, unannounced": {fails, orders.CheckoutExpired, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTill(t)
			p := w.product(w.owner, 1900, 1)
			st := w.start(w.form(eur(1900), p))
			w.pay(st.Checkout, way.iban)
			w.settle()
			c, err := w.s.Return(t.Context(), w.s.CheckoutToken(st.Checkout))
			if err != nil || c.Status != orders.CheckoutProcessing || c.Orders[0].Status != orders.Processing || w.left(p) != 0 {
				t.Fatalf("on its way: %v %+v", err, c)
			}
			if n := w.count(`SELECT count(*) FROM entitlements`); n != 0 {
				t.Fatal("delivered before the money came")
			}
			if way.quiet {
				w.stripe.Misbehave(sandbox.WebhookFaults{Lose: 1})
			}
			w.pass(7 * time.Hour)
			w.settle()
			if err := w.s.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			if c := w.checkout(st.Checkout); c.Status != way.ends || w.left(p) != way.left {
				t.Fatalf("%s, %d left", c.Status, w.left(p))
			}
			w.clean()
		})
	}
}
