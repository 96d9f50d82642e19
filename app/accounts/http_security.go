package accounts

import (
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/web"
	"vitrine/views/layout"
	"vitrine/views/text"

	view "vitrine/views/accounts"
)

// securityRoutes are the pages of the second step: setting it up, renewing its recovery codes, turning it off.
func (h *Handler) securityRoutes(r *web.Router, tight func(string) web.RouteOption) {
	g := r.On(web.App, "/app/security", web.Verified)
	g.GET("", h.FactorPage)
	g.GET("/setup", h.FactorSetup, web.Fresh)
	g.POST("/setup", h.BeginFactor, web.Fresh)
	g.POST("/confirm", h.ConfirmFactor, tight("factor"))
	g.GET("/codes", h.RenewPage, web.Fresh)
	g.POST("/codes", h.Renew, web.Fresh)
	g.GET("/off", h.EndFactorPage, web.Fresh)
	g.POST("/off", h.EndFactor, web.Fresh, tight("factor"))
}

// frame is the creator's shell, or a plain card for an operator who has no shop.
func frame(c echo.Context, title, back string) layout.Page {
	if web.Who(c).Shop.IsZero() {
		return auth(c, title)
	}
	return creator(c, title, back)
}

func zoneOf(p web.Person) *time.Location {
	if z, err := time.LoadLocation(p.TimeZone); err == nil {
		return z
	}
	return time.UTC
}

func withNext(path, next string) string {
	if next == "" {
		return path
	}
	return path + "?next=" + url.QueryEscape(next)
}

func (h *Handler) FactorPage(c echo.Context) error {
	ctx, who := c.Request().Context(), web.Who(c)
	f, err := h.Service.Factor(ctx, who.ID)
	if err != nil {
		return err
	}
	v := view.Factor{On: f.On, Codes: f.Codes, Admin: who.Role == "admin", Shop: !who.Shop.IsZero(), Next: web.LocalPath(c.QueryParam("next"), "")}
	if f.On {
		v.Since = f.Since.In(zoneOf(who)).Format("2 Jan 2006")
	}
	return web.Page(c, http.StatusOK, frame(c, "Security", "/app/you"), view.FactorPage(v))
}

// BeginFactor makes the secret and shows it.
func (h *Handler) BeginFactor(c echo.Context) error {
	err := h.Service.BeginFactor(c.Request().Context(), web.Who(c).ID)
	if errs.Is(err, errs.Conflict) {
		return web.SeeOther(c, "/app/security")
	}
	if err != nil {
		return err
	}
	return web.SeeOther(c, withNext("/app/security/setup", web.LocalPath(web.Text(c, "next"), "")))
}

func (h *Handler) FactorSetup(c echo.Context) error {
	return h.factorSetup(c, http.StatusOK, view.Setup{Next: web.LocalPath(c.QueryParam("next"), "")})
}

func (h *Handler) factorSetup(c echo.Context, status int, v view.Setup) error {
	s, err := h.Service.FactorSetup(c.Request().Context(), web.Who(c).ID)
	if errs.Is(err, errs.Gone) {
		return web.SeeOther(c, withNext("/app/security", v.Next))
	}
	if err != nil {
		return err
	}
	if v.QR, err = drawQR(s.URL); err != nil {
		return err
	}
	v.Secret, v.URL = s.Secret, s.URL
	return web.Page(c, status, frame(c, "Set up two-step sign-in", "/app/security"), view.SetupPage(v))
}

// ConfirmFactor turns the second step on and shows the recovery codes, this once.
func (h *Handler) ConfirmFactor(c echo.Context) error {
	ctx, who := c.Request().Context(), web.Who(c)
	next := web.LocalPath(web.Text(c, "next"), "")
	codes, err := h.Service.ConfirmFactor(ctx, who.ID, web.Text(c, "code"), web.SessionKey(c))
	switch {
	case errs.Is(err, errs.Conflict), errs.Is(err, errs.Gone):
		web.Flash(c, web.Sentence(c, err))
		return web.SeeOther(c, withNext("/app/security", next))
	case err != nil:
		return h.refuse(c, err, func(status int, messages map[string]string, refusal string) error {
			if !web.IsFresh(c) { // the secret is not shown again to who has waited long
				return web.SeeOther(c, withNext("/app/security/setup", next))
			}
			return h.factorSetup(c, status, view.Setup{Next: next, Errors: messages, Refusal: refusal})
		})
	}
	if err := web.SignIn(c, who.ID, web.ByFactor); err != nil {
		return err
	}
	return h.showCodes(c, view.Codes{Codes: codes, Next: next, First: true})
}

func (h *Handler) showCodes(c echo.Context, v view.Codes) error {
	if v.Next == "" {
		v.Next = "/app/security"
	}
	v.Email = web.Who(c).Email
	return web.Page(c, http.StatusOK, frame(c, "Recovery codes", ""), view.CodesPage(v))
}

// RenewPage asks before the codes that exist become worthless.
func (h *Handler) RenewPage(c echo.Context) error {
	f, err := h.Service.Factor(c.Request().Context(), web.Who(c).ID)
	if err != nil {
		return err
	}
	if !f.On {
		return web.SeeOther(c, "/app/security")
	}
	return web.Page(c, http.StatusOK, frame(c, "New recovery codes", "/app/security"), view.RenewPage(view.Factor{Codes: f.Codes}))
}

func (h *Handler) Renew(c echo.Context) error {
	codes, err := h.Service.NewRecoveryCodes(c.Request().Context(), web.Who(c).ID)
	if errs.Is(err, errs.Conflict) {
		return web.SeeOther(c, "/app/security")
	}
	if err != nil {
		return err
	}
	return h.showCodes(c, view.Codes{Codes: codes})
}

func (h *Handler) EndFactorPage(c echo.Context) error {
	return h.endFactor(c, http.StatusOK, view.Off{})
}

func (h *Handler) endFactor(c echo.Context, status int, v view.Off) error {
	who := web.Who(c)
	f, err := h.Service.Factor(c.Request().Context(), who.ID)
	if err != nil {
		return err
	}
	if !f.On || who.Role == "admin" {
		return web.SeeOther(c, "/app/security")
	}
	return web.Page(c, status, frame(c, "Turn two-step sign-in off", "/app/security"), view.OffPage(v))
}

// EndFactor turns the second step off; this session stays, under a new token.
func (h *Handler) EndFactor(c echo.Context) error {
	ctx, who := c.Request().Context(), web.Who(c)
	code, field := typedCode(c)
	err := h.Service.EndFactor(ctx, who.ID, code, web.SessionKey(c))
	if errs.Is(err, errs.Conflict) {
		return web.SeeOther(c, "/app/security")
	}
	if err != nil {
		return h.refuse(c, err, func(status int, messages map[string]string, refusal string) error {
			return h.endFactor(c, status, view.Off{Errors: beside(messages, field), Refusal: refusal})
		})
	}
	if err := web.SignIn(c, who.ID); err != nil {
		return err
	}
	web.Forget(c, web.ByFactor)
	web.Flash(c, text.T(ctx, "Two-step sign-in is off. You are signed out everywhere else."))
	return web.SeeOther(c, "/app/security")
}
