// Package storefronts is shops: their names and addresses, their look, their money, and which version of their
// page is shown.
package storefronts

import (
	"context"
	"fmt"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/event"
	"vitrine/app/id"
	"vitrine/app/money"
)

// Published is the event that something of a shop's public face has changed; its subject is the shop.
const Published = "shops.published"

// Gone is the event that a shop's pages are for nobody any more, beside Published: not even in place of what cannot
// be drawn.
const Gone = "shops.gone"

// Who is a creator at work on a shop. Every query names both.
type Who struct {
	User id.User
	Shop id.Shop
}

// Shop is a creator's shop. Its look, from Theme to CSS, is the draft's: what visitors see is in the published
// version.
type Shop struct {
	ID               id.Shop
	Creator          id.User
	Name, Slug       string
	Domain           string // where it is shown; empty: at its slug on the shop host
	Theme            string
	BrandColor       string
	HeaderStyle      string
	Lettering        string
	Spacing          string
	Background       string
	CSS              string
	Currency         money.Currency
	Closed           bool
	ClosedAt         time.Time
	ClosedReason     string
	Published        bool
	PublishedVersion id.Version
	PublishedAt      time.Time
	Seq              int64 // counts the changes of the draft
	Deleted          bool
	DeletedAt        time.Time
}

// Service keeps shops.
type Service struct {
	DB      *db.DB
	ShopURL string

	// Furnish gives a new shop its first blocks; filled by the builder.
	Furnish func(ctx context.Context, tx *db.Tx, s Shop) error
	// HasSales reports whether the shop has sold anything; filled by orders.
	HasSales func(ctx context.Context, q db.Q, shop id.Shop) (bool, error)
	// Recurrency is told that a shop without sales sells in another currency now; filled by products.
	Recurrency []func(ctx context.Context, tx *db.Tx, shop id.Shop, from, to money.Currency) error
}

// New makes the service; the ports are filled by who wires the features.
func New(d *db.DB, shopURL string) *Service {
	return &Service{DB: d, ShopURL: shopURL,
		Furnish:  func(context.Context, *db.Tx, Shop) error { return nil },
		HasSales: func(context.Context, db.Q, id.Shop) (bool, error) { return false, nil },
	}
}

// NewShop is the form of /start. Key names the wish of a program to open one, so that asking twice opens one.
type NewShop struct{ Name, Slug, Currency, Key string }

// MaxShops is how many shops a creator has at a time.
const MaxShops = 10

// Create opens the creator's first shop. If they have one, it is a conflict.
func (s *Service) Create(ctx context.Context, user id.User, in NewShop) (Shop, error) {
	return s.create(ctx, user, in, 1, errs.New(errs.Conflict, "You already have a shop."))
}

// Another opens one more shop.
func (s *Service) Another(ctx context.Context, user id.User, in NewShop) (Shop, error) {
	return s.create(ctx, user, in, MaxShops, errs.New(errs.Conflict, "You have %d shops. Delete one before you open another.", MaxShops))
}

func (s *Service) create(ctx context.Context, user id.User, in NewShop, limit int, full error) (Shop, error) {
	in.Name, in.Slug = Line(in.Name), CleanSlug(in.Slug)
	if in.Slug == "" {
		in.Slug = Suggest(in.Name)
	}
	var f errs.Form
	checkName(&f, in.Name)
	checkSlug(&f, in.Slug)
	if !money.Currency(in.Currency).Valid() {
		f.Add("currency", "Choose a currency from the list.")
	}
	if len(in.Key) > 200 {
		f.Add("idempotency_key", "Send an Idempotency-Key of 1 to 200 characters.")
	}
	if err := f.Err(); err != nil {
		return Shop{}, err
	}
	sh := id.New[id.ShopKind]()
	var out Shop
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		if in.Key != "" {
			if err := lockCreator(ctx, tx, user); err != nil {
				return err
			}
			have, err := findKeyed(ctx, tx, user, in.Key)
			if !errs.Is(err, errs.NotFound) {
				out = have
				return err
			}
		}
		if err := s.free(ctx, tx, in.Slug); err != nil {
			return err
		}
		n, err := insertShop(ctx, tx, sh, user, in, limit)
		if err != nil {
			return err
		}
		if n == 0 {
			return full
		}
		if err := refuseFormer(ctx, tx, in.Slug, sh); err != nil {
			return err
		}
		if out, err = find(ctx, tx, sh); err != nil {
			return err
		}
		return s.Furnish(ctx, tx, out)
	})
	if err := slugTaken(err); err != nil {
		return Shop{}, err
	}
	return out, nil
}

// slugTaken turns the broken constraint into a field's message.
func slugTaken(err error) error {
	if db.Violates(err, "shops_slug_unique") {
		return errs.Field("slug", "This address is taken. Please choose another one.")
	}
	return err
}

// ByID finds a shop.
func (s *Service) ByID(ctx context.Context, q db.Q, shop id.Shop) (Shop, error) {
	return find(ctx, q, shop)
}

// BySlug finds a shop by its present address. Moved tells the present address of one that has another now.
func (s *Service) BySlug(ctx context.Context, slug string) (Shop, error) {
	return findBySlug(ctx, s.DB, slug)
}

// Moved is the present slug of the shop that once had this one; errs.NotFound when there is none.
func (s *Service) Moved(ctx context.Context, slug string) (string, error) {
	return findMoved(ctx, s.DB, slug)
}

// FirstOf is the chosen shop if it is the creator's own, and otherwise their first.
func (s *Service) FirstOf(ctx context.Context, user id.User, chosen id.Shop) (Shop, error) {
	return findFirst(ctx, s.DB, user, chosen)
}

// Mine finds the shop that who works on.
func (s *Service) Mine(ctx context.Context, q db.Q, who Who) (Shop, error) {
	return findMine(ctx, q, who)
}

// Touch counts a change of the draft and locks the shop's row until the transaction ends, so that all
// changes of one shop happen one after another.
func (s *Service) Touch(ctx context.Context, tx *db.Tx, who Who) (Shop, error) {
	return touch(ctx, tx, who)
}

// Lock is Touch without counting a change.
func (s *Service) Lock(ctx context.Context, tx *db.Tx, who Who) (Shop, error) {
	return lock(ctx, tx, who)
}

// Rename changes name and address. The old address keeps leading to the shop.
func (s *Service) Rename(ctx context.Context, who Who, name, slug string) (Shop, error) {
	var out Shop
	err := s.DB.InTx(ctx, func(tx *db.Tx) (err error) {
		out, err = s.rename(ctx, tx, who, name, slug)
		return err
	})
	return out, slugTaken(err)
}

func (s *Service) rename(ctx context.Context, tx *db.Tx, who Who, name, slug string) (Shop, error) {
	name, slug = Line(name), CleanSlug(slug)
	var f errs.Form
	checkName(&f, name)
	checkSlug(&f, slug)
	if err := f.Err(); err != nil {
		return Shop{}, err
	}
	if err := s.free(ctx, tx, slug); err != nil {
		return Shop{}, err
	}
	sh, err := lock(ctx, tx, who)
	if err != nil || sh.Name == name && sh.Slug == slug {
		return sh, err
	}
	if err := updateName(ctx, tx, who, name, slug); err != nil {
		return sh, err
	}
	if sh.Slug != slug {
		if err := refuseFormer(ctx, tx, slug, who.Shop); err != nil {
			return sh, err
		}
		if err := moveSlug(ctx, tx, who.Shop, sh.Slug, slug); err != nil {
			return sh, err
		}
	}
	sh.Name, sh.Slug = name, slug
	return sh, event.Emit(ctx, tx, Published, who.Shop.String())
}

// SetCurrency changes what the shop sells in. After the first sale it stays as it is.
func (s *Service) SetCurrency(ctx context.Context, who Who, code string) (Shop, error) {
	var out Shop
	err := s.DB.InTx(ctx, func(tx *db.Tx) (err error) {
		out, err = s.setCurrency(ctx, tx, who, code)
		return err
	})
	return out, err
}

func (s *Service) setCurrency(ctx context.Context, tx *db.Tx, who Who, code string) (Shop, error) {
	cur := money.Currency(code)
	if !cur.Valid() {
		return Shop{}, errs.Field("currency", "Choose a currency from the list.")
	}
	sh, err := lock(ctx, tx, who)
	if err != nil || sh.Currency == cur {
		return sh, err
	}
	sold, err := s.HasSales(ctx, tx, who.Shop)
	if err != nil {
		return sh, err
	}
	if sold {
		return sh, errs.Field("currency", "The currency is fixed after the first sale.")
	}
	if err := updateCurrency(ctx, tx, who, cur); err != nil {
		return sh, err
	}
	for _, tell := range s.Recurrency {
		if err := tell(ctx, tx, who.Shop, sh.Currency, cur); err != nil {
			return sh, err
		}
	}
	sh.Currency = cur
	return sh, event.Emit(ctx, tx, Published, who.Shop.String())
}

// Close shows visitors the reason in place of the window, and stops sales. Reopen undoes it.
func (s *Service) Close(ctx context.Context, who Who, reason string) (Shop, error) {
	reason = Line(reason)
	if runes(reason) > 200 {
		return Shop{}, errs.Field("reason", "Please use at most %d characters.", 200)
	}
	return s.openness(ctx, who, true, reason)
}

// Reopen opens a closed shop.
func (s *Service) Reopen(ctx context.Context, who Who) (Shop, error) {
	return s.openness(ctx, who, false, "")
}

func (s *Service) openness(ctx context.Context, who Who, closed bool, reason string) (Shop, error) {
	var out Shop
	err := s.DB.InTx(ctx, func(tx *db.Tx) (err error) {
		if err := updateClosed(ctx, tx, who, closed, reason); err != nil {
			return err
		}
		if out, err = findMine(ctx, tx, who); err != nil {
			return err
		}
		if closed {
			return gone(ctx, tx, who.Shop)
		}
		return event.Emit(ctx, tx, Published, who.Shop.String())
	})
	if err := opening(err); err != nil {
		return Shop{}, fmt.Errorf("open or close shop %s: %w", who.Shop, err)
	}
	return out, nil
}
