package db

import (
	"context"
	"fmt"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"vitrine/migrations"
)

// Migrate brings the schema up to date; several processes may call it at once. It returns how many
// migrations were run.
func Migrate(ctx context.Context, d *DB) (int, error) {
	l, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return 0, err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, d.pool.DB, migrations.FS, goose.WithSessionLocker(l))
	if err != nil {
		return 0, fmt.Errorf("read migrations: %w", err)
	}
	done, err := p.Up(ctx)
	if err != nil {
		return len(done), fmt.Errorf("migrate: %w", err)
	}
	return len(done), nil
}

// Current reports whether every migration of this binary has been run.
func Current(ctx context.Context, d *DB) (bool, error) {
	p, err := goose.NewProvider(goose.DialectPostgres, d.pool.DB, migrations.FS)
	if err != nil {
		return false, err
	}
	pending, err := p.HasPending(ctx)
	return !pending, err
}
