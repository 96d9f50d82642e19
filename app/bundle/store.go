package bundle

import (
	"context"
	"encoding/json"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
)

type row struct {
	ID        id.Arrival `db:"id"`
	Shop      id.Shop    `db:"shop_id"`
	Creator   id.User    `db:"creator_id"`
	File      id.File    `db:"file_id"`
	Show      bool       `db:"show"`
	State     State      `db:"state"`
	Failure   string     `db:"failure"`
	Report    []byte     `db:"report"`
	CreatedAt time.Time  `db:"created_at"`
}

func (r row) arrival() (Arrival, error) {
	a := Arrival{ID: r.ID, State: r.State, Failure: r.Failure, CreatedAt: r.CreatedAt}
	if r.Report == nil {
		return a, nil
	}
	return a, json.Unmarshal(r.Report, &a.Report)
}

func insert(ctx context.Context, tx *db.Tx, who Who, n id.Arrival, archive id.File, show bool) (bool, error) {
	rows, err := tx.Exec(ctx, `
		INSERT INTO arrivals (id, shop_id, creator_id, file_id, show, state, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $6)
		ON CONFLICT (id) DO NOTHING`, n, who.Shop, who.User, archive, show, tx.Now)
	return rows == 1, err
}

func find(ctx context.Context, q db.Q, n id.Arrival) (row, error) {
	var r row
	err := q.Get(ctx, &r, `SELECT id, shop_id, creator_id, file_id, show, state, failure, report, created_at FROM arrivals WHERE id = $1`, n)
	if db.None(err) {
		return r, errNoArrival
	}
	return r, err
}

// lock is true for the one who may put the archive in its place.
func lock(ctx context.Context, tx *db.Tx, n id.Arrival) (bool, error) {
	var s State
	err := tx.Get(ctx, &s, `SELECT state FROM arrivals WHERE id = $1 FOR UPDATE`, n)
	return s == Waiting, err
}

func arrived(ctx context.Context, tx *db.Tx, n id.Arrival, r Report) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE arrivals SET state = 'there', report = $2, updated_at = $3 WHERE id = $1`, n, string(b), tx.Now)
	return err
}

func fail(ctx context.Context, d *db.DB, n id.Arrival, sentence string) error {
	return d.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE arrivals SET state = 'failed', failure = $2, updated_at = $3 WHERE id = $1 AND state = 'waiting'`, n, sentence, tx.Now)
		return err
	})
}
