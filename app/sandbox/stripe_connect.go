package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// connected is a creator's Express account.
type connected struct {
	ID         string            `json:"id"`
	Created    int64             `json:"created"`
	Country    string            `json:"country"`
	Currency   string            `json:"currency"`
	Email      string            `json:"email,omitempty"`
	Business   string            `json:"business,omitempty"` // individual, company, …
	Profile    map[string]string `json:"profile,omitempty"`
	Meta       map[string]string `json:"meta,omitempty"`
	Interval   string            `json:"interval"`
	Delay      int64             `json:"delay"`
	Descriptor string            `json:"descriptor,omitempty"`
	Agreement  string            `json:"agreement,omitempty"`
	Wants      []string          `json:"wants,omitempty"`   // capabilities asked for
	Submitted  bool              `json:"submitted"`         // the form was filled in
	Accepted   int64             `json:"accepted"`          // Stripe's terms
	Due        []string          `json:"due,omitempty"`     // wanted now
	Past       []string          `json:"past,omitempty"`    // wanted, and too late
	Pending    []string          `json:"pending,omitempty"` // given, and being looked at
	Deadline   int64             `json:"deadline,omitempty"`
	Problems   []problem         `json:"problems,omitempty"`
	Stopped    string            `json:"stopped,omitempty"` // the reason why payouts were switched off
	Bank       *bank             `json:"bank,omitempty"`
	Gone       string            `json:"gone,omitempty"` // deleted, deauthorized
}

// problem is what was wrong with something that was given.
type problem struct{ Requirement, Code, Reason string }

// bank is the account that payouts go to.
type bank struct {
	ID, Last4, Country, Currency, Holder string
	Fails                                string // the failure code of every payout to it
	Status                               string // new, errored
}

// connectCountries are where Express accounts can be, with the currency of their bank accounts.
var connectCountries = map[string]string{"AT": "eur", "AU": "aud", "BE": "eur", "BG": "bgn", "CA": "cad", "CH": "chf", "CY": "eur", "CZ": "czk", "DE": "eur", "DK": "dkk",
	"EE": "eur", "ES": "eur", "FI": "eur", "FR": "eur", "GB": "gbp", "GR": "eur", "HK": "hkd", "HR": "eur", "HU": "huf", "IE": "eur", "IT": "eur", "JP": "jpy", "KR": "krw",
	"KW": "kwd", "LI": "chf", "LT": "eur", "LU": "eur", "LV": "eur", "MT": "eur", "MX": "mxn", "NL": "eur", "NO": "nok", "NZ": "nzd", "PL": "pln", "PT": "eur", "RO": "ron",
	"SE": "sek", "SG": "sgd", "SI": "eur", "SK": "eur", "TH": "thb", "TW": "twd", "US": "usd"}

// firstRequirements are what an account lacks before its form is filled in.
var firstRequirements = []string{"business_type", "external_account", "representative.dob.day", "representative.dob.month", "representative.dob.year",
	"representative.first_name", "representative.last_name", "tos_acceptance.date", "tos_acceptance.ip"}

func (st *Stripe) connectRoutes() map[string]endpoint {
	return map[string]endpoint{
		"POST /accounts":                            st.createAccount,
		"GET /accounts":                             st.listAccounts,
		"GET /accounts/{id}":                        st.getAccount,
		"GET /account":                              st.getAccount,
		"POST /accounts/{id}":                       st.updateAccount,
		"DELETE /accounts/{id}":                     st.deleteAccount,
		"GET /accounts/{id}/capabilities":           st.listCapabilities,
		"GET /accounts/{id}/capabilities/transfers": st.getCapability,
		"POST /accounts/{id}/login_links":           st.createLoginLink,
		"POST /account_links":                       st.createAccountLink,
		"POST /transfers":                           st.createTransfer,
		"GET /transfers":                            st.listTransfers,
		"GET /transfers/{id}":                       st.getTransfer,
		"POST /transfers/{id}":                      st.updateTransfer,
		"POST /transfers/{id}/reversals":            st.createReversal,
		"GET /transfers/{id}/reversals":             st.listReversals,
		"GET /transfers/{id}/reversals/{sub}":       st.getReversal,
		"POST /payouts":                             st.createPayout,
		"GET /payouts":                              st.listPayouts,
		"GET /payouts/{id}":                         st.getPayout,
		"POST /payouts/{id}":                        st.updatePayout,
		"POST /payouts/{id}/cancel":                 st.cancelPayout,
	}
}

// forOthers are the calls that a platform may make on behalf of a connected account.
var forOthers = []string{"/v1/account", "/v1/balance", "/v1/balance_transactions", "/v1/payouts", "/v1/events"}

// onBehalf checks the Stripe-Account header.
func (st *Stripe) onBehalf(r *http.Request) *apiError {
	id := r.Header.Get("Stripe-Account")
	if id == "" {
		return nil
	}
	path := strings.TrimPrefix(r.URL.Path, "/stripe")
	if !slices.ContainsFunc(forOthers, func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") }) {
		return invalid("", "", "The sandbox does not do %s on behalf of a connected account.", path)
	}
	var e *apiError
	st.db.see(func() { _, e = st.ours(id) })
	return e
}

// ours finds an account that the platform may use. A stranger's, a deleted and a deauthorized one are all the same to Stripe.
func (st *Stripe) ours(id string) (connected, *apiError) {
	a, ok := st.accounts.rows[id]
	if ok && a.Gone == "" {
		return a, nil
	}
	e := invalid("", "account_invalid", "The provided key '%s' does not have access to account '%s' (or that account does not exist). Application access may have been revoked.", mask(st.key), clip(id))
	e.Status = http.StatusForbidden
	return a, e
}

func (st *Stripe) findAccount(c *call) (connected, error) {
	a, e := st.ours(orElse(c.id, c.acct))
	if e != nil {
		return a, e
	}
	return a, nil
}

func (st *Stripe) createAccount(c *call) (obj, error) {
	a := connected{ID: "acct_1" + random(15), Created: c.t.now.Unix(), Due: firstRequirements, Past: firstRequirements, Interval: "daily", Delay: 2}
	switch c.need("type", 20) {
	case "express", "":
	case "custom", "standard":
		c.fail(unsupported("type"))
	default:
		c.fail(invalid("type", "", "Invalid type: must be one of custom, express, or standard"))
	}
	a.Country = strings.ToUpper(orElse(c.text("country", 2), "US"))
	a.Currency = connectCountries[a.Country]
	if a.Currency == "" {
		c.fail(invalid("country", "country_unsupported", "%s is not currently supported by Stripe. Please reach out to us at https://support.stripe.com/.", clip(a.Country)))
	}
	a.Email = c.email("email")
	c.accountFields(&a)
	c.refuse("account_token", "company", "default_currency", "documents", "external_account", "individual", "controller")
	if err := c.done(); err != nil {
		return nil, err
	}
	if a.Business == "individual" {
		a.Due = individual(a.Due)
		a.Past = a.Due
	}
	if len(a.Wants) == 0 {
		return nil, invalid("capabilities", "", "When creating an account you must request at least one capability. The platform needs `transfers`.")
	}
	put(c.t, st.accounts, a.ID, a)
	return shapeAccount(a), nil
}

// individual renames the requirements for a person who acts alone.
func individual(due []string) []string {
	var out []string
	for _, d := range due {
		if d != "business_type" {
			out = append(out, strings.Replace(d, "representative.", "individual.", 1))
		}
	}
	return out
}

var profileNames = []string{"mcc", "name", "product_description", "support_email", "support_phone", "support_url", "url"}

// accountFields are what create and update share.
func (c *call) accountFields(a *connected) {
	if v := c.enum("business_type", "company", "government_entity", "individual", "non_profit"); v != "" {
		a.Business = v
	}
	meta, given := c.meta("metadata")
	if given {
		a.Meta = mergeMeta(a.Meta, meta)
	}
	profile := c.obj("business_profile")
	a.Profile = maps.Clone(a.Profile)
	for _, n := range profileNames {
		if v := profile.str(n); v != "" {
			if a.Profile == nil {
				a.Profile = map[string]string{}
			}
			a.Profile[n] = v
		}
	}
	profile.refuse("annual_revenue", "estimated_worker_count", "monthly_estimated_revenue", "support_address")
	c.capabilities(a)
	payouts := c.obj("settings").obj("payouts")
	schedule := payouts.obj("schedule")
	a.Interval = orElse(schedule.enum("interval", "daily", "manual", "monthly", "weekly"), a.Interval)
	if n, ok := schedule.num("delay_days", 1, 31); ok {
		a.Delay = n
	}
	schedule.refuse("monthly_anchor", "weekly_anchor")
	a.Descriptor = orElse(payouts.text("statement_descriptor", 22), a.Descriptor)
	payouts.flag("debit_negative_balances")
	c.obj("settings").refuse("bacs_debit_payments", "branding", "card_issuing", "card_payments", "payments", "treasury")
	terms := c.obj("tos_acceptance")
	a.Agreement = orElse(terms.enum("service_agreement", "full", "recipient"), a.Agreement)
	terms.refuse("date", "ip", "user_agent")
}

func (c *call) capabilities(a *connected) {
	caps := c.obj("capabilities")
	for _, name := range []string{"card_payments", "transfers"} {
		on, given := caps.obj(name).flag("requested")
		switch {
		case on && !slices.Contains(a.Wants, name):
			a.Wants = append(slices.Clone(a.Wants), name)
		case given && !on:
			a.Wants = slices.DeleteFunc(slices.Clone(a.Wants), func(s string) bool { return s == name })
		}
	}
	slices.Sort(a.Wants)
}

func (st *Stripe) getAccount(c *call) (obj, error) {
	if err := c.done(); err != nil {
		return nil, err
	}
	if c.id == "" && c.acct == "" {
		return nil, invalid("", "", "The sandbox does not show the platform's own account.")
	}
	a, err := st.findAccount(c)
	if err != nil {
		return nil, err
	}
	return shapeAccount(a), nil
}

func (st *Stripe) listAccounts(c *call) (obj, error) {
	pg := c.pages()
	if err := c.done(); err != nil {
		return nil, err
	}
	return cut(pg, "/v1/accounts", "account", st.accounts.order, func(id string) bool {
		a := st.accounts.rows[id]
		return a.Gone == "" && pg.holds(a.Created)
	}, func(id string) obj { return shapeAccount(st.accounts.rows[id]) })
}

func (st *Stripe) updateAccount(c *call) (obj, error) {
	a, err := st.findAccount(c)
	if err != nil {
		return nil, err
	}
	if email := c.email("email"); email != "" {
		a.Email = email
	}
	c.accountFields(&a)
	c.refuse("account_token", "company", "default_currency", "documents", "external_account", "individual")
	if err := c.done(); err != nil {
		return nil, err
	}
	if err := st.changeAccount(c.t, a); err != nil {
		return nil, err
	}
	return shapeAccount(a), nil
}

// deleteAccount forgets a test account whose money is all paid out.
func (st *Stripe) deleteAccount(c *call) (obj, error) {
	if err := c.done(); err != nil {
		return nil, err
	}
	a, err := st.findAccount(c)
	if err != nil {
		return nil, err
	}
	for cur, b := range st.purses(a.ID, c.t.now.Unix()) {
		if b.Pending != 0 || b.Available != 0 {
			return nil, refused("", "", "This account (%s) cannot be deleted because it has a balance of %s. Pay it out or reverse its transfers first.", a.ID, format(b.Pending+b.Available, cur))
		}
	}
	a.Gone = "deleted"
	put(c.t, st.accounts, a.ID, a)
	return obj{"id": a.ID, "object": "account", "deleted": true}, nil
}

func (st *Stripe) listCapabilities(c *call) (obj, error) {
	if err := c.done(); err != nil {
		return nil, err
	}
	a, err := st.findAccount(c)
	if err != nil {
		return nil, err
	}
	var data []obj
	for _, name := range a.Wants {
		data = append(data, shapeCapability(a, name))
	}
	return listOf(data, false, "/v1/accounts/"+a.ID+"/capabilities"), nil
}

func (st *Stripe) getCapability(c *call) (obj, error) {
	if err := c.done(); err != nil {
		return nil, err
	}
	a, err := st.findAccount(c)
	if err != nil {
		return nil, err
	}
	return shapeCapability(a, "transfers"), nil
}

// changeAccount keeps the new state and tells what is different.
func (st *Stripe) changeAccount(t *tx, a connected) error {
	was := st.accounts.rows[a.ID]
	put(t, st.accounts, a.ID, a)
	before, after := shapeAccount(was), shapeAccount(a)
	previous := obj{}
	for k, v := range before {
		if !sameJSON(v, after[k]) {
			previous[k] = v
		}
	}
	if len(previous) > 0 {
		if err := st.emitFor(t, a.ID, "account.updated", after, previous); err != nil {
			return err
		}
	}
	for _, name := range a.Wants {
		if old := was.capability(name); old != a.capability(name) {
			if err := st.emitFor(t, a.ID, "capability.updated", shapeCapability(a, name), obj{"status": old}); err != nil {
				return err
			}
		}
	}
	return nil
}
