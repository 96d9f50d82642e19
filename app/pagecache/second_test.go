package pagecache

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"vitrine/app/errs"
)

// town is several processes before one Redis.
type town struct {
	t     *testing.T
	redis *miniredis.Miniredis
	clock *clock
}

func newTown(t *testing.T) *town {
	m := miniredis.RunT(t)
	return &town{t, m, newClock()}
}

type process struct {
	*Cache
	hearing atomic.Bool
	stop    func()
}

// process starts one that has heard for long enough, and whose sign of life is there.
func (w *town) process() *process {
	w.t.Helper()
	p := w.silent()
	p.hearing.Store(true)
	p.prompt()
	waitFor(w.t, func() bool { return w.redis.Exists(p.second.life(p.second.me)) })
	p.second.mu.Lock()
	p.second.since = p.second.since.Add(-time.Minute)
	p.second.mu.Unlock()
	return p
}

func (w *town) silent() *process {
	w.t.Helper()
	r := redis.NewClient(&redis.Options{Addr: w.redis.Addr(), MaxRetries: -1})
	p := &process{Cache: New(Options{Clock: w.clock.now, Redis: r, Release: "1"})}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { p.Share(ctx, p.hearing.Load); close(ended) }()
	p.stop = sync.OnceFunc(func() { cancel(); <-ended })
	w.t.Cleanup(func() { p.stop(); r.Close() })
	waitFor(w.t, func() bool { return p.second.ready() })
	return p
}

func (p *process) prompt() {
	select {
	case p.second.wake <- struct{}{}:
	default:
	}
}

// settled waits until what was dropped is in the book.
func (p *process) settled(t *testing.T) {
	t.Helper()
	waitFor(t, func() bool {
		p.second.mu.Lock()
		defer p.second.mu.Unlock()
		return len(p.second.pending) == 0
	})
}

var away = fails(errors.New("dial tcp: connection refused"))

func TestOneProcessDrawsForAll(t *testing.T) {
	w := newTown(t)
	a, b := w.process(), w.process()
	first := get(t, a.Cache, "k", shows("drawn by a", "shop"), "Accept-Encoding", "br")
	second := get(t, b.Cache, "k", shows("drawn by b", "shop"), "Accept-Encoding", "br")
	if second.Body.String() != first.Body.String() || second.Header().Get("ETag") != first.Header().Get("ETag") {
		t.Fatal("b drew the page again")
	}
	if fmt.Sprint(first.Header()) != fmt.Sprint(second.Header()) {
		t.Fatalf("other headers: %v and %v", first.Header(), second.Header())
	}
	if got := get(t, w.process().Cache, "another", shows("x", "shop")).Body.String(); got != "x" {
		t.Fatalf("got %q", got)
	}
}

// Whichever process hears the notice first, and whichever draws: after its notice none serves the old page.
func TestNoProcessTakesWhatWasDroppedFromAnother(t *testing.T) {
	w := newTown(t)
	a, b, c := w.process(), w.process(), w.process()
	for name, drop := range map[string]func(p *process){"its tag": func(p *process) { p.Drop("shop") }, "everything": func(p *process) { p.DropAll() }} {
		t.Run(name, func(t *testing.T) {
			get(t, a.Cache, name, shows("old", "pot", "shop"))
			drop(b)
			if got := get(t, b.Cache, name, shows("new", "pot", "shop")).Body.String(); got != "new" {
				t.Fatalf("b served the %s page after the notice", got)
			}
			b.settled(t)
			if got := get(t, c.Cache, name, shows("newer", "pot", "shop")).Body.String(); got == "old" {
				t.Fatal("c, which had nothing in memory, took the old page")
			}
		})
	}
}

// A drew from old rows, was slow, and offers the page after the others have heard.
func TestALateDrawingDoesNotReachTheOthers(t *testing.T) {
	w := newTown(t)
	a, b := w.process(), w.process()
	a.drawn = func(string) {
		a.drawn = func(string) {}
		b.Drop("shop")
		b.settled(t)
	}
	get(t, a.Cache, "k", shows("old", "shop"))
	if got := get(t, b.Cache, "k", shows("new", "shop")).Body.String(); got != "new" {
		t.Fatalf("b took the %s page", got)
	}
}

// While the book cannot be written, nothing is taken from Redis: what was dropped is still in there.
func TestADropThatRedisMissedIsRemembered(t *testing.T) {
	w := newTown(t)
	a, b := w.process(), w.process()
	get(t, a.Cache, "k", shows("old", "shop"))
	get(t, a.Cache, "other", shows("other", "elsewhere"))
	w.redis.SetError("LOADING")
	b.Drop("shop")
	if got := get(t, b.Cache, "k", shows("new", "shop")).Body.String(); got != "new" {
		t.Fatalf("while Redis is away b served the %s page", got)
	}
	w.redis.SetError("")
	b.Drop("shop")
	b.settled(t)
	if got := get(t, w.process().Cache, "k", shows("new", "shop")).Body.String(); got == "old" {
		t.Fatal("the old page came back with Redis")
	}
}

// The notice has been heard, and is on its way into the book.
func TestADropOnItsWayCountsAlready(t *testing.T) {
	w := newTown(t)
	a, b := w.process(), w.process()
	get(t, a.Cache, "k", shows("old", "shop"))
	b.second.mu.Lock()
	b.second.pending["shop"]++
	b.second.mu.Unlock()
	if got := get(t, b.Cache, "k", shows("new", "shop")).Body.String(); got != "new" {
		t.Fatalf("b served the %s page after the notice", got)
	}
}

func TestARedisThatForgetsOrGoesBackBringsNoOldPageBack(t *testing.T) {
	w := newTown(t)
	a, b := w.process(), w.process()
	get(t, a.Cache, "k", shows("old", "shop"))
	copyOf := w.redis.Dump()
	page, _ := w.redis.Get(a.second.page("k"))
	epoch, count := w.redis.HGet(a.second.book(), "epoch"), w.redis.HGet(a.second.book(), "count")
	b.Drop("shop")
	b.settled(t)
	w.redis.FlushAll() // and an old copy is put back
	w.redis.HSet(a.second.book(), "epoch", epoch, "count", count)
	w.redis.Set(a.second.page("k"), page)
	w.redis.Set(a.second.life(a.second.me), "1")
	if copyOf == "" || page == "" {
		t.Fatal("there was nothing in Redis")
	}
	if got := get(t, b.Cache, "k", shows("new", "shop")).Body.String(); got != "new" {
		t.Fatal("b knew of the drop and took the old page out of the old copy")
	}
	w.redis.Del(a.second.book()) // the book alone was thrown out
	b.Clear()
	if got := get(t, b.Cache, "k", shows("newer", "shop")).Body.String(); got != "newer" {
		t.Fatalf("without the book b took the %s page", got)
	}
}

// Nobody was there to hear that the page changed: its drawer had ended, the reader had not begun.
func TestAPageIsBelievedOnlyWithoutAGapInHearing(t *testing.T) {
	w := newTown(t)
	a := w.process()
	get(t, a.Cache, "k", shows("old", "shop"))
	late := w.silent()
	late.hearing.Store(true)
	late.prompt()
	waitFor(t, func() bool { return w.redis.Exists(late.second.life(late.second.me)) })
	if got := get(t, late.Cache, "k", shows("new", "shop")).Body.String(); got != "new" {
		t.Fatal("one who has only begun to hear took a page that may be older")
	}
	get(t, a.Cache, "k2", shows("old", "shop"))
	b := w.process()
	a.stop()
	if got := get(t, b.Cache, "k2", shows("new", "shop")).Body.String(); got != "new" {
		t.Fatal("the page of one who hears no more was taken")
	}
	c := w.process()
	get(t, b.Cache, "k3", shows("old", "shop"))
	c.hearing.Store(false)
	c.prompt()
	waitFor(t, func() bool { c.second.mu.Lock(); defer c.second.mu.Unlock(); return c.second.since.IsZero() })
	if got := get(t, c.Cache, "k3", shows("new", "shop")).Body.String(); got != "new" {
		t.Fatal("one who hears nothing took a page")
	}
}

func TestWithoutRedisPagesAreServedAllTheSame(t *testing.T) {
	w := newTown(t)
	a := w.process()
	get(t, a.Cache, "k", shows("page", "shop"))
	w.redis.Close()
	if got := get(t, a.Cache, "k", away).Body.String(); got != "page" {
		t.Fatalf("from memory: %q", got)
	}
	a.Drop("shop")
	begin := time.Now()
	if got := get(t, a.Cache, "k", shows("new", "shop")).Body.String(); got != "new" {
		t.Fatalf("drawn anew: %q", got)
	}
	for i := range 50 {
		get(t, a.Cache, fmt.Sprint(i), shows("new", "shop"))
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Fatalf("51 pages took %s: each waited for Redis", took)
	}
}

// Postgres is away: a process that never had the page takes the last known one, for ten minutes.
func TestAnotherProcessPageStandsInWhileNothingCanBeDrawn(t *testing.T) {
	w := newTown(t)
	a, b := w.process(), w.silent() // b lost its connection together with Postgres
	get(t, a.Cache, "k", shows("page", "shop"))
	get(t, a.Cache, "dropped", shows("page", "pot"))
	a.Drop("pot")
	a.settled(t)
	res := get(t, b.Cache, "k", away)
	if res.Body.String() != "page" || res.Header().Get("Cache-Control") != "no-cache" {
		t.Fatalf("%q %v", res.Body, res.Header())
	}
	none := func(key string) {
		t.Helper()
		if err := b.Serve(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), key, away); !errs.Is(err, errs.Unavailable) {
			t.Fatalf("%s: %v", key, err)
		}
	}
	none("dropped")
	w.clock.pass(9 * time.Minute)
	if got := get(t, b.Cache, "k", away).Body.String(); got != "page" {
		t.Fatalf("after nine minutes: %q", got)
	}
	w.clock.pass(12 * time.Minute)
	none("k")
}

// The same race as TestNoReaderSeesThePast, with three processes before one Redis.
func TestNoReaderOfAnyProcessSeesThePast(t *testing.T) {
	w := newTown(t)
	ps := []*process{w.process(), w.process(), w.process()}
	var truth atomic.Int64
	build := func(context.Context) (Page, error) {
		return Page{Body: fmt.Append(nil, truth.Load()), Tags: []string{"shop"}}, nil
	}
	announced := make([]atomic.Int64, len(ps))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var fromOthers atomic.Int64
	for i, p := range ps {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				least := announced[i].Load()
				built := false
				var got int64
				fmt.Sscan(get(t, p.Cache, "k", func(ctx context.Context) (Page, error) { built = true; return build(ctx) }).Body.String(), &got)
				if got < least {
					t.Errorf("process %d saw %d after it heard of %d", i, got, least)
					return
				}
				if !built && got == least {
					fromOthers.Add(1)
				}
			}
		})
	}
	for range 150 {
		n := truth.Add(1)
		for i, p := range ps { // the notice reaches one after the other
			p.Drop("shop")
			announced[i].Store(n)
		}
		ps[0].settled(t)
	}
	close(stop)
	wg.Wait()
	if fromOthers.Load() == 0 {
		t.Fatal("no page was ever served without drawing it")
	}
}
