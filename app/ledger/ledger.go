// Package ledger keeps money as balanced entries that are never changed. One function writes them. A key names
// the fact that an entry records, so that a fact can arrive as often as it likes.
package ledger

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"vitrine/app/db"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/money"
)

// Line moves an amount to an account, or from it when negative.
type Line struct {
	Account Account
	Amount  money.Amount
}

// Entry is one fact: a sale, a refund.
type Entry struct {
	Key   string // names the fact: sale:<order>
	Kind  string
	Lines []Line
}

var (
	// ErrUnbalanced says that an entry's lines do not add up to nothing.
	ErrUnbalanced = errors.New("ledger: lines do not sum to zero")
	// ErrOtherLines says that the fact was recorded before, differently.
	ErrOtherLines = errors.New("ledger: the key is taken by other lines")
	// ErrMalformed says that an entry lacks something or names an account that cannot be.
	ErrMalformed = errors.New("ledger: malformed entry")
)

// Failpoints are the places where the kill tests let a process die.
var Failpoints = []string{"ledger.after_post"}

// Post records e. False means that the same entry was there already.
func Post(ctx context.Context, tx *db.Tx, e Entry) (posted bool, err error) {
	done, err := PostAll(ctx, tx, []Entry{e})
	if err != nil {
		return false, err
	}
	return done[0], nil
}

// PostAll records several entries at once and says which of them are new. Keys and accounts are locked in
// sorted order over all of them, so that two transactions cannot wait for each other.
func PostAll(ctx context.Context, tx *db.Tx, es []Entry) (posted []bool, err error) {
	if len(es) == 0 {
		return nil, nil
	}
	b, err := newBatch(es)
	if err != nil {
		return nil, err
	}
	fresh, err := insert(ctx, tx, b)
	if err != nil {
		return nil, fmt.Errorf("post %s: %w", es[0].Key, err)
	}
	posted = make([]bool, len(es))
	for i, e := range es {
		posted[i] = fresh[e.Key]
	}
	failpoint.Hit("ledger.after_post")
	return posted, b.same(ctx, tx, fresh)
}

// same checks that what stood under the other keys before is what was to be posted.
func (b *batch) same(ctx context.Context, q db.Q, fresh map[string]bool) error {
	var old []string
	for _, k := range b.keys {
		if !fresh[k] {
			old = append(old, k)
		}
	}
	if len(old) == 0 {
		return nil
	}
	have, err := findInputs(ctx, q, old)
	if err != nil {
		return fmt.Errorf("entries %v: %w", old, err)
	}
	for i, k := range b.keys {
		if !fresh[k] && !slices.Equal(have[k], b.inputs[i]) {
			return fmt.Errorf("%w: %s", ErrOtherLines, k)
		}
	}
	return nil
}

// Reverse records the opposite of an entry under a key of its own.
func Reverse(ctx context.Context, tx *db.Tx, of, key, kind string) (posted bool, err error) {
	lines, err := Lines(ctx, tx, of)
	if err != nil {
		return false, err
	}
	if len(lines) == 0 {
		return false, fmt.Errorf("reverse %s: there is no such entry", of)
	}
	for i := range lines {
		lines[i].Amount = lines[i].Amount.Neg()
	}
	return Post(ctx, tx, Entry{Key: key, Kind: kind, Lines: lines})
}

// Balance is the sum of an account.
func Balance(ctx context.Context, q db.Q, a Account, c money.Currency) (money.Amount, error) {
	sum := money.Amount{Currency: c}
	err := q.Get(ctx, &sum.Minor, `
		SELECT coalesce(sum(balance), 0)::bigint FROM account_balances WHERE account = $1 AND currency = $2`, a, c)
	return sum, err
}

// canonical checks e and returns its lines in the one order in which they are stored and hashed.
func (e Entry) canonical() ([]Line, error) {
	if e.Key == "" || e.Kind == "" || len(e.Key) > 200 {
		return nil, fmt.Errorf("%w: key %q, kind %q", ErrMalformed, e.Key, e.Kind)
	}
	sums := map[money.Currency]int64{}
	var lines []Line
	for _, l := range e.Lines {
		if !l.Account.Valid() || !l.Amount.Currency.Valid() || l.Amount.Minor > limit || l.Amount.Minor < -limit {
			return nil, fmt.Errorf("%w: %s %s", ErrMalformed, l.Account, l.Amount)
		}
		if l.Amount.IsZero() {
			continue
		}
		sums[l.Amount.Currency] += l.Amount.Minor
		lines = append(lines, l)
	}
	for c, n := range sums {
		if n != 0 {
			return nil, fmt.Errorf("%w: %s is off by %d %s", ErrUnbalanced, e.Key, n, c)
		}
	}
	if len(lines) == 0 || len(lines) > 1000 {
		return nil, fmt.Errorf("%w: %s has %d lines", ErrMalformed, e.Key, len(lines))
	}
	slices.SortFunc(lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Amount.Currency, b.Amount.Currency), cmp.Compare(a.Amount.Minor, b.Amount.Minor))
	})
	return lines, nil
}

// limit keeps sums of a thousand lines far from overflow.
const limit = 1_000_000_000_000_000

// inputs is what makes two entries the same.
func (e Entry) inputs(lines []Line) []byte {
	h := sha256.New()
	io.WriteString(h, e.Kind+"\n")
	for _, l := range lines {
		fmt.Fprintf(h, "%s %s %d\n", l.Account, l.Amount.Currency, l.Amount.Minor)
	}
	return h.Sum(nil)
}

// batch is entries as the columns that one statement takes.
type batch struct {
	keys, ids, kinds []string
	inputs           [][]byte

	lineEntry         []string
	lineN, lineShard  []int64
	account, currency []string
	amount            []int64
}

func newBatch(es []Entry) (*batch, error) {
	sorted := slices.Clone(es)
	slices.SortFunc(sorted, func(a, b Entry) int { return cmp.Compare(a.Key, b.Key) })
	b := &batch{}
	for i, e := range sorted {
		if i > 0 && sorted[i-1].Key == e.Key {
			return nil, fmt.Errorf("%w: %s twice at once", ErrMalformed, e.Key)
		}
		lines, err := e.canonical()
		if err != nil {
			return nil, err
		}
		eid := id.New[id.EntryKind]()
		b.keys, b.ids, b.kinds = append(b.keys, e.Key), append(b.ids, eid.String()), append(b.kinds, e.Kind)
		b.inputs = append(b.inputs, e.inputs(lines))
		for n, l := range lines {
			b.lineEntry, b.lineN, b.lineShard = append(b.lineEntry, eid.String()), append(b.lineN, int64(n+1)), append(b.lineShard, int64(l.Account.shard(eid)))
			b.account, b.currency = append(b.account, string(l.Account)), append(b.currency, string(l.Amount.Currency))
			b.amount = append(b.amount, l.Amount.Minor)
		}
	}
	return b, nil
}
