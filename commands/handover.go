package commands

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/caarlos0/env/v11"

	"vitrine/app/config"
)

// joinRunning completes cfg from a running `vitrine dev` on the same data folder where the environment
// says nothing itself.
func joinRunning(cfg *config.Config) error {
	if cfg.DatabaseURL != "" {
		return nil
	}
	f, err := os.Open(filepath.Join(cfg.Data, "running.env"))
	if err != nil {
		return fmt.Errorf("DATABASE_URL is not set and no Vitrine runs on %s: start one with `make run`", cfg.Data)
	}
	defer f.Close()
	vars := map[string]string{}
	for _, e := range os.Environ() {
		k, v, _ := strings.Cut(e, "=")
		vars[k] = v
	}
	s := bufio.NewScanner(f)
	for s.Scan() {
		if k, v, ok := strings.Cut(s.Text(), "="); ok && vars[k] == "" {
			vars[k] = v
		}
	}
	fresh := &config.Config{}
	if err := env.ParseWithOptions(fresh, env.Options{Environment: vars}); err != nil {
		return err
	}
	fresh.Complete()
	*cfg = *fresh
	return cfg.Check()
}
