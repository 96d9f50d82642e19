package app

import (
	"context"
	"slices"
	"strings"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/payments"
	"vitrine/app/payouts"
	"vitrine/app/risk"
)

// Effect does what follows from a provider's event, in the transaction that marks it as applied.
func (a *App) Effect(ctx context.Context, tx *db.Tx, e payments.Event) (string, error) {
	switch {
	case e.Account != nil:
		return "account", a.Payouts.ApplyAccount(ctx, tx, *e.Account)
	case e.Payout != nil:
		return "payout", a.Payouts.ApplyPayment(ctx, tx, e.Provider, *e.Payout)
	case e.Warning != nil:
		return a.Risk.ApplyWarning(ctx, tx, e.Provider, *e.Warning)
	}
	return a.Orders.ApplyEvent(ctx, tx, e)
}

// payingOut wires payouts. Stripe keeps creators' accounts.
func (a *App) payingOut() *payouts.Service {
	s := &payouts.Service{DB: a.DB, Payers: map[string]payments.Payer{payouts.Stripe: a.Stripe}, Connector: a.Stripe, AppURL: a.Config.AppURL,
		Secret: a.Config.SecretKey.Reveal(), Zone: a.Config.Zone(), Hour: a.Config.PayoutHour, Matures: a.Orders.NextMature, Numbers: a.Orders.Numbers}
	if a.PayPal != nil {
		s.Payers[payouts.PayPal] = a.PayPal
	}
	return s
}

// watching wires the search for fraud into orders and payouts.
func (a *App) watching() *risk.Service {
	s := &risk.Service{DB: a.DB, Orders: a.Orders, Shops: a.Shops, Secret: a.Config.SecretKey.Reveal(), AppURL: a.Config.AppURL, FourEyes: a.fourEyes,
		TestCards: strings.HasPrefix(a.Config.StripeSecretKey.Reveal(), "sk_test_"),
		Refund: func(ctx context.Context, tx *db.Tx, order id.Order, note string, fraud bool) error {
			return a.Refunds.Rest(ctx, tx, order, "risk:"+id.New[id.RefundKind]().String(), note, fraud)
		}}
	a.Orders.Admit, a.Orders.Assess, a.Orders.Attempted = s.Admit, s.Assess, s.Attempted
	a.Payouts.Holds = s.Holds
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
