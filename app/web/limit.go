package web

import (
	gocontext "context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/labstack/echo/v4"
	"github.com/redis/go-redis/v9"

	"vitrine/app/errs"
)

// Limiter counts tries per name and key, in Redis for all processes together. When Redis is away each
// process counts for itself, and more strictly.
type Limiter struct {
	redis  *redis_rate.Limiter
	mu     sync.Mutex
	local  map[string]*window
	downed time.Time
	Off    bool // benches only: the load comes from one address
}

type window struct {
	from  time.Time
	count int
}

// NewLimiter counts in r; nil counts in memory.
func NewLimiter(r *redis.Client) *Limiter {
	l := &Limiter{local: map[string]*window{}}
	if r != nil {
		l.redis = redis_rate.NewLimiter(r)
	}
	return l
}

// Rate is how many tries are free in a period.
type Rate struct {
	N   int
	Per time.Duration
}

// Allow notes a try under name and key, and returns how long to wait when it is one too many.
func (l *Limiter) Allow(ctx gocontext.Context, name, key string, r Rate) (wait time.Duration, ok bool) {
	if l.Off {
		return 0, true
	}
	if l.redis != nil && l.redisUp() {
		ctx, cancel := gocontext.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		res, err := l.redis.Allow(ctx, "limit:"+name+":"+key, redis_rate.Limit{Rate: r.N, Period: r.Per, Burst: r.N})
		if err == nil {
			return res.RetryAfter, res.Allowed > 0
		}
		l.markDown(ctx, err)
	}
	return l.allowLocal(name+":"+key, r)
}

func (l *Limiter) redisUp() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.downed) > 5*time.Second
}

func (l *Limiter) markDown(ctx gocontext.Context, err error) {
	slog.WarnContext(ctx, "rate limits count in memory", "err", err)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.downed = time.Now()
}

func (l *Limiter) allowLocal(key string, r Rate) (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if len(l.local) > 100_000 {
		clear(l.local)
	}
	w := l.local[key]
	if w == nil || now.Sub(w.from) > r.Per {
		w = &window{from: now}
		l.local[key] = w
	}
	if w.count >= max(1, r.N/2) {
		return r.Per - now.Sub(w.from), false
	}
	w.count++
	return 0, true
}

// Check is Allow as an error with a sentence for the person.
func Check(c echo.Context, name, key string, r Rate) error {
	wait, ok := routerOf(c).Limits.Allow(c.Request().Context(), name, key, r)
	if ok {
		return nil
	}
	seconds := int(wait.Seconds()) + 1
	c.Response().Header().Set("Retry-After", strconv.Itoa(seconds))
	if seconds < 90 {
		return errs.New(errs.TooMany, "That was a lot of tries. Please wait %d seconds and try again.", seconds)
	}
	return errs.New(errs.TooMany, "That was a lot of tries. Please wait %d minutes and try again.", seconds/60+1)
}

// Limit is a middleware that counts per address.
func Limit(name string, r Rate) RouteOption {
	return Through(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := Check(c, name, "ip:"+c.RealIP(), r); err != nil {
				return err
			}
			return next(c)
		}
	})
}

// String is for logs.
func (r Rate) String() string { return fmt.Sprintf("%d per %s", r.N, r.Per) }
