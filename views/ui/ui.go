// Package ui holds the parts that screens are made of. Texts come translated from the caller.
package ui

import (
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// Btn is a button, or a link that looks like one when Href is set.
type Btn struct {
	ID    string
	Label string
	Kind  string // go (the one main action), line, quiet, danger
	Href  string
	Name  string // for submit buttons
	Value string
	Type  string // submit when empty
	Icon  string
	Wide  bool
	Attrs templ.Attributes // hx-… and the like
}

func (b Btn) class() string {
	k := b.Kind
	if k == "" {
		k = "line"
	}
	c := "btn btn--" + k
	if b.Wide {
		c += " btn--wide"
	}
	return c
}

func (b Btn) kind() string {
	if b.Type == "" {
		return "submit"
	}
	return b.Type
}

// Field is a labelled input with its hint and its error.
type Field struct {
	ID           string // also the anchor of the error summary; Name when empty
	Name         string
	Label        string
	Value        string
	Type         string // text when empty
	Hint         string
	Error        string
	Autocomplete string
	InputMode    string
	Placeholder  string
	Prefix       string // shown before the input: a currency, an address
	Suffix       string
	MaxLength    int
	Rows         int // for TextArea
	Required     bool
	Autofocus    bool
	Options      []Option // for Select and Radios
	Checked      bool     // for Checkbox
	Attrs        templ.Attributes
}

// Option is one choice.
type Option struct {
	Value, Label, Note string
	Selected           bool
	Disabled           bool
}

func (f Field) id() string {
	if f.ID != "" {
		return f.ID
	}
	return f.Name
}

func (f Field) kind() string {
	if f.Type == "" {
		return "text"
	}
	return f.Type
}

// attrs are those that every kind of input shares.
func (f Field) attrs() templ.Attributes {
	a := templ.Attributes{"id": f.id(), "name": f.Name}
	set := func(k, v string) {
		if v != "" {
			a[k] = v
		}
	}
	set("autocomplete", f.Autocomplete)
	set("inputmode", f.InputMode)
	set("placeholder", f.Placeholder)
	if f.MaxLength > 0 {
		a["maxlength"] = strconv.Itoa(f.MaxLength)
	}
	if f.Required {
		a["required"] = true
	}
	if f.Autofocus {
		a["data-autofocus"] = true
	}
	by := ""
	if f.Hint != "" {
		by = f.id() + "-hint"
	}
	if f.Error != "" {
		a["aria-invalid"] = "true"
		by = f.id() + "-error " + by
	}
	set("aria-describedby", by)
	for k, v := range f.Attrs {
		a[k] = v
	}
	return a
}

// Problem is one line of an error summary: the message and the id of its field.
type Problem struct{ Field, Message string }

// Problems puts the messages of a form in the order of its fields.
func Problems(messages map[string]string, fields ...string) []Problem {
	var out []Problem
	for _, f := range fields {
		if m := messages[f]; m != "" {
			out = append(out, Problem{f, m})
		}
	}
	return out
}

// SafeHTML is HTML that a sanitiser has made. Nothing else may become one.
type SafeHTML string

// HTML writes sanitised HTML as it is.
func HTML(s SafeHTML) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, string(s))
		return err
	})
}

// Picture is an image with its sizes, narrowest first. Sources of one format stand together.
type Picture struct {
	Alt, Color    string
	Width, Height int
	Sources       []Source
}

// Source is one file of a picture.
type Source struct {
	URL    string
	Width  int
	Format string // jpeg, png, webp, avif
}

type localKey struct{}

// Local lets pictures come from the host of the page, which has them too: that saves a connection.
func Local(ctx context.Context) context.Context { return context.WithValue(ctx, localKey{}, true) }

func isLocal(ctx context.Context) bool { return ctx.Value(localKey{}) != nil }

// at is the source's address, without its host where the page's own will do.
func (s Source) at(local bool) string {
	if i := strings.Index(s.URL, "/m/"); local && i > 0 {
		return s.URL[i:]
	}
	return s.URL
}

// fallback is the format that every browser shows.
func (p Picture) fallback() string {
	last := "webp"
	for _, s := range p.Sources {
		if s.Format == "jpeg" {
			return "jpeg"
		}
		if s.Format == "png" {
			last = "png"
		}
	}
	return last
}

// small are the formats that newer browsers take in place of the fallback, the smallest first.
func (p Picture) small() []string {
	var out []string
	last := p.fallback()
	for _, f := range []string{"avif", "webp"} {
		for _, s := range p.Sources {
			if s.Format == f && f != last {
				out = append(out, f)
				break
			}
		}
	}
	return out
}

func (p Picture) srcset(ctx context.Context, format string) string {
	own := isLocal(ctx)
	b := make([]byte, 0, 7*96)
	for _, s := range p.Sources {
		if s.Format != format {
			continue
		}
		if len(b) > 0 {
			b = append(b, ", "...)
		}
		b = append(b, s.at(own)...)
		b = append(b, ' ')
		b = strconv.AppendInt(b, int64(s.Width), 10)
		b = append(b, 'w')
	}
	return string(b)
}

// middle is the source for browsers without srcset.
func (p Picture) middle(ctx context.Context) string {
	best, last := "", p.fallback()
	for _, s := range p.Sources {
		if s.Format == last && (best == "" || s.Width <= 720) {
			best = s.at(isLocal(ctx))
		}
	}
	return best
}

// Empty reports whether there is nothing to show.
func (p Picture) Empty() bool { return len(p.Sources) == 0 }

// Row is one line of a list that leads somewhere.
type Row struct {
	ID, Href, Title, Note, End, EndNote string
	Icon                                string
	Pill                                Pill
	New                                 bool
}

// Pill is a status in a word. Tone is good, bad, lamp or empty.
type Pill struct{ Label, Tone string }

// Step is one line of a checklist.
type Step struct {
	Label, Href string
	Done        bool
}

// Figure is a large amount in its parts.
type Figure struct{ Sign, Symbol, Whole, Fraction string }

// Line is a line of a receipt.
type Line struct {
	Label, Note, Amount string
	Strong              bool
}

// icons are 24×24 strokes, named for what they mean here.
var icons = map[string]string{
	"back":     "M15 5l-7 7 7 7",
	"next":     "M9 5l7 7-7 7",
	"out":      "M14 5h5v5M19 5l-8 8M17 14v5H5V7h5",
	"today":    "M4 20V10h3.500v10M10.250 20V4h3.500v16M16.500 20v-7H20v7M3 20.500h18",
	"bag":      "M5 8.500h14l1 12H4zM8.500 8.500V7a3.500 3.500 0 017 0v1.500",
	"window":   "M5 20V4h14v16M3 20.500h18M9 9h2l2 6 2-6h1",
	"tag":      "M3.500 12.500v-8h8l9 9-8 8zM8 8.600v-.2",
	"you":      "M12 12a4 4 0 100-8 4 4 0 000 8zM4.500 20.500c.5-4 3.500-6 7.500-6s7 2 7.500 6",
	"plus":     "M12 5v14M5 12h14",
	"up":       "M12 19V5M6 11l6-6 6 6",
	"down":     "M12 5v14M6 13l6 6 6-6",
	"copy":     "M8 8V4h12v12h-4M4 8h12v12H4z",
	"eye":      "M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12zM12 15a3 3 0 100-6 3 3 0 000 6z",
	"eye-off":  "M4 4l16 16M9.500 5.900A9 9 0 0112 5.500c6 0 9.500 6.500 9.500 6.500a17 17 0 01-3 3.700M6 7.500A16 16 0 002.500 12S6 18.500 12 18.500a9 9 0 004-1",
	"trash":    "M4 7h16M9 7V4h6v3M6.500 7l1 13h9l1-13",
	"check":    "M5 12.500l4.500 4.500L19 7",
	"cross":    "M6 6l12 12M18 6L6 18",
	"undo":     "M8 5L4 9l4 4M4 9h10a5.500 5.500 0 010 11h-3",
	"redo":     "M16 5l4 4-4 4M20 9H10a5.500 5.500 0 000 11h3",
	"download": "M12 4v11M7 11l5 5 5-5M4.500 20h15",
	"upload":   "M12 16V5M7 9l5-5 5 5M4.500 20h15",
	"link":     "M10 14a4 4 0 005.700 0l3-3A4 4 0 0013 5.300l-1 1M14 10a4 4 0 00-5.700 0l-3 3A4 4 0 0011 18.700l1-1",
	"mail":     "M3.500 6h17v12.500h-17zM3.500 6.500l8.500 7 8.500-7",
	"clock":    "M12 20.500a8.500 8.500 0 100-17 8.500 8.500 0 000 17zM12 7.500V12l3.500 2",
	"warn":     "M12 3.500l9.500 17h-19zM12 10v5M12 17.600v.2",
	"info":     "M12 20.500a8.500 8.500 0 100-17 8.500 8.500 0 000 17zM12 11v5.500M12 7.700v.2",
	"lock":     "M5.500 11h13v9.500h-13zM8.500 11V8a3.500 3.500 0 017 0v3",
	"search":   "M10.500 17a6.500 6.500 0 100-13 6.500 6.500 0 000 13zM15.500 15.500L20.500 20.500",
	"file":     "M6 3.500h8l4.500 4.500v12.500H6zM14 3.500V8h4.500",
	"image":    "M4 5h16v14H4zM4 16l5-5 4 4 2.500-2.500L20 17M15.500 9.600v-.2",
	"palette":  "M12 20.500a8.500 8.500 0 110-17c5 0 8.500 3 8.500 7 0 3-2 4.500-4.500 4.500h-2c-2 0-1 2-1 3.500 0 1.200-.5 2-1 2zM8 11.600v-.2M12 8v-.2M16 10.600v-.2",
	"grip":     "M9 6v.2M15 6v.2M9 12v.2M15 12v.2M9 18v.2M15 18v.2",
	"star":     "M12 4l2.500 5.500 6 .6-4.500 4 1.300 6L12 17l-5.300 3.100 1.300-6-4.500-4 6-.6z",
	"refund":   "M4 12a8 8 0 108-8 8.500 8.500 0 00-6 2.500L4 8.500M4 4v4.500h4.500",
	"person":   "M12 12a4 4 0 100-8 4 4 0 000 8zM4.500 20.500c.5-4 3.500-6 7.500-6s7 2 7.500 6",
	"phone":    "M7.500 3h9v18h-9zM11 18h2",
	"play":     "M7 5l12 7-12 7z",
	"pause":    "M8 5v14M16 5v14",
	"text":     "M4 6h16M4 10.700h16M4 15.300h16M4 20h9",
	"quote":    "M10 7H5v6h5zM10 11c0 4-1.500 6-4 7M19 7h-5v6h5zM19 11c0 4-1.500 6-4 7",
	"share":    "M8 12l8-5M8 12l8 5M6 14a2 2 0 100-4 2 2 0 000 4zM18 8a2 2 0 100-4 2 2 0 000 4zM18 20a2 2 0 100-4 2 2 0 000 4z",
	"divider":  "M3 12h18M8 6h8M8 18h8",
	"gallery":  "M3.500 7h13v13h-13zM7 7V3.500h13.500V17H16.500M3.500 17l4-4 3 3 2-2 4 4",
	"embed":    "M8 7l-5 5 5 5M16 7l5 5-5 5",
	"calendar": "M4 6h16v14.500H4zM4 10.500h16M8.500 3.500V8M15.500 3.500V8",
	"pin":      "M12 21c-4.500-5-6.500-8-6.500-11a6.500 6.500 0 0113 0c0 3-2 6-6.500 11zM12 12.500a2.500 2.500 0 100-5 2.500 2.500 0 000 5z",
	"heart":    "M12 20C5 15 3.500 11.500 3.500 9a4.300 4.300 0 018.500-1 4.300 4.300 0 018.500 1c0 2.500-1.500 6-8.500 11z",
	"music":    "M9 18V5.500l11-2V16M9 18a2.700 2.700 0 11-5.400 0A2.700 2.700 0 019 18zM20 16a2.700 2.700 0 11-5.400 0 2.700 2.700 0 015.400 0z",
	"book":     "M12 6.500C10 5 7 4.500 3.500 4.500v14c3.500 0 6.500.5 8.500 2 2-1.500 5-2 8.500-2v-14c-3.500 0-6.500.5-8.500 2zM12 6.500v14",
	"camera":   "M3.500 8h4l1.500-3h6l1.500 3h4v11.500h-17zM12 17a3.500 3.500 0 100-7 3.500 3.500 0 000 7z",
	"chat":     "M4 5h16v11.500H11l-5 4v-4H4z",
	"box":      "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
	"history":  "M4 12a8 8 0 108-8 8.500 8.500 0 00-6 2.500L4 8.500M4 4v4.500h4.500M12 8v4.500l3 2",
	"desk":     "M4 5h16v10H4zM9 20h6M12 15v5",
}

// HasIcon reports whether there is an icon of this name.
func HasIcon(name string) bool { return icons[name] != "" }
