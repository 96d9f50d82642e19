package payouts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"vitrine/app/db"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/mail"
	"vitrine/views/text"
	"vitrine/views/ui"

	view "vitrine/views/orders"
)

// Mails writes to creators about their payouts.
type Mails struct {
	Payouts *Service
	// Address is where a creator is written to, and in which language.
	Address func(ctx context.Context, creator id.User) (email, locale string, err error)
	Sender  Sender
}

// Sender hands a mail over.
type Sender interface {
	Send(ctx context.Context, m mail.Message) error
}

// MailTask is a mail that a change has caused. What and Cause name it: a second one with the same is not sent.
type MailTask struct {
	Creator id.User   `json:"creator"`
	What    string    `json:"what"`
	Cause   string    `json:"cause,omitempty"`
	Payout  id.Payout `json:"payout,omitzero"`
	Method  id.Method `json:"method,omitzero"`
	Change  id.Grant  `json:"change,omitzero"`
	Old     id.Method `json:"old,omitzero"` // an address that is told too: payouts no longer go there
}

func (MailTask) Kind() string { return "payouts:mail" }

const (
	mailSent       = "sent"
	mailReturned   = "returned"
	mailFailed     = "failed" // and its money does not come back yet
	mailConfirm    = "confirm"
	mailReady      = "ready"
	mailChanged    = "changed"
	mailGone       = "gone"
	mailRestricted = "restricted"
	mailDeadline   = "deadline"

	mailLease = 90 * time.Second
)

// cause is what the mail is remembered by.
func (t MailTask) cause() string {
	var parts []string
	for _, p := range []string{zeroless(t.Payout), zeroless(t.Method), zeroless(t.Change), t.Cause} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ":")
}

func zeroless[K any](i id.ID[K]) string {
	if i.IsZero() {
		return ""
	}
	return i.String()
}

// mail lets a mail be written once the transaction is safe.
func (s *Service) mail(ctx context.Context, tx *db.Tx, t MailTask) error {
	return job.Enqueue(ctx, tx, t, job.Key("payouts:mail:"+t.What+":"+t.cause()))
}

var errSending = errors.New("another worker is sending this mail")

// Jobs registers what sends mails.
func (m *Mails) Jobs(r *job.Registry) {
	job.Handle(r, job.Spec{Timeout: time.Minute, Attempts: 12}, m.write)
}

func (m *Mails) write(ctx context.Context, t MailTask) error {
	to, locale, err := m.Address(ctx, t.Creator)
	if err != nil {
		return fmt.Errorf("mail about payouts: %w", err)
	}
	ctx = text.With(ctx, locale)
	p, err := m.compose(ctx, t)
	if db.None(err) {
		return nil // what it was about is over: a link that a newer one has replaced
	}
	if err != nil {
		return fmt.Errorf("mail about payouts: %w", err)
	}
	if err := m.once(ctx, t, "", to, p); err != nil || t.Old.IsZero() {
		return err
	}
	old, err := m.Payouts.findMethod(ctx, m.Payouts.DB, t.Old)
	if err != nil || old.Address == "" || strings.EqualFold(old.Address, to) {
		return err
	}
	return m.once(ctx, t, "old:", old.Address, farewell(ctx))
}

func (m *Mails) compose(ctx context.Context, t MailTask) (view.MailProps, error) {
	s := m.Payouts
	if !t.Payout.IsZero() {
		p, err := s.findPayout(ctx, s.DB, t.Payout)
		return m.payout(ctx, t, p), err
	}
	method, err := s.findMethod(ctx, s.DB, t.Method)
	if err != nil {
		return view.MailProps{}, err
	}
	if t.What == mailConfirm {
		c, err := s.findChange(ctx, s.DB, t.Change)
		return m.confirm(ctx, c, method), err
	}
	return m.method(ctx, t, method), nil
}

func (m *Mails) payout(ctx context.Context, t MailTask, p Payout) view.MailProps {
	s := m.Payouts
	out := view.MailProps{
		Lines: []ui.Line{
			{Label: text.T(ctx, "Payout"), Amount: fmt.Sprint(p.Number)}, {Label: text.T(ctx, "To"), Amount: p.To},
			{Label: text.T(ctx, "Amount"), Amount: p.Amount.Format(), Strong: true},
		},
		Button: text.T(ctx, "See the payout"), Href: s.AppURL + "/app/payouts/" + p.ID.String(), Footer: footer(ctx),
	}
	switch t.What {
	case mailSent:
		out.Title = text.T(ctx, "%s is on its way to you", p.Amount.Format())
		out.Paragraphs = []string{text.T(ctx, "We have sent your payout. Banks take one to five working days.")}
		if !p.ArrivesAt.IsZero() {
			out.Paragraphs = []string{text.T(ctx, "We have sent your payout. It should arrive by %s.", s.on(p.ArrivesAt))}
		}
		if !p.Carried.IsZero() {
			out.After = []string{text.T(ctx, "%s stays for the next payout: banks take no smaller parts of this currency.", p.Carried.Format())}
		}
	case mailReturned:
		out.Title = text.T(ctx, "Your payout came back")
		out.Paragraphs = []string{text.T(ctx, "The payout did not arrive: %s The money is in your balance again, and nothing is lost.", text.T(ctx, p.Why)),
			text.T(ctx, "Check where your payouts go to. Once that is in order, choose the method again, and the next payout takes the money along.")}
	case mailFailed:
		out.Title = text.T(ctx, "Your payout did not arrive")
		out.Paragraphs = []string{text.T(ctx, "The payout did not arrive: %s", text.T(ctx, p.Why)),
			text.T(ctx, "The provider does not give the money back yet. We keep asking, and look at it ourselves. You need not do anything about this payout.")}
	}
	out.Preview = out.Title
	return out
}

func (m *Mails) confirm(ctx context.Context, c change, method Method) view.MailProps {
	s := m.Payouts
	out := view.MailProps{
		Title:      text.T(ctx, "Shall your payouts go to %s?", method.Shown()),
		Paragraphs: []string{text.T(ctx, "You, or someone who is signed in as you, asked for this. Confirm it while you are signed in; the link works once, until %s.", s.at(c.Expires))},
		Button:     text.T(ctx, "Confirm the change"), Href: s.AppURL + "/app/payouts/methods/confirm/" + s.token(c.ID),
		After:  []string{text.T(ctx, "If it was not you, do not follow the link: nothing changes then. Change your password, and tell us.")},
		Footer: footer(ctx),
	}
	if c.What == changeDisconnect {
		out.Title = text.T(ctx, "Shall payouts to %s end?", method.Shown())
	}
	out.Preview = out.Title
	return out
}

func (m *Mails) method(ctx context.Context, t MailTask, method Method) view.MailProps {
	s := m.Payouts
	out := view.MailProps{Button: text.T(ctx, "See your payouts"), Href: s.AppURL + "/app/payouts", Footer: footer(ctx)}
	notYou := text.T(ctx, "If this was not you, write to us at once: nothing has been sent there yet.")
	switch t.What {
	case mailReady:
		out.Title = text.T(ctx, "Your payouts go to %s", method.Shown())
		out.Paragraphs = []string{text.T(ctx, "From the next payout day on, what is available to you is sent there.")}
	case mailChanged:
		out.Title = text.T(ctx, "Your payout method was changed")
		out.Paragraphs = []string{text.T(ctx, "Your payouts now go to %s. For your safety nothing is sent there before %s.", method.Shown(), s.at(method.PayableFrom))}
		out.After = []string{notYou}
	case mailGone:
		out.Title = text.T(ctx, "Payouts to %s have ended", method.Shown())
		out.Paragraphs = []string{text.T(ctx, "Your shop goes on selling. The money waits in your balance until you say where to.")}
		out.After = []string{text.T(ctx, "If this was not you, change your password, and write to us.")}
	case mailRestricted:
		out.Title = text.T(ctx, "Stripe has stopped payouts to your account")
		out.Paragraphs = append([]string{text.T(ctx, "Your shop goes on selling, and the money waits in your balance. Stripe asks for:")}, Asks(ctx, method.Due)...)
	case mailDeadline:
		out.Title = text.T(ctx, "Stripe needs something from you by %s", s.on(method.Deadline))
		out.Paragraphs = append([]string{text.T(ctx, "After that payouts stop until it is there. Stripe asks for:")}, Asks(ctx, method.Due)...)
	}
	out.Preview = out.Title
	return out
}

// farewell is for an address that gets no more payouts. It says nothing about where they go now.
func farewell(ctx context.Context) view.MailProps {
	t := text.T(ctx, "Payouts no longer go to this address")
	return view.MailProps{Title: t, Preview: t, Paragraphs: []string{text.T(ctx, "A creator on Vitrine who was paid out to this PayPal address has changed that.")},
		After: []string{text.T(ctx, "If this was you, there is nothing to do. If it was not, write to us at once.")}, Footer: footer(ctx)}
}

func footer(ctx context.Context) string {
	return text.T(ctx, "You get this mail because you sell on Vitrine. It is about your money, so it cannot be switched off.")
}

// once sends a mail unless it has been sent. While one worker sends, others are told to come back; a worker that died is
// replaced when its lease is over, and its mail, if it was sent, is followed by one with the same Message-ID.
func (m *Mails) once(ctx context.Context, t MailTask, prefix, to string, p view.MailProps) error {
	cause := prefix + t.cause()
	mine, err := m.claim(ctx, t, cause)
	if err != nil || !mine {
		return err
	}
	failpoint.Hit("mail.claimed")
	var b strings.Builder
	if err := view.Mail(p).Render(ctx, &b); err != nil {
		return fmt.Errorf("write mail: %w", err)
	}
	msg := mail.Message{To: to, Subject: p.Title, HTML: b.String(), Text: p.Text(), ID: "payouts-" + t.What + "-" + strings.Map(plain, cause)}
	err = m.Sender.Send(ctx, msg)
	failpoint.Hit("mail.sent")
	switch {
	case errors.Is(err, mail.ErrRefused):
		slog.WarnContext(ctx, "a mail was refused for good", "creator", t.Creator, "kind", t.What, "err", err)
		return m.settle(ctx, t, cause, true)
	case err != nil:
		return errors.Join(err, m.letGo(ctx, t, cause))
	}
	return m.settle(ctx, t, cause, false)
}

// plain keeps what may stand in a Message-ID.
func plain(r rune) rune {
	if r == ':' || r == '+' {
		return '-'
	}
	return r
}

// claim is true for the one who may send now.
func (m *Mails) claim(ctx context.Context, t MailTask, cause string) (mine bool, err error) {
	err = m.Payouts.DB.InTx(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(ctx, `
			INSERT INTO payout_mails (creator_id, kind, cause, lease_until) VALUES ($1, $2, $3, $4)
			ON CONFLICT ON CONSTRAINT payout_mails_pkey DO UPDATE SET lease_until = excluded.lease_until
			WHERE payout_mails.sent_at IS NULL AND payout_mails.refused_at IS NULL AND (payout_mails.lease_until <= $5 OR payout_mails.lease_until > $4)`,
			t.Creator, t.What, cause, tx.Now.Add(mailLease), tx.Now)
		if err != nil || n == 1 {
			mine = err == nil
			return err
		}
		var done bool
		if err := tx.Get(ctx, &done, `
			SELECT sent_at IS NOT NULL OR refused_at IS NOT NULL FROM payout_mails
			WHERE creator_id = $1 AND kind = $2 AND cause = $3`, t.Creator, t.What, cause); err != nil {
			return err
		}
		if !done {
			return errSending
		}
		return nil
	})
	return mine, err
}

func (m *Mails) settle(ctx context.Context, t MailTask, cause string, refused bool) error {
	return m.Payouts.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `
			UPDATE payout_mails
			SET sent_at = CASE WHEN $5 THEN NULL ELSE $4::timestamptz END, refused_at = CASE WHEN $5 THEN $4::timestamptz END
			WHERE creator_id = $1 AND kind = $2 AND cause = $3 AND sent_at IS NULL`, t.Creator, t.What, cause, tx.Now, refused)
		return err
	})
}

// letGo lets the next try send at once.
func (m *Mails) letGo(ctx context.Context, t MailTask, cause string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return m.Payouts.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `
			UPDATE payout_mails SET lease_until = $4
			WHERE creator_id = $1 AND kind = $2 AND cause = $3 AND sent_at IS NULL`, t.Creator, t.What, cause, tx.Now)
		return err
	})
}
