package orders

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"vitrine/app/db"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/mail"
	"vitrine/views/text"

	view "vitrine/views/orders"
)

// Mails writes to buyers and creators about orders.
type Mails struct {
	Orders  *Service
	Library *Library
	Sellers Sellers
	Sender  Sender
}

// Sender hands a mail over.
type Sender interface {
	Send(ctx context.Context, m mail.Message) error
}

// Sellers tells who is behind a shop.
type Sellers func(ctx context.Context, q db.Q, shop id.Shop) (Seller, error)

// Seller is what buyers and mails may know of one.
type Seller struct {
	Name     string // of the shop
	URL      string // of the shop's page
	Email    string // the creator's: answers to receipts go there
	Locale   string
	TimeZone string
}

// SendAgain mails the receipt once more because someone asked. Each request is one mail.
type SendAgain struct {
	Order   id.Order `json:"order"`
	Request id.Job   `json:"request"`
}

func (SendAgain) Kind() string { return "orders:receipt-again" }

const (
	mailReceipt = "receipt"
	mailSale    = "sale"
	mailRefund  = "refund"

	mailLease = 90 * time.Second
)

var errSending = errors.New("another worker is sending this mail")

// Jobs registers what sends mails.
func (m *Mails) Jobs(reg *job.Registry) {
	spec := job.Spec{Timeout: time.Minute, Attempts: 12}
	job.Handle(reg, spec, func(ctx context.Context, t SendReceipt) error { return m.receipt(ctx, t.Order, t.Cause) })
	job.Handle(reg, spec, func(ctx context.Context, t SendAgain) error { return m.receipt(ctx, t.Order, t.Request.String()) })
	job.Handle(reg, spec, m.sale)
	job.Handle(reg, spec, m.refund)
	job.Handle(reg, spec, m.library)
	reg.Every("sweep:library-links", time.Hour, m.Library.Sweep)
}

// Again lets the receipt of an order be mailed once more.
func (m *Mails) Again(ctx context.Context, o Order) error {
	return m.Orders.DB.InTx(ctx, func(tx *db.Tx) error {
		return job.Enqueue(ctx, tx, SendAgain{Order: o.ID, Request: id.New[id.JobKind]()})
	})
}

// subject is an order with all that a mail about it needs.
type subject struct {
	Order
	seller  Seller
	consent bool
}

func (m *Mails) read(ctx context.Context, order id.Order) (subject, error) {
	q := m.Orders.DB
	o, err := m.Orders.Find(ctx, q, order)
	if err != nil {
		return subject{}, fmt.Errorf("mail about order %s: %w", order, err)
	}
	seller, err := m.Sellers(ctx, q, o.Shop)
	if err != nil {
		return subject{}, fmt.Errorf("mail about order %s: seller: %w", order, err)
	}
	consent, err := consentOf(ctx, q, o.Checkout)
	return subject{o, seller, consent}, err
}

func (m *Mails) receipt(ctx context.Context, order id.Order, cause string) error {
	s, err := m.read(ctx, order)
	if err != nil {
		return err
	}
	if !s.Status.Sold() {
		return job.Permanent(fmt.Errorf("receipt for order %s, which is %s", order, s.Status))
	}
	ctx = text.With(ctx, s.Locale)
	p, title := receiptMail(ctx, s, m.Orders.URL(s.ID))
	if s.Review.Stopped() {
		p, title = reviewMail(ctx, s, m.Orders.URL(s.ID))
	}
	return m.once(ctx, s.Order, mailReceipt, cause, mail.Message{To: s.Email, Subject: title, ReplyTo: s.seller.Email}, p)
}

func (m *Mails) sale(ctx context.Context, t SendSale) error {
	s, err := m.read(ctx, t.Order)
	if err != nil || s.Test {
		return err
	}
	ctx = text.With(ctx, s.seller.Locale)
	p, title := saleMail(ctx, s, m.Orders.AppURL+"/app/orders/"+s.ID.String())
	return m.once(ctx, s.Order, mailSale, "", mail.Message{To: s.seller.Email, Subject: title}, p)
}

func (m *Mails) refund(ctx context.Context, t SendRefund) error {
	s, err := m.read(ctx, t.Order)
	if err != nil {
		return err
	}
	ctx = text.With(ctx, s.Locale)
	p, title := refundMail(ctx, s, t.Refunded, m.Orders.URL(s.ID))
	return m.once(ctx, s.Order, mailRefund, strconv.FormatInt(t.Refunded, 10), mail.Message{To: s.Email, Subject: title, ReplyTo: s.seller.Email}, p)
}

// library mails a link to /my. A second run mails the same link under the same id.
func (m *Mails) library(ctx context.Context, t SendLibrary) error {
	if t.Buyer.IsZero() {
		return nil
	}
	to, err := addressOf(ctx, m.Orders.DB, t.Buyer)
	if err != nil {
		return fmt.Errorf("library of buyer %s: %w", t.Buyer, err)
	}
	if err := m.Library.grant(ctx, t); err != nil {
		return fmt.Errorf("library of buyer %s: %w", t.Buyer, err)
	}
	ctx = text.With(ctx, t.Locale)
	p := libraryMail(ctx, m.Orders.AppURL+"/my/"+m.Library.Token(t.Request))
	msg, err := compose(ctx, mail.Message{To: to, Subject: p.Title, ID: "library-" + t.Request.String()}, p)
	if err != nil {
		return err
	}
	if err := m.Sender.Send(ctx, msg); errors.Is(err, mail.ErrRefused) {
		return job.Permanent(err)
	} else if err != nil {
		return err
	}
	return nil
}

// once sends the mail of a kind and cause unless it has been sent. While one worker sends, others are told to
// come back; a worker that died is replaced when its lease is over, and its mail, if it was sent, is followed by
// one with the same Message-ID.
func (m *Mails) once(ctx context.Context, o Order, kind, cause string, msg mail.Message, p view.MailProps) error {
	mine, err := m.claim(ctx, o, kind, cause)
	if err != nil || !mine {
		return err
	}
	failpoint.Hit("mail.claimed")
	msg.ID = strings.TrimSuffix(kind+"-"+o.ID.String()+"-"+cause, "-")
	msg, err = compose(ctx, msg, p)
	if err != nil {
		return err
	}
	err = m.Sender.Send(ctx, msg)
	failpoint.Hit("mail.sent")
	switch {
	case errors.Is(err, mail.ErrRefused):
		slog.WarnContext(ctx, "a mail was refused for good", "order", o.ID, "kind", kind, "err", err)
		return m.settle(ctx, o, kind, cause, true)
	case err != nil:
		return errors.Join(err, m.release(ctx, o, kind, cause))
	}
	return m.settle(ctx, o, kind, cause, false)
}

func compose(ctx context.Context, msg mail.Message, p view.MailProps) (mail.Message, error) {
	var b strings.Builder
	if err := view.Mail(p).Render(ctx, &b); err != nil {
		return msg, fmt.Errorf("write mail: %w", err)
	}
	msg.HTML, msg.Text = b.String(), p.Text()
	return msg, nil
}

// claim is true for the one who may send now.
func (m *Mails) claim(ctx context.Context, o Order, kind, cause string) (mine bool, err error) {
	err = m.Orders.DB.InTx(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(ctx, `
			INSERT INTO order_mails (order_id, kind, cause, creator_id, lease_until)
			VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT ON CONSTRAINT order_mails_pkey DO UPDATE SET
				lease_until = EXCLUDED.lease_until
			WHERE order_mails.sent_at IS NULL AND order_mails.refused_at IS NULL AND order_mails.lease_until <= $6`,
			o.ID, kind, cause, o.Creator, tx.Now.Add(mailLease), tx.Now)
		if err != nil || n == 1 {
			mine = err == nil
			return err
		}
		var done bool
		if err := tx.Get(ctx, &done, `
			SELECT sent_at IS NOT NULL OR refused_at IS NOT NULL
			FROM order_mails
			WHERE order_id = $1 AND kind = $2 AND cause = $3`, o.ID, kind, cause); err != nil {
			return err
		}
		if !done {
			return errSending
		}
		return nil
	})
	return mine, err
}

func (m *Mails) settle(ctx context.Context, o Order, kind, cause string, refused bool) error {
	return m.Orders.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `
			UPDATE order_mails
			SET sent_at = CASE WHEN $5 THEN NULL ELSE $4::timestamptz END, refused_at = CASE WHEN $5 THEN $4::timestamptz END
			WHERE order_id = $1 AND kind = $2 AND cause = $3 AND sent_at IS NULL`, o.ID, kind, cause, tx.Now, refused)
		return err
	})
}

// release lets the next try send at once.
func (m *Mails) release(ctx context.Context, o Order, kind, cause string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return m.Orders.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `
			UPDATE order_mails
			SET lease_until = $4
			WHERE order_id = $1 AND kind = $2 AND cause = $3 AND sent_at IS NULL`, o.ID, kind, cause, tx.Now)
		return err
	})
}

// sentMail is a mail that has left, or could not.
type sentMail struct {
	Kind    string     `db:"kind"`
	Cause   string     `db:"cause"`
	Sent    *time.Time `db:"sent_at"`
	Refused *time.Time `db:"refused_at"`
}

func mailsOf(ctx context.Context, q db.Q, creator id.User, o id.Order) (rows []sentMail, err error) {
	err = q.Select(ctx, &rows, `
		SELECT kind, cause, sent_at, refused_at
		FROM order_mails
		WHERE order_id = $1 AND creator_id = $2 AND (sent_at IS NOT NULL OR refused_at IS NOT NULL)
		ORDER BY COALESCE(sent_at, refused_at)`, o, creator)
	return rows, err
}

func consentOf(ctx context.Context, q db.Q, c id.Checkout) (ok bool, err error) {
	err = q.Get(ctx, &ok, `SELECT consented_at IS NOT NULL FROM checkouts WHERE id = $1`, c)
	return ok, err
}

func addressOf(ctx context.Context, q db.Q, b id.Buyer) (email string, err error) {
	err = q.Get(ctx, &email, `SELECT email FROM buyers WHERE id = $1`, b)
	return email, err
}
