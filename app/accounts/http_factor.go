package accounts

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/web"
	"vitrine/views/text"

	view "vitrine/views/accounts"
)

const (
	sessionPending = "login.pending" // who has shown a password and owes a code
	pendingLife    = 10 * time.Minute
)

// pendingSignIn is a sign-in between its two steps. Nobody is signed in yet.
type pendingSignIn struct {
	User id.User
	Next string
	At   time.Time
}

// enter signs a person in and sends them on; who has a second step goes there first.
func (h *Handler) enter(c echo.Context, user id.User, next string) error {
	ctx := c.Request().Context()
	has, err := h.Service.HasFactor(ctx, user)
	if err != nil {
		return err
	}
	if !has {
		return h.arrive(c, user, next, web.ByPassword)
	}
	b, err := json.Marshal(pendingSignIn{user, next, h.Service.DB.Now()})
	if err != nil {
		return err
	}
	if err := web.Session(c).RenewToken(ctx); err != nil {
		return err
	}
	web.Session(c).Put(ctx, sessionPending, b)
	return web.SeeOther(c, "/login/code")
}

// arrive ends a sign-in well.
func (h *Handler) arrive(c echo.Context, user id.User, next string, proofs ...web.Proof) error {
	if err := web.SignIn(c, user, proofs...); err != nil {
		return err
	}
	web.Session(c).Remove(c.Request().Context(), sessionPending)
	if next == "" {
		next = "/app/today" // whose guard knows the way for those who have no shop yet
	}
	return web.SeeOther(c, next)
}

func (h *Handler) halfway(c echo.Context) (p pendingSignIn, ok bool) {
	b := web.Session(c).GetBytes(c.Request().Context(), sessionPending)
	if b == nil || json.Unmarshal(b, &p) != nil {
		return p, false
	}
	return p, h.Service.DB.Now().Sub(p.At) < pendingLife
}

// stepper is who owes a code here: someone between the two steps of signing in, or someone who is signed in and
// has shown none in this session. Zero when nobody does.
func (h *Handler) stepper(c echo.Context) (user id.User, between bool, err error) {
	if p, ok := h.halfway(c); ok {
		return p.User, true, nil
	}
	who := web.Who(c)
	if who.ID.IsZero() {
		return user, false, nil
	}
	has, err := h.Service.HasFactor(c.Request().Context(), who.ID)
	if !has {
		return user, false, err
	}
	return who.ID, false, nil
}

// CodeStepPage asks for the second step.
func (h *Handler) CodeStepPage(c echo.Context) error {
	user, between, err := h.stepper(c)
	if err != nil {
		return err
	}
	next := web.LocalPath(c.QueryParam("next"), "")
	_, shown := web.Proven(c, web.ByFactor)
	switch {
	case user.IsZero() && web.Who(c).ID.IsZero():
		return web.SeeOther(c, "/login")
	case user.IsZero(), !between && shown && web.IsFresh(c):
		if next == "" {
			next = home(c)
		}
		return web.SeeOther(c, next)
	}
	return h.codeStep(c, http.StatusOK, view.CodeStep{Next: next, SignedIn: !between})
}

func (h *Handler) codeStep(c echo.Context, status int, v view.CodeStep) error {
	return web.Page(c, status, auth(c, "One more step"), view.CodeStepPage(v))
}

// CodeStep takes a code of the app or a recovery code, and only then signs in.
func (h *Handler) CodeStep(c echo.Context) error {
	ctx := c.Request().Context()
	user, between, err := h.stepper(c)
	if err != nil {
		return err
	}
	if user.IsZero() {
		return web.SeeOther(c, "/login") // which knows the way for who is signed in
	}
	v := view.CodeStep{Next: web.LocalPath(web.Text(c, "next"), ""), SignedIn: !between}
	code, field := typedCode(c)
	left, err := h.Service.ProveFactor(ctx, user, code)
	if err != nil {
		return h.refuse(c, err, func(status int, messages map[string]string, refusal string) error {
			v.Errors, v.Refusal = beside(messages, field), refusal
			return h.codeStep(c, status, v)
		})
	}
	if left >= 0 {
		web.Flash(c, text.N(ctx, left, "That recovery code is used up. %d is left.", "That recovery code is used up. %d are left."))
	}
	if between {
		p, _ := h.halfway(c)
		return h.arrive(c, user, p.Next, web.ByPassword, web.ByFactor)
	}
	return h.arrive(c, user, v.Next, web.ByFactor)
}

// typedCode is the recovery code when one was typed, and else the code of the app, with the name of its field.
func typedCode(c echo.Context) (code, field string) {
	if r := web.Text(c, "recovery"); r != "" {
		return r, "recovery"
	}
	return web.Text(c, "code"), "code"
}

// beside puts what is wrong with a code beside the field that it was typed into.
func beside(messages map[string]string, field string) map[string]string {
	if m, ok := messages["code"]; ok && field != "code" {
		delete(messages, "code")
		messages[field] = m
	}
	return messages
}

// refuse draws a form again with what was wrong; errors that are no answer go on as they are.
func (h *Handler) refuse(c echo.Context, err error, draw func(status int, messages map[string]string, refusal string) error) error {
	switch {
	case errs.Is(err, errs.Invalid) && len(errs.Fields(err)) > 0:
		return draw(http.StatusUnprocessableEntity, web.FieldMessages(c, err), "")
	case errs.Is(err, errs.TooMany), errs.Is(err, errs.Conflict), errs.Is(err, errs.Invalid):
		return draw(web.Status(err), nil, web.Sentence(c, err))
	}
	return err
}

// Again asks someone who is signed in to show that it is them.
func (h *Handler) Again(c echo.Context) error {
	next := web.LocalPath(c.QueryParam("next"), "")
	if web.IsFresh(c) {
		return web.SeeOther(c, orHome(c, next))
	}
	return h.again(c, http.StatusOK, view.Again{Next: next})
}

func orHome(c echo.Context, next string) string {
	if next == "" {
		return home(c)
	}
	return next
}

func (h *Handler) again(c echo.Context, status int, v view.Again) error {
	ctx, who := c.Request().Context(), web.Who(c)
	u, err := h.Service.User(ctx, who.ID)
	if err != nil {
		return err
	}
	v.Email, v.Password = u.Email, u.HasPass
	if h.google() {
		if v.Google, err = h.Service.HasGoogle(ctx, who.ID); err != nil {
			return err
		}
	}
	if v.Code, err = h.Service.HasFactor(ctx, who.ID); err != nil {
		return err
	}
	_, v.Kept = web.Stashed(c)
	v.Kept = v.Kept && v.Next == "/resume"
	return web.Page(c, status, auth(c, "Is it you?"), view.AgainPage(v))
}

// ShowAgain takes the password, and a code from who has a second step. The password comes first: who does not know
// it learns nothing about codes, and uses none up.
func (h *Handler) ShowAgain(c echo.Context) error {
	ctx, who := c.Request().Context(), web.Who(c)
	v := view.Again{Next: web.LocalPath(web.Text(c, "next"), "")}
	if err := web.Check(c, "login-again", who.ID.String(), web.Rate{N: 10, Per: 10 * time.Minute}); err != nil {
		v.Refusal = web.Sentence(c, err)
		return h.again(c, http.StatusTooManyRequests, v)
	}
	err := h.Service.ProvePassword(ctx, who.ID, web.Raw(c, "password"))
	code, field := typedCode(c)
	proofs := []web.Proof{web.ByPassword}
	if err == nil {
		var has bool
		if has, err = h.Service.HasFactor(ctx, who.ID); has {
			_, err = h.Service.ProveFactor(ctx, who.ID, code)
			proofs = append(proofs, web.ByFactor)
		}
	}
	if err != nil {
		return h.refuse(c, err, func(status int, messages map[string]string, refusal string) error {
			v.Errors, v.Refusal = beside(messages, field), refusal
			return h.again(c, status, v)
		})
	}
	return h.arrive(c, who.ID, orHome(c, v.Next), proofs...)
}

// backAgain is the end of going through Google once more while signed in. It must be the same person's Google
// account; who has a second step shows a code after it.
func (h *Handler) backAgain(c echo.Context, claims Claims, next string) error {
	ctx, who := c.Request().Context(), web.Who(c)
	if who.ID.IsZero() {
		return web.SeeOther(c, "/login?next="+url.QueryEscape(next))
	}
	same, err := h.Service.IsGoogle(ctx, who.ID, claims)
	if err != nil {
		return err
	}
	if !same {
		return h.again(c, http.StatusUnprocessableEntity, view.Again{Next: next, Refusal: text.T(ctx, "That is not the Google account of this shop. Choose the one you signed up with.")})
	}
	has, err := h.Service.HasFactor(ctx, who.ID)
	if err != nil {
		return err
	}
	if has {
		return web.SeeOther(c, "/login/code?next="+url.QueryEscape(orHome(c, next)))
	}
	return h.arrive(c, who.ID, orHome(c, next), web.ByPassword)
}
