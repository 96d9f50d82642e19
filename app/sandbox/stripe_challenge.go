package sandbox

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"time"
)

func (st *Stripe) challengeURL(p intent) string {
	return st.srv.base + "/stripe/3ds/" + p.ID + "/" + p.Challenge
}

// returnURL is where the bank's page sends the buyer.
func (st *Stripe) returnURL(p intent) string {
	if p.Session != "" {
		return st.payURL(p.Session)
	}
	return p.ReturnURL
}

type challengePage struct{ Title, Action, Amount, Card, Back string }

// asked finds the payment whose challenge is open, or sends the buyer to where it went on.
func (st *Stripe) asked(w http.ResponseWriter, r *http.Request) (p intent, ok bool) {
	var known bool
	st.db.see(func() { p, known = st.intents.rows[r.PathValue("id")] })
	token := []byte(r.PathValue("token"))
	if known && p.Status == "requires_action" && subtle.ConstantTimeCompare(token, []byte(p.Challenge)) == 1 {
		return p, true
	}
	m := message{Title: "This check is over", Text: "It was answered before, or a new one was started."}
	if known && p.Session != "" {
		m.Link, m.LinkText = st.payURL(p.Session), "Back to the payment"
	}
	st.srv.message(w, http.StatusGone, m)
	return p, false
}

func (st *Stripe) challengePage(w http.ResponseWriter, r *http.Request) {
	p, ok := st.asked(w, r)
	if !ok {
		return
	}
	st.srv.show(w, http.StatusOK, "challenge.html", challengePage{Title: "Confirm the payment", Action: r.URL.Path, Amount: format(p.Amount, p.Currency),
		Card: titles[p.Method.Brand] + " •••• " + p.Method.Last4, Back: st.returnURL(p)}, st.leadsTo(p)...)
}

func (st *Stripe) leadsTo(p intent) (out []string) {
	st.db.see(func() {
		s := st.sessions.rows[p.Session]
		out = []string{s.Success, s.Cancel, p.ReturnURL}
	})
	return out
}

func (st *Stripe) challenge(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, bodySize)
	p, ok := st.asked(w, r)
	if !ok {
		return
	}
	result := r.PostFormValue("result")
	if result != "complete" && result != "fail" {
		st.srv.message(w, http.StatusBadRequest, message{Title: "Choose one", Text: "Complete or fail the check.", Link: r.URL.Path, LinkText: "Back"})
		return
	}
	next, err := st.Challenge(p.ID, result == "complete")
	var e *apiError
	if err != nil && !errors.As(err, &e) {
		st.srv.message(w, http.StatusInternalServerError, message{Title: "Something went wrong", Text: "Try again in a moment. " + err.Error()})
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// Challenge answers the 3-D Secure question of a payment. next is where the browser would go, declined or not.
func (st *Stripe) Challenge(paymentIntent string, passed bool) (next string, err error) {
	err = st.do(func(t *tx) error {
		p, ok := st.intents.rows[paymentIntent]
		if !ok {
			return missing("payment_intent", paymentIntent, "intent")
		}
		if p.Status != "requires_action" {
			next = st.returnURL(p)
			return invalid("", "payment_intent_unexpected_state", "This PaymentIntent's status is %s: nothing is asked.", p.Status)
		}
		s, hosted := st.sessions.rows[p.Session]
		if hosted && s.ExpiresAt <= t.now.Unix() {
			next = st.payURL(s.ID)
			return st.expireSession(t, s.ID)
		}
		q, err := st.answerChallenge(t, p, passed)
		next = st.afterChallenge(q, hosted)
		if err != nil || !hosted {
			return err
		}
		next, err = st.completeSession(t, s, *q.Method, "paid")
		return err
	})
	return next, err
}

func (st *Stripe) afterChallenge(p intent, hosted bool) string {
	if hosted {
		return st.payURL(p.Session) + "?tried=1"
	}
	u, err := url.Parse(p.ReturnURL)
	if err != nil || p.ReturnURL == "" {
		return st.srv.base + "/"
	}
	q := u.Query()
	q.Set("payment_intent", p.ID)
	q.Set("payment_intent_client_secret", p.Secret)
	q.Set("redirect_status", map[bool]string{true: "succeeded", false: "failed"}[p.Status == "succeeded"])
	u.RawQuery = q.Encode()
	return u.String()
}

func (st *Stripe) receiptPage(w http.ResponseWriter, r *http.Request) {
	var c charge
	var ok bool
	st.db.see(func() { c, ok = st.charges.rows[r.PathValue("id")] })
	if !ok || c.Status != "succeeded" {
		st.srv.message(w, http.StatusNotFound, message{Title: "No such receipt", Text: "Check the link."})
		return
	}
	m := message{Title: "Receipt", Text: "Sandbox payment: no real money moved.", Rows: [][2]string{{"Amount paid", format(c.Amount, c.Currency)},
		{"Date paid", time.Unix(c.Created, 0).UTC().Format("2 January 2006, 15:04 MST")}, {"Paid with", titles[c.Method.Brand] + " •••• " + c.Method.Last4}}}
	if c.Refunded > 0 {
		m.Rows = append(m.Rows, [2]string{"Refunded", format(c.Refunded, c.Currency)})
	}
	st.srv.message(w, http.StatusOK, m)
}
