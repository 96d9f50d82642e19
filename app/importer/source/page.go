package source

import (
	"bytes"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"
)

// page is an HTML page with what several readers of it need.
type page struct {
	doc  *goquery.Document
	base *url.URL // nil for a file that does not say where it was
	set  *Set
	data []thing // what it says about itself to machines
	face string  // where the picture of its person is, as it stands there
}

var savedFrom = regexp.MustCompile(`<!--\s*saved from url=\(\d+\)(https?://\S+)\s*-->`)

// HTML reads a page, in UTF-8, that was found at an address, or came as a file without one.
func HTML(b []byte, at string) (Set, error) {
	if len(bytes.TrimSpace(b)) == 0 {
		return Set{}, ErrEmpty
	}
	if bytes.Count(b, []byte("<")) > MaxNodes {
		return Set{}, ErrMany
	}
	doc, err := goquery.NewDocumentFromReader(bytes.NewReader(b))
	if err != nil {
		return Set{}, ErrNested
	}
	p := &page{doc: doc, set: &Set{From: "page"}}
	p.place(at, b)
	p.data = things(doc)
	p.set.From = p.platform()
	p.set.Title = p.title()
	p.read()
	if !slices.ContainsFunc(p.set.Records, func(r Record) bool { return r.Out == nil && r.Kind != Name }) {
		return Set{}, ErrNothing
	}
	if len(p.set.Records) > MaxRecords {
		return Set{}, ErrMany
	}
	return *p.set, nil
}

// place finds out where the page was.
func (p *page) place(at string, b []byte) {
	said := at
	if said == "" {
		if m := savedFrom.FindSubmatch(b[:min(len(b), 4000)]); m != nil {
			said = string(m[1])
		}
	}
	for _, v := range []string{p.attr(`link[rel="canonical"]`, "href"), p.meta("og:url")} {
		if said == "" && (strings.HasPrefix(v, "https://") || strings.HasPrefix(v, "http://")) {
			said = v
		}
	}
	p.set.URL = said
	p.set.Scope = "file"
	if u, err := url.Parse(said); err == nil && said != "" {
		p.base = u
		p.set.Scope = bare(said)
		if href := p.attr("base[href]", "href"); href != "" {
			if b, err := u.Parse(href); err == nil && b.Host != "" {
				p.base = b
			}
		}
	} else if b, err := url.Parse(p.attr("base[href]", "href")); err == nil && b.Host != "" {
		p.base = b
	}
}

func (p *page) attr(sel, name string) string {
	return strings.TrimSpace(p.doc.Find(sel).First().AttrOr(name, ""))
}

// meta is what the page says of itself in its head.
func (p *page) meta(names ...string) string {
	for _, n := range names {
		if v := line(p.attr(`meta[property="`+n+`"]`, "content")); v != "" {
			return v
		}
		if v := line(p.attr(`meta[name="`+n+`"]`, "content")); v != "" {
			return v
		}
	}
	return ""
}

func (p *page) title() string {
	for _, s := range []string{p.meta("og:title", "twitter:title"), line(p.doc.Find("head title").First().Text()), line(p.doc.Find("title").First().Text())} {
		if s != "" {
			return s
		}
	}
	return ""
}

// platform tells by which hand the page was made.
func (p *page) platform() string {
	host := ""
	if p.base != nil {
		host = strings.TrimPrefix(strings.ToLower(p.base.Hostname()), "www.")
	}
	under := func(d string) bool { return host == d || strings.HasSuffix(host, "."+d) }
	title := strings.ToLower(p.doc.Find("title").First().Text())
	gen := strings.ToLower(p.attr(`meta[name="generator"]`, "content"))
	has := func(sel string) bool { return p.doc.Find(sel).Length() > 0 }
	switch {
	case under("linktr.ee"), strings.HasSuffix(strings.TrimSpace(title), "| linktree"):
		return "linktree"
	case under("beacons.ai"), under("beacons.page"), strings.Contains(title, "| beacons"):
		return "beacons"
	case under("stan.store"), has(`meta[property="og:site_name"][content="Stan"]`), has(`[data-stan-store]`):
		return "stan"
	case under("gumroad.com"), has(`script.js-react-on-rails-component[data-component-name]`):
		return "gumroad"
	case under("carrd.co"), strings.Contains(gen, "carrd"), has(`#wrapper > #main > .inner`), has(`#wrapper .site-main .inner > [id^="text0"]`):
		return "carrd"
	case strings.Contains(gen, "linkstack"), strings.Contains(gen, "littlelink custom"), has(`a[href*="/going/"]`), has(`.fadein.button-click`):
		return "linkstack"
	case has(`.button-stack a.button`), has(`link[href*="brands.css"]`), strings.Contains(title, "littlelink"):
		return "littlelink"
	case under("substack.com"):
		return "substack"
	}
	return "page"
}

// read writes down the page: what its own data say, then what a reader sees, each thing once.
func (p *page) read() {
	body := p.doc.Find("body").First()
	var seen []Record
	if body.Length() > 0 {
		root := body.Get(0)
		w := &walker{base: p.base, cards: cardsIn(root)}
		w.read(root)
		seen = w.out
	}
	told := p.own()
	p.about(told, seen)
	p.merge(told, seen)
	p.offers()
	p.questions()
	p.tidy()
	keys(p.set.Records)
}

// own is what the maker's data list, before anything is drawn.
func (p *page) own() []Record {
	switch p.set.From {
	case "linktree":
		return p.linktree()
	case "beacons":
		return p.beacons()
	case "stan":
		return p.stan()
	case "gumroad":
		return p.gumroad()
	}
	return nil
}

// about begins the list with who the page is of: from its data, else from its head, else from its first heading.
func (p *page) about(told, seen []Record) {
	have := map[Kind]bool{}
	for _, r := range told {
		have[r.Kind] = true
	}
	var top []Record
	for _, k := range []Kind{Name, Bio, Avatar} {
		for _, r := range told {
			if r.Kind == k {
				top = append(top, r)
			}
		}
		if have[k] {
			continue
		}
		if r, ok := p.profile(k, seen); ok {
			top = append(top, r)
		}
	}
	p.set.Records = top
}

func (p *page) profile(k Kind, seen []Record) (Record, bool) {
	r := Record{Key: string(k), Kind: k}
	person := p.person()
	switch k {
	case Name:
		r.Title = person.name
		if p.set.From != "page" {
			r.Title = first(r.Title, topmost(seen))
		}
		if site := p.meta("og:site_name"); r.Title == "" && site != "" && strings.HasPrefix(p.title(), site) {
			r.Title = site
		}
		if r.Title == "" {
			r.Title = cleanTitle(p.title(), p.meta("og:site_name"))
		}
		r.Title = first(r.Title, p.meta("author"), topmost(seen))
	case Bio:
		r.Text = lines(person.text)
		if r.Text == "" {
			r.Text = p.meta("og:description", "description", "twitter:description")
		}
		if r.Text == "" || boilerplate(r.Text) {
			return r, false
		}
	case Avatar:
		src := person.image
		if src == "" {
			src, r.Alt = p.portrait()
		}
		if src == "" {
			src = p.meta("og:image:secure_url", "og:image", "twitter:image")
		}
		w := walker{base: p.base}
		if r.Image = w.resolve(src); src == "" {
			return r, false
		}
		imageFault(&r, src)
		r.Key, p.face = string(k), src
		return r, true
	}
	return r, r.Title != "" || r.Text != ""
}

// topmost is the first heading of the first rank.
func topmost(seen []Record) string {
	for _, s := range seen {
		if s.Kind == Heading && s.Level == 1 {
			return s.Title
		}
	}
	return ""
}

// portrait is a picture that is marked as the person's.
func (p *page) portrait() (src, alt string) {
	s := p.doc.Find(`img.avatar, img[class*="avatar"], img[id*="avatar"], img[class*="profile"], [class*="avatar"] img, [class*="profile-pic"] img, img[alt*="avatar" i], img[alt*="profile" i]`).First()
	return s.AttrOr("data-src", s.AttrOr("src", "")), line(s.AttrOr("alt", ""))
}

// cleanTitle is a title without the site's name around it.
func cleanTitle(s, site string) string {
	for _, sep := range []string{" | ", " – ", " — ", " · ", " - ", " « ", " » "} {
		parts := strings.Split(s, sep)
		if len(parts) < 2 {
			continue
		}
		last := parts[len(parts)-1]
		if site != "" && plain(last) == plain(site) || makers[plain(last)] {
			return cleanTitle(strings.Join(parts[:len(parts)-1], sep), site)
		}
	}
	return strings.TrimPrefix(line(s), "@")
}

var makers = map[string]bool{"linktree": true, "beacons": true, "stan": true, "stan store": true, "gumroad": true, "carrd": true, "linkstack": true, "littlelink": true, "home": true, "link in bio": true}

// boilerplate is what a maker writes when its people have not.
func boilerplate(s string) bool {
	l := strings.ToLower(s)
	return strings.HasPrefix(l, "linktree. make your link do more") || strings.HasPrefix(l, "find ") && strings.Contains(l, "on beacons") || strings.HasPrefix(l, "replace this with your own")
}

// merge joins what was told with what was seen. What is both is the same thing.
func (p *page) merge(told, seen []Record) {
	rs := p.set.Records
	at := map[string]bool{"picture:" + p.face: p.face != ""}
	for _, r := range rs {
		if r.Kind == Avatar && r.Image != "" {
			at["picture:"+bareImage(r.Image)] = true
		}
	}
	for _, r := range told {
		if r.Kind == Name || r.Kind == Bio || r.Kind == Avatar {
			continue
		}
		rs = append(rs, r)
		at[r.Key] = true
		if r.Image != "" {
			at["picture:"+bareImage(r.Image)] = true
		}
		if r.Kind == Heading || r.Kind == Product {
			at["heading:"+plain(r.Title)] = true
		}
		if r.URL != "" {
			at["link:"+bare(r.URL)] = true
		}
	}
	labels := map[string]string{} // of links that were seen; those that were told have none
	name, bio := "", ""
	for _, r := range p.set.Records {
		switch r.Kind {
		case Name:
			name = plain(r.Title)
		case Bio:
			bio = plain(r.Text)
		}
	}
	for _, r := range seen {
		if r.Kind == Link && r.Out == nil && p.theirs(r) {
			r.refuse("It belongs to the site that the page was on, not to you.")
		}
		switch {
		case r.Kind == Link && at[r.Key] && (action(r.Title) || labels[r.Key] == "" || labels[r.Key] == plain(r.Title)):
			continue
		case at[r.Key] && (r.Kind == Picture || r.Kind == Heading || r.Kind == Product):
			continue
		case r.Kind == Picture && at["picture:"+bareImage(r.Image)] && r.Image != "":
			continue
		case r.Kind == Heading && r.Level == 1 && plain(r.Title) == name:
			p.level(Name, 1)
			name = "\x00"
			continue
		case r.Kind == Text && plain(r.Text) == bio && bio != "":
			bio = "\x00"
			continue
		case r.Kind == Link && r.Out == nil && social(r):
			r.Kind = Social
			if at[r.Key] {
				r.refuse("It is there twice.")
			}
		}
		if (r.Kind == Social || r.Kind == Link) && !at[r.Key] {
			at[r.Key], labels[r.Key] = true, plain(r.Title)
		}
		rs = append(rs, r)
	}
	p.set.Records = rs
}

// level notes that a record stands in a heading's place.
func (p *page) level(k Kind, level int) {
	for i := range p.set.Records {
		if p.set.Records[i].Kind == k {
			p.set.Records[i].Level = level
		}
	}
}

// theirs are the maker's own links at the foot of every page.
func (p *page) theirs(r Record) bool {
	own := map[string][]string{"linktree": {"linktr.ee"}, "beacons": {"beacons.ai"}, "stan": {"stan.store"}, "gumroad": {"gumroad.com"}, "carrd": {"carrd.co"}, "linkstack": {"linkstack.org"}}[p.set.From]
	h := hostOf(r.URL)
	if !slices.Contains(own, h) {
		return false
	}
	if p.base == nil {
		return true
	}
	u, err := url.Parse(r.URL)
	if err != nil {
		return true
	}
	mine, _, _ := strings.Cut(strings.Trim(p.base.Path, "/"), "/")
	first, _, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	return mine == "" || first != mine
}

// tidy notes what is there twice and what the set as a whole should say.
func (p *page) tidy() {
	said := map[string]bool{}
	for i := range p.set.Records {
		r := &p.set.Records[i]
		if r.Kind == Picture && r.Out == nil && r.Of == "" {
			if said[r.Key] {
				r.refuse("It is there twice.")
			}
			said[r.Key] = true
		}
		if r.Kind == Link && r.Out == nil && r.URL != "" {
			k := r.Key + "\x00" + plain(r.Title)
			if said[k] {
				r.refuse("It is there twice.")
			}
			said[k] = true
		}
		if r.Kind == Product && r.Price != "" && r.Currency == "" {
			if num, cur, ok := amount(r.Price); ok {
				r.Price, r.Currency = num, cur
			} else {
				r.refuse("Its price cannot be read: %s", r.Price)
			}
		}
		if r.Kind == Product && r.Currency == "" && r.Price != "" {
			p.set.Priced = true
		}
	}
}

func (p *page) each(sel string, f func(n *html.Node)) {
	for _, n := range p.doc.Find(sel).Nodes {
		f(n)
	}
}
