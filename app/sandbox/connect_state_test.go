package sandbox_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"vitrine/app/sandbox"
)

func TestHowTheFormCanEnd(t *testing.T) {
	s := start(t, sandbox.Options{})
	for _, c := range []struct {
		how       sandbox.Onboarding
		submitted bool
		payouts   bool
		due       string
		pending   string
		disabled  string
		last4     string
	}{
		{sandbox.Complete, true, true, "", "", "", "6789"},
		{sandbox.Document, true, true, "individual.verification.document", "", "", "6789"},
		{sandbox.Verifying, true, false, "", "individual.verification.document", "requirements.pending_verification", "6789"},
		{sandbox.WrongBank, true, true, "", "", "", "1116"},
		{sandbox.Leave, false, false, "external_account", "", "requirements.past_due", ""},
	} {
		a := newAccount(t, s, "US")
		form := setupForm(t, newBuyer(t), accountLink(t, s, a.ID))
		if p := newBuyer(t).post(form, url.Values{"result": {string(c.how)}}); p.Status != http.StatusSeeOther || p.Location != "http://localhost:8080/back" {
			t.Fatalf("%s: %d", c.how, p.Status)
		}
		a = account(t, s, a.ID)
		r := a.Requirements
		if a.DetailsSubmitted != c.submitted || a.PayoutsEnabled != c.payouts || string(r.DisabledReason) != c.disabled || (c.due != "") != slices.Contains(r.CurrentlyDue, c.due) ||
			strings.Join(r.PendingVerification, " ") != c.pending {
			t.Errorf("%s: %+v", c.how, a.Requirements)
		}
		if c.last4 != "" && a.ExternalAccounts.Data[0].BankAccount.Last4 != c.last4 {
			t.Errorf("%s: bank %+v", c.how, a.ExternalAccounts.Data[0].BankAccount)
		}
		if c.how == sandbox.Document && (r.CurrentDeadline == 0 || r.Errors[0].Requirement != c.due || r.Errors[0].Reason == "" || r.EventuallyDue[0] != c.due) {
			t.Errorf("document: %+v", r)
		}
	}
	id := newAccount(t, s, "DE").ID
	if err := s.Stripe().Onboard(id, sandbox.Verifying); err != nil {
		t.Fatal(err)
	}
	if err := s.Advance(61 * time.Minute); err != nil {
		t.Fatal(err)
	}
	if a := account(t, s, id); !a.PayoutsEnabled || a.Capabilities.Transfers != "active" || len(a.Requirements.PendingVerification) != 0 {
		t.Errorf("after the check: %+v", a.Requirements)
	}
	if p := newBuyer(t).post(setupForm(t, newBuyer(t), accountLink(t, s, newAccount(t, s, "DE").ID)), url.Values{"result": {"cheat"}}); p.Status != http.StatusBadRequest {
		t.Errorf("unknown end: %d", p.Status)
	}
}

func TestALinkWorksOnceAndNotForLong(t *testing.T) {
	s := start(t, sandbox.Options{})
	b := newBuyer(t)
	id := newAccount(t, s, "DE").ID
	used := accountLink(t, s, id)
	form := setupForm(t, b, used)
	if p := b.get(used); p.Status != http.StatusSeeOther || p.Location != "http://localhost:8080/refresh" {
		t.Errorf("a second time: %d %s", p.Status, p.Location)
	}
	for range 2 { // pressed twice
		if p := b.post(form, url.Values{"result": {"complete"}}); p.Status != http.StatusSeeOther || p.Location != "http://localhost:8080/back" {
			t.Errorf("form: %d %s", p.Status, p.Location)
		}
	}
	old, open := accountLink(t, s, id), setupForm(t, b, accountLink(t, s, id))
	if err := s.Advance(6 * time.Minute); err != nil {
		t.Fatal(err)
	}
	if p := b.get(old); p.Location != "http://localhost:8080/refresh" {
		t.Errorf("too late: %d %s", p.Status, p.Location)
	}
	if err := s.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	if p := b.post(open, url.Values{"result": {"complete"}}); p.Status != http.StatusGone {
		t.Errorf("a page left open for an hour: %d", p.Status)
	}
	other := newAccount(t, s, "DE").ID
	if p := b.get(strings.Replace(accountLink(t, s, id), id, other, 1)); p.Status != http.StatusNotFound {
		t.Errorf("another account's page: %d", p.Status)
	}
	if p := b.get(s.URL() + "/stripe/setup/" + id + "/guessed"); p.Status != http.StatusNotFound {
		t.Errorf("a guessed link: %d", p.Status)
	}
	rs, err := http.Head(accountLink(t, s, id))
	if err != nil || rs.StatusCode != 200 {
		t.Fatal(err)
	}
	link := accountLink(t, s, id)
	if _, err := http.Head(link); err != nil {
		t.Fatal(err)
	}
	if p := b.get(link); p.Status != 200 || !strings.Contains(p.Body, "Your details are complete") || !strings.Contains(p.Body, "•••• 3000") {
		t.Errorf("a preview used the link up, or the page does not know the account: %d", p.Status)
	}
}

func TestAccountCallsThatAreRefused(t *testing.T) {
	s := start(t, sandbox.Options{})
	a := newAccount(t, s, "DE").ID
	good := "type=express&country=DE&capabilities[transfers][requested]=true"
	link := "account=" + a + "&type=account_onboarding&refresh_url=http://x.test/r&return_url=http://x.test/b"
	for _, c := range []struct {
		path, form        string
		status            int
		code, param, says string
	}{
		{"/v1/accounts", with(good, "type", ""), 400, "parameter_missing", "type", ""},
		{"/v1/accounts", with(good, "type", "custom"), 400, "parameter_unknown", "type", ""},
		{"/v1/accounts", with(good, "type", "gold"), 400, "", "type", "must be one of custom, express, or standard"},
		{"/v1/accounts", with(good, "country", "XX"), 400, "country_unsupported", "country", ""},
		{"/v1/accounts", with(good, "email", "nobody"), 400, "email_invalid", "email", ""},
		{"/v1/accounts", with(good, "capabilities[transfers][requested]", ""), 400, "", "capabilities", "at least one"},
		{"/v1/accounts", with(good, "capabilities[gold][requested]", "true"), 400, "parameter_unknown", "capabilities[gold]", ""},
		{"/v1/accounts", with(good, "settings[payouts][schedule][interval]", "hourly"), 400, "", "settings[payouts][schedule][interval]", ""},
		{"/v1/accounts", with(good, "iban", "DE"), 400, "parameter_unknown", "iban", ""},
		{"/v1/accounts/acct_nobody", "email=a@b.co", 403, "account_invalid", "", "does not have access to account 'acct_nobody'"},
		{"/v1/accounts/acct_nobody/login_links", "", 403, "account_invalid", "", ""},
		{"/v1/accounts/" + a + "/login_links", "", 400, "", "", "has not completed onboarding"},
		{"/v1/account_links", with(link, "type", "account_update"), 400, "", "type", `Invalid type: must be one of ["account_onboarding"]`},
		{"/v1/account_links", with(link, "account", "acct_nobody"), 403, "account_invalid", "", ""},
		{"/v1/account_links", with(link, "return_url", ""), 400, "parameter_missing", "return_url", ""},
		{"/v1/account_links", with(link, "refresh_url", "nowhere"), 400, "url_invalid", "refresh_url", ""},
		{"/v1/account_links", with(link, "color", "red"), 400, "parameter_unknown", "color", ""},
	} {
		got := raw(t, s, "POST", c.path, c.form)
		if got.Status != c.status || got.Error.Code != c.code || got.Error.Param != c.param || got.Error.Type != "invalid_request_error" || !strings.Contains(got.Error.Message, c.says) {
			t.Errorf("%s %s: %d %+v", c.path, c.form, got.Status, got.Error)
		}
	}
	for _, h := range [][2]string{{"GET", "/v1/accounts/acct_nobody"}, {"DELETE", "/v1/accounts/acct_nobody"}} {
		if got := raw(t, s, h[0], h[1], ""); got.Status != 403 || got.Error.Code != "account_invalid" {
			t.Errorf("%v: %+v", h, got.Error)
		}
	}
	if got := raw(t, s, "GET", "/v1/balance", "", "Stripe-Account", "acct_nobody"); got.Status != 403 || got.Error.Code != "account_invalid" {
		t.Errorf("stranger's balance: %+v", got.Error)
	}
	if got := raw(t, s, "POST", "/v1/transfers", "amount=1", "Stripe-Account", a); got.Status != 400 || !strings.Contains(got.Error.Message, "on behalf of") {
		t.Errorf("transfer on behalf: %+v", got.Error)
	}
}

func TestOneKeyMakesOneAccount(t *testing.T) {
	s := start(t, sandbox.Options{})
	s.Stripe().Inject(sandbox.Fault{Kind: sandbox.DropAfter, Call: "POST /v1/accounts", Times: 1})
	p := accountParams("DE")
	p.SetIdempotencyKey("account-1")
	a, err := apiWith(s, s.Stripe().Key(), 2).Accounts.New(p)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.Stripe().Accounts()); n != 1 {
		t.Errorf("%d accounts", n)
	}
	it := api(s).Accounts.List(&stripe.AccountListParams{CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: s.Now().Unix() - 5}})
	if !it.Next() || it.Account().ID != a.ID || it.Account().Metadata["creator"] != "1" || it.Next() {
		t.Error("the list does not have it once", it.Err())
	}
}

func TestRequirementsHaveADeadline(t *testing.T) {
	s := start(t, sandbox.Options{})
	id := payee(t, s, "DE")
	until := s.Now().Add(72 * time.Hour)
	if err := s.Stripe().Require(id, until, "individual.verification.document", "individual.phone"); err != nil {
		t.Fatal(err)
	}
	a := account(t, s, id)
	if r := a.Requirements; !a.PayoutsEnabled || r.CurrentDeadline != until.Unix() || len(r.CurrentlyDue) != 2 || len(r.PastDue) != 0 || r.DisabledReason != "" {
		t.Fatalf("asked: %+v", r)
	}
	if err := s.Advance(71 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if !account(t, s, id).PayoutsEnabled {
		t.Error("stopped too early")
	}
	if err := s.Advance(2 * time.Hour); err != nil {
		t.Fatal(err)
	}
	a = account(t, s, id)
	if r := a.Requirements; a.PayoutsEnabled || r.CurrentDeadline != 0 || len(r.PastDue) != 2 || r.DisabledReason != "requirements.past_due" || a.Capabilities.Transfers != "inactive" {
		t.Errorf("too late: %+v", r)
	}
	fundPlatform(t, s, 5000, "eur")
	_, err := newTransfer(s, id, 1000, "eur")
	if e := stripeError(t, err); e.Code != "insufficient_capabilities_for_transfer" || e.Param != "destination" || e.HTTPStatusCode != 400 {
		t.Errorf("transfer: %+v", e)
	}
	before := len(eventsOf(s, id))
	form := setupForm(t, newBuyer(t), accountLink(t, s, id))
	if p := newBuyer(t).post(form, url.Values{"result": {"complete"}}); p.Status != http.StatusSeeOther {
		t.Fatal(p.Status)
	}
	if a = account(t, s, id); !a.PayoutsEnabled || a.Capabilities.Transfers != "active" || len(a.Requirements.PastDue) != 0 {
		t.Errorf("given: %+v", a.Requirements)
	}
	hasAll(t, eventsOf(s, id)[before:], "account.updated", "capability.updated")
	if err := s.Stripe().Require(id, time.Time{}, "company.tax_id"); err != nil {
		t.Fatal(err)
	}
	if r := account(t, s, id).Requirements; r.CurrentDeadline != 0 || len(r.CurrentlyDue) != 1 {
		t.Errorf("without a deadline: %+v", r)
	}
}

func TestStoppedPayoutsLeaveTheMoneyWithTheAccount(t *testing.T) {
	s := start(t, sandbox.Options{})
	id := payee(t, s, "DE")
	fundPlatform(t, s, 10000, "eur")
	if err := s.Stripe().DisablePayouts(id, "under_review"); err != nil {
		t.Fatal(err)
	}
	if a := account(t, s, id); a.PayoutsEnabled || a.Requirements.DisabledReason != "under_review" || a.Capabilities.Transfers != "active" {
		t.Errorf("%+v", a.Requirements)
	}
	if _, err := newTransfer(s, id, 1000, "eur"); err != nil {
		t.Fatal(err)
	}
	_, err := newPayout(s, id, 1000, "eur")
	if e := stripeError(t, err); e.Code != "payouts_not_allowed" || s.Stripe().BalanceOf(id, "eur").Available != 1000 {
		t.Errorf("%+v", e)
	}
	if err := s.Stripe().Restore(id); err != nil {
		t.Fatal(err)
	}
	if _, err = newPayout(s, id, 1000, "eur"); err != nil {
		t.Error(err)
	}
	if err := s.Stripe().DisablePayouts(id, "rejected.fraud"); err != nil {
		t.Fatal(err)
	}
	if a := account(t, s, id); a.Capabilities.Transfers != "inactive" || a.ChargesEnabled {
		t.Errorf("rejected: %+v", a.Capabilities)
	}
}

func TestADisconnectedAccountIsGone(t *testing.T) {
	s := start(t, sandbox.Options{})
	sh := newShop(t, s)
	id := payee(t, s, "DE")
	link := accountLink(t, s, id)
	fundPlatform(t, s, 5000, "eur")
	if _, err := newTransfer(s, id, 1000, "eur"); err != nil {
		t.Fatal(err)
	}
	if _, err := newPayout(s, id, 400, "eur"); err != nil {
		t.Fatal(err)
	}
	if err := s.Stripe().Deauthorize(id); err != nil {
		t.Fatal(err)
	}
	flush(t, s)
	last := sh.got(t)[len(sh.got(t))-1]
	for _, e := range sh.got(t) {
		if e.Type == "account.application.deauthorized" {
			last = e
		}
	}
	if last.Type != "account.application.deauthorized" || last.Account != id || !strings.Contains(string(last.Data.Raw), `"application"`) {
		t.Errorf("%s of %s: %s", last.Type, last.Account, last.Data.Raw)
	}
	_, err := api(s).Accounts.GetByID(id, nil)
	if e := stripeError(t, err); e.HTTPStatusCode != 403 || e.Code != stripe.ErrorCodeAccountInvalid {
		t.Errorf("read: %+v", e)
	}
	if _, err = newTransfer(s, id, 1, "eur"); stripeError(t, err).Param != "destination" || stripeError(t, err).Code != stripe.ErrorCodeResourceMissing {
		t.Errorf("transfer: %v", err)
	}
	if p := newBuyer(t).get(link); p.Location != "http://localhost:8080/refresh" {
		t.Errorf("its link: %d %s", p.Status, p.Location)
	}
	before := len(s.Stripe().Events())
	if err := s.Advance(10 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Stripe().Events()); n != before {
		t.Errorf("%d events of an account that is not ours any more", n-before)
	}
	if s.Stripe().Deauthorize(id) == nil {
		t.Error("disconnected twice")
	}
}

func TestAnAccountWithoutMoneyCanBeDeleted(t *testing.T) {
	s := start(t, sandbox.Options{})
	fundPlatform(t, s, 5000, "eur")
	other := payee(t, s, "DE")
	if _, err := newTransfer(s, other, 100, "eur"); err != nil {
		t.Fatal(err)
	}
	if got := raw(t, s, "DELETE", "/v1/accounts/"+other, ""); got.Status != 400 || !strings.Contains(got.Error.Message, "€1.00") {
		t.Errorf("deleted with money: %+v", got.Error)
	}
	if _, err := newPayout(s, other, 100, "eur"); err != nil {
		t.Fatal(err)
	}
	d, err := api(s).Accounts.Del(other, nil)
	if err != nil || !d.Deleted {
		t.Fatalf("%+v %v", d, err)
	}
	if _, err := api(s).Accounts.GetByID(other, nil); stripeError(t, err).Code != stripe.ErrorCodeAccountInvalid {
		t.Error("still there")
	}
	if n := len(listed(t, s, "/v1/accounts", "")); n != 0 {
		t.Errorf("%d accounts", n)
	}
}

// listed are the rows of a list call, on behalf of an account.
func listed(t *testing.T, s *sandbox.Server, path, account string) []map[string]any {
	t.Helper()
	a := raw(t, s, "GET", path, "", "Stripe-Account", account)
	if a.Status != 200 {
		t.Fatalf("%s: %+v", path, a.Error)
	}
	var out []map[string]any
	for _, it := range a.Body["data"].([]any) {
		out = append(out, it.(map[string]any))
	}
	return out
}

func TestCreatorsOwnPage(t *testing.T) {
	s := start(t, sandbox.Options{})
	b := newBuyer(t)
	id := payee(t, s, "FR")
	fundPlatform(t, s, 5000, "eur")
	if _, err := newTransfer(s, id, 3000, "eur"); err != nil {
		t.Fatal(err)
	}
	if _, err := newPayout(s, id, 1000, "eur"); err != nil {
		t.Fatal(err)
	}
	l, err := api(s).LoginLinks.New(&stripe.LoginLinkParams{Account: &id})
	if err != nil {
		t.Fatal(err)
	}
	p := b.get(l.URL)
	for _, want := range []string{"€20.00 available", "€10.00", "pending", "EUR account ending in 3000"} {
		if !strings.Contains(p.Body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	_, rest, _ := strings.Cut(p.Body, `action="`)
	action, _, _ := strings.Cut(rest, `"`)
	if p = b.get(l.URL); p.Status != http.StatusGone {
		t.Errorf("followed twice: %d", p.Status)
	}
	if p = b.post(s.URL()+action, url.Values{"bank": {"wrong"}}); p.Status != 200 || !strings.Contains(p.Body, "ending in 3001") || !strings.Contains(p.Body, `role="status"`) {
		t.Errorf("changed: %d", p.Status)
	}
	if p = b.post(s.URL()+action, url.Values{"bank": {"none"}}); p.Status != http.StatusBadRequest {
		t.Errorf("no choice: %d", p.Status)
	}
	hasAll(t, eventsOf(s, id), "account.external_account.deleted", "account.external_account.created")
	if a := account(t, s, id); a.ExternalAccounts.Data[0].BankAccount.Last4 != "3001" || len(a.ExternalAccounts.Data) != 1 {
		t.Errorf("%+v", a.ExternalAccounts.Data)
	}
}

func TestAccountsAreUpdated(t *testing.T) {
	s := start(t, sandbox.Options{})
	id := payee(t, s, "DE")
	p := &stripe.AccountParams{Metadata: map[string]string{"creator": "", "generation": "2"}, BusinessProfile: &stripe.AccountBusinessProfileParams{URL: stripe.String("https://lea.example"), Name: stripe.String("Léa")},
		Settings: &stripe.AccountSettingsParams{Payouts: &stripe.AccountSettingsPayoutsParams{StatementDescriptor: stripe.String("VITRINE")}}}
	a, err := api(s).Accounts.Update(id, p)
	if err != nil || a.Metadata["generation"] != "2" || a.Metadata["creator"] != "" || a.BusinessProfile.Name != "Léa" || a.Settings.Payouts.StatementDescriptor != "VITRINE" || a.Settings.Payouts.Schedule.Interval != "manual" {
		t.Fatalf("%+v %v", a, err)
	}
	c := raw(t, s, "GET", "/v1/accounts/"+id+"/capabilities/transfers", "")
	if c.Body["status"] != "active" || c.Body["requested"] != true {
		t.Errorf("%v", c.Body)
	}
	if n := len(listed(t, s, "/v1/accounts/"+id+"/capabilities", "")); n != 1 {
		t.Errorf("%d capabilities", n)
	}
	if own := raw(t, s, "GET", "/v1/account", "", "Stripe-Account", id); own.Body["id"] != id {
		t.Errorf("%v", own.Body)
	}
	if own := raw(t, s, "GET", "/v1/account", ""); own.Status != 400 {
		t.Errorf("the platform's: %d", own.Status)
	}
	company := raw(t, s, "POST", "/v1/accounts", "type=express&country=US&business_type=individual&capabilities[transfers][requested]=true&capabilities[card_payments][requested]=true")
	due := company.Body["requirements"].(map[string]any)["currently_due"].([]any)
	if slices.Contains(due, any("business_type")) || !slices.Contains(due, any("individual.first_name")) {
		t.Errorf("%v", due)
	}
}
