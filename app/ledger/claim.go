package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/money"
)

// ErrClaims says that an account's unclaimed lines do not add up to its balance.
var ErrClaims = errors.New("ledger: the unclaimed lines are not the balance")

// Lock takes the row of a creator's or buyer's running balance until tx ends, and returns the balance. Nobody can
// post to the account meanwhile.
func Lock(ctx context.Context, tx *db.Tx, a Account, c money.Currency) (money.Amount, error) {
	sum := money.Amount{Currency: c}
	err := tx.Get(ctx, &sum.Minor, `
		SELECT balance FROM account_balances WHERE account = $1 AND currency = $2 AND shard = 0
		FOR UPDATE`, a, c)
	if db.None(err) {
		return sum, nil // nothing was ever posted
	}
	if err != nil {
		return sum, fmt.Errorf("lock %s: %w", a, err)
	}
	return sum, nil
}

// Claim takes all lines of an account that nobody has taken, in the name of by, under the lock of its balance row.
// Whoever claims moves their sum away with an entry of its own and closes with ClaimOwn, so that what stays unclaimed
// is always the balance.
func Claim(ctx context.Context, tx *db.Tx, a Account, c money.Currency, by string) (sum money.Amount, lines int, err error) {
	balance, err := Lock(ctx, tx, a, c)
	if err != nil {
		return balance, 0, err
	}
	var took struct {
		Sum   int64 `db:"sum"`
		Lines int   `db:"lines"`
	}
	err = tx.Get(ctx, &took, `
		WITH free AS (
			SELECT l.entry_id, l.n, l.amount FROM ledger_lines l
			WHERE l.account = $1 AND l.currency = $2
				AND NOT EXISTS (SELECT 1 FROM ledger_claims c WHERE c.entry_id = l.entry_id AND c.n = l.n)
		), took AS (
			INSERT INTO ledger_claims (entry_id, n, by, created_at)
			SELECT entry_id, n, $3, $4 FROM free
		)
		SELECT coalesce(sum(amount), 0)::bigint AS sum, count(*) AS lines FROM free`, a, c, by, tx.Now)
	if err != nil {
		return balance, 0, fmt.Errorf("claim %s: %w", a, err)
	}
	if took.Sum != balance.Minor {
		return balance, 0, fmt.Errorf("%w: %s has %s, its lines %d", ErrClaims, a, balance, took.Sum)
	}
	return balance, took.Lines, nil
}

// ClaimOwn takes the line of an entry that moved the claimed sum away.
func ClaimOwn(ctx context.Context, tx *db.Tx, key string, l Line, by string) error {
	n, err := tx.Exec(ctx, `
		INSERT INTO ledger_claims (entry_id, n, by, created_at)
		SELECT l.entry_id, l.n, $5, $6
		FROM ledger_lines l JOIN ledger_entries e ON e.id = l.entry_id
		WHERE e.key = $1 AND l.account = $2 AND l.currency = $3 AND l.amount = $4
		ORDER BY l.n
		LIMIT 1`, key, l.Account, l.Amount.Currency, l.Amount.Minor, by, tx.Now)
	if err != nil {
		return fmt.Errorf("claim of %s: %w", key, err)
	}
	if n != 1 {
		return fmt.Errorf("claim of %s: it has no line of %s on %s", key, l.Amount, l.Account)
	}
	return nil
}

// Claimed is a line that was taken, with the entry it stands in.
type Claimed struct {
	Key       string         `db:"key"`
	Kind      string         `db:"kind"`
	Account   Account        `db:"account"`
	Currency  money.Currency `db:"currency"`
	Amount    int64          `db:"amount"`
	CreatedAt time.Time      `db:"created_at"`
}

// Claims lists what was taken in the name of by, oldest first.
func Claims(ctx context.Context, q db.Q, by string) ([]Claimed, error) {
	var rows []Claimed
	if err := q.Select(ctx, &rows, `
		SELECT e.key, e.kind, l.account, l.currency, l.amount, e.created_at
		FROM ledger_claims c
		JOIN ledger_lines l ON l.entry_id = c.entry_id AND l.n = c.n
		JOIN ledger_entries e ON e.id = l.entry_id
		WHERE c.by = $1
		ORDER BY e.created_at, e.id, l.n`, by); err != nil {
		return nil, fmt.Errorf("claims of %s: %w", by, err)
	}
	return rows, nil
}

// ClaimedBy says in whose name the lines of entries were taken, by key; entries of which nothing was taken are left out.
func ClaimedBy(ctx context.Context, q db.Q, a Account, keys []string) (map[string]string, error) {
	var rows []struct {
		Key string `db:"key"`
		By  string `db:"by"`
	}
	err := q.Select(ctx, &rows, `
		SELECT DISTINCT e.key, c.by
		FROM ledger_entries e
		JOIN ledger_lines l ON l.entry_id = e.id AND l.account = $2
		JOIN ledger_claims c ON c.entry_id = l.entry_id AND c.n = l.n
		WHERE e.key = ANY($1::text[])`, db.Array(keys), a)
	out := make(map[string]string, len(rows))
	for _, r := range rows {
		out[r.Key] = r.By
	}
	return out, err
}

// Purse is what a creator has in one currency.
type Purse struct {
	Creator                            id.User
	Currency                           money.Currency
	Pending, Available, Held, InFlight money.Amount
}

// Empty reports whether nothing is in it, and nothing owed.
func (p Purse) Empty() bool {
	return p.Pending.IsZero() && p.Available.IsZero() && p.Held.IsZero() && p.InFlight.IsZero()
}

// PursesOf lists a creator's money by currency, in the order of their codes.
func PursesOf(ctx context.Context, q db.Q, u id.User) ([]Purse, error) {
	var rows []purseRow
	if err := q.Select(ctx, &rows, `
		SELECT account, currency, balance FROM account_balances
		WHERE account = ANY($1::text[]) AND balance <> 0
		ORDER BY currency`, db.Array([]string{string(Pending(u)), string(Available(u)), string(Held(u)), string(InFlight(u))})); err != nil {
		return nil, fmt.Errorf("purses of %s: %w", u, err)
	}
	return purses(rows), nil
}

// Purses walks through all creators who have or owe something, some hundred at a time.
func Purses(ctx context.Context, q db.Q, each func([]Purse) error) error {
	after := ""
	for {
		var rows []purseRow
		if err := q.Select(ctx, &rows, `
			SELECT account, currency, balance FROM account_balances
			WHERE account LIKE 'creator:%' AND balance <> 0 AND split_part(account, ':', 2) IN (
				SELECT DISTINCT split_part(account, ':', 2) COLLATE "C" AS who FROM account_balances
				WHERE account LIKE 'creator:%' AND balance <> 0 AND split_part(account, ':', 2) COLLATE "C" > $1
				ORDER BY who
				LIMIT 500)
			ORDER BY split_part(account, ':', 2) COLLATE "C", currency`, after); err != nil {
			return fmt.Errorf("all purses: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		if err := each(purses(rows)); err != nil {
			return err
		}
		after = strings.Split(string(rows[len(rows)-1].Account), ":")[1]
	}
}

type purseRow struct {
	Account  Account        `db:"account"`
	Currency money.Currency `db:"currency"`
	Balance  int64          `db:"balance"`
}

// purses joins rows that are sorted by creator and currency.
func purses(rows []purseRow) []Purse {
	var out []Purse
	for _, r := range rows {
		part := strings.Split(string(r.Account), ":")
		u, err := id.Parse[id.UserKind](part[1])
		if err != nil {
			continue // the account's form was checked when it was posted to
		}
		if n := len(out); n == 0 || out[n-1].Creator != u || out[n-1].Currency != r.Currency {
			none := money.Amount{Currency: r.Currency}
			out = append(out, Purse{u, r.Currency, none, none, none, none})
		}
		p := &out[len(out)-1]
		switch part[2] {
		case "pending":
			p.Pending.Minor = r.Balance
		case "available":
			p.Available.Minor = r.Balance
		case "held":
			p.Held.Minor = r.Balance
		case "in_flight":
			p.InFlight.Minor = r.Balance
		}
	}
	return out
}

// ClaimsMatch is a Checker: what was claimed in one name adds up to nothing, with the line that moved it away, so
// that what is unclaimed is the balance.
func ClaimsMatch(ctx context.Context, q db.Q) ([]Finding, error) {
	var rows []struct {
		By  string `db:"by"`
		Sum int64  `db:"sum"`
	}
	err := q.Select(ctx, &rows, `
		SELECT c.by, sum(l.amount)::bigint AS sum
		FROM ledger_claims c JOIN ledger_lines l ON l.entry_id = c.entry_id AND l.n = c.n
		GROUP BY c.by
		HAVING sum(l.amount) <> 0
		LIMIT $1`, some)
	var out []Finding
	for _, r := range rows {
		out = append(out, Finding{Check: "claims", Subject: r.By, Detail: fmt.Sprintf("off by %d", r.Sum)})
	}
	return out, err
}
