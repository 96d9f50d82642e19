package money

import (
	"strconv"
	"strings"
	"testing"
)

// digitsAfter is ISO 4217, written down a second time.
var digitsAfter = map[Currency]int{"JPY": 0, "KRW": 0, "KWD": 3}

// In every currency a hundred thousand amounts are written and read back, multiplied, shared by a percentage and split,
// and every time it is what whole numbers say.
func TestInvariant17EveryAmountOfEveryCurrency(t *testing.T) {
	r := seeded(t)
	for _, c := range Known() {
		digits, ok := digitsAfter[c]
		if !ok {
			digits = 2
		}
		if c.Exponent() != digits || c.Least().Minor <= 0 || c.Least().Currency != c {
			t.Fatalf("%s has %d digits, at least %s", c, c.Exponent(), c.Least())
		}
		for n := range counts(100_000, 1_000_000) {
			a := Amount{r.Int64N(1 + Max>>r.IntN(27)), c}
			if n < 2000 {
				a.Minor = int64(n)
			}
			text := a.Decimal()
			whole, rest, _ := strings.Cut(text, ".")
			if got, err := strconv.ParseInt(whole+rest, 10, 64); err != nil || got != a.Minor || len(rest) != digits || len(whole) > 1 && whole[0] == '0' {
				t.Fatalf("%d %s is written %q", a.Minor, c, text)
			}
			if got, err := Parse(text, c); err != nil || got != a {
				t.Fatalf("%q %s is read as %s %v", text, c, got, err)
			}
			if minus := a.Neg().Decimal(); a.Minor > 0 && minus != "-"+text {
				t.Fatalf("%s, and below zero %s", text, minus)
			}
			bps := r.Int64N(10_001)
			if part := a.Bps(bps); part.Currency != c || part.Minor != (a.Minor*bps+5000)/10_000 { // of at most 10^12: no overflow
				t.Fatalf("%d basis points of %s: %s", bps, a, part)
			}
			if part, rest := a.Bps(bps), a.Sub(a.Bps(bps)); part.Add(rest) != a || rest.Minor < 0 {
				t.Fatalf("%s and %s are not %s", part, rest, a)
			}
			if q := r.Int64N(99) + 1; a.Times(q).Minor != a.Minor*q {
				t.Fatalf("%d times %s: %s", q, a, a.Times(q))
			}
		}
		// One digit too many is refused, not rounded.
		if digits != 2 { // with two digits three after the mark are thousands
			if got, err := Parse("1."+"0000"[:digits+1], c); err == nil {
				t.Errorf("%s: read %s", c, got)
			}
		} else if got, err := Parse("1.0000", c); err == nil {
			t.Errorf("%s: read %s", c, got)
		}
	}
}
