package web

import (
	gocontext "context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/labstack/echo/v4"

	"vitrine/app/config"
	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/views/text"
)

const (
	sessionUser  = "user"
	sessionShop  = "shop"
	sessionFlash = "flash"
	sessionStash = "stash"

	sessionKey = "web.session" // set in the echo context where a session is loaded
)

// NewSessions keeps sessions in Postgres: 14 days at most, 3 days idle. The cookie's token is stored hashed.
func NewSessions(cfg *config.Config, d *db.DB) *scs.SessionManager {
	m := scs.New()
	m.Store = &sessionStore{d}
	m.HashTokenInStore = true
	m.Lifetime = 14 * 24 * time.Hour
	m.IdleTimeout = 3 * 24 * time.Hour
	m.Cookie.Name = "vitrine"
	if cfg.Secure() {
		m.Cookie.Name = "__Host-vitrine"
	}
	m.Cookie.Secure = cfg.Secure()
	m.Cookie.HttpOnly = true
	m.Cookie.SameSite = http.SameSiteLaxMode // Strict would lose the session on the way back from a provider
	m.Cookie.Path = "/"
	m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		if r.Context().Err() != nil {
			return // the visitor has left
		}
		slog.ErrorContext(r.Context(), "session", "err", err)
		http.Error(w, "Something went wrong on our side. Nothing was lost; please try again.", http.StatusInternalServerError)
	}
	return m
}

// sessionStore is scs's store on Postgres; user_id lets a person see and end their own sessions.
type sessionStore struct{ db *db.DB }

var _ scs.CtxStore = (*sessionStore)(nil)

func (s *sessionStore) FindCtx(ctx gocontext.Context, token string) (b []byte, ok bool, err error) {
	err = s.db.Get(ctx, &b, `SELECT data FROM sessions WHERE token = $1 AND expires_at > $2`, token, s.db.Now())
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	return b, err == nil, err
}

type sessionFacts struct {
	user  id.User
	agent string
}

type factsKey struct{}

func (s *sessionStore) CommitCtx(ctx gocontext.Context, token string, b []byte, expires time.Time) error {
	f, _ := ctx.Value(factsKey{}).(*sessionFacts)
	if f == nil {
		f = &sessionFacts{}
	}
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO sessions (token, user_id, data, expires_at, created_at, seen_at, user_agent)
			VALUES ($1, $2, $3, $4, $5, $5, $6)
			ON CONFLICT (token) DO UPDATE SET
				user_id = EXCLUDED.user_id,
				data = EXCLUDED.data,
				expires_at = EXCLUDED.expires_at,
				seen_at = EXCLUDED.seen_at`, token, f.user, b, expires, tx.Now, f.agent)
		return err
	})
}

func (s *sessionStore) DeleteCtx(ctx gocontext.Context, token string) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM sessions WHERE token = $1`, token)
		return err
	})
}

func (s *sessionStore) Find(string) ([]byte, bool, error) {
	return nil, false, errors.New("no context")
}
func (s *sessionStore) Commit(string, []byte, time.Time) error { return errors.New("no context") }
func (s *sessionStore) Delete(string) error                    { return errors.New("no context") }

// session loads the session before the handler and saves it with the first byte of the answer.
func (r *Router) session() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			f := &sessionFacts{agent: clip(c.Request().UserAgent(), 200)}
			h := r.Sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				f.user, _ = id.Parse[id.UserKind](r.Sessions.GetString(req.Context(), sessionUser))
				c.Set(sessionKey, true)
				c.SetRequest(req)
				old := c.Response().Writer
				c.Response().Writer = w
				defer func() { c.Response().Writer = old }()
				if err := next(c); err != nil {
					c.Error(err) // inside, so that the error page carries the session's changes
				}
			}))
			req := c.Request()
			h.ServeHTTP(c.Response().Writer, req.WithContext(gocontext.WithValue(req.Context(), factsKey{}, f)))
			return nil
		}
	}
}

// SignIn makes the session the user's own, under a new token, and notes what they have just shown. What someone else
// has shown in this session counts for nothing.
func SignIn(c echo.Context, user id.User, proofs ...Proof) error {
	r, ctx := routerOf(c), c.Request().Context()
	if err := r.Sessions.RenewToken(ctx); err != nil {
		return err
	}
	if r.Sessions.GetString(ctx, sessionUser) != user.String() {
		r.Sessions.Remove(ctx, string(ByPassword))
		r.Sessions.Remove(ctx, string(ByFactor))
	}
	r.prove(ctx, proofs)
	r.Sessions.Put(ctx, sessionUser, user.String())
	setFacts(ctx, user)
	return nil
}

// SignOut ends the session and asks the browser to forget what it has stored of us.
func SignOut(c echo.Context) error {
	r, ctx := routerOf(c), c.Request().Context()
	c.Response().Header().Set("Clear-Site-Data", `"cache", "storage"`)
	setFacts(ctx, id.User{})
	return r.Sessions.Destroy(ctx)
}

// ChooseShop makes a shop of the person the one being worked on.
func ChooseShop(c echo.Context, shop id.Shop) {
	routerOf(c).Sessions.Put(c.Request().Context(), sessionShop, shop.String())
}

// Session is the scs manager, for features that keep a value across two requests.
func Session(c echo.Context) *scs.SessionManager { return routerOf(c).Sessions }

// SessionKey is the stored (hashed) name of the current session, as in the sessions table.
func SessionKey(c echo.Context) string {
	tok := routerOf(c).Sessions.Token(c.Request().Context())
	if tok == "" {
		return ""
	}
	return hashToken(tok)
}

// hashToken is scs's own way of hashing what it stores.
func hashToken(token string) string {
	h := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(h[:])
}

func setFacts(ctx gocontext.Context, user id.User) {
	if f, ok := ctx.Value(factsKey{}).(*sessionFacts); ok {
		f.user = user
	}
}

// Stash is a form that was sent without a session, or before a proof that it needs, kept to be sent again.
type Stash struct {
	Method string
	Path   string
	Form   url.Values
	At     time.Time
	Proof  bool // a proof was missing, not the session
}

// stash keeps the form of a request that needs signing in first, or a proof. Files, passwords and recovery codes are
// not kept, nor a button without fields.
func (r *Router) stash(c echo.Context, proof bool) (kept bool, err error) {
	req := c.Request()
	typed, err := fields(req)
	if err != nil {
		return false, nil // what cannot be read cannot be kept
	}
	form, size := url.Values{}, 0
	for k, v := range typed {
		if strings.Contains(k, "password") || k == "recovery" {
			continue
		}
		form[k] = v
		for _, s := range v {
			size += len(k) + len(s)
		}
	}
	if size == 0 || size > 64<<10 {
		return false, nil
	}
	b, err := json.Marshal(Stash{req.Method, req.URL.Path, form, time.Now(), proof})
	if err != nil {
		return false, err
	}
	r.Sessions.Put(req.Context(), sessionStash, b)
	return true, nil
}

// fields reads what was typed into a form, past the files that may come with it.
func fields(req *http.Request) (url.Values, error) {
	const most = 64 << 10
	if strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		err := req.ParseForm()
		return req.PostForm, err
	}
	req.Body = http.MaxBytesReader(nil, req.Body, 40<<20)
	parts, err := req.MultipartReader()
	if err != nil {
		return nil, err
	}
	form := url.Values{}
	for {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return form, nil
		}
		if err != nil {
			return nil, err
		}
		if p.FileName() != "" || p.FormName() == "" {
			continue
		}
		b, err := io.ReadAll(io.LimitReader(p, most+1))
		if err != nil {
			return nil, err
		}
		form.Add(p.FormName(), string(b))
	}
}

// Stashed returns the kept form; false when there is none or it is older than an hour.
func Stashed(c echo.Context) (Stash, bool) {
	var s Stash
	b := routerOf(c).Sessions.GetBytes(c.Request().Context(), sessionStash)
	return s, json.Unmarshal(b, &s) == nil && time.Since(s.At) < time.Hour
}

// ForgetStash drops the kept form.
func ForgetStash(c echo.Context) { routerOf(c).Sessions.Remove(c.Request().Context(), sessionStash) }

// Flash keeps a sentence for the next page.
func Flash(c echo.Context, message string) {
	routerOf(c).Sessions.Put(c.Request().Context(), sessionFlash, message)
}

func takeFlash(c echo.Context) string {
	if c.Get(sessionKey) == nil {
		return ""
	}
	return routerOf(c).Sessions.PopString(c.Request().Context(), sessionFlash)
}

func withLocale(c echo.Context) gocontext.Context {
	lang := c.QueryParam("lang")
	if lang == "" {
		lang = c.Request().Header.Get("Accept-Language")
	}
	return text.With(c.Request().Context(), lang)
}

func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "")
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "")
	}
	return s
}
