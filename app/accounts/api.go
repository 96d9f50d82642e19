package accounts

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/web"
	"vitrine/docs"
	"vitrine/views/text"
)

// api registers the same doors for programs. docs/openapi.yaml describes them, and a test compares the two.
func (h *Handler) api(r *web.Router) {
	cors := web.CORS(r)
	g := r.On(web.App, "/api/v1", web.NoCookie, cors)
	program := web.CrossOrigin("takes no cookie, so a visitor's browser lends it nothing")
	tight := web.Limit("api-login", web.Rate{N: 30, Per: time.Minute})
	g.GET("/openapi.yaml", func(c echo.Context) error { return c.Blob(http.StatusOK, "application/yaml", docs.OpenAPI) })
	g.POST("/register", h.apiRegister, program, web.Limit("join", web.Rate{N: 20, Per: time.Hour}))
	g.POST("/verify-email", h.apiVerify, program, tight)
	g.POST("/login", h.apiLogin, program, tight)
	g.POST("/token/refresh", h.apiRefresh, program, tight)
	g.POST("/logout", h.apiLogout, program)
	for _, p := range []string{"/register", "/verify-email", "/login", "/token/refresh", "/logout", "/me"} {
		g.Preflight(p)
	}
	r.On(web.App, "/api/v1", web.Bearer, cors).GET("/me", h.apiMe)
	r.On(web.App, "", web.SignedIn).GET("/me", h.me)
}

// read takes one JSON object of at most 16 KB, with no field that dest does not know.
func read(c echo.Context, dest any) error {
	if !strings.HasPrefix(c.Request().Header.Get("Content-Type"), "application/json") {
		return errs.New(errs.Invalid, "Send JSON, with the content type application/json.")
	}
	d := json.NewDecoder(io.LimitReader(c.Request().Body, 16<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(dest); err != nil {
		return errs.Wrap(errs.Invalid, err, "The body is not the JSON that is expected here.")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errs.New(errs.Invalid, "The body is not the JSON that is expected here.")
	}
	return nil
}

func (h *Handler) apiRegister(c echo.Context) error {
	var in struct {
		Email    string `json:"email"`
		Password string `json:"password"`
		TimeZone string `json:"time_zone"`
	}
	if err := read(c, &in); err != nil {
		return err
	}
	_, _, err := h.Service.Register(c.Request().Context(), NewUser{in.Email, in.Password, text.Locale(c.Request().Context()), in.TimeZone})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, map[string]string{"status": "code_sent"})
}

// apiVerify proves the address and signs in. Unknown addresses get the answer of a wrong code.
func (h *Handler) apiVerify(c echo.Context) error {
	var in struct {
		Email    string `json:"email"`
		Password string `json:"password"`
		Code     string `json:"code"`
	}
	if err := read(c, &in); err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := web.Check(c, "login-account", strings.ToLower(in.Email), web.Rate{N: 10, Per: 10 * time.Minute}); err != nil {
		return err
	}
	u, err := h.Service.Login(ctx, in.Email, in.Password)
	if err != nil {
		return err
	}
	if !u.Verified() {
		if err := h.Service.VerifyEmail(ctx, u.ID, in.Code); err != nil {
			return err
		}
	}
	if ok, err := h.secondStep(c, u.ID, ""); !ok { // who has one signs in at /login
		return err
	}
	t, err := h.Service.NewTokens(ctx, u.ID)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, tokensJSON(t))
}

func (h *Handler) apiLogin(c echo.Context) error {
	var in struct {
		Email    string `json:"email"`
		Password string `json:"password"`
		Code     string `json:"code"`
	}
	if err := read(c, &in); err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := web.Check(c, "login-account", strings.ToLower(in.Email), web.Rate{N: 10, Per: 10 * time.Minute}); err != nil {
		return err
	}
	u, err := h.Service.Login(ctx, in.Email, in.Password)
	if errs.Is(err, errs.Invalid) {
		return errs.New(errs.Unauthorized, errLogin.Message)
	}
	if err != nil {
		return err
	}
	if !u.Verified() {
		return errs.New(errs.Forbidden, "Verify the address first, with the code that was mailed.")
	}
	if ok, err := h.secondStep(c, u.ID, in.Code); !ok {
		return err
	}
	t, err := h.Service.NewTokens(ctx, u.ID)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, tokensJSON(t))
}

// secondStep takes the code from who has a second step. When ok is false the answer has been given, or err is it.
func (h *Handler) secondStep(c echo.Context, user id.User, code string) (ok bool, err error) {
	ctx := c.Request().Context()
	has, err := h.Service.HasFactor(ctx, user)
	if err != nil || !has {
		return !has, err
	}
	if code == "" {
		return false, c.JSON(http.StatusUnauthorized, map[string]any{"error": map[string]any{
			"kind": errs.Unauthorized, "code": "second_factor_required",
			"message": text.T(ctx, "This account has two-step sign-in: send a code of the authenticator app, or a recovery code, too."),
		}})
	}
	_, err = h.Service.ProveFactor(ctx, user, code)
	if errs.Is(err, errs.Invalid) {
		msg, args := errs.Public(err)
		return false, errs.New(errs.Unauthorized, msg, args...)
	}
	return err == nil, err
}

type refreshIn struct {
	RefreshToken string `json:"refresh_token"`
}

func (h *Handler) apiRefresh(c echo.Context) error {
	var in refreshIn
	if err := read(c, &in); err != nil {
		return err
	}
	t, err := h.Service.Refresh(c.Request().Context(), in.RefreshToken)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, tokensJSON(t))
}

func (h *Handler) apiLogout(c echo.Context) error {
	var in refreshIn
	if err := read(c, &in); err != nil {
		return err
	}
	if err := h.Service.Revoke(c.Request().Context(), in.RefreshToken); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func tokensJSON(t Tokens) map[string]any {
	return map[string]any{"access_token": t.Access, "token_type": "Bearer", "expires_in": int(t.ExpiresIn.Seconds()), "refresh_token": t.Refresh}
}

func (h *Handler) apiMe(c echo.Context) error { return h.me(c) }

// me says who is signed in, to pages and programs alike.
func (h *Handler) me(c echo.Context) error {
	p := web.Who(c)
	body := map[string]any{"id": p.ID, "email": p.Email, "name": p.Name, "role": p.Role, "verified": p.Verified, "locale": p.Locale, "time_zone": p.TimeZone, "shop": nil}
	if !p.Shop.IsZero() {
		body["shop"] = map[string]any{"id": p.Shop, "slug": p.ShopSlug, "name": p.ShopName, "currency": p.Currency}
	}
	return c.JSON(http.StatusOK, body)
}
