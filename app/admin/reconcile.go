package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"vitrine/app/db"
	"vitrine/app/failpoint"
	"vitrine/app/payments"
)

// Run is one nightly comparison of a provider's account with the book.
type Run struct {
	Provider    string     `db:"provider"`
	Day         time.Time  `db:"day"`
	From        time.Time  `db:"from_at"`
	To          time.Time  `db:"to_at"`
	Stage       string     `db:"stage"`
	Cursor      string     `db:"cursor"`
	Lines       int        `db:"lines"`
	Entries     int        `db:"entries"`
	Differences int        `db:"differences"`
	Trouble     string     `db:"trouble"`
	StartedAt   time.Time  `db:"started_at"`
	DoneAt      *time.Time `db:"done_at"`

	settle time.Duration // for how long a movement may be known to one side only
}

// Stages of a run, in their order.
const (
	stageRead   = "read"   // the provider's lines come in
	stageGone   = "gone"   // lines that it does not show any more
	stageTheirs = "theirs" // every line has its booking
	stageOurs   = "ours"   // every booking has its line
	stageCases  = "cases"  // what was open before and was not found again
	stageDone   = "done"
)

const (
	// reach is how far back an account is read every night; the first time it is read as a whole.
	reach    = 40 * 24 * time.Hour
	pageSize = 500 // lines or entries that are compared in one transaction
	readPage = 500 // lines that are marked as shown in one transaction; the mirror takes fewer
)

// Nightly compares the accounts of all providers with the book, once a day from the fixed hour on. A run that was
// cut off goes on where it was: pages are small, and each is a transaction with its cursor.
//
// A difference is one case under a key made from what it is about, however often it is found. It is never adjusted: it
// closes when both sides agree again, or when an operator says why, and opens again when it is found again. An entry that
// should not be is taken back by one under the key undo:<its key>.
func (s *Service) Nightly(ctx context.Context) error {
	day := s.day(s.DB.Now())
	var all []error
	for _, p := range s.Providers {
		if _, err := s.Reconcile(ctx, p, day); err != nil {
			slog.ErrorContext(ctx, "reconciliation not finished", "provider", p.Name(), "err", err)
			all = append(all, fmt.Errorf("reconcile %s: %w", p.Name(), err))
		}
	}
	return errors.Join(all...)
}

// day is the one whose hour has come last.
func (s *Service) day(now time.Time) time.Time {
	hour := s.Hour
	if hour == 0 {
		hour = 3
	}
	t := now.In(s.zone())
	if t.Hour() < hour {
		t = t.AddDate(0, 0, -1)
	}
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// Reconcile brings the run of a day to its end. Payments that no event has told of are learned first: what remains is
// put before a person, never adjusted.
func (s *Service) Reconcile(ctx context.Context, p payments.Provider, day time.Time) (Run, error) {
	r, err := s.begin(ctx, p.Name(), day)
	r.settle = payments.Settling(p)
	if err != nil || r.Stage == stageDone {
		return r, err
	}
	if r.Stage == stageRead {
		if err := s.Orders.ReconcileWith(ctx, p); err != nil {
			return r, s.troubled(ctx, r, err)
		}
		if err := s.read(ctx, p, &r); err != nil {
			return r, s.troubled(ctx, r, err)
		}
	}
	steps := map[string]func(context.Context, *db.Tx, *Run) (string, error){
		stageGone: s.pageGone, stageTheirs: s.pageTheirs, stageOurs: s.pageOurs, stageCases: s.pageCases,
	}
	next := map[string]string{stageGone: stageTheirs, stageTheirs: stageOurs, stageOurs: stageCases, stageCases: stageDone}
	for r.Stage != stageDone {
		err := s.DB.InTx(ctx, func(tx *db.Tx) error {
			n := r
			cursor, err := steps[r.Stage](ctx, tx, &n)
			if err != nil {
				return err
			}
			if n.Cursor = cursor; cursor == "" {
				n.Stage = next[r.Stage]
			}
			if err = s.save(ctx, tx, &n); err == nil {
				r = n
			}
			failpoint.Hit("admin.reconcile.page.before_commit")
			return err
		})
		failpoint.Hit("admin.reconcile.page.after_commit")
		if err != nil {
			return r, s.troubled(ctx, r, err)
		}
	}
	slog.InfoContext(ctx, "account compared with the book", "provider", r.Provider, "lines", r.Lines, "entries", r.Entries, "differences", r.Differences)
	return r, nil
}

// begin finds the run of a day, or writes it.
func (s *Service) begin(ctx context.Context, provider string, day time.Time) (r Run, err error) {
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		var done bool
		if err := tx.Get(ctx, &done, `SELECT EXISTS (SELECT 1 FROM reconciliations WHERE provider = $1 AND done_at IS NOT NULL)`, provider); err != nil {
			return err
		}
		from := time.Unix(0, 0)
		if done {
			from = tx.Now.Add(-reach)
		}
		if _, err := tx.Exec(ctx, `
			INSERT INTO reconciliations (provider, day, from_at, to_at, stage, started_at) VALUES ($1, $2, $3, $4, 'read', $4)
			ON CONFLICT ON CONSTRAINT reconciliations_pkey DO NOTHING`, provider, day, from, tx.Now); err != nil {
			return err
		}
		err := tx.Get(ctx, &r, `
			SELECT provider, day, from_at, to_at, stage, cursor, lines, entries, differences, trouble, started_at, done_at
			FROM reconciliations WHERE provider = $1 AND day = $2`, provider, day)
		failpoint.Hit("admin.reconcile.begin.before_commit")
		return err
	})
	failpoint.Hit("admin.reconcile.begin.after_commit")
	return r, err
}

func (s *Service) save(ctx context.Context, tx *db.Tx, r *Run) error {
	r.Trouble = ""
	if r.Stage == stageDone {
		if err := tx.Get(ctx, &r.Differences, `
			SELECT count(*) FROM money_cases WHERE closed_at IS NULL AND starts_with(key, 'difference:') AND details->>'provider' = $1`, r.Provider); err != nil {
			return err
		}
		r.DoneAt = &tx.Now
	}
	_, err := tx.Exec(ctx, `
		UPDATE reconciliations SET stage = $3, cursor = $4, lines = $5, entries = $6, differences = $7, trouble = '', done_at = $8
		WHERE provider = $1 AND day = $2`, r.Provider, r.Day, r.Stage, r.Cursor, r.Lines, r.Entries, r.Differences, r.DoneAt)
	return err
}

// troubled notes why a run stopped; the next try goes on from there.
func (s *Service) troubled(ctx context.Context, r Run, cause error) error {
	err := s.DB.InTx(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE reconciliations SET trouble = $3 WHERE provider = $1 AND day = $2`, r.Provider, r.Day, clip(cause.Error(), 500))
		return err
	})
	return errors.Join(cause, err)
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// witness looks on while an account is read: which lines are shown, and whether they are those that we have kept.
type witness struct {
	payments.Provider
	see func(payments.Movement) error
}

func (w witness) Movements(ctx context.Context, since time.Time, each func(payments.Movement) error) error {
	return w.Provider.Movements(ctx, since, func(m payments.Movement) error {
		if err := each(m); err != nil {
			return err
		}
		return w.see(m)
	})
}

// read takes in all lines of the window. It may begin again from the start: a line that is known changes nothing.
func (s *Service) read(ctx context.Context, p payments.Provider, r *Run) error {
	mirror := &payments.Mirror{DB: s.DB, Providers: payments.Providers{p}}
	var waiting []payments.Movement
	n := 0
	flush := func(page []payments.Movement) error {
		err := s.DB.InTx(ctx, func(tx *db.Tx) error {
			err := s.witnessed(ctx, tx, *r, page)
			failpoint.Hit("admin.reconcile.read.before_commit")
			return err
		})
		failpoint.Hit("admin.reconcile.read.after_commit")
		n += len(page)
		return err
	}
	failpoint.Hit("admin.reconcile.read.before_call")
	err := mirror.PullSince(ctx, witness{p, func(m payments.Movement) error {
		if waiting = append(waiting, m); len(waiting) < 2*readPage {
			return nil
		}
		page := waiting[:readPage] // the newest may not be in the mirror yet
		waiting = append([]payments.Movement(nil), waiting[readPage:]...)
		return flush(page)
	}}, r.From)
	failpoint.Hit("admin.reconcile.read.after_call")
	if err == nil && len(waiting) > 0 {
		err = flush(waiting)
	}
	if err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		after := *r
		after.Stage, after.Cursor, after.Lines = stageGone, "", n
		if err := s.save(ctx, tx, &after); err != nil {
			return err
		}
		*r = after
		failpoint.Hit("admin.reconcile.page.before_commit")
		return nil
	})
}
