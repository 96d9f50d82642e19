package sandbox

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// FaultKind is one way in which a call goes wrong.
type FaultKind string

const (
	Latency       FaultKind = "latency"         // the answer comes late
	Unavailable   FaultKind = "unavailable"     // 503, nothing happened
	RateLimit     FaultKind = "rate_limit"      // 429, nothing happened
	DropBefore    FaultKind = "drop_before"     // connection closed, nothing happened
	DropAfter     FaultKind = "drop_after"      // it happened, then the connection closed
	Error500      FaultKind = "error_500"       // 500, nothing happened, stored under the key
	Error500After FaultKind = "error_500_after" // it happened, but the stored answer is a 500
)

// Fault goes wrong on calls that match.
type Fault struct {
	Kind  FaultKind     `json:"kind"`
	Call  string        `json:"call"`  // such as "POST /v1/refunds"; "POST" and "" match more
	Skip  int           `json:"skip"`  // let so many matching calls pass first
	Times int           `json:"times"` // then so many go wrong; 0 is until ClearFaults
	Odds  float64       `json:"odds"`  // share of matching calls; 0 is all
	Delay time.Duration `json:"delay"`
}

// faults is what waits to go wrong, and which idempotency keys are in use.
type faults struct {
	mu   sync.Mutex
	rng  *rand.Rand
	list []Fault
	used []int
	busy map[string]bool
}

// Inject adds a fault.
func (st *Stripe) Inject(f Fault) {
	st.faults.mu.Lock()
	defer st.faults.mu.Unlock()
	st.faults.list = append(st.faults.list, f)
	st.faults.used = append(st.faults.used, 0)
}

// ClearFaults ends all of them, those of webhooks too.
func (st *Stripe) ClearFaults() {
	st.faults.mu.Lock()
	st.faults.list, st.faults.used = nil, nil
	st.faults.mu.Unlock()
	st.Misbehave(WebhookFaults{})
}

func (f Fault) matches(r *http.Request) bool {
	method, path, _ := strings.Cut(f.Call, " ")
	if method != "" && method != r.Method {
		return false
	}
	return path == "" || strings.HasPrefix(strings.TrimPrefix(r.URL.Path, "/stripe"), path)
}

// take is the fault of this call: the first that matches and is not used up.
func (fs *faults) take(r *http.Request) Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for i, f := range fs.list {
		if !f.matches(r) || (f.Times > 0 && fs.used[i] >= f.Skip+f.Times) {
			continue
		}
		if f.Odds > 0 && fs.rng.Float64() >= f.Odds {
			continue
		}
		fs.used[i]++
		if fs.used[i] <= f.Skip {
			continue
		}
		return f
	}
	return Fault{}
}

func (fs *faults) enter(key string) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.busy[key] {
		return false
	}
	fs.busy[key] = true
	return true
}

func (fs *faults) leave(key string) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	delete(fs.busy, key)
}

// before answers in place of the call, where the fault says that nothing happens.
func (f Fault) before(w http.ResponseWriter, r *http.Request, requestID string) bool {
	switch f.Kind {
	case Unavailable:
		say(w, http.StatusServiceUnavailable, (&apiError{Type: "api_error", Message: "The server is temporarily unavailable."}).body(requestID))
	case RateLimit:
		say(w, http.StatusTooManyRequests, (&apiError{Type: "invalid_request_error", Code: "rate_limit", Message: "Too many requests hit the API too quickly."}).body(requestID))
	case DropBefore:
		hangUp(w)
	default:
		return false
	}
	return true
}

// hangUp closes the connection in the middle of the status line. Closed without a byte, Go's transport would quietly
// send a request that has an Idempotency-Key again, and nobody would see the fault.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = conn.Write([]byte("HTTP/1.1 2"))
	_ = conn.Close()
}

func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// Call is one request as it came in, kept so that it can be sent to another server.
type Call struct {
	Method, Path string // /v1/…
	Query        string
	Header       http.Header
	Body         []byte
}

type recorder struct {
	mu    sync.Mutex
	on    bool
	calls []Call
}

// Record starts keeping every call; Calls answers those kept so far.
func (st *Stripe) Record() {
	st.recorder.mu.Lock()
	defer st.recorder.mu.Unlock()
	st.recorder.on, st.recorder.calls = true, nil
}

// Calls are the requests since Record.
func (st *Stripe) Calls() []Call {
	st.recorder.mu.Lock()
	defer st.recorder.mu.Unlock()
	return append([]Call(nil), st.recorder.calls...)
}

func (rec *recorder) add(r *http.Request, body []byte) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if !rec.on {
		return
	}
	h := http.Header{}
	for _, k := range []string{"Content-Type", "Idempotency-Key", "Stripe-Account", "Stripe-Version"} {
		if v := r.Header.Get(k); v != "" {
			h.Set(k, v)
		}
	}
	rec.calls = append(rec.calls, Call{r.Method, strings.TrimPrefix(r.URL.Path, "/stripe"), r.URL.RawQuery, h, bytes.Clone(body)})
}

// Replay sends the call to another server that speaks Stripe's API, such as stripe-mock.
func (c Call) Replay(ctx context.Context, base, key string) (status int, answer []byte, err error) {
	url := strings.TrimSuffix(base, "/") + c.Path
	if c.Query != "" {
		url += "?" + c.Query
	}
	req, err := http.NewRequestWithContext(ctx, c.Method, url, bytes.NewReader(c.Body))
	if err != nil {
		return 0, nil, err
	}
	req.Header = c.Header.Clone()
	req.Header.Set("Authorization", "Bearer "+key)
	rs, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer rs.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(rs.Body, 1<<20))
	return rs.StatusCode, answer, err
}
