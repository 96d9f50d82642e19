// Package worker runs the background jobs: the relay hands the outbox's rows to asynq, asynq hands them to
// the workers, and sweeps find whatever was missed.
package worker

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"
	"github.com/lib/pq"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/job"
)

// relay moves due rows of the outbox into asynq. The row stays the truth: it is leased, and handed over again
// when the lease runs out with nothing to show, as after a loss of all of Redis.
type relay struct {
	db     *db.DB
	client *asynq.Client
	reg    *job.Registry
	lease  time.Duration // beyond the job's own timeout
}

type dueRow struct {
	ID         id.Job `db:"id"`
	Kind       string `db:"kind"`
	Queue      string `db:"queue"`
	Dispatches int    `db:"dispatches"`
}

// run relays on every wake-up and every second, until ctx ends.
func (r *relay) run(ctx context.Context) {
	wake := pq.NewListener(r.db.URL(), 100*time.Millisecond, 5*time.Second, nil)
	defer wake.Close()
	if err := wake.Listen(job.Channel); err != nil {
		slog.WarnContext(ctx, "relay goes by the clock alone", "err", err)
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		for {
			n, err := r.once(ctx)
			if err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "relay", "err", err)
			}
			if n < batch || ctx.Err() != nil {
				break
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-wake.Notify:
		case <-tick.C:
		}
	}
}

const batch = 200

// once hands over up to a batch of due rows and returns how many. Rows are leased before asynq hears of them:
// a death in between costs one lease of waiting, never the job.
func (r *relay) once(ctx context.Context) (int, error) {
	var rows []dueRow
	err := r.db.InTx(ctx, func(tx *db.Tx) error {
		rows = rows[:0]
		return tx.Select(ctx, &rows, `
			UPDATE outbox SET dispatches = dispatches + 1, lease_until = $1::timestamptz + $2::bigint * interval '1 millisecond'
			WHERE id IN (
				SELECT id FROM outbox
				WHERE done_at IS NULL AND failed_at IS NULL AND COALESCE(lease_until, run_at) <= $1
				ORDER BY run_at
				LIMIT 200
				FOR UPDATE SKIP LOCKED)
			RETURNING id, kind, queue, dispatches`, tx.Now, r.lease.Milliseconds())
	})
	if err != nil {
		return 0, fmt.Errorf("lease due jobs: %w", err)
	}
	for i, d := range rows {
		if err := r.hand(ctx, d); err != nil {
			r.giveBack(ctx, rows[i:])
			return 0, fmt.Errorf("hand over %s: %w", d.Kind, err)
		}
	}
	return len(rows), nil
}

func (r *relay) hand(ctx context.Context, d dueRow) error {
	spec, _ := r.reg.Spec(d.Kind) // an unknown kind fails in the handler, where it is recorded
	timeout := spec.Timeout
	if timeout == 0 {
		timeout = time.Minute
	}
	_, err := r.client.EnqueueContext(ctx, asynq.NewTask(taskKind, []byte(fmt.Sprintf("%s %d", d.ID, d.Dispatches))),
		asynq.Queue(d.Queue), asynq.MaxRetry(0), asynq.Timeout(timeout), asynq.Retention(0),
		asynq.TaskID(fmt.Sprintf("outbox-%s-%d", d.ID, d.Dispatches)))
	return err
}

// giveBack makes leased rows due again soon, when asynq could not be reached.
func (r *relay) giveBack(ctx context.Context, rows []dueRow) {
	ids := make([]string, len(rows))
	for i, d := range rows {
		ids[i] = d.ID.String()
	}
	err := r.db.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `
			UPDATE outbox SET lease_until = $1::timestamptz + interval '2 seconds'
			WHERE id = ANY($2::uuid[]) AND done_at IS NULL`, tx.Now, db.Array(ids))
		return err
	})
	if err != nil {
		slog.WarnContext(ctx, "jobs wait for their lease to end", "err", err, "jobs", len(rows))
	}
}
