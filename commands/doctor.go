package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"vitrine/app/config"
	"vitrine/app/db"
	"vitrine/app/mail"
	"vitrine/app/storage"
)

// doctor asks everything that is configured whether it works, and says what to do where it does not.
func doctor(ctx context.Context, cfg *config.Config, _ []string, out io.Writer) error {
	if err := joinRunning(cfg); err != nil {
		fmt.Fprintf(out, "settings   %s\n", strings.ReplaceAll(err.Error(), "\n", "\n           "))
	}
	sick := 0
	for _, c := range []struct {
		name string
		ask  func(context.Context, *config.Config) error
	}{
		{"settings", func(_ context.Context, c *config.Config) error { return c.Check() }},
		{"postgres", askPostgres}, {"redis", askRedis}, {"bucket", askBucket}, {"mail", askMail}, {"stripe", askStripe}, {"google", askGoogle},
	} {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := c.ask(ctx, cfg)
		cancel()
		if err != nil {
			sick++
			fmt.Fprintf(out, "%-10s NOT WELL: %s\n", c.name, strings.ReplaceAll(err.Error(), "\n", "; "))
			continue
		}
		fmt.Fprintf(out, "%-10s well\n", c.name)
	}
	if cfg.SameSite() {
		fmt.Fprintln(out, "hosts      APP_URL and SHOP_URL are one site: creators cannot use CSS of their own")
	}
	if sick > 0 {
		return fmt.Errorf("%d of 7 are not well", sick)
	}
	return nil
}

func askPostgres(ctx context.Context, c *config.Config) error {
	d, err := db.Open(ctx, c.DatabaseURL, db.Options{MaxOpen: 1})
	if err != nil {
		return err
	}
	defer d.Close()
	current, err := db.Current(ctx, d)
	if err == nil && !current {
		err = errors.New("the schema is not up to date: run `vitrine migrate`")
	}
	return err
}

func askRedis(ctx context.Context, c *config.Config) error {
	o, err := redis.ParseURL(c.RedisURL)
	if err != nil {
		return err
	}
	r := redis.NewClient(o)
	defer r.Close()
	return r.Ping(ctx).Err()
}

func askBucket(ctx context.Context, c *config.Config) error {
	b := storage.Open(storage.Options{Endpoint: c.S3Endpoint, Region: c.AWSRegion, Key: c.AWSAccessKeyID, Secret: c.AWSSecretAccessKey.Reveal(), Bucket: c.AWSS3Bucket})
	if err := b.Put(ctx, "doctor", "text/plain", strings.NewReader("well")); err != nil {
		return err
	}
	return b.Delete(ctx, "doctor")
}

func askMail(ctx context.Context, c *config.Config) error {
	s, err := mail.New(c.SMTPURL.Reveal(), c.MailFrom)
	if err != nil {
		return err
	}
	return s.Ping(ctx)
}

func askStripe(ctx context.Context, c *config.Config) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(c.StripeAPIURL, "/")+"/v1/balance", nil)
	if err != nil {
		return err
	}
	r.SetBasicAuth(c.StripeSecretKey.Reveal(), "")
	return expectOK(r)
}

func askGoogle(ctx context.Context, c *config.Config) error {
	if c.GoogleClientID == "" {
		return nil // not offered
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.GoogleIssuer+"/.well-known/openid-configuration", nil)
	if err != nil {
		return err
	}
	return expectOK(r)
}

func expectOK(r *http.Request) error {
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", r.URL.Host, res.Status)
	}
	return nil
}
