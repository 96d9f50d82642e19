package commands

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"vitrine/app"
	"vitrine/app/config"
)

// admin create EMAIL: the password comes from standard input, so that it stands in no history.
func admin(ctx context.Context, cfg *config.Config, args []string, out io.Writer) error {
	if len(args) != 2 || args[0] != "create" {
		return errors.New("usage: vitrine admin create EMAIL < password")
	}
	if err := joinRunning(cfg); err != nil {
		return err
	}
	a, err := app.New(ctx, cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	fmt.Fprintln(os.Stderr, "Password, then Enter:")
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if _, err := a.Accounts.Provision(ctx, args[1], strings.TrimRight(line, "\r\n"), "", "admin"); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s is an operator now. Sign in at %s/login\n", args[1], cfg.AppURL)
	return err
}
