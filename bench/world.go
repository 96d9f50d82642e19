package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vitrine/app"
	"vitrine/app/config"
	"vitrine/app/db"
	"vitrine/app/embedded"
	"vitrine/app/sandbox"
	"vitrine/app/seed"
	"vitrine/worker"
)

// world is a whole Vitrine in this process, on a durable Postgres, with its demo shops.
type world struct {
	*app.App
	cfg   *config.Config
	base  string // where its server listens
	shops []seed.Shop
	stop  []func()
}

func newWorld(ctx context.Context) (*world, error) {
	w := &world{cfg: &config.Config{Bind: "127.0.0.1", AWSRegion: "us-east-1", AWSS3Bucket: "vitrine", MailFrom: "Vitrine <hello@vitrine.localhost>",
		DatabaseMaxOpen: 24, DatabasePrepare: true, AccessTokenExpireMinutes: 15, TimeZone: "UTC", SecretKey: config.Secret(rand.Text() + rand.Text())}}
	dir, err := os.MkdirTemp("", "vitrine-bench")
	if err != nil {
		return w, err
	}
	w.stop = append(w.stop, func() { os.RemoveAll(dir) })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return w, err
	}
	w.cfg.Port = ln.Addr().(*net.TCPAddr).Port
	w.cfg.Complete()
	if err := w.services(ctx, dir); err != nil {
		return w, err
	}
	if w.App, err = app.New(ctx, w.cfg); err != nil {
		return w, err
	}
	if err := w.Bucket.Ensure(ctx); err != nil {
		return w, err
	}
	w.Router.Limits.Off = true
	redis, err := worker.Redis(w.cfg.RedisURL)
	if err != nil {
		return w, err
	}
	run, cancel := context.WithCancel(ctx)
	w.stop = append(w.stop, cancel)
	go (&worker.Worker{DB: w.DB, Registry: w.Jobs, Redis: redis}).Run(run)
	go w.Listen(run)
	go http.Serve(ln, w.Handler())
	w.base = "http://" + ln.Addr().String()
	w.shops, err = (&seed.World{Accounts: w.Accounts, Shops: w.Shops, Builder: w.Builder, Products: w.Products, Files: w.Files}).Fill(ctx)
	return w, err
}

func (w *world) services(ctx context.Context, dir string) error {
	pg, err := embedded.StartPostgres(ctx, filepath.Join(dir, "pg"), embedded.PostgresOptions{Root: ".", MaxConnections: 100})
	if err != nil {
		return err
	}
	w.stop = append(w.stop, func() { pg.Stop() })
	redis, err := embedded.StartRedis()
	if err != nil {
		return err
	}
	w.stop = append(w.stop, redis.Stop)
	s3, err := embedded.StartS3(ctx, filepath.Join(dir, "s3"), embedded.S3Options{Origins: []string{w.cfg.AppURL}})
	if err != nil {
		return err
	}
	w.stop = append(w.stop, func() { s3.Stop() })
	smtp, err := embedded.StartSMTP(embedded.SMTPOptions{})
	if err != nil {
		return err
	}
	w.stop = append(w.stop, func() { smtp.Stop() })
	sb, err := sandbox.Start(ctx, sandbox.Options{StripeKey: "sk_test_bench", WebhookSecret: "whsec_bench", WebhookURL: w.cfg.AppURL + "/webhooks/stripe", GoogleID: "bench", GoogleSecret: "bench"})
	if err != nil {
		return err
	}
	w.stop = append(w.stop, func() { sb.Close() })
	c := w.cfg
	c.DatabaseURL, c.RedisURL, c.SMTPURL = pg.URL("vitrine"), redis.URL(), config.Secret(smtp.URL())
	c.S3Endpoint, c.AWSAccessKeyID, c.AWSSecretAccessKey = s3.Endpoint(), s3.Key(), config.Secret(s3.Secret())
	c.StripeSecretKey, c.StripeWebhookSecret, c.StripeAPIURL, c.StripeCheckoutOrigin = "sk_test_bench", "whsec_bench", sb.URL()+"/stripe", sb.URL()
	d, err := db.Open(ctx, c.DatabaseURL, db.Options{MaxOpen: 2})
	if err != nil {
		return err
	}
	defer d.Close()
	_, err = db.Migrate(ctx, d)
	return err
}

func (w *world) close() {
	if w.App != nil {
		w.App.Close()
	}
	for i := len(w.stop) - 1; i >= 0; i-- {
		w.stop[i]()
	}
}

// env is the world as a process of its own would be told of it.
func (w *world) env(port int) []string {
	c := *w.cfg
	c.Port, c.AppURL, c.ShopURL, c.MediaURL = port, "", "", ""
	c.Complete()
	return append(os.Environ(), fmt.Sprintf("PORT=%d", port), "DATABASE_URL="+c.DatabaseURL, "REDIS_URL="+c.RedisURL, "S3_ENDPOINT="+c.S3Endpoint,
		"AWS_ACCESS_KEY_ID="+c.AWSAccessKeyID, "AWS_SECRET_ACCESS_KEY="+c.AWSSecretAccessKey.Reveal(), "SMTP_URL="+c.SMTPURL.Reveal(),
		"SECRET_KEY="+c.SecretKey.Reveal(), "STRIPE_SECRET_KEY=sk_test_bench", "STRIPE_WEBHOOK_SECRET=whsec_bench", "STRIPE_API_URL="+c.StripeAPIURL,
		"STRIPE_CHECKOUT_ORIGIN="+c.StripeCheckoutOrigin, "GOOGLE_CLIENT_ID=", "LOG_LEVEL=error")
}

func shopHost(c *config.Config) string { return strings.TrimPrefix(c.ShopURL, "http://") }
func appHost(c *config.Config) string  { return strings.TrimPrefix(c.AppURL, "http://") }

func wait(d time.Duration, ok func() bool) bool {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if ok() {
			return true
		}
	}
	return false
}
