package worker

import (
	"context"
	"errors"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"vitrine/app/db"
	"vitrine/app/job"
)

// sweep runs every registered sweep at its pace until ctx ends, and drops what the outbox no longer needs.
// A Postgres advisory lock lets one process at a time do each; the sweeps themselves go by the state of rows,
// so that even two at once do no harm. They need no Redis.
func (w *Worker) sweep(ctx context.Context) {
	all := append(w.Registry.Sweeps(), job.Sweep{Name: "sweep:outbox", Every: time.Hour, Run: w.tidy})
	var wg sync.WaitGroup
	for _, s := range all {
		wg.Go(func() {
			t := time.NewTicker(s.Every)
			defer t.Stop()
			for {
				if err := w.sweepOnce(ctx, s); err != nil && !errors.Is(err, errNoHolder) && ctx.Err() == nil {
					slog.WarnContext(ctx, "sweep failed", "sweep", s.Name, "err", err)
				}
				select {
				case <-ctx.Done():
					return
				case <-t.C:
				}
			}
		})
	}
	wg.Wait()
}

// sweeping lets few sweeps run at once in this process.
var sweeping = make(chan struct{}, 3)

func (w *Worker) sweepOnce(ctx context.Context, s job.Sweep) error {
	ctx, cancel := context.WithTimeout(ctx, max(s.Every, time.Minute))
	defer cancel()
	// A sweep holds one connection for its lock and asks for others: too many at once would wait for each other
	// in a small pool.
	select {
	case sweeping <- struct{}{}:
		defer func() { <-sweeping }()
	case <-ctx.Done():
		return ctx.Err()
	}
	c, err := w.DB.Pool().Connx(ctx) // the lock belongs to this connection
	if err != nil {
		return err
	}
	defer c.Close()
	h := fnv.New32a()
	h.Write([]byte(s.Name))
	var held bool
	if err := c.GetContext(ctx, &held, `SELECT pg_try_advisory_lock(7716, $1)`, int32(h.Sum32())); err != nil {
		return err
	}
	if !held {
		return errNoHolder
	}
	defer c.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock(7716, $1)`, int32(h.Sum32()))
	return s.Run(ctx)
}

// tidy keeps finished jobs for two days.
func (w *Worker) tidy(ctx context.Context) error {
	return w.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM outbox WHERE done_at < $1`, tx.Now.Add(-48*time.Hour))
		return err
	})
}
