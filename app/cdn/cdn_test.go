package cdn

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/job"
	"vitrine/app/pagecache"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

// network is one that writes down what it is told.
type network struct {
	*httptest.Server
	mu     sync.Mutex
	heard  []string
	answer []int // for the next calls; then 200
	says   string
}

func newNetwork(t *testing.T) *network {
	n := &network{says: `{"success":true}`}
	n.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		n.mu.Lock()
		defer n.mu.Unlock()
		n.heard = append(n.heard, r.Method+" "+r.URL.Path+" "+r.Header.Get("Fastly-Key")+r.Header.Get("Authorization")+" "+string(b))
		if len(n.answer) > 0 {
			w.WriteHeader(n.answer[0])
			n.answer = n.answer[1:]
		}
		io.WriteString(w, n.says)
	}))
	t.Cleanup(n.Close)
	return n
}

func TestEachNetworkIsCalledInItsOwnWay(t *testing.T) {
	for _, v := range []struct{ kind, some, all string }{
		{Fastly, `POST /x/purge secret {"surrogate_keys":["a","b"]}`, `POST /x/purge_all secret `},
		{Cloudflare, `POST /x/purge_cache Bearer secret {"tags":["a","b"]}`, `POST /x/purge_cache Bearer secret {"purge_everything":true}`},
		{Webhook, `POST /x Bearer secret {"tags":["a","b"]}`, `POST /x Bearer secret {"everything":true}`},
	} {
		n := newNetwork(t)
		s := &Service{Kind: v.kind, URL: n.URL + "/x/", Token: "secret"}
		for _, tags := range [][]string{{"a", "b"}, {pagecache.Everything}} {
			if err := s.purge(t.Context(), Purge{tags}); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(n.heard, []string{v.some, v.all}) {
			t.Errorf("%s heard %q", v.kind, n.heard)
		}
	}
}

func TestACallThatWasNotHeardIsMadeAgain(t *testing.T) {
	n := newNetwork(t)
	n.answer = []int{429, 503, 401}
	s := &Service{Kind: Cloudflare, URL: n.URL}
	reg := job.NewRegistry()
	s.Jobs(reg)
	payload, _ := json.Marshal(Purge{[]string{"a"}})
	for range 3 { // the outbox tries again when the job returns an error
		if err := reg.Run(t.Context(), "cdn:purge", payload); err == nil {
			t.Fatal("the job is done although the network refused")
		}
	}
	if err := reg.Run(t.Context(), "cdn:purge", payload); err != nil {
		t.Fatal(err)
	}
	n.says = `{"success":false,"errors":[{"message":"no such zone"}]}`
	if err := reg.Run(t.Context(), "cdn:purge", payload); err == nil || !strings.Contains(err.Error(), "no such zone") {
		t.Fatalf("Cloudflare said no, with a 200: %v", err)
	}
	n.Close()
	if err := reg.Run(t.Context(), "cdn:purge", payload); err == nil {
		t.Fatal("the network is away, and the job is done")
	}
}

type noted struct {
	Key     string `db:"key"`
	Payload string `db:"payload"`
}

func jobs(t *testing.T, d *db.DB) (out []noted) {
	t.Helper()
	if err := d.Select(t.Context(), &out, `SELECT key, payload::text AS payload FROM outbox WHERE kind = 'cdn:purge' ORDER BY payload::text`); err != nil {
		t.Fatal(err)
	}
	return out
}

// Two web processes hear the same drops: the network is told once.
func TestAWindowIsOneJobForAllProcesses(t *testing.T) {
	d := dbtest.Fresh(t)
	now := time.Date(2026, 11, 24, 10, 0, 0, 1e6, time.UTC)
	d.Clock = func() time.Time { return now }
	a, b := &Service{DB: d}, &Service{DB: d}
	for _, s := range []*Service{a, b} {
		for range 40 {
			s.Changed("shop")
		}
		s.Changed("pot")
		s.timer.Stop()
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if have := jobs(t, d); len(have) != 1 || have[0].Payload != `{"Tags": ["pot", "shop"]}` {
		t.Fatalf("%v", have)
	}
	now = now.Add(time.Second)
	a.Changed("shop")
	a.Changed(pagecache.Everything)
	a.timer.Stop()
	if err := a.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if have := jobs(t, d); len(have) != 2 || have[0].Payload != `{"Tags": ["*"]}` {
		t.Fatalf("after a gap: %v", have)
	}
	now = now.Add(time.Second)
	for i := range 70 {
		a.Changed(strings.Repeat("p", i+1))
	}
	a.timer.Stop()
	if err := a.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if have := jobs(t, d); len(have) != 5 {
		t.Fatalf("70 tags became %d jobs", len(have)-2)
	}
}

func TestWhatCouldNotBeNotedIsNotForgotten(t *testing.T) {
	d := dbtest.Fresh(t)
	s := &Service{DB: d}
	s.Changed("shop")
	s.timer.Stop()
	if err := func() error {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return s.Flush(ctx)
	}(); err == nil {
		t.Fatal("written with a context that had ended")
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if have := jobs(t, d); len(have) != 1 {
		t.Fatalf("%v", have)
	}
}

// By itself: nobody calls Flush.
func TestAWindowCloses(t *testing.T) {
	d := dbtest.Fresh(t)
	s := &Service{DB: d}
	s.Changed("shop")
	for end := time.Now().Add(5 * time.Second); len(jobs(t, d)) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no job was written")
		}
	}
}
