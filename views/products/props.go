// Package products draws the creator's list and form of products, and the page on which one is sold.
package products

import (
	"context"
	"encoding/json"
	"strings"
	"unicode"

	"github.com/a-h/templ"

	"vitrine/views/text"
	"vitrine/views/ui"
)

// ListProps is the creator's list.
type ListProps struct {
	Items    []Item
	Archived bool   // the archive is shown
	More     string // address of the next page, or empty
}

// Item is a line of the list.
type Item struct {
	ID, Name, Price, Note string
	Pill                  ui.Pill
	Picture               ui.Picture
}

// FormProps is a product being made or changed, with everything as it was typed.
type FormProps struct {
	ID      string // empty for a new one
	Version string
	Name    string
	Title   string // as saved, for the heading

	Slug, SlugPrefix     string
	Summary, Description string
	Price, Symbol        string
	Quote                QuoteProps
	Limited              bool
	Left, LeftWas        string
	Cover                CoverProps
	Files                []FileRow
	Active, Archived     bool
	PublicURL            string // when it is on sale

	Dirty    bool // something was moved or removed and is not saved yet
	Errors   map[string]string
	Refused  string // a refusal that belongs to no field
	Conflict *ConflictProps
}

func (p FormProps) action() templ.SafeURL {
	if p.ID == "" {
		return "/app/products"
	}
	return templ.SafeURL("/app/products/" + p.ID)
}

// QuoteProps is what the creator gets of a price.
type QuoteProps struct {
	Sentence string
	Bad      bool
}

// CoverProps is the picture of a product.
type CoverProps struct {
	ID, Alt  string
	Picture  ui.Picture
	Status   string // uploading, checking, ready, refused; empty when there is none
	Sentence string // the status in words
}

// FileRow is one file of a product.
type FileRow struct {
	ID, Name, Size string
	Status         string
	Pill           ui.Pill
	Reason         string // why it was refused
}

func (f FileRow) waiting() bool { return f.Status == "checking" }

// ConflictProps is the other version of a product that was changed in two places.
type ConflictProps struct {
	At     string
	Fields []Theirs
}

// Theirs is one field as it is elsewhere.
type Theirs struct{ Field, Label, Text string }

// PublicProps is a product as a buyer sees it.
type PublicProps struct {
	ID          string
	Name        string
	Summary     string
	Price       string
	Free        bool
	Picture     ui.Picture
	Gets        []Get
	Buy         string // address of the checkout; empty when it cannot be bought
	SoldOut     bool
	Closed      bool
	Few         int // how many are left, when few are
	Description ui.SafeHTML
	ShopName    string
	ShopURL     string
}

// Get is one thing that a buyer gets.
type Get struct{ Name, Note string }

// initial stands for a product without a picture.
func initial(name string) string {
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return strings.ToUpper(string(r))
		}
	}
	return "·"
}

// UploadWords are what the upload island says.
func UploadWords(ctx context.Context) string {
	b, err := json.Marshal(map[string]string{
		"uploading": text.T(ctx, "Uploading, %s", "%1"),
		"waiting":   text.T(ctx, "Waiting for a connection"),
		"paused":    text.T(ctx, "Paused"),
		"checking":  text.T(ctx, "Checking"),
		"ready":     text.T(ctx, "Ready"),
		"refused":   text.T(ctx, "Refused: %s", "%1"),
		"failed":    text.T(ctx, "That did not work. Try again."),
	})
	if err != nil {
		return "{}" // strings alone: it does not fail
	}
	return string(b)
}

// Fields of the form in their order, for the error summary.
var order = []string{"name", "price", "files", "cover", "cover_alt", "summary", "description", "slug", "left"}
