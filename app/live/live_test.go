package live_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/a-h/templ"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/event"
	"vitrine/app/live"
)

func serve(t *testing.T, h *live.Hub) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.Serve(w, r, live.Reader{Owner: r.URL.Query().Get("owner"), Topics: []string{"drop:1"}})
	}))
	t.Cleanup(func() { h.Close(); s.CloseClientConnections(); s.Close() })
	return s.URL
}

func text(s string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error { _, err := io.WriteString(w, s); return err })
}

// reader is an open stream; events come as "name: data".
type reader struct {
	events chan string
	ended  chan struct{}
	leave  context.CancelFunc
}

func listen(t *testing.T, url string) *reader {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		t.Fatalf("stream answered %s", res.Status)
	}
	r := &reader{make(chan string, 1000), make(chan struct{}), cancel}
	go func() {
		defer close(r.ended)
		defer res.Body.Close()
		sc, name := bufio.NewScanner(res.Body), ""
		sc.Buffer(nil, 1<<20)
		var data []string
		for sc.Scan() {
			l := sc.Text()
			switch {
			case strings.HasPrefix(l, "event: "):
				name = l[7:]
			case strings.HasPrefix(l, "data: "):
				data = append(data, l[6:])
			case l == "" && len(data) > 0:
				r.events <- name + ": " + strings.Join(data, "\n")
				name, data = "", nil
			}
		}
	}()
	return r
}

func (r *reader) next(t *testing.T) string {
	t.Helper()
	select {
	case e := <-r.events:
		return e
	case <-r.ended:
		t.Fatal("the stream has ended")
	case <-time.After(5 * time.Second):
		t.Fatal("nothing came")
	}
	return ""
}

func (r *reader) ends(t *testing.T) {
	t.Helper()
	select {
	case <-r.ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the stream is still open")
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	over, tick := time.After(10*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-over:
			t.Fatal("not in time: " + what)
		case <-tick.C:
		}
	}
}

func TestAStalledReaderDoesNotHoldUpTheOthers(t *testing.T) {
	h := live.NewHub()
	h.Patience = 300 * time.Millisecond
	url := serve(t, h)
	stalled, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer stalled.Close()
	stalled.(*net.TCPConn).SetReadBuffer(4096)
	fmt.Fprint(stalled, "GET /live HTTP/1.1\r\nHost: x\r\n\r\n") // and never reads
	healthy := listen(t, url)
	big := strings.Repeat("x", 32<<10)
	eventually(t, "both are there", func() bool {
		n, _ := h.Publish(t.Context(), "drop:1", "part", text("hello"))
		healthy.next(t)
		return n == 2
	})
	var slowest time.Duration
	for i := range 400 {
		at := time.Now()
		if _, err := h.Publish(t.Context(), "drop:1", "part", text(fmt.Sprint(i, big))); err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, time.Since(at))
		if e := healthy.next(t); !strings.HasPrefix(e, fmt.Sprintf("part: %dx", i)) {
			t.Fatalf("%d came as %.20s", i, e)
		}
	}
	if slowest > time.Second {
		t.Errorf("a publish took %s", slowest)
	}
	eventually(t, "the stalled reader is let go", func() bool {
		n, _ := h.Publish(t.Context(), "drop:1", "part", text("x"))
		healthy.next(t)
		return n == 1
	})
}

func TestNothingIsLeftAfterReadersLeave(t *testing.T) {
	h := live.NewHub()
	url := serve(t, h)
	for range 30 {
		listen(t, url).leave()
	}
	eventually(t, "nobody is listening", func() bool { return !h.Listening("drop:1") })
	if n, err := h.Publish(t.Context(), "drop:1", "part", text("x")); n != 0 || err != nil {
		t.Errorf("reached %d, %v", n, err)
	}
}

func TestAFragmentWithBlankLinesArrivesWhole(t *testing.T) {
	h := live.NewHub()
	r := listen(t, serve(t, h)+"/live?stream=drop:2&topic=drop:2")
	h.Publish(t.Context(), "drop:2", "part", text("not for us"))
	h.Publish(t.Context(), "drop:1", "part", text(""))
	h.Publish(t.Context(), "drop:1", "part", text("<p>\n\n<b>3 left</b></p>"))
	if e := r.next(t); e != "part: <p>\n\n<b>3 left</b></p>" {
		t.Errorf("got %q", e)
	}
}

func TestOnlyTheOwnersStreamsAreDropped(t *testing.T) {
	h := live.NewHub()
	url := serve(t, h)
	a, b := listen(t, url+"?owner=a"), listen(t, url+"?owner=b")
	h.Drop("a")
	a.ends(t)
	h.Resync()
	if e := b.next(t); e != "resync: 1" {
		t.Errorf("got %q", e)
	}
}

func TestClosingSendsEveryoneAwayAndTakesNobody(t *testing.T) {
	h := live.NewHub()
	url := serve(t, h)
	a, b := listen(t, url), listen(t, url)
	h.Close()
	a.ends(t)
	b.ends(t)
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("%s", res.Status)
	}
}

func emit(t *testing.T, d *db.DB, name, subject string) {
	t.Helper()
	if err := d.InTx(t.Context(), func(tx *db.Tx) error { return event.Emit(t.Context(), tx, name, subject) }); err != nil {
		t.Fatal(err)
	}
}

func TestABurstIsOneOrTwoCallsAndTheLastCounts(t *testing.T) {
	d := dbtest.Fresh(t)
	l := live.NewListener()
	l.Every = 100 * time.Millisecond
	var calls, seen, other, truth atomic.Int64
	l.On("test.changed", func(_ context.Context, subject string) {
		if subject == "other" {
			other.Add(1)
			return
		}
		calls.Add(1)
		seen.Store(truth.Load())
	})
	gaps := make(chan struct{}, 10)
	l.OnGap(func() { gaps <- struct{}{} })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx, d.URL()) }()
	eventually(t, "it hears", func() bool { emit(t, d, "test.changed", "warm"); return calls.Load() > 0 })
	before := calls.Load()
	began := time.Now()
	for i := range 300 {
		truth.Store(int64(i + 1))
		emit(t, d, "test.changed", "one")
	}
	emit(t, d, "test.changed", "other")
	emit(t, d, "test.unknown", "x")
	eventually(t, "the last one counts", func() bool { return seen.Load() == 300 && other.Load() == 1 })
	most := int64(time.Since(began)/l.Every) + 4 // with those of warming up
	if n := calls.Load() - before; n > most {
		t.Errorf("%d calls for 300 events in %s, want %d at most", n, time.Since(began), most)
	}

	var pid int // the connection breaks
	if err := d.Pool().Get(&pid, `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'listen%' AND pid <> pg_backend_pid()`); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Pool().Exec(`SELECT pg_terminate_backend($1)`, pid); err != nil {
		t.Fatal(err)
	}
	select {
	case <-gaps:
	case <-time.After(10 * time.Second):
		t.Fatal("the gap was not noticed")
	}
	n := calls.Load()
	eventually(t, "it hears again", func() bool { emit(t, d, "test.changed", "one"); return calls.Load() > n })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
