package storefronts

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/money"
	"vitrine/app/web"
	"vitrine/views/layout"
	views "vitrine/views/storefronts"
	"vitrine/views/text"
	"vitrine/views/ui"
)

// Handler is how a creator opens a shop and sets it up.
type Handler struct{ Service *Service }

func (h *Handler) Routes(r *web.Router) {
	start := r.On(web.App, "/start", web.Verified)
	start.GET("", h.start)
	start.POST("", h.create, web.Limit("start", web.Rate{N: 20, Per: time.Hour}))
	start.GET("/address", h.address, web.Limit("start-address", web.Rate{N: 120, Per: time.Minute}))

	g := r.On(web.App, "/app/settings/shop", web.Creator)
	g.GET("", h.settings)
	g.POST("", h.rename)
	g.POST("/currency", h.currency)
	g.POST("/closing", h.close)
	g.POST("/opening", h.reopen)
	h.several(r)
}

// who is the creator at work.
func who(c echo.Context) Who {
	p := web.Who(c)
	return Who{User: p.ID, Shop: p.Shop}
}

func (h *Handler) start(c echo.Context) error {
	p := web.Who(c)
	if !p.Shop.IsZero() {
		return web.SeeOther(c, "/app/today")
	}
	return h.startPage(c, http.StatusOK, views.StartProps{Name: p.Name, Currency: "EUR", Slug: Suggest(p.Name)})
}

func (h *Handler) startPage(c echo.Context, status int, props views.StartProps) error {
	props.Prefix = h.prefix()
	props.Currencies = currencies(props.Currency)
	page := layout.Page{Title: text.T(c.Request().Context(), "Open your shop"), Shell: layout.Auth, NoIndex: true}
	if props.Another {
		page = layout.Page{Title: text.T(c.Request().Context(), "Open another shop"), Shell: layout.Creator, Section: "you", Back: "/app/settings/shop", NoIndex: true}
	}
	return web.Page(c, status, page, views.Start(props))
}

// prefix is what stands before the slug in the shop's address.
func (h *Handler) prefix() string {
	u, err := url.Parse(h.Service.ShopURL)
	if err != nil {
		return "@"
	}
	return u.Host + "/@"
}

func currencies(chosen string) []ui.Option {
	var out []ui.Option
	for _, c := range money.Known() {
		label := string(c)
		if s := strings.TrimSpace(c.Symbol()); s != label {
			label += " (" + s + ")"
		}
		out = append(out, ui.Option{Value: string(c), Label: label, Selected: string(c) == chosen})
	}
	return out
}

func (h *Handler) create(c echo.Context) error {
	p := web.Who(c)
	in := NewShop{Name: web.Text(c, "name"), Slug: web.Text(c, "slug"), Currency: web.Text(c, "currency")}
	if take := web.Text(c, "take"); take != "" { // the button of an address that was offered
		in.Slug = take
	}
	sh, err := h.Service.Create(c.Request().Context(), p.ID, in)
	if errs.Is(err, errs.Conflict) {
		return web.SeeOther(c, "/app/today")
	}
	return h.opened(c, sh, err, in, false)
}

// opened leads into a new shop, or shows its form again.
func (h *Handler) opened(c echo.Context, sh Shop, err error, in NewShop, another bool) error {
	if errs.Is(err, errs.Invalid) {
		props := views.StartProps{Another: another, Name: in.Name, Slug: in.Slug, Currency: in.Currency, Errors: web.FieldMessages(c, err)}
		if props.Errors["slug"] != "" && in.Slug != "" {
			if _, _, props.Others, err = h.Service.Free(c.Request().Context(), in.Slug); err != nil {
				return err
			}
		}
		return h.startPage(c, http.StatusUnprocessableEntity, props)
	}
	if err != nil {
		return err
	}
	web.ChooseShop(c, sh.ID)
	return web.SeeOther(c, "/start/doors")
}

// address says, while a person writes, whether the address can be had. Asked from the name field it suggests one.
func (h *Handler) address(c echo.Context) error {
	ctx := c.Request().Context()
	name, slug := Line(c.QueryParam("name")), CleanSlug(c.QueryParam("slug"))
	props := views.AddressProps{Prefix: h.prefix(), Slug: slug}
	if c.QueryParam("from") == "name" {
		props.Whole = true
		if slug == "" {
			props.Slug = Suggest(name)
		}
	}
	if props.Slug != "" {
		free, why, others, err := h.Service.Free(ctx, props.Slug)
		if err != nil {
			return err
		}
		props.Free, props.Others = free, others
		if why != nil {
			props.Error = web.FieldMessages(c, why)["slug"]
		}
	}
	if props.Whole {
		return web.Fragment(c, http.StatusOK, views.AddressField(props))
	}
	return web.Fragment(c, http.StatusOK, views.AddressHint(props))
}

func (h *Handler) settings(c echo.Context) error {
	sh, err := h.Service.Mine(c.Request().Context(), h.Service.DB, who(c))
	if err != nil {
		return err
	}
	props := h.present(sh)
	if err := h.presentShops(c, &props); err != nil {
		return err
	}
	return h.settingsPage(c, http.StatusOK, props)
}

func (h *Handler) present(sh Shop) views.SettingsProps {
	return views.SettingsProps{Name: sh.Name, Slug: sh.Slug, Prefix: h.prefix(), URL: h.Service.URL(sh), Published: sh.Published, Currencies: currencies(string(sh.Currency)),
		Closed: sh.Closed, Reason: sh.ClosedReason, Since: sh.ClosedAt.UTC().Format("2 January 2006")}
}

func (h *Handler) settingsPage(c echo.Context, status int, props views.SettingsProps) error {
	page := layout.Page{Title: text.T(c.Request().Context(), "Shop"), Shell: layout.Creator, Section: "you", Back: "/app/you", NoIndex: true}
	return web.Page(c, status, page, views.Settings(props))
}

// saved goes back to the settings with a sentence, or shows the form again with what was typed.
func (h *Handler) saved(c echo.Context, err error, message string, typed func(*views.SettingsProps)) error {
	if err == nil {
		web.Flash(c, text.T(c.Request().Context(), message))
		return web.SeeOther(c, "/app/settings/shop")
	}
	if !errs.Is(err, errs.Invalid) {
		return err
	}
	sh, findErr := h.Service.Mine(c.Request().Context(), h.Service.DB, who(c))
	if findErr != nil {
		return findErr
	}
	props := h.present(sh)
	props.Errors = web.FieldMessages(c, err)
	if err := h.presentShops(c, &props); err != nil {
		return err
	}
	typed(&props)
	return h.settingsPage(c, http.StatusUnprocessableEntity, props)
}

func (h *Handler) rename(c echo.Context) error {
	name, slug := web.Text(c, "name"), web.Text(c, "slug")
	_, err := h.Service.Rename(c.Request().Context(), who(c), name, slug)
	return h.saved(c, err, "Saved.", func(p *views.SettingsProps) { p.Name, p.Slug = name, slug })
}

func (h *Handler) currency(c echo.Context) error {
	code := web.Text(c, "currency")
	_, err := h.Service.SetCurrency(c.Request().Context(), who(c), code)
	return h.saved(c, err, "Saved.", func(p *views.SettingsProps) { p.Currencies = currencies(code) })
}

func (h *Handler) close(c echo.Context) error {
	reason := web.Text(c, "reason")
	_, err := h.Service.Close(c.Request().Context(), who(c), reason)
	return h.saved(c, err, "Your shop is closed. Nobody can buy until you open it again.", func(p *views.SettingsProps) { p.Reason = reason })
}

func (h *Handler) reopen(c echo.Context) error {
	_, err := h.Service.Reopen(c.Request().Context(), who(c))
	return h.saved(c, err, "Your shop is open.", func(*views.SettingsProps) {})
}
