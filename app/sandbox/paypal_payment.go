package sandbox

import (
	"net/http"
	"time"
)

const (
	ppClearing    = 3 * 24 * time.Hour   // of a payment from a bank account
	ppRefundDelay = 24 * time.Hour       // of a refund that takes its time
	ppRefundable  = 180 * 24 * time.Hour // after that a capture cannot be refunded
)

// ppCapture is a payment that was taken.
type ppCapture struct {
	ID       string `json:"id"`
	Order    string `json:"order"`
	Status   string `json:"status"` // COMPLETED, PENDING, DECLINED, PARTIALLY_REFUNDED, REFUNDED
	Reason   string `json:"reason,omitempty"`
	Amount   int64  `json:"amount"`
	Fee      int64  `json:"fee"`
	Currency string `json:"currency"`
	Custom   string `json:"custom,omitempty"`
	Invoice  string `json:"invoice,omitempty"`
	Buyer    string `json:"buyer"`
	Subject  string `json:"subject,omitempty"`
	Created  int64  `json:"created"`
	Updated  int64  `json:"updated"`
	Refunded int64  `json:"refunded,omitempty"` // by refunds that did not fail
	Reversed int64  `json:"reversed,omitempty"` // by disputes
}

// left is what can still be given back.
func (c ppCapture) left() int64 { return c.Amount - c.Refunded - c.Reversed }

// ppRefund is a part of a capture that goes back.
type ppRefund struct {
	ID       string `json:"id"`
	Capture  string `json:"capture"`
	Status   string `json:"status"` // COMPLETED, PENDING, FAILED
	Amount   int64  `json:"amount"`
	Total    int64  `json:"total"` // refunded so far, with this one
	Currency string `json:"currency"`
	Custom   string `json:"custom,omitempty"`
	Invoice  string `json:"invoice,omitempty"`
	Note     string `json:"note,omitempty"`
	Created  int64  `json:"created"`
	Updated  int64  `json:"updated"`
}

// take makes the capture of one purchase unit.
func (pp *PayPal) take(t *tx, o ppOrder, u ppUnit, b Buyer) (string, error) {
	c := ppCapture{ID: ppID(17), Order: o.ID, Status: "COMPLETED", Amount: u.minor(), Currency: u.Amount.Code, Custom: u.Custom, Invoice: u.Invoice, Buyer: b.Key, Subject: u.Description,
		Created: t.now.Unix(), Updated: t.now.Unix()}
	c.Fee = ppFee(c.Currency, c.Amount)
	switch b.Does {
	case "later", "bounce":
		c.Status, c.Reason = "PENDING", "ECHECK"
		put(t, pp.captures, c.ID, c)
		pp.plan(t, "settle", c.ID, t.now.Add(ppClearing))
		return c.ID, pp.tellCapture(t, "PAYMENT.CAPTURE.PENDING", "is pending", c)
	case "refuse":
		c.Status = "DECLINED"
		put(t, pp.captures, c.ID, c)
		return c.ID, pp.tellCapture(t, "PAYMENT.CAPTURE.DECLINED", "was declined", c)
	case "dispute":
		pp.plan(t, "dispute", c.ID, t.now)
	}
	return c.ID, pp.complete(t, c)
}

// complete books a capture whose money has come.
func (pp *PayPal) complete(t *tx, c ppCapture) error {
	c.Status, c.Reason, c.Updated = "COMPLETED", "", t.now.Unix()
	put(t, pp.captures, c.ID, c)
	b, _ := buyerOf(c.Buyer)
	pp.book(t, ppTxn{ID: c.ID, Code: "T0006", Ref: c.Order, RefType: "ODR", Amount: c.Amount, Fee: -c.Fee, Currency: c.Currency, Invoice: c.Invoice, Custom: c.Custom, Subject: c.Subject, Payer: b.Email})
	return pp.tellCapture(t, "PAYMENT.CAPTURE.COMPLETED", "has been completed", c)
}

// settle ends the waiting of a payment from a bank account.
func (pp *PayPal) settle(t *tx, id string) error {
	c := pp.captures.rows[id]
	if b, _ := buyerOf(c.Buyer); b.Does != "bounce" {
		return pp.complete(t, c)
	}
	c.Status, c.Reason, c.Updated = "DECLINED", "", t.now.Unix()
	put(t, pp.captures, id, c)
	return pp.tellCapture(t, "PAYMENT.CAPTURE.DENIED", "was denied", c)
}

func (pp *PayPal) tellCapture(t *tx, kind, what string, c ppCapture) error {
	return pp.emit(t, ppNews{Type: kind, Kind: "capture", Version: "2.0", About: c.ID, Summary: "Payment of " + ppDecimal(c.Amount, c.Currency) + " " + c.Currency + " " + what, Resource: pp.shapeCapture(c)})
}

func (pp *PayPal) captureURL(id string) string { return pp.URL() + "/v2/payments/captures/" + id }
func (pp *PayPal) refundURL(id string) string  { return pp.URL() + "/v2/payments/refunds/" + id }

func (pp *PayPal) shapeCapture(c ppCapture) obj {
	b, _ := buyerOf(c.Buyer)
	o := obj{"id": c.ID, "status": c.Status, "amount": ppAmount(c.Amount, c.Currency), "final_capture": true,
		"seller_protection":  obj{"status": "ELIGIBLE", "dispute_categories": []string{"ITEM_NOT_RECEIVED", "UNAUTHORIZED_TRANSACTION"}},
		"create_time":        ppStamp(c.Created),
		"update_time":        ppStamp(c.Updated),
		"supplementary_data": obj{"related_ids": obj{"order_id": c.Order}},
		"payee":              obj{"email_address": paypalSeller, "merchant_id": PayPalMerchant},
		"links": []obj{ppLink(pp.captureURL(c.ID), "self", "GET"), ppLink(pp.captureURL(c.ID)+"/refund", "refund", "POST"),
			ppLink(pp.URL()+"/v2/checkout/orders/"+c.Order, "up", "GET")}}
	if c.Status != "DECLINED" {
		split := obj{"gross_amount": ppAmount(c.Amount, c.Currency)}
		if c.Status != "PENDING" {
			split["paypal_fee"], split["net_amount"] = ppAmount(c.Fee, c.Currency), ppAmount(c.Amount-c.Fee, c.Currency)
		}
		o["seller_receivable_breakdown"] = split
	}
	if c.Reason != "" {
		o["status_details"] = obj{"reason": c.Reason}
	}
	if c.Status == "DECLINED" && b.Does == "refuse" {
		o["status_details"] = obj{"reason": "OTHER"}
	}
	if c.Custom != "" {
		o["custom_id"] = c.Custom
	}
	if c.Invoice != "" {
		o["invoice_id"] = c.Invoice
	}
	return o
}

func (pp *PayPal) getCapture(c *ppCall) (ppReply, error) {
	p, ok := pp.captures.rows[c.id]
	if !ok {
		return ppReply{}, ppMissing()
	}
	return ppReply{Status: http.StatusOK, Body: pp.shapeCapture(p)}, nil
}

type ppRefundIn struct {
	Amount  *ppMoney `json:"amount"`
	Invoice string   `json:"invoice_id"`
	Custom  string   `json:"custom_id"`
	Note    string   `json:"note_to_payer"`
}

func (pp *PayPal) refundCapture(c *ppCall) (ppReply, error) {
	p, ok := pp.captures.rows[c.id]
	if !ok {
		return ppReply{}, ppMissing()
	}
	var in ppRefundIn
	if err := c.read(&in); err != nil {
		return ppReply{}, err
	}
	amount, err := pp.refundable(c.t, p, in)
	if err != nil {
		return ppReply{}, err
	}
	r, err := pp.giveBack(c.t, p, amount, in)
	return ppReply{http.StatusCreated, pp.shapeRefund(r, c.full()), "refund:" + r.ID}, err
}

// refundable answers how much is to be given back, or why nothing can be.
func (pp *PayPal) refundable(t *tx, p ppCapture, in ppRefundIn) (int64, error) {
	for _, f := range []struct {
		name, v string
		most    int
	}{{"/invoice_id", in.Invoice, 127}, {"/custom_id", in.Custom, 127}, {"/note_to_payer", in.Note, 255}} {
		if err := ppLong(f.name, f.v, f.most); err != nil {
			return 0, err
		}
	}
	amount := p.left()
	if in.Amount != nil {
		n, e := in.Amount.positive("/amount")
		if e != nil {
			return 0, e
		}
		amount = n
	}
	disputed, charged := pp.openDispute(p.ID)
	switch {
	case p.Status == "PENDING":
		return 0, ppNo("", "PENDING_CAPTURE", "Cannot initiate a refund as the capture is pending. Capture is typically pending when the payer has funded the transaction by using an e-check or bank account.")
	case p.Status == "DECLINED":
		return 0, ppNo("", "REFUND_NOT_ALLOWED", "The capture was declined; there is nothing to refund.")
	case in.Amount != nil && in.Amount.Code != p.Currency:
		return 0, ppNo("/amount/currency_code", "REFUND_CAPTURE_CURRENCY_MISMATCH", "Refund must be in the same currency as the capture.")
	case charged:
		return 0, ppNo("", "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK", "Refunds not allowed on this capture due to a chargeback on the card or bank. Please contact the payee to resolve the chargeback.")
	case p.left() <= 0:
		return 0, ppNo("", "CAPTURE_FULLY_REFUNDED", "The capture has already been fully refunded. You cannot capture additional refunds against this capture.")
	case amount > p.left():
		return 0, ppNo("/amount/value", "REFUND_AMOUNT_EXCEEDED", "The refund amount must be less than or equal to the capture amount that has not yet been refunded.")
	case disputed && amount < p.left():
		return 0, ppNo("", "CAPTURE_DISPUTED_PARTIAL_REFUND_NOT_ALLOWED", "Refund for an amount less than the remaining transaction amount cannot be processed at this time because of an open dispute on the capture. Please visit the PayPal Resolution Center to view the details.")
	case t.now.Sub(time.Unix(p.Created, 0)) > ppRefundable:
		return 0, ppNo("", "REFUND_TIME_LIMIT_EXCEEDED", "You are over the time limit to perform a refund on this capture. The refund cannot be issued at this time.")
	}
	return amount, nil
}

// giveBack makes a refund. An open dispute ends with it: the buyer has the money.
func (pp *PayPal) giveBack(t *tx, p ppCapture, amount int64, in ppRefundIn) (ppRefund, error) {
	r := ppRefund{ID: ppID(17), Capture: p.ID, Status: "COMPLETED", Amount: amount, Total: p.Refunded + amount, Currency: p.Currency, Custom: in.Custom, Invoice: in.Invoice, Note: in.Note,
		Created: t.now.Unix(), Updated: t.now.Unix()}
	pp.counted(t, p, amount)
	for _, id := range pp.disputes.order {
		if d := pp.disputes.rows[id]; d.Capture == p.ID && d.Status != "RESOLVED" {
			if err := pp.decide(t, id, "CANCELED_BY_BUYER"); err != nil {
				return r, err
			}
		}
	}
	if b, _ := buyerOf(p.Buyer); b.Does == "slow" || b.Does == "closed" {
		r.Status = "PENDING"
		put(t, pp.refunds, r.ID, r)
		pp.plan(t, "refund", r.ID, t.now.Add(ppRefundDelay))
		return r, pp.tellRefund(t, "PAYMENT.REFUND.PENDING", "is pending", r)
	}
	return r, pp.refunded(t, r)
}

// counted adds a refund to its capture, or takes a failed one off.
func (pp *PayPal) counted(t *tx, p ppCapture, amount int64) {
	p.Refunded += amount
	p.Updated = t.now.Unix()
	switch {
	case p.Refunded == 0:
		p.Status = "COMPLETED"
	case p.Refunded == p.Amount:
		p.Status = "REFUNDED"
	default:
		p.Status = "PARTIALLY_REFUNDED"
	}
	put(t, pp.captures, p.ID, p)
}

// refunded books a refund. PayPal keeps its fee of the payment.
func (pp *PayPal) refunded(t *tx, r ppRefund) error {
	r.Status, r.Updated = "COMPLETED", t.now.Unix()
	put(t, pp.refunds, r.ID, r)
	b, _ := buyerOf(pp.captures.rows[r.Capture].Buyer)
	pp.book(t, ppTxn{ID: r.ID, Code: "T1107", Ref: r.Capture, RefType: "TXN", Amount: -r.Amount, Currency: r.Currency, Invoice: r.Invoice, Custom: r.Custom, Note: r.Note, Payer: b.Email})
	return pp.tellRefund(t, "PAYMENT.CAPTURE.REFUNDED", "was refunded", r)
}

// finishRefund ends a refund that took its time.
func (pp *PayPal) finishRefund(t *tx, id string) error {
	r := pp.refunds.rows[id]
	p := pp.captures.rows[r.Capture]
	if b, _ := buyerOf(p.Buyer); b.Does != "closed" {
		return pp.refunded(t, r)
	}
	r.Status, r.Updated = "FAILED", t.now.Unix()
	put(t, pp.refunds, id, r)
	pp.counted(t, p, -r.Amount)
	return pp.tellRefund(t, "PAYMENT.REFUND.FAILED", "failed", r)
}

// Refund gives a part of a capture back as the platform's people may at PayPal's own pages; 0 is all that is left.
func (pp *PayPal) Refund(capture string, minor int64) (id string, err error) {
	err = pp.do(func(t *tx) error {
		p, ok := pp.captures.rows[capture]
		if !ok {
			return ppUnknown("capture", capture)
		}
		in := ppRefundIn{}
		if minor > 0 {
			in.Amount = &ppMoney{p.Currency, ppDecimal(minor, p.Currency)}
		}
		amount, err := pp.refundable(t, p, in)
		if err != nil {
			return err
		}
		r, err := pp.giveBack(t, p, amount, in)
		id = r.ID
		return err
	})
	return id, err
}

func (pp *PayPal) tellRefund(t *tx, kind, what string, r ppRefund) error {
	return pp.emit(t, ppNews{Type: kind, Kind: "refund", Version: "2.0", About: r.ID, Summary: "A payment of " + ppDecimal(r.Amount, r.Currency) + " " + r.Currency + " " + what, Resource: pp.shapeRefund(r, true)})
}

func (pp *PayPal) shapeRefund(r ppRefund, full bool) obj {
	o := obj{"id": r.ID, "status": r.Status, "links": []obj{ppLink(pp.refundURL(r.ID), "self", "GET"), ppLink(pp.captureURL(r.Capture), "up", "GET")}}
	if !full {
		return o
	}
	o["amount"] = ppAmount(r.Amount, r.Currency)
	o["seller_payable_breakdown"] = obj{"gross_amount": ppAmount(r.Amount, r.Currency), "paypal_fee": ppAmount(0, r.Currency), "net_amount": ppAmount(r.Amount, r.Currency),
		"total_refunded_amount": ppAmount(r.Total, r.Currency)}
	o["create_time"], o["update_time"] = ppStamp(r.Created), ppStamp(r.Updated)
	if r.Status == "PENDING" {
		o["status_details"] = obj{"reason": "ECHECK"}
	}
	for k, v := range map[string]string{"custom_id": r.Custom, "invoice_id": r.Invoice, "note_to_payer": r.Note} {
		if v != "" {
			o[k] = v
		}
	}
	return o
}

func (pp *PayPal) getRefund(c *ppCall) (ppReply, error) {
	r, ok := pp.refunds.rows[c.id]
	if !ok {
		return ppReply{}, ppMissing()
	}
	return ppReply{Status: http.StatusOK, Body: pp.shapeRefund(r, true)}, nil
}
