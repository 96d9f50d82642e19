package products

import (
	"bytes"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"

	"vitrine/views/text"
	"vitrine/views/ui"
)

const evil = `<script>alert("x")</script>`

func full() FormProps {
	return FormProps{
		ID: "1", Version: "2", Name: evil, Title: evil, Slug: evil, SlugPrefix: evil, Summary: evil, Description: "</textarea>" + evil, Price: evil, Symbol: evil,
		Quote: QuoteProps{Sentence: evil}, Limited: true, Left: evil, LeftWas: evil, Cover: CoverProps{ID: evil, Alt: evil, Status: "checking", Sentence: evil},
		Files:  []FileRow{{ID: evil, Name: evil, Size: evil, Status: "refused", Reason: evil}, {ID: "b", Name: "b", Status: "checking", Pill: ui.Pill{Label: evil}}},
		Active: true, PublicURL: "javascript:alert(1)", Dirty: true, Errors: map[string]string{"name": evil, "files": evil}, Refused: evil,
		Conflict: &ConflictProps{At: evil, Fields: []Theirs{{Field: "name", Label: evil, Text: evil}}},
	}
}

func sold() PublicProps {
	return PublicProps{ID: "1", Name: evil, Summary: evil, Price: evil, Gets: []Get{{evil, evil}}, Buy: "javascript:alert(1)", Few: 2, ShopName: evil, ShopURL: "javascript:alert(1)"}
}

func pages() map[string]templ.Component {
	return map[string]templ.Component{
		"list":     Index(ListProps{Items: []Item{{ID: evil, Name: evil, Price: evil, Note: evil, Pill: ui.Pill{Label: evil}}}, More: "/x"}),
		"empty":    Index(ListProps{}),
		"archive":  Index(ListProps{Archived: true}),
		"form":     Form(full()),
		"new":      Form(FormProps{}),
		"archived": Archived(full()),
		"public":   Public(sold()),
		"bar":      PublicBar(sold()),
		"sold out": Public(PublicProps{Name: evil, SoldOut: true}),
		"closed":   Public(PublicProps{Name: evil, Closed: true}),
	}
}

func drawn(t *testing.T, locale string, c templ.Component) (string, *goquery.Document) {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(text.With(t.Context(), locale), &b); err != nil {
		t.Fatal(err)
	}
	d, err := goquery.NewDocumentFromReader(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), d
}

func TestNothingTypedBecomesMarkup(t *testing.T) {
	for name, c := range pages() {
		html, doc := drawn(t, text.English, c)
		if n := doc.Find("script").Length(); n > 0 || strings.Contains(html, "javascript:") && name != "form" {
			t.Errorf("%s: %s", name, html)
		}
	}
}

func TestEveryTextIsInTheCatalogue(t *testing.T) {
	for name, c := range pages() {
		english, _ := drawn(t, text.English, c)
		_, doc := drawn(t, text.Pseudo, c)
		doc.Find("h1, h2, label, button, a, p, legend").Each(func(_ int, s *goquery.Selection) {
			said := strings.TrimSpace(s.Clone().Children().Remove().End().Text())
			if len(said) > 3 && !strings.Contains(said, "alert(") && strings.Contains(english, ">"+said+"<") {
				t.Errorf("%s: %q is the same in every language", name, said)
			}
		})
	}
}

func TestWhatCanBePressedHasAnID(t *testing.T) {
	for name, c := range pages() {
		_, doc := drawn(t, text.English, c)
		seen := map[string]bool{}
		doc.Find("a[href], button, input:not([type=hidden]), textarea, select").Each(func(_ int, s *goquery.Selection) {
			id := s.AttrOr("id", "")
			if id == "" && s.Closest("template").Length() == 0 || seen[id] && id != "" {
				t.Errorf("%s: %s has no id of its own", name, goquery.NodeName(s))
			}
			seen[id] = true
		})
	}
}
