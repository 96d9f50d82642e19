package paypal

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/payments"
)

// What PayPal's reports call movements: the codes of its transaction search that are ours to follow.
const (
	sent       = "T0001" // a payout
	paid       = "T0006" // a buyer's payment
	unpaid     = "T1114" // a payout that was taken back
	unclaimed  = "T1115" // and one that came back
	givenBack  = "T1107"
	held       = "T1110" // for a dispute
	released   = "T1111"
	settled    = "T1106" // a dispute that was lost
	chargeback = "T1201"
	reversal   = "T1202"
)

// fees are movements that are nothing but PayPal's own charges.
var fees = map[string]bool{"T0106": true, "T0114": true, "T0107": true}

// transaction is one movement of the account, as the transaction search lists it.
type transaction struct {
	Info struct {
		ID      string `json:"transaction_id"`
		Code    string `json:"transaction_event_code"`
		Ref     string `json:"paypal_reference_id"`
		RefKind string `json:"paypal_reference_id_type"`
		At      stamp  `json:"transaction_initiation_date"`
		Amount  value  `json:"transaction_amount"`
		Fee     *value `json:"fee_amount"`
		Status  string `json:"transaction_status"`
		Custom  string `json:"custom_field"`
		Note    string `json:"transaction_note"`
	} `json:"transaction_info"`
}

// stamp is a moment as reports write it, with no colon in the zone.
type stamp struct{ time.Time }

func (s *stamp) UnmarshalJSON(b []byte) (err error) {
	for _, layout := range []string{"2006-01-02T15:04:05-0700", time.RFC3339} {
		if s.Time, err = time.Parse(`"`+layout+`"`, string(b)); err == nil {
			return nil
		}
	}
	return err
}

const (
	window  = 31 * 24 * time.Hour      // that one report may cover
	history = 3 * 366 * 24 * time.Hour // PayPal has no reports from before
	perPage = 500
)

// report walks through what moved since a moment, oldest first. Only what is done counts: what waits has not moved.
func (c *Client) report(ctx context.Context, since time.Time, each func(transaction) error) error {
	end := c.opt.Clock().Add(time.Hour).UTC()
	from := since.UTC()
	if oldest := end.Add(-history); from.Before(oldest) {
		from = oldest
	}
	for from.Before(end) {
		to := from.Add(window)
		if to.After(end) {
			to = end
		}
		if err := c.pages(ctx, from, to, each); err != nil {
			return err
		}
		from = to.Add(time.Second)
	}
	return nil
}

func (c *Client) pages(ctx context.Context, from, to time.Time, each func(transaction) error) error {
	for page, of := 1, 1; page <= of; page++ {
		q := url.Values{"start_date": {from.Format(time.RFC3339)}, "end_date": {to.Format(time.RFC3339)}, "fields": {"transaction_info"}, "balance_affecting_records_only": {"Y"},
			"page_size": {strconv.Itoa(perPage)}, "page": {strconv.Itoa(page)}}
		var out struct {
			All   []transaction `json:"transaction_details"`
			Pages int           `json:"total_pages"`
		}
		if err := c.call(ctx, http.MethodGet, "/v1/reporting/transactions?"+q.Encode(), "", nil, &out); err != nil {
			return err
		}
		of = out.Pages
		for _, t := range out.All {
			if t.Info.Status == "P" || t.Info.Status == "D" {
				continue // V has moved, and was taken back by a line of its own
			}
			if err := each(t); err != nil {
				return err
			}
		}
	}
	return nil
}

// Movements lists what moved on the account since a moment, oldest first.
func (c *Client) Movements(ctx context.Context, since time.Time, each func(payments.Movement) error) error {
	of := map[string]string{} // the order of each capture
	return c.report(ctx, since.Truncate(time.Second), func(t transaction) error {
		m, err := t.read()
		if err != nil {
			return fmt.Errorf("movement %s: %w", t.Info.ID, err)
		}
		switch m.Kind {
		case payments.MovementCharge:
			if m.Intent == "" {
				if m.Intent, err = c.orderOf(ctx, m.Source, of); err != nil {
					return err
				}
			}
			of[m.Source] = m.Intent
		case payments.MovementRefund, payments.MovementDispute:
			if m.Intent, err = c.orderOf(ctx, t.Info.Ref, of); err != nil {
				return err
			}
		}
		return each(m)
	})
}

// orderOf finds the order of a capture that was made before the report begins. One that PayPal does not know stands
// under its own number.
func (c *Client) orderOf(ctx context.Context, number string, known map[string]string) (string, error) {
	if o, ok := known[number]; ok {
		return o, nil
	}
	var p capture
	err := c.call(ctx, http.MethodGet, "/v2/payments/captures/"+url.PathEscape(number), "", nil, &p)
	switch {
	case missing(err):
		known[number] = number
	case err != nil:
		return "", err
	default:
		known[number] = p.order()
	}
	return known[number], nil
}

// read takes in a movement. Its fee is what PayPal kept: PayPal writes that below zero.
func (t transaction) read() (payments.Movement, error) {
	i := t.Info
	m := payments.Movement{ID: i.ID, Source: i.ID, Kind: payments.MovementOther, At: i.At.UTC()}
	var err error
	if m.Amount, err = i.Amount.read(); err != nil {
		return m, err
	}
	m.Fee = money.Amount{Currency: m.Amount.Currency}
	if i.Fee != nil {
		fee, err := i.Fee.read()
		if err != nil {
			return m, err
		}
		m.Fee = fee.Neg()
	}
	switch {
	case fees[i.Code]:
		m.Amount, m.Fee = money.Amount{Currency: m.Amount.Currency}, m.Fee.Sub(m.Amount)
	case i.Code == paid:
		m.Kind = payments.MovementCharge
		if i.RefKind == "ODR" {
			m.Intent = i.Ref
		}
	case i.Code == givenBack:
		m.Kind = payments.MovementRefund
	case i.Code == held, i.Code == released, i.Code == settled, i.Code == chargeback, i.Code == reversal:
		m.Kind, m.Source = payments.MovementDispute, i.Note
		if !strings.HasPrefix(i.Note, "PP-") {
			m.Source = i.ID
		}
	case i.Code == sent, i.Code == unclaimed, i.Code == unpaid:
		if v, err := id.Parse[id.PayoutKind](i.Custom); err == nil {
			m.Kind, m.Payout = payments.MovementPayout, v
		}
	}
	return m, nil
}
