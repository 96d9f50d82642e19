// Package pagecache keeps finished public pages in memory, compressed, until something they show has changed.
package pagecache

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"vitrine/app/errs"
)

// Page is what a build returns. Only pages of status 200 are kept.
type Page struct {
	Status   int // 0 is 200
	Body     []byte
	Type     string    // of the content; empty is HTML
	CSP      string    // replaces the host's policy, for a page with its own style
	Location string    // with a redirect
	Tags     []string  // what the page shows: ids of shops and products
	Until    time.Time // when it will change by itself; zero: not by itself
}

// Build draws a page. Its context holds nothing of the request: the page will be seen by everyone.
type Build func(ctx context.Context) (Page, error)

// Options of a cache; zero values take the defaults.
type Options struct {
	MaxEntries int           // 4,096
	MaxBytes   int64         // 128 MB, all encodings together
	MaxAge     time.Duration // 10 minutes: how long a page is believed though no event came
	StaleFor   time.Duration // 10 minutes: how long an outdated page stands in when none can be drawn
	Patience   time.Duration // 10 seconds: how long one drawing may take
	Clock      func() time.Time
	Control    string        // the Cache-Control of pages; Control
	CacheTag   bool          // say the tags in Cache-Tag too, besides Surrogate-Key
	Redis      *redis.Client // the second level; nil: none
	Release    string        // what draws the pages: another release's are not taken from the second level
}

// Cache is safe for use by many goroutines.
type Cache struct {
	o    Options
	tick atomic.Int64

	mu      sync.RWMutex
	entries map[string]*entry
	tagged  map[string]map[string]bool // tag → keys
	bytes   int64
	calls   map[string]*call // what a newcomer may wait for
	running map[*call]bool   // also those that no newcomer may wait for any more
	retryAt time.Time        // after a failure, outdated pages are served without trying until then

	second  *second
	dropped []func(tag string)

	drawn func(key string) // a test's rival acts here, between drawing and keeping
}

type call struct {
	done  chan struct{}
	drops map[string]bool // tags that were dropped while it ran
	all   bool
	entry *entry
	in    bool // the entry only stands in
	err   error
}

func New(o Options) *Cache {
	if o.MaxEntries == 0 {
		o.MaxEntries = 4096
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 128 << 20
	}
	if o.MaxAge == 0 {
		o.MaxAge = 10 * time.Minute
	}
	if o.StaleFor == 0 {
		o.StaleFor = 10 * time.Minute
	}
	if o.Patience == 0 {
		o.Patience = 10 * time.Second
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Control == "" {
		o.Control = Control
	}
	c := &Cache{o: o, entries: map[string]*entry{}, tagged: map[string]map[string]bool{}, calls: map[string]*call{}, running: map[*call]bool{},
		drawn: func(string) {}}
	if o.Redis != nil {
		c.second = newSecond(o)
	}
	return c
}

// OnDrop registers who else wants to know that what shows tag has changed; Everything is after a gap.
func (c *Cache) OnDrop(f func(tag string)) { c.dropped = append(c.dropped, f) }

// Everything is the tag of all pages.
const Everything = "*"

// Serve answers with the page under key, drawing it first if it is not there. Many requests for one page
// wait for one drawing. An error is returned only when nothing was written.
func (c *Cache) Serve(w http.ResponseWriter, r *http.Request, key string, build Build) error {
	e, standsIn := c.fresh(key), false
	if e == nil {
		var err error
		if e, standsIn, err = c.fill(key, build); err != nil {
			return err
		}
	}
	return e.serve(w, r, standsIn, c.o.Clock)
}

// Drop forgets every page that shows tag, and keeps pages being drawn right now from being kept.
func (c *Cache) Drop(tag string) {
	c.second.note(tag)
	c.mu.Lock()
	now := c.o.Clock()
	for key := range c.tagged[tag] {
		c.entries[key].outdate(now)
	}
	for cl := range c.running {
		cl.drops[tag] = true
	}
	clear(c.calls) // who comes from now on must see what is true from now on
	c.mu.Unlock()
	for _, f := range c.dropped {
		f(tag)
	}
}

// Forget is Drop for pages that may not stand in either: nobody is to see them any more.
func (c *Cache) Forget(tag string) {
	c.Drop(tag)
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range c.tagged[tag] {
		c.remove(c.entries[key])
	}
}

// DropAll forgets every page: events may have been missed.
func (c *Cache) DropAll() {
	c.second.note(Everything)
	c.mu.Lock()
	now := c.o.Clock()
	for _, e := range c.entries {
		e.outdate(now)
	}
	for cl := range c.running {
		cl.all = true
	}
	clear(c.calls)
	c.mu.Unlock()
	for _, f := range c.dropped {
		f(Everything)
	}
}

// Clear forgets the pages of this process, and tells nobody: it has not listened until now.
func (c *Cache) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		c.remove(e)
	}
	for cl := range c.running {
		cl.all = true
	}
	clear(c.calls)
}

// Stats are for metrics and tests.
func (c *Cache) Stats() (entries int, bytes int64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.entries), c.bytes
}

func (c *Cache) fresh(key string) *entry {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e := c.entries[key]
	if e == nil || !e.outdated.IsZero() || !c.o.Clock().Before(e.until) {
		return nil
	}
	e.used.Store(c.tick.Add(1))
	return e
}

// stale is the outdated page that may stand in; the caller holds the lock.
func (c *Cache) stale(key string) *entry {
	e := c.entries[key]
	if e == nil {
		return nil
	}
	since := e.until
	if !e.outdated.IsZero() && e.outdated.Before(since) {
		since = e.outdated
	}
	if c.o.Clock().Sub(since) > c.o.StaleFor {
		c.remove(e)
		return nil
	}
	return e
}

func (c *Cache) fill(key string, build Build) (e *entry, standsIn bool, err error) {
	c.mu.Lock()
	if c.o.Clock().Before(c.retryAt) {
		if e := c.stale(key); e != nil {
			c.mu.Unlock()
			return e, true, nil
		}
	}
	if cl := c.calls[key]; cl != nil {
		c.mu.Unlock()
		<-cl.done
		return cl.entry, cl.in, cl.err
	}
	cl := &call{done: make(chan struct{}), drops: map[string]bool{}, err: errBroken}
	c.calls[key], c.running[cl] = cl, true
	c.mu.Unlock()

	defer func() { // also when the build panics
		c.mu.Lock()
		delete(c.running, cl)
		if c.calls[key] == cl {
			delete(c.calls, key)
		}
		c.mu.Unlock()
		close(cl.done)
	}()
	cl.entry, cl.in, cl.err = c.draw(key, cl, build)
	return cl.entry, cl.in, cl.err
}

var errBroken = errs.New(errs.Unavailable, "This page cannot be shown right now. Please try again in a minute.")

// draw takes the page from the second level, or else builds it.
func (c *Cache) draw(key string, cl *call, build Build) (e *entry, standsIn bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.o.Patience)
	defer cancel()
	ticket, found := c.second.begin(ctx, key)
	if e := c.shared(found, cl); e != nil {
		return e, false, nil
	}
	started := c.o.Clock()
	page, err := build(ctx)
	c.drawn(key)
	if k := errs.KindOf(err); k == errs.Internal || k == errs.Unavailable {
		return c.failed(key, cl, found, err)
	}
	if err != nil {
		return nil, false, err
	}
	if e, err = c.newEntry(key, page, started); err != nil {
		return nil, false, err
	}
	c.mu.Lock()
	overtaken := cl.overtaken(page.Tags)
	if old := c.entries[key]; old != nil && (e.status != http.StatusOK || !overtaken) {
		c.remove(old)
	}
	keep := e.status == http.StatusOK && !overtaken
	if keep {
		c.keep(e)
	}
	c.mu.Unlock()
	if keep {
		c.second.put(ctx, ticket, e)
	}
	return e, overtaken, nil
}

// shared keeps a page that another process has drawn, if nothing it shows has changed meanwhile.
func (c *Cache) shared(f found, cl *call) *entry {
	if !f.fresh || !c.o.Clock().Before(f.page.Built.Add(c.o.MaxAge)) {
		return nil
	}
	e := f.page.entry(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	if cl.overtaken(e.tags) || !c.o.Clock().Before(e.until) {
		return nil
	}
	if old := c.entries[e.key]; old != nil {
		c.remove(old)
	}
	c.keep(e)
	return e
}

// failed serves the last known page in place of one that could not be drawn, if there is one.
func (c *Cache) failed(key string, cl *call, f found, err error) (*entry, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.retryAt = c.o.Clock().Add(time.Second)
	if c.entries[key] == nil && f.page != nil && !cl.overtaken(f.page.Page.Tags) {
		e := f.page.entry(c)
		e.outdate(c.o.Clock())
		if e.until.Before(e.outdated) {
			e.outdated = e.until
		}
		c.keep(e)
	}
	if e := c.stale(key); e != nil {
		return e, true, nil
	}
	return nil, false, errs.Wrap(errs.Unavailable, err, errBroken.Message)
}

// overtaken reports whether something the page shows has changed since it began to be drawn.
func (cl *call) overtaken(tags []string) bool {
	if cl.all {
		return true
	}
	for _, t := range tags {
		if cl.drops[t] {
			return true
		}
	}
	return false
}

func (c *Cache) keep(e *entry) {
	if e.size > c.o.MaxBytes/4 {
		return
	}
	for len(c.entries) > 0 && (len(c.entries) >= c.o.MaxEntries || c.bytes+e.size > c.o.MaxBytes) {
		c.remove(c.leastUsed())
	}
	e.used.Store(c.tick.Add(1))
	c.entries[e.key] = e
	c.bytes += e.size
	for _, t := range e.tags {
		if c.tagged[t] == nil {
			c.tagged[t] = map[string]bool{}
		}
		c.tagged[t][e.key] = true
	}
}

func (c *Cache) leastUsed() (found *entry) {
	for _, e := range c.entries {
		if found == nil || e.used.Load() < found.used.Load() {
			found = e
		}
	}
	return found
}

func (c *Cache) remove(e *entry) {
	delete(c.entries, e.key)
	c.bytes -= e.size
	for _, t := range e.tags {
		delete(c.tagged[t], e.key)
		if len(c.tagged[t]) == 0 {
			delete(c.tagged, t)
		}
	}
}
