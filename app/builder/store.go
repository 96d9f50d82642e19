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

type blockRow struct {
	ID        id.Block     `db:"id"`
	Kind      Kind         `db:"kind"`
	Props     []byte       `db:"props"`
	Hidden    bool         `db:"hidden"`
	V         int          `db:"v"`
	Removed   bool         `db:"removed"`
	UpdatedAt time.Time    `db:"updated_at"`
	From      sql.NullTime `db:"visible_from"`
	Until     sql.NullTime `db:"visible_until"`
}

func (r blockRow) block() (Block, error) {
	b := Block{ID: r.ID, Kind: r.Kind, Hidden: r.Hidden, Hours: Hours{r.From.Time, r.Until.Time}, V: r.V}
	err := json.Unmarshal(r.Props, &b.Props)
	return b, err
}

func listBlocks(ctx context.Context, q db.Q, who storefronts.Who) ([]Block, error) {
	var rows []blockRow
	err := q.Select(ctx, &rows, `
		SELECT id, kind, props, hidden, v, false AS removed, updated_at, visible_from, visible_until FROM blocks
		WHERE shop_id = $1 AND creator_id = $2 AND removed_at IS NULL
		ORDER BY pos, id`, who.Shop, who.User)
	if err != nil {
		return nil, err
	}
	out := make([]Block, len(rows))
	for i, r := range rows {
		if out[i], err = r.block(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// findBlock finds a block whether or not it was removed.
func findBlock(ctx context.Context, q db.Q, who storefronts.Who, b id.Block) (blockRow, error) {
	var r blockRow
	err := q.Get(ctx, &r, `
		SELECT id, kind, props, hidden, v, removed_at IS NOT NULL AS removed, updated_at, visible_from, visible_until FROM blocks
		WHERE id = $1 AND shop_id = $2 AND creator_id = $3`, b, who.Shop, who.User)
	if db.None(err) {
		return r, errNoBlock
	}
	return r, err
}

func insertBlock(ctx context.Context, tx *db.Tx, who storefronts.Who, b Block, pos int64) (int64, error) {
	props, err := json.Marshal(b.Props)
	if err != nil {
		return 0, err
	}
	return tx.Exec(ctx, `
		INSERT INTO blocks (id, shop_id, creator_id, kind, props, pos, hidden, visible_from, visible_until, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
		ON CONFLICT (id) DO NOTHING`, b.ID, who.Shop, who.User, string(b.Kind), string(props), pos, b.Hidden, orNull(b.Hours.From), orNull(b.Hours.Until), tx.Now)
}

func updateProps(ctx context.Context, tx *db.Tx, who storefronts.Who, b id.Block, p Props) error {
	props, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		UPDATE blocks SET props = $4, v = v + 1, updated_at = $5
		WHERE id = $1 AND shop_id = $2 AND creator_id = $3`, b, who.Shop, who.User, string(props), tx.Now)
	return err
}

func updatePos(ctx context.Context, tx *db.Tx, who storefronts.Who, b id.Block, pos int64) error {
	_, err := tx.Exec(ctx, `UPDATE blocks SET pos = $4 WHERE id = $1 AND shop_id = $2 AND creator_id = $3`, b, who.Shop, who.User, pos)
	return err
}

func updateHidden(ctx context.Context, tx *db.Tx, who storefronts.Who, b id.Block, hidden bool) error {
	_, err := tx.Exec(ctx, `UPDATE blocks SET hidden = $4, updated_at = $5 WHERE id = $1 AND shop_id = $2 AND creator_id = $3`, b, who.Shop, who.User, hidden, tx.Now)
	return err
}

func updateRemoved(ctx context.Context, tx *db.Tx, who storefronts.Who, b id.Block, removed bool) error {
	_, err := tx.Exec(ctx, `
		UPDATE blocks SET removed_at = CASE WHEN $4 THEN $5::timestamptz END, updated_at = $5
		WHERE id = $1 AND shop_id = $2 AND creator_id = $3`, b, who.Shop, who.User, removed, tx.Now)
	return err
}

func countBlocks(ctx context.Context, q db.Q, who storefronts.Who) (all, headers int, err error) {
	var n struct {
		All     int `db:"all_blocks"`
		Headers int `db:"headers"`
	}
	err = q.Get(ctx, &n, `
		SELECT count(*) AS all_blocks, count(*) FILTER (WHERE kind = 'header') AS headers FROM blocks
		WHERE shop_id = $1 AND creator_id = $2 AND removed_at IS NULL`, who.Shop, who.User)
	return n.All, n.Headers, err
}
