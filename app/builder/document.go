package builder

import (
	"context"

	"vitrine/app/id"
	"vitrine/app/storefronts"
)

// Document is a published window for programs: what visitors see, as values.
type Document struct {
	ID       id.Shop           `json:"id"`
	Name     string            `json:"name"`
	Slug     string            `json:"slug"`
	URL      string            `json:"url"`
	Currency string            `json:"currency"`
	Closed   bool              `json:"closed"`
	Look     storefronts.Look  `json:"look"`
	Blocks   []DocumentBlock   `json:"blocks"`
	Products []DocumentProduct `json:"products"`
}

// DocumentBlock is a block that visitors see.
type DocumentBlock struct {
	ID    id.Block `json:"id"`
	Kind  Kind     `json:"kind"`
	Props Props    `json:"props"`
}

// DocumentProduct is a product that the blocks show, as it is now.
type DocumentProduct struct {
	ID      id.Product `json:"id"`
	Name    string     `json:"name"`
	Summary string     `json:"summary,omitempty"`
	Price   string     `json:"price"` // decimal, in the shop's currency
	SoldOut bool       `json:"sold_out"`
	URL     string     `json:"url"`
	Picture string     `json:"picture,omitempty"`
}

// Document reads a published window; what is not published is not there.
func (f *Front) Document(ctx context.Context, slug string) (any, error) {
	sh, err := f.Find(ctx, slug)
	if err != nil {
		return nil, err
	}
	out := Document{ID: sh.ID, Name: sh.Name, Slug: sh.Slug, URL: sh.URL, Currency: string(sh.Currency), Closed: sh.Closed, Look: sh.Content.Look.Whole(),
		Blocks: []DocumentBlock{}, Products: []DocumentProduct{}}
	out.Look.CSS = ""
	if sh.Closed {
		return out, nil
	}
	g, err := f.goodsOf(ctx, f.DB, sh.ID, sh.Content)
	if err != nil {
		return nil, err
	}
	seen := map[id.Product]bool{}
	for _, p := range sh.Content.Blocks {
		if !p.Kind.Valid() || !p.Hours.Open(sh.At) {
			continue
		}
		out.Blocks = append(out.Blocks, DocumentBlock{p.ID, p.Kind, p.Props})
		named := p.Props.products()
		if p.Kind == Grid && len(named) == 0 {
			for _, o := range g.onSale {
				named = append(named, o.ID)
			}
		}
		for _, x := range named {
			if o, ok := g.offers[x]; ok && o.Active && o.Shop == sh.ID && !seen[x] {
				seen[x] = true
				out.Products = append(out.Products, DocumentProduct{o.ID, o.Name, o.Summary, o.Price.Decimal(), o.SoldOut, sh.URL + "/p/" + o.Slug, o.Cover.Largest().URL})
			}
		}
	}
	return out, nil
}
