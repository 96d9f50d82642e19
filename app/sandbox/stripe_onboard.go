package sandbox

import (
	"net/http"
	"slices"
	"time"
)

const (
	linkLife  = 5 * time.Minute // of a link that nobody has followed
	visitLife = time.Hour       // of the page behind it
	paperTime = 14 * 24 * time.Hour
	checkTime = time.Hour // for what was given to be looked at
)

// link leads a creator to a page of Stripe's. Following it uses it up; the page that it opened stays for an hour.
type link struct {
	Token   string `json:"token"`
	Account string `json:"account"`
	Kind    string `json:"kind"` // onboarding, login; visit: the open page
	Of      string `json:"of,omitempty"`
	Refresh string `json:"refresh,omitempty"`
	Return  string `json:"return,omitempty"`
	Until   int64  `json:"until"`
}

// Onboarding is how a creator fills in the form.
type Onboarding string

const (
	Complete  Onboarding = "complete"   // everything is given
	Leave     Onboarding = "leave"      // back without finishing
	Document  Onboarding = "document"   // everything is given, but an identity document is wanted within two weeks
	Verifying Onboarding = "verifying"  // everything is given, and is looked at for an hour, in which nothing is paid out
	WrongBank Onboarding = "wrong_bank" // everything is given, but payouts to the bank account will fail
)

var onboardings = []Onboarding{Complete, Leave, Document, Verifying, WrongBank}

func (st *Stripe) createAccountLink(c *call) (obj, error) {
	id := c.need("account", 255)
	refresh, back := c.url("refresh_url", true), c.url("return_url", true)
	// Forms for single changes exist for Custom accounts only. Express creators change things in the same form, or on
	// their own page (login_links).
	switch c.need("type", 50) {
	case "account_onboarding", "":
	default:
		c.fail(invalid("type", "", `Invalid type: must be one of ["account_onboarding"]`))
	}
	c.enum("collect", "currently_due", "eventually_due")
	options := c.obj("collection_options")
	options.enum("fields", "currently_due", "eventually_due")
	options.enum("future_requirements", "include", "omit")
	if err := c.done(); err != nil {
		return nil, err
	}
	if _, e := st.ours(id); e != nil {
		return nil, e
	}
	l := link{Token: random(24), Account: id, Kind: "onboarding", Refresh: refresh, Return: back, Until: c.t.now.Add(linkLife).Unix()}
	put(c.t, st.links, l.Token, l)
	return obj{"object": "account_link", "created": c.t.now.Unix(), "expires_at": l.Until, "url": st.srv.base + "/stripe/setup/" + id + "/" + l.Token}, nil
}

func (st *Stripe) createLoginLink(c *call) (obj, error) {
	if err := c.done(); err != nil {
		return nil, err
	}
	a, err := st.findAccount(c)
	if err != nil {
		return nil, err
	}
	if !a.Submitted {
		return nil, invalid("", "", "Cannot create a login link for an account that has not completed onboarding.")
	}
	l := link{Token: random(24), Account: a.ID, Kind: "login", Until: c.t.now.Add(linkLife).Unix()}
	put(c.t, st.links, l.Token, l)
	return obj{"object": "login_link", "created": c.t.now.Unix(), "url": st.srv.base + "/stripe/express/" + a.ID + "/" + l.Token}, nil
}

func (st *Stripe) connectPages(mux *http.ServeMux) {
	mux.HandleFunc("GET /stripe/setup/{id}/{token}", st.setupPage)
	mux.HandleFunc("POST /stripe/setup/{id}/{token}", st.setup)
	mux.HandleFunc("GET /stripe/express/{id}/{token}", st.expressPage)
	mux.HandleFunc("POST /stripe/express/{id}/{token}", st.express)
}

// follow uses a link up and opens its page. The bool says whether there is one to open; the link tells where a
// creator goes who comes too late.
func (st *Stripe) follow(r *http.Request, kind string) (visit link, old link, ok bool) {
	err := st.do(func(t *tx) error {
		l, known := st.links.rows[r.PathValue("token")]
		if !known || l.Account != r.PathValue("id") || l.Of != "" {
			return nil
		}
		old = l
		if l.Kind != kind || l.Until < t.now.Unix() || st.accounts.rows[l.Account].Gone != "" {
			return nil
		}
		l.Kind = "used " + kind
		l.Until = t.now.Add(visitLife).Unix()
		put(t, st.links, l.Token, l)
		visit = l
		visit.Token, visit.Kind, visit.Of = random(24), "visit", l.Token
		put(t, st.links, visit.Token, visit)
		ok = true
		return nil
	})
	if err != nil {
		st.srv.log.Error("sandbox: follow a link", "error", err)
	}
	return visit, old, ok
}

// visiting finds the page that a form was sent from.
func (st *Stripe) visiting(r *http.Request) (l link, ok bool) {
	now := st.srv.Now().Unix()
	st.db.see(func() {
		l, ok = st.links.rows[r.PathValue("token")]
		ok = ok && l.Kind == "visit" && l.Account == r.PathValue("id") && l.Until >= now && st.accounts.rows[l.Account].Gone == ""
	})
	return l, ok
}

type setupPage struct {
	Title, Action, Account, Country string
	Due                             []string
	Done                            bool
	Bank                            string
}

func (st *Stripe) setupPage(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead { // a preview is no visit
		return
	}
	l, old, ok := st.follow(r, "onboarding")
	switch {
	case ok:
	case old.Refresh != "":
		http.Redirect(w, r, old.Refresh, http.StatusSeeOther)
		return
	default:
		st.srv.message(w, http.StatusNotFound, message{Title: "This link does not work", Text: "Go back to the shop and ask for a new one."})
		return
	}
	var a connected
	st.db.see(func() { a = st.accounts.rows[l.Account] })
	p := setupPage{Title: "Get paid", Action: "/stripe/setup/" + a.ID + "/" + l.Token, Account: a.ID, Country: a.Country, Due: a.wanted(), Done: a.Submitted && len(a.wanted()) == 0}
	if a.Bank != nil {
		p.Bank = a.Bank.Last4
	}
	st.srv.show(w, http.StatusOK, "setup.html", p, l.Return, l.Refresh)
}

// wanted is all that is due, by Stripe's names.
func (a connected) wanted() []string {
	out := slices.Clone(a.Due)
	for _, p := range a.Past {
		out = with(out, p)
	}
	return out
}

func (st *Stripe) setup(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, bodySize)
	l, ok := st.visiting(r)
	if !ok {
		st.srv.message(w, http.StatusGone, message{Title: "This page is over", Text: "Go back to the shop and ask for a new link."})
		return
	}
	how := Onboarding(r.PostFormValue("result"))
	if !slices.Contains(onboardings, how) {
		st.srv.message(w, http.StatusBadRequest, message{Title: "Choose one", Text: "Say how the form is to end."})
		return
	}
	if err := st.Onboard(l.Account, how); err != nil {
		st.srv.message(w, http.StatusInternalServerError, message{Title: "Something went wrong", Text: "Try again in a moment. " + err.Error()})
		return
	}
	http.Redirect(w, r, l.Return, http.StatusSeeOther)
}

// Onboard fills in an account's form as its creator would, without a browser.
func (st *Stripe) Onboard(account string, how Onboarding) error {
	return st.do(func(t *tx) error {
		a, e := st.ours(account)
		if e != nil {
			return e
		}
		return st.fillIn(t, a, how)
	})
}

func (st *Stripe) fillIn(t *tx, a connected, how Onboarding) error {
	if how == Leave {
		return nil
	}
	a.Submitted, a.Business = true, orElse(a.Business, "individual")
	a.Accepted = max(a.Accepted, t.now.Unix())
	a.Due, a.Past, a.Pending, a.Problems, a.Deadline = nil, nil, nil, nil, 0
	st.unplan(t, "deadline", a.ID)
	st.unplan(t, "verified", a.ID)
	switch how {
	case Document:
		a.Due, a.Deadline = []string{paper}, t.now.Add(paperTime).Unix()
		a.Problems = []problem{{paper, "verification_failed_keyed_identity", "The person's keyed-in identity information could not be verified."}}
		st.plan(t, "deadline", a.ID, time.Unix(a.Deadline, 0))
	case Verifying:
		a.Pending = []string{paper}
		st.plan(t, "verified", a.ID, t.now.Add(checkTime))
	}
	fails := ""
	if how == WrongBank {
		fails = "no_account"
	}
	if a.Bank == nil || a.Bank.Status == "errored" || fails != a.Bank.Fails {
		if err := st.giveBank(t, &a, fails); err != nil {
			return err
		}
	}
	return st.changeAccount(t, a)
}

const paper = "individual.verification.document"

// giveBank replaces the bank account; fails is what every payout to the new one will fail with.
func (st *Stripe) giveBank(t *tx, a *connected, fails string) error {
	old := a.Bank
	a.Bank = &bank{ID: newID("ba"), Last4: lastDigits(a.Country, fails), Country: a.Country, Currency: a.Currency, Holder: orElse(a.Profile["name"], "Jenny Rosen"), Fails: fails, Status: "new"}
	kind := "account.external_account.created"
	if old != nil {
		if err := st.emitFor(t, a.ID, "account.external_account.deleted", shapeBank(*old, a.ID), nil); err != nil {
			return err
		}
	}
	return st.emitFor(t, a.ID, kind, shapeBank(*a.Bank, a.ID), nil)
}

// lastDigits are those of Stripe's test account numbers.
func lastDigits(country, fails string) string {
	switch {
	case country == "US" && fails != "":
		return "1116"
	case country == "US":
		return "6789"
	case fails != "":
		return "3001"
	}
	return "3000"
}

func with(list []string, v string) []string {
	if slices.Contains(list, v) {
		return list
	}
	return append(slices.Clone(list), v)
}

func without(list []problem, requirement string) []problem {
	return slices.DeleteFunc(slices.Clone(list), func(p problem) bool { return p.Requirement == requirement })
}
