package sandbox

import (
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
	keyLife  = 24 * time.Hour
	bodySize = 1 << 20
)

// call is one request to the API as its endpoint sees it.
type call struct {
	*params
	t    *tx
	id   string // from the path
	sub  string // the second id in the path
	acct string // the connected account it is done for; "" is the platform
	file *filePart
}

type endpoint func(*call) (obj, error)

// answer is what was said under an idempotency key.
type answer struct {
	At     int64           `json:"at"`
	Hash   string          `json:"hash"`
	Status int             `json:"status"`
	Body   json.RawMessage `json:"body"`
}

func (a answer) forgotten(now time.Time) bool { return now.Sub(time.Unix(a.At, 0)) >= keyLife }

func (st *Stripe) routes(mux *http.ServeMux) {
	for pattern, run := range map[string]endpoint{
		"POST /checkout/sessions":                st.createSession,
		"GET /checkout/sessions":                 st.listSessions,
		"GET /checkout/sessions/{id}":            st.getSession,
		"POST /checkout/sessions/{id}/expire":    st.expireCall,
		"GET /checkout/sessions/{id}/line_items": st.listItems,
		"POST /payment_intents":                  st.createIntent,
		"GET /payment_intents":                   st.listIntents,
		"GET /payment_intents/{id}":              st.getIntent,
		"POST /payment_intents/{id}":             st.updateIntent,
		"POST /payment_intents/{id}/confirm":     st.confirmIntent,
		"POST /payment_intents/{id}/cancel":      st.cancelIntent,
		"GET /charges":                           st.listCharges,
		"GET /charges/{id}":                      st.getCharge,
		"POST /charges/{id}":                     st.updateCharge,
		"POST /refunds":                          st.createRefund,
		"GET /refunds":                           st.listRefunds,
		"GET /refunds/{id}":                      st.getRefund,
		"POST /refunds/{id}":                     st.updateRefund,
		"GET /balance":                           st.getBalance,
		"GET /balance_transactions":              st.listTxns,
		"GET /balance_transactions/{id}":         st.getTxn,
		"GET /events":                            st.listEvents,
		"GET /events/{id}":                       st.getEvent,
		"POST /customers":                        st.createCustomer,
		"GET /customers/{id}":                    st.getCustomer,
		"POST /webhook_endpoints":                st.createHook,
		"GET /webhook_endpoints":                 st.listHooks,
		"GET /disputes":                          st.listDisputes,
		"GET /disputes/{id}":                     st.getDispute,
		"POST /disputes/{id}":                    st.updateDispute,
		"POST /disputes/{id}/close":              st.closeDispute,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		mux.Handle(method+" /stripe/v1"+path, st.api(run))
	}
	for _, more := range []map[string]endpoint{st.connectRoutes(), st.radarRoutes(), st.fileRoutes()} {
		for pattern, run := range more {
			method, path, _ := strings.Cut(pattern, " ")
			mux.Handle(method+" /stripe/v1"+path, st.api(run))
		}
	}
	mux.Handle("/stripe/v1/", st.api(nil))
}

// inbound is a request on its way through the pipeline.
type inbound struct {
	request
	*http.Request
	body  []byte
	acct  string
	root  *node
	form  url.Values // as it was sent
	file  *filePart
	fault Fault
}

// api is what every call goes through: key, faults, idempotency, the endpoint, expansion.
func (st *Stripe) api(run endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		in := inbound{request: request{ID: "req_" + random(14)}, Request: r, acct: r.Header.Get("Stripe-Account")}
		w.Header().Set("Request-Id", in.ID)
		w.Header().Set("Stripe-Version", APIVersion)
		var err error
		limit := int64(bodySize)
		if r.URL.Path == filesPath {
			limit = fileBody
		}
		if in.body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, limit)); err != nil {
			say(w, http.StatusRequestEntityTooLarge, invalid("", "", "The request is too large.").body(in.ID))
			return
		}
		st.recorder.add(r, in.body)
		in.fault = st.faults.take(r)
		if in.fault.before(w, r, in.ID) {
			return
		}
		if e := st.admit(&in, run); e != nil {
			if e.Status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", `Basic realm="Stripe"`)
			}
			say(w, e.Status, e.body(in.ID))
			return
		}
		if r.Method == http.MethodPost {
			in.Key = r.Header.Get("Idempotency-Key")
		}
		st.answer(w, run, in)
	}
}

func (st *Stripe) answer(w http.ResponseWriter, run endpoint, in inbound) {
	if in.Key != "" {
		w.Header().Set("Idempotency-Key", in.Key)
	}
	given, replayed := st.keyed(in, func() answer { return st.execute(run, in) })
	if in.fault.Kind == DropAfter {
		hangUp(w) // the effect stands, the answer is lost
		return
	}
	if replayed {
		w.Header().Set("Idempotent-Replayed", "true")
		w.Header().Set("Stripe-Should-Retry", "false")
	} else if given.Status == http.StatusConflict {
		w.Header().Set("Stripe-Should-Retry", "true")
	}
	raw(w, given.Status, given.Body)
}

const filesPath = "/stripe/v1/files"

// admit checks the key, the version and the form.
func (st *Stripe) admit(in *inbound, run endpoint) *apiError {
	r := in.Request
	if e := st.authenticate(r); e != nil {
		return e
	}
	if run == nil {
		e := invalid("", "", "Unrecognized request URL (%s: %s). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.", r.Method, strings.TrimPrefix(r.URL.Path, "/stripe"))
		e.Status = http.StatusNotFound
		return e
	}
	if v := r.Header.Get("Stripe-Version"); v != "" && v != APIVersion {
		return invalid("", "", "Invalid Stripe API version: %s. The sandbox speaks %s only.", clip(v), APIVersion)
	}
	if e := st.onBehalf(r); e != nil {
		return e
	}
	form := r.URL.Query()
	if r.Method == http.MethodPost {
		sent, e := in.read()
		if e != nil {
			return e
		}
		in.form = sent
		for k, v := range sent {
			form[k] = append(form[k], v...)
		}
	}
	root, e := parseTree(form)
	in.root = root
	return e
}

// read takes the body apart. Only uploads come as multipart.
func (in *inbound) read() (url.Values, *apiError) {
	ct, _, _ := strings.Cut(in.Header.Get("Content-Type"), ";")
	if in.URL.Path == filesPath && ct == "multipart/form-data" {
		form, file, e := multipartForm(in.Header.Get("Content-Type"), in.body)
		in.file = file
		return form, e
	}
	if len(in.body) > 0 && ct != "application/x-www-form-urlencoded" {
		return nil, invalid("", "", "Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have any questions, we can help at https://support.stripe.com/.")
	}
	form, err := url.ParseQuery(string(in.body))
	if err != nil {
		return nil, invalid("", "", "Invalid request: the form cannot be read.")
	}
	return form, nil
}

func (st *Stripe) authenticate(r *http.Request) *apiError {
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		key, _, ok = r.BasicAuth()
	}
	e := &apiError{Status: http.StatusUnauthorized, Type: "invalid_request_error"}
	switch {
	case !ok || key == "":
		e.Message = "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/."
	case subtle.ConstantTimeCompare([]byte(key), []byte(st.key)) != 1:
		e.Message = "Invalid API Key provided: " + mask(key)
	default:
		return nil
	}
	return e
}

func mask(key string) string {
	if len(key) < 12 {
		return strings.Repeat("*", len(key))
	}
	return key[:8] + strings.Repeat("*", len(key)-12) + key[len(key)-4:]
}

// keyed answers from the store where the key is known, and lets one request at a time use a key.
func (st *Stripe) keyed(in inbound, run func() answer) (answer, bool) {
	if in.Key == "" {
		pause(in.Context(), in.fault.Delay)
		return run(), false
	}
	if len(in.Key) > 255 {
		return plain(invalid("", "", "Idempotency keys can be up to 255 characters long."), in.ID), false
	}
	if !st.faults.enter(in.slot()) {
		return plain(&apiError{Status: http.StatusConflict, Type: "idempotency_error", Code: "idempotency_key_in_use",
			Message: "There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): " + in.Key + ". Please try again later."}, in.ID), false
	}
	defer st.faults.leave(in.slot())
	pause(in.Context(), in.fault.Delay)
	var old answer
	var known bool
	now := st.srv.Now()
	st.db.see(func() { old, known = st.answers.rows[in.slot()] })
	switch {
	case !known || old.forgotten(now):
		return run(), false
	case old.Hash != in.hash():
		return plain(&apiError{Status: http.StatusBadRequest, Type: "idempotency_error",
			Message: "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '" + in.Key + "' if you meant to execute a different request."}, in.ID), false
	}
	return old, true
}

// slot is where the key's answer is kept: every account has keys of its own.
func (in inbound) slot() string {
	if in.acct == "" {
		return in.Key
	}
	return in.acct + " " + in.Key
}

// hash tells two requests apart whatever the order of their parameters: stripe-go writes maps in any order.
func (in inbound) hash() string {
	sum := sha256.Sum256([]byte(in.Method + " " + in.URL.Path + "?" + in.URL.Query().Encode() + "\n" + in.form.Encode() + in.file.digest()))
	return hex.EncodeToString(sum[:])
}

func plain(e *apiError, requestID string) answer {
	b, err := json.Marshal(e.body(requestID))
	if err != nil {
		panic(err) // a map of plain values
	}
	return answer{Status: e.Status, Body: b}
}

// execute runs the endpoint; its effect and the stored answer are one commit.
func (st *Stripe) execute(run endpoint, in inbound) answer {
	broken := plain(&apiError{Status: http.StatusInternalServerError, Type: "api_error", Message: "An unknown error occurred"}, in.ID)
	var a answer
	err := st.do(func(t *tx) error {
		t.req = in.request
		if in.fault.Kind == Error500 { // it fails before it does anything, and that is remembered
			a = broken
			st.remember(t, in, a)
			return nil
		}
		var err error
		if a, err = st.run(run, t, in); err != nil {
			return err
		}
		if in.fault.Kind == Error500After {
			a = broken
		}
		st.remember(t, in, a)
		return nil
	})
	var e *apiError
	switch {
	case err == nil:
		return a
	case errors.As(err, &e):
		return plain(e, in.ID)
	}
	st.srv.log.Error("sandbox: stripe call", "path", in.URL.Path, "error", err)
	return plain(&apiError{Status: http.StatusInternalServerError, Type: "api_error", Message: "The sandbox itself failed: " + err.Error()}, in.ID)
}

// run is the endpoint's answer, expanded. Errors whose effect stands are answers too.
func (st *Stripe) run(run endpoint, t *tx, in inbound) (answer, error) {
	c := &call{newParams(in.root), t, in.PathValue("id"), in.PathValue("sub"), in.acct, in.file}
	expand := c.strs("expand")
	out, err := run(c)
	var e *apiError
	if errors.As(err, &e) && e.Kept {
		return plain(e, in.ID), nil
	}
	if err != nil {
		return answer{}, err
	}
	for _, path := range expand {
		if e := st.expand(out, path, path, 1); e != nil {
			return answer{}, e
		}
	}
	b, err := json.Marshal(out)
	return answer{Status: http.StatusOK, Body: b}, err
}

func (st *Stripe) remember(t *tx, in inbound, a answer) {
	if in.Key == "" {
		return
	}
	a.At, a.Hash = t.now.Unix(), in.hash()
	put(t, st.answers, in.slot(), a)
}
