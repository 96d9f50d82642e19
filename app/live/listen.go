package live

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lib/pq"

	"vitrine/app/event"
)

// Listener hears the events of all processes and calls what is registered for their names.
type Listener struct {
	Every time.Duration // one subject's redraws are at least this far apart

	on      map[string][]func(ctx context.Context, subject string)
	atOnce  map[string][]func(subject string)
	onGap   []func()
	onStart []func()
	hearing atomic.Bool
	mu      sync.Mutex
	due     map[string]bool // name and subject → another event came while waiting
}

func NewListener() *Listener {
	return &Listener{Every: 250 * time.Millisecond, on: map[string][]func(context.Context, string){}, atOnce: map[string][]func(string){}, due: map[string]bool{}}
}

// On registers f for an event's name. A burst for one subject calls it at most once per Every, the last
// event always counting. Register everything before Run.
func (l *Listener) On(name string, f func(ctx context.Context, subject string)) {
	l.on[name] = append(l.on[name], f)
}

// AtOnce registers f for every single event of a name, in their order and before everything else. It must be quick.
func (l *Listener) AtOnce(name string, f func(subject string)) {
	l.atOnce[name] = append(l.atOnce[name], f)
}

// OnStart registers f for the moment when events begin to be heard: those before were missed.
func (l *Listener) OnStart(f func()) { l.onStart = append(l.onStart, f) }

// Hearing reports whether events arrive right now.
func (l *Listener) Hearing() bool { return l.hearing.Load() }

// OnGap registers f for the moment when events may have been missed.
func (l *Listener) OnGap(f func()) { l.onGap = append(l.onGap, f) }

// Run listens on url until ctx ends, reconnecting as often as it must.
func (l *Listener) Run(ctx context.Context, url string) error {
	first := make(chan struct{}, 1)
	pl := pq.NewListener(url, 100*time.Millisecond, 5*time.Second, func(ev pq.ListenerEventType, err error) {
		switch ev {
		case pq.ListenerEventConnected:
			select {
			case first <- struct{}{}:
			default:
			}
		case pq.ListenerEventReconnected:
			l.gap()
			l.hearing.Store(true)
		case pq.ListenerEventDisconnected, pq.ListenerEventConnectionAttemptFailed:
			l.hearing.Store(false)
			slog.WarnContext(ctx, "event listener lost its connection", "err", err)
		}
	})
	defer pl.Close()
	if err := pl.Listen(event.Channel); err != nil {
		return fmt.Errorf("listen for events: %w", err)
	}
	for _, f := range l.onStart {
		f()
	}
	l.hearing.Store(true)
	defer l.hearing.Store(false)
	for {
		select {
		case <-ctx.Done():
			return nil
		case n := <-pl.Notify:
			if n != nil { // nil comes after a reconnect, which gap has dealt with
				l.heard(ctx, n.Extra)
			}
		case <-time.After(90 * time.Second):
			go pl.Ping()
		}
	}
}

func (l *Listener) gap() {
	for _, f := range l.onGap {
		f()
	}
}

func (l *Listener) heard(ctx context.Context, payload string) {
	name, subject := event.Parse(payload)
	for _, f := range l.atOnce[name] {
		f(subject)
	}
	fs := l.on[name]
	if len(fs) == 0 {
		return
	}
	l.mu.Lock()
	_, waiting := l.due[payload]
	l.due[payload] = waiting // true: somebody is at it, let them go round again
	l.mu.Unlock()
	if !waiting {
		go l.call(ctx, payload, subject, fs)
	}
}

func (l *Listener) call(ctx context.Context, key, subject string, fs []func(context.Context, string)) {
	for {
		for _, f := range fs {
			f(ctx, subject)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(l.Every):
		}
		l.mu.Lock()
		again := l.due[key]
		if !again {
			delete(l.due, key)
			l.mu.Unlock()
			return
		}
		l.due[key] = false
		l.mu.Unlock()
	}
}
