package cdn

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/andybalholm/brotli"

	"vitrine/app/pagecache"
)

// edge is nginx before a shop host, with the configuration that docs/cdn recommends.
type edge struct {
	t        *testing.T
	url      string
	cache    *pagecache.Cache
	origin   *http.Server
	page     atomic.Pointer[string]
	asked    atomic.Int64 // pages sent by the origin
	notAgain atomic.Int64 // and how often it said 304
	slow     atomic.Int64 // milliseconds
}

func nginx(t *testing.T) string {
	for _, p := range []string{"nginx", "/usr/sbin/nginx"} {
		if path, err := exec.LookPath(p); err == nil {
			return path
		}
	}
	t.Skip("nginx is not installed here: the cache before the shop host was not tried")
	return ""
}

func newEdge(t *testing.T) *edge {
	bin := nginx(t)
	e := &edge{t: t, cache: pagecache.New(pagecache.Options{Control: strings.Replace(pagecache.Control, "s-maxage=10", "s-maxage=1", 1)})}
	e.write("first")
	back, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e.origin = &http.Server{Handler: http.HandlerFunc(e.serve), ReadHeaderTimeout: time.Second}
	go e.origin.Serve(back)
	t.Cleanup(func() { e.origin.Close() })

	dir, err := os.MkdirTemp("", "vitrine-nginx") // t.TempDir is closed to the user nginx works as
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := front.Addr().String()
	front.Close()
	e.url = "http://" + addr
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, []byte(configuration(t, dir, addr, back.Addr().String())), 0o644); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	cmd := exec.Command(bin, "-p", dir, "-c", conf, "-e", filepath.Join(dir, "error.log"))
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() { cmd.Process.Signal(os.Interrupt); <-ended })
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return e
		}
		select {
		case <-ended:
			t.Fatalf("nginx does not take the configuration: %s", said.String())
		default:
		}
		if time.Now().After(end) {
			t.Fatal("nginx did not start")
		}
	}
}

// configuration is docs/cdn/nginx.conf with the places of this test.
func configuration(t *testing.T, dir, front, back string) string {
	t.Helper()
	b, err := os.ReadFile("../../docs/cdn/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, r := range [][2]string{{"/var/cache/nginx/vitrine", dir + "/cache"}, {"server 127.0.0.1:8080;", "server " + back + ";"}, {"listen 443;", "listen " + front + ";"}} {
		if strings.Count(text, r[0]) != 1 {
			t.Fatalf("docs/cdn/nginx.conf has no %q", r[0])
		}
		text = strings.Replace(text, r[0], r[1], 1)
	}
	temp := ""
	for _, k := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temp += k + "_temp_path " + dir + "/" + k + ";\n"
	}
	return "daemon off;\npid " + dir + "/pid;\nworker_processes 1;\nevents {}\nhttp {\naccess_log off;\n" + temp + text + "}\n"
}

func (e *edge) write(page string) { e.page.Store(&page) }

// serve is a shop host: the real page cache, with its headers.
func (e *edge) serve(w http.ResponseWriter, r *http.Request) {
	time.Sleep(time.Duration(e.slow.Load()) * time.Millisecond)
	if r.Method == http.MethodPost {
		w.Header().Set("Cache-Control", "no-store")
		io.WriteString(w, "taken")
		return
	}
	e.asked.Add(1)
	rec := &status{ResponseWriter: w}
	e.cache.Serve(rec, r, r.URL.Path, func(context.Context) (pagecache.Page, error) {
		p := pagecache.Page{Body: []byte(strings.Repeat(*e.page.Load()+" ", 300)), Tags: []string{"shop"}}
		if r.URL.Path == "/@nobody" {
			p.Status = http.StatusNotFound
		}
		return p, nil
	})
	if rec.code == http.StatusNotModified {
		e.notAgain.Add(1)
	}
}

type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) { s.code = code; s.ResponseWriter.WriteHeader(code) }

type answer struct {
	status      int
	word, cache string
	header      http.Header
}

func (e *edge) get(path, accept string) answer {
	e.t.Helper()
	r := httptest.NewRequest(http.MethodGet, e.url+path, nil)
	r.RequestURI = ""
	r.Host = "shop.example.com"
	r.Header.Set("Accept-Encoding", accept)
	res, err := (&http.Transport{DisableCompression: true}).RoundTrip(r)
	if err != nil {
		e.t.Fatal(err)
	}
	defer res.Body.Close()
	var body io.Reader = res.Body
	if res.Header.Get("Content-Encoding") == "br" {
		body = brotli.NewReader(body)
	}
	b, err := io.ReadAll(body)
	if err != nil {
		e.t.Fatal(err)
	}
	word, _, _ := strings.Cut(string(b), " ")
	return answer{res.StatusCode, word, res.Header.Get("X-Cache"), res.Header}
}

func (e *edge) until(what string, ok func() bool) {
	e.t.Helper()
	for end := time.Now().Add(8 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			e.t.Fatalf("never: %s", what)
		}
	}
}

func TestNginxKeepsPages(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	var wg sync.WaitGroup
	for range 20 { // all at once, and nothing there yet
		wg.Go(func() {
			if a := e.get("/@noor", "gzip, deflate, br, zstd"); a.word != "first" {
				t.Errorf("%+v", a)
			}
		})
	}
	wg.Wait()
	if n := e.asked.Load(); n != 1 {
		t.Errorf("20 visitors became %d requests", n)
	}
	if a := e.get("/@noor", "br;q=1.0, gzip;q=0.8"); a.cache != "HIT" || a.header.Get("Content-Encoding") != "br" || a.header.Get("ETag") == "" {
		t.Errorf("another way to say br: %+v", a)
	}
	for _, coding := range []string{"gzip", "zstd", ""} {
		if a := e.get("/@noor", coding); a.header.Get("Content-Encoding") != coding {
			t.Errorf("who takes %q gets %q", coding, a.header.Get("Content-Encoding"))
		}
	}
	for range 2 {
		if a := e.get("/@nobody", "br"); a.status != 404 || a.cache == "HIT" {
			t.Errorf("a page that is not there is kept: %+v", a)
		}
	}
	res, err := http.Post(e.url+"/@noor/contact", "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got := res.Header.Get("X-Cache"); got == "HIT" || got == "MISS" {
		t.Errorf("a form went through the cache: %s", got)
	}
}

// A page that has not changed is asked for by its ETag; one that has is replaced behind the back of its visitors.
func TestNginxAsksAgainWithoutAnyoneWaiting(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.get("/@noor", "br")
	e.until("a 304 from the origin", func() bool { e.get("/@noor", "br"); return e.notAgain.Load() > 0 })

	e.until("a fresh page", func() bool { return e.get("/@noor", "br").cache == "HIT" })
	e.write("second")
	e.cache.Drop("shop")
	e.slow.Store(700)
	waited, old := time.Duration(0), 0
	e.until("the new page", func() bool {
		begin := time.Now()
		a := e.get("/@noor", "br")
		waited = max(waited, time.Since(begin))
		if a.word == "first" {
			old++
		}
		return a.word == "second"
	})
	if waited > 500*time.Millisecond {
		t.Errorf("a visitor waited %s for an origin that takes 700 ms", waited)
	}
	if old == 0 {
		t.Error("nobody was shown the page from before while the new one was fetched")
	}
}

func TestNginxShowsPagesOfAnOriginThatIsAway(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.get("/@noor", "br")
	if err := e.origin.Close(); err != nil {
		t.Fatal(err)
	}
	e.until("a page that stands in", func() bool {
		a := e.get("/@noor", "br")
		if a.status != 200 || a.word != "first" {
			t.Fatalf("the origin is away: %+v", a)
		}
		return a.cache == "STALE" || a.cache == "UPDATING"
	})
	if a := e.get("/@never-seen", "br"); a.status != 502 {
		t.Errorf("a page that nobody has: %+v", a)
	}
}

// What the documentation says of the headers is what is sent.
func TestTheDocumentationNamesTheHeaders(t *testing.T) {
	b, err := os.ReadFile("../../docs/cdn/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{pagecache.Control, pagecache.ControlPurged, "PURGE_KIND=" + Cloudflare, "PURGE_KIND=" + Webhook, fmt.Sprintf("%q: true", "everything")} {
		if !strings.Contains(string(b), want) {
			t.Errorf("docs/cdn/README.md does not say %s", want)
		}
	}
}
