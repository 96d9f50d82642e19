// Package source reads what a creator brings from elsewhere, a page or a table, into records of one shape. It knows
// nothing of shops: it says what is there, each thing once, and what of it can never come along, and why.
package source

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"vitrine/app/errs"
)

// Kind is what a record is.
type Kind string

const (
	Name     Kind = "name"
	Bio      Kind = "bio"
	Avatar   Kind = "avatar"
	Social   Kind = "social"
	Link     Kind = "link"
	Heading  Kind = "heading"
	Text     Kind = "text"
	Quote    Kind = "quote"
	Question Kind = "question"
	Picture  Kind = "picture"
	Video    Kind = "video"
	Embed    Kind = "embed"
	Product  Kind = "product"
	Variant  Kind = "variant"
	Person   Kind = "person"
	Form     Kind = "form"
	Other    Kind = "other"
)

// Kinds in the order in which people read of them.
var Kinds = []Kind{Name, Bio, Avatar, Social, Product, Variant, Link, Heading, Text, Quote, Question, Picture, Video, Embed, Person, Form, Other}

// Note is a sentence of the catalogue with what fills it.
type Note struct {
	Text string   `json:"text"`
	Args []string `json:"args,omitempty"`
}

func note(text string, args ...string) Note { return Note{text, args} }

// Record is one thing that the source holds. What it says is plain text, as it stood there.
type Record struct {
	Key      string `json:"key"`             // by which the same thing is known the next time
	Of       string `json:"of,omitempty"`    // the record that it belongs to and shares its fate with
	Kind     Kind   `json:"kind"`            //
	Row      int    `json:"row,omitempty"`   // of a table, counted as its owner sees it
	Level    int    `json:"level,omitempty"` // headings, and what stands in their place
	Title    string `json:"title,omitempty"`
	Text     string `json:"text,omitempty"`
	URL      string `json:"url,omitempty"`
	Image    string `json:"image,omitempty"`
	Alt      string `json:"alt,omitempty"`
	By       string `json:"by,omitempty"`
	Price    string `json:"price,omitempty"`    // digits and marks as they stood there
	Exact    bool   `json:"exact,omitempty"`    // the price was written by a machine: its one mark is the decimal mark
	Currency string `json:"currency,omitempty"` // those that its sign may mean, by blanks; empty: nothing was said
	Left     string `json:"left,omitempty"`     // copies, when they are counted
	Email    string `json:"email,omitempty"`
	Consent  string `json:"consent,omitempty"` // how a person came to be in the table
	Since    string `json:"since,omitempty"`   // a day, 2024-08-05
	Notes    []Note `json:"notes,omitempty"`   // what becomes different here, whoever imports it
	Out      *Note  `json:"out,omitempty"`     // why it cannot come along at all
	Off      bool   `json:"off,omitempty"`     // not chosen unless its owner wants it
}

func (r *Record) refuse(text string, args ...string) {
	n := note(text, args...)
	r.Out = &n
}

func (r *Record) change(text string, args ...string) { r.Notes = append(r.Notes, note(text, args...)) }

// Set is all that one source holds.
type Set struct {
	From     string   `json:"from"`               // linktree, shopify, page …
	Scope    string   `json:"scope"`              // keys are known within it
	URL      string   `json:"url,omitempty"`      // where it was found
	Title    string   `json:"title,omitempty"`    //
	Priced   bool     `json:"priced,omitempty"`   // it has prices without a currency
	Records  []Record `json:"records"`            //
	Warnings []Note   `json:"warnings,omitempty"` // about the source as a whole
}

// Labels are what the sources are called.
var Labels = map[string]string{
	"linktree": "Linktree", "beacons": "Beacons", "stan": "Stan", "carrd": "Carrd", "gumroad": "Gumroad", "littlelink": "LittleLink", "linkstack": "LinkStack",
	"substack": "Substack", "shopify": "Shopify", "woocommerce": "WooCommerce", "gumroad-audience": "Gumroad", "gumroad-sales": "Gumroad",
	"beehiiv": "beehiiv", "substack-members": "Substack", "patreon": "Patreon",
}

// Limits of one source.
const (
	MaxFile    = 5 << 20
	MaxRecords = 20_000
	MaxNodes   = 200_000 // elements of a page
	maxText    = 3_000   // characters of one text
)

// Why a source cannot be read at all.
var (
	ErrEmpty   = errs.Field("file", "This file is empty.")
	ErrBig     = errs.Field("file", "This file has more than %d MB. Divide it and bring one part after the other.", MaxFile>>20)
	ErrMany    = errs.Field("file", "There are more than %d things in it. Divide it and bring one part after the other.", MaxRecords)
	ErrNothing = errs.Field("url", "Nothing that could be brought was found there. If the page is built by scripts, save it in your browser as a complete page and bring the file.")
	ErrUnknown = errs.Field("file", "This is neither a page nor a table. Bring an HTML page, or a CSV file from your shop or newsletter.")
	ErrNested  = errs.Field("file", "This page is too tangled to be read.")
	ErrColumns = errs.Field("file", "This table has no column that we know. It needs e-mail addresses, or products with names and prices.")
	ErrTable   = errs.Field("file", "This table cannot be read: line %s is broken. Export it again as CSV.", "?")
)

// line is a text of one line: no breaks, no control or direction marks, one blank at a time.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r == utf8.RuneError, r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\u200b', r == '\ufeff', r == '\u00ad':
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.Join(strings.Fields(s), " ")
}

// lines is line for each of several, empty ones kept as one between paragraphs.
func lines(s string) string {
	var out []string
	for _, l := range strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n") {
		l = line(l)
		if l == "" && (len(out) == 0 || out[len(out)-1] == "") {
			continue
		}
		out = append(out, l)
	}
	return strings.TrimSpace(strings.Join(out, "\n"))
}

// cut shortens a text to n characters, at a blank if there is one near.
func cut(s string, n int) (string, bool) {
	r := []rune(s)
	if len(r) <= n {
		return s, false
	}
	short := string(r[:n-1])
	if i := strings.LastIndexAny(short, " \n"); i > len(short)*3/4 {
		short = short[:i]
	}
	return strings.TrimRight(short, " \n,;:–-") + "…", true
}

// Cut is cut for those who know what room there is.
func Cut(s string, n int) (string, bool) { return cut(s, n) }

// keys makes every key one of its own: the second of two alike gets a number.
func keys(rs []Record) {
	seen := map[string]int{}
	renamed := map[string]string{}
	for i := range rs {
		k := rs[i].Key
		if seen[k]++; seen[k] > 1 {
			rs[i].Key = k + "#" + strconv.Itoa(seen[k])
		}
		renamed[k] = rs[i].Key
		if of, ok := renamed[rs[i].Of]; ok {
			rs[i].Of = of
		}
	}
}

// plain is how words are compared: small letters and digits alone.
func plain(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), " ")
}
