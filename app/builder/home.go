package builder

import (
	"context"
	"fmt"
	"strings"

	"vitrine/app/id"
	"vitrine/app/products"
	"vitrine/views/blocks"
	views "vitrine/views/storefronts"
	"vitrine/views/text"
	"vitrine/views/ui"
)

// offersOf reads the products that a content names, in one query.
func (s *Service) offersOf(ctx context.Context, c Content) (map[id.Product]products.Offer, error) {
	var ids []id.Product
	for _, p := range c.Blocks {
		if !p.Props.Product.IsZero() {
			ids = append(ids, p.Props.Product)
		}
	}
	out := map[id.Product]products.Offer{}
	if len(ids) == 0 {
		return out, nil
	}
	offers, err := s.Products.Offers(ctx, s.DB, ids)
	for _, o := range offers {
		out[o.ID] = o
	}
	return out, err
}

// drawHome makes the front page: the published blocks, with products as they are now.
func (f *Front) drawHome(ctx context.Context, sh Shown, offers map[id.Product]products.Offer) Page {
	p := Page{Title: sh.Name, OGType: "profile", Description: text.T(ctx, "The window of %s.", sh.Name)}
	for _, o := range offers {
		p.Tags = append(p.Tags, o.ID.String())
	}
	props := views.HomeProps{Name: sh.Name}
	var shown []products.Offer
	for _, part := range sh.Content.Blocks {
		switch o, ok := offers[part.Props.Product], part.Props.Complete(part.Kind); {
		case part.Kind == Header:
			h := headerProps(part, sh)
			props.Header = &h
			props.Sections = append(props.Sections, views.Section{Header: &h})
			p.Title = h.Name
			if h.Text != "" {
				p.Description = h.Text
			}
		case !ok || sh.Closed:
		case part.Kind == Product && o.Active && o.Shop == sh.ID:
			shown = append(shown, o)
			l := f.lotProps(ctx, part.Props, o, sh)
			l.ID, l.First = anchor(part.ID), len(shown) == 1
			props.Sections = views.AddLot(props.Sections, l)
		case part.Kind == Link:
			props.Sections = views.AddLink(props.Sections, blocks.LinkProps{ID: anchor(part.ID), Title: part.Props.Title, Note: part.Props.Note, Href: part.Props.URL})
		case part.Kind == Contact:
			c := contactProps(ctx, part, sh)
			props.Sections = append(props.Sections, views.Section{Contact: &c})
		}
	}
	if sh.Closed {
		props.Closed = &views.ClosedProps{Name: sh.Name, Reason: sh.ClosedReason, Since: sh.ClosedAt.UTC().Format("2 January 2006")}
	}
	props.Buy()
	p.Image, p.ImageAlt, p.ImageWidth, p.ImageHeight = picture(shown)
	p.JSONLD = homeData(sh, p, props.Header, shown)
	p.Main = views.Home(props)
	return p
}

func anchor(b id.Block) string { return "b-" + b.String()[24:] }

func headerProps(part Part, sh Shown) blocks.HeaderProps {
	h := blocks.HeaderProps{ID: anchor(part.ID), Name: part.Props.Title, Text: part.Props.Text, Status: part.Props.Status, Lit: !sh.Closed}
	if h.Name == "" {
		h.Name = sh.Name
	}
	for i, s := range part.Props.Socials {
		h.Links = append(h.Links, blocks.LinkProps{ID: fmt.Sprintf("%s-s%d", h.ID, i+1), Title: s.Label, Href: s.URL})
	}
	return h
}

func (f *Front) lotProps(ctx context.Context, p Props, o products.Offer, sh Shown) blocks.LotProps {
	l := lotOf(ctx, p, o)
	l.Href = sh.URL + "/p/" + o.Slug
	l.Buy = f.Config.AppURL + "/checkout/start?p=" + o.ID.String() + "&q=1"
	return l
}

// lotOf is a product in the window, without what leads out of it.
func lotOf(ctx context.Context, p Props, o products.Offer) blocks.LotProps {
	l := blocks.LotProps{Name: o.Name, Meta: p.Note, SoldOut: o.SoldOut, Price: o.Price.Format(), Picture: pictureOf(o.Cover)}
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

func pictureOf(p products.Picture) ui.Picture {
	out := ui.Picture{Alt: p.Alt, Color: p.Color, Width: p.Width, Height: p.Height}
	for _, s := range p.Sources {
		out.Sources = append(out.Sources, ui.Source{URL: s.URL, Width: s.Width, Format: string(s.Format)})
	}
	return out
}

func contactProps(ctx context.Context, part Part, sh Shown) blocks.ContactProps {
	c := ContactForm(ctx, part.Props)
	c.ID, c.Action = anchor(part.ID), sh.URL+"/contact"
	return c
}

// ContactForm is what a contact block says, with words where its creator gave none.
func ContactForm(ctx context.Context, p Props) blocks.ContactProps {
	c := blocks.ContactProps{Title: p.Title, Text: p.Text, Button: p.Button}
	if c.Title == "" {
		c.Title = text.T(ctx, "Write to me")
	}
	if c.Button == "" {
		c.Button = text.T(ctx, "Send")
	}
	return c
}

// Contact is the shop's contact block; false when its window shows none.
func (sh Shown) Contact() (Props, bool) {
	if sh.Closed {
		return Props{}, false
	}
	for _, p := range sh.Content.Blocks {
		if p.Kind == Contact {
			return p.Props, true
		}
	}
	return Props{}, false
}

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
