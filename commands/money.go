package commands

import (
	"context"
	"fmt"
	"io"

	"vitrine/app"
	"vitrine/app/config"
)

// checkMoney prints what it finds, a line each, and fails when anything is wrong.
func checkMoney(ctx context.Context, cfg *config.Config, _ []string, out io.Writer) error {
	if err := joinRunning(cfg); err != nil {
		return err
	}
	a, err := app.New(ctx, cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	r, err := a.CheckMoney(ctx)
	if err != nil {
		return err
	}
	wrong := 0
	for _, f := range r.Findings {
		word := "WRONG"
		if f.Note {
			word = "note "
		} else {
			wrong++
		}
		fmt.Fprintf(out, "%s %s\n", word, f)
	}
	fmt.Fprintf(out, "%d entries, %d lines, %d findings\n", r.Entries, r.Lines, wrong)
	if !r.OK() {
		return fmt.Errorf("the book does not add up")
	}
	return nil
}
