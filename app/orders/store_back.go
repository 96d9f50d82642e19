package orders

import (
	"context"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/payments"
)

// upsertRefund takes in one of the provider's refunds; fresh is false when its state was known. A state goes only
// forward: pending, succeeded, failed.
func (s *Service) upsertRefund(ctx context.Context, tx *db.Tx, c Checkout, r payments.Refund) (fresh bool, err error) {
	n, err := tx.Exec(ctx, `
		INSERT INTO payment_refunds (provider, ref, checkout_id, order_id, request_id, currency, amount_minor, state, failure, created_at, updated_at)
		SELECT $1, $2, $3, (SELECT id FROM orders WHERE id = $4 AND checkout_id = $3), NULLIF($5, $12)::uuid, $6, $7, $8, $9, $10, $11
		ON CONFLICT ON CONSTRAINT payment_refunds_pkey DO UPDATE
		SET state = excluded.state, failure = excluded.failure, updated_at = excluded.updated_at
		WHERE array_position(ARRAY['pending', 'succeeded', 'failed'], payment_refunds.state) < array_position(ARRAY['pending', 'succeeded', 'failed'], excluded.state)`,
		c.Provider, r.ID, c.ID, r.Order, r.Request.String(), r.Amount.Currency, r.Amount.Minor, string(r.State), r.Failure, r.At, tx.Now, id.Refund{}.String())
	return n == 1, err
}

// disputeRow is a dispute as it is kept.
type disputeRow struct {
	Provider   string                 `db:"provider"`
	Ref        string                 `db:"ref"`
	Reason     string                 `db:"reason"`
	Status     payments.DisputeStatus `db:"status"`
	Currency   money.Currency         `db:"currency"`
	Amount     int64                  `db:"amount_minor"`
	Withdrawn  int64                  `db:"withdrawn_minor"`
	Reinstated int64                  `db:"reinstated_minor"`
	Due        *time.Time             `db:"due_at"`
	At         time.Time              `db:"opened_at"`
	Intent     string                 `db:"intent"`
}

func (r disputeRow) dispute() payments.Dispute {
	in := func(n int64) money.Amount { return money.Amount{Minor: n, Currency: r.Currency} }
	return payments.Dispute{ID: r.Ref, Intent: r.Intent, Reason: r.Reason, Status: r.Status, Amount: in(r.Amount), Withdrawn: in(r.Withdrawn), Reinstated: in(r.Reinstated),
		Due: deref(r.Due), At: r.At}
}

// upsertDispute takes in one of the provider's disputes, under the checkout's lock, and returns it as it stands now;
// fresh is false when all of it was known.
func (s *Service) upsertDispute(ctx context.Context, tx *db.Tx, c Checkout, d payments.Dispute) (now payments.Dispute, fresh bool, err error) {
	var r disputeRow
	err = tx.Get(ctx, &r, `
		SELECT provider, ref, reason, status, currency, amount_minor, withdrawn_minor, reinstated_minor, due_at, opened_at, '' AS intent
		FROM payment_disputes WHERE provider = $1 AND ref = $2`, c.Provider, d.ID)
	switch {
	case db.None(err):
		now = d
	case err != nil:
		return d, false, err
	default:
		have := r.dispute()
		have.Intent, have.Charge = d.Intent, d.Charge
		if now = merge(have, d); now == have {
			return now, false, nil
		}
	}
	var due *time.Time
	if !now.Due.IsZero() {
		due = &now.Due
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO payment_disputes (provider, ref, checkout_id, reason, status, currency, amount_minor, withdrawn_minor, reinstated_minor, due_at, opened_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT ON CONSTRAINT payment_disputes_pkey DO UPDATE SET status = excluded.status, withdrawn_minor = excluded.withdrawn_minor,
			reinstated_minor = excluded.reinstated_minor, due_at = excluded.due_at, updated_at = excluded.updated_at`,
		c.Provider, now.ID, c.ID, now.Reason, string(now.Status), now.Amount.Currency, now.Amount.Minor, now.Withdrawn.Minor, now.Reinstated.Minor, due, now.At, tx.Now)
	return now, true, err
}

// rank orders what a dispute goes through. The final ones may follow each other; then the money that has moved
// says which is later.
var rank = map[payments.DisputeStatus]int{payments.DisputeInquiry: 1, payments.DisputeOpen: 2, payments.DisputeReview: 3,
	payments.DisputeWon: 4, payments.DisputeLost: 4, payments.DisputeClosed: 4}

// merge joins what was known of a dispute with what is told now, so that any order of tellings gives the same.
func merge(have, told payments.Dispute) payments.Dispute {
	out := have
	out.Withdrawn.Minor, out.Reinstated.Minor = max(have.Withdrawn.Minor, told.Withdrawn.Minor), max(have.Reinstated.Minor, told.Reinstated.Minor)
	moved := told.Withdrawn.Minor + told.Reinstated.Minor - have.Withdrawn.Minor - have.Reinstated.Minor
	later := rank[told.Status] > rank[have.Status] || rank[told.Status] == rank[have.Status] &&
		(moved > 0 || moved == 0 && told.Status == payments.DisputeLost && have.Status == payments.DisputeWon && have.Withdrawn.Minor > have.Reinstated.Minor)
	if later {
		out.Status = told.Status
	}
	switch {
	case out.Status.Final():
		out.Due = time.Time{}
	case later || have.Due.Before(told.Due):
		out.Due = told.Due
	}
	return out
}

// DisputesOf lists a payment's disputes as the provider has told them.
func (s *Service) DisputesOf(ctx context.Context, q db.Q, c id.Checkout) ([]payments.Dispute, error) {
	var rows []disputeRow
	err := q.Select(ctx, &rows, `
		SELECT d.provider, d.ref, d.reason, d.status, d.currency, d.amount_minor, d.withdrawn_minor, d.reinstated_minor, d.due_at, d.opened_at,
			coalesce(c.payment_intent_id, '') AS intent
		FROM payment_disputes d JOIN checkouts c ON c.id = d.checkout_id
		WHERE d.checkout_id = $1
		ORDER BY d.opened_at, d.ref`, c)
	out := make([]payments.Dispute, len(rows))
	for i, r := range rows {
		out[i] = r.dispute()
	}
	return out, err
}

// backSums are what was told without naming refunds, and what banks have taken and not given back.
type backSums struct {
	Seen     int64 `db:"seen"`
	Disputed int64 `db:"disputed"`
}

func (s *Service) sumBack(ctx context.Context, q db.Q, c id.Checkout) (b backSums, err error) {
	err = q.Get(ctx, &b, `
		SELECT refunded_seen_minor AS seen,
			(SELECT coalesce(sum(greatest(withdrawn_minor - reinstated_minor, 0)), 0)::bigint FROM payment_disputes WHERE checkout_id = $1) AS disputed
		FROM checkouts WHERE id = $1`, c)
	return b, err
}

// updateBack sets what refunds and disputes have taken of an order. A refund that failed leads back, too.
func (s *Service) updateBack(ctx context.Context, tx *db.Tx, o Order) error {
	_, err := tx.Exec(ctx, `
		UPDATE orders SET refunded_minor = $2, refunded_net_minor = $3, disputed_minor = $4, disputed_net_minor = $5, updated_at = $6,
			status = CASE WHEN $2 = total_minor THEN 'refunded' WHEN $2 > 0 THEN 'partly_refunded' ELSE 'paid' END
		WHERE id = $1 AND paid_at IS NOT NULL`, o.ID, o.Refunded.Minor, o.RefundedNet.Minor, o.Disputed.Minor, o.DisputedNet.Minor, tx.Now)
	return err
}
