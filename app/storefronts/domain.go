package storefronts

import (
	"context"
	"net/url"
	"time"

	"vitrine/app/db"
	"vitrine/app/event"
	"vitrine/app/id"
)

// URL is where the shop is shown: its own domain if it has one. A domain is reached as the shop host is, by the
// same protocol and port.
func (s *Service) URL(sh Shop) string {
	if sh.Domain == "" {
		return s.ShopURL + "/@" + sh.Slug
	}
	u, err := url.Parse(s.ShopURL)
	if err != nil {
		return "https://" + sh.Domain
	}
	if port := u.Port(); port != "" {
		return u.Scheme + "://" + sh.Domain + ":" + port
	}
	return u.Scheme + "://" + sh.Domain
}

// ByDomain finds the shop that is shown at a domain.
func (s *Service) ByDomain(ctx context.Context, q db.Q, domain string) (Shop, error) {
	var r row
	err := q.Get(ctx, &r, `SELECT `+columns+`
		FROM shops WHERE domain = $1`, domain)
	return one(r, err)
}

// SetDomain shows a shop at a domain, or at none. Whoever calls it has seen the proof.
func (s *Service) SetDomain(ctx context.Context, tx *db.Tx, shop id.Shop, domain string) error {
	n, err := tx.Exec(ctx, `UPDATE shops SET domain = NULLIF($2, ''), updated_at = $3 WHERE id = $1`, shop, domain, tx.Now)
	if err != nil {
		return err
	}
	if n == 0 {
		return errNoShop
	}
	return event.Emit(ctx, tx, Published, shop.String())
}

// ListedHere are those of Listed that are shown on the shop host; the others are in the lists of their domains.
func (s *Service) ListedHere(ctx context.Context, q db.Q, after id.Shop, limit int) ([]Listed, error) {
	var rows []struct {
		ID        id.Shop   `db:"id"`
		Slug      string    `db:"slug"`
		UpdatedAt time.Time `db:"published_at"`
	}
	err := q.Select(ctx, &rows, `
		SELECT id, slug, published_at FROM shops
		WHERE published_version_id IS NOT NULL AND closed_at IS NULL AND domain IS NULL AND ($1::uuid IS NULL OR id > $1)
		ORDER BY id LIMIT $2`, after, limit)
	out := make([]Listed, len(rows))
	for i, r := range rows {
		out[i] = Listed{ID: r.ID, Slug: r.Slug, UpdatedAt: r.UpdatedAt}
	}
	return out, err
}
