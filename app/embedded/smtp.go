package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// SMTPOptions say where mails are kept and where to listen; empty means memory only and any free port.
type SMTPOptions struct{ Dir, Addr string }

// SMTP takes every mail and delivers none; its pages show them.
type SMTP struct {
	server *smtp.Server
	addr   string
	dir    string
	ended  chan struct{}
	once   sync.Once

	mu    sync.Mutex
	mails []Mail
	news  chan struct{} // closed and replaced with every mail
}

// StartSMTP listens on the loopback and reads back what Dir holds.
func StartSMTP(o SMTPOptions) (*SMTP, error) {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	s := &SMTP{dir: o.Dir, news: make(chan struct{}), ended: make(chan struct{})}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("the folder of mails: %w", err)
	}
	ln, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, err
	}
	s.addr = ln.Addr().String()
	s.server = smtp.NewServer(s)
	s.server.Domain = "localhost"
	s.server.MaxMessageBytes = 10 << 20
	s.server.ReadTimeout, s.server.WriteTimeout = 10*time.Second, 10*time.Second
	go func() {
		if err := s.server.Serve(ln); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			slog.Error("local mail server", "err", err)
		}
	}()
	return s, nil
}

// URL is what a sender connects to.
func (s *SMTP) URL() string { return "smtp://" + s.addr }

// Stop ends the server; its pages answer on.
func (s *SMTP) Stop() {
	s.once.Do(func() {
		close(s.ended)
		if err := s.server.Close(); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			slog.Warn("the local mail server did not stop in order", "err", err)
		}
	})
}

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
		news := s.next()
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

// next is closed when another mail comes.
func (s *SMTP) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.news
}

func (s *SMTP) find(id string) (Mail, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.mails {
		if m.ID == id {
			return m, true
		}
	}
	return Mail{}, false
}

const (
	stamp   = "20060102T150405.000000" // begins a mail's name, so that names sort by time
	mailExt = ".eml"
	recent  = 1000 // as many mails are read back; older ones stay in the folder
)

func (s *SMTP) load() error {
	if s.dir == "" {
		return nil
	}
	if err := mine(s.dir); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "*"+mailExt))
	if err != nil {
		return err
	}
	sort.Strings(files)
	for _, f := range files[max(0, len(files)-recent):] {
		name := strings.TrimSuffix(filepath.Base(f), mailExt)
		at, err := time.Parse(stamp, name[:min(len(name), len(stamp))])
		if err != nil {
			continue // not one of ours
		}
		b, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		m, err := parseMail(b)
		if err != nil {
			slog.Warn("a stored mail cannot be read", "file", f, "err", err)
			continue
		}
		m.ID, m.At, m.To = name, at, m.Headers.Get("Delivered-To")
		s.mails = append(s.mails, m)
	}
	return nil
}

// take keeps one mail for one recipient. It is on disk before the sender hears that it was taken.
func (s *SMTP) take(to string, raw []byte) error {
	raw = append([]byte("Delivered-To: "+to+"\r\n"), raw...) // as mail servers do; Bcc names nobody
	m, err := parseMail(raw)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "cannot read this message"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m.To, m.At = to, time.Now().UTC()
	m.ID = fmt.Sprintf("%s-%04d", m.At.Format(stamp), len(s.mails))
	if s.dir != "" {
		if err := writeFile(filepath.Join(s.dir, m.ID+mailExt), raw); err != nil {
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
	var raw bytes.Buffer
	if _, err := raw.ReadFrom(r); err != nil {
		return err
	}
	for _, to := range c.to {
		if err := c.sink.take(to, raw.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

func (c *smtpSession) Reset()        { c.to = nil }
func (c *smtpSession) Logout() error { return nil }
