package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/job"
)

const taskKind = "outbox"

// Redis reads the address of a Redis: redis://:password@host:6379/0.
func Redis(address string) (asynq.RedisConnOpt, error) { return asynq.ParseRedisURI(address) }

// Worker does jobs until its context ends.
type Worker struct {
	DB          *db.DB
	Registry    *job.Registry
	Redis       asynq.RedisConnOpt
	Concurrency int           // jobs at once, beside job.Batch; 0 means 8
	Lease       time.Duration // how long a handed-over job may stay silent; 0 means 90 s
	Fresh       bool          // Redis was started with this process and is empty: every open job is due again
}

// Run blocks until ctx ends and the jobs at hand are finished or given back.
func (w *Worker) Run(ctx context.Context) error {
	if w.Concurrency == 0 {
		w.Concurrency = 8
	}
	if w.Lease == 0 {
		w.Lease = 90 * time.Second
	}
	if w.Fresh {
		if err := w.releaseAll(ctx); err != nil {
			return err
		}
	}
	client := asynq.NewClient(w.Redis)
	defer client.Close()
	stop, err := w.start(w.Concurrency, map[string]int{job.Money: 6, job.Default: 3, job.Slow: 1})
	if err != nil {
		return err
	}
	stopBatch, err := w.start(max(1, runtime.GOMAXPROCS(0)/2), map[string]int{job.Batch: 1})
	if err != nil {
		stop()
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		(&relay{w.DB, client, w.Registry, w.Lease}).run(ctx)
	}()
	w.sweep(ctx)
	<-done
	var stopped sync.WaitGroup
	stopped.Go(stop)
	stopped.Go(stopBatch)
	stopped.Wait()
	return nil
}

// start takes jobs from the queues, so many at once, until stop is called.
func (w *Worker) start(concurrency int, queues map[string]int) (stop func(), err error) {
	srv := asynq.NewServer(w.Redis, asynq.Config{
		Concurrency: concurrency, Queues: queues,
		ShutdownTimeout: 20 * time.Second, Logger: quiet{}, LogLevel: asynq.WarnLevel, TaskCheckInterval: 200 * time.Millisecond,
		HealthCheckInterval: 5 * time.Second,
	})
	mux := asynq.NewServeMux()
	mux.HandleFunc(taskKind, w.handle)
	if err := srv.Start(mux); err != nil {
		return nil, fmt.Errorf("start worker: %w", err)
	}
	return srv.Shutdown, nil
}

func (w *Worker) releaseAll(ctx context.Context) error {
	return w.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE outbox SET lease_until = NULL WHERE done_at IS NULL AND failed_at IS NULL AND lease_until IS NOT NULL`)
		return err
	})
}

type claimed struct {
	Kind     string `db:"kind"`
	Payload  []byte `db:"payload"`
	Attempts int    `db:"attempts"`
}

// handle does the job of one hand-over. Whatever comes of it is written to the row; asynq only hears an error
// when that could not be done, and then the lease brings the job back.
func (w *Worker) handle(ctx context.Context, t *asynq.Task) error {
	rowID, dispatch, _ := strings.Cut(string(t.Payload()), " ")
	jobID, err := id.Parse[id.JobKind](rowID)
	if err != nil {
		return fmt.Errorf("read task: %w: %w", err, asynq.SkipRetry)
	}
	c, ok, err := w.claim(ctx, jobID, dispatch)
	if err != nil || !ok {
		return err
	}
	err = w.try(ctx, c)
	// The job's own time may be over; the note of how it went gets its own.
	note, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err == nil {
		return w.finish(note, jobID)
	}
	return w.fail(note, jobID, c, err)
}

// claim refuses a hand-over that a newer one has replaced, and a job that is done.
func (w *Worker) claim(ctx context.Context, jobID id.Job, dispatch string) (c claimed, ok bool, err error) {
	err = w.DB.InTx(ctx, func(tx *db.Tx) error {
		if err := tx.Get(ctx, &c, `
			UPDATE outbox SET attempts = attempts + 1
			WHERE id = $1 AND dispatches = $2::int AND done_at IS NULL AND failed_at IS NULL
			RETURNING kind, payload, attempts`, jobID, dispatch); err != nil {
			return err
		}
		spec, _ := w.Registry.Spec(c.Kind)
		_, err := tx.Exec(ctx, `UPDATE outbox SET lease_until = $2 WHERE id = $1`, jobID, tx.Now.Add(spec.Timeout+30*time.Second))
		return err
	})
	if db.None(err) {
		return c, false, nil
	}
	return c, err == nil, err
}

func (w *Worker) try(ctx context.Context, c claimed) (err error) {
	defer func() {
		if p := recover(); p != nil {
			slog.ErrorContext(ctx, "job panicked", "kind", c.Kind, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return w.Registry.Run(ctx, c.Kind, c.Payload)
}

func (w *Worker) finish(ctx context.Context, jobID id.Job) error {
	return w.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE outbox SET done_at = $2, lease_until = NULL, last_error = NULL WHERE id = $1`, jobID, tx.Now)
		return err
	})
}

// fail notes the error and when to try again: after 2, 4, 8 … seconds, an hour at most. A job whose tries are
// used up, or whose error is permanent, stays in the table with failed_at for a person to see.
func (w *Worker) fail(ctx context.Context, jobID id.Job, c claimed, cause error) error {
	spec, _ := w.Registry.Spec(c.Kind)
	final := job.IsPermanent(cause) || c.Attempts >= spec.Attempts
	wait := min(time.Second<<min(c.Attempts, 12), time.Hour)
	slog.WarnContext(ctx, "job failed", "kind", c.Kind, "job", jobID, "attempt", c.Attempts, "final", final, "err", cause)
	return w.DB.InTx(ctx, func(tx *db.Tx) error {
		var failedAt *time.Time
		if final {
			failedAt = &tx.Now
		}
		_, err := tx.Exec(ctx, `
			UPDATE outbox SET failed_at = $2, run_at = $3, lease_until = NULL, last_error = $4
			WHERE id = $1 AND done_at IS NULL`, jobID, failedAt, tx.Now.Add(wait), cause.Error())
		return err
	})
}

// quiet sends asynq's own words to the log.
type quiet struct{}

func (quiet) Debug(a ...any) { slog.Debug(fmt.Sprint(a...)) }
func (quiet) Info(a ...any)  { slog.Debug(fmt.Sprint(a...)) }
func (quiet) Warn(a ...any)  { slog.Warn(fmt.Sprint(a...)) }
func (quiet) Error(a ...any) { slog.Error(fmt.Sprint(a...)) }
func (quiet) Fatal(a ...any) { slog.Error(fmt.Sprint(a...)) }

var errNoHolder = errors.New("another process sweeps")
