package orders

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/storage"
)

// Limits of downloading.
const (
	LinkLife  = 10 * time.Minute
	DailyCap  = 25 // downloads of one file of one order within a day, UTC
	headLimit = 5 * time.Second
)

// Delivery hands out what was bought.
type Delivery struct {
	Orders *Service
	Links  Links
	Bucket Bucket
	// Files are those of a product that whoever bought it at that time may have, in the creator's order.
	Files func(ctx context.Context, q db.Q, product id.Product, at time.Time) ([]files.File, error)
}

// Links makes addresses that download a file for a while.
type Links interface {
	Link(ctx context.Context, f files.File, ttl time.Duration) (string, error)
}

// Bucket says whether an object is there.
type Bucket interface {
	Head(ctx context.Context, key string) (storage.Object, error)
}

// Download is one file of an order as its buyer sees it.
type Download struct {
	File    files.File
	Grant   id.Grant
	Product id.Product
	Item    string // name of what was bought
	Revoked bool
	Count   int // how often it was fetched
	Today   int
	LastAt  time.Time // zero: never
}

// Left is how often the file may still be fetched today.
func (d Download) Left() int { return max(0, DailyCap-d.Today) }

var (
	errNoFile    = errs.New(errs.NotFound, "This order has no such file.")
	errUnpaid    = errs.New(errs.Conflict, "This order is not paid yet. Its files come as soon as it is.")
	errRevoked   = errs.New(errs.Gone, "This order was refunded, so its files can no longer be downloaded.")
	errCapped    = errs.New(errs.TooMany, "This file was downloaded %d times today, which is the limit. Please come back tomorrow.", DailyCap)
	errReviewing = errs.New(errs.Conflict, "This order is being checked, so its files are not open yet. We write to you as soon as that is done.")
	errReplacing = errs.New(errs.Unavailable, "The seller is replacing this file. Please try again later.")
	errAway      = errs.New(errs.Unavailable, "Our file store does not answer at the moment. Your purchase is safe; please try again in a few minutes.")
)

// Downloads lists the files of an order; empty until it is paid.
func (d *Delivery) Downloads(ctx context.Context, o Order) ([]Download, error) {
	q := d.Orders.DB
	grants, err := d.Orders.Entitlements(ctx, q, o.ID)
	if err != nil || len(grants) == 0 {
		return nil, err
	}
	counts, err := countsOf(ctx, q, o.ID)
	if err != nil {
		return nil, fmt.Errorf("count downloads of %s: %w", o.ID, err)
	}
	var out []Download
	for _, g := range grants {
		fs, err := d.Files(ctx, q, g.Product, o.PaidAt)
		if err != nil {
			return nil, fmt.Errorf("files of %s: %w", g.Product, err)
		}
		for _, f := range fs {
			n := counts[countKey{g.ID, f.ID}]
			today := n.DayCount
			if n.Day.Before(day(q.Now())) {
				today = 0
			}
			out = append(out, Download{File: f, Grant: g.ID, Product: g.Product, Item: g.Name, Revoked: g.Revoked, Count: n.Count, Today: today, LastAt: n.LastAt})
		}
	}
	return out, nil
}

// Open checks that the order behind token may have the file, counts the download, and returns an address that
// works for LinkLife.
func (d *Delivery) Open(ctx context.Context, token string, file id.File) (string, error) {
	o, err := d.Orders.ByToken(ctx, token)
	if err != nil {
		return "", err
	}
	if !o.Status.Sold() {
		return "", errUnpaid
	}
	if o.Review.Stopped() && guardReview {
		return "", errReviewing
	}
	dl, err := d.choose(ctx, o, file)
	if err != nil {
		return "", err
	}
	if err := d.stored(ctx, dl.File); err != nil {
		return "", err
	}
	if err := d.take(ctx, dl); err != nil {
		return "", err
	}
	url, err := d.Links.Link(ctx, dl.File, LinkLife)
	if err != nil && errs.KindOf(err) == errs.Internal {
		return "", errs.Wrap(errs.Unavailable, err, errAway.Message)
	}
	return url, err
}

// choose finds the grant that gives the file; one that was not taken back before one that was.
func (d *Delivery) choose(ctx context.Context, o Order, file id.File) (Download, error) {
	all, err := d.Downloads(ctx, o)
	if err != nil {
		return Download{}, err
	}
	revoked := false
	for _, dl := range all {
		if dl.File.ID != file {
			continue
		}
		if dl.Revoked && guardRevoked {
			revoked = true
			continue
		}
		return dl, nil
	}
	if revoked {
		return Download{}, errRevoked
	}
	return Download{}, errNoFile
}

// stored asks the bucket before the download is counted: a link to nothing would be a bad surprise.
func (d *Delivery) stored(ctx context.Context, f files.File) error {
	ctx, cancel := context.WithTimeout(ctx, headLimit)
	defer cancel()
	_, err := d.Bucket.Head(ctx, f.Key)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, storage.ErrNotFound):
		slog.ErrorContext(ctx, "a sold file is not in the bucket", "file", f.ID)
		return errReplacing
	}
	return errs.Wrap(errs.Unavailable, err, errAway.Message)
}

// take counts one download, if the grant stands and the day's count allows it. One statement decides.
func (d *Delivery) take(ctx context.Context, dl Download) error {
	return d.Orders.DB.InTx(ctx, func(tx *db.Tx) error {
		n, err := countDownload(ctx, tx, dl.Grant, dl.File.ID)
		if err != nil {
			return fmt.Errorf("count download of %s: %w", dl.File.ID, err)
		}
		if n == 1 {
			return nil
		}
		stands, err := grantStands(ctx, tx, dl.Grant)
		if err != nil {
			return err
		}
		if !stands {
			return errRevoked
		}
		return errCapped
	})
}

func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

type countKey struct {
	grant id.Grant
	file  id.File
}

type countRow struct {
	Grant    id.Grant  `db:"entitlement_id"`
	File     id.File   `db:"file_id"`
	Count    int       `db:"count"`
	Day      time.Time `db:"day"`
	DayCount int       `db:"day_count"`
	LastAt   time.Time `db:"last_at"`
}

func countsOf(ctx context.Context, q db.Q, o id.Order) (map[countKey]countRow, error) {
	var rows []countRow
	err := q.Select(ctx, &rows, `
		SELECT d.entitlement_id, d.file_id, d.count, d.day, d.day_count, d.last_at
		FROM downloads d
		JOIN entitlements e ON e.id = d.entitlement_id
		WHERE e.order_id = $1`, o)
	out := make(map[countKey]countRow, len(rows))
	for _, r := range rows {
		out[countKey{r.Grant, r.File}] = r
	}
	return out, err
}

// countDownload holds the grant's row, so that a refund at the same moment waits or wins. A clock that was
// set back does not open a new day.
func countDownload(ctx context.Context, tx *db.Tx, g id.Grant, f id.File) (int64, error) {
	return tx.Exec(ctx, `
		INSERT INTO downloads (entitlement_id, file_id, creator_id, count, day, day_count, last_at)
		SELECT e.id, $2, e.creator_id, 1, $3, 1, $4
		FROM entitlements e
		WHERE e.id = $1 AND (e.revoked_at IS NULL OR NOT $6)
			AND (NOT $7 OR EXISTS (SELECT 1 FROM orders o WHERE o.id = e.order_id AND o.review IN ('', 'approved')))
		FOR SHARE OF e
		ON CONFLICT ON CONSTRAINT downloads_pkey DO UPDATE SET
			count = downloads.count + 1,
			day = GREATEST(downloads.day, EXCLUDED.day),
			day_count = CASE WHEN downloads.day < EXCLUDED.day THEN 1 ELSE downloads.day_count + 1 END,
			last_at = EXCLUDED.last_at
		WHERE downloads.day < EXCLUDED.day OR downloads.day_count < $5`,
		g, f, day(tx.Now), tx.Now, DailyCap, guardRevoked, guardReview)
}

func grantStands(ctx context.Context, q db.Q, g id.Grant) (ok bool, err error) {
	err = q.Get(ctx, &ok, `SELECT EXISTS (SELECT 1 FROM entitlements WHERE id = $1 AND revoked_at IS NULL)`, g)
	return ok, err
}
