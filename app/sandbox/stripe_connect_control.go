package sandbox

import (
	"slices"
	"time"
)

// onAccount changes an account that is still connected.
func (st *Stripe) onAccount(id string, change func(t *tx, a *connected) error) error {
	return st.do(func(t *tx) error {
		a, e := st.ours(id)
		if e != nil {
			return e
		}
		if err := change(t, &a); err != nil {
			return err
		}
		return st.changeAccount(t, a)
	})
}

// Require has Stripe ask for more, such as individual.verification.document, until deadline; after it payouts and
// transfers stop. A zero deadline means that there is none. No names at all mean that nothing is due any more.
func (st *Stripe) Require(account string, deadline time.Time, names ...string) error {
	return st.onAccount(account, func(t *tx, a *connected) error {
		a.Due, a.Past, a.Problems, a.Deadline = slices.Clone(names), nil, nil, 0
		st.unplan(t, "deadline", a.ID)
		if len(names) > 0 && !deadline.IsZero() {
			a.Deadline = deadline.Unix()
			st.plan(t, "deadline", a.ID, deadline)
		}
		return nil
	})
}

// overdue is the end of a deadline.
func (st *Stripe) overdue(t *tx, id string) error {
	a := st.accounts.rows[id]
	if a.Gone != "" || len(a.Due) == 0 {
		return nil
	}
	a.Past, a.Deadline = a.Due, 0
	return st.changeAccount(t, a)
}

// verified ends the time in which Stripe looks at what was given.
func (st *Stripe) verified(t *tx, id string) error {
	a := st.accounts.rows[id]
	if a.Gone != "" || len(a.Pending) == 0 {
		return nil
	}
	a.Pending = nil
	return st.changeAccount(t, a)
}

// DisablePayouts stops an account's payouts; reason is Stripe's, such as under_review, listed, platform_paused or
// rejected.fraud. Transfers still arrive, but not on a rejected account.
func (st *Stripe) DisablePayouts(account, reason string) error {
	return st.onAccount(account, func(_ *tx, a *connected) error { a.Stopped = orElse(reason, "under_review"); return nil })
}

// Restore ends all that keeps an account from being paid: requirements, stops, and a bank account that was wrong.
func (st *Stripe) Restore(account string) error {
	return st.onAccount(account, func(t *tx, a *connected) error {
		a.Stopped = ""
		return st.mend(t, a)
	})
}

func (st *Stripe) mend(t *tx, a *connected) error {
	a.Due, a.Past, a.Pending, a.Problems, a.Deadline = nil, nil, nil, nil, 0
	a.Submitted = true
	a.Accepted = max(a.Accepted, t.now.Unix())
	st.unplan(t, "deadline", a.ID)
	if a.Bank == nil || a.Bank.Status == "errored" || a.Bank.Fails != "" {
		return st.giveBank(t, a, "")
	}
	return nil
}

// ChangeBank gives an account another bank account. Payouts to it fail with failureCode; "" is one that works.
func (st *Stripe) ChangeBank(account, failureCode string) error {
	if _, known := payoutFailures[failureCode]; failureCode != "" && !known {
		return invalid("failure", "", "Unknown failure code: %s", clip(failureCode))
	}
	return st.onAccount(account, func(t *tx, a *connected) error {
		gone := func(s string) bool { return s == "external_account" }
		a.Due, a.Past = slices.DeleteFunc(slices.Clone(a.Due), gone), slices.DeleteFunc(slices.Clone(a.Past), gone)
		a.Problems = without(a.Problems, "external_account")
		return st.giveBank(t, a, failureCode)
	})
}

// Deauthorize has the creator disconnect the account: from now on the platform may not use it.
func (st *Stripe) Deauthorize(account string) error {
	return st.do(func(t *tx) error {
		a, e := st.ours(account)
		if e != nil {
			return e
		}
		a.Gone = "deauthorized"
		put(t, st.accounts, a.ID, a)
		st.unplan(t, "deadline", a.ID)
		return st.emitFor(t, a.ID, "account.application.deauthorized", obj{"id": "ca_SandboxVitrine", "object": "application", "name": "Vitrine"}, nil)
	})
}

// Account is what a test may want to know of a connected account without asking the API.
type Account struct {
	ID, Country, Email string
	Metadata           map[string]string
	Submitted, Payouts bool
	Gone               bool
}

// Accounts lists every account ever made, oldest first.
func (st *Stripe) Accounts() []Account {
	var out []Account
	st.db.see(func() {
		for _, id := range st.accounts.order {
			a := st.accounts.rows[id]
			out = append(out, Account{ID: a.ID, Country: a.Country, Email: a.Email, Metadata: metaOf(a.Meta), Submitted: a.Submitted, Payouts: a.payouts(), Gone: a.Gone != ""})
		}
	})
	return out
}

// FailPayout has the bank refuse a payout, with one of Stripe's failure codes. One that was paid can still fail, for five
// work days.
func (st *Stripe) FailPayout(payoutID, failureCode string) error {
	code := orElse(failureCode, "could_not_process")
	if _, known := payoutFailures[code]; !known {
		return invalid("failure", "", "Unknown failure code: %s", clip(code))
	}
	return st.do(func(t *tx) error {
		p, ok := st.payouts.rows[payoutID]
		switch {
		case !ok:
			return missing("payout", payoutID, "payout")
		case p.Status == "failed" || p.Status == "canceled":
			return invalid("payout", "", "This payout is already %s.", p.Status)
		case p.Status == "paid" && t.now.After(workdays(time.Unix(p.PaidAt, 0), flipDays).AddDate(0, 0, 1)):
			return invalid("payout", "", "This payout was paid more than five work days ago: it can no longer fail.")
		}
		return st.failPayout(t, p, code)
	})
}

// SettlePayouts has payouts under way arrive now, without moving the clock: the one named, or all where payoutID is "".
func (st *Stripe) SettlePayouts(payoutID string) (int, error) { return st.hurry("arrive", payoutID) }

// Submit hands pending payouts to the bank now: the one named, or all where payoutID is "". They are in_transit then.
func (st *Stripe) Submit(payoutID string) (int, error) { return st.hurry("transit", payoutID) }
