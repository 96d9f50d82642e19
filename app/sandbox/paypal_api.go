package sandbox

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	ppTokenLife    = 9 * time.Hour
	ppOrderKeys    = 6 * time.Hour       // how long a request id of an order is known
	ppPaymentKeys  = 45 * 24 * time.Hour // and one of a refund
	ppEvidenceSize = 50 << 20
)

// ppCall is one request as its endpoint sees it.
type ppCall struct {
	*http.Request
	t     *tx
	id    string // from the path
	body  []byte
	delay time.Duration // of a fault
}

// ppReply is an endpoint's answer. About names what it made, so that the same request id finds it again.
type ppReply struct {
	Status int
	Body   obj
	About  string
}

type ppEndpoint func(*ppCall) (ppReply, error)

// ppRoute is an endpoint; keys is for how long it knows a request id again, and zero where PayPal ignores them.
type ppRoute struct {
	run  ppEndpoint
	keys time.Duration
	size int64
}

// ppAnswer is what was made under a request id. PayPal answers a repetition with how that stands now.
type ppAnswer struct {
	Until int64  `json:"until"`
	Hash  string `json:"hash"`
	About string `json:"about"`
}

func (a ppAnswer) forgotten(now time.Time) bool { return now.Unix() >= a.Until }

type ppToken struct {
	Until int64 `json:"until"`
}

func (pp *PayPal) routes(mux *http.ServeMux) {
	for pattern, r := range map[string]ppRoute{
		"POST /v2/checkout/orders":                           {run: pp.createOrder, keys: ppOrderKeys},
		"GET /v2/checkout/orders/{id}":                       {run: pp.getOrder},
		"POST /v2/checkout/orders/{id}/capture":              {run: pp.captureOrder, keys: ppOrderKeys},
		"GET /v2/payments/captures/{id}":                     {run: pp.getCapture},
		"POST /v2/payments/captures/{id}/refund":             {run: pp.refundCapture, keys: ppPaymentKeys},
		"GET /v2/payments/refunds/{id}":                      {run: pp.getRefund},
		"GET /v1/customer/disputes":                          {run: pp.listDisputes},
		"GET /v1/customer/disputes/{id}":                     {run: pp.getDispute},
		"POST /v1/customer/disputes/{id}/provide-evidence":   {run: pp.provideEvidence, size: ppEvidenceSize},
		"POST /v1/customer/disputes/{id}/accept-claim":       {run: pp.acceptClaim},
		"POST /v1/payments/payouts":                          {run: pp.createBatch},
		"GET /v1/payments/payouts/{id}":                      {run: pp.getBatch},
		"GET /v1/payments/payouts-item/{id}":                 {run: pp.getItem},
		"POST /v1/payments/payouts-item/{id}/cancel":         {run: pp.cancelItem},
		"GET /v1/reporting/transactions":                     {run: pp.searchTxns},
		"GET /v1/reporting/balances":                         {run: pp.getBalances},
		"POST /v1/notifications/webhooks":                    {run: pp.createHook},
		"GET /v1/notifications/webhooks":                     {run: pp.listHooks},
		"GET /v1/notifications/webhooks/{id}":                {run: pp.getHook},
		"DELETE /v1/notifications/webhooks/{id}":             {run: pp.deleteHook},
		"GET /v1/notifications/webhooks-events":              {run: pp.listEvents},
		"GET /v1/notifications/webhooks-events/{id}":         {run: pp.getEvent},
		"POST /v1/notifications/webhooks-events/{id}/resend": {run: pp.resendEvent},
		"POST /v1/notifications/verify-webhook-signature":    {run: pp.verifySignature},
	} {
		method, path, _ := strings.Cut(pattern, " ")
		mux.Handle(method+" /paypal"+path, pp.api(r))
	}
	mux.HandleFunc("POST /paypal/v1/oauth2/token", pp.token)
	mux.Handle("/paypal/v1/", pp.api(ppRoute{}))
	mux.Handle("/paypal/v2/", pp.api(ppRoute{}))
	mux.HandleFunc("GET /paypal/certs/{name}", pp.chain)
	pp.pageRoutes(mux)
}

// token answers the client credentials grant.
func (pp *PayPal) token(w http.ResponseWriter, r *http.Request) {
	debug := strings.ToLower(ppID(13))
	w.Header().Set("Paypal-Debug-Id", debug)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodySize))
	if err != nil {
		say(w, http.StatusRequestEntityTooLarge, obj{"error": "invalid_request", "error_description": "The request is too large"})
		return
	}
	plain := ppPlain(r)
	pp.record(plain, body)
	f := pp.faults.take(plain)
	if ppBefore(f, w, debug) {
		return
	}
	pause(r.Context(), f.Delay)
	id, secret, _ := r.BasicAuth()
	if subtle.ConstantTimeCompare([]byte(id), []byte(pp.ClientID()))&subtle.ConstantTimeCompare([]byte(secret), []byte(pp.Secret())) != 1 {
		say(w, http.StatusUnauthorized, obj{"error": "invalid_client", "error_description": "Client Authentication failed"})
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("grant_type") != "client_credentials" {
		say(w, http.StatusBadRequest, obj{"error": "unsupported_grant_type", "error_description": "unsupported grant_type"})
		return
	}
	key := "A21AA" + random(92)
	err = pp.do(func(t *tx) error {
		put(t, pp.tokens, ppTokenRow(key), ppToken{t.now.Add(ppTokenLife).Unix()})
		return nil
	})
	switch {
	case err != nil:
		say(w, http.StatusInternalServerError, obj{"error": "server_error", "error_description": err.Error()})
	case f.Kind == DropAfter:
		hangUp(w)
	default:
		say(w, http.StatusOK, obj{"scope": "https://uri.paypal.com/services/payments/payment https://uri.paypal.com/services/disputes/read-seller https://uri.paypal.com/payments/payouts",
			"access_token": key, "token_type": "Bearer", "app_id": "APP-80W284485P519543T", "expires_in": int64(ppTokenLife / time.Second), "nonce": pp.srv.Now().UTC().Format("2006-01-02T15:04:05Z") + random(43)})
	}
}

// ppTokenRow keeps the token itself out of the journal.
func ppTokenRow(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Revoke ends every access token, as PayPal may at any moment: the next call is answered with 401.
func (pp *PayPal) Revoke() error {
	return pp.do(func(t *tx) error {
		for _, k := range pp.tokens.ids() {
			drop(t, pp.tokens, k)
		}
		return nil
	})
}

// api is what every call goes through: faults, token, request id, the endpoint.
func (pp *PayPal) api(route ppRoute) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		debug := strings.ToLower(ppID(13))
		w.Header().Set("Paypal-Debug-Id", debug)
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, max(route.size, bodySize)))
		if err != nil {
			say(w, http.StatusRequestEntityTooLarge, (&ppError{Name: "INVALID_REQUEST", Message: "The request is too large."}).body(debug))
			return
		}
		plain := ppPlain(r)
		pp.record(plain, body)
		f := pp.faults.take(plain)
		if ppBefore(f, w, debug) {
			return
		}
		if !pp.admit(w, r, debug) {
			return
		}
		c := &ppCall{Request: plain, id: r.PathValue("id"), body: body, delay: f.Delay}
		status, out := pp.answer(route, c, debug)
		switch {
		case f.Kind == DropAfter:
			hangUp(w) // the effect stands, the answer is lost
		case f.Kind == Error500After:
			say(w, http.StatusInternalServerError, ppBroken().body(debug))
		case out == nil:
			w.WriteHeader(status)
		default:
			raw(w, status, out)
		}
	}
}

// admit checks the token.
func (pp *PayPal) admit(w http.ResponseWriter, r *http.Request, debug string) bool {
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || key == "" {
		say(w, http.StatusUnauthorized, (&ppError{Name: "AUTHENTICATION_FAILURE", Message: "Authentication failed due to invalid authentication credentials or a missing Authorization header.",
			Links: []obj{ppLink("https://developer.paypal.com/docs/api/overview/#error", "information_link", "")}}).body(debug))
		return false
	}
	var known bool
	pp.db.see(func() { known = pp.tokens.rows[ppTokenRow(key)].Until > pp.srv.Now().Unix() })
	if !known {
		w.Header().Set("WWW-Authenticate", `Bearer realm="PayPal"`)
		say(w, http.StatusUnauthorized, obj{"error": "invalid_token", "error_description": "Token signature verification failed"})
	}
	return known
}

// answer runs the endpoint, or finds what its request id made before. The effect and the id are one commit.
func (pp *PayPal) answer(route ppRoute, c *ppCall, debug string) (int, []byte) {
	if route.run == nil {
		e := ppMissing()
		return e.Status, ppJSON(e.body(debug))
	}
	if key := c.Header.Get("PayPal-Request-Id"); key == "" || c.Method != http.MethodPost {
		route.keys = 0
	} else if len(key) > 108 && route.keys > 0 {
		e := ppBad("PayPal-Request-Id", clip(key), "INVALID_STRING_LENGTH", "The value of a field is either too short or too long.")
		return e.Status, ppJSON(e.body(debug))
	}
	slot := c.Method + " " + c.URL.Path + " " + c.Header.Get("PayPal-Request-Id")
	if route.keys > 0 {
		if !pp.faults.enter(slot) {
			e := &ppError{Status: http.StatusConflict, Name: "RESOURCE_CONFLICT", Message: "The server has detected a conflict while processing this request.",
				Details: []ppDetail{{Issue: "PREVIOUS_REQUEST_IN_PROGRESS", Description: "A previous request on this resource is currently in progress. Please wait for some time and try again."}}}
			return e.Status, ppJSON(e.body(debug))
		}
		defer pp.faults.leave(slot)
	}
	pause(c.Context(), c.delay)
	var rep ppReply
	err := pp.do(func(t *tx) error {
		c.t = t
		if old, ok := pp.answers.rows[slot]; ok && route.keys > 0 && !old.forgotten(t.now) {
			if old.Hash != ppHash(c.body) {
				return ppNo("", "DUPLICATE_REQUEST_ID", "The value of `PayPal-Request-Id` header has already been used. Please specify a different value and try the request again.")
			}
			rep = ppReply{Status: http.StatusOK, Body: pp.again(old.About, c)}
			return nil
		}
		var err error
		if rep, err = route.run(c); err != nil {
			return err
		}
		if route.keys > 0 {
			put(t, pp.answers, slot, ppAnswer{t.now.Add(route.keys).Unix(), ppHash(c.body), rep.About})
		}
		return nil
	})
	var e *ppError
	switch {
	case errors.As(err, &e):
		return e.Status, ppJSON(e.body(debug))
	case err != nil:
		pp.srv.log.Error("sandbox: paypal call", "path", c.URL.Path, "error", err)
		return http.StatusInternalServerError, ppJSON(ppBroken().body(debug))
	case rep.Body == nil:
		return rep.Status, nil
	}
	return rep.Status, ppJSON(rep.Body)
}

// again is how that stands now which a request id made.
func (pp *PayPal) again(about string, c *ppCall) obj {
	kind, id, _ := strings.Cut(about, ":")
	switch kind {
	case "order":
		return pp.shapeOrder(pp.orders.rows[id], c.full())
	case "captured":
		return pp.shapeCaptured(pp.orders.rows[id], c.full())
	}
	return pp.shapeRefund(pp.refunds.rows[id], c.full())
}

// full reports whether the caller asked for more than numbers and links.
func (c *ppCall) full() bool {
	return c.Method == http.MethodGet || strings.Contains(c.Header.Get("Prefer"), "return=representation")
}

// read decodes a JSON body; nothing is an empty object.
func (c *ppCall) read(v any) error {
	if len(bytes.TrimSpace(c.body)) == 0 {
		return nil
	}
	if ct, _, _ := strings.Cut(c.Header.Get("Content-Type"), ";"); ct != "application/json" {
		return &ppError{Status: http.StatusUnsupportedMediaType, Name: "UNSUPPORTED_MEDIA_TYPE", Message: "The server does not support the request payload's media type."}
	}
	err := json.Unmarshal(c.body, v)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		return ppBad("/"+strings.ReplaceAll(wrong.Field, ".", "/"), "", "INVALID_PARAMETER_SYNTAX", "The value of a field does not conform to the expected format.")
	case err != nil:
		return ppBad("/", "", "MALFORMED_REQUEST_JSON", "The request JSON is not well formed.")
	}
	return nil
}

// ppHash tells two bodies apart whatever the order of their fields.
func ppHash(body []byte) string {
	if body = bytes.TrimSpace(body); len(body) == 0 {
		body = []byte("{}")
	}
	var v any
	if json.Unmarshal(body, &v) == nil {
		if b, err := json.Marshal(v); err == nil {
			body = b
		}
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// ppJSON writes as PayPal does: < > & stay as they are.
func ppJSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // maps of plain values
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
