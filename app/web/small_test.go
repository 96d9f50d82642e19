package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/redis/go-redis/v9"

	"vitrine/app/config"
)

func TestLocalPath(t *testing.T) {
	for next, want := range map[string]string{
		"/app/today": "/app/today", "/app?x=1": "/app?x=1", "/a b": "/a%20b",
		"": "/f", "//evil.example": "/f", "/\\evil.example": "/f", "https://evil.example": "/f", "/\tx": "/f", "/\r\nx": "/f", "app": "/f", "javascript:alert(1)": "/f", "///x": "/f",
	} {
		if got := LocalPath(next, "/f"); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
}

func TestAToastOfAnyScriptFitsIntoAHeader(t *testing.T) {
	for _, s := range []string{"Grüße", "釉薬", "🏺 sold", "\"quotes\" and \\", "plain"} {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		out := asciiJSON(b)
		var back string
		if strings.ContainsFunc(out, func(r rune) bool { return r > 126 }) || json.Unmarshal([]byte(out), &back) != nil || back != s {
			t.Errorf("%q became %s, read back as %q", s, out, back)
		}
	}
}

func TestLimitsHoldWithoutRedis(t *testing.T) {
	l := NewLimiter(redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", DialTimeout: 100 * time.Millisecond, MaxRetries: -1}))
	allowed := 0
	began := time.Now()
	for range 50 {
		if wait, ok := l.Allow(t.Context(), "x", "one", Rate{10, time.Minute}); ok {
			allowed++
		} else if wait <= 0 || wait > time.Minute {
			t.Errorf("wait %s", wait)
		}
	}
	if allowed != 5 {
		t.Errorf("%d of 50 were let through, want 5: half of what all processes together allow", allowed)
	}
	if _, ok := l.Allow(t.Context(), "x", "two", Rate{10, time.Minute}); !ok {
		t.Error("another visitor waits, too")
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("50 tries took %s", took)
	}
}

// A proof lives in a session: a route without one that asks for a proof would never open, or open to all.
func TestNoProofIsAskedWhereThereIsNoSession(t *testing.T) {
	cfg := &config.Config{Port: 8080, SecretKey: "a secret of the tests, long enough"}
	cfg.Complete()
	r, err := NewRouter(cfg, NewSessions(cfg, nil), NewLimiter(nil))
	if err != nil {
		t.Fatal(err)
	}
	nothing := func(c echo.Context) error { return c.NoContent(http.StatusOK) }
	for _, a := range []Access{Anyone, NoCookie, SignedIn, Verified, Creator, Admin, Bearer, Signed, DevOnly} {
		refused := func() (p any) {
			defer func() { p = recover() }()
			r.On(App, "/"+string(a), a).POST("", nothing, Fresh)
			return nil
		}()
		if bare := a == NoCookie || a == Bearer || a == Signed || a == DevOnly; bare != (refused != nil) {
			t.Errorf("%s with Fresh: %v", a, refused)
		}
	}
}
