package builder

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/storefronts"
	"vitrine/app/web"
	"vitrine/views/blocks"
	views "vitrine/views/builder"
	"vitrine/views/layout"
	"vitrine/views/text"
)

// swatches are twelve house colours to begin from.
var swatches = []string{"#2637c4", "#0b6e4f", "#c4321a", "#7a3b57", "#e2a100", "#b4532a", "#3f5f3a", "#00788a", "#5b2a86", "#d6336c", "#495057", "#142521"}

func (h *Handler) theme(c echo.Context) error {
	sh, err := h.Service.Shops.Mine(c.Request().Context(), h.Service.DB, who(c))
	if err != nil {
		return err
	}
	return h.themePage(c, http.StatusOK, sh, nil, sh.BrandColor)
}

func (h *Handler) themePage(c echo.Context, status int, sh storefronts.Shop, problems map[string]string, hex string) error {
	ctx := c.Request().Context()
	d, err := h.Service.Draft(ctx, who(c))
	if err != nil {
		return err
	}
	l := sh.Look()
	p := views.ThemeProps{Theme: l.Theme, Color: l.BrandColor, Header: l.HeaderStyle, CSS: themeURL(l), Adjusted: dressOf(l).adjusted, Swatches: swatches, Shop: sh.Name, Errors: problems, Hex: hex,
		Lot:   blocks.LotProps{ID: "fit", Name: text.T(ctx, "Something of yours"), Meta: text.T(ctx, "A few words about it"), Price: "19", Href: "/app/window/theme"},
		State: views.StateProps{Changes: len(d.Changes), Published: sh.Published}}
	for _, o := range d.OnSale {
		p.Lot = lotOf(ctx, "", o)
		p.Lot.ID, p.Lot.Href = "fit", "/app/window/theme"
		break
	}
	page := layout.Page{Title: text.T(ctx, "Theme"), Section: "window", Back: "/app/window", Shell: layout.Creator, NoIndex: true, Wide: true, Bar: views.PublishCount(p.State)}
	if web.IsFragment(c) {
		p.State.OOB = true
		return web.Fragment(c, status, views.Theme(p), views.PublishCount(p.State))
	}
	return web.Page(c, status, page, views.Theme(p))
}

func (h *Handler) setTheme(c echo.Context) error {
	was, hex := web.Text(c, "was"), web.Text(c, "hex")
	l := storefronts.Look{Theme: web.Text(c, "theme"), HeaderStyle: web.Text(c, "header"), BrandColor: chosenColor(was, hex, web.Text(c, "pick"), web.Text(c, "swatch"))}
	if l.BrandColor != was { // who chooses a colour wants to see it
		l.Theme = "house"
	}
	sh, err := h.Service.Dress(c.Request().Context(), who(c), l)
	if errs.Is(err, errs.Invalid) {
		problems := web.FieldMessages(c, err)
		if sh, err = h.Service.Shops.Mine(c.Request().Context(), h.Service.DB, who(c)); err != nil {
			return err
		}
		sh.Theme, sh.HeaderStyle = orKnown(l.Theme, sh.Theme, "daylight", "afterhours", "house"), orKnown(l.HeaderStyle, sh.HeaderStyle, "awning", "plain")
		return h.themePage(c, http.StatusUnprocessableEntity, sh, problems, hex)
	}
	if err != nil {
		return err
	}
	if !web.IsFragment(c) {
		return web.SeeOther(c, "/app/window/theme")
	}
	return h.themePage(c, http.StatusOK, sh, nil, sh.BrandColor)
}

// chosenColor is the one of three ways to name a colour that has been used: what differs from before.
func chosenColor(was string, ways ...string) string {
	for _, w := range ways {
		if w != "" && w != was {
			return w
		}
	}
	return was
}

func orKnown(s, otherwise string, known ...string) string {
	for _, k := range known {
		if s == k {
			return s
		}
	}
	return otherwise
}

// themeCSS is a house colour as a stylesheet, for the window and the fitting room.
func (h *Handler) themeCSS(c echo.Context) error {
	vars := dressOf(storefronts.Look{Theme: "house", BrandColor: "#" + c.QueryParam("c"), HeaderStyle: "awning"}).vars
	if vars == "" {
		return errs.New(errs.NotFound, "There is nothing at this address.")
	}
	c.Response().Header().Set("Cache-Control", "private, max-age=3600")
	return c.Blob(http.StatusOK, "text/css; charset=utf-8", []byte(vars))
}
