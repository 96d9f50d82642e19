package sandbox

import (
	"slices"
	"time"
)

// warning is a card network's early word that a payment was fraud.
type warning struct {
	ID      string `json:"id"`
	Created int64  `json:"created"`
	Charge  string `json:"charge"`
	Intent  string `json:"intent"`
	Kind    string `json:"kind"`
}

const warnAfter = time.Hour // of the test card that always leads to one

var fraudKinds = []string{"card_never_received", "fraudulent_card_application", "made_with_counterfeit_card", "made_with_lost_card", "made_with_stolen_card", "misc", "unauthorized_use_of_card"}

func (st *Stripe) radarRoutes() map[string]endpoint {
	return map[string]endpoint{
		"GET /radar/early_fraud_warnings":      st.listWarnings,
		"GET /radar/early_fraud_warnings/{id}": st.getWarning,
	}
}

// Warn has the card network warn of fraud, without a dispute as yet. kind is one of Stripe's fraud types; "" is
// unauthorized_use_of_card. It answers the warning's id.
func (st *Stripe) Warn(chargeOrIntent, kind string) (id string, err error) {
	kind = orElse(kind, "unauthorized_use_of_card")
	err = st.do(func(t *tx) error {
		if !slices.Contains(fraudKinds, kind) {
			return invalid("kind", "", "Invalid fraud type: must be one of %s", orList(fraudKinds))
		}
		if p, ok := st.intents.rows[chargeOrIntent]; ok {
			chargeOrIntent = p.Latest
		}
		id, err = st.warn(t, chargeOrIntent, kind)
		return err
	})
	return id, err
}

func (st *Stripe) warn(t *tx, chargeID, kind string) (string, error) {
	st.unplan(t, "warn", chargeID)
	ch, ok := st.charges.rows[chargeID]
	switch {
	case !ok:
		return "", missing("charge", chargeID, "charge")
	case ch.Status != "succeeded":
		return "", invalid("charge", "", "This charge (%s) did not succeed: nobody warns of it.", ch.ID)
	}
	for _, id := range st.warnings.order {
		if st.warnings.rows[id].Charge == ch.ID {
			return id, nil // one a charge
		}
	}
	w := warning{ID: newID("issfr"), Created: t.now.Unix(), Charge: ch.ID, Intent: ch.Intent, Kind: kind}
	put(t, st.warnings, w.ID, w)
	return w.ID, st.emit(t, "radar.early_fraud_warning.created", st.shapeWarning(w), nil)
}

// calm tells that a warning asks for nothing any more: the payment was given back or is disputed.
func (st *Stripe) calm(t *tx, before charge) error {
	for _, id := range st.warnings.order {
		w := st.warnings.rows[id]
		if w.Charge == before.ID && before.warned() && !st.charges.rows[w.Charge].warned() {
			return st.emit(t, "radar.early_fraud_warning.updated", st.shapeWarning(w), obj{"actionable": true})
		}
	}
	return nil
}

// warned reports whether a refund would still keep a dispute away.
func (c charge) warned() bool { return c.Dispute == "" && c.Refunded < c.Amount }

func (st *Stripe) shapeWarning(w warning) obj {
	return obj{"id": w.ID, "object": "radar.early_fraud_warning", "actionable": st.charges.rows[w.Charge].warned(), "charge": w.Charge, "created": w.Created,
		"fraud_type": w.Kind, "livemode": false, "payment_intent": w.Intent}
}

func (st *Stripe) getWarning(c *call) (obj, error) {
	if err := c.done(); err != nil {
		return nil, err
	}
	w, ok := st.warnings.rows[c.id]
	if !ok {
		return nil, missing("early_fraud_warning", c.id, "early_fraud_warning")
	}
	return st.shapeWarning(w), nil
}

func (st *Stripe) listWarnings(c *call) (obj, error) {
	pg, ch, pi := c.pages(), c.str("charge"), c.str("payment_intent")
	if err := c.done(); err != nil {
		return nil, err
	}
	return cut(pg, "/v1/radar/early_fraud_warnings", "early_fraud_warning", st.warnings.order, func(id string) bool {
		w := st.warnings.rows[id]
		return pg.holds(w.Created) && (ch == "" || w.Charge == ch) && (pi == "" || w.Intent == pi)
	}, func(id string) obj { return st.shapeWarning(st.warnings.rows[id]) })
}
