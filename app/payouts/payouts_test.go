package payouts_test

import (
	"context"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/ledger"
	"vitrine/app/payments"
	"vitrine/app/payouts"
)

func TestMoneyGoesFromTheBalanceToTheBank(t *testing.T) {
	w := newWorld(t)
	u := w.creator()
	w.earn(u.User, eur(4000))
	w.earn(u.User, eur(1234))
	if o := w.outlook(u.User, "EUR"); o.Reason != nil || o.Sum != eur(5234) || !o.Next.Equal(time.Date(2029, 1, 1, 6, 0, 0, 0, time.UTC)) {
		t.Fatalf("outlook %+v", o)
	}
	w.run()
	p := w.only(u.User)
	if p.State != payouts.Reserved || p.Amount != eur(5234) || w.balance(ledger.InFlight(u.User), "EUR") != 5234 {
		t.Fatal(text(p))
	}
	w.work()
	if p = w.only(u.User); p.State != payouts.Sent || p.Ref == "" || p.ArrivesAt.IsZero() || w.balance(ledger.InFlight(u.User), "EUR") != 0 {
		t.Fatal(text(p))
	}
	w.tx(func(ctx context.Context, tx *db.Tx) error {
		return w.s.ApplyPayment(ctx, tx, "stripe", w.stripe.flip(p.ID, payments.PaymentPaid, ""))
	})
	if p = w.only(u.User); p.State != payouts.Paid || p.PaidAt.IsZero() {
		t.Fatal(text(p))
	}
	st, err := w.s.Statement(t.Context(), u.User, p.ID)
	if err != nil || len(st.Lines) != 2 || st.Lines[0].Net != eur(4000) || st.Lines[0].Gross != eur(4225) || st.Lines[0].Fee != eur(225) || st.Lines[0].Kind != "sale" {
		t.Fatalf("statement %+v %v", st, err)
	}
	w.run()
	w.pass(24 * time.Hour)
	w.run()
	w.work()
	if len(w.list(u.User)) != 1 {
		t.Fatal("there was nothing more to pay")
	}
	w.clean()
}
