package sandbox

import (
	"slices"
	"time"
)

const refundSettles = 24 * time.Hour

func (st *Stripe) createRefund(c *call) (obj, error) {
	chargeID, intentID := c.str("charge"), c.str("payment_intent")
	amount, given := c.num("amount", 1, 1<<40)
	why := c.enum("reason", "duplicate", "fraudulent", "requested_by_customer")
	meta := c.newMeta("metadata")
	c.refuse("reverse_transfer", "refund_application_fee", "instructions_email", "origin", "customer", "currency")
	if err := c.done(); err != nil {
		return nil, err
	}
	ch, err := st.refundable(chargeID, intentID)
	if err != nil {
		return nil, err
	}
	left := ch.Amount - ch.Refunded
	switch {
	case left == 0:
		return nil, refused("", "charge_already_refunded", "Charge %s has already been refunded.", ch.ID)
	case given && amount > left && ch.Refunded == 0:
		return nil, refused("amount", "", "Refund amount (%s) is greater than charge amount (%s)", format(amount, ch.Currency), format(left, ch.Currency))
	case given && amount > left:
		return nil, refused("amount", "", "Refund amount (%s) is greater than unrefunded amount on charge (%s)", format(amount, ch.Currency), format(left, ch.Currency))
	case !given:
		amount = left
	}
	r := refund{ID: newID("re"), Created: c.t.now.Unix(), Charge: ch.ID, Intent: ch.Intent, Amount: amount, Currency: ch.Currency, Reason: why,
		Status: "succeeded", Kind: ch.Method.Kind, Meta: meta}
	if ch.Method.Kind != "card" {
		r.ID = newID("pyr")
	}
	if k := ch.Method.card(); ch.Method.Kind == "card" && k.Refund != "" {
		if k.Refund == "pending" {
			r.Status = "pending"
		}
		st.plan(c.t, "refund", r.ID, c.t.now.Add(refundSettles))
	}
	return st.giveBack(c.t, ch, r)
}

// refundable finds the charge that a refund means.
func (st *Stripe) refundable(chargeID, intentID string) (charge, error) {
	switch {
	case chargeID == "" && intentID == "":
		return charge{}, invalid("", "parameter_missing", "One of the following params should be provided for this request: payment_intent or charge.")
	case chargeID != "" && intentID != "":
		return charge{}, invalid("", "", "You may only specify one of these parameters: charge, payment_intent.")
	}
	if intentID != "" {
		p, ok := st.intents.rows[intentID]
		if !ok {
			return charge{}, missing("payment_intent", intentID, "payment_intent")
		}
		if p.Status != "succeeded" {
			return charge{}, invalid("payment_intent", "payment_intent_unexpected_state", "This PaymentIntent (%s) does not have a successful charge to refund.", p.ID)
		}
		chargeID = p.Latest
	}
	ch, ok := st.charges.rows[chargeID]
	switch {
	case !ok:
		return ch, missing("charge", chargeID, "charge")
	case ch.Status != "succeeded":
		return ch, invalid("charge", "charge_not_refundable", "This charge (%s) is %s and cannot be refunded.", ch.ID, ch.Status)
	case ch.Dispute != "" && !st.disputes.rows[ch.Dispute].refundable():
		return ch, refused("", "charge_disputed", "Charge %s has been charged back; cannot issue a refund.", ch.ID)
	}
	return ch, nil
}

func (st *Stripe) giveBack(t *tx, ch charge, r refund) (obj, error) {
	kind := "refund"
	if r.Kind != "card" {
		kind = "payment_refund"
	}
	r.Txn = st.book(t, txn{Amount: -r.Amount, Currency: r.Currency, Type: kind, Category: "refund", Source: r.ID, Description: "REFUND FOR CHARGE"})
	was := ch
	before := obj{"amount_refunded": ch.Refunded, "refunded": false}
	ch.Refunded += r.Amount
	ch.Refunds = append(slices.Clone(ch.Refunds), r.ID)
	put(t, st.refunds, r.ID, r)
	put(t, st.charges, ch.ID, ch)
	if ch.Refunded < ch.Amount {
		delete(before, "refunded")
	}
	if err := st.emit(t, "refund.created", shapeRefund(r), nil); err != nil {
		return nil, err
	}
	if err := st.emit(t, "charge.refunded", st.shapeCharge(ch), before); err != nil {
		return nil, err
	}
	if err := st.calm(t, was); err != nil {
		return nil, err
	}
	return shapeRefund(r), st.settleInquiry(t, ch)
}

// finishRefund ends a pending refund, or takes back one whose card refuses it: the money returns to the balance.
func (st *Stripe) finishRefund(t *tx, id string) error {
	st.unplan(t, "refund", id)
	r, ok := st.refunds.rows[id]
	if !ok {
		return nil
	}
	ch := st.charges.rows[r.Charge]
	before := obj{"status": r.Status}
	if r.Status == "pending" {
		r.Status = "succeeded"
		put(t, st.refunds, id, r)
		return st.emit(t, "charge.refund.updated", shapeRefund(r), before)
	}
	r.Status, r.Failure = "failed", "expired_or_canceled_card"
	r.FailureTxn = st.book(t, txn{Amount: r.Amount, Currency: r.Currency, Type: "refund_failure", Category: "refund_failure", Source: r.ID, Description: "REFUND FAILURE"})
	put(t, st.refunds, id, r)
	ch.Refunded -= r.Amount
	put(t, st.charges, ch.ID, ch)
	if err := st.emit(t, "refund.failed", shapeRefund(r), nil); err != nil {
		return err
	}
	return st.emit(t, "charge.refund.updated", shapeRefund(r), before)
}

func (st *Stripe) findRefund(c *call) (refund, error) {
	r, ok := st.refunds.rows[c.id]
	if !ok {
		return r, missing("refund", c.id, "id")
	}
	return r, nil
}

func (st *Stripe) getRefund(c *call) (obj, error) {
	if err := c.done(); err != nil {
		return nil, err
	}
	r, err := st.findRefund(c)
	if err != nil {
		return nil, err
	}
	return shapeRefund(r), nil
}

func (st *Stripe) updateRefund(c *call) (obj, error) {
	meta, given := c.meta("metadata")
	if err := c.done(); err != nil {
		return nil, err
	}
	r, err := st.findRefund(c)
	if err != nil {
		return nil, err
	}
	if given {
		old := r.Meta
		r.Meta = mergeMeta(r.Meta, meta)
		put(c.t, st.refunds, r.ID, r)
		err = st.emit(c.t, "charge.refund.updated", shapeRefund(r), obj{"metadata": metaOf(old)})
	}
	return shapeRefund(r), err
}

func (st *Stripe) listRefunds(c *call) (obj, error) {
	pg, ch, pi := c.pages(), c.str("charge"), c.str("payment_intent")
	if err := c.done(); err != nil {
		return nil, err
	}
	return cut(pg, "/v1/refunds", "refund", st.refunds.order, func(id string) bool {
		r := st.refunds.rows[id]
		return pg.holds(r.Created) && (ch == "" || r.Charge == ch) && (pi == "" || r.Intent == pi)
	}, func(id string) obj { return shapeRefund(st.refunds.rows[id]) })
}
