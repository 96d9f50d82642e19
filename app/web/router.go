// Package web is what every page shares: hosts, routes with their guards, sessions, limits, and answers that
// suit both browsers, the one with htmx and the one without.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"vitrine/app/config"
	"vitrine/app/errs"
)

// Host is one of the three sites that a process serves.
type Host string

const (
	App   Host = "app"   // sign-in, creator app, checkout, orders, API: the only one with a cookie
	Shop  Host = "shop"  // what creators publish: no cookie, no script
	Media Host = "media" // uploads: no cookie, sandboxed
)

// Access is who may call a route. Every route declares one.
type Access string

const (
	Anyone   Access = "anyone"    // with a session, signed in or not
	NoCookie Access = "no-cookie" // anyone; the session is not even loaded
	SignedIn Access = "signed-in" // perhaps with an unverified address
	Verified Access = "verified"  // signed in with a verified address
	Creator  Access = "creator"   // verified, with a shop
	Admin    Access = "admin"     // an operator who has shown a code of the second step; to others it does not exist
	Bearer   Access = "bearer"    // the API, with an access token
	Signed   Access = "signed"    // a provider's signed message
	DevOnly  Access = "dev-only"  // exists only under `vitrine dev`
)

// Route is one line of the table that tests walk through.
type Route struct {
	Host        Host
	Method      string
	Path        string
	Access      Access
	CrossOrigin string // why another site may call this unsafe route; empty: it may not
	Fresh       bool   // asks for a proof of the last minutes
}

// Router collects the routes of all hosts.
type Router struct {
	Config   *config.Config
	Sessions *scs.SessionManager
	People   People
	Tokens   Tokens
	Factors  Factors
	Limits   *Limiter
	// Domains tells which shop is shown at a host that is none of ours, and the host without its port; an empty slug
	// for none. Filled by domains.
	Domains func(ctx context.Context, host string) (slug, domain string, err error)

	hosts map[Host]*echo.Echo
	table []Route
	kept  map[string]bool // the routes whose answers the installed app may keep
}

// NewRouter makes the three hosts with what every request passes through.
func NewRouter(cfg *config.Config, sessions *scs.SessionManager, limits *Limiter) (*Router, error) {
	proxies, err := cfg.Proxies()
	if err != nil {
		return nil, err
	}
	r := &Router{Config: cfg, Sessions: sessions, Limits: limits, hosts: map[Host]*echo.Echo{}}
	for _, h := range []Host{App, Shop, Media} {
		e := echo.New()
		e.HideBanner, e.HidePort = true, true
		e.HTTPErrorHandler = HandleError
		e.IPExtractor = ipExtractor(proxies)
		e.Use(setting(r, h), middleware.RequestID(), logRequests(), recoverPanics(), secureHeaders(cfg, h))
		r.hosts[h] = e
	}
	return r, nil
}

// Table is every route that was registered.
func (r *Router) Table() []Route { return r.table }

// Group is a set of routes of one host with one guard.
type Group struct {
	r      *Router
	host   Host
	access Access
	prefix string
	g      *echo.Group
}

// On begins a group on a host with its guard: r.On(web.App, "/app", web.Creator).
func (r *Router) On(h Host, prefix string, a Access, mw ...echo.MiddlewareFunc) *Group {
	guards := append(r.guard(h, a), mw...)
	return &Group{r, h, a, prefix, r.hosts[h].Group(prefix, guards...)}
}

// RouteOption changes one route.
type RouteOption func(*routeSpec)

type routeSpec struct {
	crossOrigin string
	fresh       bool
	mw          []echo.MiddlewareFunc
}

// CrossOrigin exempts an unsafe route from the cross-origin guard, and says why.
func CrossOrigin(why string) RouteOption { return func(s *routeSpec) { s.crossOrigin = why } }

// Through adds a middleware to one route.
func Through(mw echo.MiddlewareFunc) RouteOption {
	return func(s *routeSpec) { s.mw = append(s.mw, mw) }
}

func (g *Group) GET(p string, h echo.HandlerFunc, o ...RouteOption)  { g.add(http.MethodGet, p, h, o) }
func (g *Group) POST(p string, h echo.HandlerFunc, o ...RouteOption) { g.add(http.MethodPost, p, h, o) }
func (g *Group) PUT(p string, h echo.HandlerFunc, o ...RouteOption)  { g.add(http.MethodPut, p, h, o) }
func (g *Group) PATCH(p string, h echo.HandlerFunc, o ...RouteOption) {
	g.add(http.MethodPatch, p, h, o)
}
func (g *Group) DELETE(p string, h echo.HandlerFunc, o ...RouteOption) {
	g.add(http.MethodDelete, p, h, o)
}

func (g *Group) add(method, path string, h echo.HandlerFunc, opts []RouteOption) {
	var s routeSpec
	for _, o := range opts {
		o(&s)
	}
	if s.fresh && slices.Contains([]Access{NoCookie, Bearer, Signed, DevOnly}, g.access) {
		panic("web: only sessions keep proofs")
	}
	if method != http.MethodGet && s.crossOrigin == "" && g.access != Bearer {
		s.mw = append([]echo.MiddlewareFunc{sameOrigin(g.r.Config)}, s.mw...)
	}
	g.r.table = append(g.r.table, Route{g.host, method, g.prefix + path, g.access, s.crossOrigin, s.fresh})
	g.g.Add(method, path, h, s.mw...)
	if method == http.MethodGet {
		g.g.Add(http.MethodHead, path, h, s.mw...)
	}
}

// ServeHTTP finds the host. A host that is none of ours gets nothing but 421.
func (r *Router) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch req.Host {
	case r.Config.Host(r.Config.AppURL):
		r.hosts[App].ServeHTTP(w, req)
	case r.Config.Host(r.Config.ShopURL):
		r.hosts[Shop].ServeHTTP(w, req)
	case r.Config.Host(r.Config.MediaURL):
		r.hosts[Media].ServeHTTP(w, req)
	default:
		if p := req.URL.Path; p == "/healthz" || p == "/readyz" || p == AskPath { // probes and proxies come by address
			r.hosts[App].ServeHTTP(w, req)
			return
		}
		r.serveDomain(w, req)
	}
}

const routerKey = "web.router"

func setting(r *Router, h Host) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Set(routerKey, r)
			c.Set("web.host", h)
			ctx := withLocale(c)
			c.SetRequest(c.Request().WithContext(ctx))
			return next(c)
		}
	}
}

func routerOf(c echo.Context) *Router { return c.Get(routerKey).(*Router) }

// HostOf is the site that the request came to.
func HostOf(c echo.Context) Host { return c.Get("web.host").(Host) }

func recoverPanics() echo.MiddlewareFunc {
	return middleware.RecoverWithConfig(middleware.RecoverConfig{
		LogErrorFunc: func(c echo.Context, err error, stack []byte) error {
			slog.ErrorContext(c.Request().Context(), "panic", "request", RequestID(c), "path", c.Path(), "err", err, "stack", string(stack))
			return errs.Wrap(errs.Internal, err, "panic")
		},
	})
}

// RequestID is the number under which the log knows the request.
func RequestID(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }

func logRequests() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			start := time.Now()
			err := next(c)
			if err != nil {
				c.Error(err)
			}
			// The route, not the path: paths and queries may hold tokens.
			slog.DebugContext(c.Request().Context(), "request", "request", RequestID(c), "method", c.Request().Method,
				"route", c.Path(), "status", c.Response().Status, "bytes", c.Response().Size, "took", time.Since(start))
			return nil
		}
	}
}

// LocalPath returns next when it is a path of our own, and otherwise fallback.
func LocalPath(next, fallback string) string {
	if !strings.HasPrefix(next, "/") || strings.ContainsAny(next, "\\\r\n\t") {
		return fallback
	}
	u, err := url.Parse(next)
	if err != nil || u.Host != "" || u.Scheme != "" || strings.HasPrefix(next, "//") || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") {
		return fallback
	}
	return u.RequestURI()
}
