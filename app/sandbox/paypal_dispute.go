package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// ppAnswerTime is how long a seller has to answer a dispute.
const ppAnswerTime = 10 * 24 * time.Hour

// ppDispute is a buyer's, or a bank's, complaint about a capture.
type ppDispute struct {
	ID       string       `json:"id"`
	Capture  string       `json:"capture"`
	Reason   string       `json:"reason"`
	Status   string       `json:"status"` // OPEN, WAITING_FOR_SELLER_RESPONSE, UNDER_REVIEW, RESOLVED
	Stage    string       `json:"stage"`  // INQUIRY, CHARGEBACK
	External bool         `json:"external,omitempty"`
	Outcome  string       `json:"outcome,omitempty"`
	Back     int64        `json:"back,omitempty"` // what the buyer got of it
	Amount   int64        `json:"amount"`
	Currency string       `json:"currency"`
	Created  int64        `json:"created"`
	Updated  int64        `json:"updated"`
	Due      int64        `json:"due,omitempty"`
	Evidence []ppEvidence `json:"evidence,omitempty"`
	Note     string       `json:"note,omitempty"` // of the seller who accepts
	Hold     string       `json:"hold,omitempty"` // transaction that withholds the money
	Moves    []ppMove     `json:"moves,omitempty"`
}

// ppMove is a movement of money that a dispute caused, as the seller sees it.
type ppMove struct {
	At     int64  `json:"at"`
	Type   string `json:"type"` // DEBIT, CREDIT
	Reason string `json:"reason"`
	Amount int64  `json:"amount"`
}

var ppReasons = []string{"MERCHANDISE_OR_SERVICE_NOT_RECEIVED", "MERCHANDISE_OR_SERVICE_NOT_AS_DESCRIBED", "UNAUTHORISED", "CREDIT_NOT_PROCESSED", "DUPLICATE_TRANSACTION", "INCORRECT_AMOUNT",
	"PAYMENT_BY_OTHER_MEANS", "CANCELED_RECURRING_BILLING", "PROBLEM_WITH_REMITTANCE", "OTHER"}

// Outcomes that Resolve takes.
var ppOutcomes = []string{"RESOLVED_BUYER_FAVOUR", "RESOLVED_SELLER_FAVOUR", "RESOLVED_WITH_PAYOUT", "CANCELED_BY_BUYER"}

// Dispute opens a claim about a capture: PayPal withholds the money and waits for the seller. The reason is one of
// PayPal's, "" is goods not received.
func (pp *PayPal) Dispute(capture, reason string) (id string, err error) {
	return pp.Complain(capture, reason, "CHARGEBACK", false)
}

// Inquire opens a dispute that buyer and seller may still settle between themselves; Escalate makes it a claim.
func (pp *PayPal) Inquire(capture, reason string) (id string, err error) {
	return pp.Complain(capture, reason, "INQUIRY", false)
}

// Chargeback is a dispute that the buyer's bank opens: the money is gone at once, and a fee with it.
func (pp *PayPal) Chargeback(capture, reason string) (id string, err error) {
	return pp.Complain(capture, reason, "CHARGEBACK", true)
}

// Complain is what Dispute, Inquire and Chargeback do.
func (pp *PayPal) Complain(capture, reason, stage string, external bool) (id string, err error) {
	reason = orElse(reason, ppReasons[0])
	if !slices.Contains(ppReasons, reason) {
		return "", ppBad("/reason", clip(reason), "INVALID_PARAMETER_VALUE", "The value of a field is invalid.")
	}
	err = pp.do(func(t *tx) error {
		id, err = pp.open(t, ppDispute{Capture: capture, Reason: reason, Stage: stage, External: external})
		return err
	})
	return id, err
}

// open starts a dispute over what is left of a capture.
func (pp *PayPal) open(t *tx, d ppDispute) (string, error) {
	c, ok := pp.captures.rows[d.Capture]
	if !ok {
		return "", ppUnknown("capture", d.Capture)
	}
	if already, _ := pp.openDispute(c.ID); already || c.left() <= 0 || c.Status == "PENDING" || c.Status == "DECLINED" {
		return "", ppNo("", "TRANSACTION_NOT_DISPUTABLE", "The capture is disputed, given back or not complete.")
	}
	d.ID = fmt.Sprintf("PP-R-%s-%d", ppID(3), 10000000+len(pp.disputes.order))
	d.Amount, d.Currency, d.Created, d.Updated = c.left(), c.Currency, t.now.Unix(), t.now.Unix()
	d.Status, d.Due = "WAITING_FOR_SELLER_RESPONSE", t.now.Add(ppAnswerTime).Unix()
	if d.Stage == "INQUIRY" {
		d.Status, d.Due = "OPEN", 0
	}
	d.Hold = ppID(17)
	if d.External {
		pp.move(t, &d, ppTxn{ID: d.Hold, Code: "T1201", Amount: -d.Amount}, "CHARGEBACK")
		pp.move(t, &d, ppTxn{Code: "T0106", Amount: -ppFeeOfDispute(d.Currency)}, "CHARGEBACK_FEE")
	} else {
		pp.move(t, &d, ppTxn{ID: d.Hold, Code: "T1110", Amount: -d.Amount, Hold: true}, "HOLD")
	}
	put(t, pp.disputes, d.ID, d)
	if d.Due != 0 {
		pp.plan(t, "overdue", d.ID, time.Unix(d.Due, 0))
	}
	return d.ID, pp.tellDispute(t, "CREATED", "A new dispute opened with Case # ", d)
}

// move books a movement of a dispute.
func (pp *PayPal) move(t *tx, d *ppDispute, x ppTxn, reason string) {
	c := pp.captures.rows[d.Capture]
	b, _ := buyerOf(c.Buyer)
	x.Ref, x.RefType, x.Currency, x.Invoice, x.Custom, x.Payer, x.Note = c.ID, "TXN", d.Currency, c.Invoice, c.Custom, b.Email, d.ID
	pp.book(t, x)
	kind, n := "CREDIT", x.Amount
	if n < 0 {
		kind, n = "DEBIT", -n
	}
	d.Moves = append(d.Moves[:len(d.Moves):len(d.Moves)], ppMove{t.now.Unix(), kind, reason, n})
}

// openDispute reports whether a capture is disputed, and by a bank.
func (pp *PayPal) openDispute(capture string) (open, external bool) {
	for _, d := range pp.disputes.rows {
		if d.Capture == capture && d.Status != "RESOLVED" {
			return true, d.External
		}
	}
	return false, false
}

// Escalate makes a claim of an inquiry.
func (pp *PayPal) Escalate(dispute string) error {
	return pp.do(func(t *tx) error {
		d, ok := pp.disputes.rows[dispute]
		if !ok {
			return ppUnknown("dispute", dispute)
		}
		if d.Stage != "INQUIRY" || d.Status == "RESOLVED" {
			return ppNotNow()
		}
		d.Stage, d.Status, d.Updated, d.Due = "CHARGEBACK", "WAITING_FOR_SELLER_RESPONSE", t.now.Unix(), t.now.Add(ppAnswerTime).Unix()
		put(t, pp.disputes, d.ID, d)
		pp.plan(t, "overdue", d.ID, time.Unix(d.Due, 0))
		return pp.tellDispute(t, "UPDATED", "Dispute updated with Case # ", d)
	})
}

// Resolve ends a dispute with one of PayPal's outcomes.
func (pp *PayPal) Resolve(dispute, outcome string) error {
	if !slices.Contains(ppOutcomes, outcome) {
		return ppBad("/outcome", clip(outcome), "INVALID_PARAMETER_VALUE", "The value of a field is invalid.")
	}
	return pp.do(func(t *tx) error {
		if d, ok := pp.disputes.rows[dispute]; !ok {
			return ppUnknown("dispute", dispute)
		} else if d.Status == "RESOLVED" {
			return ppNotNow()
		}
		return pp.decide(t, dispute, outcome)
	})
}

// decide ends a dispute and moves the money. PayPal may also pay the buyer out of its own pocket: the seller keeps it.
func (pp *PayPal) decide(t *tx, id, outcome string) error {
	d := pp.disputes.rows[id]
	pp.unplan(t, "overdue", id)
	d.Status, d.Outcome, d.Updated, d.Due = "RESOLVED", outcome, t.now.Unix(), 0
	lost := outcome == "RESOLVED_BUYER_FAVOUR"
	switch {
	case !d.External: // what was withheld is let go; where the dispute is lost it leaves for good
		pp.move(t, &d, ppTxn{Code: "T1111", Amount: d.Amount, Hold: true}, "HOLD_RELEASE")
	case !lost:
		pp.move(t, &d, ppTxn{Code: "T1202", Amount: d.Amount}, "CHARGEBACK_REVERSAL")
	}
	if lost {
		if err := pp.reverse(t, &d); err != nil {
			return err
		}
	}
	if lost || outcome == "RESOLVED_WITH_PAYOUT" {
		d.Back = d.Amount
	}
	put(t, pp.disputes, id, d)
	return pp.tellDispute(t, "RESOLVED", "Dispute resolved with Case # ", d)
}

// reverse takes the money of a lost dispute.
func (pp *PayPal) reverse(t *tx, d *ppDispute) error {
	c := pp.captures.rows[d.Capture]
	c.Reversed += d.Amount
	c.Updated = t.now.Unix()
	put(t, pp.captures, c.ID, c)
	id := d.Hold
	if !d.External {
		id = ppID(17)
		pp.move(t, d, ppTxn{ID: id, Code: "T1106", Amount: -d.Amount}, "DISPUTE_SETTLEMENT")
		pp.move(t, d, ppTxn{Code: "T0114", Amount: -ppFeeOfDispute(d.Currency)}, "DISPUTE_FEE")
	}
	r := ppRefund{ID: id, Capture: c.ID, Status: "COMPLETED", Amount: d.Amount, Total: c.Refunded + c.Reversed, Currency: c.Currency, Custom: c.Custom, Invoice: c.Invoice, Created: t.now.Unix(), Updated: t.now.Unix()}
	return pp.tellRefund(t, "PAYMENT.CAPTURE.REVERSED", "was reversed", r)
}

func (pp *PayPal) tellDispute(t *tx, what, summary string, d ppDispute) error {
	return pp.emit(t, ppNews{Type: "CUSTOMER.DISPUTE." + what, Kind: "dispute", About: d.ID, Summary: summary + d.ID, Resource: pp.shapeDispute(d)})
}

func (pp *PayPal) disputeURL(id string) string { return pp.URL() + "/v1/customer/disputes/" + id }

// state is what the list may be filtered by.
func (d ppDispute) state() string {
	switch d.Status {
	case "OPEN":
		return "OPEN_INQUIRIES"
	case "WAITING_FOR_SELLER_RESPONSE":
		return "REQUIRED_ACTION"
	case "UNDER_REVIEW":
		return "UNDER_PAYPAL_REVIEW"
	}
	return "RESOLVED"
}

func (d ppDispute) channel() string {
	if d.External {
		return "EXTERNAL"
	}
	return "INTERNAL"
}

// shapeShort is a dispute as the list has it.
func (pp *PayPal) shapeShort(d ppDispute) obj {
	return obj{"dispute_id": d.ID, "create_time": ppStamp(d.Created), "update_time": ppStamp(d.Updated), "reason": d.Reason, "status": d.Status, "dispute_state": d.state(),
		"dispute_amount": ppAmount(d.Amount, d.Currency), "dispute_life_cycle_stage": d.Stage, "dispute_channel": d.channel(), "links": []obj{ppLink(pp.disputeURL(d.ID), "self", "GET")}}
}

func (pp *PayPal) shapeDispute(d ppDispute) obj {
	o := pp.shapeShort(d)
	c := pp.captures.rows[d.Capture]
	b, _ := buyerOf(c.Buyer)
	traded := obj{"seller_transaction_id": c.ID, "buyer_transaction_id": c.ID, "create_time": ppStamp(c.Created), "transaction_status": "COMPLETED", "gross_amount": ppAmount(c.Amount, c.Currency),
		"buyer": obj{"name": b.Name(), "email": b.Email, "payer_id": b.ID}, "seller": obj{"email": paypalSeller, "merchant_id": PayPalMerchant, "name": "Vitrine"}, "seller_protection_eligible": true}
	if c.Invoice != "" {
		traded["invoice_number"] = c.Invoice
	}
	if c.Custom != "" {
		traded["custom"] = c.Custom
	}
	o["disputed_transactions"] = []obj{traded}
	o["messages"] = []obj{{"posted_by": "BUYER", "time_posted": ppStamp(d.Created), "content": "A made-up complaint of the sandbox."}}
	links := []obj{ppLink(pp.disputeURL(d.ID), "self", "GET")}
	if d.Status == "WAITING_FOR_SELLER_RESPONSE" {
		links = append(links, ppLink(pp.disputeURL(d.ID)+"/provide-evidence", "provide_evidence", "POST"), ppLink(pp.disputeURL(d.ID)+"/accept-claim", "accept_claim", "POST"))
		o["seller_response_due_date"] = ppStamp(d.Due)
	}
	o["links"] = links
	if d.Outcome != "" {
		end := obj{"outcome_code": d.Outcome}
		if d.Back > 0 {
			end["amount_refunded"] = ppAmount(d.Back, d.Currency)
		}
		o["dispute_outcome"] = end
	}
	moves := []obj{}
	for _, m := range d.Moves {
		moves = append(moves, obj{"affected_party": "SELLER", "amount": ppAmount(m.Amount, d.Currency), "initiated_time": ppStamp(m.At), "type": m.Type, "reason": m.Reason})
	}
	o["money_movements"] = moves
	if len(d.Evidence) > 0 {
		o["evidences"] = pp.shapeEvidence(d)
	}
	return o
}

func (pp *PayPal) getDispute(c *ppCall) (ppReply, error) {
	d, ok := pp.disputes.rows[c.id]
	if !ok {
		return ppReply{}, ppMissing()
	}
	return ppReply{Status: http.StatusOK, Body: pp.shapeDispute(d)}, nil
}

// listDisputes pages through disputes, newest first; the token of a page is the number that it starts after.
func (pp *PayPal) listDisputes(c *ppCall) (ppReply, error) {
	q := c.URL.Query()
	size, err := strconv.Atoi(orElse(q.Get("page_size"), "10"))
	if err != nil || size < 1 || size > 50 {
		e := ppBad("page_size", clip(q.Get("page_size")), "INVALID_PARAMETER_VALUE", "The value of a field is invalid.")
		e.Details[0].Location = "query"
		return ppReply{}, e
	}
	after := q.Get("next_page_token")
	items, more := []obj{}, ""
	for _, id := range slices.Backward(pp.disputes.order) {
		d := pp.disputes.rows[id]
		if after != "" {
			if id == after {
				after = ""
			}
			continue
		}
		if want := q.Get("disputed_transaction_id"); want != "" && want != d.Capture {
			continue
		}
		if want := q.Get("dispute_state"); want != "" && want != d.state() {
			continue
		}
		if from, err := time.Parse(time.RFC3339, q.Get("start_time")); err == nil && d.Created < from.Unix() {
			continue
		}
		if from, err := time.Parse(time.RFC3339, q.Get("update_time_after")); err == nil && d.Updated < from.Unix() {
			continue
		}
		if len(items) == size {
			more = fmt.Sprint(items[size-1]["dispute_id"])
			break
		}
		items = append(items, pp.shapeShort(d))
	}
	self := pp.URL() + "/v1/customer/disputes"
	links := []obj{ppLink(self+"?"+q.Encode(), "self", "GET"), ppLink(self, "first", "GET")}
	if more != "" {
		q.Set("next_page_token", more)
		links = append(links, ppLink(self+"?"+q.Encode(), "next", "GET"))
	}
	return ppReply{Status: http.StatusOK, Body: obj{"items": items, "links": links}}, nil
}
