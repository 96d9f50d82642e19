package payouts

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/payments"
)

const payoutColumns = `p.id, p.creator_id, p.number, p.currency, p.amount_minor, p.fee_minor, p.carried_minor, p.state, p.method_id, p.provider, p.target, p.shown,
	p.ref, p.advance, p.failure, p.why, p.approved_by, p.attempts, p.doubt_at, p.tried_at, p.lease_until, p.looked_at, p.created_at, p.sent_at, p.arrives_at,
	p.paid_at, p.stuck_at, p.ended_at`

type payoutRow struct {
	ID       id.Payout      `db:"id"`
	Creator  id.User        `db:"creator_id"`
	Number   int            `db:"number"`
	Currency money.Currency `db:"currency"`
	Amount   int64          `db:"amount_minor"`
	Fee      int64          `db:"fee_minor"`
	Carried  int64          `db:"carried_minor"`
	State    State          `db:"state"`
	Method   id.Method      `db:"method_id"`
	Provider string         `db:"provider"`
	Target   string         `db:"target"`
	Shown    string         `db:"shown"`
	Ref      string         `db:"ref"`
	Advance  string         `db:"advance"`
	Failure  string         `db:"failure"`
	Why      string         `db:"why"`
	Approved id.User        `db:"approved_by"`
	Attempts int            `db:"attempts"`
	Doubt    *time.Time     `db:"doubt_at"`
	Tried    *time.Time     `db:"tried_at"`
	Lease    *time.Time     `db:"lease_until"`
	Looked   *time.Time     `db:"looked_at"`
	Created  time.Time      `db:"created_at"`
	Sent     *time.Time     `db:"sent_at"`
	Arrives  *time.Time     `db:"arrives_at"`
	Paid     *time.Time     `db:"paid_at"`
	Stuck    *time.Time     `db:"stuck_at"`
	Ended    *time.Time     `db:"ended_at"`
}

func (r payoutRow) payout() Payout {
	in := func(n int64) money.Amount { return money.Amount{Minor: n, Currency: r.Currency} }
	p := Payout{ID: r.ID, Creator: r.Creator, Number: r.Number, Amount: in(r.Amount), Fee: in(r.Fee), Carried: in(r.Carried), State: r.State, Method: r.Method,
		Provider: r.Provider, To: r.Shown, Ref: r.Ref, CreatedAt: r.Created, SentAt: moment(r.Sent), ArrivesAt: moment(r.Arrives), PaidAt: moment(r.Paid),
		EndedAt: moment(r.Ended), StuckAt: moment(r.Stuck), Failure: r.Failure, Why: r.Why,
		target: r.Target, advance: r.Advance, approved: r.Approved, attempts: r.Attempts, doubt: moment(r.Doubt), tried: moment(r.Tried), lease: moment(r.Lease),
		looked: moment(r.Looked)}
	if !p.SentAt.IsZero() {
		p.FinalAt = p.SentAt.Add(Provisional)
	}
	return p
}

func payoutsOf(rows []payoutRow) []Payout {
	out := make([]Payout, len(rows))
	for i, r := range rows {
		out[i] = r.payout()
	}
	return out
}

func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func nullTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

func (s *Service) findPayout(ctx context.Context, q db.Q, p id.Payout) (Payout, error) {
	var r payoutRow
	err := q.Get(ctx, &r, `SELECT `+payoutColumns+` FROM payouts p WHERE p.id = $1`, p)
	return r.payout(), err
}

// takePayout locks a payout's row, so that its state is decided on by one at a time.
func (s *Service) takePayout(ctx context.Context, tx *db.Tx, p id.Payout) (Payout, error) {
	var r payoutRow
	err := tx.Get(ctx, &r, `SELECT `+payoutColumns+` FROM payouts p WHERE p.id = $1 FOR UPDATE`, p)
	return r.payout(), err
}

// takePayment locks the payout that a provider's payment is for.
func (s *Service) takePayment(ctx context.Context, tx *db.Tx, provider string, p payments.Payment) (Payout, error) {
	if !p.Payout.IsZero() {
		return s.takePayout(ctx, tx, p.Payout)
	}
	var r payoutRow
	err := tx.Get(ctx, &r, `SELECT `+payoutColumns+` FROM payouts p WHERE p.provider = $1 AND p.ref = $2 AND p.ref <> '' FOR UPDATE`, provider, p.Ref)
	return r.payout(), err
}

func (s *Service) findPayoutOf(ctx context.Context, q db.Q, creator id.User, p id.Payout) (Payout, error) {
	var r payoutRow
	err := q.Get(ctx, &r, `SELECT `+payoutColumns+` FROM payouts p WHERE p.id = $1 AND p.creator_id = $2`, p, creator)
	return r.payout(), err
}

// listPayouts is a page of a creator's payouts, newest first; before 0 begins at the newest.
func (s *Service) listPayouts(ctx context.Context, q db.Q, creator id.User, before, limit int) ([]Payout, error) {
	var rows []payoutRow
	err := q.Select(ctx, &rows, `
		SELECT `+payoutColumns+` FROM payouts p
		WHERE p.creator_id = $1 AND ($2 = 0 OR p.number < $2)
		ORDER BY p.number DESC
		LIMIT $3`, creator, before, limit)
	return payoutsOf(rows), err
}

// listUnfinished are a creator's payouts whose money is neither with them nor in their balance.
func (s *Service) listUnfinished(ctx context.Context, q db.Q, creator id.User) ([]Payout, error) {
	var rows []payoutRow
	err := q.Select(ctx, &rows, `
		SELECT `+payoutColumns+` FROM payouts p
		WHERE p.creator_id = $1 AND p.state IN ('held', 'reserved', 'sending', 'unknown', 'sent', 'failed')
		ORDER BY p.number`, creator)
	return payoutsOf(rows), err
}

// lastPayout is the newest of a balance.
func (s *Service) lastPayout(ctx context.Context, q db.Q, creator id.User, c money.Currency) (Payout, error) {
	var rows []payoutRow
	err := q.Select(ctx, &rows, `
		SELECT `+payoutColumns+` FROM payouts p
		WHERE p.creator_id = $1 AND p.currency = $2
		ORDER BY p.number DESC
		LIMIT 1`, creator, c)
	if err != nil || len(rows) == 0 {
		return Payout{}, err
	}
	return rows[0].payout(), nil
}

// listAttention are payouts that do not move by themselves, oldest first.
func (s *Service) listAttention(ctx context.Context, q db.Q) ([]Payout, error) {
	var rows []payoutRow
	err := q.Select(ctx, &rows, `
		SELECT `+payoutColumns+` FROM payouts p
		WHERE p.state IN ('held', 'unknown', 'failed')
		ORDER BY p.created_at, p.id
		LIMIT 500`)
	return payoutsOf(rows), err
}

// insertPayout writes a payout that was just decided on.
func (s *Service) insertPayout(ctx context.Context, tx *db.Tx, p Payout) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO payouts (id, creator_id, number, currency, amount_minor, carried_minor, state, method_id, provider, target, shown, why, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)`,
		p.ID, p.Creator, p.Number, p.Amount.Currency, p.Amount.Minor, p.Carried.Minor, string(p.State), p.Method, p.Provider, p.target, p.To, p.Why, tx.Now)
	return err
}

// updatePayout writes what a locked payout has become.
func (s *Service) updatePayout(ctx context.Context, tx *db.Tx, p Payout) error {
	_, err := tx.Exec(ctx, `
		UPDATE payouts SET
			fee_minor = $2, state = $3, method_id = $4, provider = $5, target = $6, shown = $7, ref = $8, advance = $9, failure = $10, why = $11, approved_by = $12,
			attempts = $13, doubt_at = $14, tried_at = $15, lease_until = $16, looked_at = $17, sent_at = $18, arrives_at = $19, paid_at = $20, stuck_at = $21,
			ended_at = $22, updated_at = $23
		WHERE id = $1`,
		p.ID, p.Fee.Minor, string(p.State), p.Method, p.Provider, p.target, p.To, p.Ref, p.advance, p.Failure, p.Why, p.approved,
		p.attempts, nullTime(p.doubt), nullTime(p.tried), nullTime(p.lease), nullTime(p.looked), nullTime(p.SentAt), nullTime(p.ArrivesAt), nullTime(p.PaidAt),
		nullTime(p.StuckAt), nullTime(p.EndedAt), tx.Now)
	if err != nil {
		return fmt.Errorf("payout %s: %w", p.ID, err)
	}
	return nil
}

// takeNumber counts a creator's payouts without gaps.
func (s *Service) takeNumber(ctx context.Context, tx *db.Tx, creator id.User) (n int, err error) {
	err = tx.Get(ctx, &n, `
		INSERT INTO payout_plans (creator_id, changed_at, last_number)
		VALUES ($1, $2, 1)
		ON CONFLICT ON CONSTRAINT payout_plans_pkey DO UPDATE SET last_number = payout_plans.last_number + 1
		RETURNING last_number`, creator, tx.Now)
	return n, err
}

func (s *Service) findPlan(ctx context.Context, q db.Q, creator id.User) (Plan, error) {
	var p Plan
	err := q.Get(ctx, &p, `SELECT plan FROM payout_plans WHERE creator_id = $1`, creator)
	if db.None(err) {
		return Daily, nil
	}
	return p, err
}

func (s *Service) upsertPlan(ctx context.Context, tx *db.Tx, creator id.User, p Plan) (changed bool, err error) {
	n, err := tx.Exec(ctx, `
		INSERT INTO payout_plans (creator_id, plan, changed_at)
		VALUES ($1, $2, $3)
		ON CONFLICT ON CONSTRAINT payout_plans_pkey DO UPDATE SET plan = excluded.plan, changed_at = excluded.changed_at
		WHERE payout_plans.plan <> excluded.plan`, creator, string(p), tx.Now)
	return n == 1, err
}

// openCase puts something before the operator, once a key.
func (s *Service) openCase(ctx context.Context, tx *db.Tx, key, what string, details map[string]any) error {
	b, err := json.Marshal(details)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO money_cases (id, key, what, details, created_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT ON CONSTRAINT money_cases_key_unique DO UPDATE SET closed_at = NULL WHERE money_cases.closed_at IS NOT NULL`,
		id.New[id.CaseKind](), key, what, string(b), tx.Now)
	return err
}

// closeCases ends those whose key begins so.
func (s *Service) closeCases(ctx context.Context, tx *db.Tx, prefix string) error {
	_, err := tx.Exec(ctx, `UPDATE money_cases SET closed_at = $2 WHERE starts_with(key, $1) AND closed_at IS NULL`, prefix, tx.Now)
	return err
}

// closeCase ends one that has settled itself.
func (s *Service) closeCase(ctx context.Context, tx *db.Tx, key string) error {
	_, err := tx.Exec(ctx, `UPDATE money_cases SET closed_at = $2 WHERE key = $1 AND closed_at IS NULL`, key, tx.Now)
	return err
}
