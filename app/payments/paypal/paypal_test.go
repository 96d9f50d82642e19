package paypal_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/payments"
	"vitrine/app/payments/paypal"
	"vitrine/app/sandbox"
)

type world struct {
	t   *testing.T
	c   *paypal.Client
	box *sandbox.PayPal
	srv *sandbox.Server
}

func start(t *testing.T) *world {
	t.Helper()
	srv, err := sandbox.Start(t.Context(), sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	w := &world{t: t, srv: srv, box: srv.PayPal()}
	w.c = paypal.New(w.options())
	return w
}

func (w *world) options() paypal.Options {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.box.CACert())
	return paypal.Options{ClientID: w.box.ClientID(), Secret: w.box.Secret(), APIURL: w.box.URL(), WebhookID: w.box.WebhookID(), Roots: roots,
		CertHosts: []string{strings.TrimPrefix(w.srv.URL(), "http://")}, Clock: w.srv.Now, Timeout: 3 * time.Second}
}

func in(n int64, c money.Currency) money.Amount { return money.Amount{Minor: n, Currency: c} }
func eur(n int64) money.Amount                  { return in(n, "EUR") }

func input(total money.Amount) payments.BeginInput {
	return payments.BeginInput{Checkout: id.New[id.CheckoutKind](), Email: "ines@mail.test", Total: total, Locale: "de", Shop: "Léa & the Föns",
		Lines:      []payments.Line{{Name: "Forty glazes", Unit: total, Quantity: 1}},
		SuccessURL: "http://localhost:8080/checkout/return/x", CancelURL: "http://localhost:8080/checkout/back/x", ExpiresAt: time.Now().Add(35 * time.Minute)}
}

// begun is an order that waits for its buyer.
func (w *world) begun(total money.Amount) (payments.BeginInput, payments.Session) {
	w.t.Helper()
	in := input(total)
	s, err := w.c.Begin(w.t.Context(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	return in, s
}

// bought is an order that a buyer has paid.
func (w *world) bought(total money.Amount, buyer string) payments.Fact {
	w.t.Helper()
	_, s := w.begun(total)
	if _, err := w.box.Approve(s.ID, buyer); err != nil {
		w.t.Fatal(err)
	}
	got, err := w.c.Session(w.t.Context(), s.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return got.Fact
}

func TestAnOrderFromOpenToPaid(t *testing.T) {
	w := start(t)
	in := input(eur(5800))
	in.Lines = []payments.Line{{Name: "Forty glazes", Unit: eur(1900), Quantity: 2}, {Name: "Kiln log", Unit: eur(2000), Quantity: 1}}
	s, err := w.c.Begin(t.Context(), in)
	if err != nil || !s.Open || s.Fact.State != payments.Waiting || s.Fact.Amount != eur(5800) || s.Fact.Checkout != in.Checkout || !s.ExpiresAt.Equal(in.ExpiresAt) {
		t.Fatalf("%+v %v", s, err)
	}
	if u, err := url.Parse(s.URL); err != nil || u.Query().Get("token") != s.ID {
		t.Fatalf("the buyer goes to %q", s.URL)
	}
	again, err := w.c.Begin(t.Context(), in)
	if err != nil || again.ID != s.ID {
		t.Fatalf("the same checkout opened %s and %s: %v", s.ID, again.ID, err)
	}
	if now, err := w.c.Session(t.Context(), s.ID); err != nil || !now.Open || now.URL != s.URL {
		t.Fatalf("%+v %v", now, err)
	}
	next, err := w.box.Approve(s.ID, "robin")
	if err != nil || !strings.HasPrefix(next, in.SuccessURL) {
		t.Fatalf("%q %v", next, err)
	}
	paid, err := w.c.Session(t.Context(), s.ID)
	f := paid.Fact
	if err != nil || paid.Open || f.State != payments.Succeeded || f.Amount != eur(5800) || f.Charge == "" || f.Intent != s.ID || f.Checkout != in.Checkout || f.Card.Fingerprint == "" || f.Card.Country != "DE" {
		t.Fatalf("%+v %v", paid, err)
	}
	if now := w.box.Balance("EUR"); now.Available <= 0 || now.Available >= 5800 {
		t.Fatalf("%+v", now)
	}
	whole, err := w.c.Payment(t.Context(), f.Charge) // by the number of the capture
	if err != nil || !whole.Whole || whole.Intent != s.ID || whole.Charge != f.Charge || whole.Refunded != eur(0) {
		t.Fatalf("%+v %v", whole, err)
	}
}

// Agreeing is all that happens on PayPal's page; whoever asks at once takes the money once.
func TestAnAgreedOrderIsTakenOnce(t *testing.T) {
	w := start(t)
	_, s := w.begun(eur(1900))
	if _, err := w.box.Approve(s.ID, "robin"); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5 {
				got, err := w.c.Session(t.Context(), s.ID)
				if payments.OutcomeOf(err) == payments.Again {
					continue // one of the others is at it
				}
				if err != nil || got.Fact.State != payments.Succeeded {
					t.Errorf("%+v %v", got, err)
				}
				return
			}
			t.Error("never answered")
		})
	}
	all.Wait()
	n := 0
	if err := w.c.Movements(t.Context(), time.Time{}, func(m payments.Movement) error { n++; return nil }); err != nil || n != 1 {
		t.Fatalf("%d movements, %v", n, err)
	}
}

func TestWhatBuyersDo(t *testing.T) {
	for buyer, want := range map[string]struct {
		state payments.State
		open  bool
		note  string
	}{
		"robin": {payments.Succeeded, false, ""},
		"ida":   {payments.Waiting, true, "instrument_declined"},
		"kim":   {payments.Waiting, true, "payer_action_required"},
		"eli":   {payments.Processing, false, ""},
		"noa":   {payments.Processing, false, ""},
		"sam":   {payments.Over, false, "declined other"},
		"mia":   {payments.Succeeded, false, ""},
	} {
		t.Run(buyer, func(t *testing.T) {
			w := start(t)
			_, s := w.begun(eur(1900))
			if _, err := w.box.Approve(s.ID, buyer); err != nil {
				t.Fatal(err)
			}
			got, err := w.c.Session(t.Context(), s.ID)
			if err != nil || got.Fact.State != want.state || got.Open != want.open || got.Fact.Note != want.note {
				t.Fatalf("%+v %v", got, err)
			}
			if want.open && got.URL == "" {
				t.Fatal("nowhere to try again")
			}
			switch buyer {
			case "ida", "kim": // another way to pay, or once more
				next := map[string]string{"ida": "robin", "kim": "kim"}[buyer]
				if _, err := w.box.Approve(s.ID, next); err != nil {
					t.Fatal(err)
				}
				if got, err := w.c.Session(t.Context(), s.ID); err != nil || got.Fact.State != payments.Succeeded {
					t.Fatalf("%+v %v", got, err)
				}
			case "eli", "noa":
				if _, err := w.box.Settle(""); err != nil {
					t.Fatal(err)
				}
				last := map[string]payments.State{"eli": payments.Succeeded, "noa": payments.Over}[buyer]
				if got, err := w.c.Session(t.Context(), s.ID); err != nil || got.Fact.State != last {
					t.Fatalf("%+v %v", got, err)
				}
			}
		})
	}
}

func TestAnOrderThatNobodyAgreedToIsOver(t *testing.T) {
	w := start(t)
	_, s := w.begun(eur(1900))
	over, err := w.c.Expire(t.Context(), s.ID)
	if err != nil || over.Open || over.Fact.State != payments.Over {
		t.Fatalf("%+v %v", over, err)
	}
	if w.box.Balance("EUR").Available != 0 {
		t.Fatal("something was taken")
	}
	_, s = w.begun(eur(1900))
	if _, err := w.box.Approve(s.ID, "robin"); err != nil {
		t.Fatal(err)
	}
	if paid, err := w.c.Expire(t.Context(), s.ID); err != nil || paid.Fact.State != payments.Succeeded {
		t.Fatalf("the buyer had agreed: %+v %v", paid, err)
	}
	if _, err := w.c.Session(t.Context(), "5O190127TN364715T"); !errors.Is(err, payments.ErrNone) {
		t.Fatal(err)
	}
	if _, err := w.c.Find(t.Context(), payments.FindInput{}); !errors.Is(err, payments.ErrNone) {
		t.Fatal(err)
	}
}

func TestCurrenciesAndTheirDigits(t *testing.T) {
	w := start(t)
	for c, text := range map[money.Currency]string{"EUR": "19.05", "USD": "19.05", "JPY": "1905"} {
		f := w.bought(in(1905, c), "robin")
		if f.Amount != in(1905, c) {
			t.Errorf("%s: %+v, wrote %s", c, f.Amount, text)
		}
	}
	for _, c := range []money.Currency{"HUF", "TWD"} { // counted in hundredths by us, in wholes by PayPal
		f := w.bought(in(190500, c), "robin")
		if f.Amount != in(190500, c) {
			t.Errorf("%s: %+v", c, f.Amount)
		}
		if w.c.Takes(in(190501, c)) || !w.c.Takes(in(190500, c)) {
			t.Errorf("%s", c)
		}
		if _, err := w.c.Begin(t.Context(), input(in(190501, c))); payments.OutcomeOf(err) != payments.Refused {
			t.Errorf("%s: %v", c, err)
		}
	}
	for _, c := range []money.Currency{"KWD", "KRW"} {
		if w.c.Takes(in(100000, c)) {
			t.Errorf("%s is not PayPal's", c)
		}
	}
}

func TestRefunds(t *testing.T) {
	w := start(t)
	f := w.bought(eur(5800), "robin")
	r := payments.RefundInput{Request: id.New[id.RefundKind](), Order: id.New[id.OrderKind](), Intent: f.Intent, Charge: f.Charge, Amount: eur(1900), Note: "Sorry!"}
	got, err := w.c.Refund(t.Context(), r)
	if err != nil || got.State != payments.RefundSucceeded || got.Amount != eur(1900) || got.Request != r.Request || got.Order != r.Order || got.Intent != f.Intent || got.At.IsZero() {
		t.Fatalf("%+v %v", got, err)
	}
	if again, err := w.c.Refund(t.Context(), r); err != nil || again.ID != got.ID {
		t.Fatalf("%+v %v", again, err)
	}
	if _, err := w.box.Refund(f.Charge, 900); err != nil { // by our people, at PayPal's pages
		t.Fatal(err)
	}
	now, err := w.c.Payment(t.Context(), f.Intent)
	if err != nil || len(now.Refunds) != 2 || now.Refunded != eur(2800) || !now.Refunds[1].Request.IsZero() || now.Refunds[0].Request != r.Request {
		t.Fatalf("%+v %v", now, err)
	}
	r.Request, r.Amount, r.Charge = id.New[id.RefundKind](), eur(3001), ""
	if _, err := w.c.Refund(t.Context(), r); payments.OutcomeOf(err) != payments.Refused {
		t.Fatal(err)
	}
}

func TestARefundThatFailsLater(t *testing.T) {
	w := start(t)
	f := w.bought(eur(1000), "uma")
	r := payments.RefundInput{Request: id.New[id.RefundKind](), Order: id.New[id.OrderKind](), Intent: f.Intent, Charge: f.Charge, Amount: eur(1000)}
	if got, err := w.c.Refund(t.Context(), r); err != nil || got.State != payments.RefundPending {
		t.Fatalf("%+v %v", got, err)
	}
	if _, err := w.box.SettleRefunds(""); err != nil {
		t.Fatal(err)
	}
	now, err := w.c.Payment(t.Context(), f.Intent)
	if err != nil || now.Refunds[0].State != payments.RefundFailed || now.Refunds[0].Failure == "" || now.Refunded != eur(0) || now.State != payments.Succeeded {
		t.Fatalf("%+v %v", now, err)
	}
}

// Every way in which a call goes wrong is told apart by what is known after it.
func TestFaults(t *testing.T) {
	w := start(t)
	for kind, want := range map[sandbox.FaultKind]payments.Outcome{
		sandbox.Unavailable: payments.Again, sandbox.RateLimit: payments.Again, sandbox.Error500: payments.Doubt, sandbox.Error500After: payments.Doubt,
		sandbox.DropBefore: payments.Doubt, sandbox.DropAfter: payments.Doubt,
	} {
		t.Run(string(kind), func(t *testing.T) {
			in := input(eur(1900))
			w.box.Inject(sandbox.Fault{Kind: kind, Call: "POST /v2/checkout/orders", Times: 1})
			if _, err := w.c.Begin(t.Context(), in); payments.OutcomeOf(err) != want {
				t.Fatalf("%v, want %s", err, want)
			}
			s, err := w.c.Begin(t.Context(), in)
			if err != nil || !s.Open {
				t.Fatalf("%+v %v", s, err)
			}
		})
	}
	if err := w.box.Revoke(); err != nil { // PayPal may end tokens at any moment
		t.Fatal(err)
	}
	if _, err := w.c.Begin(t.Context(), input(eur(1900))); err != nil {
		t.Fatalf("after the token ended: %v", err)
	}
	o := w.options()
	o.Secret = "wrong"
	if _, err := paypal.New(o).Begin(t.Context(), input(eur(1900))); payments.OutcomeOf(err) != payments.Again || !strings.Contains(err.Error(), "invalid_client") {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "<h1>Bad gateway</h1>", http.StatusBadGateway)
	}))
	defer proxy.Close()
	o.APIURL = proxy.URL
	if _, err := paypal.New(o).Begin(t.Context(), input(eur(1900))); payments.OutcomeOf(err) != payments.Doubt {
		t.Fatal(err)
	}
}

func TestADisputeFromOpenToWon(t *testing.T) {
	w := start(t)
	f := w.bought(eur(1900), "robin")
	number, err := w.box.Dispute(f.Charge, "UNAUTHORISED")
	if err != nil {
		t.Fatal(err)
	}
	d, err := w.c.Dispute(t.Context(), number)
	if err != nil || d.Status != payments.DisputeOpen || d.Withdrawn != eur(1900) || d.Reinstated != eur(0) || d.Due.IsZero() || d.Reason != "unauthorised" || d.Charge != f.Charge {
		t.Fatalf("%+v %v", d, err)
	}
	file := payments.EvidenceFile{Key: "evidence-1-receipt", Name: "receipt.pdf", ContentType: "application/pdf", Body: []byte("%PDF-1.7 of a receipt")}
	receipt, err := w.c.Upload(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	e := payments.Evidence{Dispute: number, Key: "evidence-1", ProductName: "Forty glazes", BuyerEmail: "ines@mail.test", AccessLog: strings.Repeat("downloaded\n", 400), ReceiptFile: receipt, Text: "It was delivered.", Final: true}
	w.box.Record()
	sent, err := w.c.Submit(t.Context(), e)
	if err != nil || sent.Status != payments.DisputeReview {
		t.Fatalf("%+v %v", sent, err)
	}
	if body := string(w.box.Calls()[0].Body); !strings.Contains(body, "It was delivered.") || !strings.Contains(body, "%PDF-1.7 of a receipt") {
		t.Fatalf("what was sent is %q", body)
	}
	if again, err := w.c.Submit(t.Context(), e); err != nil || again.Status != payments.DisputeReview {
		t.Fatalf("a second time: %+v %v", again, err)
	}
	if err := w.box.Resolve(number, "RESOLVED_SELLER_FAVOUR"); err != nil {
		t.Fatal(err)
	}
	now, err := w.c.Payment(t.Context(), f.Intent)
	if err != nil || len(now.Disputes) != 1 || now.Disputes[0].Status != payments.DisputeWon || now.Disputes[0].Reinstated != eur(1900) || now.Disputes[0].Intent != f.Intent {
		t.Fatalf("%+v %v", now, err)
	}
}

func TestADisputeThatIsAcceptedIsLost(t *testing.T) {
	w := start(t)
	f := w.bought(eur(1900), "robin")
	number, err := w.box.Dispute(f.Charge, "")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		d, err := w.c.Accept(t.Context(), number)
		if err != nil || d.Status != payments.DisputeLost || d.Withdrawn.Sub(d.Reinstated) != eur(1900) {
			t.Fatalf("%+v %v", d, err)
		}
	}
	if _, err := w.c.Submit(t.Context(), payments.Evidence{Dispute: number, Text: "too late", Final: true}); payments.OutcomeOf(err) != payments.Refused {
		t.Fatal(err)
	}
}

func TestPayouts(t *testing.T) {
	for to, want := range map[string]payments.Payment{
		"ada@mail.test":       {State: payments.PaymentPaid},
		"unclaimed@mail.test": {State: payments.PaymentSent, Failure: "RECEIVER_UNREGISTERED"},
		"locked@mail.test":    {State: payments.PaymentFailed, Failure: "RECEIVER_ACCOUNT_LOCKED"},
		"onhold@mail.test":    {State: payments.PaymentSent, Failure: "ONHOLD"},
		"blocked@mail.test":   {State: payments.PaymentSent, Failure: "RISK_DECLINE"},
	} {
		t.Run(to, func(t *testing.T) {
			w := start(t)
			if err := w.box.Fund("EUR", 100_000); err != nil {
				t.Fatal(err)
			}
			in := payments.PayInput{Payout: id.New[id.PayoutKind](), To: to, Amount: eur(43050), Note: "Vitrine payout 1", Since: w.srv.Now()}
			first, err := w.c.Pay(t.Context(), in)
			if err != nil || first.State != payments.PaymentSent || first.Advance == "" || first.Payout != in.Payout {
				t.Fatalf("%+v %v", first, err)
			}
			again, err := w.c.Pay(t.Context(), in)
			if err != nil || again.Advance != first.Advance {
				t.Fatalf("a second time: %+v %v", again, err)
			}
			if _, err := w.box.SettlePayouts(""); err != nil {
				t.Fatal(err)
			}
			in.Advance = first.Advance
			got, err := w.c.Look(t.Context(), in)
			if err != nil || got.State != want.State || got.Failure != want.Failure || got.Payout != in.Payout || got.Amount != eur(43050) || got.Ref == "" {
				t.Fatalf("%+v %v", got, err)
			}
			in.Ref = got.Ref
			if by, err := w.c.Look(t.Context(), in); err != nil || by != got {
				t.Fatalf("%+v and %+v, %v", by, got, err)
			}
			in.Ref, in.Advance = "", ""
			lost, err := w.c.Look(t.Context(), in)
			switch {
			case want.State == payments.PaymentFailed && !errors.Is(err, payments.ErrNone):
				t.Fatalf("nothing has left: %+v %v", lost, err)
			case want.State != payments.PaymentFailed && (err != nil || lost.Amount != eur(43050)):
				t.Fatalf("%+v %v", lost, err)
			}
		})
	}
}

func TestAPayoutWithoutFundsIsRefused(t *testing.T) {
	w := start(t)
	in := payments.PayInput{Payout: id.New[id.PayoutKind](), To: "ada@mail.test", Amount: eur(43050), Since: w.srv.Now()}
	var e *payments.Error
	if _, err := w.c.Pay(t.Context(), in); !errors.As(err, &e) || e.Outcome != payments.Refused || e.Code != "INSUFFICIENT_FUNDS" {
		t.Fatal(err)
	}
	if _, err := w.c.Look(t.Context(), in); !errors.Is(err, payments.ErrNone) {
		t.Fatal(err)
	}
}

// The report of a life: each line says what it belongs to, and their sum is the account.
func TestMovements(t *testing.T) {
	w := start(t)
	ctx := context.Background()
	f := w.bought(eur(5800), "robin")
	if _, err := w.c.Refund(ctx, payments.RefundInput{Request: id.New[id.RefundKind](), Order: id.New[id.OrderKind](), Intent: f.Intent, Charge: f.Charge, Amount: eur(800)}); err != nil {
		t.Fatal(err)
	}
	number, err := w.box.Dispute(f.Charge, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.box.Resolve(number, "RESOLVED_BUYER_FAVOUR"); err != nil {
		t.Fatal(err)
	}
	g := w.bought(eur(90000), "robin")
	payout := payments.PayInput{Payout: id.New[id.PayoutKind](), To: "unclaimed@mail.test", Amount: eur(5000), Since: w.srv.Now()}
	if _, err := w.c.Pay(ctx, payout); err != nil {
		t.Fatal(err)
	}
	if _, err := w.box.SettlePayouts(""); err != nil {
		t.Fatal(err)
	}
	if err := w.srv.Advance(31 * 24 * time.Hour); err != nil { // nobody claims it
		t.Fatal(err)
	}
	var kinds []string
	byIntent, sum := map[string]int64{}, int64(0)
	paidOut := int64(0)
	err = w.c.Movements(ctx, time.Time{}, func(m payments.Movement) error {
		kinds = append(kinds, string(m.Kind))
		byIntent[m.Intent] += m.Amount.Minor
		sum += m.Amount.Minor - m.Fee.Minor
		if m.Kind == payments.MovementPayout {
			paidOut += m.Amount.Minor
			if m.Payout != payout.Payout {
				t.Errorf("%+v", m)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if byIntent[f.Intent] != 0 || byIntent[g.Intent] != 90000 || paidOut != 0 {
		t.Errorf("by payment %v, payouts %d", byIntent, paidOut)
	}
	for _, k := range []string{"charge", "refund", "dispute", "payout", "other"} {
		if !slices.Contains(kinds, k) {
			t.Errorf("no %s in %v", k, kinds)
		}
	}
	if have := w.box.Balance("EUR").Available; sum != have {
		t.Errorf("the lines come to %d, the account has %d", sum, have)
	}
	var late []string
	if err := w.c.Movements(ctx, w.srv.Now().Add(-time.Hour), func(m payments.Movement) error { late = append(late, string(m.Kind)); return nil }); err != nil || len(late) == 0 || len(late) == len(kinds) {
		t.Errorf("since an hour ago: %v, %v", late, err)
	}
}
