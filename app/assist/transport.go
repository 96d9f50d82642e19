package assist

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// errDown says that the endpoint has failed so often that it is not asked for a while.
var errDown = errors.New("the model's endpoint is down; it is not asked for a while")

const (
	tries     = 4                // of one request
	patience  = 20 * time.Second // the longest wait that an endpoint may ask for
	breakAt   = 5                // failures in a row after which it rests
	restFor   = time.Minute
	firstWait = 400 * time.Millisecond
)

// transport sends requests again that a busy or a broken endpoint refuses, waits as long as it asks for, and
// leaves an endpoint alone that is down. go-openai does none of it.
type transport struct {
	base http.RoundTripper
	now  func() time.Time
	wait func(ctx context.Context, d time.Duration) error

	mu     sync.Mutex
	failed int
	until  time.Time // not asked before
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.GetBody == nil {
		return nil, errors.New("assist: a request that cannot be sent again")
	}
	for try := 1; ; try++ {
		if !t.closed() {
			return nil, errDown
		}
		res, err := t.once(r)
		retry, after := again500(res, err, t.now())
		t.count(r.Context(), res, err)
		if !retry || try == tries || r.Context().Err() != nil {
			return res, err
		}
		if after == 0 {
			after = backoff(try)
		}
		if after > patience {
			return res, err
		}
		if res != nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection is used again
			res.Body.Close()
		}
		if err := t.wait(r.Context(), after); err != nil {
			return nil, err
		}
	}
}

func (t *transport) once(r *http.Request) (*http.Response, error) {
	c := r.Clone(r.Context())
	if r.Body != nil {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		c.Body = body
	}
	return t.base.RoundTrip(c)
}

// again500 says whether an answer is worth another try, and when, if the endpoint has said so.
func again500(res *http.Response, err error, now time.Time) (bool, time.Duration) {
	if err != nil {
		return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded), 0
	}
	if res.StatusCode != http.StatusTooManyRequests && res.StatusCode < 500 {
		return false, 0
	}
	h := res.Header.Get("Retry-After")
	if s, err := strconv.ParseFloat(h, 64); err == nil && s >= 0 {
		return true, max(time.Duration(s*float64(time.Second)), time.Millisecond)
	}
	if at, err := http.ParseTime(h); err == nil {
		return true, max(at.Sub(now), time.Millisecond)
	}
	return true, 0
}

// backoff doubles with each try; the jitter keeps many from coming back at once.
func backoff(try int) time.Duration {
	d := firstWait << (try - 1)
	return d/2 + rand.N(d)
}

// closed reports whether the endpoint may be asked. After its rest one request goes to see.
func (t *transport) closed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if t.failed < breakAt || !now.Before(t.until) {
		if t.failed >= breakAt {
			t.until = now.Add(restFor)
		}
		return true
	}
	return false
}

// count keeps how often the endpoint has failed in a row. One that says it is busy is there.
func (t *transport) count(ctx context.Context, res *http.Response, err error) {
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
		return // whoever asked has left
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil && res.StatusCode < 500 {
		t.failed = 0
		return
	}
	if t.failed++; t.failed >= breakAt {
		t.until = t.now().Add(restFor)
	}
}

func (t *transport) resting() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed >= breakAt && t.now().Before(t.until)
}

// waitFor sleeps unless ctx ends first.
func waitFor(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
