package sandbox_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"vitrine/app/sandbox"
)

func TestRefunds(t *testing.T) {
	s := start(t, sandbox.Options{})
	cs := paid(t, s, "4242424242424242")
	pi := cs.PaymentIntent.ID
	part, err := api(s).Refunds.New(&stripe.RefundParams{PaymentIntent: &pi, Amount: stripe.Int64(500), Reason: stripe.String("requested_by_customer"), Metadata: map[string]string{"order": "o1"}})
	if err != nil || part.Status != "succeeded" || part.Amount != 500 {
		t.Fatalf("%+v %v", part, err)
	}
	_, err = api(s).Refunds.New(&stripe.RefundParams{PaymentIntent: &pi, Amount: stripe.Int64(1401)})
	if e := stripeError(t, err); e.HTTPStatusCode != 400 || e.Param != "amount" || e.Msg != "Refund amount (€14.01) is greater than unrefunded amount on charge (€14.00)" {
		t.Errorf("too much: %+v", e)
	}
	ch := cs.PaymentIntent.LatestCharge.ID
	if rest, err := api(s).Refunds.New(&stripe.RefundParams{Charge: &ch}); err != nil || rest.Amount != 1400 {
		t.Fatalf("rest: %+v %v", rest, err)
	}
	_, err = api(s).Refunds.New(&stripe.RefundParams{Charge: &ch})
	if e := stripeError(t, err); e.Code != stripe.ErrorCodeChargeAlreadyRefunded {
		t.Errorf("again: %+v", e)
	}
	if c := chargesOf(t, s, pi)[0]; !c.Refunded || c.AmountRefunded != 1900 {
		t.Errorf("charge %+v", c)
	}
	if b := s.Stripe().Balance("eur"); b.Pending+b.Available != -54 || b.Available != -1900 { // the fee is not given back
		t.Errorf("balance %+v", b)
	}
	hasAll(t, eventTypes(s), "charge.refunded", "refund.created")
	unpaid := newSession(t, s)
	newBuyer(t).post(unpaid.URL, cardForm("4000000000000002"))
	failed := get(t, s, unpaid.ID).PaymentIntent
	if _, err = api(s).Refunds.New(&stripe.RefundParams{PaymentIntent: &failed.ID}); stripeError(t, err).HTTPStatusCode != 400 {
		t.Error("refund of a failed payment")
	}
	if _, err = api(s).Refunds.New(&stripe.RefundParams{Charge: &failed.LatestCharge.ID}); stripeError(t, err).HTTPStatusCode != 400 {
		t.Error("refund of a failed charge")
	}
}

func TestConcurrentRefundsNeverExceedTheCharge(t *testing.T) {
	s := start(t, sandbox.Options{})
	pi := paid(t, s, "4242424242424242").PaymentIntent.ID
	var wg sync.WaitGroup
	var mu sync.Mutex
	sum := int64(0)
	for range 20 {
		wg.Go(func() {
			if r, err := api(s).Refunds.New(&stripe.RefundParams{PaymentIntent: &pi, Amount: stripe.Int64(300)}); err == nil {
				mu.Lock()
				defer mu.Unlock()
				sum += r.Amount
			}
		})
	}
	wg.Wait()
	if sum != 1800 {
		t.Errorf("refunded %d", sum)
	}
}

func TestRefundThatFailsLater(t *testing.T) {
	s := start(t, sandbox.Options{})
	pi := paid(t, s, "4000000000005126").PaymentIntent.ID
	r, err := api(s).Refunds.New(&stripe.RefundParams{PaymentIntent: &pi})
	if err != nil || r.Status != "succeeded" {
		t.Fatalf("%+v %v", r, err)
	}
	if n, err := s.Stripe().SettleRefunds(); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if r, err = api(s).Refunds.Get(r.ID, nil); err != nil || r.Status != "failed" || r.FailureReason != "expired_or_canceled_card" || r.FailureBalanceTransaction == nil {
		t.Errorf("%+v %v", r, err)
	}
	if b := s.Stripe().Balance("eur"); b.Pending+b.Available != 1846 {
		t.Errorf("balance %+v", b)
	}
	pi = paid(t, s, "4000000000007726").PaymentIntent.ID
	if r, err = api(s).Refunds.New(&stripe.RefundParams{PaymentIntent: &pi}); err != nil || r.Status != "pending" {
		t.Fatalf("%+v %v", r, err)
	}
	if err := s.Advance(25 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if r, err = api(s).Refunds.Get(r.ID, nil); err != nil || r.Status != "succeeded" {
		t.Errorf("%+v %v", r, err)
	}
	hasAll(t, eventTypes(s), "refund.failed", "charge.refund.updated")
}

func TestMoneyBecomesAvailable(t *testing.T) {
	s := start(t, sandbox.Options{})
	paid(t, s, "4242424242424242")
	if err := s.Advance(48 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if b := s.Stripe().Balance("EUR"); b.Available != 1846 || b.Pending != 0 {
		t.Errorf("%+v", b)
	}
	bal, err := api(s).Balance.Get(nil)
	if err != nil || bal.Available[0].Amount != 1846 || bal.Pending[0].Amount != 0 {
		t.Errorf("%+v %v", bal, err)
	}
	if it := api(s).BalanceTransactions.List(&stripe.BalanceTransactionListParams{Type: stripe.String("charge")}); !it.Next() || it.BalanceTransaction().Status != "available" {
		t.Error("balance transaction is not available")
	}
}

func TestDisputes(t *testing.T) {
	s := start(t, sandbox.Options{})
	cs := paid(t, s, "4000000000000259")
	ch := cs.PaymentIntent.LatestCharge.ID
	if err := s.Advance(25 * time.Hour); err != nil {
		t.Fatal(err)
	}
	it := api(s).Disputes.List(&stripe.DisputeListParams{Charge: &ch})
	if !it.Next() {
		t.Fatal("no dispute", it.Err())
	}
	d := it.Dispute()
	if d.Status != "needs_response" || d.Amount != 1900 || d.BalanceTransactions[0].Net != -3900 {
		t.Errorf("%+v", d)
	}
	_, err := api(s).Refunds.New(&stripe.RefundParams{Charge: &ch})
	if e := stripeError(t, err); e.Code != stripe.ErrorCodeChargeDisputed {
		t.Errorf("refund while disputed: %+v", e)
	}
	d, err = api(s).Disputes.Update(d.ID, &stripe.DisputeParams{Evidence: &stripe.DisputeEvidenceParams{UncategorizedText: stripe.String("winning_evidence")}})
	if err != nil || d.Status != "won" {
		t.Fatalf("%+v %v", d, err)
	}
	if b := s.Stripe().Balance("eur"); b.Pending+b.Available != 1846 {
		t.Errorf("balance %+v", b)
	}
	hasAll(t, eventTypes(s), "charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated", "charge.dispute.closed")
	lost := paid(t, s, "4242424242424242").PaymentIntent
	if err := s.Stripe().Dispute(lost.ID, "product_not_received"); err != nil {
		t.Fatal(err)
	}
	it = api(s).Disputes.List(&stripe.DisputeListParams{PaymentIntent: &lost.ID})
	it.Next()
	if d, err = api(s).Disputes.Close(it.Dispute().ID, nil); err != nil || d.Status != "lost" {
		t.Errorf("%+v %v", d, err)
	}
	if err := s.Stripe().Decide(d.ID, true); err == nil {
		t.Error("decided twice")
	}
}

func TestPaymentIntentByItself(t *testing.T) {
	s := start(t, sandbox.Options{})
	c := api(s).PaymentIntents
	pi, err := c.New(&stripe.PaymentIntentParams{Amount: stripe.Int64(4900), Currency: stripe.String("eur"), Metadata: map[string]string{"a": "1", "b": "2"}})
	if err != nil || pi.Status != "requires_payment_method" || !pi.AutomaticPaymentMethods.Enabled || !strings.HasPrefix(pi.ClientSecret, pi.ID+"_secret_") {
		t.Fatalf("%+v %v", pi, err)
	}
	pi, err = c.Update(pi.ID, &stripe.PaymentIntentParams{Amount: stripe.Int64(5000), Metadata: map[string]string{"a": "", "c": "3"}})
	if err != nil || pi.Amount != 5000 || len(pi.Metadata) != 2 || pi.Metadata["c"] != "3" {
		t.Fatalf("update %+v %v", pi, err)
	}
	_, err = c.Confirm(pi.ID, &stripe.PaymentIntentConfirmParams{PaymentMethod: stripe.String("pm_card_visa")})
	if e := stripeError(t, err); !strings.Contains(e.Msg, "return_url") {
		t.Errorf("confirm without return_url: %+v", e)
	}
	pi, err = c.Confirm(pi.ID, &stripe.PaymentIntentConfirmParams{PaymentMethod: stripe.String("pm_card_authenticationRequired"), ReturnURL: stripe.String("http://x.test/back")})
	if err != nil || pi.Status != "requires_action" {
		t.Fatalf("%+v %v", pi, err)
	}
	p := newBuyer(t).post(pi.NextAction.RedirectToURL.URL, map[string][]string{"result": {"complete"}})
	if p.Status != http.StatusSeeOther || !strings.HasPrefix(p.Location, "http://x.test/back?payment_intent="+pi.ID) || !strings.Contains(p.Location, "redirect_status=succeeded") {
		t.Errorf("back: %d %s", p.Status, p.Location)
	}
	if _, err = c.Cancel(pi.ID, nil); stripeError(t, err).Code != stripe.ErrorCodePaymentIntentUnexpectedState {
		t.Error("canceled a paid one")
	}
	pi, err = c.New(&stripe.PaymentIntentParams{Amount: stripe.Int64(4900), Currency: stripe.String("eur"), Confirm: stripe.Bool(true), PaymentMethod: stripe.String("pm_card_visa_chargeDeclined"), ReturnURL: stripe.String("http://x.test")})
	if e := stripeError(t, err); e.Type != stripe.ErrorTypeCard || e.DeclineCode != "generic_decline" || e.PaymentIntent.Status != "requires_payment_method" || e.HTTPStatusCode != 402 {
		t.Errorf("declined: %+v %+v", e, pi)
	}
	pi, _ = c.New(&stripe.PaymentIntentParams{Amount: stripe.Int64(4900), Currency: stripe.String("eur")})
	if pi, err = c.Cancel(pi.ID, &stripe.PaymentIntentCancelParams{CancellationReason: stripe.String("abandoned")}); err != nil || pi.Status != "canceled" || pi.CanceledAt == 0 {
		t.Errorf("%+v %v", pi, err)
	}
	hasAll(t, eventTypes(s), "payment_intent.canceled", "payment_intent.requires_action")
	tried := newSession(t, s)
	newBuyer(t).post(tried.URL, cardForm("4000000000000002"))
	if _, err = c.Cancel(get(t, s, tried.ID).PaymentIntent.ID, nil); stripeError(t, err).HTTPStatusCode != 400 {
		t.Error("canceled the payment of an open session")
	}
}

func TestSessionExpires(t *testing.T) {
	s := start(t, sandbox.Options{})
	params := sessionParams(1900, "eur")
	params.ExpiresAt = stripe.Int64(s.Now().Add(31 * time.Minute).Unix())
	cs, err := api(s).CheckoutSessions.New(params)
	if err != nil {
		t.Fatal(err)
	}
	newBuyer(t).post(cs.URL, cardForm("4000000000000002"))
	if err := s.Advance(32 * time.Minute); err != nil {
		t.Fatal(err)
	}
	if p := newBuyer(t).get(cs.URL); p.Status != http.StatusGone || !strings.Contains(p.Body, "has expired") || !strings.Contains(p.Body, cancel) {
		t.Errorf("page: %d", p.Status)
	}
	if p := newBuyer(t).post(cs.URL, cardForm("4242424242424242")); p.Status != http.StatusGone {
		t.Errorf("paid after expiry: %d", p.Status)
	}
	if cs = get(t, s, cs.ID); cs.Status != "expired" || cs.URL != "" || cs.PaymentIntent.Status != "canceled" {
		t.Errorf("%+v", cs)
	}
	hasAll(t, eventTypes(s), "checkout.session.expired")
	second := newSession(t, s)
	if second, err = api(s).CheckoutSessions.Expire(second.ID, nil); err != nil || second.Status != "expired" {
		t.Errorf("%+v %v", second, err)
	}
	_, err = api(s).CheckoutSessions.Expire(second.ID, nil)
	if e := stripeError(t, err); !strings.Contains(e.Msg, "`expired`") {
		t.Errorf("%+v", e)
	}
	_, err = api(s).CheckoutSessions.Expire(paid(t, s, "4242424242424242").ID, nil)
	if e := stripeError(t, err); !strings.Contains(e.Msg, "`complete`") {
		t.Errorf("%+v", e)
	}
}

func TestDoubleClickOnPayChargesOnce(t *testing.T) {
	s := start(t, sandbox.Options{})
	for range 10 {
		cs := newSession(t, s)
		b := newBuyer(t)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if p := b.post(cs.URL, cardForm("4242424242424242")); p.Status != http.StatusSeeOther && p.Status != http.StatusOK {
					t.Errorf("press: %d", p.Status)
				}
			})
		}
		wg.Wait()
		if n := len(chargesOf(t, s, get(t, s, cs.ID).PaymentIntent.ID)); n != 1 {
			t.Errorf("%d charges", n)
		}
	}
}
