package inventory_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/inventory"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

type shop struct {
	dbtest.Person
	d *db.DB
	s *inventory.Service
}

func open(t *testing.T, d *db.DB) shop {
	t.Helper()
	return shop{dbtest.Creator(t, d), d, &inventory.Service{DB: d}}
}

func (s shop) product(t *testing.T, stock int) id.Product {
	t.Helper()
	return s.Product(t, s.d, 1900, stock)
}

func (s shop) left(t *testing.T, p id.Product) int {
	t.Helper()
	m, err := s.s.Left(t.Context(), s.d, []id.Product{p})
	if err != nil {
		t.Fatal(err)
	}
	n, ok := m[p]
	if !ok {
		return -1
	}
	return n
}

func (s shop) reserve(t *testing.T, c id.Checkout, lines ...inventory.Line) (int, error) {
	t.Helper()
	return s.s.Reserve(t.Context(), c, lines, s.d.Now().Add(time.Hour))
}

func (s shop) tx(t *testing.T, f func(tx *db.Tx) error) {
	t.Helper()
	if err := s.d.InTx(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// rounds is how often the race is run: TRUST 1.2, row 4.
func rounds() int {
	if os.Getenv("VITRINE_AUDIT") == "1" {
		return 1000
	}
	return 200
}

func TestInvariant04TenCopiesAndFiveHundredBuyers(t *testing.T) {
	s := open(t, dbtest.Shared(t))
	n := 20 // two hundred rounds of five hundred take a minute; the audit runs them
	if os.Getenv("VITRINE_AUDIT") == "1" {
		n = rounds()
	}
	for round := range n {
		race(t, s, round, 500, 10)
	}
}

// Many rounds with fewer buyers find what few rounds with many do not.
func TestInvariant04TwoCopiesAndEightBuyersManyTimes(t *testing.T) {
	s := open(t, dbtest.Shared(t))
	for round := range rounds() {
		race(t, s, round, 8, 2)
	}
}

// race releases the buyers together on one product; some want two lines of it.
func race(t *testing.T, s shop, round, buyers, copies int) {
	t.Helper()
	p := s.product(t, copies)
	var got, refused atomic.Int64
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range buyers {
		lines := []inventory.Line{{Product: p, Quantity: 1}}
		if i%4 == 3 {
			lines = append(lines, inventory.Line{Product: p, Quantity: 1})
		}
		wg.Go(func() {
			<-start
			_, err := s.s.Reserve(context.Background(), id.New[id.CheckoutKind](), lines, s.d.Now().Add(time.Hour))
			switch {
			case err == nil:
				got.Add(int64(len(lines)))
			case errs.Is(err, errs.Conflict):
				refused.Add(1)
			default:
				t.Errorf("round %d: %v", round, err)
			}
		})
	}
	close(start)
	wg.Wait()
	left := s.left(t, p)
	// Nobody gives back, and more than enough want one: a copy that is left was refused to somebody.
	if got.Load() != int64(copies) || left != 0 || refused.Load() == 0 {
		t.Fatalf("round %d: %d of %d copies set aside, %d left, %d buyers refused", round, got.Load(), copies, left, refused.Load())
	}
}

func TestInvariant04TwoLinesOfOneProductAreOneWish(t *testing.T) {
	s := open(t, dbtest.Shared(t))
	p := s.product(t, 3)
	_, err := s.reserve(t, id.New[id.CheckoutKind](), inventory.Line{Product: p, Quantity: 2}, inventory.Line{Product: p, Quantity: 2})
	if !errs.Is(err, errs.Conflict) || errs.Message(err) != "Only 3 are left." || s.left(t, p) != 3 {
		t.Fatalf("four of three: %v, %d left", err, s.left(t, p))
	}
	if _, err := s.reserve(t, id.New[id.CheckoutKind](), inventory.Line{Product: p, Quantity: 2}, inventory.Line{Product: p, Quantity: 1}); err != nil || s.left(t, p) != 0 {
		t.Fatalf("three of three: %v, %d left", err, s.left(t, p))
	}
	_, err = s.reserve(t, id.New[id.CheckoutKind](), inventory.Line{Product: p, Quantity: 1})
	if !errs.Is(err, errs.Conflict) || errs.Message(err) != "This has just sold out." {
		t.Fatalf("one of none: %v", err)
	}
}

func TestAllOrNothing(t *testing.T) {
	s := open(t, dbtest.Shared(t))
	a, b, free := s.product(t, 5), s.product(t, 0), s.product(t, -1)
	if _, err := s.reserve(t, id.New[id.CheckoutKind](), inventory.Line{Product: a, Quantity: 1}, inventory.Line{Product: free, Quantity: 1}, inventory.Line{Product: b, Quantity: 1}); !errs.Is(err, errs.Conflict) {
		t.Fatal(err)
	}
	if s.left(t, a) != 5 {
		t.Fatalf("%d of 5 left after a refusal", s.left(t, a))
	}
	held, err := s.reserve(t, id.New[id.CheckoutKind](), inventory.Line{Product: free, Quantity: 99}, inventory.Line{Product: a, Quantity: 5})
	if err != nil || held != 1 {
		t.Fatalf("%d held, %v", held, err)
	}
	for _, q := range []int{0, -1} {
		if _, err := s.reserve(t, id.New[id.CheckoutKind](), inventory.Line{Product: free, Quantity: q}); !errs.Is(err, errs.Invalid) {
			t.Errorf("quantity %d: %v", q, err)
		}
	}
}

func TestOneCheckoutReservesOnce(t *testing.T) {
	s := open(t, dbtest.Shared(t))
	p, q := s.product(t, 10), s.product(t, 10)
	c := id.New[id.CheckoutKind]()
	var wg sync.WaitGroup
	start := make(chan struct{})
	for range 12 {
		wg.Go(func() {
			<-start
			held, err := s.s.Reserve(context.Background(), c, []inventory.Line{{Product: p, Quantity: 2}, {Product: q, Quantity: 1}}, s.d.Now().Add(time.Hour))
			if err != nil || held != 2 {
				t.Errorf("%d held, %v", held, err)
			}
		})
	}
	close(start)
	wg.Wait()
	if s.left(t, p) != 8 || s.left(t, q) != 9 {
		t.Fatalf("%d and %d left, want 8 and 9", s.left(t, p), s.left(t, q))
	}
}

func TestWhatIsHeldEndsOnce(t *testing.T) {
	s := open(t, dbtest.Shared(t))
	p := s.product(t, 4)
	sold, released := id.New[id.CheckoutKind](), id.New[id.CheckoutKind]()
	for _, c := range []id.Checkout{sold, released} {
		if _, err := s.reserve(t, c, inventory.Line{Product: p, Quantity: 2}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 2 {
		s.tx(t, func(tx *db.Tx) error {
			lines, err := s.s.Sell(t.Context(), tx, sold)
			if i == 0 && !slices.Equal(lines, []inventory.Line{{Product: p, Quantity: 2}}) || i == 1 && len(lines) != 0 {
				t.Errorf("sale %d: %v", i, lines)
			}
			return err
		})
		s.tx(t, func(tx *db.Tx) error { return s.s.Release(t.Context(), tx, released) })
		s.tx(t, func(tx *db.Tx) error { return s.s.Release(t.Context(), tx, sold) }) // too late
		if s.left(t, p) != 2 {
			t.Fatalf("%d left, want 2", s.left(t, p))
		}
	}
	// The same checkout can come back for what it gave up, as long as there is some.
	s.tx(t, func(tx *db.Tx) error {
		ok, err := s.s.Retake(t.Context(), tx, released, []inventory.Line{{Product: p, Quantity: 2}}, tx.Now.Add(time.Hour))
		if !ok {
			t.Error("not taken again")
		}
		return err
	})
	if s.left(t, p) != 0 {
		t.Fatalf("%d left, want 0", s.left(t, p))
	}
	s.tx(t, func(tx *db.Tx) error {
		ok, err := s.s.Retake(t.Context(), tx, id.New[id.CheckoutKind](), []inventory.Line{{Product: p, Quantity: 1}}, tx.Now.Add(time.Hour))
		if ok {
			t.Error("took what is not there")
		}
		return err
	})
}

func TestStaleHoldsAreListed(t *testing.T) {
	d := dbtest.Fresh(t)
	s := open(t, d)
	p := s.product(t, 4)
	old, young := id.New[id.CheckoutKind](), id.New[id.CheckoutKind]()
	if _, err := s.s.Reserve(t.Context(), old, []inventory.Line{{Product: p, Quantity: 1}}, d.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.reserve(t, young, inventory.Line{Product: p, Quantity: 1}); err != nil {
		t.Fatal(err)
	}
	want := func(cs ...id.Checkout) {
		t.Helper()
		got, err := s.s.Stale(t.Context(), d, d.Now(), 10)
		if err != nil || !slices.Equal(got, cs) {
			t.Fatalf("%v %v, want %v", got, err, cs)
		}
	}
	want(old)
	s.tx(t, func(tx *db.Tx) error {
		n, err := s.s.Extend(t.Context(), tx, old, tx.Now.Add(time.Hour))
		if n != 1 {
			t.Errorf("%d extended", n)
		}
		return err
	})
	want()
}

func TestSetAndLift(t *testing.T) {
	s := open(t, dbtest.Shared(t))
	p := s.product(t, -1)
	set := func(n *int) error {
		return s.d.InTx(t.Context(), func(tx *db.Tx) error { return s.s.Set(t.Context(), tx, p, s.Shop, s.User, n) })
	}
	for _, n := range []int{3, 0, 7} {
		if err := set(&n); err != nil || s.left(t, p) != n {
			t.Fatalf("set %d: %v, %d left", n, err, s.left(t, p))
		}
	}
	c := id.New[id.CheckoutKind]()
	if _, err := s.reserve(t, c, inventory.Line{Product: p, Quantity: 1}); err != nil {
		t.Fatal(err)
	}
	if err := set(nil); err != nil || s.left(t, p) != -1 {
		t.Fatalf("lifted: %v, %d left", err, s.left(t, p))
	}
	s.tx(t, func(tx *db.Tx) error { return s.s.Release(t.Context(), tx, c) }) // into nothing
	minus := -1
	if err := set(&minus); !errs.Is(err, errs.Invalid) {
		t.Fatalf("set -1: %v", err)
	}
	// Someone else's hand on it changes nothing.
	n, other := 99, dbtest.Creator(t, s.d)
	if err := set(&[]int{5}[0]); err != nil {
		t.Fatal(err)
	}
	s.tx(t, func(tx *db.Tx) error { return s.s.Set(t.Context(), tx, p, other.Shop, other.User, &n) })
	s.tx(t, func(tx *db.Tx) error { return s.s.Set(t.Context(), tx, p, other.Shop, other.User, nil) })
	if s.left(t, p) != 5 {
		t.Fatalf("%d left after a stranger's change, want 5", s.left(t, p))
	}
}

// Reserving and giving back at once, over several products in any order, must end with every copy accounted for.
func TestNothingIsLostBetweenManyCheckouts(t *testing.T) {
	s := open(t, dbtest.Shared(t))
	var ps []id.Product
	for range 3 {
		ps = append(ps, s.product(t, 20))
	}
	var wg sync.WaitGroup
	var sold [3]atomic.Int64
	for w := range 8 {
		wg.Go(func() {
			for i := range 15 {
				c := id.New[id.CheckoutKind]()
				lines := []inventory.Line{{ps[(w+i)%3], 1}, {ps[(w+i+1)%3], 1}}
				if _, err := s.s.Reserve(context.Background(), c, lines, s.d.Now().Add(time.Hour)); errs.Is(err, errs.Conflict) {
					continue
				} else if err != nil {
					t.Error(err)
				}
				if err := s.d.InTx(context.Background(), func(tx *db.Tx) error {
					if i%2 == 0 {
						return s.s.Release(context.Background(), tx, c)
					}
					_, err := s.s.Sell(context.Background(), tx, c)
					return err
				}); err != nil {
					t.Error(err)
				}
				if i%2 == 1 {
					sold[(w+i)%3].Add(1)
					sold[(w+i+1)%3].Add(1)
				}
			}
		})
	}
	wg.Wait()
	var got, want []string
	for i, p := range ps {
		got = append(got, strconv.Itoa(s.left(t, p)))
		want = append(want, fmt.Sprint(20-sold[i].Load()))
	}
	if !slices.Equal(got, want) {
		t.Fatalf("left %v, want %v", got, want)
	}
}
