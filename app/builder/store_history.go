package builder

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/storefronts"
)

// state is a block of the draft at one moment, removed or not.
type state struct {
	Block
	Removed bool
}

// listAll are all blocks in order, removed ones in their places.
func listAll(ctx context.Context, q db.Q, who storefronts.Who) ([]state, error) {
	var rows []blockRow
	err := q.Select(ctx, &rows, `
		SELECT id, kind, props, hidden, v, removed_at IS NOT NULL AS removed, updated_at, visible_from, visible_until FROM blocks
		WHERE shop_id = $1 AND creator_id = $2
		ORDER BY pos, id`, who.Shop, who.User)
	if err != nil {
		return nil, err
	}
	out := make([]state, len(rows))
	for i, r := range rows {
		b, err := r.block()
		if err != nil {
			return nil, err
		}
		out[i] = state{Block: b, Removed: r.Removed}
	}
	return out, nil
}

type opRow struct {
	Seq       int64     `db:"seq"`
	Verb      string    `db:"verb"`
	Kind      Kind      `db:"kind"`
	Name      string    `db:"name"`
	Step      string    `db:"step"`
	Raw       []byte    `db:"change"`
	UpdatedAt time.Time `db:"updated_at"`
	Change    change    `db:"-"`
}

func oneOp(r opRow, err error) (*opRow, error) {
	if db.None(err) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(r.Raw, &r.Change)
	}
	return &r, err
}

// lastOp is what would be undone, nextOp what would be done again; nil when there is nothing.
func lastOp(ctx context.Context, q db.Q, who storefronts.Who) (*opRow, error) {
	var r opRow
	err := q.Get(ctx, &r, `
		SELECT seq, verb, kind, name, step, change, updated_at FROM page_ops
		WHERE shop_id = $1 AND creator_id = $2 AND undone_at IS NULL ORDER BY seq DESC LIMIT 1`, who.Shop, who.User)
	return oneOp(r, err)
}

func nextOp(ctx context.Context, q db.Q, who storefronts.Who) (*opRow, error) {
	var r opRow
	err := q.Get(ctx, &r, `
		SELECT seq, verb, kind, name, step, change, updated_at FROM page_ops
		WHERE shop_id = $1 AND creator_id = $2 AND undone_at IS NOT NULL ORDER BY seq LIMIT 1`, who.Shop, who.User)
	return oneOp(r, err)
}

// isDone reports whether a step is there and not undone.
func isDone(ctx context.Context, q db.Q, who storefronts.Who, seq int64) (bool, error) {
	var n int
	err := q.Get(ctx, &n, `SELECT count(*) FROM page_ops WHERE shop_id = $1 AND creator_id = $2 AND seq = $3 AND undone_at IS NULL`, who.Shop, who.User, seq)
	return n > 0, err
}

func insertOp(ctx context.Context, tx *db.Tx, who storefronts.Who, seq int64, st step, ch change) error {
	raw, err := json.Marshal(ch)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO page_ops (shop_id, seq, creator_id, verb, kind, name, step, change, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)`, who.Shop, seq, who.User, st.verb, string(st.block.Kind), st.name, st.same, string(raw), tx.Now)
	return err
}

func updateOp(ctx context.Context, tx *db.Tx, who storefronts.Who, seq int64, ch change) error {
	raw, err := json.Marshal(ch)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE page_ops SET change = $4, updated_at = $5 WHERE shop_id = $1 AND creator_id = $2 AND seq = $3`, who.Shop, who.User, seq, string(raw), tx.Now)
	return err
}

func deleteOp(ctx context.Context, tx *db.Tx, who storefronts.Who, seq int64) error {
	_, err := tx.Exec(ctx, `DELETE FROM page_ops WHERE shop_id = $1 AND creator_id = $2 AND seq = $3`, who.Shop, who.User, seq)
	return err
}

func markOp(ctx context.Context, tx *db.Tx, who storefronts.Who, seq int64, undone bool) error {
	_, err := tx.Exec(ctx, `
		UPDATE page_ops SET undone_at = CASE WHEN $4 THEN $5::timestamptz END, updated_at = $5
		WHERE shop_id = $1 AND creator_id = $2 AND seq = $3`, who.Shop, who.User, seq, undone, tx.Now)
	return err
}

// forgetUndone drops what could be done again: something new has been done in its place.
func forgetUndone(ctx context.Context, tx *db.Tx, who storefronts.Who) error {
	_, err := tx.Exec(ctx, `DELETE FROM page_ops WHERE shop_id = $1 AND creator_id = $2 AND undone_at IS NOT NULL`, who.Shop, who.User)
	return err
}

func updateHours(ctx context.Context, tx *db.Tx, who storefronts.Who, b id.Block, h Hours) error {
	_, err := tx.Exec(ctx, `
		UPDATE blocks SET visible_from = $4, visible_until = $5, updated_at = $6
		WHERE id = $1 AND shop_id = $2 AND creator_id = $3`, b, who.Shop, who.User, orNull(h.From), orNull(h.Until), tx.Now)
	return err
}

func orNull(t time.Time) sql.NullTime { return sql.NullTime{Time: t, Valid: !t.IsZero()} }

// purge drops steps, drafts and removed blocks that are older than a time. Drafts that were published stay.
func purge(ctx context.Context, d *db.DB, before time.Time) error {
	return d.InTx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM page_ops WHERE updated_at < $1`, before); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM drafts WHERE created_at < $1 AND version_id IS NULL`, before); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DELETE FROM blocks WHERE removed_at < $1`, before)
		return err
	})
}
