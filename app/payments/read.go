package payments

import (
	"context"
	"fmt"
	"time"

	"vitrine/app/db"
	"vitrine/app/money"
)

// Mirrored is a line of a provider's account with the provider's name.
type Mirrored struct {
	Provider string
	Movement
}

// MovementsOf lists what providers have told of some payments, oldest first.
func MovementsOf(ctx context.Context, q db.Q, intents []string) ([]Mirrored, error) {
	var rows []struct {
		Provider string         `db:"provider"`
		Ref      string         `db:"ref"`
		Kind     MovementKind   `db:"kind"`
		Intent   string         `db:"intent"`
		Source   string         `db:"source"`
		Currency money.Currency `db:"currency"`
		Amount   int64          `db:"amount_minor"`
		FeeIn    money.Currency `db:"fee_currency"`
		Fee      int64          `db:"fee_minor"`
		At       time.Time      `db:"at"`
	}
	if err := q.Select(ctx, &rows, `
		SELECT provider, ref, kind, intent, source, currency, amount_minor, fee_currency, fee_minor, at
		FROM provider_movements WHERE intent = ANY($1::text[]) AND intent <> ''
		ORDER BY at, ref`, db.Array(intents)); err != nil {
		return nil, fmt.Errorf("movements of payments: %w", err)
	}
	out := make([]Mirrored, len(rows))
	for i, r := range rows {
		out[i] = Mirrored{r.Provider, Movement{ID: r.Ref, Kind: r.Kind, Intent: r.Intent, Source: r.Source, Amount: money.Amount{Minor: r.Amount, Currency: r.Currency},
			Fee: money.Amount{Minor: r.Fee, Currency: r.FeeIn}, At: r.At.UTC()}}
	}
	return out, nil
}
