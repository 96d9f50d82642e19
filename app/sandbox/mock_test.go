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
	everyPayoutCall(t, s)
	everyEvidenceCall(t, s)
	sandboxtest.Replay(t, mock, s.Stripe().Calls())
	if n := len(s.Stripe().Calls()); n < 50 {
		t.Errorf("only %d calls were recorded", n)
	}
	bad := sandbox.Call{Method: "POST", Path: "/v1/refunds", Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: []byte("chargee=ch_1")}
	if sandboxtest.Refusal(t, mock, bad) == "" {
		t.Error("stripe-mock takes anything: the replay proves nothing")
	}
}

// everyPayoutCall opens an account, fills in its form and pays it, with every parameter that the sandbox knows.
func everyPayoutCall(t *testing.T, s *sandbox.Server) {
	t.Helper()
	c := api(s)
	p := accountParams("DE")
	p.BusinessType = stripe.String("individual")
	p.BusinessProfile = &stripe.AccountBusinessProfileParams{MCC: stripe.String("5815"), Name: stripe.String("Léa"), ProductDescription: stripe.String("Guides"), SupportEmail: stripe.String("lea@example.com"),
		SupportPhone: stripe.String("+4930123456"), SupportURL: stripe.String("https://lea.example/help"), URL: stripe.String("https://lea.example")}
	p.Settings.Payouts.StatementDescriptor, p.Settings.Payouts.Schedule.DelayDays = stripe.String("VITRINE"), stripe.Int64(3)
	p.Settings.Payouts.DebitNegativeBalances = stripe.Bool(false)
	p.TOSAcceptance = &stripe.AccountTOSAcceptanceParams{ServiceAgreement: stripe.String("full")}
	p.SetIdempotencyKey("account-1")
	a, err := c.Accounts.New(p)
	if err != nil {
		t.Fatal(err)
	}
	link, err := c.AccountLinks.New(&stripe.AccountLinkParams{Account: &a.ID, Type: stripe.String("account_onboarding"), RefreshURL: stripe.String("http://localhost:8080/refresh"), ReturnURL: stripe.String("http://localhost:8080/back"),
		CollectionOptions: &stripe.AccountLinkCollectionOptionsParams{Fields: stripe.String("eventually_due"), FutureRequirements: stripe.String("include")}})
	if err != nil {
		t.Fatal(err)
	}
	if got := sandboxtest.Onboard(t, link.URL, sandbox.Complete); got.Status != http.StatusSeeOther {
		t.Fatalf("%+v", got)
	}
	fundPlatform(t, s, 10000, "eur")
	charge := fundPlatform(t, s, 5000, "eur").ID
	tp := &stripe.TransferParams{Amount: stripe.Int64(1000), Currency: stripe.String("eur"), Destination: &a.ID, TransferGroup: stripe.String("payout_1"), Description: stripe.String("Payout 1"),
		SourceTransaction: &charge, SourceType: stripe.String("card"), Metadata: map[string]string{"payout": "1"}}
	tp.AddExpand("destination")
	tr, err := c.Transfers.New(tp)
	if err != nil {
		t.Fatal(err)
	}
	pp := &stripe.PayoutParams{Amount: stripe.Int64(500), Currency: stripe.String("eur"), StatementDescriptor: stripe.String("VITRINE 1"), Description: stripe.String("Payout 1"), Method: stripe.String("standard"),
		SourceType: stripe.String("card"), Metadata: map[string]string{"payout": "1"}}
	pp.SetStripeAccount(a.ID)
	pp.AddExpand("balance_transaction")
	po, err := c.Payouts.New(pp)
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range []struct{ method, path, form, account string }{
		{"POST", "accounts/" + a.ID, "metadata[generation]=2&email=lea@example.org", ""}, {"GET", "accounts/" + a.ID, "", ""}, {"GET", "accounts?limit=100&created[gte]=1", "", ""},
		{"GET", "accounts/" + a.ID + "/capabilities", "", ""}, {"GET", "accounts/" + a.ID + "/capabilities/transfers", "", ""}, {"POST", "accounts/" + a.ID + "/login_links", "", ""},
		{"GET", "transfers?limit=3&destination=" + a.ID + "&transfer_group=payout_1&created[gte]=1", "", ""}, {"GET", "transfers/" + tr.ID, "", ""}, {"POST", "transfers/" + tr.ID, "description=x&metadata[a]=b", ""},
		{"POST", "transfers/" + tr.ID + "/reversals", "amount=10&description=back&metadata[payout]=1", ""}, {"GET", "transfers/" + tr.ID + "/reversals?limit=3", "", ""},
		{"GET", "payouts?limit=3&status=pending&created[gte]=1&arrival_date[gte]=1&destination=" + po.Destination.ID, "", a.ID}, {"GET", "payouts/" + po.ID + "?expand[]=balance_transaction&expand[]=destination", "", a.ID},
		{"POST", "payouts/" + po.ID, "metadata[a]=b", a.ID}, {"POST", "payouts/" + po.ID + "/cancel", "", a.ID}, {"GET", "balance", "", a.ID}, {"GET", "account", "", a.ID},
		{"GET", "balance_transactions?type=payout&source=" + po.ID + "&currency=eur&created[gte]=1&expand[]=data.source", "", a.ID}, {"GET", "events?limit=3", "", a.ID},
		{"DELETE", "accounts/" + newAccount(t, s, "DE").ID, "", ""},
	} {
		if got := raw(t, s, call.method, "/v1/"+call.path, call.form, "Stripe-Account", call.account); got.Status != 200 {
			t.Fatalf("%s %s: %+v", call.method, call.path, got.Error)
		}
	}
}

// everyEvidenceCall answers a dispute with all there is, and reads an early fraud warning.
func everyEvidenceCall(t *testing.T, s *sandbox.Server) {
	t.Helper()
	pi := paid(t, s, "4242424242424242").PaymentIntent
	warned, err := s.Stripe().Warn(pi.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stripe().Dispute(pi.ID, "product_not_received"); err != nil {
		t.Fatal(err)
	}
	d := disputeOf(t, s, pi.ID)
	file := upload(t, s, "dispute_evidence", "receipt.pdf", pdf, "").Body["id"].(string)
	text := stripe.String("x")
	if _, err := api(s).Disputes.Update(d.ID, &stripe.DisputeParams{Submit: stripe.Bool(true), Metadata: map[string]string{"a": "b"}, Evidence: &stripe.DisputeEvidenceParams{
		AccessActivityLog: text, BillingAddress: text, CancellationPolicy: &file, CancellationPolicyDisclosure: text, CancellationRebuttal: text, CustomerCommunication: &file, CustomerEmailAddress: text,
		CustomerName: text, CustomerPurchaseIP: text, CustomerSignature: &file, DuplicateChargeDocumentation: &file, DuplicateChargeExplanation: text, DuplicateChargeID: text, ProductDescription: text,
		Receipt: &file, RefundPolicy: &file, RefundPolicyDisclosure: text, RefundRefusalExplanation: text, ServiceDate: text, ServiceDocumentation: &file, ShippingAddress: text, ShippingCarrier: text,
		ShippingDate: text, ShippingDocumentation: &file, ShippingTrackingNumber: text, UncategorizedFile: &file, UncategorizedText: text}}); err != nil {
		t.Fatal(err)
	}
	given := paid(t, s, "4242424242424242").PaymentIntent.ID
	if err := s.Stripe().Dispute(given, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := api(s).Disputes.Close(disputeOf(t, s, given).ID, nil); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"disputes/" + d.ID, "files/" + file, "files?purpose=dispute_evidence&limit=3", "radar/early_fraud_warnings/" + warned, "radar/early_fraud_warnings?charge=" + pi.LatestCharge.ID + "&limit=3",
		"payment_intents/" + pi.ID + "?expand[]=latest_charge.refunds&expand[]=latest_charge.balance_transaction"} {
		if got := raw(t, s, "GET", "/v1/"+path, ""); got.Status != 200 {
			t.Fatalf("%s: %+v", path, got.Error)
		}
	}
}
