package source

import (
	"encoding/json"
	"strings"

	"github.com/PuerkitoBio/goquery"
)

// thing is what a page tells machines about something: JSON-LD or microdata.
type thing struct {
	kind, name, text, url, image string
	price, currency              string
	ask, answer                  string
}

// things reads all of it. What is broken is passed over; the page itself says the same to people.
func things(doc *goquery.Document) []thing {
	var out []thing
	doc.Find(`script[type="application/ld+json"]`).Each(func(_ int, s *goquery.Selection) {
		if v, ok := decoded(s.Text()); ok {
			out = collect(out, v, 0)
		}
	})
	doc.Find(`[itemscope][itemtype]`).Each(func(_ int, s *goquery.Selection) {
		if t, ok := micro(s); ok {
			out = append(out, t)
		}
	})
	return out
}

// decoded reads JSON; numbers stay as they were written.
func decoded(s string) (v any, ok bool) {
	d := json.NewDecoder(strings.NewReader(strings.TrimSpace(s)))
	d.UseNumber()
	return v, d.Decode(&v) == nil
}

func collect(out []thing, v any, deep int) []thing {
	if deep > 12 || len(out) > 500 {
		return out
	}
	switch x := v.(type) {
	case []any:
		for _, y := range x {
			out = collect(out, y, deep+1)
		}
	case map[string]any:
		if t, ok := typed(x); ok {
			out = append(out, t)
		}
		for k, y := range x {
			switch k {
			case "@graph", "itemListElement", "item", "mainEntity", "hasPart", "makesOffer", "itemOffered", "hasOfferCatalog":
				out = collect(out, y, deep+1)
			}
		}
	}
	return out
}

func typed(x map[string]any) (thing, bool) {
	t := thing{name: line(str(x["name"])), text: lines(str(x["description"])), url: str(x["url"]), image: imageURL(x["image"])}
	for _, k := range kindsOf(x["@type"]) {
		switch k {
		case "Product", "Book", "Course", "Event", "Service", "CreativeWork", "SoftwareApplication", "ProductGroup":
			t.kind = "Product"
			t.price, t.currency = offer(x["offers"])
			return t, t.name != "" && t.price != ""
		case "Person", "ProfilePage", "Organization", "LocalBusiness", "Store", "Brand":
			t.kind = "Person"
			if m, ok := x["mainEntity"].(map[string]any); ok && k == "ProfilePage" {
				t.name, t.text, t.image = line(str(m["name"])), lines(str(m["description"])), imageURL(m["image"])
			}
			if t.image == "" {
				t.image = imageURL(x["logo"])
			}
			return t, t.name != ""
		case "Question":
			t.kind, t.ask = "Question", t.name
			if a, ok := x["acceptedAnswer"].(map[string]any); ok {
				t.answer = htmlText(str(a["text"]))
			}
			return t, t.ask != "" && t.answer != ""
		}
	}
	return t, false
}

func kindsOf(v any) (out []string) {
	switch x := v.(type) {
	case string:
		out = []string{x}
	case []any:
		for _, y := range x {
			out = append(out, str(y))
		}
	}
	for i := range out {
		out[i] = out[i][strings.LastIndexAny(out[i], "/:")+1:]
	}
	return out
}

func offer(v any) (price, currency string) {
	switch x := v.(type) {
	case []any:
		for _, y := range x {
			if price, currency = offer(y); price != "" {
				return price, currency
			}
		}
	case map[string]any:
		for _, k := range []string{"price", "lowPrice"} {
			if s := str(x[k]); s != "" {
				return s, strings.ToUpper(str(x["priceCurrency"]))
			}
		}
		if s, ok := x["priceSpecification"]; ok {
			if price, currency = offer(s); currency == "" {
				currency = strings.ToUpper(str(x["priceCurrency"]))
			}
			return price, currency
		}
		return offer(x["offers"])
	}
	return "", ""
}

func str(v any) string {
	switch x := v.(type) {
	case string:
		return strings.TrimSpace(x)
	case json.Number:
		return x.String()
	case map[string]any:
		return str(x["@value"])
	}
	return ""
}

func imageURL(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case []any:
		if len(x) > 0 {
			return imageURL(x[0])
		}
	case map[string]any:
		for _, k := range []string{"url", "contentUrl", "@id"} {
			if s := str(x[k]); s != "" {
				return s
			}
		}
	}
	return ""
}

// micro reads an element with itemprop attributes.
func micro(s *goquery.Selection) (thing, bool) {
	kinds := kindsOf(s.AttrOr("itemtype", ""))
	prop := func(name string) string {
		x := s.Find(`[itemprop="` + name + `"]`).First()
		for _, a := range []string{"content", "href", "src"} {
			if v := strings.TrimSpace(x.AttrOr(a, "")); v != "" {
				return v
			}
		}
		return lines(x.Text())
	}
	t := thing{name: line(prop("name")), text: prop("description"), url: prop("url"), image: prop("image")}
	switch kinds[0] {
	case "Product", "Book", "Course", "Event":
		t.kind, t.price, t.currency = "Product", prop("price"), strings.ToUpper(prop("priceCurrency"))
		if t.price == "" {
			t.price = prop("lowPrice")
		}
		if num, cur, ok := amount(t.price); ok {
			t.price = num
			if t.currency == "" {
				t.currency = cur
			}
		}
		return t, t.name != "" && t.price != ""
	case "Person", "Organization", "LocalBusiness", "Store":
		t.kind = "Person"
		return t, t.name != ""
	}
	return t, false
}

// person is who the page says it is of.
func (p *page) person() thing {
	for _, t := range p.data {
		if t.kind == "Person" {
			return t
		}
	}
	return thing{}
}

// offers joins what machines were told to be for sale with what is seen to be.
func (p *page) offers() {
	w := walker{base: p.base}
	list := p.data
	if price := p.meta("product:price:amount", "og:price:amount"); price != "" {
		list = append(list, thing{kind: "Product", name: cleanTitle(p.title(), p.meta("og:site_name")), text: p.meta("og:description"), url: p.set.URL, image: p.meta("og:image"),
			price: price, currency: strings.ToUpper(p.meta("product:price:currency", "og:price:currency"))})
	}
	told := map[string]bool{}
	for _, t := range list {
		if t.kind != "Product" || told[plain(t.name)] {
			continue
		}
		told[plain(t.name)] = true
		if i := p.sameOffer(t); i >= 0 {
			r := &p.set.Records[i]
			if num, _, ok := amount(r.Price); ok && samePrice(num, t.price) && t.currency != "" {
				r.Price, r.Currency = num, t.currency
			}
			if r.Text == "" {
				r.Text = t.text
			}
			if r.Image == "" && t.image != "" {
				r.Image = w.resolve(t.image)
			}
			continue
		}
		r := Record{Key: "product:" + plain(t.name), Kind: Product, Title: t.name, Text: t.text, Price: t.price, Exact: true, Currency: t.currency, URL: secure(w.resolve(t.url)), Image: w.resolve(t.image)}
		p.set.Records = append(p.set.Records, r)
	}
}

func (p *page) sameOffer(t thing) int {
	w := walker{base: p.base}
	at := bare(w.resolve(t.url))
	for i, r := range p.set.Records {
		if r.Kind == Product && (plain(r.Title) == plain(t.name) || r.URL != "" && at != "" && bare(r.URL) == at) {
			return i
		}
	}
	return -1
}

// questions adds those that only machines were told.
func (p *page) questions() {
	have := map[string]bool{}
	for _, r := range p.set.Records {
		have[plain(r.Title)] = true
	}
	for _, t := range p.data {
		if t.kind == "Question" && !have[plain(t.ask)] {
			have[plain(t.ask)] = true
			p.set.Records = append(p.set.Records, Record{Key: "question:" + plain(t.ask), Kind: Question, Title: t.ask, Text: t.answer})
		}
	}
}

// htmlText is what a piece of HTML says.
func htmlText(s string) string {
	if !strings.ContainsAny(s, "<&") {
		return lines(s)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(s))
	if err != nil || doc.Find("body").Length() == 0 {
		return lines(s)
	}
	return lines(inner(doc.Find("body").Get(0)))
}
