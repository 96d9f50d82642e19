package payouts

import (
	"context"

	"vitrine/app/fees"
	"vitrine/app/money"
	"vitrine/app/orders"

	view "vitrine/views/payouts"
)

// ShowReason is a reason as a page shows it.
func ShowReason(s *Service, ctx context.Context, r Reason) *view.Reason {
	return (&Handler{Service: s}).presentReason(ctx, r, "purse-eur")
}

// PlaySale is what the simulator says of a sale and of a part that is given back.
func PlaySale(f fees.Fee, total, back money.Amount) (paid, fee, kept, taken money.Amount) {
	shared := fees.Schedule{Version: f.Version, Currency: total.Currency, Bps: f.Bps, Fixed: f.Fixed}.Of(total)
	taken = orders.NetOf(orders.Order{Total: total, Fee: shared.Platform, Net: shared.Net}, back)
	return total, shared.Platform, shared.Net.Sub(taken), taken
}
