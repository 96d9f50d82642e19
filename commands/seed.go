package commands

import (
	"context"
	"fmt"
	"io"

	"vitrine/app"
	"vitrine/app/config"
	"vitrine/app/seed"
)

func seedWorld(ctx context.Context, cfg *config.Config, args []string, out io.Writer) error {
	if err := joinRunning(cfg); err != nil {
		return err
	}
	a, err := app.New(ctx, cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	w := &seed.World{Accounts: a.Accounts, Shops: a.Shops, Builder: a.Builder, Products: a.Products, Files: a.Files}
	shops, err := w.Fill(ctx, args...)
	for _, s := range shops {
		word := "there already"
		if s.Made {
			word = "opened"
		}
		fmt.Fprintf(out, "  %-20s %s/@%s   %s\n", s.Name, cfg.ShopURL, s.Slug, word)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\n  Sign in at %s/login as %s with the password: %s\n", cfg.AppURL, shops[0].Email, seed.Password)
	return err
}
