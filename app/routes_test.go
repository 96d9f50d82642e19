package app_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vitrine/app/apptest"
	"vitrine/app/id"
	"vitrine/app/payouts"
	"vitrine/app/web"
	"vitrine/app/web/webtest"
)

// base is the address of a host.
func base(w *apptest.World, h web.Host) string {
	switch h {
	case web.Shop:
		return w.Config.ShopURL
	case web.Media:
		return w.Config.MediaURL
	}
	return w.Config.AppURL
}

// fill puts something in the place of every parameter; values by name win.
func fill(path string, values map[string]string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		at := strings.HasPrefix(p, "@")
		name, ok := strings.CutPrefix(strings.TrimPrefix(p, "@"), ":")
		if p == "*" {
			name, ok = "*", true
		}
		if !ok {
			continue
		}
		v, has := values[name]
		if !has {
			v = id.New[id.ProductKind]().String()
		}
		if at {
			v = "@" + v
		}
		parts[i] = v
	}
	return strings.Join(parts, "/")
}

func TestEveryRouteDeclaresItsAccess(t *testing.T) {
	w := apptest.New(t)
	known := []web.Access{web.Anyone, web.NoCookie, web.SignedIn, web.Verified, web.Creator, web.Admin, web.Bearer, web.Signed, web.DevOnly}
	var lines []string
	for _, r := range w.App.Router.Table() {
		if !slices.Contains(known, r.Access) {
			t.Errorf("%s %s: access %q is none", r.Method, r.Path, r.Access)
		}
		line := fmt.Sprintf("%-5s %-6s %-42s %s", r.Host, r.Method, r.Path, r.Access)
		if r.CrossOrigin != "" {
			line += "  from anywhere: " + r.CrossOrigin
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	now := strings.Join(lines, "\n") + "\n"
	t.Logf("%d routes:\n%s", len(lines), now)
	file := filepath.Join("testdata", "routes.txt")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	was := strings.Split(strings.TrimSpace(string(b)), "\n")
	for _, l := range lines {
		if !slices.Contains(was, l) {
			t.Errorf("new or changed: %s", l)
		}
	}
	for _, l := range was {
		if !slices.Contains(lines, l) {
			t.Errorf("gone: %s", l)
		}
	}
	if t.Failed() {
		t.Errorf("look at who may call each, then write the table down: UPDATE=1 go test ./app -run %s", t.Name())
	}
}

// openToOthers are the only unsafe routes that another site may call: they take no cookie.
var openToOthers = []string{
	"POST /webhooks/stripe", "POST /webhooks/paypal", "POST /api/v1/payment/webhook",
	"POST /api/v1/register", "POST /api/v1/verify-email", "POST /api/v1/login", "POST /api/v1/token/refresh", "POST /api/v1/logout",
	"POST /api/v1/payment/create-intent", "POST /api/v1/payment/confirm", // by key, never by cookie
	"POST /api/v1/storefronts", "PUT /api/v1/storefronts/:shop", "DELETE /api/v1/storefronts/:shop", "POST /api/v1/ai/generate/bio", "POST /api/v1/ai/build/storefront",
}

func TestUnsafeRoutesRefuseCrossSiteCalls(t *testing.T) {
	w := apptest.New(t)
	c, o := w.Creator(), w.Admin()
	values := map[string]string{"slug": c.Shop.Slug, "id": c.Product.String(), "product": c.Slug}
	var open []string
	checked := 0
	for _, r := range w.App.Router.Table() {
		if r.Method == http.MethodGet || r.Access == web.DevOnly {
			continue
		}
		name := r.Method + " " + r.Path
		if r.CrossOrigin != "" {
			open = append(open, name)
			continue
		}
		for what, h := range map[string]http.Header{
			"cross-site":               {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}},
			"cross-site, no origin":    {"Sec-Fetch-Site": {"cross-site"}, "Origin": nil},
			"same-site: the shop host": {"Sec-Fetch-Site": {"same-site"}, "Origin": {w.Config.ShopURL}},
			"old browser, foreign":     {"Sec-Fetch-Site": nil, "Origin": {"https://evil.example"}},
			"old browser, shop host":   {"Sec-Fetch-Site": nil, "Origin": {w.Config.ShopURL + ":1"}},
			"origin null":              {"Sec-Fetch-Site": nil, "Origin": {"null"}},
			"a cookie and no word":     {"Sec-Fetch-Site": nil, "Origin": nil},
		} {
			if what == "a cookie and no word" && r.Host != web.App {
				continue // no other host has cookies
			}
			if r.Host == web.Shop && strings.Contains(what, "shop host") {
				continue // its own
			}
			b := c.Browser
			if r.Access == web.Admin {
				b = o.Browser // to a creator it would not exist
			}
			b.Header = h
			p := b.Do(r.Method, base(w, r.Host)+fill(r.Path, values), "application/x-www-form-urlencoded", "name=x")
			if p.Status != http.StatusForbidden {
				t.Errorf("%s, %s: %d, want 403", name, what, p.Status)
			}
			checked++
		}
	}
	slices.Sort(open)
	want := slices.Sorted(slices.Values(openToOthers))
	if !slices.Equal(open, want) {
		t.Errorf("open to other sites: %q, want %q", open, want)
	}
	if checked < 150 {
		t.Errorf("only %d calls were tried", checked)
	}
	c.Header = http.Header{}
	c.Get("/app/today").Is(http.StatusOK) // nothing of it did anything
	t.Logf("%d calls refused", checked)
}

// Without a session every page of a creator leads to signing in, and nothing of it is read.
func TestAnonymousVisitorsAreSentToSignIn(t *testing.T) {
	w := apptest.New(t)
	c := w.Creator()
	values := map[string]string{"id": c.Product.String()}
	n := 0
	for _, r := range w.App.Router.Table() {
		switch r.Access {
		case web.Creator, web.Verified, web.SignedIn:
		case web.Admin: // does not exist, see TestOperatorsNeedTheSecondStep
			w.Browser().Do(r.Method, fill(r.Path, values), "application/x-www-form-urlencoded", "name=typed").Is(http.StatusNotFound)
			continue
		case web.Bearer:
			if p := w.Browser().Do(r.Method, fill(r.Path, values), "", ""); p.Status != http.StatusUnauthorized || p.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s without a token: %d", r.Method, r.Path, p.Status)
			}
			continue
		case web.DevOnly:
			w.Browser().Do(r.Method, fill(r.Path, values), "", "").Is(http.StatusNotFound)
			continue
		default:
			continue
		}
		n++
		for _, htmx := range []bool{false, true} {
			b := w.Browser()
			b.HTMX = htmx
			p := b.Do(r.Method, fill(r.Path, values), "application/x-www-form-urlencoded", "name=typed")
			to, status := p.Header.Get("Location"), http.StatusSeeOther
			if htmx {
				to, status = p.Header.Get("HX-Redirect"), http.StatusUnauthorized
			}
			if p.Status != status || !strings.HasPrefix(to, "/login?next=") || p.Body != "" {
				t.Errorf("%s %s (htmx %v): %d to %q", r.Method, r.Path, htmx, p.Status, to)
			}
		}
	}
	if n < 40 {
		t.Errorf("only %d routes were tried", n)
	}
}

// What belongs to somebody else does not exist: every route of a creator that names a thing answers 404 for
// the things of another one, and nothing of theirs changes.
func TestTheThingsOfOthersDoNotExist(t *testing.T) {
	w := apptest.New(t)
	a, b := w.Creator(), w.Creator()
	s := w.Buy(a.Product)
	if _, err := w.App.Payouts.SetPayPal(t.Context(), payouts.Who{User: a.User, Email: a.Email}, "ada@pay.test"); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	if err := w.Stripe.Dispute(row(t, w, `SELECT charge_id FROM orders`), ""); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	things := map[string]string{
		"payout method": row(t, w, `SELECT id FROM payout_methods`), "dispute": row(t, w, `SELECT id FROM disputes`),
		"product": a.Product.String(), "order": row(t, w, `SELECT id FROM orders`), "file": row(t, w, `SELECT id FROM files LIMIT 1`),
		"block": row(t, w, `SELECT b.id FROM blocks b JOIN shops s ON s.id = b.shop_id WHERE s.slug = $1 LIMIT 1`, a.Shop.Slug),
	}
	before := fingerprint(t, w)
	n := 0
	for _, r := range w.App.Router.Table() {
		if r.Access != web.Creator || !strings.Contains(r.Path, ":") {
			continue
		}
		w.Redis.FlushAll() // what limits guessing is not what is tried here
		for kind, thing := range things {
			for _, htmx := range []bool{false, true} {
				b.HTMX = htmx
				p := b.Do(r.Method, fill(r.Path, map[string]string{"id": thing, "file": thing}), "application/x-www-form-urlencoded", "name=Stolen&price=1&v=1&by=1&after="+thing)
				none := p.Status == http.StatusNotFound || p.Status == http.StatusUnprocessableEntity || p.Status == http.StatusGone // of a mailed link that is over
				if !none || strings.Contains(p.Body, a.Shop.Name) || strings.Contains(p.Body, s.Email) {
					t.Errorf("%s %s with a %s of another creator: %d", r.Method, r.Path, kind, p.Status)
				}
				if p.Status == http.StatusUnprocessableEntity {
					t.Logf("%s %s with a %s: 422", r.Method, r.Path, kind)
				}
				n++
			}
		}
	}
	b.HTMX = false
	for _, path := range []string{"/app/orders/", "/app/products/", "/app/files/"} { // the owner's own answers, so that 404 means something
		thing := map[string]string{"/app/orders/": things["order"], "/app/products/": things["product"], "/app/files/": things["file"]}[path]
		a.Get(path + thing).Is(http.StatusOK)
		b.Get(path + thing).Is(http.StatusNotFound)
	}
	if after := fingerprint(t, w); after != before {
		t.Errorf("something changed:\n%s", difference(before, after))
	}
	t.Logf("%d calls", n)
}

// A buyer's cookie, and their secret links, open nothing of the creator's.
func TestABuyerIsNoCreator(t *testing.T) {
	w := apptest.New(t)
	c := w.Creator()
	s := w.Buy(c.Product)
	for _, path := range []string{"/app/today", "/app/orders", "/app/orders/" + row(t, w, `SELECT id FROM orders`), "/app/products/" + c.Product.String(), "/app/live"} {
		if p := s.Get(path); p.Status != http.StatusSeeOther || !strings.HasPrefix(p.Header.Get("Location"), "/login") {
			t.Errorf("%s: %d", path, p.Status)
		}
	}
	token := strings.TrimPrefix(s.Order.URL.Path, "/o/")
	w.Browser().Get("/my/" + token).Is(http.StatusGone).HasNot(s.Email)
	w.Browser().Get("/reset/" + token).Is(http.StatusGone)
}

func TestOtherHostsAreNotServed(t *testing.T) {
	w := apptest.New(t)
	c := w.Creator()
	for _, host := range []string{"evil.example", "localhost", fmt.Sprintf("127.0.0.1:%d", w.Config.Port), fmt.Sprintf("LOCALHOST.evil:%d", w.Config.Port), fmt.Sprintf("x.localhost:%d", w.Config.Port), ""} {
		for _, path := range []string{"/", "/login", "/@" + c.Shop.Slug, "/forgot"} {
			b := webtest.New(t, withHost{w.App.Handler(), host}, w.Config.AppURL)
			b.Get(path).Is(http.StatusMisdirectedRequest).HasNot("<form")
		}
	}
	// Each host has its own pages alone.
	w.Browser().Get("/@" + c.Shop.Slug).Is(http.StatusNotFound)
	w.ShopBrowser().Get("/login").Is(http.StatusNotFound)
	w.ShopBrowser().Get("/app/today").Is(http.StatusNotFound)
	w.Browser().Get(w.Config.MediaURL + "/login").Is(http.StatusNotFound)
	// A forwarded host is nobody's business.
	b := w.Browser()
	b.Header.Set("X-Forwarded-Host", "evil.example")
	b.Get("/forgot").Is(http.StatusOK).HasNot("evil.example")
}

type withHost struct {
	http.Handler
	host string
}

func (h withHost) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	r.Host = h.host
	h.Handler.ServeHTTP(rw, r)
}

func TestAForgedAddressIsStillOneVisitor(t *testing.T) {
	w := apptest.New(t)
	b := w.Browser()
	refused := 0
	for i := range 60 {
		for _, h := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "True-Client-Ip", "Cf-Connecting-Ip"} {
			b.Header.Set(h, fmt.Sprintf("203.0.113.%d", i))
		}
		p := b.Post("/login", map[string][]string{"email": {fmt.Sprintf("n%d@mail.test", i)}, "password": {"x"}})
		if p.Status == http.StatusTooManyRequests {
			refused++
			if p.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		}
	}
	if refused < 20 {
		t.Errorf("%d of 60 tries were refused, want about 30", refused)
	}
	other := w.Browser()
	other.Post("/login", map[string][]string{"email": {"other@mail.test"}, "password": {"x"}}).Is(http.StatusUnprocessableEntity)
}

func TestABelievedProxyNamesTheVisitor(t *testing.T) {
	w := apptest.New(t, func(c *configT) { c.TrustedProxies = []string{"198.18.0.0/15"} })
	for i := range 40 {
		b := w.Browser()
		b.Header.Set("X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i))
		b.Get("/auth/google/back").Is(http.StatusUnprocessableEntity)
	}
	b := w.Browser() // the leftmost is what the visitor says; the rightmost is what the proxy saw
	refused := 0
	for i := range 40 {
		b.Header.Set("X-Forwarded-For", fmt.Sprintf("203.0.113.%d, 203.0.113.200", i))
		if b.Get("/auth/google/back").Status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused < 5 {
		t.Errorf("%d of 40 refused", refused)
	}
}

func TestNoRedirectLeavesTheHouse(t *testing.T) {
	w := apptest.New(t)
	c := w.Creator()
	for _, next := range []string{
		"https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/%09/evil.example", "/\t/evil.example", "javascript:alert(1)",
		"https:evil.example", "///evil.example", "/./\\evil.example", "http://localhost@evil.example", "evil.example", "/\r\nLocation: https://evil.example",
		"//google.com/%2f..", "/%2f%2fevil.example", "@evil.example", "data:text/html,x", " https://evil.example", "/\u2028/evil.example", "//\u3002evil.example",
	} {
		b := w.Browser()
		p := b.Get("/login?next=" + escape(next))
		p = b.Submit(p, `form[action="/login"]`, map[string]string{"email": c.Email, "password": apptest.Password})
		if to := p.Header.Get("Location"); p.Status != http.StatusSeeOther || !ownPath(to) {
			t.Errorf("next=%q leads to %q (%d)", next, to, p.Status)
		}
		p = b.Get("/login?next=" + escape(next)) // signed in already
		if to := p.Header.Get("Location"); p.Status != http.StatusSeeOther || !ownPath(to) {
			t.Errorf("next=%q leads, signed in, to %q", next, to)
		}
		b = w.Browser() // and in the body, past the page
		p = b.Post("/login", map[string][]string{"email": {c.Email}, "password": {apptest.Password}, "next": {next}})
		if to := p.Header.Get("Location"); p.Status != http.StatusTooManyRequests && !ownPath(to) {
			t.Errorf("posted next=%q leads to %q", next, to)
		}
		w.Redis.FlushAll() // its limits, too
	}
}
