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
	"vitrine/app/payments"
)

const (
	sendLease = 2 * time.Minute
	// keyMargin is how long before its end a key counts as over: clocks are off by an hour, at worst in both directions.
	keyMargin = 2 * time.Hour
)

var errBusy = errors.New("another worker is sending this payout")

// Send sends a payout that is set aside, or finds out what became of it. It may run as often as it likes: what may have
// left is looked up first, and sent again only under the same key and while the provider remembers it.
func (s *Service) Send(ctx context.Context, payout id.Payout) error {
	if err := s.lookFirst(ctx, payout); err != nil {
		return err
	}
	p, what, err := s.begin(ctx, payout)
	if db.None(err) {
		return job.Permanent(fmt.Errorf("payout %s: %w", payout, err))
	}
	if err != nil {
		return fmt.Errorf("payout %s: %w", payout, err)
	}
	switch what {
	case doSend:
		return s.pay(ctx, p)
	case doLook:
		return s.look(ctx, p)
	}
	return nil
}

// lookFirst asks how the account stands to which a payout is about to leave: who has taken it over may have changed the
// bank account behind it a minute ago, and the event that tells so be on its way.
func (s *Service) lookFirst(ctx context.Context, payout id.Payout) error {
	p, err := s.findPayout(ctx, s.DB, payout)
	if err != nil || p.State != Reserved {
		return nil // begin says what is wrong
	}
	m, has, err := s.currentMethod(ctx, s.DB, p.Creator)
	if err != nil || !has || m.Provider != Stripe {
		return err
	}
	if err := s.lookAt(ctx, m.ID); err != nil {
		return fmt.Errorf("before payout %s: %w", payout, err)
	}
	return nil
}

// step is what is to be done with a payout next.
type step int

const (
	doNothing step = iota
	doSend
	doLook
)

// begin takes a payout for this worker. Where it goes to is settled here, at the last moment before it may leave.
func (s *Service) begin(ctx context.Context, payout id.Payout) (p Payout, what step, err error) {
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		what = doNothing
		if p, err = s.takePayout(ctx, tx, payout); err != nil {
			return err
		}
		if p.leased(tx.Now) {
			return errBusy
		}
		switch p.State {
		case Reserved:
			ok, err := s.aim(ctx, tx, &p)
			if err != nil || !ok {
				return err
			}
			what = doSend
		case Sending, Unknown:
			p.State, what = Unknown, doLook
			s.doubtClock(&p, tx.Now)
			if !guardResend {
				what = doSend
			}
		default:
			return nil
		}
		if what == doSend && p.doubt.IsZero() {
			p.doubt = tx.Now
		}
		if what == doSend {
			p.State, p.tried = Sending, tx.Now
		} else {
			p.looked = tx.Now
		}
		p.attempts++
		p.lease = tx.Now.Add(sendLease)
		err = s.updatePayout(ctx, tx, p)
		failpoint.Hit("payouts.begin.before_commit")
		return err
	})
	failpoint.Hit("payouts.begin.after_commit")
	return p, what, err
}

// doubtClock settles when a payout was first tried, where that lies ahead: a clock was wrong. It counts as so long ago
// that nothing is sent again, and as recent enough for what is on its way to be seen.
func (s *Service) doubtClock(p *Payout, now time.Time) {
	y := s.Payers[p.Provider]
	if y == nil || !p.doubt.After(now.Add(keyMargin/2)) {
		return
	}
	p.doubt = now.Add(keyMargin - y.KeyLife())
	p.tried = now
}

// leased reports whether another worker has it. A lease further ahead than any lease comes from a clock that was wrong.
func (p Payout) leased(now time.Time) bool {
	return p.lease.After(now) && !p.lease.After(now.Add(sendLease))
}

// aim settles where a payout that has never been tried goes to: the creator's method may have changed since it was set
// aside. It is held, or released, where nothing may be sent now.
func (s *Service) aim(ctx context.Context, tx *db.Tx, p *Payout) (ok bool, err error) {
	st, err := s.person(ctx, tx, p.Creator, tx.Now)
	if err != nil {
		return false, err
	}
	if st.holds != "" && p.approved.IsZero() {
		p.State, p.Why = Held, st.holds
		return false, s.changed(ctx, tx, *p)
	}
	st.purse.Currency = p.Amount.Currency
	code := ""
	if !st.hasMethod {
		code = ReasonNoMethod
	} else if v := s.judgeMethod(st); v != nil {
		code = v.Code
	}
	switch code {
	case "":
	case ReasonProviderOff:
		return false, nil // it waits; the sweep comes back
	default:
		if err := s.giveBack(ctx, tx, p, Released, code, failureOf(p.Provider, code).text); err != nil {
			return false, err
		}
		return false, s.changed(ctx, tx, *p)
	}
	p.Method, p.Provider, p.To, p.target = st.method.ID, st.method.Provider, st.method.Shown(), st.method.target()
	return true, nil
}

func (p Payout) input() payments.PayInput {
	return payments.PayInput{Payout: p.ID, To: p.target, Amount: p.Amount, Note: fmt.Sprintf("Vitrine payout %d", p.Number), Since: p.doubt.Add(-searchBack), Ref: p.Ref, Advance: p.advance}
}

// searchBack is how much further a search goes back than it would have to, if clocks were always right.
const searchBack = 7 * 24 * time.Hour

func (s *Service) payer(p Payout) (payments.Payer, error) {
	if y := s.Payers[p.Provider]; y != nil {
		return y, nil
	}
	return nil, fmt.Errorf("payout %s: no provider %q is configured", p.ID, p.Provider)
}

// pay calls the provider with the payout's key and records the answer.
func (s *Service) pay(ctx context.Context, p Payout) error {
	y, err := s.payer(p)
	if err != nil {
		return err
	}
	failpoint.Hit("payouts.pay.before_call")
	out, err := y.Pay(ctx, p.input())
	failpoint.Hit("payouts.pay.after_call")
	ctx, cancel := settleContext(ctx)
	defer cancel()
	return s.record(ctx, p, out, err)
}

// settleContext lets what is known be written down although the call has used its time up.
func settleContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
}

// record writes down what a call has told.
func (s *Service) record(ctx context.Context, p Payout, out payments.Payment, failed error) error {
	code := codeOf(failed)
	if e := (*payments.Error)(nil); errors.As(failed, &e) && e.Answered && e.Outcome == payments.Doubt {
		code = answered
	}
	err := s.inPayout(ctx, p.ID, "record", func(tx *db.Tx, p *Payout) error {
		p.lease = time.Time{}
		switch payments.OutcomeOf(failed) {
		case "":
			return s.apply(ctx, tx, p, out)
		case payments.Refused:
			return s.refused(ctx, tx, p, code)
		case payments.Again:
			return s.notNow(ctx, tx, p, code)
		}
		return s.lost(ctx, tx, p, out, code)
	})
	if err != nil {
		return fmt.Errorf("record payout %s: %w", p.ID, errors.Join(err, failed))
	}
	if failed != nil && payments.OutcomeOf(failed) != payments.Refused {
		slog.WarnContext(ctx, "payout not sent yet", "payout", p.ID, "outcome", payments.OutcomeOf(failed), "err", failed)
	}
	return nil
}

// inPayout changes a payout under the lock of its row and brings the creator's reasons up to date.
func (s *Service) inPayout(ctx context.Context, payout id.Payout, name string, f func(tx *db.Tx, p *Payout) error) error {
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		p, err := s.takePayout(ctx, tx, payout)
		if err != nil {
			return err
		}
		before := p
		if err := f(tx, &p); err != nil {
			return err
		}
		if before.looked = p.looked; p == before { // it was only looked at: nobody's page changes
			err = s.updatePayout(ctx, tx, p)
		} else {
			err = s.changed(ctx, tx, p)
		}
		failpoint.Hit("payouts.record.before_commit")
		return err
	})
	failpoint.Hit("payouts.record.after_commit")
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// refused: the provider says that nothing has left. That goes for earlier tries too: they had the same key, and were not
// there when they were looked for.
func (s *Service) refused(ctx context.Context, tx *db.Tx, p *Payout, code string) error {
	if p.State != Sending && p.State != Unknown {
		return nil
	}
	if failureOf(p.Provider, code).act == ActUs {
		if err := s.openCase(ctx, tx, refusals(*p)+code, "A provider refuses payouts before they leave.",
			map[string]any{"payout": p.ID.String(), "provider": p.Provider, "code": code, "amount": p.Amount.String()}); err != nil {
			return err
		}
	}
	return s.release(ctx, tx, p, code)
}

// refusals begins the keys of the cases about what a provider refuses; the next payout that leaves closes them.
func refusals(p Payout) string {
	return fmt.Sprintf("payout refused:%s:%s:", p.Provider, p.Amount.Currency)
}

// resent reports whether a try before the last one may have gone through.
func (p Payout) resent() bool { return !p.doubt.IsZero() && p.doubt.Before(p.tried) }

// notNow: nothing has left by this try; another follows.
func (s *Service) notNow(ctx context.Context, tx *db.Tx, p *Payout, code string) error {
	if p.State != Sending && p.State != Unknown {
		return nil
	}
	p.Failure = code
	if p.resent() {
		p.State = Unknown
	} else {
		p.State, p.doubt = Reserved, time.Time{}
	}
	return s.retry(ctx, tx, *p)
}

// lost: it may have left. From now on it is asked for.
func (s *Service) lost(ctx context.Context, tx *db.Tx, p *Payout, out payments.Payment, code string) error {
	if p.State != Sending && p.State != Unknown {
		return nil
	}
	p.State, p.Failure = Unknown, code
	if out.Advance != "" {
		p.advance = out.Advance
	}
	if tx.Now.Sub(p.doubt) > unknownAlarm {
		if err := s.openCase(ctx, tx, "payout unknown:"+p.ID.String(), "A provider does not say what became of a payout.",
			map[string]any{"payout": p.ID.String(), "provider": p.Provider, "code": code, "amount": p.Amount.String(), "since": p.doubt}); err != nil {
			return err
		}
	}
	return s.retry(ctx, tx, *p)
}

// retry lets a worker come back to it, once a try.
func (s *Service) retry(ctx context.Context, tx *db.Tx, p Payout) error {
	return job.Enqueue(ctx, tx, SendTask{p.ID}, job.On(job.Money), job.At(tx.Now.Add(p.patience())), job.Key(fmt.Sprintf("payouts:send:%s:%d", p.ID, p.attempts)))
}

// answered is the failure of a payout whose last call was answered with an error that the key keeps: the same key would
// only meet the same error. What a look does not find an hour later was not done.
const answered = "stored_error"

// unknownAlarm is when the operator hears of a payout whose fate nobody knows.
const unknownAlarm = 48 * time.Hour

// patience grows with the number of tries: two minutes, four, … six hours. The first look comes late enough for a call
// that is still under way at the provider to be over.
func (p Payout) patience() time.Duration {
	return min(time.Minute<<min(p.attempts, 10), 6*time.Hour)
}

// look asks how a payout of unknown fate stands.
func (s *Service) look(ctx context.Context, p Payout) error {
	y, err := s.payer(p)
	if err != nil {
		return err
	}
	failpoint.Hit("payouts.look.before_call")
	out, err := y.Look(ctx, p.input())
	failpoint.Hit("payouts.look.after_call")
	never := errors.Is(err, payments.ErrNone)
	if halfway := err == nil && out.State == payments.PaymentFailed && out.Ref == "" && out.Advance != ""; never || halfway {
		now, code := s.DB.Now(), "none_yet"
		over := s.keyOver(y, p, now)
		if p.Failure == answered {
			over, code = over || now.Sub(p.tried) > keyMargin/2, answered
		}
		switch {
		case p.Failure != answered && s.keyLives(y, p, now):
			return s.again(ctx, p)
		case never && over:
			return s.gaveUp(ctx, p)
		case never:
			err = &payments.Error{Outcome: payments.Doubt, Code: code, Cause: payments.ErrNone}
		case !over:
			err = &payments.Error{Outcome: payments.Doubt, Code: code, Cause: errors.New("only the first step was done")}
		}
	}
	if o := payments.OutcomeOf(err); o == payments.Refused || o == payments.Again { // of the question, not of the payout
		err = &payments.Error{Outcome: payments.Doubt, Code: codeOf(err), Cause: err}
	}
	ctx, cancel := settleContext(ctx)
	defer cancel()
	return s.record(ctx, p, out, err)
}

// keyLives reports whether the provider still remembers the key of the first try, so that a second is the same one.
func (s *Service) keyLives(y payments.Payer, p Payout, now time.Time) bool {
	age := now.Sub(p.doubt)
	return age >= -keyMargin/2 && age < y.KeyLife()-keyMargin
}

// keyOver reports whether no try can still be on its way.
func (s *Service) keyOver(y payments.Payer, p Payout, now time.Time) bool {
	return now.Sub(p.doubt) > y.KeyLife() && now.Sub(p.tried) > keyMargin/2
}

// again sends a payout that was not there when it was looked for, under the same key.
func (s *Service) again(ctx context.Context, p Payout) error {
	mine := false
	err := s.inPayout(ctx, p.ID, "again", func(tx *db.Tx, row *Payout) error {
		mine = row.State == Unknown && row.attempts == p.attempts
		if !mine {
			return nil
		}
		row.State, row.tried, row.lease = Sending, tx.Now, tx.Now.Add(sendLease)
		p = *row
		return nil
	})
	if err != nil || !mine {
		return err
	}
	return s.pay(ctx, p)
}

// gaveUp: the provider has never heard of it and nothing of ours is on its way any more. It is not sent again; the money
// goes back, and the next payout has a key of its own.
func (s *Service) gaveUp(ctx context.Context, p Payout) error {
	return s.inPayout(ctx, p.ID, "release", func(tx *db.Tx, row *Payout) error {
		if row.State != Unknown || row.attempts != p.attempts {
			return nil
		}
		if err := s.closeCase(ctx, tx, "payout unknown:"+p.ID.String()); err != nil {
			return err
		}
		return s.release(ctx, tx, row, "never_sent")
	})
}

func codeOf(err error) string {
	var e *payments.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
