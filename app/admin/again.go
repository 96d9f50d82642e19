package admin

import (
	"context"
	"fmt"
	"log/slog"

	"vitrine/app/audit"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/payments"
)

// comparable reports whether a difference can be looked at again before the night: lines of an account are only read then.
func (c Case) comparable() bool {
	switch c.Details.Fault {
	case lineChanged, lineGone, lineStray:
		return false
	}
	return c.Kind == "difference" && c.Open() && c.Details.Provider != ""
}

// CompareAgain asks the provider how the thing of a case stands, applies the answer as an event would be, and closes the
// case when both sides agree.
func (s *Service) CompareAgain(ctx context.Context, actor id.User, n id.Case) (closed bool, err error) {
	c, err := s.findCase(ctx, s.DB, n)
	if err != nil {
		return false, err
	}
	p, ok := s.Providers.By(c.Details.Provider)
	if !ok || !c.comparable() {
		return false, errs.New(errs.Conflict, "This case cannot be compared again by hand.")
	}
	if err := s.learn(ctx, p, c); err != nil {
		slog.WarnContext(ctx, "provider not asked", "case", n, "err", err)
		return false, errs.New(errs.Conflict, "The provider does not answer just now. Please try again in a minute.")
	}
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		r := Run{Provider: p.Name(), StartedAt: tx.Now, settle: payments.Settling(p)}
		in, still, err := s.again(ctx, tx, r, c.Key)
		if err != nil {
			return err
		}
		diffs, err := s.compare(ctx, tx, p.Name(), in)
		if err != nil {
			return err
		}
		if closed = !still && len(diffs) == 0; closed {
			if _, err := tx.Exec(ctx, `UPDATE money_cases SET closed_at = $2, touched_at = $2, actor_id = $3, why = 'Both sides agree again.' WHERE id = $1 AND closed_at IS NULL`, n, tx.Now, actor); err != nil {
				return err
			}
		}
		for _, d := range diffs {
			if err := s.found(ctx, tx, r, d); err != nil {
				return err
			}
		}
		err = audit.Log(ctx, tx, actor, "admin.case.compare", "case:"+n.String(), map[string]any{"closed": closed})
		failpoint.Hit("admin.case.before_commit")
		return err
	})
	failpoint.Hit("admin.case.after_commit")
	return closed, err
}

// learn takes in the newest lines, and what the provider says of the payment.
func (s *Service) learn(ctx context.Context, p payments.Provider, c Case) error {
	if err := (&payments.Mirror{DB: s.DB, Providers: payments.Providers{p}}).Pull(ctx); err != nil {
		return err
	}
	if c.Details.Checkout == "" {
		return nil
	}
	checkout, err := id.Parse[id.CheckoutKind](c.Details.Checkout)
	if err != nil {
		return fmt.Errorf("checkout of case %s: %w", c.ID, err)
	}
	return s.Orders.Ask(ctx, checkout)
}
