// Package blocks draws the blocks of a shop's window, one file a kind, for the public page and the editor alike.
package blocks

import (
	"context"
	"strconv"
	"strings"
	"unicode"

	"vitrine/views/text"
	"vitrine/views/ui"
)

// HeaderProps is who the shop is.
type HeaderProps struct {
	ID     string
	Name   string
	Text   string
	Status string
	Lit    bool // the lamp beside Status is on: the shop is open
	Links  []LinkProps
	Second bool // the page has its h1 elsewhere
}

// LinkProps is a line that leads elsewhere, with an icon or a small picture.
type LinkProps struct {
	ID, Title, Note, Href string
	Icon                  string
	Picture               ui.Picture
}

// TextProps is a text under a heading; blank lines divide it.
type TextProps struct{ ID, Title, Text string }

// QuoteProps is what somebody said.
type QuoteProps struct{ ID, Text, By string }

// FAQProps is questions with their answers.
type FAQProps struct {
	ID, Title string
	Items     []ItemProps
}

// ItemProps is a heading with a text.
type ItemProps struct{ Title, Text string }

// SocialsProps is a row of links to where else the creator is found.
type SocialsProps struct {
	ID, Label string
	Links     []LinkProps
}

// FrameProps is a picture with who made it.
type FrameProps struct {
	Picture           ui.Picture
	Credit, CreditURL string
	First             bool // the first picture of the page
}

// ImageProps is one picture; it may lead somewhere.
type ImageProps struct {
	ID, Caption, Href string
	Frame             FrameProps
}

// GalleryProps is pictures side by side.
type GalleryProps struct {
	ID, Title string
	Frames    []FrameProps
}

// BookingProps leads to a calendar.
type BookingProps struct{ ID, Title, Text, Button, Href string }

// FacadeProps stands for a frame of another host, which is asked for nothing before it is opened. Without Src it
// cannot be opened: in the editor.
type FacadeProps struct {
	ID, Title, Host, Src, Link string
	Wide                       bool
	Poster                     ui.Picture
}

func (f FacadeProps) sizes() string {
	if f.Wide {
		return "(min-width:48rem) 48rem, 92vw"
	}
	return "6rem"
}

// LotProps is one product in the window.
type LotProps struct {
	ID      string
	Href    string // the product's page
	Name    string
	Meta    string
	Price   string // as on the tag, or "Sold out"
	Picture ui.Picture
	SoldOut bool
	Buy     string // address of the checkout; empty shows no button
	First   bool   // the first picture of the page

	wide    bool
	columns int
}

// Lots lays products out so that no pane of the window stays empty: on a phone the first is wide and the others
// stand in pairs, on a large screen rows of two and three fill twelve columns.
func Lots(in []LotProps) []LotProps {
	out := append([]LotProps(nil), in...)
	n := len(out)
	for i := range out {
		out[i].wide = i == 0 || i == n-1 && n%2 == 0
	}
	var cols []int
	switch {
	case n == 1:
		cols = []int{12}
	case n == 2:
		cols = []int{7, 5}
	case n%3 == 1:
		cols = []int{6, 6, 6, 6}
	case n%3 == 2:
		cols = []int{6, 3, 3, 6, 6}
	default:
		cols = []int{6, 3, 3}
	}
	for i := range out {
		out[i].columns = 4
		if i < len(cols) {
			out[i].columns = cols[i]
		}
	}
	return out
}

func (l LotProps) class() string {
	c := "lot lot--" + strconv.Itoa(l.columns)
	if l.wide {
		c += " lot--wide"
	}
	if l.SoldOut {
		c += " lot--out"
	}
	return c
}

func (l LotProps) sizes() string {
	if l.wide {
		return "(min-width:64rem) 32rem, (min-width:48rem) 50vw, 100vw"
	}
	return "(min-width:64rem) 21rem, (min-width:48rem) 34vw, 50vw"
}

// initial stands in the pane of a product without a picture.
func (l LotProps) initial() string {
	for _, r := range l.Name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return strings.ToUpper(string(r))
		}
	}
	return "·"
}

// ContactProps is a form that writes to the creator.
type ContactProps struct {
	ID     string // prefix of the ids inside
	Title  string
	Text   string
	Button string
	Action string

	Name, Email, Message string // what was typed before
	Errors               map[string]string
	Refused              string // why it was not sent, when no field is to blame
	Second               bool   // on a page of its own, where the title is the h1
}

func (c ContactProps) id(field string) string { return c.ID + "-" + field }

// paragraphs are the parts of a text between blank lines.
func paragraphs(s string) []string {
	var out []string
	for p := range strings.SplitSeq(s, "\n\n") {
		if strings.TrimSpace(p) != "" {
			out = append(out, p)
		}
	}
	return out
}

// prefixed are the messages under the ids of their fields.
func (c ContactProps) prefixed() map[string]string {
	out := map[string]string{}
	for k, v := range c.Errors {
		out[c.id(k)] = v
	}
	return out
}

func galleryLabel(ctx context.Context, p GalleryProps) string {
	if p.Title != "" {
		return p.Title
	}
	return text.T(ctx, "Pictures")
}
