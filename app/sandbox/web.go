package sandbox

import (
	"bytes"
	"encoding/json"
	"html/template"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
)

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	files, err := fs.Sub(pageFiles, "pages")
	if err != nil {
		panic(err) // a constant name
	}
	mux.HandleFunc("GET /sandbox.css", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeFileFS(w, r, files, "sandbox.css")
	})
	mux.HandleFunc("GET /{$}", s.index)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, obj{"ok": true}) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		s.message(w, http.StatusNotFound, message{Title: "Nothing here", Text: "The sandbox has no such page.", Link: "/", LinkText: "What the sandbox has"})
	})
	s.stripe.routes(mux)
	s.stripe.pageRoutes(mux)
	s.paypal.routes(mux)
	s.google.routes(mux)
	s.llm.routes(mux)
	s.photos.routes(mux)
	s.controlRoutes(mux)
	own := ""
	guard := http.NewCrossOriginProtection()
	if u, err := url.Parse(s.base); err == nil && u.Host != "" {
		own = u.Hostname()
		_ = guard.AddTrustedOrigin(u.Scheme + "://" + u.Host) // fails only on a malformed origin
	}
	return localOnly(own, guard.Handler(mux))
}

// localOnly refuses names that a stranger's DNS may point at loopback: a page could steer the sandbox through them.
func localOnly(own string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		host = strings.Trim(host, "[]")
		if ip := net.ParseIP(host); ip == nil && host != own && host != "localhost" && !strings.HasSuffix(host, ".localhost") {
			http.Error(w, "The sandbox does not answer under this name.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// say answers JSON.
func say(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	raw(w, status, b)
}

func raw(w http.ResponseWriter, status int, b []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache, no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b) // stored answers are shared: nothing is added to them
	_, _ = w.Write([]byte{'\n'})
}

var templates = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

// show draws a page. Forms may lead, by a redirect, to origins of the product and to local ones.
func (s *Server) show(w http.ResponseWriter, status int, name string, data any, leadsTo ...string) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		s.log.Error("sandbox: draw page", "page", name, "error", err)
		http.Error(w, "The page cannot be drawn.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; "+
		"form-action 'self' http://localhost:* http://*.localhost:* http://127.0.0.1:*"+origins(leadsTo))
	w.WriteHeader(status)
	_, _ = b.WriteTo(w)
}

func origins(addresses []string) string {
	var b strings.Builder
	for _, a := range addresses {
		if u, err := url.Parse(a); err == nil && u.Host != "" && !strings.ContainsAny(u.Host, "; ,'") {
			b.WriteString(" " + u.Scheme + "://" + u.Host)
		}
	}
	return b.String()
}

// message is a page with one thing to say.
type message struct {
	Title, Text    string
	Link, LinkText string
	Rows           [][2]string
}

func (s *Server) message(w http.ResponseWriter, status int, m message) {
	s.show(w, status, "message.html", m)
}
