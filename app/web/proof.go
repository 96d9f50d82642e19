package web

import (
	gocontext "context"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/id"
)

// Proof is a way in which a person shows that it is them. The session keeps when it was done last.
type Proof string

const (
	ByPassword Proof = "proof.password" // or by Google
	ByFactor   Proof = "proof.factor"   // a code of the second step
)

// freshFor is how long a proof lets through to what needs a fresh one.
const freshFor = 10 * time.Minute

// Factors knows who has set up a second step of signing in; filled by the accounts feature.
type Factors interface {
	HasFactor(ctx gocontext.Context, user id.User) (bool, error)
}

// now is the time of the database's clock, where sessions are kept.
func (r *Router) now() time.Time {
	if s, ok := r.Sessions.Store.(*sessionStore); ok {
		return s.db.Now()
	}
	return time.Now()
}

// Proven is when the person of this session showed that it is them; false when they have not.
func Proven(c echo.Context, p Proof) (time.Time, bool) {
	at := routerOf(c).Sessions.GetInt64(c.Request().Context(), string(p))
	return time.Unix(at, 0), at != 0
}

// prove notes proofs; only a session whose token was just renewed should hear of them.
func (r *Router) prove(ctx gocontext.Context, proofs []Proof) {
	for _, p := range proofs {
		r.Sessions.Put(ctx, string(p), r.now().Unix())
	}
}

// Forget drops a proof: what it was of is gone.
func Forget(c echo.Context, p Proof) {
	routerOf(c).Sessions.Remove(c.Request().Context(), string(p))
}

// IsFresh reports whether the person of this session showed not long ago that it is them.
func IsFresh(c echo.Context) bool {
	now := routerOf(c).now()
	for _, p := range []Proof{ByPassword, ByFactor} {
		if at, ok := Proven(c, p); ok && now.Sub(at) < freshFor {
			return true
		}
	}
	return false
}

// Fresh is an option of routes that move money's way or weaken an account: whoever has not shown in the last ten
// minutes that it is them does so first, and what they were sending is kept meanwhile.
func Fresh(s *routeSpec) {
	s.fresh = true
	Through(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := routerOf(c)
			switch {
			case Who(c).ID.IsZero():
				return r.toSignIn(c)
			case guardFresh && !IsFresh(c):
				return r.proveFirst(c, "/login/again")
			}
			if kept, ok := Stashed(c); ok && c.Request().Method != http.MethodGet && kept.Path == c.Request().URL.Path {
				ForgetStash(c) // it has arrived
			}
			return next(c)
		}
	})(s)
}

// admin lets operators through whose session has shown a code. Everyone else hears that there is nothing here.
func (r *Router) admin(c echo.Context, next echo.HandlerFunc) error {
	p := Who(c)
	switch {
	case p.ID.IsZero() || p.Role != "admin":
		return echo.ErrNotFound
	case !p.Verified:
		return SeeOther(c, "/join/code")
	}
	if _, ok := Proven(c, ByFactor); ok || !guardAdminTOTP {
		return next(c)
	}
	has := false
	if r.Factors != nil {
		var err error
		if has, err = r.Factors.HasFactor(c.Request().Context(), p.ID); err != nil {
			return err
		}
	}
	if has {
		return r.proveFirst(c, "/login/code")
	}
	return r.proveFirst(c, "/app/security")
}

// proveFirst sends someone who is signed in to where they show more, and then back to what they were doing.
func (r *Router) proveFirst(c echo.Context, to string) error {
	req := c.Request()
	next := req.URL.RequestURI()
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		kept, err := r.stash(c, true)
		if err != nil {
			return err
		}
		next = "/resume"
		if !kept {
			next = cameFrom(c)
		}
	}
	return SeeOtherStatus(c, http.StatusUnauthorized, to+"?next="+url.QueryEscape(next))
}

// cameFrom is the page of ours that sent the request, or the first one.
func cameFrom(c echo.Context) string {
	for _, s := range []string{c.Request().Header.Get("HX-Current-URL"), c.Request().Referer()} {
		if u, err := url.Parse(s); err == nil && u.Host == c.Request().Host {
			return LocalPath(u.RequestURI(), "/app/today")
		}
	}
	return "/app/today"
}
