package payouts

import (
	"context"
	"fmt"
	"time"

	"vitrine/app/db"
	"vitrine/app/event"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/ledger"
	"vitrine/app/payments"
)

// ApplyPayment takes in what a provider's event says about a payout. Events come twice and in any order: what was heard
// of last may be old, so a payout only ever moves forward.
func (s *Service) ApplyPayment(ctx context.Context, tx *db.Tx, provider string, p payments.Payment) error {
	row, err := s.takePayment(ctx, tx, provider, p)
	if db.None(err) {
		return nil // not ours
	}
	if err != nil {
		return err
	}
	if row.Provider != provider {
		return fmt.Errorf("payout %s goes through %s, not %s", row.ID, row.Provider, provider)
	}
	if err := s.apply(ctx, tx, &row, p); err != nil {
		return err
	}
	return s.changed(ctx, tx, row)
}

// apply brings a locked payout up to what the provider says of it.
func (s *Service) apply(ctx context.Context, tx *db.Tx, p *Payout, f payments.Payment) error {
	if f.State == "" {
		return fmt.Errorf("payout %s: the provider says nothing", p.ID)
	}
	if f.Amount.Currency != "" && f.Amount != p.Amount {
		if err := s.openCase(ctx, tx, "payout amount:"+p.ID.String(), "A provider paid another amount than was sent.",
			map[string]any{"payout": p.ID.String(), "sent": p.Amount.String(), "paid": f.Amount.String()}); err != nil {
			return err
		}
	}
	p.learn(f)
	if p.State == Failed || p.State == Returned {
		return nil // nothing comes after it
	}
	if err := s.leave(ctx, tx, p); err != nil {
		return err
	}
	switch f.State {
	case payments.PaymentSent, payments.PaymentPaid:
		return s.arrive(ctx, tx, p, f)
	case payments.PaymentFailed, payments.PaymentReturned:
		return s.fail(ctx, tx, p, f)
	}
	return fmt.Errorf("payout %s: unknown state %q", p.ID, f.State)
}

// learn keeps the provider's numbers; they do not change once known.
func (p *Payout) learn(f payments.Payment) {
	if p.Ref == "" {
		p.Ref = f.Ref
	}
	if p.advance == "" {
		p.advance = f.Advance
	}
	if f.Fee.Currency == p.Amount.Currency && f.Fee.Minor > 0 {
		p.Fee = f.Fee
	}
	if !f.Arrives.IsZero() {
		p.ArrivesAt = f.Arrives
	}
}

// leave books that the money is no longer ours to send. Where it was given back to the balance before, because the
// provider had denied it, the balance pays for it now.
func (s *Service) leave(ctx context.Context, tx *db.Tx, p *Payout) error {
	if !p.SentAt.IsZero() {
		return nil
	}
	from, key := ledger.InFlight(p.Creator), ":sent"
	if !p.State.Open() {
		from, key = ledger.Available(p.Creator), ":late"
		if err := s.openCase(ctx, tx, "payout late:"+p.ID.String(), "A payout left that its provider had denied. Its money had been given back to the balance.",
			map[string]any{"payout": p.ID.String(), "state": string(p.State), "amount": p.Amount.String()}); err != nil {
			return err
		}
	}
	if err := s.book(ctx, tx, *p, key, from, ledger.Provider(p.Provider)); err != nil {
		return err
	}
	p.SentAt, p.EndedAt, p.lease = tx.Now, time.Time{}, time.Time{}
	p.Failure, p.Why = "", ""
	return s.closeCase(ctx, tx, "payout unknown:"+p.ID.String())
}

// book moves a payout's amount.
func (s *Service) book(ctx context.Context, tx *db.Tx, p Payout, key string, from, to ledger.Account) error {
	_, err := ledger.Post(ctx, tx, ledger.Entry{Key: claim(p.ID) + key, Kind: "payout", Lines: []ledger.Line{
		{Account: from, Amount: p.Amount.Neg()}, {Account: to, Amount: p.Amount}}})
	return err
}

func (s *Service) arrive(ctx context.Context, tx *db.Tx, p *Payout, f payments.Payment) error {
	if p.State != Sent && p.State != Paid {
		p.State = Sent
		if err := s.closeCases(ctx, tx, refusals(*p)); err != nil {
			return err
		}
		if err := s.mail(ctx, tx, MailTask{Creator: p.Creator, What: mailSent, Payout: p.ID}); err != nil {
			return err
		}
	}
	if p.State == Paid || f.State == payments.PaymentSent {
		return nil
	}
	p.State, p.PaidAt = Paid, tx.Now
	return s.restMethod(ctx, tx, p.Method, failure{})
}

// fail: it left and will not arrive. Its money must be brought back before the balance has it again.
func (s *Service) fail(ctx context.Context, tx *db.Tx, p *Payout, f payments.Payment) error {
	why := failureOf(p.Provider, f.Failure)
	p.State, p.Failure, p.Why, p.looked = Failed, f.Failure, why.text, time.Time{}
	if err := s.restMethod(ctx, tx, p.Method, why); err != nil {
		return err
	}
	return job.Enqueue(ctx, tx, RecoverTask{p.ID}, job.On(job.Money))
}

// Money that came back rests before it is sent there again, unless the creator says that the account is in order.
const (
	restFirst = 3 * 24 * time.Hour
	restMore  = 7 * 24 * time.Hour
)

// restMethod notes that a payout came back from a method, or with no failure that one arrived.
func (s *Service) restMethod(ctx context.Context, tx *db.Tx, method id.Method, why failure) error {
	m, err := s.takeMethod(ctx, tx, method)
	if err != nil {
		return err
	}
	if why.text == "" {
		if m.troubles == 0 && m.Trouble == "" {
			return nil
		}
		m.troubles, m.Trouble, m.TroubleAt, m.RestsUntil = 0, "", time.Time{}, time.Time{}
		return s.updateMethod(ctx, tx, m)
	}
	rest := restFirst
	if m.troubles > 0 {
		rest = restMore
	}
	m.troubles++
	m.Trouble, m.TroubleAt, m.RestsUntil = why.text, tx.Now, tx.Now.Add(rest)
	return s.updateMethod(ctx, tx, m)
}

// release gives the money of a payout that has not left back to its balance.
func (s *Service) release(ctx context.Context, tx *db.Tx, p *Payout, code string) error {
	why := failureOf(p.Provider, code)
	if err := s.giveBack(ctx, tx, p, Released, code, why.text); err != nil {
		return err
	}
	if why.act == ActYou {
		if err := s.restMethod(ctx, tx, p.Method, why); err != nil {
			return err
		}
	}
	return s.changed(ctx, tx, *p)
}

func (s *Service) giveBack(ctx context.Context, tx *db.Tx, p *Payout, to State, code, why string) error {
	if !p.State.Open() {
		return fmt.Errorf("payout %s is %s, its money is not ours to give back", p.ID, p.State)
	}
	if err := s.book(ctx, tx, *p, ":released", ledger.InFlight(p.Creator), ledger.Available(p.Creator)); err != nil {
		return err
	}
	p.State, p.Failure, p.Why, p.EndedAt, p.lease = to, code, why, tx.Now, time.Time{}
	return nil
}

// changed writes a payout, brings the creator's reasons up to date and tells open pages.
func (s *Service) changed(ctx context.Context, tx *db.Tx, p Payout) error {
	if err := s.updatePayout(ctx, tx, p); err != nil {
		return err
	}
	if err := s.refresh(ctx, tx, p.Creator); err != nil {
		return err
	}
	return event.Emit(ctx, tx, Changed, p.Creator.String())
}
