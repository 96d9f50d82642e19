//go:build !lean

package commands

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"vitrine/app"
	"vitrine/app/config"
	"vitrine/app/db"
	"vitrine/app/embedded"
	"vitrine/app/sandbox"
)

// Child runs the local S3, which `vitrine dev` starts as a process of its own; false for every other command.
func Child(args []string) (code int, ok bool) {
	if len(args) == 0 || args[0] != "s3d" {
		return 0, false
	}
	return embedded.S3Child(args[1:]), true
}

// dev starts a local stand-in for every service that is not configured, and the product on top of them.
func dev(ctx context.Context, cfg *config.Config, _ []string, out io.Writer) error {
	start := time.Now()
	ln, err := listen(cfg) // first of all, so that a taken port is said before anything is started
	if err != nil {
		return err
	}
	defer ln.Close()
	w := &world{cfg: cfg, out: out}
	defer w.stop()
	if err := w.start(ctx); err != nil {
		return err
	}
	a, err := app.New(ctx, cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	if err := a.Bucket.Ensure(ctx); err != nil {
		return err
	}
	if err := w.writeEnv(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 2)
	go func() { ended <- runWorker(ctx, a, w.redis != nil) }()
	go func() { ended <- serve(ctx, a, ln, 2*time.Second) }()
	w.greet(time.Since(start))
	first := <-ended
	cancel()
	return errors.Join(first, <-ended)
}

// world is what runs around the product on a developer's machine.
type world struct {
	cfg      *config.Config
	out      io.Writer
	dir      string
	postgres *embedded.Postgres
	redis    *embedded.Redis
	s3       *embedded.S3
	smtp     *embedded.SMTP
	inbox    *http.Server
	sandbox  *sandbox.Server
	dns      *sandbox.DNS
	records  *http.Server
	lock     *os.File
}

func (w *world) start(ctx context.Context) error {
	dir, err := filepath.Abs(w.cfg.Data)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("VITRINE_DATA %s: %w", dir, err)
	}
	w.dir, w.cfg.Dev = dir, true
	if err := w.takeDir(); err != nil {
		return err
	}
	if err := w.secrets(); err != nil {
		return err
	}
	for _, f := range []func(context.Context) error{w.startPostgres, w.startRedis, w.startS3, w.startSMTP, w.startSandbox, w.startDNS} {
		if err := f(ctx); err != nil {
			return err
		}
	}
	d, err := db.Open(ctx, w.cfg.DatabaseURL, db.Options{MaxOpen: 2})
	if err != nil {
		return err
	}
	defer d.Close()
	if _, err := db.Migrate(ctx, d); err != nil {
		return err
	}
	return w.cfg.Check()
}

// takeDir refuses a second `vitrine dev` on the same data.
func (w *world) takeDir() error {
	f, err := os.OpenFile(filepath.Join(w.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("VITRINE_DATA %s: %w", w.dir, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return fmt.Errorf("another Vitrine runs on %s. Use another folder for this one: VITRINE_DATA=./data2 PORT=%d make run", w.dir, w.cfg.Port+1)
	}
	w.lock = f
	return nil
}

type devSecrets struct{ Key, Webhook, Stripe string }

// secrets makes what a developer should not have to think up, once per data folder.
func (w *world) secrets() error {
	file := filepath.Join(w.dir, "secrets.json")
	var s devSecrets
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		s = devSecrets{Key: rand.Text() + rand.Text(), Webhook: "whsec_" + rand.Text(), Stripe: "sk_test_" + rand.Text()}
		if b, err = json.Marshal(s); err == nil {
			err = os.WriteFile(file, b, 0o600)
		}
	} else if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	c := w.cfg
	if c.SecretKey == "" {
		c.SecretKey = config.Secret(s.Key)
	}
	if c.StripeSecretKey == "" {
		c.StripeSecretKey, c.StripeWebhookSecret = config.Secret(s.Stripe), config.Secret(s.Webhook)
		c.StripeAPIURL = "" // the sandbox
		if os.Getenv("SETTLEMENT_DAYS") == "" {
			c.SettlementDays = 0 // a demo shows the whole way of the money at once
		}
	}
	return nil
}

func (w *world) startPostgres(ctx context.Context) (err error) {
	if w.cfg.DatabaseURL != "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	w.postgres, err = embedded.StartPostgres(ctx, filepath.Join(w.dir, "postgres"), embedded.PostgresOptions{Root: root, MaxConnections: 100})
	if err == nil {
		w.cfg.DatabaseURL = w.postgres.URL("vitrine")
	}
	return err
}

func (w *world) startRedis(context.Context) (err error) {
	if w.cfg.RedisURL != "" {
		return nil
	}
	if w.redis, err = embedded.StartRedis(); err == nil {
		w.cfg.RedisURL = w.redis.URL()
	}
	return err
}

func (w *world) startS3(ctx context.Context) (err error) {
	if w.cfg.S3Endpoint != "" || w.cfg.AWSAccessKeyID != "" {
		return nil
	}
	w.s3, err = embedded.StartS3(ctx, filepath.Join(w.dir, "s3"), embedded.S3Options{Origins: []string{w.cfg.AppURL}})
	if err == nil {
		w.cfg.S3Endpoint, w.cfg.AWSAccessKeyID, w.cfg.AWSSecretAccessKey = w.s3.Endpoint(), w.s3.Key(), config.Secret(w.s3.Secret())
	}
	return err
}

// startSMTP keeps mails in the data folder and shows them on a page of their own.
func (w *world) startSMTP(context.Context) (err error) {
	if w.cfg.SMTPURL != "" {
		return nil
	}
	if w.smtp, err = embedded.StartSMTP(embedded.SMTPOptions{Dir: filepath.Join(w.dir, "mail")}); err != nil {
		return err
	}
	w.cfg.SMTPURL = config.Secret(w.smtp.URL())
	ln, err := nearPort(w.cfg.Port + 2)
	if err != nil {
		return err
	}
	w.cfg.InboxURL = "http://" + ln.Addr().String()
	w.inbox = &http.Server{Handler: w.smtp.Handler(), ReadHeaderTimeout: 5 * time.Second}
	go w.inbox.Serve(ln)
	return nil
}

func (w *world) startSandbox(ctx context.Context) error {
	c := w.cfg
	own := c.StripeAPIURL == ""
	paypal := own && !c.PayPal() // who has real keys of Stripe's wants no made-up PayPal beside it
	if !own && c.GoogleClientID != "" {
		return nil
	}
	port := c.SandboxPort
	if port == 0 {
		port = c.Port + 1
	}
	ln, err := nearPort(port)
	if err != nil {
		return err
	}
	addr := ln.Addr().String()
	ln.Close()
	google := c.GoogleClientID == ""
	if google {
		c.GoogleClientID, c.GoogleClientSecret = "vitrine-dev", "vitrine-dev-secret"
	}
	w.sandbox, err = sandbox.Start(ctx, sandbox.Options{
		Dir: filepath.Join(w.dir, "sandbox"), Addr: addr, BaseURL: "http://" + addr,
		StripeKey: c.StripeSecretKey.Reveal(), WebhookSecret: c.StripeWebhookSecret.Reveal(), WebhookURL: c.AppURL + "/webhooks/stripe",
		PayPalWebhookURL: c.AppURL + "/webhooks/paypal",
		GoogleID:         c.GoogleClientID, GoogleSecret: c.GoogleClientSecret.Reveal(), GoogleRedirects: []string{c.AppURL + "/auth/google/back"},
	})
	if err != nil {
		return err
	}
	c.SandboxURL = "http://" + addr
	if c.GroqAPIKey == "" {
		c.GroqAPIKey, c.LLMAPIURL = "gsk_vitrine_dev", w.sandbox.LLM().URL()
		w.sandbox.LLM().Pace(25 * time.Millisecond) // so that one sees it write
	}
	if c.UnsplashAPIKey == "" {
		c.UnsplashAPIKey, c.UnsplashAPIURL = "unsplash-dev", w.sandbox.Unsplash().URL()
	}
	if own {
		c.StripeAPIURL, c.StripeCheckoutOrigin = c.SandboxURL+"/stripe", c.SandboxURL
	}
	if google {
		c.GoogleIssuer = c.SandboxURL + "/google"
	}
	if !paypal {
		return nil
	}
	pp := w.sandbox.PayPal()
	if pp.Balance("EUR") == (sandbox.Balance{Currency: "EUR"}) { // a platform pays creators out of what it has there
		if err := pp.Fund("EUR", 1_000_000); err != nil {
			return err
		}
	}
	c.PayPalClientID, c.PayPalClientSecret, c.PayPalWebhookID = pp.ClientID(), config.Secret(pp.Secret()), pp.WebhookID()
	c.PayPalAPIURL, c.PayPalCheckoutOrigin = pp.URL(), c.SandboxURL
	c.PayPalCertHosts, c.PayPalCertRoots = []string{addr}, filepath.Join(w.dir, "paypal-roots.pem")
	return os.WriteFile(c.PayPalCertRoots, pp.CACert(), 0o600)
}

// nearPort takes port, or any free one when it is taken: only the product's own port is fixed.
func nearPort(port int) (net.Listener, error) {
	ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return net.Listen("tcp", "127.0.0.1:0")
	}
	return ln, nil
}

// stop ends what start began, the last first.
func (w *world) stop() {
	if w.records != nil {
		w.records.Close()
	}
	if w.dns != nil {
		w.dns.Stop()
	}
	if w.sandbox != nil {
		w.sandbox.Close()
	}
	if w.inbox != nil {
		w.inbox.Close()
	}
	if w.smtp != nil {
		w.smtp.Stop()
	}
	if w.s3 != nil {
		w.s3.Stop()
	}
	if w.redis != nil {
		w.redis.Stop()
	}
	if w.postgres != nil {
		w.postgres.Stop()
	}
	if w.lock != nil {
		w.lock.Close()
	}
}

func (w *world) greet(took time.Duration) {
	c := w.cfg
	fmt.Fprintf(w.out, "\n  Vitrine is open (%d ms).\n\n", took.Milliseconds())
	fmt.Fprintf(w.out, "  Start here   %s\n  Shops        %s/@noor   (after `make seed`)\n", c.AppURL, c.ShopURL)
	if c.InboxURL != "" {
		fmt.Fprintf(w.out, "  Mails        %s\n", c.InboxURL)
	}
	if c.SandboxURL != "" {
		fmt.Fprintf(w.out, "  Sandbox      %s   (test cards, PayPal accounts)\n", c.SandboxURL)
	}
	fmt.Fprintf(w.out, "  Components   %s/app/_parts\n  Data         %s\n\n  Ctrl-C ends everything.\n\n", c.AppURL, w.dir)
}

// writeEnv leaves the addresses and keys of the running services in the data folder, so that `make seed`,
// `vitrine check-money` and a separate `vitrine web` or `worker` find the same world.
func (w *world) writeEnv() error {
	c := w.cfg
	vars := [][2]string{
		{"DATABASE_URL", c.DatabaseURL}, {"REDIS_URL", c.RedisURL}, {"S3_ENDPOINT", c.S3Endpoint},
		{"AWS_ACCESS_KEY_ID", c.AWSAccessKeyID}, {"AWS_SECRET_ACCESS_KEY", c.AWSSecretAccessKey.Reveal()},
		{"SMTP_URL", c.SMTPURL.Reveal()}, {"SECRET_KEY", c.SecretKey.Reveal()}, {"STRIPE_SECRET_KEY", c.StripeSecretKey.Reveal()},
		{"STRIPE_WEBHOOK_SECRET", c.StripeWebhookSecret.Reveal()}, {"STRIPE_API_URL", c.StripeAPIURL},
		{"STRIPE_CHECKOUT_ORIGIN", c.StripeCheckoutOrigin}, {"PAYPAL_CLIENT_ID", c.PayPalClientID}, {"PAYPAL_CLIENT_SECRET", c.PayPalClientSecret.Reveal()},
		{"PAYPAL_WEBHOOK_ID", c.PayPalWebhookID}, {"PAYPAL_API_URL", c.PayPalAPIURL}, {"PAYPAL_CHECKOUT_ORIGIN", c.PayPalCheckoutOrigin},
		{"PAYPAL_CERT_HOSTS", strings.Join(c.PayPalCertHosts, ",")}, {"PAYPAL_CERT_ROOTS", c.PayPalCertRoots}, {"GOOGLE_CLIENT_ID", c.GoogleClientID},
		{"GOOGLE_CLIENT_SECRET", c.GoogleClientSecret.Reveal()}, {"GOOGLE_ISSUER", c.GoogleIssuer},
		{"GROQ_API_KEY", c.GroqAPIKey.Reveal()}, {"LLM_API_URL", c.LLMAPIURL}, {"UNSPLASH_API_KEY", c.UnsplashAPIKey.Reveal()}, {"UNSPLASH_API_URL", c.UnsplashAPIURL},
		{"DNS_SERVER", c.DNSServer}, {"DOMAIN_ADDRESSES", strings.Join(c.DomainAddresses, ",")},
		{"APP_URL", c.AppURL}, {"SHOP_URL", c.ShopURL}, {"MEDIA_URL", c.MediaURL},
	}
	var b strings.Builder
	for _, v := range vars {
		fmt.Fprintf(&b, "%s=%s\n", v[0], v[1])
	}
	return os.WriteFile(filepath.Join(w.dir, "running.env"), []byte(b.String()), 0o600)
}
