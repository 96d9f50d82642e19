package sandbox_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/app/sandbox"
)

func TestPayPalOrderRefusals(t *testing.T) {
	s := start(t, sandbox.Options{})
	c := paypal(t, s)
	try := func(name, body string, status int, issue string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			r := c.post("/v2/checkout/orders", body, "PayPal-Request-Id", "try-"+name)
			r.want(t, status, "details.0.issue", issue)
			if r.at("debug_id") == "" || r.at("message") == "" || r.Header.Get("Paypal-Debug-Id") != r.at("debug_id") {
				t.Errorf("%v", r.Body)
			}
		})
	}
	unit := func(u string) string { return `{"intent":"CAPTURE","purchase_units":[` + u + `]}` }
	eur := func(v string) string { return `{"currency_code":"EUR","value":"` + v + `"}` }
	try("json", `{`, 400, "MALFORMED_REQUEST_JSON")
	try("type", `{"intent":7}`, 400, "INVALID_PARAMETER_SYNTAX")
	try("intent", `{"purchase_units":[{"amount":`+eur("1.00")+`}]}`, 400, "MISSING_REQUIRED_PARAMETER")
	try("units", `{"intent":"CAPTURE"}`, 400, "INVALID_ARRAY_MIN_ITEMS")
	try("kwd", ppOrder("1.000", "KWD", ""), 422, "CURRENCY_NOT_SUPPORTED")
	try("krw", ppOrder("1000", "KRW", ""), 422, "CURRENCY_NOT_SUPPORTED")
	try("three", ppOrder("1.005", "EUR", ""), 422, "DECIMAL_PRECISION")
	for _, cur := range []string{"JPY", "HUF", "TWD"} {
		try(cur, ppOrder("100.00", cur, ""), 422, "DECIMALS_NOT_SUPPORTED")
	}
	try("zero", ppOrder("0.00", "EUR", ""), 422, "CANNOT_BE_ZERO_OR_NEGATIVE")
	try("negative", ppOrder("-1.00", "EUR", ""), 422, "CANNOT_BE_ZERO_OR_NEGATIVE")
	try("words", ppOrder("one", "EUR", ""), 400, "INVALID_PARAMETER_SYNTAX")
	try("huge", ppOrder("99999999999999999999", "EUR", ""), 422, "MAX_VALUE_EXCEEDED")
	try("custom", ppOrder("1.00", "EUR", `,"custom_id":"`+strings.Repeat("x", 128)+`"`), 400, "INVALID_STRING_MAX_LENGTH")
	items := `,"items":[{"name":"A","quantity":"2","unit_amount":` + eur("5.00") + `}]`
	try("item-total", unit(`{"amount":{"currency_code":"EUR","value":"10.00"}`+items+`}`), 422, "ITEM_TOTAL_REQUIRED")
	try("item-sum", unit(`{"amount":{"currency_code":"EUR","value":"11.00","breakdown":{"item_total":`+eur("11.00")+`}}`+items+`}`), 422, "ITEM_TOTAL_MISMATCH")
	try("sum", unit(`{"amount":{"currency_code":"EUR","value":"11.00","breakdown":{"item_total":`+eur("10.00")+`}}`+items+`}`), 422, "AMOUNT_MISMATCH")
	try("references", unit(`{"amount":`+eur("1.00")+`},{"amount":`+eur("1.00")+`}`), 422, "REFERENCE_ID_REQUIRED")
	try("twice", unit(`{"reference_id":"a","amount":`+eur("1.00")+`},{"reference_id":"a","amount":`+eur("1.00")+`}`), 422, "DUPLICATE_REFERENCE_ID")
	try("mixed", unit(`{"reference_id":"a","amount":`+eur("1.00")+`},{"reference_id":"b","amount":{"currency_code":"USD","value":"1.00"}}`), 422, "MULTI_CURRENCY_ORDER")
	try("url", strings.Replace(ppOrder("1.00", "EUR", ""), ppReturn, "nowhere", 1), 400, "INVALID_PARAMETER_SYNTAX")
	c.post("/v2/checkout/orders", ppOrder("1.00", "EUR", "")).want(t, 400, "details.0.issue", "PAYPAL_REQUEST_ID_REQUIRED")
	c.post("/v2/checkout/orders", "intent=CAPTURE", "Content-Type", "application/x-www-form-urlencoded").want(t, 415, "name", "UNSUPPORTED_MEDIA_TYPE")
	c.get("/v2/elsewhere").want(t, 404, "name", "RESOURCE_NOT_FOUND")
}

func TestPayPalOrderCurrenciesAndShapes(t *testing.T) {
	s := start(t, sandbox.Options{})
	c := paypal(t, s)
	for cur, value := range map[string]string{"JPY": "1250", "HUF": "3990", "TWD": "300", "USD": "19.99", "EUR": "7.00"} {
		o := c.post("/v2/checkout/orders", ppOrder(value, cur, ""), "PayPal-Request-Id", "cur-"+cur)
		if _, err := s.PayPal().Approve(o.at("id"), ""); err != nil {
			t.Fatal(err)
		}
		r := c.post("/v2/checkout/orders/"+o.at("id")+"/capture", "", "Prefer", "return=representation")
		r.want(t, 201, "purchase_units.0.payments.captures.0.amount.value", value)
		r.want(t, 201, "purchase_units.0.amount.value", value)
		r.want(t, 201, "intent", "CAPTURE")
	}
	// application_context and items, two units, no payment_source: CREATED, and the link is called approve
	body := `{"intent":"CAPTURE","application_context":{"return_url":"` + ppReturn + `"},"purchase_units":[
	 {"reference_id":"a","invoice_id":"I-1","amount":{"currency_code":"EUR","value":"12.00","breakdown":{"item_total":{"currency_code":"EUR","value":"10.00"},"tax_total":{"currency_code":"EUR","value":"2.00"}}},
	  "items":[{"name":"A","quantity":"2","unit_amount":{"currency_code":"EUR","value":"5.00"},"category":"DIGITAL_GOODS"}]},
	 {"reference_id":"b","amount":{"currency_code":"EUR","value":"3.00"}}]}`
	o := c.post("/v2/checkout/orders", body)
	o.want(t, 201, "status", "CREATED")
	page := newBuyer(t).get(o.link("approve"))
	if page.Status != 200 || !strings.Contains(page.Body, "€15.00") || !strings.Contains(page.Body, "Continue to review") {
		t.Errorf("%d %s", page.Status, page.Body)
	}
	if _, err := s.PayPal().Approve(o.at("id"), "robin@buyer.test"); err != nil {
		t.Fatal(err)
	}
	r := c.post("/v2/checkout/orders/"+o.at("id")+"/capture", "")
	r.want(t, 201, "purchase_units.1.payments.captures.0.amount.value", "3.00")
	r.want(t, 201, "purchase_units.0.payments.captures.0.invoice_id", "I-1")
	// an invoice is paid once
	again := c.post("/v2/checkout/orders", body)
	if _, err := s.PayPal().Approve(again.at("id"), ""); err != nil {
		t.Fatal(err)
	}
	c.post("/v2/checkout/orders/"+again.at("id")+"/capture", "").want(t, 422, "details.0.issue", "DUPLICATE_INVOICE_ID")
}

func TestPayPalRequestIdOfOrders(t *testing.T) {
	s := start(t, sandbox.Options{})
	c := paypal(t, s)
	one := c.post("/v2/checkout/orders", ppOrder("5.00", "EUR", ""), "PayPal-Request-Id", "k")
	two := c.post("/v2/checkout/orders", ppOrder("5.00", "EUR", ""), "PayPal-Request-Id", "k")
	if one.at("id") == "" || one.at("id") != two.at("id") {
		t.Errorf("%v %v", one.Body, two.Body)
	}
	if _, err := s.PayPal().Approve(one.at("id"), ""); err != nil {
		t.Fatal(err)
	}
	c.post("/v2/checkout/orders", ppOrder("5.00", "EUR", ""), "PayPal-Request-Id", "k").want(t, 200, "status", "APPROVED") // how it stands now
	c.post("/v2/checkout/orders", ppOrder("6.00", "EUR", ""), "PayPal-Request-Id", "k").want(t, 422, "details.0.issue", "DUPLICATE_REQUEST_ID")
	if err := s.Advance(6 * time.Hour); err != nil {
		t.Fatal(err)
	}
	late := c.post("/v2/checkout/orders", ppOrder("5.00", "EUR", ""), "PayPal-Request-Id", "k")
	if late.at("id") == one.at("id") || late.at("id") == "" {
		t.Errorf("the id is known after six hours: %v", late.Body)
	}
}

func TestPayPalOrderExpires(t *testing.T) {
	s := start(t, sandbox.Options{})
	c := paypal(t, s)
	open, approved := c.order(), c.order()
	if _, err := s.PayPal().Approve(approved.at("id"), ""); err != nil {
		t.Fatal(err)
	}
	if err := s.Advance(3*time.Hour - time.Minute); err != nil {
		t.Fatal(err)
	}
	c.get("/v2/checkout/orders/"+open.at("id")).want(t, 200, "status", "PAYER_ACTION_REQUIRED")
	if err := s.Advance(2 * time.Minute); err != nil {
		t.Fatal(err)
	}
	c.get("/v2/checkout/orders/"+open.at("id")).want(t, 404, "details.0.issue", "INVALID_RESOURCE_ID")
	c.post("/v2/checkout/orders/"+open.at("id")+"/capture", "").want(t, 404, "name", "RESOURCE_NOT_FOUND")
	if p := newBuyer(t).get(open.link("payer-action")); p.Status != 410 {
		t.Errorf("the page answers %d", p.Status)
	}
	if _, err := s.PayPal().Approve(open.at("id"), ""); err == nil {
		t.Error("an expired order was approved")
	}
	c.post("/v2/checkout/orders/"+approved.at("id")+"/capture", "").want(t, 201, "status", "COMPLETED")
	gone := c.order()
	if err := s.PayPal().Void(gone.at("id")); err != nil {
		t.Fatal(err)
	}
	c.get("/v2/checkout/orders/"+gone.at("id")).want(t, 200, "status", "VOIDED")
	c.post("/v2/checkout/orders/"+gone.at("id")+"/capture", "").want(t, 422, "details.0.issue", "ORDER_VOIDED")
}

func TestPayPalBuyers(t *testing.T) {
	s := start(t, sandbox.Options{})
	sh := newPPShop(t, s)
	c := paypal(t, s)
	capture := func(o ppResult) ppResult { return c.post("/v2/checkout/orders/"+o.at("id")+"/capture", "") }
	b := newBuyer(t)

	o := c.order() // declined, then another account
	if back := b.post(o.link("payer-action"), url.Values{"token": {o.at("id")}, "do": {"decline"}}); back.Status != 303 {
		t.Fatalf("%+v", back)
	}
	no := capture(o)
	no.want(t, 422, "details.0.issue", "INSTRUMENT_DECLINED")
	if p := b.get(no.link("redirect")); p.Status != 200 || !strings.Contains(p.Body, "declined") {
		t.Errorf("%d", p.Status)
	}
	b.post(o.link("payer-action"), url.Values{"token": {o.at("id")}, "buyer": {"robin"}, "do": {"pay"}})
	capture(o).want(t, 201, "status", "COMPLETED")

	o = c.order() // cancelled
	if back := b.post(o.link("payer-action"), url.Values{"token": {o.at("id")}, "do": {"cancel"}}); back.Location != ppCancel+"?token="+o.at("id") {
		t.Errorf("%+v", back)
	}
	if p := b.post(o.link("payer-action"), url.Values{"token": {o.at("id")}, "do": {"pay"}, "buyer": {"nobody"}}); p.Status != 422 {
		t.Errorf("%d", p.Status)
	}

	o = c.order() // the bank asks
	if _, err := s.PayPal().Approve(o.at("id"), "kim"); err != nil {
		t.Fatal(err)
	}
	asked := capture(o)
	asked.want(t, 422, "details.0.issue", "PAYER_ACTION_REQUIRED")
	c.get("/v2/checkout/orders/"+o.at("id")).want(t, 200, "status", "PAYER_ACTION_REQUIRED")
	capture(o).want(t, 422, "details.0.issue", "PAYER_ACTION_REQUIRED")
	b.post(asked.link("payer-action"), url.Values{"token": {o.at("id")}, "buyer": {"kim"}, "do": {"pay"}})
	capture(o).want(t, 201, "purchase_units.0.payments.captures.0.status", "COMPLETED")

	later, bounce, refused := c.bought(s, "eli"), c.bought(s, "noa"), c.bought(s, "sam")
	c.get("/v2/payments/captures/"+later).want(t, 200, "status_details.reason", "ECHECK")
	c.get("/v2/payments/captures/"+refused).want(t, 200, "status", "DECLINED")
	c.post("/v2/payments/captures/"+later+"/refund", "").want(t, 422, "details.0.issue", "PENDING_CAPTURE")
	before := s.PayPal().Balance("EUR").Available
	if err := s.Advance(72 * time.Hour); err != nil {
		t.Fatal(err)
	}
	c = paypal(t, s)
	c.get("/v2/payments/captures/"+later).want(t, 200, "status", "COMPLETED")
	c.get("/v2/payments/captures/"+bounce).want(t, 200, "status", "DECLINED")
	if got := s.PayPal().Balance("EUR").Available - before; got != 1804 {
		t.Errorf("%d came", got)
	}
	ppFlush(t, s)
	hasAll(t, sh.types(t), "PAYMENT.CAPTURE.PENDING", "PAYMENT.CAPTURE.DENIED", "PAYMENT.CAPTURE.DECLINED", "PAYMENT.CAPTURE.COMPLETED")
}

func TestPayPalFaults(t *testing.T) {
	s := start(t, sandbox.Options{})
	pp := s.PayPal()
	c := paypal(t, s)
	pp.Record()
	o := c.order()
	if _, err := pp.Approve(o.at("id"), ""); err != nil {
		t.Fatal(err)
	}
	path := "/v2/checkout/orders/" + o.at("id") + "/capture"
	inject := func(k sandbox.FaultKind) {
		pp.Inject(sandbox.Fault{Kind: k, Call: "POST /v2/checkout/orders", Times: 1})
	}
	inject(sandbox.Unavailable)
	c.post(path, "").want(t, 503, "name", "SERVICE_UNAVAILABLE")
	inject(sandbox.RateLimit)
	c.post(path, "").want(t, 429, "name", "RATE_LIMIT_REACHED")
	inject(sandbox.Error500)
	c.post(path, "").want(t, 500, "name", "INTERNAL_SERVER_ERROR")
	c.get("/v2/checkout/orders/"+o.at("id")).want(t, 200, "status", "APPROVED")
	inject(sandbox.Error500After)
	c.post(path, "", "PayPal-Request-Id", "once").want(t, 500, "name", "INTERNAL_SERVER_ERROR")
	c.get("/v2/checkout/orders/"+o.at("id")).want(t, 200, "status", "COMPLETED")
	c.post(path, "", "PayPal-Request-Id", "once").want(t, 200, "status", "COMPLETED")
	for _, k := range []sandbox.FaultKind{sandbox.DropBefore, sandbox.DropAfter} {
		o := c.order()
		if _, err := pp.Approve(o.at("id"), ""); err != nil {
			t.Fatal(err)
		}
		inject(k)
		if rs, err := newBuyer(t).c.Do(c.request("POST", "/v2/checkout/orders/"+o.at("id")+"/capture", "")); err == nil {
			rs.Body.Close()
			t.Errorf("%s was answered", k)
		}
		want := map[sandbox.FaultKind]string{sandbox.DropBefore: "APPROVED", sandbox.DropAfter: "COMPLETED"}[k]
		c.get("/v2/checkout/orders/"+o.at("id")).want(t, 200, "status", want)
	}
	pp.Inject(sandbox.Fault{Kind: sandbox.Unavailable})
	pp.ClearFaults()
	c.get("/v2/checkout/orders/"+o.at("id")).want(t, 200, "status", "COMPLETED")
	calls := pp.Calls()
	if len(calls) == 0 || calls[0].Path != "/v2/checkout/orders" || calls[0].Header.Get("Paypal-Request-Id") == "" || calls[0].Header.Get("Authorization") != "" {
		t.Errorf("%+v", calls)
	}
}

// TestPayPalParallelCaptures: however many ask at once, an order is paid once.
func TestPayPalParallelCaptures(t *testing.T) {
	s := start(t, sandbox.Options{})
	c := paypal(t, s)
	o := c.order()
	if _, err := s.PayPal().Approve(o.at("id"), ""); err != nil {
		t.Fatal(err)
	}
	s.PayPal().Inject(sandbox.Fault{Kind: sandbox.Latency, Call: "POST", Delay: 20 * time.Millisecond})
	status := make(chan int, 30)
	var wg sync.WaitGroup
	for i := range 30 {
		key := "same"
		if i%3 == 0 {
			key = ""
		}
		wg.Go(func() {
			rs, err := http.DefaultClient.Do(c.request("POST", "/v2/checkout/orders/"+o.at("id")+"/capture", "{}", "PayPal-Request-Id", key))
			if err != nil {
				t.Error(err)
				return
			}
			rs.Body.Close()
			status <- rs.StatusCode
		})
	}
	wg.Wait()
	close(status)
	made, busy := 0, 0
	for code := range status {
		switch code {
		case 201:
			made++
		case 409: // the same request id is being worked on
			busy++
		case 200, 422:
		default:
			t.Errorf("answered %d", code)
		}
	}
	if b := s.PayPal().Balance("EUR").Available; made != 1 || b != 1804 || busy == 0 {
		t.Errorf("captured %d times, %d told to wait, balance %d", made, busy, b)
	}
}
