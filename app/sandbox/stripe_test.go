package sandbox_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"vitrine/app/sandbox"
)

func TestSessionIsPaidOnTheHostedPage(t *testing.T) {
	s := start(t, sandbox.Options{})
	sh := newShop(t, s)
	cs := newSession(t, s)
	if cs.Status != "open" || cs.PaymentStatus != "unpaid" || cs.AmountTotal != 1900 || cs.PaymentIntent != nil || !strings.HasPrefix(cs.URL, s.URL()+"/stripe/pay/cs_test_") {
		t.Fatalf("new session: %+v", cs)
	}
	b := newBuyer(t)
	p := b.get(cs.URL)
	for _, want := range []string{"Field guide", "€19.00", "Pay €19.00", "buyer@example.com", "Sandbox", cancel, "4242 4242 4242 4242"} {
		if !strings.Contains(p.Body, want) {
			t.Errorf("payment page lacks %q", want)
		}
	}
	if strings.Contains(p.Body, "<script") || strings.Contains(p.Body, "style=") {
		t.Error("the page has script or inline style")
	}
	if p = b.get(cs.URL + "?card=4242424242424242"); !strings.Contains(p.Body, `value="4242 4242 4242 4242"`) {
		t.Error("the link does not fill the card in")
	}
	p = b.post(cs.URL, cardForm("4242 4242 4242 4242"))
	if p.Status != http.StatusSeeOther || p.Location != strings.Replace(success, "{CHECKOUT_SESSION_ID}", cs.ID, 1) {
		t.Fatalf("after paying: %d %s %s", p.Status, p.Location, p.Body)
	}
	cs = get(t, s, cs.ID)
	pi := cs.PaymentIntent
	if cs.Status != "complete" || cs.PaymentStatus != "paid" || cs.URL != "" || pi.Status != "succeeded" || pi.AmountReceived != 1900 {
		t.Fatalf("paid session: %+v", cs)
	}
	ch := pi.LatestCharge
	if pi.Metadata["order"] != "o1" || ch.Metadata["order"] != "o1" || ch.TransferGroup != "order_1" || ch.BillingDetails.Email != "buyer@example.com" ||
		ch.CalculatedStatementDescriptor != "VITRINE* LEA" || ch.Outcome.RiskLevel != "normal" {
		t.Errorf("charge: %+v", ch)
	}
	if tx := ch.BalanceTransaction; tx.Fee != 54 || tx.Net != 1846 || tx.Status != "pending" { // 1.5 % of 19.00 is 28.5 → 29, and 25
		t.Errorf("balance transaction: %+v", tx)
	}
	if bal := s.Stripe().Balance("eur"); bal.Pending != 1846 || bal.Available != 0 {
		t.Errorf("balance: %+v", bal)
	}
	flush(t, s)
	hasAll(t, sh.types(t), "payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed")
	if p = b.get(cs.URL + s.URL() + "/stripe/pay/" + cs.ID); !strings.Contains(p.Body, "already paid") {
		t.Errorf("page after payment: %d %s", p.Status, p.Body)
	}
	if p = b.post(s.URL()+"/stripe/pay/"+cs.ID, cardForm("4242424242424242")); p.Status != 200 || !strings.Contains(p.Body, "already paid") || len(eventTypes(s)) != 4 {
		t.Errorf("second press: %d, events %v", p.Status, eventTypes(s))
	}
	if p = b.get(ch.ReceiptURL); p.Status != 200 || !strings.Contains(p.Body, "€19.00") {
		t.Errorf("receipt: %d", p.Status)
	}
}

func TestCardsDoWhatStripeDocuments(t *testing.T) {
	s := start(t, sandbox.Options{})
	b := newBuyer(t)
	for _, c := range []struct {
		number, code, decline, text string
		level, network              string
	}{
		{"4000000000000002", "card_declined", "generic_decline", "Your card was declined.", "normal", "declined_by_network"},
		{"4000000000009995", "card_declined", "insufficient_funds", "insufficient funds", "normal", "declined_by_network"},
		{"4000000000009987", "card_declined", "lost_card", "Your card was declined.", "normal", "declined_by_network"},
		{"4000000000000069", "expired_card", "", "Your card has expired.", "normal", "declined_by_network"},
		{"4000000000000127", "incorrect_cvc", "", "security code is incorrect", "normal", "declined_by_network"},
		{"4000000000000119", "processing_error", "", "An error occurred while processing", "normal", "declined_by_network"},
		{"4000000000004954", "card_declined", "fraudulent", "Your card was declined.", "highest", "not_sent_to_network"},
		{"4100000000000019", "card_declined", "fraudulent", "Your card was declined.", "highest", "not_sent_to_network"},
	} {
		t.Run(c.number, func(t *testing.T) {
			cs := newSession(t, s)
			p := b.post(cs.URL, cardForm(c.number))
			if p.Status != http.StatusOK || !strings.Contains(html.UnescapeString(p.Body), c.text) || !strings.Contains(p.Body, "Robin Buyer") || strings.Contains(p.Body, `value="123"`) {
				t.Fatalf("declined page: %d", p.Status)
			}
			cs = get(t, s, cs.ID)
			pi := cs.PaymentIntent
			if cs.Status != "open" || cs.PaymentStatus != "unpaid" || pi.Status != "requires_payment_method" || string(pi.LastPaymentError.Code) != c.code || string(pi.LastPaymentError.DeclineCode) != c.decline {
				t.Fatalf("session %s %s, intent %s, error %+v", cs.Status, cs.PaymentStatus, pi.Status, pi.LastPaymentError)
			}
			if o := pi.LatestCharge.Outcome; string(o.RiskLevel) != c.level || o.NetworkStatus != c.network || pi.LatestCharge.BalanceTransaction != nil || pi.LatestCharge.Paid {
				t.Errorf("outcome %+v", o)
			}
			if p = b.post(cs.URL, cardForm("4242424242424242")); p.Status != http.StatusSeeOther { // the buyer tries again
				t.Fatalf("second try: %d", p.Status)
			}
			if again := get(t, s, cs.ID); again.PaymentIntent.ID != pi.ID || again.PaymentStatus != "paid" || again.PaymentIntent.LastPaymentError != nil {
				t.Errorf("after the second try: %+v", again.PaymentIntent)
			}
		})
	}
	if cs := paid(t, s, "4000000000009235"); cs.PaymentIntent.LatestCharge.Outcome.RiskLevel != "elevated" || cs.PaymentIntent.LatestCharge.Outcome.RiskScore < 65 {
		t.Errorf("elevated: %+v", cs.PaymentIntent.LatestCharge.Outcome)
	}
}

func TestThreeDSecureAsksTheBuyer(t *testing.T) {
	s := start(t, sandbox.Options{})
	b := newBuyer(t)
	for _, c := range []struct {
		number, answer, status string
		tried                  string // what the payment page says after
	}{
		{"4000002500003155", "complete", "paid", ""},
		{"4000000000003220", "complete", "paid", ""},
		{"4000000000003220", "fail", "unpaid", "could not check that it is you"},
		{"4000008400001629", "complete", "unpaid", "Your card was declined."},
	} {
		t.Run(c.number+c.answer, func(t *testing.T) {
			cs := newSession(t, s)
			p := b.post(cs.URL, cardForm(c.number))
			if p.Status != http.StatusSeeOther || !strings.Contains(p.Location, "/stripe/3ds/pi_") {
				t.Fatalf("no challenge: %d %s", p.Status, p.Location)
			}
			ask := p.Location
			pi := get(t, s, cs.ID).PaymentIntent
			if pi.Status != "requires_action" || pi.NextAction.RedirectToURL.URL != ask {
				t.Fatalf("intent %s %+v", pi.Status, pi.NextAction)
			}
			p = b.get(ask)
			if !strings.Contains(p.Body, "Complete") || !strings.Contains(p.Body, "Fail") || !strings.Contains(p.Body, `href="`+cs.URL+`">Abandon`) {
				t.Fatalf("challenge page: %s", p.Body)
			}
			p = b.post(ask, url.Values{"result": {c.answer}})
			if p.Status != http.StatusSeeOther {
				t.Fatalf("answer: %d", p.Status)
			}
			if got := get(t, s, cs.ID); string(got.PaymentStatus) != c.status {
				t.Fatalf("payment status %s", got.PaymentStatus)
			}
			if c.tried != "" {
				if p = b.get(p.Location); !strings.Contains(p.Body, c.tried) || !strings.Contains(p.Body, "Robin Buyer") {
					t.Errorf("the page does not say %q, or forgot the name", c.tried)
				}
			}
			if p = b.post(ask, url.Values{"result": {"complete"}}); p.Status != http.StatusGone {
				t.Errorf("a challenge answered twice: %d", p.Status)
			}
		})
	}
	hasAll(t, eventTypes(s), "payment_intent.requires_action", "payment_intent.payment_failed")
}

func TestAbandonedChallengeCanBePaidWithAnotherCard(t *testing.T) {
	s := start(t, sandbox.Options{})
	b := newBuyer(t)
	cs := newSession(t, s)
	ask := b.post(cs.URL, cardForm("4000000000003220")).Location
	if p := b.post(cs.URL, cardForm("4242424242424242")); p.Status != http.StatusSeeOther || !strings.HasPrefix(p.Location, "http://localhost:8080/return") {
		t.Fatalf("%d %s", p.Status, p.Location)
	}
	if p := b.post(ask, url.Values{"result": {"complete"}}); p.Status != http.StatusGone {
		t.Errorf("the old challenge still works: %d", p.Status)
	}
	if n := len(chargesOf(t, s, get(t, s, cs.ID).PaymentIntent.ID)); n != 1 {
		t.Errorf("%d charges", n)
	}
}

func chargesOf(t *testing.T, s *sandbox.Server, pi string) (out []*stripe.Charge) {
	t.Helper()
	it := api(s).Charges.List(&stripe.ChargeListParams{PaymentIntent: &pi})
	for it.Next() {
		out = append(out, it.Charge())
	}
	if it.Err() != nil {
		t.Fatal(it.Err())
	}
	return out
}

func TestSEPADebitSettlesLater(t *testing.T) {
	s := start(t, sandbox.Options{})
	b := newBuyer(t)
	for _, c := range []struct{ iban, event, paid, status string }{
		{"DE08 3704 0044 0532 0130 03", "checkout.session.async_payment_succeeded", "paid", "succeeded"},
		{"DE78370400440532013004", "checkout.session.async_payment_failed", "unpaid", "requires_payment_method"},
	} {
		cs := newSession(t, s)
		form := cardForm("")
		form.Set("method", "sepa_debit")
		form.Set("iban", c.iban)
		if p := b.post(cs.URL, form); p.Status != http.StatusSeeOther {
			t.Fatalf("debit: %d %s", p.Status, p.Body)
		}
		cs = get(t, s, cs.ID)
		if cs.Status != "complete" || cs.PaymentStatus != "unpaid" || cs.PaymentIntent.Status != "processing" || cs.PaymentIntent.LatestCharge.Status != "pending" {
			t.Fatalf("processing: %s %s %s", cs.Status, cs.PaymentStatus, cs.PaymentIntent.Status)
		}
		if slices.Contains(eventTypes(s), c.event) {
			t.Fatal("settled at once")
		}
		if err := s.Advance(sandboxMinutes(4)); err != nil {
			t.Fatal(err)
		}
		hasAll(t, eventTypes(s), c.event, "payment_intent.processing")
		cs = get(t, s, cs.ID)
		if string(cs.PaymentStatus) != c.paid || string(cs.PaymentIntent.Status) != c.status {
			t.Errorf("settled: %s %s", cs.PaymentStatus, cs.PaymentIntent.Status)
		}
	}
	if bal := s.Stripe().Balance("eur"); bal.Pending != 1900-35 {
		t.Errorf("balance %+v", bal)
	}
}

var tagged = regexp.MustCompile(`id="([a-z]+)-why">([^<]+)<`)

func TestFormSaysWhatIsWrong(t *testing.T) {
	s := start(t, sandbox.Options{})
	b := newBuyer(t)
	params := sessionParams(1900, "eur")
	params.CustomerEmail = nil
	cs, err := api(s).CheckoutSessions.New(params)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ field, value, wrong string }{
		{"email", "nobody", "email"}, {"number", "", "number"}, {"number", "4242424242424241", "number"}, {"number", "4929420573595709", "number"},
		{"expiry", "13/30", "expiry"}, {"expiry", "01/20", "expiry"}, {"expiry", "", "expiry"}, {"cvc", "12", "cvc"}, {"cvc", "abc", "cvc"},
		{"name", "", "name"}, {"country", "XX", "country"}, {"method", "bitcoin", "method"},
	} {
		form := cardForm("4242424242424242")
		form.Set(c.field, c.value)
		p := b.post(cs.URL, form)
		hits := tagged.FindAllStringSubmatch(p.Body, -1)
		if p.Status != http.StatusOK || len(hits) != 1 || hits[0][1] != c.wrong {
			t.Errorf("%s=%q: %d, errors %v", c.field, c.value, p.Status, hits)
		}
	}
	form := cardForm("")
	form.Set("method", "sepa_debit")
	form.Set("iban", "DE89370400440532013001")
	if p := b.post(cs.URL, form); p.Status != http.StatusOK || !strings.Contains(p.Body, "iban-why") {
		t.Errorf("bad IBAN: %d", p.Status)
	}
	form = cardForm("4242424242424242")
	form.Set("name", `<script>alert(1)</script>`)
	form.Set("cvc", "")
	if p := b.post(cs.URL, form); strings.Contains(p.Body, "<script>alert") {
		t.Error("what was typed is not escaped")
	}
	if got := get(t, s, cs.ID); got.PaymentIntent != nil {
		t.Error("a bad form made a payment")
	}
}
