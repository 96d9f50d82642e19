package risk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"vitrine/app/audit"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/job"
)

// What is written where no person has given a reason.
const (
	reasonLate    = "Nobody decided in time, so the buyer has the money back."
	reasonBlocked = "The buyer, the card or the browser is on the blocklist."

	// refundNote goes with the refund. Buyers and creators may read it, so it says nothing of what was seen.
	refundNote = "Given back after our check of the order."
)

// Expire ends a review whose time is over.
type Expire struct {
	Review id.Review `json:"review"`
}

func (Expire) Kind() string { return "risk:expire" }

// conclude ends a review. There is one road for persons and for deadlines. The checkout's row is locked.
func (s *Service) conclude(ctx context.Context, tx *db.Tx, r Review, actor id.User, c Choice, why string) error {
	state := Refused
	if c == Approve {
		state = Approved
	}
	n, err := tx.Exec(ctx, `
		UPDATE risk_reviews SET state = $2, decided_by = $3, decided_at = $4, assignee_id = coalesce(assignee_id, $3)
		WHERE id = $1 AND decided_at IS NULL`, r.ID, string(state), actor, tx.Now)
	if err != nil {
		return err
	}
	if n == 0 {
		return errDecided
	}
	if err := s.Orders.Decide(ctx, tx, r.Order, c == Approve); err != nil {
		return fmt.Errorf("decide order %s: %w", r.Order, err)
	}
	details := map[string]any{}
	if !r.ChoiceBy.IsZero() && !actor.IsZero() {
		details["first"] = r.ChoiceBy.String()
	}
	if c != Approve {
		note, err := s.giveBack(ctx, tx, r)
		if err != nil {
			return err
		}
		if note != "" {
			details["refund"] = note
		}
	}
	if c == Close {
		if err := s.shut(ctx, tx, r, why); err != nil {
			return err
		}
	}
	if err := history(ctx, tx, r.ID, actor, string(c), why, details); err != nil {
		return err
	}
	details["reason"], details["stake"] = why, r.Stake.String()
	if err := audit.Log(ctx, tx, actor, "risk."+string(c), "order:"+r.Order.String(), details); err != nil || c == Approve {
		return err
	}
	return job.Enqueue(ctx, tx, Tell{Review: r.ID, What: TellRefused}, job.Key("risk-tell:"+r.ID.String()+":refused"))
}

// giveBack begins the refund. Where nothing is left to give back, because the provider's dashboard or the bank was
// quicker, the review ends all the same; note says so.
func (s *Service) giveBack(ctx context.Context, tx *db.Tx, r Review) (note string, err error) {
	if r.Stake.IsZero() {
		return "", nil
	}
	err = s.Refund(ctx, tx, r.Order, refundNote, true)
	if errs.Is(err, errs.Conflict) {
		var e *errs.Error
		errors.As(err, &e)
		return e.Message, nil
	}
	if err != nil {
		return "", fmt.Errorf("refund order %s: %w", r.Order, err)
	}
	return "", nil
}

// shut closes the shop of a review.
func (s *Service) shut(ctx context.Context, tx *db.Tx, r Review, why string) error {
	if err := s.Shops.Shut(ctx, tx, r.Shop, why); err != nil {
		return err
	}
	return job.Enqueue(ctx, tx, Tell{Review: r.ID, What: TellShut}, job.Key("risk-tell:"+r.ID.String()+":shut"))
}

// Unshut lets a creator open a shop again that was closed in a review.
func (s *Service) Unshut(ctx context.Context, actor id.User, r id.Review, why string) error {
	why, err := cleanReason(why)
	if err != nil {
		return err
	}
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		have, err := s.Get(ctx, tx, r)
		if err == nil {
			err = s.Shops.Unshut(ctx, tx, have.Shop)
		}
		if err == nil {
			err = history(ctx, tx, r, actor, "reopened", why, nil)
		}
		if err == nil {
			err = audit.Log(ctx, tx, actor, "risk.reopen", "shop:"+have.Shop.String(), map[string]any{"reason": why})
		}
		failpoint.Hit("risk.reopen.before_commit")
		return err
	})
	if err != nil {
		return err
	}
	failpoint.Hit("risk.reopen.after_commit")
	return nil
}

// Holds says why a creator's payouts wait for a person; empty when they do not.
func (s *Service) Holds(ctx context.Context, q db.Q, creator id.User) (string, error) {
	_, shut, err := s.Shops.ShutOf(ctx, q, creator)
	if err != nil || !shut {
		return "", err
	}
	return "The shop was closed by the operators of this instance. Its payouts wait until they have looked at them.", nil
}

// Expire refunds an order on which nobody has decided in time, and one that the rules have blocked.
func (s *Service) Expire(ctx context.Context, r id.Review) error {
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		have, err := s.take(ctx, tx, r)
		switch {
		case errors.Is(err, errDecided), errors.Is(err, errNoReview):
			return nil
		case err != nil:
			return err
		case have.Due.After(tx.Now): // held in the meantime
			return nil
		}
		why := reasonLate
		if !have.Due.After(have.OpenedAt) {
			why = reasonBlocked
		}
		err = s.conclude(ctx, tx, have, id.User{}, Refund, why)
		failpoint.Hit("risk.expire.before_commit")
		return err
	})
	if err != nil {
		return fmt.Errorf("review %s: %w", r, err)
	}
	failpoint.Hit("risk.expire.after_commit")
	return nil
}

// Sweep ends reviews whose job was lost, tries warnings again that came too early, and forgets what has expired.
func (s *Service) Sweep(ctx context.Context) error {
	var due []id.Review
	if err := s.DB.Select(ctx, &due, `SELECT id FROM risk_reviews WHERE decided_at IS NULL AND due_at <= $1 ORDER BY due_at LIMIT 200`, s.DB.Now()); err != nil {
		return fmt.Errorf("list due reviews: %w", err)
	}
	var all []error
	for _, r := range due {
		if err := s.Expire(ctx, r); err != nil {
			slog.ErrorContext(ctx, "a review could not be ended", "review", r, "err", err)
			all = append(all, err)
		}
	}
	all = append(all, s.resumeWarnings(ctx), s.forget(ctx))
	return errors.Join(all...)
}

// refusals are kept for half a year, decisions on orders for as long as the orders.
func (s *Service) forget(ctx context.Context) error {
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM risk_signals WHERE expires_at <= $1`, tx.Now)
		if err == nil {
			_, err = tx.Exec(ctx, `DELETE FROM risk_decisions WHERE order_id IS NULL AND created_at <= $1`, tx.Now.Add(-halfYear))
		}
		failpoint.Hit("risk.forget.before_commit")
		return err
	})
	failpoint.Hit("risk.forget.after_commit")
	return err
}

// Jobs registers the work of reviews. The mails are registered by Mails.
func (s *Service) Jobs(reg *job.Registry) {
	job.Handle(reg, job.Spec{Timeout: time.Minute, Attempts: 12}, func(ctx context.Context, t Expire) error { return s.Expire(ctx, t.Review) })
	reg.Every("risk:sweep", 5*time.Minute, s.Sweep)
}

// Failpoints are the places where the kill tests let a process die.
var Failpoints = []string{
	"risk.admit.before_commit", "risk.admit.after_commit",
	"risk.choose.before_commit", "risk.choose.after_commit",
	"risk.hold.before_commit", "risk.hold.after_commit",
	"risk.expire.before_commit", "risk.expire.after_commit",
	"risk.reopen.before_commit", "risk.reopen.after_commit",
	"risk.warning.before_commit", "risk.warning.after_commit",
	"risk.forget.before_commit", "risk.forget.after_commit",
	"risk.lift.before_commit", "risk.lift.after_commit",
	"risk.view.before_commit", "risk.view.after_commit",
	"risk.block.before_commit", "risk.block.after_commit",
	"risk.mail.before_commit", "risk.mail.after_commit",
	"risk.mail.before_call", "risk.mail.after_call",
}
