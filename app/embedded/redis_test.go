package embedded

import (
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestRedisForgetsWhenItsTimeHasCome(t *testing.T) {
	r, err := StartRedis()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	o, err := redis.ParseURL(r.URL())
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	defer c.Close()
	if err := c.Set(t.Context(), "short", "1", 600*time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	if err := c.Set(t.Context(), "long", "1", time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	if v := c.Get(t.Context(), "short").Val(); v != "1" {
		t.Fatalf("gone at once: %q", v)
	}
	eventually(t, "the short one passes", func() bool { return errors.Is(c.Get(t.Context(), "short").Err(), redis.Nil) })
	if ttl := c.TTL(t.Context(), "long").Val(); ttl < 59*time.Minute || ttl >= time.Hour {
		t.Errorf("an hour passes at the wrong speed: %v are left", ttl)
	}
	r.FlushAll()
	if n := c.DBSize(t.Context()).Val(); n != 0 {
		t.Errorf("%d keys after FlushAll", n)
	}
	r.Stop()
	r.Stop()
}
