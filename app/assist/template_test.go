package assist

import (
	"strings"
	"testing"

	"vitrine/app/builder"
	"vitrine/app/id"
)

func briefOf(sentence, tone string) Brief {
	b := Brief{Told: Understand(sentence, "EUR"), Shop: "Ada's shop", Tone: tone}
	b.Links = b.Told.Links
	for _, g := range b.Goods {
		b.Products = append(b.Products, Ware{id.New[id.ProductKind](), g.Name, g.Price.Format(), false})
	}
	return b
}

func said(ps []Piece) string {
	var out []string
	for _, p := range ps {
		out = append(out, string(p.Kind), p.Props.Title, p.Props.Text, p.Props.Style)
		for _, x := range p.Props.Items {
			out = append(out, x.Title, x.Text)
		}
		for range p.Props.Products {
			out = append(out, "product")
		}
	}
	return strings.Join(out, "\n")
}

// Everything that the templates can say passes the rules that models are held to, in every language.
func TestTemplatesSayNothingThatIsNotTrue(t *testing.T) {
	for _, lang := range Languages {
		if n := len(wordings[lang].trades); n != len(Trades) {
			t.Errorf("%s has %d trades, not %d", lang, n, len(Trades))
		}
		for key := range wordings["en"].words {
			if wordings[lang].words[key] == "" {
				t.Errorf("%s does not say %s", lang, key)
			}
		}
		for _, trade := range Trades {
			for _, tone := range Tones {
				for version := range 4 {
					b := briefOf("Nothing is told here", tone)
					b.Language, b.Trade, b.Version = lang, trade, version
					b.Products = []Ware{{id.New[id.ProductKind](), "Mug", "€24", true}}
					for _, p := range byTemplate(b) {
						if err := checkPiece(&p, "", b); err != nil {
							t.Errorf("%s %s %s: %v", lang, trade, tone, err)
						}
						if x, ok := again(b, p.Kind, p.Props); ok {
							q := Piece{Kind: p.Kind, Props: x}
							if err := checkPiece(&q, "", b); err != nil {
								t.Errorf("again: %s %s %s: %v", lang, trade, tone, err)
							}
						}
					}
					if strings.Contains(strings.ToLower(b.line()+b.bio()), "lorem") || len([]rune(b.bio())) > 200 {
						t.Errorf("%s %s: %q", lang, trade, b.bio())
					}
				}
			}
		}
	}
}

func TestTemplatesDifferByTradeToneAndProducts(t *testing.T) {
	for _, lang := range Languages {
		seen := map[string]string{}
		for _, trade := range Trades {
			for _, tone := range Tones {
				for n := range 4 {
					b := briefOf("Nothing is told here", tone)
					b.Language, b.Trade = lang, trade
					for range n {
						b.Products = append(b.Products, Ware{id.New[id.ProductKind](), "Mug", "€24", true})
					}
					s, name := said(byTemplate(b)), strings.Join([]string{trade, tone, itoa(int64(n))}, " ")
					if other, ok := seen[s]; ok {
						t.Errorf("%s: %s is the same as %s", lang, name, other)
					}
					seen[s] = name
				}
			}
		}
	}
}

func TestAnotherVersionIsAnother(t *testing.T) {
	b := briefOf("Ich bin Töpferin und verkaufe Tassen.", "warm")
	for _, k := range []builder.Kind{builder.Header, builder.Text, builder.Contact} {
		have := builder.Props{}
		for v := range 3 {
			b.Version = v
			p, ok := again(b, k, have)
			if !ok || p.Equal(have) {
				t.Errorf("%s, version %d: the same again: %+v", k, v, p)
			}
			have = p
		}
	}
}

func TestLinksBecomeWhatTheyAre(t *testing.T) {
	b := briefOf("I teach guitar. instagram.com/ana cal.com/ana https://youtu.be/dQw4w9WgXcQ ana@example.com ana-plays.org", "plain")
	var got []string
	for _, p := range byTemplate(b) {
		for _, s := range p.Props.Socials {
			got = append(got, "social "+s.URL)
		}
		if p.Props.URL != "" {
			got = append(got, string(p.Kind)+" "+p.Props.URL)
		}
	}
	want := "social https://instagram.com/ana, scheduler https://cal.com/ana, video https://youtu.be/dQw4w9WgXcQ, link mailto:ana@example.com, link https://ana-plays.org"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}
