package commands

import (
	"context"
	"errors"
	"fmt"
	"io"

	"vitrine/app/config"
	"vitrine/app/db"
)

func migrate(ctx context.Context, cfg *config.Config, _ []string, out io.Writer) error {
	if cfg.DatabaseURL == "" {
		return errors.New("DATABASE_URL is not set")
	}
	d, err := db.Open(ctx, cfg.DatabaseURL, db.Options{MaxOpen: 2})
	if err != nil {
		return err
	}
	defer d.Close()
	n, err := db.Migrate(ctx, d)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d migrations run, the schema is up to date\n", n)
	return err
}
