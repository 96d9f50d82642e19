package storefronts

import (
	"context"
	"fmt"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/event"
	"vitrine/app/id"
)

// errShut is what a creator reads who opens a shop that an operator has closed.
var errShut = errs.New(errs.Forbidden, "This shop was closed by the operators of this instance, so it cannot be opened here. The mail about it says why and whom to write to.")

// Shut closes a shop in the name of the instance: visitors read that it is closed, nobody can buy, and its creator
// cannot open it. The reason is for operators and the creator. Shutting twice shuts once.
func (s *Service) Shut(ctx context.Context, tx *db.Tx, shop id.Shop, reason string) error {
	n, err := tx.Exec(ctx, `
		UPDATE shops SET shut_at = $2, shut_reason = $3, closed_at = COALESCE(closed_at, $2), closed_reason = '', updated_at = $2
		WHERE id = $1 AND shut_at IS NULL`, shop, tx.Now, Line(reason))
	if err != nil {
		return fmt.Errorf("shut shop %s: %w", shop, err)
	}
	if n == 0 {
		_, err := find(ctx, tx, shop)
		return err
	}
	return gone(ctx, tx, shop)
}

// Unshut lets the creator open the shop again. It stays closed until they do.
func (s *Service) Unshut(ctx context.Context, tx *db.Tx, shop id.Shop) error {
	n, err := tx.Exec(ctx, `UPDATE shops SET shut_at = NULL, shut_reason = '', updated_at = $2 WHERE id = $1 AND shut_at IS NOT NULL`, shop, tx.Now)
	if err != nil {
		return fmt.Errorf("unshut shop %s: %w", shop, err)
	}
	if n == 0 {
		return errs.New(errs.Conflict, "This shop is not closed by an operator.")
	}
	return event.Emit(ctx, tx, Published, shop.String())
}

// ShutOf says why an operator has closed a shop of a creator; empty when none is closed.
func (s *Service) ShutOf(ctx context.Context, q db.Q, creator id.User) (reason string, shut bool, err error) {
	err = q.Get(ctx, &reason, `SELECT shut_reason FROM shops WHERE creator_id = $1 AND shut_at IS NOT NULL ORDER BY shut_at LIMIT 1`, creator)
	if db.None(err) {
		return "", false, nil
	}
	return reason, err == nil, err
}

// opening turns the broken constraint into a sentence.
func opening(err error) error {
	if db.Violates(err, "shops_shut_closed") {
		return errShut
	}
	return err
}
