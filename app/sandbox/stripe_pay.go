package sandbox

import (
	"hash/fnv"
	"net/http"
	"slices"
)

// confirm tries to take the money of p with m. An *apiError of type card_error means declined: its change stands.
func (st *Stripe) confirm(t *tx, p intent, m method) (intent, error) {
	p.Method, p.LastError = &m, nil
	if m.Kind == "sepa_debit" {
		return st.debit(t, p)
	}
	if m.card().ThreeDS {
		p.Status, p.Challenge = "requires_action", random(32)
		put(t, st.intents, p.ID, p)
		return p, st.emit(t, "payment_intent.requires_action", st.shapeIntent(p), nil)
	}
	return st.capture(t, p, "")
}

// capture is the moment of the charge; threeDS is "authenticated" after a challenge.
func (st *Stripe) capture(t *tx, p intent, threeDS string) (intent, error) {
	k := p.Method.card()
	c := st.newCharge(t, p, "succeeded")
	c.ThreeDS = threeDS
	c.Outcome = st.judge(k, c.ID)
	p.Challenge, p.Latest = "", c.ID
	p.Charges = append(slices.Clone(p.Charges), c.ID)
	switch {
	case c.Outcome.Type == "blocked":
		k.Code, k.Decline, k.Message = "card_declined", "fraudulent", generic
		return st.decline(t, p, c, k)
	case k.Code != "":
		return st.decline(t, p, c, k)
	}
	c.Txn = st.bookCharge(t, c)
	put(t, st.charges, c.ID, c)
	switch k.Dispute {
	case "":
	case "inquiry":
		st.plan(t, "inquiry", c.ID, t.now.Add(disputeAfter))
	case "warning":
		st.plan(t, "warn", c.ID, t.now.Add(warnAfter))
	default:
		st.plan(t, "dispute", c.ID, t.now.Add(disputeAfter))
	}
	return st.succeed(t, p, c)
}

func (st *Stripe) newCharge(t *tx, p intent, status string) charge {
	prefix := "ch"
	if p.Method.Kind != "card" {
		prefix = "py"
	}
	return charge{ID: newID(prefix), Created: t.now.Unix(), Intent: p.ID, Amount: p.Amount, Currency: p.Currency, Status: status,
		Customer: p.Customer, Method: *p.Method, Meta: p.Data.Meta, Data: p.Data}
}

// judge is Radar's and the bank's word on a card.
func (st *Stripe) judge(k card, chargeID string) outcome {
	h := fnv.New32a()
	h.Write([]byte(chargeID))
	score := int64(h.Sum32())
	o := outcome{Network: "approved_by_network", Level: "normal", Score: score % 65, Message: "Payment complete.", Type: "authorized"}
	switch k.Risk {
	case "elevated":
		o.Level, o.Score = "elevated", 65+score%10
	case "highest":
		o.Level, o.Score = "highest", 75+score%25
		if k.Blocked || !st.settings.AllowHighest {
			o.Network, o.Reason, o.Type, o.Message = "not_sent_to_network", "highest_risk_level", "blocked", "Stripe blocked this payment as too risky."
		}
	}
	if k.Code != "" {
		o.Network, o.Reason, o.Type = "declined_by_network", orElse(k.Decline, k.Code), "issuer_declined"
		o.Message = "The bank returned the decline code `" + o.Reason + "`."
		if k.Decline == "generic_decline" {
			o.Message = "The bank did not return any further details with this decline."
		}
	}
	return o
}

func (st *Stripe) succeed(t *tx, p intent, c charge) (intent, error) {
	p.Status, p.Received, p.LastError = "succeeded", p.Amount, nil
	put(t, st.intents, p.ID, p)
	if err := st.emit(t, "charge.succeeded", st.shapeCharge(c), nil); err != nil {
		return p, err
	}
	if err := st.emit(t, "payment_intent.succeeded", st.shapeIntent(p), nil); err != nil {
		return p, err
	}
	return p, nil
}

func (st *Stripe) decline(t *tx, p intent, c charge, k card) (intent, error) {
	c.Status, c.FailCode, c.FailMessage = "failed", k.Code, k.Message
	put(t, st.charges, c.ID, c)
	p.Status = "requires_payment_method"
	p.LastError = &failure{Code: k.Code, Decline: k.Decline, Message: k.Message, Charge: c.ID, Method: p.Method}
	put(t, st.intents, p.ID, p)
	if err := st.emit(t, "charge.failed", st.shapeCharge(c), nil); err != nil {
		return p, err
	}
	if err := st.emit(t, "payment_intent.payment_failed", st.shapeIntent(p), nil); err != nil {
		return p, err
	}
	return p, &apiError{Status: http.StatusPaymentRequired, Type: "card_error", Code: k.Code, Decline: k.Decline, Message: k.Message, Kept: true,
		More: obj{"charge": c.ID, "payment_intent": st.shapeIntent(p), "payment_method": shapeMethod(*p.Method)}}
}

// debit starts a delayed payment: it ends when the clock says so.
func (st *Stripe) debit(t *tx, p intent) (intent, error) {
	c := st.newCharge(t, p, "pending")
	c.Outcome = outcome{Network: "approved_by_network", Level: "not_assessed", Message: "Payment complete.", Type: "authorized"}
	put(t, st.charges, c.ID, c)
	p.Status, p.Latest = "processing", c.ID
	p.Charges = append(slices.Clone(p.Charges), c.ID)
	put(t, st.intents, p.ID, p)
	st.plan(t, "settle", p.ID, t.now.Add(p.Method.account().After))
	if err := st.emit(t, "charge.pending", st.shapeCharge(c), nil); err != nil {
		return p, err
	}
	return p, st.emit(t, "payment_intent.processing", st.shapeIntent(p), nil)
}

// settle ends a delayed payment.
func (st *Stripe) settle(t *tx, id string) error {
	st.unplan(t, "settle", id)
	p, ok := st.intents.rows[id]
	if !ok || p.Status != "processing" {
		return nil
	}
	c := st.charges.rows[p.Latest]
	if p.Method.account().Fails {
		return st.bounce(t, p, c)
	}
	c.Status, c.Txn = "succeeded", st.bookCharge(t, c)
	put(t, st.charges, c.ID, c)
	if _, err := st.succeed(t, p, c); err != nil {
		return err
	}
	s, ok := st.sessions.rows[p.Session]
	if !ok {
		return nil
	}
	s.Paid = "paid"
	put(t, st.sessions, s.ID, s)
	return st.emit(t, "checkout.session.async_payment_succeeded", st.shapeSession(s), nil)
}

func (st *Stripe) bounce(t *tx, p intent, c charge) error {
	c.Status, c.FailCode, c.FailMessage = "failed", "insufficient_funds", "The customer's bank account has insufficient funds."
	c.Outcome = outcome{Network: "declined_by_network", Level: "not_assessed", Reason: "insufficient_funds", Type: "issuer_declined", Message: "The customer's bank account has insufficient funds."}
	put(t, st.charges, c.ID, c)
	p.Status = "requires_payment_method"
	p.LastError = &failure{Code: "payment_intent_payment_attempt_failed", Message: c.FailMessage, Charge: c.ID, Method: p.Method}
	put(t, st.intents, p.ID, p)
	if err := st.emit(t, "charge.failed", st.shapeCharge(c), nil); err != nil {
		return err
	}
	if err := st.emit(t, "payment_intent.payment_failed", st.shapeIntent(p), nil); err != nil {
		return err
	}
	s, ok := st.sessions.rows[p.Session]
	if !ok {
		return nil
	}
	return st.emit(t, "checkout.session.async_payment_failed", st.shapeSession(s), nil)
}

// answerChallenge is what the buyer said on the 3-D Secure page.
func (st *Stripe) answerChallenge(t *tx, p intent, passed bool) (intent, error) {
	if passed {
		return st.capture(t, p, "authenticated")
	}
	p.Status, p.Challenge = "requires_payment_method", ""
	p.LastError = &failure{Code: "payment_intent_authentication_failure", Method: p.Method,
		Message: "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent again."}
	put(t, st.intents, p.ID, p)
	if err := st.emit(t, "payment_intent.payment_failed", st.shapeIntent(p), nil); err != nil {
		return p, err
	}
	return p, &apiError{Status: http.StatusPaymentRequired, Type: "invalid_request_error", Code: p.LastError.Code, Message: p.LastError.Message, Kept: true}
}

// paySession is one try to pay a session from the hosted page. next is where the buyer goes.
func (st *Stripe) paySession(t *tx, s session, m method) (next string, err error) {
	if s.Total == 0 {
		return st.completeSession(t, s, m, "no_payment_required")
	}
	p, err := st.sessionIntent(t, &s)
	if err != nil {
		return "", err
	}
	p.Customer = s.Customer
	p, err = st.confirm(t, p, m)
	switch {
	case err != nil:
		return "", err
	case p.Status == "requires_action":
		return st.challengeURL(p), nil
	case p.Status == "processing":
		return st.completeSession(t, s, m, "unpaid")
	}
	return st.completeSession(t, s, m, "paid")
}

// sessionIntent makes the payment at the first try; until then a session has none.
func (st *Stripe) sessionIntent(t *tx, s *session) (intent, error) {
	if p, ok := st.intents.rows[s.Intent]; ok {
		return p, nil
	}
	id := newID("pi")
	p := intent{ID: id, Secret: id + "_secret_" + random(25), Created: t.now.Unix(), Amount: s.Total, Currency: s.Currency, Session: s.ID,
		Status: "requires_payment_method", Methods: s.Methods, Automatic: !s.MethodsGiven, Data: s.Data, Customer: s.Customer}
	put(t, st.intents, p.ID, p)
	s.Intent = p.ID
	put(t, st.sessions, s.ID, *s)
	return p, st.emit(t, "payment_intent.created", st.shapeIntent(p), nil)
}

func (st *Stripe) completeSession(t *tx, s session, m method, paid string) (string, error) {
	if s.CustomerAlways && s.Customer == "" {
		c := customer{ID: newID("cus"), Created: t.now.Unix(), Email: m.Email, Name: m.Name, Prefix: invoicePrefix()}
		put(t, st.customers, c.ID, c)
		s.Customer = c.ID
		if err := st.emit(t, "customer.created", shapeCustomer(c), nil); err != nil {
			return "", err
		}
	}
	s.Status, s.Paid = "complete", paid
	s.Details = &details{Email: orElse(s.Email, m.Email), Name: m.Name, Country: m.BillingCountry, Postal: m.Postal}
	put(t, st.sessions, s.ID, s)
	st.unplan(t, "expire", s.ID)
	return st.successURL(s), st.emit(t, "checkout.session.completed", st.shapeSession(s), nil)
}

// expireSession closes an open session and the payment that was tried in it.
func (st *Stripe) expireSession(t *tx, id string) error {
	s, ok := st.sessions.rows[id]
	if !ok || s.Status != "open" {
		return nil
	}
	s.Status = "expired"
	put(t, st.sessions, id, s)
	st.unplan(t, "expire", id)
	if p, ok := st.intents.rows[s.Intent]; ok && p.Status != "canceled" {
		p.Status, p.CanceledAt, p.CancelReason, p.Challenge = "canceled", t.now.Unix(), "automatic", ""
		put(t, st.intents, p.ID, p)
		if err := st.emit(t, "payment_intent.canceled", st.shapeIntent(p), nil); err != nil {
			return err
		}
	}
	return st.emit(t, "checkout.session.expired", st.shapeSession(s), nil)
}
