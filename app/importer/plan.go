package importer

import (
	"strings"
	"unicode/utf8"

	"vitrine/app/builder"
	"vitrine/app/id"
	"vitrine/app/importer/source"
)

// unit is a block that some of the records become.
type unit struct {
	of      []int // records, by number
	kind    builder.Kind
	props   builder.Props
	images  []image // whose files are reserved when it is made
	product bool    // its product is made first
	block   id.Block
}

// image is a picture that will be fetched.
type image struct {
	of       int
	url, alt string
}

// plan is how the chosen records become blocks, in the order of the source.
type plan struct {
	set      source.Set
	verdicts []verdict
	header   bool // the window takes one
	units    []unit
	who      unit // the header, while it is put together
	social   int  // the unit of further accounts; -1 for none
	title    int  // a heading that waits for what stands below it; -1 for none
	notes    map[int][]source.Note
}

func newPlan(set source.Set, verdicts []verdict, header bool) *plan {
	return &plan{set: set, verdicts: verdicts, header: header, social: -1, title: -1, notes: map[int][]source.Note{}}
}

func (p *plan) note(i int, text string, args ...string) {
	p.notes[i] = append(p.notes[i], note(text, args...))
}

// add takes the next chosen record.
func (p *plan) add(i int) {
	r := p.set.Records[i]
	if p.header && p.profile(i, r) {
		return
	}
	if r.Kind == source.Heading {
		p.heading()
		p.title = i
		return
	}
	title, with := "", []int(nil)
	take := func() {
		if p.title >= 0 {
			title, with = p.words(p.title), []int{p.title}
			p.title = -1
		}
	}
	switch r.Kind {
	case source.Name:
		p.push(unit{of: []int{i}, kind: builder.Text, props: builder.Props{Title: short(r.Title, 80)}})
		p.note(i, "Your window has a header already, so it is a text.")
	case source.Bio, source.Text:
		take()
		r.Text = short(r.Text, 3000)
		p.text(i, r, title, with)
		if r.Kind == source.Bio {
			p.note(i, "It is a text of its own.")
		}
	case source.Question:
		take()
		p.question(i, r, title, with)
	case source.Picture, source.Avatar:
		take()
		p.picture(i, r, title, with)
	case source.Product:
		p.heading()
		p.push(unit{of: []int{i}, kind: builder.Product, product: true})
	case source.Social:
		p.heading()
		p.account(i, r)
	default:
		p.heading()
		p.push(p.single(i, r))
	}
}

// profile puts what belongs to the header into it.
func (p *plan) profile(i int, r source.Record) bool {
	switch r.Kind {
	case source.Name:
		p.who.props.Title = short(r.Title, 80)
	case source.Bio:
		if utf8.RuneCountInString(r.Text) > 200 {
			return false
		}
		p.who.props.Text = strings.ReplaceAll(r.Text, "\n", " ")
	case source.Social:
		if len(p.who.props.Socials) == builder.MaxSocials {
			return false
		}
		p.who.props.Socials = append(p.who.props.Socials, builder.Social{Label: short(r.Title, 30), URL: r.URL})
	default:
		return false
	}
	p.who.of = append(p.who.of, i)
	return true
}

func short(s string, n int) string {
	s, _ = source.Cut(s, n)
	return s
}

func (p *plan) words(i int) string { return short(p.set.Records[i].Title, 80) }

func (p *plan) push(u unit) {
	u.block = id.New[id.BlockKind]()
	p.units = append(p.units, u)
}

// heading ends a heading that nothing followed.
func (p *plan) heading() {
	if p.title < 0 {
		return
	}
	p.push(unit{of: []int{p.title}, kind: builder.Text, props: builder.Props{Title: p.words(p.title)}})
	p.title = -1
}

func (p *plan) last(k builder.Kind) *unit {
	if n := len(p.units); n > 0 && p.units[n-1].kind == k {
		return &p.units[n-1]
	}
	return nil
}

func (p *plan) text(i int, r source.Record, title string, with []int) {
	if u := p.last(builder.Text); u != nil && with == nil && utf8.RuneCountInString(u.props.Text)+utf8.RuneCountInString(r.Text) < 2_900 {
		sep := "\n\n"
		if strings.HasPrefix(r.Text, "– ") && strings.HasPrefix(u.props.Text[strings.LastIndexByte(u.props.Text, '\n')+1:], "– ") {
			sep = "\n"
		}
		u.props.Text = strings.TrimLeft(u.props.Text+sep+r.Text, "\n")
		u.of = append(u.of, i)
		return
	}
	p.push(unit{of: append(with, i), kind: builder.Text, props: builder.Props{Title: title, Text: r.Text}})
}

func (p *plan) question(i int, r source.Record, title string, with []int) {
	item := builder.Item{Title: short(r.Title, 150), Text: short(r.Text, 1000)}
	if u := p.last(builder.FAQ); u != nil && with == nil && len(u.props.Items) < builder.MaxQuestions {
		u.props.Items = append(u.props.Items, item)
		u.of = append(u.of, i)
		return
	}
	p.push(unit{of: append(with, i), kind: builder.FAQ, props: builder.Props{Title: title, Items: []builder.Item{item}}})
}

func (p *plan) picture(i int, r source.Record, title string, with []int) {
	img := image{i, r.Image, short(r.Alt, 250)}
	if u := p.last(builder.Gallery); u != nil && with == nil && len(u.images) < builder.MaxGallery && r.Kind == source.Picture {
		u.of, u.images = append(u.of, i), append(u.images, img)
		return
	}
	if u := p.last(builder.Image); u != nil && with == nil && r.Kind == source.Picture && p.set.Records[u.of[len(u.of)-1]].Kind == source.Picture {
		u.kind, u.of, u.images = builder.Gallery, append(u.of, i), append(u.images, img)
		return
	}
	p.push(unit{of: append(with, i), kind: builder.Image, props: builder.Props{Title: title}, images: []image{img}})
}

// account is a link elsewhere that the header has no room for.
func (p *plan) account(i int, r source.Record) {
	s := builder.Social{Label: short(r.Title, 30), URL: r.URL}
	if p.social >= 0 && len(p.units[p.social].props.Socials) < 12 {
		u := &p.units[p.social]
		u.of, u.props.Socials = append(u.of, i), append(u.props.Socials, s)
		return
	}
	p.social = len(p.units)
	p.push(unit{of: []int{i}, kind: builder.Socials, props: builder.Props{Socials: []builder.Social{s}}})
}

// single is a record that is a block by itself.
func (p *plan) single(i int, r source.Record) unit {
	u := unit{of: []int{i}, kind: builder.Link, props: builder.Props{Title: short(r.Title, 80), URL: r.URL}}
	switch {
	case r.Kind == source.Quote:
		u.kind, u.props = builder.Quote, builder.Props{Text: short(r.Text, 500), By: short(r.By, 80)}
	case r.Kind == source.Video && p.verdicts[i].embed:
		u.kind, u.props = builder.Video, builder.Props{URL: r.URL, Title: short(r.Title, 120)}
	case r.Kind == source.Embed && p.verdicts[i].embed:
		u.kind, u.props = builder.Embed, builder.Props{URL: r.URL, Title: short(r.Title, 120)}
	case r.Kind == source.Link:
		u.props.Note = short(strings.ReplaceAll(r.Text, "\n", " "), 40)
		if r.Image != "" {
			u.images = []image{{i, r.Image, short(r.Alt, 250)}}
		}
	default:
		if u.props.Title == "" {
			u.props.Title = short(strings.TrimPrefix(r.URL, "https://"), 80)
		}
	}
	return u
}

// done returns the blocks in their order: the header first.
func (p *plan) done() []unit {
	p.heading()
	p.shelves()
	if len(p.who.of) > 0 {
		p.who.kind, p.who.block = builder.Header, id.New[id.BlockKind]()
		return append([]unit{p.who}, p.units...)
	}
	return p.units
}

// shelf is from how many products in a row on they stand in one grid.
const shelf = 4

// shelves puts rows of products into grids.
func (p *plan) shelves() {
	var out []unit
	for i := 0; i < len(p.units); {
		j := i
		for j < len(p.units) && p.units[j].product && j-i < builder.MaxGrid {
			j++
		}
		if j-i < shelf {
			out = append(out, p.units[i])
			i++
			continue
		}
		g := unit{kind: builder.Grid, product: true, block: id.New[id.BlockKind]()}
		for _, u := range p.units[i:j] {
			g.of = append(g.of, u.of...)
		}
		out = append(out, g)
		i = j
	}
	p.units = out
}
