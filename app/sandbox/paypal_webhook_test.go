package sandbox_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/app/sandbox"
)

// until polls for something that another goroutine brings about.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (sh *ppShop) answer(status int) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.status = status
}

func (sh *ppShop) count() int {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return len(sh.events)
}

func TestPayPalWebhooksAreTriedAgain(t *testing.T) {
	s := start(t, sandbox.Options{})
	sh := newPPShop(t, s)
	sh.answer(500)
	o := paypal(t, s).order()
	if _, err := s.PayPal().Approve(o.at("id"), ""); err != nil {
		t.Fatal(err)
	}
	until(t, "two tries", func() bool { return sh.count() >= 2 })
	sh.answer(200)
	ppFlush(t, s)
	sh.types(t)
	first, last := sh.headers[0], sh.headers[len(sh.headers)-1]
	for _, k := range []string{"Paypal-Transmission-Id", "Paypal-Transmission-Time"} {
		if first.Get(k) == "" || first.Get(k) != last.Get(k) {
			t.Errorf("%s: %q, then %q", k, first.Get(k), last.Get(k))
		}
	}
	e := s.PayPal().Events()[0]
	if e.Type != "CHECKOUT.ORDER.APPROVED" || e.Object != o.at("id") || e.Attempts < 3 || e.Delivered != 1 {
		t.Errorf("%+v", e)
	}
	n := sh.count()
	if err := s.PayPal().Redeliver(e.ID); err != nil {
		t.Fatal(err)
	}
	ppFlush(t, s)
	if sh.count() != n+1 || s.PayPal().Redeliver("WH-NONE") == nil {
		t.Errorf("%d deliveries", sh.count()-n)
	}
}

func TestPayPalWebhookFaults(t *testing.T) {
	s := start(t, sandbox.Options{Seed: 7})
	sh := newPPShop(t, s)
	c := paypal(t, s)
	pp := s.PayPal()
	pp.Misbehave(sandbox.WebhookFaults{Duplicate: 2, LoseTypes: []string{"CHECKOUT.ORDER.APPROVED"}})
	c.bought(s, "robin")
	ppFlush(t, s)
	if got := sh.types(t); !slices.Equal(got, []string{"PAYMENT.CAPTURE.COMPLETED", "PAYMENT.CAPTURE.COMPLETED", "PAYMENT.CAPTURE.COMPLETED"}) {
		t.Errorf("%v", got)
	}
	pp.Misbehave(sandbox.WebhookFaults{DropTypes: []string{"PAYMENT.CAPTURE.COMPLETED"}})
	c.bought(s, "robin")
	ppFlush(t, s)
	if e := pp.Events(); !e[len(e)-1].Dropped || e[len(e)-1].Type != "PAYMENT.CAPTURE.COMPLETED" {
		t.Errorf("%+v", e)
	}
	n := sh.count()
	pp.Misbehave(sandbox.WebhookFaults{Hold: true})
	c.bought(s, "robin")
	e := pp.Events()
	ids := []string{e[len(e)-1].ID, e[len(e)-2].ID}
	ppFlush(t, s)
	if sh.count() != n {
		t.Error("held events were sent")
	}
	status, err := pp.Deliver(context.Background(), ids...)
	if err != nil || !slices.Equal(status, []int{200, 200}) {
		t.Fatal(status, err)
	}
	if got := sh.types(t)[n:]; !slices.Equal(got, []string{"PAYMENT.CAPTURE.COMPLETED", "CHECKOUT.ORDER.APPROVED"}) {
		t.Errorf("%v", got)
	}
	pp.Release()
	pp.ClearFaults()
}

func TestPayPalWebhookRegistration(t *testing.T) {
	s := start(t, sandbox.Options{})
	c := paypal(t, s)
	got := make(chan string, 8)
	hook := newPPShop(t, s)
	made := c.post("/v1/notifications/webhooks", `{"url":"`+hook.srv.URL+`/own","event_types":[{"name":"PAYMENT.CAPTURE.COMPLETED"}]}`)
	made.want(t, 201, "event_types.0.name", "PAYMENT.CAPTURE.COMPLETED")
	id := made.at("id")
	hook.srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/own" {
			if err := ppVerify(r.Header, body, id, s.PayPal().CACert()); err != nil {
				t.Error(err)
			}
			got <- string(body)
		}
	})
	c.post("/v1/notifications/webhooks", `{"url":"`+hook.srv.URL+`/own","event_types":[{"name":"*"}]}`).want(t, 400, "name", "WEBHOOK_URL_ALREADY_EXISTS")
	c.post("/v1/notifications/webhooks", `{"url":"here"}`).want(t, 400, "name", "VALIDATION_ERROR")
	c.get("/v1/notifications/webhooks").want(t, 200, "webhooks.1.id", id)
	c.get("/v1/notifications/webhooks/"+id).want(t, 200, "url", hook.srv.URL+"/own")
	c.bought(s, "robin")
	ppFlush(t, s)
	if n := len(got); n != 1 || !strings.Contains(<-got, `"event_type":"PAYMENT.CAPTURE.COMPLETED"`) {
		t.Fatalf("%d events came", n)
	}
	list := c.get("/v1/notifications/webhooks-events?event_type=PAYMENT.CAPTURE.COMPLETED")
	list.want(t, 200, "count", "1")
	event := list.at("events.0.id")
	c.get("/v1/notifications/webhooks-events/"+event).want(t, 200, "event_type", "PAYMENT.CAPTURE.COMPLETED")
	c.post("/v1/notifications/webhooks-events/"+event+"/resend", "").want(t, 202, "id", event)
	ppFlush(t, s)
	if len(got) != 1 {
		t.Errorf("%d after a resend", len(got))
	}
	if r := c.do(c.request("DELETE", "/v1/notifications/webhooks/"+id, "")); r.Status != 204 {
		t.Errorf("%+v", r)
	}
	c.get("/v1/notifications/webhooks/"+id).want(t, 404, "name", "RESOURCE_NOT_FOUND")
	for i := range 9 {
		c.post("/v1/notifications/webhooks", `{"url":"http://localhost:1/`+strings.Repeat("x", i+1)+`","event_types":[{"name":"NOTHING"}]}`).want(t, 201, "", "")
	}
	c.post("/v1/notifications/webhooks", `{"url":"http://localhost:1/more","event_types":[{"name":"NOTHING"}]}`).want(t, 400, "name", "WEBHOOK_NUMBER_LIMIT_EXCEEDED")
}

func TestPayPalSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	one := start(t, sandbox.Options{Dir: dir})
	gone := newPPShop(t, one)
	gone.srv.Close() // nobody listens: deliveries wait
	c := paypal(t, one)
	id := c.bought(one, "robin")
	refund := c.post("/v2/payments/captures/"+id+"/refund", `{"amount":{"currency_code":"EUR","value":"1.00"}}`, "PayPal-Request-Id", "r")
	fund(t, one, "EUR", 50_00)
	batch := c.post("/v1/payments/payouts", ppBatch("keep", "EUR", "10.00", "unclaimed@creator.test")).at("batch_header.payout_batch_id")
	d, err := one.PayPal().Dispute(id, "")
	if err != nil {
		t.Fatal(err)
	}
	ca, cert, balance, events := one.PayPal().CACert(), strings.TrimPrefix(one.PayPal().CertURL(), one.URL()), one.PayPal().Balance("EUR"), len(one.PayPal().Events())
	token := c.token
	one.Close()

	two := start(t, sandbox.Options{Dir: dir})
	if b := two.PayPal().Balance("EUR"); b != balance || len(two.PayPal().Events()) != events {
		t.Errorf("balance %+v, %d events", b, len(two.PayPal().Events()))
	}
	if !bytes.Equal(ca, two.PayPal().CACert()) || strings.TrimPrefix(two.PayPal().CertURL(), two.URL()) != cert {
		t.Error("another certificate")
	}
	c = &ppClient{t: t, base: two.PayPal().URL(), token: token}
	c.post("/v2/payments/captures/"+id+"/refund", `{"amount":{"currency_code":"EUR","value":"1.00"}}`, "PayPal-Request-Id", "r").want(t, 200, "id", refund.at("id"))
	c.post("/v1/payments/payouts", ppBatch("keep", "EUR", "10.00", "unclaimed@creator.test")).want(t, 400, "name", "USER_BUSINESS_ERROR")
	c.get("/v1/customer/disputes/"+d).want(t, 200, "status", "WAITING_FOR_SELLER_RESPONSE")
	sh := newPPShop(t, two)
	ppFlush(t, two)
	hasAll(t, sh.types(t), "PAYMENT.CAPTURE.COMPLETED", "PAYMENT.CAPTURE.REFUNDED", "CUSTOMER.DISPUTE.CREATED")
	if err := two.Advance(31 * 24 * time.Hour); err != nil { // what was planned before the restart happens
		t.Fatal(err)
	}
	if err := two.Advance(31 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	c = paypal(t, two)
	c.get("/v1/payments/payouts/"+batch).want(t, 200, "items.0.transaction_status", "RETURNED")
	c.get("/v1/customer/disputes/"+d).want(t, 200, "status", "RESOLVED")
	if err := two.Advance(31 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	two.Close()
	three := start(t, sandbox.Options{Dir: dir})
	if n := len(three.PayPal().Events()); n != 0 {
		t.Errorf("%d events after a month", n)
	}
	paypal(t, three).get("/v2/payments/captures/"+id).want(t, 200, "status", "PARTIALLY_REFUNDED")
}

func TestPayPalControl(t *testing.T) {
	s := start(t, sandbox.Options{})
	sh := newPPShop(t, s)
	c := paypal(t, s)
	step := stepper(t, s)
	o := c.order()
	if out := step("/paypal/approve", `{"order":"`+o.at("id")+`","buyer":"eli"}`, 200); !strings.HasPrefix(out["next"].(string), ppReturn) {
		t.Errorf("%v", out)
	}
	step("/paypal/approve", `{"order":"NONE"}`, 404)
	if out := step("/paypal/cancel", `{"order":"`+o.at("id")+`"}`, 200); !strings.HasPrefix(out["next"].(string), ppCancel) {
		t.Errorf("%v", out)
	}
	step("/paypal/decline", `{"order":"`+c.order().at("id")+`"}`, 200)
	step("/paypal/void", `{"order":"`+c.order().at("id")+`"}`, 200)
	id := c.post("/v2/checkout/orders/"+o.at("id")+"/capture", "").at("purchase_units.0.payments.captures.0.id")
	if out := step("/paypal/settle", `{"capture":"`+id+`"}`, 200); out["settled"] != 1.0 {
		t.Errorf("%v", out)
	}
	if out := step("/paypal/refund", `{"capture":"`+id+`","amount":100}`, 200); out["id"] == "" {
		t.Errorf("%v", out)
	}
	step("/paypal/refund", `{"capture":"`+id+`","amount":190000}`, 422)
	d := step("/paypal/dispute", `{"capture":"`+id+`","reason":"OTHER","stage":"INQUIRY"}`, 200)["id"].(string)
	step("/paypal/dispute/escalate", `{"dispute":"`+d+`"}`, 200)
	step("/paypal/dispute/resolve", `{"dispute":"`+d+`","outcome":"RESOLVED_SELLER_FAVOUR"}`, 200)
	if out := step("/paypal/dispute/resolve", `{"dispute":"`+d+`","outcome":"RESOLVED_SELLER_FAVOUR"}`, 422); out["code"] != "ACTION_NOT_ALLOWED_IN_CURRENT_DISPUTE_STATE" {
		t.Errorf("%v", out)
	}
	step("/paypal/fund", `{"currency":"EUR","amount":5000}`, 200)
	step("/paypal/fund", `{"currency":"KWD","amount":5000}`, 422)
	batch := c.post("/v1/payments/payouts", ppBatch("b", "EUR", "10.00", "onhold@creator.test")).at("batch_header.payout_batch_id")
	step("/paypal/payouts/settle", `{"batch":"`+batch+`"}`, 200)
	item := c.get("/v1/payments/payouts/" + batch).at("items.0.payout_item_id")
	step("/paypal/payouts/item", `{"item":"`+item+`","state":"FAILED","reason":"RISK_DECLINE"}`, 200)
	c.get("/v1/payments/payouts-item/"+item).want(t, 200, "errors.name", "RISK_DECLINE")
	for path, body := range map[string]string{"/paypal/refunds/settle": `{}`, "/paypal/flush": `{}`, "/paypal/webhook": `{"url":"` + sh.srv.URL + `"}`, "/paypal/webhooks/faults": `{"duplicate":1}`, "/paypal/webhooks/release": `{}`,
		"/paypal/faults": `{"kind":"latency","delay":"1ms"}`, "/paypal/faults/clear": `{}`, "/paypal/record": `{}`, "/paypal/report/lag": `{"lag":"1h"}`, "/paypal/tokens/revoke": `{}`,
		"/paypal/redeliver": `{"event":"` + s.PayPal().Events()[0].ID + `"}`} {
		step(path, body, 200)
	}
	step("/paypal/faults", `{"kind":"nonsense"}`, 400)
	for path, key := range map[string]string{"/paypal": "webhook_id", "/paypal/events": "events", "/paypal/balance": "available", "/paypal/buyers": "buyers", "/paypal/calls": "calls", "/paypal/orders": "orders",
		"/paypal/captures": "captures", "/paypal/refunds": "refunds", "/paypal/disputes": "disputes", "/paypal/payouts": "payouts"} {
		if code, out := control(t, s, "GET", path, ""); code != 200 || out[key] == nil {
			t.Errorf("%s: %d %v", path, code, out)
		}
	}
}

func TestPayPalOnTheIndexPage(t *testing.T) {
	s := start(t, sandbox.Options{})
	c := paypal(t, s)
	fund(t, s, "EUR", 50_00)
	c.post("/v1/payments/payouts", ppBatch("b", "EUR", "10.00", "onhold@creator.test")).want(t, 201, "", "")
	open, err := s.PayPal().Dispute(c.bought(s, "robin"), "")
	if err != nil {
		t.Fatal(err)
	}
	b := newBuyer(t)
	p := b.get(s.URL() + "/")
	for _, want := range []string{s.PayPal().URL(), sandbox.PayPalWebhookID, "onhold@creator.test", "Field guide", open} {
		if !strings.Contains(p.Body, want) {
			t.Errorf("the index page lacks %s", want)
		}
	}
	if back := b.post(s.URL()+"/control/paypal/dispute/resolve", url.Values{"dispute": {open}, "outcome": {"RESOLVED_BUYER_FAVOUR"}}); back.Status != 303 || back.Location != "/" {
		t.Errorf("%+v", back)
	}
	c.get("/v1/customer/disputes/"+open).want(t, 200, "status", "RESOLVED")
}
