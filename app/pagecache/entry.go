package pagecache

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Control is how long others may keep a public page where nobody tells them of changes: a browser asks every
// time, a CDN within a minute. While we cannot be reached it may show what it has for ten minutes.
const Control = "public, max-age=0, s-maxage=10, stale-while-revalidate=50, stale-if-error=600"

// ControlPurged is the same where a CDN is told of every change.
const ControlPurged = "public, max-age=0, s-maxage=3600, stale-while-revalidate=60, stale-if-error=600"

// passing is for a page that stands in for one that cannot be drawn, or was overtaken while it was.
const passing = "no-cache"

// entry is a page ready to be sent. Nothing in it changes but used and, under the cache's lock, outdated.
type entry struct {
	key      string
	status   int
	page     Page // without its body
	tags     []string
	size     int64
	built    time.Time
	until    time.Time // when it is no longer to be believed, though nobody said so
	outdated time.Time
	used     atomic.Int64

	common map[string][]string
	forms  [codings]form
}

type form struct {
	body     []byte
	etag     string
	headers  map[string][]string
	tagValue []string
}

func (e *entry) outdate(now time.Time) {
	if e.outdated.IsZero() {
		e.outdated = now
	}
}

// newEntry packs a page for sending.
func (c *Cache) newEntry(key string, p Page, built time.Time) (*entry, error) {
	var bodies [codings][]byte
	most := brotlied
	if p.Status != 0 && p.Status != http.StatusOK {
		most = identity
	}
	for k := identity; k <= most; k++ {
		b, err := k.pack(p.Body)
		if err != nil {
			return nil, fmt.Errorf("compress page %s: %w", key, err)
		}
		bodies[k] = b
	}
	return c.ready(key, p, built, bodies), nil
}

// ready makes an entry of a page in all its forms.
func (c *Cache) ready(key string, p Page, built time.Time, bodies [codings][]byte) *entry {
	e := &entry{key: key, status: p.Status, tags: p.Tags, built: built, until: built.Add(c.o.MaxAge), common: map[string][]string{}}
	if !p.Until.IsZero() && p.Until.Before(e.until) {
		e.until = p.Until
	}
	if e.status == 0 {
		e.status = http.StatusOK
	}
	if p.Type == "" {
		p.Type = "text/html; charset=utf-8"
	}
	if p.CSP != "" {
		e.common["Content-Security-Policy"] = []string{p.CSP}
	}
	e.common["Cache-Control"] = []string{c.o.Control}
	e.common["Vary"] = []string{"Accept-Encoding"}
	if e.status != http.StatusOK {
		e.common["Cache-Control"] = []string{passing}
	}
	if p.Location != "" {
		e.common["Location"] = []string{p.Location}
	}
	if e.status == http.StatusOK && len(p.Tags) > 0 {
		e.common["Surrogate-Key"] = []string{strings.Join(p.Tags, " ")}
		if c.o.CacheTag {
			e.common["Cache-Tag"] = []string{strings.Join(p.Tags, ",")}
		}
	}
	sum := sha256.Sum256(bodies[identity])
	tag := hex.EncodeToString(sum[:12])
	for k := range codings {
		if k == identity || e.status == http.StatusOK {
			e.forms[k] = newForm(bodies[k], tag, codingNames[k], p.Type)
		}
		e.size += int64(len(bodies[k]))
	}
	e.size += int64(len(key)) + 1024
	p.Body = nil
	e.page = p
	return e
}

func newForm(body []byte, tag, name, contentType string) form {
	h := map[string][]string{"Content-Type": {contentType}, "Content-Length": {strconv.Itoa(len(body))}}
	if name != "" {
		h["Content-Encoding"] = []string{name}
		tag += "-" + name
	}
	etag := `"` + tag + `"`
	return form{body, etag, h, []string{etag}}
}

// control is how long others may keep the page: never longer than it is true.
func (e *entry) control(now time.Time) string {
	left := e.page.Until.Sub(now)
	if left <= 0 {
		return passing
	}
	return fmt.Sprintf("public, max-age=0, s-maxage=%d, stale-if-error=600", min(int(left.Seconds()), 10))
}

// serve writes the form that the browser takes, or 304 when it has it already. A page that only stands in may
// be kept by nobody.
func (e *entry) serve(w http.ResponseWriter, r *http.Request, standsIn bool, now func() time.Time) error {
	h := w.Header()
	for k, v := range e.common {
		h[k] = v
	}
	switch {
	case e.status != http.StatusOK:
	case standsIn:
		h["Cache-Control"] = []string{passing}
	case !e.page.Until.IsZero():
		h["Cache-Control"] = []string{e.control(now())}
	}
	f := &e.forms[identity]
	if e.status == http.StatusOK {
		f = &e.forms[negotiate(r.Header.Get("Accept-Encoding"))]
		h["Etag"] = f.tagValue
		if matches(r.Header.Get("If-None-Match"), f.etag) {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	for k, v := range f.headers {
		h[k] = v
	}
	w.WriteHeader(e.status)
	if r.Method != http.MethodHead {
		w.Write(f.body) // the reader has left if this fails
	}
	return nil
}
