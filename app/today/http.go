package today

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"vitrine/app/id"
	"vitrine/app/live"
	"vitrine/app/web"
	"vitrine/views/layout"
	"vitrine/views/text"
	view "vitrine/views/today"
)

// Handler serves the page and its stream.
type Handler struct {
	Service *Service
	Hub     *live.Hub
	ShopURL string
	// Owner finds whose shop it is, as the event names only the shop; filled in app.go.
	Owner func(ctx context.Context, shop id.Shop) (web.Person, error)
}

// Routes registers the page, its stream, and its parts alone for a page that was asleep.
func (h *Handler) Routes(r *web.Router) {
	g := r.On(web.App, "/app", web.Creator)
	g.GET("/today", h.Show)
	g.GET("/live", h.Stream)
	g.GET("/live/now", h.Parts)
	g.GET("", func(c echo.Context) error { return c.Redirect(http.StatusSeeOther, "/app/today") })
}

// Live registers what redraws the open pages of a shop.
func (h *Handler) Live(l *live.Listener) {
	for _, name := range []string{"orders.paid", "orders.refunded"} {
		l.On(name, h.redraw)
	}
	l.OnGap(h.Hub.Resync)
}

func (h *Handler) Show(c echo.Context) error {
	who := web.Who(c)
	d, err := h.Service.Read(c.Request().Context(), who)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	p := present(ctx, who, d, h.ShopURL+"/@"+who.ShopSlug)
	return web.Page(c, http.StatusOK, layout.Page{Title: text.T(ctx, "Today"), Section: "today", Wide: true, Shell: layout.Creator}, view.Page(p))
}

// Stream stays open until either side leaves. The topic is the shop of the session, never what the page asks for.
func (h *Handler) Stream(c echo.Context) error {
	h.Hub.Serve(c.Response(), c.Request(), live.Reader{Owner: web.SessionKey(c), Topics: []string{Topic(web.Who(c).Shop)}})
	return nil
}

// Parts are the fragments as they are now.
func (h *Handler) Parts(c echo.Context) error {
	who := web.Who(c)
	d, err := h.Service.Read(c.Request().Context(), who)
	if err != nil {
		return err
	}
	return web.Fragment(c, http.StatusOK, parts(c.Request().Context(), who, d)...)
}

func parts(ctx context.Context, who web.Person, d Day) []templ.Component {
	p := present(ctx, who, d, "")
	return []templ.Component{view.Figures(p.KPI), view.JustNow(p.Feed), view.Money(p.Pending)}
}

// redraw reads the day afresh and offers it to the shop's open pages, when there are any.
func (h *Handler) redraw(ctx context.Context, subject string) {
	shop, err := id.Parse[id.ShopKind](subject)
	if err != nil || !h.Hub.Listening(Topic(shop)) {
		return
	}
	who, err := h.Owner(ctx, shop)
	if err != nil {
		slog.WarnContext(ctx, "redraw today", "shop", subject, "err", err)
		return
	}
	ctx = text.With(ctx, who.Locale)
	d, err := h.Service.Read(ctx, who)
	if err != nil {
		slog.WarnContext(ctx, "redraw today", "shop", subject, "err", err)
		return
	}
	if _, err := h.Hub.Publish(ctx, Topic(shop), "part", templ.Join(parts(ctx, who, d)...)); err != nil {
		slog.WarnContext(ctx, "redraw today", "shop", subject, "err", err)
	}
}
