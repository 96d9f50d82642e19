package embedded

import (
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// Redis is an in-process server without persistence: what it holds is gone with the process, and Vitrine
// loses nothing by it.
type Redis struct {
	mini *miniredis.Miniredis
	quit chan struct{}
	once sync.Once
}

// StartRedis listens on a free port of the loopback.
func StartRedis() (*Redis, error) {
	m := miniredis.NewMiniRedis()
	if err := m.StartAddr("127.0.0.1:0"); err != nil {
		return nil, err
	}
	r := &Redis{mini: m, quit: make(chan struct{})}
	go r.tick()
	return r, nil
}

// tick lets time pass: without it nothing in miniredis ever expires.
func (r *Redis) tick() {
	t := time.NewTicker(250 * time.Millisecond)
	defer t.Stop()
	last := time.Now()
	for {
		select {
		case <-r.quit:
			return
		case now := <-t.C:
			r.mini.FastForward(now.Sub(last))
			last = now
		}
	}
}

// URL is what a client connects to.
func (r *Redis) URL() string { return "redis://" + r.mini.Addr() + "/0" }

// FlushAll forgets everything, as a lost server would.
func (r *Redis) FlushAll() { r.mini.FlushAll() }

// Stop ends the server.
func (r *Redis) Stop() {
	r.once.Do(func() {
		close(r.quit)
		r.mini.Close()
	})
}
