package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
)

func (l line) amount() money.Amount { return money.Amount{Minor: l.Amount, Currency: l.Currency} }
func (l line) fee() money.Amount    { return money.Amount{Minor: l.Fee, Currency: l.FeeIn} }

// linesOf lists what the mirror has of some payments, or of some payouts.
func (s *Service) linesOf(ctx context.Context, q db.Q, provider string, intents, payouts []string) ([]line, error) {
	var rows []line
	err := q.Select(ctx, &rows, `
		SELECT ref, kind, intent, coalesce(payout_id::text, '') AS payout, currency, amount_minor, fee_currency, fee_minor, at FROM provider_movements
		WHERE provider = $1 AND intent = ANY($2::text[]) AND intent <> '' AND kind IN ('charge', 'refund', 'dispute')
		UNION ALL
		SELECT ref, kind, intent, coalesce(payout_id::text, '') AS payout, currency, amount_minor, fee_currency, fee_minor, at FROM provider_movements
		WHERE provider = $1 AND payout_id = ANY($3::uuid[]) AND kind = 'payout'
		ORDER BY at, ref`, provider, db.Array(intents), db.Array(payouts))
	return rows, err
}

func (s *Service) linesByRef(ctx context.Context, q db.Q, provider string, refs []string) ([]line, error) {
	var rows []line
	err := q.Select(ctx, &rows, `
		SELECT ref, kind, intent, coalesce(payout_id::text, '') AS payout, currency, amount_minor, fee_currency, fee_minor, at FROM provider_movements
		WHERE provider = $1 AND ref = ANY($2::text[])`, provider, db.Array(refs))
	return rows, err
}

// booked lists the orders of some payments, and all that the book has of them.
func (s *Service) booked(ctx context.Context, tx *db.Tx, provider string, intents []string) (known []sold, posted []ledger.Posted, err error) {
	if err := tx.Select(ctx, &known, `
		SELECT o.id, o.checkout_id, c.payment_intent_id AS intent FROM checkouts c JOIN orders o ON o.checkout_id = c.id
		WHERE c.provider = $1 AND c.payment_intent_id = ANY($2::text[])
		ORDER BY o.id`, provider, db.Array(intents)); err != nil {
		return nil, nil, fmt.Errorf("orders of payments: %w", err)
	}
	orders := make([]id.Order, len(known))
	for i, k := range known {
		orders[i] = k.Order
	}
	posted, err = ledger.About(ctx, tx, orders)
	return known, posted, err
}

// underWay sums the refunds that providers have taken and not yet moved, by payment: some move the money only when it is
// done.
func (s *Service) underWay(ctx context.Context, q db.Q, provider string, intents []string) (map[string]money.Amount, error) {
	var rows []struct {
		Intent   string         `db:"intent"`
		Currency money.Currency `db:"currency"`
		Sum      int64          `db:"sum"`
	}
	err := q.Select(ctx, &rows, `
		SELECT c.payment_intent_id AS intent, r.currency, sum(r.amount_minor)::bigint AS sum
		FROM payment_refunds r JOIN checkouts c ON c.id = r.checkout_id
		WHERE r.state = 'pending' AND c.provider = $1 AND c.payment_intent_id = ANY($2::text[])
		GROUP BY c.payment_intent_id, r.currency`, provider, db.Array(intents))
	out := map[string]money.Amount{}
	for _, r := range rows {
		out[r.Intent] = money.Amount{Minor: r.Sum, Currency: r.Currency}
	}
	return out, err
}

// intentsOf finds the payments of orders by the orders' ids, as they stand in the keys of entries.
func (s *Service) intentsOf(ctx context.Context, q db.Q, about map[string][]ledger.Posted) (map[string]string, error) {
	var orders []string
	for k := range about {
		if _, err := id.Parse[id.OrderKind](k); err == nil {
			orders = append(orders, k)
		}
	}
	var rows []sold
	err := q.Select(ctx, &rows, `
		SELECT o.id, o.checkout_id, coalesce(c.payment_intent_id, '') AS intent FROM orders o JOIN checkouts c ON c.id = o.checkout_id
		WHERE o.id = ANY($1::uuid[])`, db.Array(orders))
	out := make(map[string]string, len(rows))
	for _, r := range rows {
		out[r.Order.String()] = r.Intent
	}
	return out, err
}

type entryLine struct {
	ID       id.Entry       `db:"id"`
	Key      string         `db:"key"`
	Kind     string         `db:"kind"`
	At       time.Time      `db:"created_at"`
	Account  ledger.Account `db:"account"`
	Currency money.Currency `db:"currency"`
	Amount   int64          `db:"amount"`
}

func join(rows []entryLine) (out []ledger.Posted) {
	for _, r := range rows {
		if n := len(out); n == 0 || out[n-1].ID != r.ID {
			out = append(out, ledger.Posted{ID: r.ID, Key: r.Key, Kind: r.Kind, At: r.At.UTC()})
		}
		p := &out[len(out)-1]
		p.Lines = append(p.Lines, ledger.Line{Account: r.Account, Amount: money.Amount{Minor: r.Amount, Currency: r.Currency}})
	}
	return out
}

// entriesOf lists the lines on a provider's account of the entries between two ids.
func (s *Service) entriesOf(ctx context.Context, q db.Q, provider, after string, last id.Entry) ([]ledger.Posted, error) {
	var rows []entryLine
	err := q.Select(ctx, &rows, `
		SELECT e.id, e.key, e.kind, e.created_at, l.account, l.currency, l.amount
		FROM ledger_entries e JOIN ledger_lines l ON l.entry_id = e.id AND l.account = $1
		WHERE e.id > $2::uuid AND e.id <= $3
		ORDER BY e.id, l.n`, string(ledger.Provider(provider)), after, last)
	return join(rows), err
}

func (s *Service) entriesByKey(ctx context.Context, q db.Q, key string) ([]ledger.Posted, error) {
	var rows []entryLine
	err := q.Select(ctx, &rows, `
		SELECT e.id, e.key, e.kind, e.created_at, l.account, l.currency, l.amount
		FROM ledger_entries e JOIN ledger_lines l ON l.entry_id = e.id
		WHERE e.key = $1
		ORDER BY l.n`, key)
	return join(rows), err
}

// foundIn compares a scope and puts every difference before a person.
func (s *Service) foundIn(ctx context.Context, tx *db.Tx, r Run, in scope) error {
	diffs, err := s.compare(ctx, tx, r.Provider, in)
	if err != nil {
		return err
	}
	for _, d := range diffs {
		if err := s.found(ctx, tx, r, d); err != nil {
			return err
		}
	}
	return nil
}

// found opens the case of a difference, or brings it up to date: one case for one thing, however often it is found.
// What moved in the last minutes may be on its way from one side to the other.
func (s *Service) found(ctx context.Context, tx *db.Tx, r Run, d Difference) error {
	if r.StartedAt.Sub(d.Since) < r.settle {
		return nil
	}
	b, err := json.Marshal(Details{Provider: r.Provider, Fault: d.Fault, Theirs: d.Theirs.String(), Ours: d.Ours.String(), Since: d.Since.UTC().Format(time.RFC3339),
		Intent: d.Intent, Payout: d.Payout, Checkout: d.Checkout, Orders: d.Orders, Lines: d.Lines, Entries: d.Entries})
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO money_cases (id, key, what, details, created_at, found_at, touched_at) VALUES ($1, $2, $3, $4, $5, $6, $5)
		ON CONFLICT ON CONSTRAINT money_cases_key_unique DO UPDATE SET
			what = excluded.what,
			details = CASE WHEN money_cases.closed_at IS NULL AND money_cases.details ? 'since'
				THEN excluded.details || jsonb_build_object('since', money_cases.details->'since') ELSE excluded.details END,
			closed_at = NULL, found_at = excluded.found_at,
			touched_at = CASE WHEN money_cases.closed_at IS NULL THEN money_cases.touched_at ELSE excluded.touched_at END`,
		id.New[id.CaseKind](), "difference:"+d.Subject+":"+r.Provider, "The provider's account and the book differ.", string(b), tx.Now, r.StartedAt)
	if err != nil {
		return fmt.Errorf("case of %s: %w", d.Subject, err)
	}
	return nil
}

// Details are what a case knows of what it is about: ids and sums, nothing personal.
type Details struct {
	Provider string   `json:"provider,omitempty"`
	Fault    string   `json:"fault,omitempty"`
	Theirs   string   `json:"theirs,omitempty"`
	Ours     string   `json:"ours,omitempty"`
	Since    string   `json:"since,omitempty"`
	Intent   string   `json:"intent,omitempty"`
	Session  string   `json:"session,omitempty"`
	Payout   string   `json:"payout,omitempty"`
	Checkout string   `json:"checkout,omitempty"`
	Orders   []string `json:"orders,omitempty"`
	Order    string   `json:"order,omitempty"`
	Lines    []string `json:"lines,omitempty"`
	Entries  []string `json:"entries,omitempty"`
	Amount   string   `json:"amount,omitempty"`
	Sent     string   `json:"sent,omitempty"`
	Paid     string   `json:"paid,omitempty"`
	Asked    string   `json:"asked,omitempty"`
	Code     string   `json:"code,omitempty"`
	Finding  string   `json:"finding,omitempty"`
}
