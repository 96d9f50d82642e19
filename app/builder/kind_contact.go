package builder

import (
	"context"

	"vitrine/views/blocks"
	"vitrine/views/text"
)

// contact is a form that writes to the creator.
var contact = kind{
	label: "Contact form", note: "A form that writes to you", icon: "mail", first: Props{Title: "Write to me", Button: "Send"},
	asks: []input{
		words{name: "title", label: "Heading", placeholder: "Write to me", max: 80, main: true, at: func(p *Props) *string { return &p.Title }},
		words{name: "text", label: "What people can write to you about", max: 500, rows: 3, at: func(p *Props) *string { return &p.Text }},
		words{name: "button", label: "Button says", placeholder: "Send", max: 30, at: func(p *Props) *string { return &p.Button }},
	},
	draw: func(ctx context.Context, c *canvas, p Part) piece {
		f := ContactForm(ctx, p.Props)
		f.ID = anchor(p.ID)
		if !c.public {
			return piece{body: blocks.ContactShape(f)}
		}
		f.Action = c.shop.URL + "/contact"
		return piece{body: blocks.Contact(f)}
	},
}

// ContactForm is what a contact block says, with words where its creator gave none.
func ContactForm(ctx context.Context, p Props) blocks.ContactProps {
	c := blocks.ContactProps{Title: p.Title, Text: p.Text, Button: p.Button}
	if c.Title == "" {
		c.Title = text.T(ctx, "Write to me")
	}
	if c.Button == "" {
		c.Button = text.T(ctx, "Send")
	}
	return c
}

// Contact is the shop's contact block; false when its window shows none.
func (sh Shown) Contact() (Props, bool) {
	if sh.Closed {
		return Props{}, false
	}
	for _, p := range sh.Content.Blocks {
		if p.Kind == Contact {
			return p.Props, true
		}
	}
	return Props{}, false
}

// scheduler leads to where time can be booked.
var scheduler = kind{
	label: "Booking", note: "Where people book your time", icon: "calendar", first: Props{Title: "Book a time with me", Button: "See free times"},
	asks: []input{
		words{name: "title", label: "Heading", max: 80, main: true, at: func(p *Props) *string { return &p.Title }},
		words{name: "text", label: "What they book: how long, where, for what", max: 300, rows: 3, at: func(p *Props) *string { return &p.Text }},
		address{label: "Address of your calendar", hint: "For example your page at Cal.com, Calendly or Google Calendar."},
		words{name: "button", label: "Button says", placeholder: "See free times", max: 30, at: func(p *Props) *string { return &p.Button }},
	},
	warn: func(_ Draft, p Props) (Sentence, bool) {
		return say("The booking block has no address. It will not be shown."), p.URL == ""
	},
	draw: func(ctx context.Context, c *canvas, p Part) piece {
		b := blocks.BookingProps{ID: anchor(p.ID), Title: p.Props.Title, Text: p.Props.Text, Button: p.Props.Button, Href: p.Props.URL}
		if b.Title == "" {
			b.Title = text.T(ctx, "Book a time with me")
		}
		if b.Button == "" {
			b.Button = text.T(ctx, "See free times")
		}
		out := piece{body: blocks.Booking(b)}
		if p.Props.URL == "" {
			out.missing = text.T(ctx, "Needs the address of your calendar")
		}
		return out
	},
}
