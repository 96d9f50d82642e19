package orders

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"vitrine/app/db"
	"vitrine/app/event"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/ledger"
	"vitrine/app/money"
	"vitrine/app/payments"
)

// back is what a payment's refunds and disputes take from each of its orders. It follows from the provider's
// objects as they are known now, and from nothing else, so that the order in which they became known is all one.
type back struct {
	refunded, disputed []money.Amount // by order
	excess             bool           // more than was paid
}

// giveBack computes back. A refund that names an order is that order's; everything else is shared by what is left
// of the orders.
func giveBack(all []Order, refunds []payments.Refund, seen money.Amount, disputed money.Amount) back {
	zero := money.Amount{Currency: seen.Currency}
	b := back{refunded: make([]money.Amount, len(all)), disputed: make([]money.Amount, len(all))}
	shared, sum := zero, zero
	for i := range all {
		b.refunded[i] = zero
	}
	for _, r := range refunds {
		if r.State == payments.RefundFailed {
			continue
		}
		sum = sum.Add(r.Amount)
		i := slices.IndexFunc(all, func(o Order) bool { return !r.Order.IsZero() && o.ID == r.Order })
		if i < 0 || b.refunded[i].Add(r.Amount).Minor > all[i].Total.Minor {
			shared = shared.Add(r.Amount)
			continue
		}
		b.refunded[i] = b.refunded[i].Add(r.Amount)
	}
	if more := seen.Sub(sum); more.Minor > 0 { // told without naming a refund
		shared, sum = shared.Add(more), seen
	}
	rest := remainders(all, b.refunded)
	for i, part := range spread(shared, rest) {
		b.refunded[i] = b.refunded[i].Add(part)
	}
	left, total := zero, zero
	for i, o := range all {
		total = total.Add(o.Total)
		left = left.Add(o.Total.Sub(b.refunded[i]))
	}
	if b.excess = sum.Minor > total.Minor; b.excess {
		return b
	}
	if disputed.Minor > left.Minor {
		disputed = left // a refund that came after: the rest follows when the bank has given it back
	}
	b.disputed = spread(disputed, remainders(all, b.refunded))
	return b
}

// remainders are the orders with what is left of their totals.
func remainders(all []Order, taken []money.Amount) []Order {
	out := make([]Order, len(all))
	for i, o := range all {
		out[i] = Order{ID: o.ID, Total: o.Total.Sub(taken[i])}
	}
	return out
}

// spread shares a cumulative sum over the orders of a checkout by their totals. It takes one order after the
// other against the rest, so that no order's part ever shrinks when the sum grows.
func spread(total money.Amount, all []Order) []money.Amount {
	out := make([]money.Amount, len(all))
	rest := int64(0)
	for _, o := range all {
		rest += o.Total.Minor
	}
	for i, o := range all {
		out[i] = money.Amount{Currency: total.Currency}
		if rest == 0 {
			continue
		}
		rest -= o.Total.Minor
		parts := total.Split(o.Total.Minor, rest)
		out[i], total = parts[0], parts[1]
	}
	return out
}

// netOf is the creator's part of a cumulative sum that was taken back. All of it is exactly what was booked.
func netOf(o Order, part money.Amount) money.Amount {
	if o.Total.IsZero() {
		return part
	}
	return part.Split(o.Net.Minor, o.Fee.Minor)[0]
}

// NetOf is what a creator bears when so much of an order is given back in all: for previews.
func NetOf(o Order, part money.Amount) money.Amount { return netOf(o, part) }

// apply takes in the refunds and disputes that a fact knows of.
func (s *Service) apply(ctx context.Context, tx *db.Tx, c Checkout, f fact) (did bool, err error) {
	slices.SortFunc(f.Refunds, func(a, b payments.Refund) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(f.Disputes, func(a, b payments.Dispute) int { return cmp.Compare(a.ID, b.ID) })
	for _, r := range f.Refunds {
		one, err := s.applyRefund(ctx, tx, c, r)
		if err != nil {
			return did, fmt.Errorf("refund %s: %w", r.ID, err)
		}
		did = did || one
	}
	for _, d := range f.Disputes {
		one, err := s.applyDispute(ctx, tx, c, d)
		if err != nil {
			return did, fmt.Errorf("dispute %s: %w", d.ID, err)
		}
		did = did || one
	}
	cause, err := s.noteSeen(ctx, tx, c, f)
	if err != nil || cause == "" && !f.first {
		return did, err
	}
	if cause == "" {
		cause = "paid"
	}
	one, err := s.rebalance(ctx, tx, c, cause)
	return did || one, err
}

// noteSeen keeps a sum that was told without its refunds. Once all refunds are known it counts no more.
func (s *Service) noteSeen(ctx context.Context, tx *db.Tx, c Checkout, f fact) (cause string, err error) {
	seen := f.Refunded.Minor
	if f.Whole {
		seen = 0
	} else if seen == 0 {
		return "", nil
	}
	n, err := tx.Exec(ctx, `
		UPDATE checkouts SET refunded_seen_minor = $2, updated_at = $4
		WHERE id = $1 AND (refunded_seen_minor < $2 OR $3 AND refunded_seen_minor > 0)`, c.ID, seen, f.Whole, tx.Now)
	if err != nil || n == 0 {
		return "", err
	}
	return fmt.Sprintf("seen-%d", seen), nil
}

// ApplyRefund books a refund that the provider has answered with, once a state.
func (s *Service) ApplyRefund(ctx context.Context, tx *db.Tx, provider string, r payments.Refund) error {
	c, err := s.takeCheckout(ctx, tx, fact{Fact: payments.Fact{Intent: r.Intent}})
	if err != nil {
		return fmt.Errorf("payment %s: %w", r.Intent, err)
	}
	if c.Provider != provider {
		return fmt.Errorf("payment %s is not %s's", r.Intent, provider)
	}
	_, err = s.applyRefund(ctx, tx, c, r)
	return err
}

func (s *Service) applyRefund(ctx context.Context, tx *db.Tx, c Checkout, r payments.Refund) (bool, error) {
	fresh, err := s.upsertRefund(ctx, tx, c, r)
	if err != nil || !fresh {
		return false, err
	}
	if _, err := s.rebalance(ctx, tx, c, r.ID+"-"+string(r.State)); err != nil {
		return false, err
	}
	if s.OnRefund == nil {
		return true, nil
	}
	ids, err := s.listOrderIDs(ctx, tx, c.ID)
	if err != nil {
		return false, err
	}
	for _, o := range ids {
		if r.Order.IsZero() || r.Order == o {
			if err := s.OnRefund(ctx, tx, o, r); err != nil {
				return false, fmt.Errorf("order %s: %w", o, err)
			}
		}
	}
	return true, nil
}

func (s *Service) applyDispute(ctx context.Context, tx *db.Tx, c Checkout, d payments.Dispute) (bool, error) {
	now, fresh, err := s.upsertDispute(ctx, tx, c, d)
	if err != nil || !fresh {
		return false, err
	}
	if _, err := s.rebalance(ctx, tx, c, fmt.Sprintf("%s-%d-%d", now.ID, now.Withdrawn.Minor, now.Reinstated.Minor)); err != nil {
		return false, err
	}
	if s.OnDispute == nil {
		return true, nil
	}
	all, err := s.listOrdersOfCheckout(ctx, tx, c.ID)
	if err != nil {
		return false, err
	}
	return true, s.OnDispute(ctx, tx, all, now)
}

// rebalance brings the orders and the book up to what the provider's refunds and disputes say. The cause names
// the fact that made it necessary.
func (s *Service) rebalance(ctx context.Context, tx *db.Tx, c Checkout, cause string) (did bool, err error) {
	if c.Status != CheckoutPaid {
		return false, nil // it is kept, and counts as soon as the payment is booked
	}
	all, err := s.listOrdersOfCheckout(ctx, tx, c.ID)
	if err != nil {
		return false, err
	}
	refunds, err := s.RefundsOf(ctx, tx, c.ID)
	if err != nil {
		return false, err
	}
	sums, err := s.sumBack(ctx, tx, c.ID)
	if err != nil {
		return false, err
	}
	in := func(n int64) money.Amount { return money.Amount{Minor: n, Currency: c.Total.Currency} }
	b := giveBack(all, refunds, in(sums.Seen), in(sums.Disputed))
	if b.excess {
		return false, s.openCase(ctx, tx, fmt.Sprintf("refund:%s:%s", c.ID, cause), "More was given back than was paid.",
			details{"checkout": c.ID.String(), "cause": cause, "paid": c.Total.String()})
	}
	var es []ledger.Entry
	for i, o := range all {
		more, err := s.rebalanceOrder(ctx, tx, o, b.refunded[i], b.disputed[i], cause)
		if err != nil {
			return false, fmt.Errorf("order %s: %w", o.ID, err)
		}
		es = append(es, more...)
	}
	if _, err := ledger.PostAll(ctx, tx, es); err != nil {
		return false, fmt.Errorf("book %s: %w", cause, err)
	}
	return len(es) > 0, nil
}

// rebalanceOrder sets an order's sums and returns the entries for the differences.
func (s *Service) rebalanceOrder(ctx context.Context, tx *db.Tx, o Order, refunded, disputed money.Amount, cause string) ([]ledger.Entry, error) {
	if refunded == o.Refunded && disputed == o.Disputed {
		return nil, nil
	}
	net := netOf(o, refunded)
	both := netOf(o, refunded.Add(disputed))
	after := o
	after.Refunded, after.RefundedNet, after.Disputed, after.DisputedNet = refunded, net, disputed, both.Sub(net)
	if err := s.updateBack(ctx, tx, after); err != nil {
		return nil, err
	}
	if err := s.access(ctx, tx, o, after); err != nil {
		return nil, err
	}
	if refunded.Minor > o.Refunded.Minor {
		if err := job.Enqueue(ctx, tx, SendRefund{o.ID, refunded.Minor}, job.Key(fmt.Sprintf("refund:%s:%d", o.ID, refunded.Minor))); err != nil {
			return nil, err
		}
	}
	if err := event.Emit(ctx, tx, EventRefunded, o.Shop.String()); err != nil {
		return nil, err
	}
	var es []ledger.Entry
	for _, e := range []struct {
		kind      string
		more, net money.Amount
	}{
		{"refund", after.Refunded.Sub(o.Refunded), after.RefundedNet.Sub(o.RefundedNet)},
		{"dispute", after.Disputed.Sub(o.Disputed), after.DisputedNet.Sub(o.DisputedNet)},
	} {
		if e.more.IsZero() && e.net.IsZero() {
			continue
		}
		es = append(es, ledger.Entry{Key: e.kind + ":" + o.ID.String() + ":" + cause, Kind: e.kind, Lines: []ledger.Line{
			{Account: ledger.Provider(o.Provider), Amount: e.more},
			{Account: ledger.PlatformFees, Amount: e.more.Sub(e.net).Neg()},
			{Account: o.account(), Amount: e.net.Neg()},
		}})
	}
	return es, nil
}

// access takes the downloads back when everything was given back, and gives them again when it was not, after all.
func (s *Service) access(ctx context.Context, tx *db.Tx, before, after Order) error {
	whole := func(o Order) bool { return o.Refunded == o.Total }
	switch {
	case whole(after) && !whole(before) && !after.KeepAccess:
		return s.revokeEntitlements(ctx, tx, after.ID)
	case whole(before) && !whole(after):
		_, err := tx.Exec(ctx, `UPDATE entitlements SET revoked_at = NULL WHERE order_id = $1`, after.ID)
		return err
	}
	return nil
}

// Ask looks a payment up at its provider and applies what it says.
func (s *Service) Ask(ctx context.Context, checkout id.Checkout) error {
	c, err := s.findCheckout(ctx, s.DB, checkout)
	if err != nil || c.Provider == free {
		return err
	}
	if c.PaymentIntent == "" {
		_, err = s.look(ctx, c, false)
		return err
	}
	p, err := s.provider(c)
	if err != nil {
		return err
	}
	failpoint.Hit("orders.ask.before_call")
	f, err := p.Payment(ctx, c.PaymentIntent)
	failpoint.Hit("orders.ask.after_call")
	if err != nil {
		return fmt.Errorf("ask about %s: %w", c.ID, err)
	}
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		f.Checkout = c.ID
		_, err := s.settle(ctx, tx, fact{Fact: f})
		failpoint.Hit("orders.ask.before_commit")
		return err
	})
	failpoint.Hit("orders.ask.after_commit")
	return err
}

// RefundsOf lists a payment's refunds as the provider has told them.
func (s *Service) RefundsOf(ctx context.Context, q db.Q, c id.Checkout) ([]payments.Refund, error) {
	var rows []struct {
		Ref      string               `db:"ref"`
		Order    *id.Order            `db:"order_id"`
		Request  *id.Refund           `db:"request_id"`
		Currency money.Currency       `db:"currency"`
		Amount   int64                `db:"amount_minor"`
		State    payments.RefundState `db:"state"`
		Failure  string               `db:"failure"`
		At       time.Time            `db:"created_at"`
	}
	err := q.Select(ctx, &rows, `
		SELECT ref, order_id, request_id, currency, amount_minor, state, failure, created_at
		FROM payment_refunds WHERE checkout_id = $1 ORDER BY ref`, c)
	out := make([]payments.Refund, len(rows))
	for i, r := range rows {
		out[i] = payments.Refund{ID: r.Ref, Order: deref(r.Order), Request: deref(r.Request), Amount: money.Amount{Minor: r.Amount, Currency: r.Currency},
			State: r.State, Failure: r.Failure, At: r.At}
	}
	return out, err
}
