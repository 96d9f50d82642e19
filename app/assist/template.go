package assist

import (
	"net/url"
	"slices"
	"strings"

	"vitrine/app/builder"
	"vitrine/app/id"
	"vitrine/app/storefronts"
)

// Piece is a block that was written, with its place in the window.
type Piece struct {
	ID    id.Block      `json:"id"`
	Kind  builder.Kind  `json:"kind"`
	Props builder.Props `json:"props"`
}

// Brief is all that may be used for writing: what the creator said and what their shop has. Nothing else is true.
type Brief struct {
	Told
	Shop     string // its name
	Tone     string
	Products []Ware // of the catalogue and of the sentence, in that order of mention
	Links    []string
	Version  int // another one each time, counted from 0
	Pictures bool
}

// Ware is a product that the window may show. Its price is never written by a model: the block draws it.
type Ware struct {
	ID     id.Product
	Name   string
	Price  string
	Active bool
}

func (b Brief) wording() wording {
	if w, ok := wordings[b.Language]; ok {
		return w
	}
	return wordings[Languages[0]]
}

func (b Brief) craft() craft {
	c, ok := b.wording().trades[b.Trade]
	if !ok {
		c = b.wording().trades["general"]
	}
	return c
}

// say is a text in the brief's tone. Every second version takes the other wording, where there is one.
func (b Brief) say(key string) string {
	w := b.wording().words
	if b.Version%2 == 1 {
		if s, ok := w[key+"."+b.tone()+".2"]; ok {
			return s
		}
	}
	if s, ok := w[key+"."+b.tone()]; ok {
		return s
	}
	return w[key]
}

func (b Brief) tone() string {
	if slices.Contains(Tones, b.Tone) {
		return b.Tone
	}
	return Tones[0]
}

// line is the sentence under the name: in the asked tone first, then in the others.
func (b Brief) line() string {
	at := slices.Index(Tones, b.tone())
	return b.craft().lines[Tones[(at+b.Version)%len(Tones)]]
}

// bio is a sentence or two about who makes this.
func (b Brief) bio() string {
	if b.Version%2 == 1 {
		return b.craft().about
	}
	return strings.NewReplacer("{line}", b.line(), "{extra}", b.say("extra")).Replace(b.wording().words["bio"])
}

// byTemplate writes a window without any model: from the trade, the tone, and what is for sale.
func byTemplate(b Brief) []Piece {
	w := b.wording().words
	header := builder.Props{Text: b.line()}
	var rest []Piece
	add := func(k builder.Kind, p builder.Props) { rest = append(rest, Piece{id.New[id.BlockKind](), k, p}) }
	var links []Piece
	for _, l := range b.Links {
		switch kind, p := linkAs(b, l); kind {
		case builder.Header:
			header.Socials = append(header.Socials, p.Socials...)
		default:
			links = append(links, Piece{id.New[id.BlockKind](), kind, p})
		}
	}
	header.Socials = header.Socials[:min(len(header.Socials), builder.MaxSocials)]
	shelf := func() {
		if len(b.Products) >= 3 {
			p := builder.Props{Title: b.say("shelf")}
			for _, x := range b.Products[:min(len(b.Products), builder.MaxGrid)] {
				p.Products = append(p.Products, x.ID)
			}
			add(builder.Grid, p)
			return
		}
		for _, x := range b.Products {
			add(builder.Product, builder.Props{Product: x.ID})
		}
	}
	about := func() { add(builder.Text, builder.Props{Title: b.say("about"), Text: b.craft().about}) }
	if b.tone() == "warm" { // who it is comes first
		about()
		shelf()
	} else {
		shelf()
		about()
	}
	if b.Pictures && b.tone() != "plain" {
		at := min(1, len(rest))
		rest = slices.Insert(rest, at, Piece{id.New[id.BlockKind](), builder.Image, builder.Props{}})
	}
	rest = append(rest, links...)
	if b.tone() == "playful" {
		add(builder.Divider, builder.Props{Style: "scallop"})
	}
	if len(b.Products) > 0 {
		add(builder.FAQ, builder.Props{Title: w["faq.title"], Items: []builder.Item{{Title: w["faq.pay.q"], Text: w["faq.pay.a"]}, {Title: w["faq.reach.q"], Text: w["faq.reach.a"]}}})
	}
	add(builder.Contact, builder.Props{Title: b.say("contact"), Text: w["contact.text"], Button: w["contact.button"]})
	return append([]Piece{{id.New[id.BlockKind](), builder.Header, header}}, rest...)
}

// again is another version of a block's text. What the creator chose (products, pictures, addresses) stays.
func again(b Brief, k builder.Kind, p builder.Props) (builder.Props, bool) {
	w := b.wording().words
	switch k {
	case builder.Header:
		p.Text = b.line()
	case builder.Text:
		p.Title, p.Text = b.say("about"), b.craft().about
		if b.Version%2 == 1 {
			p.Text = b.line() + "\n\n" + b.craft().about
		}
	case builder.Grid:
		p.Title = orElse(b.say("shelf"), p.Title)
	case builder.Contact:
		p.Title, p.Text, p.Button = b.say("contact"), w["contact.text"], w["contact.button"]
		if b.Version%2 == 1 {
			p.Text = b.say("extra")
		}
	case builder.FAQ:
		p.Title = w["faq.title"]
		p.Items = []builder.Item{{Title: w["faq.pay.q"], Text: w["faq.pay.a"]}, {Title: w["faq.reach.q"], Text: w["faq.reach.a"]}}
		if b.Version%2 == 1 {
			slices.Reverse(p.Items)
		}
	case builder.Scheduler:
		p.Title, p.Button = w["book.title"], w["book.button"]
	default:
		return p, false
	}
	return p, true
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

var socialHosts = []string{"instagram.com", "tiktok.com", "x.com", "twitter.com", "bsky.app", "facebook.com", "threads.net", "linkedin.com", "pinterest.com", "github.com", "mastodon.social"}
var bookingHosts = []string{"cal.com", "calendly.com", "calendar.app.google", "koalendar.com", "zcal.co"}

// linkAs is the block that an address is best shown as: beside the name, as a calendar, as a film, or as a link.
func linkAs(b Brief, link string) (builder.Kind, builder.Props) {
	w := b.wording().words
	if addr, ok := strings.CutPrefix(link, "mailto:"); ok {
		return builder.Link, builder.Props{Title: w["link.mail"], URL: link, Note: short(addr, 40), Icon: "mail"}
	}
	u, err := url.Parse(link)
	if err != nil {
		return builder.Link, builder.Props{Title: link, URL: link}
	}
	host := strings.TrimPrefix(u.Hostname(), "www.")
	switch {
	case slices.Contains(socialHosts, host):
		return builder.Header, builder.Props{Socials: []builder.Social{{URL: link}}}
	case slices.Contains(bookingHosts, host):
		return builder.Scheduler, builder.Props{Title: w["book.title"], URL: link, Button: w["book.button"]}
	}
	film := builder.Props{URL: link, Title: short(b.Shop, 120)}
	if _, err := builder.CheckProps(builder.Video, film); err == nil {
		return builder.Video, film
	}
	return builder.Link, builder.Props{Title: host, URL: link, Icon: "link"}
}

// short is s in at most n characters.
func short(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return strings.TrimSpace(string(r[:n-1])) + "…"
	}
	return s
}

// lookOf is how a window is dressed for a tone, in the creator's colour if they chose one.
func lookOf(now storefronts.Look, tone, color string) storefronts.Look {
	switch tone {
	case "plain":
		now.Lettering, now.HeaderStyle, now.Background = "sans", "plain", "plain"
	case "playful":
		now.Lettering, now.HeaderStyle, now.Background = "rounded", "awning", "dots"
	default:
		now.Lettering, now.HeaderStyle, now.Background = "sign", "awning", "plain"
	}
	if color != "" {
		now.Theme, now.BrandColor = "house", color
	}
	return now
}
