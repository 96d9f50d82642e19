// Package webtest is a browser for tests: it keeps cookies, says where it comes from as browsers do, submits
// the forms that pages really show, with htmx or without, and reads answers with goquery.
package webtest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// Browser is one visitor. It follows no redirect by itself: a test wants to see them.
type Browser struct {
	t       testing.TB
	handler http.Handler
	jar     http.CookieJar
	HTMX    bool        // requests are made by htmx
	Header  http.Header // sent with every request
	Remote  string      // the address the visitor comes from
	at      *url.URL
}

// New opens a browser on a handler; base is where relative addresses start, such as http://localhost:8080.
func New(t testing.TB, h http.Handler, base string) *Browser {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Browser{t: t, handler: h, jar: jar, Header: http.Header{}, Remote: "192.0.2.1:4711", at: u}
}

// Page is one answer.
type Page struct {
	t      testing.TB
	Status int
	Header http.Header
	Body   string
	URL    *url.URL
	doc    *goquery.Document
}

// Get opens an address, absolute or relative to the page before.
func (b *Browser) Get(address string) *Page { return b.Do(http.MethodGet, address, "", "") }

// Post sends a form.
func (b *Browser) Post(address string, form url.Values) *Page {
	return b.Do(http.MethodPost, address, "application/x-www-form-urlencoded", form.Encode())
}

// Do sends anything.
func (b *Browser) Do(method, address, contentType, body string) *Page {
	b.t.Helper()
	u, err := b.at.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	r := httptest.NewRequest(method, u.String(), strings.NewReader(body))
	r.Host, r.RemoteAddr = u.Host, b.Remote
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	r.Header.Set("User-Agent", "Mozilla/5.0 (Linux; Android 14) webtest")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method != http.MethodGet {
		r.Header.Set("Origin", u.Scheme+"://"+u.Host)
	}
	if b.HTMX {
		r.Header.Set("HX-Request", "true")
		r.Header.Set("HX-Current-URL", b.at.String())
	}
	for k, v := range b.Header {
		r.Header[k] = v
	}
	for _, c := range b.jar.Cookies(u) {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	res := w.Result()
	b.jar.SetCookies(u, res.Cookies())
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if !b.HTMX && method == http.MethodGet {
		b.at = u
	}
	return &Page{t: b.t, Status: res.StatusCode, Header: res.Header, Body: string(raw), URL: u}
}

// Follow opens where a redirect points, as often as needed, and returns the last page.
func (b *Browser) Follow(p *Page) *Page {
	b.t.Helper()
	for range 10 {
		to := p.Header.Get("Location")
		if to == "" {
			to = p.Header.Get("HX-Redirect")
		}
		if to == "" {
			return p
		}
		u, err := p.URL.Parse(to)
		if err != nil {
			b.t.Fatal(err)
		}
		p = b.Get(u.String())
	}
	b.t.Fatalf("%s redirects for ever", p.URL)
	return nil
}

// Cookies are those the browser would send to address.
func (b *Browser) Cookies(address string) []*http.Cookie {
	u, err := b.at.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.jar.Cookies(u)
}

// SetCookie plants a cookie, as an attacker would before a sign-in.
func (b *Browser) SetCookie(address string, c *http.Cookie) {
	u, err := b.at.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	b.jar.SetCookies(u, []*http.Cookie{c})
}

// Submit fills the form that matches selector on p with values, keeping what the page filled in itself
// (hidden fields, defaults), and sends it where its action points.
func (b *Browser) Submit(p *Page, selector string, values map[string]string) *Page {
	b.t.Helper()
	f := p.Doc().Find(selector).First()
	if f.Length() == 0 {
		b.t.Fatalf("no form %s on %s:\n%s", selector, p.URL, p.Body)
	}
	form := Filled(f)
	for k, v := range values {
		if f.Find(fmt.Sprintf(`[name="%s"]`, k)).Length() == 0 {
			b.t.Fatalf("form %s on %s has no field %s", selector, p.URL, k)
		}
		form.Set(k, v)
	}
	action, _ := f.Attr("action")
	u, err := p.URL.Parse(action)
	if err != nil {
		b.t.Fatal(err)
	}
	if strings.EqualFold(f.AttrOr("method", "get"), "get") {
		u.RawQuery = form.Encode()
		return b.Get(u.String())
	}
	return b.Post(u.String(), form)
}

// Filled reads a form's fields as a browser would send them untouched, submit buttons aside.
func Filled(f *goquery.Selection) url.Values {
	form := url.Values{}
	f.Find("input[name], textarea[name], select[name]").Each(func(_ int, s *goquery.Selection) {
		name, kind := s.AttrOr("name", ""), s.AttrOr("type", "text")
		_, checked := s.Attr("checked")
		switch {
		case goquery.NodeName(s) == "textarea":
			form.Add(name, s.Text())
		case goquery.NodeName(s) == "select":
			o := s.Find("option[selected]")
			if o.Length() == 0 {
				o = s.Find("option").First()
			}
			form.Add(name, o.AttrOr("value", o.Text()))
		case kind == "submit" || kind == "button" || kind == "file" || (kind == "checkbox" || kind == "radio") && !checked:
		case kind == "checkbox" || kind == "radio":
			form.Add(name, s.AttrOr("value", "on"))
		default:
			form.Add(name, s.AttrOr("value", ""))
		}
	})
	return form
}

// Doc is the answer as a document.
func (p *Page) Doc() *goquery.Document {
	p.t.Helper()
	if p.doc == nil {
		d, err := goquery.NewDocumentFromReader(strings.NewReader(p.Body))
		if err != nil {
			p.t.Fatal(err)
		}
		p.doc = d
	}
	return p.doc
}

// Text is the visible text of what matches selector, blanks folded.
func (p *Page) Text(selector string) string {
	return strings.Join(strings.Fields(p.Doc().Find(selector).Text()), " ")
}

// Is fails the test unless the status is as given.
func (p *Page) Is(status int) *Page {
	p.t.Helper()
	if p.Status != status {
		p.t.Fatalf("%s answered %d, want %d\n%s", p.URL, p.Status, status, clip(p.Body))
	}
	return p
}

// Goes fails the test unless the answer sends the browser to address.
func (p *Page) Goes(address string) *Page {
	p.t.Helper()
	to := p.Header.Get("Location") + p.Header.Get("HX-Redirect")
	if to != address {
		p.t.Fatalf("%s answered %d to %q, want %q\n%s", p.URL, p.Status, to, address, clip(p.Body))
	}
	return p
}

// Has fails the test unless the body contains s.
func (p *Page) Has(s string) *Page {
	p.t.Helper()
	if !strings.Contains(p.Body, s) {
		p.t.Fatalf("%s (%d) does not say %q:\n%s", p.URL, p.Status, s, clip(p.Body))
	}
	return p
}

// HasNot fails the test if the body contains s.
func (p *Page) HasNot(s string) *Page {
	p.t.Helper()
	if strings.Contains(p.Body, s) {
		p.t.Fatalf("%s (%d) says %q:\n%s", p.URL, p.Status, s, clip(p.Body))
	}
	return p
}

func clip(s string) string {
	if len(s) > 4000 {
		return s[:4000] + "…"
	}
	return s
}
