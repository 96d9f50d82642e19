package storefronts

import (
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/web"
	"vitrine/views/layout"
	views "vitrine/views/storefronts"
	"vitrine/views/text"
)

// several are the pages of a creator with more than one shop. A page or an edit that was made for another shop than
// the one at work is refused by package web.
func (h *Handler) several(r *web.Router) {
	r.On(web.App, "/start", web.Creator).GET("/doors", h.doors)
	g := r.On(web.App, "/app/shops", web.Creator)
	g.GET("/new", h.newShop)
	g.GET("/deletion", h.askDelete)
	g.POST("/deletion", h.delete)
	v := r.On(web.App, "/app/shops", web.Verified) // who has deleted the last one has no shop at work
	v.POST("", h.another, web.Limit("start", web.Rate{N: 20, Per: time.Hour}))
	v.POST("/:id/choose", h.choose)
	v.POST("/:id/return", h.bringBack)
}

func (h *Handler) doors(c echo.Context) error {
	page := layout.Page{Title: text.T(c.Request().Context(), "Your window"), Shell: layout.Auth, NoIndex: true}
	return web.Page(c, http.StatusOK, page, views.Doors(web.Who(c).ShopName))
}

func (h *Handler) newShop(c echo.Context) error {
	return h.startPage(c, http.StatusOK, views.StartProps{Another: true, Currency: web.Who(c).Currency})
}

func (h *Handler) another(c echo.Context) error {
	in := NewShop{Name: web.Text(c, "name"), Slug: web.Text(c, "slug"), Currency: web.Text(c, "currency")}
	if take := web.Text(c, "take"); take != "" { // the button of an address that was offered
		in.Slug = take
	}
	sh, err := h.Service.Another(c.Request().Context(), web.Who(c).ID, in)
	return h.opened(c, sh, err, in, true)
}

// presentShops adds all shops of the creator to the settings.
func (h *Handler) presentShops(c echo.Context, p *views.SettingsProps) error {
	ctx, w := c.Request().Context(), web.Who(c)
	all, err := h.Service.All(ctx, w.ID)
	if err != nil {
		return err
	}
	for _, sh := range all {
		p.Shops = append(p.Shops, views.ShopRow{ID: sh.ID.String(), Name: sh.Name, Address: h.prefix() + sh.Slug, Current: sh.ID == w.Shop})
	}
	p.Room = len(all) < MaxShops
	gone, err := h.Service.Deleted(ctx, w.ID)
	for _, sh := range gone {
		p.Deleted = append(p.Deleted, views.ShopRow{ID: sh.ID.String(), Name: sh.Name, Until: sh.DeletedAt.Add(Regret).UTC().Format("2 January 2006")})
	}
	return err
}

// mine is the shop of the address, which must be the creator's.
func (h *Handler) mine(c echo.Context) (Who, error) {
	shop, err := id.Parse[id.ShopKind](c.Param("id"))
	if err != nil {
		return Who{}, errNoShop
	}
	who := Who{User: web.Who(c).ID, Shop: shop}
	_, err = h.Service.Mine(c.Request().Context(), h.Service.DB, who)
	return who, err
}

func (h *Handler) choose(c echo.Context) error {
	who, err := h.mine(c)
	if err != nil {
		return err
	}
	web.ChooseShop(c, who.Shop)
	return web.SeeOther(c, "/app/today")
}

func (h *Handler) bringBack(c echo.Context) error {
	who, err := h.mine(c)
	if err != nil {
		return err
	}
	if _, err := h.Service.BringBack(c.Request().Context(), who); err != nil {
		return err
	}
	web.ChooseShop(c, who.Shop)
	web.Flash(c, text.T(c.Request().Context(), "Your shop is back. It is closed until you open it."))
	return web.SeeOther(c, "/app/settings/shop")
}

func (h *Handler) askDelete(c echo.Context) error { return h.deletePage(c, http.StatusOK, "", nil) }

func (h *Handler) deletePage(c echo.Context, status int, typed string, fault error) error {
	sh, err := h.Service.Mine(c.Request().Context(), h.Service.DB, who(c))
	if err != nil {
		return err
	}
	p := views.DeleteProps{ID: sh.ID.String(), Name: sh.Name, Address: h.prefix() + sh.Slug, Typed: typed, Regret: int(Regret / (24 * time.Hour)), Kept: int(SlugKept / (24 * time.Hour))}
	if fault != nil {
		p.Error = web.FieldMessages(c, fault)["sure"]
	}
	page := layout.Page{Title: text.T(c.Request().Context(), "Delete the shop"), Shell: layout.Creator, Section: "you", Back: "/app/settings/shop", NoIndex: true}
	return web.Page(c, status, page, views.Delete(p))
}

// delete wants the name, and the shop that the page was made for: after switching in another tab it is another one.
func (h *Handler) delete(c echo.Context) error {
	ctx := c.Request().Context()
	sh, err := h.Service.Mine(ctx, h.Service.DB, who(c))
	if err != nil {
		return err
	}
	typed := web.Text(c, "sure")
	if web.Text(c, "shop") != sh.ID.String() || !strings.EqualFold(Line(typed), sh.Name) {
		return h.deletePage(c, http.StatusUnprocessableEntity, typed, errs.Field("sure", "Write %s, as it stands above.", sh.Name))
	}
	if err := h.Service.Delete(ctx, who(c)); err != nil {
		return err
	}
	web.Flash(c, text.T(ctx, "%s is deleted. You can bring it back for thirty days, under You, Shop.", sh.Name))
	return web.SeeOther(c, "/app/today")
}
