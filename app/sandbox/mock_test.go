package sandbox_test

import (
	"net/http"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"vitrine/app/sandbox"
	"vitrine/app/sandbox/sandboxtest"
)

// everyParam is a session with all that the sandbox knows.
func everyParam(s *sandbox.Server) *stripe.CheckoutSessionParams {
	params := sessionParams(1900, "eur")
	params.ExpiresAt = stripe.Int64(s.Now().Unix() + 3600)
	params.Locale, params.SubmitType = stripe.String("auto"), stripe.String("pay")
	params.PaymentMethodTypes = stripe.StringSlice([]string{"card", "sepa_debit"})
	params.BillingAddressCollection, params.CustomerCreation = stripe.String("required"), stripe.String("if_required")
	params.CustomText = &stripe.CheckoutSessionCustomTextParams{Submit: &stripe.CheckoutSessionCustomTextSubmitParams{Message: stripe.String("Thanks.")}}
	params.LineItems[0].PriceData.ProductData.Images = stripe.StringSlice([]string{"https://example.com/a.png"})
	params.PaymentIntentData.ReceiptEmail = stripe.String("buyer@example.com")
	params.AddExpand("payment_intent.latest_charge.balance_transaction")
	return params
}

// TestStripeMockTakesEveryCall makes every call the sandbox answers and sends it on to Stripe's own request checker.
func TestStripeMockTakesEveryCall(t *testing.T) {
	mock := sandboxtest.StripeMock(t)
	s := start(t, sandbox.Options{})
	s.Stripe().Record()
	c := api(s)
	params := everyParam(s)
	cs, err := c.CheckoutSessions.New(params)
	if err != nil {
		t.Fatal(err)
	}
	if a := sandboxtest.Buy(t, cs.URL, "", "4000002500003155"); a.Status != http.StatusSeeOther {
		t.Fatalf("%d", a.Status)
	}
	pi := get(t, s, cs.ID).PaymentIntent.ID
	if _, err := c.Refunds.New(&stripe.RefundParams{PaymentIntent: &pi, Amount: stripe.Int64(100), Reason: stripe.String("requested_by_customer"), Metadata: map[string]string{"a": "b"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CheckoutSessions.Expire(newSession(t, s).ID, nil); err != nil {
		t.Fatal(err)
	}
	cus, err := c.Customers.New(&stripe.CustomerParams{Email: stripe.String("a@example.com"), Name: stripe.String("A")})
	if err != nil {
		t.Fatal(err)
	}
	in, err := c.PaymentIntents.New(&stripe.PaymentIntentParams{Amount: stripe.Int64(4900), Currency: stripe.String("eur"), Customer: &cus.ID, TransferGroup: stripe.String("g"),
		AutomaticPaymentMethods: &stripe.PaymentIntentAutomaticPaymentMethodsParams{Enabled: stripe.Bool(true), AllowRedirects: stripe.String("never")}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.PaymentIntents.Confirm(in.ID, &stripe.PaymentIntentConfirmParams{PaymentMethod: stripe.String("pm_card_visa")}); err != nil {
		t.Fatal(err)
	}
	in, _ = c.PaymentIntents.New(&stripe.PaymentIntentParams{Amount: stripe.Int64(4900), Currency: stripe.String("eur")})
	if _, err := c.PaymentIntents.Cancel(in.ID, &stripe.PaymentIntentCancelParams{CancellationReason: stripe.String("abandoned")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.WebhookEndpoints.New(&stripe.WebhookEndpointParams{URL: stripe.String("https://example.com/hook"), APIVersion: stripe.String(stripe.APIVersion), EnabledEvents: stripe.StringSlice([]string{"charge.refunded"})}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"checkout/sessions?limit=3&created[gte]=1", "checkout/sessions/" + cs.ID + "/line_items", "payment_intents?limit=3", "charges?payment_intent=" + pi,
		"refunds?payment_intent=" + pi, "balance", "balance_transactions?type=charge&created[gt]=1", "events?limit=5&type=charge.refunded", "webhook_endpoints", "disputes?payment_intent=" + pi} {
		if a := raw(t, s, "GET", "/v1/"+path, ""); a.Status != 200 {
			t.Fatalf("%s: %+v", path, a.Error)
		}
	}
	sandboxtest.Replay(t, mock, s.Stripe().Calls())
	if n := len(s.Stripe().Calls()); n < 20 {
		t.Errorf("only %d calls were recorded", n)
	}
	bad := sandbox.Call{Method: "POST", Path: "/v1/refunds", Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: []byte("chargee=ch_1")}
	if sandboxtest.Refusal(t, mock, bad) == "" {
		t.Error("stripe-mock takes anything: the replay proves nothing")
	}
}
