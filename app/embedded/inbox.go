package embedded

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"
)

//go:embed inbox
var inboxFiles embed.FS

var inboxPages = template.Must(template.New("").Funcs(template.FuncMap{"links": links}).ParseFS(inboxFiles, "inbox/*.html"))

const (
	inboxPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	// A mail is a document in which nothing runs. Its links open in place of the inbox, as base says.
	mailPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
	mailBase   = `<base target="_top">`
)

// Handler shows the mails: the list, one mail, and its HTML as a document of its own in which nothing runs.
func (s *SMTP) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.listPage)
	mux.HandleFunc("GET /mail/{id}", s.mailPage)
	mux.HandleFunc("GET /mail/{id}/html", s.mailHTML)
	mux.HandleFunc("GET /events", s.events)
	for _, f := range []string{"inbox.css", "inbox.js"} {
		mux.HandleFunc("GET /"+f, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-cache")
			http.ServeFileFS(w, r, inboxFiles, "inbox/"+f)
		})
	}
	return mux
}

func (s *SMTP) listPage(w http.ResponseWriter, r *http.Request) {
	to := strings.TrimSpace(r.FormValue("to"))
	inboxPage(w, "list.html", map[string]any{"Mails": s.Messages(to), "To": to})
}

func (s *SMTP) mailPage(w http.ResponseWriter, r *http.Request) {
	m, ok := s.find(r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	inboxPage(w, "mail.html", m)
}

func inboxPage(w http.ResponseWriter, name string, data any) {
	var b bytes.Buffer
	if err := inboxPages.ExecuteTemplate(&b, name, data); err != nil {
		slog.Error("inbox page", "err", err)
		http.Error(w, "The inbox cannot show this.", http.StatusInternalServerError)
		return
	}
	send(w, inboxPolicy, b.Bytes())
}

func (s *SMTP) mailHTML(w http.ResponseWriter, r *http.Request) {
	m, ok := s.find(r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	send(w, mailPolicy, []byte(withBase(m.HTML)))
}

func send(w http.ResponseWriter, policy string, b []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.Write(b) // an error here means that the reader has gone
}

var headTag = regexp.MustCompile(`(?i)<head(\s[^>]*)?>`)

// withBase makes a mail's links leave the frame, in which nothing else may be shown.
func withBase(doc string) string {
	if at := headTag.FindStringIndex(doc); at != nil {
		return doc[:at[1]] + mailBase + doc[at[1]:]
	}
	return mailBase + doc
}

// events tells the list, where scripts run, that there is something new.
func (s *SMTP) events(w http.ResponseWriter, r *http.Request) {
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	beat := time.NewTicker(20 * time.Second)
	defer beat.Stop()
	for text := ": hello\n\n"; ; {
		news := s.next()
		if _, err := fmt.Fprint(w, text); err != nil {
			return
		}
		if err := out.Flush(); err != nil {
			return
		}
		select {
		case <-news:
			text = "event: mail\ndata: new\n\n"
		case <-beat.C:
			text = ": beat\n\n"
		case <-s.ended:
			return
		case <-r.Context().Done():
			return
		}
	}
}

var address = regexp.MustCompile(`https?://[^\s<>"]*[^\s<>".,;:!?)\]']`)

// links makes the addresses in a plain text tappable.
func links(s string) template.HTML {
	var b strings.Builder
	at := 0
	for _, m := range address.FindAllStringIndex(s, -1) {
		b.WriteString(template.HTMLEscapeString(s[at:m[0]]))
		u := template.HTMLEscapeString(s[m[0]:m[1]])
		b.WriteString(`<a href="` + u + `">` + u + `</a>`)
		at = m[1]
	}
	b.WriteString(template.HTMLEscapeString(s[at:]))
	return template.HTML(b.String()) // every piece was escaped above
}
