package ledger

import (
	"context"
	"fmt"

	"vitrine/app/db"
)

// Finding is one thing that is not as it must be; a Note is only worth knowing.
type Finding struct {
	Check   string
	Subject string
	Detail  string
	Note    bool
}

func (f Finding) String() string { return f.Check + ": " + f.Subject + ": " + f.Detail }

// Checker looks for findings. Features that post register theirs; the ledger knows none of them.
type Checker func(ctx context.Context, q db.Q) ([]Finding, error)

// Report is what a check of the whole book found.
type Report struct {
	Entries  int
	Lines    int
	Findings []Finding
}

// OK reports whether nothing is wrong; notes may stand.
func (r Report) OK() bool {
	for _, f := range r.Findings {
		if !f.Note {
			return false
		}
	}
	return true
}

// Check verifies the whole book and then asks the other checkers, all on one snapshot.
func Check(ctx context.Context, d *db.DB, more ...Checker) (Report, error) {
	var r Report
	err := d.InTx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = '10min'`); err != nil {
			return err
		}
		r = Report{}
		if err := tx.Get(ctx, &r.Entries, `SELECT count(*) FROM ledger_entries`); err != nil {
			return err
		}
		if err := tx.Get(ctx, &r.Lines, `SELECT count(*) FROM ledger_lines`); err != nil {
			return err
		}
		for _, c := range append([]Checker{sumsToZero, hasLines, balancesMatch}, more...) {
			found, err := c(ctx, tx)
			if err != nil {
				return err
			}
			r.Findings = append(r.Findings, found...)
		}
		return nil
	})
	if err != nil {
		return r, fmt.Errorf("check the book: %w", err)
	}
	return r, nil
}

// some is how many findings of one kind are listed.
const some = 100

func sumsToZero(ctx context.Context, q db.Q) ([]Finding, error) {
	var rows []struct {
		Key      string `db:"key"`
		Currency string `db:"currency"`
		Sum      int64  `db:"sum"`
	}
	err := q.Select(ctx, &rows, `
		SELECT e.key, l.currency, l.sum
		FROM (
			SELECT entry_id, currency, sum(amount)::bigint AS sum FROM ledger_lines
			GROUP BY entry_id, currency
			HAVING sum(amount) <> 0
			LIMIT $1
		) l JOIN ledger_entries e ON e.id = l.entry_id`, some)
	var out []Finding
	for _, r := range rows {
		out = append(out, Finding{Check: "unbalanced", Subject: r.Key, Detail: fmt.Sprintf("off by %d %s", r.Sum, r.Currency)})
	}
	return out, err
}

func hasLines(ctx context.Context, q db.Q) ([]Finding, error) {
	var keys []string
	err := q.Select(ctx, &keys, `
		SELECT e.key FROM ledger_entries e
		WHERE NOT EXISTS (SELECT 1 FROM ledger_lines l WHERE l.entry_id = e.id)
		LIMIT $1`, some)
	var out []Finding
	for _, k := range keys {
		out = append(out, Finding{Check: "empty entry", Subject: k, Detail: "has no lines"})
	}
	return out, err
}

func balancesMatch(ctx context.Context, q db.Q) ([]Finding, error) {
	var rows []struct {
		Account  string `db:"account"`
		Currency string `db:"currency"`
		Cached   int64  `db:"cached"`
		Sum      int64  `db:"sum"`
	}
	err := q.Select(ctx, &rows, `
		SELECT coalesce(b.account, l.account) AS account, coalesce(b.currency, l.currency) AS currency,
			coalesce(b.balance, 0) AS cached, coalesce(l.sum, 0) AS sum
		FROM (SELECT account, currency, sum(balance)::bigint AS balance FROM account_balances GROUP BY account, currency) b
		FULL JOIN (SELECT account, currency, sum(amount)::bigint AS sum FROM ledger_lines GROUP BY account, currency) l
			ON l.account = b.account AND l.currency = b.currency
		WHERE coalesce(b.balance, 0) <> coalesce(l.sum, 0)
		LIMIT $1`, some)
	var out []Finding
	for _, r := range rows {
		out = append(out, Finding{Check: "balance", Subject: r.Account,
			Detail: fmt.Sprintf("the running balance says %d, the lines say %d %s", r.Cached, r.Sum, r.Currency)})
	}
	return out, err
}
