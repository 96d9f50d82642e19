package assist

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"vitrine/app/builder"
	"vitrine/app/id"
	"vitrine/app/sandbox"
)

// page is a window that was written, put together without a database.
type page struct {
	pieces  []Piece
	by, why string
}

// compose writes a window for a brief with the world's model, keeping the blocks in memory.
func compose(t *testing.T, w *world, r Run, b Brief) page {
	t.Helper()
	var p page
	by, why, err := w.writeWindow(t.Context(), r, b, func(x Piece, _ string) error { p.pieces = append(p.pieces, x); return nil })
	if err != nil {
		t.Fatal(err)
	}
	p.by, p.why = by, why
	return p
}

// faults scores a page by rules; an empty list is full marks.
func faults(p page, b Brief, lang string) (out []string) {
	bad := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if len(p.pieces) < 3 || len(p.pieces) > most+len(b.Products) || p.pieces[0].Kind != builder.Header {
		bad("%d blocks", len(p.pieces))
	}
	shown, texts := map[id.Product]int{}, ""
	for _, x := range p.pieces {
		if _, ok := shapeOf(x.Kind); !ok && x.Kind != builder.Video {
			bad("a block of kind %s", x.Kind)
		}
		if _, err := builder.CheckProps(x.Kind, x.Props); err != nil {
			bad("%s: %v", x.Kind, err)
		}
		shown[x.Props.Product]++
		for _, y := range x.Props.Products {
			shown[y]++
		}
		for _, u := range addresses(x.Props) {
			if !slices.Contains(b.Links, u) {
				bad("a foreign address: %s", u)
			}
		}
		s := strings.Join(textsOf(x.Props), "\n")
		if err := checkWords(s, b); err != nil && !strings.Contains(s, "youtu") {
			bad("%s: %v: %q", x.Kind, err, s)
		}
		if x.Kind == builder.Text || x.Kind == builder.Contact {
			texts += " " + s
		}
	}
	delete(shown, id.Product{})
	for _, g := range b.Products {
		if shown[g.ID] != 1 {
			bad("%s is shown %d times", g.Name, shown[g.ID])
		}
	}
	if len(shown) > len(b.Products) {
		bad("products that there are not")
	}
	if l := Language(texts); l != lang {
		bad("it is in %s: %q", l, texts)
	}
	return out
}

func addresses(p builder.Props) (out []string) {
	if p.URL != "" {
		out = append(out, p.URL)
	}
	for _, s := range p.Socials {
		out = append(out, s.URL)
	}
	return out
}

func textsOf(p builder.Props) []string {
	out := []string{p.Title, p.Text, p.Note, p.Button}
	for _, x := range p.Items {
		out = append(out, x.Title, x.Text)
	}
	for _, s := range p.Socials {
		out = append(out, s.Label)
	}
	return out
}

func TestSentencesAreUnderstood(t *testing.T) {
	per := map[string]int{}
	for _, c := range cases {
		b := Understand(c.say, "EUR")
		var goods []string
		for _, g := range b.Goods {
			goods = append(goods, g.Name+"="+itoa(g.Price.Minor))
		}
		if s := strings.Join(goods, ", "); s != c.goods {
			t.Errorf("%s\n\tgot  %s\n\twant %s", c.say, s, c.goods)
		}
		if b.Language != c.lang || b.Trade != c.trade {
			t.Errorf("%s: %s %s, want %s %s", c.say, b.Language, b.Trade, c.lang, c.trade)
		}
		per[c.lang]++
	}
	if len(cases) < 40 || len(per) != 5 {
		t.Errorf("%d cases in %d languages", len(cases), len(per))
	}
}

// Each case is written by a good, a weak and a hostile model and by the templates: the page that comes of it has
// full marks every time. That the rules can tell is proved by what the weak and the hostile model say themselves.
func TestEveryCaseByGoodWeakAndHostileModels(t *testing.T) {
	w := newWorld(t)
	r := Run{ID: runFor(w), Creator: w.who.User, Shop: w.who.Shop, Kind: ForWindow}
	llm := w.box.LLM()
	model := w.Model
	wrote := map[string]int{}
	for i, c := range cases {
		b := briefOf(c.say, Tones[i%len(Tones)])
		for name, set := range map[string]func(){
			"good":    func() {},
			"weak":    func() { llm.Misbehave(sandbox.LLMSchema, 1); llm.Misbehave(sandbox.LLMProse, 1) },
			"english": func() { llm.Misbehave(sandbox.LLMFences, 0) },
			"hostile": func() { llm.Misbehave(sandbox.LLMHostile, 0) },
			"none":    func() { w.Model = nil },
		} {
			llm.Behave()
			w.Model = model
			set()
			p := compose(t, w, r, b)
			if f := faults(p, b, c.lang); len(f) > 0 {
				t.Errorf("%s model, %s %s: %s\n\t%s", name, b.Tone, c.lang, c.say, strings.Join(f, "\n\t"))
			}
			wrote[name+" "+p.by]++
		}
	}
	w.Model = model
	if wrote["good model"] != len(cases) || wrote["weak model"] != len(cases) || wrote["hostile template"] != len(cases) || wrote["none template"] != len(cases) {
		t.Errorf("who wrote: %v", wrote)
	}
}

// The rules tell a good page from bad ones.
func TestTheScoreNotices(t *testing.T) {
	b := briefOf(potter, "warm")
	good := byTemplate(b)
	if f := faults(page{pieces: good}, b, "en"); len(f) != 0 {
		t.Fatal(f)
	}
	for name, spoil := range map[string]func(ps []Piece) []Piece{
		"no header": func(ps []Piece) []Piece { return ps[1:] },
		"no products": func(ps []Piece) []Piece {
			return slices.DeleteFunc(ps, func(p Piece) bool { return p.Kind == builder.Product })
		},
		"twice":   func(ps []Piece) []Piece { return append(ps, ps...) },
		"a price": func(ps []Piece) []Piece { ps[0].Props.Text = "Only €5"; return ps },
		"an address": func(ps []Piece) []Piece {
			ps[0].Props.Socials = []builder.Social{{Label: "x", URL: "https://evil.example"}}
			return ps
		},
		"another language": func([]Piece) []Piece { x := b; x.Language = "de"; return byTemplate(x) },
		"a quote": func(ps []Piece) []Piece {
			return append(ps, Piece{Kind: builder.Quote, Props: builder.Props{Text: "Lovely"}})
		},
		"another product": func(ps []Piece) []Piece {
			return append(ps, Piece{Kind: builder.Product, Props: builder.Props{Product: id.New[id.ProductKind]()}})
		},
		"too long": func(ps []Piece) []Piece { ps[0].Props.Text = strings.Repeat("long ", 100); return ps },
	} {
		if f := faults(page{pieces: spoil(byTemplate(b))}, b, "en"); len(f) == 0 {
			t.Errorf("%s is not noticed", name)
		}
	}
}
