package admin

import (
	"context"
	"time"

	"vitrine/app/audit"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/money"
)

// Payout is a payout as the operator sees it.
type Payout struct {
	ID        id.Payout      `db:"id"`
	Creator   id.User        `db:"creator_id"`
	Name      string         `db:"name"`
	Email     string         `db:"email"`
	Shop      string         `db:"shop"`
	Number    int            `db:"number"`
	Currency  money.Currency `db:"currency"`
	Minor     int64          `db:"amount_minor"`
	State     string         `db:"state"`
	Provider  string         `db:"provider"`
	To        string         `db:"shown"`
	Ref       string         `db:"ref"`
	Failure   string         `db:"failure"`
	Why       string         `db:"why"`
	Attempts  int            `db:"attempts"`
	Doubt     *time.Time     `db:"doubt_at"`
	LookedAt  *time.Time     `db:"looked_at"`
	CreatedAt time.Time      `db:"created_at"`
	SentAt    *time.Time     `db:"sent_at"`
	StuckAt   *time.Time     `db:"stuck_at"`
	EndedAt   *time.Time     `db:"ended_at"`
}

// Amount is what it sends.
func (p Payout) Amount() money.Amount { return money.Amount{Minor: p.Minor, Currency: p.Currency} }

// Since is when it came to be as it is, as far as that is known.
func (p Payout) Since() time.Time {
	for _, t := range []*time.Time{p.EndedAt, p.StuckAt, p.Doubt} {
		if t != nil {
			return t.UTC()
		}
	}
	return p.CreatedAt.UTC()
}

// payoutStates are those that need somebody, the most urgent first.
var payoutStates = []string{"unknown", "failed", "held", "returned", "released", "reserved"}

// PayoutsIn lists payouts in a state, the oldest first; empty: all that wait for somebody. Those that came back are
// listed for a month.
func (s *Service) PayoutsIn(ctx context.Context, state string) (rows []Payout, err error) {
	err = s.DB.Select(ctx, &rows, `
		SELECT p.id, p.creator_id, u.name, u.email, coalesce((SELECT min(s.name) FROM shops s WHERE s.creator_id = u.id), '') AS shop, p.number, p.currency, p.amount_minor, p.state,
			p.provider, p.shown, p.ref, p.failure, p.why, p.attempts, p.doubt_at, p.looked_at, p.created_at, p.sent_at, p.stuck_at, p.ended_at
		FROM payouts p JOIN users u ON u.id = p.creator_id
		WHERE ($1 = '' AND p.state IN ('unknown', 'failed', 'held') OR p.state = $1) AND (p.ended_at IS NULL OR p.ended_at > $2)
		ORDER BY p.created_at, p.id
		LIMIT 300`, state, s.DB.Now().AddDate(0, -1, 0))
	return rows, err
}

// PayoutStates counts payouts by state, as PayoutsIn lists them.
func (s *Service) PayoutStates(ctx context.Context) (map[string]int, error) {
	var rows []struct {
		State string `db:"state"`
		N     int    `db:"n"`
	}
	err := s.DB.Select(ctx, &rows, `SELECT state, count(*) AS n FROM payouts WHERE state NOT IN ('paid', 'sent') AND (ended_at IS NULL OR ended_at > $1) GROUP BY state`, s.DB.Now().AddDate(0, -1, 0))
	out := map[string]int{}
	for _, r := range rows {
		out[r.State] = r.N
	}
	return out, err
}

// Payout reads one with what operators have done with it. That it was looked at is noted: it says where somebody's money
// goes to.
func (s *Service) Payout(ctx context.Context, actor id.User, n id.Payout) (p Payout, acts []Act, err error) {
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		err := tx.Get(ctx, &p, `
			SELECT p.id, p.creator_id, u.name, u.email, coalesce((SELECT min(s.name) FROM shops s WHERE s.creator_id = u.id), '') AS shop, p.number, p.currency, p.amount_minor, p.state,
				p.provider, p.shown, p.ref, p.failure, p.why, p.attempts, p.doubt_at, p.looked_at, p.created_at, p.sent_at, p.stuck_at, p.ended_at
			FROM payouts p JOIN users u ON u.id = p.creator_id WHERE p.id = $1`, n)
		if db.None(err) {
			return errs.New(errs.NotFound, "There is no such payout.")
		}
		if err != nil {
			return err
		}
		if acts, err = s.actsOn(ctx, tx, "payout:"+n.String()); err != nil {
			return err
		}
		return audit.Log(ctx, tx, actor, "admin.payout.view", "payout:"+n.String(), nil)
	})
	return p, acts, err
}

// Act is a row of the audit log.
type Act struct {
	ID      id.Entry  `db:"id"`
	Who     string    `db:"who"`
	Action  string    `db:"action"`
	Subject string    `db:"subject"`
	Why     string    `db:"why"`
	At      time.Time `db:"created_at"`
}

func (s *Service) actsOn(ctx context.Context, q db.Q, subject string) (rows []Act, err error) {
	err = q.Select(ctx, &rows, `
		SELECT a.id, coalesce(u.name, '') AS who, a.action, a.subject, coalesce(a.details->>'why', a.details->>'reason', '') AS why, a.created_at
		FROM audit_log a LEFT JOIN users u ON u.id = a.actor_id
		WHERE a.subject = $1 AND a.action NOT LIKE '%.view'
		ORDER BY a.created_at DESC, a.id DESC LIMIT 100`, subject)
	return rows, err
}

// viewed notes that an operator has looked at a list.
func (s *Service) viewed(ctx context.Context, actor id.User, path string) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error { return audit.Log(ctx, tx, actor, "admin.list.view", "page:"+path, nil) })
}

// Log lists what was done, the newest first: the acts of operators, what they have looked at, or what everybody did.
func (s *Service) Log(ctx context.Context, which string, before id.Entry, limit int) (rows []Act, err error) {
	if before.IsZero() {
		for i := range before {
			before[i] = 0xff
		}
	}
	err = s.DB.Select(ctx, &rows, `
		SELECT a.id, coalesce(u.name, '') AS who, a.action, a.subject, coalesce(a.details->>'why', a.details->>'reason', '') AS why, a.created_at
		FROM audit_log a LEFT JOIN users u ON u.id = a.actor_id
		WHERE a.id < $2 AND CASE $1 WHEN 'all' THEN a.action NOT LIKE '%.view' WHEN 'views' THEN a.action LIKE '%.view' ELSE a.action NOT LIKE '%.view' AND u.role = 'admin' END
		ORDER BY a.id DESC LIMIT $3`, which, before, limit)
	return rows, err
}

// Request is a buyer's that nobody has answered.
type Request struct {
	Order     id.Order       `db:"order_id"`
	Number    int            `db:"number"`
	Shop      string         `db:"shop"`
	Creator   string         `db:"creator"`
	Email     string         `db:"email"` // the creator's
	Reason    string         `db:"reason"`
	Currency  money.Currency `db:"currency"`
	Left      int64          `db:"left_minor"`
	CreatedAt time.Time      `db:"created_at"`
}

// Requests lists the open refund requests, the oldest first; late ones only, or all.
func (s *Service) Requests(ctx context.Context, all bool) (rows []Request, err error) {
	before := s.DB.Now()
	if !all {
		before = before.Add(-late)
	}
	err = s.DB.Select(ctx, &rows, `
		SELECT r.order_id, coalesce(o.number, 0) AS number, s.name AS shop, u.name AS creator, u.email, r.reason, o.currency, o.total_minor - o.refunded_minor AS left_minor, r.created_at
		FROM refund_requests r JOIN orders o ON o.id = r.order_id JOIN shops s ON s.id = r.shop_id JOIN users u ON u.id = r.creator_id
		WHERE r.state = 'open' AND r.created_at <= $1
		ORDER BY r.created_at, r.id
		LIMIT 300`, before)
	return rows, err
}

// Due is a dispute that must be answered.
type Due struct {
	ID       id.Dispute     `db:"id"`
	Ref      string         `db:"ref"`
	Provider string         `db:"provider"`
	Shop     string         `db:"shop"`
	Email    string         `db:"email"` // the creator's
	Reason   string         `db:"reason"`
	Answer   string         `db:"answer"`
	Trouble  string         `db:"trouble"`
	Currency money.Currency `db:"currency"`
	Minor    int64          `db:"amount_minor"`
	DueAt    *time.Time     `db:"due_at"`
}

// DisputesDue lists the disputes that wait for an answer, the nearest deadline first; those that are due soon, or all.
func (s *Service) DisputesDue(ctx context.Context, all bool) (rows []Due, err error) {
	err = s.DB.Select(ctx, &rows, `
		SELECT d.id, d.ref, d.provider, s.name AS shop, u.email, d.reason, d.answer, d.trouble, d.currency, d.amount_minor, d.due_at
		FROM disputes d JOIN shops s ON s.id = d.shop_id JOIN users u ON u.id = d.creator_id
		WHERE d.status IN ('inquiry', 'needs_response') AND d.answer IN ('drafting', 'sending', 'failed') AND ($1 OR d.due_at < $2)
		ORDER BY d.due_at NULLS LAST, d.id
		LIMIT 300`, all, s.DB.Now().Add(soon))
	return rows, err
}

// Waiting is one kind of job or event that waits.
type Waiting struct {
	Queue  string    `db:"queue"` // inbox, outbox or dead
	Kind   string    `db:"kind"`
	N      int       `db:"n"`
	Oldest time.Time `db:"oldest"`
	Error  string    `db:"error"` // the last one, of jobs that were given up
}

// Queues lists what waits, by kind.
func (s *Service) Queues(ctx context.Context) (rows []Waiting, err error) {
	err = s.DB.Select(ctx, &rows, `
		SELECT 'inbox' AS queue, provider || ' ' || type AS kind, count(*) AS n, min(received_at) AS oldest, '' AS error FROM webhook_inbox WHERE applied_at IS NULL GROUP BY provider, type
		UNION ALL SELECT 'outbox', kind, count(*), min(run_at), '' FROM outbox WHERE done_at IS NULL AND failed_at IS NULL AND run_at <= $1 GROUP BY kind
		UNION ALL SELECT 'dead', kind, count(*), min(failed_at), coalesce(max(last_error), '') FROM outbox WHERE done_at IS NULL AND failed_at IS NOT NULL GROUP BY kind
		ORDER BY 1, 4`, s.DB.Now())
	return rows, err
}
