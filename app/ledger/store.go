package ledger

import (
	"context"
	"fmt"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/money"
)

// insert writes entries, lines and running balances in one statement; what is there already is left alone.
// It returns the keys of the new ones.
func insert(ctx context.Context, tx *db.Tx, b *batch) (map[string]bool, error) {
	var keys []string
	err := tx.Select(ctx, &keys, `
		WITH entry AS (
			INSERT INTO ledger_entries (id, key, kind, inputs, created_at)
			SELECT u.id, u.key, u.kind, u.inputs, $5
			FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[]) AS u (id, key, kind, inputs)
			ORDER BY u.key COLLATE "C"
			ON CONFLICT ON CONSTRAINT ledger_entries_key_unique DO NOTHING
			RETURNING id, key
		), line AS (
			INSERT INTO ledger_lines (entry_id, n, account, currency, amount)
			SELECT u.entry_id, u.n, u.account, u.currency, u.amount
			FROM unnest($6::uuid[], $7::int[], $8::text[], $9::text[], $10::bigint[]) AS u (entry_id, n, account, currency, amount)
			JOIN entry ON entry.id = u.entry_id
			RETURNING entry_id, n, account, currency, amount
		), running AS (
			INSERT INTO account_balances (account, currency, shard, balance)
			SELECT line.account, line.currency, u.shard, sum(line.amount)
			FROM line JOIN unnest($6::uuid[], $7::int[], $11::int[]) AS u (entry_id, n, shard) ON u.entry_id = line.entry_id AND u.n = line.n
			GROUP BY line.account, line.currency, u.shard
			ORDER BY line.account COLLATE "C", line.currency, u.shard
			ON CONFLICT ON CONSTRAINT account_balances_pkey DO UPDATE SET balance = account_balances.balance + EXCLUDED.balance
		)
		SELECT key FROM entry`,
		db.Array(b.ids), db.Array(b.keys), db.Array(b.kinds), db.Array(b.inputs), tx.Now,
		db.Array(b.lineEntry), db.Array(b.lineN), db.Array(b.account), db.Array(b.currency), db.Array(b.amount), db.Array(b.lineShard))
	fresh := make(map[string]bool, len(keys))
	for _, k := range keys {
		fresh[k] = true
	}
	return fresh, err
}

func findInputs(ctx context.Context, q db.Q, keys []string) (map[string][]byte, error) {
	var rows []struct {
		Key    string `db:"key"`
		Inputs []byte `db:"inputs"`
	}
	err := q.Select(ctx, &rows, `SELECT key, inputs FROM ledger_entries WHERE key = ANY($1::text[])`, db.Array(keys))
	have := make(map[string][]byte, len(rows))
	for _, r := range rows {
		have[r.Key] = r.Inputs
	}
	return have, err
}

// Lines reads the lines of an entry; none when there is no such entry.
func Lines(ctx context.Context, q db.Q, key string) ([]Line, error) {
	var rows []struct {
		Account  Account        `db:"account"`
		Currency money.Currency `db:"currency"`
		Amount   int64          `db:"amount"`
	}
	err := q.Select(ctx, &rows, `
		SELECT l.account, l.currency, l.amount
		FROM ledger_lines l JOIN ledger_entries e ON e.id = l.entry_id
		WHERE e.key = $1
		ORDER BY l.n`, key)
	if err != nil {
		return nil, fmt.Errorf("lines of %s: %w", key, err)
	}
	lines := make([]Line, len(rows))
	for i, r := range rows {
		lines[i] = Line{r.Account, money.Amount{Minor: r.Amount, Currency: r.Currency}}
	}
	return lines, nil
}

// Movement is one line of an entry with the entry it stands in, as checks read them.
type Movement struct {
	Entry     id.Entry       `db:"id"`
	Key       string         `db:"key"`
	Account   Account        `db:"account"`
	Currency  money.Currency `db:"currency"`
	Amount    int64          `db:"amount"`
	CreatedAt time.Time      `db:"created_at"`
}

// Entries walks through all entries of a kind, oldest first, a few thousand lines at a time. A page never
// cuts an entry in two.
func Entries(ctx context.Context, q db.Q, kind string, each func([]Movement) error) error {
	var after id.Entry
	for {
		var rows []Movement
		if err := q.Select(ctx, &rows, `
			SELECT e.id, e.key, l.account, l.currency, l.amount, e.created_at
			FROM (
				SELECT id, key, created_at FROM ledger_entries
				WHERE kind = $1 AND id > $2
				ORDER BY id
				LIMIT 2000
			) e JOIN ledger_lines l ON l.entry_id = e.id
			ORDER BY e.id, l.n`, kind, after.String()); err != nil {
			return fmt.Errorf("entries of kind %s: %w", kind, err)
		}
		if len(rows) == 0 {
			return nil
		}
		if err := each(rows); err != nil {
			return err
		}
		after = rows[len(rows)-1].Entry
	}
}

// LinesSince reads the lines that entries of a kind have on an account, of those posted since a moment, oldest first.
func LinesSince(ctx context.Context, q db.Q, kind string, a Account, since time.Time) ([]Movement, error) {
	var rows []Movement
	err := q.Select(ctx, &rows, `
		SELECT e.id, e.key, l.account, l.currency, l.amount, e.created_at
		FROM ledger_entries e JOIN ledger_lines l ON l.entry_id = e.id
		WHERE e.kind = $1 AND e.created_at >= $3 AND l.account = $2
		ORDER BY e.id, l.n`, kind, a, since)
	return rows, err
}

// ByKeys reads the lines of the entries with the given keys.
func ByKeys(ctx context.Context, q db.Q, keys []string) ([]Movement, error) {
	var rows []Movement
	err := q.Select(ctx, &rows, `
		SELECT e.id, e.key, l.account, l.currency, l.amount, e.created_at
		FROM ledger_entries e JOIN ledger_lines l ON l.entry_id = e.id
		WHERE e.key = ANY($1::text[])
		ORDER BY e.id, l.n`, db.Array(keys))
	return rows, err
}
