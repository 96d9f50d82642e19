package orders

import (
	"context"

	"vitrine/app/db"
	"vitrine/app/id"
)

// Brief is what lists of money say of an order: its number, and the provider's numbers.
type Brief struct {
	Number   int
	Provider string
	Intent   string
	Charge   string
}

// Briefs reads a creator's orders; those of others are left out.
func (s *Service) Briefs(ctx context.Context, q db.Q, creator id.User, all []id.Order) (map[id.Order]Brief, error) {
	var rows []struct {
		ID       id.Order `db:"id"`
		Number   *int     `db:"number"`
		Provider string   `db:"provider"`
		Intent   *string  `db:"payment_intent_id"`
		Charge   *string  `db:"charge_id"`
	}
	err := q.Select(ctx, &rows, `
		SELECT o.id, o.number, o.provider, c.payment_intent_id, o.charge_id
		FROM orders o JOIN checkouts c ON c.id = o.checkout_id
		WHERE o.id = ANY($1::uuid[]) AND o.creator_id = $2`, db.Array(ids(all)), creator)
	out := make(map[id.Order]Brief, len(rows))
	for _, r := range rows {
		out[r.ID] = Brief{Number: deref(r.Number), Provider: r.Provider, Intent: deref(r.Intent), Charge: deref(r.Charge)}
	}
	return out, err
}

// Numbered finds a creator's orders by number: each of their shops may have one.
func (s *Service) Numbered(ctx context.Context, q db.Q, creator id.User, number int) (found []id.Order, err error) {
	err = q.Select(ctx, &found, `SELECT id FROM orders WHERE creator_id = $1 AND number = $2`, creator, number)
	return found, err
}

func ids(all []id.Order) []string {
	out := make([]string, len(all))
	for i, o := range all {
		out[i] = o.String()
	}
	return out
}
