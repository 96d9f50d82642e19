package sandbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"vitrine/app/sandbox"
)

type answer struct {
	Status int
	Header http.Header
	Error  struct{ Type, Code, Param, Message string }
	Body   map[string]any
}

// raw sends what stripe-go would not.
func raw(t *testing.T, s *sandbox.Server, method, path, form string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequest(method, s.Stripe().URL()+path, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+s.Stripe().Key())
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i+1] == "" {
			req.Header.Del(header[i])
		}
	}
	rs, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer rs.Body.Close()
	b, _ := io.ReadAll(rs.Body)
	a := answer{Status: rs.StatusCode, Header: rs.Header}
	if err := json.Unmarshal(b, &a.Body); err != nil {
		t.Fatalf("%s %s: not JSON: %s", method, path, b)
	}
	in, _ := json.Marshal(a.Body["error"])
	_ = json.Unmarshal(in, &a.Error)
	return a
}

func TestKeyIsRequired(t *testing.T) {
	s := start(t, sandbox.Options{})
	for _, c := range []struct{ header, message string }{{"", "You did not provide an API key."}, {"Bearer sk_test_somebody_else", "Invalid API Key provided: sk_test_"}} {
		a := raw(t, s, "GET", "/v1/balance", "", "Authorization", c.header)
		if a.Status != 401 || a.Error.Type != "invalid_request_error" || !strings.HasPrefix(a.Error.Message, c.message) || a.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%q: %+v", c.header, a)
		}
		if strings.Contains(a.Error.Message, "somebody") {
			t.Error("the answer repeats the key")
		}
	}
	if a := raw(t, s, "GET", "/v1/balance", ""); a.Status != 200 || !strings.HasPrefix(a.Header.Get("Request-Id"), "req_") {
		t.Errorf("right key: %+v", a)
	}
}

const goodSession = "mode=payment&success_url=http://x.test/ok&line_items[0][quantity]=1&line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=1900&line_items[0][price_data][product_data][name]=A"

// with changes one parameter of a good form; an empty value removes it.
func with(form, name, value string) string {
	v, err := url.ParseQuery(form)
	if err != nil {
		panic(err)
	}
	if value == "" {
		v.Del(name)
	} else {
		v.Set(name, strings.TrimPrefix(value, "="))
	}
	return v.Encode()
}

const (
	li         = "line_items[0][price_data]"
	goodIntent = "amount=1900&currency=eur&automatic_payment_methods[enabled]=true"
)

var badParameters = []struct{ path, good, name, value, code, param string }{
	{"/v1/checkout/sessions", goodSession, "foo", "1", "parameter_unknown", "foo"},
	{"/v1/checkout/sessions", goodSession, li + "[foo]", "1", "parameter_unknown", li + "[foo]"},
	{"/v1/checkout/sessions", goodSession, "automatic_tax[enabled]", "true", "parameter_unknown", "automatic_tax"},
	{"/v1/checkout/sessions", goodSession, "mode", "", "parameter_missing", "mode"},
	{"/v1/checkout/sessions", goodSession, "mode", "gift", "", "mode"},
	{"/v1/checkout/sessions", goodSession, "success_url", "", "parameter_missing", "success_url"},
	{"/v1/checkout/sessions", goodSession, "success_url", "nowhere", "url_invalid", "success_url"},
	{"/v1/checkout/sessions", goodSession, "success_url", "=", "parameter_invalid_empty", "success_url"},
	{"/v1/checkout/sessions", goodSession, "customer_email", "nobody", "email_invalid", "customer_email"},
	{"/v1/checkout/sessions", goodSession, "customer", "cus_1", "resource_missing", "customer"},
	{"/v1/checkout/sessions", goodSession, li + "[currency]", "", "parameter_missing", li + "[currency]"},
	{"/v1/checkout/sessions", goodSession, li + "[currency]", "xxx", "", li + "[currency]"},
	{"/v1/checkout/sessions", goodSession, li + "[unit_amount]", "", "parameter_missing", li + "[unit_amount]"},
	{"/v1/checkout/sessions", goodSession, li + "[unit_amount]", "-5", "parameter_invalid_integer", li + "[unit_amount]"},
	{"/v1/checkout/sessions", goodSession, li + "[unit_amount]", "1.5", "parameter_invalid_integer", li + "[unit_amount]"},
	{"/v1/checkout/sessions", goodSession, li + "[unit_amount]", "1e3", "parameter_invalid_integer", li + "[unit_amount]"},
	{"/v1/checkout/sessions", goodSession, li + "[unit_amount]", "49", "amount_too_small", ""},
	{"/v1/checkout/sessions", goodSession, li + "[unit_amount]", "100000000", "parameter_invalid_integer", li + "[unit_amount]"},
	{"/v1/checkout/sessions", goodSession, "line_items[0][quantity]", "", "parameter_missing", "line_items[0][quantity]"},
	{"/v1/checkout/sessions", goodSession, "line_items[0][quantity]", "0", "parameter_invalid_integer", "line_items[0][quantity]"},
	{"/v1/checkout/sessions", goodSession, "line_items[0][quantity]", "900000", "amount_too_large", ""},
	{"/v1/checkout/sessions", goodSession, li + "[product_data][name]", strings.Repeat("x", 251), "parameter_invalid_string", li + "[product_data][name]"},
	{"/v1/checkout/sessions", goodSession, "metadata[" + strings.Repeat("k", 41) + "]", "1", "", "metadata"},
	{"/v1/checkout/sessions", goodSession, "metadata[k]", strings.Repeat("v", 501), "", "metadata[k]"},
	{"/v1/checkout/sessions", goodSession, "client_reference_id", strings.Repeat("v", 201), "parameter_invalid_string", "client_reference_id"},
	{"/v1/checkout/sessions", goodSession, "payment_method_types[0]", "cash", "", "payment_method_types[0]"},
	{"/v1/checkout/sessions", goodSession, "payment_intent_data[statement_descriptor_suffix]", "12<34", "", "payment_intent_data[statement_descriptor_suffix]"},
	{"/v1/checkout/sessions", goodSession, "payment_intent_data[application_fee_amount]", "10", "parameter_unknown", "payment_intent_data[application_fee_amount]"},
	{"/v1/checkout/sessions", goodSession, "expires_at", "abc", "parameter_invalid_integer", "expires_at"},
	{"/v1/checkout/sessions", goodSession, "expires_at", strconv.FormatInt(time.Now().Add(29*time.Minute).Unix(), 10), "", "expires_at"},
	{"/v1/checkout/sessions", goodSession, "expires_at", strconv.FormatInt(time.Now().Add(25*time.Hour).Unix(), 10), "", "expires_at"},
	{"/v1/checkout/sessions", goodSession, "expand[0]", "currency", "", "expand"},
	{"/v1/payment_intents", goodIntent, "amount", "", "parameter_missing", "amount"},
	{"/v1/payment_intents", goodIntent, "amount", "49", "amount_too_small", "amount"},
	{"/v1/payment_intents", goodIntent, "amount", "100000000", "amount_too_large", "amount"},
	{"/v1/payment_intents", goodIntent, "currency", "", "parameter_missing", "currency"},
	{"/v1/payment_intents", goodIntent, "payment_method", "pm_unknown", "resource_missing", "payment_method"},
	{"/v1/payment_intents", goodIntent, "application_fee_amount", "10", "parameter_unknown", "application_fee_amount"},
	{"/v1/refunds", "amount=1", "", "", "parameter_missing", ""},
	{"/v1/refunds", "amount=1&charge=ch_1&reverse_transfer=true", "", "", "parameter_unknown", "reverse_transfer"},
}

func TestBadParametersAreRefusedAsStripeDoes(t *testing.T) {
	s := start(t, sandbox.Options{})
	for _, c := range badParameters {
		form := c.good
		if c.name != "" {
			form = with(form, c.name, c.value)
		}
		a := raw(t, s, "POST", c.path, form)
		if a.Status != 400 || a.Error.Type != "invalid_request_error" || a.Error.Code != c.code || a.Error.Param != c.param || a.Error.Message == "" {
			t.Errorf("%s with %s=%.20q: %d %+v", c.path, c.name, c.value, a.Status, a.Error)
		}
	}
	if a := raw(t, s, "POST", "/v1/checkout/sessions", with(with(goodSession, "foo", "1"), "bar", "2")); a.Error.Message != "Received unknown parameters: bar, foo" {
		t.Errorf("two unknown: %s", a.Error.Message)
	}
	for _, path := range []string{"/v1/checkout/sessions/cs_1", "/v1/payment_intents/pi_1", "/v1/charges/ch_1", "/v1/refunds/re_1", "/v1/balance_transactions/txn_1", "/v1/events/evt_1", "/v1/customers/cus_1", "/v1/disputes/du_1"} {
		if a := raw(t, s, "GET", path, ""); a.Status != 404 || a.Error.Code != "resource_missing" || !strings.HasPrefix(a.Error.Message, "No such ") {
			t.Errorf("%s: %d %+v", path, a.Status, a.Error)
		}
	}
	if a := raw(t, s, "POST", "/v1/subscriptions", "a=b"); a.Status != 404 || !strings.HasPrefix(a.Error.Message, "Unrecognized request URL (POST: /v1/subscriptions)") {
		t.Errorf("unknown URL: %+v", a)
	}
	if a := raw(t, s, "POST", "/v1/refunds", `{"charge":"ch_1"}`, "Content-Type", "application/json"); a.Status != 400 {
		t.Errorf("JSON: %+v", a)
	}
	if n := len(s.Stripe().Events()); n != 0 {
		t.Errorf("%d events for refused calls", n)
	}
}

func TestMoneyInOtherCurrencies(t *testing.T) {
	s := start(t, sandbox.Options{})
	for _, c := range []struct {
		cur         string
		amount, fee int64
		button      string
		ok          bool
	}{
		{"jpy", 1900, 68, "Pay ¥1,900", true}, {"jpy", 49, 0, "", false}, {"usd", 50, 31, "Pay $0.50", true}, {"gbp", 30, 20, "Pay £0.30", true}, {"gbp", 29, 0, "", false},
		{"kwd", 5120, 248, "Pay KWD\u00a05.120", true}, {"kwd", 5124, 0, "", false}, {"huf", 17400, 0, "", false}, {"eur", 128450, 1952, "Pay €1,284.50", true},
	} {
		cs, err := api(s).CheckoutSessions.New(sessionParams(c.amount, c.cur))
		if (err == nil) != c.ok {
			t.Errorf("%d %s: %v", c.amount, c.cur, err)
		}
		if err != nil {
			continue
		}
		if p := newBuyer(t).get(cs.URL); !strings.Contains(p.Body, c.button) {
			t.Errorf("%d %s: no button %q", c.amount, c.cur, c.button)
		}
		if _, err := s.Stripe().Pay(cs.ID, "4242424242424242", ""); err != nil {
			t.Fatal(err)
		}
		if fee := get(t, s, cs.ID).PaymentIntent.LatestCharge.BalanceTransaction.Fee; fee != c.fee {
			t.Errorf("%d %s: fee %d, want %d", c.amount, c.cur, fee, c.fee)
		}
	}
}

func TestNothingToPay(t *testing.T) {
	s := start(t, sandbox.Options{})
	cs, err := api(s).CheckoutSessions.New(sessionParams(0, "eur"))
	if err != nil {
		t.Fatal(err)
	}
	if p := newBuyer(t).post(cs.URL, url.Values{}); p.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", p.Status, p.Body)
	}
	if cs = get(t, s, cs.ID); cs.PaymentStatus != "no_payment_required" || cs.PaymentIntent != nil || s.Stripe().Balance("eur").Pending != 0 {
		t.Errorf("%+v", cs)
	}
}

func TestIdempotencyKeys(t *testing.T) {
	s := start(t, sandbox.Options{})
	key := func(k, form string) answer {
		return raw(t, s, "POST", "/v1/checkout/sessions", form, "Idempotency-Key", k)
	}
	one, two := key("k1", goodSession), key("k1", goodSession)
	if one.Body["id"] != two.Body["id"] || one.Header.Get("Idempotent-Replayed") != "" || two.Header.Get("Idempotent-Replayed") != "true" {
		t.Fatalf("same key: %v %v %v", one.Body["id"], two.Body["id"], two.Header)
	}
	if a := key("k1", with(goodSession, "locale", "fr")); a.Status != 400 || a.Error.Type != "idempotency_error" {
		t.Errorf("other parameters: %+v", a)
	}
	if a := raw(t, s, "POST", "/v1/customers", "", "Idempotency-Key", "k1"); a.Error.Type != "idempotency_error" {
		t.Errorf("other endpoint: %+v", a)
	}
	if a := key("k2", with(goodSession, "mode", "")); a.Status != 400 {
		t.Fatal("bad call went through")
	}
	if a := key("k2", goodSession); a.Status != 200 { // what fails validation is not stored
		t.Errorf("after a refused call: %+v", a.Error)
	}
	if err := s.Advance(24*time.Hour - time.Minute); err != nil {
		t.Fatal(err)
	}
	if a := key("k1", goodSession); a.Body["id"] != one.Body["id"] {
		t.Error("forgotten too early")
	}
	if err := s.Advance(time.Minute); err != nil {
		t.Fatal(err)
	}
	if a := key("k1", goodSession); a.Body["id"] == one.Body["id"] {
		t.Error("not forgotten after a day")
	}
}

func TestDeclineIsStoredUnderItsKey(t *testing.T) {
	s := start(t, sandbox.Options{})
	form := "amount=1900&currency=eur&confirm=true&payment_method=pm_card_chargeDeclined&payment_method_types[]=card"
	one := raw(t, s, "POST", "/v1/payment_intents", form, "Idempotency-Key", "d")
	two := raw(t, s, "POST", "/v1/payment_intents", form, "Idempotency-Key", "d")
	if one.Status != 402 || two.Status != 402 || one.Error.Code != "card_declined" || two.Header.Get("Idempotent-Replayed") != "true" || len(eventTypes(s)) != 3 {
		t.Errorf("%+v\n%+v\n%v", one, two, eventTypes(s))
	}
}

func TestKeyInUse(t *testing.T) {
	s := start(t, sandbox.Options{})
	s.Stripe().Inject(sandbox.Fault{Kind: sandbox.Latency, Call: "POST /v1/checkout", Delay: 300 * time.Millisecond})
	var wg sync.WaitGroup
	codes := make([]int, 5)
	for i := range codes {
		wg.Go(func() {
			codes[i] = raw(t, s, "POST", "/v1/checkout/sessions", goodSession, "Idempotency-Key", "same").Status
		})
	}
	wg.Wait()
	count := map[int]int{}
	for _, c := range codes {
		count[c]++
	}
	if count[200] < 1 || count[409] < 1 || count[200]+count[409] != 5 {
		t.Errorf("answers %v", codes)
	}
	sessions := 0
	it := api(s).CheckoutSessions.List(&stripe.CheckoutSessionListParams{})
	for it.Next() {
		sessions++
	}
	if sessions != 1 {
		t.Errorf("%d sessions", sessions)
	}
}

func TestListsPageAndFilter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := start(t, sandbox.Options{Clock: func() time.Time { return now }})
	var ids []string
	for range 7 {
		ids = append([]string{newSession(t, s).ID}, ids...)
		if err := s.Advance(time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	list := func(query string) (got []string, more bool) {
		a := raw(t, s, "GET", "/v1/checkout/sessions?"+query, "")
		for _, it := range a.Body["data"].([]any) {
			got = append(got, it.(map[string]any)["id"].(string))
		}
		return got, a.Body["has_more"].(bool)
	}
	at := func(i int) string { return strconv.FormatInt(now.Add(time.Duration(i)*time.Minute).Unix(), 10) }
	for _, c := range []struct {
		query string
		want  []string
		more  bool
	}{
		{"limit=3", ids[:3], true}, {"limit=3&starting_after=" + ids[2], ids[3:6], true}, {"limit=3&starting_after=" + ids[5], ids[6:], false},
		{"limit=2&ending_before=" + ids[4], ids[2:4], true}, {"limit=9&ending_before=" + ids[2], ids[:2], false},
		{"created[gte]=" + at(4), ids[:3], false}, {"created[gt]=" + at(4) + "&created[lt]=" + at(6), ids[1:2], false}, {"created=" + at(0), ids[6:], false},
		{"status=expired", nil, false}, {"limit=7", ids, false},
	} {
		got, more := list(c.query)
		if strings.Join(got, " ") != strings.Join(c.want, " ") || more != c.more {
			t.Errorf("%s: %d rows, more %v", c.query, len(got), more)
		}
	}
	n := 0
	it := api(s).CheckoutSessions.List(&stripe.CheckoutSessionListParams{ListParams: stripe.ListParams{Limit: stripe.Int64(2)}})
	for it.Next() {
		if it.CheckoutSession().ID != ids[n] {
			t.Errorf("row %d", n)
		}
		n++
	}
	if n != 7 || it.Err() != nil {
		t.Errorf("stripe-go walked %d, %v", n, it.Err())
	}
	for _, q := range []string{"limit=0", "limit=101", "starting_after=cs_1", "foo=1"} {
		if a := raw(t, s, "GET", "/v1/checkout/sessions?"+q, ""); a.Status != 400 {
			t.Errorf("%s: %d", q, a.Status)
		}
	}
}

func TestExpandFillsIn(t *testing.T) {
	s := start(t, sandbox.Options{})
	cs := paid(t, s, "4242424242424242")
	p := &stripe.CheckoutSessionParams{}
	p.AddExpand("line_items.data.price.product")
	p.AddExpand("payment_intent.payment_method")
	full, err := api(s).CheckoutSessions.Get(cs.ID, p)
	if err != nil {
		t.Fatal(err)
	}
	if li := full.LineItems.Data; len(li) != 1 || li[0].Price.Product.Name != "Field guide" || li[0].AmountTotal != 1900 || full.PaymentIntent.PaymentMethod.Card.Last4 != "4242" {
		t.Errorf("%+v", full.LineItems)
	}
	rp := &stripe.RefundParams{PaymentIntent: &cs.PaymentIntent.ID, Amount: stripe.Int64(100)}
	rp.AddExpand("charge.refunds")
	rp.AddExpand("balance_transaction.source")
	r, err := api(s).Refunds.New(rp)
	if err != nil || r.Charge.AmountRefunded != 100 || len(r.Charge.Refunds.Data) != 1 || r.BalanceTransaction.Net != -100 || r.BalanceTransaction.Source.Refund.ID != r.ID {
		t.Errorf("%+v %v", r, err)
	}
	lp := &stripe.ChargeListParams{}
	lp.AddExpand("data.balance_transaction")
	if it := api(s).Charges.List(lp); !it.Next() || it.Charge().BalanceTransaction.Fee != 54 {
		t.Errorf("list: %v", it.Err())
	}
	items := api(s).CheckoutSessions.ListLineItems(&stripe.CheckoutSessionListLineItemsParams{Session: &cs.ID})
	if !items.Next() || items.LineItem().Description != "Field guide" || items.Next() {
		t.Error("line items")
	}
}
