package stripe

import (
	"context"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"

	"vitrine/app/payments"
)

var _ payments.Intents = (*Client)(nil)

// Intent opens a PaymentIntent for a page that is not Stripe's.
func (c *Client) Intent(ctx context.Context, in payments.BeginInput) (payments.Intent, error) {
	p := &stripe.PaymentIntentParams{
		Amount: stripe.Int64(in.Total.Minor), Currency: lower(in.Total.Currency), ReceiptEmail: stripe.String(in.Email),
		Metadata: map[string]string{metaCheckout: in.Checkout.String()}, TransferGroup: stripe.String(in.Checkout.String()),
		AutomaticPaymentMethods: &stripe.PaymentIntentAutomaticPaymentMethodsParams{Enabled: stripe.Bool(true)},
	}
	if suffix := statement(in.Shop); suffix != "" {
		p.StatementDescriptorSuffix = stripe.String(suffix)
	}
	p.Context = ctx
	p.SetIdempotencyKey(in.Key())
	return full(c.api.PaymentIntents.New(p))
}

// FindIntent looks through the PaymentIntents that were opened around that time.
func (c *Client) FindIntent(ctx context.Context, in payments.FindInput) (payments.Intent, error) {
	p := &stripe.PaymentIntentListParams{
		CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: in.CreatedAt.Add(-time.Minute).Unix(), LesserThanOrEqual: in.CreatedAt.Add(25 * time.Hour).Unix()},
	}
	p.Context = ctx
	p.Limit = stripe.Int64(100)
	it := c.api.PaymentIntents.List(p)
	for it.Next() {
		if pi := it.PaymentIntent(); pi.Metadata[metaCheckout] == in.Checkout.String() {
			return c.ReadIntent(ctx, pi.ID)
		}
	}
	if err := it.Err(); err != nil {
		return payments.Intent{}, explain(err)
	}
	return payments.Intent{}, payments.ErrNone
}

// ReadIntent asks how a PaymentIntent stands.
func (c *Client) ReadIntent(ctx context.Context, intentID string) (payments.Intent, error) {
	p := &stripe.PaymentIntentParams{}
	p.Context = ctx
	p.AddExpand("latest_charge")
	return full(c.api.PaymentIntents.Get(intentID, p))
}

// Confirm pays.
func (c *Client) Confirm(ctx context.Context, in payments.ConfirmInput) (payments.Intent, error) {
	p := &stripe.PaymentIntentConfirmParams{PaymentMethod: stripe.String(in.Method), ReturnURL: stripe.String(in.ReturnURL)}
	p.Context = ctx
	p.AddExpand("latest_charge")
	p.SetIdempotencyKey(in.Key)
	return full(c.api.PaymentIntents.Confirm(in.Intent, p))
}

// CancelIntent ends a PaymentIntent. Refused: it is over, one way or the other.
func (c *Client) CancelIntent(ctx context.Context, intentID string) (payments.Intent, error) {
	p := &stripe.PaymentIntentCancelParams{}
	p.Context = ctx
	p.SetIdempotencyKey("cancel-" + intentID)
	if _, err := c.api.PaymentIntents.Cancel(intentID, p); err != nil {
		if e := explain(err); payments.OutcomeOf(e) != payments.Refused {
			return payments.Intent{}, e
		}
	}
	return c.ReadIntent(ctx, intentID)
}

func full(p *stripe.PaymentIntent, err error) (payments.Intent, error) {
	if err != nil {
		return payments.Intent{}, explain(err)
	}
	out := payments.Intent{Fact: intent(p), Secret: p.ClientSecret, Status: string(p.Status)}
	if n := p.NextAction; n != nil && n.RedirectToURL != nil && strings.HasPrefix(n.RedirectToURL.URL, "http") {
		out.Next = n.RedirectToURL.URL
	}
	return out, nil
}
