package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"vitrine/app/sandbox"
)

// TestNoFormBreaksTheAPI sends calls made of right names in wrong places and right values for other names.
func TestNoFormBreaksTheAPI(t *testing.T) {
	s := start(t, sandbox.Options{})
	cs := paid(t, s, "4242424242424242")
	pi := cs.PaymentIntent
	names := []string{"mode", "success_url", "cancel_url", "line_items[0][quantity]", "line_items[0][price_data][currency]", "line_items[0][price_data][unit_amount]", "line_items[0][price_data][product_data][name]",
		"line_items[0][price_data]", "line_items[1][price]", "line_items", "line_items[]", "line_items[x][quantity]", "line_items[01][quantity]", "line_items[0][price_data][product_data][images][0]", "metadata", "metadata[a]",
		"metadata[a][b]", "customer", "customer_email", "expires_at", "expand[]", "expand[0]", "expand", "payment_method_types[]", "payment_intent_data[metadata][x]", "payment_intent_data", "amount", "currency", "confirm",
		"payment_method", "return_url", "charge", "payment_intent", "reason", "limit", "created", "created[gte]", "starting_after", "evidence[uncategorized_text]", "submit", "types[]", "url", "enabled_events[]", "a[", "[a]", "a]b[", "a[]][", "%"}
	values := []string{"", "payment", "eur", "EUR", "jpy", "0", "1", "-1", "1900", "99999999999999999999", "1e3", "true", "false", "null", "{}", "http://x.test", "http://x.test/{CHECKOUT_SESSION_ID}", "a@b.co", "card", "sepa_debit",
		"pm_card_visa", "pm_card_visa_chargeDeclined", cs.ID, pi.ID, pi.LatestCharge.ID, "payment_intent.latest_charge", "data.charge", "\x00", "\xff", "🦊", "<b>", strings.Repeat("x", 6000)}
	calls := []string{"POST /v1/checkout/sessions", "GET /v1/checkout/sessions", "GET /v1/checkout/sessions/" + cs.ID, "POST /v1/payment_intents", "POST /v1/payment_intents/" + pi.ID, "POST /v1/payment_intents/" + pi.ID + "/confirm",
		"POST /v1/payment_intents/" + pi.ID + "/cancel", "POST /v1/refunds", "GET /v1/refunds", "GET /v1/charges", "POST /v1/charges/" + pi.LatestCharge.ID, "GET /v1/events", "GET /v1/balance_transactions", "POST /v1/customers", "POST /v1/webhook_endpoints"}
	rapid.Check(t, func(rt *rapid.T) {
		call := rapid.SampledFrom(calls).Draw(rt, "call")
		form := url.Values{}
		if rapid.Bool().Draw(rt, "start from a good one") {
			form, _ = url.ParseQuery(goodSession)
		}
		for range rapid.IntRange(0, 6).Draw(rt, "n") {
			form.Set(rapid.SampledFrom(names).Draw(rt, "name"), rapid.SampledFrom(values).Draw(rt, "value"))
		}
		method, path, _ := strings.Cut(call, " ")
		body := form.Encode()
		if method == "GET" {
			path, body = path+"?"+body, ""
		}
		a := raw(t, s, method, path, body)
		if a.Status >= 500 {
			rt.Fatalf("%s %s: %d %+v", method, path, a.Status, a.Error)
		}
		if a.Status >= 400 && (a.Error.Type == "" || a.Error.Message == "") {
			rt.Fatalf("%s %s: %d without a reason", method, path, a.Status)
		}
	})
	for _, ch := range raw(t, s, "GET", "/v1/charges?limit=100", "").Body["data"].([]any) {
		if c := ch.(map[string]any); c["amount_refunded"].(float64) > c["amount"].(float64) {
			t.Errorf("%s gave back more than it took", c["id"])
		}
	}
}

// BenchmarkSale is a session, its payment and four events delivered, with the journal on disk.
func BenchmarkSale(b *testing.B) {
	s, err := sandbox.Start(b.Context(), sandbox.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer hook.Close()
	if err := s.Stripe().SetWebhook(hook.URL, secret); err != nil {
		b.Fatal(err)
	}
	c := api(s)
	for b.Loop() {
		cs, err := c.CheckoutSessions.New(sessionParams(1900, "eur"))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Stripe().Pay(cs.ID, "4242424242424242", ""); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Stripe().Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
}
