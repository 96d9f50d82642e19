package products

import (
	"context"
	"fmt"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
)

// errGone is what stands at the address of a product that its creator has put away.
var errGone = errs.New(errs.Gone, "This product is not for sale any more.")

// Moved is the present address of a product that once had this one and is on sale; errs.NotFound when there is none.
func (s *Service) Moved(ctx context.Context, q db.Q, shop id.Shop, slug string) (string, error) {
	if !validSlug(slug) {
		return "", errNoPage
	}
	var now string
	err := q.Get(ctx, &now, `
		SELECT p.slug FROM product_slugs h JOIN products p ON p.id = h.product_id
		WHERE h.shop_id = $1 AND h.slug = $2 AND p.shop_id = $1 AND p.is_active AND p.archived_at IS NULL`, shop, slug)
	if db.None(err) {
		return "", errNoPage
	}
	if err != nil {
		return "", fmt.Errorf("look up a former address: %w", err)
	}
	return now, nil
}

// missing says why there is no page at an address: what was archived is gone, anything else was never known.
func missing(ctx context.Context, q db.Q, shop id.Shop, slug string) error {
	var archived bool
	err := q.Get(ctx, &archived, `SELECT archived_at IS NOT NULL FROM products WHERE shop_id = $1 AND slug = $2`, shop, slug)
	switch {
	case db.None(err), err == nil && !archived:
		return errNoPage
	case err != nil:
		return fmt.Errorf("read product page: %w", err)
	}
	return errGone
}

// moveSlug remembers an address that a product had. An address that another product takes leads there.
func moveSlug(ctx context.Context, tx *db.Tx, p row, former string) error {
	if p.Slug == former {
		return nil
	}
	if _, err := tx.Exec(ctx, `DELETE FROM product_slugs WHERE shop_id = $1 AND slug = $2`, p.Shop, p.Slug); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO product_slugs (shop_id, slug, product_id, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT ON CONSTRAINT product_slugs_pkey DO UPDATE SET product_id = EXCLUDED.product_id, created_at = EXCLUDED.created_at`,
		p.Shop, former, p.ID, tx.Now)
	return err
}
