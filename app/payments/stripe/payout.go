package stripe

import (
	"context"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"

	"vitrine/app/money"
	"vitrine/app/payments"
)

var _ payments.Payer = (*Client)(nil)

// KeyLife is for how long Stripe promises to remember an idempotency key.
func (c *Client) KeyLife() time.Duration { return payments.KeyLife }

// Pay moves the amount to the creator's account, and from there to the bank. A transfer that was made stays made when
// the second step is refused: the payout has then failed, and Recover brings the money back.
func (c *Client) Pay(ctx context.Context, in payments.PayInput) (payments.Payment, error) {
	meta := map[string]string{metaPayout: in.Payout.String()}
	t := &stripe.TransferParams{Amount: stripe.Int64(in.Amount.Minor), Currency: lower(in.Amount.Currency), Destination: stripe.String(in.To),
		TransferGroup: stripe.String(in.Payout.String()), Metadata: meta}
	t.Context = ctx
	t.SetIdempotencyKey(in.Key() + "-transfer")
	tr, err := c.api.Transfers.New(t)
	if err != nil {
		return payments.Payment{}, explain(err)
	}
	out := payments.Payment{Payout: in.Payout, Account: in.To, Advance: tr.ID, Amount: in.Amount}
	p := &stripe.PayoutParams{Amount: stripe.Int64(in.Amount.Minor), Currency: lower(in.Amount.Currency), Metadata: meta}
	if s := statement(in.Note); s != "" {
		p.StatementDescriptor = stripe.String(s)
	}
	p.Context = ctx
	p.SetIdempotencyKey(in.Key())
	p.SetStripeAccount(in.To)
	po, err := c.api.Payouts.New(p)
	if err != nil {
		e := explain(err)
		if payments.OutcomeOf(e) != payments.Refused {
			return out, &payments.Error{Outcome: payments.Doubt, Code: code(e), Cause: e}
		}
		out.State, out.Failure, out.Why = payments.PaymentFailed, code(e), e.Error()
		return out, nil
	}
	out = payout(po, in.To)
	out.Payout, out.Advance = in.Payout, tr.ID
	return out, nil
}

// Look asks for the payout by its number, or searches both steps by ours. A transfer without a payout is a payout
// that failed.
func (c *Client) Look(ctx context.Context, in payments.PayInput) (payments.Payment, error) {
	if in.Ref != "" {
		p := &stripe.PayoutParams{}
		p.Context = ctx
		p.SetStripeAccount(in.To)
		po, err := c.api.Payouts.Get(in.Ref, p)
		if err != nil {
			return payments.Payment{}, gone(err)
		}
		out := payout(po, in.To)
		out.Payout, out.Advance = in.Payout, in.Advance
		return out, nil
	}
	tr, err := c.transfer(ctx, in)
	if err != nil {
		return payments.Payment{}, err
	}
	l := &stripe.PayoutListParams{CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: in.Since.Add(-time.Minute).Unix()}}
	l.Context = ctx
	l.Limit = stripe.Int64(100)
	l.SetStripeAccount(in.To)
	it := c.api.Payouts.List(l)
	for it.Next() {
		if po := it.Payout(); po.Metadata[metaPayout] == in.Payout.String() {
			out := payout(po, in.To)
			out.Advance = tr.ID
			return out, nil
		}
	}
	if err := it.Err(); err != nil {
		return payments.Payment{}, explain(err)
	}
	return payments.Payment{Payout: in.Payout, Account: in.To, Advance: tr.ID, Amount: in.Amount, State: payments.PaymentFailed, Failure: "never_sent"}, nil
}

// transfer finds the first step of a payout.
func (c *Client) transfer(ctx context.Context, in payments.PayInput) (*stripe.Transfer, error) {
	if in.Advance != "" {
		p := &stripe.TransferParams{}
		p.Context = ctx
		tr, err := c.api.Transfers.Get(in.Advance, p)
		if err != nil {
			return nil, explain(err)
		}
		return tr, nil
	}
	l := &stripe.TransferListParams{TransferGroup: stripe.String(in.Payout.String())}
	l.Context = ctx
	it := c.api.Transfers.List(l)
	if it.Next() {
		return it.Transfer(), nil
	}
	if err := it.Err(); err != nil {
		return nil, explain(err)
	}
	return nil, payments.ErrNone
}

// Recover reverses the transfer of a payout that failed.
func (c *Client) Recover(ctx context.Context, in payments.PayInput) error {
	tr, err := c.transfer(ctx, in)
	if err != nil {
		return err
	}
	if tr.Reversed {
		return nil
	}
	p := &stripe.TransferReversalParams{ID: stripe.String(tr.ID), Amount: stripe.Int64(in.Amount.Minor), Metadata: map[string]string{metaPayout: in.Payout.String()}}
	p.Context = ctx
	p.SetIdempotencyKey(in.Key() + "-recover")
	if _, err := c.api.TransferReversals.New(p); err != nil {
		return explain(err)
	}
	return nil
}

func payout(p *stripe.Payout, account string) payments.Payment {
	out := payments.Payment{Payout: payoutOf(p.Metadata), Account: account, Ref: p.ID, Amount: amount(p.Amount, p.Currency), State: payments.PaymentSent,
		Failure: string(p.FailureCode), Why: p.FailureMessage}
	if p.ArrivalDate > 0 {
		out.Arrives = at(p.ArrivalDate)
	}
	switch p.Status {
	case stripe.PayoutStatusPaid:
		out.State = payments.PaymentPaid
	case stripe.PayoutStatusFailed:
		out.State = payments.PaymentFailed
	case stripe.PayoutStatusCanceled:
		out.State = payments.PaymentFailed
		if out.Failure == "" {
			out.Failure = "canceled"
		}
	}
	return out
}

func code(err error) string {
	if e, ok := err.(*payments.Error); ok {
		return e.Code
	}
	return ""
}

func lower(c money.Currency) *string { return stripe.String(strings.ToLower(string(c))) }
