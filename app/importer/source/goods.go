package source

import (
	"regexp"
	"strconv"
	"strings"
)

// goods is one product of a table while its rows are put together.
type goods struct {
	handle, title, text, image, alt string
	kind                            string
	row                             int
	options                         []string // what the options are called
	rows                            []option
	pictures                        []Record
	notes                           []Note
	out                             *Note
}

// option is one row that has a price.
type option struct {
	row        int
	values     []string
	price, was string
	left       string
	ships      bool
}

// records are a product for each of its prices: here a product has one. Rows of one price become one product, and
// their values a line of its description.
func (g *goods) records() []Record {
	var out []Record
	groups := map[string]int{}
	for i, o := range g.rows {
		if at, ok := groups[o.price]; ok {
			p := &out[at]
			v := Record{Key: "variant:" + g.handle + ":" + strings.Join(o.values, "/"), Of: p.Key, Kind: Variant, Row: o.row, Title: join(g.title, o.values), Price: o.price}
			v.change("It became a line in the description of %s.", p.Title)
			out = append(out, v)
			continue
		}
		groups[o.price] = len(out)
		r := Record{Key: "product:" + g.handle, Kind: Product, Row: o.row, Title: g.title, Text: g.text, Image: g.image, Alt: g.alt, Price: o.price, Notes: append([]Note(nil), g.notes...)}
		if i > 0 {
			r.Key += ":" + o.price
			r.change("It has a price of its own, so it is a product of its own.")
		}
		if o.price == "" {
			r.refuse("It has no price.")
		} else if num, _, ok := amount(o.price); !ok {
			r.refuse("Its price cannot be read: %s", o.price)
		} else {
			r.Price, r.Exact = num, true
		}
		if g.out != nil {
			r.Out = g.out
		}
		if o.was != "" && o.was != o.price && o.was != "0" && o.was != "0.00" {
			r.change("The former price of %s is left out: prices are said as they are.", o.was)
		}
		if o.ships {
			r.change("It has to be sent. Here it begins as a draft; files are what can be sold now.")
		}
		out = append(out, r)
	}
	g.describe(out, groups)
	if len(out) > 0 {
		for _, p := range g.pictures {
			p.Of = out[0].Key
			out = append(out, p)
		}
	}
	return out
}

// describe writes into each product which of the options it stands for.
func (g *goods) describe(out []Record, groups map[string]int) {
	for price, at := range groups {
		var sorts []option
		for _, o := range g.rows {
			if o.price == price {
				sorts = append(sorts, o)
			}
		}
		if len(groups) > 1 {
			var names []string
			for _, o := range sorts {
				if v := strings.Join(o.values, " / "); v != "" {
					names = append(names, v)
				}
			}
			if len(names) > 0 {
				title, _ := cut(g.title+" ("+strings.Join(names, ", ")+")", 120)
				out[at].Title = title
				for i := range out {
					if out[i].Of == out[at].Key && len(out[i].Notes) > 0 {
						out[i].Notes[0].Args = []string{title}
					}
				}
			}
		}
		out[at].Left = copies(sorts)
		for i, name := range g.options {
			var values []string
			for _, o := range sorts {
				if i < len(o.values) && o.values[i] != "" && !contains(values, o.values[i]) {
					values = append(values, o.values[i])
				}
			}
			if len(values) > 0 && name != "" && (len(sorts) > 1 || len(groups) > 1) {
				out[at].Text = strings.TrimSpace(out[at].Text + "\n\n" + name + ": " + strings.Join(values, ", "))
			}
		}
	}
}

// copies is how many of all sorts together are left; empty when one of them is not counted.
func copies(sorts []option) string {
	sum := 0
	for _, o := range sorts {
		n, err := strconv.Atoi(o.left)
		if err != nil {
			return ""
		}
		sum += max(n, 0)
	}
	return strconv.Itoa(sum)
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func join(title string, values []string) string {
	if v := strings.Join(values, " / "); v != "" {
		return title + " (" + v + ")"
	}
	return title
}

var markup = regexp.MustCompile(`<[a-zA-Z/!][^>]*>`)

// words are a description without its HTML.
func (g *goods) words(html string) {
	g.text = htmlText(html)
	if markup.MatchString(html) {
		g.notes = append(g.notes, note("Its description became plain text."))
	}
}

// shopify reads the product export of Shopify: rows with one handle are one product, rows without a price add
// pictures.
func shopify(t table) Set {
	s := Set{From: "shopify", Scope: "shopify", Priced: true}
	var order []*goods
	byHandle := map[string]*goods{}
	for _, r := range t.rows {
		h := t.get(r, "handle")
		g := byHandle[h]
		if h == "" {
			x := Record{Key: "row:" + strconv.Itoa(r.n), Kind: Other, Row: r.n, Title: line(t.get(r, "title"))}
			x.refuse("It has no handle, so nobody knows which product it belongs to.")
			s.Records = append(s.Records, x)
			continue
		}
		if g == nil {
			g = &goods{handle: h, row: r.n, title: line(t.get(r, "title"))}
			g.words(t.get(r, "body html", "body"))
			if st := strings.ToLower(t.get(r, "status")); st == "archived" {
				n := note("It is archived in the shop that it comes from.")
				g.out = &n
			}
			if yes(t.get(r, "gift card")) {
				n := note("Gift cards cannot be sold here.")
				g.out = &n
			}
			byHandle[h] = g
			order = append(order, g)
		}
		g.shopifyRow(t, r)
	}
	for _, g := range order {
		if g.title == "" {
			g.title = strings.ReplaceAll(g.handle, "-", " ")
		}
		s.Records = append(s.Records, g.records()...)
	}
	return s
}

func (g *goods) shopifyRow(t table, r tableRow) {
	if price := t.get(r, "variant price"); price != "" || len(g.rows) == 0 && t.get(r, "title") != "" {
		o := option{row: r.n, price: price, was: t.get(r, "variant compare at price"), ships: yes(t.get(r, "variant requires shipping"))}
		for i := 1; i <= 3; i++ {
			n := strconv.Itoa(i)
			name, value := t.get(r, "option"+n+" name"), line(t.get(r, "option"+n+" value"))
			if name != "" && len(g.options) < i {
				g.options = append(g.options, line(name))
			}
			if value != "" && value != "Default Title" {
				o.values = append(o.values, value)
			}
		}
		if t.get(r, "variant inventory tracker") != "" && t.get(r, "variant inventory policy") == "deny" {
			o.left = t.get(r, "variant inventory qty")
		}
		g.rows = append(g.rows, o)
		if img := t.get(r, "image src"); img != "" && g.image == "" {
			g.image, g.alt = img, line(t.get(r, "image alt text"))
		} else if img != "" && img != g.image {
			g.more(img, line(t.get(r, "image alt text")), 0)
		}
		return
	}
	img := t.get(r, "image src", "variant image")
	if img == "" {
		x := Record{Key: "row:" + strconv.Itoa(r.n), Kind: Other, Row: r.n, Title: g.title}
		x.refuse("There is neither a price nor a picture in this row.")
		g.pictures = append(g.pictures, x)
		return
	}
	if g.image == "" {
		g.image, g.alt = img, line(t.get(r, "image alt text"))
		x := Record{Key: "picture:" + g.handle + ":" + img, Kind: Picture, Row: r.n, Image: img}
		x.change("It became the picture of %s.", g.title)
		g.pictures = append(g.pictures, x)
		return
	}
	g.more(img, line(t.get(r, "image alt text")), r.n)
}

// more notes a further picture of a product.
func (g *goods) more(img, alt string, row int) {
	x := Record{Key: "picture:" + g.handle + ":" + img, Kind: Picture, Row: row, Image: img, Alt: alt}
	x.refuse("A product shows one picture.")
	g.pictures = append(g.pictures, x)
}

// woocommerce reads the product export of WooCommerce: variations name their parent by its number or SKU.
func woocommerce(t table) Set {
	s := Set{From: "woocommerce", Scope: "woocommerce", Priced: true}
	var order []*goods
	by := map[string]*goods{}
	var later []tableRow
	for _, r := range t.rows {
		kind := strings.ToLower(t.get(r, "type"))
		if strings.Contains(kind, "variation") {
			later = append(later, r)
			continue
		}
		id, sku := t.get(r, "id"), t.get(r, "sku")
		g := &goods{handle: first(sku, id, line(t.get(r, "name"))), row: r.n, kind: kind, title: line(t.get(r, "name"))}
		g.words(first(t.get(r, "description"), t.get(r, "short description")))
		g.woo(t, r)
		for _, k := range []string{"id:" + id, sku} {
			if k != "" && k != "id:" {
				by[k] = g
			}
		}
		order = append(order, g)
	}
	for _, r := range later {
		g := by[t.get(r, "parent")]
		if g == nil {
			x := Record{Key: "row:" + strconv.Itoa(r.n), Kind: Variant, Row: r.n, Title: line(t.get(r, "name")), Price: t.get(r, "regular price")}
			x.refuse("The product that it belongs to is not in the file.")
			s.Records = append(s.Records, x)
			continue
		}
		o := option{row: r.n, price: first(t.get(r, "sale price"), t.get(r, "regular price")), was: t.get(r, "regular price"), left: t.get(r, "stock")}
		for i := 1; i <= 3; i++ {
			n := strconv.Itoa(i)
			if name := t.get(r, "attribute "+n+" name"); name != "" && len(g.options) < i {
				g.options = append(g.options, line(name))
			}
			if v := line(t.get(r, "attribute "+n+" value s")); v != "" {
				o.values = append(o.values, v)
			}
		}
		if len(g.rows) > 0 && g.rows[0].price == "" && g.kind == "variable" { // the parent has no price of its own
			parent := g.rows[0]
			g.rows = g.rows[1:]
			x := Record{Key: "row:" + strconv.Itoa(parent.row), Kind: Variant, Row: parent.row, Title: g.title}
			x.change("Its variants came in its place.")
			g.pictures = append(g.pictures, x)
		}
		g.rows = append(g.rows, o)
	}
	for _, g := range order {
		s.Records = append(s.Records, g.records()...)
	}
	return s
}

func (g *goods) woo(t table, r tableRow) {
	o := option{row: r.n, price: first(t.get(r, "sale price"), t.get(r, "regular price")), was: t.get(r, "regular price")}
	if t.get(r, "stock") != "" && !yes(t.get(r, "backorders allowed")) {
		o.left = t.get(r, "stock")
	}
	g.rows = append(g.rows, o)
	switch {
	case strings.Contains(g.kind, "grouped"):
		n := note("It is a group of other products and has no price of its own.")
		g.out = &n
	case strings.Contains(g.kind, "external"):
		n := note("It is sold on another site. Add a link to it instead.")
		g.out = &n
	case strings.Contains(g.kind, "subscription"):
		n := note("It is paid for again and again. Memberships cannot be brought yet.")
		g.out = &n
	}
	for i, img := range strings.Split(t.get(r, "images"), ",") {
		if img = strings.TrimSpace(img); img != "" && i == 0 {
			g.image = img
		} else if img != "" {
			g.more(img, "", 0)
		}
	}
}

func first(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}
