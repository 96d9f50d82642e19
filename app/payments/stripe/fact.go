package stripe

import (
	"errors"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v76"

	"vitrine/app/payments"
)

// session reads a Checkout Session, with its payment where that was expanded.
func session(s *stripe.CheckoutSession) payments.Session {
	out := payments.Session{ID: s.ID, ExpiresAt: time.Unix(s.ExpiresAt, 0).UTC(), Open: s.Status == stripe.CheckoutSessionStatusOpen}
	if out.Open {
		out.URL = s.URL
	}
	f := payments.Fact{}
	if s.PaymentIntent != nil {
		f = intent(s.PaymentIntent)
	}
	f.Session, f.Checkout, f.Amount = s.ID, checkoutOf(s.Metadata, s.ClientReferenceID), amount(s.AmountTotal, s.Currency)
	f.State = sessionState(s)
	out.Fact = f
	return out
}

func sessionState(s *stripe.CheckoutSession) payments.State {
	switch s.Status {
	case stripe.CheckoutSessionStatusOpen:
		return payments.Waiting
	case stripe.CheckoutSessionStatusExpired:
		return payments.Over
	}
	if s.PaymentStatus != stripe.CheckoutSessionPaymentStatusUnpaid {
		return payments.Succeeded
	}
	if s.PaymentIntent != nil {
		// Complete and not paid: on its way, or it failed on its way. The page cannot be paid a second time.
		switch s.PaymentIntent.Status {
		case stripe.PaymentIntentStatusSucceeded:
			return payments.Succeeded
		case stripe.PaymentIntentStatusRequiresPaymentMethod, stripe.PaymentIntentStatusCanceled:
			return payments.Over
		}
	}
	return payments.Processing
}

// intent reads a payment, with its charge where that was expanded.
func intent(p *stripe.PaymentIntent) payments.Fact {
	f := payments.Fact{Checkout: checkoutOf(p.Metadata, ""), Intent: p.ID, Amount: amount(p.Amount, p.Currency)}
	switch p.Status {
	case stripe.PaymentIntentStatusSucceeded:
		f.State, f.Amount = payments.Succeeded, amount(p.AmountReceived, p.Currency)
	case stripe.PaymentIntentStatusProcessing:
		f.State = payments.Processing
	case stripe.PaymentIntentStatusCanceled:
		f.State = payments.Over
	case stripe.PaymentIntentStatusRequiresPaymentMethod:
		// Declined, or not tried yet. Whether another try is possible is for the page to say.
		if e := p.LastPaymentError; e != nil {
			f.Note = string(e.Code)
		}
	default:
		f.State = payments.Waiting
	}
	if c := p.LatestCharge; c != nil && c.Amount > 0 && f.State == payments.Succeeded {
		withCharge(&f, c)
	}
	return f
}

func withCharge(f *payments.Fact, c *stripe.Charge) {
	f.Charge, f.Refunded = c.ID, amount(c.AmountRefunded, c.Currency)
	if c.Outcome != nil {
		f.Risk = string(c.Outcome.RiskLevel)
	}
}

// charge reads a charge that has taken money.
func charge(c *stripe.Charge) payments.Fact {
	f := payments.Fact{Checkout: checkoutOf(c.Metadata, ""), Intent: intentOf(c.PaymentIntent), Amount: amount(c.Amount, c.Currency)}
	if c.Status == stripe.ChargeStatusSucceeded {
		f.State = payments.Succeeded
		withCharge(&f, c)
	}
	return f
}

// explain sorts errors by what is known after them.
func explain(err error) error {
	var se *stripe.Error
	if !errors.As(err, &se) {
		return &payments.Error{Outcome: payments.Doubt, Cause: err} // no answer: it may have been done
	}
	e := &payments.Error{Code: string(se.Code), Cause: err}
	if e.Code == "" {
		e.Code = string(se.Type)
	}
	switch s := se.HTTPStatusCode; {
	case s == http.StatusTooManyRequests, s == http.StatusConflict, s == http.StatusUnauthorized, s == http.StatusForbidden, s == http.StatusServiceUnavailable:
		e.Outcome = payments.Again
	case s >= 500, s == 0:
		e.Outcome = payments.Doubt
		e.Answered = s >= 500
	default:
		e.Outcome = payments.Refused
		e.Message = se.Msg
	}
	return e
}
