package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"vitrine/app/audit"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/money"
)

type caseRow struct {
	ID         id.Case    `db:"id"`
	Key        string     `db:"key"`
	What       string     `db:"what"`
	Details    []byte     `db:"details"`
	OpenedAt   time.Time  `db:"created_at"`
	ClosedAt   *time.Time `db:"closed_at"`
	Assignee   id.User    `db:"assignee_id"`
	AssignedTo string     `db:"assigned_to"`
	ClosedBy   string     `db:"closed_by"`
	Why        string     `db:"why"`
}

func (r caseRow) read() (Case, error) {
	kind, _, _ := strings.Cut(r.Key, ":")
	c := Case{ID: r.ID, Key: r.Key, Kind: kind, What: r.What, OpenedAt: r.OpenedAt.UTC(), Assignee: r.Assignee, AssignedTo: r.AssignedTo, ClosedBy: r.ClosedBy, Why: r.Why}
	if r.ClosedAt != nil {
		c.ClosedAt = r.ClosedAt.UTC()
	}
	if err := json.Unmarshal(r.Details, &c.Details); err != nil {
		return c, fmt.Errorf("details of case %s: %w", r.ID, err)
	}
	return c, nil
}

// Since is when it began, as far as anybody knows: its age counts from there.
func (c Case) Since() time.Time {
	if t, err := time.Parse(time.RFC3339, c.Details.Since); err == nil && t.Before(c.OpenedAt) {
		return t
	}
	return c.OpenedAt
}

// Stake is the money that the case is about; false when nobody can say.
func (c Case) Stake() (money.Amount, bool) {
	d := c.Details
	if theirs, ok := amountOf(d.Theirs); ok {
		if ours, ok := amountOf(d.Ours); ok && ours.Currency == theirs.Currency {
			return positive(theirs.Sub(ours)), true
		}
	}
	for _, s := range []string{d.Amount, d.Sent, d.Paid, d.Asked} {
		if a, ok := amountOf(s); ok {
			return positive(a), true
		}
	}
	return money.Amount{}, false
}

func positive(a money.Amount) money.Amount {
	if a.Minor < 0 {
		return a.Neg()
	}
	return a
}

// amountOf reads "19.00 EUR".
func amountOf(s string) (money.Amount, bool) {
	number, currency, ok := strings.Cut(strings.TrimPrefix(s, "-"), " ")
	c := money.Currency(currency)
	if !ok || !c.Valid() {
		return money.Amount{}, false
	}
	a, err := money.Parse(number, c)
	if strings.HasPrefix(s, "-") {
		a = a.Neg()
	}
	return a, err == nil
}

// Choice chooses among cases.
type Choice struct {
	Closed bool
	Kind   string // empty: all
	After  int    // how many came before
	Limit  int
}

// Cases lists open cases, the oldest first, or closed ones, the last closed first.
func (s *Service) Cases(ctx context.Context, p Choice) ([]Case, error) {
	var rows []caseRow
	if err := s.DB.Select(ctx, &rows, `
		SELECT c.id, c.key, c.what, c.details, c.created_at, c.closed_at, coalesce(c.assignee_id, '00000000-0000-0000-0000-000000000000') AS assignee_id,
			coalesce(a.name, '') AS assigned_to, coalesce(b.name, '') AS closed_by, c.why
		FROM money_cases c LEFT JOIN users a ON a.id = c.assignee_id LEFT JOIN users b ON b.id = c.actor_id
		WHERE (c.closed_at IS NOT NULL) = $1 AND ($2 = '' OR split_part(c.key, ':', 1) = $2)
		ORDER BY CASE WHEN $1 THEN c.closed_at END DESC, c.created_at, c.id
		LIMIT $3 OFFSET $4`, p.Closed, p.Kind, p.Limit, p.After); err != nil {
		return nil, err
	}
	out := make([]Case, len(rows))
	for i, r := range rows {
		var err error
		if out[i], err = r.read(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Kinds counts cases by kind.
func (s *Service) Kinds(ctx context.Context, closed bool) (map[string]int, error) {
	var rows []struct {
		Kind string `db:"kind"`
		N    int    `db:"n"`
	}
	err := s.DB.Select(ctx, &rows, `SELECT split_part(key, ':', 1) AS kind, count(*) AS n FROM money_cases WHERE (closed_at IS NOT NULL) = $1 GROUP BY 1`, closed)
	out := map[string]int{}
	for _, r := range rows {
		out[r.Kind] = r.N
	}
	return out, err
}

// Case reads one with its history. That it was looked at is noted.
func (s *Service) Case(ctx context.Context, actor id.User, number string) (c Case, history []Moment, err error) {
	n, err := id.Parse[id.CaseKind](number)
	if err != nil {
		return c, nil, errNoCase
	}
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		if c, err = s.findCase(ctx, tx, n); err != nil {
			return err
		}
		history = nil
		if err := tx.Select(ctx, &history, `
			SELECT e.kind, coalesce(u.name, '') AS who, e.note, e.created_at FROM money_case_events e LEFT JOIN users u ON u.id = e.actor_id
			WHERE e.case_id = $1 ORDER BY e.n DESC LIMIT 200`, n); err != nil {
			return err
		}
		err := audit.Log(ctx, tx, actor, "admin.case.view", "case:"+n.String(), nil)
		failpoint.Hit("admin.case.before_commit")
		return err
	})
	failpoint.Hit("admin.case.after_commit")
	return c, history, err
}

func (s *Service) findCase(ctx context.Context, q db.Q, n id.Case) (Case, error) {
	var r caseRow
	err := q.Get(ctx, &r, `
		SELECT c.id, c.key, c.what, c.details, c.created_at, c.closed_at, coalesce(c.assignee_id, '00000000-0000-0000-0000-000000000000') AS assignee_id,
			coalesce(a.name, '') AS assigned_to, coalesce(b.name, '') AS closed_by, c.why
		FROM money_cases c LEFT JOIN users a ON a.id = c.assignee_id LEFT JOIN users b ON b.id = c.actor_id
		WHERE c.id = $1`, n)
	if db.None(err) {
		return Case{}, errNoCase
	}
	if err != nil {
		return Case{}, err
	}
	return r.read()
}

// words checks what an operator has written.
func words(s string) (string, error) {
	s = strings.TrimSpace(s)
	if n := len([]rune(s)); n < 3 || n > noteLimit {
		return "", errs.Field("reason", "Write a few words, at most 1,000 characters.")
	}
	return s, nil
}

// Close ends a case with a reason. When the checks find it again, it opens again.
func (s *Service) Close(ctx context.Context, actor id.User, n id.Case, why string) error {
	why, err := words(why)
	if err != nil {
		return err
	}
	return s.act(ctx, actor, n, "admin.case.close", why, func(tx *db.Tx) (int64, error) {
		return tx.Exec(ctx, `UPDATE money_cases SET closed_at = $2, touched_at = $2, actor_id = $3, why = $4 WHERE id = $1 AND closed_at IS NULL`, n, tx.Now, actor, why)
	})
}

// Note writes something down about a case.
func (s *Service) Note(ctx context.Context, actor id.User, n id.Case, note string) error {
	note, err := words(note)
	if err != nil {
		return err
	}
	return s.act(ctx, actor, n, "admin.case.note", note, func(tx *db.Tx) (int64, error) {
		return tx.Exec(ctx, `INSERT INTO money_case_events (case_id, kind, actor_id, note, created_at) SELECT id, 'noted', $2, $3, $4 FROM money_cases WHERE id = $1`, n, actor, note, tx.Now)
	})
}

// Take puts a case into the hands of the one who asks; Drop takes it out of anybody's.
func (s *Service) Take(ctx context.Context, actor id.User, n id.Case) error {
	return s.assign(ctx, actor, n, &actor)
}

func (s *Service) Drop(ctx context.Context, actor id.User, n id.Case) error {
	return s.assign(ctx, actor, n, nil)
}

func (s *Service) assign(ctx context.Context, actor id.User, n id.Case, to *id.User) error {
	return s.act(ctx, actor, n, "admin.case.assign", "", func(tx *db.Tx) (int64, error) {
		rows, err := tx.Exec(ctx, `UPDATE money_cases SET assignee_id = $2 WHERE id = $1 AND closed_at IS NULL`, n, to)
		if err != nil || rows == 0 {
			return rows, err
		}
		note := ""
		if to == nil {
			note = "Nobody has it in hand."
		}
		return tx.Exec(ctx, `INSERT INTO money_case_events (case_id, kind, actor_id, note, created_at) VALUES ($1, 'assigned', $2, $3, $4)`, n, actor, note, tx.Now)
	})
}

// act changes a case and notes who did it.
func (s *Service) act(ctx context.Context, actor id.User, n id.Case, action, why string, f func(tx *db.Tx) (int64, error)) error {
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		rows, err := f(tx)
		if err != nil {
			return fmt.Errorf("%s: %w", action, err)
		}
		if rows == 0 {
			if _, err := s.findCase(ctx, tx, n); err != nil {
				return err
			}
			return errClosed
		}
		details := map[string]any{}
		if why != "" {
			details["why"] = why
		}
		err = audit.Log(ctx, tx, actor, action, "case:"+n.String(), details)
		failpoint.Hit("admin.case.before_commit")
		return err
	})
	failpoint.Hit("admin.case.after_commit")
	return err
}
