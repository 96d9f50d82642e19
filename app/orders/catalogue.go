package orders

import (
	"context"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/products"
	"vitrine/app/storefronts"
)

// Goods is the catalogue of the instance: products in their shops.
type Goods struct {
	Products *products.Service
	Shops    *storefronts.Service
}

// Offers reads the products and the shops they stand in.
func (c Goods) Offers(ctx context.Context, q db.Q, ids []id.Product) ([]Offer, error) {
	all, err := c.Products.Offers(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	shops := map[id.Shop]storefronts.Shop{}
	out := make([]Offer, 0, len(all))
	for _, p := range all {
		shop, ok := shops[p.Shop]
		if !ok {
			if shop, err = c.Shops.ByID(ctx, q, p.Shop); errs.Is(err, errs.NotFound) {
				continue
			} else if err != nil {
				return nil, err
			}
			shops[p.Shop] = shop
		}
		o := Offer{Product: p.ID, Shop: p.Shop, Creator: p.Creator, Name: p.Name, ShopName: shop.Name, ShopSlug: shop.Slug,
			Price: p.Price, Active: p.Active, Open: shop.Published && !shop.Closed}
		if shop.Closed {
			o.Closed = shop.ClosedReason
		}
		out = append(out, o)
	}
	return out, nil
}
