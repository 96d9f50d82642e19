package pagecache

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
)

// Control is how long others may keep a public page: a browser asks every time, a CDN keeps it for a minute
// and may serve it a little longer while it asks.
const Control = "public, max-age=0, s-maxage=60, stale-while-revalidate=600"

// entry is a page ready to be sent. Nothing in it changes but used and, under the cache's lock, outdated.
type entry struct {
	key      string
	status   int
	tags     []string
	size     int64
	built    time.Time
	outdated time.Time
	used     atomic.Int64

	common map[string][]string
	forms  [3]form // by coding
}

type coding int

const (
	identity coding = iota
	gzipped
	brotlied
)

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

func newEntry(key string, p Page, now time.Time) (*entry, error) {
	e := &entry{key: key, status: p.Status, tags: p.Tags, built: now, common: map[string][]string{}}
	if e.status == 0 {
		e.status = http.StatusOK
	}
	if p.Type == "" {
		p.Type = "text/html; charset=utf-8"
	}
	if p.CSP != "" {
		e.common["Content-Security-Policy"] = []string{p.CSP}
	}
	e.common["Cache-Control"] = []string{Control}
	e.common["Vary"] = []string{"Accept-Encoding"}
	if e.status != http.StatusOK {
		e.common["Cache-Control"] = []string{"no-cache"}
	}
	if p.Location != "" {
		e.common["Location"] = []string{p.Location}
	}
	sum := sha256.Sum256(p.Body)
	tag := hex.EncodeToString(sum[:12])
	e.forms[identity] = newForm(p.Body, tag, "", p.Type)
	if e.status == http.StatusOK {
		gz, err := compressGzip(p.Body)
		if err != nil {
			return nil, err
		}
		br, err := compressBrotli(p.Body)
		if err != nil {
			return nil, err
		}
		e.forms[gzipped] = newForm(gz, tag, "gzip", p.Type)
		e.forms[brotlied] = newForm(br, tag, "br", p.Type)
	}
	for _, f := range e.forms {
		e.size += int64(len(f.body))
	}
	e.size += int64(len(key)) + 1024
	return e, nil
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

// serve writes the form that the browser takes, or 304 when it has it already.
func (e *entry) serve(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	for k, v := range e.common {
		h[k] = v
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

// negotiate chooses the best coding that the header allows, by its weights and then by size.
func negotiate(accept string) coding {
	best, weight := identity, 0.0
	for len(accept) > 0 {
		var item string
		item, accept, _ = strings.Cut(accept, ",")
		name, params, _ := strings.Cut(item, ";")
		q := 1.0
		if v, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			f, err := strconv.ParseFloat(v, 64)
			if err != nil {
				continue
			}
			q = f
		}
		var c coding
		switch strings.TrimSpace(name) {
		case "br":
			c = brotlied
		case "gzip", "x-gzip":
			c = gzipped
		default:
			continue
		}
		if q > weight || q == weight && q > 0 && c > best {
			best, weight = c, q
		}
	}
	return best
}

// matches reports whether If-None-Match names etag; a proxy may have weakened it.
func matches(header, etag string) bool {
	for header != "" {
		var one string
		one, header, _ = strings.Cut(header, ",")
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		if one == etag || one == "*" {
			return true
		}
	}
	return false
}

var (
	gzipPool   = sync.Pool{New: func() any { w, _ := gzip.NewWriterLevel(nil, 5); return w }}
	brotliPool = sync.Pool{New: func() any { return brotli.NewWriterLevel(nil, 5) }}
)

func compressGzip(b []byte) ([]byte, error) {
	w := gzipPool.Get().(*gzip.Writer)
	defer gzipPool.Put(w)
	var out bytes.Buffer
	w.Reset(&out)
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}

func compressBrotli(b []byte) ([]byte, error) {
	w := brotliPool.Get().(*brotli.Writer)
	defer brotliPool.Put(w)
	var out bytes.Buffer
	w.Reset(&out)
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}
