package admin_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/orders"
	"vitrine/app/payments"
)

// plant makes one difference and takes it back.
type plant struct {
	fault  string
	plant  func(w *office, c orders.Checkout, n string) (key string)
	repair func(w *office, c orders.Checkout, n string)
}

func (w *office) line(kind payments.MovementKind, ref, intent string, minor int64) payments.Movement {
	at := w.now().Add(-time.Hour)
	return payments.Movement{ID: ref, Kind: kind, Intent: intent, Amount: eur(minor), Fee: eur(0), At: at, Available: at}
}

// payoutOf is the number of a payout that a test has made up for a word.
func payoutOf(n string) id.Payout {
	var p id.Payout
	copy(p[:], []byte(fmt.Sprintf("%-16s", n))[:16])
	p[6], p[8] = 0x70|p[6]&0xf, 0x80|p[8]&0x3f
	return p
}

// of names a payment at the provider.
func about(intent string) string { return "difference:" + intent + ":stripe" }

// plants are all kinds of differences, in both directions. Those of payments change the lines of a sale before they are
// read the first time.
var plants = []plant{
	{"charge_unbooked", func(w *office, _ orders.Checkout, n string) string {
		w.bent.show(w.line(payments.MovementCharge, "txn_"+n, "pi_"+n, 4200))
		return about("pi_" + n)
	}, func(w *office, _ orders.Checkout, n string) {
		w.bent.show(w.line(payments.MovementRefund, "txn_b"+n, "pi_"+n, -4200)) // the operator has given it back there
	}},
	{"charge_unknown", func(w *office, c orders.Checkout, _ string) string {
		w.hide(c.PaymentIntent)
		return about(c.PaymentIntent)
	}, func(w *office, c orders.Checkout, _ string) { w.unbend(c.PaymentIntent) }},
	{"charge_amount", func(w *office, c orders.Checkout, _ string) string {
		w.skim(c.PaymentIntent, 7)
		return about(c.PaymentIntent)
	}, func(w *office, c orders.Checkout, n string) {
		w.bent.show(w.line(payments.MovementCharge, "txn_c"+n, c.PaymentIntent, 7))
	}},
	{"refund_unbooked", func(w *office, c orders.Checkout, n string) string {
		w.bent.show(w.line(payments.MovementRefund, "txn_"+n, c.PaymentIntent, -600))
		return about(c.PaymentIntent)
	}, func(w *office, c orders.Checkout, n string) {
		w.bent.show(w.line(payments.MovementRefund, "txn_d"+n, c.PaymentIntent, 600)) // it came back
	}},
	{"dispute_unbooked", func(w *office, c orders.Checkout, n string) string {
		w.bent.show(w.line(payments.MovementDispute, "txn_"+n, c.PaymentIntent, -1900))
		return about(c.PaymentIntent)
	}, func(w *office, c orders.Checkout, n string) {
		w.bent.show(w.line(payments.MovementDispute, "txn_e"+n, c.PaymentIntent, 1900))
	}},
	{"refund_unknown", func(w *office, c orders.Checkout, n string) string {
		o := c.Orders[0]
		w.post("refund:"+o.ID.String()+":"+n, ledger.Line{Account: ledger.Provider("stripe"), Amount: eur(500)}, ledger.Line{Account: ledger.Pending(o.Creator), Amount: eur(-500)})
		return about(c.PaymentIntent)
	}, func(w *office, c orders.Checkout, n string) {
		w.bent.show(w.line(payments.MovementRefund, "txn_f"+n, c.PaymentIntent, -500))
	}},
	{"payout_unknown", func(w *office, c orders.Checkout, n string) string {
		p := payoutOf(n).String()
		w.post("payout:"+p+":sent", ledger.Line{Account: ledger.Provider("stripe"), Amount: eur(900)}, ledger.Line{Account: ledger.InFlight(c.Orders[0].Creator), Amount: eur(-900)})
		return about("payout " + p)
	}, func(w *office, _ orders.Checkout, n string) {
		m := w.line(payments.MovementPayout, "txn_g"+n, "", -900)
		m.Payout = payoutOf(n)
		w.bent.show(m)
	}},
	{"payout_unbooked", func(w *office, _ orders.Checkout, n string) string {
		m := w.line(payments.MovementPayout, "txn_"+n, "", -800)
		m.Payout = payoutOf(n)
		w.bent.show(m)
		return about("payout " + payoutOf(n).String())
	}, func(w *office, c orders.Checkout, n string) {
		w.post("payout:"+payoutOf(n).String()+":sent", ledger.Line{Account: ledger.Provider("stripe"), Amount: eur(800)}, ledger.Line{Account: ledger.InFlight(c.Orders[0].Creator), Amount: eur(-800)})
	}},
	{"fee_unbooked", func(w *office, _ orders.Checkout, n string) string {
		m := w.line(payments.MovementOther, "txn_"+n, "", 0)
		m.Fee = eur(31)
		w.bent.show(m)
		w.exec(`INSERT INTO provider_movements (provider, ref, kind, currency, amount_minor, fee_currency, fee_minor, at, available_at, seen_at)
			VALUES ('stripe', $1, 'other', 'EUR', 0, 'EUR', 31, $2, $2, $2)`, m.ID, m.At)
		return about("fee txn_" + n)
	}, func(w *office, _ orders.Checkout, n string) {
		w.post("fee:stripe:txn_"+n, ledger.Line{Account: ledger.Provider("stripe"), Amount: eur(31)}, ledger.Line{Account: ledger.ProviderFees, Amount: eur(-31)})
	}},
	{"fee_unknown", func(w *office, _ orders.Checkout, n string) string {
		w.post("fee:stripe:txn_"+n, ledger.Line{Account: ledger.Provider("stripe"), Amount: eur(13)}, ledger.Line{Account: ledger.ProviderFees, Amount: eur(-13)})
		return about("fee txn_" + n)
	}, func(w *office, _ orders.Checkout, n string) {
		m := w.line(payments.MovementOther, "txn_"+n, "", 0)
		m.Fee = eur(13)
		w.bent.show(m)
	}},
	{"entry_stray", func(w *office, c orders.Checkout, n string) string {
		key := "sale:" + payoutOf(n).String()
		w.post(key, ledger.Line{Account: ledger.Provider("stripe"), Amount: eur(-1000)}, ledger.Line{Account: ledger.Pending(c.Orders[0].Creator), Amount: eur(1000)})
		return about("entry " + key)
	}, func(w *office, _ orders.Checkout, n string) {
		w.tx(func(ctx context.Context, tx *db.Tx) error {
			key := "sale:" + payoutOf(n).String()
			_, err := ledger.Reverse(ctx, tx, key, "undo:"+key, "reversal")
			return err
		})
	}},
	{"line_stray", func(w *office, _ orders.Checkout, n string) string {
		w.bent.show(w.line(payments.MovementCharge, "txn_"+n, "", 300))
		return about("line txn_" + n)
	}, nil}, // a line that names nothing stays until somebody closes the case
	{"line_gone", func(w *office, _ orders.Checkout, n string) string {
		m := w.line(payments.MovementOther, "txn_"+n, "", 300)
		w.exec(`INSERT INTO provider_movements (provider, ref, kind, currency, amount_minor, fee_currency, fee_minor, at, available_at, seen_at)
			VALUES ('stripe', $1, 'other', 'EUR', 300, 'EUR', 0, $2, $2, $2)`, m.ID, m.At)
		return about("line txn_" + n)
	}, func(w *office, _ orders.Checkout, n string) {
		w.bent.show(w.line(payments.MovementOther, "txn_"+n, "", 300))
	}},
	{"line_changed", func(w *office, _ orders.Checkout, n string) string {
		m := w.line(payments.MovementOther, "txn_"+n, "", 300)
		w.bent.show(m)
		w.exec(`INSERT INTO provider_movements (provider, ref, kind, currency, amount_minor, fee_currency, fee_minor, at, available_at, seen_at)
			VALUES ('stripe', $1, 'other', 'EUR', 299, 'EUR', 0, $2, $2, $2)`, m.ID, m.At)
		return about("line txn_" + n)
	}, func(w *office, _ orders.Checkout, n string) {
		m := w.line(payments.MovementOther, "txn_"+n, "", 299)
		w.bent.unshow(m.ID)
		w.bent.show(m)
	}},
}

// hide, skim and unbend change what the account shows of a payment.
func (w *office) hide(intent string) {
	w.bendOne(intent, func(*payments.Movement) bool { return false })
}

func (w *office) skim(intent string, minor int64) {
	w.bendOne(intent, func(m *payments.Movement) bool {
		if m.Kind == payments.MovementCharge && m.ID[:4] == "txn_" && m.Amount.Minor > minor {
			m.Amount.Minor -= minor
		}
		return true
	})
}

func (w *office) unbend(intent string) {
	w.bendOne(intent, func(*payments.Movement) bool { return true })
}

func (w *office) bendOne(intent string, how func(*payments.Movement) bool) {
	w.bent.mu.Lock()
	before := w.bent.change
	w.bent.mu.Unlock()
	w.bent.bend(func(m payments.Movement) (payments.Movement, bool) {
		if m.Intent == intent {
			return m, how(&m)
		}
		if before != nil {
			return before(m)
		}
		return m, true
	})
}

// Every kind of difference, in both directions, is one case the first night, the same case the second night, and closed
// when both sides agree again.
func TestInvariant15EveryKindOfDifferenceBecomesOneCase(t *testing.T) {
	t.Parallel()
	for i, p := range plants {
		t.Run(p.fault, func(t *testing.T) {
			t.Parallel()
			w := newOffice(t)
			product := w.owner.Product(t, w.d, 1900, -1)
			w.sell(1900, product)
			c := w.sell(1900, product)
			w.pass(time.Hour)
			n := fmt.Sprintf("n%d", i)
			key := p.plant(w, c, n)
			w.pass(20 * time.Minute) // what is younger may be on its way
			r := w.run()
			if got := w.faults(); len(got) != 1 || got[key] != p.fault {
				t.Fatalf("cases %v, want %s: %s", got, key, p.fault)
			}
			if r.Differences != 1 || r.Stage != "done" || r.Lines == 0 && w.bent.shown > 0 {
				t.Errorf("run %+v", r)
			}
			if age := w.count(`SELECT extract(epoch FROM created_at - (details->>'since')::timestamptz)::int FROM money_cases`); age < 600 || age > 2*3600 {
				t.Errorf("its age was %d s when it was found", age)
			}
			if r := w.night(); r.Differences != 1 || w.count(`SELECT count(*) FROM money_cases`) != 1 || w.count(`SELECT count(*) FROM money_case_events`) != 1 {
				t.Errorf("the second night: %+v, %v", r, w.faults())
			}
			if p.repair == nil {
				return
			}
			p.repair(w, c, n)
			if r := w.night(); r.Differences != 0 || len(w.faults()) != 0 {
				t.Errorf("repaired: %+v, %v", r, w.faults())
			}
			if w.count(`SELECT count(*) FROM money_case_events WHERE kind = 'closed' AND note = 'Both sides agree again.'`) != 1 {
				t.Error("the end is not in the history")
			}
		})
	}
}

// Many sales with differences planted at random: all are found in one night, and nothing else.
func TestInvariant15AllDifferencesAreFoundInOneRun(t *testing.T) {
	t.Parallel()
	sales := 24
	if os.Getenv("VITRINE_AUDIT") == "1" {
		sales = 600
	}
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 15))
	defer func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	}()
	w := newOffice(t)
	product := w.owner.Product(t, w.d, 1900, -1)
	want := map[string]string{}
	var back []func()
	for i := range sales {
		c, n := w.sell(1900, product), fmt.Sprintf("s%d", i)
		if rng.IntN(3) > 0 {
			continue
		}
		p := plants[rng.IntN(len(plants))]
		w.pass(time.Hour)
		want[p.plant(w, c, n)] = p.fault
		if p.repair != nil {
			back = append(back, func() { p.repair(w, c, n) })
		}
	}
	w.pass(time.Hour)
	w.run()
	got := w.faults()
	for k, f := range want {
		if got[k] != f {
			t.Errorf("%s: %q, want %q", k, got[k], f)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d cases for %d differences", len(got), len(want))
	}
	for _, f := range back {
		f()
	}
	w.night()
	if left := len(w.faults()); left != len(want)-len(back) {
		t.Errorf("%d cases are left, want %d", left, len(want)-len(back))
	}
}

// Pages are small and the process is stopped again and again: the run comes to its end where it was, with the same result.
func TestInvariant15ANightThatIsStoppedAgainAndAgainFindsTheSame(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.s.Page = 2
	product := w.owner.Product(t, w.d, 1900, -1)
	want := map[string]string{}
	for i := range 10 {
		c := w.sell(1900, product)
		if p := plants[i]; i%2 == 0 {
			want[p.plant(w, c, fmt.Sprintf("k%d", i))] = p.fault
		}
	}
	w.pass(time.Hour)
	stopped := 0
	for k := 1; ; k++ {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(k)*4*time.Millisecond)
		err := w.s.Nightly(ctx)
		cancel()
		if err == nil {
			break
		}
		if stopped++; stopped > 500 {
			t.Fatal(err)
		}
	}
	if stopped == 0 {
		t.Error("it was never stopped")
	}
	got, r := w.faults(), w.run()
	for k, f := range want {
		if got[k] != f {
			t.Errorf("%s: %q, want %q", k, got[k], f)
		}
	}
	if len(got) != len(want) || r.Differences != len(want) || r.Lines != w.bent.shown || r.Entries != w.count(`SELECT count(DISTINCT entry_id) FROM ledger_lines WHERE account = 'provider:stripe'`) {
		t.Errorf("%+v for %d differences", r, len(want))
	}
}

// A refund that the provider moves only when it is done is no difference meanwhile.
func TestARefundUnderWayIsNoDifference(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	c := w.sell(1900, w.owner.Product(t, w.d, 1900, -1))
	o := c.Orders[0]
	w.post("refund:"+o.ID.String()+":re_1", ledger.Line{Account: ledger.Provider("stripe"), Amount: eur(500)}, ledger.Line{Account: ledger.Pending(o.Creator), Amount: eur(-500)})
	w.exec(`INSERT INTO payment_refunds (provider, ref, checkout_id, order_id, currency, amount_minor, state, created_at, updated_at) VALUES ('stripe', 're_1', $1, $2, 'EUR', 500, 'pending', now(), now())`, c.ID, o.ID)
	if r := w.night(); r.Differences != 0 {
		t.Errorf("%v", w.faults())
	}
	w.exec(`UPDATE payment_refunds SET state = 'succeeded'`)
	if w.night(); w.faults()[about(c.PaymentIntent)] != "refund_unknown" {
		t.Errorf("%v", w.faults())
	}
}

// A run that was cut off goes on, a day is compared once, and a case that was closed by hand opens again when the
// difference is still there.
func TestANightThatWasCutOffGoesOn(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	product := w.owner.Product(t, w.d, 1900, -1)
	w.sell(1900, product)
	w.pass(time.Hour)
	w.bent.show(w.line(payments.MovementCharge, "txn_x", "pi_x", 4200))
	w.bent.fail = errors.New("the provider is away")
	if err := w.s.Nightly(t.Context()); err == nil {
		t.Fatal("a run without the provider succeeds")
	}
	if w.count(`SELECT count(*) FROM reconciliations WHERE stage = 'read' AND trouble LIKE '%away%' AND done_at IS NULL`) != 1 {
		t.Error("the trouble is not kept")
	}
	w.bent.fail = nil
	if r := w.run(); r.Stage != "done" || r.Trouble != "" || r.Differences != 1 || r.Lines != w.bent.shown || r.Entries == 0 {
		t.Errorf("run %+v", r)
	}
	w.bent.shown = -1
	w.run()
	if w.bent.shown != -1 {
		t.Error("a day was compared twice")
	}
	w.exec(`UPDATE money_cases SET closed_at = now(), why = 'known'`)
	w.exec(`UPDATE reconciliations SET stage = 'theirs', done_at = NULL`)
	if w.run(); w.bent.shown != -1 || len(w.faults()) != 1 {
		t.Errorf("it did not go on where it was: %v", w.faults())
	}
	if n := w.count(`SELECT count(*) FROM money_case_events WHERE kind = 'reopened'`); n != 1 {
		t.Errorf("opened again %d times", n)
	}
}
