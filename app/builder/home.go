package builder

import (
	"context"
	"slices"
	"strings"

	"vitrine/app/db"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/products"
	"vitrine/views/blocks"
	views "vitrine/views/storefronts"
	"vitrine/views/text"
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
	p := Page{Title: sh.Name, OGType: "profile", Description: text.T(ctx, "The window of %s.", sh.Name)}
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
			p.Title = x.header.Name
			if x.header.Text != "" {
				p.Description = x.header.Text
			}
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
	p.Image, p.ImageAlt, p.ImageWidth, p.ImageHeight = picture(c.shown)
	p.JSONLD = homeData(sh, p, props.Header, c.shown)
	p.Main = views.Home(props)
	return p
}

func anchor(b id.Block) string { return "b-" + b.String()[24:] }

// picture is what other sites show of the page: the first product's, in a size of about 1,200 pixels.
func picture(offers []products.Offer) (url, alt string, w, h int) {
	for _, o := range offers {
		for _, s := range o.Cover.Sources {
			if f := string(s.Format); (f == "jpeg" || f == "png") && (url == "" || s.Width <= 1200) {
				url, w = s.URL, s.Width
			}
		}
		if url != "" && o.Cover.Width > 0 {
			return url, o.Cover.Alt, w, w * o.Cover.Height / o.Cover.Width
		}
	}
	return "", "", 0, 0
}

type object = map[string]any

// homeData describes the page to machines.
func homeData(sh Shown, p Page, h *blocks.HeaderProps, offers []products.Offer) any {
	who := object{"@type": "Organization", "@id": sh.URL + "#shop", "name": sh.Name, "url": sh.URL}
	if h != nil {
		var same []string
		for _, l := range h.Links {
			if strings.HasPrefix(l.Href, "https://") {
				same = append(same, l.Href)
			}
		}
		if same != nil {
			who["sameAs"] = same
		}
		if h.Text != "" {
			who["description"] = h.Text
		}
	}
	graph := []object{{"@type": "ProfilePage", "url": sh.URL, "name": p.Title, "description": p.Description, "mainEntity": who}}
	if len(offers) > 0 {
		var items []object
		for i, o := range offers {
			items = append(items, object{"@type": "ListItem", "position": i + 1, "item": productData(sh, o)})
		}
		graph = append(graph, object{"@type": "ItemList", "itemListElement": items})
	}
	return object{"@context": "https://schema.org", "@graph": graph}
}

func productData(sh Shown, o products.Offer) object {
	out := object{"@type": "Product", "name": o.Name, "url": sh.URL + "/p/" + o.Slug}
	if o.Summary != "" {
		out["description"] = o.Summary
	}
	if url, _, _, _ := picture([]products.Offer{o}); url != "" {
		out["image"] = url
	}
	if !o.Price.IsZero() {
		state := "https://schema.org/InStock"
		if o.SoldOut {
			state = "https://schema.org/SoldOut"
		}
		out["offers"] = object{"@type": "Offer", "price": o.Price.Decimal(), "priceCurrency": string(o.Price.Currency), "availability": state, "url": sh.URL + "/p/" + o.Slug}
	}
	return out
}
