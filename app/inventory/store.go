package inventory

import (
	"context"
	"time"

	"vitrine/app/db"
	"vitrine/app/event"
	"vitrine/app/id"
)

type taken struct {
	Before *int `db:"before"` // nil: unlimited
	Took   bool `db:"took"`
	Hold   bool `db:"hold"`
	Held   bool `db:"held"` // this checkout had it before

	Async string  `db:"async"` // what the statement does beside
	Said  *string `db:"said"`
}

// takeRow decides and writes in one statement. The commit need not wait for the disk: the log is flushed in
// order, so an order that is durable has its hold, and a crash can only lose a hold together with its order.
func (s *Service) takeRow(ctx context.Context, tx *db.Tx, checkout id.Checkout, l Line, until time.Time) (taken, error) {
	var r taken
	if !guardStock {
		return r, s.takeNaively(ctx, tx, checkout, l, until, &r)
	}
	err := tx.Get(ctx, &r, `
		WITH open AS (
			SELECT 1 FROM holds WHERE checkout_id = $2 AND product_id = $1 AND released_at IS NULL
		), took AS (
			UPDATE stock SET available = available - $3, updated_at = $5
			WHERE product_id = $1 AND available >= $3 AND NOT EXISTS (SELECT 1 FROM open)
			RETURNING product_id, creator_id
		), hold AS (
			INSERT INTO holds (id, checkout_id, product_id, creator_id, quantity, expires_at, created_at)
			SELECT $4, $2, product_id, creator_id, $3, $6, $5 FROM took
			ON CONFLICT ON CONSTRAINT holds_checkout_product_unique DO UPDATE
				SET quantity = EXCLUDED.quantity, expires_at = EXCLUDED.expires_at, released_at = NULL
				WHERE holds.released_at IS NOT NULL
			RETURNING 1
		)
		SELECT (SELECT available FROM stock WHERE product_id = $1) AS before,
			EXISTS (SELECT 1 FROM took) AS took,
			EXISTS (SELECT 1 FROM hold) AS hold,
			EXISTS (SELECT 1 FROM open) AS held,
			set_config('synchronous_commit', 'off', true) AS async,
			(SELECT pg_notify($7::text, $8::text) FROM took)::text AS said`,
		l.Product, checkout, l.Quantity, id.New[id.HoldKind](), tx.Now, until, event.Channel, EventChanged+" "+l.Product.String())
	return r, err
}

// takeNaively is what a checkout without the guard does: read, decide, write. Only `make guards` builds it in.
func (s *Service) takeNaively(ctx context.Context, tx *db.Tx, checkout id.Checkout, l Line, until time.Time, r *taken) error {
	err := tx.Get(ctx, &r.Before, `SELECT available FROM stock WHERE product_id = $1`, l.Product)
	if db.None(err) {
		return nil
	}
	if err != nil || *r.Before < l.Quantity {
		return err
	}
	if _, err := tx.Exec(ctx, `
		INSERT INTO holds (id, checkout_id, product_id, creator_id, quantity, expires_at, created_at)
		SELECT $1, $2, product_id, creator_id, $4, $5, $6 FROM stock WHERE product_id = $3`,
		id.New[id.HoldKind](), checkout, l.Product, l.Quantity, until, tx.Now); err != nil {
		return err
	}
	r.Took, r.Hold = true, true
	_, err = tx.Exec(ctx, `UPDATE stock SET available = $2 WHERE product_id = $1`, l.Product, *r.Before-l.Quantity)
	return err
}

type ended struct {
	Product  id.Product `db:"product_id"`
	Quantity int        `db:"quantity"`
}

func lines(rows []ended) []Line {
	out := make([]Line, len(rows))
	for i, r := range rows {
		out[i] = Line(r)
	}
	return out
}

func (s *Service) endSold(ctx context.Context, tx *db.Tx, checkout id.Checkout) ([]Line, error) {
	var rows []ended
	err := tx.Select(ctx, &rows, `
		UPDATE holds SET sold_at = $2
		WHERE checkout_id = $1 AND sold_at IS NULL AND released_at IS NULL
		RETURNING product_id, quantity`, checkout, tx.Now)
	return lines(rows), err
}

func (s *Service) endReleased(ctx context.Context, tx *db.Tx, checkout id.Checkout) ([]Line, error) {
	var rows []ended
	err := tx.Select(ctx, &rows, `
		WITH gone AS (
			UPDATE holds SET released_at = $2
			WHERE checkout_id = $1 AND sold_at IS NULL AND released_at IS NULL
			RETURNING product_id, quantity
		)
		SELECT product_id, quantity FROM gone ORDER BY product_id`, checkout, tx.Now)
	return lines(rows), err
}

// giveBack does nothing where the limit was lifted meanwhile.
func (s *Service) giveBack(ctx context.Context, tx *db.Tx, l Line) error {
	_, err := tx.Exec(ctx, `
		UPDATE stock SET available = available + $2, updated_at = $3
		WHERE product_id = $1`, l.Product, l.Quantity, tx.Now)
	return err
}

func (s *Service) put(ctx context.Context, tx *db.Tx, product id.Product, shop id.Shop, creator id.User, n *int) error {
	if n == nil {
		_, err := tx.Exec(ctx, `DELETE FROM stock WHERE product_id = $1 AND creator_id = $2`, product, creator)
		return err
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO stock (product_id, shop_id, creator_id, available, updated_at)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT ON CONSTRAINT stock_pkey DO UPDATE
			SET available = EXCLUDED.available, updated_at = EXCLUDED.updated_at
			WHERE stock.creator_id = EXCLUDED.creator_id`, product, shop, creator, *n, tx.Now)
	return err
}

type leftRow struct {
	Product   id.Product `db:"product_id"`
	Available int        `db:"available"`
}

func (s *Service) listLeft(ctx context.Context, q db.Q, products []id.Product) ([]leftRow, error) {
	var rows []leftRow
	err := q.Select(ctx, &rows, `SELECT product_id, available FROM stock WHERE product_id = ANY($1::uuid[])`, uuids(products))
	return rows, err
}

func uuids(ids []id.Product) any {
	out := make([]string, len(ids))
	for i, p := range ids {
		out[i] = p.String()
	}
	return db.Array(out)
}
