package payouts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"vitrine/app/audit"
	"vitrine/app/db"
	"vitrine/app/event"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/ledger"
	"vitrine/app/payments"
)

// AccountTask is the job that asks how a connected account stands.
type AccountTask struct {
	Method id.Method `json:"method"`
}

func (AccountTask) Kind() string { return "payouts:account" }

// ApplyAccount hears that a connected account has changed. What the event says of it may be old by now, so it is only
// the reason to ask.
func (s *Service) ApplyAccount(ctx context.Context, tx *db.Tx, a payments.Account) error {
	m, err := s.methodByNumber(ctx, tx, a.Number)
	if db.None(err) {
		return nil // not ours, or its number has not reached us yet: then it is asked for anyway
	}
	if err != nil {
		return err
	}
	if m.State == Gone {
		return nil
	}
	return job.Enqueue(ctx, tx, AccountTask{m.ID}, job.On(job.Money))
}

// lookAt asks how an account stands. Answers go by when they were asked for: a later question's answer is not undone by
// an earlier one's.
func (s *Service) lookAt(ctx context.Context, method id.Method) error {
	m, err := s.findMethod(ctx, s.DB, method)
	if err != nil {
		return fmt.Errorf("payout method %s: %w", method, err)
	}
	if m.State == Gone || m.Account == "" || s.Connector == nil {
		return nil
	}
	asked := s.DB.Now()
	failpoint.Hit("payouts.account.before_call")
	a, err := s.Connector.Account(ctx, m.Account)
	failpoint.Hit("payouts.account.after_call")
	if errors.Is(err, payments.ErrNone) {
		a, err = payments.Account{Number: m.Account, Gone: true}, nil
	}
	if err != nil {
		return fmt.Errorf("account %s: %w", m.Account, err)
	}
	return s.inMethod(ctx, func(tx *db.Tx) error {
		row, err := s.takeMethod(ctx, tx, method)
		if err != nil || row.State == Gone {
			return err
		}
		if row.looked.After(asked) && !row.looked.After(tx.Now.Add(time.Hour)) {
			return nil
		}
		if m, err = s.applyAccount(ctx, tx, row, a, asked); err != nil {
			return err
		}
		return event.Emit(ctx, tx, Changed, m.Creator.String())
	})
}

// applyAccount writes how a locked account stands now. Another bank account behind it is a change like any other:
// mailed, and not paid to for a while.
func (s *Service) applyAccount(ctx context.Context, tx *db.Tx, m Method, a payments.Account, asked time.Time) (Method, error) {
	before := m
	m.looked = asked
	m.Due, m.Deadline, m.Disabled = a.Due, a.Deadline, a.Disabled
	if a.Country != "" {
		m.Country = a.Country
	}
	if !a.Gone {
		m.Bank, m.Currency = a.Bank, a.Currency
	}
	switch {
	case a.Gone:
		m.State, m.Current = Gone, false
	case a.Payouts:
		m.State = Ready
		if m.readied.IsZero() {
			m.readied = tx.Now
		}
	case !m.readied.IsZero():
		m.State = Restricted
	default:
		m.State = Incomplete
	}
	moved := before.Bank != "" && !a.Gone && (before.Bank != m.Bank || before.Currency != m.Currency)
	if moved && !before.readied.IsZero() {
		m.PayableFrom = tx.Now.Add(ChangeDelay)
	}
	if moved || m.State == Ready && before.State != Ready { // whatever was wrong there may be over
		m.Trouble, m.TroubleAt, m.RestsUntil, m.troubles = "", time.Time{}, time.Time{}, 0
	}
	if err := s.updateMethod(ctx, tx, m); err != nil {
		return m, err
	}
	if err := s.told(ctx, tx, before, m, moved); err != nil {
		return m, err
	}
	if m.State == Ready && before.readied.IsZero() {
		var err error
		if m, err = s.adopt(ctx, tx, m); err != nil {
			return m, err
		}
	}
	return m, s.refresh(ctx, tx, m.Creator)
}

// told notes and mails what has happened to an account at its provider.
func (s *Service) told(ctx context.Context, tx *db.Tx, before, m Method, moved bool) error {
	subject := "user:" + m.Creator.String()
	switch {
	case m.State == Gone:
		if err := audit.Log(ctx, tx, id.User{}, "payouts.gone", subject, map[string]any{"method": m.ID.String(), "provider": m.Provider}); err != nil {
			return err
		}
		return s.mail(ctx, tx, MailTask{Creator: m.Creator, What: mailGone, Method: m.ID})
	case moved && !before.readied.IsZero():
		if err := audit.Log(ctx, tx, id.User{}, "payouts.bank", subject, map[string]any{"method": m.ID.String(), "from": before.Bank, "to": m.Bank}); err != nil {
			return err
		}
		return s.mail(ctx, tx, MailTask{Creator: m.Creator, What: mailChanged, Method: m.ID, Cause: tx.Now.Format(time.RFC3339Nano)})
	case m.State == Restricted && before.State == Ready:
		return s.mail(ctx, tx, MailTask{Creator: m.Creator, What: mailRestricted, Method: m.ID, Cause: tx.Now.Format(time.RFC3339Nano)})
	}
	return nil
}

// adopt makes an account that can be paid to the creator's method: at once when it is the first ever, otherwise when the
// mailed link was followed.
func (s *Service) adopt(ctx context.Context, tx *db.Tx, m Method) (Method, error) {
	_, has, err := s.currentMethod(ctx, tx, m.Creator)
	if err != nil {
		return m, err
	}
	ever, err := s.everReady(ctx, tx, m.Creator, m.ID)
	if err != nil {
		return m, err
	}
	if has || ever {
		return m, s.propose(ctx, tx, m, changeUse)
	}
	m.Current = true
	if err := s.updateMethod(ctx, tx, m); err != nil {
		return m, err
	}
	if err := audit.Log(ctx, tx, m.Creator, "payouts.method", "user:"+m.Creator.String(), map[string]any{"method": m.ID.String(), "provider": m.Provider}); err != nil {
		return m, err
	}
	return m, s.mail(ctx, tx, MailTask{Creator: m.Creator, What: mailReady, Method: m.ID})
}

const (
	lookEvery = 24 * time.Hour
	warnAhead = 7 * 24 * time.Hour // before a deadline of the provider's
)

// SweepAccounts asks about accounts whose events may have been lost, and reminds of deadlines.
func (s *Service) SweepAccounts(ctx context.Context) error {
	now := s.DB.Now()
	stale, err := s.listStaleAccounts(ctx, s.DB, now.Add(-lookEvery))
	if err != nil {
		return fmt.Errorf("accounts: %w", err)
	}
	var all []error
	for _, m := range stale {
		if err := s.lookAt(ctx, m); err != nil {
			slog.WarnContext(ctx, "account not looked at", "method", m, "err", err)
			all = append(all, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		near, err := s.listDeadlines(ctx, tx, tx.Now, tx.Now.Add(warnAhead))
		if err != nil {
			return err
		}
		for _, m := range near {
			if err := s.mail(ctx, tx, MailTask{Creator: m.Creator, What: mailDeadline, Method: m.ID, Cause: m.Deadline.UTC().Format(date)}); err != nil {
				return err
			}
		}
		failpoint.Hit("payouts.sweep_mail.before_commit")
		return nil
	})
	failpoint.Hit("payouts.sweep_mail.after_commit")
	return errors.Join(append(all, err)...)
}

type deadline struct {
	ID       id.Method `db:"id"`
	Creator  id.User   `db:"creator_id"`
	Deadline time.Time `db:"deadline"`
}

func (s *Service) listDeadlines(ctx context.Context, q db.Q, from, to time.Time) (rows []deadline, err error) {
	err = q.Select(ctx, &rows, `
		SELECT id, creator_id, deadline FROM payout_methods
		WHERE state <> 'gone' AND deadline > $1 AND deadline <= $2`, from, to)
	return rows, err
}

// SweepReasons brings the reasons of everybody who has money up to date: time alone changes some.
func (s *Service) SweepReasons(ctx context.Context) error {
	seen := map[id.User]bool{}
	if err := ledger.Purses(ctx, s.DB, func(ps []ledger.Purse) error {
		for _, p := range ps {
			seen[p.Creator] = true
		}
		return nil
	}); err != nil {
		return err
	}
	noted, err := s.listReasoned(ctx, s.DB)
	if err != nil {
		return fmt.Errorf("reasons: %w", err)
	}
	for _, u := range noted {
		seen[u] = true
	}
	for u := range seen {
		err := s.DB.InTx(ctx, func(tx *db.Tx) error {
			err := s.refresh(ctx, tx, u)
			failpoint.Hit("payouts.reasons.before_commit")
			return err
		})
		failpoint.Hit("payouts.reasons.after_commit")
		if err != nil {
			return fmt.Errorf("reasons of %s: %w", u, err)
		}
	}
	return nil
}

func (s *Service) listReasoned(ctx context.Context, q db.Q) (rows []id.User, err error) {
	err = q.Select(ctx, &rows, `SELECT DISTINCT creator_id FROM payout_reasons WHERE cleared_at IS NULL`)
	return rows, err
}
