package embedded

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gomail "github.com/wneessen/go-mail"
)

func startSMTP(t *testing.T, dir string) *SMTP {
	t.Helper()
	s, err := StartSMTP(SMTPOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// mailTo sends with the library that the product sends with.
func mailTo(t *testing.T, s *SMTP, to, subject, text, html string) error {
	t.Helper()
	m := gomail.NewMsg()
	if err := m.From(`"Noor’s shop" <shop@example.test>`); err != nil {
		t.Fatal(err)
	}
	if err := m.To(to); err != nil {
		t.Fatal(err)
	}
	if err := m.ReplyTo("noor@example.test"); err != nil {
		t.Fatal(err)
	}
	m.Subject(subject)
	m.SetBodyString(gomail.TypeTextPlain, text)
	if html != "" {
		m.AddAlternativeString(gomail.TypeTextHTML, html)
	}
	if err := m.AttachReader("notes.txt", strings.NewReader("an attachment")); err != nil {
		t.Fatal(err)
	}
	host, port, _ := strings.Cut(strings.TrimPrefix(s.URL(), "smtp://"), ":")
	n := 0
	for _, d := range port {
		n = n*10 + int(d-'0')
	}
	c, err := gomail.NewClient(host, gomail.WithPort(n), gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	if err != nil {
		t.Fatal(err)
	}
	return c.DialAndSendWithContext(t.Context(), m)
}

func TestAMailIsReadAsItWasWritten(t *testing.T) {
	dir := t.TempDir()
	s := startSMTP(t, dir)
	long := strings.Repeat("Grüße aus Zürich. ", 30)
	waited := make(chan Mail, 1)
	go func() {
		m, err := s.Wait(t.Context(), "ADA@example.test", func(m Mail) bool { return m.Subject == "Dein Code: 123456 ✓" })
		if err != nil {
			t.Error(err)
		}
		waited <- m
	}()
	for _, to := range []string{"bob@example.test", "ada@example.test"} {
		if err := mailTo(t, s, to, "Dein Code: 123456 ✓", long+"\nhttps://example.test/x?a=1&b=2.\n.\nend", "<p>"+long+"</p>"); err != nil {
			t.Fatal(err)
		}
	}
	m := <-waited
	check := func(m Mail) {
		t.Helper()
		if m.To != "ada@example.test" || m.ReplyTo != "noor@example.test" || !strings.Contains(m.From, "Noor’s shop") || m.ID == "" || m.At.IsZero() {
			t.Errorf("%+v", m)
		}
		if m.Text != long+"\nhttps://example.test/x?a=1&b=2.\n.\nend" || m.HTML != "<p>"+long+"</p>" {
			t.Errorf("text %q\nHTML %q", m.Text, m.HTML)
		}
		if m.Headers.Get("Message-Id") == "" {
			t.Errorf("no headers: %v", m.Headers)
		}
	}
	check(m)
	if n := len(s.Messages("")); n != 2 {
		t.Errorf("%d mails of 2", n)
	}
	s.Stop()

	for name, b := range map[string]string{"notes.eml": "x", "20260101T000000.000000-0000.eml": "not a mail"} { // not ours, and broken
		if err := os.WriteFile(filepath.Join(dir, name), []byte(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = startSMTP(t, dir)
	all := s.Messages("")
	if len(all) != 2 || all[0].To != "ada@example.test" || all[0].ID != m.ID || !all[0].At.Equal(m.At.Truncate(time.Microsecond)) {
		t.Fatalf("after a restart: %+v", all)
	}
	check(all[0])
}

func TestWaitEndsWithItsContextAndARefusedAddressIsRefused(t *testing.T) {
	s := startSMTP(t, "")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Wait(ctx, "nobody@example.test", nil); err == nil || !strings.Contains(err.Error(), "nobody@example.test") {
		t.Error(err)
	}
	if err := mailTo(t, s, "gone@refused.test", "x", "x", ""); err == nil || !strings.Contains(err.Error(), "550") {
		t.Errorf("refused.test: %v", err)
	}
	if n := len(s.Messages("")); n != 0 {
		t.Errorf("%d mails", n)
	}
}

func page(t *testing.T, h http.Handler, path string) (*httptest.ResponseRecorder, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	b, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w, string(b)
}

func TestTheInboxShowsMailsAndRunsNothing(t *testing.T) {
	s := startSMTP(t, "")
	h := s.Handler()
	if _, b := page(t, h, "/"); !strings.Contains(b, "No mail yet") {
		t.Errorf("an empty inbox: %s", b)
	}
	evil := `<!doctype html><html><head><title>x</title></head><body><script>alert(1)</script><a href="http://localhost:8080/x">open</a></body></html>`
	if err := mailTo(t, s, "ada@example.test", "<script>alert(2)</script>", "See https://example.test/a?b=1&c=2. <script>alert(3)</script>", evil); err != nil {
		t.Fatal(err)
	}
	if err := mailTo(t, s, "bob@example.test", "Second", "hello", ""); err != nil {
		t.Fatal(err)
	}
	m := s.Messages("ada@example.test")[0]
	w, list := page(t, h, "/")
	if i, j := strings.Index(list, "Second"), strings.Index(list, "/mail/"+m.ID); i < 0 || j < i {
		t.Errorf("the newest is not first: %s", list)
	}
	if _, b := page(t, h, "/?to=bob@example.test"); strings.Contains(b, m.ID) || !strings.Contains(b, "Second") {
		t.Errorf("one address only: %s", b)
	}
	_, one := page(t, h, "/mail/"+m.ID)
	for _, b := range []string{list, one} {
		if strings.Contains(b, "<script>alert") {
			t.Errorf("a mail's words became tags: %s", b)
		}
	}
	if !strings.Contains(one, `<a href="https://example.test/a?b=1&amp;c=2">https://example.test/a?b=1&amp;c=2</a>.`) {
		t.Errorf("the link is not one: %s", one)
	}
	if !strings.Contains(one, `sandbox="allow-popups`) || strings.Contains(one, "allow-scripts") || strings.Contains(one, "allow-same-origin") {
		t.Errorf("the frame is not closed: %s", one)
	}
	if p := w.Header().Get("Content-Security-Policy"); !strings.Contains(p, "script-src 'self'") || strings.Contains(p, "unsafe") {
		t.Errorf("the inbox's policy: %s", p)
	}
	w, doc := page(t, h, "/mail/"+m.ID+"/html")
	p := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(p, "default-src 'none'") || !strings.Contains(p, "; sandbox ") || strings.Contains(p, "script-src") || strings.Contains(p, "allow-scripts") || strings.Contains(p, "allow-same-origin") {
		t.Errorf("the mail's policy: %s", p)
	}
	if !strings.Contains(doc, `<head><base target="_top"><title>`) || !strings.HasPrefix(doc, "<!doctype html>") {
		t.Errorf("the mail's links stay in the frame: %s", doc)
	}
	for _, none := range []string{"/mail/none", "/mail/none/html", "/mail/..%2f..%2fetc"} {
		if w, _ := page(t, h, none); w.Code != 404 {
			t.Errorf("%s: %d", none, w.Code)
		}
	}
}

func TestTheInboxTellsOfNewMail(t *testing.T) {
	s := startSMTP(t, "")
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	res, err := http.Get(srv.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := mailTo(t, s, "ada@example.test", "x", "x", ""); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(res.Body)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal("the stream ended without a word: ", err)
		}
		if line == "event: mail\n" {
			break
		}
	}
	s.Stop()
	if _, err := io.ReadAll(in); err != nil {
		t.Errorf("the stream does not end with the server: %v", err)
	}
}
