package risk_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/orders"
	"vitrine/app/payments"
	"vitrine/app/risk"
)

// warn tells of a bank's early warning, as its event does.
func (w *desk) warn(ref string, o orders.Order, kind string) (outcome string) {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx *db.Tx) (err error) {
		outcome, err = w.s.ApplyWarning(ctx, tx, "stripe", payments.Warning{ID: ref, Intent: o.PaymentIntent, Charge: o.Charge, Kind: kind, At: tx.Now})
		return err
	})
	return outcome
}

func TestAWarningOfARiskyPaymentGivesItBackAndBlocksTheBuyer(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	p := w.owner.Product(t, w.d, 1900, -1)
	b := someone()
	o := w.order(w.sell(b, elevated, 1900, p).Orders[0].ID)
	if o.Review != orders.NoReview {
		t.Fatalf("a small elevated one is reviewed: %s", o.Review)
	}
	if got := w.warn("issfr_1", o, "unauthorized_use_of_card"); got != "refunded" {
		t.Fatal(got)
	}
	for range 3 { // updated events come with the same number
		if got := w.warn("issfr_1", o, "made_with_stolen_card"); got != "known" {
			t.Error(got)
		}
	}
	if got := w.refunded(); len(got) != 1 || got[0] != o.ID {
		t.Errorf("refunds %v", got)
	}
	w.refuses("the buyer comes again", b, 1900, p)
	w.takes("somebody else", someone(), 1900, p)
	if n := w.count(`SELECT count(*) FROM risk_blocks WHERE kind IN ('card', 'email') AND until_at IS NULL`); n != 2 {
		t.Errorf("%d blocks for good", n)
	}
}

func TestAWarningOfAnOrdinaryPaymentAsksItsBuyer(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	p := w.owner.Product(t, w.d, 1900, -1)
	b := someone()
	o := w.order(w.sell(b, good, 1900, p).Orders[0].ID)
	if got := w.warn("issfr_1", o, "unauthorized_use_of_card"); got != "asked" {
		t.Fatal(got)
	}
	if got := w.warn("issfr_2", o, "misc"); got != "noted" {
		t.Error(got)
	}
	w.work()
	if sent := w.mails.to(b.email); len(sent) != 1 {
		t.Errorf("%d mails", len(sent))
	}
	if len(w.refunded()) != 0 || w.count(`SELECT count(*) FROM risk_blocks`) != 0 {
		t.Error("an ordinary buyer is treated as a thief")
	}
	w.takes("the buyer comes again", b, 1900, p)
}

func TestAWarningOfABlockedBuyerGivesThePaymentBack(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	p := w.owner.Product(t, w.d, 1900, -1)
	b := someone()
	first, second := w.order(w.sell(b, good, 1900, p).Orders[0].ID), w.order(w.sell(b, elevated, 1900, p).Orders[0].ID)
	if got := w.warn("issfr_2", second, "misc"); got != "refunded" {
		t.Fatal(got)
	}
	if got := w.warn("issfr_1", first, "misc"); got != "refunded" {
		t.Errorf("a blocked buyer's ordinary payment: %s", got)
	}
}

func TestAWarningAfterABouncedReceiptGivesThePaymentBack(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	o := w.order(w.sell(someone(), good, 1900, w.owner.Product(t, w.d, 1900, -1)).Orders[0].ID)
	w.exec(`INSERT INTO order_mails (order_id, kind, cause, creator_id, lease_until, refused_at) VALUES ($1, 'receipt', '', $2, now(), now())`, o.ID, o.Creator)
	if got := w.warn("issfr_1", o, "misc"); got != "refunded" {
		t.Error(got)
	}
}

func TestAWarningThatComesLateChangesNothing(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	o := w.order(w.sell(someone(), elevated, 1900, w.owner.Product(t, w.d, 1900, -1)).Orders[0].ID)
	w.pass(121 * 24 * time.Hour)
	if got := w.warn("issfr_1", o, "made_with_stolen_card"); got != "late" || len(w.refunded()) != 0 {
		t.Error(got)
	}
}

func TestAWarningDuringAReviewEndsIt(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	o := w.order(w.sell(someone(), highest, 1900, w.owner.Product(t, w.d, 1900, -1)).Orders[0].ID)
	if got := w.warn("issfr_1", o, "made_with_stolen_card"); got != "refunded" {
		t.Fatal(got)
	}
	if r := w.review(o.ID); r.State != risk.Refused || !r.DecidedBy.IsZero() || len(w.refunded()) != 1 {
		t.Errorf("%+v, %d refunds", r, len(w.refunded()))
	}
	w.pass(80 * time.Hour)
	w.work()
	if err := w.s.Sweep(t.Context()); err != nil || len(w.refunded()) != 1 {
		t.Errorf("%v, %d refunds", err, len(w.refunded()))
	}
}

func TestAWarningOfMoneyThatIsBackAlreadyOnlyBlocks(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	b := someone()
	p := w.owner.Product(t, w.d, 1900, -1)
	o := w.order(w.sell(b, elevated, 1900, p).Orders[0].ID)
	w.tx(func(ctx context.Context, tx *db.Tx) error {
		return w.orders.ReserveRefund(ctx, tx, o.Creator, o.ID, o.Total)
	})
	w.finish(o)
	if got := w.warn("issfr_1", o, "misc"); got != "given_back" || len(w.refunded()) != 0 {
		t.Error(got)
	}
	w.refuses("the buyer comes again", b, 1900, p)
}

func TestAWarningBeforeItsPaymentWaitsForIt(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	p := w.owner.Product(t, w.d, 1900, -1)
	c := w.begin(someone(), 1900, p)
	if _, err := w.stripe.Pay(c.Session, elevated, ""); err != nil {
		t.Fatal(err)
	}
	provider, _ := w.orders.ProviderOf("stripe")
	sess, err := provider.Session(t.Context(), c.Session)
	if err != nil {
		t.Fatal(err)
	}
	early := orders.Order{PaymentIntent: sess.Fact.Intent, Charge: sess.Fact.Charge}
	if got := w.warn("issfr_1", early, "misc"); got != "waiting" {
		t.Fatal(got)
	}
	if _, err := w.orders.Return(t.Context(), w.orders.CheckoutToken(c.ID)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.refunded()) != 1 {
		t.Errorf("%d refunds", len(w.refunded()))
	}
	if got := w.warn("issfr_none", orders.Order{PaymentIntent: "pi_of_nobody"}, "misc"); got != "waiting" {
		t.Error(got)
	}
	w.pass(32 * 24 * time.Hour)
	if err := w.s.Sweep(t.Context()); err != nil || w.count(`SELECT count(*) FROM risk_warnings WHERE outcome = 'not_ours'`) != 1 {
		t.Errorf("a warning of nobody waits for ever: %v", err)
	}
}

func TestAWarningThatComesTwiceAtOnceRefundsOnce(t *testing.T) {
	t.Parallel()
	w := newDesk(t)
	p := w.owner.Product(t, w.d, 1900, -1)
	for i := range 5 {
		o := w.order(w.sell(someone(), elevated, 1900, p).Orders[0].ID)
		ref := "issfr_" + id.Token()
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				err := w.d.InTx(context.Background(), func(tx *db.Tx) error {
					_, err := w.s.ApplyWarning(context.Background(), tx, "stripe", payments.Warning{ID: ref, Intent: o.PaymentIntent, Kind: "misc", At: tx.Now})
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := len(w.refunded()); n != i+1 {
			t.Fatalf("%d refunds of %d payments", n, i+1)
		}
	}
}
