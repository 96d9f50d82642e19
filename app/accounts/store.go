package accounts

import (
	"context"
	"database/sql"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
)

type userRow struct {
	ID           id.User        `db:"id"`
	Email        string         `db:"email"`
	VerifiedAt   sql.NullTime   `db:"email_verified_at"`
	PasswordHash sql.NullString `db:"password_hash"`
	Name         string         `db:"name"`
	Role         string         `db:"role"`
	Locale       string         `db:"locale"`
	TimeZone     string         `db:"time_zone"`
	CreatedAt    time.Time      `db:"created_at"`
}

func (r userRow) user() User {
	return User{r.ID, r.Email, r.VerifiedAt.Time, r.Name, r.Role, r.Locale, r.TimeZone, r.PasswordHash.Valid, r.CreatedAt}
}

const userColumns = "id, email, email_verified_at, password_hash, name, role, locale, time_zone, created_at"

func findUser(ctx context.Context, q db.Q, user id.User) (User, error) {
	var r userRow
	err := q.Get(ctx, &r, `SELECT `+userColumns+` FROM users WHERE id = $1 AND deleted_at IS NULL`, user)
	return r.user(), err
}

func findRow(ctx context.Context, q db.Q, user id.User) (r userRow, err error) {
	err = q.Get(ctx, &r, `SELECT `+userColumns+` FROM users WHERE id = $1 AND deleted_at IS NULL`, user)
	return r, err
}

func findByEmail(ctx context.Context, q db.Q, email string) (r userRow, err error) {
	err = q.Get(ctx, &r, `SELECT `+userColumns+` FROM users WHERE email = $1 AND deleted_at IS NULL`, email)
	return r, err
}

// insertUser reports false when the address has an account.
func insertUser(ctx context.Context, tx *db.Tx, u User, hash string) (bool, error) {
	var verified *time.Time
	if u.Verified() {
		verified = &u.VerifiedAt
	}
	n, err := tx.Exec(ctx, `
		INSERT INTO users (id, email, email_verified_at, password_hash, name, role, locale, time_zone, created_at, updated_at)
		VALUES ($1, $2, $3, NULLIF($4, ''), $5, $6, $7, $8, $9, $9)
		ON CONFLICT ON CONSTRAINT users_email_unique DO NOTHING`,
		u.ID, u.Email, verified, hash, u.Name, u.Role, u.Locale, u.TimeZone, tx.Now)
	return n == 1, err
}

func setPassword(ctx context.Context, tx *db.Tx, user id.User, hash string) error {
	_, err := tx.Exec(ctx, `UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1`, user, hash, tx.Now)
	return err
}

func setVerified(ctx context.Context, tx *db.Tx, user id.User) error {
	_, err := tx.Exec(ctx, `UPDATE users SET email_verified_at = $2, updated_at = $2 WHERE id = $1 AND email_verified_at IS NULL`, user, tx.Now)
	return err
}

type codeRow struct {
	Hash      []byte    `db:"hash"`
	Attempts  int       `db:"attempts"`
	SentAt    time.Time `db:"sent_at"`
	ExpiresAt time.Time `db:"expires_at"`
}

func findCode(ctx context.Context, q db.Q, user id.User, p Purpose) (c codeRow, err error) {
	err = q.Get(ctx, &c, `SELECT hash, attempts, sent_at, expires_at FROM email_codes WHERE user_id = $1 AND purpose = $2`, user, p)
	return c, err
}

func deleteCode(ctx context.Context, tx *db.Tx, user id.User, p Purpose) error {
	_, err := tx.Exec(ctx, `DELETE FROM email_codes WHERE user_id = $1 AND purpose = $2`, user, p)
	return err
}

// Device is one of a person's open sessions.
type Device struct {
	Key       string    `db:"token"` // the stored name; it opens nothing
	CreatedAt time.Time `db:"created_at"`
	SeenAt    time.Time `db:"seen_at"`
	Agent     string    `db:"user_agent"`
}

func listSessions(ctx context.Context, q db.Q, user id.User, now time.Time) (ds []Device, err error) {
	err = q.Select(ctx, &ds, `
		SELECT token, created_at, seen_at, user_agent FROM sessions
		WHERE user_id = $1 AND expires_at > $2
		ORDER BY seen_at DESC`, user, now)
	return ds, err
}

// endSessions ends all of a person's sessions but one, and returns their names.
func endSessions(ctx context.Context, tx *db.Tx, user id.User, but string) (ended []string, err error) {
	err = tx.Select(ctx, &ended, `DELETE FROM sessions WHERE user_id = $1 AND token <> $2 RETURNING token`, user, but)
	return ended, err
}

func endSession(ctx context.Context, tx *db.Tx, user id.User, key string) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM sessions WHERE user_id = $1 AND token = $2`, user, key)
	return n == 1, err
}
