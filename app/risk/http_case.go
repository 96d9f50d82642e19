package risk

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"vitrine/app/id"
	"vitrine/app/orders"
	"vitrine/views/text"
	"vitrine/views/ui"

	view "vitrine/views/risk"
)

// present is a case in words.
func (h *Handler) present(ctx context.Context, k Case) view.CaseProps {
	now := h.Service.DB.Now()
	p := view.CaseProps{
		Title: text.T(ctx, "%s · order %d", k.Stake.Format(), k.Order.Number), State: k.Review.pill(ctx), Action: path(k.Review.ID), Open: !k.State.Decided(),
		Lead: text.T(ctx, "%s, bought %s.", k.Shop.Name, h.local(k.Order.PaidAt)), Two: k.Two, Own: k.Own, Shut: k.Shop.Shut != nil, ShopName: k.Shop.Name,
		Verdict: k.Decision.Verdict.pill(ctx), Reasons: sentences(ctx, k.Decision.Reasons), Facts: h.orderFacts(ctx, k), Shop: h.shopLines(ctx, k.Shop),
		HoldLeft: k.Holds < MaxHolds, HoldHint: text.N(ctx, MaxHolds-k.Holds, "More time to find out. It can be done %d more time.", "More time to find out. It can be done %d more times."),
		ConfirmRefund: text.T(ctx, "Yes, give %s back", k.Stake.Format()), ConfirmClose: text.T(ctx, "Yes, give %s back and close %s", k.Stake.Format(), k.Shop.Name),
		Default: text.T(ctx, "If nobody decides until then, the buyer gets the money back."),
	}
	if !p.HoldLeft {
		p.HoldHint = text.T(ctx, "This order was held twice already. Please decide: its buyer has waited long enough.")
	}
	if k.Due.After(now) {
		p.Deadline = text.T(ctx, "Decide until %s, in %s.", h.local(k.Due), span(ctx, k.Due.Sub(now)))
	} else {
		p.Deadline, p.Overdue = text.T(ctx, "The time is over."), true
	}
	if k.State == Confirming {
		p.First = text.T(ctx, "%s chose to %s: “%s” Another admin who chooses the same makes it happen.", k.First, k.Choice.word(ctx), k.ChoiceWhy)
		if k.Own {
			p.First = text.T(ctx, "You chose to %s: “%s” Another admin has to choose the same.", k.Choice.word(ctx), k.ChoiceWhy)
		}
	}
	if k.State.Decided() {
		p.DecidedWords = text.T(ctx, "Decided %s. Nothing can be changed here any more; the order's own page has refunds.", h.local(k.DecidedAt))
	}
	for d := 1; d <= MaxHold; d++ {
		p.HoldDays = append(p.HoldDays, ui.Option{Value: strconv.Itoa(d), Label: text.N(ctx, d, "in %d day", "in %d days"), Selected: d == 3})
	}
	for _, w := range k.Warnings {
		p.Warnings = append(p.Warnings, warningWord(ctx, w))
	}
	h.rules(ctx, k, &p)
	h.around(ctx, k, &p)
	return p
}

// rules says what the rules said, and what they say now.
func (h *Handler) rules(ctx context.Context, k Case, p *view.CaseProps) {
	if k.Decision.ID.IsZero() {
		p.Rules = text.T(ctx, "This order was paid before there were rules.")
		return
	}
	p.Rules = text.T(ctx, "Rules, version %d", k.Decision.Rules)
	p.Replay, p.ReplayTone = replayed(ctx, k.Decision.Verdict, k.Replayed)
	p.Today = text.T(ctx, "Today's rules, version %d, would say: %s.", Current().Version, k.Today.pill(ctx).Label)
	for _, l := range inputLines(ctx, k.Decision.Inputs) {
		p.Inputs = append(p.Inputs, view.Fact{Label: l[0], Value: l[1]})
	}
}

// replayed says whether a verdict comes out the same when it is computed again.
func replayed(ctx context.Context, was, is Verdict) (words, tone string) {
	switch is {
	case was:
		return text.T(ctx, "Computed again from what the rules saw: the same."), "good"
	case "":
		return text.T(ctx, "The rules of that time are not in this version of Vitrine."), ""
	}
	return text.T(ctx, "Computed again, another verdict comes out. Please report this as a fault."), "bad"
}

// around is history, the buyer's other orders, and the way to the neighbours.
func (h *Handler) around(ctx context.Context, k Case, p *view.CaseProps) {
	for _, m := range k.History {
		label, tone := actionWord(ctx, m)
		reason := m.Reason
		if m.Action == "opened" {
			reason = ""
		}
		if note, ok := m.Details["refund"].(string); ok {
			reason += " " + text.T(ctx, "No refund was needed: %s", note)
		}
		p.History = append(p.History, view.Moment{Label: label, Who: h.decider(ctx, m.Actor), Reason: reason, When: h.local(m.At), Tone: tone})
	}
	for _, o := range k.Others {
		p.Others = append(p.Others, ui.Row{ID: "other-" + o.ID.String(), Href: "/admin/risk/decisions?order=" + o.ID.String(), Icon: "bag",
			Title: goods(ctx, o), Note: h.local(o.PaidAt), End: o.Total.Format(), Pill: orderPill(ctx, o)})
	}
	if !k.Prev.IsZero() {
		p.Prev = path(k.Prev)
	}
	if !k.Next.IsZero() {
		p.Next = path(k.Next)
	}
}

func goods(ctx context.Context, o orders.Order) string {
	if len(o.Items) == 0 {
		return text.T(ctx, "Order %d", o.Number)
	}
	if n := len(o.Items) - 1; n > 0 {
		return text.N(ctx, n, "%[2]s and %[1]d other", "%[2]s and %[1]d others", o.Items[0].Name)
	}
	return o.Items[0].Name
}

func orderPill(ctx context.Context, o orders.Order) ui.Pill {
	switch {
	case !o.Disputed.IsZero():
		return ui.Pill{Label: text.T(ctx, "Disputed"), Tone: "bad"}
	case !o.Refunded.IsZero():
		return ui.Pill{Label: text.T(ctx, "Refunded"), Tone: "bad"}
	case o.Review == orders.ReviewOpen:
		return ui.Pill{Label: text.T(ctx, "In review"), Tone: "lamp"}
	}
	return ui.Pill{}
}

func (h *Handler) orderFacts(ctx context.Context, k Case) []view.Fact {
	o := k.Order
	out := []view.Fact{
		{Label: text.T(ctx, "Bought"), Value: goods(ctx, o)},
		{Label: text.T(ctx, "Paid"), Value: o.Total.Format()},
		{Label: text.T(ctx, "Creator's part"), Value: o.Net.Format()},
		{Label: text.T(ctx, "Buyer"), Value: o.Email, Href: "mailto:" + url.PathEscape(o.Email), ID: "buyer"},
		{Label: text.T(ctx, "Provider"), Value: o.Provider},
	}
	if o.PaymentIntent != "" {
		out = append(out, view.Fact{Label: text.T(ctx, "Reference"), Value: o.PaymentIntent})
	}
	if !o.Refunded.IsZero() {
		out = append(out, view.Fact{Label: text.T(ctx, "Given back"), Value: o.Refunded.Format()})
	}
	if !o.Disputed.IsZero() {
		out = append(out, view.Fact{Label: text.T(ctx, "Taken by the bank"), Value: o.Disputed.Format()})
	}
	return out
}

func (h *Handler) shopLines(ctx context.Context, f ShopFacts) []view.Fact {
	share := func(n int) string {
		if f.Orders == 0 {
			return "0"
		}
		tenths := n * 1000 / f.Orders
		return fmt.Sprintf("%d (%d.%d %%)", n, tenths/10, tenths%10)
	}
	out := []view.Fact{
		{Label: text.T(ctx, "Name"), Value: f.Name},
		{Label: text.T(ctx, "Creator since"), Value: h.local(f.Since)},
		{Label: text.T(ctx, "Sales"), Value: text.N(ctx, f.Month, "%[2]d, of which %[1]d within a month", "%[2]d, of which %[1]d within a month", f.Orders)},
		{Label: text.T(ctx, "Sold, less what went back"), Value: f.Amount(f.Gross).Format()},
		{Label: text.T(ctx, "Refunded"), Value: share(f.Refunded)},
		{Label: text.T(ctx, "Disputed"), Value: share(f.Disputed)},
		{Label: text.T(ctx, "Reviews"), Value: text.N(ctx, f.Bad, "%[2]d, of which %[1]d ended in a refund", "%[2]d, of which %[1]d ended in a refund", f.Reviews)},
		{Label: text.T(ctx, "Held"), Value: f.Amount(f.Held).Format()},
	}
	if f.Shut != nil {
		out = append(out, view.Fact{Label: text.T(ctx, "Closed by an operator"), Value: h.local(*f.Shut)})
	}
	return out
}

func sentences(ctx context.Context, rs []Reason) []view.Signal {
	out := make([]view.Signal, len(rs))
	for i, r := range rs {
		out[i] = view.Signal{Text: r.Sentence(ctx), Weight: r.Weight(ctx)}
	}
	return out
}

// subject names what a decision is about.
func subject(ctx context.Context, d Decision) string {
	if d.Order.IsZero() {
		return text.T(ctx, "Refused at the checkout")
	}
	return text.T(ctx, "Order …%s", short(d.Order))
}

func short(o id.Order) string { s := o.String(); return s[len(s)-6:] }
