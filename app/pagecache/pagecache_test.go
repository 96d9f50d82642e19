package pagecache

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"vitrine/app/errs"
)

type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func newClock() *clock { return &clock{t: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)} }

func get(t testing.TB, c *Cache, key string, b Build, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	if err := c.Serve(w, r, key, b); err != nil {
		t.Fatalf("serve %s: %v", key, err)
	}
	return w
}

func shows(body string, tags ...string) Build {
	return func(context.Context) (Page, error) { return Page{Body: []byte(body), Tags: tags}, nil }
}

func fails(err error) Build {
	return func(context.Context) (Page, error) { return Page{}, err }
}

func TestEachBrowserGetsTheFormItTakes(t *testing.T) {
	c := New(Options{})
	body := strings.Repeat("<p>A pane of glass on a sill.</p>", 400)
	for _, v := range []struct{ accept, coding string }{
		{"", ""}, {"identity", ""}, {"gzip, deflate, br, zstd", "br"}, {"gzip, zstd", "zstd"}, {"zstd;q=0.5, gzip", "gzip"}, {"gzip", "gzip"}, {"br;q=0, gzip", "gzip"},
		{"br;q=0.1, gzip;q=0.9", "gzip"}, {"br;q=0,gzip;q=0", ""}, {"gzip;q=x", ""}, {"deflate, BR", ""}, {" gzip ; q=1.0 , br ; q=1.0", "br"},
	} {
		w := get(t, c, "k", shows(body, "s"), "Accept-Encoding", v.accept)
		if got := w.Header().Get("Content-Encoding"); got != v.coding {
			t.Errorf("%q: got coding %q, want %q", v.accept, got, v.coding)
		}
		var r io.Reader = w.Body
		switch v.coding {
		case "br":
			r = brotli.NewReader(w.Body)
		case "zstd":
			r, _ = zstd.NewReader(w.Body)
		case "gzip":
			r, _ = gzip.NewReader(w.Body)
		}
		if b, err := io.ReadAll(r); err != nil || string(b) != body {
			t.Errorf("%q: body differs: %v, %d bytes", v.accept, err, len(b))
		}
		if w.Header().Get("Vary") != "Accept-Encoding" || w.Header().Get("Cache-Control") != Control || w.Header().Get("Surrogate-Key") != "s" {
			t.Errorf("%q: headers %v", v.accept, w.Header())
		}
	}
}

func TestAnUnchangedPageIsNotSentAgain(t *testing.T) {
	c := New(Options{})
	seen := map[string]bool{}
	for _, accept := range []string{"", "gzip", "zstd", "br"} {
		tag := get(t, c, "k", shows("one", "s"), "Accept-Encoding", accept).Header().Get("ETag")
		if seen[tag] {
			t.Fatalf("two codings share the tag %s", tag)
		}
		seen[tag] = true
		for _, header := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
			w := get(t, c, "k", shows("one", "s"), "Accept-Encoding", accept, "If-None-Match", header)
			if w.Code != 304 || w.Body.Len() != 0 || w.Header().Get("ETag") != tag || w.Header().Get("Content-Length") != "" {
				t.Errorf("%s %s: %d %d bytes %v", accept, header, w.Code, w.Body.Len(), w.Header())
			}
		}
		c.Drop("s")
		if w := get(t, c, "k", shows("two", "s"), "Accept-Encoding", accept, "If-None-Match", tag); w.Code != 200 {
			t.Errorf("%s: a changed page answered %d", accept, w.Code)
		}
		c.Drop("s")
	}
}

func TestHeadSendsTheHeadersAlone(t *testing.T) {
	c := New(Options{})
	w := httptest.NewRecorder()
	if err := c.Serve(w, httptest.NewRequest("HEAD", "/", nil), "k", shows("hello", "s")); err != nil {
		t.Fatal(err)
	}
	if w.Body.Len() != 0 || w.Header().Get("Content-Length") != "5" {
		t.Fatalf("%d bytes, %v", w.Body.Len(), w.Header())
	}
}

func TestManyRequestsWaitForOneDrawing(t *testing.T) {
	c := New(Options{})
	var drawings atomic.Int64
	gate := make(chan struct{})
	build := func(context.Context) (Page, error) {
		drawings.Add(1)
		<-gate
		return Page{Body: []byte("drawn"), Tags: []string{"s"}}, nil
	}
	var wg sync.WaitGroup
	var served atomic.Int64
	for range 50 {
		wg.Go(func() {
			if get(t, c, "k", build).Body.String() == "drawn" {
				served.Add(1)
			}
		})
	}
	waitFor(t, func() bool { return drawings.Load() == 1 })
	close(gate)
	wg.Wait()
	if drawings.Load() != 1 || served.Load() != 50 {
		t.Fatalf("%d drawings, %d served", drawings.Load(), served.Load())
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatal("waited in vain")
		}
		time.Sleep(time.Millisecond)
	}
}

// A page is drawn from old rows; the change is announced before the page is kept.
func TestAPageThatWasOvertakenIsNeverKept(t *testing.T) {
	for name, drop := range map[string]func(*Cache){"its tag": func(c *Cache) { c.Drop("shop") }, "everything": func(c *Cache) { c.DropAll() }} {
		t.Run(name, func(t *testing.T) {
			c := New(Options{})
			truth := "old"
			build := func(context.Context) (Page, error) {
				return Page{Body: []byte(truth), Tags: []string{"other", "shop"}}, nil
			}
			c.drawn = func(string) {
				c.drawn = func(string) {}
				truth = "new"
				drop(c)
			}
			get(t, c, "k", build)
			if n, _ := c.Stats(); n != 0 {
				t.Fatal("the overtaken page was kept")
			}
			if got := get(t, c, "k", build).Body.String(); got != "new" {
				t.Fatalf("the next visitor got the %s page", got)
			}
		})
	}
}

func TestAnotherShopsChangeDoesNotMatter(t *testing.T) {
	c := New(Options{})
	c.drawn = func(string) { c.Drop("another") }
	get(t, c, "k", shows("page", "shop"))
	c.Drop("another")
	if n, _ := c.Stats(); n != 1 {
		t.Fatal("the page was not kept")
	}
	if got := get(t, c, "k", shows("drawn again", "shop")).Body.String(); got != "page" {
		t.Fatalf("got %q", got)
	}
}

// Who comes after the change must not be handed a drawing that began before it.
func TestNobodyJoinsADrawingFromBeforeAChange(t *testing.T) {
	c := New(Options{})
	began, gate := make(chan struct{}), make(chan struct{})
	first := make(chan string)
	go func() {
		first <- get(t, c, "k", func(context.Context) (Page, error) {
			close(began)
			<-gate
			return Page{Body: []byte("old"), Tags: []string{"shop"}}, nil
		}).Body.String()
	}()
	<-began
	c.Drop("shop")
	if got := get(t, c, "k", shows("new", "shop")).Body.String(); got != "new" {
		t.Fatalf("the newcomer got the %s page", got)
	}
	close(gate)
	<-first
	if got := get(t, c, "k", shows("third", "shop")).Body.String(); got != "new" {
		t.Fatalf("the late drawing replaced the newer one: got %q", got)
	}
}

func TestAnOutdatedPageStandsInWhileNothingCanBeDrawn(t *testing.T) {
	k := newClock()
	c := New(Options{Clock: k.now})
	down := fails(errors.New("dial tcp: connection refused"))
	get(t, c, "k", shows("page", "shop"))
	c.Drop("shop")
	for range 3 {
		if got := get(t, c, "k", down); got.Body.String() != "page" || got.Header().Get("Cache-Control") != "no-cache" {
			t.Fatalf("%q %v: a page that stands in is for nobody to keep", got.Body, got.Header())
		}
	}
	k.pass(2 * time.Second)
	if got := get(t, c, "k", shows("page 2", "shop")).Body.String(); got != "page 2" {
		t.Fatalf("after the outage: %q", got)
	}
	c.Drop("shop")
	k.pass(10*time.Minute + time.Second)
	err := c.Serve(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), "k", down)
	if !errs.Is(err, errs.Unavailable) {
		t.Fatalf("after ten minutes: %v", err)
	}
	if n, bytes := c.Stats(); n != 0 || bytes != 0 {
		t.Fatalf("%d pages, %d bytes left", n, bytes)
	}
}

func TestWhileNothingCanBeDrawnNobodyWaitsForEachTry(t *testing.T) {
	k := newClock()
	c := New(Options{Clock: k.now})
	get(t, c, "k", shows("page", "shop"))
	c.Drop("shop")
	tries := 0
	down := func(context.Context) (Page, error) { tries++; return Page{}, errors.New("down") }
	for range 10 {
		get(t, c, "k", down)
	}
	if tries != 1 {
		t.Fatalf("%d tries within a second", tries)
	}
}

func TestAnAnswerThatThereIsNoPageIsNotAnOutage(t *testing.T) {
	c := New(Options{})
	get(t, c, "k", shows("page", "shop"))
	c.Drop("shop")
	w := get(t, c, "k", func(context.Context) (Page, error) {
		return Page{Status: 404, Body: []byte("gone"), Tags: []string{"shop"}}, nil
	})
	if w.Code != 404 || w.Body.String() != "gone" || w.Header().Get("ETag") != "" || w.Header().Get("Cache-Control") != "no-cache" {
		t.Fatalf("%d %q %v", w.Code, w.Body, w.Header())
	}
	err := c.Serve(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), "k", fails(errs.New(errs.NotFound, "No.")))
	if !errs.Is(err, errs.NotFound) {
		t.Fatalf("got %v: the old page must not stand in for a page that is gone", err)
	}
	if n, _ := c.Stats(); n != 0 {
		t.Fatal("the page that is gone is still kept")
	}
}

// A scheduled block appears at noon: nobody announces it, and nobody may keep the page beyond.
func TestAPageThatChangesByItselfIsDrawnAgainThen(t *testing.T) {
	k := newClock()
	c := New(Options{Clock: k.now})
	noon := k.now().Add(5 * time.Second)
	build := func(body string) Build {
		return func(context.Context) (Page, error) {
			return Page{Body: []byte(body), Tags: []string{"shop"}, Until: noon}, nil
		}
	}
	if got := get(t, c, "k", build("before")).Header().Get("Cache-Control"); got != "public, max-age=0, s-maxage=5, stale-if-error=600" {
		t.Fatalf("others may keep it: %s", got)
	}
	k.pass(4 * time.Second)
	if got := get(t, c, "k", build("after")); got.Body.String() != "before" || got.Header().Get("Cache-Control") != "public, max-age=0, s-maxage=1, stale-if-error=600" {
		t.Fatalf("a second before: %q %v", got.Body, got.Header())
	}
	k.pass(time.Second)
	if got := get(t, c, "k", shows("after", "shop")).Body.String(); got != "after" {
		t.Fatalf("at noon: %q", got)
	}
	k.pass(time.Minute)
	if got := get(t, c, "k", shows("later", "shop")); got.Body.String() != "after" || got.Header().Get("Cache-Control") != Control {
		t.Fatalf("after noon: %q %v", got.Body, got.Header())
	}
}

func TestAPageIsNotBelievedForever(t *testing.T) {
	k := newClock()
	c := New(Options{Clock: k.now})
	get(t, c, "k", shows("page", "shop"))
	k.pass(9 * time.Minute)
	if got := get(t, c, "k", shows("new", "shop")).Body.String(); got != "page" {
		t.Fatalf("drawn again after nine minutes: %q", got)
	}
	k.pass(2 * time.Minute)
	if got := get(t, c, "k", shows("new", "shop")).Body.String(); got != "new" {
		t.Fatalf("after eleven minutes still %q", got)
	}
}

func TestTheLeastUsedPageMakesRoom(t *testing.T) {
	c := New(Options{MaxEntries: 3})
	for _, k := range []string{"a", "b", "c"} {
		get(t, c, k, shows(k, k))
	}
	get(t, c, "a", shows("new", "a"))
	get(t, c, "d", shows("d", "d"))
	if got := get(t, c, "a", shows("new", "a")).Body.String(); got != "a" {
		t.Fatal("a page in use was thrown out")
	}
	if got := get(t, c, "b", shows("new", "b")).Body.String(); got != "new" {
		t.Fatal("the page that nobody used was kept")
	}
}

func TestBytesAreCappedAndCountedDownToNothing(t *testing.T) {
	c := New(Options{MaxBytes: 60_000})
	for i := range 40 {
		var b bytes.Buffer
		for j := range 600 {
			fmt.Fprintf(&b, "%d-%d ", i, j*7919)
		}
		get(t, c, fmt.Sprint(i), shows(b.String(), fmt.Sprint(i)))
		if _, n := c.Stats(); n > 60_000 {
			t.Fatalf("%d bytes kept", n)
		}
	}
	n, _ := c.Stats()
	if n < 2 {
		t.Fatalf("only %d pages kept", n)
	}
	for i := range 40 {
		get(t, c, fmt.Sprint(i), func(context.Context) (Page, error) { return Page{Status: 404}, nil })
		c.Drop(fmt.Sprint(i))
		get(t, c, fmt.Sprint(i), func(context.Context) (Page, error) { return Page{Status: 404}, nil })
	}
	if n, bytes := c.Stats(); n != 0 || bytes != 0 || len(c.tagged) != 0 {
		t.Fatalf("%d pages, %d bytes, %d tags left", n, bytes, len(c.tagged))
	}
}

func TestAPanicWhileDrawingLeavesNobodyWaiting(t *testing.T) {
	c := New(Options{})
	func() {
		defer func() { recover() }()
		c.Serve(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), "k", func(context.Context) (Page, error) { panic("boom") })
	}()
	if len(c.calls) != 0 || len(c.running) != 0 {
		t.Fatal("the drawing still counts as running")
	}
	if got := get(t, c, "k", shows("page", "s")).Body.String(); got != "page" {
		t.Fatalf("got %q", got)
	}
}

func TestTheDrawingKnowsNothingOfTheRequest(t *testing.T) {
	c := New(Options{})
	type secret struct{}
	r := httptest.NewRequest("GET", "/", nil)
	r = r.WithContext(context.WithValue(r.Context(), secret{}, "the visitor"))
	c.Serve(httptest.NewRecorder(), r, "k", func(ctx context.Context) (Page, error) {
		if ctx.Value(secret{}) != nil {
			t.Error("the visitor's context reached a page for everyone")
		}
		return Page{}, nil
	})
}

// Readers, changes and drawings at once: a reader never sees a page older than the last change that was
// complete when the reader came.
func TestNoReaderSeesThePast(t *testing.T) {
	c := New(Options{})
	var truth atomic.Int64
	build := func(context.Context) (Page, error) {
		return Page{Body: fmt.Append(nil, truth.Load()), Tags: []string{"shop"}}, nil
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var announced atomic.Int64
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				least := announced.Load()
				var got int64
				fmt.Sscan(get(t, c, "k", build).Body.String(), &got)
				if got < least {
					t.Errorf("saw %d after %d was announced", got, least)
					return
				}
			}
		})
	}
	for range 500 {
		n := truth.Add(1)
		c.Drop("shop")
		announced.Store(n)
	}
	close(stop)
	wg.Wait()
}

func BenchmarkHit(b *testing.B) {
	c := New(Options{})
	get(b, c, "k", shows(strings.Repeat("<p>glass</p>", 1400), "s"))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Accept-Encoding", "gzip, deflate, br")
	w := &nullWriter{h: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		c.Serve(w, r, "k", nil)
	}
}

type nullWriter struct{ h http.Header }

func (n *nullWriter) Header() http.Header         { return n.h }
func (n *nullWriter) Write(b []byte) (int, error) { return len(b), nil }
func (n *nullWriter) WriteHeader(int)             {}

// Its creator took it down, and then Postgres went away: nothing stands in for it.
func TestAPageThatWasTakenDownStandsInForNothing(t *testing.T) {
	c := New(Options{})
	down := fails(errors.New("dial tcp: connection refused"))
	get(t, c, "k", shows("page", "pot", "shop"))
	get(t, c, "other", shows("other", "elsewhere"))
	c.Forget("shop")
	err := c.Serve(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), "k", down)
	if !errs.Is(err, errs.Unavailable) {
		t.Fatalf("got %v", err)
	}
	if n, _ := c.Stats(); n != 1 || len(c.tagged) != 1 {
		t.Fatalf("%d pages, tags %v", n, c.tagged)
	}
	c.Drop("elsewhere")
	if got := get(t, c, "other", down).Body.String(); got != "other" {
		t.Fatalf("another shop's page: %q", got)
	}
}
