package app_test

import (
	"testing"
	"time"

	"vitrine/app/apptest"
	"vitrine/app/sandbox/sandboxtest"
)

// Whatever the product asks of Stripe, Stripe's own request checker takes: a sale, a page that is looked up and
// one that is closed because nobody paid, and the check of the book.
func TestStripesOwnCheckerTakesEveryCallOfTheProduct(t *testing.T) {
	mock := sandboxtest.StripeMock(t)
	w := apptest.New(t)
	c := w.Creator()
	w.Stripe.Record()
	w.Buy(c.Product)
	w.Begin(c.Product)
	w.Settle()
	w.Pass(26 * time.Hour)
	if err := w.App.Orders.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.App.CheckMoney(t.Context()); err != nil {
		t.Fatal(err)
	}
	calls := w.Stripe.Calls()
	seen := map[string]bool{}
	for _, k := range calls {
		seen[k.Method] = true
	}
	if len(calls) < 4 || !seen["POST"] || !seen["GET"] {
		t.Fatalf("only %d calls were made: %v", len(calls), seen)
	}
	sandboxtest.Replay(t, mock, calls)
}
