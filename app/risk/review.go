package risk

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"vitrine/app/audit"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/money"
)

// State of a review. It goes from open, over confirming where two persons must agree, to one of the last two.
type State string

const (
	Open       State = "open"
	Confirming State = "confirming" // one person has chosen, a second has to agree
	Approved   State = "approved"
	Refused    State = "refused"
)

// Decided reports whether nothing can be changed any more.
func (s State) Decided() bool { return s == Approved || s == Refused }

// Choice is what a person does with a flagged order.
type Choice string

const (
	Approve Choice = "approve" // deliver it, let its money go its way
	Refund  Choice = "refund"  // give the money back
	Close   Choice = "close"   // give the money back and close the shop
)

// Review is an order that a person has to decide on.
type Review struct {
	ID        id.Review
	Order     id.Order
	Checkout  id.Checkout
	Shop      id.Shop
	Creator   id.User
	Stake     money.Amount
	State     State
	OpenedAt  time.Time
	Due       time.Time // when the order is refunded if nobody has decided
	Holds     int
	Assignee  id.User
	Choice    Choice // of the first of two persons
	ChoiceBy  id.User
	ChoiceWhy string
	ChoiceAt  time.Time
	DecidedBy id.User // zero on a decided one: nobody did in time
	DecidedAt time.Time
}

type reviewRow struct {
	ID        id.Review      `db:"id"`
	Order     id.Order       `db:"order_id"`
	Checkout  id.Checkout    `db:"checkout_id"`
	Shop      id.Shop        `db:"shop_id"`
	Creator   id.User        `db:"creator_id"`
	Currency  money.Currency `db:"currency"`
	Stake     int64          `db:"stake_minor"`
	State     State          `db:"state"`
	OpenedAt  time.Time      `db:"opened_at"`
	Due       time.Time      `db:"due_at"`
	Holds     int            `db:"holds"`
	Assignee  id.User        `db:"assignee_id"`
	Choice    Choice         `db:"choice"`
	ChoiceBy  id.User        `db:"choice_by"`
	ChoiceWhy string         `db:"choice_why"`
	ChoiceAt  *time.Time     `db:"choice_at"`
	DecidedBy id.User        `db:"decided_by"`
	DecidedAt *time.Time     `db:"decided_at"`
}

func (r reviewRow) review() Review {
	out := Review{ID: r.ID, Order: r.Order, Checkout: r.Checkout, Shop: r.Shop, Creator: r.Creator, Stake: money.Amount{Minor: r.Stake, Currency: r.Currency},
		State: r.State, OpenedAt: r.OpenedAt, Due: r.Due, Holds: r.Holds, Assignee: r.Assignee, Choice: r.Choice, ChoiceBy: r.ChoiceBy, ChoiceWhy: r.ChoiceWhy, DecidedBy: r.DecidedBy}
	if r.ChoiceAt != nil {
		out.ChoiceAt = *r.ChoiceAt
	}
	if r.DecidedAt != nil {
		out.DecidedAt = *r.DecidedAt
	}
	return out
}

// Get finds a review.
func (s *Service) Get(ctx context.Context, q db.Q, r id.Review) (Review, error) {
	var row reviewRow
	err := q.Get(ctx, &row, `
		SELECT id, order_id, checkout_id, shop_id, creator_id, currency, stake_minor, state, opened_at, due_at, holds, assignee_id,
			choice, choice_by, choice_why, choice_at, decided_by, decided_at
		FROM risk_reviews WHERE id = $1`, r)
	if db.None(err) {
		return Review{}, errNoReview
	}
	return row.review(), err
}

// OfOrder finds the review of an order.
func (s *Service) OfOrder(ctx context.Context, q db.Q, o id.Order) (Review, error) {
	var r id.Review
	err := q.Get(ctx, &r, `SELECT id FROM risk_reviews WHERE order_id = $1`, o)
	if db.None(err) {
		return Review{}, errNoReview
	}
	if err != nil {
		return Review{}, err
	}
	return s.Get(ctx, q, r)
}

// Waiting counts the queue.
func (s *Service) Waiting(ctx context.Context, q db.Q) (n int, err error) {
	err = q.Get(ctx, &n, `SELECT count(*) FROM risk_reviews WHERE decided_at IS NULL`)
	return n, err
}

// TwoPersons reports whether a stake is so large that two must agree. Of a currency without a limit they always must.
func (s *Service) TwoPersons(stake money.Amount) bool {
	limit, ok := s.FourEyes[stake.Currency]
	return !ok || stake.Minor >= limit
}

// take locks a review that is not decided, after its checkout, as everything does that moves an order's money.
func (s *Service) take(ctx context.Context, tx *db.Tx, r id.Review) (Review, error) {
	var c id.Checkout
	err := tx.Get(ctx, &c, `SELECT id FROM checkouts WHERE id = (SELECT checkout_id FROM risk_reviews WHERE id = $1) FOR UPDATE`, r)
	if db.None(err) {
		return Review{}, errNoReview
	}
	if err != nil {
		return Review{}, err
	}
	have, err := s.Get(ctx, tx, r)
	if err == nil && have.State.Decided() {
		err = errDecided
	}
	return have, err
}

var errDecided = errs.New(errs.Conflict, "This order has been decided already. The history below says by whom.")

// Choose is a person's decision. Above the limit the first one is only kept, and done is false until a second admin
// chooses the same.
func (s *Service) Choose(ctx context.Context, actor id.User, r id.Review, c Choice, why string) (done bool, err error) {
	why, err = cleanReason(why)
	if err != nil {
		return false, err
	}
	if c != Approve && c != Refund && c != Close {
		return false, errs.New(errs.Invalid, "Choose what to do with this order.")
	}
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		done = false
		have, err := s.take(ctx, tx, r)
		if err != nil {
			return err
		}
		if s.TwoPersons(have.Stake) && !confirms(have, actor, c) {
			err = s.propose(ctx, tx, have, actor, c, why)
		} else {
			done = true
			err = s.conclude(ctx, tx, have, actor, c, why)
		}
		failpoint.Hit("risk.choose.before_commit")
		return err
	})
	if err != nil {
		return false, err
	}
	failpoint.Hit("risk.choose.after_commit")
	return done, nil
}

// confirms reports whether a choice is the second of two that agree.
func confirms(r Review, actor id.User, c Choice) bool {
	return r.State == Confirming && r.Choice == c && (r.ChoiceBy != actor || !guardFourEyes)
}

// propose keeps the first of two choices. Another choice of anyone takes its place.
func (s *Service) propose(ctx context.Context, tx *db.Tx, r Review, actor id.User, c Choice, why string) error {
	if r.State == Confirming && r.Choice == c {
		return errs.New(errs.Conflict, "You have chosen this already. So much money is at stake that another admin has to confirm it.")
	}
	if _, err := tx.Exec(ctx, `
		UPDATE risk_reviews SET state = 'confirming', choice = $2, choice_by = $3, choice_why = $4, choice_at = $5, assignee_id = coalesce(assignee_id, $3)
		WHERE id = $1`, r.ID, string(c), actor, why, tx.Now); err != nil {
		return err
	}
	if err := history(ctx, tx, r.ID, actor, "proposed_"+string(c), why, nil); err != nil {
		return err
	}
	return audit.Log(ctx, tx, actor, "risk.propose", "order:"+r.Order.String(), map[string]any{"choice": string(c), "reason": why, "stake": r.Stake.String()})
}

// Hold gives a review more time.
func (s *Service) Hold(ctx context.Context, actor id.User, r id.Review, days int, why string) error {
	why, err := cleanReason(why)
	if err != nil {
		return err
	}
	if days < 1 || days > MaxHold {
		return errs.Field("days", "Choose between 1 and %d days.", MaxHold)
	}
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		err := s.holdIn(ctx, tx, actor, r, days, why)
		failpoint.Hit("risk.hold.before_commit")
		return err
	})
	if err != nil {
		return err
	}
	failpoint.Hit("risk.hold.after_commit")
	return nil
}

func (s *Service) holdIn(ctx context.Context, tx *db.Tx, actor id.User, r id.Review, days int, why string) error {
	have, err := s.take(ctx, tx, r)
	if err != nil {
		return err
	}
	due := tx.Now.Add(time.Duration(days) * 24 * time.Hour)
	switch {
	case have.Holds >= MaxHolds:
		return errs.New(errs.Conflict, "This order was held twice already. Please decide now: its buyer has waited long enough.")
	case !due.After(have.Due):
		return errs.Field("days", "That is not later than the deadline is now.")
	}
	if _, err := tx.Exec(ctx, `UPDATE risk_reviews SET due_at = $2, holds = holds + 1, assignee_id = $3 WHERE id = $1`, r, due, actor); err != nil {
		return err
	}
	if err := history(ctx, tx, r, actor, "held", why, map[string]any{"until": due.Format(time.RFC3339)}); err != nil {
		return err
	}
	if err := audit.Log(ctx, tx, actor, "risk.hold", "order:"+have.Order.String(), map[string]any{"reason": why, "until": due.Format(time.RFC3339)}); err != nil {
		return err
	}
	return job.EnqueueAll(ctx, tx,
		job.Item{Task: Expire{r}, Options: []job.Option{job.On(job.Money), job.At(due), job.Key(fmt.Sprintf("risk-expire:%s:%d", r, have.Holds+1))}},
		job.Item{Task: Tell{Review: r, What: TellHeld}, Options: []job.Option{job.Key(fmt.Sprintf("risk-tell:%s:held:%d", r, have.Holds+1))}})
}

// Moment is one line of a review's history.
type Moment struct {
	Actor   string         `db:"actor"` // a name; empty: Vitrine itself
	Action  string         `db:"action"`
	Reason  string         `db:"reason"`
	Details map[string]any `db:"-"`
	Raw     []byte         `db:"details"`
	At      time.Time      `db:"created_at"`
}

// History is all that happened in a review, in order.
func (s *Service) History(ctx context.Context, r id.Review) ([]Moment, error) {
	var out []Moment
	if err := s.DB.Select(ctx, &out, `
		SELECT coalesce(NULLIF(u.name, ''), u.email::text, '') AS actor, h.action, h.reason, h.details, h.created_at
		FROM risk_history h LEFT JOIN users u ON u.id = h.actor_id
		WHERE h.review_id = $1
		ORDER BY h.created_at, h.id`, r); err != nil {
		return nil, err
	}
	for i := range out {
		if err := json.Unmarshal(out[i].Raw, &out[i].Details); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func history(ctx context.Context, tx *db.Tx, r id.Review, actor id.User, action, reason string, details map[string]any) error {
	if details == nil {
		details = map[string]any{}
	}
	b, err := json.Marshal(details)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `
		INSERT INTO risk_history (id, review_id, actor_id, action, reason, details, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		id.New[id.EntryKind](), r, actor, action, reason, string(b), tx.Now); err != nil {
		return fmt.Errorf("history of review %s: %w", r, err)
	}
	return nil
}
