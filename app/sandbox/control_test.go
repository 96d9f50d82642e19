package sandbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"vitrine/app/sandbox"
)

func control(t *testing.T, s *sandbox.Server, method, path, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequest(method, s.URL()+"/control"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	rs, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer rs.Body.Close()
	b, _ := io.ReadAll(rs.Body)
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatalf("%s: %s", path, b)
	}
	return rs.StatusCode, out
}

func stepper(t *testing.T, s *sandbox.Server) func(path, body string, status int) map[string]any {
	return func(path, body string, status int) map[string]any {
		t.Helper()
		code, out := control(t, s, "POST", path, body)
		if code != status {
			t.Fatalf("%s %s: %d %v", path, body, code, out)
		}
		return out
	}
}

func TestControlDoesWhatTheGoCallsDo(t *testing.T) {
	s := start(t, sandbox.Options{})
	sh := newShop(t, s)
	step := stepper(t, s)
	cs := newSession(t, s)
	if out := step("/stripe/pay", `{"session":"`+cs.ID+`","card":"4000000000000002"}`, 402); out["code"] != "card_declined" {
		t.Errorf("%v", out)
	}
	if out := step("/stripe/pay", `{"session":"`+cs.ID+`","card":"4000000000003220"}`, 200); !strings.Contains(out["next"].(string), "/3ds/") {
		t.Errorf("%v", out)
	}
	pi := get(t, s, cs.ID).PaymentIntent.ID
	if out := step("/stripe/challenge", `{"payment_intent":"`+pi+`","pass":true}`, 200); !strings.HasPrefix(out["next"].(string), "http://localhost:8080/return") {
		t.Errorf("%v", out)
	}
	slow := newSession(t, s)
	step("/stripe/pay", `{"session":"`+slow.ID+`","card":"DE62370400440532013001"}`, 200)
	if out := step("/stripe/settle", `{}`, 200); out["settled"] != float64(1) {
		t.Errorf("%v", out)
	}
	step("/stripe/flush", ``, 200)
	hasAll(t, sh.types(t), "checkout.session.async_payment_failed", "checkout.session.completed")
	_, out := control(t, s, "GET", "/stripe/events?type=checkout.session.completed", "")
	rows := out["events"].([]any)
	if len(rows) != 2 || rows[0].(map[string]any)["object"] != cs.ID || rows[0].(map[string]any)["delivered"] != float64(1) {
		t.Errorf("%v", rows)
	}
	step("/stripe/redeliver", `{"event":"`+rows[0].(map[string]any)["id"].(string)+`"}`, 200)
	step("/clock/advance", `{"by":"49h"}`, 200)
	if _, out := control(t, s, "GET", "/stripe/balance?currency=eur", ""); out["available"] != float64(1846) {
		t.Errorf("%v", out)
	}
	step("/stripe/dispute", `{"payment_intent":"`+pi+`","reason":"duplicate"}`, 200)
	step("/stripe/refunds/settle", ``, 200)
	hasAll(t, eventTypes(s), "charge.dispute.created")
}

func TestControlMakesThingsGoWrong(t *testing.T) {
	s := start(t, sandbox.Options{})
	step := stepper(t, s)
	step("/stripe/faults", `{"kind":"unavailable","call":"GET /v1/balance","times":1}`, 200)
	if a := raw(t, s, "GET", "/v1/balance", ""); a.Status != 503 {
		t.Errorf("%d", a.Status)
	}
	step("/stripe/faults", `{"kind":"gremlins"}`, 400)
	step("/stripe/faults", `{"kynd":"latency"}`, 400)
	step("/stripe/webhooks/faults", `{"hold":true,"delay":"5ms"}`, 200)
	step("/stripe/webhooks/release", ``, 200)
	step("/stripe/faults/clear", ``, 200)
	step("/stripe/radar", `{"allow":true}`, 200)
	if risky := paid(t, s, "4000000000004954"); risky.PaymentIntent.LatestCharge.Outcome.RiskLevel != "highest" {
		t.Error("highest risk is not let through")
	}
	blocked := newSession(t, s)
	step("/stripe/pay", `{"session":"`+blocked.ID+`","card":"4100000000000019"}`, 402)
	step("/google/redirects", `{"redirects":["http://localhost:1/cb"]}`, 200)
	step("/stripe/pay", `{"session":"cs_none","card":"4242424242424242"}`, 404)
	if _, out := control(t, s, "GET", "/stripe/cards", ""); len(out["cards"].([]any)) < 18 || len(out["ibans"].([]any)) != 4 {
		t.Errorf("%v", out)
	}
}

func TestStrangersPagesCannotControl(t *testing.T) {
	s := start(t, sandbox.Options{})
	for _, h := range [][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.test"}} {
		req, _ := http.NewRequest("POST", s.URL()+"/control/clock/advance", strings.NewReader("by=24h"))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set(h[0], h[1])
		if p := newBuyer(t).read(http.DefaultClient.Do(req)); p.Status != http.StatusForbidden {
			t.Errorf("%v: %d", h, p.Status)
		}
	}
	req, _ := http.NewRequest("GET", s.URL()+"/control/stripe/events", nil)
	req.Host = "rebound.evil.test"
	if p := newBuyer(t).read(http.DefaultClient.Do(req)); p.Status != http.StatusMisdirectedRequest {
		t.Errorf("rebound name: %d", p.Status)
	}
	b := newBuyer(t)
	if p := b.post(s.URL()+"/control/clock/advance", url.Values{"by": {"24h"}}); p.Status != http.StatusSeeOther || p.Location != "/" {
		t.Errorf("the index page's own form: %d", p.Status)
	}
	if p := b.get(s.URL()); !strings.Contains(p.Body, "24h0m0s ahead") || !strings.Contains(p.Body, "4242 4242 4242 4242") || !strings.Contains(p.Body, "Léa Martin") {
		t.Errorf("index: %s", p.Body)
	}
	if p := b.get(s.URL() + "/nowhere"); p.Status != 404 {
		t.Error(p.Status)
	}
}
