package fees_test

import (
	"errors"
	"math/big"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/errs"
	"vitrine/app/fees"
	"vitrine/app/money"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

var s = &fees.Service{}

func schedules(t *testing.T, d *db.DB, at time.Time) []fees.Schedule {
	t.Helper()
	var out []fees.Schedule
	for _, c := range money.Known() {
		sc, err := s.At(t.Context(), d, c, at)
		if err != nil {
			t.Fatalf("%s: %v", c, err)
		}
		out = append(out, sc)
	}
	return out
}

// byHand works the fee out with fractions instead of minor units.
func byHand(sc fees.Schedule, total int64) int64 {
	if total == 0 {
		return 0
	}
	f := big.NewRat(total*int64(sc.Bps), 10_000)
	f.Add(f, big.NewRat(sc.Fixed.Minor, 1))
	f.Add(f, big.NewRat(1, 2)) // half up, then down to a whole unit
	return min(total, new(big.Int).Div(f.Num(), f.Denom()).Int64())
}

func TestQuoteIsBookingForRandomOrders(t *testing.T) {
	d := dbtest.Shared(t)
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 1))
	all := schedules(t, d, d.Now())
	for _, c := range money.Known() { // and rates that nobody has thought of yet
		all = append(all, fees.Schedule{Version: 1000, Currency: c, Bps: r.IntN(10_001), Fixed: money.Amount{Minor: r.Int64N(2000), Currency: c}})
	}
	for n := range 100_000 {
		sc := all[r.IntN(len(all))]
		total := money.Amount{Currency: sc.Currency}
		for range 1 + r.IntN(4) {
			total = total.Add(money.Amount{Minor: r.Int64N(money.Max >> r.IntN(27)), Currency: sc.Currency}.Times(1 + r.Int64N(99)))
		}
		quote, booking := sc.Of(total), sc.Of(total)
		switch {
		case quote != booking:
			t.Fatalf("seed %d, order %d: quoted %+v, booked %+v", seed, n, quote, booking)
		case quote.Platform.Add(quote.Net) != total:
			t.Fatalf("seed %d, order %d: %v + %v is not %v", seed, n, quote.Platform, quote.Net, total)
		case quote.Platform.Minor < 0 || quote.Net.Minor < 0:
			t.Fatalf("seed %d, order %d: %+v of %v", seed, n, quote, total)
		case quote.Platform.Minor != byHand(sc, total.Minor):
			t.Fatalf("seed %d, order %d: %v of %v with %+v, by hand %d", seed, n, quote.Platform, total, sc, byHand(sc, total.Minor))
		}
	}
}

func TestTheOneFunctionReadsTheScheduleOfItsMoment(t *testing.T) {
	d := dbtest.Fresh(t)
	ctx := t.Context()
	total := money.Amount{Minor: 10_000, Currency: "EUR"}
	now := d.Now()
	before, err := s.For(ctx, d, total, now)
	if err != nil || before.Platform.Minor != 525 || before.Net.Minor != 9475 {
		t.Fatalf("before: %+v %v", before, err)
	}
	change := now.Add(time.Hour)
	err = d.InTx(ctx, func(tx *db.Tx) error {
		v, err := s.Change(ctx, tx, fees.Schedule{Currency: "EUR", Bps: 1000, Fixed: money.Amount{Currency: "EUR"}, StartsAt: change})
		if err == nil && v <= before.Version {
			t.Errorf("version %d after %d", v, before.Version)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Time]int64{now: 525, change.Add(-time.Microsecond): 525, change: 1000, change.Add(time.Hour): 1000} {
		if f, err := s.For(ctx, d, total, at); err != nil || f.Platform.Minor != want || f.Net.Minor != 10_000-want {
			t.Errorf("at %v: %+v %v, want %d", at, f, err, want)
		}
	}
	usd, err := s.For(ctx, d, money.Amount{Minor: 10_000, Currency: "USD"}, change)
	if err != nil || usd.Platform.Minor != 530 {
		t.Errorf("another currency changed too: %+v %v", usd, err)
	}
}

func TestEdges(t *testing.T) {
	d := dbtest.Shared(t)
	for _, sc := range schedules(t, d, d.Now()) {
		for _, n := range []int64{0, 1, 2, sc.Fixed.Minor, sc.Fixed.Minor + 1, sc.Currency.Least().Minor, money.Max, money.Max * 99 * 50} {
			f := sc.Of(money.Amount{Minor: n, Currency: sc.Currency})
			if f.Platform.Minor+f.Net.Minor != n || f.Platform.Minor > n || f.Platform.Minor < 0 || (n == 0 && f.Platform.Minor != 0) {
				t.Errorf("%s: %+v of %d", sc.Currency, f, n)
			}
		}
		// Whatever can be charged at all leaves the creator something.
		if f := sc.Of(sc.Currency.Least()); f.Net.Minor <= 0 {
			t.Errorf("%s: nothing left of the least charge: %+v", sc.Currency, f)
		}
	}
	_, err := s.For(t.Context(), d, money.Amount{Minor: 1, Currency: "EUR"}, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	if !errs.Is(err, errs.Invalid) {
		t.Errorf("before the first schedule: %v", err)
	}
}

func TestChangeRefusesThePast(t *testing.T) {
	d := dbtest.Shared(t)
	bad := map[string]fees.Schedule{
		"starts_at": {Currency: "EUR", Bps: 1, Fixed: money.Amount{Currency: "EUR"}, StartsAt: d.Now().Add(-time.Second)},
		"fixed":     {Currency: "EUR", Bps: 1, Fixed: money.Amount{Currency: "USD"}, StartsAt: d.Now().Add(time.Hour)},
		"bps":       {Currency: "EUR", Bps: 10_001, Fixed: money.Amount{Currency: "EUR"}, StartsAt: d.Now().Add(time.Hour)},
	}
	for field, sc := range bad {
		err := d.InTx(t.Context(), func(tx *db.Tx) error { _, err := s.Change(t.Context(), tx, sc); return err })
		var e *errs.Error
		if !errors.As(err, &e) || len(e.Fields) != 1 || e.Fields[0].Name != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
