package orders

import (
	"context"
	"fmt"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/event"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/ledger"
	"vitrine/app/money"
)

// Review is whether a person has to look at a paid order before it is delivered.
type Review string

const (
	NoReview       Review = ""
	ReviewOpen     Review = "open"
	ReviewApproved Review = "approved"
	ReviewRefused  Review = "refused"
)

// Stopped reports whether nothing may be delivered.
func (r Review) Stopped() bool { return r == ReviewOpen || r == ReviewRefused }

// Remaining is the creator's part of an order that nobody has taken back.
func (o Order) Remaining() money.Amount { return o.Net.Sub(o.RefundedNet).Sub(o.DisputedNet) }

// account is where an order's money is, and where everything that changes it is booked.
func (o Order) account() ledger.Account {
	switch {
	case !o.Held.IsZero():
		return ledger.Held(o.Creator)
	case !o.Matured.IsZero():
		return ledger.Available(o.Creator)
	}
	return ledger.Pending(o.Creator)
}

// inMoney reports whether an order stands in the book.
func (o Order) inMoney() bool { return o.Status.Sold() && !o.Test && !o.Total.IsZero() }

// takeOrder locks an order by its checkout, as everything does that moves its money.
func (s *Service) takeOrder(ctx context.Context, tx *db.Tx, o id.Order) (Order, error) {
	var c id.Checkout
	if err := tx.Get(ctx, &c, `SELECT id FROM checkouts WHERE id = (SELECT checkout_id FROM orders WHERE id = $1) FOR UPDATE`, o); err != nil {
		return one(Order{}, err)
	}
	return one(s.findOrder(ctx, tx, o))
}

// Hold moves what remains of a paid order to held, where no payout reaches it. Holding twice holds once.
func (s *Service) Hold(ctx context.Context, tx *db.Tx, o id.Order, why string) error {
	have, err := s.takeOrder(ctx, tx, o)
	if err != nil || !have.Held.IsZero() || !have.inMoney() {
		return err
	}
	return s.hold1(ctx, tx, have, why)
}

func (s *Service) hold1(ctx context.Context, tx *db.Tx, o Order, why string) error {
	from := o.account()
	if _, err := tx.Exec(ctx, `UPDATE orders SET held_at = $2, held_why = $3, updated_at = $2 WHERE id = $1 AND held_at IS NULL`, o.ID, tx.Now, why); err != nil {
		return err
	}
	return s.shift(ctx, tx, o, "hold", tx.Now, from, ledger.Held(o.Creator))
}

// Release ends a hold: the money is where it would be without it.
func (s *Service) Release(ctx context.Context, tx *db.Tx, o id.Order) error {
	have, err := s.takeOrder(ctx, tx, o)
	if err != nil || have.Held.IsZero() {
		return err
	}
	held := have.Held
	if _, err := tx.Exec(ctx, `UPDATE orders SET held_at = NULL, held_why = '', updated_at = $2 WHERE id = $1`, o, tx.Now); err != nil {
		return err
	}
	have.Held = time.Time{}
	return s.shift(ctx, tx, have, "release", held, ledger.Held(have.Creator), have.account())
}

// shift books what remains of an order from one of its creator's accounts to another. The moment tells one hold
// of an order from the next.
func (s *Service) shift(ctx context.Context, tx *db.Tx, o Order, kind string, at time.Time, from, to ledger.Account) error {
	rest := o.Remaining()
	if rest.IsZero() || from == to {
		return nil
	}
	key := kind + ":" + o.ID.String()
	if !at.IsZero() {
		key += ":" + fmt.Sprint(at.UnixMicro())
	}
	_, err := ledger.Post(ctx, tx, ledger.Entry{Key: key, Kind: kind, Lines: []ledger.Line{{Account: from, Amount: rest.Neg()}, {Account: to, Amount: rest}}})
	if err != nil {
		return fmt.Errorf("%s %s: %w", kind, o.ID, err)
	}
	return nil
}

// Decide ends a review. Approved: the order is delivered and its money goes its way. Refused: both stay where they
// are until the refund, which is the caller's to begin.
func (s *Service) Decide(ctx context.Context, tx *db.Tx, o id.Order, approve bool) error {
	have, err := s.takeOrder(ctx, tx, o)
	if err != nil {
		return err
	}
	to := ReviewRefused
	if approve {
		to = ReviewApproved
	}
	n, err := tx.Exec(ctx, `UPDATE orders SET review = $2, updated_at = $3 WHERE id = $1 AND review = 'open'`, o, string(to), tx.Now)
	switch {
	case err != nil:
		return err
	case n == 0:
		return errs.New(errs.Conflict, "This order has been decided already.")
	case !approve:
		return event.Emit(ctx, tx, EventPaid, have.Shop.String())
	}
	if err := s.Release(ctx, tx, o); err != nil {
		return err
	}
	if err := job.EnqueueAll(ctx, tx,
		job.Item{Task: SendReceipt{Order: o, Cause: string(ReviewApproved)}, Options: []job.Option{job.Key("receipt:" + o.String() + ":approved")}},
		job.Item{Task: SendSale{o}, Options: []job.Option{job.Key("sale:" + o.String())}}); err != nil {
		return err
	}
	return event.Emit(ctx, tx, EventPaid, have.Shop.String())
}

// flag puts the orders of a checkout that was just paid before a person. Nothing of them is delivered or paid out.
func (s *Service) flag(ctx context.Context, tx *db.Tx, c Checkout) error {
	all, err := s.listOrdersOfCheckout(ctx, tx, c.ID)
	if err != nil {
		return err
	}
	for _, o := range all {
		if _, err := tx.Exec(ctx, `UPDATE orders SET review = 'open' WHERE id = $1`, o.ID); err != nil {
			return err
		}
		if !o.inMoney() {
			continue
		}
		if err := s.hold1(ctx, tx, o, "review"); err != nil {
			return err
		}
	}
	return nil
}

// Mature makes the money of orders available whose settlement time is over. What is held, in review or disputed
// waits until it is not.
func (s *Service) Mature(ctx context.Context) error {
	for {
		var due []id.Order
		if err := s.DB.Select(ctx, &due, `
			SELECT id FROM orders
			WHERE matured_at IS NULL AND paid_at IS NOT NULL AND NOT test AND paid_at <= $1 AND held_at IS NULL AND review <> 'open' AND disputed_minor = 0
			ORDER BY paid_at
			LIMIT 500`, s.DB.Now().Add(-s.Settlement)); err != nil {
			return fmt.Errorf("list settled orders: %w", err)
		}
		for _, o := range due {
			if err := s.mature(ctx, o); err != nil {
				return fmt.Errorf("mature %s: %w", o, err)
			}
		}
		if len(due) < 500 {
			return nil
		}
	}
}

func (s *Service) mature(ctx context.Context, o id.Order) error {
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		err := s.matureIn(ctx, tx, o)
		failpoint.Hit("orders.mature.before_commit")
		return err
	})
	failpoint.Hit("orders.mature.after_commit")
	return err
}

func (s *Service) matureIn(ctx context.Context, tx *db.Tx, o id.Order) error {
	have, err := s.takeOrder(ctx, tx, o)
	if err != nil || !have.Matured.IsZero() || !have.Held.IsZero() || have.Review == ReviewOpen || !have.Disputed.IsZero() {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE orders SET matured_at = $2, updated_at = $2 WHERE id = $1 AND matured_at IS NULL`, o, tx.Now)
	if err != nil || n == 0 || !have.inMoney() {
		return err
	}
	return s.shift(ctx, tx, have, "mature", time.Time{}, ledger.Pending(have.Creator), ledger.Available(have.Creator))
}

var errDisputed = errs.New(errs.Conflict, "The buyer's bank is looking into this payment, so it cannot be refunded now. If the dispute is lost, the buyer has the money already.")

// ReserveRefund sets a part of an order aside for a refund that is about to be asked of the provider, so that two
// of them never give back more than was paid.
func (s *Service) ReserveRefund(ctx context.Context, tx *db.Tx, creator id.User, o id.Order, amount money.Amount) error {
	have, err := s.takeOrder(ctx, tx, o)
	switch {
	case err != nil:
		return err
	case have.Creator != creator || !have.Status.Sold():
		return errNoOrder
	case !have.Disputed.IsZero():
		return errDisputed
	case amount.Currency != have.Total.Currency || amount.Minor <= 0:
		return errs.Field("amount", "Enter an amount above zero.")
	}
	open, err := s.openDispute(ctx, tx, have.Checkout)
	if err != nil {
		return err
	}
	if open {
		return errDisputed
	}
	n, err := tx.Exec(ctx, `
		UPDATE orders SET refunding_minor = refunding_minor + $2, updated_at = $3
		WHERE id = $1 AND ($4 OR total_minor - refunded_minor - disputed_minor - refunding_minor >= $2)`, o, amount.Minor, tx.Now, !guardRefundLimit)
	if err != nil || n == 1 {
		return err
	}
	left := have.Total.Sub(have.Refunded).Sub(have.Refunding)
	if left.IsZero() {
		return errs.New(errs.Conflict, "All of this order is given back already, or is about to be.")
	}
	return errs.Field("amount", "Only %s of this order is left to give back.", left.Format())
}

func (s *Service) openDispute(ctx context.Context, q db.Q, c id.Checkout) (open bool, err error) {
	err = q.Get(ctx, &open, `SELECT EXISTS (SELECT 1 FROM payment_disputes WHERE checkout_id = $1 AND status IN ('needs_response', 'under_review', 'lost'))`, c)
	return open, err
}

// EndRefund ends what ReserveRefund began: the refund is booked, or was refused.
func (s *Service) EndRefund(ctx context.Context, tx *db.Tx, o id.Order, amount money.Amount) error {
	n, err := tx.Exec(ctx, `UPDATE orders SET refunding_minor = refunding_minor - $2, updated_at = $3 WHERE id = $1 AND refunding_minor >= $2`, o, amount.Minor, tx.Now)
	if err == nil && n == 0 {
		err = fmt.Errorf("order %s has no refund of %s under way", o, amount)
	}
	return err
}

// KeepAccess leaves an order's downloads open even when all of it is given back.
func (s *Service) KeepAccess(ctx context.Context, tx *db.Tx, o id.Order, keep bool) error {
	_, err := tx.Exec(ctx, `UPDATE orders SET keep_access = $2, updated_at = $3 WHERE id = $1`, o, keep, tx.Now)
	return err
}

// Revoke closes the downloads of some of an order's items.
func (s *Service) Revoke(ctx context.Context, tx *db.Tx, o id.Order, items []id.Item) error {
	_, err := tx.Exec(ctx, `UPDATE entitlements SET revoked_at = $3 WHERE order_id = $1 AND item_id = ANY($2::uuid[]) AND revoked_at IS NULL`, o, db.Array(texts(items)), tx.Now)
	return err
}

// Restore opens them again.
func (s *Service) Restore(ctx context.Context, tx *db.Tx, o id.Order, items []id.Item) error {
	_, err := tx.Exec(ctx, `UPDATE entitlements SET revoked_at = NULL WHERE order_id = $1 AND item_id = ANY($2::uuid[])`, o, db.Array(texts(items)))
	return err
}

func texts(items []id.Item) []string {
	out := make([]string, len(items))
	for i, v := range items {
		out[i] = v.String()
	}
	return out
}

// ByPayment finds the checkout that a provider's payment belongs to; errs.NotFound when there is none.
func (s *Service) ByPayment(ctx context.Context, q db.Q, provider, intent string) (Checkout, error) {
	var c id.Checkout
	err := q.Get(ctx, &c, `SELECT id FROM checkouts WHERE provider = $1 AND payment_intent_id = $2`, provider, intent)
	if db.None(err) {
		return Checkout{}, errNoCheckout
	}
	if err != nil {
		return Checkout{}, err
	}
	out, err := s.findCheckout(ctx, q, c)
	if err != nil {
		return out, err
	}
	out.Orders, err = s.listOrdersOfCheckout(ctx, q, c)
	return out, err
}

// Fetched is one line of an order's access log.
type Fetched struct {
	File  id.File   `db:"file_id"`
	Item  string    `db:"name"`
	Count int       `db:"count"`
	Last  time.Time `db:"last_at"`
}

// AccessLog lists what the buyer of an order has downloaded.
func (s *Service) AccessLog(ctx context.Context, q db.Q, o id.Order) ([]Fetched, error) {
	var out []Fetched
	err := q.Select(ctx, &out, `
		SELECT d.file_id, i.name, d.count, d.last_at
		FROM downloads d JOIN entitlements e ON e.id = d.entitlement_id JOIN order_items i ON i.id = e.item_id
		WHERE e.order_id = $1
		ORDER BY d.last_at`, o)
	return out, err
}

// NextMature is when the first of a creator's pending money becomes available; zero when nothing is pending.
func (s *Service) NextMature(ctx context.Context, q db.Q, creator id.User, c money.Currency) (time.Time, error) {
	var first *time.Time
	err := q.Get(ctx, &first, `
		SELECT min(paid_at) FROM orders
		WHERE creator_id = $1 AND currency = $2 AND matured_at IS NULL AND paid_at IS NOT NULL AND NOT test AND held_at IS NULL
			AND net_minor > refunded_net_minor + disputed_net_minor`, creator, c)
	if err != nil || first == nil {
		return time.Time{}, err
	}
	return first.Add(s.Settlement), nil
}

// Numbers are what orders are called in their shops.
func (s *Service) Numbers(ctx context.Context, q db.Q, all []id.Order) (map[id.Order]int, error) {
	ids := make([]string, len(all))
	for i, o := range all {
		ids[i] = o.String()
	}
	var rows []struct {
		ID     id.Order `db:"id"`
		Number int      `db:"number"`
	}
	err := q.Select(ctx, &rows, `SELECT id, number FROM orders WHERE id = ANY($1::uuid[]) AND number IS NOT NULL`, db.Array(ids))
	out := make(map[id.Order]int, len(rows))
	for _, r := range rows {
		out[r.ID] = r.Number
	}
	return out, err
}

// Consent is when the buyer of a checkout agreed to immediate delivery; zero when they were not asked.
func (s *Service) Consent(ctx context.Context, q db.Q, c id.Checkout) (time.Time, error) {
	var at *time.Time
	err := q.Get(ctx, &at, `SELECT consented_at FROM checkouts WHERE id = $1`, c)
	return deref(at), err
}
