package embedded

import (
	"embed"
	"html/template"
	"net/http"
	"regexp"
	"strings"
)

//go:embed inbox
var inboxFiles embed.FS

var inboxPages = template.Must(template.New("").Funcs(template.FuncMap{"links": links}).ParseFS(inboxFiles, "inbox/*.html"))

var address = regexp.MustCompile(`https?://[^\s<>"]+`)

// links makes the addresses in a plain text tappable.
func links(s string) template.HTML {
	var b strings.Builder
	at := 0
	for _, m := range address.FindAllStringIndex(s, -1) {
		b.WriteString(template.HTMLEscapeString(s[at:m[0]]))
		u := template.HTMLEscapeString(s[m[0]:m[1]])
		b.WriteString(`<a href="` + u + `" target="_top">` + u + `</a>`)
		at = m[1]
	}
	b.WriteString(template.HTMLEscapeString(s[at:]))
	return template.HTML(b.String()) // every piece was escaped above
}

// Handler shows the mails: the list, one mail, and its HTML as a document of its own in which nothing runs.
func (s *SMTP) Handler() http.Handler {
	mux := http.NewServeMux()
	page := func(w http.ResponseWriter, name string, data any) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		if err := inboxPages.ExecuteTemplate(w, name, data); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		page(w, "list.html", map[string]any{"Mails": s.Messages(strings.TrimSpace(r.FormValue("to"))), "To": r.FormValue("to")})
	})
	mux.HandleFunc("GET /inbox.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, inboxFiles, "inbox/inbox.css")
	})
	mux.HandleFunc("GET /mail/{id}", func(w http.ResponseWriter, r *http.Request) {
		if m, ok := s.find(r.PathValue("id")); ok {
			page(w, "mail.html", m)
			return
		}
		http.NotFound(w, r)
	})
	mux.HandleFunc("GET /mail/{id}/html", func(w http.ResponseWriter, r *http.Request) {
		m, ok := s.find(r.PathValue("id"))
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:; sandbox allow-top-navigation-by-user-activation allow-popups")
		w.Write([]byte(m.HTML))
	})
	return mux
}

func (s *SMTP) find(id string) (Mail, bool) {
	for _, m := range s.Messages("") {
		if m.ID == id {
			return m, true
		}
	}
	return Mail{}, false
}
