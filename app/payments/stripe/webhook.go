package stripe

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"

	"vitrine/app/payments"
)

const tolerance = 300 * time.Second

// ParseWebhook checks the signature on the raw body against each of the secrets, then reads the event.
func (c *Client) ParseWebhook(body []byte, header http.Header) (payments.Event, error) {
	err, signature := error(webhook.ErrNotSigned), header.Get("Stripe-Signature")
	for _, s := range c.secrets {
		if err = webhook.ValidatePayloadWithTolerance(body, signature, s, tolerance); err == nil {
			break
		}
	}
	if err != nil {
		return payments.Event{}, fmt.Errorf("%w: %w", payments.ErrSignature, err)
	}
	e, err := read(body)
	switch {
	case err != nil:
		return payments.Event{}, fmt.Errorf("%w: %w", payments.ErrEvent, err)
	case e.APIVersion != stripe.APIVersion:
		slog.Error("webhook of another API version: set the endpoint to ours", "event", e.ID, "version", e.APIVersion, "ours", stripe.APIVersion)
		return payments.Event{}, fmt.Errorf("%w: version %s", payments.ErrEvent, e.APIVersion)
	case e.Livemode != c.live:
		slog.Error("webhook of the other mode", "event", e.ID, "live", e.Livemode)
		return payments.Event{}, fmt.Errorf("%w: live mode %v", payments.ErrEvent, e.Livemode)
	}
	return event(e)
}

// ParseEvent reads a body that ParseWebhook has accepted.
func (c *Client) ParseEvent(body []byte) (payments.Event, error) {
	e, err := read(body)
	if err != nil {
		return payments.Event{}, fmt.Errorf("%w: %w", payments.ErrEvent, err)
	}
	return event(e)
}

func read(body []byte) (e stripe.Event, err error) {
	if err = json.Unmarshal(body, &e); err == nil && (e.ID == "" || e.Type == "" || e.Object != "event" || e.Data == nil) {
		err = errors.New("not an event")
	}
	return e, err
}

// event turns what happened at Stripe into a fact. Of what happens on creators' accounts, the account itself and its
// payouts are ours.
func event(e stripe.Event) (payments.Event, error) {
	out := payments.Event{ID: e.ID, Type: string(e.Type), Created: time.Unix(e.Created, 0).UTC(), Live: e.Livemode}
	if e.Account != "" {
		return connected(out, e)
	}
	var err error
	switch e.Type {
	case stripe.EventTypeCheckoutSessionCompleted, stripe.EventTypeCheckoutSessionAsyncPaymentSucceeded,
		stripe.EventTypeCheckoutSessionAsyncPaymentFailed, stripe.EventTypeCheckoutSessionExpired:
		var s stripe.CheckoutSession
		err = json.Unmarshal(e.Data.Raw, &s)
		out.Known, out.Fact = true, session(&s).Fact
		if e.Type == stripe.EventTypeCheckoutSessionAsyncPaymentFailed {
			out.Fact.State = payments.Over
		}
	case stripe.EventTypePaymentIntentSucceeded, stripe.EventTypePaymentIntentPaymentFailed,
		stripe.EventTypePaymentIntentProcessing, stripe.EventTypePaymentIntentCanceled:
		var p stripe.PaymentIntent
		err = json.Unmarshal(e.Data.Raw, &p)
		out.Known, out.Fact = true, intent(&p)
	case stripe.EventTypeChargeSucceeded, stripe.EventTypeChargeRefunded:
		var c stripe.Charge
		err = json.Unmarshal(e.Data.Raw, &c)
		out.Known, out.Fact, out.Look = true, charge(&c), e.Type == stripe.EventTypeChargeRefunded
	case stripe.EventTypeChargeRefundUpdated, stripe.EventTypeRefundCreated, stripe.EventTypeRefundUpdated, refundFailed:
		var r stripe.Refund
		err = json.Unmarshal(e.Data.Raw, &r)
		out.Known, out.Look, out.Fact = true, true, payments.Fact{Intent: intentOf(r.PaymentIntent), Refunds: []payments.Refund{refund(&r)}}
	case stripe.EventTypeChargeDisputeCreated, stripe.EventTypeChargeDisputeUpdated, stripe.EventTypeChargeDisputeClosed,
		stripe.EventTypeChargeDisputeFundsWithdrawn, stripe.EventTypeChargeDisputeFundsReinstated:
		var d stripe.Dispute
		err = json.Unmarshal(e.Data.Raw, &d)
		out.Known, out.Look, out.Fact = true, true, payments.Fact{Intent: intentOf(d.PaymentIntent), Disputes: []payments.Dispute{dispute(&d)}}
	case stripe.EventTypeRadarEarlyFraudWarningCreated, stripe.EventTypeRadarEarlyFraudWarningUpdated:
		var w stripe.RadarEarlyFraudWarning
		err = json.Unmarshal(e.Data.Raw, &w)
		out.Known, out.Warning = true, &payments.Warning{ID: w.ID, Intent: intentOf(w.PaymentIntent), Kind: string(w.FraudType), At: at(w.Created)}
		if w.Charge != nil {
			out.Warning.Charge = w.Charge.ID
		}
	}
	if err != nil {
		return out, fmt.Errorf("%w: %s: %w", payments.ErrEvent, e.Type, err)
	}
	if out.Known && out.Fact.State == payments.Succeeded && out.Fact.Charge == "" {
		out.Look = true // paid, but nothing yet of what the bank and Radar said
	}
	return out, nil
}

// refundFailed is newer than the client library.
const refundFailed stripe.EventType = "refund.failed"

// connected reads what happened on a creator's account.
func connected(out payments.Event, e stripe.Event) (payments.Event, error) {
	var err error
	switch e.Type {
	case stripe.EventTypeAccountUpdated:
		var a stripe.Account
		err = json.Unmarshal(e.Data.Raw, &a)
		v := account(&a)
		out.Known, out.Account = true, &v
	case stripe.EventTypeAccountApplicationDeauthorized:
		out.Known, out.Account = true, &payments.Account{Number: e.Account, Gone: true}
	case stripe.EventTypePayoutCreated, stripe.EventTypePayoutUpdated, stripe.EventTypePayoutPaid, stripe.EventTypePayoutFailed, stripe.EventTypePayoutCanceled:
		var p stripe.Payout
		err = json.Unmarshal(e.Data.Raw, &p)
		v := payout(&p, e.Account)
		out.Known, out.Payout = !v.Payout.IsZero(), &v
	}
	if err != nil {
		return out, fmt.Errorf("%w: %s: %w", payments.ErrEvent, e.Type, err)
	}
	return out, nil
}
