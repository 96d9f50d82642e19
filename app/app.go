// Package app wires the features together. It is the only place, beside the worker, that knows them all.
package app

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/a-h/templ"
	"github.com/klauspost/compress/gzhttp"
	"github.com/labstack/echo/v4"
	"github.com/redis/go-redis/v9"

	"vitrine/app/accounts"
	"vitrine/app/admin"
	"vitrine/app/assist"
	"vitrine/app/builder"
	"vitrine/app/bundle"
	"vitrine/app/cdn"
	"vitrine/app/config"
	"vitrine/app/contact"
	"vitrine/app/db"
	"vitrine/app/disputes"
	"vitrine/app/domains"
	"vitrine/app/earnings"
	"vitrine/app/fees"
	"vitrine/app/fetch"
	"vitrine/app/files"
	"vitrine/app/home"
	"vitrine/app/importer"
	"vitrine/app/inventory"
	"vitrine/app/job"
	"vitrine/app/live"
	"vitrine/app/mail"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/pagecache"
	"vitrine/app/payments"
	"vitrine/app/payments/paypal"
	"vitrine/app/payments/stripe"
	"vitrine/app/payouts"
	"vitrine/app/products"
	"vitrine/app/refunds"
	"vitrine/app/risk"
	"vitrine/app/storage"
	"vitrine/app/storefronts"
	"vitrine/app/today"
	"vitrine/app/web"
)

// App is one process's worth of Vitrine, for web and worker alike.
type App struct {
	Config *config.Config
	DB     *db.DB
	Redis  *redis.Client
	Bucket *storage.Bucket
	Mail   *mail.Sender
	Hub    *live.Hub
	Jobs   *job.Registry
	Router *web.Router
	Ready  atomic.Bool // off while shutting down

	Accounts  *accounts.Service
	Shops     *storefronts.Service
	Products  *products.Service
	Builder   *builder.Service
	Assist    *assist.Service
	Importer  *importer.Service
	Web       *fetch.Client // reads pages that creators name
	Files     *files.Service
	Domains   *domains.Hosts
	Fees      *fees.Service
	Stock     *inventory.Service
	Orders    *orders.Service
	Payouts   *payouts.Service
	Refunds   *refunds.Service
	Disputes  *disputes.Service
	Risk      *risk.Service
	Admin     *admin.Service
	Stripe    *stripe.Client
	PayPal    *paypal.Client // nil: not configured
	Providers payments.Providers
	Cache     *pagecache.Cache
	CDN       *cdn.Service // nil: none is told of changes
	listener  *live.Listener
	delivered http.Handler
	fourEyes  map[money.Currency]int64
}

// New opens what is shared, builds every feature and fills the ports between them. It calls nobody but
// Postgres.
func New(ctx context.Context, cfg *config.Config) (*App, error) {
	d, err := db.Open(ctx, cfg.DatabaseURL, db.Options{MaxOpen: cfg.DatabaseMaxOpen, Prepare: cfg.DatabasePrepare})
	if err != nil {
		return nil, err
	}
	a := &App{Config: cfg, DB: d, Hub: live.NewHub(), Jobs: job.NewRegistry(), listener: live.NewListener()}
	if err := a.open(); err != nil {
		d.Close()
		return nil, err
	}
	a.build()
	if err := a.routes(); err != nil {
		a.Close()
		return nil, err
	}
	a.register()
	a.Ready.Store(true)
	return a, nil
}

func (a *App) open() error {
	o, err := redis.ParseURL(a.Config.RedisURL)
	if err != nil {
		return fmt.Errorf("REDIS_URL: %w", err)
	}
	o.DialTimeout, o.ReadTimeout, o.MaxRetries = 300*time.Millisecond, time.Second, 1
	a.Redis = redis.NewClient(o)
	c := a.Config
	if a.fourEyes, err = risk.ParseFourEyes(c.RiskFourEyes); err != nil {
		return fmt.Errorf("RISK_FOUR_EYES: %w", err)
	}
	allow, err := fetch.ParseAllow(c.FetchAllow)
	if err != nil {
		return err
	}
	a.Web = fetch.New(fetch.Options{Allow: allow})
	if c.PayPal() {
		roots, err := certRoots(c.PayPalCertRoots)
		if err != nil {
			return err
		}
		a.PayPal = paypal.New(paypal.Options{ClientID: c.PayPalClientID, Secret: c.PayPalClientSecret.Reveal(), APIURL: c.PayPalAPIURL, WebhookID: c.PayPalWebhookID,
			CertHosts: c.PayPalCertHosts, Roots: roots, Clock: a.DB.Now})
	}
	a.Bucket = storage.Open(storage.Options{Endpoint: c.S3Endpoint, Region: c.AWSRegion, Key: c.AWSAccessKeyID, Secret: c.AWSSecretAccessKey.Reveal(), Bucket: c.AWSS3Bucket})
	a.Mail, err = mail.New(c.SMTPURL.Reveal(), c.MailFrom)
	return err
}

// certRoots reads who certificates must come from; nil for no file, which means the machine's own.
func certRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("PAYPAL_CERT_ROOTS: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("PAYPAL_CERT_ROOTS: no certificate in %s", file)
	}
	return pool, nil
}

// build makes the services, from the lowest tier up.
func (a *App) build() {
	c, d := a.Config, a.DB
	a.Accounts = &accounts.Service{DB: d, Secret: c.SecretKey.Reveal(), AppURL: c.AppURL, Expires: time.Duration(c.AccessTokenExpireMinutes) * time.Minute}
	if c.GoogleClientID != "" {
		a.Accounts.Google = &accounts.Google{Issuer: c.GoogleIssuer, ClientID: c.GoogleClientID, Secret: c.GoogleClientSecret.Reveal(), Callback: c.AppURL + "/auth/google/back"}
	}
	a.Files = files.New(d, a.Bucket, c.MediaURL)
	a.Fees = &fees.Service{}
	a.Stock = &inventory.Service{DB: d}
	a.Shops = storefronts.New(d, c.ShopURL)
	a.Products = products.New(d, a.Files, a.Fees, a.Stock)
	a.Builder = &builder.Service{DB: d, Shops: a.Shops, Products: a.Products, Pictures: a.Files, Pages: a.Web}
	a.Assist = a.writing()
	a.Shops.Tasks(a.Jobs)
	a.Builder.Jobs(a.Jobs)
	a.Assist.Jobs(a.Jobs)
	a.Files.OnReady(a.Builder.PictureReady)
	a.Stripe = stripe.New(stripe.Options{Key: c.StripeSecretKey.Reveal(), APIURL: c.StripeAPIURL, WebhookSecrets: c.StripeWebhookSecret.Reveal(), Retries: 2})
	a.Providers = payments.Providers{a.Stripe}
	if a.PayPal != nil {
		a.Providers = append(a.Providers, a.PayPal)
	}
	a.Orders = &orders.Service{DB: d, Catalogue: catalogue{a}, Fees: a.Fees, Stock: a.Stock, Providers: a.Providers, Secret: c.SecretKey.Reveal(), AppURL: c.AppURL,
		Settlement: time.Duration(c.SettlementDays) * 24 * time.Hour}
	a.Orders.Inbox = a.inbox()
	a.Orders.Inbox = a.inbox() // check-money asks what waits in it
	a.Payouts = a.payingOut()
	a.Refunds = &refunds.Service{DB: d, Orders: a.Orders, Stock: a.Stock}
	a.Orders.OnRefund = a.Refunds.Heard
	a.Disputes = &disputes.Service{DB: d, Orders: a.Orders, Disputers: map[string]payments.Disputer{payouts.Stripe: a.Stripe}}
	if a.PayPal != nil {
		a.Disputes.Disputers[payouts.PayPal] = a.PayPal
	}
	a.Orders.OnDispute = a.Disputes.Heard
	a.Risk = a.watching()
	a.Admin = &admin.Service{DB: d, Orders: a.Orders, Payouts: a.Payouts, Providers: a.Providers, Check: a.CheckMoney, Zone: c.Zone()}
	a.Domains = &domains.Hosts{Service: &domains.Service{DB: d, Shops: a.Shops, Resolver: domains.At(c.DNSServer), Own: []string{c.Host(c.AppURL), c.Host(c.ShopURL), c.Host(c.MediaURL)},
		Target: domains.TargetOf(c.ShopURL), Addresses: c.DomainAddresses}}
	a.Cache = a.pages()

	a.Shops.Furnish = a.Builder.Furnish
	a.Builder.Payable = a.payable
	a.Importer = a.importing()
	a.Shops.HasSales = a.Orders.HasSales
	a.Shops.Recurrency = append(a.Shops.Recurrency, a.Products.Recurrency)
}

// pages are the finished public pages, and who is told when one of them has changed.
func (a *App) pages() *pagecache.Cache {
	o := pagecache.Options{Clock: a.DB.Clock, Redis: a.Redis, Release: release()}
	if c := a.Config; c.PurgeURL != "" {
		a.CDN = &cdn.Service{DB: a.DB, Kind: c.PurgeKind, URL: c.PurgeURL, Token: c.PurgeToken.Reveal()}
		o.Control, o.CacheTag = pagecache.ControlPurged, c.PurgeKind == cdn.Cloudflare
	}
	cache := pagecache.New(o)
	if a.CDN != nil {
		cache.OnDrop(a.CDN.Changed)
	}
	return cache
}

// release tells this build from others, so that processes share only pages that both would draw alike.
func release() string {
	var out []byte
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if strings.HasPrefix(s.Key, "vcs") {
				out = fmt.Append(out, s.Value, " ")
			}
		}
	}
	if exe, err := os.Executable(); err == nil {
		if st, err := os.Stat(exe); err == nil {
			out = fmt.Append(out, st.Size())
		}
	}
	sum := sha256.Sum256(out)
	return hex.EncodeToString(sum[:6])
}

// register tells the worker what to do, and the listener what to redraw.
func (a *App) register() {
	a.Accounts.Tasks(a.Jobs, a.Mail)
	a.Files.Tasks(a.Jobs)
	a.Importer.Tasks(a.Jobs)
	a.Archives().Tasks(a.Jobs)
	a.inbox().Jobs(a.Jobs)
	a.mirror().Jobs(a.Jobs)
	a.Orders.Jobs(a.Jobs)
	a.mails().Jobs(a.Jobs)
	a.Payouts.Jobs(a.Jobs)
	a.Refunds.Jobs(a.Jobs)
	(&refunds.Mails{Refunds: a.Refunds, Sellers: a.seller, Sender: a.Mail}).Jobs(a.Jobs)
	a.Disputes.Jobs(a.Jobs)
	(&disputes.Mails{Disputes: a.Disputes, Address: a.creatorAddress, Sender: a.Mail, AppURL: a.Config.AppURL}).Jobs(a.Jobs)
	(&payouts.Mails{Payouts: a.Payouts, Address: a.creatorAddress, Sender: a.Mail}).Jobs(a.Jobs)
	a.Risk.Jobs(a.Jobs)
	(&risk.Mails{Service: a.Risk, Sellers: a.seller, Sender: a.Mail}).Jobs(a.Jobs)
	a.Builder.Lookups(a.Jobs)
	a.contact().Jobs(a.Jobs)
	a.Admin.Jobs(a.Jobs)
	a.Domains.Jobs(a.Jobs)

	if a.CDN != nil {
		a.CDN.Jobs(a.Jobs)
	}

	a.Front().Listen(a.listener)
	a.Domains.Listen(a.listener)
	a.today().Live(a.listener)
	a.window().Live(a.listener)
	a.describing().Live(a.listener)
	a.listener.On(accounts.SignedOut, func(_ context.Context, session string) { a.Hub.Drop(session) })
}

func (a *App) inbox() *payments.Inbox {
	return &payments.Inbox{DB: a.DB, Providers: a.Providers, Effect: a.Effect, Wants: a.Orders.WantsLook}
}

func (a *App) refunding() *refunds.Handler {
	return &refunds.Handler{Service: a.Refunds, Sellers: a.seller}
}

func (a *App) following() *earnings.Handler {
	return &earnings.Handler{Service: &earnings.Service{DB: a.DB, Orders: a.Orders, Payouts: a.Payouts}}
}

func (a *App) mails() *orders.Mails {
	return &orders.Mails{Orders: a.Orders, Library: &orders.Library{Orders: a.Orders}, Sellers: a.seller, Sender: a.Mail}
}

func (a *App) buying() *orders.Handler {
	return &orders.Handler{
		Service: a.Orders, Library: &orders.Library{Orders: a.Orders}, Mails: a.mails(), Sellers: a.seller, ShopURL: a.Config.ShopURL,
		Delivery: &orders.Delivery{Orders: a.Orders, Links: a.Files, Bucket: a.Bucket, Files: a.Products.FilesAt},
		Panels:   []func(echo.Context, orders.Order) (templ.Component, error){a.refunding().Panel, a.following().Panel},
	}
}

// Front is what visitors of shops see.
func (a *App) Front() *builder.Front {
	return &builder.Front{Service: a.Builder, Cache: a.Cache, Config: a.Config, Cards: a.Bucket, Media: a.Files.ReadSize}
}

// Archives takes shops away and brings them in.
func (a *App) Archives() *bundle.Service {
	return &bundle.Service{DB: a.DB, Shops: a.Shops, Window: a.Builder, Products: a.Products, Files: a.Files, Members: audience{a}, Photos: a.Assist.Placed, Secret: a.Config.SecretKey.Reveal()}
}

func (a *App) window() *builder.Handler {
	return &builder.Handler{Service: a.Builder, Front: a.Front(), Hub: a.Hub}
}

func (a *App) contact() *contact.Service {
	return &contact.Service{DB: a.DB, Shops: a.Shops, Sender: a.Mail, Address: a.creatorAddress, AppURL: a.Config.AppURL}
}

func (a *App) today() *today.Handler {
	s := &today.Service{DB: a.DB, Orders: a.Orders, Payouts: a.Payouts, Started: a.progress}
	return &today.Handler{Service: s, Hub: a.Hub, ShopURL: a.Config.ShopURL, Owner: a.owner}
}

func (a *App) landing() *home.Handler {
	return &home.Handler{DB: a.DB, Fees: a.Fees, Windows: a.windows}
}

// Handler answers everything. Dynamic pages of the app host are compressed here; shop pages and assets come
// compressed already, and streams never are.
func (a *App) Handler() http.Handler { return a.delivered }

func (a *App) compress(h http.Handler) (http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(1024), gzhttp.CompressionLevel(5), gzhttp.RandomJitter(32, 0, false),
		gzhttp.ContentTypes([]string{"text/html", "application/json", "application/yaml", "application/manifest+json", "text/javascript", "text/css"}))
	if err != nil {
		return nil, err
	}
	packed := wrap(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == a.Config.Host(a.Config.AppURL) && !strings.HasSuffix(r.URL.Path, "/live") {
			packed.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	}), nil
}

// Listen hears events until ctx ends.
func (a *App) Listen(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go a.Cache.Share(ctx, a.listener.Hearing)
	return a.listener.Run(ctx, a.DB.URL())
}

// Close lets go of everything that New opened.
func (a *App) Close() error {
	a.Hub.Close()
	return errors.Join(a.Redis.Close(), a.DB.Close())
}
