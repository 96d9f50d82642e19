package products

import (
	"context"
	"fmt"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/event"
	"vitrine/app/id"
	"vitrine/app/money"
)

// Draft makes a product as a part of something larger: it is not on sale before its creator has added a file. An
// address that is taken gives way to the next one.
func (s *Service) Draft(ctx context.Context, tx *db.Tx, who Who, in Input) (id.Product, error) {
	in.Active, in.Slug, in.Files = false, "", nil
	return s.Make(ctx, tx, who, in)
}

// Make is Create as a part of something larger. An address that is taken gives way to one made from the name.
func (s *Service) Make(ctx context.Context, tx *db.Tx, who Who, in Input) (id.Product, error) {
	if !who.Currency.Valid() {
		return id.Product{}, fmt.Errorf("make a product in shop %s: %q is no currency", who.Shop, who.Currency)
	}
	v, err := in.read(who.Currency)
	if err != nil {
		return id.Product{}, err
	}
	p := row{ID: id.New[id.ProductKind](), Shop: who.Shop, Creator: who.User, Version: 1}
	v.fill(&p)
	for try := 0; ; try++ {
		if try > 0 || v.slug == "" {
			p.Slug = suggest(v.name, try)
		}
		if taken, err := slugTaken(ctx, tx, who.Shop, p.Slug); err != nil {
			return id.Product{}, err
		} else if !taken {
			break
		}
		if try == 20 {
			return id.Product{}, errs.New(errs.Conflict, "There is no free address for %s. Give it another name.", v.name)
		}
	}
	if err := s.setCover(ctx, tx, who, v.cover, id.File{}); err != nil {
		return id.Product{}, err
	}
	if err := insert(ctx, tx, p); err != nil {
		return id.Product{}, named(err)
	}
	return p.ID, s.attach(ctx, tx, who, p, v, Unlimited)
}

func slugTaken(ctx context.Context, q db.Q, shop id.Shop, slug string) (taken bool, err error) {
	err = q.Get(ctx, &taken, `SELECT EXISTS (SELECT 1 FROM products WHERE shop_id = $1 AND slug = $2)`, shop, slug)
	return taken, err
}

// Reword changes name, description and price of a product as a part of something larger. Its address, files, stock
// and whether it is on sale stay. A cover is taken where one is given.
func (s *Service) Reword(ctx context.Context, tx *db.Tx, who Who, product id.Product, in Input) error {
	now, err := s.find(ctx, tx, who, product)
	if err != nil {
		return err
	}
	in.Summary, in.Slug, in.Active, in.Files = now.Summary, now.Slug, now.Active, nil
	if in.Cover == "" && !now.Cover.IsZero() {
		in.Cover, in.CoverAlt = now.Cover.String(), now.CoverAlt
	}
	in.Limited, in.Left, in.LeftWas = false, "", ""
	v, err := in.read(money.Currency(now.Currency))
	if err != nil {
		return err
	}
	p := row{ID: product, Shop: who.Shop, Creator: who.User, Slug: now.Slug, Version: now.Version}
	v.fill(&p)
	if err := s.setCover(ctx, tx, who, v.cover, now.Cover); err != nil {
		return err
	}
	saved, err := update(ctx, tx, p)
	if err != nil {
		return err
	}
	if !saved {
		return s.whyNot(ctx, tx, who, product)
	}
	return event.Emit(ctx, tx, Changed, who.Shop.String())
}

// Readable reports what is wrong with a price and a name before anything is made of them.
func Readable(in Input, c money.Currency) (money.Amount, error) {
	v, err := in.read(c)
	return v.price, err
}

// Kept reports which of the products are still there: the creator's, and not archived.
func (s *Service) Kept(ctx context.Context, q db.Q, who Who, ids []id.Product) (map[id.Product]bool, error) {
	var have []id.Product
	err := q.Select(ctx, &have, `SELECT id FROM products WHERE id = ANY($1) AND shop_id = $2 AND creator_id = $3 AND archived_at IS NULL`, db.Array(ids), who.Shop, who.User)
	if err != nil {
		return nil, fmt.Errorf("find kept products: %w", err)
	}
	out := map[id.Product]bool{}
	for _, p := range have {
		out[p] = true
	}
	return out, nil
}
