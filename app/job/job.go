// Package job is work that must happen. A job is a row in the outbox, written in the transaction of the fact
// that causes it; asynq only carries the wake-up from the relay to a worker. Redis may vanish at any moment.
package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
)

// Task is a job's kind and its arguments: a struct of ids, stored as JSON.
type Task interface{ Kind() string }

// Queues by urgency. Batch is for what nobody waits for and what keeps a core busy: it has its own hands, half
// as many as there are cores, so that the others are never kept waiting behind it.
const (
	Money   = "money"
	Default = "default"
	Slow    = "slow"
	Batch   = "batch"
)

// Channel wakes the relay.
const Channel = "vitrine_outbox"

// Option changes how one job is enqueued.
type Option func(*row)

type row struct {
	queue string
	runAt time.Time
	key   *string
}

// On chooses the queue; the default is Default.
func On(queue string) Option { return func(r *row) { r.queue = queue } }

// At lets the job wait until t.
func At(t time.Time) Option { return func(r *row) { r.runAt = t } }

// Key names the job: a second one with the same key is not written.
func Key(k string) Option { return func(r *row) { r.key = &k } }

// Enqueue writes the job; it exists only if tx commits.
func Enqueue(ctx context.Context, tx *db.Tx, t Task, opts ...Option) error {
	return EnqueueAll(ctx, tx, Item{t, opts})
}

// Item is a task with its options.
type Item struct {
	Task    Task
	Options []Option
}

// EnqueueAll writes several jobs in one statement.
func EnqueueAll(ctx context.Context, tx *db.Tx, items ...Item) error {
	if len(items) == 0 {
		return nil
	}
	var ids, kinds, payloads, queues, runAts []string
	var keys []*string
	for _, i := range items {
		r := row{queue: Default, runAt: tx.Now}
		for _, o := range i.Options {
			o(&r)
		}
		b, err := json.Marshal(i.Task)
		if err != nil {
			return fmt.Errorf("job %s: %w", i.Task.Kind(), err)
		}
		ids, kinds, payloads = append(ids, id.New[id.JobKind]().String()), append(kinds, i.Task.Kind()), append(payloads, string(b))
		queues, keys, runAts = append(queues, r.queue), append(keys, r.key), append(runAts, r.runAt.UTC().Format(time.RFC3339Nano))
	}
	if _, err := tx.Exec(ctx, `
		WITH new AS (
			INSERT INTO outbox (id, kind, payload, queue, key, run_at, created_at)
			SELECT u.id, u.kind, u.payload::jsonb, u.queue, u.key, u.run_at::timestamptz, $7
			FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS u (id, kind, payload, queue, key, run_at)
			ON CONFLICT ON CONSTRAINT outbox_key_unique DO NOTHING
		)
		SELECT pg_notify('vitrine_outbox', '')`,
		db.Array(ids), db.Array(kinds), db.Array(payloads), db.Array(queues), db.Array(keys), db.Array(runAts), tx.Now); err != nil {
		return fmt.Errorf("enqueue %s: %w", items[0].Task.Kind(), err)
	}
	return nil
}

// Spec says how jobs of one kind are run. Zero values: 1 minute, 8 attempts.
type Spec struct {
	Timeout  time.Duration
	Attempts int
}

// Registry knows what to do for each kind, and what to do again and again.
type Registry struct {
	handlers map[string]handler
	sweeps   []Sweep
}

type handler struct {
	spec Spec
	run  func(ctx context.Context, payload []byte) error
}

// Sweep finds what a lost timer or message has missed.
type Sweep struct {
	Name  string
	Every time.Duration
	Run   func(ctx context.Context) error
}

func NewRegistry() *Registry { return &Registry{handlers: map[string]handler{}} }

// Handle registers f for the kind of T. It may run twice for one job, so it goes by the state of rows.
func Handle[T Task](r *Registry, spec Spec, f func(ctx context.Context, t T) error) {
	var zero T
	kind := zero.Kind()
	if _, ok := r.handlers[kind]; ok {
		panic("job: two handlers for " + kind)
	}
	if spec.Timeout == 0 {
		spec.Timeout = time.Minute
	}
	if spec.Attempts == 0 {
		spec.Attempts = 8
	}
	r.handlers[kind] = handler{spec, func(ctx context.Context, payload []byte) error {
		var t T
		if err := json.Unmarshal(payload, &t); err != nil {
			return Permanent(fmt.Errorf("read %s: %w", kind, err))
		}
		return f(ctx, t)
	}}
}

// Every registers a sweep. Several processes may run it at once; it goes by the state of rows.
func (r *Registry) Every(name string, d time.Duration, f func(ctx context.Context) error) {
	r.sweeps = append(r.sweeps, Sweep{name, d, f})
}

// Sweeps lists what Every has registered.
func (r *Registry) Sweeps() []Sweep { return r.sweeps }

// Spec is how kind is run; false when nobody handles it.
func (r *Registry) Spec(kind string) (Spec, bool) {
	h, ok := r.handlers[kind]
	return h.spec, ok
}

// Run does one job's work.
func (r *Registry) Run(ctx context.Context, kind string, payload []byte) error {
	h, ok := r.handlers[kind]
	if !ok {
		return Permanent(fmt.Errorf("no handler for %s", kind))
	}
	return h.run(ctx, payload)
}

type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent marks an error that another try cannot mend.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

// IsPermanent reports whether err was marked by Permanent.
func IsPermanent(err error) bool {
	var p permanent
	return errors.As(err, &p)
}
