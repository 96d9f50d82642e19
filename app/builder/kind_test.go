package builder_test

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"vitrine/app/builder"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/products"
	"vitrine/app/web/webtest"
)

// complete is a block of every kind with all that it can say. Pictures and products are the caller's to add.
var complete = map[builder.Kind]builder.Props{
	builder.Header:    {Title: "Noor", Text: "Stoneware", Status: "Open", Socials: []builder.Social{{Label: "Are.na", URL: "https://are.na/noor"}}},
	builder.Product:   {Note: "Fired twice"},
	builder.Grid:      {Title: "On the shelf"},
	builder.Link:      {Title: "The kiln I use", URL: "https://example.com/kiln", Note: "Shop", Icon: "heart"},
	builder.Contact:   {Title: "Write to me", Text: "About anything.", Button: "Send"},
	builder.Scheduler: {Title: "Book the wheel", Text: "An hour.", URL: "https://cal.com/noor/wheel", Button: "See times"},
	builder.Text:      {Title: "How I work", Text: "Slowly.\n\nThen all at once."},
	builder.Image:     {Title: "The studio", URL: "https://example.com/studio"},
	builder.Gallery:   {Title: "Last firing"},
	builder.Video:     {Title: "Throwing a bowl", URL: "https://youtu.be/dQw4w9WgXcQ"},
	builder.Socials:   {Socials: []builder.Social{{Label: "Mastodon", URL: "https://mastodon.social/@noor"}}},
	builder.Divider:   {Style: "scallop"},
	builder.FAQ:       {Title: "Before you ask", Items: []builder.Item{{Title: "Do you ship?", Text: "Everywhere."}, {Title: "Dishwasher?", Text: "Yes."}}},
	builder.Quote:     {Text: "The only bowl I ever bought twice.", By: "Maren"},
	builder.Embed:     {Title: "What I listen to", URL: "https://open.spotify.com/album/4uLU6hMCjMI75M1A2tKUQC"},
}

// says is what visitors see of a complete block.
var says = map[builder.Kind]string{
	builder.Header: "Stoneware", builder.Product: "Fired twice", builder.Grid: "On the shelf", builder.Link: "The kiln I use", builder.Contact: "About anything.",
	builder.Scheduler: "Book the wheel", builder.Text: "Then all at once.", builder.Image: "The studio", builder.Gallery: "Last firing", builder.Video: "Throwing a bowl",
	builder.Socials: "Mastodon", builder.Divider: "pause--scallop", builder.FAQ: "Dishwasher?", builder.Quote: "bought twice", builder.Embed: "What I listen to",
}

// shownEmpty are kinds that visitors see before anything is said in them.
var shownEmpty = []builder.Kind{builder.Header, builder.Contact, builder.Divider}

// fieldsOf are the names of what the form of a block asks for, other than ids.
func (s studio) fieldsOf(t *testing.T, b id.Block) []string {
	t.Helper()
	form := webtest.Filled(s.get("/app/window?b=" + b.String()).Is(200).Doc().Find("form#edit-" + b.String()))
	var out []string
	for name := range form {
		if name != "bv" && !strings.HasPrefix(name, "pic") && !strings.HasPrefix(name, "product") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func TestEveryKindFromEmptyToComplete(t *testing.T) {
	t.Parallel()
	for _, k := range builder.Kinds {
		t.Run(string(k), func(t *testing.T) {
			t.Parallel()
			s := newStudio(t, false)
			s.Pictures = newPile()
			offer := s.product("Bowl")
			props, ok := complete[k]
			if !ok || says[k] == "" {
				t.Fatal("this kind is not tried")
			}
			s.shelf.put(hidden(offer)) // so that a new product block finds none
			b := s.add(t, k, id.Block{})
			p := s.get("/app/window?b=" + b.ID.String()).Is(200).Has(`aria-current="true"`)
			wellFormed(t, p)
			if names := s.fieldsOf(t, b.ID); len(names) == 0 && k != builder.Product && k != builder.Grid {
				t.Error("its form asks for nothing")
			}
			seen := strings.Contains(s.drawn(t), anchorOf(b.ID))
			if want := slices.Contains(shownEmpty, k) || b.Props.Text != "" || b.Props.URL != ""; seen != want {
				t.Errorf("empty: shown is %v", seen)
			}
			if !seen && s.get("/app/window").Doc().Find(".blk__missing").Length() != 1 {
				t.Error("nothing says what is missing")
			}
			s.shelf.put(offer)
			switch k {
			case builder.Product:
				props.Product = offer.ID
			case builder.Image, builder.Gallery:
				props.Pictures = []builder.Picture{{File: s.Pictures.(*pile).ready(s.who.User), Alt: "A bowl on a shelf", Credit: "Ines", CreditURL: "https://example.com/ines"}}
			}
			now := s.edit(t, b, props)
			if !now.Props.Equal(props) {
				t.Errorf("kept %+v of %+v", now.Props, props)
			}
			if page := s.drawn(t); !strings.Contains(page, says[k]) || !strings.Contains(page, anchorOf(b.ID)) {
				t.Errorf("complete, and not shown:\n%s", page)
			}
			p = s.get("/app/window?b=" + b.ID.String()).Is(200)
			wellFormed(t, p)
			p = s.get("/app/window").Is(200).Has(strings.TrimPrefix(says[k], "pause--"))
			wellFormed(t, p)

			// The form of a complete block, sent back as it is, changes nothing.
			form := webtest.Filled(s.get("/app/window?b=" + b.ID.String()).Is(200).Doc().Find("form#edit-" + b.ID.String()))
			s.post(path(b.ID, ""), form).Is(303)
			if same, err := s.Block(t.Context(), s.DB, s.who, b.ID); err != nil || same.V != now.V {
				t.Errorf("sending the form back made %+v, %v", same.Props, err)
			}
		})
	}
}

func TestEveryFieldHasAnEnd(t *testing.T) {
	t.Parallel()
	s := newStudio(t, false)
	s.Pictures = newPile()
	for _, k := range builder.Kinds {
		b := s.add(t, k, id.Block{})
		if _, ok := complete[k]; ok && k != builder.Product && k != builder.Grid {
			b = s.edit(t, b, complete[k])
		}
		form := webtest.Filled(s.get("/app/window?b=" + b.ID.String()).Is(200).Doc().Find("form#edit-" + b.ID.String()))
		for _, name := range s.fieldsOf(t, b.ID) {
			if name == "icon" || name == "style" { // anything else is the first choice
				continue
			}
			long := url.Values{}
			for n, v := range form {
				long[n] = slices.Clone(v)
			}
			long.Set(name, strings.Repeat("é", 5000))
			if strings.HasPrefix(name, "url") {
				long.Set(name, "https://example.com/"+strings.Repeat("e", 5000))
			}
			if strings.HasPrefix(name, "label") { // it names an address
				long.Set("url"+name[len("label"):], "https://example.com")
			}
			p := s.post(path(b.ID, ""), long).Is(422)
			if p.Doc().Find("#errs-"+b.ID.String()+" .e").Length() == 0 {
				t.Errorf("%s %s: no reason is given", k, name)
			}
		}
		if now, err := s.Block(t.Context(), s.DB, s.who, b.ID); err != nil || now.V != b.V {
			t.Errorf("%s: something too long was kept", k)
		}
	}
}

func TestAddressesLeadNowhereHostile(t *testing.T) {
	t.Parallel()
	for _, k := range builder.Kinds {
		for _, raw := range []string{"javascript:alert(1)", "JaVaScRiPt:alert(1)", "\tjavascript:alert(1)", "data:text/html,x", "vbscript:x", "http://example.com", "https://user:pass@example.com", "//example.com", "https://exa mple.com", `https://example.com/"onload=x`, "https://localhost", "file:///etc/passwd"} {
			p := complete[k]
			p.URL, p.Socials = raw, nil
			if k == builder.Socials || k == builder.Header {
				p.Socials = []builder.Social{{Label: "x", URL: raw}}
			}
			out, err := builder.CheckProps(k, p)
			if err != nil {
				if !errs.Is(err, errs.Invalid) {
					t.Errorf("%s %q: %v", k, raw, err)
				}
				continue
			}
			if out.URL != "" || len(out.Socials) > 0 {
				t.Errorf("%s leads to %q %v", k, out.URL, out.Socials)
			}
		}
	}
}

// Whatever the kind: of two that change the same, the slower sees both texts and chooses.
func TestBothTextsAreShownForEveryKind(t *testing.T) {
	t.Parallel()
	for _, k := range builder.Kinds {
		t.Run(string(k), func(t *testing.T) {
			t.Parallel()
			s := newStudio(t, false)
			s.Pictures = newPile()
			s.product("Bowl")
			other := s.product("Vase")
			b := s.add(t, k, id.Block{})
			mine, theirs := complete[k], complete[k]
			word := [2]string{"What I wrote", "What they wrote"}
			switch k {
			case builder.Socials:
				mine.Socials, theirs.Socials = []builder.Social{{Label: word[0], URL: "https://example.com/1"}}, []builder.Social{{Label: word[1], URL: "https://example.com/2"}}
			case builder.Divider:
				mine.Style, theirs.Style, word = "space", "scallop", [2]string{"space", "scallop"}
			case builder.Quote:
				mine.Text, theirs.Text = word[0], word[1]
			case builder.Product:
				mine.Note, theirs.Note, theirs.Product = word[0], word[1], other.ID
			default:
				mine.Title, theirs.Title = word[0], word[1]
			}
			s.edit(t, b, theirs)
			_, err := s.Edit(t.Context(), s.who, b.ID, b.V, mine)
			var stale *builder.Stale
			if !errors.As(err, &stale) {
				t.Fatalf("the slower one: %v", err)
			}
			form := webtest.Filled(s.get("/app/window?b=" + b.ID.String()).Is(200).Doc().Find("form#edit-" + b.ID.String()))
			form.Set("bv", number(b.V))
			for name, v := range map[string]string{"title": mine.Title, "text": mine.Text, "note": mine.Note, "style": mine.Style} {
				if form.Has(name) {
					form.Set(name, v)
				}
			}
			if k == builder.Socials {
				form.Set("label1", word[0])
			}
			p := s.post(path(b.ID, ""), form).Is(409)
			clash := p.Doc().Find(".clash")
			if got := clash.Text(); !strings.Contains(got, word[0]) || !strings.Contains(got, word[1]) {
				t.Fatalf("the panel says %q", got)
			}
			wellFormed(t, p)
			// Keeping mine sends all of it.
			keep := webtest.Filled(clash.Find("form"))
			s.post(path(b.ID, ""), keep).Is(303)
			now, err := s.Block(t.Context(), s.DB, s.who, b.ID)
			if err != nil || !strings.Contains(strings.Join([]string{now.Props.Title, now.Props.Text, now.Props.Note, now.Props.Style, labels(now.Props)}, "|"), word[0]) {
				t.Errorf("kept %+v, %v", now.Props, err)
			}
		})
	}
}

func labels(p builder.Props) (out string) {
	for _, s := range p.Socials {
		out += s.Label
	}
	return out
}

// drawn is the page as visitors would see it.
func (s studio) drawn(t *testing.T) string {
	t.Helper()
	p := s.preview(t).Is(200)
	s.get(appURL + "/app/window").Is(200) // back from the shop's host
	return p.Body
}

func hidden(o products.Offer) products.Offer {
	o.Active = false
	return o
}

func anchorOf(b id.Block) string { return `id="b-` + b.String()[24:] }
