package app_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"vitrine/app/apptest"
	"vitrine/app/id"
)

// program calls the API as an integrator's server does.
type program struct {
	w     *apptest.World
	token string
}

func (w *integrators) program(user id.User) *program {
	w.T.Helper()
	t, err := w.App.Accounts.NewTokens(w.T.Context(), user)
	if err != nil {
		w.T.Fatal(err)
	}
	return &program{w.World, t.Access}
}

// integrators is a world that programs call.
type integrators struct{ *apptest.World }

func (p *program) post(path, key string, body any) (int, map[string]any) {
	p.w.T.Helper()
	return p.call(http.MethodPost, path, key, body)
}

func (p *program) call(method, path, key string, body any) (int, map[string]any) {
	p.w.T.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		p.w.T.Fatal(err)
	}
	r := httptest.NewRequest(method, p.w.Config.AppURL+path, bytes.NewReader(b))
	r.Header.Set("Content-Type", "application/json")
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	rec := httptest.NewRecorder()
	p.w.App.Handler().ServeHTTP(rec, r)
	out := map[string]any{}
	if rec.Code == http.StatusNoContent {
		return rec.Code, out
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
		p.w.T.Fatalf("%s: %d %s", path, rec.Code, rec.Body)
	}
	return rec.Code, out
}

func basket(product id.Product, n int) map[string]any {
	return map[string]any{"items": []any{map[string]any{"product_id": product.String(), "quantity": n}}, "email": "ines@mail.test", "consent": true}
}

func TestAnIntegratorTakesAPayment(t *testing.T) {
	w := &integrators{apptest.New(t)}
	c := w.Creator()
	p := w.program(c.User)
	status, made := p.post("/api/v1/payment/create-intent", "one", basket(c.Product, 2))
	if status != http.StatusCreated || made["amount"] != 3800.0 || made["client_secret"] == "" || made["status"] != "requires_payment_method" {
		t.Fatalf("%d %v", status, made)
	}
	intent := made["payment_intent"].(string)
	if status, again := p.post("/api/v1/payment/create-intent", "one", basket(c.Product, 2)); status != http.StatusCreated || again["payment_intent"] != intent {
		t.Errorf("the same key: %d %v", status, again)
	}
	if status, _ := p.post("/api/v1/payment/create-intent", "one", basket(c.Product, 3)); status != http.StatusConflict {
		t.Errorf("the same key for something else: %d", status)
	}
	confirm := func(key, method string) (int, map[string]any) {
		return p.post("/api/v1/payment/confirm", key, map[string]any{"payment_intent": intent, "payment_method": method})
	}
	if status, out := confirm("a", "pm_card_chargeDeclined"); status != http.StatusOK || out["status"] != "requires_payment_method" || out["decline_code"] == nil {
		t.Errorf("declined: %d %v", status, out)
	}
	status, out := confirm("b", "pm_card_visa")
	if status != http.StatusOK || out["status"] != "succeeded" || out["order_url"] == nil {
		t.Fatalf("%d %v", status, out)
	}
	if _, again := confirm("b", "pm_card_visa"); again["status"] != "succeeded" {
		t.Errorf("again: %v", again)
	}
	w.Settle()
	if n := w.Count(`SELECT count(*) FROM orders WHERE status = 'paid' AND total_minor = 3800 AND creator_id = $1`, c.User); n != 1 {
		t.Errorf("%d paid orders", n)
	}
	clean(t, w.World)
}

func TestIntegratorsNameThingsAndNeverPrices(t *testing.T) {
	w := &integrators{apptest.New(t)}
	c, other := w.Creator(), w.Creator()
	p := w.program(c.User)
	post := func(key string, body any) int {
		status, _ := p.post("/api/v1/payment/create-intent", key, body)
		return status
	}
	with := func(k string, v any) map[string]any {
		b := basket(c.Product, 1)
		b[k] = v
		return b
	}
	for what, is := range map[string][2]int{
		"no key":             {post("", basket(c.Product, 1)), 422},
		"someone else's":     {post("k1", basket(other.Product, 1)), 404},
		"no such product":    {post("k2", basket(id.New[id.ProductKind](), 1)), 404},
		"a price":            {post("k3", with("amount", 1)), 422},
		"a currency":         {post("k4", with("currency", "usd")), 422},
		"quantity 0":         {post("k5", basket(c.Product, 0)), 422},
		"quantity -1":        {post("k6", basket(c.Product, -1)), 422},
		"quantity 2^31":      {post("k7", basket(c.Product, 1<<31)), 422},
		"another total":      {post("k8", with("expected_total", 1)), 409},
		"no consent":         {post("k9", with("consent", false)), 422},
		"no address":         {post("k10", with("email", "ines")), 422},
		"nothing":            {post("k11", with("items", []any{})), 404},
		"the total it shows": {post("k12", with("expected_total", 1900)), 201},
	} {
		if is[0] != is[1] {
			t.Errorf("%s: %d, want %d", what, is[0], is[1])
		}
	}
	_, made := p.post("/api/v1/payment/create-intent", "mine", basket(c.Product, 1))
	stranger := w.program(other.User)
	if status, _ := stranger.post("/api/v1/payment/confirm", "x", map[string]any{"payment_intent": made["payment_intent"], "payment_method": "pm_card_visa"}); status != http.StatusNotFound {
		t.Errorf("someone else's payment: %d", status)
	}
	if status, _ := (&program{w.World, ""}).post("/api/v1/payment/create-intent", "y", basket(c.Product, 1)); status != http.StatusUnauthorized {
		t.Errorf("nobody: %d", status)
	}
}

// Fifty requests with one key are one payment, whichever of them is quicker.
func TestOneKeyIsOnePayment(t *testing.T) {
	w := &integrators{apptest.New(t)}
	c := w.Creator()
	p := w.program(c.User)
	var mu sync.Mutex
	seen := map[any]bool{}
	var wg sync.WaitGroup
	start := make(chan struct{})
	for range 50 {
		wg.Go(func() {
			<-start
			status, out := p.post("/api/v1/payment/create-intent", "same", basket(c.Product, 1))
			mu.Lock()
			defer mu.Unlock()
			if status == http.StatusCreated {
				seen[out["payment_intent"]] = true
			} else if status < 500 && status != http.StatusTooManyRequests {
				t.Errorf("%d %v", status, out)
			}
		})
	}
	close(start)
	wg.Wait()
	if len(seen) != 1 || w.Count(`SELECT count(*) FROM checkouts`) != 1 {
		t.Errorf("payments %v", seen)
	}
}

// A program that asks without end is told to wait, and told so as programs are.
func TestAnIntegratorIsToldToSlowDown(t *testing.T) {
	w := &integrators{apptest.New(t)}
	c := w.Creator()
	p := w.program(c.User)
	for n := range 130 {
		status, out := p.post("/api/v1/payment/create-intent", "", basket(c.Product, 1)) // there is no key
		switch {
		case status == http.StatusTooManyRequests && n >= 120:
			if out["error"] == nil {
				t.Errorf("%v", out)
			}
			return
		case status != http.StatusBadRequest && status != http.StatusUnprocessableEntity:
			t.Fatalf("request %d: %d %v", n, status, out)
		}
	}
	t.Error("nobody said stop")
}

// A payment that nobody made in time cannot be made any more, and its goods are free again.
func TestAPaymentThatNobodyMakesEnds(t *testing.T) {
	w := &integrators{apptest.New(t)}
	c := w.Creator()
	w.Exec(`INSERT INTO stock (product_id, shop_id, creator_id, available, updated_at) VALUES ($1, $2, $3, 5, now())`, c.Product, c.Shop.ID, c.User)
	p := w.program(c.User)
	_, made := p.post("/api/v1/payment/create-intent", "one", basket(c.Product, 2))
	if n := w.Count(`SELECT available FROM stock WHERE product_id = $1`, c.Product); n != 3 {
		t.Fatalf("%d left while it may be paid", n)
	}
	w.Pass(2 * 3600 * 1e9)
	w.Settle()
	if n := w.Count(`SELECT available FROM stock WHERE product_id = $1`, c.Product); n != 5 || w.Count(`SELECT count(*) FROM checkouts WHERE status = 'expired'`) != 1 {
		t.Errorf("%d left", n)
	}
	if status, out := p.post("/api/v1/payment/confirm", "late", map[string]any{"payment_intent": made["payment_intent"], "payment_method": "pm_card_visa"}); status == http.StatusOK && out["status"] != "canceled" {
		t.Errorf("it can still be paid: %d %v", status, out)
	}
}
