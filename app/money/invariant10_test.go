package money

import (
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
)

// counts are TRUST's figures, less where the race detector looks at the same code again.
func counts(ci, audit int) int {
	switch {
	case os.Getenv("VITRINE_AUDIT") == "1":
		return audit
	case testing.Short():
		return ci / 100
	}
	return ci
}

// seeded is chance that VITRINE_SEED=n repeats.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if v, err := strconv.ParseUint(os.Getenv("VITRINE_SEED"), 10, 64); err == nil {
		seed = v
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("VITRINE_SEED=%d plays it again", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 10))
}

// One to ten people share by basis points that make a whole: nothing is lost, nobody is a unit off, more share is never
// less money, of two with the same share the earlier is served first, the same is always shared the same way, and what
// is taken back is what was given.
func TestInvariant10SharesOfTenPeopleAddUp(t *testing.T) {
	r := seeded(t)
	known := Known()
	for range counts(100_000, 1_000_000) {
		a := Amount{r.Int64N(1 + Max>>r.IntN(27)), known[r.IntN(len(known))]}
		shares := wholeShares(r, 1+r.IntN(10))
		got := a.Split(shares...)
		sum := int64(0)
		for i, g := range got {
			sum += g.Minor
			fair := new(big.Rat).SetFrac64(a.Minor*shares[i], 10_000)
			off := new(big.Rat).Sub(fair, new(big.Rat).SetInt64(g.Minor))
			if g.Currency != a.Currency || g.Minor < 0 || off.Abs(off).Cmp(big.NewRat(1, 1)) >= 0 {
				t.Fatalf("%s by %v: %v", a, shares, got)
			}
			for k := range i {
				if shares[k] == shares[i] && got[k].Minor < g.Minor || shares[k] > shares[i] && got[k].Minor < g.Minor || shares[k] < shares[i] && got[k].Minor > g.Minor {
					t.Fatalf("%s by %v: %v is not fair between %d and %d", a, shares, got, k, i)
				}
			}
		}
		if sum != a.Minor {
			t.Fatalf("%s by %v: %v is %d", a, shares, got, sum)
		}
		back := a.Neg().Split(shares...)
		for i := range back {
			back[i] = back[i].Neg()
		}
		if !slices.Equal(got, a.Split(shares...)) || !slices.Equal(got, back) {
			t.Fatalf("%s by %v: %v, and back %v", a, shares, got, back)
		}
	}
}

// wholeShares are n basis points that make 10,000; often some are equal, or nothing.
func wholeShares(r *rand.Rand, n int) []int64 {
	out, left := make([]int64, n), int64(10_000)
	for i := range n - 1 {
		switch r.IntN(4) {
		case 0:
			out[i] = left / int64(n-i)
		case 1:
			out[i] = min(left, []int64{0, 1, 3333, 2500, 5000}[r.IntN(5)])
		default:
			out[i] = r.Int64N(left + 1)
		}
		left -= out[i]
	}
	out[n-1] = left
	r.Shuffle(n, func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}
