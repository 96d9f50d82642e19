package source

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// card is a part of a page that offers one thing: it has a name, one price, and little else.
type card struct {
	title, price, was string
	level             int
	text              []string
}

// titled reports whether a heading is what the card is called, so that it is not said twice.
func (c *card) titled(s string) bool { return plain(s) == plain(c.title) }

// cardsIn finds the offers of a page: for every price the smallest part around it that has a name.
func cardsIn(root *html.Node) map[*html.Node]card {
	out := map[*html.Node]card{}
	var f func(n *html.Node)
	f = func(n *html.Node) {
		if n.Type == html.ElementNode && hidden(n) {
			return
		}
		if n.Type == html.TextNode && len(n.Data) < 500 && len(prices(line(n.Data))) > 0 || n.Type == html.ElementNode && splitPrice(n) {
			if at, c, ok := around(n); ok {
				if _, have := out[at]; !have {
					out[at] = c
				}
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			f(c)
		}
	}
	f(root)
	for n := range out { // a card within a card belongs to the outer one's list, not to it
		for p := n.Parent; p != nil; p = p.Parent {
			delete(out, p)
		}
	}
	return out
}

// splitPrice is a price whose sign and digits stand in elements of their own.
func splitPrice(n *html.Node) bool {
	parts := 0
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		parts++
	}
	if parts < 2 || parts > 4 {
		return false
	}
	s := line(inner(n))
	return len(s) < 24 && len(prices(s)) == 1
}

// around climbs from a price to the part that it is the price of.
func around(n *html.Node) (*html.Node, card, bool) {
	for p, up := n.Parent, 0; p != nil && p.Type == html.ElementNode && up < 10; p, up = p.Parent, up+1 {
		switch p.DataAtom {
		case atom.Body, atom.Html, atom.Main, atom.Form, atom.Table, atom.Tbody, atom.Dl, atom.Ul, atom.Ol, atom.Blockquote, atom.Details:
			return nil, card{}, false
		}
		s := line(inner(p))
		if len(s) > 1500 {
			return nil, card{}, false
		}
		now, was := pricesOf(p)
		if len(now) != 1 {
			return nil, card{}, false
		}
		title, level := titleOf(p, now[0])
		if title == "" {
			continue
		}
		c := card{title: title, price: now[0], level: level}
		if len(was) > 0 {
			c.was = was[0]
		}
		return p, c, true
	}
	return nil, card{}, false
}

// pricesOf are the prices inside n: those that hold, and those that are struck out.
func pricesOf(n *html.Node) (now, was []string) {
	old := find(n, atom.Del, atom.S, atom.Strike)
	var marked func(*html.Node)
	marked = func(x *html.Node) {
		c := strings.ToLower(attr(x, "class"))
		if x.Type == html.ElementNode && (strings.Contains(c, "compare") || strings.Contains(c, "was-price") || strings.Contains(c, "old-price") || strings.Contains(c, "price-old") || strings.Contains(c, "strike")) {
			old = append(old, x)
		}
		for k := x.FirstChild; k != nil; k = k.NextSibling {
			marked(k)
		}
	}
	marked(n)
	for _, o := range old {
		was = append(was, prices(line(inner(o)))...)
	}
	for _, p := range prices(line(inner(n))) {
		if i := slices.Index(was, p); i >= 0 && len(old) > 0 {
			continue
		}
		if !slices.Contains(now, p) {
			now = append(now, p)
		}
	}
	return now, was
}

// titleOf is what a part is called: its one heading, or something that is plainly its name.
func titleOf(n *html.Node, price string) (string, int) {
	clear := func(x *html.Node) string {
		s := line(inner(x))
		if strings.Contains(s, price) {
			s = line(strings.Trim(strings.Replace(s, price, "", 1), " –—-:|·"))
		}
		if r := []rune(s); len(r) > 120 || len(r) < 2 {
			return ""
		}
		return s
	}
	hs := find(n, headings...)
	if len(hs) > 1 {
		return "", 0
	}
	if len(hs) == 1 {
		return clear(hs[0]), int(hs[0].Data[1] - '0')
	}
	var named []*html.Node
	var f func(*html.Node)
	f = func(x *html.Node) {
		if x.Type == html.ElementNode && !hidden(x) {
			c := strings.ToLower(attr(x, "class", "data-testid", "itemprop"))
			if (strings.Contains(c, "title") || strings.Contains(c, "name")) && !strings.Contains(c, "price") || attr(x, "itemprop") == "name" {
				named = append(named, x)
			}
		}
		for c := x.FirstChild; c != nil; c = c.NextSibling {
			f(c)
		}
	}
	f(n)
	if n.DataAtom != atom.P {
		named = append(named, find(n, atom.Strong, atom.B, atom.Dt, atom.Figcaption)...)
	}
	if n.DataAtom == atom.Li || n.DataAtom == atom.Tr || n.DataAtom == atom.Article {
		named = append(named, find(n, atom.A)...)
	}
	if n.DataAtom == atom.Tr {
		named = append(named, find(n, atom.Th, atom.Td)...)
	}
	for _, x := range named {
		if s := clear(x); s != "" && !action(s) {
			return s, 0
		}
	}
	return "", 0
}

// action reports whether words are what a button says, not what a thing is called.
func action(s string) bool {
	switch plain(s) {
	case "buy", "buy now", "add to cart", "add to bag", "get it", "get access", "order", "order now", "shop now", "learn more", "read more", "details", "more", "view", "i want this", "checkout", "sale", "new", "kaufen", "in den warenkorb", "comprar", "acheter", "sign up", "book now", "book", "join", "subscribe":
		return true
	}
	return false
}

// product writes down an offer and what stands in it.
func (w *walker) product(n *html.Node, c card) {
	w.flush()
	c.text = nil
	w.within = &c
	at := len(w.out)
	w.out = append(w.out, Record{Kind: Product, Title: c.title, Level: c.level, Price: c.price})
	if n.DataAtom == atom.A {
		w.link(n)
	} else {
		w.children(n)
	}
	w.flush()
	w.within = nil
	w.settle(at, n, c)
}

// settle gives the offer its address and its picture from what was found inside, and takes those that say the
// same out of the list.
func (w *walker) settle(at int, n *html.Node, c card) {
	r := &w.out[at]
	rest := slices.Clone(w.out[at+1:])
	w.out = w.out[:at+1]
	for _, x := range rest {
		switch {
		case x.Kind == Link && x.Out == nil && x.URL != "" && r.URL == "" && !social(x):
			r.URL = x.URL
			if r.Image == "" && x.Image != "" {
				r.Image, r.Alt = x.Image, x.Alt
			}
			if n.DataAtom == atom.A {
				c.text = append(c.text, x.Text)
			}
			continue
		case x.Kind == Link && x.URL != "" && bare(x.URL) == bare(r.URL):
			if r.Image == "" && x.Image != "" {
				r.Image, r.Alt = x.Image, x.Alt
			}
			continue
		case x.Kind == Link && x.URL == "" && action(x.Title):
			continue
		case x.Kind == Picture && x.Out == nil && r.Image == "":
			r.Image, r.Alt = x.Image, x.Alt
			continue
		case x.Kind == Picture && x.Out == nil:
			x.Of = "\x00" // its key is not known yet
			x.refuse("A product shows one picture.")
		}
		w.out = append(w.out, x)
	}
	r = &w.out[at]
	var words []string
	for _, s := range c.text {
		for _, l := range strings.Split(s, "\n") {
			l = line(strings.Replace(strings.Replace(l, c.price, "", 1), c.was, "", 1))
			if l = strings.Trim(strings.TrimPrefix(l, c.title), " –—-:|·"); plain(l) != "" && !action(l) {
				words = append(words, l)
			}
		}
	}
	r.Text = strings.TrimSpace(strings.Join(words, "\n\n"))
	r.Key = "product:" + plain(c.title)
	if c.was != "" {
		r.change("The former price of %s is left out: prices are said as they are.", c.was)
	}
	for i := at + 1; i < len(w.out); i++ {
		if w.out[i].Of == "\x00" {
			w.out[i].Of = r.Key
		}
	}
}
