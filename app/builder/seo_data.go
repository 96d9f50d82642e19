package builder

import (
	"strings"

	"vitrine/app/products"
	"vitrine/views/blocks"
)

type object = map[string]any

// picture is the first product's that has one, in a size of about 1,200 pixels.
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
	address := sh.URL + "/p/" + o.Slug
	out := object{"@type": "Product", "@id": address + "#product", "name": o.Name, "url": address, "sku": o.ID.String()}
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
		out["offers"] = object{"@type": "Offer", "price": o.Price.Decimal(), "priceCurrency": string(o.Price.Currency), "availability": state, "url": address,
			"seller": object{"@id": sh.URL + "#shop"}}
	}
	return out
}
