package sandbox

import (
	"maps"
	"slices"
	"time"
)

const (
	disputeAfter = 24 * time.Hour
	evidenceDue  = 9 * 24 * time.Hour
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
	Status   string            `json:"status"` // needs_response, under_review, won, lost
	Txns     []string          `json:"txns"`
	Evidence map[string]string `json:"evidence,omitempty"`
	Sent     int64             `json:"sent"`
	Meta     map[string]string `json:"meta,omitempty"`
	Brand    string            `json:"brand"`
}

func (d dispute) refundable() bool { return d.Status == "won" }

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
	due := d.Created + int64(evidenceDue/time.Second)
	return obj{"id": d.ID, "object": "dispute", "amount": d.Amount, "balance_transactions": txns, "charge": d.Charge, "created": d.Created,
		"currency": d.Currency, "evidence": evidence, "evidence_details": obj{"due_by": due, "has_evidence": len(d.Evidence) > 0,
			"past_due": st.srv.Now().Unix() > due && d.Sent == 0, "submission_count": d.Sent}, "is_charge_refundable": d.refundable(), "livemode": false,
		"metadata": metaOf(d.Meta), "payment_intent": d.Intent, "reason": d.Reason, "status": d.Status,
		"payment_method_details": obj{"type": "card", "card": obj{"brand": d.Brand, "network_reason_code": "10.4"}}}
}

// Dispute has the buyer's bank take a payment back; reason is one of Stripe's, such as fraudulent or product_not_received.
func (st *Stripe) Dispute(chargeOrIntent, reason string) error {
	return st.do(func(t *tx) error {
		if p, ok := st.intents.rows[chargeOrIntent]; ok {
			chargeOrIntent = p.Latest
		}
		return st.openDispute(t, chargeOrIntent, orElse(reason, "fraudulent"))
	})
}

func (st *Stripe) openDispute(t *tx, chargeID, reason string) error {
	st.unplan(t, "dispute", chargeID)
	ch, ok := st.charges.rows[chargeID]
	switch {
	case !ok:
		return missing("charge", chargeID, "charge")
	case ch.Status != "succeeded" || ch.Dispute != "" || ch.Refunded == ch.Amount:
		return nil
	}
	d := dispute{ID: newID("du"), Created: t.now.Unix(), Charge: ch.ID, Intent: ch.Intent, Amount: ch.Amount - ch.Refunded, Currency: ch.Currency,
		Reason: reason, Status: "needs_response", Brand: ch.Method.Brand}
	d.Txns = []string{st.book(t, txn{Amount: -d.Amount, Fee: disputeFee, FeeLabel: "Dispute fee", Currency: d.Currency, Type: "adjustment", Category: "dispute",
		Source: d.ID, Description: "Chargeback withdrawal for " + ch.ID})}
	put(t, st.disputes, d.ID, d)
	ch.Dispute = d.ID
	put(t, st.charges, ch.ID, ch)
	if err := st.emit(t, "charge.dispute.created", st.shapeDispute(d), nil); err != nil {
		return err
	}
	if err := st.emit(t, "charge.updated", st.shapeCharge(ch), obj{"disputed": false}); err != nil {
		return err
	}
	return st.emit(t, "charge.dispute.funds_withdrawn", st.shapeDispute(d), nil)
}

// Decide ends a dispute. Won: the amount and the fee come back.
func (st *Stripe) Decide(disputeID string, won bool) error {
	return st.do(func(t *tx) error { return st.decide(t, disputeID, won) })
}

func (st *Stripe) decide(t *tx, id string, won bool) error {
	d, ok := st.disputes.rows[id]
	switch {
	case !ok:
		return missing("dispute", id, "id")
	case d.Status == "won" || d.Status == "lost":
		return refused("", "", "This dispute is already closed")
	}
	before := obj{"status": d.Status}
	d.Status = "lost"
	if won {
		d.Status = "won"
		d.Txns = append(slices.Clone(d.Txns), st.book(t, txn{Amount: d.Amount, Fee: -disputeFee, FeeLabel: "Dispute fee", Currency: d.Currency, Type: "adjustment",
			Category: "dispute_reversal", Source: d.ID, Description: "Chargeback reversal for " + d.Charge}))
	}
	put(t, st.disputes, id, d)
	if won {
		if err := st.emit(t, "charge.dispute.funds_reinstated", st.shapeDispute(d), nil); err != nil {
			return err
		}
	}
	return st.emit(t, "charge.dispute.closed", st.shapeDispute(d), before)
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
	ev, given := c.obj("evidence"), map[string]string{}
	for _, n := range evidenceNames {
		if v := ev.text(n, 20000); v != "" {
			given[n] = v
		}
	}
	submit, asked := c.flag("submit")
	meta, metaGiven := c.meta("metadata")
	if err := c.done(); err != nil {
		return nil, err
	}
	d, err := st.findDispute(c)
	if err != nil {
		return nil, err
	}
	if d.Status != "needs_response" {
		return nil, refused("", "", "This dispute is already closed or under review")
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
	if len(given) > 0 && (submit || !asked) {
		d.Status = "under_review"
		d.Sent++
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
	if err := st.decide(c.t, d.ID, false); err != nil {
		return nil, err
	}
	return st.shapeDispute(st.disputes.rows[d.ID]), nil
}
