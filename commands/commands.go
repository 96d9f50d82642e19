// Package commands holds what the binary can do, one file a subcommand.
package commands

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"

	"vitrine/app/config"
)

// command is one subcommand. It runs until it is done or ctx ends.
type command struct {
	name, help string
	run        func(ctx context.Context, cfg *config.Config, args []string, out io.Writer) error
}

func all() []command {
	return []command{
		{"dev", "everything on this machine: embedded Postgres, Redis, S3, mail, sandbox, web and worker", dev},
		{"web", "the web server", web},
		{"worker", "the background jobs", work},
		{"migrate", "bring the database schema up to date", migrate},
		{"seed", "fill the demo world into a running `vitrine dev`, or into the configured services", seedWorld},
		{"sandbox", "the stand-ins for Stripe and Google alone", sandboxAlone},
		{"check-money", "verify the whole book against itself and the provider", checkMoney},
		{"admin", "admin create EMAIL: make an operator; the password is read from standard input", admin},
		{"doctor", "say what of the configuration works", doctor},
	}
}

// Run finds the subcommand of args and runs it.
func Run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		return help(out)
	}
	cs := all()
	i := slices.IndexFunc(cs, func(c command) bool { return c.name == args[0] })
	if i < 0 {
		help(os.Stderr)
		return fmt.Errorf("there is no command %q", args[0])
	}
	cfg, err := config.Read()
	if err != nil {
		return err
	}
	logTo(os.Stderr, cfg.LogLevel, cs[i].name == "dev")
	return cs[i].run(ctx, cfg, args[1:], out)
}

func help(out io.Writer) error {
	fmt.Fprintln(out, "Vitrine: shops for creators.\n\nusage: vitrine COMMAND")
	for _, c := range all() {
		fmt.Fprintf(out, "  %-12s %s\n", c.name, c.help)
	}
	_, err := fmt.Fprintln(out, "\nSettings come from the environment; .env.example lists them.")
	return err
}

// logTo writes JSON lines, or plain ones on a developer's terminal.
func logTo(w io.Writer, level string, plain bool) {
	var l slog.Level
	if l.UnmarshalText([]byte(level)) != nil {
		l = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: l}
	var h slog.Handler = slog.NewJSONHandler(w, o)
	if plain {
		h = slog.NewTextHandler(w, o)
	}
	slog.SetDefault(slog.New(h))
}
