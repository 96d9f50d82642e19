package products

import (
	"context"
	"fmt"
	"time"

	"vitrine/app/db"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/money"
)

// Picture is an image in its sizes.
type (
	Picture       = files.Picture
	PictureSource = files.PictureSource
)

// Offer is a product as shops and checkouts see it.
type Offer struct {
	ID        id.Product
	Shop      id.Shop
	Creator   id.User
	Name      string
	Slug      string
	Summary   string
	Price     money.Amount
	Active    bool // on sale, or it was and is sold out
	Cover     Picture
	SoldOut   bool
	Left      int // Unlimited, or how many copies can still be bought
	UpdatedAt time.Time
}

// Offers returns the products in the order asked for, on sale or not; what does not exist is left out.
func (s *Service) Offers(ctx context.Context, q db.Q, ids []id.Product) ([]Offer, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := listByID(ctx, q, ids)
	if err != nil {
		return nil, fmt.Errorf("read offers: %w", err)
	}
	all, err := s.offers(ctx, q, rows)
	if err != nil {
		return nil, err
	}
	at := map[id.Product]Offer{}
	for _, o := range all {
		at[o.ID] = o
	}
	out := make([]Offer, 0, len(all))
	for _, i := range ids {
		if o, ok := at[i]; ok {
			out = append(out, o)
		}
	}
	return out, nil
}

// Prices returns what a checkout needs of products: whose they are, what they cost, whether they are on sale. It
// is one query; pictures, files and stock are left empty.
func (s *Service) Prices(ctx context.Context, q db.Q, ids []id.Product) ([]Offer, error) {
	rows, err := listByID(ctx, q, ids)
	if err != nil {
		return nil, fmt.Errorf("read prices: %w", err)
	}
	out := make([]Offer, len(rows))
	for i, r := range rows {
		out[i] = Offer{ID: r.ID, Shop: r.Shop, Creator: r.Creator, Name: r.Name, Slug: r.Slug, Price: r.price(), Active: r.Active && r.ArchivedAt == nil, Left: Unlimited}
	}
	return out, nil
}

// OffersOfShop returns what a shop sells, newest first.
func (s *Service) OffersOfShop(ctx context.Context, q db.Q, shop id.Shop) ([]Offer, error) {
	rows, err := listActive(ctx, q, shop)
	if err != nil {
		return nil, fmt.Errorf("read offers of shop %s: %w", shop, err)
	}
	return s.offers(ctx, q, rows)
}

// offers completes rows with what a page shows of them: their covers, and what is left.
func (s *Service) offers(ctx context.Context, q db.Q, rows []row) ([]Offer, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	ids, covers := make([]id.Product, len(rows)), make([]id.File, 0, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
		if !r.Cover.IsZero() {
			covers = append(covers, r.Cover)
		}
	}
	pics, err := s.Files.Pictures(ctx, q, covers)
	if err != nil {
		return nil, err
	}
	left, err := s.Stock.Left(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	out := make([]Offer, len(rows))
	for i, r := range rows {
		o := Offer{ID: r.ID, Shop: r.Shop, Creator: r.Creator, Name: r.Name, Slug: r.Slug, Summary: r.Summary, Price: r.price(),
			Active: r.Active && r.ArchivedAt == nil, Cover: pics[r.Cover], Left: Unlimited, UpdatedAt: r.UpdatedAt}
		if n, ok := left[r.ID]; ok {
			o.Left = n
		}
		o.Cover.Alt, o.SoldOut = r.CoverAlt, o.Left == 0
		out[i] = o
	}
	return out, nil
}

func ready(fs []files.File) []files.File {
	var out []files.File
	for _, f := range fs {
		if f.Status == files.Ready {
			out = append(out, f)
		}
	}
	return out
}

// FilesOf returns the files that a buyer of today gets, in the creator's order.
func (s *Service) FilesOf(ctx context.Context, q db.Q, product id.Product) ([]files.File, error) {
	return s.FilesAt(ctx, q, product, s.DB.Now())
}

// FilesAt returns the files that a buyer of that time may have: those there are now, and those taken off since.
func (s *Service) FilesAt(ctx context.Context, q db.Q, product id.Product, at time.Time) ([]files.File, error) {
	ids, err := listFilesSince(ctx, q, product, at)
	if err != nil {
		return nil, fmt.Errorf("read files of product %s: %w", product, err)
	}
	fs, err := s.Files.ByIDs(ctx, q, ids)
	return ready(fs), err
}

// PublicPath is a page that search engines should know.
type PublicPath struct {
	Shop      id.Shop   `db:"shop_id"`
	Slug      string    `db:"slug"`
	Cover     id.File   `db:"cover_id"` // zero: none
	UpdatedAt time.Time `db:"updated_at"`
}

// PublicPaths lists the product pages of the shops, ordered by shop.
func (s *Service) PublicPaths(ctx context.Context, q db.Q, shops []id.Shop) ([]PublicPath, error) {
	ps, err := listPaths(ctx, q, shops)
	if err != nil {
		return nil, fmt.Errorf("list product pages: %w", err)
	}
	return ps, nil
}

// Quote is what a creator gets of a price.
type Quote struct{ Price, Fee, Net money.Amount }

// Quote reads a price as it was typed and asks the one fee function.
func (s *Service) Quote(ctx context.Context, c money.Currency, price string) (Quote, error) {
	a, err := quotable(price, c)
	if err != nil {
		return Quote{}, err
	}
	f, err := s.Fees.For(ctx, s.DB, a, s.DB.Now())
	if err != nil {
		return Quote{}, err
	}
	return Quote{a, f.Platform, f.Net}, nil
}
