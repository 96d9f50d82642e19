package builder

import (
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"vitrine/app/errs"
	"vitrine/app/id"
)

// Kind is what a block is.
type Kind string

const (
	Header    Kind = "header"
	Product   Kind = "product"
	Grid      Kind = "grid"
	Link      Kind = "link"
	Contact   Kind = "contact"
	Scheduler Kind = "scheduler"
	Text      Kind = "text"
	Image     Kind = "image"
	Gallery   Kind = "gallery"
	Video     Kind = "video"
	Socials   Kind = "social"
	Divider   Kind = "divider"
	FAQ       Kind = "faq"
	Quote     Kind = "quote"
	Embed     Kind = "embed"
)

// Block is one part of a window.
type Block struct {
	ID     id.Block
	Kind   Kind
	Props  Props
	Hidden bool
	Hours  Hours
	V      int // counts the changes of Props; a form carries the one it was drawn with
}

// Hours is when a block is shown; a zero time is no limit on that side.
type Hours struct {
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// Open reports whether a block is shown at a time.
func (h Hours) Open(at time.Time) bool {
	return (h.From.IsZero() || !at.Before(h.From)) && (h.Until.IsZero() || at.Before(h.Until))
}

// Equal reports whether h and o are the same times.
func (h Hours) Equal(o Hours) bool { return h.From.Equal(o.From) && h.Until.Equal(o.Until) }

// Next is the next time after at when Open changes; zero when it never does.
func (h Hours) Next(at time.Time) time.Time {
	switch {
	case h.From.After(at):
		return h.From
	case h.Until.After(at):
		return h.Until
	}
	return time.Time{}
}

// Props is what a block says. All of it is plain text; each kind uses some of it, as its file says.
type Props struct {
	Title    string       `json:"title,omitempty"`
	Text     string       `json:"text,omitempty"`
	Status   string       `json:"status,omitempty"`
	Socials  []Social     `json:"socials,omitempty"`
	Product  id.Product   `json:"product,omitzero"`
	Products []id.Product `json:"products,omitempty"`
	Note     string       `json:"note,omitempty"`
	URL      string       `json:"url,omitempty"`
	Button   string       `json:"button,omitempty"`
	Items    []Item       `json:"items,omitempty"`
	Pictures []Picture    `json:"pictures,omitempty"`
	Icon     string       `json:"icon,omitempty"`
	Style    string       `json:"style,omitempty"`
	By       string       `json:"by,omitempty"`
}

// Social is a link to where else the creator is found.
type Social struct {
	Label string `json:"label"`
	URL   string `json:"url"`
}

// Item is a heading with a text: a question and its answer.
type Item struct {
	Title string `json:"title"`
	Text  string `json:"text,omitempty"`
}

// Picture is an image of the creator's: Alt for those who do not see it, Credit for who made it.
type Picture struct {
	File      id.File `json:"file"`
	Alt       string  `json:"alt,omitempty"`
	Credit    string  `json:"credit,omitempty"`
	CreditURL string  `json:"credit_url,omitempty"`
}

// Equal reports whether p and q say the same.
func (p Props) Equal(q Props) bool { return reflect.DeepEqual(p.tidy(), q.tidy()) }

// tidy makes no difference between an empty list and none.
func (p Props) tidy() Props {
	if len(p.Socials) == 0 {
		p.Socials = nil
	}
	if len(p.Products) == 0 {
		p.Products = nil
	}
	if len(p.Items) == 0 {
		p.Items = nil
	}
	if len(p.Pictures) == 0 {
		p.Pictures = nil
	}
	return p
}

// products are those that a block names.
func (p Props) products() []id.Product {
	if p.Product.IsZero() {
		return p.Products
	}
	return append([]id.Product{p.Product}, p.Products...)
}

// CheckProps returns the props of a block of kind k as they are kept: cleaned, with nothing that the kind does
// not use. Empty is allowed, as a draft is; what is not complete is not shown. The error is an errs.Form.
func CheckProps(k Kind, p Props) (Props, error) {
	kd, ok := kinds[k]
	if !ok {
		return Props{}, errs.New(errs.Invalid, "Choose what to add.")
	}
	var f errs.Form
	var out Props
	for _, in := range kd.asks {
		in.check(&f, p, &out)
	}
	return out, f.Err()
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
