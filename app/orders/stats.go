package orders

import (
	"context"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/money"
)

// Hours is what a shop sold on one day, hour by hour in some zone. Tests are no sales; refunds are taken off
// the hour of their order.
type Hours struct {
	Orders int
	Sold   [24]int64 // minor units
}

// Total is the sum over the hours before `until`, from 0 to 24.
func (h Hours) Total(until int) int64 {
	var sum int64
	for _, n := range h.Sold[:until] {
		sum += n
	}
	return sum
}

// Day sums the sales of the 24 hours from start on, which is midnight in the creator's zone. On days on which
// the clock changes the odd hour is counted with its neighbour.
func (s *Service) Day(ctx context.Context, q db.Q, creator id.User, shop id.Shop, c money.Currency, start, until time.Time) (Hours, error) {
	var rows []struct {
		Hour   int   `db:"hour"`
		Orders int   `db:"orders"`
		Sold   int64 `db:"sold"`
	}
	err := q.Select(ctx, &rows, `
		SELECT least(23, floor(extract(epoch FROM paid_at - $4::timestamptz) / 3600))::int AS hour,
			count(*) AS orders,
			sum(total_minor - refunded_minor) AS sold
		FROM orders
		WHERE shop_id = $1 AND creator_id = $2 AND currency = $3 AND paid_at >= $4 AND paid_at < $5 AND NOT test
		GROUP BY 1`, shop, creator, c, start, until)
	var h Hours
	for _, r := range rows {
		h.Orders += r.Orders
		h.Sold[r.Hour] += r.Sold
	}
	return h, err
}

// HasSales reports whether a shop has sold anything; tests are no sales.
func (s *Service) HasSales(ctx context.Context, q db.Q, shop id.Shop) (sold bool, err error) {
	err = q.Get(ctx, &sold, `SELECT EXISTS (SELECT 1 FROM orders WHERE shop_id = $1 AND NOT test)`, shop)
	return sold, err
}
