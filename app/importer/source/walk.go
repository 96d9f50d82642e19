package source

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// walker goes through a page as a reader would and writes down what stands there.
type walker struct {
	base    *url.URL
	out     []Record
	cards   map[*html.Node]card
	within  *card  // the product whose words are being read
	section string // the heading above
	nth     int    // texts under it

	text    strings.Builder // the words of the block that is being read
	own     bool            // some of them are not a link's
	joint   bool            // a link has just ended
	pending []Record        // links and pictures that stood among them
	head    int             // the next words are a heading of this level
}

// read walks through n and what it holds.
func (w *walker) read(n *html.Node) {
	w.walk(n)
	w.flush()
}

func (w *walker) walk(n *html.Node) {
	switch n.Type {
	case html.TextNode:
		if s := strings.TrimSpace(n.Data); s != "" {
			w.own = true
		}
		if w.joint {
			joint(&w.text, n.Data)
		}
		w.joint = false
		w.text.WriteString(strings.NewReplacer("\n", " ", "\r", " ", "\t", " ").Replace(n.Data))
		return
	case html.ElementNode:
		if hidden(n) {
			return
		}
	}
	if c, ok := w.cards[n]; ok && w.within == nil {
		w.product(n, c)
		return
	}
	if w.element(n) {
		return
	}
	block := blocks[n.DataAtom] && n.DataAtom != atom.Td && n.DataAtom != atom.Th // a row reads as one line
	if block {
		w.flush()
	}
	w.children(n)
	if block {
		w.flush()
	}
}

func (w *walker) children(n *html.Node) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		w.walk(c)
	}
}

// element writes down what is more than words; false: only what is inside counts.
func (w *walker) element(n *html.Node) bool {
	switch n.DataAtom {
	case atom.A:
		if attr(n, "href") == "" {
			return false
		}
		w.link(n)
	case atom.Img:
		if r, ok := w.picture(n); ok {
			w.pending = append(w.pending, r)
		}
	case atom.Picture:
		return false
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		w.flush()
		w.heading(n)
	case atom.Br:
		w.text.WriteByte('\n')
	case atom.Blockquote:
		w.flush()
		w.quote(n)
	case atom.Details:
		w.flush()
		w.question(n)
	case atom.Iframe, atom.Video, atom.Audio, atom.Embed, atom.Object:
		w.flush()
		w.frame(n)
	case atom.Form:
		w.flush()
		w.form(n)
		return false
	case atom.Button:
		w.flush()
		if s := line(inner(n)); s != "" && !inForm(n) {
			r := Record{Key: "button:" + plain(s), Kind: Other, Title: s}
			r.refuse("A button that only works on that site.")
			w.out = append(w.out, r)
		}
	case atom.Input, atom.Select, atom.Textarea, atom.Label, atom.Option:
	case atom.Li:
		w.flush()
		w.item(n)
	case atom.Td, atom.Th:
		if strings.TrimSpace(w.text.String()) != "" {
			w.text.WriteString(" · ")
		}
		return false
	default:
		return false
	}
	return true
}

// item is a point of a list: its words begin with a dash, if it has words of its own.
func (w *walker) item(n *html.Node) {
	before := len(w.out)
	w.children(n)
	w.flush()
	if len(w.out) == before+1 && w.out[before].Kind == Text && !strings.Contains(w.out[before].Text, "\n") {
		w.out[before].Text = "– " + w.out[before].Text
	}
}

// flush ends a block: its words become a text if they are more than a link, then come the links and pictures that
// stood among them.
func (w *walker) flush() {
	s := lines(w.text.String())
	w.text.Reset()
	if w.own && s != "" && strings.Trim(s, " \n|·•–—-/,.:;&»›→↗©") != "" {
		w.words(s)
	}
	w.own = false
	w.out = append(w.out, w.pending...)
	w.pending = nil
}

func (w *walker) words(s string) {
	if w.within != nil {
		w.within.text = append(w.within.text, s)
		return
	}
	if w.head > 0 {
		title, rest, _ := strings.Cut(s, "\n")
		w.out = append(w.out, Record{Key: "heading:" + plain(title), Kind: Heading, Level: w.head, Title: title})
		w.section, w.nth, w.head = plain(title), 0, 0
		s = rest
	}
	parts := divide(s)
	for _, part := range parts {
		w.nth++
		r := Record{Key: "text:" + w.section + ":" + strconv.Itoa(w.nth), Kind: Text, Text: part}
		if len(parts) > 1 {
			r.change("It was longer than one text may be, so it is divided.")
		}
		w.out = append(w.out, r)
	}
}

// divide cuts a text into parts that are short enough, after a line or a sentence if there is one.
func divide(s string) (parts []string) {
	r := []rune(s)
	for len(r) > maxText {
		at := maxText
		for i := maxText; i > maxText/2; i-- {
			if r[i-1] == '\n' || r[i-1] == '.' {
				at = i
				break
			}
		}
		parts, r = append(parts, strings.TrimSpace(string(r[:at]))), r[at:]
	}
	if last := strings.TrimSpace(string(r)); last != "" {
		parts = append(parts, last)
	}
	return parts
}

func (w *walker) heading(n *html.Node) {
	s := line(inner(n))
	level := int(n.Data[1] - '0')
	if len(find(n, atom.P, atom.Div, atom.Table, atom.Ul, atom.Section, atom.Article)) > 1 { // it was never closed
		w.head = level
		w.children(n)
		w.flush()
		w.head = 0
		return
	}
	links := find(n, atom.A)
	imgs := find(n, atom.Img)
	if s != "" {
		w.section, w.nth = plain(s), 0
	}
	if w.within != nil && w.within.titled(s) {
		s = ""
	}
	if len(links) == 1 && attr(links[0], "href") != "" && line(inner(links[0])) == s && s != "" { // the heading is the link
		w.link(links[0])
		w.pending[len(w.pending)-1].Level = level
		w.text.Reset()
		w.own = false
		w.flush()
		return
	}
	if s != "" {
		w.out = append(w.out, Record{Key: "heading:" + plain(s), Kind: Heading, Level: level, Title: s})
	}
	for _, a := range links {
		if attr(a, "href") != "" {
			w.link(a)
		}
	}
	for _, i := range imgs {
		if r, ok := w.picture(i); ok && len(links) == 0 {
			w.pending = append(w.pending, r)
		}
	}
	w.text.Reset()
	w.own = false
	w.flush()
}

func (w *walker) quote(n *html.Node) {
	by := ""
	for _, tag := range []atom.Atom{atom.Cite, atom.Footer, atom.Figcaption} {
		if c := find(n, tag); len(c) > 0 && by == "" {
			by = line(inner(c[0]))
		}
	}
	if f := n.Parent; by == "" && f != nil && f.DataAtom == atom.Figure {
		if c := find(f, atom.Figcaption); len(c) > 0 {
			by = line(inner(c[0]))
			f.RemoveChild(top(c[0], f))
		}
	}
	s := lines(inner(n))
	if by != "" {
		s = strings.TrimSpace(strings.TrimSuffix(s, by))
	}
	if s != "" {
		w.out = append(w.out, Record{Key: "quote:" + plain(s), Kind: Quote, Text: s, By: strings.TrimSpace(strings.TrimLeft(by, "—–- "))})
	}
	w.insides(n)
}

// top is the child of parent that holds n.
func top(n, parent *html.Node) *html.Node {
	for n.Parent != parent {
		n = n.Parent
	}
	return n
}

// insides writes down the links and pictures of what was taken as words.
func (w *walker) insides(n *html.Node) {
	for _, a := range find(n, atom.A) {
		if attr(a, "href") != "" {
			w.link(a)
		}
	}
	for _, i := range find(n, atom.Img) {
		if r, ok := w.picture(i); ok && !inside(i, atom.A) {
			w.pending = append(w.pending, r)
		}
	}
	w.text.Reset()
	w.own = false
	w.flush()
}

func (w *walker) question(n *html.Node) {
	q := ""
	var answer []string
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.DataAtom == atom.Summary && q == "" {
			q = line(inner(c))
			for _, h := range headings {
				for _, x := range find(c, h) {
					w.section, w.nth = plain(inner(x)), 0
				}
			}
			continue
		}
		answer = append(answer, inner(c))
	}
	a := lines(strings.Join(answer, "\n"))
	if q != "" || a != "" {
		r := Record{Key: "question:" + plain(q), Kind: Question, Title: q, Text: a}
		if len(find(n, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6)) > 0 {
			r.Level = 3
		}
		w.out = append(w.out, r)
	}
	w.insides(n)
}

var headings = []atom.Atom{atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6}

// frame is something of another site, or a film or sound of this one.
func (w *walker) frame(n *html.Node) {
	src := attr(n, "src", "data-src", "data-lazy-src", "data")
	if src == "" {
		for _, s := range find(n, atom.Source) {
			src = attr(s, "src")
			break
		}
	}
	u := w.resolve(src)
	r := Record{Key: "embed:" + u, Kind: Embed, URL: secure(u), Title: line(attr(n, "title", "aria-label"))}
	watch, film := watchPage(u)
	switch {
	case film:
		r.Kind, r.URL, r.Key = Video, watch, "video:"+watch
	case n.DataAtom != atom.Iframe:
		r.refuse("Films and sounds of one's own are not shown here yet.")
	case u == "":
		r.refuse("It has no address of its own.")
	}
	w.out = append(w.out, r)
}

func (w *walker) form(n *html.Node) {
	what := ""
	for _, b := range find(n, atom.Button, atom.Input, atom.Textarea, atom.Select) {
		switch t := strings.ToLower(attr(b, "type")); {
		case t == "hidden":
		case b.DataAtom == atom.Button || t == "submit":
			if what == "" {
				what = line(inner(b) + " " + attr(b, "value"))
			}
		default:
			r := Record{Key: "form:" + attr(n, "action", "id"), Kind: Form, Title: line(attr(n, "aria-label"))}
			for _, x := range find(n, atom.Button) {
				if r.Title == "" {
					r.Title = line(inner(x))
				}
			}
			r.refuse("Forms stay where they are. Add a contact form to your window instead.")
			w.out = append(w.out, r)
			return
		}
	}
}

// blocks are the elements that end a run of words.
var blocks = func() map[atom.Atom]bool {
	m := map[atom.Atom]bool{}
	for _, a := range []atom.Atom{atom.Address, atom.Article, atom.Aside, atom.Body, atom.Center, atom.Dd, atom.Div, atom.Dl, atom.Dt, atom.Fieldset, atom.Figcaption, atom.Figure, atom.Footer,
		atom.Form, atom.Header, atom.Hr, atom.Legend, atom.Li, atom.Main, atom.Menu, atom.Nav, atom.Ol, atom.P, atom.Pre, atom.Search, atom.Section, atom.Summary, atom.Table, atom.Tbody, atom.Td, atom.Th, atom.Tr, atom.Ul, atom.Caption} {
		m[a] = true
	}
	return m
}()

// hidden is what a visitor does not see.
func hidden(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Script, atom.Style, atom.Template, atom.Noscript, atom.Head, atom.Svg, atom.Canvas, atom.Math, atom.Meta, atom.Link, atom.Title, atom.Datalist:
		return true
	case atom.Dialog:
		return !has(n, "open")
	}
	if has(n, "hidden") {
		return true
	}
	style := strings.ReplaceAll(strings.ToLower(attr(n, "style")), " ", "")
	return strings.Contains(style, "display:none") || strings.Contains(style, "visibility:hidden")
}

// inner is what an element says, blocks on lines of their own.
func inner(n *html.Node) string {
	var b strings.Builder
	after := false // a link or a button has just begun or ended
	var f func(*html.Node)
	f = func(n *html.Node) {
		edge := n.DataAtom == atom.A || n.DataAtom == atom.Button
		after = after || edge
		switch {
		case n.Type == html.TextNode:
			if after {
				joint(&b, n.Data)
			}
			after = false
			b.WriteString(strings.NewReplacer("\n", " ", "\r", " ", "\t", " ").Replace(n.Data))
			return
		case n.Type == html.ElementNode && hidden(n):
			return
		case n.DataAtom == atom.Br:
			b.WriteByte('\n')
		}
		block := blocks[n.DataAtom] || slices.Contains(headings, n.DataAtom)
		if block {
			b.WriteByte('\n')
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			f(c)
		}
		if block {
			b.WriteByte('\n')
		}
		after = after || edge
	}
	f(n)
	return b.String()
}

// joint puts a blank where a link begins or ends between letters: there is room on the page.
func joint(b *strings.Builder, next string) {
	before, _ := utf8.DecodeLastRuneInString(b.String())
	after, _ := utf8.DecodeRuneInString(next)
	word := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	if word(before) && word(after) {
		b.WriteByte(' ')
	}
}

// find lists what is visible of some elements inside n.
func find(n *html.Node, tags ...atom.Atom) (out []*html.Node) {
	var f func(*html.Node)
	f = func(n *html.Node) {
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			if c.Type == html.ElementNode && !hidden(c) {
				if slices.Contains(tags, c.DataAtom) {
					out = append(out, c)
				}
				f(c)
			}
		}
	}
	f(n)
	return out
}

func inside(n *html.Node, tag atom.Atom) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.DataAtom == tag {
			return true
		}
	}
	return false
}

func inForm(n *html.Node) bool { return inside(n, atom.Form) }

// attr is the first of the attributes that says something.
func attr(n *html.Node, names ...string) string {
	for _, name := range names {
		for _, a := range n.Attr {
			if a.Namespace == "" && a.Key == name && strings.TrimSpace(a.Val) != "" {
				return strings.TrimSpace(a.Val)
			}
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}
