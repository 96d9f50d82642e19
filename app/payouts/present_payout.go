package payouts

import (
	"context"
	"fmt"
	"slices"
	"time"

	"vitrine/app/money"
	"vitrine/views/text"
	"vitrine/views/ui"

	view "vitrine/views/payouts"
)

// shownLines is how many lines of a statement its page shows; the files hold all.
const shownLines = 100

// presentPayout is one payout with its way and its statement.
func (h *Handler) presentPayout(ctx context.Context, st Statement, z *time.Location) view.PayoutProps {
	x := st.Payout
	path := overviewPath + "/" + x.ID.String()
	p := view.PayoutProps{Title: text.T(ctx, "Payout %d", x.Number), Figure: figure(x.Amount), State: statePill(ctx, x.State), Steps: h.way(ctx, x, z),
		Sums: sums(ctx, st), PDF: path + "/statement.pdf", CSV: path + "/statement.csv"}
	act := ""
	p.Says, act = h.says(ctx, x)
	p.Who = actWords(ctx, act)
	switch act {
	case ActYou:
		p.Tone = "bad"
	case ActUs, ActProvider:
		p.Tone = "lamp"
	}
	for i, l := range st.Lines {
		if i == shownLines {
			p.Rest = text.T(ctx, "%d more lines are in the PDF and the CSV.", len(st.Lines)-shownLines)
			break
		}
		r := ui.Row{ID: fmt.Sprintf("line-%d", i+1), Title: l.Text, End: l.Net.Format(), EndNote: l.At.In(z).Format("2 Jan 2006")}
		if !l.Order.IsZero() {
			r.Href = overviewPath + "/orders/" + l.Order.String()
		}
		if !l.Fee.IsZero() {
			r.Note = text.T(ctx, "%s less our fee of %s", l.Gross.Format(), l.Fee.Format())
		}
		p.Lines = append(p.Lines, r)
	}
	p.Facts = h.facts(ctx, x)
	return p
}

func (h *Handler) facts(ctx context.Context, x Payout) []view.Fact {
	fs := []view.Fact{{Label: text.T(ctx, "To"), Value: x.To}, {Label: text.T(ctx, "Through"), Value: providerName(x.Provider)}}
	if x.Ref != "" {
		fs = append(fs, view.Fact{Label: text.T(ctx, "The provider's number"), Value: x.Ref})
	}
	fs = append(fs, view.Fact{Label: text.T(ctx, "Our number"), Value: x.ID.String()})
	if !x.Carried.IsZero() {
		fs = append(fs, view.Fact{Label: text.T(ctx, "Carried over to the next payout"), Value: x.Carried.Format()})
	}
	if !x.Fee.IsZero() {
		fs = append(fs, view.Fact{Label: text.T(ctx, "What the provider charged, paid by us"), Value: x.Fee.Format()})
	}
	if x.Failure != "" {
		fs = append(fs, view.Fact{Label: text.T(ctx, "The provider's code"), Value: x.Failure})
	}
	return fs
}

// lineKinds are the parts of a statement in their order.
func lineKinds(ctx context.Context) []struct{ kind, label string } {
	return []struct{ kind, label string }{
		{"sale", text.T(ctx, "Sales")}, {"refund", text.T(ctx, "Refunds")}, {"dispute", text.T(ctx, "Disputes")}, {"hold", text.T(ctx, "Held")},
		{"release", text.T(ctx, "No longer held")}, {"payout", text.T(ctx, "Earlier payouts")}, {"carried", text.T(ctx, "Carried over")}, {"other", text.T(ctx, "Corrections")},
	}
}

// kindSum is what the lines of one kind come to.
type kindSum struct {
	label, note string
	net         money.Amount
}

// kinds adds a statement up by kind.
func kinds(ctx context.Context, st Statement) (out []kindSum) {
	none := money.Amount{Currency: st.Amount.Currency}
	for _, k := range lineKinds(ctx) {
		net, fee, n := none, none, 0
		for _, l := range st.Lines {
			if l.Kind == k.kind {
				net, fee, n = net.Add(l.Net), fee.Add(l.Fee), n+1
			}
		}
		if n == 0 {
			continue
		}
		note := text.N(ctx, n, "%d line", "%d lines")
		if !fee.IsZero() {
			note = text.N(ctx, n, "%d line, our fee of %s taken off", "%d lines, our fee of %s taken off", fee.Format())
		}
		out = append(out, kindSum{k.label, note, net})
	}
	return out
}

// sums are the same for the page, then the amount.
func sums(ctx context.Context, st Statement) (out []ui.Line) {
	for _, k := range kinds(ctx, st) {
		out = append(out, ui.Line{Label: k.label, Note: k.note, Amount: k.net.Format()})
	}
	return append(out, ui.Line{Label: text.T(ctx, "Paid out"), Amount: st.Amount.Format(), Strong: true})
}

// statePill is a payout's state in a word.
func statePill(ctx context.Context, s State) ui.Pill {
	switch s {
	case Held:
		return ui.Pill{Label: text.T(ctx, "Held"), Tone: "lamp"}
	case Reserved:
		return ui.Pill{Label: text.T(ctx, "About to be sent"), Tone: "lamp"}
	case Sending:
		return ui.Pill{Label: text.T(ctx, "Being sent"), Tone: "lamp"}
	case Unknown:
		return ui.Pill{Label: text.T(ctx, "Being looked up"), Tone: "lamp"}
	case Sent:
		return ui.Pill{Label: text.T(ctx, "On its way"), Tone: "lamp"}
	case Paid:
		return ui.Pill{Label: text.T(ctx, "Arrived"), Tone: "good"}
	case Failed:
		return ui.Pill{Label: text.T(ctx, "Did not arrive"), Tone: "bad"}
	case Returned:
		return ui.Pill{Label: text.T(ctx, "Came back"), Tone: "bad"}
	case Released:
		return ui.Pill{Label: text.T(ctx, "Not sent"), Tone: "bad"}
	case Canceled:
		return ui.Pill{Label: text.T(ctx, "Called off")}
	}
	return ui.Pill{Label: string(s)}
}

// says is a payout's state in sentences, and who must act.
func (h *Handler) says(ctx context.Context, x Payout) (sentence, act string) {
	s := h.Service
	why := ""
	if x.Why != "" {
		why = " " + text.T(ctx, x.Why)
	}
	switch x.State {
	case Held:
		return text.T(ctx, "The money is set aside while a person looks at something. It then leaves, or goes back to your balance.") + why, ActUs
	case Reserved:
		return text.T(ctx, "The money is set aside and is sent within minutes."), ActNobody
	case Sending:
		return text.T(ctx, "The provider is being asked to send it."), ActNobody
	case Unknown:
		return text.T(ctx, "It was sent, but the answer was lost on the way. We ask until we know, and send nothing twice."), ActProvider
	case Sent:
		if x.ArrivesAt.IsZero() {
			return text.T(ctx, "The provider has it. Banks take one to five working days."), ActNobody
		}
		return text.T(ctx, "The provider has it. It should arrive by %s.", s.on(x.ArrivesAt)), ActNobody
	case Paid:
		if !x.FinalAt.IsZero() && x.FinalAt.After(s.DB.Now()) {
			return text.T(ctx, "The provider says that it has arrived. Until %s a bank may still send it back.", s.on(x.FinalAt)), ActNobody
		}
		return text.T(ctx, "It has arrived."), ActNobody
	case Failed:
		if !x.StuckAt.IsZero() {
			return text.T(ctx, "It did not arrive, and the provider does not give the money back yet. We keep asking.") + why, ActUs
		}
		return text.T(ctx, "It did not arrive. The money is on the way back to your balance.") + why, ActNobody
	case Returned:
		return text.T(ctx, "It did not arrive, and the money is back in your balance.") + why, actOf(x.Provider, x.Failure)
	case Released:
		return text.T(ctx, "It was refused before it left. The money is back in your balance.") + why, actOf(x.Provider, x.Failure)
	case Canceled:
		return text.T(ctx, "We called it off before it left. The money is back in your balance.") + why, ActNobody
	}
	return text.T(ctx, "We are looking at it."), ActUs
}

// way is what has happened to a payout, by the creator's clock, and what comes next.
func (h *Handler) way(ctx context.Context, x Payout, z *time.Location) []view.Step {
	at := func(t time.Time) string { return t.In(z).Format("2 January 2006, 15:04") }
	steps := []view.Step{{Label: text.T(ctx, "Taken from your balance"), When: at(x.CreatedAt), Tone: "good"}}
	if !x.SentAt.IsZero() {
		steps = append(steps, view.Step{Label: text.T(ctx, "Sent to %s", x.To), When: at(x.SentAt), Tone: "good"})
	}
	if !x.PaidAt.IsZero() {
		steps = append(steps, view.Step{Label: text.T(ctx, "Arrived"), When: at(x.PaidAt), Tone: "good"})
	}
	if !x.StuckAt.IsZero() && x.State == Failed {
		steps = append(steps, view.Step{Label: text.T(ctx, "Its money could not be brought back yet"), When: at(x.StuckAt), Tone: "bad"})
	}
	if !x.EndedAt.IsZero() {
		steps = append(steps, view.Step{Label: text.T(ctx, "Back in your balance"), When: at(x.EndedAt), Tone: "bad"})
	}
	return slices.Concat(steps, h.ahead(ctx, x))
}

// ahead is what is still to come.
func (h *Handler) ahead(ctx context.Context, x Payout) []view.Step {
	sent := view.Step{Label: text.T(ctx, "Sent to %s", x.To), Tone: "next"}
	bank := view.Step{Label: text.T(ctx, "At your bank"), Note: text.T(ctx, "One to five working days after it was sent"), Tone: "next"}
	if x.Provider == PayPal {
		bank = view.Step{Label: text.T(ctx, "In your PayPal account"), Note: text.T(ctx, "Mostly within minutes"), Tone: "next"}
	}
	if !x.ArrivesAt.IsZero() {
		bank.When, bank.Note = h.Service.on(x.ArrivesAt), text.T(ctx, "Expected")
	}
	switch x.State {
	case Held:
		return []view.Step{{Label: text.T(ctx, "Held until a person has looked"), Tone: "now"}, sent, bank}
	case Reserved, Sending:
		return []view.Step{{Label: text.T(ctx, "Being sent"), Tone: "now"}, bank}
	case Unknown:
		return []view.Step{{Label: text.T(ctx, "Being looked up at the provider"), Tone: "now"}, bank}
	case Sent:
		bank.Tone = "now"
		return []view.Step{bank}
	case Failed:
		return []view.Step{{Label: text.T(ctx, "On its way back to your balance"), Tone: "now"}}
	}
	return nil
}

// fileName is what a statement is called when it is kept: no text of a person is in it.
func fileName(p Payout, ending string) string {
	return fmt.Sprintf("payout-%d-%s.%s", p.Number, p.CreatedAt.UTC().Format(date), ending)
}
