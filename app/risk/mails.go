package risk

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
	"vitrine/app/orders"
	"vitrine/views/text"

	view "vitrine/views/orders"
)

// Mails tells creators, and where orders does not do it buyers, what is being done and until when. They never say
// which rule has spoken: that would teach whom the rules are against.
type Mails struct {
	Service *Service
	Sellers orders.Sellers
	Sender  orders.Sender
}

// What is told of a review.
const (
	TellOpened  = "opened"
	TellHeld    = "held"
	TellRefused = "refused"
	TellShut    = "shut"
)

// Tell writes to those whom a step of a review concerns.
type Tell struct {
	Review id.Review `json:"review"`
	What   string    `json:"what"`
}

func (Tell) Kind() string { return "risk:tell" }

// Ask asks a buyer whether they know of a payment that their bank has doubts about.
type Ask struct {
	Order id.Order `json:"order"`
	Ref   string   `json:"ref"`
}

func (Ask) Kind() string { return "risk:ask" }

const mailLease = 90 * time.Second

var errSending = errors.New("another worker is sending this mail")

// Jobs registers what sends mails.
func (m *Mails) Jobs(reg *job.Registry) {
	spec := job.Spec{Timeout: time.Minute, Attempts: 12}
	job.Handle(reg, spec, m.tell)
	job.Handle(reg, spec, m.ask)
}

// letter is a mail to be sent once for its kind and cause.
type letter struct {
	order       id.Order
	kind, cause string
	to, replyTo string
	props       view.MailProps
}

func (m *Mails) tell(ctx context.Context, t Tell) error {
	q := m.Service.DB
	r, err := m.Service.Get(ctx, q, t.Review)
	if err != nil {
		return fmt.Errorf("tell of review %s: %w", t.Review, err)
	}
	o, err := m.Service.Orders.Find(ctx, q, r.Order)
	if err != nil {
		return fmt.Errorf("tell of review %s: %w", t.Review, err)
	}
	seller, err := m.Sellers(ctx, q, r.Shop)
	if err != nil {
		return fmt.Errorf("tell of review %s: seller: %w", t.Review, err)
	}
	if r.State.Decided() && (t.What == TellOpened || t.What == TellHeld) {
		return nil // overtaken by the decision, which has a mail of its own
	}
	cause := ""
	if t.What == TellHeld {
		cause = r.Due.UTC().Format("2006-01-02T15:04:05")
		if err := m.once(ctx, letter{o.ID, "buyer_held", cause, o.Email, seller.Email, m.heldBuyer(text.With(ctx, o.Locale), o, seller, r)}); err != nil {
			return err
		}
	}
	ctx = text.With(ctx, seller.Locale)
	props := map[string]func(context.Context, orders.Order, orders.Seller, Review) view.MailProps{
		TellOpened: m.openedMail, TellHeld: m.heldMail, TellRefused: m.refusedMail, TellShut: m.shutMail,
	}[t.What]
	if props == nil {
		return job.Permanent(fmt.Errorf("nothing is told of %q", t.What))
	}
	return m.once(ctx, letter{o.ID, "seller_" + t.What, cause, seller.Email, "", props(ctx, o, seller, r)})
}

func (m *Mails) ask(ctx context.Context, t Ask) error {
	q := m.Service.DB
	o, err := m.Service.Orders.Find(ctx, q, t.Order)
	if err != nil {
		return fmt.Errorf("ask about order %s: %w", t.Order, err)
	}
	seller, err := m.Sellers(ctx, q, o.Shop)
	if err != nil {
		return fmt.Errorf("ask about order %s: seller: %w", t.Order, err)
	}
	return m.once(ctx, letter{o.ID, "buyer_asked", t.Ref, o.Email, seller.Email, m.askMail(text.With(ctx, o.Locale), o, seller)})
}

// once sends a letter unless it was sent. A worker that died is replaced when its lease is over, under the same id.
func (m *Mails) once(ctx context.Context, l letter) error {
	mine, err := m.claim(ctx, l)
	if err != nil || !mine {
		return err
	}
	var b strings.Builder
	if err := view.Mail(l.props).Render(ctx, &b); err != nil {
		return fmt.Errorf("write mail: %w", err)
	}
	failpoint.Hit("risk.mail.before_call")
	err = m.Sender.Send(ctx, mail.Message{ID: strings.TrimSuffix("risk-"+l.kind+"-"+l.order.String()+"-"+strings.NewReplacer(":", "", " ", "").Replace(l.cause), "-"),
		To: l.to, ReplyTo: l.replyTo, Subject: l.props.Title, HTML: b.String(), Text: l.props.Text()})
	failpoint.Hit("risk.mail.after_call")
	switch {
	case errors.Is(err, mail.ErrRefused):
		slog.WarnContext(ctx, "a mail was refused for good", "order", l.order, "kind", l.kind, "err", err)
		return m.settle(ctx, l, true)
	case err != nil:
		return errors.Join(err, m.release(ctx, l))
	}
	return m.settle(ctx, l, false)
}

// claim is true for the one who may send now.
func (m *Mails) claim(ctx context.Context, l letter) (mine bool, err error) {
	err = m.Service.DB.InTx(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(ctx, `
			INSERT INTO risk_mails (order_id, kind, cause, lease_until) VALUES ($1, $2, $3, $4)
			ON CONFLICT ON CONSTRAINT risk_mails_pkey DO UPDATE SET lease_until = excluded.lease_until
			WHERE risk_mails.sent_at IS NULL AND risk_mails.refused_at IS NULL AND risk_mails.lease_until <= $5`,
			l.order, l.kind, l.cause, tx.Now.Add(mailLease), tx.Now)
		mine = n == 1
		if err == nil && !mine {
			var done bool
			err = tx.Get(ctx, &done, `SELECT sent_at IS NOT NULL OR refused_at IS NOT NULL FROM risk_mails WHERE order_id = $1 AND kind = $2 AND cause = $3`, l.order, l.kind, l.cause)
			if err == nil && !done {
				err = errSending
			}
		}
		failpoint.Hit("risk.mail.before_commit")
		return err
	})
	failpoint.Hit("risk.mail.after_commit")
	return mine, err
}

func (m *Mails) settle(ctx context.Context, l letter, refused bool) error {
	err := m.Service.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `
			UPDATE risk_mails SET sent_at = CASE WHEN $5 THEN NULL ELSE $4::timestamptz END, refused_at = CASE WHEN $5 THEN $4::timestamptz END
			WHERE order_id = $1 AND kind = $2 AND cause = $3 AND sent_at IS NULL`, l.order, l.kind, l.cause, tx.Now, refused)
		failpoint.Hit("risk.mail.before_commit")
		return err
	})
	failpoint.Hit("risk.mail.after_commit")
	return err
}

// release lets the next try send at once.
func (m *Mails) release(ctx context.Context, l letter) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := m.Service.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE risk_mails SET lease_until = $4 WHERE order_id = $1 AND kind = $2 AND cause = $3 AND sent_at IS NULL`, l.order, l.kind, l.cause, tx.Now)
		failpoint.Hit("risk.mail.before_commit")
		return err
	})
	failpoint.Hit("risk.mail.after_commit")
	return err
}
