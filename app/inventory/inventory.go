// Package inventory counts limited stock. A product without a row in stock is unlimited.
//
// Copies are set aside first, in a short transaction of their own, so that a hot product's row is never
// locked while a whole order is written or a provider is asked. What is set aside ends as sold or released.
package inventory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/event"
	"vitrine/app/failpoint"
	"vitrine/app/id"
)

// EventChanged is heard with the product's id when its number has changed.
const EventChanged = "inventory.changed"

// Failpoints are the places where the kill tests let a process die.
var Failpoints = []string{
	"inventory.reserve.before_commit", "inventory.reserve.after_commit",
}

// Line asks for copies of one product.
type Line struct {
	Product  id.Product
	Quantity int
}

// Service is the way in.
type Service struct{ DB *db.DB }

// Reserve sets copies aside for a checkout, all or none; what the checkout has already is not taken twice.
// errs.Conflict says that too few are left. It returns how many kinds of limited products are held.
func (s *Service) Reserve(ctx context.Context, checkout id.Checkout, lines []Line, until time.Time) (held int, err error) {
	lines, err = sum(lines)
	if err != nil {
		return 0, err
	}
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		held = 0
		for _, l := range lines {
			limited, err := s.take(ctx, tx, checkout, l, until)
			if err != nil {
				return err
			}
			if limited {
				held++
			}
		}
		failpoint.Hit("inventory.reserve.before_commit")
		return nil
	})
	if errors.Is(err, errTwin) {
		return s.Reserve(ctx, checkout, lines, until) // now the other one's holds can be seen
	}
	if err != nil {
		return 0, err
	}
	failpoint.Hit("inventory.reserve.after_commit")
	return held, nil
}

// sum adds up the lines of one product and puts them in the order in which rows are locked.
func sum(lines []Line) ([]Line, error) {
	var out []Line
	for _, l := range lines {
		if l.Quantity < 1 {
			return nil, errs.New(errs.Invalid, "The quantity must be 1 or more.")
		}
		i := slices.IndexFunc(out, func(o Line) bool { return o.Product == l.Product })
		if i < 0 {
			out = append(out, l)
			continue
		}
		out[i].Quantity += l.Quantity
	}
	slices.SortFunc(out, func(a, b Line) int { return slices.Compare(a.Product[:], b.Product[:]) })
	return out, nil
}

func (s *Service) take(ctx context.Context, tx *db.Tx, checkout id.Checkout, l Line, until time.Time) (limited bool, err error) {
	row, err := s.takeRow(ctx, tx, checkout, l, until)
	switch {
	case err != nil:
		return false, fmt.Errorf("reserve %s: %w", l.Product, err)
	case row.Before == nil:
		return false, nil
	case row.Held, row.Took && row.Hold:
		return true, nil
	case row.Took:
		return false, errTwin
	}
	return true, tooFew(*row.Before, l.Quantity)
}

// errTwin undoes a reservation that the same checkout has just made elsewhere: a double click.
var errTwin = errors.New("this checkout reserves twice at once")

func tooFew(left, wanted int) error {
	if left <= 0 || left >= wanted { // the second: another buyer was quicker by the blink of an eye
		return errs.New(errs.Conflict, "This has just sold out.")
	}
	return errs.New(errs.Conflict, "Only %d are left.", left)
}

// Extend moves the end of a checkout's holds and locks them against the sweep; it reports how many are open.
func (s *Service) Extend(ctx context.Context, tx *db.Tx, checkout id.Checkout, until time.Time) (open int64, err error) {
	return tx.Exec(ctx, `
		UPDATE holds SET expires_at = $2
		WHERE checkout_id = $1 AND sold_at IS NULL AND released_at IS NULL`, checkout, until)
}

// Sell ends a checkout's holds as sold and returns the products. It touches no row that other buyers wait for.
func (s *Service) Sell(ctx context.Context, tx *db.Tx, checkout id.Checkout) ([]Line, error) {
	return s.endSold(ctx, tx, checkout)
}

// Release gives back what a checkout holds. Twice is the same as once.
func (s *Service) Release(ctx context.Context, tx *db.Tx, checkout id.Checkout) error {
	lines, err := s.endReleased(ctx, tx, checkout)
	if err != nil {
		return fmt.Errorf("release holds of %s: %w", checkout, err)
	}
	for _, l := range lines {
		if err := s.giveBack(ctx, tx, l); err != nil {
			return fmt.Errorf("give back %s: %w", l.Product, err)
		}
		if err := event.Emit(ctx, tx, EventChanged, l.Product.String()); err != nil {
			return err
		}
	}
	return nil
}

// Retake sets aside again what was released, for a payment that came late; false when too few are left.
func (s *Service) Retake(ctx context.Context, tx *db.Tx, checkout id.Checkout, lines []Line, until time.Time) (bool, error) {
	lines, err := sum(lines)
	if err != nil {
		return false, err
	}
	for _, l := range lines {
		_, err := s.take(ctx, tx, checkout, l, until)
		if errs.Is(err, errs.Conflict) {
			return false, s.Release(ctx, tx, checkout)
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// Set makes n the number of copies that can be bought from now on; nil lifts the limit.
func (s *Service) Set(ctx context.Context, tx *db.Tx, product id.Product, shop id.Shop, creator id.User, n *int) error {
	if n != nil && *n < 0 {
		return errs.Field("quantity", "The quantity cannot be negative.")
	}
	if err := s.put(ctx, tx, product, shop, creator, n); err != nil {
		return fmt.Errorf("set stock of %s: %w", product, err)
	}
	return event.Emit(ctx, tx, EventChanged, product.String())
}

// Left is how many copies of each limited product can be bought; unlimited ones are not in it.
func (s *Service) Left(ctx context.Context, q db.Q, products []id.Product) (map[id.Product]int, error) {
	rows, err := s.listLeft(ctx, q, products)
	if err != nil {
		return nil, fmt.Errorf("stock: %w", err)
	}
	left := make(map[id.Product]int, len(rows))
	for _, r := range rows {
		left[r.Product] = r.Available
	}
	return left, nil
}

// Stale lists checkouts whose holds are past their time, oldest first.
func (s *Service) Stale(ctx context.Context, q db.Q, now time.Time, limit int) ([]id.Checkout, error) {
	var out []id.Checkout
	err := q.Select(ctx, &out, `
		SELECT checkout_id
		FROM holds
		WHERE sold_at IS NULL AND released_at IS NULL AND expires_at < $1
		GROUP BY checkout_id
		ORDER BY min(expires_at)
		LIMIT $2`, now, limit)
	return out, err
}

// Hold is copies that were set aside and not given back.
type Hold struct {
	Checkout  id.Checkout `db:"checkout_id"`
	Sold      bool        `db:"sold"`
	ExpiresAt time.Time   `db:"expires_at"`
}

// Held lists all holds that are open or ended as sold, for checks.
func (s *Service) Held(ctx context.Context, q db.Q) ([]Hold, error) {
	var out []Hold
	err := q.Select(ctx, &out, `
		SELECT checkout_id, sold_at IS NOT NULL AS sold, max(expires_at) AS expires_at
		FROM holds
		WHERE released_at IS NULL
		GROUP BY checkout_id, sold_at IS NOT NULL`)
	return out, err
}
