package refunds

import (
	"context"
	"slices"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/orders"
)

// Request is a buyer who asks for money back.
type Request struct {
	ID        id.Refund
	Order     id.Order
	Creator   id.User
	Reason    string
	Message   string
	State     string // open, refunded, declined
	Answer    string
	AnswerAt  time.Time
	CreatedAt time.Time
}

// Late is after how long an unanswered request is the operator's, too.
const Late = 7 * 24 * time.Hour

// RequestReasons that a buyer can choose, in the order of the form.
var RequestReasons = []string{"broken", "not_as_described", "duplicate", "mistake", "other"}

// Request asks the seller of a paid order for money back. One at a time.
func (s *Service) Request(ctx context.Context, o orders.Order, reason, message string) error {
	var f errs.Form
	if !slices.Contains(RequestReasons, reason) {
		f.Add("reason", "Choose a reason.")
	}
	if len([]rune(message)) > 1000 {
		f.Add("message", "Keep it below 1,000 characters.")
	}
	if err := f.Err(); err != nil {
		return err
	}
	if !o.Status.Sold() || o.Test || Left(o).Minor <= 0 {
		return errs.New(errs.Conflict, "There is nothing left of this order to give back.")
	}
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		r := id.New[id.RefundKind]()
		n, err := tx.Exec(ctx, `
			INSERT INTO refund_requests (id, order_id, shop_id, creator_id, reason, message, state, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, 'open', $7)
			ON CONFLICT (order_id) WHERE state = 'open' DO NOTHING`, r, o.ID, o.Shop, o.Creator, reason, message, tx.Now)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.New(errs.Conflict, "You have asked already. The seller has your message.")
		}
		return s.tell(ctx, tx, Mail{Request: r, What: "requested"})
	})
}

// Decline answers a buyer's request with words.
func (s *Service) Decline(ctx context.Context, creator id.User, o id.Order, answer string) error {
	if answer == "" || len([]rune(answer)) > 1000 {
		return errs.Field("answer", "Tell the buyer why, in 1,000 characters or fewer.")
	}
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		var r id.Refund
		err := tx.Get(ctx, &r, `
			UPDATE refund_requests SET state = 'declined', answer = $3, answered_at = $4
			WHERE order_id = $1 AND creator_id = $2 AND state = 'open'
			RETURNING id`, o, creator, answer, tx.Now)
		if db.None(err) {
			return errs.New(errs.Conflict, "There is no open request on this order.")
		}
		if err != nil {
			return err
		}
		return s.tell(ctx, tx, Mail{Request: r, What: "declined"})
	})
}

// answerRequest closes an open request: the refund is the answer.
func (s *Service) answerRequest(ctx context.Context, tx *db.Tx, o id.Order) error {
	_, err := tx.Exec(ctx, `UPDATE refund_requests SET state = 'refunded', answered_at = $2 WHERE order_id = $1 AND state = 'open'`, o, tx.Now)
	return err
}

type requestRow struct {
	ID        id.Refund  `db:"id"`
	Order     id.Order   `db:"order_id"`
	Creator   id.User    `db:"creator_id"`
	Reason    string     `db:"reason"`
	Message   string     `db:"message"`
	State     string     `db:"state"`
	Answer    string     `db:"answer"`
	AnswerAt  *time.Time `db:"answered_at"`
	CreatedAt time.Time  `db:"created_at"`
}

func (r requestRow) request() Request {
	return Request{ID: r.ID, Order: r.Order, Creator: r.Creator, Reason: r.Reason, Message: r.Message, State: r.State, Answer: r.Answer, AnswerAt: value(r.AnswerAt), CreatedAt: r.CreatedAt}
}

// RequestsOf lists what the buyer of an order has asked, newest first.
func (s *Service) RequestsOf(ctx context.Context, o id.Order) ([]Request, error) {
	var rows []requestRow
	err := s.DB.Select(ctx, &rows, `
		SELECT id, order_id, creator_id, reason, message, state, answer, answered_at, created_at
		FROM refund_requests WHERE order_id = $1 ORDER BY created_at DESC, id`, o)
	return requests(rows), err
}

// Open lists the requests that wait for a creator, oldest first.
func (s *Service) Open(ctx context.Context, creator id.User) ([]Request, error) {
	var rows []requestRow
	err := s.DB.Select(ctx, &rows, `
		SELECT id, order_id, creator_id, reason, message, state, answer, answered_at, created_at
		FROM refund_requests WHERE creator_id = $1 AND state = 'open' ORDER BY created_at, id LIMIT 200`, creator)
	return requests(rows), err
}

// Overdue lists, for the operator, requests that were not answered in time.
func (s *Service) Overdue(ctx context.Context) ([]Request, error) {
	var rows []requestRow
	err := s.DB.Select(ctx, &rows, `
		SELECT id, order_id, creator_id, reason, message, state, answer, answered_at, created_at
		FROM refund_requests WHERE state = 'open' AND created_at < $1 ORDER BY created_at, id LIMIT 200`, s.DB.Now().Add(-Late))
	return requests(rows), err
}

func requests(rows []requestRow) []Request {
	out := make([]Request, len(rows))
	for i, r := range rows {
		out[i] = r.request()
	}
	return out
}

func (s *Service) findRequest(ctx context.Context, q db.Q, r id.Refund) (Request, error) {
	var x requestRow
	err := q.Get(ctx, &x, `SELECT id, order_id, creator_id, reason, message, state, answer, answered_at, created_at FROM refund_requests WHERE id = $1`, r)
	return x.request(), err
}
