package builder

import (
	"fmt"
	"testing"

	"vitrine/app/config"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/products"
	"vitrine/app/storefronts"
)

// BenchmarkShopRender draws a page of 25 blocks, 12 of them products with pictures in all sizes, without a
// database.
func BenchmarkShopRender(b *testing.B) {
	cfg := &config.Config{Port: 8080}
	cfg.Complete()
	f := &Front{Config: cfg}
	sh := Shown{Shop: storefronts.Shop{ID: id.New[id.ShopKind](), Name: "Noor Adeyemi", Slug: "noor", Currency: "EUR", Published: true},
		URL: cfg.ShopURL + "/@noor", Content: Content{Look: storefronts.Look{Theme: "house", BrandColor: "#2637c4", HeaderStyle: "awning"}}}
	add := func(k Kind, p Props) {
		sh.Content.Blocks = append(sh.Content.Blocks, Part{ID: id.New[id.BlockKind](), Kind: k, Props: p})
	}
	add(Header, Props{Title: "Noor Adeyemi", Text: "Wheel-thrown stoneware from a garage in Marseille.", Status: "Open"})
	offers := map[id.Product]products.Offer{}
	for i := range 12 {
		p := id.New[id.ProductKind]()
		o := products.Offer{ID: p, Name: fmt.Sprintf("Glaze book %d", i), Slug: fmt.Sprintf("glaze-%d", i), Summary: "PDF, instant download",
			Price: money.Amount{Minor: 1900, Currency: "EUR"}, Active: true, Left: products.Unlimited}
		o.Cover.Alt, o.Cover.Color, o.Cover.Width, o.Cover.Height = "A book", "#c9d6cf", 1200, 900
		for _, w := range []int{165, 360, 533, 720, 940, 1066, 1200} {
			o.Cover.Sources = append(o.Cover.Sources, products.PictureSource{Width: w, URL: fmt.Sprintf("%s/m/%s/%d.jpg", cfg.MediaURL, p, w), Format: "jpeg"})
		}
		offers[p] = o
		add(Product, Props{Product: p})
	}
	for i := range 11 {
		add(Link, Props{Title: fmt.Sprintf("Link %d", i), URL: "https://example.com/", Note: "Map"})
	}
	add(Contact, Props{Title: "Write to me", Text: "I answer on Sundays.", Button: "Send"})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.framed(b.Context(), sh, f.drawHome(b.Context(), sh, goods{offers: offers})); err != nil {
			b.Fatal(err)
		}
	}
}
