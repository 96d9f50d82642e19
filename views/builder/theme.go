package builder

import (
	"context"

	"vitrine/views/blocks"
	"vitrine/views/text"
	"vitrine/views/ui"
)

// FittingProps is how the shop is dressed, and with what else it could be.
type FittingProps struct {
	Groups       []Group // the theme first, then the header, the lettering, the spacing and the background
	Theme        string
	Classes      string // of what is worn beside the theme
	Awning       bool
	Color, Hex   string // as kept, and as typed
	CSS          string // where the house colour is
	Adjusted     bool
	Swatches     []string
	State        StateProps
	Errors       map[string]string
	Header       blocks.HeaderProps
	Lots         []blocks.LotProps
	Links        []blocks.LinkProps
	Lines        int    // of the shop's own CSS
	CSSForbidden string // why there can be none
}

// Group is a choice of one of several.
type Group struct {
	Name, Label, Error string
	Choices            []Choice
}

// Choice is one of a group. Classes and Theme dress the little picture of it; Paths are drawn where there are any.
type Choice struct {
	Value, Label, Note string
	On                 bool
	Classes, Theme     string
	Paths              []Path
}

// Path is a shape in a picture of 48 by 32.
type Path struct{ D, Class string }

func (c Choice) id(g Group) string { return g.Name + "-" + c.Value }

// summary are the problems of the form, each leading to its field.
func (p FittingProps) summary() []ui.Problem {
	return ui.Problems(p.Errors, "theme", "color", "header", "lettering", "spacing", "background")
}

func lines(ctx context.Context, n int) string {
	return text.N(ctx, n, "%d line of your own", "%d lines of your own")
}

// StyleProps is the shop's own CSS as it is being written.
type StyleProps struct {
	CSS       string // as kept, or as typed
	Saved     bool
	Forbidden string // why there can be none
	Faults    []FaultProps
	Left      int // more than are shown
	Clean     string
	Error     string // about all of it
	Max       int
	Pictures  []MediaProps
	State     StateProps
}

// FaultProps is what is wrong in a line. Source is that line.
type FaultProps struct {
	Line         int
	Text, Source string
}

// MediaProps is a picture that CSS can name.
type MediaProps struct {
	File    string
	Picture ui.Picture
}

// partNames are the parts of a window and their classes.
func partNames(ctx context.Context) [][2]string {
	return [][2]string{
		{".fascia", text.T(ctx, "the header: your name, a sentence, your links")},
		{".lede", text.T(ctx, "the sentence under your name")},
		{".mullion", text.T(ctx, "a shelf of products")},
		{".lot, .lot__name, .lot__art", text.T(ctx, "one product, its name, its picture")},
		{".links", text.T(ctx, "your links")},
		{".contact", text.T(ctx, "the frame round a form")},
		{".say, .said, .asks", text.T(ctx, "texts, quotes, questions")},
		{".shot, .wall", text.T(ctx, "a picture, a gallery")},
		{".prod, .prose", text.T(ctx, "the page of a product, its description")},
		{"var(--accent), var(--ink)", text.T(ctx, "the colours of your theme")},
	}
}
