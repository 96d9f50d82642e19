package refunds

import (
	"context"
	"errors"
	"strings"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/mail"
	"vitrine/app/orders"
	"vitrine/views/text"
	"vitrine/views/ui"

	view "vitrine/views/orders"
)

// Mail is the job that tells a creator or a buyer about a refund or a request. That the money is on its way the
// buyer hears from orders.
type Mail struct {
	Refund  id.Refund `json:"refund,omitzero"`
	Request id.Refund `json:"request,omitzero"`
	What    string    `json:"what"`
}

func (Mail) Kind() string { return "refunds:mail" }

func (s *Service) tell(ctx context.Context, tx *db.Tx, m Mail) error {
	return job.Enqueue(ctx, tx, m, job.Key("refund-mail:"+m.Refund.String()+":"+m.Request.String()+":"+m.What))
}

// Sender hands a mail over.
type Sender interface {
	Send(ctx context.Context, m mail.Message) error
}

// Mails writes about refunds.
type Mails struct {
	Refunds *Service
	Sellers orders.Sellers
	Sender  Sender
}

// Jobs registers what sends mails. A second run sends the same Message-ID.
func (m *Mails) Jobs(r *job.Registry) {
	job.Handle(r, job.Spec{Timeout: time.Minute, Attempts: 12}, m.write)
}

func (m *Mails) write(ctx context.Context, t Mail) error {
	s := m.Refunds
	var order id.Order
	var refund Refund
	var request Request
	var err error
	if t.Request.IsZero() {
		refund, err = s.find(ctx, s.DB, t.Refund)
		order = refund.Order
	} else {
		request, err = s.findRequest(ctx, s.DB, t.Request)
		order = request.Order
	}
	if err != nil {
		return err
	}
	o, err := s.Orders.Find(ctx, s.DB, order)
	if err != nil {
		return err
	}
	seller, err := m.Sellers(ctx, s.DB, o.Shop)
	if err != nil {
		return err
	}
	msg := mail.Message{To: seller.Email, ID: "refund-" + t.Refund.String() + t.Request.String() + "-" + t.What}
	locale := seller.Locale
	if t.What == "declined" {
		msg.To, locale = o.Email, o.Locale
	}
	ctx = text.With(ctx, locale)
	p := m.compose(ctx, t, o, seller, refund, request)
	var b strings.Builder
	if err := view.Mail(p).Render(ctx, &b); err != nil {
		return err
	}
	msg.Subject, msg.HTML, msg.Text = p.Title, b.String(), p.Text()
	err = m.Sender.Send(ctx, msg)
	if errors.Is(err, mail.ErrRefused) {
		return job.Permanent(err)
	}
	return err
}

func (m *Mails) compose(ctx context.Context, t Mail, o orders.Order, seller orders.Seller, refund Refund, request Request) view.MailProps {
	p := view.MailProps{Button: text.T(ctx, "See the order"), Href: m.Refunds.Orders.AppURL + "/app/orders/" + o.ID.String(),
		Footer: text.T(ctx, "You get this mail because it is about an order of %s.", seller.Name)}
	switch t.What {
	case "requested":
		p.Title = text.T(ctx, "A buyer asks for a refund of order %d", o.Number)
		p.Paragraphs = []string{text.T(ctx, "%s says: %s.", o.Email, RequestReason(ctx, request.Reason))}
		if request.Message != "" {
			p.Paragraphs = append(p.Paragraphs, "“"+request.Message+"”")
		}
		p.Paragraphs = append(p.Paragraphs, text.T(ctx, "Refund it, or tell the buyer why not, within seven days. Buyers who hear nothing often ask their bank instead."))
		p.Lines = []ui.Line{{Label: text.T(ctx, "The buyer paid"), Amount: o.Total.Format(), Strong: true}}
	case "declined":
		p.Href, p.Button = m.Refunds.Orders.URL(o.ID), text.T(ctx, "See your order")
		p.Title = text.T(ctx, "%s answered your request", seller.Name)
		p.Paragraphs = []string{text.T(ctx, "You asked for a refund of order %d. The seller did not agree and writes:", o.Number), "“" + request.Answer + "”",
			text.T(ctx, "If this is not right, ask again on your order’s page with more to go on.")}
	default:
		p.Title = text.T(ctx, "The refund of order %d did not go through", o.Number)
		p.Paragraphs = []string{refund.Trouble}
		p.Lines = []ui.Line{{Label: text.T(ctx, "Refund"), Amount: refund.Amount.Format(), Strong: true}}
	}
	p.Preview = p.Paragraphs[0]
	return p
}

// RequestReason is why a buyer asks, in words.
func RequestReason(ctx context.Context, code string) string {
	switch code {
	case "broken":
		return text.T(ctx, "It does not work or does not open")
	case "not_as_described":
		return text.T(ctx, "It is not what the page said")
	case "duplicate":
		return text.T(ctx, "I bought it twice")
	case "mistake":
		return text.T(ctx, "I bought it by mistake")
	}
	return text.T(ctx, "Something else")
}

// Reason is why a creator refunds, in words.
func Reason(ctx context.Context, code string) string {
	switch code {
	case "asked":
		return text.T(ctx, "The buyer asked for it")
	case "broken":
		return text.T(ctx, "Something was wrong with it")
	case "duplicate":
		return text.T(ctx, "It was bought twice")
	case "mistake":
		return text.T(ctx, "It was bought by mistake")
	case "goodwill":
		return text.T(ctx, "Out of goodwill")
	case "fraud":
		return text.T(ctx, "The payment was fraud")
	case "review":
		return text.T(ctx, "The order was not approved")
	}
	return text.T(ctx, "Begun at the payment service")
}
