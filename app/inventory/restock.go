package inventory

import (
	"context"
	"fmt"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/event"
	"vitrine/app/id"
)

// Restock puts copies that came back on sale again. A product that is unlimited by now stays so.
func (s *Service) Restock(ctx context.Context, tx *db.Tx, product id.Product, n int) error {
	if n < 1 {
		return errs.New(errs.Invalid, "The quantity must be 1 or more.")
	}
	if err := s.giveBack(ctx, tx, Line{Product: product, Quantity: n}); err != nil {
		return fmt.Errorf("restock %s: %w", product, err)
	}
	return event.Emit(ctx, tx, EventChanged, product.String())
}
