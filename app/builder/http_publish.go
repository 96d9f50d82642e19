package builder

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/web"
	views "vitrine/views/builder"
	"vitrine/views/layout"
	"vitrine/views/text"
)

func (h *Handler) review(c echo.Context) error { return h.reviewPage(c, http.StatusOK, "") }

func (h *Handler) reviewPage(c echo.Context, status int, refused string) error {
	ctx := c.Request().Context()
	r, err := h.Service.Review(ctx, who(c))
	if err != nil {
		return err
	}
	d, err := h.Service.Draft(ctx, who(c))
	if err != nil {
		return err
	}
	weights, err := h.Front.Weigh(ctx, d)
	if err != nil {
		return err
	}
	p := views.ReviewProps{Seq: strconv.FormatInt(r.Shop.Seq, 10), Hidden: r.Hidden, Published: r.Shop.Published, URL: h.Service.Shops.URL(r.Shop), Refused: refused}
	for _, s := range r.Changes {
		p.Changes = append(p.Changes, sentence(ctx, s))
	}
	p.Cost = weights.sentence(ctx)
	for _, s := range append(r.Warnings, weights.Warnings(ctx)...) {
		p.Warnings = append(p.Warnings, sentence(ctx, s))
	}
	if r.Shop.Published {
		p.Since = r.Shop.PublishedAt.UTC().Format("2 January 2006")
	}
	p.Preview, p.PreviewUntil = h.Front.PreviewURL(web.Who(c).Shop, id.Draft{}), h.lastDay(c)
	page := layout.Page{Title: text.T(ctx, "Publish"), Section: "window", Back: "/app/window", Shell: layout.Creator, NoIndex: true}
	return web.Page(c, status, page, views.Review(p))
}

// shown answers what changes the public page.
func (h *Handler) shown(c echo.Context, err error, message string) error {
	if errs.Is(err, errs.Conflict) {
		return h.reviewPage(c, http.StatusConflict, web.Sentence(c, err))
	}
	if err != nil {
		return err
	}
	web.Flash(c, text.T(c.Request().Context(), message))
	return web.SeeOther(c, "/app/window/publish")
}

func (h *Handler) publish(c echo.Context) error {
	seq, err := strconv.ParseInt(web.Text(c, "seq"), 10, 64)
	if err != nil {
		seq = -1 // nothing has that state: the list is shown again
	}
	_, err = h.Service.Publish(c.Request().Context(), who(c), seq)
	return h.shown(c, err, "Published. Everyone sees it now.")
}

func (h *Handler) takeBack(c echo.Context) error {
	_, err := h.Service.Shops.TakeBack(c.Request().Context(), who(c))
	return h.shown(c, err, "Taken back. Visitors see what was there before.")
}

func (h *Handler) unpublish(c echo.Context) error {
	_, err := h.Service.Shops.Unpublish(c.Request().Context(), who(c))
	return h.shown(c, err, "Your window is not public any more.")
}
