package builder

import (
	"context"

	"github.com/a-h/templ"

	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/products"
	"vitrine/views/blocks"
	"vitrine/views/text"
	"vitrine/views/ui"
)

// kind is all that the window knows of one kind of block. Each has a file of its own, kind_NAME.go.
type kind struct {
	label Word // in the add sheet and in sentences
	note  Word // under it
	icon  string
	one   bool // a window holds one of it
	first Props
	asks  []input
	draw  func(ctx context.Context, c *canvas, p Part) piece
	// name is what a block is called in sentences; without it, its title.
	name func(d Draft, p Props) string
	// warn is what its creator should know before it is published; without it, only what is missing.
	warn func(d Draft, p Props) (Sentence, bool)
}

// Word is a text of the catalogue that stands within a sentence.
type Word string

// Kinds in the order in which the add sheet offers them.
var Kinds = []Kind{Header, Product, Grid, Link, Text, Image, Gallery, Video, Quote, FAQ, Socials, Contact, Scheduler, Embed, Divider}

var kinds = map[Kind]kind{Header: header, Product: product, Grid: grid, Link: link, Contact: contact, Scheduler: scheduler, Text: paragraph, Image: image, Gallery: gallery,
	Video: video, Socials: socials, Divider: divider, FAQ: faq, Quote: quote, Embed: embed}

// Valid reports whether k is a kind of ours.
func (k Kind) Valid() bool {
	_, ok := kinds[k]
	return ok
}

// Label is what the kind is called.
func (k Kind) Label() Word { return kinds[k].label }

// canvas is what blocks are drawn on: the public page, or the window in which they are edited. There nothing
// leads away and nothing can be sent.
type canvas struct {
	shop     Shown
	offers   map[id.Product]products.Offer
	onSale   []products.Offer // all that is on sale, for grids
	pictures map[id.File]files.Picture
	public   bool
	appURL   string

	frames []string         // hosts whose frames a visitor may open
	shown  []products.Offer // those drawn so far
	seen   bool             // a picture has been drawn
}

// piece is a block as it was drawn: a header, products, which stand side by side with their neighbours, a link,
// which stands below the one before it, or anything else. What still misses something is not shown to visitors.
type piece struct {
	header  *blocks.HeaderProps
	lots    []blocks.LotProps
	heading string // above the lots, which then stand by themselves
	link    *blocks.LinkProps
	body    templ.Component
	missing string
}

func (c *canvas) draw(ctx context.Context, p Part) piece { return kinds[p.Kind].draw(ctx, c, p) }

// lead reports whether the next picture is the page's first, which is wanted at once.
func (c *canvas) lead() bool {
	first := !c.seen
	c.seen = true
	return first
}

func missing(ctx context.Context, word Word) piece { return piece{missing: text.T(ctx, string(word))} }

// image is a picture of a block, if its sizes have been made.
func (c *canvas) image(p Picture) ui.Picture {
	pic := pictureOf(c.pictures[p.File])
	pic.Alt = p.Alt
	return pic
}

// images are those of a block that are ready.
func (c *canvas) images(ps []Picture) (out []blocks.FrameProps) {
	for _, p := range ps {
		if pic := c.image(p); !pic.Empty() {
			out = append(out, blocks.FrameProps{Picture: pic, Credit: p.Credit, CreditURL: p.CreditURL, First: c.lead()})
		}
	}
	return out
}

// nameOf is what a block is called in sentences; empty when it has no name of its own.
func (d Draft) nameOf(k Kind, p Props) string {
	if f := kinds[k].name; f != nil {
		return f(d, p)
	}
	return p.Title
}

// called is nameOf, or the name of the kind.
func (d Draft) called(ctx context.Context, k Kind, p Props) string {
	if n := d.nameOf(k, p); n != "" {
		return n
	}
	return text.T(ctx, string(k.Label()))
}
