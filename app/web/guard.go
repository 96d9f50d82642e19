package web

import (
	gocontext "context"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/views/text"
)

// Person is who is signed in, as far as pages and guards need to know.
type Person struct {
	ID       id.User
	Email    string
	Name     string
	Role     string
	Locale   string
	TimeZone string
	Verified bool

	Shop     id.Shop // the shop being worked on; zero before /start
	ShopName string
	ShopSlug string
	Currency string
}

// People looks persons up; filled by the accounts and storefronts features.
type People interface {
	// Person finds who is signed in; shop is the one chosen in the session, or zero.
	Person(ctx gocontext.Context, user id.User, shop id.Shop) (Person, error)
}

// Tokens reads access tokens of the API.
type Tokens interface {
	// User returns whose token it is; any error means none.
	User(ctx gocontext.Context, accessToken string) (id.User, error)
}

const personKey = "web.person"

// Who is the person behind the request; zero when nobody is signed in.
func Who(c echo.Context) Person {
	p, _ := c.Get(personKey).(Person)
	return p
}

var errSignIn = errs.New(errs.Unauthorized, "Please sign in to go on.")

// guard is the chain of middleware that stands for an Access.
func (r *Router) guard(h Host, a Access) []echo.MiddlewareFunc {
	switch a {
	case NoCookie, Signed:
		return nil
	case DevOnly:
		return []echo.MiddlewareFunc{r.devOnly()}
	case Bearer:
		return []echo.MiddlewareFunc{r.bearer()}
	}
	if h != App {
		panic("web: only the app host has sessions")
	}
	return []echo.MiddlewareFunc{r.session(), r.person(), r.demand(a)}
}

func (r *Router) devOnly() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if !r.Config.Dev {
				return echo.ErrNotFound
			}
			return next(c)
		}
	}
}

func (r *Router) bearer() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			token, ok := strings.CutPrefix(c.Request().Header.Get("Authorization"), "Bearer ")
			if !ok || token == "" {
				c.Response().Header().Set("WWW-Authenticate", "Bearer")
				return errSignIn
			}
			user, err := r.Tokens.User(c.Request().Context(), token)
			if err != nil {
				c.Response().Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
				return errSignIn
			}
			p, err := r.People.Person(c.Request().Context(), user, id.Shop{})
			if err != nil {
				return errSignIn
			}
			c.Set(personKey, p)
			return next(c)
		}
	}
}

// person puts who is signed in into the context. A person who is gone is signed out.
func (r *Router) person() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			ctx := c.Request().Context()
			user, err := id.Parse[id.UserKind](r.Sessions.GetString(ctx, sessionUser))
			if err != nil {
				return next(c)
			}
			shop, _ := id.Parse[id.ShopKind](r.Sessions.GetString(ctx, sessionShop))
			p, err := r.People.Person(ctx, user, shop)
			if errs.Is(err, errs.NotFound) {
				if err := r.Sessions.Destroy(ctx); err != nil {
					return err
				}
				return next(c)
			}
			if err != nil {
				return err
			}
			c.Set(personKey, p)
			if err := r.isMeant(c, p); err != nil {
				return err
			}
			if p.Locale != "" && c.QueryParam("lang") == "" {
				c.SetRequest(c.Request().WithContext(text.With(ctx, p.Locale)))
			}
			return next(c)
		}
	}
}

// demand lets through who may, sends who must sign in there, and refuses the rest.
func (r *Router) demand(a Access) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			p := Who(c)
			switch {
			case a == Anyone:
				return next(c)
			case a == Admin:
				return r.admin(c, next)
			case p.ID.IsZero():
				return r.toSignIn(c)
			case a == SignedIn:
				return next(c)
			case !p.Verified:
				return SeeOther(c, "/join/code")
			case a == Creator && p.Shop.IsZero():
				return SeeOther(c, "/start")
			}
			return next(c)
		}
	}
}

// toSignIn keeps what was being sent, so that it can be sent again after signing in.
func (r *Router) toSignIn(c echo.Context) error {
	req := c.Request()
	next := req.URL.RequestURI()
	if req.Method != http.MethodGet && req.Method != http.MethodHead && req.Header.Get(replayHeader) == "" {
		if _, err := r.stash(c, false); err != nil {
			return err
		}
		next = "/resume"
	}
	return SeeOtherStatus(c, http.StatusUnauthorized, "/login?next="+url.QueryEscape(next))
}
