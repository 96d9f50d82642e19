// Package stripe takes payments through Stripe's hosted Checkout page. It is the only place that knows
// stripe-go. It uses a client of its own with its own address, so that the sandbox is spoken to in the same way.
package stripe

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/payments"
)

// Options are where Stripe is and what we are there.
type Options struct {
	Key            string
	APIURL         string
	WebhookSecrets string // comma-separated: the old one and the new one while they are rotated
	Timeout        time.Duration
	Retries        int64
}

// Client is the port to Stripe.
type Client struct {
	api     *client.API
	secrets []string
	live    bool
}

var _ payments.Provider = (*Client)(nil)

// New makes a client; it does not call anybody.
func New(o Options) *Client {
	if o.Timeout == 0 {
		o.Timeout = 20 * time.Second
	}
	be := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: stripe.String(strings.TrimRight(o.APIURL, "/")), MaxNetworkRetries: stripe.Int64(o.Retries), EnableTelemetry: stripe.Bool(false),
		HTTPClient: &http.Client{Timeout: o.Timeout}, LeveledLogger: logger{},
	})
	c := &Client{api: client.New(o.Key, &stripe.Backends{API: be, Connect: be, Uploads: be}),
		live: strings.HasPrefix(o.Key, "sk_live_") || strings.HasPrefix(o.Key, "rk_live_")}
	for s := range strings.SplitSeq(o.WebhookSecrets, ",") {
		if s = strings.TrimSpace(s); s != "" {
			c.secrets = append(c.secrets, s)
		}
	}
	return c
}

// Name is what rows and ledger accounts call it.
func (c *Client) Name() string { return "stripe" }

// Keys under which our ids travel: on sessions, payments and charges, on refunds, on transfers and payouts, on accounts.
const (
	metaCheckout   = "checkout"
	metaOrder      = "order"
	metaRefund     = "refund"
	metaPayout     = "payout"
	metaCreator    = "creator"
	metaGeneration = "generation"
)

// Begin opens the hosted page.
func (c *Client) Begin(ctx context.Context, in payments.BeginInput) (payments.Session, error) {
	meta := map[string]string{metaCheckout: in.Checkout.String()}
	p := &stripe.CheckoutSessionParams{
		Mode: stripe.String(string(stripe.CheckoutSessionModePayment)), CustomerEmail: stripe.String(in.Email),
		ClientReferenceID: stripe.String(in.Checkout.String()), Metadata: meta,
		SuccessURL: stripe.String(in.SuccessURL), CancelURL: stripe.String(in.CancelURL),
		ExpiresAt: stripe.Int64(in.ExpiresAt.Unix()), Locale: stripe.String(locale(in.Locale)),
		PaymentIntentData: &stripe.CheckoutSessionPaymentIntentDataParams{Metadata: meta, TransferGroup: stripe.String(in.Checkout.String())},
	}
	if suffix := statement(in.Shop); suffix != "" {
		p.PaymentIntentData.StatementDescriptorSuffix = stripe.String(suffix)
	}
	for _, l := range in.Lines {
		p.LineItems = append(p.LineItems, &stripe.CheckoutSessionLineItemParams{
			Quantity: stripe.Int64(int64(l.Quantity)),
			PriceData: &stripe.CheckoutSessionLineItemPriceDataParams{
				Currency: stripe.String(strings.ToLower(string(l.Unit.Currency))), UnitAmount: stripe.Int64(l.Unit.Minor),
				ProductData: &stripe.CheckoutSessionLineItemPriceDataProductDataParams{Name: stripe.String(l.Name)},
			},
		})
	}
	p.Context = ctx
	p.SetIdempotencyKey(in.Key())
	s, err := c.api.CheckoutSessions.New(p)
	if err != nil {
		return payments.Session{}, explain(err)
	}
	return session(s), nil
}

// Session asks how a page stands, with its payment.
func (c *Client) Session(ctx context.Context, sessionID string) (payments.Session, error) {
	p := &stripe.CheckoutSessionParams{}
	p.Context = ctx
	p.AddExpand("payment_intent.latest_charge")
	s, err := c.api.CheckoutSessions.Get(sessionID, p)
	if err != nil {
		return payments.Session{}, explain(err)
	}
	return session(s), nil
}

// Find looks through the pages that were opened around that time for the buyer.
func (c *Client) Find(ctx context.Context, in payments.FindInput) (payments.Session, error) {
	p := &stripe.CheckoutSessionListParams{
		CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: in.CreatedAt.Add(-time.Minute).Unix(), LesserThanOrEqual: in.CreatedAt.Add(25 * time.Hour).Unix()},
	}
	p.Context = ctx
	p.Limit = stripe.Int64(100)
	it := c.api.CheckoutSessions.List(p)
	for it.Next() {
		if s := it.CheckoutSession(); s.ClientReferenceID == in.Checkout.String() {
			return c.Session(ctx, s.ID)
		}
	}
	if err := it.Err(); err != nil {
		return payments.Session{}, explain(err)
	}
	return payments.Session{}, payments.ErrNone
}

// Expire closes an open page.
func (c *Client) Expire(ctx context.Context, sessionID string) (payments.Session, error) {
	p := &stripe.CheckoutSessionExpireParams{}
	p.Context = ctx
	p.SetIdempotencyKey("expire-" + sessionID)
	if _, err := c.api.CheckoutSessions.Expire(sessionID, p); err != nil {
		if e := explain(err); payments.OutcomeOf(e) != payments.Refused {
			return payments.Session{}, e
		}
		// Refused: the page is not open any more. How it ended is what the look-up says.
	}
	return c.Session(ctx, sessionID)
}

// Payment asks how a payment stands, with its refunds and disputes.
func (c *Client) Payment(ctx context.Context, intentID string) (payments.Fact, error) {
	p := &stripe.PaymentIntentParams{}
	p.Context = ctx
	p.AddExpand("latest_charge.refunds")
	pi, err := c.api.PaymentIntents.Get(intentID, p)
	if err != nil {
		return payments.Fact{}, explain(err)
	}
	f := intent(pi)
	ch := pi.LatestCharge
	if f.State != payments.Succeeded || ch == nil {
		return f, nil
	}
	if f.Refunds, err = c.refunds(ctx, ch); err != nil {
		return f, err
	}
	if ch.Disputed {
		if f.Disputes, err = c.disputes(ctx, intentID); err != nil {
			return f, err
		}
	}
	f.Whole = true
	return f, nil
}

// refunds are all of a charge's; ten at most come with it.
func (c *Client) refunds(ctx context.Context, ch *stripe.Charge) (out []payments.Refund, err error) {
	if ch.Refunds == nil {
		return nil, nil
	}
	all := ch.Refunds.Data
	if ch.Refunds.HasMore {
		p := &stripe.RefundListParams{Charge: stripe.String(ch.ID)}
		p.Context = ctx
		p.Limit = stripe.Int64(100)
		all = nil
		it := c.api.Refunds.List(p)
		for it.Next() {
			all = append(all, it.Refund())
		}
		if err := it.Err(); err != nil {
			return nil, explain(err)
		}
	}
	for _, r := range all {
		out = append(out, refund(r))
	}
	return out, nil
}

func (c *Client) disputes(ctx context.Context, intentID string) (out []payments.Dispute, err error) {
	p := &stripe.DisputeListParams{PaymentIntent: stripe.String(intentID)}
	p.Context = ctx
	it := c.api.Disputes.List(p)
	for it.Next() {
		out = append(out, dispute(it.Dispute()))
	}
	if err := it.Err(); err != nil {
		return nil, explain(err)
	}
	return out, nil
}

// Refund gives back a part of a payment.
func (c *Client) Refund(ctx context.Context, in payments.RefundInput) (payments.Refund, error) {
	p := &stripe.RefundParams{PaymentIntent: stripe.String(in.Intent), Amount: stripe.Int64(in.Amount.Minor),
		Metadata: map[string]string{metaRefund: in.Request.String(), metaOrder: in.Order.String()}}
	p.Reason = stripe.String(string(stripe.RefundReasonRequestedByCustomer))
	if in.Fraud {
		p.Reason = stripe.String(string(stripe.RefundReasonFraudulent))
	}
	p.Context = ctx
	p.SetIdempotencyKey(in.Key())
	r, err := c.api.Refunds.New(p)
	if err != nil {
		return payments.Refund{}, explain(err)
	}
	return refund(r), nil
}

// Movements reads the account's balance transactions with what they belong to.
func (c *Client) Movements(ctx context.Context, since time.Time, each func(payments.Movement) error) error {
	p := &stripe.BalanceTransactionListParams{}
	if !since.IsZero() {
		p.CreatedRange = &stripe.RangeQueryParams{GreaterThanOrEqual: since.Unix()}
	}
	p.Context = ctx
	p.Limit = stripe.Int64(100)
	p.AddExpand("data.source")
	it := c.api.BalanceTransactions.List(p)
	for it.Next() {
		if err := each(movement(it.BalanceTransaction())); err != nil {
			return err
		}
	}
	if err := it.Err(); err != nil {
		return explain(err)
	}
	return nil
}

// movement takes amounts from what was charged or refunded: the account may be kept in another currency.
func movement(b *stripe.BalanceTransaction) payments.Movement {
	m := payments.Movement{ID: b.ID, Kind: payments.MovementOther, Amount: amount(b.Amount, b.Currency), Fee: amount(b.Fee, b.Currency), At: at(b.Created), Available: at(b.AvailableOn)}
	if b.Source != nil {
		m.Source = b.Source.ID
	}
	switch s := b.Source; {
	case s == nil:
	case s.Charge != nil && (b.Type == stripe.BalanceTransactionTypeCharge || b.Type == stripe.BalanceTransactionTypePayment):
		m.Kind, m.Intent = payments.MovementCharge, intentOf(s.Charge.PaymentIntent)
		m.Amount = amount(s.Charge.Amount, s.Charge.Currency)
	case s.Refund != nil && b.Amount < 0:
		m.Kind, m.Intent = payments.MovementRefund, intentOf(s.Refund.PaymentIntent)
		m.Amount = amount(-s.Refund.Amount, s.Refund.Currency)
	case s.Refund != nil: // a refund that could not be delivered came back
		m.Kind, m.Intent = payments.MovementRefund, intentOf(s.Refund.PaymentIntent)
		m.Amount = amount(s.Refund.Amount, s.Refund.Currency)
	case s.Dispute != nil:
		m.Kind, m.Intent = payments.MovementDispute, intentOf(s.Dispute.PaymentIntent)
		m.Amount = amount(s.Dispute.Amount, s.Dispute.Currency)
		if b.Amount < 0 {
			m.Amount = m.Amount.Neg()
		}
	case s.Transfer != nil:
		m.Kind, m.Payout = payments.MovementPayout, payoutOf(s.Transfer.Metadata)
	case s.TransferReversal != nil:
		m.Kind, m.Payout = payments.MovementPayout, payoutOf(s.TransferReversal.Metadata)
	}
	return m
}

func payoutOf(meta map[string]string) (p id.Payout) {
	if v, err := id.Parse[id.PayoutKind](meta[metaPayout]); err == nil {
		p = v
	}
	return p
}

func amount(minor int64, c stripe.Currency) money.Amount {
	return money.Amount{Minor: minor, Currency: money.Currency(strings.ToUpper(string(c)))}
}

func intentOf(p *stripe.PaymentIntent) string {
	if p == nil {
		return ""
	}
	return p.ID
}

func checkoutOf(meta map[string]string, reference string) id.Checkout {
	for _, s := range []string{meta[metaCheckout], reference} {
		if c, err := id.Parse[id.CheckoutKind](s); err == nil {
			return c
		}
	}
	return id.Checkout{}
}

// locales are those of the hosted page that our catalogue may ask for; everything else is left to the browser.
const locales = " bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR ro ru sk sl sv th tr vi zh zh-HK zh-TW "

func locale(s string) string {
	if s != "" && strings.Contains(locales, " "+s+" ") {
		return s
	}
	return "auto"
}

// statement makes a shop's name fit for a bank statement beside the platform's; empty when it cannot.
func statement(shop string) string {
	var b strings.Builder
	letter := false
	for _, r := range shop {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z':
			letter = true
		case r >= '0' && r <= '9', r == ' ', r == '.', r == '-':
		default:
			continue
		}
		b.WriteRune(r)
	}
	s := strings.ToUpper(strings.Join(strings.Fields(b.String()), " "))
	if len(s) > 10 { // the prefix may have ten, and both together with "* " twenty-two
		s = strings.TrimSpace(s[:10])
	}
	if !letter || len(s) < 2 {
		return ""
	}
	return s
}

// logger keeps stripe-go from writing to stderr; errors come back as errors anyway.
type logger struct{}

func (logger) Debugf(string, ...any) {}
func (logger) Infof(string, ...any)  {}
func (logger) Warnf(f string, v ...any) {
	slog.Debug("stripe client", "said", fmt.Sprintf(f, v...))
}
func (logger) Errorf(f string, v ...any) {
	slog.Debug("stripe client", "said", fmt.Sprintf(f, v...))
}
