package sandbox_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/app/sandbox"
)

// ppClient is a caller of PayPal's API that knows nothing of the sandbox but its address.
type ppClient struct {
	t     *testing.T
	base  string
	token string
}

type ppResult struct {
	Status int
	Body   map[string]any
	Header http.Header
}

// at reads a value by a path such as "details.0.issue"; "" when it is not there.
func (r ppResult) at(path string) string { return dig(r.Body, path) }

func dig(v any, path string) string {
	for _, k := range strings.Split(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[k]
		case []any:
			var i int
			if _, err := fmt.Sscan(k, &i); err != nil || i >= len(in) {
				return ""
			}
			v = in[i]
		default:
			return ""
		}
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// link is the address of a relation.
func (r ppResult) link(rel string) string {
	links, _ := r.Body["links"].([]any)
	for _, l := range links {
		if dig(l, "rel") == rel {
			return dig(l, "href")
		}
	}
	return ""
}

func (r ppResult) want(t *testing.T, status int, path, value string) {
	t.Helper()
	if r.Status != status || (path != "" && r.at(path) != value) {
		t.Errorf("want %d %s=%q, have %d %q: %v", status, path, value, r.Status, r.at(path), r.Body)
	}
}

func paypal(t *testing.T, s *sandbox.Server) *ppClient {
	t.Helper()
	c := &ppClient{t: t, base: s.PayPal().URL()}
	r := c.login(s.PayPal().ClientID(), s.PayPal().Secret(), "grant_type=client_credentials")
	if r.Status != 200 || r.at("token_type") != "Bearer" || r.at("expires_in") != "32400" {
		t.Fatalf("token: %+v", r)
	}
	c.token = r.at("access_token")
	return c
}

func (c *ppClient) login(id, secret, form string) ppResult {
	c.t.Helper()
	req, _ := http.NewRequest("POST", c.base+"/v1/oauth2/token", strings.NewReader(form))
	req.SetBasicAuth(id, secret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.do(req)
}

func (c *ppClient) do(req *http.Request) ppResult {
	c.t.Helper()
	rs, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer rs.Body.Close()
	b, err := io.ReadAll(rs.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	out := ppResult{Status: rs.StatusCode, Header: rs.Header}
	if len(b) > 0 {
		if err := json.Unmarshal(b, &out.Body); err != nil {
			c.t.Fatalf("%s: %v", b, err)
		}
	}
	return out
}

func (c *ppClient) request(method, path, body string, headers ...string) *http.Request {
	if !strings.HasPrefix(path, "http") {
		path = c.base + path
	}
	req, err := http.NewRequest(method, path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return req
}

func (c *ppClient) post(path, body string, headers ...string) ppResult {
	c.t.Helper()
	return c.do(c.request("POST", path, body, headers...))
}

func (c *ppClient) get(path string) ppResult {
	c.t.Helper()
	return c.do(c.request("GET", path, ""))
}

const (
	ppReturn = "http://localhost:8080/back?o=1"
	ppCancel = "http://localhost:8080/cancelled"
)

func ppOrder(value, currency, more string) string {
	return `{"intent":"CAPTURE","purchase_units":[{"custom_id":"checkout-1","description":"Field guide","amount":{"currency_code":"` + currency + `","value":"` + value + `"}` + more + `}],
	"payment_source":{"paypal":{"experience_context":{"return_url":"` + ppReturn + `","cancel_url":"` + ppCancel + `","user_action":"PAY_NOW","brand_name":"Lea's shop","locale":"en-GB"}}}}`
}

var ppCounter int

// order makes one of 19 euros.
func (c *ppClient) order() ppResult {
	c.t.Helper()
	ppCounter++
	r := c.post("/v2/checkout/orders", ppOrder("19.00", "EUR", ""), "PayPal-Request-Id", fmt.Sprint("order-", ppCounter))
	r.want(c.t, 200, "status", "PAYER_ACTION_REQUIRED")
	return r
}

// bought is the capture of an order that buyer approved.
func (c *ppClient) bought(s *sandbox.Server, buyer string) string {
	c.t.Helper()
	o := c.order()
	if _, err := s.PayPal().Approve(o.at("id"), buyer); err != nil {
		c.t.Fatal(err)
	}
	r := c.post("/v2/checkout/orders/"+o.at("id")+"/capture", "", "PayPal-Request-Id", "capture-"+o.at("id"))
	r.want(c.t, 201, "status", "COMPLETED")
	return r.at("purchase_units.0.payments.captures.0.id")
}

// ppShop is the product's end of PayPal's webhooks; it checks every signature offline.
type ppShop struct {
	mu      sync.Mutex
	headers []http.Header
	events  []map[string]any
	broken  []error
	status  int
	srv     *httptest.Server
}

func newPPShop(t *testing.T, s *sandbox.Server) *ppShop {
	t.Helper()
	sh := &ppShop{status: 200}
	ca := s.PayPal().CACert()
	sh.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		err := ppVerify(r.Header, body, s.PayPal().WebhookID(), ca)
		var e map[string]any
		_ = json.Unmarshal(body, &e)
		sh.mu.Lock()
		defer sh.mu.Unlock()
		if err != nil {
			sh.broken = append(sh.broken, err)
		}
		sh.headers, sh.events = append(sh.headers, r.Header.Clone()), append(sh.events, e)
		w.WriteHeader(sh.status)
	}))
	t.Cleanup(sh.srv.Close)
	if err := s.PayPal().SetWebhook(sh.srv.URL); err != nil {
		t.Fatal(err)
	}
	return sh
}

// ppVerify is the check that PayPal documents for doing it offline.
func ppVerify(h http.Header, body []byte, webhook string, ca []byte) error {
	rs, err := http.Get(h.Get("PAYPAL-CERT-URL"))
	if err != nil {
		return err
	}
	defer rs.Body.Close()
	rest, err := io.ReadAll(rs.Body)
	if err != nil {
		return err
	}
	var chain []*x509.Certificate
	for block, more := pem.Decode(rest); block != nil; block, more = pem.Decode(more) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return err
		}
		chain = append(chain, cert)
	}
	if len(chain) < 2 {
		return fmt.Errorf("%d certificates", len(chain))
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	if _, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: "messageverificationcerts.paypal.com"}); err != nil {
		return err
	}
	sig, err := base64.StdEncoding.DecodeString(h.Get("PAYPAL-TRANSMISSION-SIG"))
	if err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339, h.Get("PAYPAL-TRANSMISSION-TIME"))
	if err != nil || time.Since(at) > time.Hour || h.Get("PAYPAL-AUTH-ALGO") != "SHA256withRSA" {
		return fmt.Errorf("time %v or algorithm", at)
	}
	text := fmt.Sprintf("%s|%s|%s|%d", h.Get("PAYPAL-TRANSMISSION-ID"), h.Get("PAYPAL-TRANSMISSION-TIME"), webhook, crc32.ChecksumIEEE(body))
	return chain[0].CheckSignature(x509.SHA256WithRSA, []byte(text), sig)
}

func (sh *ppShop) types(t *testing.T) []string {
	t.Helper()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, err := range sh.broken {
		t.Error("signature:", err)
	}
	var out []string
	for _, e := range sh.events {
		out = append(out, dig(e, "event_type"))
	}
	return out
}

func ppFlush(t *testing.T, s *sandbox.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.PayPal().Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestPayPalToken(t *testing.T) {
	s := start(t, sandbox.Options{})
	c := paypal(t, s)
	c.login("who", "what", "grant_type=client_credentials").want(t, 401, "error", "invalid_client")
	c.login(s.PayPal().ClientID(), s.PayPal().Secret(), "grant_type=password").want(t, 400, "error", "unsupported_grant_type")
	c.get("/v2/checkout/orders/NONE").want(t, 404, "name", "RESOURCE_NOT_FOUND")
	stranger := &ppClient{t: t, base: c.base, token: "A21AAstranger"}
	stranger.get("/v2/checkout/orders/NONE").want(t, 401, "error", "invalid_token")
	req := c.request("GET", "/v2/checkout/orders/NONE", "")
	req.Header.Del("Authorization")
	c.do(req).want(t, 401, "name", "AUTHENTICATION_FAILURE")
	if err := s.Advance(9 * time.Hour); err != nil {
		t.Fatal(err)
	}
	c.get("/v2/checkout/orders/NONE").want(t, 401, "error", "invalid_token")
	again := paypal(t, s)
	if err := s.PayPal().Revoke(); err != nil {
		t.Fatal(err)
	}
	again.get("/v2/checkout/orders/NONE").want(t, 401, "error", "invalid_token")
}

func TestPayPalOrderToCapture(t *testing.T) {
	s := start(t, sandbox.Options{})
	sh := newPPShop(t, s)
	c := paypal(t, s)
	o := c.order()
	id := o.at("id")
	if len(id) != 17 || o.link("payer-action") == "" || o.link("self") != c.base+"/v2/checkout/orders/"+id {
		t.Fatalf("%+v", o)
	}
	full := c.get("/v2/checkout/orders/" + id)
	full.want(t, 200, "purchase_units.0.custom_id", "checkout-1")
	full.want(t, 200, "purchase_units.0.amount.value", "19.00")
	c.post("/v2/checkout/orders/"+id+"/capture", "").want(t, 422, "details.0.issue", "ORDER_NOT_APPROVED")

	b := newBuyer(t)
	page := b.get(o.link("payer-action"))
	if page.Status != 200 || !strings.Contains(page.Body, "€19.00") || !strings.Contains(page.Body, "Lea&#39;s shop") || strings.Contains(page.Body, "<script") {
		t.Fatalf("%d %s", page.Status, page.Body)
	}
	back := b.post(o.link("payer-action"), url.Values{"token": {id}, "buyer": {"robin"}, "do": {"pay"}})
	if back.Status != 303 || back.Location != ppReturn+"&PayerID=ROBINBUYERAAA&token="+id {
		t.Fatalf("%d %s", back.Status, back.Location)
	}
	c.get("/v2/checkout/orders/"+id).want(t, 200, "payer.email_address", "robin@buyer.test")
	paid := c.post("/v2/checkout/orders/"+id+"/capture", "{}", "PayPal-Request-Id", "cap")
	paid.want(t, 201, "status", "COMPLETED")
	paid.want(t, 201, "purchase_units.0.payments.captures.0.seller_receivable_breakdown.paypal_fee.value", "0.96")
	paid.want(t, 201, "purchase_units.0.payments.captures.0.seller_receivable_breakdown.net_amount.value", "18.04")
	paid.want(t, 201, "purchase_units.0.payments.captures.0.custom_id", "checkout-1")
	c.post("/v2/checkout/orders/"+id+"/capture", "{}").want(t, 422, "details.0.issue", "ORDER_ALREADY_CAPTURED")
	again := c.post("/v2/checkout/orders/"+id+"/capture", "{}", "PayPal-Request-Id", "cap")
	again.want(t, 200, "purchase_units.0.payments.captures.0.id", paid.at("purchase_units.0.payments.captures.0.id"))
	got := c.get("/v2/payments/captures/" + paid.at("purchase_units.0.payments.captures.0.id"))
	got.want(t, 200, "supplementary_data.related_ids.order_id", id)
	if bal := s.PayPal().Balance("eur"); bal.Available != 1804 || bal.Currency != "EUR" {
		t.Errorf("%+v", bal)
	}
	if p := b.get(o.link("payer-action")); p.Status != 410 {
		t.Errorf("a paid order's page answers %d", p.Status)
	}
	ppFlush(t, s)
	hasAll(t, sh.types(t), "CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.COMPLETED")
}

func TestPayPalSignature(t *testing.T) {
	s := start(t, sandbox.Options{})
	sh := newPPShop(t, s)
	c := paypal(t, s)
	c.bought(s, "robin")
	ppFlush(t, s)
	sh.types(t)
	h := sh.headers[0]
	body := []byte(s.PayPal().Events()[0].Data)
	for _, e := range s.PayPal().Events() {
		if bytes.Contains(e.Data, []byte(dig(sh.events[0], "id"))) {
			body = e.Data
		}
	}
	if err := ppVerify(h, body, s.PayPal().WebhookID(), s.PayPal().CACert()); err != nil {
		t.Error("the event as listed is not what was signed:", err)
	}
	if ppVerify(h, append([]byte{' '}, body...), s.PayPal().WebhookID(), s.PayPal().CACert()) == nil {
		t.Error("a changed body holds")
	}
	if ppVerify(h, body, "OTHER", s.PayPal().CACert()) == nil {
		t.Error("another webhook's number holds")
	}
	ask := fmt.Sprintf(`{"auth_algo":%q,"cert_url":%q,"transmission_id":%q,"transmission_sig":%q,"transmission_time":%q,"webhook_id":%q,"webhook_event":%s}`, h.Get("Paypal-Auth-Algo"), h.Get("Paypal-Cert-Url"),
		h.Get("Paypal-Transmission-Id"), h.Get("Paypal-Transmission-Sig"), h.Get("Paypal-Transmission-Time"), s.PayPal().WebhookID(), body)
	c.post("/v1/notifications/verify-webhook-signature", ask).want(t, 200, "verification_status", "SUCCESS")
	c.post("/v1/notifications/verify-webhook-signature", strings.Replace(ask, "EUR", "USD", 1)).want(t, 200, "verification_status", "FAILURE")
}
