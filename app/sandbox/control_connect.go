package sandbox

import (
	"net/http"
	"time"
)

// connectOrder is what control calls about connected accounts and payouts say.
type connectOrder struct {
	Account  string     `json:"account"`
	How      Onboarding `json:"how"`
	Names    []string   `json:"names"`
	Deadline int64      `json:"deadline"` // unix
	Payout   string     `json:"payout"`
	Failure  string     `json:"failure"` // one of Stripe's codes
	Amount   int64      `json:"amount"`  // of a dispute
}

func (s *Server) connectOrders() map[string]doing {
	st := s.stripe
	done := func(err error) (any, error) { return obj{"ok": err == nil}, err }
	return map[string]doing{
		"/stripe/accounts/onboard": func(_ *http.Request, o order) (any, error) {
			return done(st.Onboard(o.Account, Onboarding(orElse(string(o.How), string(Complete)))))
		},
		"/stripe/accounts/require": func(_ *http.Request, o order) (any, error) {
			at := time.Time{}
			if o.Deadline > 0 {
				at = time.Unix(o.Deadline, 0)
			}
			return done(st.Require(o.Account, at, o.Names...))
		},
		"/stripe/accounts/disable":     func(_ *http.Request, o order) (any, error) { return done(st.DisablePayouts(o.Account, o.Reason)) },
		"/stripe/accounts/restore":     func(_ *http.Request, o order) (any, error) { return done(st.Restore(o.Account)) },
		"/stripe/accounts/bank":        func(_ *http.Request, o order) (any, error) { return done(st.ChangeBank(o.Account, o.Failure)) },
		"/stripe/accounts/deauthorize": func(_ *http.Request, o order) (any, error) { return done(st.Deauthorize(o.Account)) },
		"/stripe/warn": func(_ *http.Request, o order) (any, error) {
			id, err := st.Warn(orElse(o.Charge, o.Intent), o.Reason)
			return obj{"id": id}, err
		},
		"/stripe/dispute/inquire": func(_ *http.Request, o order) (any, error) {
			return done(st.Inquire(orElse(o.Charge, o.Intent), o.Reason))
		},
		"/stripe/dispute/inquiry/close": func(_ *http.Request, o order) (any, error) { return done(st.CloseInquiry(o.Dispute)) },
		"/stripe/dispute/withdraw":      func(_ *http.Request, o order) (any, error) { return done(st.Withdraw(o.Dispute)) },
		"/stripe/dispute/flip":          func(_ *http.Request, o order) (any, error) { return done(st.Flip(o.Dispute)) },
		"/stripe/balance/clear":         func(*http.Request, order) (any, error) { return counted(st.Clear()) },
		"/stripe/payouts/submit":        func(_ *http.Request, o order) (any, error) { return counted(st.Submit(o.Payout)) },
		"/stripe/payouts/settle":        func(_ *http.Request, o order) (any, error) { return counted(st.SettlePayouts(o.Payout)) },
		"/stripe/payouts/fail":          func(_ *http.Request, o order) (any, error) { return done(st.FailPayout(o.Payout, o.Failure)) },
	}
}

func (st *Stripe) accountViews() []obj {
	out := []obj{}
	for _, a := range st.Accounts() {
		out = append(out, obj{"id": a.ID, "country": a.Country, "email": a.Email, "metadata": a.Metadata, "details_submitted": a.Submitted, "payouts_enabled": a.Payouts, "gone": a.Gone})
	}
	return out
}

func (st *Stripe) uploadViews() []obj {
	out := []obj{}
	for _, f := range st.Uploads() {
		out = append(out, obj{"id": f.ID, "filename": f.Name, "type": f.Type, "size": f.Size, "sha256": f.SHA256})
	}
	return out
}
