package payouts

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"vitrine/app/money"
	"vitrine/app/web"
	"vitrine/views/text"
	"vitrine/views/ui"

	view "vitrine/views/payouts"
)

const (
	overviewPath = "/app/payouts"
	methodsPath  = "/app/payouts/methods"
)

// presentOverview is the page "Where is my money".
func (h *Handler) presentOverview(ctx context.Context, who web.Person, after string) (p view.OverviewProps, err error) {
	all, err := h.Service.Outlook(ctx, who.ID)
	if err != nil {
		return p, err
	}
	methods, err := h.Service.Methods(ctx, who.ID)
	if err != nil {
		return p, err
	}
	plan, err := h.Service.Plan(ctx, who.ID)
	if err != nil {
		return p, err
	}
	payouts, next, err := h.Service.List(ctx, who.ID, after)
	if err != nil {
		return p, err
	}
	newest := payouts
	if after != "" {
		if newest, _, err = h.Service.List(ctx, who.ID, ""); err != nil {
			return p, err
		}
	}
	for _, o := range all {
		if o.quiet() {
			continue
		}
		m, err := h.presentPurse(ctx, who, o, newest)
		if err != nil {
			return p, err
		}
		p.Purses = append(p.Purses, m)
	}
	for _, x := range payouts {
		p.History = append(p.History, h.historyRow(ctx, x, zoneOf(who)))
	}
	if next != "" {
		p.More = overviewPath + "?after=" + url.QueryEscape(next)
	}
	p.Method = h.destination(ctx, methods, plan)
	h.begin(ctx, &p, methods)
	return p, nil
}

// quiet reports whether there is nothing to say of a currency.
func (o Outlook) quiet() bool {
	return o.Reason == nil && o.Pending.IsZero() && o.Available.IsZero() && o.Held.IsZero() && o.InFlight.IsZero() && o.Owed.IsZero()
}

// begin says what comes first where there is no money yet.
func (h *Handler) begin(ctx context.Context, p *view.OverviewProps, methods []Method) {
	if len(p.Purses) > 0 {
		return
	}
	p.Title = text.T(ctx, "No money on its way")
	p.Empty = text.T(ctx, "Every sale shows up here with the day on which it reaches your bank.")
	if len(p.History) > 0 {
		p.Empty = text.T(ctx, "All that you have earned is paid out. The next sale shows up here at once.")
	}
	p.Begin = view.Action{ID: "begin", Label: text.T(ctx, "See what you keep of a price"), Kind: "line", Href: overviewPath + "/fees"}
	if len(methods) == 0 {
		p.Empty = text.T(ctx, "Every sale shows up here with the day on which it reaches your bank. Say where to, and nothing has to wait.")
		p.Begin = view.Action{ID: "begin", Label: text.T(ctx, "Choose where to be paid"), Kind: "go", Href: methodsPath}
	}
}

func (h *Handler) presentPurse(ctx context.Context, who web.Person, o Outlook, newest []Payout) (view.Purse, error) {
	c := string(o.Currency)
	m := view.Purse{ID: "purse-" + strings.ToLower(c), Split: split(ctx, o)}
	total := o.Pending.Add(o.Available).Add(o.Held).Add(o.InFlight).Sub(o.Owed)
	switch {
	case !o.Next.IsZero():
		m.Label, m.Figure = text.T(ctx, "Next payout, in %s", c), figure(o.Sum)
		m.When = text.T(ctx, "Leaves on %s.", h.Service.on(o.Next))
	case o.Owed.Minor > 0 && total.Minor <= 0:
		m.Label, m.Figure = text.T(ctx, "To be repaid by the next sales, in %s", c), figure(total)
	default:
		m.Label, m.Figure = text.T(ctx, "Yours and not paid out yet, in %s", c), figure(total)
	}
	var err error
	if m.Parts, err = h.parts(ctx, who, o, newest); err != nil {
		return m, err
	}
	if o.Reason != nil {
		m.Reason = h.presentReason(ctx, *o.Reason, m.ID)
	}
	return m, nil
}

// parts are the states in which money is, in the order in which it goes through them.
func (h *Handler) parts(ctx context.Context, who web.Person, o Outlook, newest []Payout) ([]view.Part, error) {
	s := h.Service
	pending := view.Part{Key: "pending", Label: text.T(ctx, "Pending"), Amount: o.Pending.Format(), Note: text.T(ctx, "Sold, and may still be asked back by a buyer's bank for some days.")}
	if s.Matures != nil && o.Pending.Minor > 0 {
		at, err := s.Matures(ctx, s.DB, who.ID, o.Currency)
		if err != nil {
			return nil, fmt.Errorf("next money: %w", err)
		}
		if !at.IsZero() {
			pending.Note = text.T(ctx, "The first of it becomes available on %s.", s.on(at))
		}
	}
	available := view.Part{Key: "available", Label: text.T(ctx, "Available"), Amount: o.Available.Format(), Note: text.T(ctx, "Nothing is waiting to be paid out.")}
	switch {
	case o.Available.IsZero():
	case !o.Next.IsZero():
		available.Note = text.T(ctx, "%s of it goes out on %s.", o.Sum.Format(), s.on(o.Next))
		if o.Sum == o.Available {
			available.Note = text.T(ctx, "Goes out on %s.", s.on(o.Next))
		}
	default:
		available.Note = text.T(ctx, "It waits for what is said above.")
	}
	out := []view.Part{pending, available}
	if !o.Held.IsZero() {
		out = append(out, view.Part{Key: "held", Label: text.T(ctx, "Held"), Amount: o.Held.Format(), Href: "/app/payouts/transactions?kind=hold", Link: text.T(ctx, "See which"),
			Note: text.T(ctx, "Of orders that we look at. We decide within three days; if we do not, their buyers get the money back.")})
	}
	out = append(out, h.flight(ctx, o, newest))
	if !o.Owed.IsZero() {
		out = append(out, view.Part{Key: "owed", Label: text.T(ctx, "Owed"), Amount: o.Owed.Neg().Format(), Href: "/app/payouts/transactions?kind=refund", Link: text.T(ctx, "See refunds"),
			Note: text.T(ctx, "More was given back to buyers than was here. The next sales repay it first; nothing is taken from your bank account.")})
	}
	return out, nil
}

// flight is what has been set aside or sent and has not arrived.
func (h *Handler) flight(ctx context.Context, o Outlook, newest []Payout) view.Part {
	p := view.Part{Key: "flight", Label: text.T(ctx, "On its way"), Amount: o.InFlight.Format(), Note: text.T(ctx, "Nothing is on its way to your bank.")}
	if o.InFlight.IsZero() {
		return p
	}
	p.Note = text.T(ctx, "Sent, and not yet known to have arrived.")
	for _, x := range newest {
		if x.Amount.Currency != o.Currency || !(x.State.Open() || x.State == Sent || x.State == Failed) {
			continue
		}
		p.Href, p.Link = overviewPath+"/"+x.ID.String(), text.T(ctx, "Payout %d", x.Number)
		switch {
		case x.State == Sent && !x.ArrivesAt.IsZero():
			p.Note = text.T(ctx, "Should arrive by %s.", h.Service.on(x.ArrivesAt))
		case x.State == Failed:
			p.Note = text.T(ctx, "A payout did not arrive; its money is on the way back to your balance.")
		case x.State.Open():
			p.Note = text.T(ctx, "Set aside for a payout that has not left yet.")
		}
		break
	}
	return p
}

// split shows how the states share what is there. What is owed is none of it.
func split(ctx context.Context, o Outlook) view.Split {
	var s view.Split
	var whole int64
	all := []struct {
		key, label string
		a          money.Amount
	}{{"pending", text.T(ctx, "Pending"), o.Pending}, {"available", text.T(ctx, "Available"), o.Available}, {"held", text.T(ctx, "Held"), o.Held}, {"flight", text.T(ctx, "On its way"), o.InFlight}}
	weights := make([]int64, len(all))
	for i, x := range all {
		weights[i] = max(x.a.Minor, 0)
		whole += weights[i]
	}
	if whole == 0 {
		return s
	}
	at, said := 0, []string{}
	for i, w := range (money.Amount{Minor: 1000, Currency: o.Currency}).Split(weights...) {
		if wide := int(w.Minor); wide > 0 {
			s.Bars = append(s.Bars, view.Bar{Key: all[i].key, At: at, Wide: wide})
			at += wide
			said = append(said, all[i].label+" "+all[i].a.Format())
		}
	}
	s.Text = strings.Join(said, ", ")
	return s
}

func (h *Handler) historyRow(ctx context.Context, p Payout, z *time.Location) ui.Row {
	return ui.Row{ID: "payout-" + p.ID.String(), Href: overviewPath + "/" + p.ID.String(), Icon: "out", Title: text.T(ctx, "Payout %d", p.Number), End: p.Amount.Format(),
		Note: p.To, EndNote: p.CreatedAt.In(z).Format("2 Jan 2006"), Pill: statePill(ctx, p.State)}
}

// destination is the current method in a line.
func (h *Handler) destination(ctx context.Context, methods []Method, plan Plan) view.Destination {
	d := view.Destination{Title: text.T(ctx, "Nowhere yet"), Note: text.T(ctx, "A bank account through Stripe, or a PayPal address."), Link: text.T(ctx, "Choose"), Plan: planWords(ctx, plan)}
	for _, m := range methods {
		if m.Current || len(methods) == 1 {
			d.Title, d.Note, d.Pill, d.Link = m.Shown(), methodNote(ctx, m), methodPill(ctx, m, h.Service.DB.Now()), text.T(ctx, "Change")
			break
		}
		d.Link = text.T(ctx, "See all")
	}
	return d
}

func planWords(ctx context.Context, p Plan) string {
	switch p {
	case Weekly:
		return text.T(ctx, "Once a week, on Mondays")
	case Monthly:
		return text.T(ctx, "Once a month, on the first day")
	case Paused:
		return text.T(ctx, "Paused: nothing is sent until you say so")
	}
	return text.T(ctx, "Every day")
}

func figure(a money.Amount) ui.Figure {
	p := a.Parts()
	return ui.Figure{Sign: p.Sign, Symbol: p.Symbol, Whole: p.Whole, Fraction: p.Fraction}
}

// presentReason is a reason with who must act and how.
func (h *Handler) presentReason(ctx context.Context, r Reason, at string) *view.Reason {
	out := &view.Reason{ID: at + "-why", Text: r.Text, Who: actWords(ctx, r.Act), Action: h.remedy(ctx, r, at+"-act")}
	switch r.Act {
	case ActYou:
		out.Tone = "bad"
	case ActUs, ActProvider:
		out.Tone = "lamp"
	}
	if now := h.Service.DB.Now(); !r.Since.IsZero() && now.Sub(r.Since) >= time.Hour {
		out.Since = text.T(ctx, "Since %s.", h.Service.at(r.Since))
	}
	return out
}

// actWords say who must do something.
func actWords(ctx context.Context, act string) string {
	switch act {
	case ActYou:
		return text.T(ctx, "Your turn")
	case ActUs:
		return text.T(ctx, "Our turn; you need not do anything")
	case ActProvider:
		return text.T(ctx, "The payment provider's turn; you need not do anything")
	}
	return text.T(ctx, "You need not do anything")
}

// remedy is the one thing that a creator can do about a reason, or where to see more of it.
func (h *Handler) remedy(ctx context.Context, r Reason, id string) view.Action {
	a := view.Action{ID: id, Kind: "line"}
	switch {
	case r.Code == ReasonNoMethod:
		a.Label, a.Kind, a.Href = text.T(ctx, "Choose where to be paid"), "go", methodsPath
	case r.Code == ReasonUnconfirmed || r.Code == ReasonTrouble || r.Code == ReasonCurrency:
		a.Label, a.Kind, a.Href = text.T(ctx, "See payout methods"), "go", methodsPath
	case (r.Code == ReasonIncomplete || r.Code == ReasonRestricted) && r.Act == ActYou:
		a.Label, a.Kind, a.Post = text.T(ctx, "Continue at Stripe"), "go", methodsPath+"/continue"
	case r.Code == ReasonChecking || r.Code == ReasonChanged || r.Code == ReasonRestricted || r.Code == ReasonProviderOff:
		a.Label, a.Href = text.T(ctx, "See payout methods"), methodsPath
	case r.Code == ReasonPaused:
		a.Label, a.Kind, a.Href = text.T(ctx, "Change how often"), "go", methodsPath+"#plan"
	case !r.Payout.IsZero():
		a.Label, a.Href = text.T(ctx, "See the payout"), overviewPath+"/"+r.Payout.String()
	case r.Code == ReasonOwed:
		a.Label, a.Href = text.T(ctx, "See refunds"), overviewPath+"/transactions?kind=refund"
	case r.Code == ReasonReview:
		a.Label, a.Href = text.T(ctx, "See orders"), "/app/orders"
	default:
		return view.Action{}
	}
	return a
}
