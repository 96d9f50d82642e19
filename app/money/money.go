// Package money is an amount in minor units with its currency. There are no floats here.
package money

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Currency is an upper-case ISO 4217 code.
type Currency string

// Amount is a count of the currency's smallest unit: 1999 EUR is €19.99, 500 JPY is ¥500.
type Amount struct {
	Minor    int64
	Currency Currency
}

// Currencies are those a shop may sell in. Exponents are ISO 4217's; symbols are CLDR's narrow forms.
// Least is the smallest charge that Stripe takes, in minor units.
var currencies = map[Currency]struct {
	exponent int
	symbol   string
	least    int64
}{
	"EUR": {2, "€", 50}, "USD": {2, "$", 50}, "GBP": {2, "£", 30}, "CHF": {2, "CHF ", 50}, "CAD": {2, "CA$", 50},
	"AUD": {2, "A$", 50}, "NZD": {2, "NZ$", 50}, "SEK": {2, "SEK ", 300}, "NOK": {2, "NOK ", 300}, "DKK": {2, "DKK ", 250},
	"PLN": {2, "PLN ", 200}, "CZK": {2, "CZK ", 1500}, "HUF": {2, "HUF ", 17500}, "MXN": {2, "MX$", 1000}, "BRL": {2, "R$", 50},
	"JPY": {0, "¥", 50}, "KRW": {0, "₩", 1000}, "TWD": {2, "NT$", 2000}, "KWD": {3, "KWD ", 500},
}

// Known lists the currencies in the order a menu shows them.
func Known() []Currency {
	return []Currency{"EUR", "USD", "GBP", "CHF", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "MXN", "BRL", "JPY", "KRW", "TWD", "KWD"}
}

// Valid reports whether a shop may sell in c.
func (c Currency) Valid() bool { _, ok := currencies[c]; return ok }

// Exponent is the number of digits after the decimal point.
func (c Currency) Exponent() int {
	if v, ok := currencies[c]; ok {
		return v.exponent
	}
	return 2
}

// Symbol is what stands before an amount, with a space where letters need one.
func (c Currency) Symbol() string {
	if v, ok := currencies[c]; ok {
		return v.symbol
	}
	return string(c) + " "
}

// Least is the smallest amount that can be charged in c.
func (c Currency) Least() Amount { return Amount{currencies[c].least, c} }

// Max is the largest price in minor units: Stripe takes eight digits.
const Max = 99_999_999

func scale(c Currency) int64 { return int64(math.Pow10(c.Exponent())) }

// Add panics on mixed currencies and on overflow: both are bugs, not inputs.
func (a Amount) Add(b Amount) Amount {
	if a.Currency != b.Currency {
		panic(fmt.Sprintf("money: %s + %s", a.Currency, b.Currency))
	}
	sum := a.Minor + b.Minor
	if (sum > a.Minor) != (b.Minor > 0) && b.Minor != 0 {
		panic("money: sum out of range")
	}
	return Amount{sum, a.Currency}
}

func (a Amount) Neg() Amount         { return Amount{-a.Minor, a.Currency} }
func (a Amount) Sub(b Amount) Amount { return a.Add(b.Neg()) }
func (a Amount) IsZero() bool        { return a.Minor == 0 }

// Times panics when the product is out of range.
func (a Amount) Times(n int64) Amount {
	p := new(big.Int).Mul(big.NewInt(a.Minor), big.NewInt(n))
	if !p.IsInt64() {
		panic("money: product out of range")
	}
	return Amount{p.Int64(), a.Currency}
}

// Bps returns n basis points of a (1 % is 100), halves rounded away from zero.
func (a Amount) Bps(n int64) Amount {
	p := new(big.Int).Mul(big.NewInt(a.Minor), big.NewInt(n))
	half := big.NewInt(5000)
	if p.Sign() < 0 {
		half.Neg(half)
	}
	return Amount{p.Add(p, half).Quo(p, big.NewInt(10_000)).Int64(), a.Currency}
}

// Split shares a by weights and loses nothing: floor first, then one unit each to the largest remainders,
// ties to the earlier share. Weights must not be negative and not all zero.
func (a Amount) Split(weights ...int64) []Amount {
	total := new(big.Int)
	for _, w := range weights {
		if w < 0 {
			panic("money: negative weight")
		}
		total.Add(total, big.NewInt(w))
	}
	if total.Sign() == 0 {
		panic("money: no weight")
	}
	sign, whole := int64(1), a.Minor
	if whole < 0 {
		sign, whole = -1, -whole
	}
	out, rest, left := make([]Amount, len(weights)), make([]*big.Int, len(weights)), whole
	for i, w := range weights {
		q, r := new(big.Int).QuoRem(new(big.Int).Mul(big.NewInt(whole), big.NewInt(w)), total, new(big.Int))
		out[i], rest[i] = Amount{q.Int64(), a.Currency}, r
		left -= q.Int64()
	}
	for ; left > 0; left-- {
		best := 0
		for i := range rest {
			if rest[i].Cmp(rest[best]) > 0 {
				best = i
			}
		}
		out[best].Minor++
		rest[best] = big.NewInt(-1)
	}
	for i := range out {
		out[i].Minor *= sign
	}
	return out
}

// Decimal is the plain number a form field shows: "19.99", "500".
func (a Amount) Decimal() string {
	e, s, neg := a.Currency.Exponent(), a.Minor, ""
	u := uint64(s)
	if s < 0 {
		neg, u = "-", uint64(-s)
	}
	if e == 0 {
		return neg + strconv.FormatUint(u, 10)
	}
	p := uint64(scale(a.Currency))
	return fmt.Sprintf("%s%d.%0*d", neg, u/p, e, u%p)
}

// Parts are the pieces of an amount for large lettering: sign, symbol, grouped whole units, and the
// fraction with its point, empty when it is nothing but zeros.
type Parts struct{ Sign, Symbol, Whole, Fraction string }

// Parts splits a for display in English.
func (a Amount) Parts() Parts {
	p := Parts{Symbol: a.Currency.Symbol()}
	d := a.Decimal()
	if strings.HasPrefix(d, "-") {
		p.Sign, d = "−", d[1:]
	}
	whole, frac, _ := strings.Cut(d, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	p.Whole = whole
	if strings.Trim(frac, "0") != "" {
		p.Fraction = "." + frac
	}
	return p
}

// Format writes a for reading: "€19", "€1,284.50", "−€5", "¥500".
func (a Amount) Format() string {
	p := a.Parts()
	return p.Sign + p.Symbol + p.Whole + p.Fraction
}

func (a Amount) String() string { return a.Decimal() + " " + string(a.Currency) }

// Parse reads what a person typed as a price: "19", "19.9", "19,90", "€ 19.90", "1,284.50", "1 284,50".
// Refused are signs, exponents, more digits after the point than the currency has, and anything above Max.
func Parse(s string, c Currency) (Amount, error) {
	bad := fmt.Errorf("money: %q is not an amount of %s", s, c)
	s = strings.TrimSpace(s)
	s = strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(s, strings.TrimSpace(c.Symbol())), string(c)))
	s = strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(s, strings.TrimSpace(c.Symbol())), string(c)))
	if s == "" || len(s) > 20 {
		return Amount{}, bad
	}
	whole, frac := cut(s, c.Exponent())
	whole, ok := ungroup(whole)
	if !ok || !digits(whole) || (frac != "" && !digits(frac)) || len(frac) > c.Exponent() {
		return Amount{}, bad
	}
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", c.Exponent()-len(frac)), 10, 64)
	if err != nil || n > Max {
		return Amount{}, bad
	}
	return Amount{n, c}, nil
}

// cut finds the decimal mark: the last point or comma, unless it groups thousands ("1,284").
func cut(s string, exponent int) (whole, frac string) {
	i := strings.LastIndexAny(s, ".,")
	if i < 0 {
		return s, ""
	}
	tail := s[i+1:]
	if len(tail) == 3 && (exponent != 3 || strings.Count(s, s[i:i+1]) > 1) {
		return s, "" // a thousands mark
	}
	return s[:i], tail
}

var marks = strings.NewReplacer("\u00a0", " ", "\u202f", " ", "'", " ", "’", " ", ".", " ", ",", " ")

// ungroup takes thousands marks out where they stand in their places.
func ungroup(s string) (string, bool) {
	s = marks.Replace(s)
	groups := strings.Split(s, " ")
	for i, g := range groups {
		if i > 0 && len(g) != 3 || i == 0 && len(groups) > 1 && (len(g) == 0 || len(g) > 3) {
			return "", false
		}
	}
	return strings.Join(groups, ""), true
}

func digits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}
