package embedded

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"

	"encoding/base64"

	"github.com/emersion/go-smtp"
)

// SMTPOptions say where mails are kept and where to listen; empty means memory only and any free port.
type SMTPOptions struct{ Dir, Addr string }

// Mail is one message as it was received.
type Mail struct {
	ID, From, To, Subject, ReplyTo, Text, HTML string
	Headers                                    mail.Header
	At                                         time.Time
}

// SMTP takes every mail and delivers none; its pages show them.
type SMTP struct {
	server *smtp.Server
	addr   string
	dir    string

	mu    sync.Mutex
	mails []Mail
	news  chan struct{} // closed and replaced with every mail
}

// StartSMTP listens on the loopback and reads back what Dir holds.
func StartSMTP(o SMTPOptions) (*SMTP, error) {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, err
	}
	s := &SMTP{dir: o.Dir, addr: ln.Addr().String(), news: make(chan struct{})}
	if err := s.load(); err != nil {
		ln.Close()
		return nil, err
	}
	s.server = smtp.NewServer(s)
	s.server.Domain = "localhost"
	s.server.MaxMessageBytes = 10 << 20
	s.server.ReadTimeout, s.server.WriteTimeout = 10*time.Second, 10*time.Second
	go s.server.Serve(ln)
	return s, nil
}

func (s *SMTP) URL() string { return "smtp://" + s.addr }
func (s *SMTP) Stop()       { s.server.Close() }

// Messages lists what came for an address, the newest first; all mails for an empty address.
func (s *SMTP) Messages(to string) []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Mail
	for i := len(s.mails) - 1; i >= 0; i-- {
		if to == "" || strings.EqualFold(s.mails[i].To, to) {
			out = append(out, s.mails[i])
		}
	}
	return out
}

// Wait returns the newest mail to an address that match accepts, as soon as there is one.
func (s *SMTP) Wait(ctx context.Context, to string, match func(Mail) bool) (Mail, error) {
	for {
		s.mu.Lock()
		news := s.news
		s.mu.Unlock()
		for _, m := range s.Messages(to) {
			if match == nil || match(m) {
				return m, nil
			}
		}
		select {
		case <-ctx.Done():
			return Mail{}, fmt.Errorf("no such mail for %s: %w", to, ctx.Err())
		case <-news:
		}
	}
}

func (s *SMTP) load() error {
	if s.dir == "" {
		return nil
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "*.eml"))
	if err != nil {
		return err
	}
	sort.Strings(files)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		at, _ := time.Parse(stamp, strings.TrimSuffix(filepath.Base(f), ".eml")[:len(stamp)])
		if m, err := parseMail(b, "", at); err == nil {
			m.ID = strings.TrimSuffix(filepath.Base(f), ".eml")
			s.mails = append(s.mails, m)
		}
	}
	return nil
}

const stamp = "20060102T150405.000000"

func (s *SMTP) take(to string, raw []byte) error {
	at := time.Now().UTC()
	m, err := parseMail(raw, to, at)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "cannot read this message"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m.ID = fmt.Sprintf("%s-%04d", at.Format(stamp), len(s.mails))
	if s.dir != "" {
		if err := os.WriteFile(filepath.Join(s.dir, m.ID+".eml"), raw, 0o600); err != nil {
			return err
		}
	}
	s.mails = append(s.mails, m)
	close(s.news)
	s.news = make(chan struct{})
	return nil
}

// NewSession begins one client's conversation.
func (s *SMTP) NewSession(*smtp.Conn) (smtp.Session, error) { return &smtpSession{sink: s}, nil }

type smtpSession struct {
	sink *SMTP
	to   []string
}

func (c *smtpSession) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt refuses addresses at refused.test for good, so that a bounce can be tried out.
func (c *smtpSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasSuffix(strings.ToLower(to), "@refused.test") {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such person"}
	}
	c.to = append(c.to, to)
	return nil
}

func (c *smtpSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	for _, to := range c.to {
		if err := c.sink.take(to, raw); err != nil {
			return err
		}
	}
	return nil
}

func (c *smtpSession) Reset()        { c.to = nil }
func (c *smtpSession) Logout() error { return nil }

func parseMail(raw []byte, to string, at time.Time) (Mail, error) {
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Mail{}, err
	}
	dec := &mime.WordDecoder{}
	header := func(name string) string {
		v, err := dec.DecodeHeader(msg.Header.Get(name))
		if err != nil {
			return msg.Header.Get(name)
		}
		return v
	}
	m := Mail{From: header("From"), To: to, Subject: header("Subject"), ReplyTo: header("Reply-To"), Headers: msg.Header, At: at}
	if m.To == "" {
		if a, err := mail.ParseAddress(msg.Header.Get("To")); err == nil {
			m.To = a.Address
		}
	}
	if a, err := mail.ParseAddress(m.ReplyTo); err == nil {
		m.ReplyTo = a.Address
	}
	return m, readParts(&m, msg.Header.Get("Content-Type"), msg.Header.Get("Content-Transfer-Encoding"), msg.Body)
}

// readParts collects the text and the HTML of a message, however they are nested.
func readParts(m *Mail, contentType, encoding string, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind = "text/plain"
	}
	if strings.HasPrefix(kind, "multipart/") {
		for mr := multipart.NewReader(body, params["boundary"]); ; {
			p, err := mr.NextRawPart()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if err := readParts(m, p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p); err != nil {
				return err
			}
		}
	}
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	switch kind {
	case "text/html":
		m.HTML = string(b)
	case "text/plain":
		m.Text = strings.ReplaceAll(string(b), "\r\n", "\n")
	}
	return nil
}
