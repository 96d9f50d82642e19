package web

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
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
