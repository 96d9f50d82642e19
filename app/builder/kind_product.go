package builder

import (
	"context"
	"fmt"

	"vitrine/app/products"
	"vitrine/views/blocks"
	"vitrine/views/text"
)

// product is one product. Note stands in place of its summary.
var product = kind{
	label: "Product", note: "What you sell", icon: "tag",
	asks: []input{
		oneProduct{},
		words{name: "note", label: "Short note, in place of the summary", max: 80, at: func(p *Props) *string { return &p.Note }},
	},
	name: func(d Draft, p Props) string { return d.Offers[p.Product].Name },
	warn: func(d Draft, p Props) (Sentence, bool) {
		o, ok := d.Offers[p.Product]
		if !ok {
			return say("A product block has no product. It will not be shown."), true
		}
		return warnOffer(o)
	},
	draw: func(ctx context.Context, c *canvas, p Part) piece {
		o, ok := c.offers[p.Props.Product]
		switch {
		case p.Props.Product.IsZero():
			return missing(ctx, "Choose a product")
		case !ok || c.public && o.Shop != c.shop.ID:
			return missing(ctx, "This product is gone")
		}
		out := piece{}
		if !o.Active {
			out.missing = text.T(ctx, "Not on sale, so not shown")
		}
		out.lots = []blocks.LotProps{c.lot(ctx, anchor(p.ID), p.Props.Note, o)}
		return out
	},
}

// MaxGrid is how many products one grid shows.
const MaxGrid = 24

// grid is products under a heading: those chosen, or all that are on sale.
var grid = kind{
	label: "Product grid", note: "Several products under a heading", icon: "box",
	asks: []input{
		words{name: "title", label: "Heading", max: 80, main: true, at: func(p *Props) *string { return &p.Title }},
		manyProducts{MaxGrid},
	},
	warn: func(d Draft, p Props) (Sentence, bool) {
		if len(p.Products) == 0 && len(d.OnSale) == 0 {
			return say("The product grid has nothing to show yet."), true
		}
		for _, x := range p.Products {
			if o, ok := d.Offers[x]; ok {
				if w, bad := warnOffer(o); bad {
					return w, true
				}
			}
		}
		return Sentence{}, false
	},
	draw: func(ctx context.Context, c *canvas, p Part) piece {
		from := c.onSale
		if len(p.Props.Products) > 0 {
			from = nil
			for _, x := range p.Props.Products {
				if o, ok := c.offers[x]; ok && o.Active && o.Shop == c.shop.ID {
					from = append(from, o)
				}
			}
		}
		out := piece{heading: p.Props.Title, lots: []blocks.LotProps{}}
		for i, o := range from[:min(len(from), MaxGrid)] {
			out.lots = append(out.lots, c.lot(ctx, fmt.Sprintf("%s-%d", anchor(p.ID), i+1), "", o))
		}
		if len(out.lots) == 0 {
			return missing(ctx, "Nothing of it is on sale")
		}
		if !c.public {
			return piece{body: blocks.Grid(out.heading, out.lots)}
		}
		return out
	},
}

func warnOffer(o products.Offer) (Sentence, bool) {
	switch {
	case !o.Active:
		return say("“%s” is a draft. It will not be shown until it is on sale.", o.Name), true
	case o.SoldOut:
		return say("“%s” is sold out.", o.Name), true
	case o.Price.IsZero():
		return say("“%s” costs nothing.", o.Name), true
	case len(o.Cover.Sources) == 0:
		return say("“%s” has no picture.", o.Name), true
	case o.Cover.Alt == "":
		return say("The picture of “%s” has no description for people who cannot see it.", o.Name), true
	}
	return Sentence{}, false
}

// lot is a product in the window. On the public page it leads to its own page and to the checkout.
func (c *canvas) lot(ctx context.Context, id, note string, o products.Offer) blocks.LotProps {
	l := lotOf(ctx, note, o)
	l.ID = id
	if c.public {
		l.Href, l.Buy = c.shop.URL+"/p/"+o.Slug, c.appURL+"/checkout/start?p="+o.ID.String()+"&q=1"
		if o.Active {
			c.shown = append(c.shown, o)
		}
	}
	if !l.Picture.Empty() {
		l.First = c.lead()
	}
	return l
}

// lotOf is a product in the window, without what leads out of it.
func lotOf(ctx context.Context, note string, o products.Offer) blocks.LotProps {
	l := blocks.LotProps{Name: o.Name, Meta: note, SoldOut: o.SoldOut, Price: o.Price.Format(), Picture: pictureOf(o.Cover)}
	if l.Meta == "" {
		l.Meta = o.Summary
	}
	switch {
	case o.SoldOut:
		l.Price = text.T(ctx, "Sold out")
	case o.Price.IsZero():
		l.Price = text.T(ctx, "Free")
	}
	return l
}
