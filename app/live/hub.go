// Package live streams fragments to open pages and turns committed events into redraws.
package live

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/a-h/templ"
	"github.com/google/uuid"
	"github.com/r3labs/sse/v2"
)

// Hub keeps one stream per reader: in r3labs/sse the readers of one stream wait for the slowest.
type Hub struct {
	Patience  time.Duration // how long one write may take before its reader is let go
	Heartbeat time.Duration // how often a quiet stream says that it lives
	MaxAge    time.Duration // after this the reader comes back and is asked again who they are

	sse     *sse.Server
	mu      sync.Mutex
	closed  bool
	readers map[string]*reader
	topics  map[string]map[string]*reader
	watch   []func(topic string)
}

type reader struct {
	id     string
	who    Reader
	hangUp context.CancelFunc
}

// Reader is who listens to what. Topics are chosen by the server after its guard; Owner is the session, by
// which Drop finds the reader when the session ends.
type Reader struct {
	Owner  string
	Topics []string
	Name   string // of the device, for those who want to know who else looks; see Names
}

func NewHub() *Hub {
	s := sse.New()
	s.AutoReplay = false // a page that reconnects asks for its state again
	s.AutoStream = false
	s.SplitData = true // a fragment has newlines, and a blank one would end the event
	s.BufferSize = 16
	s.Headers = map[string]string{"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
	return &Hub{Patience: 5 * time.Second, Heartbeat: 20 * time.Second, MaxAge: 15 * time.Minute,
		sse: s, readers: map[string]*reader{}, topics: map[string]map[string]*reader{}}
}

// Serve streams to w until either side leaves. The caller has decided that this reader may have the topics.
func (h *Hub) Serve(w http.ResponseWriter, r *http.Request, who Reader) {
	ctx, cancel := context.WithTimeout(r.Context(), h.MaxAge)
	defer cancel()
	rd := &reader{uuid.NewString(), who, cancel}
	h.sse.CreateStream(rd.id)
	defer h.sse.RemoveStream(rd.id)
	if !h.join(rd) {
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	defer h.changed(rd)
	defer h.leave(rd)
	go h.beat(ctx, rd)
	r = r.Clone(ctx)
	r.URL.RawQuery = "stream=" + rd.id
	r.Header.Del("Last-Event-ID")
	h.sse.ServeHTTP(&impatient{w, http.NewResponseController(w), h.Patience, cancel}, r)
}

// beat says a first word as soon as the stream is up, and then that it lives.
func (h *Hub) beat(ctx context.Context, rd *reader) {
	first := true
	t := time.NewTimer(50 * time.Millisecond) // the library takes its subscriber in meanwhile
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			h.sse.TryPublish(rd.id, &sse.Event{Comment: []byte("beat"), Retry: []byte("3000")})
			if first {
				first = false
				h.changed(rd)
			}
			t.Reset(h.Heartbeat)
		}
	}
}

// Publish renders c once and offers it to everyone on topic; a reader whose queue is full misses it.
// It never waits for a reader.
func (h *Hub) Publish(ctx context.Context, topic, name string, c templ.Component) (reached int, err error) {
	ids := h.on(topic)
	if len(ids) == 0 {
		return 0, nil
	}
	var b bytes.Buffer
	if err := c.Render(ctx, &b); err != nil || b.Len() == 0 { // an event without data would end the stream
		return 0, err
	}
	for _, id := range ids {
		if h.sse.TryPublish(id, &sse.Event{Event: []byte(name), Data: b.Bytes()}) {
			reached++
		}
	}
	return reached, nil
}

// Listening reports whether anyone is on topic, so that nothing is read for nobody.
func (h *Hub) Listening(topic string) bool { return len(h.on(topic)) > 0 }

// Names are the devices of those on topic in this process, in order and with repetitions.
func (h *Hub) Names(topic string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for _, r := range h.topics[topic] {
		out = append(out, r.who.Name)
	}
	slices.Sort(out)
	return out
}

// Watch calls f when someone begins or ends to listen to a topic.
func (h *Hub) Watch(f func(topic string)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watch = append(h.watch, f)
}

// changed tells the watchers of a reader's topics; the lock is not held.
func (h *Hub) changed(r *reader) {
	h.mu.Lock()
	fs := slices.Clone(h.watch)
	h.mu.Unlock()
	for _, f := range fs {
		for _, t := range r.who.Topics {
			f(t)
		}
	}
}

// Resync tells every page to fetch its fragments again: events may have been missed.
func (h *Hub) Resync() {
	h.mu.Lock()
	ids := make([]string, 0, len(h.readers))
	for id := range h.readers {
		ids = append(ids, id)
	}
	h.mu.Unlock()
	for _, id := range ids {
		h.sse.TryPublish(id, &sse.Event{Event: []byte("resync"), Data: []byte("1")})
	}
}

// Drop sends away every reader of owner.
func (h *Hub) Drop(owner string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.readers {
		if r.who.Owner == owner {
			r.hangUp()
		}
	}
}

// Close sends every reader away and takes no more; for http.Server.RegisterOnShutdown.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, r := range h.readers {
		r.hangUp()
	}
}

func (h *Hub) join(r *reader) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.readers[r.id] = r
	for _, t := range r.who.Topics {
		if h.topics[t] == nil {
			h.topics[t] = map[string]*reader{}
		}
		h.topics[t][r.id] = r
	}
	return true
}

func (h *Hub) leave(r *reader) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.readers, r.id)
	for _, t := range r.who.Topics {
		delete(h.topics[t], r.id)
		if len(h.topics[t]) == 0 {
			delete(h.topics, t)
		}
	}
}

func (h *Hub) on(topic string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	ids := make([]string, 0, len(h.topics[topic]))
	for id := range h.topics[topic] {
		ids = append(ids, id)
	}
	return ids
}

// impatient gives each write a deadline and hangs up on a reader who misses it.
type impatient struct {
	http.ResponseWriter
	rc     *http.ResponseController
	limit  time.Duration
	hangUp context.CancelFunc
}

func (w *impatient) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *impatient) Write(b []byte) (int, error) {
	w.rc.SetWriteDeadline(time.Now().Add(w.limit))
	n, err := w.ResponseWriter.Write(b)
	if err != nil {
		w.hangUp()
	}
	return n, err
}

func (w *impatient) Flush() {
	w.rc.SetWriteDeadline(time.Now().Add(w.limit))
	if w.rc.Flush() != nil {
		w.hangUp()
	}
}
