package commands

import (
	"context"
	"io"
	"log/slog"

	"vitrine/app"
	"vitrine/app/config"
	"vitrine/worker"
)

func work(ctx context.Context, cfg *config.Config, _ []string, _ io.Writer) error {
	if err := cfg.Check(); err != nil {
		return err
	}
	a, err := app.New(ctx, cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	slog.InfoContext(ctx, "worker is up")
	return runWorker(ctx, a, false)
}

func runWorker(ctx context.Context, a *app.App, fresh bool) error {
	redis, err := worker.Redis(a.Config.RedisURL)
	if err != nil {
		return err
	}
	return (&worker.Worker{DB: a.DB, Registry: a.Jobs, Redis: redis, Fresh: fresh}).Run(ctx)
}
