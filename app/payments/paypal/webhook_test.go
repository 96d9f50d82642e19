package paypal_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"vitrine/app/id"
	"vitrine/app/payments"
	"vitrine/app/payments/paypal"
)

const real = "../../../../shared/data/paypal/"

// served answers every request with one body, and counts.
type served struct {
	body  []byte
	calls int
}

func (s *served) RoundTrip(r *http.Request) (*http.Response, error) {
	s.calls++
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(s.body)), Request: r}, nil
}

// A message that PayPal really signed in 2017 holds, byte for byte, at its time, for its webhook.
func TestARealMessageHolds(t *testing.T) {
	body, err := os.ReadFile(real + "webhook_real_signed_body.json")
	if err != nil {
		t.Skip("no fixtures of PayPal's here: ", err)
	}
	var signed struct {
		Webhook string            `json:"webhook_id"`
		Headers map[string]string `json:"headers"`
	}
	text, err := os.ReadFile(real + "webhook_real_signed_headers.json")
	if err == nil {
		err = json.Unmarshal(text, &signed)
	}
	if err != nil {
		t.Fatal(err)
	}
	chain, err := os.ReadFile(real + "webhook_signing_cert_chain.pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(chain)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert) // its issuer is not in the file
	at := time.Date(2017, 3, 30, 20, 5, 0, 0, time.UTC)
	parse := func(change func(o *paypal.Options, h http.Header, b *[]byte)) error {
		net := &served{body: chain}
		o := paypal.Options{APIURL: "https://api-m.sandbox.paypal.com", WebhookID: signed.Webhook, Roots: roots, Transport: net, Clock: func() time.Time { return at }}
		h, b := http.Header{}, bytes.Clone(body)
		for k, v := range signed.Headers {
			h.Set(k, v)
		}
		change(&o, h, &b)
		c := paypal.New(o)
		_, err := c.ParseWebhook(b, h)
		if net.calls > 1 {
			t.Errorf("the certificate was fetched %d times", net.calls)
		}
		return err
	}
	if err := parse(func(*paypal.Options, http.Header, *[]byte) {}); err != nil {
		t.Fatalf("the real message: %v", err)
	}
	for name, change := range map[string]func(o *paypal.Options, h http.Header, b *[]byte){
		"one byte more":   func(_ *paypal.Options, _ http.Header, b *[]byte) { *b = append(*b, ' ') },
		"another webhook": func(o *paypal.Options, _ http.Header, _ *[]byte) { o.WebhookID = "1AB23456CD789012E" },
		"four days later": func(o *paypal.Options, _ http.Header, _ *[]byte) {
			o.Clock = func() time.Time { return at.AddDate(0, 0, 4) }
		},
		"another time": func(_ *paypal.Options, h http.Header, _ *[]byte) {
			h.Set("PAYPAL-TRANSMISSION-TIME", "2017-03-30T20:04:06Z")
		},
		"another number":      func(_ *paypal.Options, h http.Header, _ *[]byte) { h.Set("PAYPAL-TRANSMISSION-ID", "071f7d20") },
		"the machine's roots": func(o *paypal.Options, _ http.Header, _ *[]byte) { o.Roots = x509.NewCertPool() },
		"another algorithm":   func(_ *paypal.Options, h http.Header, _ *[]byte) { h.Set("PAYPAL-AUTH-ALGO", "none") },
		"no signature":        func(_ *paypal.Options, h http.Header, _ *[]byte) { h.Del("PAYPAL-TRANSMISSION-SIG") },
		"a host of their own": func(_ *paypal.Options, h http.Header, _ *[]byte) {
			h.Set("PAYPAL-CERT-URL", "https://api.paypal.com.evil.test/c")
		},
		"a plain address": func(_ *paypal.Options, h http.Header, _ *[]byte) { h.Set("PAYPAL-CERT-URL", "http://api.paypal.com/c") },
		"a name in the address": func(_ *paypal.Options, h http.Header, _ *[]byte) {
			h.Set("PAYPAL-CERT-URL", "https://api.paypal.com@evil.test/c")
		},
		"another port": func(_ *paypal.Options, h http.Header, _ *[]byte) {
			h.Set("PAYPAL-CERT-URL", "https://api.paypal.com:8443/c")
		},
		"no webhook set up": func(o *paypal.Options, _ http.Header, _ *[]byte) { o.WebhookID = "" },
	} {
		if err := parse(change); !errors.Is(err, payments.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whoever has a certificate of their own can sign as well as PayPal; it is not believed.
func TestAWebhookOfSomebodyElseIsRefused(t *testing.T) {
	w, thief := start(t), start(t)
	body := []byte(`{"id":"WH-1","event_version":"1.0","event_type":"PAYMENT.CAPTURE.COMPLETED","resource":{"id":"C","status":"COMPLETED","amount":{"currency_code":"EUR","value":"1.00"}}}`)
	h, err := w.box.Sign("t-1", w.srv.Now(), w.box.WebhookID(), body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.c.ParseWebhook(body, h); err != nil {
		t.Fatalf("PayPal's own: %v", err)
	}
	h, err = thief.box.Sign("t-2", w.srv.Now(), w.box.WebhookID(), body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.c.ParseWebhook(body, h); !errors.Is(err, payments.ErrSignature) {
		t.Fatalf("a certificate from %s was believed: %v", h.Get("Paypal-Cert-Url"), err)
	}
}

// What PayPal tells of a sale, a refund, a dispute and a payout is understood, and delivered as PayPal delivers.
func TestEvents(t *testing.T) {
	w := start(t)
	got := map[string]payments.Event{}
	parse := func() {
		for _, e := range w.box.Events() {
			h, err := w.box.Sign("t-"+e.ID, w.srv.Now(), w.box.WebhookID(), e.Data)
			if err != nil {
				t.Fatal(err)
			}
			v, err := w.c.ParseWebhook(e.Data, h)
			if err != nil {
				t.Fatalf("%s: %v", e.Type, err)
			}
			got[e.Type] = v
		}
	}
	in, s := w.begun(eur(1900))
	if _, err := w.box.Approve(s.ID, "robin"); err != nil {
		t.Fatal(err)
	}
	paid, err := w.c.Session(t.Context(), s.ID)
	if err != nil {
		t.Fatal(err)
	}
	charge := paid.Fact.Charge
	if _, err := w.box.Refund(charge, 400); err != nil {
		t.Fatal(err)
	}
	if _, err := w.box.Dispute(charge, ""); err != nil {
		t.Fatal(err)
	}
	if err := w.box.Fund("EUR", 100_000); err != nil {
		t.Fatal(err)
	}
	ada := payout(w, "ada@mail.test")
	parse()
	if e := got["CHECKOUT.ORDER.APPROVED"]; !e.Known || e.Look || e.Fact.State != payments.Approved || e.Fact.Session != s.ID || e.Fact.Checkout != in.Checkout || e.Fact.Intent != "" {
		t.Errorf("%+v", e)
	}
	if e := got["PAYMENT.CAPTURE.COMPLETED"]; !e.Known || !e.Look || e.Fact.State != payments.Succeeded || e.Fact.Session != s.ID || e.Fact.Intent != s.ID || e.Fact.Charge != charge || e.Fact.Amount != eur(1900) {
		t.Errorf("%+v", e)
	}
	if e := got["PAYMENT.CAPTURE.REFUNDED"]; !e.Known || !e.Look || e.Fact.Intent != charge {
		t.Errorf("%+v", e)
	}
	if e := got["CUSTOMER.DISPUTE.CREATED"]; !e.Known || !e.Look || e.Fact.Intent != charge || len(e.Fact.Disputes) != 1 {
		t.Errorf("%+v", e)
	}
	if e := got["PAYMENT.PAYOUTS-ITEM.SUCCEEDED"]; !e.Known || e.Payout == nil || e.Payout.Payout != ada || e.Payout.State != payments.PaymentPaid || e.Payout.Amount != eur(5000) {
		t.Errorf("%+v", e)
	}
	if e := got["PAYMENT.PAYOUTSBATCH.SUCCESS"]; e.Known {
		t.Errorf("%+v", e)
	}
	if len(got) < 7 {
		t.Errorf("only %d kinds of events", len(got))
	}
	for _, bad := range []string{``, `{}`, `[]`, `{"id":"WH-1","event_version":"2.0","event_type":"X.Y","resource":{}}`, strings.Repeat("[", 10_000)} {
		if _, err := w.c.ParseEvent([]byte(bad)); !errors.Is(err, payments.ErrEvent) {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
}

// payout sends €50 and lets PayPal work it through.
func payout(w *world, to string) id.Payout {
	w.t.Helper()
	in := payments.PayInput{Payout: id.New[id.PayoutKind](), To: to, Amount: eur(5000), Since: w.srv.Now()}
	if _, err := w.c.Pay(w.t.Context(), in); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.box.SettlePayouts(""); err != nil {
		w.t.Fatal(err)
	}
	return in.Payout
}
