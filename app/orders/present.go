package orders

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"vitrine/app/money"
	"vitrine/views/text"
	"vitrine/views/ui"

	view "vitrine/views/orders"
)

// when is a moment with its zone, for people whose zone is not known.
func when(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04") + " UTC" }

// local is a moment in the creator's zone.
func local(t time.Time, zone *time.Location) string {
	return t.In(zone).Format("2 January 2006, 15:04")
}

// short is a moment in a list: the time today, the day before that.
func short(t, now time.Time, zone *time.Location) string {
	t, now = t.In(zone), now.In(zone)
	switch {
	case t.Year() == now.Year() && t.YearDay() == now.YearDay():
		return t.Format("15:04")
	case t.Year() == now.Year():
		return t.Format("2 Jan")
	}
	return t.Format("2 Jan 2006")
}

// zone is UTC where the name is unknown.
func zone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return z
}

// size is a number of bytes as people say it.
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000*1000:
		return fmt.Sprintf("%d kB", (n+500)/1000)
	case n < 1000*1000*1000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

// kind is what a file is called by its ending: "PDF".
func kind(name string) string {
	ext := strings.TrimPrefix(path.Ext(name), ".")
	if ext == "" || utf8.RuneCountInString(ext) > 5 {
		return ""
	}
	return strings.ToUpper(ext)
}

// number is how an order is called.
func number(ctx context.Context, o Order) string {
	switch {
	case o.Test:
		return text.T(ctx, "Test order")
	case o.Number == 0:
		return text.T(ctx, "Order")
	}
	return text.T(ctx, "Order %d", o.Number)
}

// goods is what was bought in a few words.
func goods(ctx context.Context, o Order) string {
	switch len(o.Items) {
	case 0:
		return number(ctx, o)
	case 1:
		if o.Items[0].Quantity > 1 {
			return fmt.Sprintf("%d × %s", o.Items[0].Quantity, o.Items[0].Name)
		}
		return o.Items[0].Name
	}
	return text.N(ctx, len(o.Items)-1, "%[2]s and %[1]d more", "%[2]s and %[1]d more", o.Items[0].Name)
}

// pill is the state of an order in a word; empty for paid ones, which most are.
func pill(ctx context.Context, o Order) ui.Pill {
	switch {
	case o.Status == Refunded:
		return ui.Pill{Label: text.T(ctx, "Refunded"), Tone: "bad"}
	case o.Status == PartlyRefunded:
		return ui.Pill{Label: text.T(ctx, "Partly refunded"), Tone: "bad"}
	case o.Review == ReviewOpen:
		return ui.Pill{Label: text.T(ctx, "Being checked"), Tone: "lamp"}
	case !o.Disputed.IsZero():
		return ui.Pill{Label: text.T(ctx, "Disputed"), Tone: "bad"}
	case o.Status == Processing || o.Status == Pending:
		return ui.Pill{Label: text.T(ctx, "Waiting for payment"), Tone: "lamp"}
	case o.Status == Expired:
		return ui.Pill{Label: text.T(ctx, "Not paid")}
	case o.Test:
		return ui.Pill{Label: text.T(ctx, "Test"), Tone: "lamp"}
	}
	return ui.Pill{}
}

// receiptLines are what was bought and what it came to.
func receiptLines(ctx context.Context, o Order) []ui.Line {
	var out []ui.Line
	for _, i := range o.Items {
		l := ui.Line{Label: i.Name, Amount: i.Unit.Times(int64(i.Quantity)).Format()}
		if i.Quantity > 1 {
			l.Note = fmt.Sprintf("%d × %s", i.Quantity, i.Unit.Format())
		}
		out = append(out, l)
	}
	out = addLine(out, text.T(ctx, "Discount"), o.Discount.Neg())
	out = addLine(out, text.T(ctx, "Delivery"), o.Shipping)
	out = addLine(out, text.T(ctx, "Tax"), o.Tax)
	out = append(out, ui.Line{Label: text.T(ctx, "Total"), Amount: o.Total.Format(), Strong: true})
	return addLine(out, text.T(ctx, "Refunded"), o.Refunded.Neg())
}

func addLine(to []ui.Line, label string, a money.Amount) []ui.Line {
	if a.IsZero() {
		return to
	}
	return append(to, ui.Line{Label: label, Amount: a.Format()})
}

func paidBy(ctx context.Context, o Order) string {
	switch {
	case o.Test:
		return text.T(ctx, "Test, nothing was charged")
	case o.Provider == "stripe":
		return text.T(ctx, "Stripe")
	case o.Provider == "paypal":
		return text.T(ctx, "PayPal")
	}
	return text.T(ctx, "Nothing to pay")
}

func consentText(ctx context.Context) string {
	return text.T(ctx, "When you ordered, you asked for the download to start at once and accepted that your 14-day right to change your mind ends with it.")
}

func receiptMail(ctx context.Context, s subject, url string) (view.MailProps, string) {
	p := view.MailProps{
		Title:   text.T(ctx, "Your receipt from %s", s.seller.Name),
		Preview: text.T(ctx, "%s, %s. Your link is inside.", goods(ctx, s.Order), s.Total.Format()),
		Lines:   receiptLines(ctx, s.Order),
		Button:  text.T(ctx, "Open your order and download"), Href: url,
		Footer: text.T(ctx, "You get this mail because someone bought something with this address. Keep the link to yourself: it opens the order."),
	}
	if s.Test {
		p.Title = text.T(ctx, "Test order: your receipt from %s", s.seller.Name)
		p.Paragraphs = append(p.Paragraphs, text.T(ctx, "This is a test order. No money moved."))
	}
	p.Paragraphs = append(p.Paragraphs,
		text.T(ctx, "Thank you for buying from %s.", s.seller.Name),
		text.T(ctx, "%s, %s. Paid by: %s.", number(ctx, s.Order), when(s.PaidAt), paidBy(ctx, s.Order)))
	if s.consent {
		p.After = append(p.After, consentText(ctx))
	}
	p.After = append(p.After, text.T(ctx, "A question? Answer this mail: it goes to %s. The shop: %s", s.seller.Name, s.seller.URL))
	return p, p.Title
}

// reviewMail is what a buyer gets first whose order a person looks at: plain words, and no files yet.
func reviewMail(ctx context.Context, s subject, url string) (view.MailProps, string) {
	p := view.MailProps{
		Title:   text.T(ctx, "We are checking your order from %s", s.seller.Name),
		Preview: text.T(ctx, "Your payment arrived. A person looks at it before the files open."),
		Lines:   receiptLines(ctx, s.Order),
		Button:  text.T(ctx, "See where it stands"), Href: url,
		Footer: text.T(ctx, "You get this mail because someone bought something with this address. Keep the link to yourself: it opens the order."),
	}
	p.Paragraphs = []string{
		text.T(ctx, "Your payment for %s arrived. Before we open the files, a person looks at this order, to protect buyers and sellers from stolen cards.", goods(ctx, s.Order)),
		text.T(ctx, "You need not do anything. Within three days you get either your files or all of your money back, and a mail that says which."),
	}
	return p, p.Title
}

func saleMail(ctx context.Context, s subject, url string) (view.MailProps, string) {
	p := view.MailProps{
		Title:      text.T(ctx, "You sold %s for %s", goods(ctx, s.Order), s.Total.Format()),
		Preview:    text.T(ctx, "%s in %s.", number(ctx, s.Order), s.seller.Name),
		Paragraphs: []string{text.T(ctx, "%s, %s. Bought by %s.", number(ctx, s.Order), local(s.PaidAt, zone(s.seller.TimeZone)), s.Email)},
		Lines:      moneyLines(ctx, s.Order),
		Button:     text.T(ctx, "See the order"), Href: url,
		Footer: text.T(ctx, "You get this mail for every sale of %s.", s.seller.Name),
	}
	return p, p.Title
}

func refundMail(ctx context.Context, s subject, refunded int64, url string) (view.MailProps, string) {
	back := money.Amount{Minor: refunded, Currency: s.Total.Currency}
	full := back.Minor >= s.Total.Minor
	p := view.MailProps{
		Title:   text.T(ctx, "Your refund from %s", s.seller.Name),
		Preview: text.T(ctx, "%s is on its way back to you.", back.Format()),
		Lines: []ui.Line{
			{Label: text.T(ctx, "You paid"), Amount: s.Total.Format()},
			{Label: text.T(ctx, "Refunded"), Amount: back.Format(), Strong: true},
		},
		Button: text.T(ctx, "See the order"), Href: url,
		After:  []string{text.T(ctx, "A question? Answer this mail: it goes to %s.", s.seller.Name)},
		Footer: text.T(ctx, "You get this mail because you bought from %s.", s.seller.Name),
	}
	p.Paragraphs = []string{text.T(ctx, "%s of %s was refunded in part: %s so far.", number(ctx, s.Order), s.seller.Name, back.Format())}
	if full {
		p.Paragraphs = []string{text.T(ctx, "%s of %s was refunded in full. Its downloads are closed.", number(ctx, s.Order), s.seller.Name)}
	}
	p.Paragraphs = append(p.Paragraphs, text.T(ctx, "The money goes back the way it came. Banks take 5 to 10 days to show it."))
	return p, p.Title
}

func libraryMail(ctx context.Context, url string) view.MailProps {
	return view.MailProps{
		Title:      text.T(ctx, "Everything you bought"),
		Preview:    text.T(ctx, "Your link works for 24 hours."),
		Paragraphs: []string{text.T(ctx, "You asked for your orders and downloads. This link opens them for 24 hours.")},
		Button:     text.T(ctx, "Open my orders"), Href: url,
		After:  []string{text.T(ctx, "You did not ask? Then you need not do anything; nobody sees your orders without this mail.")},
		Footer: text.T(ctx, "You get this mail because someone typed this address at the page for finding orders."),
	}
}

// moneyLines are what a sale leaves.
func moneyLines(ctx context.Context, o Order) []ui.Line {
	out := []ui.Line{{Label: text.T(ctx, "The buyer paid"), Amount: o.Total.Format()}}
	out = addLine(out, text.T(ctx, "Refunded"), o.Refunded.Neg())
	fee := o.Fee.Sub(o.Refunded.Sub(o.RefundedNet)) // a refund gives its part of the fee back
	out = addLine(out, text.T(ctx, "Vitrine’s fee"), fee.Neg())
	return append(out, ui.Line{Label: text.T(ctx, "Yours"), Amount: o.Net.Sub(o.RefundedNet).Format(), Strong: true})
}
