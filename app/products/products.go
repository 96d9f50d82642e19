// Package products is what shops sell. For now that is digital products: files that are downloaded.
package products

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/event"
	"vitrine/app/fees"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/money"
)

// Changed is the event that something visible of a shop's products has changed; its subject is the shop.
const Changed = "products.changed"

// Who is a creator at work on a shop. Every query names both.
type Who struct {
	User     id.User
	Shop     id.Shop
	Currency money.Currency
}

// Stock counts limited copies. Left names the limited products alone.
type Stock interface {
	Set(ctx context.Context, tx *db.Tx, product id.Product, shop id.Shop, creator id.User, n *int) error
	Left(ctx context.Context, q db.Q, products []id.Product) (map[id.Product]int, error)
}

// Product is one product as its creator sees it.
type Product struct {
	ID          id.Product
	Shop        id.Shop
	Slug        string
	Name        string
	Summary     string
	Description string // Markdown, as typed
	Price       money.Amount
	CoverID     id.File
	CoverAlt    string
	Cover       files.Picture
	CoverFile   files.File
	Files       []files.File
	Left        int // Unlimited, or how many copies can still be bought
	Active      bool
	Archived    bool
	Version     int
	UpdatedAt   time.Time
}

// Unlimited is Left of a product that never sells out.
const Unlimited = -1

// MaxFiles is how many files a product holds.
const MaxFiles = 50

// Service is the way in. Stock is filled by who wires the features.
type Service struct {
	DB    *db.DB
	Files *files.Service
	Fees  *fees.Service
	Stock Stock
}

// New makes the service and asks files to tell when something that a product shows or sells is ready.
func New(d *db.DB, f *files.Service, fee *fees.Service, stock Stock) *Service {
	s := &Service{DB: d, Files: f, Fees: fee, Stock: stock}
	f.OnReady(s.fileReady)
	return s
}

var (
	errNotFound = errs.New(errs.NotFound, "This product does not exist, or it is not yours.")
	errArchived = errs.New(errs.Conflict, "This product is archived. Bring it back before you change it.")
)

// Stale says that a product was changed elsewhere since the form was opened. Theirs is how it is now.
type Stale struct {
	Theirs Product
	error
}

func (e *Stale) Unwrap() error { return e.error }

// Create makes a product of what a person typed. Without an address of its own it gets one from its name.
func (s *Service) Create(ctx context.Context, who Who, in Input) (Product, error) {
	if !who.Currency.Valid() {
		return Product{}, fmt.Errorf("make a product in shop %s: %q is no currency", who.Shop, who.Currency)
	}
	v, err := in.read(who.Currency)
	if err != nil {
		return Product{}, err
	}
	p := row{ID: id.New[id.ProductKind](), Shop: who.Shop, Creator: who.User, Version: 1}
	v.fill(&p)
	for try := 0; ; try++ {
		if in.Slug == "" {
			p.Slug = suggest(v.name, try)
		}
		err := s.DB.InTx(ctx, func(tx *db.Tx) error {
			if err := s.setCover(ctx, tx, who, v.cover, id.File{}); err != nil {
				return err
			}
			if err := insert(ctx, tx, p); err != nil {
				return err
			}
			return s.attach(ctx, tx, who, p, v, Unlimited)
		})
		if err == nil {
			return s.Get(ctx, who, p.ID)
		}
		if in.Slug != "" || try == 8 || !db.Violates(err, "products_slug_unique") {
			return Product{}, named(err)
		}
	}
}

// Save changes a product of which the form showed version. If it was changed elsewhere since, nothing is
// written and the error is *Stale.
func (s *Service) Save(ctx context.Context, who Who, product id.Product, version int, in Input) (Product, error) {
	now, err := s.find(ctx, s.DB, who, product)
	if err != nil {
		return Product{}, err
	}
	v, err := in.read(money.Currency(now.Currency))
	if err != nil {
		return Product{}, err
	}
	p := row{ID: product, Shop: who.Shop, Creator: who.User, Slug: now.Slug, Version: version}
	v.fill(&p)
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		if err := s.setCover(ctx, tx, who, v.cover, now.Cover); err != nil {
			return err
		}
		saved, err := update(ctx, tx, p)
		if err != nil {
			return err
		}
		if !saved {
			return s.whyNot(ctx, tx, who, product)
		}
		if err := moveSlug(ctx, tx, p, now.Slug); err != nil {
			return err
		}
		return s.attach(ctx, tx, who, p, v, v.leftWas)
	})
	if err != nil {
		return Product{}, named(err)
	}
	return s.Get(ctx, who, product)
}

// whyNot explains an update that found no row.
func (s *Service) whyNot(ctx context.Context, q db.Q, who Who, product id.Product) error {
	p, err := s.get(ctx, q, who, product)
	switch {
	case err != nil:
		return err
	case p.Archived:
		return errArchived
	}
	return &Stale{p, errs.New(errs.Conflict, "This product was changed elsewhere since you opened it.")}
}

// attach puts files and stock where they belong and checks whether the product can be sold as it is.
func (s *Service) attach(ctx context.Context, tx *db.Tx, who Who, p row, v values, leftWas int) error {
	if err := s.setFiles(ctx, tx, who, p.ID, v.files); err != nil {
		return err
	}
	if p.Active {
		if err := s.canSell(ctx, tx, v.files); err != nil {
			return err
		}
	}
	if err := s.setStock(ctx, tx, who, p.ID, v.left, leftWas); err != nil {
		return err
	}
	return event.Emit(ctx, tx, Changed, who.Shop.String())
}

func (s *Service) setCover(ctx context.Context, tx *db.Tx, who Who, want, was id.File) error {
	if want.IsZero() || want == was {
		return nil
	}
	_, err := s.Files.Use(ctx, tx, who.User, files.ForImage, want)
	if errs.Is(err, errs.NotFound) {
		return errs.Field("cover", "This picture cannot be used. Please choose another one.")
	}
	return err
}

// setFiles makes the list of files what it should be. What is taken off the list is kept for those who have
// bought it.
func (s *Service) setFiles(ctx context.Context, tx *db.Tx, who Who, product id.Product, want []id.File) error {
	have, err := listFiles(ctx, tx, []id.Product{product})
	if err != nil {
		return fmt.Errorf("read files of product %s: %w", product, err)
	}
	known := map[id.File]bool{}
	for _, f := range have {
		known[f.File] = true
		if !slices.Contains(want, f.File) {
			if err := removeFile(ctx, tx, product, f.File); err != nil {
				return fmt.Errorf("remove file of product %s: %w", product, err)
			}
		}
	}
	for pos, f := range want {
		if !known[f] {
			_, err := s.Files.Use(ctx, tx, who.User, files.ForProduct, f)
			if errs.Is(err, errs.NotFound) {
				return errs.Field("files", "One of the files is gone. Please choose it again.")
			}
			if err != nil {
				return err
			}
		}
		if err := putFile(ctx, tx, product, f, who.User, pos); err != nil {
			return fmt.Errorf("add file to product %s: %w", product, err)
		}
	}
	return nil
}

func (s *Service) canSell(ctx context.Context, tx *db.Tx, want []id.File) error {
	fs, err := s.Files.ByIDs(ctx, tx, want)
	if err != nil {
		return err
	}
	waiting := false
	for _, f := range fs {
		switch f.Status {
		case files.Ready:
			return nil
		case files.Uploading, files.Checking:
			waiting = true
		}
	}
	if waiting {
		return errs.Field("files", "The file is still on its way. Save this as a draft, or wait until it says Ready.")
	}
	return errs.Field("files", "Add the file that buyers will download. Without one this can only be a draft.")
}

// setStock touches the number only if the person did: copies may be sold while the form is open.
func (s *Service) setStock(ctx context.Context, tx *db.Tx, who Who, product id.Product, want, was int) error {
	if want == was {
		return nil
	}
	left, err := s.left(ctx, tx, product)
	if err != nil {
		return err
	}
	if left == want {
		return nil
	}
	if left != was {
		return errs.Field("left", "Copies were sold while this form was open: %d are left now. Check the number and save again.", max(left, 0))
	}
	var n *int
	if want != Unlimited {
		n = &want
	}
	return s.Stock.Set(ctx, tx, product, who.Shop, who.User, n)
}

func (s *Service) left(ctx context.Context, q db.Q, product id.Product) (int, error) {
	m, err := s.Stock.Left(ctx, q, []id.Product{product})
	if err != nil {
		return 0, err
	}
	if n, ok := m[product]; ok {
		return n, nil
	}
	return Unlimited, nil
}

// named turns a broken constraint into a sentence beside its field.
func named(err error) error {
	if db.Violates(err, "products_slug_unique") {
		return errs.Field("slug", "Another product of yours has this address already.")
	}
	return err
}

// Archive takes a product out of the shop and the list for good, or until Restore. Those who bought it keep it.
func (s *Service) Archive(ctx context.Context, who Who, product id.Product) error {
	return s.setArchived(ctx, who, product, true)
}

// Restore brings an archived product back as a draft.
func (s *Service) Restore(ctx context.Context, who Who, product id.Product) error {
	return s.setArchived(ctx, who, product, false)
}

func (s *Service) setArchived(ctx context.Context, who Who, product id.Product, archived bool) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error { return s.SetArchived(ctx, tx, who, product, archived) })
}

// SetArchived is Archive and Restore within a transaction of the caller's.
func (s *Service) SetArchived(ctx context.Context, tx *db.Tx, who Who, product id.Product, archived bool) error {
	changed, err := updateArchived(ctx, tx, who, product, archived)
	if err != nil {
		return fmt.Errorf("archive product %s: %w", product, err)
	}
	if !changed { // it is so already, or it is not theirs
		_, err := s.find(ctx, tx, who, product)
		return err
	}
	return event.Emit(ctx, tx, Changed, who.Shop.String())
}

// Recurrency moves a shop without sales to another currency: prices keep their numbers as written. A price that
// is too small in the new currency takes its product off sale.
func (s *Service) Recurrency(ctx context.Context, tx *db.Tx, shop id.Shop, from, to money.Currency) error {
	if err := updateCurrency(ctx, tx, shop, from, to); err != nil {
		return fmt.Errorf("change currency of products of %s: %w", shop, err)
	}
	return event.Emit(ctx, tx, Changed, shop.String())
}

// fileReady lets the pages be drawn anew that show or sell the file.
func (s *Service) fileReady(ctx context.Context, tx *db.Tx, f files.File) error {
	shops, err := listShopsOfFile(ctx, tx, f.ID)
	if err != nil {
		return fmt.Errorf("find products of file %s: %w", f.ID, err)
	}
	for _, sh := range shops {
		if err := event.Emit(ctx, tx, Changed, sh.String()); err != nil {
			return err
		}
	}
	return nil
}

// Get returns a product of the creator with all that its form shows.
func (s *Service) Get(ctx context.Context, who Who, product id.Product) (Product, error) {
	return s.get(ctx, s.DB, who, product)
}

func (s *Service) get(ctx context.Context, q db.Q, who Who, product id.Product) (Product, error) {
	r, err := s.find(ctx, q, who, product)
	if err != nil {
		return Product{}, err
	}
	all, err := s.complete(ctx, q, []row{r})
	if err != nil {
		return Product{}, err
	}
	return all[0], nil
}

func (s *Service) find(ctx context.Context, q db.Q, who Who, product id.Product) (row, error) {
	r, err := find(ctx, q, who, product)
	if db.None(err) {
		return r, errNotFound
	}
	return r, err
}

// PageSize is how many products a page of the list shows.
const PageSize = 50

// List returns a page of the shop's products, newest first, those before the given one; more says that there
// are others after it.
func (s *Service) List(ctx context.Context, who Who, archived bool, before id.Product) (ps []Product, more bool, err error) {
	rows, err := list(ctx, s.DB, who, archived, before, PageSize+1)
	if err != nil {
		return nil, false, fmt.Errorf("list products: %w", err)
	}
	if more = len(rows) > PageSize; more {
		rows = rows[:PageSize]
	}
	ps, err = s.complete(ctx, s.DB, rows)
	return ps, more, err
}

// complete reads covers, files and stock of all rows at once.
func (s *Service) complete(ctx context.Context, q db.Q, rows []row) ([]Product, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	ids, covers := make([]id.Product, len(rows)), []id.File{}
	for i, r := range rows {
		ids[i] = r.ID
		if !r.Cover.IsZero() {
			covers = append(covers, r.Cover)
		}
	}
	attached, err := listFiles(ctx, q, ids)
	if err != nil {
		return nil, fmt.Errorf("read files of products: %w", err)
	}
	wanted := slices.Clone(covers)
	for _, a := range attached {
		wanted = append(wanted, a.File)
	}
	all, err := s.Files.ByIDs(ctx, q, wanted)
	if err != nil {
		return nil, err
	}
	byID := map[id.File]files.File{}
	for _, f := range all {
		byID[f.ID] = f
	}
	pics, err := s.Files.Pictures(ctx, q, covers)
	if err != nil {
		return nil, err
	}
	left, err := s.Stock.Left(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	out := make([]Product, len(rows))
	at := map[id.Product]*Product{}
	for i, r := range rows {
		out[i] = r.product()
		p := &out[i]
		at[r.ID] = p
		p.Cover, p.CoverFile = pics[r.Cover], byID[r.Cover]
		p.Cover.Alt = r.CoverAlt
		if n, ok := left[r.ID]; ok {
			p.Left = n
		}
	}
	for _, a := range attached {
		if f, ok := byID[a.File]; ok {
			at[a.Product].Files = append(at[a.Product].Files, f)
		}
	}
	return out, nil
}

// IsStale reports whether err is *Stale, and how the product is now.
func IsStale(err error) (Product, bool) {
	var e *Stale
	if errors.As(err, &e) {
		return e.Theirs, true
	}
	return Product{}, false
}
