package payouts_test

import (
	"math/rand/v2"
	"testing"

	"vitrine/app/ledger"
	"vitrine/app/money"
	"vitrine/app/payouts"
)

// unitOf is what banks take, written down a second time: whole forints and Taiwan dollars, tens of fils.
var unitOf = map[money.Currency]int64{"HUF": 100, "TWD": 100, "KWD": 10}

// Whatever stands in a balance, a payout is a multiple of the currency's unit, at least the minimum, never more than the
// balance, and what stays is less than a unit.
func TestInvariant17PayoutsFitTheCurrency(t *testing.T) {
	seed := seeds(1)[0]
	r := rand.New(rand.NewPCG(seed, 17))
	for _, c := range money.Known() {
		unit := max(unitOf[c], 1)
		least := payouts.Minimum(c)
		if least.Currency != c || least.Minor <= 0 || least.Minor%unit != 0 {
			t.Fatalf("minimum of %s: %s", c, least)
		}
		for n := range times(100_000, 1_000_000) {
			have := r.Int64N(200_000_000) - 10_000
			switch {
			case n < 2000:
				have = int64(n)
			case n%3 == 0:
				have = least.Minor + r.Int64N(300) - 150
			}
			p := payouts.Payable(money.Amount{Minor: have, Currency: c})
			rest := have - p.Minor
			switch {
			case p.Currency != c, p.Minor < 0, p.Minor%unit != 0, p.Minor > max(have, 0), p.Minor > 99_999_999:
				t.Fatalf("VITRINE_SEED=%d: %s of %d %s", seed, p, have, c)
			case p.Minor == 0 && have-have%unit >= least.Minor:
				t.Fatalf("VITRINE_SEED=%d: nothing of %d %s", seed, have, c)
			case p.Minor > 0 && (p.Minor < least.Minor || have < 99_999_000 && rest >= unit):
				t.Fatalf("VITRINE_SEED=%d: %s of %d %s", seed, p, have, c)
			}
		}
	}
}

// The remainder that does not fit goes with the next payout, and both statements say so.
func TestInvariant17TheRemainderIsCarriedOver(t *testing.T) {
	for _, c := range []struct {
		currency     money.Currency
		first, carry int64
	}{{"HUF", 512_345, 45}, {"TWD", 43_210, 10}, {"KWD", 12_345, 5}, {"JPY", 5_001, 0}, {"KRW", 54_321, 0}, {"EUR", 1_234, 0}} {
		t.Run(string(c.currency), func(t *testing.T) {
			w := newWorld(t)
			u := w.creator()
			w.earn(u.User, money.Amount{Minor: c.first, Currency: c.currency})
			w.run()
			w.settle()
			p := w.only(u.User)
			if p.State != payouts.Sent || p.Amount.Minor != c.first-c.carry || p.Carried.Minor != c.carry {
				t.Fatal(text(p))
			}
			if got := w.balance(ledger.Available(u.User), c.currency); got != c.carry {
				t.Fatalf("%d stay, want %d", got, c.carry)
			}
			second := payouts.Minimum(c.currency).Minor * 2
			w.earn(u.User, money.Amount{Minor: second, Currency: c.currency})
			if _, _, err := w.s.Request(t.Context(), u.User, c.currency); err != nil {
				t.Fatal(err)
			}
			w.settle()
			all := w.list(u.User)
			if len(all) != 2 {
				t.Fatalf("%v", all)
			}
			first, err := w.s.Statement(t.Context(), u.User, all[1].ID)
			if err != nil {
				t.Fatal(err)
			}
			next, err := w.s.Statement(t.Context(), u.User, all[0].ID)
			if err != nil {
				t.Fatal(err)
			}
			if c.carry > 0 && (first.Lines[len(first.Lines)-1].Kind != "carried" || next.Lines[0].Kind != "carried" || next.Lines[0].Net.Minor != c.carry || next.Lines[0].Number != 1) {
				t.Fatalf("%+v\n%+v", first.Lines, next.Lines)
			}
			if c.carry == 0 && len(first.Lines)+len(next.Lines) != 2 {
				t.Fatalf("%+v\n%+v", first.Lines, next.Lines)
			}
			w.clean()
		})
	}
}

// What is above the largest payout goes with the next.
func TestWhatIsTooMuchForOnePayoutFollows(t *testing.T) {
	w := newWorld(t)
	u := w.creator()
	for range 3 {
		w.earn(u.User, eur(60_000_000))
	}
	w.run()
	w.settle()
	if p := w.only(u.User); p.Amount != eur(99_999_999) || p.Carried != eur(80_000_001) {
		t.Fatal(text(p))
	}
	if _, _, err := w.s.Request(t.Context(), u.User, "EUR"); err != nil {
		t.Fatal(err)
	}
	w.settle()
	if p := w.list(u.User)[0]; p.Amount != eur(80_000_001) || p.State != payouts.Sent {
		t.Fatal(text(p))
	}
	w.clean()
}
