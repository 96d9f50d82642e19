// Package pwa serves what makes the creator app installable, and the shared assets.
package pwa

import (
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"

	"vitrine/app/web"
	"vitrine/static"
	"vitrine/sw"
	"vitrine/views/layout"
	view "vitrine/views/pwa"
	"vitrine/views/text"
)

// kept are the only routes whose answers the installed app keeps, for when there is no connection. No page about
// payouts, refunds, security or the operator is among them.
var kept = []string{
	"/app/today", "/app/orders", "/app/orders/:id", "/app/products",
	"/app/window", "/app/window/blocks", "/app/window/add", "/app/window/blocks/:id/place",
}

// Routes registers the assets of the app and shop hosts, the worker, the manifest and the offline page.
func Routes(r *web.Router) {
	assets := echo.WrapHandler(static.Handler())
	r.On(web.App, "", web.NoCookie).GET("/assets/*", assets)
	r.On(web.Shop, "", web.NoCookie).GET("/assets/*", assets)
	g := r.On(web.App, "/app", web.NoCookie)
	g.GET("/sw.js", worker)
	g.GET("/manifest.webmanifest", manifest)
	g.GET("/offline", offline)
	r.Kept(kept...)
	r.On(web.App, "/app", web.SignedIn).GET("/ping", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
}

// shell is what the installed app keeps: everything but the pictures that only the system's launcher shows.
func shell() []string {
	var out []string
	for _, n := range static.Names() {
		if path.Ext(n) != ".png" && n != "shop.css" {
			out = append(out, static.Path(n))
		}
	}
	return out
}

func worker(c echo.Context) error {
	var waiting strings.Builder
	if err := view.Waiting().Render(c.Request().Context(), &waiting); err != nil {
		return err
	}
	b, err := sw.Script(shell(), waiting.String())
	if err != nil {
		return err
	}
	c.Response().Header().Add(echo.HeaderVary, "Accept-Language")
	c.Response().Header().Set("Cache-Control", "no-cache")
	c.Response().Header().Set("Service-Worker-Allowed", "/app/")
	return c.Blob(http.StatusOK, "text/javascript; charset=utf-8", b)
}

func manifest(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "public, max-age=3600")
	c.Response().Header().Set(echo.HeaderContentType, "application/manifest+json")
	return c.JSON(http.StatusOK, view.Manifest(c.Request().Context()))
}

// offline holds nothing of a person: it is fetched without cookies and kept by the worker.
func offline(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-cache")
	return web.Page(c, http.StatusOK, layout.Page{Title: text.T(c.Request().Context(), "No connection"), NoIndex: true, Shell: layout.Plain}, view.Offline())
}
