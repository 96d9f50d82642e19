package app

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/accounts"
	"vitrine/app/admin"
	"vitrine/app/assist"
	"vitrine/app/bundle"
	"vitrine/app/contact"
	"vitrine/app/db"
	"vitrine/app/disputes"
	"vitrine/app/domains"
	"vitrine/app/files"
	"vitrine/app/orders"
	"vitrine/app/payments"
	"vitrine/app/payouts"
	"vitrine/app/products"
	"vitrine/app/pwa"
	"vitrine/app/risk"
	"vitrine/app/storefronts"
	"vitrine/app/web"
	"vitrine/views/layout"
)

// routes is the whole table. Each feature names its addresses and who may call them; `go test ./app -run Routes
// -v` prints the result.
func (a *App) routes() error {
	r, err := web.NewRouter(a.Config, web.NewSessions(a.Config, a.DB), web.NewLimiter(a.Redis))
	if err != nil {
		return err
	}
	r.People, r.Tokens = people{a}, tokens{a}
	a.Router = r

	// App host: everyone
	a.landing().Routes(r)
	pwa.Routes(r)
	(&accounts.Handler{Service: a.Accounts}).Routes(r)                                        // with /me, /api/v1
	a.buying().Routes(r)                                                                      // checkout, /o/, /my; the creator's /app/orders
	(&orders.API{Service: a.Orders, PublishableKey: a.Config.StripePublishableKey}).Routes(r) // /api/v1/payment
	(&payments.Handler{Inbox: a.inbox()}).Routes(r)                                           // /webhooks

	// App host: creators
	(&storefronts.API{Service: a.Shops, Dress: a.Builder.DressIn, Visible: a.Front().Document}).Routes(r) // /api/v1/storefronts
	(&storefronts.Handler{Service: a.Shops}).Routes(r)                                                    // /start, /app/settings/shop
	(&domains.Handler{Service: a.Domains.Service, Hosts: a.Domains}).Routes(r)                            // /app/settings/domain, /domains/ask; what comes to creators' domains
	(&payouts.Handler{Service: a.Payouts, Fees: a.Fees, Fresh: web.Fresh}).Routes(r)                      // /app/payouts, /api/v1/balance, /api/v1/payouts
	a.following().Routes(r)                                                                               // /app/payouts/transactions, /api/v1/transactions
	a.refunding().Routes(r)                                                                               // /app/orders/:id/refund, /o/:token/refund
	(&disputes.Handler{Service: a.Disputes}).Routes(r)                                                    // /app/disputes
	a.today().Routes(r)                                                                                   // /app/today, /app/live
	a.bringing().Routes(r)                                                                                // /start/bring, /app/window/bring
	(&bundle.Handler{Service: a.Archives()}).Routes(r)                                                    // /app/settings/archive
	a.window().Routes(r)                                                                                  // /app/window
	a.describing().Routes(r)                                                                              // /start/ai, /app/window/ai; media host /u/
	(&assist.API{Service: a.Assist, AppURL: a.Config.AppURL}).Routes(r)                                   // /api/v1/ai
	(&products.Handler{Service: a.Products, ShopURL: a.Config.ShopURL}).Routes(r)                         // /app/products
	(&files.Handler{Service: a.Files}).Routes(r)                                                          // /app/files; media host /m/

	// App host: operators
	(&admin.Handler{Service: a.Admin}).Routes(r)                                           // /admin, /admin/cases, /admin/payouts, /admin/refunds, /admin/audit
	(&risk.Handler{Service: a.Risk, Shell: layout.Admin, Zone: a.Config.Zone()}).Routes(r) // /admin/risk

	// Shop host
	a.Front().Routes(r)
	(&contact.Handler{Service: a.contact(), Front: a.Front()}).Routes(r) // /@slug/contact; the creator's /app/messages

	a.health(r)
	a.storybook(r)
	a.delivered, err = a.compress(r)
	return err
}

// health: the process is alive; the process can serve. Redis, S3 and Stripe may be away and Vitrine still sells.
func (a *App) health(r *web.Router) {
	g := r.On(web.App, "", web.NoCookie)
	g.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	g.GET("/readyz", func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), 2*time.Second)
		defer cancel()
		if !a.Ready.Load() {
			return c.String(http.StatusServiceUnavailable, "shutting down\n")
		}
		if err := a.DB.Ping(ctx); err != nil {
			return c.String(http.StatusServiceUnavailable, "no database\n")
		}
		if current, err := db.Current(ctx, a.DB); err != nil || !current {
			return c.String(http.StatusServiceUnavailable, "the schema is not up to date: run `vitrine migrate`\n")
		}
		return c.String(http.StatusOK, "ready\n")
	})
	g.GET("/robots.txt", func(c echo.Context) error {
		return c.String(http.StatusOK, "User-agent: *\nDisallow: /app/\nDisallow: /admin/\nDisallow: /checkout/\nDisallow: /o/\nDisallow: /my\nDisallow: /api/\n")
	})
}
