package builder

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/storefronts"
)

// Kind is what a block is.
type Kind string

const (
	Header  Kind = "header"
	Product Kind = "product"
	Link    Kind = "link"
	Contact Kind = "contact"
)

// Kinds in the order in which the add sheet offers them.
var Kinds = []Kind{Header, Product, Link, Contact}

// Valid reports whether k is a kind of ours.
func (k Kind) Valid() bool { return k == Header || k == Product || k == Link || k == Contact }

// Block is one part of a window.
type Block struct {
	ID     id.Block
	Kind   Kind
	Props  Props
	Hidden bool
	V      int // counts the changes of Props; a form carries the one it was drawn with
}

// Props is what a block says. All of it is plain text; each kind uses some of it.
type Props struct {
	Title   string     `json:"title,omitempty"`   // header: the name, if not the shop's own; link: what it says; contact: heading
	Text    string     `json:"text,omitempty"`    // header: one sentence; contact: what to write about
	Status  string     `json:"status,omitempty"`  // header: the line beside the lamp
	Socials []Social   `json:"socials,omitempty"` // header: at most five
	Product id.Product `json:"product,omitzero"`  // product: which one
	Note    string     `json:"note,omitempty"`    // product, link: a few words beside it
	URL     string     `json:"url,omitempty"`     // link: where it leads
	Button  string     `json:"button,omitempty"`  // contact: what the button says
}

// Social is a link in the header.
type Social struct {
	Label string `json:"label"`
	URL   string `json:"url"`
}

// MaxSocials is how many links a header holds.
const MaxSocials = 5

// Equal reports whether p and q say the same.
func (p Props) Equal(q Props) bool {
	if len(p.Socials) != len(q.Socials) {
		return false
	}
	for i := range p.Socials {
		if p.Socials[i] != q.Socials[i] {
			return false
		}
	}
	return p.Title == q.Title && p.Text == q.Text && p.Status == q.Status && p.Product == q.Product && p.Note == q.Note && p.URL == q.URL && p.Button == q.Button
}

// Complete reports whether a block of kind k with p has anything to show.
func (p Props) Complete(k Kind) bool {
	switch k {
	case Product:
		return !p.Product.IsZero()
	case Link:
		return p.Title != "" && p.URL != ""
	}
	return true
}

// check returns the props of kind k as they are kept: cleaned, with nothing that the kind does not use.
// Empty is allowed, as a draft is; what is not complete is not shown.
func (p Props) check(k Kind) (Props, error) {
	var f errs.Form
	var out Props
	line := func(name, s string, most int) string {
		s = storefronts.Line(s)
		if utf8.RuneCountInString(s) > most {
			f.Add(name, "Please use at most %d characters.", most)
		}
		return s
	}
	switch k {
	case Header:
		out.Title, out.Text, out.Status = line("title", p.Title, 80), line("text", p.Text, 200), line("status", p.Status, 60)
		out.Socials = checkSocials(&f, p.Socials)
	case Product:
		out.Product, out.Note = p.Product, line("note", p.Note, 80)
	case Link:
		out.Title, out.Note = line("title", p.Title, 80), line("note", p.Note, 40)
		out.URL = checkURL(&f, "url", p.URL)
	case Contact:
		out.Title, out.Button = line("title", p.Title, 80), line("button", p.Button, 30)
		out.Text = Lines(p.Text)
		if utf8.RuneCountInString(out.Text) > 500 {
			f.Add("text", "Please use at most %d characters.", 500)
		}
	}
	return out, f.Err()
}

func checkSocials(f *errs.Form, in []Social) (out []Social) {
	for _, s := range in {
		s.Label = storefronts.Line(s.Label)
		s.URL = checkURL(f, "socials", s.URL)
		if s.URL == "" {
			continue
		}
		if s.Label == "" {
			s.Label = nameOfHost(s.URL)
		}
		if utf8.RuneCountInString(s.Label) > 30 {
			f.Add("socials", "Please use at most %d characters.", 30)
		}
		out = append(out, s)
	}
	if len(out) > MaxSocials {
		f.Add("socials", "A header has room for %d links.", MaxSocials)
	}
	return out
}

func checkURL(f *errs.Form, field, raw string) string {
	if strings.TrimSpace(raw) == "" {
		return ""
	}
	u, err := CheckLink(raw)
	if err != nil {
		msg, args := errs.Public(err)
		f.Add(field, msg, args...)
		return strings.TrimSpace(raw)
	}
	return u
}

// Lines cleans a text that may have several lines.
func Lines(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
	for strings.Contains(s, "\n\n\n") {
		s = strings.ReplaceAll(s, "\n\n\n", "\n\n")
	}
	return strings.TrimSpace(s)
}

// first is what a new block of kind k says before anyone has written in it.
func first(k Kind) Props {
	if k == Contact {
		return Props{Title: "Write to me", Button: "Send"}
	}
	return Props{}
}
