package accounts_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"vitrine/app/apptest"
	"vitrine/app/db/dbtest"
	"vitrine/app/id"
	"vitrine/app/web/webtest"
)

type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

func call(b *webtest.Browser, path, body string) *webtest.Page {
	return b.Do(http.MethodPost, "/api/v1"+path, "application/json", body)
}

func read(t *testing.T, p *webtest.Page) (k tokens) {
	t.Helper()
	if err := json.Unmarshal([]byte(p.Body), &k); err != nil || k.Access == "" {
		t.Fatalf("%d %s %v", p.Status, p.Body, err)
	}
	return k
}

func me(w *apptest.World, access string) *webtest.Page {
	b := w.Browser()
	b.Header.Set("Authorization", "Bearer "+access)
	return b.Get("/api/v1/me")
}

func TestOnlyOurOwnTokensOpenTheAPI(t *testing.T) {
	w := apptest.New(t)
	c := w.Creator()
	k := read(t, call(w.Browser(), "/login", `{"email":"`+c.Email+`","password":"`+apptest.Password+`"}`).Is(http.StatusOK))
	me(w, k.Access).Is(http.StatusOK).Has(c.Email)
	c.Get("/api/v1/me").Is(http.StatusUnauthorized) // a cookie opens nothing here
	var real jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(k.Access, &real); err != nil {
		t.Fatal(err)
	}
	key := []byte(id.Derive(w.Config.SecretKey.Reveal(), "jwt"))
	sign := func(m jwt.SigningMethod, key any, change func(*jwt.RegisteredClaims)) string {
		claims := real
		change(&claims)
		s, err := jwt.NewWithClaims(m, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	same := func(*jwt.RegisteredClaims) {}
	me(w, sign(jwt.SigningMethodHS256, key, same)).Is(http.StatusOK) // so that what follows is refused for its one fault
	for name, bad := range map[string]string{
		"alg none":        sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, same),
		"another key":     sign(jwt.SigningMethodHS256, []byte("another key of some length, really"), same),
		"the secret":      sign(jwt.SigningMethodHS256, []byte(w.Config.SecretKey.Reveal()), same),
		"HS512":           sign(jwt.SigningMethodHS512, key, same),
		"wrong audience":  sign(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Audience = jwt.ClaimStrings{"other"} }),
		"wrong issuer":    sign(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Issuer = "other" }),
		"no end":          sign(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.ExpiresAt = nil }),
		"no family":       sign(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.ID = "" }),
		"no person":       sign(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Subject = id.New[id.UserKind]().String() }),
		"a refresh token": k.Refresh, "nothing": "", "noise": "a.b.c",
	} {
		if p := me(w, bad); p.Status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, p.Status, p.Body)
		}
	}
	w.Pass(16 * time.Minute)
	me(w, k.Access).Is(http.StatusUnauthorized)
}

func TestARefreshTokenIsGoodOnceAndItsTheftEndsAll(t *testing.T) {
	w := apptest.New(t)
	c := w.Creator()
	one := read(t, call(w.Browser(), "/login", `{"email":"`+c.Email+`","password":"`+apptest.Password+`"}`))
	two := read(t, call(w.Browser(), "/token/refresh", `{"refresh_token":"`+one.Refresh+`"}`))
	me(w, two.Access).Is(http.StatusOK)
	call(w.Browser(), "/token/refresh", `{"refresh_token":"`+one.Refresh+`"}`).Is(http.StatusUnauthorized)
	call(w.Browser(), "/token/refresh", `{"refresh_token":"`+two.Refresh+`"}`).Is(http.StatusUnauthorized)
	me(w, two.Access).Is(http.StatusUnauthorized)
	three := read(t, call(w.Browser(), "/login", `{"email":"`+c.Email+`","password":"`+apptest.Password+`"}`))
	call(w.Browser(), "/logout", `{"refresh_token":"`+three.Refresh+`"}`).Is(http.StatusNoContent)
	me(w, three.Access).Is(http.StatusUnauthorized)
}

func TestTheAPIRefusesWhatItDoesNotKnow(t *testing.T) {
	w := apptest.New(t)
	for body, status := range map[string]int{
		`{"email":"a@b.test","password":"long enough words","role":"admin"}`: http.StatusUnprocessableEntity,
		`{"email":"a@b.test"}{}`: http.StatusUnprocessableEntity, `[]`: http.StatusUnprocessableEntity, `{"email":1}`: http.StatusUnprocessableEntity, ``: http.StatusUnprocessableEntity,
		`{"email":"a@b.test","password":"` + strings.Repeat("x", 20<<10) + `"}`: http.StatusUnprocessableEntity,
	} {
		p := call(w.Browser(), "/register", body)
		var e struct {
			Error struct{ Kind, Message string } `json:"error"`
		}
		if p.Status != status || json.Unmarshal([]byte(p.Body), &e) != nil || e.Error.Kind == "" || e.Error.Message == "" {
			t.Errorf("%.60s: %d %s", body, p.Status, p.Body)
		}
	}
	if n := w.Count(`SELECT count(*) FROM users`); n != 0 {
		t.Errorf("%d accounts", n)
	}
	w.Browser().Do(http.MethodPost, "/api/v1/login", "application/x-www-form-urlencoded", "email=a").Is(http.StatusUnprocessableEntity)
	w.Browser().Get("/api/v1/nothing").Is(http.StatusUnauthorized).Has(`"error"`) // nothing is shown without a token, not even that there is nothing
}

func TestOnlyFriendsReadAnswersAndNeverWithCookies(t *testing.T) {
	w := apptest.New(t)
	for origin, friend := range map[string]bool{"https://friend.example": true, "https://evil.example": false, "null": false, "https://friend.example.evil.example": false} {
		for _, method := range []string{http.MethodOptions, http.MethodPost} {
			b := w.Browser()
			b.Header = http.Header{"Origin": {origin}, "Sec-Fetch-Site": {"cross-site"}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"authorization,content-type"}}
			p := b.Do(method, "/api/v1/login", "application/json", `{"email":"a@b.test","password":"x"}`)
			allowed := p.Header.Get("Access-Control-Allow-Origin")
			if friend && allowed != origin || !friend && allowed != "" || p.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s from %s: allow %q, credentials %q", method, origin, allowed, p.Header.Get("Access-Control-Allow-Credentials"))
			}
			if !slices.Contains(p.Header.Values("Vary"), "Origin") {
				t.Errorf("%s: Vary %q", method, p.Header.Values("Vary"))
			}
			if friend && method == http.MethodOptions && (p.Status != http.StatusNoContent || !strings.Contains(p.Header.Get("Access-Control-Allow-Headers"), "Authorization")) {
				t.Errorf("preflight: %d %v", p.Status, p.Header)
			}
		}
	}
}

// The description names every address of the API with its methods, and no other.
func TestTheDescriptionIsWhatThereIs(t *testing.T) {
	w := apptest.New(t)
	b, err := os.ReadFile(filepath.Join(dbtest.Root(), "docs", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var described, served []string
	path := ""
	parameter := regexp.MustCompile(`:(\w+)`)
	pathLine, methodLine := regexp.MustCompile(`^  (/\S*):`), regexp.MustCompile(`^    (get|post|put|patch|delete):`)
	for _, l := range strings.Split(string(b), "\n") {
		if m := pathLine.FindStringSubmatch(l); m != nil {
			path = strings.TrimPrefix(m[1], "/api/v1")
		} else if m := methodLine.FindStringSubmatch(l); m != nil && path != "" {
			described = append(described, strings.ToUpper(m[1])+" "+path)
		}
	}
	for _, r := range w.App.Router.Table() {
		if p, ok := strings.CutPrefix(r.Path, "/api/v1"); ok && p != "/openapi.yaml" {
			served = append(served, r.Method+" "+parameter.ReplaceAllString(p, "{$1}"))
		}
	}
	slices.Sort(described)
	slices.Sort(served)
	described = slices.DeleteFunc(described, func(s string) bool { return strings.HasSuffix(s, "/openapi.yaml") })
	if !slices.Equal(described, served) || len(served) < 6 {
		t.Errorf("described %q\nserved    %q", described, served)
	}
}
