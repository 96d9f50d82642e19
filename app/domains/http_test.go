package domains_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/config"
	"vitrine/app/db/dbtest"
	"vitrine/app/domains"
	"vitrine/app/id"
	"vitrine/app/storefronts"
	"vitrine/app/web"
	"vitrine/app/web/webtest"
)

type people struct{ shops *storefronts.Service }

func (p people) Person(ctx context.Context, user id.User, chosen id.Shop) (web.Person, error) {
	sh, err := p.shops.FirstOf(ctx, user, chosen)
	return web.Person{ID: user, Verified: true, Name: "Ada", Shop: sh.ID, ShopName: sh.Name, ShopSlug: sh.Slug}, err
}

func TestACreatorGivesTheShopADomain(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	who := r.creator(t)
	cfg := &config.Config{Port: 8080, SecretKey: config.Secret(strings.Repeat("s", 32)), Dev: true, StripeCheckoutOrigin: "https://checkout.stripe.com"}
	cfg.Complete()
	router, err := web.NewRouter(cfg, web.NewSessions(cfg, r.DB), web.NewLimiter(nil))
	if err != nil {
		t.Fatal(err)
	}
	router.People = people{r.Shops}
	router.On(web.App, "/test", web.Anyone).POST("/in", func(c echo.Context) error {
		if err := web.SignIn(c, who.User); err != nil {
			return err
		}
		return c.NoContent(204)
	})
	(&domains.Handler{Service: r.Service, Hosts: r.hosts}).Routes(router)
	b := webtest.New(t, router, "http://localhost:8080")
	b.Post("/test/in", nil).Is(204)

	page := b.Get("/app/settings/domain").Is(200).Has("A domain of your own")
	b.Submit(page, `form[action="/app/settings/domain"]`, map[string]string{"domain": "127.0.0.1"}).Is(422).Has("address of a machine").Has(`value="127.0.0.1"`)
	domain := fresh()
	b.Submit(page, `form[action="/app/settings/domain"]`, map[string]string{"domain": "https://" + domain + "/"}).Is(303)
	c, err := r.Mine(t.Context(), who)
	if err != nil || c.Domain != domain {
		t.Fatal(c, err)
	}
	b.Get("/app/settings/domain").Is(200).Has("Waiting for its records").Has(c.Token).Has("_vitrine." + domain).Has("shop.vitrine.test")
	b.Post("/app/settings/domain/check", url.Values{}).Is(303)
	b.Get("/app/settings/domain").Has("There is no such TXT record at _vitrine." + domain)
	ask := func(name string, status int) {
		t.Helper()
		b.Get("http://127.0.0.1:8080/domains/ask?domain=" + url.QueryEscape(name)).Is(status)
	}
	ask(domain, 404)
	r.names.point(domain, ours, c.Token)
	b.Get("http://localhost:8080/app/settings/domain")
	b.Post("/app/settings/domain/check", url.Values{}).Is(303)
	b.Get("/app/settings/domain").Has("Your shop is at " + domain)
	ask("www."+domain, 404)
	ask("", 404)
	b.Get("http://localhost:8080/app/settings/domain")
	b.Post("/app/settings/domain/removal", url.Values{}).Is(303)
	b.Get("/app/settings/domain").Is(200).Has("A domain of your own")
	r.shown(t, domain, id.Shop{})
}

func TestHostsAreRememberedAndForgottenInTime(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	who, c := r.served(t)
	slug := func() string {
		t.Helper()
		s, _, err := r.hosts.Shown(t.Context(), c.Domain+":443")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := slug()
	if first == "" {
		t.Fatal("not served")
	}
	if err := r.Remove(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	*r.late = 61 * time.Second // no notice came
	if got := slug(); got != "" {
		t.Errorf("a removed domain still shows %q after a minute", got)
	}
	_, c = r.served(t)
	first = slug()
	broken := dbtest.Fresh(t)
	broken.Close()
	broken.Clock = r.DB.Clock
	r.hosts.Service = &domains.Service{DB: broken, Shops: storefronts.New(broken, "https://shop.vitrine.test")}
	*r.late += 5 * time.Minute
	if got := slug(); got != first {
		t.Errorf("without a database %q is shown, want %q", got, first)
	}
	*r.late += 6 * time.Minute
	if _, _, err := r.hosts.Shown(t.Context(), c.Domain); err == nil {
		t.Error("what was known long ago is still believed")
	}
}
