package storefronts

import (
	"context"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/event"
	"vitrine/app/id"
)

// Shown is a shop with the content of its published version; nil when it is not published.
type Shown struct {
	Shop
	Content []byte
}

// Shown finds what visitors of a slug see, in one query.
func (s *Service) Shown(ctx context.Context, q db.Q, slug string) (Shown, error) {
	return findShown(ctx, q, slug)
}

// Content is the published content of the shop that who works on; nil when it is not published.
func (s *Service) Content(ctx context.Context, q db.Q, who Who) ([]byte, error) {
	return findContent(ctx, q, who)
}

// Publish makes content an immutable version and shows it. sh must come from Lock or Touch in the same transaction.
func (s *Service) Publish(ctx context.Context, tx *db.Tx, sh Shop, content []byte) (id.Version, error) {
	v := id.New[id.VersionKind]()
	if err := insertVersion(ctx, tx, v, sh, content); err != nil {
		return v, err
	}
	if err := setShown(ctx, tx, sh, v); err != nil {
		return v, err
	}
	return v, event.Emit(ctx, tx, Published, sh.ID.String())
}

// TakeBack shows the version that was shown before the last publish, or none if there was none. The draft is
// left as it is, and so is everything that was bought.
func (s *Service) TakeBack(ctx context.Context, who Who) (Shop, error) {
	return s.show(ctx, who, func(ctx context.Context, tx *db.Tx, sh Shop) (id.Version, error) {
		return findPrevious(ctx, tx, who, sh.PublishedVersion)
	})
}

// Unpublish takes the page down.
func (s *Service) Unpublish(ctx context.Context, who Who) (Shop, error) {
	return s.show(ctx, who, func(context.Context, *db.Tx, Shop) (id.Version, error) { return id.Version{}, nil })
}

// gone announces that a shop's pages are taken down.
func gone(ctx context.Context, tx *db.Tx, shop id.Shop) error {
	if err := event.Emit(ctx, tx, Published, shop.String()); err != nil {
		return err
	}
	return event.Emit(ctx, tx, Gone, shop.String())
}

func (s *Service) show(ctx context.Context, who Who, choose func(context.Context, *db.Tx, Shop) (id.Version, error)) (Shop, error) {
	var out Shop
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		sh, err := lock(ctx, tx, who)
		if err != nil {
			return err
		}
		if !sh.Published {
			return errs.New(errs.Conflict, "Your window is not published.")
		}
		v, err := choose(ctx, tx, sh)
		if err != nil {
			return err
		}
		if err := setShown(ctx, tx, sh, v); err != nil {
			return err
		}
		if out, err = findMine(ctx, tx, who); err != nil {
			return err
		}
		if v.IsZero() {
			return gone(ctx, tx, who.Shop)
		}
		return event.Emit(ctx, tx, Published, who.Shop.String())
	})
	return out, err
}

// Listed is a published shop in the sitemap.
type Listed struct {
	ID        id.Shop
	Slug      string
	UpdatedAt time.Time
}

// Listed are the published shops that are open, oldest first, at most limit after a given one.
func (s *Service) Listed(ctx context.Context, q db.Q, after id.Shop, limit int) ([]Listed, error) {
	return listPublished(ctx, q, after, limit)
}
