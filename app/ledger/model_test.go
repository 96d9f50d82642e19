package ledger_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
)

// model is the ledger as one would write it on paper.
type model struct {
	entries  map[string]string // key → kind and lines, in one order
	lines    map[string][]ledger.Line
	balances map[ledger.Account]map[money.Currency]int64
}

func newModel() *model {
	return &model{map[string]string{}, map[string][]ledger.Line{}, map[ledger.Account]map[money.Currency]int64{}}
}

func text(e ledger.Entry) string {
	var out []string
	for _, l := range e.Lines {
		if l.Amount.Minor != 0 {
			out = append(out, fmt.Sprint(l.Account, l.Amount))
		}
	}
	slices.Sort(out)
	return fmt.Sprint(e.Kind, out)
}

// post answers as the real one should.
func (m *model) post(e ledger.Entry) (posted bool, err error) {
	sums, n := map[money.Currency]int64{}, 0
	for _, l := range e.Lines {
		sums[l.Amount.Currency] += l.Amount.Minor
		if l.Amount.Minor != 0 {
			n++
		}
	}
	for _, s := range sums {
		if s != 0 {
			return false, ledger.ErrUnbalanced
		}
	}
	if n == 0 {
		return false, ledger.ErrMalformed
	}
	if have, ok := m.entries[e.Key]; ok {
		if have != text(e) {
			return false, ledger.ErrOtherLines
		}
		return false, nil
	}
	m.entries[e.Key], m.lines[e.Key] = text(e), e.Lines
	for _, l := range e.Lines {
		if m.balances[l.Account] == nil {
			m.balances[l.Account] = map[money.Currency]int64{}
		}
		m.balances[l.Account][l.Amount.Currency] += l.Amount.Minor
	}
	return true, nil
}

var some = []money.Currency{"EUR", "USD", "JPY", "KWD"}

// step is one thing that happens in a history. One drawn number decides all of it: rapid shrinks and replays
// that, and a hundred thousand draws a second are not to be had under the race detector.
func step(t *rapid.T, world string, accounts []ledger.Account, m *model) ledger.Entry {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "step"), 1))
	keys := slices.Sorted(maps.Keys(m.entries))
	kind := pick(r, []string{"new", "new", "new", "new", "new", "again", "again", "altered", "unbalanced", "reverse", "reverse"})
	if len(keys) > 0 && (kind == "again" || kind == "altered" || kind == "reverse") {
		key := pick(r, keys)
		e := ledger.Entry{Key: key, Kind: "sale", Lines: slices.Clone(m.lines[key])}
		switch kind {
		case "altered":
			e.Lines = append(e.Lines, ledger.Line{Account: accounts[0], Amount: eur(1)}, ledger.Line{Account: accounts[1], Amount: eur(-1)})
		case "reverse":
			e.Key = "undo:" + key
			for i := range e.Lines {
				e.Lines[i].Amount = e.Lines[i].Amount.Neg()
			}
		default:
			slices.Reverse(e.Lines)
		}
		return e
	}
	e := ledger.Entry{Key: fmt.Sprintf("%s:%d", world, len(m.entries)), Kind: "sale"}
	for range 1 + r.IntN(2) {
		c := pick(r, some)
		rest := money.Amount{Currency: c}
		for range 1 + r.IntN(3) {
			a := money.Amount{Minor: r.Int64N(2_000_001) - 1_000_000, Currency: c}
			e.Lines = append(e.Lines, ledger.Line{Account: pick(r, accounts), Amount: a})
			rest = rest.Sub(a)
		}
		if kind == "unbalanced" {
			rest.Minor++
		}
		e.Lines = append(e.Lines, ledger.Line{Account: pick(r, accounts), Amount: rest})
	}
	return e
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// histories is how many are played; each has twenty steps.
func histories() int {
	if os.Getenv("VITRINE_AUDIT") == "1" {
		return 100_000
	}
	return 2_000
}

func TestInvariant01HistoriesOnPostgresEndAsOnPaper(t *testing.T) {
	const lanes, together = 2, 20
	d := dbtest.Fresh(t)
	if err := flag.Set("rapid.checks", strconv.Itoa(histories()/lanes/together)); err != nil {
		t.Fatal(err)
	}
	t.Run("lanes", func(t *testing.T) {
		for lane := range lanes {
			t.Run(strconv.Itoa(lane), func(t *testing.T) {
				t.Parallel()
				rapid.Check(t, func(rt *rapid.T) { play(rt, d, together) })
			})
		}
	})
	r, err := ledger.Check(t.Context(), d)
	if err != nil || !r.OK() {
		t.Fatalf("the whole book: %v %v", r.Findings, err)
	}
	if r.Entries < histories()*3 {
		t.Fatalf("only %d entries of %d histories", r.Entries, histories())
	}
}

// history is twenty steps with accounts of its own, and how they end on paper.
type history struct {
	paper   *model
	entries []ledger.Entry
	posted  []bool
	errs    []error
}

func drawHistory(t *rapid.T) history {
	world := "h:" + id.New[id.OrderKind]().String()
	u, b := id.New[id.UserKind](), id.New[id.BuyerKind]()
	accounts := []ledger.Account{ledger.Pending(u), ledger.Available(u), ledger.Held(u), ledger.InFlight(u), ledger.Credit(b)}
	h := history{paper: newModel()}
	for range 20 {
		e := step(t, world, accounts, h.paper)
		posted, err := h.paper.post(e)
		h.entries, h.posted, h.errs = append(h.entries, e), append(h.posted, posted), append(h.errs, err)
	}
	return h
}

// play runs several histories side by side in one transaction, step by step, and compares with the paper.
func play(t *rapid.T, d *db.DB, together int) {
	ctx := context.Background()
	hs := make([]history, together)
	for i := range hs {
		hs[i] = drawHistory(t)
	}
	err := d.InTx(ctx, func(tx *db.Tx) error {
		for n := range 20 {
			if err := playStep(ctx, tx, hs, n); err != nil {
				return fmt.Errorf("step %d: %w", n, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, d, hs)
}

func playStep(ctx context.Context, tx *db.Tx, hs []history, n int) error {
	var good []ledger.Entry
	var fresh []bool
	for _, h := range hs {
		if h.errs[n] == nil {
			good, fresh = append(good, h.entries[n]), append(fresh, h.posted[n])
			continue
		}
		if _, err := ledger.Post(ctx, tx, h.entries[n]); !errors.Is(err, h.errs[n]) {
			return fmt.Errorf("%s: %v, want %v", h.entries[n].Key, err, h.errs[n])
		}
	}
	posted, err := ledger.PostAll(ctx, tx, good)
	if err == nil && !slices.Equal(posted, fresh) {
		err = fmt.Errorf("posted %v, want %v", posted, fresh)
	}
	return err
}

func compare(t *rapid.T, d *db.DB, hs []history) {
	want := map[string]int64{}
	var accounts []string
	for _, h := range hs {
		for a, by := range h.paper.balances {
			accounts = append(accounts, string(a))
			for c, n := range by {
				if n != 0 { // a line of zero leaves no row
					want[string(a)+" "+string(c)] = n
				}
			}
		}
	}
	var rows []struct {
		Account string `db:"account"`
		Balance int64  `db:"balance"`
	}
	if err := d.Select(context.Background(), &rows, `
		SELECT account || ' ' || currency AS account, sum(balance)::bigint AS balance
		FROM account_balances WHERE account = ANY($1::text[])
		GROUP BY account, currency`, db.Array(accounts)); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if want[r.Account] != r.Balance {
			t.Fatalf("%s: %d on Postgres, %d on paper", r.Account, r.Balance, want[r.Account])
		}
		delete(want, r.Account)
	}
	for a, n := range want {
		t.Fatalf("%s: nothing on Postgres, %d on paper", a, n)
	}
}
