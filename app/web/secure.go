package web

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"vitrine/app/config"
	"vitrine/app/errs"
)

// ipExtractor believes X-Forwarded-For from the named proxies alone.
func ipExtractor(proxies []*net.IPNet) echo.IPExtractor {
	if len(proxies) == 0 {
		return echo.ExtractIPDirect()
	}
	opts := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		opts = append(opts, echo.TrustIPRange(p))
	}
	return echo.ExtractIPFromXFFHeader(opts...)
}

// stripeConnect is where Stripe's form for creators and their pages are. The sandbox's are at its payment page's origin.
const stripeConnect = "https://connect.stripe.com"

// policy is the content security policy of a host. No inline script anywhere; the shop host adds the hash of
// its page's style, see StyleHash.
func policy(cfg *config.Config, h Host) string {
	media := cfg.MediaURL
	switch h {
	case App:
		forms := []string{"'self'", cfg.StripeCheckoutOrigin, stripeConnect, cfg.BucketOrigin()} // a form's redirect counts: to the payment page, to where creators say who they are, to a download
		if cfg.PayPal() {
			forms = append(forms, cfg.PayPalCheckoutOrigin)
		}
		if u, err := url.Parse(cfg.GoogleIssuer); err == nil && cfg.GoogleClientID != "" {
			forms = append(forms, u.Scheme+"://"+u.Host)
		}
		return "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' " + media + " blob: data:; connect-src 'self' " +
			cfg.BucketOrigin() + "; manifest-src 'self'; worker-src 'self'; form-action " + strings.Join(forms, " ") +
			"; frame-src 'self'; frame-ancestors 'self'; base-uri 'none'; object-src 'none'"
	case Shop:
		return "default-src 'none'; style-src {style}; font-src " + cfg.ShopURL + "/assets/; img-src 'self' " + media + "; media-src " + media +
			"; connect-src 'self'; form-action 'self' " + cfg.AppURL + "; frame-ancestors 'none'; base-uri 'none'"
	default:
		return "default-src 'none'; sandbox; frame-ancestors 'none'; base-uri 'none'"
	}
}

func secureHeaders(cfg *config.Config, h Host) echo.MiddlewareFunc {
	csp := policy(cfg, h)
	plain := strings.Replace(csp, "{style}", "'none'", 1)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Set("web.csp", csp)
			hd := c.Response().Header()
			hd.Set("Content-Security-Policy", plain)
			hd.Set("X-Content-Type-Options", "nosniff")
			hd.Set("Referrer-Policy", "strict-origin-when-cross-origin")
			hd.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), interest-cohort=(), browsing-topics=()")
			hd.Set("Cross-Origin-Opener-Policy", "same-origin-allow-popups")
			if h == App {
				hd.Set("Cross-Origin-Resource-Policy", "same-origin")
				hd.Set("Cache-Control", "no-store")
			} else {
				hd.Set("Cross-Origin-Resource-Policy", "cross-origin")
			}
			if cfg.Secure() {
				hd.Set("Strict-Transport-Security", "max-age=63072000")
			}
			return next(c)
		}
	}
}

// ShopPolicy is the shop host's policy for a page whose inline style has the given hash ('sha256-…'). frames are
// the origins whose frames a visitor may open in it.
func ShopPolicy(cfg *config.Config, styleHash string, frames ...string) string {
	p := strings.Replace(policy(cfg, Shop), "{style}", "'"+strings.Trim(styleHash, "'")+"'", 1)
	if len(frames) > 0 {
		slices.Sort(frames)
		p += "; frame-src " + strings.Join(slices.Compact(frames), " ")
	}
	return p
}

var errCrossOrigin = errs.New(errs.Forbidden, "This request came from another site, so it was refused. Go back to the page and try again.")

// sameOrigin refuses unsafe requests from other sites. Beyond the standard library's check, a request that
// carries our cookie but says nothing of where it comes from is refused too.
func sameOrigin(cfg *config.Config) echo.MiddlewareFunc {
	p := http.NewCrossOriginProtection()
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if guardSameOrigin {
				if p.Check(r) != nil {
					return errCrossOrigin
				}
				if r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" && len(r.Cookies()) > 0 {
					return errCrossOrigin
				}
			}
			return next(c)
		}
	}
}
