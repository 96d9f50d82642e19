package today

import (
	"context"
	"fmt"

	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/web"
	"vitrine/views/text"
	view "vitrine/views/today"
	"vitrine/views/ui"
)

func present(ctx context.Context, who web.Person, d Day, shopURL string) view.Props {
	p := view.Props{KPI: figures(ctx, d), Feed: feed(ctx, d), Pending: pending(ctx, d)}
	if !d.AnySale {
		p.Start = start(ctx, d, shopURL)
	}
	return p
}

// pending is what was earned and has not arrived, with the day on which it leaves, or why it does not.
func pending(ctx context.Context, d Day) view.Pending {
	o := d.Purse
	sum := money.Amount{Currency: d.Currency}
	for _, part := range []money.Amount{o.Pending, o.Available, o.Held, o.InFlight} {
		sum.Minor += part.Minor
	}
	sum.Minor -= o.Owed.Minor
	p := view.Pending{Amount: sum.Format(), Note: text.T(ctx, "After our fee."), Href: "/app/payouts"}
	switch {
	case !o.Next.IsZero():
		p.Note = text.T(ctx, "After our fee. %s of it leaves on %s.", o.Sum.Format(), o.Next.In(d.Now.Location()).Format("2 January"))
	case o.Reason != nil:
		p.Note = o.Reason.Text
	}
	return p
}

func figures(ctx context.Context, d Day) view.KPI {
	total := money.Amount{Minor: d.Is.Total(24), Currency: d.Currency}
	parts := total.Parts()
	k := view.KPI{
		Sales:  ui.Figure{Sign: parts.Sign, Symbol: parts.Symbol, Whole: parts.Whole, Fraction: parts.Fraction},
		Orders: text.N(ctx, d.Is.Orders, "%d order", "%d orders"),
	}
	k.Delta, k.Better = delta(ctx, d)
	if d.Is.Total(24) > 0 || d.Was.Total(24) > 0 {
		k.Chart = chart(ctx, d)
	}
	return k
}

// delta compares with the same weekday by the same hour.
func delta(ctx context.Context, d Day) (string, bool) {
	was := d.Was.Total(d.Now.Hour() + 1)
	is := d.Is.Total(24)
	if was <= 0 {
		return "", false
	}
	day := weekday(ctx, d)
	percent := (is - was) * 100 / was
	switch {
	case percent > 0:
		return text.T(ctx, "%d %% more than last %s by now", percent, day), true
	case percent < 0:
		return text.T(ctx, "%d %% less than last %s by now", -percent, day), false
	}
	return text.T(ctx, "The same as last %s by now", day), false
}

func weekday(ctx context.Context, d Day) string { return text.T(ctx, d.Now.Weekday().String()) }

func sums(h orders.Hours, until int) []int64 {
	out := make([]int64, until)
	for i := range out {
		out[i] = h.Total(i + 1)
	}
	return out
}

func chart(ctx context.Context, d Day) view.Chart {
	format := func(n int64) string { return money.Amount{Minor: n, Currency: d.Currency}.Format() }
	day := weekday(ctx, d)
	c := view.Chart{
		Title: text.T(ctx, "Sales today by hour"),
		Desc:  text.T(ctx, "%s so far, against %s on the whole of last %s.", format(d.Is.Total(24)), format(d.Was.Total(24)), day),
		Is:    sums(d.Is, d.Now.Hour()+1), Was: sums(d.Was, 24),
		Heads: [3]string{text.T(ctx, "By"), text.T(ctx, "Today"), text.T(ctx, "Last %s", day)},
		Show:  text.T(ctx, "Show as table"),
	}
	c.Top = max(d.Is.Total(24), d.Was.Total(24))
	c.TopLabel = format(c.Top)
	for _, h := range []int{6, 12, 18, 24} {
		row := view.ChartRow{Hour: fmt.Sprintf("%02d:00", h), Was: format(d.Was.Total(h)), Is: "–"}
		if h <= d.Now.Hour()+1 {
			row.Is = format(d.Is.Total(h))
		}
		c.Rows = append(c.Rows, row)
	}
	return c
}

func feed(ctx context.Context, d Day) view.Feed {
	var f view.Feed
	for i, o := range d.Newest {
		r := ui.Row{
			ID: "feed-" + o.ID.String(), Href: "/app/orders/" + o.ID.String(), Icon: "bag", Title: goods(ctx, o),
			Note: o.Email, End: o.Total.Format(), EndNote: ago(ctx, d, o), New: i == 0 && d.Now.Sub(o.PaidAt).Minutes() < 10,
		}
		switch {
		case o.Test:
			r.Pill = ui.Pill{Label: text.T(ctx, "Test")}
		case o.Status == orders.Refunded || o.Status == orders.PartlyRefunded:
			r.Pill = ui.Pill{Label: text.T(ctx, "Refunded"), Tone: "bad"}
		}
		f.Rows = append(f.Rows, r)
	}
	return f
}

func goods(ctx context.Context, o orders.Order) string {
	switch len(o.Items) {
	case 0:
		return text.T(ctx, "Order %d", o.Number)
	case 1:
		return o.Items[0].Name
	}
	return text.N(ctx, len(o.Items)-1, "%[2]s and %[1]d more", "%[2]s and %[1]d more", o.Items[0].Name)
}

func ago(ctx context.Context, d Day, o orders.Order) string {
	m := int(d.Now.Sub(o.PaidAt).Minutes())
	switch {
	case m < 1:
		return text.T(ctx, "now")
	case m < 60:
		return text.T(ctx, "%d min", m)
	case m < 60*24:
		return o.PaidAt.In(d.Now.Location()).Format("15:04")
	}
	return o.PaidAt.In(d.Now.Location()).Format("2 Jan")
}

func start(ctx context.Context, d Day, shopURL string) *view.Start {
	s := &view.Start{Steps: []ui.Step{
		{Label: text.T(ctx, "Name and address of your shop"), Done: true},
		{Label: text.T(ctx, "Add something to sell"), Href: "/app/products/new", Done: d.Progress.Product},
		{Label: text.T(ctx, "Publish your window"), Href: "/app/window", Done: d.Progress.Published},
		{Label: text.T(ctx, "Buy from yourself with a test order"), Href: "/app/products", Done: d.Progress.Tried},
		{Label: text.T(ctx, "Share your shop"), Done: false},
	}}
	if d.Progress.Published {
		s.ShopURL = shopURL
	}
	return s
}
