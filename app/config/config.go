// Package config is the one struct that the environment fills.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"golang.org/x/net/publicsuffix"
)

// Secret prints as ***; Reveal is for the client that needs it.
type Secret string

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}
func (s Secret) GoString() string             { return s.String() }
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
func (s Secret) Reveal() string               { return string(s) }

// Config is everything that can be set. Empty addresses of services mean: `vitrine dev` starts a local one.
type Config struct {
	Port      int    `env:"PORT" envDefault:"8080"`
	Bind      string `env:"BIND" envDefault:"127.0.0.1"`
	Data      string `env:"VITRINE_DATA" envDefault:"./data"`
	AppURL    string `env:"APP_URL"`
	ShopURL   string `env:"SHOP_URL"`
	MediaURL  string `env:"MEDIA_URL"`
	SecretKey Secret `env:"SECRET_KEY"`

	DatabaseURL     string `env:"DATABASE_URL"`
	DatabaseMaxOpen int    `env:"DATABASE_MAX_OPEN" envDefault:"20"`
	DatabasePrepare bool   `env:"DATABASE_PREPARE" envDefault:"true"`
	RedisURL        string `env:"REDIS_URL"`

	S3Endpoint         string `env:"S3_ENDPOINT"`
	AWSRegion          string `env:"AWS_REGION" envDefault:"us-east-1"`
	AWSAccessKeyID     string `env:"AWS_ACCESS_KEY_ID"`
	AWSSecretAccessKey Secret `env:"AWS_SECRET_ACCESS_KEY"`
	AWSS3Bucket        string `env:"AWS_S3_BUCKET" envDefault:"vitrine"`

	SMTPURL  Secret `env:"SMTP_URL"`
	MailFrom string `env:"MAIL_FROM" envDefault:"Vitrine <hello@vitrine.localhost>"`

	StripeSecretKey      Secret   `env:"STRIPE_SECRET_KEY"`
	StripePublishableKey string   `env:"STRIPE_PUBLISHABLE_KEY"`
	StripeWebhookSecret  Secret   `env:"STRIPE_WEBHOOK_SECRET"`
	StripeAPIURL         string   `env:"STRIPE_API_URL" envDefault:"https://api.stripe.com"`
	StripeCheckoutOrigin string   `env:"STRIPE_CHECKOUT_ORIGIN" envDefault:"https://checkout.stripe.com"`
	PayPalClientID       string   `env:"PAYPAL_CLIENT_ID"`
	PayPalClientSecret   Secret   `env:"PAYPAL_CLIENT_SECRET"`
	PayPalWebhookID      string   `env:"PAYPAL_WEBHOOK_ID"`
	PayPalAPIURL         string   `env:"PAYPAL_API_URL" envDefault:"https://api-m.paypal.com"`
	PayPalCheckoutOrigin string   `env:"PAYPAL_CHECKOUT_ORIGIN" envDefault:"https://www.paypal.com"`
	PayPalCertHosts      []string `env:"PAYPAL_CERT_HOSTS"`
	PayPalCertRoots      string   `env:"PAYPAL_CERT_ROOTS"`

	PurgeURL   string `env:"PURGE_URL"`
	PurgeKind  string `env:"PURGE_KIND" envDefault:"webhook"`
	PurgeToken Secret `env:"PURGE_TOKEN"`

	SettlementDays int    `env:"SETTLEMENT_DAYS" envDefault:"7"`
	PayoutHour     int    `env:"PAYOUT_HOUR" envDefault:"6"`
	RiskFourEyes   string `env:"RISK_FOUR_EYES"`

	GoogleClientID     string `env:"GOOGLE_CLIENT_ID"`
	GoogleClientSecret Secret `env:"GOOGLE_CLIENT_SECRET"`
	GoogleIssuer       string `env:"GOOGLE_ISSUER" envDefault:"https://accounts.google.com"`
	GroqAPIKey         Secret `env:"GROQ_API_KEY"`
	UnsplashAPIKey     Secret `env:"UNSPLASH_API_KEY"`
	UnsplashAPIURL     string `env:"UNSPLASH_API_URL" envDefault:"https://api.unsplash.com"`
	LLMAPIURL          string `env:"LLM_API_URL" envDefault:"https://api.groq.com/openai/v1"`
	LLMModel           string `env:"LLM_MODEL" envDefault:"moonshotai/kimi-k2-instruct-0905"`
	LLMTokensCreator   int64  `env:"LLM_TOKENS_CREATOR" envDefault:"150000"`
	LLMTokensInstance  int64  `env:"LLM_TOKENS_INSTANCE" envDefault:"5000000"`
	LLMPriceIn         int64  `env:"LLM_PRICE_IN" envDefault:"1000000"`
	LLMPriceOut        int64  `env:"LLM_PRICE_OUT" envDefault:"3000000"`

	AccessTokenExpireMinutes int      `env:"ACCESS_TOKEN_EXPIRE_MINUTES" envDefault:"15"`
	CORSOrigins              []string `env:"CORS_ORIGINS"`
	TrustedProxies           []string `env:"TRUSTED_PROXIES"`
	TimeZone                 string   `env:"INSTANCE_TIME_ZONE" envDefault:"UTC"`
	DNSServer                string   `env:"DNS_SERVER"`
	DomainAddresses          []string `env:"DOMAIN_ADDRESSES"`
	SandboxPort              int      `env:"SANDBOX_PORT"`
	FetchAllow               []string `env:"FETCH_ALLOW"`
	LogLevel                 string   `env:"LOG_LEVEL" envDefault:"info"`

	// Set by `vitrine dev`, never from the environment.
	Dev        bool   `env:"-"` // storybook, inbox link, plain-http cookies
	InboxURL   string `env:"-"`
	SandboxURL string `env:"-"`
}

// Read fills a Config from the environment and completes what follows from the rest.
func Read() (*Config, error) {
	c := &Config{}
	if err := env.Parse(c); err != nil {
		return nil, fmt.Errorf("read the environment: %w", err)
	}
	c.Complete()
	return c, nil
}

// Complete derives the three hosts from the port where they are not given.
func (c *Config) Complete() {
	def := func(p *string, host string) {
		if *p == "" {
			*p = fmt.Sprintf("http://%s:%d", host, c.Port)
		}
		*p = strings.TrimRight(*p, "/")
	}
	def(&c.AppURL, "localhost")
	def(&c.ShopURL, "shop.localhost")
	def(&c.MediaURL, "media.localhost")
}

// Check names everything that is wrong or missing for a server process; nil when it can start.
func (c *Config) Check() error {
	var all []error
	need := func(name, v string) {
		if v == "" {
			all = append(all, fmt.Errorf("%s is not set", name))
		}
	}
	need("DATABASE_URL", c.DatabaseURL)
	need("REDIS_URL", c.RedisURL)
	need("AWS_ACCESS_KEY_ID", c.AWSAccessKeyID)
	need("AWS_SECRET_ACCESS_KEY", c.AWSSecretAccessKey.Reveal())
	need("SMTP_URL", c.SMTPURL.Reveal())
	need("STRIPE_SECRET_KEY", c.StripeSecretKey.Reveal())
	need("STRIPE_WEBHOOK_SECRET", c.StripeWebhookSecret.Reveal())
	if c.PayPal() {
		need("PAYPAL_CLIENT_SECRET", c.PayPalClientSecret.Reveal())
		need("PAYPAL_WEBHOOK_ID", c.PayPalWebhookID)
	}
	if len(c.SecretKey) < 32 {
		all = append(all, errors.New("SECRET_KEY needs 32 characters or more: `openssl rand -hex 32` makes one"))
	}
	for name, v := range map[string]string{"APP_URL": c.AppURL, "SHOP_URL": c.ShopURL, "MEDIA_URL": c.MediaURL} {
		u, err := url.Parse(v)
		if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.Path != "" {
			all = append(all, fmt.Errorf("%s %q must look like https://host", name, v))
			continue
		}
		if u.Scheme == "http" && !local(u.Hostname()) {
			all = append(all, fmt.Errorf("%s must be https outside of localhost", name))
		}
	}
	if c.Host(c.AppURL) == c.Host(c.ShopURL) || c.Host(c.AppURL) == c.Host(c.MediaURL) || c.Host(c.ShopURL) == c.Host(c.MediaURL) {
		all = append(all, errors.New("APP_URL, SHOP_URL and MEDIA_URL must be three hosts"))
	}
	if c.Port < 1 || c.Port > 65535 {
		all = append(all, fmt.Errorf("PORT %d is not a port", c.Port))
	}
	if c.AccessTokenExpireMinutes < 1 || c.AccessTokenExpireMinutes > 60 {
		all = append(all, errors.New("ACCESS_TOKEN_EXPIRE_MINUTES must be 1 to 60"))
	}
	if u, err := url.Parse(c.PurgeURL); c.PurgeURL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && local(u.Hostname()))) {
		all = append(all, fmt.Errorf("PURGE_URL %q must look like https://host/path", c.PurgeURL))
	}
	if c.PurgeURL != "" && c.PurgeKind != "webhook" && c.PurgeKind != "fastly" && c.PurgeKind != "cloudflare" {
		all = append(all, fmt.Errorf("PURGE_KIND %q must be webhook, fastly or cloudflare", c.PurgeKind))
	}
	if _, _, err := net.SplitHostPort(c.DNSServer); c.DNSServer != "" && err != nil {
		all = append(all, fmt.Errorf("DNS_SERVER %q must look like 192.0.2.53:53", c.DNSServer))
	}
	for _, s := range c.DomainAddresses {
		if net.ParseIP(s) == nil {
			all = append(all, fmt.Errorf("DOMAIN_ADDRESSES: %q is not an address like 192.0.2.1", s))
		}
	}
	if _, err := time.LoadLocation(c.TimeZone); err != nil {
		all = append(all, fmt.Errorf("INSTANCE_TIME_ZONE %q is not an IANA zone", c.TimeZone))
	}
	if _, err := c.Proxies(); err != nil {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// Proxies are the address ranges whose X-Forwarded-For is believed.
func (c *Config) Proxies() ([]*net.IPNet, error) {
	var out []*net.IPNet
	for _, s := range c.TrustedProxies {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("TRUSTED_PROXIES: %q is not a range like 10.0.0.0/8", s)
		}
		out = append(out, &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())})
	}
	return out, nil
}

// PayPal reports whether buyers may pay, and creators be paid, through PayPal.
func (c *Config) PayPal() bool { return c.PayPalClientID != "" }

// Zone is the instance's; UTC when Check would refuse its name.
func (c *Config) Zone() *time.Location {
	z, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return time.UTC
	}
	return z
}

// Host is the host and port of one of the addresses.
func (c *Config) Host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// Secure reports whether cookies may demand https.
func (c *Config) Secure() bool { return strings.HasPrefix(c.AppURL, "https://") }

// BucketOrigin is where the browser sends uploads to and fetches downloads from.
func (c *Config) BucketOrigin() string {
	if c.S3Endpoint == "" {
		return fmt.Sprintf("https://%s.s3.%s.amazonaws.com", c.AWSS3Bucket, c.AWSRegion)
	}
	u, err := url.Parse(c.S3Endpoint)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// SameSite reports whether the shop host is the same site as the app host, where free CSS would be a danger.
func (c *Config) SameSite() bool {
	return site(c.Host(c.AppURL)) == site(c.Host(c.ShopURL))
}

func site(host string) string {
	h, _, err := net.SplitHostPort(host)
	if err != nil {
		h = host
	}
	if s, err := publicsuffix.EffectiveTLDPlusOne(h); err == nil {
		return s
	}
	return h
}

func local(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}
