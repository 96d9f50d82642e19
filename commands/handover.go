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

// writeEnv leaves the addresses and keys of the running services in the data folder, so that `make seed`,
// `vitrine check-money` and a separate `vitrine web` or `worker` find the same world.
func (w *world) writeEnv() error {
	c := w.cfg
	vars := [][2]string{
		{"DATABASE_URL", c.DatabaseURL}, {"REDIS_URL", c.RedisURL}, {"S3_ENDPOINT", c.S3Endpoint},
		{"AWS_ACCESS_KEY_ID", c.AWSAccessKeyID}, {"AWS_SECRET_ACCESS_KEY", c.AWSSecretAccessKey.Reveal()},
		{"SMTP_URL", c.SMTPURL.Reveal()}, {"SECRET_KEY", c.SecretKey.Reveal()}, {"STRIPE_SECRET_KEY", c.StripeSecretKey.Reveal()},
		{"STRIPE_WEBHOOK_SECRET", c.StripeWebhookSecret.Reveal()}, {"STRIPE_API_URL", c.StripeAPIURL},
		{"STRIPE_CHECKOUT_ORIGIN", c.StripeCheckoutOrigin}, {"GOOGLE_CLIENT_ID", c.GoogleClientID},
		{"GOOGLE_CLIENT_SECRET", c.GoogleClientSecret.Reveal()}, {"GOOGLE_ISSUER", c.GoogleIssuer},
		{"APP_URL", c.AppURL}, {"SHOP_URL", c.ShopURL}, {"MEDIA_URL", c.MediaURL},
	}
	var b strings.Builder
	for _, v := range vars {
		fmt.Fprintf(&b, "%s=%s\n", v[0], v[1])
	}
	return os.WriteFile(filepath.Join(w.dir, "running.env"), []byte(b.String()), 0o600)
}

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
