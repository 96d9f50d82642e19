package sandbox

import (
	"maps"
	"strings"
	"time"
)

const (
	disputeAfter = 24 * time.Hour
	evidenceDue  = 9 * 24 * time.Hour
	inquiryEnds  = 120 * 24 * time.Hour
	disputeFee   = 2000 // minor units, as Stripe's 20.00 in most places
)

type dispute struct {
	ID       string            `json:"id"`
	Created  int64             `json:"created"`
	Charge   string            `json:"charge"`
	Intent   string            `json:"intent"`
	Amount   int64             `json:"amount"`
	Currency string            `json:"currency"`
	Reason   string            `json:"reason"`
	Status   string            `json:"status"` // needs_response, under_review, won, lost; warning_… for an inquiry
	Due      int64             `json:"due"`    // until when evidence is taken
	Txns     []string          `json:"txns"`
	Evidence map[string]string `json:"evidence,omitempty"`
	Sent     int64             `json:"sent"`
	Meta     map[string]string `json:"meta,omitempty"`
	Brand    string            `json:"brand"`
}

// refundable reports whether a refund may be made: an inquiry is best answered by one.
func (d dispute) refundable() bool {
	return d.Status == "won" || strings.HasPrefix(d.Status, "warning_")
}

// inquiry is a question of the bank that is still open.
func (d dispute) inquiry() bool {
	return d.Status == "warning_needs_response" || d.Status == "warning_under_review"
}

var evidenceNames = []string{"access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure", "cancellation_rebuttal",
	"customer_communication", "customer_email_address", "customer_name", "customer_purchase_ip", "customer_signature", "duplicate_charge_documentation",
	"duplicate_charge_explanation", "duplicate_charge_id", "product_description", "receipt", "refund_policy", "refund_policy_disclosure",
	"refund_refusal_explanation", "service_date", "service_documentation", "shipping_address", "shipping_carrier", "shipping_date",
	"shipping_documentation", "shipping_tracking_number", "uncategorized_file", "uncategorized_text"}

func (st *Stripe) shapeDispute(d dispute) obj {
	evidence := obj{}
	for _, n := range evidenceNames {
		evidence[n] = null(d.Evidence[n])
	}
	txns := []obj{}
	for _, id := range d.Txns {
		txns = append(txns, shapeTxn(st.txns.rows[id], st.srv.Now().Unix()))
	}
	due := d.Due
	if due == 0 {
		due = d.Created + int64(evidenceDue/time.Second)
	}
	return obj{"id": d.ID, "object": "dispute", "amount": d.Amount, "balance_transactions": txns, "charge": d.Charge, "created": d.Created,
		"currency": d.Currency, "evidence": evidence, "evidence_details": obj{"due_by": due, "has_evidence": len(d.Evidence) > 0,
			"past_due": st.srv.Now().Unix() > due && d.Sent == 0, "submission_count": d.Sent}, "is_charge_refundable": d.refundable(), "livemode": false,
		"metadata": metaOf(d.Meta), "payment_intent": d.Intent, "reason": d.Reason, "status": d.Status,
		"payment_method_details": obj{"type": "card", "card": obj{"brand": d.Brand, "network_reason_code": "10.4"}}}
}

func (st *Stripe) findDispute(c *call) (dispute, error) {
	d, ok := st.disputes.rows[c.id]
	if !ok {
		return d, missing("dispute", c.id, "dispute")
	}
	return d, nil
}

func (st *Stripe) getDispute(c *call) (obj, error) {
	if err := c.done(); err != nil {
		return nil, err
	}
	d, err := st.findDispute(c)
	if err != nil {
		return nil, err
	}
	return st.shapeDispute(d), nil
}

func (st *Stripe) listDisputes(c *call) (obj, error) {
	pg, ch, pi := c.pages(), c.str("charge"), c.str("payment_intent")
	if err := c.done(); err != nil {
		return nil, err
	}
	return cut(pg, "/v1/disputes", "dispute", st.disputes.order, func(id string) bool {
		d := st.disputes.rows[id]
		return pg.holds(d.Created) && (ch == "" || d.Charge == ch) && (pi == "" || d.Intent == pi)
	}, func(id string) obj { return st.shapeDispute(st.disputes.rows[id]) })
}

// updateDispute takes evidence. As in Stripe's test mode, the text winning_evidence or losing_evidence decides.
func (st *Stripe) updateDispute(c *call) (obj, error) {
	given := st.evidence(c)
	submit, asked := c.flag("submit")
	meta, metaGiven := c.meta("metadata")
	if err := c.done(); err != nil {
		return nil, err
	}
	d, err := st.findDispute(c)
	if err != nil {
		return nil, err
	}
	switch d.Status {
	case "needs_response", "warning_needs_response":
	case "under_review", "warning_under_review":
		return nil, refused("", "", "The evidence for this dispute has already been submitted: it is under review and cannot be updated.")
	default:
		return nil, refused("", "", "This dispute is already closed")
	}
	all := maps.Clone(d.Evidence)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, given)
	d.Evidence = all
	if metaGiven {
		d.Meta = mergeMeta(d.Meta, meta)
	}
	if (len(given) > 0 || (submit && len(all) > 0)) && (submit || !asked) {
		d.Status = strings.Replace(d.Status, "needs_response", "under_review", 1)
		d.Sent++
		if !d.inquiry() {
			st.unplan(c.t, "evidence", d.ID)
		}
	}
	put(c.t, st.disputes, d.ID, d)
	if err := st.emit(c.t, "charge.dispute.updated", st.shapeDispute(d), nil); err != nil {
		return nil, err
	}
	if verdict := d.Evidence["uncategorized_text"]; d.Status == "under_review" && (verdict == "winning_evidence" || verdict == "losing_evidence") {
		if err := st.decide(c.t, d.ID, verdict == "winning_evidence"); err != nil {
			return nil, err
		}
	}
	return st.shapeDispute(st.disputes.rows[d.ID]), nil
}

func (st *Stripe) closeDispute(c *call) (obj, error) {
	if err := c.done(); err != nil {
		return nil, err
	}
	d, err := st.findDispute(c)
	if err != nil {
		return nil, err
	}
	if err := st.decide(c.t, d.ID, false); err != nil { // closing means to give in
		return nil, err
	}
	return st.shapeDispute(st.disputes.rows[d.ID]), nil
}
