package earnings

import (
	"context"
	"time"

	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/views/text"
	"vitrine/views/ui"

	view "vitrine/views/earnings"
)

// kindNames are the kinds as the filter shows them, in its order.
func kindNames(ctx context.Context) []ui.Option {
	return []ui.Option{{Label: text.T(ctx, "Everything")}, {Value: KindSale, Label: text.T(ctx, "Sales")}, {Value: KindRefund, Label: text.T(ctx, "Refunds")}, {Value: KindDispute, Label: text.T(ctx, "Disputes")},
		{Value: KindPayout, Label: text.T(ctx, "Payouts")}, {Value: KindHold, Label: text.T(ctx, "Held, and no longer held")}, {Value: KindSettled, Label: text.T(ctx, "Became available")}}
}

func form(ctx context.Context, a asked) view.LogProps {
	p := view.LogProps{Filtered: a.any(), Errors: ui.Problems(a.bad, "kind", "from", "to", "order", "currency")}
	p.Kind = ui.Field{Name: "kind", Label: text.T(ctx, "Kind"), Options: kindNames(ctx), Error: a.bad["kind"]}
	for i := range p.Kind.Options {
		p.Kind.Options[i].Selected = p.Kind.Options[i].Value == a.kind
	}
	p.From = ui.Field{Name: "from", Type: "date", Label: text.T(ctx, "From"), Value: a.from, Error: a.bad["from"]}
	p.To = ui.Field{Name: "to", Type: "date", Label: text.T(ctx, "To"), Value: a.to, Error: a.bad["to"]}
	p.Order = ui.Field{Name: "order", Label: text.T(ctx, "Order"), Value: a.order, InputMode: "numeric", Autocomplete: "off", MaxLength: 11, Error: a.bad["order"]}
	p.Currency = ui.Field{Name: "currency", Label: text.T(ctx, "Currency"), Options: []ui.Option{{Label: text.T(ctx, "All")}}, Error: a.bad["currency"]}
	for _, c := range money.Known() {
		p.Currency.Options = append(p.Currency.Options, ui.Option{Value: string(c), Label: string(c), Selected: string(c) == a.currency})
	}
	return p
}

func describeEmpty(ctx context.Context, l *view.ListProps, filtered bool) {
	switch {
	case len(l.Rows) > 0 && filtered:
		l.Count = text.N(ctx, len(l.Rows), "%d transaction on this page", "%d transactions on this page")
	case len(l.Rows) > 0:
	case filtered:
		l.EmptyTitle, l.Empty = text.T(ctx, "Nothing found"), text.T(ctx, "Nothing that you chose has happened. Choose less.")
		l.Count = l.EmptyTitle
	default:
		l.EmptyTitle, l.Empty = text.T(ctx, "Nothing has moved yet"), text.T(ctx, "Every sale, refund, dispute and payout is written down here the moment it is booked.")
	}
}

// row is a transaction in the list.
func row(ctx context.Context, t Transaction, z *time.Location) ui.Row {
	r := ui.Row{ID: "t-" + t.ID.String(), Title: title(ctx, t), End: t.Net.Format(), EndNote: t.At.In(z).Format("2 Jan 2006, 15:04")}
	if t.Net.Minor > 0 {
		r.End = "+" + r.End
	}
	switch {
	case !t.Order.IsZero():
		r.Href = "/app/payouts/orders/" + t.Order.String()
	case !t.Payout.IsZero():
		r.Href = "/app/payouts/" + t.Payout.String()
	}
	switch {
	case !t.Moved.IsZero():
		r.Note = text.T(ctx, "%s moved, nothing added or taken", t.Moved.Format())
	case !t.Fee.IsZero() && t.Net.Minor < 0:
		r.Note = text.T(ctx, "%s, of it our fee of %s that we gave back", t.Gross.Neg().Format(), t.Fee.Neg().Format())
	case !t.Fee.IsZero():
		r.Note = text.T(ctx, "%s less our fee of %s", t.Gross.Format(), t.Fee.Format())
	}
	return r
}

// title is what a transaction is called.
func title(ctx context.Context, t Transaction) string {
	switch t.Kind {
	case KindSale:
		return text.T(ctx, "Sale, order %d", t.Number)
	case KindRefund:
		if t.Net.Minor > 0 {
			return text.T(ctx, "Refund that did not reach the buyer, order %d", t.Number)
		}
		return text.T(ctx, "Refund, order %d", t.Number)
	case KindDispute:
		if t.Net.Minor > 0 {
			return text.T(ctx, "Given back by the buyer's bank, order %d", t.Number)
		}
		return text.T(ctx, "Taken by the buyer's bank, order %d", t.Number)
	case KindHold:
		if t.Step == "release" {
			return text.T(ctx, "No longer held, order %d", t.Number)
		}
		return text.T(ctx, "Held, order %d", t.Number)
	case KindSettled:
		return text.T(ctx, "Became available, order %d", t.Number)
	case KindPayout:
		return payoutTitle(ctx, t)
	}
	return text.T(ctx, "Correction")
}

func payoutTitle(ctx context.Context, t Transaction) string {
	switch t.Step {
	case "reserved":
		return text.T(ctx, "Payout %d, set aside", t.Number)
	case "sent":
		return text.T(ctx, "Payout %d, sent", t.Number)
	case "released":
		return text.T(ctx, "Payout %d, not sent", t.Number)
	case "returned":
		return text.T(ctx, "Payout %d, came back", t.Number)
	case "late":
		return text.T(ctx, "Payout %d, had left after all", t.Number)
	}
	return text.T(ctx, "Payout %d", t.Number)
}

// sums are what a buyer paid, and what of it is whose now.
func sums(ctx context.Context, o orders.Order) []ui.Line {
	out := []ui.Line{{Label: text.T(ctx, "The buyer paid"), Amount: o.Total.Format()}}
	add := func(label string, a money.Amount) {
		if !a.IsZero() {
			out = append(out, ui.Line{Label: label, Amount: a.Format()})
		}
	}
	add(text.T(ctx, "Refunded"), o.Refunded.Neg())
	add(text.T(ctx, "With the buyer's bank"), o.Disputed.Neg())
	given := o.Refunded.Sub(o.RefundedNet).Add(o.Disputed.Sub(o.DisputedNet))
	add(text.T(ctx, "Our fee"), o.Fee.Sub(given).Neg())
	return append(out, ui.Line{Label: text.T(ctx, "Yours"), Amount: o.Remaining().Format(), Strong: true})
}
