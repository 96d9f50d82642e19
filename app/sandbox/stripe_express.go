package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// expressPage is a creator's own page at Stripe: what is there, what is on its way, and the bank account.
type expressPage struct {
	Title, Action, Account, Bank string
	Wrong, Saved                 bool
	Balances, Payouts            []indexRow
}

func (st *Stripe) expressPage(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		return
	}
	l, _, ok := st.follow(r, "login")
	if !ok {
		st.srv.message(w, http.StatusGone, message{Title: "This link is over", Text: "It works once. Go back to the shop and ask for a new one."})
		return
	}
	st.showExpress(w, l, false)
}

func (st *Stripe) showExpress(w http.ResponseWriter, l link, saved bool) {
	p := expressPage{Title: "Your payouts", Action: "/stripe/express/" + l.Account + "/" + l.Token, Account: l.Account, Saved: saved}
	now := st.srv.Now().Unix()
	st.db.see(func() {
		a := st.accounts.rows[l.Account]
		if a.Bank != nil {
			p.Bank, p.Wrong = strings.ToUpper(a.Bank.Currency)+" account ending in "+a.Bank.Last4, a.Bank.Status == "errored"
		}
		for cur, b := range st.purses(a.ID, now) {
			p.Balances = append(p.Balances, indexRow{Name: strings.ToUpper(cur), Detail: format(b.Available, cur) + " available", State: format(b.Pending, cur) + " pending"})
		}
		for _, id := range slices.Backward(st.payouts.order) {
			if v := st.payouts.rows[id]; v.Account == a.ID && len(p.Payouts) < 20 {
				p.Payouts = append(p.Payouts, indexRow{Name: format(v.Amount, v.Currency), Detail: day(v.Arrives), State: strings.ReplaceAll(v.Status, "_", " ")})
			}
		}
	})
	slices.SortFunc(p.Balances, func(a, b indexRow) int { return strings.Compare(a.Name, b.Name) })
	st.srv.show(w, http.StatusOK, "express.html", p)
}

// express changes the bank account.
func (st *Stripe) express(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, bodySize)
	l, ok := st.visiting(r)
	if !ok {
		st.srv.message(w, http.StatusGone, message{Title: "This page is over", Text: "Go back to the shop and ask for a new link."})
		return
	}
	fails := map[string]string{"right": "", "wrong": "no_account"}
	code, known := fails[r.PostFormValue("bank")]
	if !known {
		st.srv.message(w, http.StatusBadRequest, message{Title: "Choose one", Text: "Say which bank account it is."})
		return
	}
	if err := st.ChangeBank(l.Account, code); err != nil {
		st.srv.message(w, http.StatusInternalServerError, message{Title: "Something went wrong", Text: "Try again in a moment. " + err.Error()})
		return
	}
	st.showExpress(w, l, true)
}

func day(unix int64) string { return time.Unix(unix, 0).UTC().Format("2 January 2006") }

// payeeRows are the latest accounts and payouts, for the index page.
func (st *Stripe) payeeRows() (accounts, payouts []indexRow) {
	for _, id := range slices.Backward(st.accounts.order) {
		a := st.accounts.rows[id]
		if len(accounts) == 10 {
			break
		}
		state := "form not filled in"
		switch {
		case a.Gone != "":
			state = a.Gone
		case a.payouts():
			state = "can be paid"
		case a.Submitted:
			state = orElse(a.disabled(), "bank account does not work")
		}
		accounts = append(accounts, indexRow{Name: a.ID, Detail: orElse(a.Email, a.Country), State: state})
	}
	for _, id := range slices.Backward(st.payouts.order) {
		p := st.payouts.rows[id]
		if len(payouts) == 10 {
			break
		}
		payouts = append(payouts, indexRow{Name: format(p.Amount, p.Currency), Detail: p.Account, State: strings.ReplaceAll(p.Status, "_", " ") + ", " + day(p.Arrives)})
	}
	return accounts, payouts
}
