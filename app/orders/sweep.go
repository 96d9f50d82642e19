package orders

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"vitrine/app/db"
	"vitrine/app/failpoint"
	"vitrine/app/id"
)

// Watch looks at a checkout whose time is over, and ends it one way or the other. Holds are given back only
// after the provider has said that nobody can pay any more, so a late payment never meets sold goods.
func (s *Service) Watch(ctx context.Context, checkout id.Checkout) error {
	c, err := s.findCheckout(ctx, s.DB, checkout)
	if db.None(err) {
		return nil
	}
	if err != nil || c.Status.Final() || c.Provider == free {
		return err
	}
	c, err = s.look(ctx, c, !c.ExpiresAt.After(s.DB.Now()))
	if err == nil && c.Status == CheckoutOpen {
		err = fmt.Errorf("checkout %s is still open", c.ID)
	}
	return err
}

// Take takes the money of a buyer who has agreed to pay and may never come back to our page. One whose bank says no
// may try again for as long as the checkout is open.
func (s *Service) Take(ctx context.Context, checkout id.Checkout) error {
	c, err := s.findCheckout(ctx, s.DB, checkout)
	if db.None(err) {
		return nil
	}
	if err != nil || c.Status.Final() || c.Provider == free {
		return err
	}
	_, err = s.look(ctx, c, !c.ExpiresAt.After(s.DB.Now()))
	return err
}

const (
	grace  = time.Minute   // for the job that was meant to do it
	silent = 6 * time.Hour // after which a delayed payment is asked about
	orphan = 10 * time.Minute
)

// Sweep finds what lost jobs and events have missed.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.DB.Now()
	due, err := s.listDue(ctx, s.DB, now.Add(-grace), now.Add(-silent))
	if err != nil {
		return fmt.Errorf("list due checkouts: %w", err)
	}
	var all []error
	for _, c := range due {
		if err := s.Watch(ctx, c); err != nil {
			slog.WarnContext(ctx, "checkout not settled", "checkout", c, "err", err)
			all = append(all, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(append(all, s.sweepOrphans(ctx, now))...)
}

// sweepOrphans gives back what was set aside by processes that died before they wrote the checkout.
func (s *Service) sweepOrphans(ctx context.Context, now time.Time) error {
	stale, err := s.Stock.Stale(ctx, s.DB, now.Add(-orphan), 200)
	if err != nil {
		return fmt.Errorf("stale holds: %w", err)
	}
	for _, c := range stale {
		err := s.DB.InTx(ctx, func(tx *db.Tx) error {
			have, err := s.findCheckout(ctx, tx, c)
			if db.None(err) || err == nil && have.Status == CheckoutExpired {
				err = s.Stock.Release(ctx, tx, c)
			}
			failpoint.Hit("sweep.orphan.before_commit")
			return err
		})
		failpoint.Hit("sweep.orphan.after_commit")
		if err != nil {
			return fmt.Errorf("orphaned hold of %s: %w", c, err)
		}
	}
	return nil
}
