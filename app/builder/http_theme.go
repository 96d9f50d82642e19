package builder

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

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
	l := sh.Look().Whole()
	p := views.FittingProps{Theme: l.Theme, Color: l.BrandColor, Hex: hex, Awning: l.HeaderStyle == "awning", Classes: lookClasses(l), Swatches: swatches, Errors: problems,
		CSS: themeURL(storefronts.Look{Theme: "house", BrandColor: l.BrandColor}), Adjusted: dressOf(l).adjusted, Groups: lookGroups(ctx, l, problems), CSSForbidden: h.noCSS(ctx),
		State: views.StateProps{Changes: len(d.Changes), Published: sh.Published}}
	if l.CSS != "" {
		p.Lines = strings.Count(l.CSS, "\n") + 1
	}
	h.mannequin(ctx, d, &p)
	page := layout.Page{Title: text.T(ctx, "Theme"), Section: "window", Back: "/app/window", Shell: layout.Creator, NoIndex: true, Wide: true, Bar: views.PublishCount(p.State)}
	if web.IsFragment(c) {
		p.State.OOB = true
		return web.Fragment(c, status, views.Theme(p), views.PublishCount(p.State))
	}
	return web.Page(c, status, page, views.Theme(p))
}

// mannequin is what a look is tried on: the shop's own header, products and links, or what stands for them.
func (h *Handler) mannequin(ctx context.Context, d Draft, p *views.FittingProps) {
	p.Header = blocks.HeaderProps{Name: d.Shop.Name, Text: text.T(ctx, "This is how your words look."), Status: text.T(ctx, "Open"), Lit: true}
	c := &canvas{shop: Shown{Shop: d.Shop, URL: h.Service.Shops.URL(d.Shop)}, offers: d.Offers, onSale: d.OnSale, pictures: d.Pictures}
	for _, b := range d.Blocks {
		switch x := c.draw(ctx, b.part()); {
		case b.Hidden:
		case x.header != nil && x.header.Name != "":
			p.Header = *x.header
		case x.link != nil && len(p.Links) < 3:
			p.Links = append(p.Links, *x.link)
		}
	}
	p.Header.ID, p.Header.Second = "fit-h", true
	for i, o := range d.OnSale {
		if i == 3 {
			break
		}
		lot := lotOf(ctx, "", o)
		lot.ID, lot.Href = "fit"+strconv.Itoa(i), "/app/window/theme"
		p.Lots = append(p.Lots, lot)
	}
	if len(p.Lots) == 0 {
		p.Lots = []blocks.LotProps{{ID: "fit0", Name: text.T(ctx, "Something of yours"), Meta: text.T(ctx, "A few words about it"), Price: "19", Href: "/app/window/theme"}}
	}
}

func (h *Handler) setTheme(c echo.Context) error {
	was, hex := web.Text(c, "was"), web.Text(c, "hex")
	color := chosenColor(was, hex, web.Text(c, "pick"), web.Text(c, "swatch"))
	var wanted storefronts.Look
	sh, err := h.Service.redress(c.Request().Context(), who(c), func(l storefronts.Look) storefronts.Look {
		for p, field := range map[*string]string{&l.Theme: "theme", &l.HeaderStyle: "header", &l.Lettering: "lettering", &l.Spacing: "spacing", &l.Background: "background"} {
			if v := web.Text(c, field); v != "" {
				*p = v
			}
		}
		l.BrandColor = color
		if color != was { // who chooses a colour wants to see it
			l.Theme = "house"
		}
		wanted = l
		return l
	})
	if errs.Is(err, errs.Invalid) {
		problems := web.FieldMessages(c, err)
		if sh, err = h.Service.Shops.Mine(c.Request().Context(), h.Service.DB, who(c)); err != nil {
			return err
		}
		for _, x := range []struct {
			now   *string
			typed string
			known []string
		}{
			{&sh.Theme, wanted.Theme, storefronts.Themes}, {&sh.HeaderStyle, wanted.HeaderStyle, storefronts.Headers}, {&sh.Lettering, wanted.Lettering, storefronts.Letterings},
			{&sh.Spacing, wanted.Spacing, storefronts.Spacings}, {&sh.Background, wanted.Background, storefronts.Backgrounds},
		} {
			if slices.Contains(x.known, x.typed) {
				*x.now = x.typed
			}
		}
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

// themeCSS is a house colour as a stylesheet, for the window and the fitting room.
func (h *Handler) themeCSS(c echo.Context) error {
	vars := dressOf(storefronts.Look{Theme: "house", BrandColor: "#" + c.QueryParam("c"), HeaderStyle: "awning"}).vars
	if vars == "" {
		return errs.New(errs.NotFound, "There is nothing at this address.")
	}
	c.Response().Header().Set("Cache-Control", "private, max-age=3600")
	return c.Blob(http.StatusOK, "text/css; charset=utf-8", []byte(vars))
}
