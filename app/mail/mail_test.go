package mail_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"vitrine/app/embedded"
	"vitrine/app/mail"
)

func sender(t *testing.T) (*mail.Sender, *embedded.SMTP) {
	t.Helper()
	s, err := embedded.StartSMTP(embedded.SMTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop() })
	out, err := mail.New(s.URL(), "Vitrine <hello@vitrine.test>")
	if err != nil {
		t.Fatal(err)
	}
	return out, s
}

func TestAMailArrivesWithBothItsBodies(t *testing.T) {
	out, box := sender(t)
	err := out.Send(t.Context(), mail.Message{To: "ines@mail.test", Subject: "Your order: “Forty glazes” €19", HTML: "<p>Thank you</p>", Text: "Thank you", ReplyTo: "noor@mail.test", ID: "order-1"})
	if err != nil {
		t.Fatal(err)
	}
	m, err := box.Wait(t.Context(), "ines@mail.test", nil)
	if err != nil {
		t.Fatal(err)
	}
	if m.Subject != "Your order: “Forty glazes” €19" || strings.TrimSpace(m.Text) != "Thank you" || strings.TrimSpace(m.HTML) != "<p>Thank you</p>" || m.ReplyTo != "noor@mail.test" {
		t.Errorf("%+v", m)
	}
	if id := m.Headers.Get("Message-ID"); id != "<order-1@vitrine.test>" {
		t.Errorf("Message-ID %s", id)
	}
}

func TestNobodyWritesHeadersThroughASubject(t *testing.T) {
	out, box := sender(t)
	if err := out.Send(t.Context(), mail.Message{To: "a@mail.test", Subject: "Hello\r\nBcc: everyone@mail.test\r\n\r\nspam", Text: "x"}); err != nil {
		t.Fatal(err)
	}
	m, err := box.Wait(t.Context(), "a@mail.test", nil)
	if err != nil {
		t.Fatal(err)
	}
	if m.Headers.Get("Bcc") != "" || len(box.Messages("everyone@mail.test")) > 0 {
		t.Errorf("a subject became headers: %v", m.Headers)
	}
	if err := out.Send(t.Context(), mail.Message{To: "a@mail.test\r\nBcc: b@mail.test", Subject: "x", Text: "x"}); !errors.Is(err, mail.ErrRefused) {
		t.Errorf("an address of two lines: %v", err)
	}
}

func TestARefusalForGoodIsToldApartFromAServerThatIsAway(t *testing.T) {
	out, _ := sender(t)
	if err := out.Send(t.Context(), mail.Message{To: "nobody@refused.test", Subject: "x", Text: "x"}); !errors.Is(err, mail.ErrRefused) {
		t.Errorf("550: %v", err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close() // nobody listens there now
	away, err := mail.New("smtp://"+ln.Addr().String(), "hello@vitrine.test")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	if err := away.Send(t.Context(), mail.Message{To: "a@mail.test", Subject: "x", Text: "x"}); err == nil || errors.Is(err, mail.ErrRefused) {
		t.Errorf("away: %v after %v", err, time.Since(at))
	}
}
