package app

import (
	"context"
	"slices"
	"time"

	"vitrine/app/db"
	"vitrine/app/ledger"
	"vitrine/app/payments"
	"vitrine/app/payouts"
)

// Effect does what follows from a provider's event, in the transaction that marks it as applied.
func (a *App) Effect(ctx context.Context, tx *db.Tx, e payments.Event) (string, error) {
	switch {
	case e.Account != nil:
		return "account", a.Payouts.ApplyAccount(ctx, tx, *e.Account)
	case e.Payout != nil:
		return "payout", a.Payouts.ApplyPayment(ctx, tx, e.Provider, *e.Payout)
	}
	return a.Orders.ApplyEvent(ctx, tx, e)
}

// payingOut wires payouts. Stripe keeps creators' accounts.
func (a *App) payingOut() *payouts.Service {
	zone, err := time.LoadLocation(a.Config.TimeZone)
	if err != nil {
		zone = time.UTC // config has checked the name
	}
	s := &payouts.Service{DB: a.DB, Payers: map[string]payments.Payer{payouts.Stripe: a.Stripe}, Connector: a.Stripe, AppURL: a.Config.AppURL,
		Secret: a.Config.SecretKey.Reveal(), Zone: zone, Hour: a.Config.PayoutHour, Matures: a.Orders.NextMature, Numbers: a.Orders.Numbers}
	return s
}

func (a *App) mirror() *payments.Mirror { return &payments.Mirror{DB: a.DB, Providers: a.Providers} }

// CheckMoney verifies the whole book: against itself, against orders and stock, and against what the provider
// says has moved. What the provider knows is read first: the book may only know more.
func (a *App) CheckMoney(ctx context.Context) (ledger.Report, error) {
	compare, err := a.Orders.Compare(ctx)
	if err != nil {
		return ledger.Report{}, err
	}
	return ledger.Check(ctx, a.DB, slices.Concat(a.Orders.Checks(), a.Payouts.Checks(), []ledger.Checker{compare})...)
}
