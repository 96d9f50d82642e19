package payouts_test

import (
	"testing"
	"time"

	"vitrine/app/errs"
	"vitrine/app/ledger"
	"vitrine/app/payouts"
)

// What an operator holds stays held, whatever else is over, until an operator lets it go; the reason is in the log and
// not on the creator's page.
func TestAnOperatorHoldsAPayoutByHand(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	admin := payouts.Who{User: w.newcomer().User, Why: "the police have called"}
	u := w.creator()
	w.earn(u.User, eur(5000))
	if _, _, err := w.s.Request(ctx, u.User, "EUR"); err != nil {
		t.Fatal(err)
	}
	p := w.only(u.User)
	if err := w.s.Hold(ctx, admin, p.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.s.Hold(ctx, admin, p.ID); !errs.Is(err, errs.Conflict) {
		t.Fatal(err)
	}
	w.work()
	w.pass(48 * time.Hour)
	w.sweep()
	w.work()
	if p = w.only(u.User); p.State != payouts.Held || p.Why != "An operator looks at this payout." || w.balance(ledger.InFlight(u.User), "EUR") != 5000 {
		t.Fatal(text(p))
	}
	if err := w.s.Look(ctx, admin, p.ID); !errs.Is(err, errs.Conflict) {
		t.Fatal(err)
	}
	if err := w.s.Release(ctx, admin, p.ID); err != nil {
		t.Fatal(err)
	}
	w.work()
	if p = w.only(u.User); p.State != payouts.Sent {
		t.Fatal(text(p))
	}
	if err := w.s.Hold(ctx, admin, p.ID); !errs.Is(err, errs.Conflict) {
		t.Fatal(err)
	}
	if err := w.s.Look(ctx, admin, p.ID); err != nil {
		t.Fatal(err)
	}
	if n := w.count(`SELECT count(*) FROM audit_log WHERE action IN ('payouts.hold', 'payouts.release', 'payouts.look') AND details->>'why' = $1`, admin.Why); n != 3 {
		t.Fatalf("%d acts in the log", n)
	}
}
