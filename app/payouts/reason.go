package payouts

import (
	"context"
	"fmt"
	"slices"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
)

// Codes of reasons.
const (
	ReasonHeld        = "held"         // a payout is set aside until a person has looked
	ReasonUnknown     = "unknown"      // the provider's answer was lost
	ReasonUnderWay    = "under_way"    // an earlier payout is being sent
	ReasonNoMethod    = "no_method"    // nobody has said where to
	ReasonOwed        = "owed"         // more was given back than there was
	ReasonPending     = "pending"      // it may still be asked back
	ReasonReview      = "review"       // orders are looked at by a person
	ReasonRecovering  = "recovering"   // a payout failed and its money is on the way back
	ReasonStuck       = "stuck"        // and it does not come
	ReasonMinimum     = "minimum"      // too little
	ReasonUnconfirmed = "unconfirmed"  // the mailed link was not followed
	ReasonIncomplete  = "incomplete"   // the provider asks for things
	ReasonChecking    = "checking"     // the provider looks at what it was given
	ReasonRestricted  = "restricted"   // the provider has stopped the account
	ReasonProviderOff = "provider_off" // this site does not pay out there at the moment
	ReasonCurrency    = "currency"     // it cannot take this currency
	ReasonTrouble     = "trouble"      // the last payout came back from there
	ReasonChanged     = "changed"      // the method was changed not long ago
	ReasonPaused      = "paused"
	ReasonAccount     = "account" // the creator's account is looked at: the next payout will be held
	ReasonRefused     = "refused" // the last payout was refused before it left; it is tried again
)

// standing is everything that decides over one balance.
type standing struct {
	purse     ledger.Purse
	plan      Plan
	method    Method
	hasMethod bool
	anyMethod bool     // one that is not current: it waits for something
	other     Method   // the newest of those
	open      []Payout // of this currency, set aside and not gone
	failed    []Payout // of this currency, not back yet
	last      Payout   // of this currency; like next only read where something can be paid
	holds     string
	matures   time.Time
	now       time.Time
	next      time.Time
}

// verdict is what a balance waits for. With blocks the next payout cannot be made.
type verdict struct {
	Code   string
	Act    string
	Since  time.Time // zero: from when it was first seen
	Until  time.Time
	Payout id.Payout
	args   []any
	blocks bool
}

// judge says why a balance does not move; nil when it does. It decides for the page that shows it and for the run
// that pays.
func (s *Service) judge(st standing) *verdict {
	if v := judgeOpen(st); v != nil {
		return v
	}
	p := st.purse
	if !st.hasMethod && !st.anyMethod && (p.Available.Minor > 0 || p.Pending.Minor > 0 || p.Held.Minor > 0) {
		return &verdict{Code: ReasonNoMethod, Act: ActYou, blocks: true}
	}
	if v := judgeSum(st); v != nil {
		return v
	}
	if Payable(p.Available).IsZero() {
		return nil // nothing is there, and nothing to come
	}
	if v := s.judgeMethod(st); v != nil {
		return v
	}
	switch {
	case st.plan == Paused:
		return &verdict{Code: ReasonPaused, Act: ActYou, blocks: true}
	case st.holds != "":
		return &verdict{Code: ReasonAccount, Act: ActUs, Until: st.next, args: []any{st.holds}}
	case st.last.State == Released:
		return &verdict{Code: ReasonRefused, Act: actOf(st.last.Provider, st.last.Failure), Since: st.last.EndedAt, Until: st.next, Payout: st.last.ID, args: []any{st.last.Why}}
	}
	return nil
}

// judgeOpen: one payout at a time for a balance.
func judgeOpen(st standing) *verdict {
	if len(st.open) == 0 {
		return nil
	}
	p := st.open[0]
	v := &verdict{Code: ReasonUnderWay, Act: ActNobody, Since: p.CreatedAt, Payout: p.ID, args: []any{p.Number, p.Amount}, blocks: true}
	switch p.State {
	case Held:
		v.Code, v.Act, v.args = ReasonHeld, ActUs, []any{p.Number, p.Amount, p.Why}
	case Unknown:
		v.Code, v.Act = ReasonUnknown, ActProvider
		if !p.doubt.IsZero() {
			v.Since = p.doubt
		}
	}
	return v
}

// judgeSum: there must be enough.
func judgeSum(st standing) *verdict {
	p := st.purse
	switch {
	case p.Available.Minor < 0:
		return &verdict{Code: ReasonOwed, Act: ActNobody, args: []any{p.Available.Neg()}, blocks: true}
	case !Payable(p.Available).IsZero():
		return nil
	case p.Pending.Minor > 0:
		return &verdict{Code: ReasonPending, Act: ActNobody, Until: st.matures, args: []any{p.Pending}, blocks: true}
	case p.Held.Minor > 0:
		return &verdict{Code: ReasonReview, Act: ActUs, args: []any{p.Held}, blocks: true}
	case len(st.failed) > 0:
		f := st.failed[0]
		v := &verdict{Code: ReasonRecovering, Act: ActNobody, Since: f.SentAt, Payout: f.ID, args: []any{f.Number, f.Amount}, blocks: true}
		if !f.StuckAt.IsZero() {
			v.Code, v.Act, v.Since = ReasonStuck, ActUs, f.StuckAt
		}
		return v
	case p.Available.Minor > 0:
		return &verdict{Code: ReasonMinimum, Act: ActNobody, args: []any{Minimum(p.Currency), p.Available}, blocks: true}
	}
	return nil
}

// judgeMethod: there must be somewhere to send it.
func (s *Service) judgeMethod(st standing) *verdict {
	m := st.method
	if !st.hasMethod {
		m = st.other
	}
	v := &verdict{Act: ActYou, blocks: true}
	switch m.State {
	case Unconfirmed:
		v.Code, v.args = ReasonUnconfirmed, []any{m.Shown()}
	case Incomplete:
		v.Code, v.Until = ReasonIncomplete, m.Deadline
		if checking(m.Due) {
			v.Code, v.Act, v.Until = ReasonChecking, ActProvider, time.Time{}
		}
	case Restricted:
		v.Code, v.Until = ReasonRestricted, m.Deadline
		if checking(m.Due) || len(m.Due) == 0 {
			v.Act, v.Until = ActProvider, time.Time{}
		}
	case Gone:
		v.Code = ReasonNoMethod
	}
	if v.Code != "" {
		return v
	}
	if !st.hasMethod { // it is ready, and waits for the mailed link, or to be chosen
		v.Code, v.args = ReasonNoMethod, nil
		if m.Waiting == changeUse {
			v.Code, v.args = ReasonUnconfirmed, []any{m.Shown()}
		}
		return v
	}
	return s.judgeReady(st, m)
}

func (s *Service) judgeReady(st standing, m Method) *verdict {
	switch {
	case !s.pays(m.Provider):
		return &verdict{Code: ReasonProviderOff, Act: ActUs, args: []any{providerName(m.Provider)}, blocks: true}
	case !m.takes(st.purse.Currency):
		return &verdict{Code: ReasonCurrency, Act: ActYou, args: []any{m.Shown(), string(st.purse.Currency)}, blocks: true}
	case guardDelay && m.PayableFrom.After(st.now):
		return &verdict{Code: ReasonChanged, Act: ActNobody, Since: m.PayableFrom.Add(-ChangeDelay), Until: m.PayableFrom, blocks: true}
	case m.RestsUntil.After(st.now) && m.RestsUntil.Before(st.now.Add(restMore+time.Hour)):
		return &verdict{Code: ReasonTrouble, Act: ActYou, Since: m.TroubleAt, Until: m.RestsUntil, args: []any{m.Trouble}, blocks: true}
	}
	return nil
}

// pays reports whether money can be sent through a provider at all.
func (s *Service) pays(provider string) bool {
	return s.Payers[provider] != nil && (s.Enabled == nil || s.Enabled[provider])
}

// takes reports whether a currency can be sent there.
func (m Method) takes(c money.Currency) bool {
	if m.Provider == PayPal {
		return paypalTakes[c]
	}
	return m.Currency == "" || m.Currency == string(c)
}

// paypalTakes are the currencies of PayPal that we have.
var paypalTakes = map[money.Currency]bool{
	"EUR": true, "USD": true, "GBP": true, "CHF": true, "CAD": true, "AUD": true, "NZD": true, "SEK": true, "NOK": true, "DKK": true, "PLN": true, "CZK": true,
	"HUF": true, "MXN": true, "BRL": true, "JPY": true, "TWD": true,
}

// standings reads what decides over a creator's balances, in the order of their currencies.
func (s *Service) standings(ctx context.Context, q db.Q, creator id.User, now time.Time) ([]standing, error) {
	purses, err := ledger.PursesOf(ctx, q, creator)
	if err != nil {
		return nil, err
	}
	unfinished, err := s.listUnfinished(ctx, q, creator)
	if err != nil {
		return nil, err
	}
	for _, p := range unfinished { // money that has left our book and not arrived is in no purse
		if !slices.ContainsFunc(purses, func(x ledger.Purse) bool { return x.Currency == p.Amount.Currency }) {
			none := money.Amount{Currency: p.Amount.Currency}
			purses = append(purses, ledger.Purse{Creator: creator, Currency: p.Amount.Currency, Pending: none, Available: none, Held: none, InFlight: none})
		}
	}
	base, err := s.person(ctx, q, creator, now)
	if err != nil {
		return nil, err
	}
	out := make([]standing, len(purses))
	for i, p := range purses {
		st := base
		st.purse = p
		for _, u := range unfinished {
			switch {
			case u.Amount.Currency != p.Currency:
			case u.State.Open():
				st.open = append(st.open, u)
			case u.State == Failed:
				st.failed = append(st.failed, u)
			}
		}
		if !Payable(p.Available).IsZero() {
			if st.last, err = s.lastPayout(ctx, q, creator, p.Currency); err != nil {
				return nil, fmt.Errorf("last payout: %w", err)
			}
			if st.next, err = s.upcoming(ctx, q, st); err != nil {
				return nil, err
			}
		}
		if s.Matures != nil && p.Pending.Minor > 0 {
			if st.matures, err = s.Matures(ctx, q, creator, p.Currency); err != nil {
				return nil, fmt.Errorf("next money: %w", err)
			}
		}
		out[i] = st
	}
	slices.SortFunc(out, func(a, b standing) int { return compare(a.purse.Currency, b.purse.Currency) })
	return out, nil
}

func compare(a, b money.Currency) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// person reads what is the same for all of a creator's balances.
func (s *Service) person(ctx context.Context, q db.Q, creator id.User, now time.Time) (st standing, err error) {
	st.now = now
	if st.plan, err = s.findPlan(ctx, q, creator); err != nil {
		return st, fmt.Errorf("plan: %w", err)
	}
	all, err := s.listMethods(ctx, q, creator)
	if err != nil {
		return st, err
	}
	for _, m := range all {
		switch {
		case m.Current:
			st.method, st.hasMethod = m, true
		case !st.anyMethod:
			st.other, st.anyMethod = m, true
		}
	}
	if s.Holds != nil {
		if st.holds, err = s.Holds(ctx, q, creator); err != nil {
			return st, fmt.Errorf("holds: %w", err)
		}
	}
	return st, nil
}

// upcoming is when the next payout of a balance is due; zero when the plan is paused. After one that did not arrive
// the next day is soon enough, whatever the plan.
func (s *Service) upcoming(ctx context.Context, q db.Q, st standing) (time.Time, error) {
	if st.plan == Paused {
		return time.Time{}, nil
	}
	plan := st.plan
	if st.again() {
		plan = Daily
	}
	if d := s.latest(st.now); plan.due(d) {
		done, _, err := s.findDay(ctx, q, d)
		if err == nil && !done {
			done, err = s.ran(ctx, q, st.purse.Creator, st.purse.Currency, d)
		}
		if err != nil {
			return time.Time{}, err
		}
		if !done {
			return s.moment(d), nil // the worker is about to
		}
	}
	return s.next(plan, st.now), nil
}

// again reports whether the last payout came to nothing, so that the next one need not wait for the plan's day.
func (st standing) again() bool { return st.last.State == Released || st.last.State == Returned }
