package storefronts

import (
	"context"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/event"
	"vitrine/app/id"
	"vitrine/app/job"
)

// How long after its deletion a shop can be brought back, and when others may have its address.
const (
	Regret    = 30 * 24 * time.Hour
	SlugKept  = 90 * 24 * time.Hour
	freedSlug = "gone-" // and the shop's id without hyphens: a form that no creator may choose
)

// All are the creator's shops, oldest first.
func (s *Service) All(ctx context.Context, user id.User) ([]Shop, error) {
	return listMine(ctx, s.DB, user, false)
}

// Deleted are those that can be brought back.
func (s *Service) Deleted(ctx context.Context, user id.User) ([]Shop, error) {
	all, err := listMine(ctx, s.DB, user, true)
	var out []Shop
	for _, sh := range all {
		if sh.DeletedAt.After(s.DB.Now().Add(-Regret)) {
			out = append(out, sh)
		}
	}
	return out, err
}

// Delete takes a shop away: visitors read that it is gone, nobody can buy. Orders, what was bought and the money stay.
// Deleting twice deletes once.
func (s *Service) Delete(ctx context.Context, who Who) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		sh, err := lock(ctx, tx, who)
		if err != nil || sh.Deleted {
			return err
		}
		_, err = tx.Exec(ctx, `
			UPDATE shops SET deleted_at = $3, closed_at = COALESCE(closed_at, $3), updated_at = $3
			WHERE id = $1 AND creator_id = $2`, who.Shop, who.User, tx.Now)
		if err != nil {
			return err
		}
		return gone(ctx, tx, who.Shop)
	})
}

// BringBack undoes Delete within thirty days. The shop is closed until its creator opens it.
func (s *Service) BringBack(ctx context.Context, who Who) (Shop, error) {
	var out Shop
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		if err := lockCreator(ctx, tx, who.User); err != nil {
			return err
		}
		sh, err := lock(ctx, tx, who)
		if err != nil {
			return err
		}
		if out = sh; !sh.Deleted {
			return nil
		}
		if !sh.DeletedAt.After(tx.Now.Add(-Regret)) {
			return errs.New(errs.Conflict, "This shop was deleted more than thirty days ago and cannot be brought back.")
		}
		n, err := tx.Exec(ctx, `
			UPDATE shops SET deleted_at = NULL, updated_at = $3
			WHERE id = $1 AND creator_id = $2 AND (SELECT count(*) FROM shops WHERE creator_id = $2 AND deleted_at IS NULL) < $4`, who.Shop, who.User, tx.Now, MaxShops)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.New(errs.Conflict, "You have %d shops. Delete one before you open another.", MaxShops)
		}
		if out, err = findMine(ctx, tx, who); err != nil {
			return err
		}
		return event.Emit(ctx, tx, Published, who.Shop.String())
	})
	return out, err
}

// freed is when a shop must have been deleted for others to have its address.
func (s *Service) freed() time.Time { return s.DB.Now().Add(-SlugKept) }

// free takes an address, and former ones that are the same, from a shop that was deleted long ago.
func (s *Service) free(ctx context.Context, tx *db.Tx, slug string) error {
	before := tx.Now.Add(-SlugKept)
	if _, err := tx.Exec(ctx, `
		DELETE FROM slug_history h USING shops s
		WHERE h.slug = $1::citext AND s.id = h.shop_id AND s.deleted_at <= $2`, slug, before); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE shops SET slug = $3 || replace(id::text, '-', '') WHERE slug = $1::citext AND deleted_at <= $2`, slug, before, freedSlug)
	return err
}

// Tasks registers the sweep that frees addresses.
func (s *Service) Tasks(reg *job.Registry) {
	reg.Every("sweep:addresses", 24*time.Hour, s.sweep)
}

func (s *Service) sweep(ctx context.Context) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		before := tx.Now.Add(-SlugKept)
		if _, err := tx.Exec(ctx, `DELETE FROM slug_history h USING shops s WHERE s.id = h.shop_id AND s.deleted_at <= $1`, before); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE shops SET slug = $2 || replace(id::text, '-', '') WHERE deleted_at <= $1 AND slug NOT LIKE $2 || '%'`, before, freedSlug)
		return err
	})
}
