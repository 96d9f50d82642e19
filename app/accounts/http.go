package accounts

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/web"
	"vitrine/views/layout"
	"vitrine/views/text"

	view "vitrine/views/accounts"
)

// Handler serves the pages of signing up, in and out.
type Handler struct{ Service *Service }

// Routes registers everything about accounts; limits count per visitor's address, and per account where there
// is one.
func (h *Handler) Routes(r *web.Router) {
	r.Factors = h.Service
	tight := func(name string) web.RouteOption { return web.Limit(name, web.Rate{N: 30, Per: time.Minute}) }
	g := r.On(web.App, "", web.Anyone)
	g.GET("/join", h.Join)
	g.POST("/join", h.Register, web.Limit("join", web.Rate{N: 20, Per: time.Hour}))
	g.GET("/join/code", h.Code)
	g.POST("/join/code", h.Verify, tight("code"))
	g.POST("/join/code/resend", h.Resend, tight("code"))
	g.GET("/login", h.LoginPage)
	g.POST("/login", h.Login, tight("login"))
	g.GET("/login/code", h.CodeStepPage)
	g.POST("/login/code", h.CodeStep, tight("factor"))
	g.GET("/forgot", h.ForgotPage)
	g.POST("/forgot", h.Forgot, web.Limit("forgot", web.Rate{N: 10, Per: time.Hour}))
	g.GET("/reset/:token", h.ResetPage)
	g.POST("/reset/:token", h.Reset, tight("reset"))
	g.GET("/logout", h.LogoutPage)
	g.POST("/logout", h.Logout)
	g.POST("/auth/google", h.ToGoogle, tight("google"))
	g.GET("/auth/google/back", h.FromGoogle, tight("google"))
	g.GET("/auth/google/link", h.LinkPage)
	g.POST("/auth/google/link", h.Link, tight("login"))

	s := r.On(web.App, "", web.SignedIn)
	s.GET("/resume", h.Resume)
	s.POST("/resume/discard", h.Discard)
	s.GET("/login/again", h.Again)
	s.POST("/login/again", h.ShowAgain, tight("login"))

	a := r.On(web.App, "/app", web.Creator)
	a.GET("/you", h.You)
	a.GET("/settings/profile", h.Profile)
	a.POST("/settings/profile", h.SaveProfile)
	v := r.On(web.App, "/app/settings/security", web.Verified) // an operator may have no shop
	v.GET("", h.Security)
	v.POST("/password", h.ChangePassword, tight("password"))
	v.POST("/devices", h.EndDevice)
	v.POST("/others", h.EndOthers)
	h.securityRoutes(r, tight)
	h.api(r)
}

func auth(c echo.Context, title string) layout.Page {
	return layout.Page{Title: text.T(c.Request().Context(), title), Shell: layout.Auth, NoIndex: true}
}

// home is where someone who is signed in belongs.
func home(c echo.Context) string {
	p := web.Who(c)
	switch {
	case !p.Verified:
		return "/join/code"
	case p.Shop.IsZero():
		return "/start"
	}
	return "/app/today"
}

func (h *Handler) google() bool { return h.Service.Google != nil }

func (h *Handler) Join(c echo.Context) error {
	if !web.Who(c).ID.IsZero() {
		return web.SeeOther(c, home(c))
	}
	return web.Page(c, http.StatusOK, auth(c, "Open your shop"), view.Join(view.Form{Google: h.google()}))
}

const (
	sessionEmail = "join.email" // the address that was typed, for the page that asks for the code
	sessionNext  = "login.next"
	sessionFlow  = "google.flow"
	sessionClaim = "google.claims"
)

// Register answers in the same way whether the address was known or not: the next page asks for a code.
func (h *Handler) Register(c echo.Context) error {
	in := NewUser{Email: web.Text(c, "email"), Password: web.Raw(c, "password"), Locale: text.Locale(c.Request().Context()), TimeZone: web.Text(c, "time_zone")}
	user, isNew, err := h.Service.Register(c.Request().Context(), in)
	if errs.Is(err, errs.Invalid) {
		return web.Page(c, http.StatusUnprocessableEntity, auth(c, "Open your shop"), view.Join(view.Form{Email: in.Email, Errors: web.FieldMessages(c, err), Google: h.google()}))
	}
	if err != nil {
		return err
	}
	if err := web.Session(c).RenewToken(c.Request().Context()); err != nil {
		return err
	}
	if isNew {
		if err := web.SignIn(c, user); err != nil {
			return err
		}
	}
	web.Session(c).Put(c.Request().Context(), sessionEmail, in.Email)
	return web.SeeOther(c, "/join/code")
}

func (h *Handler) Code(c echo.Context) error { return h.code(c, http.StatusOK, view.Code{}) }

func (h *Handler) code(c echo.Context, status int, v view.Code) error {
	p := web.Who(c)
	v.Email = p.Email
	if v.Email == "" {
		v.Email = web.Session(c).GetString(c.Request().Context(), sessionEmail)
	}
	if v.Email == "" || p.Verified {
		return web.SeeOther(c, "/join")
	}
	return web.Page(c, status, auth(c, "Look at your mails"), view.CodePage(v))
}

// Verify takes the code. Someone who typed an address that has an account gets the answer of a wrong code.
func (h *Handler) Verify(c echo.Context) error {
	p := web.Who(c)
	var err error
	if p.ID.IsZero() {
		err = errCode
	} else {
		err = h.Service.VerifyEmail(c.Request().Context(), p.ID, web.Text(c, "code"))
	}
	if errs.Is(err, errs.Invalid) {
		return h.code(c, http.StatusUnprocessableEntity, view.Code{Errors: web.FieldMessages(c, err)})
	}
	if err != nil {
		return err
	}
	if err := web.SignIn(c, p.ID); err != nil {
		return err
	}
	return web.SeeOther(c, "/start")
}

func (h *Handler) Resend(c echo.Context) error {
	if p := web.Who(c); !p.ID.IsZero() && !p.Verified {
		if err := web.Check(c, "resend", p.ID.String(), web.Rate{N: 5, Per: time.Hour}); err != nil {
			return h.code(c, http.StatusTooManyRequests, view.Code{Refusal: web.Sentence(c, err)})
		}
		if err := h.Service.Resend(c.Request().Context(), p.ID); err != nil {
			return err
		}
	}
	return h.code(c, http.StatusOK, view.Code{News: text.T(c.Request().Context(), "A new code is on its way. It can take half a minute.")})
}

func (h *Handler) LoginPage(c echo.Context) error {
	next := web.LocalPath(c.QueryParam("next"), "")
	if !web.Who(c).ID.IsZero() {
		if next == "" {
			next = home(c)
		}
		return web.SeeOther(c, next)
	}
	return web.Page(c, http.StatusOK, auth(c, "Sign in"), view.Login(view.Form{Next: next, Google: h.google()}))
}

func (h *Handler) Login(c echo.Context) error {
	ctx := c.Request().Context()
	f := view.Form{Email: web.Text(c, "email"), Next: web.LocalPath(web.Text(c, "next"), ""), Google: h.google()}
	if err := web.Check(c, "login-account", strings.ToLower(f.Email), web.Rate{N: 10, Per: 10 * time.Minute}); err != nil {
		f.Refusal = web.Sentence(c, err)
		return web.Page(c, http.StatusTooManyRequests, auth(c, "Sign in"), view.Login(f))
	}
	u, err := h.Service.Login(ctx, f.Email, web.Raw(c, "password"))
	if errs.Is(err, errs.Invalid) {
		f.Refusal = web.Sentence(c, err)
		return web.Page(c, http.StatusUnprocessableEntity, auth(c, "Sign in"), view.Login(f))
	}
	if err != nil {
		return err
	}
	return h.enter(c, u.ID, f.Next)
}

func (h *Handler) ForgotPage(c echo.Context) error {
	return web.Page(c, http.StatusOK, auth(c, "Forgot your password?"), view.Forgot(view.Form{}))
}

func (h *Handler) Forgot(c echo.Context) error {
	f := view.Form{Email: web.Text(c, "email")}
	err := h.Service.Forgot(c.Request().Context(), f.Email)
	if errs.Is(err, errs.Invalid) {
		f.Errors = web.FieldMessages(c, err)
		return web.Page(c, http.StatusUnprocessableEntity, auth(c, "Forgot your password?"), view.Forgot(f))
	}
	if err != nil {
		return err
	}
	return web.Page(c, http.StatusOK, auth(c, "Look at your mails"), view.ForgotSent(f.Email))
}

func (h *Handler) ResetPage(c echo.Context) error {
	c.Response().Header().Set("Referrer-Policy", "no-referrer")
	if err := h.Service.CheckReset(c.Request().Context(), c.Param("token")); err != nil {
		return err
	}
	return web.Page(c, http.StatusOK, auth(c, "Choose a new password"), view.Reset(view.ResetForm{Token: c.Param("token")}))
}

func (h *Handler) Reset(c echo.Context) error {
	user, err := h.Service.ResetPassword(c.Request().Context(), c.Param("token"), web.Raw(c, "password"))
	if errs.Is(err, errs.Invalid) {
		return web.Page(c, http.StatusUnprocessableEntity, auth(c, "Choose a new password"), view.Reset(view.ResetForm{Token: c.Param("token"), Errors: web.FieldMessages(c, err)}))
	}
	if err != nil {
		return err
	}
	return h.enter(c, user, "")
}

func (h *Handler) LogoutPage(c echo.Context) error {
	p := web.Who(c)
	if p.ID.IsZero() {
		return web.SeeOther(c, "/login")
	}
	return web.Page(c, http.StatusOK, auth(c, "Sign out?"), view.Logout(p.Email))
}

func (h *Handler) Logout(c echo.Context) error {
	if p := web.Who(c); !p.ID.IsZero() {
		// Also tells open streams of this session that it is over.
		if err := h.Service.EndDevice(c.Request().Context(), p.ID, web.SessionKey(c)); err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
	}
	if err := web.SignOut(c); err != nil {
		return err
	}
	return web.SeeOther(c, "/login")
}

// ToGoogle starts by POST: a link from elsewhere cannot begin a sign-in.
func (h *Handler) ToGoogle(c echo.Context) error {
	if !h.google() {
		return echo.ErrNotFound
	}
	ctx := c.Request().Context()
	to, flow, err := h.Service.Google.Begin(ctx, web.LocalPath(web.Text(c, "next"), ""))
	if err != nil {
		return h.googleFailed(c, err)
	}
	flow.Again = web.Checked(c, "again") && !web.Who(c).ID.IsZero()
	b, err := json.Marshal(flow)
	if err != nil {
		return err
	}
	web.Session(c).Put(ctx, sessionFlow, b)
	return web.SeeOther(c, to)
}

func (h *Handler) FromGoogle(c echo.Context) error {
	if !h.google() {
		return echo.ErrNotFound
	}
	ctx := c.Request().Context()
	var flow Flow
	if b := web.Session(c).PopBytes(ctx, sessionFlow); b == nil || json.Unmarshal(b, &flow) != nil {
		return h.googleFailed(c, errGoogle)
	}
	if c.QueryParam("error") != "" {
		return h.googleFailed(c, errs.New(errs.Invalid, "You did not go on with Google. Sign in with your password, or try again."))
	}
	claims, err := h.Service.Google.Finish(ctx, flow, c.QueryParam("state"), c.QueryParam("code"))
	if err != nil {
		return h.googleFailed(c, err)
	}
	if flow.Again {
		return h.backAgain(c, claims, flow.Next)
	}
	user, what, err := h.Service.Arrive(ctx, claims, text.Locale(ctx))
	switch {
	case err != nil:
		return h.googleFailed(c, err)
	case what == NotTheirs:
		return h.googleFailed(c, errs.New(errs.Invalid, "There is an account for this address whose owner has not verified it yet. Finish that sign-up, or choose a new password, and then link Google."))
	case what == AskPassword:
		b, err := json.Marshal(pendingLink{user, claims, flow.Next})
		if err != nil {
			return err
		}
		web.Session(c).Put(ctx, sessionClaim, b)
		return web.SeeOther(c, "/auth/google/link")
	}
	return h.enter(c, user, flow.Next)
}

func (h *Handler) googleFailed(c echo.Context, err error) error {
	var e *errs.Error
	if !errors.As(err, &e) || e.Kind == errs.Internal {
		return err
	}
	return web.Page(c, web.Status(err), auth(c, "Sign in"), view.Login(view.Form{Google: true, Refusal: web.Sentence(c, err)}))
}

type pendingLink struct {
	User   id.User
	Claims Claims
	Next   string
}

func (h *Handler) pending(c echo.Context) (p pendingLink, ok bool) {
	b := web.Session(c).GetBytes(c.Request().Context(), sessionClaim)
	return p, b != nil && json.Unmarshal(b, &p) == nil
}

func (h *Handler) LinkPage(c echo.Context) error {
	p, ok := h.pending(c)
	if !ok {
		return web.SeeOther(c, "/login")
	}
	return web.Page(c, http.StatusOK, auth(c, "One more step"), view.Link(view.LinkForm{Email: p.Claims.Email}))
}

func (h *Handler) Link(c echo.Context) error {
	p, ok := h.pending(c)
	if !ok {
		return web.SeeOther(c, "/login")
	}
	if err := web.Check(c, "login-account", strings.ToLower(p.Claims.Email), web.Rate{N: 10, Per: 10 * time.Minute}); err != nil {
		return err
	}
	err := h.Service.Link(c.Request().Context(), p.User, p.Claims, web.Raw(c, "password"))
	if errs.Is(err, errs.Invalid) {
		return web.Page(c, http.StatusUnprocessableEntity, auth(c, "One more step"), view.Link(view.LinkForm{Email: p.Claims.Email, Errors: web.FieldMessages(c, err)}))
	}
	if err != nil {
		return err
	}
	web.Session(c).Remove(c.Request().Context(), sessionClaim)
	return h.enter(c, p.User, p.Next)
}
