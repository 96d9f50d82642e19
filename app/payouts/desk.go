package payouts

import (
	"context"
	"errors"

	"vitrine/app/audit"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
)

// byHand is the failure of a payout that an operator holds: only an operator lets it go.
const byHand = "held_by_hand"

// Hold keeps a payout back that nobody has begun to send. The creator is told that somebody looks, not why.
func (s *Service) Hold(ctx context.Context, admin Who, payout id.Payout) error {
	return s.desk(ctx, admin, payout, "payouts.hold", func(_ *db.Tx, p *Payout) error {
		switch {
		case p.State == Held && p.Failure == byHand:
			return errs.New(errs.Conflict, "This payout is held already.")
		case p.State != Held && (p.State != Reserved || !p.doubt.IsZero()):
			return errs.New(errs.Conflict, "This payout has left, or is about to.")
		}
		p.State, p.Failure, p.Why, p.approved = Held, byHand, "An operator looks at this payout.", id.User{}
		return nil
	})
}

// Release lets a held payout go, whatever it was held for.
func (s *Service) Release(ctx context.Context, admin Who, payout id.Payout) error {
	return s.desk(ctx, admin, payout, "payouts.release", func(tx *db.Tx, p *Payout) error {
		if p.State != Held {
			return errs.New(errs.Conflict, "This payout is not held any more.")
		}
		p.State, p.approved, p.Why, p.Failure = Reserved, admin.User, "", ""
		return s.enqueueSend(ctx, tx, p.ID, tx.Now)
	})
}

// Cancel gives the money of a payout that has not left back to its balance.
func (s *Service) Cancel(ctx context.Context, admin Who, payout id.Payout) error {
	return s.desk(ctx, admin, payout, "payouts.cancel", func(tx *db.Tx, p *Payout) error {
		if p.State != Held && (p.State != Reserved || !p.doubt.IsZero()) {
			return errs.New(errs.Conflict, "This payout has left, or is about to.")
		}
		return s.giveBack(ctx, tx, p, Canceled, "canceled", failureOf(p.Provider, "canceled").text)
	})
}

// Look asks the provider now how a payout stands, whatever the time of the next look is.
func (s *Service) Look(ctx context.Context, admin Who, payout id.Payout) error {
	var state State
	if err := s.desk(ctx, admin, payout, "payouts.look", func(_ *db.Tx, p *Payout) error {
		if state = p.State; state == Held || state == Returned || state == Released || state == Canceled {
			return errs.New(errs.Conflict, "There is nothing to ask about this payout.")
		}
		return nil
	}); err != nil {
		return err
	}
	p, err := s.findPayout(ctx, s.DB, payout)
	if err != nil {
		return err
	}
	switch state {
	case Failed:
		err = s.Recover(ctx, payout)
	case Sent, Paid:
		err = s.ask(ctx, p)
	default:
		err = s.Send(ctx, payout)
	}
	if errors.Is(err, errBusy) {
		return errs.New(errs.Conflict, "A worker asks the provider at this moment.")
	}
	return err
}

// desk does what an operator has decided about a payout, and notes who it was and why.
func (s *Service) desk(ctx context.Context, admin Who, payout id.Payout, action string, f func(tx *db.Tx, p *Payout) error) error {
	err := s.inPayout(ctx, payout, action, func(tx *db.Tx, p *Payout) error {
		if err := f(tx, p); err != nil {
			return err
		}
		details := map[string]any{"amount": p.Amount.String(), "creator": p.Creator.String()}
		if admin.Why != "" {
			details["why"] = admin.Why
		}
		return audit.Log(ctx, tx, admin.User, action, "payout:"+p.ID.String(), details)
	})
	if db.None(err) {
		return errNoPayout
	}
	return err
}
