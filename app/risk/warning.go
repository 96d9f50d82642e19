package risk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"vitrine/app/audit"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/orders"
	"vitrine/app/payments"
)

// warningLife is for how long after a sale a bank's early warning leads to a refund.
const warningLife = 120 * 24 * time.Hour

// unauthorised are the kinds of warning in which the owner of the card did not pay.
var unauthorised = []string{"unauthorized_use_of_card", "made_with_stolen_card", "made_with_lost_card", "made_with_counterfeit_card", "fraudulent_card_application"}

const reasonWarning = "The buyer's bank warned that the payment was fraud."

// ApplyWarning does what follows from a bank's early warning: a payment that looks risky anyway is given back before the
// bank takes it, and its buyer blocked; otherwise the buyer is asked, or it is only noted. A warning that is resolved is
// never touched again. It says in a word what came of it.
func (s *Service) ApplyWarning(ctx context.Context, tx *db.Tx, provider string, w payments.Warning) (outcome string, err error) {
	if _, err := tx.Exec(ctx, `
		INSERT INTO risk_warnings (provider, ref, intent, charge, kind, at, received_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT ON CONSTRAINT risk_warnings_pkey DO NOTHING`, provider, w.ID, w.Intent, w.Charge, w.Kind, w.At, tx.Now); err != nil {
		return "", fmt.Errorf("warning %s: %w", w.ID, err)
	}
	return s.resolve(ctx, tx, provider, w.ID)
}

// resolve works one warning off under the locks of its payment and of its own row, in this order.
func (s *Service) resolve(ctx context.Context, tx *db.Tx, provider, ref string) (string, error) {
	c, err := s.warned(ctx, tx, provider, ref)
	if err != nil {
		return "", err
	}
	var w struct {
		Kind     string     `db:"kind"`
		Received time.Time  `db:"received_at"`
		Resolved *time.Time `db:"resolved_at"`
	}
	if err := tx.Get(ctx, &w, `SELECT kind, received_at, resolved_at FROM risk_warnings WHERE provider = $1 AND ref = $2 FOR UPDATE`, provider, ref); err != nil {
		return "", err
	}
	switch {
	case w.Resolved != nil:
		return "known", nil
	case c.ID.IsZero() && tx.Now.Sub(w.Received) < memory:
		return "waiting", nil // the payment may still become known
	case c.ID.IsZero():
		return "not ours", s.settleWarning(ctx, tx, provider, ref, id.Checkout{}, "not_ours")
	case c.PaidAt.IsZero():
		return "waiting", nil
	}
	outcome, err := s.answer(ctx, tx, c, ref, w.Kind)
	if err != nil {
		return "", err
	}
	return outcome, s.settleWarning(ctx, tx, provider, ref, c.ID, outcome)
}

// warned finds and locks the payment of a warning; zero when there is none.
func (s *Service) warned(ctx context.Context, tx *db.Tx, provider, ref string) (orders.Checkout, error) {
	var intent string
	err := tx.Get(ctx, &intent, `
		SELECT coalesce(NULLIF(w.intent, ''), (SELECT o.payment_intent_id FROM orders o WHERE o.charge_id = w.charge AND w.charge <> '' LIMIT 1), '')
		FROM risk_warnings w WHERE w.provider = $1 AND w.ref = $2`, provider, ref)
	if err != nil || intent == "" {
		return orders.Checkout{}, err
	}
	c, err := s.Orders.ByPayment(ctx, tx, provider, intent)
	if errs.Is(err, errs.NotFound) {
		return orders.Checkout{}, nil
	}
	if err != nil {
		return c, err
	}
	var locked id.Checkout
	if err := tx.Get(ctx, &locked, `SELECT id FROM checkouts WHERE id = $1 FOR UPDATE`, c.ID); err != nil {
		return c, err
	}
	return s.Orders.ByPayment(ctx, tx, provider, intent) // as it is under the lock
}

func (s *Service) settleWarning(ctx context.Context, tx *db.Tx, provider, ref string, c id.Checkout, outcome string) error {
	_, err := tx.Exec(ctx, `UPDATE risk_warnings SET checkout_id = $3, outcome = $4, resolved_at = $5 WHERE provider = $1 AND ref = $2 AND resolved_at IS NULL`,
		provider, ref, c, outcome, tx.Now)
	return err
}

// answer decides what a warning of a payment leads to.
func (s *Service) answer(ctx context.Context, tx *db.Tx, c orders.Checkout, ref, kind string) (string, error) {
	if c.Test || tx.Now.Sub(c.PaidAt) > warningLife {
		return "late", nil
	}
	left := slices.ContainsFunc(c.Orders, func(o orders.Order) bool {
		return o.Status.Sold() && o.Refunded.Add(o.Refunding).Add(o.Disputed).Minor < o.Total.Minor
	})
	keys, err := s.keysOf(ctx, tx, c.ID)
	if err != nil {
		return "", err
	}
	risky, err := s.risky(ctx, tx, c, keys)
	switch {
	case err != nil:
		return "", err
	case risky && !left:
		return "given_back", blockKeys(ctx, tx, keys, WhyWarning, c.Orders[0].ID, id.User{}, afterFraud)
	case risky:
		return s.takeBack(ctx, tx, c, ref, keys)
	case slices.Contains(unauthorised, kind):
		for _, o := range c.Orders {
			if err := job.Enqueue(ctx, tx, Ask{Order: o.ID, Ref: ref}, job.Key("risk-ask:"+ref+":"+o.ID.String())); err != nil {
				return "", err
			}
		}
		return "asked", nil
	}
	return "noted", nil
}

// risky: the provider or a person doubted the payment before, the receipt never arrived, or the buyer is blocked already.
func (s *Service) risky(ctx context.Context, tx *db.Tx, c orders.Checkout, keys map[Kind]string) (bool, error) {
	for _, o := range c.Orders {
		if o.Risk == "elevated" || o.Risk == "highest" || o.Review.Stopped() {
			return true, nil
		}
	}
	var bounced bool
	if err := tx.Get(ctx, &bounced, `
		SELECT EXISTS (SELECT 1 FROM order_mails m JOIN orders o ON o.id = m.order_id WHERE o.checkout_id = $1 AND m.kind = 'receipt' AND m.refused_at IS NOT NULL)`, c.ID); err != nil {
		return false, err
	}
	if bounced {
		return true, nil
	}
	hits, err := listHits(ctx, tx, keys, nil, tx.Now)
	return len(hits) > 0, err
}

// keysOf are the keys that were stored when a payment was decided on.
func (s *Service) keysOf(ctx context.Context, tx *db.Tx, c id.Checkout) (map[Kind]string, error) {
	var r decisionRow
	err := tx.Get(ctx, &r, `
		SELECT id, key, order_id, checkout_id, stage, verdict, rules, inputs, reasons, created_at FROM risk_decisions
		WHERE checkout_id = $1 LIMIT 1`, c)
	if err == nil {
		d, err := r.decision()
		return d.Inputs.Keys, err
	}
	if !db.None(err) {
		return nil, err
	}
	b, err := findBuying(ctx, tx, c) // sold before there were rules
	return s.keys(b, "", payments.Card{}), err
}

// takeBack refunds what is left of a payment and blocks its buyer.
func (s *Service) takeBack(ctx context.Context, tx *db.Tx, c orders.Checkout, ref string, keys map[Kind]string) (string, error) {
	for _, o := range c.Orders {
		if !o.Status.Sold() || o.Total.IsZero() {
			continue
		}
		r, err := s.OfOrder(ctx, tx, o.ID)
		switch {
		case err == nil && !r.State.Decided():
			err = s.conclude(ctx, tx, r, id.User{}, Refund, reasonWarning)
		case err == nil || errors.Is(err, errNoReview):
			err = s.Refund(ctx, tx, o.ID, refundNote, true)
		}
		if err != nil && !errs.Is(err, errs.Conflict) { // someone was quicker
			return "", fmt.Errorf("order %s: %w", o.ID, err)
		}
		if err := audit.Log(ctx, tx, id.User{}, "risk.warning", "order:"+o.ID.String(), map[string]any{"warning": ref}); err != nil {
			return "", err
		}
	}
	return "refunded", blockKeys(ctx, tx, keys, WhyWarning, c.Orders[0].ID, id.User{}, afterFraud)
}

// resumeWarnings looks again at warnings that came before their payment was known.
func (s *Service) resumeWarnings(ctx context.Context) error {
	var waiting []struct {
		Provider string `db:"provider"`
		Ref      string `db:"ref"`
	}
	if err := s.DB.Select(ctx, &waiting, `SELECT provider, ref FROM risk_warnings WHERE resolved_at IS NULL ORDER BY received_at LIMIT 200`); err != nil {
		return fmt.Errorf("list warnings: %w", err)
	}
	for _, w := range waiting {
		err := s.DB.InTx(ctx, func(tx *db.Tx) error {
			_, err := s.resolve(ctx, tx, w.Provider, w.Ref)
			failpoint.Hit("risk.warning.before_commit")
			return err
		})
		failpoint.Hit("risk.warning.after_commit")
		if err != nil {
			return fmt.Errorf("warning %s: %w", w.Ref, err)
		}
	}
	return nil
}

// WarningsOf lists the words in which banks warned of a payment.
func (s *Service) WarningsOf(ctx context.Context, q db.Q, c id.Checkout) (kinds []string, err error) {
	err = q.Select(ctx, &kinds, `SELECT kind FROM risk_warnings WHERE checkout_id = $1 ORDER BY received_at`, c)
	return kinds, err
}
