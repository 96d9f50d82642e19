package app

import (
	"context"

	"vitrine/app/ledger"
)

// CheckMoney verifies the whole book: against itself, against orders and stock, and against what the provider
// says has moved. What the provider knows is read first: the book may only know more.
func (a *App) CheckMoney(ctx context.Context) (ledger.Report, error) {
	compare, err := a.Orders.Compare(ctx)
	if err != nil {
		return ledger.Report{}, err
	}
	return ledger.Check(ctx, a.DB, append(a.Orders.Checks(), compare)...)
}
