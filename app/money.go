package app

import (
	"context"

	"vitrine/app/db"
	"vitrine/app/ledger"
	"vitrine/app/payments"
)

// effect does what follows from a provider's event, in the transaction that marks it as applied.
func (a *App) effect(ctx context.Context, tx *db.Tx, e payments.Event) (string, error) {
	return a.Orders.ApplyEvent(ctx, tx, e)
}

func (a *App) mirror() *payments.Mirror { return &payments.Mirror{DB: a.DB, Providers: a.Providers} }

// CheckMoney verifies the whole book: against itself, against orders and stock, and against what the provider
// says has moved. What the provider knows is read first: the book may only know more.
func (a *App) CheckMoney(ctx context.Context) (ledger.Report, error) {
	compare, err := a.Orders.Compare(ctx)
	if err != nil {
		return ledger.Report{}, err
	}
	return ledger.Check(ctx, a.DB, append(a.Orders.Checks(), compare)...)
}
