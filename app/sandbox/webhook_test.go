package sandbox_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"vitrine/app/sandbox"
)

func TestEventsAreSignedAndCarryTheObject(t *testing.T) {
	s := start(t, sandbox.Options{})
	sh := newShop(t, s)
	cs := paid(t, s, "4242424242424242")
	flush(t, s)
	for _, e := range sh.got(t) {
		if e.APIVersion != "2023-10-16" || e.Object != "event" {
			t.Errorf("%s: %s", e.Type, e.APIVersion)
		}
		if e.Type != "checkout.session.completed" {
			continue
		}
		var got stripe.CheckoutSession
		if err := json.Unmarshal(e.Data.Raw, &got); err != nil || got.ID != cs.ID || got.PaymentStatus != "paid" || got.PaymentIntent.ID != cs.PaymentIntent.ID || got.Metadata["checkout"] != "1" || got.ClientReferenceID != "checkout-1" {
			t.Errorf("%v %+v", err, got)
		}
	}
	e := s.Stripe().Events()[0]
	stored, err := api(s).Events.Get(e.ID, nil)
	if err != nil || stored.PendingWebhooks != 0 || e.Delivered != 1 || e.Waiting != 0 {
		t.Errorf("%+v %v %+v", stored, err, e)
	}
}

func TestFailedDeliveriesComeAgain(t *testing.T) {
	s := start(t, sandbox.Options{})
	sh := newShop(t, s)
	sh.answer(http.StatusInternalServerError)
	newSession(t, s)
	newBuyer(t).post(newSession(t, s).URL, cardForm("4242424242424242"))
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if err := s.Stripe().Flush(ctx); err == nil {
		t.Fatal("flushed though the shop answers 500")
	}
	if e := s.Stripe().Events()[0]; e.Delivered != 0 || e.Attempts == 0 || e.LastError != "answered 500" {
		t.Errorf("%+v", e)
	}
	sh.answer(http.StatusNoContent)
	flush(t, s)
	for _, e := range s.Stripe().Events() {
		if e.Delivered != 1 || e.Attempts < 2 {
			t.Errorf("%+v", e)
		}
	}
	if sh.srv.Config == nil || len(sh.got(t)) < 8 {
		t.Errorf("%d deliveries", len(sh.got(t)))
	}
}

func TestRedirectIsNoDelivery(t *testing.T) {
	s := start(t, sandbox.Options{})
	sh := newShop(t, s)
	sh.answer(http.StatusFound)
	paid(t, s, "4242424242424242")
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if s.Stripe().Flush(ctx) == nil {
		t.Error("a redirect counts as delivered")
	}
}

func TestDuplicatesDropsAndLosses(t *testing.T) {
	s := start(t, sandbox.Options{Seed: 7})
	sh := newShop(t, s)
	st := s.Stripe()
	st.Misbehave(sandbox.WebhookFaults{Duplicate: 4, DropTypes: []string{"charge.succeeded"}, LoseTypes: []string{"payment_intent.created"}, Shuffle: true, Jitter: 20 * time.Millisecond})
	paid(t, s, "4242424242424242")
	flush(t, s)
	count := map[string]int{}
	for _, k := range sh.types(t) {
		count[k]++
	}
	if count["checkout.session.completed"] != 5 || count["payment_intent.succeeded"] != 5 || count["charge.succeeded"] != 0 || count["payment_intent.created"] != 0 {
		t.Errorf("deliveries %v", count)
	}
	if types := eventTypes(s); !slices.Contains(types, "charge.succeeded") || slices.Contains(types, "payment_intent.created") {
		t.Errorf("events %v", types)
	}
	st.ClearFaults()
	for _, e := range st.Events() {
		if e.Dropped {
			if err := st.Redeliver(e.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	flush(t, s)
	hasAll(t, sh.types(t), "charge.succeeded")
}

func TestSeededShareOfEventsIsLost(t *testing.T) {
	lost := func(seed uint64) (kept int) {
		s := start(t, sandbox.Options{Seed: seed})
		s.Stripe().Misbehave(sandbox.WebhookFaults{Lose: .3})
		for range 20 {
			paid(t, s, "4242424242424242")
		}
		return len(s.Stripe().Events())
	}
	a, b := lost(42), lost(42)
	if a != b || a >= 80 || a < 30 {
		t.Errorf("kept %d and %d of 80", a, b)
	}
}

func TestDeliverInAChosenOrder(t *testing.T) {
	s := start(t, sandbox.Options{})
	sh := newShop(t, s)
	st := s.Stripe()
	st.Misbehave(sandbox.WebhookFaults{Hold: true})
	paid(t, s, "4242424242424242")
	flush(t, s)
	if n := len(sh.got(t)); n != 0 {
		t.Fatalf("%d deliveries while held", n)
	}
	var ids, want []string
	for _, e := range slices.Backward(st.Events()) {
		ids, want = append(ids, e.ID), append(want, e.Type)
	}
	statuses, err := st.Deliver(context.Background(), ids...)
	if err != nil || len(statuses) != 4 || statuses[0] != 200 {
		t.Fatal(statuses, err)
	}
	if got := sh.types(t); !slices.Equal(got, want) {
		t.Errorf("order %v", got)
	}
	st.Release()
	flush(t, s)
	if n := len(sh.got(t)); n != 4 {
		t.Errorf("%d deliveries after release: what was delivered by hand came again", n)
	}
}

func TestOwnEndpointGetsWhatItAskedFor(t *testing.T) {
	s := start(t, sandbox.Options{})
	var mu sync.Mutex
	var got []string
	sh := newShop(t, s)
	we, err := api(s).WebhookEndpoints.New(&stripe.WebhookEndpointParams{URL: stripe.String(sh.srv.URL + "/two"), APIVersion: stripe.String(stripe.APIVersion),
		EnabledEvents: stripe.StringSlice([]string{"checkout.session.completed"})})
	if err != nil || we.Secret == "" {
		t.Fatalf("%+v %v", we, err)
	}
	sh.srv.Config.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.URL.Path)
	})
	paid(t, s, "4242424242424242")
	flush(t, s)
	slices.Sort(got)
	if !slices.Equal(got, []string{"/", "/", "/", "/", "/two"}) {
		t.Errorf("%v", got)
	}
	n := 0
	it := api(s).WebhookEndpoints.List(&stripe.WebhookEndpointListParams{})
	for it.Next() {
		n++
		if it.WebhookEndpoint().Secret != "" {
			t.Error("the list tells secrets")
		}
	}
	if n != 2 {
		t.Errorf("%d endpoints", n)
	}
	_, err = api(s).WebhookEndpoints.New(&stripe.WebhookEndpointParams{URL: stripe.String("http://x.test"), APIVersion: stripe.String("2025-03-31.basil"), EnabledEvents: stripe.StringSlice([]string{"*"})})
	if stripeError(t, err).Param != "api_version" {
		t.Error("other version accepted")
	}
}

// caller makes sessions while calls go wrong.
type caller struct {
	t *testing.T
	s *sandbox.Server
}

func (c caller) create(key string, retries int64) (*stripe.CheckoutSession, error) {
	p := sessionParams(1900, "eur")
	p.IdempotencyKey = stripe.String(key)
	return apiWith(c.s, c.s.Stripe().Key(), retries).CheckoutSessions.New(p)
}

func (c caller) count() (n int) {
	c.t.Helper()
	it := api(c.s).CheckoutSessions.List(&stripe.CheckoutSessionListParams{})
	for it.Next() {
		n++
	}
	if it.Err() != nil {
		c.t.Fatal(it.Err())
	}
	return n
}

func (c caller) once(k sandbox.FaultKind) {
	c.s.Stripe().Inject(sandbox.Fault{Kind: k, Call: "POST /v1/checkout/sessions", Times: 1})
}

func TestAnswersGetLost(t *testing.T) {
	c := caller{t, start(t, sandbox.Options{})}
	c.once(sandbox.DropAfter)
	if _, err := c.create("lost", 0); err == nil {
		t.Error("the answer was not dropped")
	}
	if c.count() != 1 {
		t.Error("nothing happened before the drop")
	}
	if cs, err := c.create("lost", 0); err != nil || cs.Status != "open" || c.count() != 1 {
		t.Errorf("same key after a lost answer: %v, %d sessions", err, c.count())
	}
	c.once(sandbox.DropBefore)
	if _, err := c.create("never", 0); err == nil || c.count() != 1 {
		t.Error("dropped before: something happened")
	}
	c.once(sandbox.DropAfter)
	if _, err := c.create("retried", 2); err != nil || c.count() != 2 {
		t.Errorf("stripe-go's own retry: %v, %d sessions", err, c.count())
	}
}

func TestStored500(t *testing.T) {
	for kind, sessions := range map[sandbox.FaultKind]int{sandbox.Error500: 0, sandbox.Error500After: 1} {
		c := caller{t, start(t, sandbox.Options{})}
		c.once(kind)
		_, first := c.create("broken", 0)
		_, again := c.create("broken", 0)
		if stripeError(t, first).HTTPStatusCode != 500 || stripeError(t, again).HTTPStatusCode != 500 || c.count() != sessions {
			t.Errorf("%s: %v, %v, %d sessions", kind, first, again, c.count())
		}
		if _, err := c.create("fresh", 0); err != nil {
			t.Errorf("%s: another key: %v", kind, err)
		}
	}
}

func TestServerIsDownBusyOrSlow(t *testing.T) {
	s := start(t, sandbox.Options{})
	c, st := caller{t, s}, s.Stripe()
	c.once(sandbox.Unavailable)
	if _, err := c.create("down", 0); stripeError(t, err).HTTPStatusCode != 503 {
		t.Error("not unavailable")
	}
	c.once(sandbox.RateLimit)
	if _, err := c.create("busy", 0); stripeError(t, err).HTTPStatusCode != 429 || c.count() != 0 {
		t.Error("no rate limit")
	}
	st.Inject(sandbox.Fault{Kind: sandbox.Unavailable, Call: "GET /v1/balance", Skip: 1, Times: 1})
	var codes []int
	for range 3 {
		codes = append(codes, raw(t, s, "GET", "/v1/balance", "").Status)
	}
	if !slices.Equal(codes, []int{200, 503, 200}) {
		t.Errorf("skip and times: %v", codes)
	}
	st.Inject(sandbox.Fault{Kind: sandbox.Latency, Call: "GET", Delay: 50 * time.Millisecond})
	began := time.Now()
	raw(t, s, "GET", "/v1/balance", "")
	if time.Since(began) < 50*time.Millisecond {
		t.Error("no latency")
	}
	st.ClearFaults()
	if raw(t, s, "GET", "/v1/balance", "").Status != 200 {
		t.Error("faults are not cleared")
	}
}

// listener counts what an endpoint hears of.
type listener struct {
	*httptest.Server
	mu    sync.Mutex
	types []string
}

func newListener(t *testing.T) *listener {
	l := &listener{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var e stripe.Event
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			t.Error(err)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.types = append(l.types, string(e.Type))
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *listener) count(kind string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range l.types {
		if k == kind {
			n++
		}
	}
	return n
}
