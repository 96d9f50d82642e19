package sandbox_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"vitrine/app/sandbox"
)

func TestPayoutsOutliveARestart(t *testing.T) {
	dir := t.TempDir()
	one := start(t, sandbox.Options{Dir: dir})
	id, asked := payee(t, one, "DE"), payee(t, one, "FR")
	if err := one.Stripe().Require(asked, one.Now().Add(72*time.Hour), "individual.phone"); err != nil {
		t.Fatal(err)
	}
	fundPlatform(t, one, 10000, "eur")
	tr, err := newTransfer(one, id, 1000, "eur")
	if err != nil {
		t.Fatal(err)
	}
	raw(t, one, "POST", "/v1/transfers/"+tr.ID+"/reversals", "amount=100")
	stored := raw(t, one, "POST", "/v1/payouts", "amount=500&currency=eur", "Stripe-Account", id, "Idempotency-Key", "p1")
	file := upload(t, one, "dispute_evidence", "a.pdf", pdf, "").Body["id"].(string)
	pi := paid(t, one, "4242424242424242").PaymentIntent
	warned, err := one.Stripe().Warn(pi.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	link := accountLink(t, one, asked)
	form := setupForm(t, newBuyer(t), accountLink(t, one, asked))
	base, events, balance := one.URL(), len(one.Stripe().Events()), one.Stripe().BalanceOf(id, "eur")
	one.Close()

	two := start(t, sandbox.Options{Dir: dir})
	if b := two.Stripe().BalanceOf(id, "eur"); b != balance || b.Available != 400 || len(two.Stripe().Events()) != events || two.Stripe().Events()[0].Account != one.Stripe().Events()[0].Account {
		t.Errorf("balance %+v, events %d of %d", b, len(two.Stripe().Events()), events)
	}
	if got, err := api(two).Transfers.Get(tr.ID, nil); err != nil || got.AmountReversed != 100 || len(got.Reversals.Data) != 1 {
		t.Errorf("%+v %v", got, err)
	}
	again := raw(t, two, "POST", "/v1/payouts", "amount=500&currency=eur", "Stripe-Account", id, "Idempotency-Key", "p1")
	if again.Body["id"] != stored.Body["id"] || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("key forgotten: %v", again.Body)
	}
	for _, path := range []string{"/v1/files/" + file, "/v1/radar/early_fraud_warnings/" + warned} {
		if a := raw(t, two, "GET", path, ""); a.Status != 200 {
			t.Errorf("%s: %+v", path, a.Error)
		}
	}
	if err := two.Advance(6 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if po := payoutOf(t, two, id, stored.Body["id"].(string)); po.Status != "paid" {
		t.Errorf("the payout on its way: %s", po.Status)
	}
	if a := account(t, two, asked); a.PayoutsEnabled || a.Requirements.DisabledReason != "requirements.past_due" {
		t.Errorf("the deadline was forgotten: %+v", a.Requirements)
	}
	two.Close()

	three := start(t, sandbox.Options{Dir: dir}) // links that are over leave the journal
	for _, u := range []string{link, form} {
		if p := newBuyer(t).get(strings.Replace(u, base, three.URL(), 1)); p.Status != http.StatusNotFound {
			t.Errorf("%s: %d", u, p.Status)
		}
	}
}

func TestControlOfAccounts(t *testing.T) {
	s := start(t, sandbox.Options{})
	step := stepper(t, s)
	id := newAccount(t, s, "DE").ID
	acct := `{"account":"` + id + `"`
	step("/stripe/accounts/onboard", acct+`,"how":"document"}`, 200)
	step("/stripe/accounts/onboard", acct+`}`, 200)
	step("/stripe/accounts/onboard", `{"account":"acct_none"}`, 403)
	step("/stripe/accounts/require", acct+`,"names":["individual.phone"],"deadline":`+strconv.FormatInt(s.Now().Add(time.Hour).Unix(), 10)+`}`, 200)
	if r := account(t, s, id).Requirements; r.CurrentDeadline == 0 || r.CurrentlyDue[0] != "individual.phone" {
		t.Errorf("%+v", r)
	}
	step("/stripe/accounts/require", acct+`}`, 200)
	if r := account(t, s, id).Requirements; r.CurrentDeadline != 0 || len(r.CurrentlyDue) != 0 {
		t.Errorf("%+v", r)
	}
	step("/stripe/accounts/disable", acct+`,"reason":"listed"}`, 200)
	if account(t, s, id).PayoutsEnabled {
		t.Error("not stopped")
	}
	step("/stripe/accounts/restore", acct+`}`, 200)
	step("/stripe/accounts/deauthorize", acct+`}`, 200)
	step("/stripe/accounts/deauthorize", acct+`}`, 403)
	if _, out := control(t, s, "GET", "/stripe/events?type=account.application.deauthorized", ""); out["events"].([]any)[0].(map[string]any)["account"] != id {
		t.Errorf("%v", out)
	}
	if p := newBuyer(t).get(s.URL()); !strings.Contains(p.Body, id) || !strings.Contains(p.Body, "deauthorized") {
		t.Error("the index page does not show accounts")
	}
}

func TestControlOfPayouts(t *testing.T) {
	s := start(t, sandbox.Options{})
	step := stepper(t, s)
	id := payee(t, s, "DE")
	acct := `{"account":"` + id + `"`
	step("/stripe/accounts/bank", acct+`,"failure":"account_closed"}`, 200)
	step("/stripe/accounts/bank", acct+`,"failure":"bad luck"}`, 400)
	fundPlatform(t, s, 10000, "eur")
	if _, err := newTransfer(s, id, 1000, "eur"); err != nil {
		t.Fatal(err)
	}
	po, err := newPayout(s, id, 100, "eur")
	if err != nil {
		t.Fatal(err)
	}
	if out := step("/stripe/payouts/submit", `{"payout":"`+po.ID+`"}`, 200); out["settled"] != float64(1) {
		t.Errorf("%v", out)
	}
	if out := step("/stripe/payouts/settle", `{}`, 200); out["settled"] != float64(1) {
		t.Errorf("%v", out)
	}
	step("/stripe/payouts/fail", `{"payout":"`+po.ID+`"}`, 400) // it has failed
	if got := payoutOf(t, s, id, po.ID); got.FailureCode != stripe.PayoutFailureCodeAccountClosed {
		t.Errorf("%+v", got)
	}
	if _, out := control(t, s, "GET", "/stripe/balance?account="+id, ""); out["available"] != float64(1000) {
		t.Errorf("%v", out)
	}
	if _, out := control(t, s, "GET", "/stripe/accounts", ""); out["accounts"].([]any)[0].(map[string]any)["id"] != id {
		t.Errorf("%v", out)
	}
	if p := newBuyer(t).get(s.URL()); !strings.Contains(p.Body, "Let all arrive now") {
		t.Error("the index page does not show payouts")
	}
	if p := newBuyer(t).post(s.URL()+"/control/stripe/payouts/settle", url.Values{}); p.Status != http.StatusSeeOther {
		t.Errorf("%d", p.Status)
	}
}

func TestControlOfWarningsAndVerdicts(t *testing.T) {
	s := start(t, sandbox.Options{})
	step := stepper(t, s)
	pi := paid(t, s, "4242424242424242").PaymentIntent.ID
	if out := step("/stripe/warn", `{"payment_intent":"`+pi+`","reason":"misc"}`, 200); !strings.HasPrefix(out["id"].(string), "issfr_") {
		t.Errorf("%v", out)
	}
	step("/stripe/dispute/inquire", `{"payment_intent":"`+pi+`"}`, 200)
	du := disputeOf(t, s, pi).ID
	step("/stripe/dispute/flip", `{"dispute":"`+du+`"}`, 400)
	step("/stripe/dispute/inquiry/close", `{"dispute":"`+du+`"}`, 200)
	other := paid(t, s, "4242424242424242").PaymentIntent.ID
	step("/stripe/dispute", `{"payment_intent":"`+other+`"}`, 200)
	du = disputeOf(t, s, other).ID
	step("/stripe/dispute/withdraw", `{"dispute":"`+du+`"}`, 200)
	step("/stripe/dispute/flip", `{"dispute":"`+du+`"}`, 200)
	if d := disputeOf(t, s, other); d.Status != "lost" {
		t.Errorf("%s", d.Status)
	}
	upload(t, s, "dispute_evidence", "a.pdf", pdf, "")
	if _, out := control(t, s, "GET", "/stripe/files", ""); out["files"].([]any)[0].(map[string]any)["filename"] != "a.pdf" {
		t.Errorf("%v", out)
	}
}

// TestEndpointsHearOfTheirOwnOrOfConnected: an endpoint is made for the platform's events or for those of accounts.
func TestEndpointsHearOfTheirOwnOrOfConnected(t *testing.T) {
	s := start(t, sandbox.Options{})
	own, connect := newListener(t), newListener(t)
	for _, l := range []struct {
		url     string
		connect bool
	}{{own.URL, false}, {connect.URL, true}} {
		if _, err := api(s).WebhookEndpoints.New(&stripe.WebhookEndpointParams{URL: stripe.String(l.url), Connect: stripe.Bool(l.connect), APIVersion: stripe.String(stripe.APIVersion), EnabledEvents: stripe.StringSlice([]string{"*"})}); err != nil {
			t.Fatal(err)
		}
	}
	payee(t, s, "DE")
	paid(t, s, "4242424242424242")
	flush(t, s)
	if n, m := own.count("charge.succeeded"), connect.count("charge.succeeded"); n != 1 || m != 0 {
		t.Errorf("the platform's: %d and %d", n, m)
	}
	if n, m := own.count("account.updated"), connect.count("account.updated"); n != 0 || m != 1 {
		t.Errorf("the account's: %d and %d", n, m)
	}
}
