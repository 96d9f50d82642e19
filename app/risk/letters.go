package risk

import (
	"context"
	"time"

	"vitrine/app/orders"
	"vitrine/views/text"

	view "vitrine/views/orders"
)

func (m *Mails) orderURL(o orders.Order) string {
	return m.Service.AppURL + "/app/orders/" + o.ID.String()
}

// openedMail tells a creator that an order waits for a person, and until when.
func (m *Mails) openedMail(ctx context.Context, o orders.Order, seller orders.Seller, r Review) view.MailProps {
	return view.MailProps{
		Title:   text.T(ctx, "We are checking order %d of %s", o.Number, o.Total.Format()),
		Preview: text.T(ctx, "It is paid. A person looks at it before it is delivered."),
		Paragraphs: []string{
			text.T(ctx, "An order of %s was just paid in %s. Before it is delivered and its money moves on, a person at Vitrine looks at it. That happens to a few orders, to keep stolen cards and the disputes that follow away from you.", o.Total.Format(), seller.Name),
			text.T(ctx, "We decide by %s at the latest. Either the order goes through as always, or the buyer gets the money back and you keep neither the sale nor any cost of it. If we say nothing by then, the money goes back.", dated(r.Due, seller.TimeZone)),
			text.T(ctx, "Your other orders and your payouts go on as usual. You need not do anything. If you know this buyer, answer to this address: it helps."),
		},
		Button: text.T(ctx, "See the order"), Href: m.orderURL(o),
		Footer: text.T(ctx, "You get this mail because you sell at %s.", seller.Name),
	}
}

func (m *Mails) heldMail(ctx context.Context, o orders.Order, seller orders.Seller, r Review) view.MailProps {
	return view.MailProps{
		Title:   text.T(ctx, "We need more time for order %d", o.Number),
		Preview: text.T(ctx, "The new deadline is %s.", dated(r.Due, seller.TimeZone)),
		Paragraphs: []string{
			text.T(ctx, "We are still looking at the order of %s. We decide by %s at the latest; if we do not, the buyer gets the money back.", o.Total.Format(), dated(r.Due, seller.TimeZone)),
			text.T(ctx, "We have told the buyer the same. Your other orders and your payouts go on as usual."),
		},
		Button: text.T(ctx, "See the order"), Href: m.orderURL(o),
		Footer: text.T(ctx, "You get this mail because you sell at %s.", seller.Name),
	}
}

func (m *Mails) heldBuyer(ctx context.Context, o orders.Order, seller orders.Seller, r Review) view.MailProps {
	return view.MailProps{
		Title:   text.T(ctx, "We need more time for your order from %s", seller.Name),
		Preview: text.T(ctx, "The new deadline is %s.", dated(r.Due, "UTC")),
		Paragraphs: []string{
			text.T(ctx, "A person is still looking at your order of %s. We are sorry that it takes longer than we said.", o.Total.Format()),
			text.T(ctx, "By %s at the latest you get either what you bought or all of your money back, and a mail that says which. You need not do anything.", dated(r.Due, "UTC")),
		},
		Button: text.T(ctx, "See where it stands"), Href: m.Service.Orders.URL(o.ID),
		Footer: text.T(ctx, "You get this mail because someone bought something with this address. Keep the link to yourself: it opens the order."),
	}
}

// refusedMail tells a creator that an order was given back. Its buyer hears of it with the refund.
func (m *Mails) refusedMail(ctx context.Context, o orders.Order, seller orders.Seller, _ Review) view.MailProps {
	return view.MailProps{
		Title:   text.T(ctx, "Order %d was given back after our check", o.Number),
		Preview: text.T(ctx, "The buyer gets %s back. It costs you nothing.", o.Total.Format()),
		Paragraphs: []string{
			text.T(ctx, "We could not make sure that the order of %s was paid by the owner of the card, so the buyer gets the money back and nothing was delivered.", o.Total.Format()),
			text.T(ctx, "It costs you nothing: neither our fee nor the payment provider's. Nothing else in your shop changes."),
			text.T(ctx, "We do not say what made us look, because that would help those who pay with stolen cards. If you know this buyer, they are welcome to order again with another card."),
		},
		Button: text.T(ctx, "See the order"), Href: m.orderURL(o),
		Footer: text.T(ctx, "You get this mail because you sell at %s.", seller.Name),
	}
}

func (m *Mails) shutMail(ctx context.Context, _ orders.Order, seller orders.Seller, _ Review) view.MailProps {
	return view.MailProps{
		Title:   text.T(ctx, "We have closed %s", seller.Name),
		Preview: text.T(ctx, "Nobody can buy there now, and its payouts wait."),
		Paragraphs: []string{
			text.T(ctx, "A person at Vitrine has looked at sales of %s and closed the shop. Visitors see that it is closed and nobody can buy. What buyers have bought before stays theirs.", seller.Name),
			text.T(ctx, "Payouts wait until we have looked at what is on your balance. The page says how much that is. It does not go away."),
			text.T(ctx, "If you think that this is a mistake, answer to this mail and tell us about your shop and its sales. A person reads it."),
		},
		Button: text.T(ctx, "See your money"), Href: m.Service.AppURL + "/app/payouts",
		Footer: text.T(ctx, "You get this mail because you sell at %s.", seller.Name),
	}
}

// askMail asks a buyer whose bank has doubts that nobody else shares.
func (m *Mails) askMail(ctx context.Context, o orders.Order, seller orders.Seller) view.MailProps {
	return view.MailProps{
		Title:   text.T(ctx, "Did you buy this from %s?", seller.Name),
		Preview: text.T(ctx, "Your bank was not sure about a payment of %s.", o.Total.Format()),
		Paragraphs: []string{
			text.T(ctx, "Your bank was told that you may not know of a payment of %s to %s on %s. On the statement it stands under the shop's name.", o.Total.Format(), seller.Name, dated(o.PaidAt, "UTC")),
			text.T(ctx, "If you made it, please tell your bank, so that it does not take the money back. You need not do anything else."),
			text.T(ctx, "If you did not, answer to this mail. The shop can give the money back faster than your bank."),
		},
		Button: text.T(ctx, "See the order"), Href: m.Service.Orders.URL(o.ID),
		Footer: text.T(ctx, "You get this mail because someone bought something with this address. Keep the link to yourself: it opens the order."),
	}
}

// dated is a moment as a person at a place reads it.
func dated(t time.Time, zone string) string {
	z, err := time.LoadLocation(zone)
	if err != nil {
		z = time.UTC
	}
	return t.In(z).Format("2 January 2006, 15:04 MST")
}
