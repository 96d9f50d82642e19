package builder

import (
	"context"
	"slices"

	"vitrine/app/db"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/products"
	views "vitrine/views/storefronts"
)

// goods are what a content shows of the shop beside its own words.
type goods struct {
	offers   map[id.Product]products.Offer
	onSale   []products.Offer
	pictures map[id.File]files.Picture
}

// goodsOf reads the products and pictures that a content shows, in one query each.
func (s *Service) goodsOf(ctx context.Context, q db.Q, shop id.Shop, c Content) (goods, error) {
	g := goods{offers: map[id.Product]products.Offer{}}
	var ids []id.Product
	all := false
	for _, p := range c.Blocks {
		ids = append(ids, p.Props.products()...)
		all = all || p.Kind == Grid && len(p.Props.Products) == 0
	}
	var err error
	if all {
		if g.onSale, err = s.Products.OffersOfShop(ctx, q, shop); err != nil {
			return g, err
		}
		for _, o := range g.onSale {
			g.offers[o.ID] = o
		}
		ids = slices.DeleteFunc(ids, func(p id.Product) bool { _, have := g.offers[p]; return have })
	}
	if len(ids) > 0 {
		offers, err := s.Products.Offers(ctx, q, ids)
		if err != nil {
			return g, err
		}
		for _, o := range offers {
			g.offers[o.ID] = o
		}
	}
	g.pictures, err = s.picturesOf(ctx, q, c.pictures())
	return g, err
}

func (s *Service) picturesOf(ctx context.Context, q db.Q, ps []Picture) (map[id.File]files.Picture, error) {
	if len(ps) == 0 {
		return nil, nil
	}
	ids := make([]id.File, len(ps))
	for i, p := range ps {
		ids[i] = p.File
	}
	return s.Pictures.Pictures(ctx, q, ids)
}

// drawHome makes the front page: the published blocks, with products as they are now.
func (f *Front) drawHome(ctx context.Context, sh Shown, g goods) Page {
	p := Page{Title: sh.Name, OGType: "profile"}
	for o := range g.offers {
		p.Tags = append(p.Tags, o.String())
	}
	props := views.HomeProps{Name: sh.Name}
	c := &canvas{shop: sh, offers: g.offers, onSale: g.onSale, pictures: g.pictures, public: true, appURL: f.Config.AppURL}
	for _, part := range sh.Content.Blocks {
		if next := part.Hours.Next(sh.At); !next.IsZero() && (p.Until.IsZero() || next.Before(p.Until)) {
			p.Until = next
		}
		if !part.Hours.Open(sh.At) || sh.Closed && part.Kind != Header || !part.Kind.Valid() {
			continue
		}
		switch x := c.draw(ctx, part); {
		case x.missing != "":
		case x.header != nil:
			props.Header = x.header
			props.Sections = append(props.Sections, views.Section{Header: x.header})
			p.Title, p.Description = x.header.Name, x.header.Text
		case x.lots != nil && part.Kind == Grid:
			props.Sections = append(props.Sections, views.Section{Heading: x.heading, Lots: x.lots, Closed: true})
		case x.lots != nil:
			props.Sections = views.AddLot(props.Sections, x.lots[0])
		case x.link != nil:
			props.Sections = views.AddLink(props.Sections, *x.link)
		default:
			props.Sections = append(props.Sections, views.Section{Body: x.body})
		}
	}
	if sh.Closed {
		props.Closed = &views.ClosedProps{Name: sh.Name, Reason: sh.ClosedReason, Since: sh.ClosedAt.UTC().Format("2 January 2006")}
	}
	props.Buy()
	p.Frames = c.frames
	if p.Description == "" {
		p.Description = homeDescription(ctx, sh, c.shown)
	}
	p.NoIndex = sh.Closed || len(props.Sections) == 0
	p.sign = homeSign(sh, p.Title, p.Description, c.shown)
	p.Title, p.Description = clip(p.Title, titleRunes), clip(p.Description, descriptionRunes)
	p.JSONLD = homeData(sh, p, props.Header, c.shown)
	p.Main = views.Home(props)
	return p
}

func anchor(b id.Block) string { return "b-" + b.String()[24:] }
