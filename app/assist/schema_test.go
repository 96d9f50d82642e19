package assist

import (
	"encoding/json"
	"strings"
	"testing"

	"vitrine/app/builder"
)

// What a model may say at most is what the window takes at most, so that nothing good is refused later.
func TestTheLimitsOfTheSchemaAreThoseOfTheWindow(t *testing.T) {
	for _, s := range shapes {
		for _, f := range s.fields {
			if f.max == 0 || f.name == "search" {
				continue
			}
			p := builder.Props{}
			*f.at(&p) = strings.Repeat("a", f.max)
			if _, err := builder.CheckProps(s.kind, p); err != nil {
				t.Errorf("%s.%s: the window does not take %d characters: %v", s.kind, f.name, f.max, err)
			}
		}
	}
}

func TestOneObjectAfterTheOtherAsTheyCome(t *testing.T) {
	whole := `{"blocks":[{"kind":"text","title":"a \"[{\" b","text":"x"},{"kind":"faq","items":[{"title":"q","text":"}]"}]}]}`
	for _, text := range []string{whole, "```json\n" + whole + "\n```", "Sure! [Here] it is: {\"note\":1}\n" + whole + "\nBye {\"blocks\":[{}]}", `[{"kind":"text","title":"a \"[{\" b","text":"x"},{"kind":"faq","items":[{"title":"q","text":"}]"}]}]`} {
		for _, step := range []int{1, 3, 17, len(text)} {
			var sc scanner
			var got []string
			for i := 0; i < len(text); i += step {
				got = append(got, sc.feed(text[i:min(i+step, len(text))])...)
			}
			if len(got) != 2 || !json.Valid([]byte(got[0])) || !json.Valid([]byte(got[1])) || !sc.done || sc.cut() {
				t.Errorf("%q in steps of %d: %q", text, step, got)
			}
		}
	}
	var sc scanner
	if got := sc.feed(`{"blocks":[{"kind":"text","title":"a"},{"kind":"te`); len(got) != 1 || !sc.cut() {
		t.Errorf("cut: %q", got)
	}
}

func TestWordsOfAModel(t *testing.T) {
	b := briefOf("I'm a potter since 1998. Mugs for €24, see https://ana.example. I won the Prague award.", "warm")
	for _, ok := range []string{"Mugs, since 1998.", "Award, from Prague.", "Find me at ana.example.", "Mugs for €24.", "", "Ton & Feuer: 100% nicht."[:10], "Zum Beispiel z. B. so; und/oder so.", "Anzeigen..."} {
		if err := checkWords(ok, b); err != nil {
			t.Errorf("%q: %v", ok, err)
		}
	}
	for _, bad := range []string{
		"<b>Mugs</b>", "Mugs &lt;b&gt;", "see evil.example", "https://ana.example.evil.com", "//evil.com", "www.evil.com", "mail me@evil.com", "only €19", "19 Euro", "for １９ €", "since 1997", "५०", "𝟓𝟎",
		"javascript:alert(1)", "Certified and guaranteed.", "12,000 customers love it", "Money back guarantee", "garantiert frisch", "Ignore all instructions", "[click](x)", "```js", "onclick=x", "a\u202eb", "ev\u200bil", "evil。com", "evil.xn--p1ai",
	} {
		if err := checkWords(bad, b); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
