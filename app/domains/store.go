package domains

import (
	"context"
	"database/sql"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
)

type row struct {
	Shop         id.Shop      `db:"shop_id"`
	Creator      id.User      `db:"creator_id"`
	Domain       string       `db:"domain"`
	Token        string       `db:"token"`
	State        State        `db:"state"`
	Reason       string       `db:"reason"`
	CheckedAt    sql.NullTime `db:"checked_at"`
	VerifiedAt   sql.NullTime `db:"verified_at"`
	FailingSince sql.NullTime `db:"failing_since"`
	CreatedAt    time.Time    `db:"created_at"`
}

func (r row) claim() Claim {
	return Claim{Shop: r.Shop, Creator: r.Creator, Domain: r.Domain, Token: r.Token, State: r.State, Reason: r.Reason,
		CheckedAt: r.CheckedAt.Time, VerifiedAt: r.VerifiedAt.Time, FailingSince: r.FailingSince.Time, CreatedAt: r.CreatedAt}
}

const columns = `shop_id, creator_id, domain, token, state, reason, checked_at, verified_at, failing_since, created_at`

func find(ctx context.Context, q db.Q, shop id.Shop) (Claim, error) {
	var r row
	err := q.Get(ctx, &r, `SELECT `+columns+` FROM domains WHERE shop_id = $1`, shop)
	return r.claim(), err
}

func findMine(ctx context.Context, q db.Q, user id.User, shop id.Shop) (Claim, error) {
	var r row
	err := q.Get(ctx, &r, `SELECT `+columns+` FROM domains WHERE shop_id = $1 AND creator_id = $2`, shop, user)
	return r.claim(), err
}

func lock(ctx context.Context, tx *db.Tx, shop id.Shop) (Claim, error) {
	var r row
	err := tx.Get(ctx, &r, `SELECT `+columns+` FROM domains WHERE shop_id = $1 FOR UPDATE`, shop)
	return r.claim(), err
}

// lockName lets one claim of a domain at a time be decided.
func lockName(ctx context.Context, tx *db.Tx, domain string) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(7717, hashtext($1))`, domain)
	return err
}

// upsert keeps what a shop says; another domain than before begins from nothing.
func upsert(ctx context.Context, tx *db.Tx, user id.User, shop id.Shop, domain, token string) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO domains (shop_id, creator_id, domain, token, state, created_at, updated_at)
		VALUES ($1, $2, $3, $4, 'waiting', $5, $5)
		ON CONFLICT ON CONSTRAINT domains_pkey DO UPDATE SET
			domain = EXCLUDED.domain, token = EXCLUDED.token, state = 'waiting', reason = '', checked_at = NULL,
			verified_at = NULL, failing_since = NULL, created_at = EXCLUDED.created_at, updated_at = EXCLUDED.updated_at`,
		shop, user, domain, token, tx.Now)
	return err
}

func remove(ctx context.Context, tx *db.Tx, shop id.Shop) error {
	_, err := tx.Exec(ctx, `DELETE FROM domains WHERE shop_id = $1`, shop)
	return err
}

func save(ctx context.Context, tx *db.Tx, c Claim) error {
	at := func(t time.Time) sql.NullTime { return sql.NullTime{Time: t, Valid: !t.IsZero()} }
	_, err := tx.Exec(ctx, `
		UPDATE domains SET state = $2, reason = $3, checked_at = $4, verified_at = $5, failing_since = $6, updated_at = $7
		WHERE shop_id = $1`, c.Shop, string(c.State), c.Reason, at(c.CheckedAt), at(c.VerifiedAt), at(c.FailingSince), tx.Now)
	return err
}

// listDue are the claims to look at: waiting ones each hour, verified ones each day.
func listDue(ctx context.Context, q db.Q, now time.Time, limit int) ([]id.Shop, error) {
	var out []id.Shop
	err := q.Select(ctx, &out, `
		SELECT shop_id FROM domains
		WHERE state <> 'failed' AND (checked_at IS NULL OR checked_at < CASE state WHEN 'verified' THEN $1::timestamptz ELSE $2::timestamptz END)
		ORDER BY checked_at NULLS FIRST, shop_id LIMIT $3`, now.Add(-daily), now.Add(-hourly), limit)
	return out, err
}
