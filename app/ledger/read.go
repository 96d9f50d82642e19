package ledger

import (
	"context"
	"fmt"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/money"
)

// Posted is an entry with all its lines, as it stands in the book.
type Posted struct {
	ID    id.Entry
	Key   string
	Kind  string
	At    time.Time
	Lines []Line
}

// Sum is what an entry moves to one of the accounts.
func (p Posted) Sum(c money.Currency, accounts ...Account) money.Amount {
	sum := money.Amount{Currency: c}
	for _, l := range p.Lines {
		for _, a := range accounts {
			if l.Account == a && l.Amount.Currency == c {
				sum = sum.Add(l.Amount)
			}
		}
	}
	return sum
}

// About lists, oldest first, the entries about some orders: their sales and what came after. Payouts are not among
// them: they are about many orders at once.
func About(ctx context.Context, q db.Q, orders []id.Order) ([]Posted, error) {
	keys, subjects := make([]string, 0, 2*len(orders)), make([]string, 0, len(orders))
	for _, o := range orders {
		keys = append(keys, "sale:"+o.String(), "mature:"+o.String())
		subjects = append(subjects, o.String())
	}
	var rows []postedRow
	if err := q.Select(ctx, &rows, `
		WITH found AS (
			SELECT id, key, kind, created_at FROM ledger_entries WHERE key = ANY($1::text[])
			UNION ALL
			SELECT id, key, kind, created_at FROM ledger_entries
			WHERE kind IN ('refund', 'dispute', 'hold', 'release') AND split_part(key, ':', 2) = ANY($2::text[])
		)
		SELECT e.id, e.key, e.kind, e.created_at, l.account, l.currency, l.amount
		FROM found e JOIN ledger_lines l ON l.entry_id = e.id
		ORDER BY e.created_at, e.id, l.n`, db.Array(keys), db.Array(subjects)); err != nil {
		return nil, fmt.Errorf("entries about orders: %w", err)
	}
	return posted(rows), nil
}

// Range chooses among the entries of some accounts. The zero value of a field chooses nothing away.
type Range struct {
	Accounts   []Account
	Currencies []money.Currency
	Kinds      []string
	From, To   time.Time // To is not in it
	Before     id.Entry  // the last one of the page before
	Limit      int
}

var last = func() (e id.Entry) {
	for i := range e {
		e[i] = 0xff
	}
	return e
}()

// Recent lists entries, newest first.
func Recent(ctx context.Context, q db.Q, r Range) ([]Posted, error) {
	if r.Before.IsZero() {
		r.Before = last
	}
	if len(r.Currencies) == 0 {
		r.Currencies = money.Known()
	}
	if r.To.IsZero() {
		r.To = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	var rows []postedRow
	if err := q.Select(ctx, &rows, `
		WITH found AS (
			SELECT DISTINCT x.entry_id
			FROM unnest($1::text[]) AS a (account) CROSS JOIN unnest($2::text[]) AS c (currency) CROSS JOIN LATERAL (
				SELECT l.entry_id
				FROM ledger_lines l JOIN ledger_entries e ON e.id = l.entry_id
				WHERE l.account = a.account AND l.currency = c.currency::char(3) AND l.entry_id < $3::uuid
					AND (cardinality($4::text[]) = 0 OR e.kind = ANY($4::text[])) AND e.created_at >= $5 AND e.created_at < $6
				GROUP BY l.entry_id
				ORDER BY l.entry_id DESC
				LIMIT $7
			) x
			ORDER BY x.entry_id DESC
			LIMIT $7
		)
		SELECT e.id, e.key, e.kind, e.created_at, l.account, l.currency, l.amount
		FROM found f JOIN ledger_entries e ON e.id = f.entry_id JOIN ledger_lines l ON l.entry_id = e.id
		ORDER BY e.id DESC, l.n`,
		db.Array(words(r.Accounts)), db.Array(words(r.Currencies)), r.Before.String(), db.Array(words(r.Kinds)), r.From, r.To, r.Limit); err != nil {
		return nil, fmt.Errorf("recent entries: %w", err)
	}
	return posted(rows), nil
}

func words[S ~string](all []S) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = string(s)
	}
	return out
}

type postedRow struct {
	ID        id.Entry       `db:"id"`
	Key       string         `db:"key"`
	Kind      string         `db:"kind"`
	CreatedAt time.Time      `db:"created_at"`
	Account   Account        `db:"account"`
	Currency  money.Currency `db:"currency"`
	Amount    int64          `db:"amount"`
}

// posted joins rows that are sorted by entry.
func posted(rows []postedRow) []Posted {
	var out []Posted
	for _, r := range rows {
		if n := len(out); n == 0 || out[n-1].ID != r.ID {
			out = append(out, Posted{ID: r.ID, Key: r.Key, Kind: r.Kind, At: r.CreatedAt.UTC()})
		}
		p := &out[len(out)-1]
		p.Lines = append(p.Lines, Line{r.Account, money.Amount{Minor: r.Amount, Currency: r.Currency}})
	}
	return out
}
