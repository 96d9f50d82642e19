// Package apptest starts the whole product for a test: every feature wired as in production, on a database of
// the test's own, with an embedded bucket, mail server and Redis, and the sandbox as Stripe and Google.
package apptest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vitrine/app"
	"vitrine/app/config"
	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/embedded"
	"vitrine/app/sandbox"
	"vitrine/app/storage"
	"vitrine/app/web/webtest"
	"vitrine/worker"
)

// World is one running Vitrine with everything around it.
type World struct {
	T      testing.TB
	App    *app.App
	DB     *db.DB // the App's own
	Config *config.Config
	Redis  *embedded.Redis
	SMTP   *embedded.SMTP
	Box    *sandbox.Server
	Stripe *sandbox.Stripe
	PayPal *sandbox.PayPal

	ln   net.Listener
	mu   sync.Mutex
	skew time.Duration
}

// Option changes the configuration before the App is made.
type Option func(*config.Config)

// outside is what a test binary starts once.
var outside struct {
	sync.Once
	err  error
	dir  string
	s3   *embedded.S3
	smtp *embedded.SMTP
}

// Main is TestMain's body.
func Main(m *testing.M) int {
	code := dbtest.Main(m)
	if outside.s3 != nil {
		outside.s3.Stop()
	}
	if outside.smtp != nil {
		outside.smtp.Stop()
	}
	if outside.dir != "" {
		os.RemoveAll(outside.dir)
	}
	return code
}

func startOutside() error {
	outside.Do(func() {
		if outside.dir, outside.err = os.MkdirTemp("", "vtapp"); outside.err != nil {
			return
		}
		if outside.s3, outside.err = embedded.StartS3(context.Background(), outside.dir, embedded.S3Options{}); outside.err != nil {
			return
		}
		outside.smtp, outside.err = embedded.StartSMTP(embedded.SMTPOptions{})
	})
	return outside.err
}

// Services starts everything around the product and returns how to reach it; nothing of the product runs yet.
// The port is the product's, and taken by a listener until somebody serves on it or closes it.
func Services(t testing.TB, opts ...Option) *World {
	t.Helper()
	if err := startOutside(); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	w := &World{T: t, SMTP: outside.smtp, ln: ln}
	if w.Redis, err = embedded.StartRedis(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Redis.Stop)
	c := &config.Config{
		Port: ln.Addr().(*net.TCPAddr).Port, Bind: "127.0.0.1", Data: t.TempDir(), SecretKey: "a secret of the tests, long enough for any key",
		DatabaseURL: dbtest.Fresh(t).URL(), DatabaseMaxOpen: 20, DatabasePrepare: true, RedisURL: w.Redis.URL(),
		S3Endpoint: outside.s3.Endpoint(), AWSRegion: "us-east-1", AWSAccessKeyID: outside.s3.Key(), AWSSecretAccessKey: config.Secret(outside.s3.Secret()),
		AWSS3Bucket: "vitrine", SMTPURL: config.Secret(outside.smtp.URL()), MailFrom: "Vitrine <hello@vitrine.test>",
		AccessTokenExpireMinutes: 15, CORSOrigins: []string{"https://friend.example"}, TimeZone: "UTC",
		GoogleClientID: sandbox.DefaultGoogleID, GoogleClientSecret: sandbox.DefaultGoogleSecret, LogLevel: "error",
	}
	c.Complete()
	w.Box, err = sandbox.Start(context.Background(), sandbox.Options{
		Clock: w.Now, WebhookURL: fmt.Sprintf("http://127.0.0.1:%d/webhooks/stripe", c.Port),
		PayPalWebhookURL: fmt.Sprintf("http://127.0.0.1:%d/webhooks/paypal", c.Port), GoogleRedirects: []string{c.AppURL + "/auth/google/back"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.Box.Close()
		if t.Failed() {
			t.Logf("sandbox seed %d", w.Box.Seed())
		}
	})
	w.Stripe = w.Box.Stripe()
	c.StripeSecretKey, c.StripeWebhookSecret, c.StripeAPIURL = config.Secret(w.Stripe.Key()), config.Secret(w.Stripe.WebhookSecret()), w.Stripe.URL()
	c.StripeCheckoutOrigin, c.GoogleIssuer = w.Box.URL(), w.Box.Google().Issuer()
	w.PayPal = w.Box.PayPal()
	c.PayPalClientID, c.PayPalClientSecret, c.PayPalWebhookID = w.PayPal.ClientID(), config.Secret(w.PayPal.Secret()), w.PayPal.WebhookID()
	c.PayPalAPIURL, c.PayPalCheckoutOrigin = w.PayPal.URL(), w.Box.URL()
	c.PayPalCertHosts, c.PayPalCertRoots = []string{strings.TrimPrefix(w.Box.URL(), "http://")}, filepath.Join(c.Data, "paypal-roots.pem")
	if err := os.WriteFile(c.PayPalCertRoots, w.PayPal.CACert(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, o := range opts {
		o(c)
	}
	w.Config = c
	return w
}

// New starts everything, and serves the product in this process.
func New(t testing.TB, opts ...Option) *World {
	t.Helper()
	w := Services(t, opts...)
	w.Start()
	host := w.Config.Host(w.Config.AppURL)
	srv := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/webhooks/") { // the sandbox knows the address, not the name
			r.Host = host
		}
		w.App.Handler().ServeHTTP(rw, r)
	})}
	srv.RegisterOnShutdown(w.App.Hub.Close)
	go srv.Serve(w.ln)
	t.Cleanup(func() {
		w.App.Hub.Close()
		srv.Close()
	})
	return w
}

// Start makes the App in this process, without serving it.
func (w *World) Start() {
	w.T.Helper()
	a, err := app.New(context.Background(), w.Config)
	if err != nil {
		w.T.Fatal(err)
	}
	w.T.Cleanup(func() { a.Close() })
	a.DB.Clock = w.Now
	w.App, w.DB = a, a.DB
	if err := a.Bucket.Ensure(context.Background()); err != nil {
		w.T.Fatal(err)
	}
}

// FreePort lets go of the product's port, for a process that is to serve on it.
func (w *World) FreePort() { w.ln.Close() }

// Now is the time for everyone: product, sandbox and test.
func (w *World) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.skew)
}

// Pass lets time pass for everyone.
func (w *World) Pass(d time.Duration) {
	w.T.Helper()
	w.mu.Lock()
	w.skew += d
	w.mu.Unlock()
	if err := w.Box.Advance(0); err != nil { // it does what has become due
		w.T.Fatal(err)
	}
}

// Worker runs the background jobs in this process until the test ends or stop is called.
func (w *World) Worker() (stop func()) {
	w.T.Helper()
	redis, err := worker.Redis(w.Config.RedisURL)
	if err != nil {
		w.T.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := (&worker.Worker{DB: w.DB, Registry: w.App.Jobs, Redis: redis}).Run(ctx); err != nil {
			w.T.Error(err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	w.T.Cleanup(stop)
	return stop
}

// Listen hears events in this process until the test ends.
func (w *World) Listen() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); w.App.Listen(ctx) }()
	w.T.Cleanup(func() { cancel(); <-done })
}

// Work does every job that is due, in this goroutine, until none is left; for tests that need no worker.
func (w *World) Work() {
	w.T.Helper()
	ctx := context.Background()
	for {
		var due []struct {
			ID      string `db:"id"`
			Kind    string `db:"kind"`
			Payload string `db:"payload"`
		}
		if err := w.DB.Select(ctx, &due, `
			SELECT id, kind, payload FROM outbox
			WHERE done_at IS NULL AND failed_at IS NULL AND run_at <= $1 ORDER BY id`, w.DB.Now()); err != nil {
			w.T.Fatal(err)
		}
		if len(due) == 0 {
			return
		}
		for _, j := range due {
			if err := w.App.Jobs.Run(ctx, j.Kind, []byte(j.Payload)); err != nil {
				w.T.Fatalf("%s %s: %v", j.Kind, j.Payload, err)
			}
			w.Exec(`UPDATE outbox SET done_at = now() WHERE id = $1`, j.ID)
		}
	}
}

// Settle lets all of the provider's events arrive and be applied.
func (w *World) Settle() {
	w.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := w.Stripe.Flush(ctx); err != nil {
		w.T.Fatal(err)
	}
	w.Work()
	for told := 0; told < len(w.PayPal.Events()); w.Work() { // doing what PayPal tells makes it tell more
		told = len(w.PayPal.Events())
		if err := w.PayPal.Flush(ctx); err != nil {
			w.T.Fatal(err)
		}
	}
}

// Exec changes rows past the features.
func (w *World) Exec(query string, args ...any) {
	w.T.Helper()
	if _, err := w.DB.Pool().ExecContext(context.Background(), query, args...); err != nil {
		w.T.Fatal(err)
	}
}

// Count answers a question that is a number.
func (w *World) Count(query string, args ...any) (n int) {
	w.T.Helper()
	if err := w.DB.Pool().GetContext(context.Background(), &n, query, args...); err != nil {
		w.T.Fatal(err)
	}
	return n
}

// Eventually polls until ok, and fails the test after a while.
func Eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	over := time.After(within)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-over:
			t.Fatalf("not within %s: %s", within, what)
		case <-tick.C:
		}
	}
}

var visitors atomic.Int64

// Browser opens a new visitor's browser on the app host, coming from an address of its own.
func (w *World) Browser() *webtest.Browser { return w.browser(w.Config.AppURL) }

// ShopBrowser is the same on the shop host.
func (w *World) ShopBrowser() *webtest.Browser { return w.browser(w.Config.ShopURL) }

func (w *World) browser(base string) *webtest.Browser {
	b := webtest.New(w.T, w.App.Handler(), base)
	n := visitors.Add(1)
	b.Remote = fmt.Sprintf("198.18.%d.%d:4711", n/250%250, n%250+1)
	return b
}

// Bucket is where files are, without asking the product.
func (w *World) Bucket() *storage.Bucket { return w.App.Bucket }
