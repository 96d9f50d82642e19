package pagecache

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/gob"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// second is what all processes share: Redis, which may be away at any moment and be empty at the next.
//
// One hash, the book, says what is true: its epoch, a counter, and for each tag the count at which it was last
// dropped. A page carries the epoch and the count at which its drawing began, so it is outdated when one of its
// tags was dropped later, and when the book is lost. Whoever drew a page must be alive and hearing notices, and so
// must the reader, for longer than that sign of life is believed: then no notice fell between the two.
//
// The methods may be called on nil: there is no second level.
type second struct {
	o      Options
	r      *redis.Client
	me     string
	prefix string

	mu      sync.Mutex
	on      bool
	since   time.Time      // heard without a break since then; zero: not now
	pending map[string]int // dropped here so often, not yet in the book
	heard   map[string]int64
	epoch   string
	retryAt time.Time
	wake    chan struct{}
}

const (
	beat     = time.Second     // between two signs of life
	alive    = 3 * time.Second // how long one is believed
	hurry    = 100 * time.Millisecond
	mostTags = 20_000          // in the book, before a new one is begun
	leave    = 5 * time.Second // in peace, after Redis did not answer
)

// ticket is the moment at which a drawing began.
type ticket struct {
	epoch string
	count int64
}

// found is a page of the second level. It is fresh, or may stand in when nothing can be drawn.
type found struct {
	page  *stored
	fresh bool
}

// stored is an entry as Redis keeps it.
type stored struct {
	Key    string
	Page   Page
	Bodies [codings][]byte
	Built  time.Time
	Owner  string
	Epoch  string
	Count  int64
}

func (s *stored) entry(c *Cache) *entry { return c.ready(s.Key, s.Page, s.Built, s.Bodies) }

func newSecond(o Options) *second {
	return &second{o: o, r: o.Redis.WithTimeout(hurry), me: rand.Text(), prefix: "pages:" + o.Release + ":",
		pending: map[string]int{}, heard: map[string]int64{}, wake: make(chan struct{}, 1)}
}

func (s *second) book() string          { return s.prefix + "book" }
func (s *second) life(of string) string { return s.prefix + "alive:" + of }
func (s *second) page(k string) string  { return s.prefix + "page:" + k }

var beginScript = redis.NewScript(`
	local e = redis.call('HGET', KEYS[1], 'epoch')
	if not e then
		e = ARGV[1]
		redis.call('HSET', KEYS[1], 'epoch', e)
	end
	return {e, redis.call('HINCRBY', KEYS[1], 'count', 1), redis.call('GET', KEYS[2])}`)

var dropScript = redis.NewScript(`
	local e = redis.call('HGET', KEYS[1], 'epoch')
	if not e then return {'', 0} end
	local n = redis.call('HINCRBY', KEYS[1], 'count', 1)
	for _, t in ipairs(ARGV) do redis.call('HSET', KEYS[1], 'tag:' .. t, n) end
	if redis.call('HLEN', KEYS[1]) > ` + strconv.Itoa(mostTags) + ` then redis.call('DEL', KEYS[1]) end
	return {e, n}`)

// Share joins the second level until ctx ends; hearing says whether notices reach this process right now.
func (c *Cache) Share(ctx context.Context, hearing func() bool) {
	if c.second == nil {
		return
	}
	c.second.run(ctx, hearing)
}

func (s *second) run(ctx context.Context, hearing func() bool) {
	t := time.NewTicker(beat)
	defer t.Stop()
	defer func() {
		s.mu.Lock()
		s.on, s.since = false, time.Time{}
		s.mu.Unlock()
		s.r.Del(context.WithoutCancel(ctx), s.life(s.me))
	}()
	s.mu.Lock()
	s.on = true
	s.mu.Unlock()
	for {
		s.mark(ctx)
		s.live(ctx, hearing())
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		case <-s.wake:
		}
	}
}

// live gives a sign of life while notices are heard and everything heard is in the book.
func (s *second) live(ctx context.Context, hearing bool) {
	s.mu.Lock()
	behind := len(s.pending) > 0
	switch {
	case !hearing:
		s.since = time.Time{}
	case s.since.IsZero():
		s.since = time.Now()
	}
	s.mu.Unlock()
	if hearing && !behind {
		s.r.Set(ctx, s.life(s.me), 1, alive)
	}
}

// note remembers a dropped tag until it is in the book. Nothing is taken from the second level meanwhile.
func (s *second) note(tag string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	if s.on {
		s.pending[tag]++
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// mark writes what was dropped into the book.
func (s *second) mark(ctx context.Context) {
	s.mu.Lock()
	snapshot := maps.Clone(s.pending)
	s.mu.Unlock()
	if len(snapshot) == 0 {
		return
	}
	tags := slices.Collect(maps.Keys(snapshot))
	epoch, count, err := "", int64(0), error(nil)
	if slices.Contains(tags, Everything) {
		err = s.r.Del(ctx, s.book()).Err()
	} else {
		args := make([]any, len(tags))
		for i, t := range tags {
			args[i] = t
		}
		var out []any
		if out, err = dropScript.Run(ctx, s.r, []string{s.book()}, args...).Slice(); err == nil {
			epoch, count = out[0].(string), out[1].(int64)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		return // at the next beat again
	}
	s.turn(epoch)
	for _, t := range tags {
		if s.pending[t] == snapshot[t] { // not dropped again meanwhile
			delete(s.pending, t)
		}
		s.heard[t] = max(s.heard[t], count)
	}
}

// turn begins to remember anew when the book is another; the caller holds the lock.
func (s *second) turn(epoch string) {
	if epoch != s.epoch || len(s.heard) > mostTags {
		s.epoch = epoch
		clear(s.heard)
	}
}

// begin takes a ticket for a drawing and looks whether somebody has drawn the page already.
func (s *second) begin(ctx context.Context, key string) (ticket, found) {
	if !s.ready() {
		return ticket{}, found{}
	}
	out, err := beginScript.Run(ctx, s.r, []string{s.book(), s.page(key)}, rand.Text()).Slice()
	if err != nil {
		s.away()
		return ticket{}, found{}
	}
	t := ticket{out[0].(string), out[1].(int64)}
	raw, _ := out[2].(string)
	if raw == "" {
		return t, found{}
	}
	p := &stored{}
	if gob.NewDecoder(bytes.NewReader([]byte(raw))).Decode(p) != nil || p.Key != key || p.Epoch != t.epoch {
		return t, found{}
	}
	lives, ok := s.check(ctx, p)
	if !ok {
		return t, found{}
	}
	return t, found{p, lives && s.trusted()}
}

// check asks the book whether the page is outdated, and whether its drawer is alive.
func (s *second) check(ctx context.Context, p *stored) (lives, ok bool) {
	fields := []string{"epoch"}
	for _, t := range p.Page.Tags {
		fields = append(fields, "tag:"+t)
	}
	pipe := s.r.Pipeline()
	book, life := pipe.HMGet(ctx, s.book(), fields...), pipe.Exists(ctx, s.life(p.Owner))
	if _, err := pipe.Exec(ctx); err != nil {
		s.away()
		return false, false
	}
	if e, _ := book.Val()[0].(string); e != p.Epoch {
		return false, false
	}
	for _, v := range book.Val()[1:] {
		n, _ := v.(string)
		if at, _ := strconv.ParseInt(n, 10, 64); at >= p.Count {
			return false, false
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(p.Epoch)
	if s.pending[Everything] > 0 {
		return false, false
	}
	for _, t := range p.Page.Tags {
		if s.pending[t] > 0 || s.heard[t] >= p.Count { // a Redis that came back from an old copy knows less than we do
			return false, false
		}
	}
	return life.Val() == 1, true
}

// put offers a page to the others.
func (s *second) put(ctx context.Context, t ticket, e *entry) {
	if t.epoch == "" || !s.ready() {
		return
	}
	p := stored{Key: e.key, Page: e.page, Built: e.built, Owner: s.me, Epoch: t.epoch, Count: t.count}
	for k := range codings {
		p.Bodies[k] = e.forms[k].body
	}
	var b bytes.Buffer
	if gob.NewEncoder(&b).Encode(p) != nil {
		return
	}
	if s.r.Set(ctx, s.page(e.key), b.Bytes(), s.o.MaxAge+s.o.StaleFor).Err() != nil {
		s.away()
	}
}

func (s *second) ready() bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.on && !time.Now().Before(s.retryAt)
}

// away leaves Redis in peace for a moment.
func (s *second) away() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retryAt = time.Now().Add(leave)
}

// trusted reports whether no notice can have been missed between the life of a page's drawer and ours.
func (s *second) trusted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.since.IsZero() && time.Since(s.since) >= alive
}
