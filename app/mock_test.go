package app_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"vitrine/app/apptest"
	"vitrine/app/config"
	"vitrine/app/disputes"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/payouts"
	"vitrine/app/refunds"
	"vitrine/app/sandbox"
	"vitrine/app/sandbox/sandboxtest"
)

// Whatever the product asks of Stripe, Stripe's own request checker takes: a sale, a page that is looked up and
// one that is closed because nobody paid, and the check of the book.
func TestStripesOwnCheckerTakesEveryCallOfTheProduct(t *testing.T) {
	mock := sandboxtest.StripeMock(t)
	w := apptest.New(t)
	c := w.Creator()
	w.Stripe.Record()
	w.Buy(c.Product)
	w.Begin(c.Product)
	w.Settle()
	w.Pass(26 * time.Hour)
	if err := w.App.Orders.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.App.CheckMoney(t.Context()); err != nil {
		t.Fatal(err)
	}
	calls := w.Stripe.Calls()
	seen := map[string]bool{}
	for _, k := range calls {
		seen[k.Method] = true
	}
	if len(calls) < 4 || !seen["POST"] || !seen["GET"] {
		t.Fatalf("only %d calls were made: %v", len(calls), seen)
	}
	sandboxtest.Replay(t, mock, calls)
}

// The same for everything that follows a sale: a creator's account and its pages, an integrator's payment, a refund, a
// dispute that is answered and one that is given up, a payout that arrives and one that comes back.
func TestStripesOwnCheckerTakesEveryCallOfTheMoney(t *testing.T) {
	mock := sandboxtest.StripeMock(t)
	w := &integrators{apptest.New(t, func(c *config.Config) { c.SettlementDays = 7 })}
	c := w.Creator()
	w.Stripe.Record()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	m := onboarded(t, w.World, c)
	_, err := w.App.Payouts.Update(ctx, c.User)
	must(err)
	_, err = w.App.Payouts.Dashboard(ctx, c.User)
	must(err)

	p := w.program(c.User)
	status, made := p.post("/api/v1/payment/create-intent", "one", basket(c.Product, 1))
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, made)
	}
	if status, done := p.post("/api/v1/payment/confirm", "two", map[string]any{"payment_intent": made["payment_intent"], "payment_method": "pm_card_visa"}); status != http.StatusOK {
		t.Fatalf("%d %v", status, done)
	}
	w.Settle()
	small := c.Product
	c.AddProduct("The whole kiln", "2900.00") // so that the platform's share pays for the disputes
	charges := make([]string, 4)
	for i := range charges {
		product := c.Product
		if i < 3 {
			product = small
		}
		w.Buy(product)
		w.Settle()
		charges[i] = row(t, w.World, `SELECT charge_id FROM orders ORDER BY created_at DESC LIMIT 1`)
	}
	order, err := id.Parse[id.OrderKind](row(t, w.World, `SELECT id FROM orders WHERE charge_id = $1`, charges[0]))
	must(err)
	_, err = w.App.Refunds.Create(ctx, c.User, refunds.Input{Key: "refund", Order: order, Amount: money.Amount{Minor: 400, Currency: "EUR"}, Reason: "goodwill"})
	must(err)
	must(w.Stripe.Dispute(charges[1], "fraudulent"))
	must(w.Stripe.Dispute(charges[2], "fraudulent"))
	w.Settle()
	all, err := w.App.Disputes.List(ctx, c.User)
	if err != nil || len(all) != 2 {
		t.Fatalf("%d disputes, %v", len(all), err)
	}
	must(w.App.Disputes.Save(ctx, c.User, all[0].ID, "It was downloaded.", ""))
	must(w.App.Disputes.Attach(ctx, c.User, all[0].ID, "other", "proof.png", png))
	must(w.App.Disputes.Send(ctx, c.User, all[0].ID))
	must(w.App.Disputes.Accept(ctx, c.User, all[1].ID))
	w.Settle()
	if d, err := w.App.Disputes.Get(ctx, c.User, all[0].ID); err != nil || d.Answer != disputes.Sent {
		t.Fatalf("%+v %v", d, err)
	}

	pay := func() {
		w.Pass(8 * 24 * time.Hour)
		w.Settle()
		must(w.App.Orders.Mature(ctx))
		must(w.App.Payouts.Run(ctx, w.Now()))
		w.Settle()
	}
	pay()
	ps, _, err := w.App.Payouts.List(ctx, c.User, "")
	if err != nil || len(ps) != 1 || ps[0].State != payouts.Sent {
		t.Fatalf("%+v %v", ps, err)
	}
	must(w.Stripe.FailPayout(ps[0].Ref, "account_closed"))
	w.Settle()
	must(w.App.Payouts.Sweep(ctx))
	w.Settle()
	must(w.App.Payouts.Recover(ctx, ps[0].ID))
	must(w.Stripe.Onboard(m.Account, sandbox.Complete))
	_, err = w.App.CheckMoney(ctx)
	must(err)

	calls := w.Stripe.Calls()
	seen := map[string]bool{}
	number := regexp.MustCompile(`/(\w{2,4}_)\w+`)
	for _, k := range calls {
		seen[k.Method+" "+strings.TrimSuffix(number.ReplaceAllString(k.Path, "/$1"), "/")] = true
	}
	for _, want := range []string{"POST /v1/accounts", "POST /v1/account_links", "POST /v1/accounts/acct_/login_links", "POST /v1/payment_intents", "POST /v1/payment_intents/pi_/confirm", "POST /v1/refunds",
		"POST /v1/files", "POST /v1/disputes/du_", "POST /v1/disputes/du_/close", "POST /v1/transfers", "POST /v1/payouts", "POST /v1/transfers/tr_/reversals", "GET /v1/balance_transactions"} {
		if !seen[want] {
			t.Errorf("%s was not called", want)
		}
	}
	if t.Failed() {
		t.Logf("%v", seen)
	}
	sandboxtest.Replay(t, mock, calls)
}

// png is a picture of one pixel.
var png = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xa75\x81\x84\x00\x00\x00\x00IEND\xaeB`\x82")
