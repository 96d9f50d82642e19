package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"vitrine/app/db"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
)

// Checked is what the last check of the whole book has said.
type Checked struct {
	At       time.Time
	Took     time.Duration
	Entries  int
	Lines    int
	Wrong    int
	Findings []string
	Trouble  string // why it could not be made
}

// keptChecks is for how long results are kept.
const keptChecks = 90 * 24 * time.Hour

// CheckMoney checks the whole book, keeps the result, opens a case for each finding, closes the cases of those that are
// gone, and makes a noise when the book does not add up.
func (s *Service) CheckMoney(ctx context.Context) error {
	began := s.DB.Now()
	r, failed := s.Check(ctx)
	if failed != nil && ctx.Err() != nil {
		return failed // the process is going down: nothing is known
	}
	var wrong []ledger.Finding
	for _, f := range r.Findings {
		if !f.Note && !(f.Check == "case" && strings.HasPrefix(f.Subject, "check:")) {
			wrong = append(wrong, f)
		}
	}
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		if err := s.keepCheck(ctx, tx, r, wrong, began, failed); err != nil {
			return err
		}
		if failed == nil {
			if err := s.checkCases(ctx, tx, wrong); err != nil {
				return err
			}
		}
		failpoint.Hit("admin.check.before_commit")
		return nil
	})
	failpoint.Hit("admin.check.after_commit")
	if failed != nil {
		slog.ErrorContext(ctx, "the book could not be checked", "err", failed)
	}
	for _, f := range wrong {
		slog.ErrorContext(ctx, "the book does not add up", "finding", f.String())
	}
	if len(wrong) > 0 {
		failed = errors.Join(failed, errors.New("the book does not add up; run `vitrine check-money`"))
	}
	return errors.Join(err, failed)
}

// keepCheck keeps the result. Open cases are findings too; the overview counts them by themselves.
func (s *Service) keepCheck(ctx context.Context, tx *db.Tx, r ledger.Report, wrong []ledger.Finding, began time.Time, failed error) error {
	words, n := []string{}, 0
	for _, f := range wrong {
		if f.Check == "case" {
			continue
		}
		if n++; n <= 100 {
			words = append(words, f.String())
		}
	}
	b, err := json.Marshal(words)
	if err != nil {
		return err
	}
	trouble := ""
	if failed != nil {
		trouble = clip(failed.Error(), 500)
	}
	if _, err := tx.Exec(ctx, `
		INSERT INTO money_checks (created_at, took_ms, entries, lines, wrong, findings, trouble) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		tx.Now, tx.Now.Sub(began).Milliseconds(), r.Entries, r.Lines, n, string(b), trouble); err != nil {
		return fmt.Errorf("keep the check: %w", err)
	}
	_, err = tx.Exec(ctx, `DELETE FROM money_checks WHERE created_at < $1`, tx.Now.Add(-keptChecks))
	return err
}

// checkCases opens a case for each finding that has none of its own yet. Cases themselves are findings too, and so are
// differences between an account and the book: those have their cases already.
func (s *Service) checkCases(ctx context.Context, tx *db.Tx, wrong []ledger.Finding) error {
	open := []string{}
	var differs bool
	if err := tx.Get(ctx, &differs, `SELECT EXISTS (SELECT 1 FROM money_cases WHERE closed_at IS NULL AND starts_with(key, 'difference:'))`); err != nil {
		return err
	}
	for _, f := range wrong {
		if f.Check == "case" || f.Check == "provider" && (differs || !money.Currency(f.Subject).Valid()) {
			continue
		}
		key := "check:" + f.Check + ":" + clip(f.Subject, 200)
		b, err := json.Marshal(Details{Finding: clip(f.Detail, 500)})
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			INSERT INTO money_cases (id, key, what, details, created_at, touched_at) VALUES ($1, $2, $3, $4, $5, $5)
			ON CONFLICT ON CONSTRAINT money_cases_key_unique DO UPDATE SET details = excluded.details, closed_at = NULL,
				touched_at = CASE WHEN money_cases.closed_at IS NULL THEN money_cases.touched_at ELSE excluded.touched_at END`,
			id.New[id.CaseKind](), key, "The check of the whole book has found something.", string(b), tx.Now); err != nil {
			return fmt.Errorf("case of a finding: %w", err)
		}
		open = append(open, key)
	}
	_, err := tx.Exec(ctx, `
		UPDATE money_cases SET closed_at = $2, touched_at = $2, actor_id = NULL, why = 'The check does not find it any more.'
		WHERE closed_at IS NULL AND starts_with(key, 'check:') AND NOT key = ANY($1::text[])`, db.Array(open), tx.Now)
	return err
}
