package disputes

import (
	"context"
	"errors"
	"strings"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/mail"
	"vitrine/views/text"
	"vitrine/views/ui"

	view "vitrine/views/orders"
)

// Mail is the job that tells a creator what became of a dispute.
type Mail struct {
	Dispute id.Dispute `json:"dispute"`
	What    string     `json:"what"` // a status, or how the answer went
}

func (Mail) Kind() string { return "disputes:mail" }

func (s *Service) tell(ctx context.Context, tx *db.Tx, d id.Dispute, what string) error {
	return job.Enqueue(ctx, tx, Mail{d, what}, job.Key("dispute-mail:"+d.String()+":"+what))
}

// Sender hands a mail over.
type Sender interface {
	Send(ctx context.Context, m mail.Message) error
}

// Mails writes to creators about disputes.
type Mails struct {
	Disputes *Service
	Address  func(ctx context.Context, creator id.User) (email, locale string, err error)
	Sender   Sender
	AppURL   string
}

// Jobs registers what sends mails. A second run sends the same Message-ID.
func (m *Mails) Jobs(r *job.Registry) {
	job.Handle(r, job.Spec{Timeout: time.Minute, Attempts: 12}, m.write)
}

func (m *Mails) write(ctx context.Context, t Mail) error {
	d, err := m.Disputes.read(ctx, m.Disputes.DB, t.Dispute)
	if err != nil {
		return err
	}
	to, locale, err := m.Address(ctx, d.Creator)
	if err != nil {
		return err
	}
	ctx = text.With(ctx, locale)
	p, ok := m.compose(ctx, d, t.What)
	if !ok {
		return nil
	}
	var b strings.Builder
	if err := view.Mail(p).Render(ctx, &b); err != nil {
		return err
	}
	err = m.Sender.Send(ctx, mail.Message{To: to, Subject: p.Title, HTML: b.String(), Text: p.Text(), ID: "dispute-" + d.ID.String() + "-" + t.What})
	if errors.Is(err, mail.ErrRefused) {
		return job.Permanent(err)
	}
	return err
}

func (m *Mails) compose(ctx context.Context, d Dispute, what string) (p view.MailProps, ok bool) {
	p = view.MailProps{
		Lines:  []ui.Line{{Label: text.T(ctx, "Disputed"), Amount: d.Amount.Format(), Strong: true}, {Label: text.T(ctx, "The bank’s reason"), Amount: reason(ctx, d.Reason)}},
		Button: text.T(ctx, "See the dispute"), Href: m.AppURL + "/app/disputes/" + d.ID.String(),
		Footer: text.T(ctx, "You get this mail because a payment in your shop is disputed."),
	}
	say := func(title string, paragraphs ...string) {
		p.Title, p.Preview, p.Paragraphs = title, paragraphs[0], paragraphs
	}
	switch what {
	case "needs_response":
		say(text.T(ctx, "A buyer’s bank took %s back", d.Amount.Format()),
			text.T(ctx, "We have gathered the receipt, the download log and what the buyer agreed to. Add your own words and files, and send it before %s.", until(d.Due)),
			text.T(ctx, "If you do nothing, we send what we have a day before the time is over. The dispute’s fee is ours, not yours."))
	case "inquiry":
		say(text.T(ctx, "A buyer’s bank asks about a payment of %s", d.Amount.Format()),
			text.T(ctx, "No money has moved yet. A clear answer often ends it here."))
	case "won":
		say(text.T(ctx, "You won: %s is yours again", d.Amount.Format()), text.T(ctx, "The bank has given the money back, and it is in your balance again."))
	case "lost":
		say(text.T(ctx, "The bank decided for the buyer"), text.T(ctx, "%s stays with the buyer. Banks do not hear such a case twice.", d.Amount.Format()))
	case "closed":
		say(text.T(ctx, "The bank’s question is closed"), text.T(ctx, "Nothing was taken back."))
	case "sent":
		say(text.T(ctx, "Your answer is with the bank"), text.T(ctx, "Banks take up to two or three months to decide. We tell you the moment they do."))
		if d.Automatic {
			p.Paragraphs = append([]string{text.T(ctx, "The time was nearly over, so we sent what we had gathered.")}, p.Paragraphs...)
		}
	case "accepted":
		say(text.T(ctx, "You gave the dispute up"), text.T(ctx, "The buyer keeps %s.", d.Amount.Format()))
	case "failed":
		say(text.T(ctx, "The bank did not take the answer"), text.T(ctx, "The dispute is over, or its time is."))
	default:
		return p, false
	}
	return p, true
}

func until(t time.Time) string {
	if t.IsZero() {
		return "—"
	}
	return t.UTC().Format("2 January 2006, 15:04") + " UTC"
}
