package payouts

import (
	"context"
	"strings"
	"time"

	"vitrine/app/id"
	"vitrine/views/text"
	"vitrine/views/ui"

	view "vitrine/views/payouts"
)

// typed is what a form held that could not be taken.
type typed struct{ country, address string }

// clean takes away what no text can hold.
func clean(s string) string {
	s = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", ""))
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "")
	}
	return s
}

// presentMethods is all there is to be paid out to, and what could be added.
func (h *Handler) presentMethods(ctx context.Context, u id.User, p view.MethodsProps, was typed, messages map[string]string) (view.MethodsProps, error) {
	s := h.Service
	all, err := s.Methods(ctx, u)
	if err != nil {
		return p, err
	}
	stripe := false
	for _, m := range all {
		p.Methods = append(p.Methods, h.presentMethod(ctx, m))
		stripe = stripe || m.Provider == Stripe
	}
	if s.Connector != nil && s.pays(Stripe) && !stripe {
		p.Stripe = &view.Door{Action: methodsPath + "/stripe", Text: text.T(ctx, "Stripe asks who you are and where your bank account is. It takes some minutes; you can stop and go on later."),
			Field: ui.Field{Name: "country", Label: text.T(ctx, "Where you live or have your business"), Error: messages["country"], Required: true, Autocomplete: "country", Options: countries(ctx, was.country)}}
	}
	if s.pays(PayPal) {
		p.PayPal = &view.Door{Action: methodsPath + "/paypal", Text: text.T(ctx, "The address of your PayPal account. We mail the link to you, not there."),
			Field: ui.Field{Name: "address", Type: "email", Label: text.T(ctx, "PayPal address"), Value: was.address, Error: messages["address"], Autocomplete: "email", InputMode: "email", MaxLength: 127, Required: true,
				Attrs: map[string]any{"autocapitalize": "off", "spellcheck": "false"}}}
	}
	if len(p.Methods) == 0 && p.Stripe == nil && p.PayPal == nil {
		p.None = text.T(ctx, "Payouts are not set up on this site yet. Your sales go on and the money waits.")
	}
	p.Errors = ui.Problems(messages, "country", "address", "plan")
	return h.presentPlan(ctx, u, p, messages["plan"])
}

func (h *Handler) presentPlan(ctx context.Context, u id.User, p view.MethodsProps, trouble string) (view.MethodsProps, error) {
	plan, err := h.Service.Plan(ctx, u)
	if err != nil {
		return p, err
	}
	labels := map[Plan]string{Daily: text.T(ctx, "Daily"), Weekly: text.T(ctx, "Weekly"), Monthly: text.T(ctx, "Monthly"), Paused: text.T(ctx, "Paused")}
	p.Plan = ui.Field{ID: "plan-field", Name: "plan", Label: text.T(ctx, "Pay out"), Error: trouble}
	notes := map[Plan]string{Daily: text.T(ctx, "As soon as there is enough for a payout"), Weekly: text.T(ctx, "On Mondays"), Monthly: text.T(ctx, "On the first day of the month"),
		Paused: text.T(ctx, "Nothing is sent until you choose another")}
	for _, o := range Plans() {
		p.Plan.Options = append(p.Plan.Options, ui.Option{Value: string(o), Label: labels[o], Note: notes[o], Selected: o == plan})
	}
	p.Next = text.T(ctx, "Nothing is sent until you choose another.")
	if next := h.Service.next(plan, h.Service.DB.Now()); !next.IsZero() {
		p.Next = text.T(ctx, "The next payout day is %s.", h.Service.on(next))
	}
	return p, nil
}

func (h *Handler) presentMethod(ctx context.Context, m Method) view.Method {
	s := h.Service
	path := methodsPath + "/" + m.ID.String()
	v := view.Method{ID: m.ID.String(), Title: m.Shown(), Note: methodNote(ctx, m), State: methodPill(ctx, m, s.DB.Now()), Asks: Asks(ctx, m.Due), Says: h.methodSays(ctx, m)}
	if m.Provider == Stripe {
		v.Asks = Asks(ctx, m.Due)
		if len(v.Asks) > 0 && !m.Deadline.IsZero() {
			v.Deadline = text.T(ctx, "until %s", s.on(m.Deadline))
		}
		h.stripeActions(ctx, m, &v)
	}
	again := m.Current && m.Trouble != ""
	switch {
	case again:
		v.Go = &view.Action{ID: "again-" + v.ID, Label: text.T(ctx, "It is in order now: try again"), Kind: "go", Post: path + "/choice"}
	case !m.Current && m.State == Ready:
		v.Go = &view.Action{ID: "use-" + v.ID, Label: text.T(ctx, "Pay out here"), Kind: "line", Post: path + "/choice"}
	case m.State == Unconfirmed:
		v.Go = &view.Action{ID: "use-" + v.ID, Label: text.T(ctx, "Mail me the link again"), Kind: "line", Post: path + "/choice"}
	}
	label := text.T(ctx, "Disconnect")
	if m.State == Unconfirmed {
		label = text.T(ctx, "Take it away")
	}
	v.More = append(v.More, view.Action{ID: "off-" + v.ID, Label: label, Kind: "quiet", Href: path + "/disconnection"})
	return v
}

func (h *Handler) stripeActions(ctx context.Context, m Method, v *view.Method) {
	if h.Service.Connector == nil {
		return
	}
	if (m.State == Incomplete || m.State == Restricted) && !checking(m.Due) || len(v.Asks) > 0 {
		v.Go = &view.Action{ID: "continue-" + v.ID, Label: text.T(ctx, "Continue at Stripe"), Kind: "go", Post: methodsPath + "/continue"}
	}
	if m.State == Ready || m.State == Restricted {
		v.More = append(v.More,
			view.Action{ID: "update-" + v.ID, Label: text.T(ctx, "Change details or bank account"), Kind: "line", Post: methodsPath + "/update"},
			view.Action{ID: "dashboard-" + v.ID, Label: text.T(ctx, "Your page at Stripe"), Kind: "line", Post: methodsPath + "/dashboard"})
	}
}

// methodSays are remarks on how a method stands.
func (h *Handler) methodSays(ctx context.Context, m Method) (out []view.Said) {
	s := h.Service
	now := s.DB.Now()
	say := func(tone, sentence string) { out = append(out, view.Said{Tone: tone, Text: sentence}) }
	switch {
	case m.State == Unconfirmed:
		say("lamp", text.T(ctx, "Nothing is sent here before you have followed the link that we mailed to you."))
	case m.State == Incomplete && checking(m.Due), m.State == Restricted && checking(m.Due):
		say("lamp", text.T(ctx, "Stripe is looking at what you sent. That takes minutes, sometimes two days."))
	case m.State == Incomplete:
		say("lamp", text.T(ctx, "Stripe still needs something from you before it can pay out."))
	case m.State == Restricted && len(m.Due) == 0:
		say("bad", text.T(ctx, "Stripe has stopped payouts to your account and is looking at it."))
	case m.State == Restricted:
		say("bad", text.T(ctx, "Stripe has stopped payouts to your account until it has what it asks for."))
	}
	if m.State != Unconfirmed && m.Waiting == changeUse {
		say("lamp", text.T(ctx, "Payouts go here once you have followed the link that we mailed to you. It works until %s.", s.at(m.WaitingUntil)))
	}
	if m.Waiting == changeDisconnect {
		say("lamp", text.T(ctx, "It is disconnected once you have followed the link that we mailed to you. It works until %s.", s.at(m.WaitingUntil)))
	}
	if m.Current && m.PayableFrom.After(now) {
		say("lamp", text.T(ctx, "It was changed not long ago. For your safety nothing is sent here before %s.", s.at(m.PayableFrom)))
	}
	if m.Trouble != "" {
		say("bad", text.T(ctx, "The last payout came back: %s", text.T(ctx, m.Trouble)))
		if m.RestsUntil.After(now) {
			say("", text.T(ctx, "It is tried again after %s, or as soon as you say that it is in order.", s.on(m.RestsUntil)))
		}
	}
	return out
}

// methodNote is what a method is, in a line.
func methodNote(ctx context.Context, m Method) string {
	if m.Provider == PayPal {
		return "PayPal"
	}
	out := text.T(ctx, "Bank account through Stripe")
	if m.Country != "" {
		out += ", " + countryName(ctx, m.Country)
	}
	if m.Currency != "" {
		out += ", " + m.Currency
	}
	return out
}

func methodPill(ctx context.Context, m Method, now time.Time) ui.Pill {
	switch {
	case m.State == Unconfirmed:
		return ui.Pill{Label: text.T(ctx, "Not confirmed"), Tone: "lamp"}
	case m.State == Incomplete:
		return ui.Pill{Label: text.T(ctx, "Not finished"), Tone: "lamp"}
	case m.State == Restricted:
		return ui.Pill{Label: text.T(ctx, "Stopped by Stripe"), Tone: "bad"}
	case m.State == Ready && m.Current && m.PayableFrom.After(now):
		return ui.Pill{Label: text.T(ctx, "From %s", m.PayableFrom.UTC().Format("2 Jan")), Tone: "lamp"}
	case m.State == Ready && m.Current:
		return ui.Pill{Label: text.T(ctx, "In use"), Tone: "good"}
	case m.State == Ready:
		return ui.Pill{Label: text.T(ctx, "Not in use")}
	}
	return ui.Pill{Label: text.T(ctx, "Disconnected")}
}
