package earnings

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/payouts"
	"vitrine/views/text"

	view "vitrine/views/payouts"
)

// way is what has happened to an order's money so far, and where it is.
type way struct {
	order     orders.Order
	facts     []ledger.Posted
	pending   money.Amount
	available money.Amount // that no payout has taken
	held      money.Amount
	legs      []leg
}

// leg is a payout that carries a part of an order.
type leg struct {
	payout payouts.Payout
	amount money.Amount
}

// follow reads an order's money in the book.
func (s *Service) follow(ctx context.Context, o orders.Order) (w way, err error) {
	c := o.Total.Currency
	w = way{order: o, pending: money.Amount{Currency: c}, available: money.Amount{Currency: c}, held: money.Amount{Currency: c}}
	if w.facts, err = ledger.About(ctx, s.DB, []id.Order{o.ID}); err != nil {
		return w, err
	}
	open := map[string]money.Amount{} // lines of available money, by entry
	for _, f := range w.facts {
		w.pending = w.pending.Add(f.Sum(c, ledger.Pending(o.Creator)))
		w.held = w.held.Add(f.Sum(c, ledger.Held(o.Creator)))
		if a := f.Sum(c, ledger.Available(o.Creator)); !a.IsZero() {
			open[f.Key] = a
		}
	}
	for range 20 { // a payout that came back is taken along by the next
		if open, err = s.hop(ctx, &w, open); err != nil || len(open) == 0 {
			break
		}
	}
	sort.SliceStable(w.legs, func(i, j int) bool { return w.legs[i].payout.CreatedAt.Before(w.legs[j].payout.CreatedAt) })
	return w, err
}

// hop finds the payouts that took some lines. What none has taken is available; what came back is looked for again.
func (s *Service) hop(ctx context.Context, w *way, open map[string]money.Amount) (back map[string]money.Amount, err error) {
	keys := make([]string, 0, len(open))
	for k := range open {
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, nil
	}
	by, err := ledger.ClaimedBy(ctx, s.DB, ledger.Available(w.order.Creator), keys)
	if err != nil {
		return nil, err
	}
	took := map[id.Payout]money.Amount{}
	for k, a := range open {
		p, err := id.Parse[id.PayoutKind](strings.TrimPrefix(by[k], "payout:"))
		if err != nil {
			w.available = w.available.Add(a)
			continue
		}
		if sum, ok := took[p]; ok {
			a = a.Add(sum)
		}
		took[p] = a
	}
	back = map[string]money.Amount{}
	for n, a := range took {
		p, err := s.Payouts.Get(ctx, w.order.Creator, n)
		if err != nil {
			return nil, fmt.Errorf("payout %s: %w", n, err)
		}
		w.legs = append(w.legs, leg{p, a})
		switch p.State {
		case payouts.Returned:
			back["payout:"+n.String()+":returned"] = a
		case payouts.Released, payouts.Canceled:
			back["payout:"+n.String()+":released"] = a
		}
	}
	return back, nil
}

// teller puts a way into words.
type teller struct {
	*Service
	ctx  context.Context
	here *time.Location // the creator's
}

// Story is the way of an order's money from the payment to the bank, for its creator, whose clock tells the time. What
// is still to come is at its end, or why it does not come.
func (s *Service) Story(ctx context.Context, o orders.Order, here *time.Location) ([]view.Step, error) {
	t := teller{s, ctx, here}
	switch {
	case o.Test:
		return []view.Step{{Label: text.T(ctx, "A test order: no money moved"), When: t.at(o.CreatedAt)}}, nil
	case o.PaidAt.IsZero():
		return []view.Step{{Label: text.T(ctx, "Not paid yet"), Tone: "next"}}, nil
	case o.Total.IsZero():
		return []view.Step{{Label: text.T(ctx, "Nothing was to pay"), When: t.at(o.PaidAt), Tone: "good"}}, nil
	}
	w, err := s.follow(ctx, o)
	if err != nil {
		return nil, err
	}
	type moment struct {
		at   time.Time
		step view.Step
	}
	all := []moment{{o.PaidAt, view.Step{Label: text.T(ctx, "Paid %s", o.Total.Format()), Note: text.T(ctx, "%s of it is yours, after our fee of %s", o.Net.Format(), o.Fee.Format()), Tone: "good"}}}
	for _, f := range w.facts {
		if step, ok := t.fact(o, f); ok {
			all = append(all, moment{f.At, step})
		}
	}
	for _, l := range w.legs {
		for at, step := range t.leg(l) {
			all = append(all, moment{at, step})
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].at.Before(all[j].at) })
	var out []view.Step
	for _, m := range all {
		m.step.When = t.at(m.at)
		out = append(out, m.step)
	}
	ahead, err := t.ahead(w)
	return append(out, ahead...), err
}

// fact is one entry about an order in words; sales are said already.
func (t teller) fact(o orders.Order, f ledger.Posted) (view.Step, bool) {
	ctx := t.ctx
	x := read(o.Creator, f)
	gone := x.Gross.Neg() // what left the provider's account
	switch {
	case f.Kind == "refund" && gone.Minor > 0:
		return view.Step{Label: text.T(ctx, "Refunded %s", gone.Format()), Note: text.T(ctx, "%s taken off yours", x.Net.Neg().Format()), Tone: "bad"}, true
	case f.Kind == "refund":
		return view.Step{Label: text.T(ctx, "A refund of %s did not reach the buyer", x.Gross.Format()), Note: text.T(ctx, "%s is yours again", x.Net.Format()), Tone: "good"}, true
	case f.Kind == "dispute" && gone.Minor > 0:
		return view.Step{Label: text.T(ctx, "The buyer's bank took %s back", gone.Format()), Note: text.T(ctx, "%s taken off yours", x.Net.Neg().Format()), Tone: "bad"}, true
	case f.Kind == "dispute":
		return view.Step{Label: text.T(ctx, "The buyer's bank gave %s back", x.Gross.Format()), Note: text.T(ctx, "%s is yours again", x.Net.Format()), Tone: "good"}, true
	case f.Kind == "hold":
		return view.Step{Label: text.T(ctx, "Held while we look at the order"), Tone: "bad"}, true
	case f.Kind == "release":
		return view.Step{Label: text.T(ctx, "No longer held"), Tone: "good"}, true
	case f.Kind == "mature":
		return view.Step{Label: text.T(ctx, "Available to be paid out"), Note: x.Moved.Format(), Tone: "good"}, true
	}
	return view.Step{}, false
}

// leg is what has happened to a payout that carries a part of the order.
func (t teller) leg(l leg) map[time.Time]view.Step {
	ctx, p := t.ctx, l.payout
	out := map[time.Time]view.Step{
		p.CreatedAt: {Label: text.T(ctx, "Put into payout %d", p.Number), Note: l.amount.Format(), Tone: "good", ID: "payout-" + p.ID.String(), Href: "/app/payouts/" + p.ID.String(), Link: text.T(ctx, "See payout %d", p.Number)},
	}
	if !p.SentAt.IsZero() {
		out[after(out, p.SentAt)] = view.Step{Label: text.T(ctx, "Payout %d sent to %s", p.Number, p.To), Tone: "good"}
	}
	if !p.PaidAt.IsZero() {
		out[after(out, p.PaidAt)] = view.Step{Label: text.T(ctx, "Payout %d arrived", p.Number), Tone: "good"}
	}
	if !p.EndedAt.IsZero() {
		out[after(out, p.EndedAt)] = view.Step{Label: text.T(ctx, "Payout %d came to nothing; its money is back in your balance", p.Number), Tone: "bad"}
	}
	return out
}

// after is the first moment from t on that is not taken.
func after(taken map[time.Time]view.Step, t time.Time) time.Time {
	for {
		if _, ok := taken[t]; !ok {
			return t
		}
		t = t.Add(time.Microsecond)
	}
}

// ahead is what is still to come, or why it does not.
func (t teller) ahead(w way) ([]view.Step, error) {
	ctx, o := t.ctx, w.order
	var out []view.Step
	for _, l := range w.legs {
		out = append(out, t.onItsWay(l)...)
	}
	if !o.Disputed.IsZero() {
		out = append(out, view.Step{Label: text.T(ctx, "In dispute: the buyer's bank has %s and decides", o.Disputed.Format()), Tone: "now"})
	}
	switch {
	case w.held.Minor > 0 && o.Review == orders.ReviewOpen:
		return append(out, view.Step{Label: text.T(ctx, "A person looks at the order"), Note: text.T(ctx, "%s is held. We decide within three days; you need not do anything.", w.held.Format()), Tone: "now"}), nil
	case w.held.Minor > 0:
		return append(out, view.Step{Label: text.T(ctx, "Held"), Note: text.T(ctx, "%s is held until the question is settled; it is our turn.", w.held.Format()), Tone: "now"}), nil
	case w.pending.Minor > 0:
		at := o.PaidAt.Add(t.Orders.Settlement)
		step := view.Step{Label: text.T(ctx, "Becomes available"), When: t.day(at), Note: w.pending.Format(), Tone: "now"}
		if !o.Disputed.IsZero() {
			step.When, step.Note = "", text.T(ctx, "%s, once the dispute is over", w.pending.Format())
		}
		return append(out, step, view.Step{Label: text.T(ctx, "Goes out with the next payout after that"), Tone: "next"}, t.bank()), nil
	case w.available.Minor > 0:
		next, err := t.next(o, w.available)
		return append(out, next...), err
	case w.available.Minor < 0:
		return append(out, view.Step{Label: text.T(ctx, "%s is taken off the next payout", w.available.Neg().Format()), Note: text.T(ctx, "It was given back after it had been paid out. If there is not enough, the next sales repay it; nothing is taken from your bank account."), Tone: "now"}), nil
	case len(w.legs) == 0 && len(out) == 0:
		out = append(out, view.Step{Label: text.T(ctx, "Nothing of it is left to pay out"), Tone: "next"})
	}
	return out, nil
}

func (t teller) bank() view.Step {
	return view.Step{Label: text.T(t.ctx, "At your bank"), Note: text.T(t.ctx, "One to five working days after it was sent"), Tone: "next"}
}

// onItsWay is what is still to come of a payout.
func (t teller) onItsWay(l leg) []view.Step {
	ctx, p := t.ctx, l.payout
	bank := t.bank()
	if !p.ArrivesAt.IsZero() {
		bank.When, bank.Note = t.day(p.ArrivesAt), text.T(ctx, "Expected")
	}
	switch {
	case p.State == payouts.Held:
		return []view.Step{{Label: text.T(ctx, "Payout %d is held until a person has looked", p.Number), Tone: "now"}, bank}
	case p.State.Open():
		return []view.Step{{Label: text.T(ctx, "Payout %d is being sent", p.Number), Tone: "now"}, bank}
	case p.State == payouts.Sent:
		bank.Tone = "now"
		return []view.Step{bank}
	case p.State == payouts.Failed:
		return []view.Step{{Label: text.T(ctx, "Payout %d did not arrive; its money is on the way back to your balance", p.Number), Tone: "now"}}
	}
	return nil
}

// next is when available money goes out, or why it does not.
func (t teller) next(o orders.Order, a money.Amount) ([]view.Step, error) {
	all, err := t.Payouts.Outlook(t.ctx, o.Creator)
	if err != nil {
		return nil, err
	}
	for _, x := range all {
		switch {
		case x.Currency != a.Currency:
		case !x.Next.IsZero():
			return []view.Step{{Label: text.T(t.ctx, "Goes out with the next payout"), When: t.day(x.Next), Note: a.Format(), Tone: "now"}, t.bank()}, nil
		case x.Reason != nil:
			return []view.Step{{Label: text.T(t.ctx, "Waits in your balance"), Note: x.Reason.Text, Tone: "now", ID: "why", Href: "/app/payouts", Link: text.T(t.ctx, "Where is my money")}, t.bank()}, nil
		}
	}
	return []view.Step{{Label: text.T(t.ctx, "Waits in your balance"), Note: a.Format(), Tone: "now"}, t.bank()}, nil
}

func (s *Service) zone() *time.Location {
	if s.Payouts.Zone == nil {
		return time.UTC
	}
	return s.Payouts.Zone
}

// day is a payout day: those are days of the instance.
func (s *Service) day(at time.Time) string { return at.In(s.zone()).Format("2 January 2006") }

func (t teller) at(at time.Time) string { return at.In(t.here).Format("2 January 2006, 15:04") }

var errNoOrder = errs.New(errs.NotFound, "There is no such order.")
