package bundle

import (
	"context"
	"io"

	"vitrine/app/assist"
	"vitrine/app/builder"
	"vitrine/app/db"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/products"
	"vitrine/app/storefronts"
)

// Files keeps uploads.
type Files interface {
	ByIDs(ctx context.Context, q db.Q, ids []id.File) ([]files.File, error)
	Read(ctx context.Context, f files.File, from, length int64) (io.ReadCloser, error)
	Take(ctx context.Context, who id.User, p files.Purpose, name string, size int64, body io.ReadSeeker) (files.File, error)
	Get(ctx context.Context, who id.User, file id.File) (files.File, error)
	Use(ctx context.Context, tx *db.Tx, who id.User, p files.Purpose, ids ...id.File) ([]files.File, error)
	StoreSent(ctx context.Context, who id.User, p files.Purpose, x files.Sent) (files.File, error)
}

// Members is the people whom a shop may write to.
type Members interface {
	Members(ctx context.Context, q db.Q, who storefronts.Who) ([]Member, error)
	// AddMembers leaves those alone who are there already, and reports how many were new.
	AddMembers(ctx context.Context, tx *db.Tx, who storefronts.Who, ms []Member) (int, error)
}

// Service writes archives and reads them.
type Service struct {
	DB       *db.DB
	Shops    *storefronts.Service
	Window   *builder.Service
	Products *products.Service
	Files    Files
	Members  Members
	Photos   *assist.Photos
	Secret   string // of the instance: its signing key follows from it
}

// Who is a creator at work on a shop.
type Who = storefronts.Who

func goods(who Who, sh storefronts.Shop) products.Who {
	return products.Who{User: who.User, Shop: who.Shop, Currency: sh.Currency}
}
