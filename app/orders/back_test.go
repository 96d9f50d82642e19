package orders_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/payments"
)

func (w *till) inTx(f func(ctx context.Context, tx *db.Tx) error) error {
	ctx := context.Background()
	return w.d.InTx(ctx, func(tx *db.Tx) error { return f(ctx, tx) })
}

func (w *till) must(f func(ctx context.Context, tx *db.Tx) error) {
	w.t.Helper()
	if err := w.inTx(f); err != nil {
		w.t.Fatal(err)
	}
}

// standing is what a creator has, by account.
func (w *till) standing(u id.User) (pending, available, held int64) {
	w.t.Helper()
	return w.balance(ledger.Pending(u), "EUR"), w.balance(ledger.Available(u), "EUR"), w.balance(ledger.Held(u), "EUR")
}

func (w *till) stands(u id.User, what string, pending, available, held int64) {
	w.t.Helper()
	if p, a, h := w.standing(u); p != pending || a != available || h != held {
		w.t.Errorf("%s: pending %d, available %d, held %d; want %d %d %d", what, p, a, h, pending, available, held)
	}
}

func TestMoneyMaturesAfterTheSettlementTimeAndNotBefore(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	o := w.sell(w.product(w.owner, 1900, -1), eur(1900)).Orders[0]
	net := o.Net.Minor
	for _, d := range []time.Duration{0, 6*24*time.Hour + 23*time.Hour} {
		w.pass(d)
		if err := w.s.Mature(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.stands(w.owner.User, "too early", net, 0, 0)
	}
	w.pass(2 * time.Hour)
	for range 2 {
		if err := w.s.Mature(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.stands(w.owner.User, "settled", 0, net, 0)
	w.giveBack(w.checkout(o.Checkout), 900)
	w.settle()
	back := orders.NetOf(o, eur(900)).Minor
	w.stands(w.owner.User, "refunded after", 0, net-back, 0)
	w.clean()
}

func TestHeldMoneyIsHeldWhateverComesAndGoesBackToWhereItBelongs(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	o := w.sell(w.product(w.owner, 1900, -1), eur(1900)).Orders[0]
	hold := func(ctx context.Context, tx *db.Tx) error { return w.s.Hold(ctx, tx, o.ID, "looked at") }
	release := func(ctx context.Context, tx *db.Tx) error { return w.s.Release(ctx, tx, o.ID) }
	for range 2 {
		w.must(hold)
	}
	w.stands(w.owner.User, "held", 0, 0, o.Net.Minor)
	w.giveBack(w.checkout(o.Checkout), 500)
	w.settle()
	rest := o.Net.Minor - orders.NetOf(o, eur(500)).Minor
	w.stands(w.owner.User, "refunded while held", 0, 0, rest)
	w.pass(8 * 24 * time.Hour)
	if err := w.s.Mature(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.stands(w.owner.User, "does not mature", 0, 0, rest)
	for range 2 {
		w.must(release)
	}
	w.stands(w.owner.User, "released", rest, 0, 0)
	if err := w.s.Mature(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.stands(w.owner.User, "matures then", 0, rest, 0)
	w.must(hold)
	w.stands(w.owner.User, "held again", 0, 0, rest)
	w.must(release)
	w.stands(w.owner.User, "and back", 0, rest, 0)
	w.clean()
}

func TestAFlaggedOrderIsHeldUntilItIsDecided(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	w.s.Assess = func(context.Context, *db.Tx, orders.Checkout, payments.Fact) (bool, error) { return true, nil }
	p := w.product(w.owner, 1900, -1)
	for _, approve := range []bool{true, false} {
		_, _, before := w.standing(w.owner.User)
		o := w.sell(p, eur(1900)).Orders[0]
		if _, _, held := w.standing(w.owner.User); o.Review != orders.ReviewOpen || held != before+o.Net.Minor {
			t.Fatalf("review %q, held %d", o.Review, held)
		}
		mails := func(kind string) int {
			return w.count(`SELECT count(*) FROM outbox WHERE kind = $1 AND payload::text LIKE '%' || $2 || '%'`, kind, o.ID.String())
		}
		if mails("orders:sale") != 0 || mails("orders:receipt") != 1 {
			t.Error("the creator was told, or the buyer was not")
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		done := 0
		for range 4 {
			wg.Go(func() {
				err := w.inTx(func(ctx context.Context, tx *db.Tx) error { return w.s.Decide(ctx, tx, o.ID, approve) })
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					done++
				} else if !errs.Is(err, errs.Conflict) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if done != 1 {
			t.Fatalf("decided %d times", done)
		}
		o, err := w.s.Find(t.Context(), w.d, o.ID)
		if err != nil {
			t.Fatal(err)
		}
		switch _, _, held := w.standing(w.owner.User); {
		case approve && (o.Review != orders.ReviewApproved || held != before || mails("orders:sale") != 1 || mails("orders:receipt") != 2):
			t.Errorf("approved: %q, held %d", o.Review, held)
		case !approve && (o.Review != orders.ReviewRefused || held != before+o.Net.Minor || mails("orders:sale") != 0):
			t.Errorf("refused: %q, held %d", o.Review, held)
		}
	}
	w.clean()
}

func TestRefundsAtOnceNeverExceedTheTotal(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	o := w.sell(w.product(w.owner, 1900, -1), eur(1900)).Orders[0]
	var wg sync.WaitGroup
	var mu sync.Mutex
	sum := int64(0)
	start := make(chan struct{})
	for range 20 {
		wg.Go(func() {
			<-start
			err := w.inTx(func(ctx context.Context, tx *db.Tx) error {
				return w.s.ReserveRefund(ctx, tx, w.owner.User, o.ID, eur(300))
			})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				sum += 300
			} else if k := errs.KindOf(err); k != errs.Invalid && k != errs.Conflict {
				t.Error(err)
			}
		})
	}
	close(start)
	wg.Wait()
	if sum != 1800 {
		t.Fatalf("%d of 1900 were reserved", sum)
	}
	w.must(func(ctx context.Context, tx *db.Tx) error { return w.s.EndRefund(ctx, tx, o.ID, eur(1800)) })
	if err := w.inTx(func(ctx context.Context, tx *db.Tx) error { return w.s.EndRefund(ctx, tx, o.ID, eur(1)) }); err == nil {
		t.Error("a refund that is not under way was ended")
	}
	other := w.shop("EUR")
	if err := w.inTx(func(ctx context.Context, tx *db.Tx) error {
		return w.s.ReserveRefund(ctx, tx, other.User, o.ID, eur(1))
	}); !errs.Is(err, errs.NotFound) {
		t.Errorf("someone else's order: %v", err)
	}
	for _, bad := range []money.Amount{eur(0), eur(-5), eur(1901), {Minor: 100, Currency: "USD"}} {
		if err := w.inTx(func(ctx context.Context, tx *db.Tx) error { return w.s.ReserveRefund(ctx, tx, w.owner.User, o.ID, bad) }); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// A refund that names its order takes from that order alone; one from the provider's dashboard from all.
func TestARefundTakesFromTheOrderItNames(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	other := w.shop("EUR")
	st := w.start(w.form(eur(5000), w.product(w.owner, 2000, -1), w.product(other, 3000, -1)))
	w.pay(st.Checkout, good)
	w.settle()
	c := w.checkout(st.Checkout)
	mine, theirs := c.Orders[0], c.Orders[1]
	if mine.Creator != w.owner.User {
		mine, theirs = theirs, mine
	}
	refund := func(state payments.RefundState) payments.Refund {
		return payments.Refund{ID: "re_named", Intent: c.PaymentIntent, Order: mine.ID, Request: id.New[id.RefundKind](), Amount: eur(700), State: state, At: w.d.Now()}
	}
	var heard []string
	w.s.OnRefund = func(_ context.Context, _ *db.Tx, o id.Order, r payments.Refund) error {
		heard = append(heard, string(r.State))
		if o != mine.ID {
			t.Errorf("%s is told of a refund of %s", o, mine.ID)
		}
		return nil
	}
	for _, s := range []payments.RefundState{payments.RefundSucceeded, payments.RefundPending, payments.RefundSucceeded} {
		w.must(func(ctx context.Context, tx *db.Tx) error { return w.s.ApplyRefund(ctx, tx, "stripe", refund(s)) })
	}
	c = w.checkout(st.Checkout)
	for _, o := range c.Orders {
		if want := map[id.Order]int64{mine.ID: 700, theirs.ID: 0}[o.ID]; o.Refunded.Minor != want {
			t.Errorf("%s of %s is back, want %d", o.Refunded, o.Total, want)
		}
	}
	w.must(func(ctx context.Context, tx *db.Tx) error {
		return w.s.ApplyRefund(ctx, tx, "stripe", refund(payments.RefundFailed))
	})
	for _, o := range w.checkout(st.Checkout).Orders {
		if o.Refunded.Minor != 0 || o.RefundedNet.Minor != 0 || o.Status != orders.Paid {
			t.Errorf("%s is back of what came back to us", o.Refunded)
		}
	}
	if len(heard) != 2 || heard[1] != "failed" {
		t.Errorf("heard %v", heard)
	}
	w.s.OnRefund = nil
	w.giveBack(c, 1000)
	w.settle()
	for _, o := range w.checkout(st.Checkout).Orders {
		if want := o.Total.Minor / 5; o.Refunded.Minor != want {
			t.Errorf("%s of %s is back, want %d", o.Refunded, o.Total, want)
		}
	}
}

// dispute is one told by the provider.
func told(c orders.Checkout, status payments.DisputeStatus, amount, withdrawn, reinstated int64) payments.Dispute {
	return payments.Dispute{ID: "du_" + c.ID.String()[:13], Intent: c.PaymentIntent, Reason: "fraudulent", Status: status, Amount: eur(amount), Withdrawn: eur(withdrawn), Reinstated: eur(reinstated),
		At: c.PaidAt}
}

// Whatever a dispute does and in whatever order we hear of it, its money moves once each way.
func TestInvariant13ADisputeMovesMoneyOnceEachWay(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	p := w.product(w.owner, 1900, -1)
	full := func(s payments.DisputeStatus, in, out int64) payments.Dispute {
		return payments.Dispute{Status: s, Amount: eur(1900), Withdrawn: eur(in), Reinstated: eur(out)}
	}
	paths := map[string]struct {
		told []payments.Dispute
		end  payments.DisputeStatus
		gone bool
	}{
		"lost":              {[]payments.Dispute{full("needs_response", 0, 0), full("needs_response", 1900, 0), full("under_review", 1900, 0), full("lost", 1900, 0)}, "lost", true},
		"won":               {[]payments.Dispute{full("needs_response", 1900, 0), full("under_review", 1900, 0), full("won", 1900, 0), full("won", 1900, 1900)}, "won", false},
		"withdrawn":         {[]payments.Dispute{full("needs_response", 1900, 0), full("won", 1900, 1900)}, "won", false},
		"inquiry, closed":   {[]payments.Dispute{full("inquiry", 0, 0), full("closed", 0, 0)}, "closed", false},
		"inquiry, then one": {[]payments.Dispute{full("inquiry", 0, 0), full("needs_response", 1900, 0), full("lost", 1900, 0)}, "lost", true},
		"won, then lost":    {[]payments.Dispute{full("won", 1900, 1900), full("lost", 3800, 1900)}, "lost", true},
		"lost, then won":    {[]payments.Dispute{full("lost", 1900, 0), full("won", 1900, 1900)}, "won", false},
	}
	rounds := 6
	if os.Getenv("VITRINE_AUDIT") == "1" {
		rounds = 1500
	}
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 13))
	histories := 0
	for name, path := range paths {
		for range rounds {
			histories++
			c := w.sell(p, eur(1900))
			o := c.Orders[0]
			pendingBefore, _, _ := w.standing(w.owner.User)
			seq := r.Perm(len(path.told))
			for range 2 {
				seq = append(seq, r.IntN(len(path.told)))
			}
			for _, i := range seq {
				d := told(c, path.told[i].Status, 1900, path.told[i].Withdrawn.Minor, path.told[i].Reinstated.Minor)
				w.must(func(ctx context.Context, tx *db.Tx) error {
					_, err := w.s.ApplyEvent(ctx, tx, payments.Event{Type: "charge.dispute", Known: true, Fact: payments.Fact{Intent: c.PaymentIntent, Disputes: []payments.Dispute{d}}})
					return err
				})
			}
			ds, err := w.s.DisputesOf(t.Context(), w.d, c.ID)
			o, ferr := w.s.Find(t.Context(), w.d, o.ID)
			if err = errors.Join(err, ferr); err != nil || len(ds) != 1 || ds[0].Status != path.end {
				t.Fatalf("seed %d: %s in order %v: %+v %v", seed, name, seq, ds, err)
			}
			pending, _, _ := w.standing(w.owner.User)
			want, lost := int64(0), pendingBefore-pending
			if path.gone {
				want = o.Net.Minor
			}
			if lost != want || o.DisputedNet.Minor != want || (o.Disputed == o.Total) != path.gone {
				t.Fatalf("seed %d: %s in order %v: %d gone, want %d; %s disputed", seed, name, seq, lost, want, o.Disputed)
			}
		}
	}
	t.Logf("%d histories, seed %d", histories, seed)
	for _, f := range w.audit() {
		if f.Check != "provider" { // which has heard of none of this
			t.Errorf("check-money: %s", f)
		}
	}
}

func TestNothingIsRefundedWhileTheBankLooksIntoIt(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	c := w.sell(w.product(w.owner, 1900, -1), eur(1900))
	o := c.Orders[0]
	reserve := func() error {
		return w.inTx(func(ctx context.Context, tx *db.Tx) error {
			return w.s.ReserveRefund(ctx, tx, w.owner.User, o.ID, eur(100))
		})
	}
	if err := w.stripe.Dispute(c.PaymentIntent, "fraudulent"); err != nil {
		t.Fatal(err)
	}
	w.settle()
	if err := reserve(); !errs.Is(err, errs.Conflict) {
		t.Fatalf("refunded while disputed: %v", err)
	}
	w.stands(w.owner.User, "withdrawn", 0, 0, 0)
	w.clean()
	ds, err := w.s.DisputesOf(t.Context(), w.d, c.ID)
	if err != nil || len(ds) != 1 || ds[0].Due.IsZero() {
		t.Fatalf("%+v %v", ds, err)
	}
	if err := w.stripe.Decide(ds[0].ID, true); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.stands(w.owner.User, "won", o.Net.Minor, 0, 0)
	w.clean()
	if err := reserve(); err != nil {
		t.Fatalf("after a dispute that was won: %v", err)
	}
}

// Fees come from the provider's own lines and are the platform's: the book then agrees with the account to the cent.
func TestWhatTheProviderKeepsIsBookedFromItsAccount(t *testing.T) {
	t.Parallel()
	w := newTill(t)
	c := w.sell(w.product(w.owner, 1900, -1), eur(1900))
	w.giveBack(c, 400)
	if err := w.stripe.Dispute(c.PaymentIntent, "fraudulent"); err != nil {
		t.Fatal(err)
	}
	w.settle()
	m := &payments.Mirror{DB: w.d, Providers: w.s.Providers}
	for range 2 {
		if err := m.Pull(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	theirs := w.stripe.Balance("eur")
	if ours := -w.balance(ledger.Provider("stripe"), "EUR"); ours != theirs.Pending+theirs.Available {
		t.Errorf("the book has %d, the account %d", ours, theirs.Pending+theirs.Available)
	}
	if w.balance(ledger.ProviderFees, "EUR") >= 0 {
		t.Error("no fee is booked")
	}
	w.clean()
}
