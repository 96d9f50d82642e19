package stripe

import (
	"errors"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v76"

	"vitrine/app/id"
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
			if e.DeclineCode != "" {
				f.Note = string(e.DeclineCode)
			}
			if m := e.PaymentMethod; m != nil && m.Card != nil {
				f.Card = payments.Card{Fingerprint: m.Card.Fingerprint, Country: m.Card.Country, Brand: string(m.Card.Brand), Funding: string(m.Card.Funding), Last4: m.Card.Last4}
			}
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
		f.Risk, f.Score = string(c.Outcome.RiskLevel), int(c.Outcome.RiskScore)
	}
	if d := c.PaymentMethodDetails; d != nil && d.Card != nil {
		f.Card = payments.Card{Fingerprint: d.Card.Fingerprint, Country: d.Card.Country, Brand: string(d.Card.Brand), Funding: string(d.Card.Funding), Last4: d.Card.Last4}
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

// refund reads a refund; one that was canceled has come to nothing, like one that failed.
func refund(r *stripe.Refund) payments.Refund {
	out := payments.Refund{ID: r.ID, Intent: intentOf(r.PaymentIntent), Amount: amount(r.Amount, r.Currency), State: payments.RefundSucceeded, At: at(r.Created)}
	switch r.Status {
	case stripe.RefundStatusPending, stripe.RefundStatusRequiresAction:
		out.State = payments.RefundPending
	case stripe.RefundStatusFailed, stripe.RefundStatusCanceled:
		out.State, out.Failure = payments.RefundFailed, string(r.FailureReason)
	}
	if v, err := id.Parse[id.RefundKind](r.Metadata[metaRefund]); err == nil {
		out.Request = v
	}
	if v, err := id.Parse[id.OrderKind](r.Metadata[metaOrder]); err == nil {
		out.Order = v
	}
	return out
}

// dispute reads a dispute. What it has moved so far are its balance transactions.
func dispute(d *stripe.Dispute) payments.Dispute {
	out := payments.Dispute{ID: d.ID, Intent: intentOf(d.PaymentIntent), Reason: string(d.Reason), Amount: amount(d.Amount, d.Currency), At: at(d.Created)}
	if d.Charge != nil {
		out.Charge = d.Charge.ID
	}
	switch d.Status {
	case stripe.DisputeStatusWarningNeedsResponse, stripe.DisputeStatusWarningUnderReview:
		out.Status = payments.DisputeInquiry
	case stripe.DisputeStatusWarningClosed:
		out.Status = payments.DisputeClosed
	case stripe.DisputeStatusUnderReview:
		out.Status = payments.DisputeReview
	case stripe.DisputeStatusWon:
		out.Status = payments.DisputeWon
	case stripe.DisputeStatusLost:
		out.Status = payments.DisputeLost
	default:
		out.Status = payments.DisputeOpen
	}
	if e := d.EvidenceDetails; e != nil && e.DueBy > 0 && !out.Status.Final() {
		out.Due = at(e.DueBy)
	}
	out.Withdrawn, out.Reinstated = amount(0, d.Currency), amount(0, d.Currency)
	for _, b := range d.BalanceTransactions {
		// The account may be kept in another currency: each movement is of the whole disputed amount.
		if b.Amount < 0 {
			out.Withdrawn = out.Withdrawn.Add(out.Amount)
		} else {
			out.Reinstated = out.Reinstated.Add(out.Amount)
		}
	}
	return out
}

func at(unix int64) time.Time { return time.Unix(unix, 0).UTC() }

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
