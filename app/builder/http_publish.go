package builder

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/storefronts"
	"vitrine/app/web"
	"vitrine/views/blocks"
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
	p := views.ReviewProps{Seq: strconv.FormatInt(r.Shop.Seq, 10), Hidden: r.Hidden, Published: r.Shop.Published, URL: h.Service.Shops.URL(r.Shop), Refused: refused}
	for _, s := range r.Changes {
		p.Changes = append(p.Changes, sentence(ctx, s))
	}
	for _, s := range r.Warnings {
		p.Warnings = append(p.Warnings, sentence(ctx, s))
	}
	if r.Shop.Published {
		p.Since = r.Shop.PublishedAt.UTC().Format("2 January 2006")
	}
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

// preview is the draft as visitors would see it, with a policy as strict as theirs. Nothing can be sent from it.
func (h *Handler) preview(c echo.Context) error {
	ctx := c.Request().Context()
	d, err := h.Service.Draft(ctx, who(c))
	if err != nil {
		return err
	}
	sh := Shown{Shop: d.Shop, Content: d.content(), URL: h.Service.Shops.URL(d.Shop), At: h.Service.DB.Now()}
	p := h.Front.drawHome(ctx, sh, goods{d.Offers, d.OnSale, d.Pictures})
	p.NoIndex, p.Main = true, views.PreviewStrip(p.Main)
	out, err := h.Front.framed(ctx, sh, p)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Content-Security-Policy", "default-src 'none'; style-src '"+dressOf(sh.Content.Look).hash+"'; font-src 'self'; img-src "+h.Front.Config.MediaURL+
		"; frame-ancestors 'self'; base-uri 'none'; form-action 'none'")
	return c.HTMLBlob(http.StatusOK, out.Body)
}

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
	sh, err := h.Service.Shops.SetLook(c.Request().Context(), who(c), l)
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
