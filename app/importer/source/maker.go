package source

import (
	"encoding/json"
	"sort"
	"strings"

	"golang.org/x/net/html"

	"vitrine/app/money"
)

// embedded is the JSON that a page's own scripts draw it from, each piece once.
func (p *page) embedded() (out []any) {
	p.each(`script#__NEXT_DATA__, script[type="application/json"]`, func(n *html.Node) {
		if n.FirstChild != nil {
			if v, ok := decoded(n.FirstChild.Data); ok {
				out = append(out, v)
			}
		}
	})
	p.each(`[data-page]`, func(n *html.Node) {
		if v, ok := decoded(attr(n, "data-page")); ok {
			out = append(out, v)
		}
	})
	return out
}

// object is the first object somewhere inside v that has all the keys.
func object(v any, want ...string) (map[string]any, bool) {
	switch x := v.(type) {
	case []any:
		for _, y := range x {
			if m, ok := object(y, want...); ok {
				return m, true
			}
		}
	case map[string]any:
		all := true
		for _, k := range want {
			if _, ok := x[k]; !ok {
				all = false
			}
		}
		if all {
			return x, true
		}
		for _, k := range sorted(x) {
			if m, ok := object(x[k], want...); ok {
				return m, true
			}
		}
	}
	return nil, false
}

// Objects come without an order of their own; the same page must give the same list every time.
func sorted(m map[string]any) []string {
	ks := make([]string, 0, len(m))
	for k := range m {
		ks = append(ks, k)
	}
	sort.Strings(ks)
	return ks
}

func list(v any) []map[string]any {
	var out []map[string]any
	if a, ok := v.([]any); ok {
		for _, x := range a {
			if m, ok := x.(map[string]any); ok {
				out = append(out, m)
			}
		}
	}
	return out
}

func say(m map[string]any, names ...string) string {
	for _, n := range names {
		if s := str(m[n]); s != "" {
			return s
		}
	}
	return ""
}

// profileOf are the records of who it is.
func (p *page) profileOf(name, bio, image string) (out []Record) {
	w := walker{base: p.base}
	if name = strings.TrimPrefix(line(name), "@"); name != "" {
		out = append(out, Record{Key: string(Name), Kind: Name, Title: name})
	}
	if bio = htmlText(bio); bio != "" && !boilerplate(bio) {
		out = append(out, Record{Key: string(Bio), Kind: Bio, Text: bio})
	}
	if image != "" {
		r := Record{Key: string(Avatar), Kind: Avatar, Image: w.resolve(image)}
		imageFault(&r, image)
		r.Key = string(Avatar)
		out = append(out, r)
	}
	return out
}

// entry is a link of a list, or what stands for one.
func (p *page) entry(title, href, image, text string, locked bool) Record {
	w := walker{base: p.base}
	r := Record{Kind: Link, Title: line(title), Text: htmlText(text), Image: w.resolve(image)}
	w.where(&r, href)
	if film, ok := watchPage(r.URL); ok && r.Out == nil {
		r.Kind, r.URL, r.Key = Video, film, "video:"+film
	}
	if r.Title == "" && r.URL != "" && r.Kind == Link {
		r.Title = nameOf(r.URL)
		r.change("It said nothing, so it is called by its address.")
	}
	if locked {
		r.Off = true
		r.change("It was switched off or locked where it comes from.")
	}
	return r
}

func (p *page) socials(list []map[string]any) (out []Record) {
	w := walker{base: p.base}
	for _, m := range list {
		href := say(m, "url", "link", "href")
		kind := say(m, "type", "platform", "name")
		if strings.Contains(href, "@") && !strings.Contains(href, ":") {
			href = "mailto:" + href
		}
		r := Record{Kind: Social, Title: nameOfType(kind)}
		w.where(&r, href)
		if r.Title == "" && r.URL != "" {
			r.Title = nameOf(r.URL)
		}
		out = append(out, r)
	}
	return out
}

// nameOfType reads "TWITTER" or "EMAIL_ADDRESS" as people write it.
func nameOfType(kind string) string {
	k := strings.ToLower(strings.ReplaceAll(kind, "_", " "))
	for _, n := range sites {
		if strings.EqualFold(n, k) {
			return n
		}
	}
	if strings.HasPrefix(k, "email") {
		return "E-mail"
	}
	if k == "" {
		return ""
	}
	return strings.ToUpper(k[:1]) + k[1:]
}

// linktree reads __NEXT_DATA__: the links stand under pageProps or under its account.
func (p *page) linktree() (out []Record) {
	for _, v := range p.embedded() {
		props, ok := object(v, "pageProps")
		if !ok {
			continue
		}
		at, _ := props["pageProps"].(map[string]any)
		account, _ := at["account"].(map[string]any)
		out = p.profileOf(say(account, "pageTitle", "displayName", "username"), say(account, "description"), say(account, "profilePictureUrl", "customAvatar", "profilePicture"))
		links := list(at["links"])
		if len(links) == 0 {
			links = list(account["links"])
		}
		for _, l := range links {
			out = append(out, p.linktreeLink(l))
		}
		social := list(account["socialLinks"])
		if len(social) == 0 {
			social = list(at["socialLinks"])
		}
		return append(out, p.socials(social)...)
	}
	return nil
}

func (p *page) linktreeLink(l map[string]any) Record {
	title, href := line(say(l, "title")), say(l, "url")
	mods, _ := l["modifiers"].(map[string]any)
	kind := strings.ToUpper(say(l, "type"))
	if kind == "HEADER" || kind == "TEXT" || href == "" && kind != "" {
		r := Record{Key: "heading:" + plain(title), Kind: Heading, Level: 2, Title: title}
		if title == "" {
			r.refuse("There is nothing in it.")
		}
		return r
	}
	locked := l["locked"] != nil && l["locked"] != false || l["isActive"] == false || l["rules"] != nil && str(l["rules"]) != "" || l["gate"] != nil && gated(l["gate"])
	return p.entry(title, href, say(mods, "thumbnailUrl", "thumbnail"), "", locked)
}

func gated(v any) bool {
	m, ok := v.(map[string]any)
	return ok && say(m, "activeOrder", "type") != "" && m["activeOrder"] != nil
}

// beacons and stan draw their pages from a list of blocks; what has an address is a link, what has a price is
// for sale.
func (p *page) beacons() []Record {
	return p.listed([]string{"display_name", "displayName", "name", "username"}, []string{"bio", "description", "subtitle"}, []string{"profile_picture", "profilePicture", "avatar", "avatar_url", "image"})
}

func (p *page) stan() []Record {
	return p.listed([]string{"full_name", "fullName", "display_name", "name", "username"}, []string{"bio", "description"}, []string{"image", "avatar", "profile_image", "avatar_url"})
}

func (p *page) listed(names, bios, images []string) (out []Record) {
	for _, v := range p.embedded() {
		for _, holder := range [][]string{{"profile"}, {"user"}, {"store"}, {"creator"}} {
			m, ok := object(v, holder...)
			if !ok {
				continue
			}
			if who, ok := m[holder[0]].(map[string]any); ok && len(out) == 0 {
				out = p.profileOf(say(who, names...), say(who, bios...), say(who, images...))
			}
		}
		if found := p.sweep(nil, v, 0); len(found) > 0 {
			return append(out, found...)
		}
	}
	return out
}

// sweep goes through lists in their order and takes from each object what it is.
func (p *page) sweep(out []Record, v any, deep int) []Record {
	if deep > 20 || len(out) > MaxRecords {
		return out
	}
	switch x := v.(type) {
	case []any:
		for _, y := range x {
			out = p.sweep(out, y, deep+1)
		}
	case map[string]any:
		if r, ok := p.offered(x); ok {
			return append(out, r)
		}
		title, href := say(x, "title", "label", "text", "name"), say(x, "url", "link", "href")
		if href != "" && (strings.Contains(href, "://") || strings.HasPrefix(href, "mailto:")) && (title != "" || x["platform"] != nil) {
			if x["platform"] != nil {
				return append(out, p.socials([]map[string]any{x})...)
			}
			off := x["hidden"] == true || x["isActive"] == false || x["is_active"] == false || x["visible"] == false
			return append(out, p.entry(title, href, say(x, "thumbnail", "image", "image_url", "thumbnailUrl"), say(x, "description", "subtitle"), off))
		}
		if heading := say(x, "header", "heading"); heading != "" {
			out = append(out, Record{Key: "heading:" + plain(heading), Kind: Heading, Level: 2, Title: line(heading)})
		} else if kind := strings.ToLower(say(x, "type")); (kind == "text" || kind == "header" || kind == "heading") && say(x, "text", "content", "title") != "" {
			s := htmlText(say(x, "text", "content", "title"))
			if kind == "text" {
				out = append(out, Record{Key: "text:" + plain(s), Kind: Text, Text: s})
			} else {
				out = append(out, Record{Key: "heading:" + plain(s), Kind: Heading, Level: 2, Title: line(s)})
			}
		}
		for _, k := range ordered(x) {
			switch x[k].(type) {
			case []any, map[string]any:
				out = p.sweep(out, x[k], deep+1)
			}
		}
	}
	return out
}

// ordered is sorted with the lists that matter most first.
func ordered(m map[string]any) []string {
	ks := sorted(m)
	weight := map[string]int{"profile": -4, "user": -4, "sections": -3, "blocks": -3, "pages": -3, "products": -2, "links": -1}
	sort.SliceStable(ks, func(i, j int) bool { return weight[ks[i]] < weight[ks[j]] })
	return ks
}

// offered is an object with a name and a price: in cents with a currency, or as a number.
func (p *page) offered(x map[string]any) (Record, bool) {
	name := line(say(x, "name", "title"))
	cur := strings.ToUpper(say(x, "currency_code", "currency", "currencyCode"))
	if d, ok := x["price"].(map[string]any); ok && cur == "" {
		cur = strings.ToUpper(say(d, "currency", "currency_code"))
		x = map[string]any{"name": name, "price": d["amount"], "price_cents": d["cents"], "url": x["url"], "description": x["description"], "image": x["image"]}
	}
	price := ""
	if n, ok := x["price_cents"].(json.Number); ok && cur != "" {
		cents, err := n.Int64()
		if err != nil || cents < 0 {
			return Record{}, false
		}
		price = money.Amount{Minor: cents, Currency: money.Currency(cur)}.Decimal()
	} else if s := str(x["price"]); s != "" && (cur != "" || len(prices(s)) == 1) {
		num, signed, ok := amount(s)
		if !ok {
			return Record{}, false
		}
		if price = num; cur == "" {
			cur = signed
		}
	}
	if name == "" || price == "" {
		return Record{}, false
	}
	w := walker{base: p.base}
	r := Record{Key: "product:" + plain(name), Kind: Product, Title: name, Price: price, Exact: len(prices(str(x["price"]))) == 0, Currency: cur, Text: htmlText(say(x, "description", "subtitle", "summary")),
		URL: secure(w.resolve(say(x, "url", "link", "short_url"))), Image: w.resolve(say(x, "thumbnail_url", "thumbnailUrl", "image", "image_url", "cover_url"))}
	if id := say(x, "permalink", "handle"); id != "" {
		r.Key = "product:" + id
	}
	if n, ok := x["quantity_remaining"].(json.Number); ok {
		r.Left = n.String()
	}
	if x["is_pay_what_you_want"] == true {
		r.change("People could pay more than its price. Here it has one price.")
	}
	if s := say(x, "recurrence"); s != "" {
		r.refuse("It is paid for again and again. Memberships cannot be brought yet.")
	}
	return r, true
}

// gumroad draws a profile from one object with sections of products and texts.
func (p *page) gumroad() (out []Record) {
	for _, v := range p.embedded() {
		who, ok := object(v, "creator_profile")
		if !ok {
			continue
		}
		c, _ := who["creator_profile"].(map[string]any)
		out = p.profileOf(say(c, "name"), say(who, "bio"), say(c, "avatar_url"))
		if h := say(c, "twitter_handle"); h != "" {
			out = append(out, p.socials([]map[string]any{{"type": "X", "url": "https://x.com/" + h}})...)
		}
		if sections := list(who["sections"]); len(sections) > 0 {
			for _, s := range sections {
				out = p.section(out, s)
			}
			return out
		}
		return p.sweep(out, v, 0)
	}
	return nil
}

func (p *page) section(out []Record, s map[string]any) []Record {
	if h := line(say(s, "header")); h != "" {
		out = append(out, Record{Key: "heading:" + plain(h), Kind: Heading, Level: 2, Title: h})
	}
	if found, ok := s["search_results"].(map[string]any); ok {
		for _, x := range list(found["products"]) {
			if r, ok := p.offered(x); ok {
				out = append(out, r)
				continue
			}
			r := Record{Key: "product:" + say(x, "permalink", "name"), Kind: Product, Title: line(say(x, "name"))}
			r.refuse("It has no price.")
			out = append(out, r)
		}
	}
	if t := rich(s["text"]); t != "" {
		out = append(out, Record{Key: "text:" + plain(t), Kind: Text, Text: t})
	}
	return out
}

// rich is what a document of an editor says: paragraphs of words.
func rich(v any) string {
	var b strings.Builder
	var f func(any)
	f = func(v any) {
		switch x := v.(type) {
		case []any:
			for _, y := range x {
				f(y)
			}
		case map[string]any:
			b.WriteString(str(x["text"]))
			f(x["content"])
			if t := str(x["type"]); t == "paragraph" || t == "heading" {
				b.WriteString("\n\n")
			}
		}
	}
	f(v)
	return lines(b.String())
}
