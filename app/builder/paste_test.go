package builder_test

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"vitrine/app/builder"
	"vitrine/app/errs"
	"vitrine/app/fetch"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/web/webtest"
)

func TestAPasteBecomesTheBlockThatFits(t *testing.T) {
	t.Parallel()
	for pasted, want := range map[string]builder.Kind{
		"https://www.youtube.com/watch?v=dQw4w9WgXcQ":                      builder.Video,
		" http://vimeo.com/76979871\n":                                     builder.Video,
		"https://open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC":            builder.Embed,
		"https://soundcloud.com/lowtide/side-a":                            builder.Embed,
		"https://cal.com/noor/wheel":                                       builder.Scheduler,
		"calendly.com/noor":                                                builder.Scheduler,
		"https://noor.youcanbook.me/":                                      builder.Scheduler,
		"https://notcal.com/noor":                                          builder.Link,
		"https://example.com/bowl.JPG?w=2":                                 builder.Image,
		"https://example.com/a-page":                                       builder.Link,
		"example.com":                                                      builder.Link,
		"noor@example.com":                                                 builder.Link,
		"https://www.youtube.com/@noor":                                    builder.Link,
		"Wheel-thrown stoneware.":                                          builder.Text,
		"Stoneware.":                                                       builder.Text,
		"See https://example.com for more":                                 builder.Text,
		"javascript:alert(1)":                                              builder.Text,
		"https://example.com/a page":                                       builder.Text,
		"Two lines\nhttps://example.com":                                   builder.Text,
		`<a href="https://example.com">x</a>`:                              builder.Text,
		"https://user:pass@youtube.com/watch?v=dQw4w9WgXcQ":                builder.Text,
		"https://youtube.com.evil.example/watch?v=dQw4w9WgXcQ":             builder.Link,
		"Fired twice, once at 1040 °C. Then glazed, then fired once more.": builder.Text,
	} {
		k, p := builder.Guess(pasted)
		if k != want {
			t.Errorf("%q became %s", pasted, k)
		}
		if _, err := builder.CheckProps(k, p); err != nil {
			t.Errorf("%q cannot be kept: %v", pasted, err)
		}
	}
}

// web is pages in memory.
type pages map[string]string

func (p pages) HTML(_ context.Context, u string) (fetch.Page, error) {
	if p[u] == "" {
		return fetch.Page{}, errs.Field("url", "There is no site at this address.")
	}
	return fetch.Page{URL: u, HTML: []byte(p[u])}, nil
}

func (p pages) Picture(_ context.Context, u string, most int64) ([]byte, error) {
	if p[u] == "" {
		return nil, errs.Field("url", "There is no picture at this address.")
	}
	return []byte(p[u]), nil
}

// paste sends what was pasted and does the job that follows.
func (s studio) paste(t *testing.T, pasted string) builder.Block {
	t.Helper()
	sheet := s.get("/app/window/add").Is(200)
	form := webtest.Filled(sheet.Doc().Find("form.paste"))
	form.Set("pasted", pasted)
	fresh, err := id.Parse[id.BlockKind](form.Get("id"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // a double click
		s.saved(t, s.post("/app/window/paste", form), "/app/window?b="+fresh.String()+"#blk-"+fresh.String())
	}
	s.look(t, fresh)
	b, err := s.Block(t.Context(), s.DB, s.who, fresh)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (s studio) look(t *testing.T, b id.Block) {
	t.Helper()
	reg := job.NewRegistry()
	s.Lookups(reg)
	payload, err := json.Marshal(builder.Lookup{User: s.who.User, Shop: s.who.Shop, Block: b})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // jobs may run again
		if err := reg.Run(t.Context(), builder.Lookup{}.Kind(), payload); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAPastedLinkGetsTheTitleOfItsPage(t *testing.T) {
	both(t, func(t *testing.T, s studio) {
		s.Pages = pages{
			"https://example.com/og":    `<html><head><title>Plain</title><meta property="og:title" content="Kilns &amp; fires"></head><body><title>no</title>`,
			"https://example.com/plain": "<title>\n  The <b>kiln\x07 </title><body>",
			"https://example.com/long":  "<title>" + strings.Repeat("é", 500) + "</title>",
			"https://example.com/none":  "<body><p>Nothing here",
			"https://example.com/evil":  `<title>&lt;script&gt;alert(1)&lt;/script&gt;</title>`,
		}
		s.Pictures = newPile()
		for u, want := range map[string]string{"og": "Kilns & fires", "plain": "The <b>kiln", "long": strings.Repeat("é", 79) + "…", "none": "example.com", "gone": "example.com", "evil": "<script>alert(1)</script>"} {
			if b := s.paste(t, "https://example.com/"+u); b.Kind != builder.Link || b.Props.Title != want {
				t.Errorf("%s is called %q", u, b.Props.Title)
			}
		}
		noMarkup(t, s.get("/app/window").Is(200))
	})
}

func TestAPasteIsOneStepOfUndo(t *testing.T) {
	t.Parallel()
	s := newStudio(t, false)
	s.Pages = pages{"https://example.com/og": "<title>Kilns</title>"}
	head := s.add(t, builder.Header, id.Block{})
	b := s.paste(t, "https://example.com/og")
	if b.Props.Title != "Kilns" {
		t.Fatal(b.Props.Title)
	}
	h, err := s.History(t.Context(), s.DB, s.who)
	if err != nil || h.Undo == nil {
		t.Fatalf("%+v, %v", h, err)
	}
	form := webtest.Filled(s.get("/app/window").Doc().Find("#history-bar form").First())
	s.post("/app/window/undo", form).Is(303)
	if got := s.order(t); len(got) != 1 || got[0] != head.ID {
		t.Errorf("one undo left %v", got)
	}
}

// What was changed while the page was being read stays as the creator wrote it.
func TestALateTitleDoesNotOverwriteWhatWasWritten(t *testing.T) {
	t.Parallel()
	s := newStudio(t, false)
	b, err := s.Paste(t.Context(), s.who, id.New[id.BlockKind](), "https://example.com/og", id.Block{})
	if err != nil {
		t.Fatal(err)
	}
	s.Pages = pages{"https://example.com/og": "<title>Kilns</title>"}
	b = s.edit(t, b, builder.Props{Title: "My own words", URL: b.Props.URL})
	s.look(t, b.ID)
	if now, err := s.Block(t.Context(), s.DB, s.who, b.ID); err != nil || now.Props.Title != "My own words" {
		t.Errorf("%+v, %v", now.Props, err)
	}
	gone := s.edit(t, s.add(t, builder.Link, id.Block{}), builder.Props{Title: "example.com", URL: "https://example.com/og"})
	if err := s.Remove(t.Context(), s.who, gone.ID); err != nil {
		t.Fatal(err)
	}
	s.look(t, gone.ID)
}

func TestAPastedPictureIsFetchedIntoOurBucket(t *testing.T) {
	t.Parallel()
	s := newStudio(t, false)
	pile := newPile()
	s.Pictures, s.Pages = pile, pages{"https://example.com/bowl.jpg": "\xff\xd8\xff"}
	b := s.paste(t, "https://example.com/bowl.jpg")
	if b.Kind != builder.Image || len(b.Props.Pictures) != 1 || !pile.used[b.Props.Pictures[0].File] {
		t.Fatalf("%+v", b.Props)
	}
	if page := s.drawn(t); !strings.Contains(page, "/m/"+b.Props.Pictures[0].File.String()) || strings.Contains(page, `src="https://example.com`) {
		t.Error("visitors would fetch it from where it came from, or not at all")
	}
	b = s.paste(t, "https://example.com/missing.png")
	s.get("/app/window?b=" + b.ID.String()).Is(200).Has("It did not arrive.")
}

func TestWhatCannotBePastedStaysInItsField(t *testing.T) {
	t.Parallel()
	for _, htmx := range []bool{true, false} {
		s := newStudio(t, htmx)
		fresh := id.New[id.BlockKind]().String()
		for _, x := range []struct{ pasted, why string }{{"", "Paste an address or write a sentence."}, {strings.Repeat("word ", 700), "Please use at most 3000 characters."}} {
			p := s.post("/app/window/paste", url.Values{"id": {fresh}, "pasted": {x.pasted}}).Is(422).Has(x.why)
			if htmx && (p.Header.Get("HX-Reswap") != "none" || p.Doc().Find("#paste-fault[hx-swap-oob]").Length() != 1) {
				t.Error("the sheet would be swapped away")
			}
		}
		s.post("/app/window/paste", url.Values{"id": {"x"}, "pasted": {"A"}}).Is(404)
		s.post("/app/window/paste", url.Values{"pasted": {"A"}}).Is(422)
		if got := s.order(t); len(got) != 0 {
			t.Errorf("%d blocks", len(got))
		}
	}
}
