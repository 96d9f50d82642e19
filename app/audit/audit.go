// Package audit keeps who did what. Rows are only ever added.
package audit

import (
	"context"
	"encoding/json"
	"fmt"

	"vitrine/app/db"
	"vitrine/app/id"
)

// Log notes that actor did something to a subject ("user:<id>"). Details hold no secrets and no addresses.
func Log(ctx context.Context, tx *db.Tx, actor id.User, action, subject string, details map[string]any) error {
	if details == nil {
		details = map[string]any{}
	}
	b, err := json.Marshal(details)
	if err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	if _, err := tx.Exec(ctx, `
		INSERT INTO audit_log (id, actor_id, action, subject, details, created_at)
		VALUES ($1, $2, $3, $4, $5, $6)`, id.New[id.EntryKind](), actor, action, subject, string(b), tx.Now); err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	return nil
}
