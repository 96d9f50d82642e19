// Package mail sends messages over SMTP.
package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// Message is one mail to one person. ID makes a second sending recognisable: it becomes the Message-ID.
type Message struct {
	To, Subject, HTML, Text string
	ReplyTo                 string
	ID                      string
}

// Sender sends through one server.
type Sender struct {
	from   string
	domain string
	host   string
	opts   []gomail.Option
}

// ErrRefused says that the server will not take the message, now or later.
var ErrRefused = errors.New("mail: refused for good")

// New reads smtp://user:password@host:port (STARTTLS where offered) or smtps://… (TLS from the start).
func New(server, from string) (*Sender, error) {
	u, err := url.Parse(server)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") {
		return nil, errors.New("SMTP_URL must look like smtp://user:password@host:587")
	}
	a, err := mail.ParseAddress(from)
	if err != nil {
		return nil, fmt.Errorf("MAIL_FROM %q: %w", from, err)
	}
	s := &Sender{from: from, host: u.Hostname(), domain: a.Address[strings.LastIndex(a.Address, "@")+1:]}
	port, _ := strconv.Atoi(u.Port())
	if port == 0 {
		port = map[string]int{"smtp": 587, "smtps": 465}[u.Scheme]
	}
	s.opts = []gomail.Option{gomail.WithPort(port), gomail.WithTimeout(15 * time.Second), gomail.WithTLSConfig(&tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12})}
	if u.Scheme == "smtps" {
		s.opts = append(s.opts, gomail.WithSSL())
	} else {
		s.opts = append(s.opts, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	}
	if u.User != nil {
		pw, _ := u.User.Password()
		s.opts = append(s.opts, gomail.WithSMTPAuth(gomail.SMTPAuthPlain), gomail.WithUsername(u.User.Username()), gomail.WithPassword(pw))
	}
	return s, nil
}

// Send delivers m to the server. An error that wraps ErrRefused will not go away by trying again.
func (s *Sender) Send(ctx context.Context, m Message) error {
	msg := gomail.NewMsg()
	if err := msg.From(s.from); err != nil {
		return fmt.Errorf("mail from: %w", err)
	}
	if err := msg.To(m.To); err != nil {
		return fmt.Errorf("mail to: %w: %w", ErrRefused, err)
	}
	if m.ReplyTo != "" {
		if err := msg.ReplyTo(m.ReplyTo); err != nil {
			return fmt.Errorf("mail reply-to: %w: %w", ErrRefused, err)
		}
	}
	msg.Subject(strings.Map(oneLine, m.Subject))
	if m.ID != "" {
		msg.SetMessageIDWithValue(m.ID + "@" + s.domain)
	}
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	c, err := gomail.NewClient(s.host, s.opts...)
	if err != nil {
		return fmt.Errorf("mail client: %w", err)
	}
	err = c.DialAndSendWithContext(ctx, msg)
	var se *gomail.SendError
	if errors.As(err, &se) && !se.IsTemp() && se.ErrorCode() >= 500 {
		return fmt.Errorf("send mail: %w: %w", ErrRefused, err)
	}
	if err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	return nil
}

// Ping asks the server whether it is there.
func (s *Sender) Ping(ctx context.Context) error {
	c, err := gomail.NewClient(s.host, s.opts...)
	if err != nil {
		return err
	}
	if err := c.DialWithContext(ctx); err != nil {
		return err
	}
	return c.Close()
}

func oneLine(r rune) rune {
	if r == '\n' || r == '\r' {
		return ' '
	}
	return r
}
