// Package sandbox stands in for the services that Vitrine uses: Stripe, PayPal, Google sign-in, a language model and Unsplash. The stand-ins speak the
// real wire protocols over HTTP, keep state, have a clock that tests move, and can be told to misbehave.
package sandbox

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Defaults for what Options leaves empty.
const (
	DefaultKey           = "sk_test_vitrine_sandbox"
	DefaultWebhookSecret = "whsec_vitrine_sandbox"
	DefaultGoogleID      = "vitrine-sandbox"
	DefaultGoogleSecret  = "vitrine-sandbox-secret"
)

// Options say where the sandbox lives and what the product is configured with.
type Options struct {
	Dir     string // state is kept here, so that a restart or kill -9 loses nothing acknowledged; "" is memory only
	Fsync   bool   // wait for the disk at every commit: survives a power cut, too
	BaseURL string // how browsers reach it, such as http://127.0.0.1:8090; "" is the address it listens on
	Addr    string // "" is a free port on loopback

	StripeKey, WebhookSecret string
	WebhookURL               string // "" until SetWebhook

	PayPalClientID, PayPalSecret string
	PayPalWebhookURL             string // "" until SetWebhook

	GoogleID, GoogleSecret string
	GoogleRedirects        []string // exact addresses; none means that sign-in is refused
	People                 []Person // on the account chooser; nil is three made-up ones

	Seed  uint64           // of the faults; 0 picks one
	Clock func() time.Time // nil is the machine's; give the product's own so that both agree
}

// Server is a running sandbox.
type Server struct {
	opt    Options
	base   string
	log    *slog.Logger
	db     *store
	clock  *table[clockRow]
	stripe *Stripe
	paypal *PayPal
	google *Google
	llm    *LLM
	photos *Unsplash
	http   *http.Server
	stop   context.CancelFunc
	wg     sync.WaitGroup
	offset atomic.Int64
	once   sync.Once
	closed error
}

type clockRow struct {
	Offset time.Duration `json:"offset"`
}

//go:embed pages
var pageFiles embed.FS

// Start listens and serves until Close or the end of ctx.
func Start(ctx context.Context, opt Options) (*Server, error) {
	fill(&opt)
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", opt.Addr)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	s := &Server{opt: opt, base: strings.TrimRight(opt.BaseURL, "/"), log: slog.Default(), db: &store{fsync: opt.Fsync}}
	if s.base == "" {
		s.base = "http://" + ln.Addr().String()
	}
	s.clock = newTable[clockRow](s.db, "clock")
	s.stripe = newStripe(s, s.db, opt.Seed)
	s.paypal = newPayPal(s, s.db, opt.Seed)
	s.google = newGoogle(s, s.db)
	s.llm, s.photos = &LLM{s: s}, &Unsplash{s: s}
	err = s.db.open(opt.Dir, s.worthKeeping)
	s.setClock()
	if err == nil && opt.WebhookURL != "" {
		err = s.stripe.SetWebhook(opt.WebhookURL, opt.WebhookSecret)
	}
	if err == nil && opt.PayPalWebhookURL != "" {
		err = s.paypal.SetWebhook(opt.PayPalWebhookURL)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sandbox: %w", err), ln.Close())
	}
	s.stripe.post.load()
	s.paypal.post.load()
	s.serve(ctx, ln)
	return s, nil
}

func fill(opt *Options) {
	for _, d := range []struct {
		to   *string
		from string
	}{{&opt.Addr, "127.0.0.1:0"}, {&opt.StripeKey, DefaultKey}, {&opt.WebhookSecret, DefaultWebhookSecret}, {&opt.PayPalClientID, DefaultPayPalID}, {&opt.PayPalSecret, DefaultPayPalSecret},
		{&opt.GoogleID, DefaultGoogleID}, {&opt.GoogleSecret, DefaultGoogleSecret}} {
		*d.to = orElse(*d.to, d.from)
	}
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	if opt.Seed == 0 {
		opt.Seed = rand.Uint64() | 1
	}
	if opt.People == nil {
		opt.People = people
	}
}

// worthKeeping drops from the journal what Stripe forgets, too: events after 30 days, keys after one.
func (s *Server) worthKeeping(kind, id string) bool {
	s.setClock()
	now := s.Now()
	month := now.AddDate(0, 0, -30).Unix()
	switch kind {
	case "event":
		return s.stripe.events.rows[id].Created >= month
	case "sending":
		e, ok := s.stripe.events.rows[s.stripe.sendings.rows[id].Event]
		return ok && e.Created >= month
	case "link":
		return s.stripe.links.rows[id].Until >= now.Unix()
	case "answer":
		return !s.stripe.answers.rows[id].forgotten(now)
	case "google_grant":
		return s.google.grants.rows[id].alive(now)
	}
	return s.paypal.worthKeeping(kind, id, now)
}

func (s *Server) serve(ctx context.Context, ln net.Listener) {
	ctx, s.stop = context.WithCancel(ctx)
	s.http = &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)}
	s.wg.Go(func() {
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("sandbox: serve", "error", err)
		}
	})
	s.wg.Go(func() { s.stripe.post.run(ctx) })
	s.wg.Go(func() { s.paypal.post.run(ctx) })
	s.wg.Go(func() { s.tick(ctx) })
	context.AfterFunc(ctx, func() { s.Close() })
}

func (s *Server) tick(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := errors.Join(s.stripe.sweep(), s.paypal.sweep()); err != nil && !errors.Is(err, errClosed) {
				s.log.Error("sandbox: sweep", "error", err)
			}
		}
	}
}

// Close stops at once. What was acknowledged is in Dir; deliveries under way go out again after the next Start.
func (s *Server) Close() error {
	s.once.Do(func() {
		s.stop()
		err := s.http.Close()
		s.wg.Wait()
		s.closed = errors.Join(err, s.db.close())
	})
	return s.closed
}

func (s *Server) URL() string         { return s.base }
func (s *Server) Stripe() *Stripe     { return s.stripe }
func (s *Server) PayPal() *PayPal     { return s.paypal }
func (s *Server) Google() *Google     { return s.google }
func (s *Server) LLM() *LLM           { return s.llm }
func (s *Server) Unsplash() *Unsplash { return s.photos }

// Seed is what the faults were drawn from: print it when a test fails.
func (s *Server) Seed() uint64 { return s.opt.Seed }

// Now is the sandbox's clock.
func (s *Server) Now() time.Time { return s.opt.Clock().Add(time.Duration(s.offset.Load())) }

// Advance moves the clock and does what became due: sessions expire, delayed payments settle, money becomes available.
func (s *Server) Advance(d time.Duration) error {
	err := s.db.do(s.Now, func(t *tx) error {
		next := s.clock.rows["offset"].Offset + d
		put(t, s.clock, "offset", clockRow{next})
		s.offset.Store(int64(next))
		return nil
	})
	if err != nil {
		s.db.see(s.setClock)
		return err
	}
	return errors.Join(s.stripe.sweep(), s.paypal.sweep())
}

func (s *Server) setClock() { s.offset.Store(int64(s.clock.rows["offset"].Offset)) }
