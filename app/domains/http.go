package domains

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/storefronts"
	"vitrine/app/web"
	views "vitrine/views/domains"
	"vitrine/views/layout"
	"vitrine/views/text"
)

// Handler is how a creator gives their shop a domain, and how a proxy asks which domains there are.
type Handler struct {
	Service *Service
	Hosts   *Hosts
}

const path = "/app/settings/domain"

func (h *Handler) Routes(r *web.Router) {
	g := r.On(web.App, path, web.Creator)
	g.GET("", h.page)
	g.POST("", h.claim, web.Limit("domain", web.Rate{N: 20, Per: time.Hour}))
	g.POST("/check", h.check, web.Limit("domain-check", web.Rate{N: 10, Per: time.Minute}))
	g.POST("/removal", h.remove)

	r.On(web.App, "", web.NoCookie).GET(web.AskPath, h.ask)
	r.Domains = h.Hosts.Shown
}

func who(c echo.Context) storefronts.Who {
	p := web.Who(c)
	return storefronts.Who{User: p.ID, Shop: p.Shop}
}

// ask answers a proxy that wants to know whether it may get a certificate for a name. It says no more than a
// visit of the domain would.
func (h *Handler) ask(c echo.Context) error {
	slug, _, err := h.Hosts.Shown(c.Request().Context(), c.QueryParam("domain"))
	if err != nil {
		return err
	}
	if slug == "" {
		return c.String(http.StatusNotFound, "no shop\n")
	}
	return c.String(http.StatusOK, "yes\n")
}

func (h *Handler) page(c echo.Context) error { return h.show(c, http.StatusOK, "", nil) }

func (h *Handler) show(c echo.Context, status int, typed string, problems map[string]string) error {
	ctx := c.Request().Context()
	sh, err := h.Service.Shops.Mine(ctx, h.Service.DB, who(c))
	if err != nil {
		return err
	}
	props := views.Props{Typed: typed, Errors: problems, URL: h.Service.Shops.URL(sh)}
	sh.Domain = ""
	_, props.Fallback, _ = strings.Cut(h.Service.Shops.URL(sh), "://")
	claim, err := h.Service.Mine(ctx, who(c))
	if err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	if err == nil {
		h.present(ctx, &props, claim, zone(c))
	}
	page := layout.Page{Title: text.T(ctx, "Domain"), Shell: layout.Creator, Section: "you", Back: "/app/you", NoIndex: true}
	return web.Page(c, status, page, views.Page(props))
}

func (h *Handler) present(ctx context.Context, p *views.Props, c Claim, z *time.Location) {
	p.Domain, p.State = Show(c.Domain), string(c.State)
	if p.State == string(Failed) && p.Typed == "" {
		p.Typed = p.Domain
	}
	if c.Reason != "" {
		about := p.Domain
		if c.Reason == NoRecord {
			about = "_vitrine." + about
		}
		p.Reason = text.T(ctx, c.Reason, about)
	}
	if !c.CheckedAt.IsZero() {
		p.Checked = c.CheckedAt.In(z).Format("2 January, 15:04")
	}
	if !c.FailingSince.IsZero() {
		limit := ReleaseAt
		if c.Reason == NoAnswer {
			limit = SilentTill
		}
		p.Until = c.FailingSince.Add(limit).In(z).Format("2 January")
	}
	p.Records = append(p.Records, views.Record{Type: "TXT", Name: Record(c.Domain), Value: c.Token, Why: text.T(ctx, "It proves that the domain is yours.")})
	if s := h.Service; s.Target != "" {
		p.Records = append(p.Records, views.Record{Type: "CNAME", Name: c.Domain, Value: s.Target, Why: text.T(ctx, "It leads visitors here. Where a CNAME is refused, for a domain without anything before it, use ALIAS or ANAME, or the addresses of that name.")})
	}
	for _, a := range h.Service.Addresses {
		kind := "A"
		if ip, err := netip.ParseAddr(a); err == nil && ip.Is6() {
			kind = "AAAA"
		}
		p.Records = append(p.Records, views.Record{Type: kind, Name: c.Domain, Value: a, Why: text.T(ctx, "In place of the CNAME, where that is refused.")})
	}
}

func zone(c echo.Context) *time.Location {
	z, err := time.LoadLocation(web.Who(c).TimeZone)
	if err != nil {
		return time.UTC
	}
	return z
}

func (h *Handler) claim(c echo.Context) error {
	typed := web.Text(c, "domain")
	_, err := h.Service.Claim(c.Request().Context(), who(c), typed)
	if errs.Is(err, errs.Invalid) {
		return h.show(c, http.StatusUnprocessableEntity, typed, web.FieldMessages(c, err))
	}
	if err != nil {
		return err
	}
	return web.SeeOther(c, path)
}

func (h *Handler) check(c echo.Context) error {
	ctx := c.Request().Context()
	claim, err := h.Service.Mine(ctx, who(c))
	if err == nil {
		claim, err = h.Service.Look(ctx, claim.Shop)
	}
	if err != nil {
		return err
	}
	if claim.State == Verified && claim.FailingSince.IsZero() {
		web.Flash(c, text.T(ctx, "Your shop is at %s.", Show(claim.Domain)))
	} else {
		web.Flash(c, text.T(ctx, "Checked. It is not there yet."))
	}
	return web.SeeOther(c, path)
}

func (h *Handler) remove(c echo.Context) error {
	if err := h.Service.Remove(c.Request().Context(), who(c)); err != nil {
		return err
	}
	web.Flash(c, text.T(c.Request().Context(), "Removed. Your shop is at its own address."))
	return web.SeeOther(c, path)
}

// TargetOf is the name that domains lead to: the shop host's, without its port.
func TargetOf(shopURL string) string {
	u, err := url.Parse(shopURL)
	if err != nil || net.ParseIP(u.Hostname()) != nil {
		return ""
	}
	return u.Hostname()
}
