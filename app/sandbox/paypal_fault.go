package sandbox

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
)

// Inject adds a fault. Calls are named as in "POST /v2/checkout/orders". PayPal keeps no answer of a 500: after
// error_500 nothing happened, after error_500_after the same request id finds what did.
func (pp *PayPal) Inject(f Fault) {
	pp.faults.mu.Lock()
	defer pp.faults.mu.Unlock()
	pp.faults.list = append(pp.faults.list, f)
	pp.faults.used = append(pp.faults.used, 0)
}

// ClearFaults ends all of them, those of webhooks too.
func (pp *PayPal) ClearFaults() {
	pp.faults.mu.Lock()
	pp.faults.list, pp.faults.used = nil, nil
	pp.faults.mu.Unlock()
	pp.Misbehave(WebhookFaults{})
}

// ppPlain is the request under the path that PayPal's own API has.
func ppPlain(r *http.Request) *http.Request {
	c := *r
	c.URL = &url.URL{Path: strings.TrimPrefix(r.URL.Path, "/paypal"), RawQuery: r.URL.RawQuery}
	return &c
}

// ppBefore answers in place of the call, where the fault says that nothing happens.
func ppBefore(f Fault, w http.ResponseWriter, debugID string) bool {
	switch f.Kind {
	case Unavailable:
		say(w, http.StatusServiceUnavailable, (&ppError{Name: "SERVICE_UNAVAILABLE", Message: "Service Unavailable."}).body(debugID))
	case RateLimit:
		say(w, http.StatusTooManyRequests, (&ppError{Name: "RATE_LIMIT_REACHED", Message: "Too many requests. Blocked due to rate limiting."}).body(debugID))
	case Error500:
		say(w, http.StatusInternalServerError, ppBroken().body(debugID))
	case DropBefore:
		hangUp(w)
	default:
		return false
	}
	return true
}

func ppBroken() *ppError {
	return &ppError{Status: http.StatusInternalServerError, Name: "INTERNAL_SERVER_ERROR", Message: "An internal server error has occurred."}
}

// Record starts keeping every call; Calls answers those kept so far. Secrets are left out.
func (pp *PayPal) Record() {
	pp.recorder.mu.Lock()
	defer pp.recorder.mu.Unlock()
	pp.recorder.on, pp.recorder.calls = true, nil
}

// Calls are the requests since Record.
func (pp *PayPal) Calls() []Call {
	pp.recorder.mu.Lock()
	defer pp.recorder.mu.Unlock()
	return append([]Call(nil), pp.recorder.calls...)
}

func (pp *PayPal) record(r *http.Request, body []byte) {
	pp.recorder.mu.Lock()
	defer pp.recorder.mu.Unlock()
	if !pp.recorder.on {
		return
	}
	h := http.Header{}
	for _, k := range []string{"Content-Type", "Paypal-Request-Id", "Prefer"} {
		if v := r.Header.Get(k); v != "" {
			h.Set(k, v)
		}
	}
	pp.recorder.calls = append(pp.recorder.calls, Call{r.Method, r.URL.Path, r.URL.RawQuery, h, bytes.Clone(body)})
}
