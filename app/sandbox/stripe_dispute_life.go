package sandbox

import (
	"slices"
	"time"
)

// Dispute has the buyer's bank take a payment back; reason is one of Stripe's, such as fraudulent or product_not_received.
// An inquiry that is open becomes a dispute.
func (st *Stripe) Dispute(chargeOrIntent, reason string) error {
	return st.DisputeAmount(chargeOrIntent, reason, 0)
}

// DisputeAmount is a dispute of a part of a payment; 0 is all that was not given back.
func (st *Stripe) DisputeAmount(chargeOrIntent, reason string, amount int64) error {
	return st.do(func(t *tx) error {
		return st.openDispute(t, st.chargeOf(chargeOrIntent), orElse(reason, "fraudulent"), amount)
	})
}

// Inquire has the buyer's bank ask about a payment without taking it back.
func (st *Stripe) Inquire(chargeOrIntent, reason string) error {
	return st.do(func(t *tx) error { return st.openInquiry(t, st.chargeOf(chargeOrIntent), orElse(reason, "fraudulent")) })
}

func (st *Stripe) chargeOf(chargeOrIntent string) string {
	if p, ok := st.intents.rows[chargeOrIntent]; ok {
		return p.Latest
	}
	return chargeOrIntent
}

// contested is a charge that a bank can still ask about.
func (st *Stripe) contested(id string) (ch charge, open bool, err error) {
	ch, ok := st.charges.rows[id]
	if !ok {
		return ch, false, missing("charge", id, "charge")
	}
	return ch, ch.Status == "succeeded" && ch.Refunded < ch.Amount, nil
}

func (st *Stripe) openInquiry(t *tx, chargeID, reason string) error {
	st.unplan(t, "inquiry", chargeID)
	ch, open, err := st.contested(chargeID)
	if err != nil || !open || ch.Dispute != "" {
		return err
	}
	d := dispute{ID: newID("du"), Created: t.now.Unix(), Due: t.now.Add(evidenceDue).Unix(), Charge: ch.ID, Intent: ch.Intent, Amount: ch.Amount - ch.Refunded, Currency: ch.Currency,
		Reason: reason, Status: "warning_needs_response", Brand: ch.Method.Brand}
	st.plan(t, "evidence", d.ID, t.now.Add(inquiryEnds))
	return st.contest(t, ch, d)
}

func (st *Stripe) openDispute(t *tx, chargeID, reason string, amount int64) error {
	st.unplan(t, "dispute", chargeID)
	ch, open, err := st.contested(chargeID)
	if err != nil || !open {
		return err
	}
	d, asked := st.disputes.rows[ch.Dispute]
	if asked && !d.inquiry() {
		return nil
	}
	before := obj{"status": d.Status}
	if !asked {
		d = dispute{ID: newID("du"), Created: t.now.Unix(), Charge: ch.ID, Intent: ch.Intent, Currency: ch.Currency, Brand: ch.Method.Brand}
	}
	left := ch.Amount - ch.Refunded
	if amount == 0 || amount > left {
		amount = left
	}
	d.Amount, d.Reason, d.Status, d.Sent, d.Due = amount, reason, "needs_response", 0, t.now.Add(evidenceDue).Unix()
	d.Txns = st.withdraw(t, d)
	st.plan(t, "evidence", d.ID, time.Unix(d.Due, 0))
	if !asked {
		err = st.contest(t, ch, d)
	} else {
		put(t, st.disputes, d.ID, d)
		err = st.emit(t, "charge.dispute.updated", st.shapeDispute(d), before)
	}
	if err != nil {
		return err
	}
	return st.emit(t, "charge.dispute.funds_withdrawn", st.shapeDispute(d), nil)
}

// contest ties a new dispute or inquiry to its charge.
func (st *Stripe) contest(t *tx, ch charge, d dispute) error {
	was := ch
	put(t, st.disputes, d.ID, d)
	ch.Dispute = d.ID
	put(t, st.charges, ch.ID, ch)
	if err := st.emit(t, "charge.dispute.created", st.shapeDispute(d), nil); err != nil {
		return err
	}
	if err := st.emit(t, "charge.updated", st.shapeCharge(ch), obj{"disputed": false}); err != nil {
		return err
	}
	return st.calm(t, was)
}

// withdraw takes the disputed amount and the fee; reinstate gives both back.
func (st *Stripe) withdraw(t *tx, d dispute) []string {
	return append(slices.Clone(d.Txns), st.book(t, txn{Amount: -d.Amount, Fee: disputeFee, FeeLabel: "Dispute fee", Currency: d.Currency, Type: "adjustment",
		Category: "dispute", Source: d.ID, Description: "Chargeback withdrawal for " + d.Charge}))
}

func (st *Stripe) reinstate(t *tx, d dispute) []string {
	return append(slices.Clone(d.Txns), st.book(t, txn{Amount: d.Amount, Fee: -disputeFee, FeeLabel: "Dispute fee", Currency: d.Currency, Type: "adjustment",
		Category: "dispute_reversal", Source: d.ID, Description: "Chargeback reversal for " + d.Charge}))
}

// Decide ends a dispute. Won: the amount and the fee come back.
func (st *Stripe) Decide(disputeID string, won bool) error {
	return st.do(func(t *tx) error { return st.decide(t, disputeID, won) })
}

// Withdraw has the buyer take the dispute back: it is won, whatever evidence there is.
func (st *Stripe) Withdraw(disputeID string) error { return st.Decide(disputeID, true) }

// Flip turns a lost dispute into a won one, or the other way round, as a bank does that thinks again.
func (st *Stripe) Flip(disputeID string) error {
	return st.do(func(t *tx) error {
		d, ok := st.disputes.rows[disputeID]
		switch {
		case !ok:
			return missing("dispute", disputeID, "id")
		case d.Status != "won" && d.Status != "lost":
			return invalid("", "", "This dispute is %s: nothing was decided yet.", d.Status)
		}
		return st.judged(t, d, d.Status == "lost")
	})
}

func (st *Stripe) decide(t *tx, id string, won bool) error {
	d, ok := st.disputes.rows[id]
	switch {
	case !ok:
		return missing("dispute", id, "id")
	case d.Status == "won" || d.Status == "lost" || d.Status == "warning_closed":
		return refused("", "", "This dispute is already closed")
	case d.inquiry() && !won:
		return refused("", "", "This dispute is an inquiry: no money was taken, so that it cannot be lost. Refund the charge to end it.")
	case d.inquiry():
		return st.closeInquiry(t, d)
	}
	return st.judged(t, d, won)
}

// judged writes a verdict down. Of a dispute that was won before, the money is taken again.
func (st *Stripe) judged(t *tx, d dispute, won bool) error {
	before := obj{"status": d.Status}
	moved := ""
	switch {
	case won:
		moved, d.Txns = "charge.dispute.funds_reinstated", st.reinstate(t, d)
	case d.Status == "won":
		moved, d.Txns = "charge.dispute.funds_withdrawn", st.withdraw(t, d)
	}
	d.Status = map[bool]string{true: "won", false: "lost"}[won]
	put(t, st.disputes, d.ID, d)
	st.unplan(t, "evidence", d.ID)
	if moved != "" {
		if err := st.emit(t, moved, st.shapeDispute(d), nil); err != nil {
			return err
		}
	}
	return st.emit(t, "charge.dispute.closed", st.shapeDispute(d), before)
}

// CloseInquiry ends an inquiry that has come to nothing.
func (st *Stripe) CloseInquiry(disputeID string) error {
	return st.do(func(t *tx) error {
		d, ok := st.disputes.rows[disputeID]
		switch {
		case !ok:
			return missing("dispute", disputeID, "id")
		case !d.inquiry():
			return invalid("", "", "This dispute is %s: it is not an open inquiry.", d.Status)
		}
		return st.closeInquiry(t, d)
	})
}

func (st *Stripe) closeInquiry(t *tx, d dispute) error {
	before := obj{"status": d.Status}
	d.Status = "warning_closed"
	put(t, st.disputes, d.ID, d)
	st.unplan(t, "evidence", d.ID)
	return st.emit(t, "charge.dispute.closed", st.shapeDispute(d), before)
}

// settleInquiry closes the inquiry about a charge that was given back in full.
func (st *Stripe) settleInquiry(t *tx, ch charge) error {
	if d, ok := st.disputes.rows[ch.Dispute]; ok && d.inquiry() && ch.Refunded == ch.Amount {
		return st.closeInquiry(t, d)
	}
	return nil
}

// silence is the end of the time for evidence: who has not answered has lost. An inquiry just ends, much later.
func (st *Stripe) silence(t *tx, id string) error {
	d := st.disputes.rows[id]
	switch {
	case d.Status == "needs_response":
		return st.judged(t, d, false)
	case d.inquiry():
		return st.closeInquiry(t, d)
	}
	return nil
}
