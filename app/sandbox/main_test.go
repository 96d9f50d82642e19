package sandbox_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
	"github.com/stripe/stripe-go/v76/webhook"

	"vitrine/app/sandbox"
)

func start(t *testing.T, opt sandbox.Options) *sandbox.Server {
	t.Helper()
	s, err := sandbox.Start(context.Background(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("sandbox seed %d", s.Seed())
		}
	})
	return s
}

// api is stripe-go as the product uses it: only the base URL differs.
func api(s *sandbox.Server) *client.API { return apiWith(s, s.Stripe().Key(), 0) }

func apiWith(s *sandbox.Server, key string, retries int64) *client.API {
	be := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{URL: stripe.String(s.Stripe().URL()), MaxNetworkRetries: stripe.Int64(retries),
		LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull}, EnableTelemetry: stripe.Bool(false)})
	return client.New(key, &stripe.Backends{API: be, Connect: be, Uploads: be})
}

const (
	success = "http://localhost:8080/return?session_id={CHECKOUT_SESSION_ID}"
	cancel  = "http://localhost:8080/cancel"
)

func sessionParams(amount int64, currency string) *stripe.CheckoutSessionParams {
	return &stripe.CheckoutSessionParams{Mode: stripe.String("payment"), SuccessURL: stripe.String(success), CancelURL: stripe.String(cancel),
		CustomerEmail: stripe.String("buyer@example.com"), ClientReferenceID: stripe.String("checkout-1"), Metadata: map[string]string{"checkout": "1"},
		LineItems: []*stripe.CheckoutSessionLineItemParams{{Quantity: stripe.Int64(1), PriceData: &stripe.CheckoutSessionLineItemPriceDataParams{
			Currency: stripe.String(currency), UnitAmount: stripe.Int64(amount),
			ProductData: &stripe.CheckoutSessionLineItemPriceDataProductDataParams{Name: stripe.String("Field guide"), Description: stripe.String("PDF, 84 pages")}}}},
		PaymentIntentData: &stripe.CheckoutSessionPaymentIntentDataParams{Metadata: map[string]string{"order": "o1"}, TransferGroup: stripe.String("order_1"),
			Description: stripe.String("Field guide"), StatementDescriptorSuffix: stripe.String("LEA")}}
}

func newSession(t *testing.T, s *sandbox.Server) *stripe.CheckoutSession {
	t.Helper()
	cs, err := api(s).CheckoutSessions.New(sessionParams(1900, "eur"))
	if err != nil {
		t.Fatal(err)
	}
	return cs
}

// paid is a session of 19 euros, paid with a card that works.
func paid(t *testing.T, s *sandbox.Server, card string) *stripe.CheckoutSession {
	t.Helper()
	cs := newSession(t, s)
	if _, err := s.Stripe().Pay(cs.ID, card, ""); err != nil {
		t.Fatal(err)
	}
	return get(t, s, cs.ID)
}

func get(t *testing.T, s *sandbox.Server, id string) *stripe.CheckoutSession {
	t.Helper()
	p := &stripe.CheckoutSessionParams{}
	p.AddExpand("payment_intent.latest_charge.balance_transaction")
	cs, err := api(s).CheckoutSessions.Get(id, p)
	if err != nil {
		t.Fatal(err)
	}
	return cs
}

func stripeError(t *testing.T, err error) *stripe.Error {
	t.Helper()
	var e *stripe.Error
	if !errors.As(err, &e) {
		t.Fatalf("want a Stripe error, have %T %v", err, err)
	}
	return e
}

// buyer is a browser without JavaScript that stops where the product begins.
type buyer struct {
	t *testing.T
	c *http.Client
}

type page struct {
	Status   int
	Body     string
	Location string
	Header   http.Header
}

func newBuyer(t *testing.T) buyer {
	return buyer{t, &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (b buyer) read(rs *http.Response, err error) page {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer rs.Body.Close()
	body, err := io.ReadAll(rs.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return page{rs.StatusCode, string(body), rs.Header.Get("Location"), rs.Header}
}

func (b buyer) get(u string) page { b.t.Helper(); return b.read(b.c.Get(u)) }

func (b buyer) post(u string, form url.Values) page {
	b.t.Helper()
	return b.read(b.c.PostForm(u, form))
}

func cardForm(number string) url.Values {
	return url.Values{"email": {"buyer@example.com"}, "method": {"card"}, "number": {number}, "expiry": {"12 / 34"}, "cvc": {"123"}, "name": {"Robin Buyer"}, "country": {"DE"}}
}

// shop is the product's end of the webhooks.
type shop struct {
	mu     sync.Mutex
	events []stripe.Event
	broken []error
	status int
	srv    *httptest.Server
}

const secret = "whsec_test"

func newShop(t *testing.T, s *sandbox.Server) *shop {
	sh := &shop{status: 200}
	sh.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		e, err := webhook.ConstructEvent(body, r.Header.Get("Stripe-Signature"), secret)
		sh.mu.Lock()
		defer sh.mu.Unlock()
		if err != nil {
			sh.broken = append(sh.broken, err)
		}
		sh.events = append(sh.events, e)
		w.WriteHeader(sh.status)
	}))
	t.Cleanup(sh.srv.Close)
	if err := s.Stripe().SetWebhook(sh.srv.URL, secret); err != nil {
		t.Fatal(err)
	}
	return sh
}

func (sh *shop) answer(status int) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.status = status
}

func (sh *shop) got(t *testing.T) []stripe.Event {
	t.Helper()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, err := range sh.broken {
		t.Error("signature:", err)
	}
	return slices.Clone(sh.events)
}

func (sh *shop) types(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, e := range sh.got(t) {
		out = append(out, string(e.Type))
	}
	return out
}

func flush(t *testing.T, s *sandbox.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Stripe().Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

func eventTypes(s *sandbox.Server) []string {
	var out []string
	for _, e := range s.Stripe().Events() {
		out = append(out, e.Type)
	}
	return out
}

func hasAll(t *testing.T, have []string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !slices.Contains(have, w) {
			t.Errorf("no %s among %s", w, strings.Join(have, ", "))
		}
	}
}

func sandboxMinutes(n int) time.Duration { return time.Duration(n) * time.Minute }
