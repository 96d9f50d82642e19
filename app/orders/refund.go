package orders

import (
	"context"
	"fmt"

	"vitrine/app/db"
	"vitrine/app/event"
	"vitrine/app/job"
	"vitrine/app/ledger"
	"vitrine/app/money"
)

// refund books what was given back of a checkout, in all so far. Less than is booked is old news.
func (s *Service) refund(ctx context.Context, tx *db.Tx, c Checkout, total money.Amount) (did bool, err error) {
	if total.Currency != c.Total.Currency || total.Minor > c.Total.Minor {
		return false, s.openCase(ctx, tx, fmt.Sprintf("refund:%s:%d", c.ID, total.Minor), "More was given back than was paid.",
			details{"checkout": c.ID.String(), "refunded": total.String(), "paid": c.Total.String()})
	}
	all, err := s.listOrdersOfCheckout(ctx, tx, c.ID)
	if err != nil {
		return false, err
	}
	var es []ledger.Entry
	for i, part := range spread(total, all) {
		o := all[i]
		if part.Minor <= o.Refunded.Minor {
			continue
		}
		e, err := s.refundOrder(ctx, tx, o, part)
		if err != nil {
			return false, fmt.Errorf("refund %s: %w", o.ID, err)
		}
		es = append(es, e...)
	}
	if _, err := ledger.PostAll(ctx, tx, es); err != nil {
		return false, fmt.Errorf("book refund: %w", err)
	}
	return len(es) > 0, nil
}

// refundOrder raises an order's refund to part and returns the entry for the difference.
func (s *Service) refundOrder(ctx context.Context, tx *db.Tx, o Order, part money.Amount) ([]ledger.Entry, error) {
	net := netOf(o, part)
	n, err := s.updateRefunded(ctx, tx, o, part.Minor, net.Minor)
	if err != nil || n == 0 {
		return nil, err
	}
	if part == o.Total {
		if err := s.revokeEntitlements(ctx, tx, o.ID); err != nil {
			return nil, err
		}
	}
	if err := job.Enqueue(ctx, tx, SendRefund{o.ID, part.Minor}, job.Key(refundKey(o, part))); err != nil {
		return nil, err
	}
	if err := event.Emit(ctx, tx, EventRefunded, o.Shop.String()); err != nil {
		return nil, err
	}
	more, moreNet := part.Sub(o.Refunded), net.Sub(o.RefundedNet)
	return []ledger.Entry{{Key: refundKey(o, part), Kind: "refund", Lines: []ledger.Line{
		{Account: ledger.Provider(o.Provider), Amount: more},
		{Account: ledger.PlatformFees, Amount: more.Sub(moreNet).Neg()},
		{Account: ledger.Pending(o.Creator), Amount: moreNet.Neg()},
	}}}, nil
}

// refundKey names the fact that so much of an order is given back in all.
func refundKey(o Order, part money.Amount) string {
	return fmt.Sprintf("refund:%s:%d", o.ID, part.Minor)
}

// netOf is the creator's part of a cumulative refund. A full refund gives back exactly what was booked.
func netOf(o Order, part money.Amount) money.Amount {
	if o.Total.IsZero() {
		return part
	}
	return part.Split(o.Net.Minor, o.Fee.Minor)[0]
}

// spread shares a cumulative refund over the orders of a checkout by their totals. It takes one order after
// the other against the rest, so that no order's part ever shrinks when the refund grows.
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
