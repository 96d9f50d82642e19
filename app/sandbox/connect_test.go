package sandbox_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"vitrine/app/sandbox"
)

func accountParams(country string) *stripe.AccountParams {
	return &stripe.AccountParams{Type: stripe.String("express"), Country: stripe.String(country), Email: stripe.String("lea@example.com"),
		Capabilities: &stripe.AccountCapabilitiesParams{Transfers: &stripe.AccountCapabilitiesTransfersParams{Requested: stripe.Bool(true)}},
		Settings: &stripe.AccountSettingsParams{Payouts: &stripe.AccountSettingsPayoutsParams{Schedule: &stripe.AccountSettingsPayoutsScheduleParams{
			Interval: stripe.String("manual")}}}, Metadata: map[string]string{"creator": "1"}}
}

func newAccount(t *testing.T, s *sandbox.Server, country string) *stripe.Account {
	t.Helper()
	a, err := api(s).Accounts.New(accountParams(country))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// payee is an account that can be paid.
func payee(t *testing.T, s *sandbox.Server, country string) string {
	t.Helper()
	a := newAccount(t, s, country)
	if err := s.Stripe().Onboard(a.ID, sandbox.Complete); err != nil {
		t.Fatal(err)
	}
	return a.ID
}

func account(t *testing.T, s *sandbox.Server, id string) *stripe.Account {
	t.Helper()
	a, err := api(s).Accounts.GetByID(id, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func accountLink(t *testing.T, s *sandbox.Server, id string) string {
	t.Helper()
	l, err := api(s).AccountLinks.New(&stripe.AccountLinkParams{Account: &id, Type: stripe.String("account_onboarding"), RefreshURL: stripe.String("http://localhost:8080/refresh"), ReturnURL: stripe.String("http://localhost:8080/back")})
	if err != nil {
		t.Fatal(err)
	}
	return l.URL
}

// setupForm follows a link and answers the address of its form.
func setupForm(t *testing.T, b buyer, link string) string {
	t.Helper()
	p := b.get(link)
	_, rest, ok := strings.Cut(p.Body, `action="`)
	action, _, _ := strings.Cut(rest, `"`)
	if p.Status != http.StatusOK || !ok {
		t.Fatalf("%s: %d %s", link, p.Status, p.Body)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	return u.Scheme + "://" + u.Host + action
}

func fundPlatform(t *testing.T, s *sandbox.Server, amount int64, currency string) *stripe.Charge {
	t.Helper()
	pi, err := api(s).PaymentIntents.New(&stripe.PaymentIntentParams{Amount: &amount, Currency: &currency, Confirm: stripe.Bool(true), PaymentMethod: stripe.String("pm_card_bypassPending"),
		PaymentMethodTypes: stripe.StringSlice([]string{"card"})})
	if err != nil {
		t.Fatal(err)
	}
	return pi.LatestCharge
}

func newTransfer(s *sandbox.Server, to string, amount int64, currency string) (*stripe.Transfer, error) {
	return api(s).Transfers.New(&stripe.TransferParams{Amount: &amount, Currency: &currency, Destination: &to, TransferGroup: stripe.String("payout_1"), Metadata: map[string]string{"payout": "1"}})
}

func newPayout(s *sandbox.Server, of string, amount int64, currency string) (*stripe.Payout, error) {
	p := &stripe.PayoutParams{Amount: &amount, Currency: &currency, StatementDescriptor: stripe.String("VITRINE 1"), Metadata: map[string]string{"payout": "1"}}
	p.SetStripeAccount(of)
	return api(s).Payouts.New(p)
}

func payoutOf(t *testing.T, s *sandbox.Server, of, id string) *stripe.Payout {
	t.Helper()
	p := &stripe.PayoutParams{}
	p.SetStripeAccount(of)
	got, err := api(s).Payouts.Get(id, p)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// eventsOf are the types of what happened on an account.
func eventsOf(s *sandbox.Server, account string) []string {
	var out []string
	for _, e := range s.Stripe().Events() {
		if e.Account == account {
			out = append(out, e.Type)
		}
	}
	return out
}

func TestMoneyGoesAllTheWayToTheBank(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) // a Wednesday
	s := start(t, sandbox.Options{Clock: func() time.Time { return now }})
	a := newAccount(t, s, "FR")
	if a.Type != "express" || a.PayoutsEnabled || a.ChargesEnabled || a.DetailsSubmitted || a.Capabilities.Transfers != "inactive" || a.Requirements.DisabledReason != "requirements.past_due" ||
		!slices.Contains(a.Requirements.CurrentlyDue, "external_account") || a.Settings.Payouts.Schedule.Interval != "manual" || a.Metadata["creator"] != "1" {
		t.Fatalf("new: %+v", a)
	}
	form := setupForm(t, newBuyer(t), accountLink(t, s, a.ID))
	if p := newBuyer(t).post(form, url.Values{"result": {"complete"}}); p.Status != http.StatusSeeOther || p.Location != "http://localhost:8080/back" {
		t.Fatalf("form: %d %s", p.Status, p.Location)
	}
	a = account(t, s, a.ID)
	if !a.PayoutsEnabled || !a.DetailsSubmitted || a.Capabilities.Transfers != "active" || len(a.Requirements.CurrentlyDue) != 0 || a.Requirements.DisabledReason != "" {
		t.Fatalf("done: %+v", a.Requirements)
	}
	if b := a.ExternalAccounts.Data[0].BankAccount; b.Last4 != "3000" || b.Currency != "eur" || b.Country != "FR" {
		t.Errorf("bank %+v", b)
	}
	hasAll(t, eventsOf(s, a.ID), "account.updated", "capability.updated", "account.external_account.created")

	fundPlatform(t, s, 10000, "eur")
	tr, err := newTransfer(s, a.ID, 5000, "eur")
	if err != nil || tr.Destination.ID != a.ID || tr.BalanceTransaction == nil || tr.Reversed {
		t.Fatalf("%+v %v", tr, err)
	}
	if p, c := s.Stripe().Balance("eur"), s.Stripe().BalanceOf(a.ID, "eur"); p.Available != 10000-175-5000 || c.Available != 5000 {
		t.Errorf("platform %+v, account %+v", p, c)
	}
	po, err := newPayout(s, a.ID, 5000, "eur")
	if err != nil || po.Status != "pending" || time.Unix(po.ArrivalDate, 0).UTC() != time.Date(2026, 3, 6, 0, 0, 0, 0, time.UTC) || po.Destination.ID != a.ExternalAccounts.Data[0].ID {
		t.Fatalf("%+v %v", po, err)
	}
	if c := s.Stripe().BalanceOf(a.ID, "eur"); c.Available != 0 {
		t.Errorf("account %+v", c)
	}
	for _, step := range []struct {
		by   time.Duration
		want string
	}{{13 * time.Hour, "in_transit"}, {24 * time.Hour, "paid"}} {
		if err := s.Advance(step.by); err != nil {
			t.Fatal(err)
		}
		if got := payoutOf(t, s, a.ID, po.ID); string(got.Status) != step.want {
			t.Errorf("%s, want %s", got.Status, step.want)
		}
	}
	hasAll(t, eventsOf(s, a.ID), "payout.created", "payout.updated", "payout.paid")
	hasAll(t, eventsOf(s, ""), "transfer.created")
	if slices.Contains(eventsOf(s, ""), "payout.paid") || slices.Contains(eventsOf(s, a.ID), "transfer.created") {
		t.Error("events on the wrong account")
	}
}

func TestAccountEventsNameTheAccount(t *testing.T) {
	s := start(t, sandbox.Options{})
	sh := newShop(t, s)
	id := payee(t, s, "DE")
	flush(t, s)
	for _, e := range sh.got(t) {
		if e.Account != id {
			t.Errorf("%s of %q", e.Type, e.Account)
		}
		if e.Type != "account.updated" {
			continue
		}
		var a stripe.Account
		if err := json.Unmarshal(e.Data.Raw, &a); err != nil || a.ID != id || !a.PayoutsEnabled || e.Data.PreviousAttributes["payouts_enabled"] != false {
			t.Errorf("%v %+v %v", err, a, e.Data.PreviousAttributes)
		}
	}
	if n := len(sh.got(t)); n != 3 {
		t.Errorf("%d events", n)
	}
}
