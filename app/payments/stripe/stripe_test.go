package stripe_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/payments"
	"vitrine/app/payments/stripe"
	"vitrine/app/sandbox"
)

func start(t *testing.T) (*stripe.Client, *sandbox.Stripe, *sandbox.Server) {
	t.Helper()
	box, err := sandbox.Start(context.Background(), sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	s := box.Stripe()
	return stripe.New(stripe.Options{Key: s.Key(), APIURL: s.URL(), WebhookSecrets: s.WebhookSecret(), Timeout: 3 * time.Second}), s, box
}

func input() payments.BeginInput {
	return payments.BeginInput{Checkout: id.New[id.CheckoutKind](), Email: "ines@mail.test", Total: eur(5800), Locale: "de", Shop: "Léa & the Föns",
		Lines:      []payments.Line{{Name: "Forty glazes", Unit: eur(1900), Quantity: 2}, {Name: "Kiln log", Unit: eur(2000), Quantity: 1}},
		SuccessURL: "http://localhost:8080/checkout/return/x", CancelURL: "http://localhost:8080/checkout/back/x", ExpiresAt: time.Now().Add(35 * time.Minute)}
}

func eur(n int64) money.Amount { return money.Amount{Minor: n, Currency: "EUR"} }

func TestAPageFromOpenToRefunded(t *testing.T) {
	c, box, _ := start(t)
	box.Record()
	in := input()
	s, err := c.Begin(t.Context(), in)
	if err != nil || !s.Open || s.URL == "" || s.Fact.State != payments.Waiting || s.Fact.Amount != eur(5800) || s.Fact.Checkout != in.Checkout {
		t.Fatalf("%+v %v", s, err)
	}
	call := box.Calls()[0]
	form, err := url.ParseQuery(string(call.Body))
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range map[string]string{
		"mode": "payment", "customer_email": "ines@mail.test", "client_reference_id": in.Checkout.String(), "metadata[checkout]": in.Checkout.String(),
		"payment_intent_data[metadata][checkout]": in.Checkout.String(), "payment_intent_data[transfer_group]": in.Checkout.String(),
		"payment_intent_data[statement_descriptor_suffix]": "LA THE FNS", "line_items[0][price_data][unit_amount]": "1900", "line_items[0][quantity]": "2",
		"line_items[1][price_data][currency]": "eur", "locale": "de", "success_url": in.SuccessURL, "cancel_url": in.CancelURL,
	} {
		if form.Get(k) != want {
			t.Errorf("%s is %q, want %q", k, form.Get(k), want)
		}
	}
	if again, err := c.Begin(t.Context(), in); err != nil || again.ID != s.ID {
		t.Errorf("the same key, another page: %v %v", again.ID, err)
	}
	if found, err := c.Find(t.Context(), payments.FindInput{Checkout: in.Checkout, Email: in.Email, CreatedAt: time.Now()}); err != nil || found.ID != s.ID {
		t.Errorf("not found: %+v %v", found, err)
	}
	if _, err := c.Find(t.Context(), payments.FindInput{Checkout: id.New[id.CheckoutKind](), Email: in.Email, CreatedAt: time.Now()}); !errors.Is(err, payments.ErrNone) {
		t.Errorf("found what never was: %v", err)
	}
	if _, err := box.Pay(s.ID, "4242424242424242", ""); err != nil {
		t.Fatal(err)
	}
	s, err = c.Expire(t.Context(), s.ID) // too late: it says how it ended
	f := s.Fact
	if err != nil || s.Open || s.URL != "" || f.State != payments.Succeeded || f.Intent == "" || f.Charge == "" || f.Risk != "normal" || f.Refunded.Minor != 0 {
		t.Fatalf("%+v %v", s, err)
	}
	if p, err := c.Payment(t.Context(), f.Intent); err != nil || p.State != payments.Succeeded || p.Checkout != in.Checkout || p.Amount != eur(5800) {
		t.Errorf("%+v %v", p, err)
	}
	var kinds []payments.MovementKind
	if err := c.Movements(t.Context(), time.Time{}, func(m payments.Movement) error {
		kinds = append(kinds, m.Kind)
		if m.Intent != f.Intent || m.Amount != eur(5800) || m.Fee.Minor <= 0 {
			t.Errorf("%+v", m)
		}
		return nil
	}); err != nil || len(kinds) != 1 || kinds[0] != payments.MovementCharge {
		t.Errorf("movements %v %v", kinds, err)
	}
}

func TestAnUnpaidPageCanBeClosed(t *testing.T) {
	c, box, _ := start(t)
	s, err := c.Begin(t.Context(), input())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if over, err := c.Expire(t.Context(), s.ID); err != nil || over.Open || over.Fact.State != payments.Over {
			t.Fatalf("%+v %v", over, err)
		}
	}
	if _, err := box.Pay(s.ID, "4242424242424242", ""); err == nil {
		t.Fatal("it can still be paid")
	}
	if _, err := c.Session(t.Context(), "cs_test_none"); payments.OutcomeOf(err) != payments.Refused {
		t.Fatalf("a page that never was: %v", err)
	}
}

func TestErrorsSayWhatIsKnown(t *testing.T) {
	c, box, _ := start(t)
	for kind, want := range map[sandbox.FaultKind]payments.Outcome{sandbox.RateLimit: payments.Again, sandbox.Unavailable: payments.Again, sandbox.DropAfter: payments.Doubt,
		sandbox.DropBefore: payments.Doubt, sandbox.Error500: payments.Doubt, sandbox.Error500After: payments.Doubt} {
		box.ClearFaults()
		box.Inject(sandbox.Fault{Kind: kind, Times: 1})
		_, err := c.Begin(t.Context(), input())
		var e *payments.Error
		if payments.OutcomeOf(err) != want || !errors.As(err, &e) || e.Answered != strings.HasPrefix(string(kind), "error_500") {
			t.Errorf("%s: %v", kind, err)
		}
	}
	box.ClearFaults()
	in := input()
	in.Lines[0].Unit.Minor = 1 << 40
	if _, err := c.Begin(t.Context(), in); payments.OutcomeOf(err) != payments.Refused {
		t.Errorf("an absurd price: %v", err)
	}
	in = input()
	if _, err := c.Begin(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	in.Email = "other@mail.test"
	var e *payments.Error
	if _, err := c.Begin(t.Context(), in); !errors.As(err, &e) || e.Outcome != payments.Refused || e.Code != "idempotency_error" {
		t.Errorf("the same key for something else: %v", err)
	}
	wrong := stripe.New(stripe.Options{Key: "sk_test_wrong", APIURL: box.URL()})
	if _, err := wrong.Begin(t.Context(), input()); payments.OutcomeOf(err) != payments.Again {
		t.Errorf("a wrong key: %v", err)
	}
	gone := stripe.New(stripe.Options{Key: "sk_test_x", APIURL: "http://127.0.0.1:1"})
	if _, err := gone.Begin(t.Context(), input()); payments.OutcomeOf(err) != payments.Doubt {
		t.Errorf("nobody there: %v", err)
	}
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the client is gone
		<-r.Context().Done()
	}))
	defer hang.Close()
	slow := stripe.New(stripe.Options{Key: "sk_test_x", APIURL: hang.URL, Timeout: 100 * time.Millisecond})
	if _, err := slow.Begin(t.Context(), input()); payments.OutcomeOf(err) != payments.Doubt {
		t.Errorf("no answer: %v", err)
	}
}

// With retries the client hides a lost answer by itself: the key makes that safe.
func TestRetriesFindTheSamePage(t *testing.T) {
	_, box, _ := start(t)
	c := stripe.New(stripe.Options{Key: box.Key(), APIURL: box.URL(), Retries: 2})
	box.Inject(sandbox.Fault{Kind: sandbox.DropAfter, Times: 1})
	in := input()
	s, err := c.Begin(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.Begin(t.Context(), in); err != nil || again.ID != s.ID {
		t.Fatalf("%v %v", again.ID, err)
	}
}

func TestStatementsAndLocalesThatStripeTakes(t *testing.T) {
	c, _, _ := start(t)
	for _, name := range []string{"", "Ada", "1234", "日本の店", "<b>'\"*\\", "A very long name of a shop that goes on", "Ä", "x", "99 Bottles", strings.Repeat("é", 50)} {
		for _, l := range []string{"", "en", "de", "en-XA", "pt-BR", "xx"} {
			in := input()
			in.Shop, in.Locale = name, l
			if _, err := c.Begin(t.Context(), in); err != nil {
				t.Errorf("%q %q: %v", name, l, err)
			}
		}
	}
}

func TestRefundsAreMovementsToo(t *testing.T) {
	c, box, srv := start(t)
	s, err := c.Begin(t.Context(), input())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := box.Pay(s.ID, "4242424242424242", ""); err != nil {
		t.Fatal(err)
	}
	s, err = c.Session(t.Context(), s.ID)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, srv.Stripe().URL()+"/v1/refunds", strings.NewReader("amount=800&payment_intent="+s.Fact.Intent))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+box.Key())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", res.Status, err)
	}
	res.Body.Close()
	sum := eur(0)
	if err := c.Movements(t.Context(), time.Now().Add(-time.Hour), func(m payments.Movement) error { sum = sum.Add(m.Amount); return nil }); err != nil || sum != eur(5000) {
		t.Fatalf("%s %v", sum, err)
	}
	if s, err = c.Session(t.Context(), s.ID); err != nil || s.Fact.Refunded != eur(800) {
		t.Fatalf("%+v %v", s.Fact, err)
	}
}
