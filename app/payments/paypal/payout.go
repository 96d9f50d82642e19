package paypal

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"vitrine/app/id"
	"vitrine/app/payments"
)

var _ payments.Payer = (*Client)(nil)

// KeyLife is for how long PayPal refuses a batch that it has seen.
func (c *Client) KeyLife() time.Duration { return 30 * 24 * time.Hour }

// payoutItem is one payout, as PayPal shows it.
type payoutItem struct {
	ID     string `json:"payout_item_id"`
	Batch  string `json:"payout_batch_id"`
	Status string `json:"transaction_status"`
	Fee    value  `json:"payout_item_fee"`
	Item   struct {
		Amount value  `json:"amount"`
		Ours   string `json:"sender_item_id"`
	} `json:"payout_item"`
	Errors struct {
		Name    string `json:"name"`
		Message string `json:"message"`
	} `json:"errors"`
}

// read takes in a payout. What nobody has claimed yet, or PayPal holds back, is on its way until it comes back.
func (i payoutItem) read() (payments.Payment, error) {
	a, err := i.Item.Amount.read()
	if err != nil {
		return payments.Payment{}, err
	}
	out := payments.Payment{Ref: i.ID, Advance: i.Batch, State: payments.PaymentSent, Amount: a, Failure: i.Errors.Name, Why: i.Errors.Message}
	if v, err := id.Parse[id.PayoutKind](i.Item.Ours); err == nil {
		out.Payout = v
	}
	if i.Fee.Value != "" {
		if out.Fee, err = i.Fee.read(); err != nil {
			return out, err
		}
	}
	switch i.Status {
	case "SUCCESS":
		out.State = payments.PaymentPaid
	case "FAILED", "DENIED":
		out.State = payments.PaymentFailed
	case "RETURNED", "REFUNDED", "REVERSED":
		out.State = payments.PaymentReturned
	}
	if out.Failure == "" && i.Status != "SUCCESS" && i.Status != "PENDING" && i.Status != "NEW" {
		out.Failure = i.Status
	}
	return out, nil
}

type oldValue struct {
	Currency string `json:"currency"`
	Value    string `json:"value"`
}

type batchIn struct {
	Header struct {
		Ours    string `json:"sender_batch_id"`
		Subject string `json:"email_subject,omitempty"`
	} `json:"sender_batch_header"`
	Items []batchItem `json:"items"`
}

type batchItem struct {
	Kind     string   `json:"recipient_type"`
	Receiver string   `json:"receiver"`
	Ours     string   `json:"sender_item_id"`
	Note     string   `json:"note,omitempty"`
	Amount   oldValue `json:"amount"`
}

// Pay sends a payout as a batch of one. PayPal refuses a batch that it knows and says where it is, so a call that is
// made again finds the payout of the first.
func (c *Client) Pay(ctx context.Context, in payments.PayInput) (payments.Payment, error) {
	v, err := write(in.Amount)
	if err != nil {
		return payments.Payment{}, err
	}
	var b batchIn
	b.Header.Ours, b.Header.Subject = in.Key(), clip(in.Note, 255)
	b.Items = []batchItem{{Kind: "EMAIL", Receiver: in.To, Ours: in.Payout.String(), Note: clip(in.Note, 1000), Amount: oldValue{string(in.Amount.Currency), v}}}
	var out struct {
		Header struct {
			ID string `json:"payout_batch_id"`
		} `json:"batch_header"`
	}
	err = c.call(ctx, http.MethodPost, "/v1/payments/payouts", "", b, &out)
	if known := duplicate(err); known != "" {
		return c.batch(ctx, known, in)
	}
	if err != nil {
		return payments.Payment{}, err
	}
	return payments.Payment{Payout: in.Payout, Advance: out.Header.ID, State: payments.PaymentSent, Amount: in.Amount}, nil
}

// duplicate is the number of the batch that a refused one repeats; empty when it was refused for another reason.
func duplicate(err error) string {
	var p *problem
	if !errors.As(err, &p) || p.Status != http.StatusBadRequest {
		return ""
	}
	for _, d := range p.Details {
		if n := last(append(d.Links, d.Link...), "", "payouts"); n != "" {
			return n
		}
	}
	return last(p.Links, "", "payouts")
}

// batch asks for the one payout of a batch. Until PayPal has worked it through, it has no number of its own.
func (c *Client) batch(ctx context.Context, number string, in payments.PayInput) (payments.Payment, error) {
	var b struct {
		Header struct {
			Status string `json:"batch_status"`
		} `json:"batch_header"`
		Items []payoutItem `json:"items"`
	}
	if err := c.call(ctx, http.MethodGet, "/v1/payments/payouts/"+url.PathEscape(number), "", nil, &b); err != nil {
		return payments.Payment{}, err
	}
	for _, i := range b.Items {
		if i.Item.Ours == in.Payout.String() {
			out, err := i.read()
			out.Advance = number
			return out, err
		}
	}
	out := payments.Payment{Payout: in.Payout, Advance: number, State: payments.PaymentSent, Amount: in.Amount}
	if b.Header.Status == "DENIED" || b.Header.Status == "CANCELED" {
		out.State, out.Failure = payments.PaymentFailed, "BATCH_"+b.Header.Status
	}
	return out, nil
}

// Look asks for the payout by its number or by that of its batch. Without either it is searched in what has left the
// account. PayPal's reports are hours late: what is not in them yet may still have been sent, and is safe to send
// again only for as long as KeyLife.
func (c *Client) Look(ctx context.Context, in payments.PayInput) (payments.Payment, error) {
	switch {
	case in.Ref != "":
		var i payoutItem
		err := c.call(ctx, http.MethodGet, "/v1/payments/payouts-item/"+url.PathEscape(in.Ref), "", nil, &i)
		if err != nil {
			return payments.Payment{}, none(err)
		}
		return i.read()
	case in.Advance != "":
		p, err := c.batch(ctx, in.Advance, in)
		return p, none(err)
	}
	found := payments.ErrNone
	var out payments.Payment
	err := c.report(ctx, in.Since.Add(-time.Hour), func(t transaction) error {
		if t.Info.Custom != in.Payout.String() {
			return nil
		}
		a, err := t.Info.Amount.read()
		if err != nil {
			return err
		}
		found = nil
		switch {
		case t.Info.Code == sent:
			out = payments.Payment{Payout: in.Payout, State: payments.PaymentPaid, Amount: a.Neg()}
		default:
			out.State = payments.PaymentReturned
		}
		return nil
	})
	if err != nil {
		return payments.Payment{}, err
	}
	return out, found
}

// none says that there is no such thing in the port's own word.
func none(err error) error {
	if missing(err) {
		return payments.ErrNone
	}
	return err
}

// Recover has nothing to do: what did not arrive, PayPal puts back on the account by itself.
func (c *Client) Recover(context.Context, payments.PayInput) error { return nil }
