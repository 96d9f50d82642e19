package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
)

// give posts something to a creator's available money.
func give(t *testing.T, d *db.DB, u id.User, minor int64) {
	t.Helper()
	e := ledger.Entry{Key: "gift:" + id.Token(), Kind: "gift", Lines: []ledger.Line{{Account: ledger.Available(u), Amount: eur(minor)}, {Account: ledger.Provider("stripe"), Amount: eur(-minor)}}}
	if _, err := post(t, d, e); err != nil {
		t.Fatal(err)
	}
}

// draw claims all there is and moves it to in flight, but for keep.
func draw(d *db.DB, u id.User, by string, keep int64) (sum money.Amount, err error) {
	ctx := context.Background()
	err = d.InTx(ctx, func(tx *db.Tx) error {
		var lines int
		if sum, lines, err = ledger.Claim(ctx, tx, ledger.Available(u), "EUR", by); err != nil || lines == 0 || sum.IsZero() {
			return err
		}
		own := ledger.Line{Account: ledger.Available(u), Amount: sum.Neg()}
		e := ledger.Entry{Key: by, Kind: "draw", Lines: []ledger.Line{own, {Account: ledger.Available(u), Amount: eur(keep)}, {Account: ledger.InFlight(u), Amount: sum.Sub(eur(keep))}}}
		if _, err := ledger.Post(ctx, tx, e); err != nil {
			return err
		}
		return ledger.ClaimOwn(ctx, tx, by, own, by)
	})
	return sum, err
}

func TestWhatIsUnclaimedIsTheBalance(t *testing.T) {
	d := dbtest.Shared(t)
	u := id.New[id.UserKind]()
	give(t, d, u, 300)
	give(t, d, u, -100)
	first, second := "draw:"+id.Token(), "draw:"+id.Token()
	if sum, err := draw(d, u, first, 30); err != nil || sum != eur(200) {
		t.Fatalf("%v %v", sum, err)
	}
	if got := balance(t, d, ledger.Available(u), "EUR"); got != 30 {
		t.Fatalf("%d are left", got)
	}
	give(t, d, u, 5)
	if sum, err := draw(d, u, second, 0); err != nil || sum != eur(35) {
		t.Fatalf("%v %v", sum, err)
	}
	took, err := ledger.Claims(t.Context(), d, second)
	if err != nil || len(took) != 3 { // the carry, the gift, and what moved both away
		t.Fatalf("%+v %v", took, err)
	}
	by, err := ledger.ClaimedBy(t.Context(), d, ledger.Available(u), []string{took[0].Key, "gift:never"})
	if err != nil || len(by) != 1 {
		t.Fatalf("%v %v", by, err)
	}
	if found, err := ledger.ClaimsMatch(t.Context(), d); err != nil || len(found) != 0 {
		t.Fatalf("%v %v", found, err)
	}
}

// Many draw at once while money comes in: each line is taken once.
func TestManyClaimAtOnceAndEachLineIsTakenOnce(t *testing.T) {
	d := dbtest.Shared(t)
	for round := range 20 {
		u := id.New[id.UserKind]()
		give(t, d, u, 1)
		var mu sync.Mutex
		var wg sync.WaitGroup
		drawn := int64(0)
		for n := range 12 {
			wg.Go(func() {
				if n%3 == 0 {
					give(t, d, u, 100)
				}
				sum, err := draw(d, u, fmt.Sprintf("draw:%s:%d", u, n), 0)
				if err != nil {
					t.Errorf("round %d: %v", round, err)
				}
				mu.Lock()
				drawn += sum.Minor
				mu.Unlock()
			})
		}
		wg.Wait()
		rest, err := draw(d, u, "draw:"+u.String()+":rest", 0)
		if err != nil || drawn+rest.Minor != 401 || balance(t, d, ledger.Available(u), "EUR") != 0 || balance(t, d, ledger.InFlight(u), "EUR") != 401 {
			t.Fatalf("round %d: %d drawn, %v, %v", round, drawn, rest, err)
		}
	}
	if found, err := ledger.ClaimsMatch(t.Context(), d); err != nil || len(found) != 0 {
		t.Fatalf("%v %v", found, err)
	}
}

// Who claims and does not move the sum away has stolen it: the next claim and the check say so.
func TestAClaimThatIsNotClosedIsFound(t *testing.T) {
	d := dbtest.Fresh(t)
	ctx := t.Context()
	u := id.New[id.UserKind]()
	give(t, d, u, 100)
	if err := d.InTx(ctx, func(tx *db.Tx) error {
		_, _, err := ledger.Claim(ctx, tx, ledger.Available(u), "EUR", "thief")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := draw(d, u, "draw:1", 0); !errors.Is(err, ledger.ErrClaims) {
		t.Fatal(err)
	}
	if found, err := ledger.ClaimsMatch(ctx, d); err != nil || len(found) != 1 {
		t.Fatalf("%v %v", found, err)
	}
	err := d.InTx(ctx, func(tx *db.Tx) error {
		return ledger.ClaimOwn(ctx, tx, "gift:never", ledger.Line{Account: ledger.Available(u), Amount: eur(-100)}, "thief")
	})
	if err == nil {
		t.Fatal("claimed a line that is not there")
	}
	for _, q := range []string{`UPDATE ledger_claims SET by = 'x'`, `DELETE FROM ledger_claims`, `TRUNCATE ledger_claims`} {
		if _, err := d.Pool().ExecContext(ctx, q); err == nil {
			t.Errorf("%s is allowed", q)
		}
	}
}

func TestPursesAreEverybodysMoneyByCurrency(t *testing.T) {
	d := dbtest.Fresh(t)
	want := map[id.User]int64{}
	for i := range 1203 { // more than two pages
		u := id.New[id.UserKind]()
		want[u] = int64(i - 5)
		if i != 5 {
			give(t, d, u, int64(i-5))
		}
	}
	err := ledger.Purses(t.Context(), d, func(ps []ledger.Purse) error {
		for _, p := range ps {
			if want[p.Creator] != p.Available.Minor || p.Empty() {
				t.Errorf("%+v", p)
			}
			delete(want, p.Creator)
		}
		return nil
	})
	if err != nil || len(want) != 1 { // who has nothing is left out
		t.Fatalf("%d are missing: %v", len(want), err)
	}
}
