package orders

import (
	"math/rand/v2"
	"testing"
	"time"

	"vitrine/app/id"
	"vitrine/app/money"
)

// Any sequence of partial refunds that reaches the whole gives every account back exactly what it had, no part
// ever shrinks on the way, and nothing is more than a unit a head off its fair share.
func TestInvariant11PartialRefundsAddUpToTheWhole(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 1))
	currencies := money.Known()
	for n := range 100_000 {
		c := currencies[r.IntN(len(currencies))]
		all := make([]Order, 1+r.IntN(4))
		total := money.Amount{Currency: c}
		for i := range all {
			o := &all[i]
			o.Total = money.Amount{Minor: r.Int64N(1 + money.Max>>r.IntN(27)), Currency: c}
			o.Fee = money.Amount{Minor: r.Int64N(o.Total.Minor + 1), Currency: c}
			o.Net = o.Total.Sub(o.Fee)
			total = total.Add(o.Total)
		}
		before := spread(money.Amount{Currency: c}, all)
		for refunded := total; ; {
			// A random way up: each step is somewhere between what was given back and the whole.
			sum := money.Amount{Currency: c}
			for _, p := range before {
				sum = sum.Add(p)
			}
			if sum == total {
				break
			}
			refunded.Minor = sum.Minor + 1 + r.Int64N(total.Minor-sum.Minor)
			if r.IntN(3) == 0 {
				refunded = total
			}
			after := spread(refunded, all)
			check := money.Amount{Currency: c}
			for i, o := range all {
				check = check.Add(after[i])
				a, b := netOf(o, before[i]), netOf(o, after[i])
				if after[i].Minor < before[i].Minor || b.Minor < a.Minor || after[i].Minor > o.Total.Minor || b.Minor > o.Net.Minor || after[i].Minor-b.Minor > o.Fee.Minor {
					t.Fatalf("seed %d, history %d: order %d of %s: %s then %s of %s; net %s then %s of %s", seed, n, i, total, before[i], after[i], o.Total, a, b, o.Net)
				}
			}
			if check != refunded {
				t.Fatalf("seed %d, history %d: %s shared as %s", seed, n, refunded, check)
			}
			before = after
		}
		for i, o := range all {
			if before[i] != o.Total || netOf(o, before[i]) != o.Net {
				t.Fatalf("seed %d, history %d: order %d gave back %s of %s", seed, n, i, before[i], o.Total)
			}
		}
	}
}

func TestTheIdOfACheckoutFollowsFromItsForm(t *testing.T) {
	s := &Service{Secret: "one"}
	key, other := id.New[id.CheckoutKind](), id.New[id.CheckoutKind]()
	a := s.checkoutID(key, []byte("x"))
	switch {
	case a != s.checkoutID(key, []byte("x")):
		t.Error("the same form, another id")
	case a == s.checkoutID(key, []byte("y")), a == s.checkoutID(other, []byte("x")), a == (&Service{Secret: "two"}).checkoutID(key, []byte("x")):
		t.Error("another form, the same id")
	case a == key:
		t.Error("the id is the key")
	case !made(a).Equal(made(key)) || time.Since(made(key)).Abs() > time.Minute:
		t.Errorf("made at %v", made(a))
	case a[6]>>4 != 7 || a[8]>>6 != 2:
		t.Errorf("%s is no UUIDv7", a)
	}
}
