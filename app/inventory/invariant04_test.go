package inventory_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/inventory"
)

// A hold runs out, and at that moment its payment lands and others want the copy: it goes to one of them, is counted
// once, and stays on the shelf only when nobody who came in time could have it.
func TestInvariant04AHoldThatEndsWhileItsPaymentLands(t *testing.T) {
	s := open(t, dbtest.Shared(t))
	n := rounds()
	if testing.Short() {
		n = 20
	}
	seen := map[string]int{}
	for round := range n {
		p := s.product(t, 1)
		late, next := id.New[id.CheckoutKind](), [3]id.Checkout{id.New[id.CheckoutKind](), id.New[id.CheckoutKind](), id.New[id.CheckoutKind]()}
		one := []inventory.Line{{Product: p, Quantity: 1}}
		if _, err := s.s.Reserve(t.Context(), late, one, s.d.Now().Add(-time.Second)); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		got := map[string]int{}
		note := func(who string) {
			mu.Lock()
			defer mu.Unlock()
			got[who]++
		}
		start := make(chan struct{})
		together := func(f func(ctx context.Context) error) {
			wg.Go(func() {
				<-start
				if err := f(context.Background()); err != nil {
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		together(func(ctx context.Context) error {
			return s.d.InTx(ctx, func(tx *db.Tx) error { return s.s.Release(ctx, tx, late) })
		})
		for range 2 { // the event, and the buyer who comes back
			together(func(ctx context.Context) error {
				sold := 0
				err := s.d.InTx(ctx, func(tx *db.Tx) (err error) {
					sold, err = land(ctx, tx, s.s, late, one)
					return err
				})
				if err == nil && sold > 0 {
					note("late")
				}
				return err
			})
		}
		for _, c := range next {
			together(func(ctx context.Context) error {
				_, err := s.s.Reserve(ctx, c, one, s.d.Now().Add(time.Hour))
				if err == nil {
					note("next")
				}
				if errs.Is(err, errs.Conflict) {
					return nil
				}
				return err
			})
		}
		close(start)
		wg.Wait()
		if given := got["late"] + got["next"]; given > 1 || given+s.left(t, p) != 1 {
			t.Fatalf("round %d: given to %v, %d left, of one copy", round, got, s.left(t, p))
		}
		for who := range got {
			seen[who]++
		}
	}
	t.Logf("the copy went to %v in %d rounds", seen, n)
}

// land sells what a checkout holds, or, when it holds nothing any more, what it can take again, as a late payment does.
func land(ctx context.Context, tx *db.Tx, s *inventory.Service, c id.Checkout, lines []inventory.Line) (int, error) {
	sold, err := s.Sell(ctx, tx, c)
	if err != nil || len(sold) > 0 {
		return len(sold), err
	}
	ok, err := s.Retake(ctx, tx, c, lines, tx.Now.Add(time.Hour))
	if err != nil || !ok {
		return 0, err
	}
	sold, err = s.Sell(ctx, tx, c)
	return len(sold), err
}
