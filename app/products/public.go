package products

import (
	"context"
	"fmt"
	"strings"

	"github.com/a-h/templ"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/views/products"
	"vitrine/views/text"
	"vitrine/views/ui"
)

// PublicShop is what a product page may know of its shop.
type PublicShop struct {
	ID     id.Shop
	Name   string
	URL    string // SHOP_URL/@slug
	Closed bool
	AppURL string
}

// PublicPage is a product page without the shop's frame.
type PublicPage struct {
	Product        id.Product
	Title          string
	Description    string // plain, for search engines and previews
	Price          string
	Cover          Picture
	Image          string // absolute, "" when there is none
	ImageAlt       string
	ImageW, ImageH int
	JSONLD         any
	Main           templ.Component
	Bar            templ.Component // nil when there is nothing to buy
}

// few is from which number on buyers read how many copies are left.
const few = 10

// PublicPage draws a product that is on sale. Drafts and unknown ones are not found, archived ones are gone.
func (s *Service) PublicPage(ctx context.Context, q db.Q, shop PublicShop, slug string) (PublicPage, error) {
	if !validSlug(slug) {
		return PublicPage{}, errNoPage
	}
	r, err := findActive(ctx, q, shop.ID, slug)
	if db.None(err) {
		return PublicPage{}, missing(ctx, q, shop.ID, slug)
	}
	if err != nil {
		return PublicPage{}, fmt.Errorf("read product page: %w", err)
	}
	all, err := s.complete(ctx, q, []row{r})
	if err != nil {
		return PublicPage{}, err
	}
	p := all[0]
	props := publicProps(ctx, p, shop)
	page := PublicPage{
		Product: p.ID, Title: p.Name, Description: summary(p), Price: props.Price, Cover: p.Cover, Image: p.Cover.Largest().URL, ImageAlt: p.CoverAlt, ImageW: p.Cover.Width, ImageH: p.Cover.Height,
		JSONLD: jsonLD(p, shop), Main: products.Public(props),
	}
	if props.Buy != "" {
		page.Bar = products.PublicBar(props)
	}
	return page, nil
}

var errNoPage = errs.New(errs.NotFound, "This product is not for sale here.")

func publicProps(ctx context.Context, p Product, shop PublicShop) products.PublicProps {
	v := products.PublicProps{
		ID: p.ID.String(), Name: p.Name, Summary: p.Summary, Price: priceTag(ctx, p), Free: p.Price.IsZero(), Picture: Draw(p.Cover), SoldOut: p.Left == 0,
		Closed: shop.Closed, Description: Description(p.Description), ShopName: shop.Name, ShopURL: shop.URL,
	}
	if p.Left > 0 && p.Left <= few {
		v.Few = p.Left
	}
	for _, f := range ready(p.Files) {
		v.Gets = append(v.Gets, products.Get{Name: f.Name, Note: kindAndSize(ctx, f)})
	}
	if !v.SoldOut && !v.Closed {
		v.Buy = shop.AppURL + "/checkout/start?p=" + p.ID.String() + "&q=1"
	}
	return v
}

func priceTag(ctx context.Context, p Product) string {
	if p.Price.IsZero() {
		return text.T(ctx, "Free")
	}
	return p.Price.Format()
}

// Draw hands a picture to the views.
func Draw(p Picture) ui.Picture {
	out := ui.Picture{Alt: p.Alt, Color: p.Color, Width: p.Width, Height: p.Height}
	for _, s := range p.Sources {
		out.Sources = append(out.Sources, ui.Source{URL: s.URL, Width: s.Width, Format: s.Format})
	}
	return out
}

func summary(p Product) string {
	if words := Excerpt(p.Description, 200); p.Summary == "" {
		return words
	} else if words != "" && len(p.Summary) < 80 {
		return strings.TrimRight(p.Summary, ".") + ". " + words
	}
	return p.Summary
}

// kindAndSize says of a file what a buyer wants to know: "PDF, 2.4 MB".
func kindAndSize(ctx context.Context, f files.File) string {
	if i := strings.LastIndexByte(f.Name, '.'); i > 0 && len(f.Name)-i <= 6 {
		return text.T(ctx, "%s, %s", strings.ToUpper(f.Name[i+1:]), Size(f.Size))
	}
	return Size(f.Size)
}

// Size is a number of bytes for people.
func Size(n int64) string {
	const k = 1000
	switch {
	case n < k:
		return fmt.Sprintf("%d B", n)
	case n < k*k:
		return fmt.Sprintf("%d kB", (n+k/2)/k)
	case n < k*k*k:
		return tenths(n, k*k) + " MB"
	}
	return tenths(n, k*k*k) + " GB"
}

// tenths writes n/unit with one digit after the point where it says something.
func tenths(n, unit int64) string {
	t := (n*10 + unit/2) / unit
	if t%10 == 0 || t >= 100 {
		return fmt.Sprint((t + 5) / 10)
	}
	return fmt.Sprintf("%d.%d", t/10, t%10)
}

// jsonLD describes the product and where its page stands to search engines.
func jsonLD(p Product, shop PublicShop) any {
	type m = map[string]any
	address := shop.URL + "/p/" + p.Slug
	availability := "https://schema.org/InStock"
	switch {
	case p.Left == 0:
		availability = "https://schema.org/SoldOut"
	case shop.Closed:
		availability = "https://schema.org/OutOfStock"
	}
	product := m{
		"@type": "Product", "@id": address + "#product", "name": p.Name, "url": address, "sku": p.ID.String(),
		"offers": m{
			"@type": "Offer", "url": address, "price": p.Price.Decimal(), "priceCurrency": string(p.Price.Currency), "availability": availability,
			"seller": m{"@type": "Organization", "name": shop.Name, "url": shop.URL},
		},
	}
	if d := summary(p); d != "" {
		product["description"] = d
	}
	if img := p.Cover.Largest().URL; img != "" {
		product["image"] = []string{img}
	}
	return m{
		"@context": "https://schema.org",
		"@graph": []any{product, m{
			"@type": "BreadcrumbList",
			"itemListElement": []any{
				m{"@type": "ListItem", "position": 1, "name": shop.Name, "item": m{"@type": "WebPage", "@id": shop.URL, "url": shop.URL}},
				m{"@type": "ListItem", "position": 2, "name": p.Name, "item": m{"@type": "WebPage", "@id": address, "url": address}},
			},
		}},
	}
}
