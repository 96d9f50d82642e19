package sandbox_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"pgregory.net/rapid"

	"vitrine/app/sandbox"
)

// TestMoneyIsOnlyMoved does anything in any order: what the platform and the accounts have and what banks hold is always
// what buyers paid, less fees.
func TestMoneyIsOnlyMoved(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, err := sandbox.Start(t.Context(), sandbox.Options{})
		if err != nil {
			rt.Fatal(err)
		}
		defer s.Close()
		st := s.Stripe()
		ids := []string{payee(t, s, "DE"), payee(t, s, "FR")}
		in, transfers, payouts := int64(0), []string{}, []string{}
		some := func(list []string) string {
			if len(list) == 0 {
				return "none"
			}
			return rapid.SampledFrom(list).Draw(rt, "which")
		}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			id, n := some(ids), rapid.Int64Range(1, 1500).Draw(rt, "amount")
			switch rapid.IntRange(0, 9).Draw(rt, "step") {
			case 0, 1:
				fundPlatform(t, s, 1000, "eur")
				in += 1000 - 40
			case 2, 3:
				if tr, err := newTransfer(s, id, n, "eur"); err == nil {
					transfers = append(transfers, tr.ID)
				}
			case 4, 5:
				if po, err := newPayout(s, id, n, "eur"); err == nil {
					payouts = append(payouts, po.ID)
				}
			case 6:
				tr := some(transfers)
				_, _ = api(s).TransferReversals.New(&stripe.TransferReversalParams{ID: &tr, Amount: &n})
			case 7:
				_ = st.FailPayout(some(payouts), "could_not_process")
			case 8:
				p := &stripe.PayoutParams{}
				p.SetStripeAccount(id)
				_, _ = api(s).Payouts.Cancel(some(payouts), p)
			case 9:
				if err := s.Advance(time.Duration(rapid.IntRange(1, 60).Draw(rt, "hours")) * time.Hour); err != nil {
					rt.Fatal(err)
				}
			}
		}
		if have, atBanks := whereMoneyIs(t, s, ids); have+atBanks != in {
			rt.Fatalf("%d with us and %d at banks, of %d", have, atBanks, in)
		}
	})
}

// whereMoneyIs sums what the platform and the accounts have, and what was paid out for good.
func whereMoneyIs(t *testing.T, s *sandbox.Server, ids []string) (have, atBanks int64) {
	t.Helper()
	have = s.Stripe().Balance("eur").Available + s.Stripe().Balance("eur").Pending
	for _, id := range ids {
		b := s.Stripe().BalanceOf(id, "eur")
		if b.Available < 0 || b.Pending != 0 {
			t.Errorf("%s has %+v", id, b)
		}
		have += b.Available
		for _, p := range listed(t, s, "/v1/payouts?limit=100", id) {
			if status := p["status"]; status != "failed" && status != "canceled" {
				atBanks += int64(p["amount"].(float64))
			}
		}
	}
	return have, atBanks
}

// TestNoFormBreaksThePayoutCalls sends right names in wrong places and right values for other names.
func TestNoFormBreaksThePayoutCalls(t *testing.T) {
	s := start(t, sandbox.Options{})
	id := payee(t, s, "DE")
	fundPlatform(t, s, 100000, "eur")
	tr, err := newTransfer(s, id, 5000, "eur")
	if err != nil {
		t.Fatal(err)
	}
	po, err := newPayout(s, id, 1000, "eur")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"type", "country", "email", "capabilities[transfers][requested]", "capabilities", "capabilities[transfers]", "settings[payouts][schedule][interval]", "settings", "business_type", "business_profile[url]", "metadata[a]",
		"metadata", "account", "refresh_url", "return_url", "collect", "amount", "currency", "destination", "transfer_group", "source_transaction", "source_type", "description", "statement_descriptor", "method", "expand[]", "limit", "created",
		"created[gte]", "arrival_date", "arrival_date[lt]", "status", "starting_after", "ending_before", "payout", "source", "charge", "purpose", "evidence[receipt]", "submit", "types[]"}
	values := []string{"", "express", "DE", "XX", "eur", "huf", "0", "1", "-1", "150", "99999999999999999999", "true", "manual", "individual", "account_onboarding", "http://x.test", "a@b.co", id, tr.ID, po.ID, "data.source", "destination",
		"balance_transaction", "paid", "\x00", "\xff", "<b>", strings.Repeat("x", 6000), "dispute_evidence"}
	calls := []string{"POST /v1/accounts", "GET /v1/accounts", "POST /v1/accounts/" + id, "POST /v1/account_links", "POST /v1/accounts/" + id + "/login_links", "POST /v1/transfers", "GET /v1/transfers", "GET /v1/transfers/" + tr.ID,
		"POST /v1/transfers/" + tr.ID, "POST /v1/transfers/" + tr.ID + "/reversals", "GET /v1/transfers/" + tr.ID + "/reversals", "POST /v1/payouts", "GET /v1/payouts", "POST /v1/payouts/" + po.ID, "POST /v1/payouts/" + po.ID + "/cancel",
		"GET /v1/balance", "GET /v1/balance_transactions", "GET /v1/events", "GET /v1/radar/early_fraud_warnings", "GET /v1/files", "POST /v1/files"}
	rapid.Check(t, func(rt *rapid.T) {
		form := url.Values{}
		if rapid.Bool().Draw(rt, "start from a good one") {
			form, _ = url.ParseQuery("amount=100&currency=eur&destination=" + id)
		}
		for range rapid.IntRange(0, 6).Draw(rt, "n") {
			form.Set(rapid.SampledFrom(names).Draw(rt, "name"), rapid.SampledFrom(values).Draw(rt, "value"))
		}
		method, path, _ := strings.Cut(rapid.SampledFrom(calls).Draw(rt, "call"), " ")
		body := form.Encode()
		if method == "GET" {
			path, body = path+"?"+body, ""
		}
		a := raw(t, s, method, path, body, "Stripe-Account", rapid.SampledFrom([]string{"", "", id, "acct_none"}).Draw(rt, "account"))
		if a.Status >= 500 || (a.Status >= 400 && (a.Error.Type == "" || a.Error.Message == "")) {
			rt.Fatalf("%s %s: %d %+v", method, path, a.Status, a.Error)
		}
	})
	if b, p := s.Stripe().BalanceOf(id, "eur"), s.Stripe().Balance("eur"); b.Available < 0 || p.Available < 0 {
		t.Errorf("spent what was not there: account %+v, platform %+v", b, p)
	}
}
