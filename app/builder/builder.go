// Package builder is a shop's window: its blocks, how they are changed and published, and how the public page
// is drawn from them.
//
// Changes of structure are intents, "move this block after that one", which hold in any newer state. Changes of
// what a block says carry the version they began from; if another device was quicker they are refused.
package builder

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/products"
	"vitrine/app/storefronts"
)

// Products is what the window needs to know of products.
type Products interface {
	Offers(ctx context.Context, q db.Q, ids []id.Product) ([]products.Offer, error)
	OffersOfShop(ctx context.Context, q db.Q, shop id.Shop) ([]products.Offer, error)
	SetArchived(ctx context.Context, tx *db.Tx, who products.Who, product id.Product, archived bool) error
	// PublicPage draws the page of an active product without the shop's frame.
	PublicPage(ctx context.Context, q db.Q, shop products.PublicShop, slug string) (products.PublicPage, error)
	// Moved is the present address of a product that once had another.
	Moved(ctx context.Context, q db.Q, shop id.Shop, slug string) (string, error)
	// PublicPaths are the active products of shops, for the sitemap.
	PublicPaths(ctx context.Context, q db.Q, shops []id.Shop) ([]products.PublicPath, error)
}

// Pictures is what the window needs to know of images.
type Pictures interface {
	Pictures(ctx context.Context, q db.Q, ids []id.File) (map[id.File]files.Picture, error)
	ByIDs(ctx context.Context, q db.Q, ids []id.File) ([]files.File, error)
	// Reserve, Fill and Abort are for an image that is fetched later.
	Reserve(ctx context.Context, tx *db.Tx, who id.User, name string) (files.File, error)
	Fill(ctx context.Context, who id.User, file id.File, body []byte) error
	Abort(ctx context.Context, who id.User, file id.File) error
	// StoreSent keeps an image that came with a form.
	StoreSent(ctx context.Context, who id.User, p files.Purpose, x files.Sent) (files.File, error)
	Use(ctx context.Context, tx *db.Tx, creator id.User, p files.Purpose, ids ...id.File) ([]files.File, error)
}

// MaxBlocks is how many blocks a window holds.
const MaxBlocks = 100

// Service changes windows.
type Service struct {
	DB       *db.DB
	Shops    *storefronts.Service
	Products Products
	Pictures Pictures
	Pages    Pages // without it, what is pasted keeps the name of its host
	// Payable reports whether a creator can be paid; filled by payouts. Without it nobody is warned.
	Payable func(ctx context.Context, creator id.User) (bool, error)
}

// Furnish gives a new shop its header. It fills storefronts.Service.Furnish.
func (s *Service) Furnish(ctx context.Context, tx *db.Tx, sh storefronts.Shop) error {
	_, err := insertBlock(ctx, tx, storefronts.Who{User: sh.Creator, Shop: sh.ID}, Block{ID: id.New[id.BlockKind](), Kind: Header}, gap)
	return err
}

// Blocks are those of the draft, in order.
func (s *Service) Blocks(ctx context.Context, q db.Q, who storefronts.Who) ([]Block, error) {
	return listBlocks(ctx, q, who)
}

// Block finds one that has not been removed.
func (s *Service) Block(ctx context.Context, q db.Q, who storefronts.Who, b id.Block) (Block, error) {
	r, err := findBlock(ctx, q, who, b)
	if err == nil && r.Removed {
		err = errNoBlock
	}
	if err != nil {
		return Block{}, err
	}
	return r.block()
}

// Add puts a new block after another, or first for the zero id. The id is made by who asks, so that asking
// twice adds one block.
func (s *Service) Add(ctx context.Context, who storefronts.Who, block id.Block, kind Kind, after id.Block) (Block, error) {
	if !kind.Valid() || block.IsZero() {
		return Block{}, errs.New(errs.Invalid, "Choose what to add.")
	}
	out := Block{ID: block, Kind: kind, Props: kinds[kind].first, V: 1}
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := s.take(ctx, tx, who, step{verb: "added %s", block: out}, func() error {
			if r, err := findBlock(ctx, tx, who, block); err == nil {
				out, err = r.block()
				return err
			}
			if kind == Product {
				p, err := s.nextProduct(ctx, tx, who)
				if err != nil {
					return err
				}
				out.Props.Product = p
			}
			return s.place(ctx, tx, who, out, after)
		})
		return err
	})
	return out, err
}

// place inserts b after another block; the caller holds the shop's lock.
func (s *Service) place(ctx context.Context, tx *db.Tx, who storefronts.Who, b Block, after id.Block) error {
	all, headers, err := countBlocks(ctx, tx, who)
	if err != nil {
		return err
	}
	if err := room(b.Kind, all, headers); err != nil {
		return err
	}
	pos, err := placeAfter(ctx, tx, who, after, id.Block{})
	if err != nil {
		return err
	}
	n, err := insertBlock(ctx, tx, who, b, pos)
	if err == nil && n == 0 { // the id is in use in another shop
		return errNoBlock
	}
	return err
}

func room(k Kind, all, headers int) error {
	if k == Header && headers > 0 {
		return errs.New(errs.Conflict, "Your window already has a header.")
	}
	if all >= MaxBlocks {
		return errs.New(errs.Conflict, "A window has room for %d blocks. Remove one first.", MaxBlocks)
	}
	return nil
}

// nextProduct is the first product on sale that is not in the window yet, or none.
func (s *Service) nextProduct(ctx context.Context, tx *db.Tx, who storefronts.Who) (id.Product, error) {
	offers, err := s.Products.OffersOfShop(ctx, tx, who.Shop)
	if err != nil {
		return id.Product{}, err
	}
	blocks, err := listBlocks(ctx, tx, who)
	if err != nil {
		return id.Product{}, err
	}
	have := map[id.Product]bool{}
	for _, b := range blocks {
		have[b.Props.Product] = true
	}
	for _, o := range offers {
		if !have[o.ID] {
			return o.ID, nil
		}
	}
	return id.Product{}, nil
}

// Edited is the outcome of an edit: the block as it is now, and whether anything was written.
type Edited struct {
	Block   Block
	Changed bool
	At      time.Time
}

// Stale is why an edit was refused: the block says Theirs now, since At.
type Stale struct {
	Mine   Props
	Theirs Block
	At     time.Time
}

func (*Stale) Error() string { return "the block was changed on another device" }

// Edit writes what a block says, if it is still at version bv. Otherwise the error is a *Stale with both texts.
func (s *Service) Edit(ctx context.Context, who storefronts.Who, block id.Block, bv int, in Props) (Edited, error) {
	var out Edited
	err := s.DB.InTx(ctx, func(tx *db.Tx) (err error) {
		out, err = s.editIn(ctx, tx, who, block, bv, in)
		return err
	})
	return out, err
}

func (s *Service) editIn(ctx context.Context, tx *db.Tx, who storefronts.Who, block id.Block, bv int, in Props) (out Edited, err error) {
	if _, err := s.Shops.Lock(ctx, tx, who); err != nil {
		return out, err
	}
	r, err := findBlock(ctx, tx, who, block)
	if err == nil && r.Removed {
		err = errNoBlock
	}
	if err != nil {
		return out, err
	}
	have, err := r.block()
	if err != nil {
		return out, err
	}
	props, err := CheckProps(have.Kind, in)
	if err != nil {
		return out, err
	}
	if err := s.checkGoods(ctx, tx, who, props, have.Props); err != nil {
		return out, err
	}
	switch {
	case props.Equal(have.Props):
		return Edited{have, false, r.UpdatedAt}, nil
	case bv != have.V:
		return out, &Stale{props, have, r.UpdatedAt}
	}
	st := step{verb: "changed %s", block: have, name: have.Props.Title, same: "edit:" + block.String() + ":" + differing(have.Props, props), soon: typing}
	_, err = s.take(ctx, tx, who, st, func() error { return updateProps(ctx, tx, who, block, props) })
	have.Props, have.V = props, have.V+1
	return Edited{have, true, tx.Now}, err
}

// typing is how far apart two changes of one text are that are undone together.
const typing = 5 * time.Second

// differing names the fields that differ.
func differing(a, b Props) string {
	var out []string
	x, y := reflect.ValueOf(a.tidy()), reflect.ValueOf(b.tidy())
	for i := range x.NumField() {
		if !reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			out = append(out, x.Type().Field(i).Name)
		}
	}
	return strings.Join(out, ",")
}

// checkGoods refuses products that are not of this shop and pictures that are not of this creator. What the block
// names already is not looked at again.
func (s *Service) checkGoods(ctx context.Context, tx *db.Tx, who storefronts.Who, p, was Props) error {
	fresh := slices.DeleteFunc(p.products(), func(x id.Product) bool { return slices.Contains(was.products(), x) })
	if len(fresh) > 0 {
		offers, err := s.Products.Offers(ctx, tx, fresh)
		if err != nil {
			return err
		}
		if len(offers) != len(fresh) || slices.ContainsFunc(offers, func(o products.Offer) bool { return o.Shop != who.Shop }) {
			if p.Product.IsZero() {
				return errs.Field("products", "Choose one of your products.")
			}
			return errs.Field("product", "Choose one of your products.")
		}
	}
	var images []id.File
	for _, x := range p.Pictures {
		if !slices.ContainsFunc(was.Pictures, func(y Picture) bool { return y.File == x.File }) {
			images = append(images, x.File)
		}
	}
	if len(images) == 0 {
		return nil
	}
	_, err := s.Pictures.Use(ctx, tx, who.User, files.ForImage, images...)
	if errs.Is(err, errs.NotFound) {
		return errs.Field("pictures", "Choose one of your pictures.")
	}
	return err
}

// Move puts a block directly after another, or first for the zero id.
func (s *Service) Move(ctx context.Context, who storefronts.Who, block, after id.Block) error {
	if block == after {
		return nil
	}
	return s.change(ctx, who, block, "moved %s", func(tx *db.Tx, _ Block) error {
		pos, err := placeAfter(ctx, tx, who, after, block)
		if err != nil {
			return err
		}
		return updatePos(ctx, tx, who, block, pos)
	})
}

// MoveTo makes a block the n-th of the window, counted from 1; numbers beyond an end mean that end. It reports
// whether the block was elsewhere before, where it is now, and of how many.
func (s *Service) MoveTo(ctx context.Context, who storefronts.Who, block id.Block, n int) (moved bool, now, of int, err error) {
	return s.moveBy(ctx, who, block, func(int) int { return n })
}

// MoveBy moves a block up (negative) or down.
func (s *Service) MoveBy(ctx context.Context, who storefronts.Who, block id.Block, steps int) (moved bool, now, of int, err error) {
	return s.moveBy(ctx, who, block, func(at int) int { return at + steps })
}

func (s *Service) moveBy(ctx context.Context, who storefronts.Who, block id.Block, to func(at int) int) (moved bool, now, of int, err error) {
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		if _, err := s.Shops.Lock(ctx, tx, who); err != nil {
			return err
		}
		spots, err := listSpots(ctx, tx, who)
		if err != nil {
			return err
		}
		var live []id.Block
		at := 0
		for _, sp := range spots {
			if sp.Removed {
				continue
			}
			if live = append(live, sp.ID); sp.ID == block {
				at = len(live)
			}
		}
		if at == 0 {
			return errNoBlock
		}
		of = len(live)
		now = min(max(to(at), 1), of)
		if moved = now != at; !moved {
			return nil
		}
		var after id.Block
		if rest := append(live[:at-1:at-1], live[at:]...); now > 1 {
			after = rest[now-2]
		}
		return s.changeIn(ctx, tx, who, block, "moved %s", func(tx *db.Tx, _ Block) error {
			pos, err := placeAfter(ctx, tx, who, after, block)
			if err != nil {
				return err
			}
			return updatePos(ctx, tx, who, block, pos)
		})
	})
	return moved, now, of, err
}

// Duplicate puts a copy of a block after it. As with Add, the id is made by who asks.
func (s *Service) Duplicate(ctx context.Context, who storefronts.Who, block, fresh id.Block) (Block, error) {
	var out Block
	err := s.change(ctx, who, block, "copied %s", func(tx *db.Tx, b Block) error {
		if r, err := findBlock(ctx, tx, who, fresh); err == nil {
			out, err = r.block()
			return err
		}
		out = Block{ID: fresh, Kind: b.Kind, Props: b.Props, Hidden: b.Hidden, Hours: b.Hours, V: 1}
		return s.place(ctx, tx, who, out, block)
	})
	return out, err
}

// Hide keeps a block out of the public page, or shows it again.
func (s *Service) Hide(ctx context.Context, who storefronts.Who, block id.Block, hidden bool) error {
	verb := "showed %s"
	if hidden {
		verb = "hid %s"
	}
	return s.change(ctx, who, block, verb, func(tx *db.Tx, _ Block) error { return updateHidden(ctx, tx, who, block, hidden) })
}

// Schedule shows a block between two times; a zero time is no limit on that side.
func (s *Service) Schedule(ctx context.Context, who storefronts.Who, block id.Block, h Hours) error {
	if !h.From.IsZero() && !h.Until.IsZero() && !h.From.Before(h.Until) {
		return errs.Field("until", "The end must be after the beginning.")
	}
	return s.change(ctx, who, block, "scheduled %s", func(tx *db.Tx, _ Block) error { return updateHours(ctx, tx, who, block, h) })
}

// Remove takes a block out of the window. Removing it again changes nothing.
func (s *Service) Remove(ctx context.Context, who storefronts.Who, block id.Block) error {
	return s.remove(ctx, who, block, true)
}

// Restore brings a removed block back to its place.
func (s *Service) Restore(ctx context.Context, who storefronts.Who, block id.Block) error {
	return s.remove(ctx, who, block, false)
}

func (s *Service) remove(ctx context.Context, who storefronts.Who, block id.Block, removed bool) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		if _, err := s.Shops.Lock(ctx, tx, who); err != nil {
			return err
		}
		r, err := findBlock(ctx, tx, who, block)
		if err != nil || r.Removed == removed {
			return err
		}
		b, err := r.block()
		if err != nil {
			return err
		}
		st := step{verb: "removed %s", block: b, name: b.Props.Title}
		if !removed {
			st.verb = "brought back %s"
			all, headers, err := countBlocks(ctx, tx, who)
			if err != nil {
				return err
			}
			if err := room(r.Kind, all, headers); err != nil {
				return err
			}
		}
		_, err = s.take(ctx, tx, who, st, func() error { return updateRemoved(ctx, tx, who, block, removed) })
		return err
	})
}

// change runs f on a block that is in the window, as a step that can be undone.
func (s *Service) change(ctx context.Context, who storefronts.Who, block id.Block, verb string, f func(tx *db.Tx, b Block) error) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error { return s.changeIn(ctx, tx, who, block, verb, f) })
}

func (s *Service) changeIn(ctx context.Context, tx *db.Tx, who storefronts.Who, block id.Block, verb string, f func(tx *db.Tx, b Block) error) error {
	if _, err := s.Shops.Lock(ctx, tx, who); err != nil {
		return err
	}
	b, err := s.Block(ctx, tx, who, block)
	if err != nil {
		return err
	}
	_, err = s.take(ctx, tx, who, step{verb: verb, block: b, name: b.Props.Title}, func() error { return f(tx, b) })
	return err
}

// Dress changes the look of the draft.
func (s *Service) Dress(ctx context.Context, who storefronts.Who, l storefronts.Look) (storefronts.Shop, error) {
	var out storefronts.Shop
	err := s.DB.InTx(ctx, func(tx *db.Tx) (err error) {
		out, err = s.DressIn(ctx, tx, who, l)
		return err
	})
	return out, err
}

// DressIn is Dress within a transaction of the caller's.
func (s *Service) DressIn(ctx context.Context, tx *db.Tx, who storefronts.Who, l storefronts.Look) (storefronts.Shop, error) {
	return s.take(ctx, tx, who, step{verb: "changed the theme", same: "look", soon: typing}, func() error { return s.Shops.ApplyLook(ctx, tx, who, l) })
}
