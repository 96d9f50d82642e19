package paypal

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"vitrine/app/id"
	"vitrine/app/payments"
)

type refundIn struct {
	Amount value  `json:"amount"`
	Custom string `json:"custom_id"`
	Note   string `json:"note_to_payer,omitempty"`
}

// Refund gives back a part of a capture. PayPal knows the key for 45 days.
func (c *Client) Refund(ctx context.Context, in payments.RefundInput) (payments.Refund, error) {
	v, err := amount(in.Amount)
	if err != nil {
		return payments.Refund{}, err
	}
	charge := in.Charge
	if charge == "" {
		f, err := c.Payment(ctx, in.Intent)
		if err != nil {
			return payments.Refund{}, err
		}
		if charge = f.Charge; charge == "" {
			return payments.Refund{}, refuse("NOT_CAPTURED", in.Amount)
		}
	}
	body := refundIn{Amount: v, Custom: in.Request.String() + "/" + in.Order.String(), Note: clip(in.Note, 255)}
	var out refund
	if err := c.call(ctx, http.MethodPost, "/v2/payments/captures/"+url.PathEscape(charge)+"/refund", in.Key(), body, &out); err != nil {
		return payments.Refund{}, err
	}
	return out.read(in.Intent)
}

// read takes in a refund of a payment.
func (r refund) read(intent string) (payments.Refund, error) {
	a, err := r.Amount.read()
	out := payments.Refund{ID: r.ID, Intent: intent, Amount: a, State: payments.RefundSucceeded, At: r.Created.UTC()}
	switch r.Status {
	case "PENDING":
		out.State = payments.RefundPending
	case "FAILED", "CANCELLED":
		out.State, out.Failure = payments.RefundFailed, strings.ToLower(r.Status)
		if r.Details.Reason != "" {
			out.Failure = strings.ToLower(r.Details.Reason)
		}
	}
	request, of, ours := strings.Cut(r.Custom, "/")
	if v, err := id.Parse[id.RefundKind](request); ours && err == nil {
		out.Request = v
	}
	if v, err := id.Parse[id.OrderKind](of); ours && err == nil {
		out.Order = v
	}
	return out, err
}
