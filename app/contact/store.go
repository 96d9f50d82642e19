package contact

import (
	"context"
	"database/sql"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/storefronts"
)

type row struct {
	ID        id.Message   `db:"id"`
	Shop      id.Shop      `db:"shop_id"`
	Creator   id.User      `db:"creator_id"`
	Name      string       `db:"name"`
	Email     string       `db:"email"`
	Body      string       `db:"body"`
	MailedAt  sql.NullTime `db:"mailed_at"`
	CreatedAt time.Time    `db:"created_at"`
}

func (r row) message() Message {
	return Message{r.ID, r.Shop, r.Creator, r.Name, r.Email, r.Body, r.MailedAt.Valid, r.CreatedAt}
}

func insert(ctx context.Context, tx *db.Tx, m id.Message, sh storefronts.Shop, in Input) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO messages (id, shop_id, creator_id, name, email, body, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, m, sh.ID, sh.Creator, in.Name, in.Email, in.Message, tx.Now)
	return err
}

func find(ctx context.Context, q db.Q, m id.Message) (Message, error) {
	var r row
	err := q.Get(ctx, &r, `SELECT id, shop_id, creator_id, name, email, body, mailed_at, created_at FROM messages WHERE id = $1`, m)
	return r.message(), err
}

func list(ctx context.Context, q db.Q, who storefronts.Who, before id.Message, limit int) ([]Message, error) {
	var rows []row
	err := q.Select(ctx, &rows, `
		SELECT id, shop_id, creator_id, name, email, body, mailed_at, created_at FROM messages
		WHERE shop_id = $1 AND creator_id = $2
			AND ($3::uuid IS NULL OR (created_at, id) < (SELECT b.created_at, b.id FROM messages b WHERE b.id = $3 AND b.creator_id = $2))
		ORDER BY created_at DESC, id DESC
		LIMIT $4`, who.Shop, who.User, before, limit)
	out := make([]Message, len(rows))
	for i, r := range rows {
		out[i] = r.message()
	}
	return out, err
}

func markMailed(ctx context.Context, tx *db.Tx, m id.Message) error {
	_, err := tx.Exec(ctx, `UPDATE messages SET mailed_at = $2 WHERE id = $1 AND mailed_at IS NULL`, m, tx.Now)
	return err
}
