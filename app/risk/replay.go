package risk

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
)

// Decision is a verdict with all that led to it.
type Decision struct {
	ID       id.Case
	Key      string
	Order    id.Order // zero: refused before there was one
	Checkout id.Checkout
	Stage    Stage
	Verdict  Verdict
	Rules    int
	Inputs   Inputs
	Reasons  []Reason
	At       time.Time
}

var (
	errNoDecision = errs.New(errs.NotFound, "There is no such decision.")
	errNoRules    = errs.New(errs.Conflict, "The rules of that time are not in this version of Vitrine.")
)

// Replay computes a decision again from its stored inputs, with the rules of its time.
func (s *Service) Replay(_ context.Context, d Decision) (Verdict, []Reason, error) {
	r, ok := Version(d.Rules)
	if !ok {
		return "", nil, errNoRules
	}
	v, why := r.Evaluate(d.Inputs)
	return v, why, nil
}

// insertDecision adds to the log, once a key.
func insertDecision(ctx context.Context, tx *db.Tx, d Decision) error {
	in, err := json.Marshal(d.Inputs)
	if err != nil {
		return fmt.Errorf("decision %s: %w", d.Key, err)
	}
	if d.Reasons == nil {
		d.Reasons = []Reason{}
	}
	why, err := json.Marshal(d.Reasons)
	if err != nil {
		return fmt.Errorf("decision %s: %w", d.Key, err)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO risk_decisions (id, key, order_id, checkout_id, stage, verdict, rules, inputs, reasons, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT ON CONSTRAINT risk_decisions_key_unique DO NOTHING`,
		id.New[id.CaseKind](), d.Key, d.Order, d.Checkout, string(d.Stage), string(d.Verdict), d.Rules, string(in), string(why), tx.Now)
	if err != nil {
		return fmt.Errorf("decision %s: %w", d.Key, err)
	}
	return nil
}

type decisionRow struct {
	ID       id.Case     `db:"id"`
	Key      string      `db:"key"`
	Order    id.Order    `db:"order_id"`
	Checkout id.Checkout `db:"checkout_id"`
	Stage    Stage       `db:"stage"`
	Verdict  Verdict     `db:"verdict"`
	Rules    int         `db:"rules"`
	Inputs   []byte      `db:"inputs"`
	Reasons  []byte      `db:"reasons"`
	At       time.Time   `db:"created_at"`
}

func (r decisionRow) decision() (Decision, error) {
	d := Decision{ID: r.ID, Key: r.Key, Order: r.Order, Checkout: r.Checkout, Stage: r.Stage, Verdict: r.Verdict, Rules: r.Rules, At: r.At}
	if err := json.Unmarshal(r.Inputs, &d.Inputs); err != nil {
		return d, fmt.Errorf("decision %s: inputs: %w", r.ID, err)
	}
	if err := json.Unmarshal(r.Reasons, &d.Reasons); err != nil {
		return d, fmt.Errorf("decision %s: reasons: %w", r.ID, err)
	}
	return d, nil
}

// Decision finds one by its number.
func (s *Service) Decision(ctx context.Context, d id.Case) (Decision, error) {
	var r decisionRow
	err := s.DB.Get(ctx, &r, `SELECT id, key, order_id, checkout_id, stage, verdict, rules, inputs, reasons, created_at FROM risk_decisions WHERE id = $1`, d)
	if db.None(err) {
		return Decision{}, errNoDecision
	}
	if err != nil {
		return Decision{}, err
	}
	return r.decision()
}

// DecisionOf finds the one on an order.
func (s *Service) DecisionOf(ctx context.Context, q db.Q, o id.Order) (Decision, error) {
	var r decisionRow
	err := q.Get(ctx, &r, `SELECT id, key, order_id, checkout_id, stage, verdict, rules, inputs, reasons, created_at FROM risk_decisions WHERE order_id = $1`, o)
	if db.None(err) {
		return Decision{}, errNoDecision
	}
	if err != nil {
		return Decision{}, err
	}
	return r.decision()
}

// Decisions lists the log, newest first; an empty verdict lists all. There is one more than a page when more follow.
func (s *Service) Decisions(ctx context.Context, v Verdict, before id.Case) ([]Decision, error) {
	var rows []decisionRow
	err := s.DB.Select(ctx, &rows, `
		SELECT id, key, order_id, checkout_id, stage, verdict, rules, inputs, reasons, created_at
		FROM risk_decisions
		WHERE ($1 = '' OR verdict = $1) AND ($2::uuid IS NULL OR id < $2)
		ORDER BY id DESC
		LIMIT $3`, string(v), before, pageSize+1)
	if err != nil {
		return nil, err
	}
	out := make([]Decision, len(rows))
	for i, r := range rows {
		if out[i], err = r.decision(); err != nil {
			return nil, err
		}
	}
	return out, nil
}
