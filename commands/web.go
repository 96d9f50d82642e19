package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"vitrine/app"
	"vitrine/app/config"
)

func web(ctx context.Context, cfg *config.Config, _ []string, _ io.Writer) error {
	if err := cfg.Check(); err != nil {
		return err
	}
	a, err := app.New(ctx, cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	ln, err := listen(cfg)
	if err != nil {
		return err
	}
	if err := tellOfStyles(ctx, cfg, a); err != nil {
		return err
	}
	slog.InfoContext(ctx, "web is up", "app", cfg.AppURL, "shop", cfg.ShopURL)
	return serve(ctx, a, ln, 20*time.Second)
}

// tellOfStyles says at the start when shops have CSS that cannot be used.
func tellOfStyles(ctx context.Context, cfg *config.Config, a *app.App) error {
	if !cfg.SameSite() {
		return nil
	}
	n, err := a.Shops.OwnStyles(ctx)
	if err == nil && n > 0 {
		slog.WarnContext(ctx, "APP_URL and SHOP_URL are one site, where a shop's CSS could reach more than its window: it is left out of all pages", "shops", n)
	}
	return err
}

// listen takes the port, or says which one is taken and how to choose another.
func listen(cfg *config.Config) (net.Listener, error) {
	ln, err := net.Listen("tcp", net.JoinHostPort(cfg.Bind, strconv.Itoa(cfg.Port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %d is taken by another program. Choose another: PORT=%d make run", cfg.Port, cfg.Port+1)
	}
	return ln, err
}

// serve answers until ctx ends, then lets requests finish for up to grace; streams are closed at once.
func serve(ctx context.Context, a *app.App, ln net.Listener, grace time.Duration) error {
	run, cancel := context.WithCancel(ctx)
	defer cancel()
	srv := &http.Server{
		Handler: a.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 60 * time.Second,
		WriteTimeout: 60 * time.Second, IdleTimeout: 60 * time.Second, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
	}
	srv.RegisterOnShutdown(a.Hub.Close)
	ended := make(chan error, 2)
	go func() { ended <- a.Listen(run) }()
	go func() { ended <- srv.Serve(ln) }()
	var first error
	select {
	case <-ctx.Done():
	case first = <-ended:
	}
	a.Ready.Store(false)
	sc, stop := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer stop()
	if err := srv.Shutdown(sc); err != nil {
		srv.Close()
	}
	if errors.Is(first, http.ErrServerClosed) {
		return nil
	}
	return first
}
