// Package contact is what visitors write to a shop's creator: it is kept, and sent on by mail.
package contact

import (
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"vitrine/app/builder"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/event"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/mail"
	"vitrine/app/storefronts"
)

// Received is the event of a new message; its subject is the shop.
const Received = "messages.received"

// Sender sends mail.
type Sender interface {
	Send(ctx context.Context, m mail.Message) error
}

// Service keeps messages.
type Service struct {
	DB     *db.DB
	Shops  *storefronts.Service
	Sender Sender
	AppURL string
	// Address tells where mail for a creator goes, and in which language; filled by accounts.
	Address func(ctx context.Context, creator id.User) (email, locale string, err error)
}

// Input is the form as it was typed.
type Input struct{ Name, Email, Message string }

// Message is one that has been kept.
type Message struct {
	ID        id.Message
	Shop      id.Shop
	Creator   id.User
	Name      string
	Email     string
	Body      string
	Mailed    bool
	CreatedAt time.Time
}

func (in Input) check() (Input, error) {
	in = Input{storefronts.Line(in.Name), strings.TrimSpace(in.Email), builder.Lines(in.Message)}
	var f errs.Form
	if utf8.RuneCountInString(in.Name) > 100 {
		f.Add("name", "Please use at most %d characters.", 100)
	}
	if !address(in.Email) {
		f.Add("email", "Write your e-mail address, like name@example.com, so that you can be answered.")
	}
	switch n := utf8.RuneCountInString(in.Message); {
	case n == 0:
		f.Add("message", "Write a message.")
	case n > 5000:
		f.Add("message", "Please use at most %d characters.", 5000)
	}
	return in, f.Err()
}

// address reports whether s is a bare mail address that may stand in a header.
func address(s string) bool {
	if len(s) > 254 || strings.ContainsAny(s, "\r\n\t ,;<>\"()[]\\:") {
		return false
	}
	a, err := netmail.ParseAddress(s)
	if err != nil || a.Address != s {
		return false
	}
	host := s[strings.LastIndexByte(s, '@')+1:]
	return strings.Contains(strings.Trim(host, "."), ".")
}

// Receive keeps a message for the creator of a shop, and has it mailed to them.
func (s *Service) Receive(ctx context.Context, sh storefronts.Shop, in Input) (id.Message, error) {
	m := id.New[id.MessageKind]()
	in, err := in.check()
	if err != nil {
		return m, err
	}
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		if err := insert(ctx, tx, m, sh, in); err != nil {
			return err
		}
		if err := event.Emit(ctx, tx, Received, sh.ID.String()); err != nil {
			return err
		}
		return job.Enqueue(ctx, tx, SendMessage{m}, job.Key("message:"+m.String()))
	})
	return m, err
}

// List is the messages of a shop, newest first, from before a given one, and whether there are more.
func (s *Service) List(ctx context.Context, who storefronts.Who, before id.Message, limit int) ([]Message, bool, error) {
	out, err := list(ctx, s.DB, who, before, limit+1)
	if len(out) > limit {
		return out[:limit], true, err
	}
	return out, false, err
}

// SendMessage mails a message to the creator.
type SendMessage struct {
	Message id.Message `json:"message"`
}

func (SendMessage) Kind() string { return "contact.mail" }

// Jobs registers what sends the mails.
func (s *Service) Jobs(reg *job.Registry) {
	job.Handle(reg, job.Spec{Timeout: time.Minute, Attempts: 12}, s.send)
}

// send mails a message unless it has been mailed. Our own address is the sender, so that the mail is believed;
// an answer goes to who wrote.
func (s *Service) send(ctx context.Context, t SendMessage) error {
	m, err := find(ctx, s.DB, t.Message)
	if db.None(err) {
		return job.Permanent(fmt.Errorf("message %s is gone", t.Message))
	}
	if err != nil || m.Mailed {
		return err
	}
	sh, err := s.Shops.ByID(ctx, s.DB, m.Shop)
	if err != nil {
		return err
	}
	to, locale, err := s.Address(ctx, m.Creator)
	if err != nil {
		return err
	}
	msg, err := compose(ctx, m, sh, to, locale, s.AppURL)
	if err != nil {
		return err
	}
	if err := s.Sender.Send(ctx, msg); errors.Is(err, mail.ErrRefused) {
		return job.Permanent(err) // it stays in the list of messages
	} else if err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(tx *db.Tx) error { return markMailed(ctx, tx, m.ID) })
}
