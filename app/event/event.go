// Package event tells every process what has happened, the moment it is committed.
//
// An event is a name and an id, never data: who hears it reads the truth from the database, so lost, doubled
// or reordered notices do no harm. It is the quick road, for open screens and caches. Work that must happen
// goes by package job.
package event

import (
	"context"
	"fmt"
	"strings"

	"vitrine/app/db"
)

// Channel is the Postgres channel that all events go over.
const Channel = "vitrine_event"

// Emit announces that name ("orders.paid") happened to subject, if and when tx commits.
func Emit(ctx context.Context, tx *db.Tx, name, subject string) error {
	if _, err := tx.Exec(ctx, `SELECT pg_notify('vitrine_event', $1::text)`, name+" "+subject); err != nil {
		return fmt.Errorf("emit %s: %w", name, err)
	}
	return nil
}

// Parse splits what came over Channel.
func Parse(payload string) (name, subject string) {
	name, subject, _ = strings.Cut(payload, " ")
	return name, subject
}
