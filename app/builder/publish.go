package builder

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/products"
	"vitrine/app/storefronts"
)

// Content is what a version holds: the look, and the blocks that are not hidden. Names, prices and stock of
// products are not in it: the page always shows them as they are now.
type Content struct {
	Look   storefronts.Look `json:"look"`
	Blocks []Part           `json:"blocks"`
}

// Part is a block in a version.
type Part struct {
	ID    id.Block `json:"id"`
	Kind  Kind     `json:"kind"`
	Props Props    `json:"props"`
	Hours
}

// Review is what the publish page shows: what would change for visitors, and what is worth a second look.
type Review struct {
	Shop     storefronts.Shop
	Changes  []Sentence
	Warnings []Sentence
	Hidden   int
}

// Sentence is a text of the catalogue with what fills it.
type Sentence struct {
	Text string
	Args []any
}

func say(text string, args ...any) Sentence { return Sentence{text, args} }

// Draft is the window as its creator sees it.
type Draft struct {
	Shop     storefronts.Shop
	Blocks   []Block
	Offers   map[id.Product]products.Offer // all that the blocks name, and all on sale
	OnSale   []products.Offer
	Pictures map[id.File]files.Picture
	Refused  map[id.File]string // pictures that cannot be shown, and why
	Changes  []Sentence
	History  History
}

// Draft reads all that the window shows, as of one moment.
func (s *Service) Draft(ctx context.Context, who storefronts.Who) (Draft, error) {
	sh, err := s.Shops.Mine(ctx, s.DB, who)
	if err != nil {
		return Draft{}, err
	}
	return s.draft(ctx, s.DB, who, sh)
}

func (s *Service) draft(ctx context.Context, q db.Q, who storefronts.Who, sh storefronts.Shop) (Draft, error) {
	d := Draft{Shop: sh, Offers: map[id.Product]products.Offer{}}
	var err error
	if d.Blocks, err = listBlocks(ctx, q, who); err != nil {
		return d, err
	}
	if d.OnSale, err = s.Products.OffersOfShop(ctx, q, who.Shop); err != nil {
		return d, err
	}
	for _, o := range d.OnSale {
		d.Offers[o.ID] = o
	}
	var missing []id.Product
	var pictures []Picture
	for _, b := range d.Blocks {
		for _, p := range b.Props.products() {
			if _, ok := d.Offers[p]; !ok {
				missing = append(missing, p)
			}
		}
		pictures = append(pictures, b.Props.Pictures...)
	}
	if len(missing) > 0 {
		off, err := s.Products.Offers(ctx, q, missing)
		if err != nil {
			return d, err
		}
		for _, o := range off {
			d.Offers[o.ID] = o
		}
	}
	if d.Pictures, err = s.picturesOf(ctx, q, pictures); err != nil {
		return d, err
	}
	if d.Refused, err = s.refusals(ctx, q, pictures, d.Pictures); err != nil {
		return d, err
	}
	if d.History, err = s.History(ctx, q, who); err != nil {
		return d, err
	}
	shown, err := s.shown(ctx, q, who, sh)
	if err != nil {
		return d, err
	}
	d.Changes = changes(shown, d.content(), d.nameOf)
	return d, nil
}

// shown is the published content, nil when there is none.
func (s *Service) shown(ctx context.Context, q db.Q, who storefronts.Who, sh storefronts.Shop) (*Content, error) {
	if !sh.Published {
		return nil, nil
	}
	b, err := s.Shops.Content(ctx, q, who)
	if err != nil || b == nil {
		return nil, err
	}
	var c Content
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("read version %s: %w", sh.PublishedVersion, err)
	}
	return &c, nil
}

// content is what publishing the draft would show.
func (d Draft) content() Content {
	c := Content{Look: d.Shop.Look(), Blocks: []Part{}}
	for _, b := range d.Blocks {
		if !b.Hidden {
			c.Blocks = append(c.Blocks, b.part())
		}
	}
	return c
}

func (b Block) part() Part { return Part{b.ID, b.Kind, b.Props, b.Hours} }

// Review says what publishing would change.
func (s *Service) Review(ctx context.Context, who storefronts.Who) (Review, error) {
	d, err := s.Draft(ctx, who)
	if err != nil {
		return Review{}, err
	}
	r := d.review()
	if s.Payable == nil || !d.sells() {
		return r, nil
	}
	ok, err := s.Payable(ctx, who.User)
	if err == nil && !ok {
		r.Warnings = append(r.Warnings, say("You have not said yet where your money goes. What you sell is kept for you until you do, under Payouts."))
	}
	return r, err
}

// sells reports whether visitors would see something that costs money.
func (d Draft) sells() bool {
	for _, b := range d.Blocks {
		for _, p := range b.Props.products() {
			if o := d.Offers[p]; !b.Hidden && o.Active && !o.Price.IsZero() {
				return true
			}
		}
		if !b.Hidden && b.Kind == Grid && len(b.Props.Products) == 0 && slices.ContainsFunc(d.OnSale, func(o products.Offer) bool { return !o.Price.IsZero() }) {
			return true
		}
	}
	return false
}

func (d Draft) review() Review {
	r := Review{Shop: d.Shop, Changes: d.Changes}
	visible := 0
	for _, b := range d.Blocks {
		if b.Hidden {
			r.Hidden++
			continue
		}
		visible++
		if w, ok := d.warning(b); ok {
			r.Warnings = append(r.Warnings, w)
		}
	}
	if visible == 0 {
		r.Warnings = append(r.Warnings, say("Your window is empty. Visitors will read that you are setting up."))
	}
	if d.Shop.Closed {
		r.Warnings = append(r.Warnings, say("Your shop is closed. Visitors see the reason in place of the window until you open it again."))
	}
	return r
}

func (d Draft) warning(b Block) (Sentence, bool) {
	if f := kinds[b.Kind].warn; f != nil {
		return f(d, b.Props)
	}
	return Sentence{}, false
}

// Publish shows the draft to everyone. seq is the state of the draft that its creator has reviewed: if it has
// changed since, nothing is published. Publishing the same state twice makes one version.
func (s *Service) Publish(ctx context.Context, who storefronts.Who, seq int64) (storefronts.Shop, error) {
	var out storefronts.Shop
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		sh, err := s.Shops.Lock(ctx, tx, who)
		if err != nil {
			return err
		}
		out = sh
		if sh.Seq != seq {
			return errs.New(errs.Conflict, "Your window has changed since you looked at this list. Here it is as it is now.")
		}
		d, err := s.draft(ctx, tx, who, sh)
		if err != nil {
			return err
		}
		if sh.Published && len(d.Changes) == 0 {
			return nil
		}
		if err := s.show(ctx, tx, who, sh, d.content()); err != nil {
			return err
		}
		out, err = s.Shops.Mine(ctx, tx, who)
		return err
	})
	return out, err
}

// show makes a content the published version, and keeps the draft as it is now beside it.
func (s *Service) show(ctx context.Context, tx *db.Tx, who storefronts.Who, sh storefronts.Shop, c Content) error {
	content, err := json.Marshal(c)
	if err != nil {
		return err
	}
	v, err := s.Shops.Publish(ctx, tx, sh, content)
	if err != nil {
		return err
	}
	blocks, err := listAll(ctx, tx, who)
	if err != nil {
		return err
	}
	return insertDraft(ctx, tx, sh, v, wholeOf(blocks, sh.Look()))
}
