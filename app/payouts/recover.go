package payouts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"vitrine/app/db"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/ledger"
	"vitrine/app/payments"
)

// RecoverTask is the job that brings the money of a failed payout back.
type RecoverTask struct {
	Payout id.Payout `json:"payout"`
}

func (RecoverTask) Kind() string { return "payouts:recover" }

// Recover brings the money of a payout that failed after it had left back to the platform's account, and then to the
// creator's balance. Where the provider does not give it, a person must look, and it is asked for again.
func (s *Service) Recover(ctx context.Context, payout id.Payout) error {
	p, err := s.findPayout(ctx, s.DB, payout)
	if err != nil {
		return fmt.Errorf("payout %s: %w", payout, err)
	}
	if p.State != Failed {
		return nil
	}
	y, err := s.payer(p)
	if err != nil {
		return err
	}
	failpoint.Hit("payouts.recover.before_call")
	failed := y.Recover(ctx, p.input())
	failpoint.Hit("payouts.recover.after_call")
	ctx, cancel := settleContext(ctx)
	defer cancel()
	switch payments.OutcomeOf(failed) {
	case "":
		return s.inPayout(ctx, payout, "return", func(tx *db.Tx, p *Payout) error { return s.comeBack(ctx, tx, p) })
	case payments.Refused:
		return s.inPayout(ctx, payout, "stuck", func(tx *db.Tx, p *Payout) error { return s.stick(ctx, tx, p, codeOf(failed)) })
	}
	return fmt.Errorf("recover payout %s: %w", payout, failed) // asked again; doing it twice moves it once
}

func (s *Service) comeBack(ctx context.Context, tx *db.Tx, p *Payout) error {
	if p.State != Failed {
		return nil
	}
	if err := s.book(ctx, tx, *p, ":returned", ledger.Provider(p.Provider), ledger.Available(p.Creator)); err != nil {
		return err
	}
	p.State, p.EndedAt, p.StuckAt = Returned, tx.Now, time.Time{}
	if err := s.closeCase(ctx, tx, "payout stuck:"+p.ID.String()); err != nil {
		return err
	}
	return s.mail(ctx, tx, MailTask{Creator: p.Creator, What: mailReturned, Payout: p.ID})
}

// stick: the money stays where it is for now. It is owed to the creator by nobody but their own account there, so the
// balance does not have it.
func (s *Service) stick(ctx context.Context, tx *db.Tx, p *Payout, code string) error {
	if p.State != Failed {
		return nil
	}
	p.looked = tx.Now
	if !p.StuckAt.IsZero() {
		return nil
	}
	p.StuckAt = tx.Now
	if err := s.openCase(ctx, tx, "payout stuck:"+p.ID.String(), "A payout failed, and its provider does not give the money back.",
		map[string]any{"payout": p.ID.String(), "provider": p.Provider, "code": code, "amount": p.Amount.String()}); err != nil {
		return err
	}
	return s.mail(ctx, tx, MailTask{Creator: p.Creator, What: mailFailed, Payout: p.ID})
}

// reviewHeld lets a held payout go whose cause is over.
func (s *Service) reviewHeld(ctx context.Context, p Payout) error {
	if s.Holds == nil || p.Failure == byHand {
		return nil
	}
	if why, err := s.Holds(ctx, s.DB, p.Creator); err != nil || why == p.Why {
		return err
	}
	return s.inPayout(ctx, p.ID, "review", func(tx *db.Tx, p *Payout) error {
		if p.State != Held || p.Failure == byHand {
			return nil
		}
		why, err := s.Holds(ctx, tx, p.Creator)
		if p.Why = why; err != nil || why != "" {
			return err
		}
		p.State = Reserved
		return s.enqueueSend(ctx, tx, p.ID, tx.Now)
	})
}

// Sweep finds what lost jobs and events have missed.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.DB.Now()
	var all []error
	do := func(p id.Payout, err error) {
		if err != nil && !errors.Is(err, errBusy) {
			slog.WarnContext(ctx, "payout not settled", "payout", p, "err", err)
			all = append(all, err)
		}
	}
	open, err := s.listOpen(ctx, s.DB)
	if err != nil {
		return fmt.Errorf("open payouts: %w", err)
	}
	for _, p := range open {
		if ctx.Err() != nil {
			break
		}
		switch {
		case p.State == Held:
			do(p.ID, s.reviewHeld(ctx, p))
		case p.State == Failed:
			if p.stranded(now) {
				do(p.ID, s.Recover(ctx, p.ID))
			}
		case p.overdue(now):
			do(p.ID, s.Send(ctx, p.ID))
		}
	}
	silent, err := s.listSilent(ctx, s.DB, now)
	if err != nil {
		return errors.Join(append(all, err)...)
	}
	for _, p := range silent {
		if ctx.Err() != nil {
			break
		}
		do(p.ID, s.ask(ctx, p))
	}
	return errors.Join(all...)
}

const (
	grace      = 2 * time.Minute // for the job that was meant to do it
	stuckPause = 6 * time.Hour
	askEvery   = 24 * time.Hour
	forget     = 90 * 24 * time.Hour // an event is still taken after that
)

// overdue reports whether the job of a payout should have been there. A try in the future comes from a clock that was
// wrong.
func (p Payout) overdue(now time.Time) bool {
	since := p.CreatedAt
	for _, t := range []time.Time{p.tried, p.looked} {
		if t.After(since) {
			since = t
		}
	}
	wait := grace
	if p.State == Unknown || p.State == Reserved && p.attempts > 0 {
		wait = p.patience() + grace
	}
	return now.Sub(since) > wait || since.After(now.Add(time.Hour))
}

// stranded reports whether it is time to ask for the money of a failed payout again.
func (p Payout) stranded(now time.Time) bool {
	since, wait := p.looked, stuckPause
	if since.IsZero() {
		since, wait = p.updated, grace
	}
	return now.Sub(since) > wait || since.After(now.Add(time.Hour))
}

// ask looks at a payout that was sent, because its event may never come.
func (s *Service) ask(ctx context.Context, p Payout) error {
	y, err := s.payer(p)
	if err != nil {
		return err
	}
	failpoint.Hit("payouts.ask.before_call")
	out, err := y.Look(ctx, p.input())
	failpoint.Hit("payouts.ask.after_call")
	none := errors.Is(err, payments.ErrNone)
	if err != nil && !none {
		return fmt.Errorf("ask for payout %s: %w", p.ID, err)
	}
	ctx, cancel := settleContext(ctx)
	defer cancel()
	return s.inPayout(ctx, p.ID, "ask", func(tx *db.Tx, p *Payout) error {
		p.looked = tx.Now
		if none {
			if m, err := s.findMethod(ctx, tx, p.Method); err != nil || m.State == Gone {
				return err // its account was disconnected: nobody can be asked
			}
			return s.openCase(ctx, tx, "payout gone:"+p.ID.String(), "A provider knows nothing of a payout that it had taken.",
				map[string]any{"payout": p.ID.String(), "provider": p.Provider, "amount": p.Amount.String()})
		}
		return s.apply(ctx, tx, p, out)
	})
}

// listOpen are payouts that are not with the provider or the creator.
func (s *Service) listOpen(ctx context.Context, q db.Q) ([]Payout, error) {
	var rows []struct {
		payoutRow
		Updated time.Time `db:"updated_at"`
	}
	err := q.Select(ctx, &rows, `
		SELECT `+payoutColumns+`, p.updated_at FROM payouts p
		WHERE p.state IN ('held', 'reserved', 'sending', 'unknown', 'failed')
		ORDER BY p.updated_at
		LIMIT 500`)
	out := make([]Payout, len(rows))
	for i, r := range rows {
		out[i] = r.payout()
		out[i].updated = r.Updated
	}
	return out, err
}

// listSilent are payouts that were sent and of which nothing was heard for a day, while they may still change.
func (s *Service) listSilent(ctx context.Context, q db.Q, now time.Time) ([]Payout, error) {
	var rows []payoutRow
	err := q.Select(ctx, &rows, `
		SELECT `+payoutColumns+` FROM payouts p
		WHERE p.state IN ('sent', 'paid') AND (coalesce(p.looked_at, p.sent_at) < $1 OR coalesce(p.looked_at, p.sent_at) > $4)
			AND (p.state = 'sent' AND p.sent_at > $2 OR p.sent_at > $3)
		ORDER BY p.looked_at NULLS FIRST
		LIMIT 200`, now.Add(-askEvery), now.Add(-forget), now.Add(-Provisional-askEvery), now.Add(time.Hour))
	return payoutsOf(rows), err
}

// Jobs registers what the worker does.
func (s *Service) Jobs(r *job.Registry) {
	spec := job.Spec{Timeout: 2 * time.Minute, Attempts: 8}
	job.Handle(r, spec, func(ctx context.Context, t SendTask) error { return s.Send(ctx, t.Payout) })
	job.Handle(r, spec, func(ctx context.Context, t RecoverTask) error { return s.Recover(ctx, t.Payout) })
	job.Handle(r, spec, func(ctx context.Context, t AccountTask) error { return s.lookAt(ctx, t.Method) })
	r.Every("payouts:run", 5*time.Minute, func(ctx context.Context) error { return s.Run(ctx, s.DB.Now()) })
	r.Every("payouts:sweep", time.Minute, s.Sweep)
	r.Every("payouts:accounts", time.Hour, s.SweepAccounts)
	r.Every("payouts:reasons", time.Hour, s.SweepReasons)
}

// Failpoints are all places where a process may die: around every commit and every call to a provider.
var Failpoints = []string{
	"payouts.reserve.before_commit", "payouts.reserve.after_commit", "payouts.request.before_commit", "payouts.request.after_commit",
	"payouts.day.before_commit", "payouts.day.after_commit", "payouts.begin.before_commit", "payouts.begin.after_commit",
	"payouts.record.before_commit", "payouts.record.after_commit",
	"payouts.pay.before_call", "payouts.pay.after_call", "payouts.look.before_call", "payouts.look.after_call",
	"payouts.recover.before_call", "payouts.recover.after_call", "payouts.ask.before_call", "payouts.ask.after_call",
	"payouts.plan.before_commit", "payouts.plan.after_commit", "payouts.method.before_commit", "payouts.method.after_commit",
	"payouts.reasons.before_commit", "payouts.reasons.after_commit", "payouts.sweep_mail.before_commit", "payouts.sweep_mail.after_commit",
	"payouts.open.before_call", "payouts.open.after_call", "payouts.seek.before_call", "payouts.seek.after_call",
	"payouts.account.before_call", "payouts.account.after_call", "payouts.link.before_call", "payouts.link.after_call",
	"payouts.dashboard.before_call", "payouts.dashboard.after_call",
}
