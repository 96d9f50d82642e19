package payments

import (
	"context"
	"fmt"
	"time"

	"vitrine/app/db"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/job"
)

// Failpoints are the places where the kill tests let a process die.
var Failpoints = []string{
	"payments.receive.before_commit", "payments.receive.after_commit",
	"payments.apply.before_commit", "payments.apply.after_commit",
	"payments.resume.before_commit", "payments.resume.after_commit",
}

// Apply is the job that applies one event of the inbox.
type Apply struct {
	Inbox id.Inbox `json:"inbox"`
}

func (Apply) Kind() string { return "payments:apply" }

// Inbox keeps what providers tell us until it is applied, and remembers that it was.
type Inbox struct {
	DB       *db.DB
	Provider Provider
	// Effect does what follows from an event, in the transaction that marks it as applied. It says in a
	// word what came of it.
	Effect func(ctx context.Context, tx *db.Tx, e Event) (outcome string, err error)
}

// Receive takes a webhook in: checked, stored once, to be applied by a worker. A nil error means that the
// provider need not send it again.
func (b *Inbox) Receive(ctx context.Context, body []byte, signature string) error {
	e, err := b.Provider.ParseWebhook(body, signature)
	if err != nil {
		return err
	}
	err = b.DB.InTx(ctx, func(tx *db.Tx) error {
		row := id.New[id.InboxKind]()
		fresh, err := b.insert(ctx, tx, row, e, body)
		if err != nil {
			return err
		}
		if fresh {
			err = job.Enqueue(ctx, tx, Apply{row}, job.On(job.Money))
		}
		failpoint.Hit("payments.receive.before_commit")
		return err
	})
	if err != nil {
		return fmt.Errorf("store event %s: %w", e.ID, err)
	}
	failpoint.Hit("payments.receive.after_commit")
	return nil
}

// Apply applies a stored event, once: the effects and the mark are one transaction.
func (b *Inbox) Apply(ctx context.Context, row id.Inbox) error {
	err := b.DB.InTx(ctx, func(tx *db.Tx) error {
		body, err := b.take(ctx, tx, row)
		if db.None(err) {
			return nil // applied, by whoever was first
		}
		if err != nil {
			return err
		}
		e, err := b.Provider.ParseEvent(body)
		if err != nil {
			return job.Permanent(err)
		}
		outcome := "ignored"
		if e.Known {
			if outcome, err = b.Effect(ctx, tx, e); err != nil {
				return fmt.Errorf("%s: %w", e.Type, err)
			}
		}
		err = b.mark(ctx, tx, row, outcome)
		failpoint.Hit("payments.apply.before_commit")
		return err
	})
	if err != nil {
		return fmt.Errorf("apply %s: %w", row, err)
	}
	failpoint.Hit("payments.apply.after_commit")
	return nil
}

// Resume puts events back on the road that were not applied within a while, whatever became of their job.
func (b *Inbox) Resume(ctx context.Context, waitedFor time.Duration) error {
	err := b.DB.InTx(ctx, func(tx *db.Tx) error {
		rows, err := b.listWaiting(ctx, tx, tx.Now.Add(-waitedFor))
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := job.Enqueue(ctx, tx, Apply{row}, job.On(job.Money), job.Key(fmt.Sprintf("apply:%s:%d", row, tx.Now.Unix()/600))); err != nil {
				return err
			}
		}
		failpoint.Hit("payments.resume.before_commit")
		return nil
	})
	failpoint.Hit("payments.resume.after_commit")
	return err
}

// Jobs registers the job and the sweep behind it.
func (b *Inbox) Jobs(r *job.Registry) {
	job.Handle(r, job.Spec{Timeout: time.Minute, Attempts: 12}, func(ctx context.Context, t Apply) error { return b.Apply(ctx, t.Inbox) })
	r.Every("payments:resume", time.Minute, func(ctx context.Context) error { return b.Resume(ctx, time.Minute) })
}

// Waiting counts events that were received before a moment and not applied yet.
func (b *Inbox) Waiting(ctx context.Context, q db.Q, before time.Time) (int, error) {
	var n int
	err := q.Get(ctx, &n, `SELECT count(*) FROM webhook_inbox WHERE applied_at IS NULL AND received_at < $1`, before)
	return n, err
}

func (b *Inbox) insert(ctx context.Context, tx *db.Tx, row id.Inbox, e Event, body []byte) (fresh bool, err error) {
	eventID := e.ID
	if !guardInbox {
		eventID += "-" + row.String() // as if every delivery were news
	}
	n, err := tx.Exec(ctx, `
		INSERT INTO webhook_inbox (id, provider, event_id, type, body, received_at)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT ON CONSTRAINT webhook_inbox_event_unique DO NOTHING`, row, b.Provider.Name(), eventID, e.Type, body, tx.Now)
	return n == 1, err
}

// take locks an event that is not applied yet, against other workers that have the same job.
func (b *Inbox) take(ctx context.Context, tx *db.Tx, row id.Inbox) ([]byte, error) {
	var body []byte
	if !guardInbox {
		err := tx.Get(ctx, &body, `SELECT body FROM webhook_inbox WHERE id = $1`, row)
		return body, err
	}
	err := tx.Get(ctx, &body, `SELECT body FROM webhook_inbox WHERE id = $1 AND applied_at IS NULL FOR UPDATE`, row)
	return body, err
}

func (b *Inbox) mark(ctx context.Context, tx *db.Tx, row id.Inbox, outcome string) error {
	_, err := tx.Exec(ctx, `UPDATE webhook_inbox SET applied_at = $2, outcome = $3 WHERE id = $1`, row, tx.Now, outcome)
	return err
}

func (b *Inbox) listWaiting(ctx context.Context, q db.Q, before time.Time) ([]id.Inbox, error) {
	var rows []id.Inbox
	err := q.Select(ctx, &rows, `
		SELECT id FROM webhook_inbox
		WHERE applied_at IS NULL AND received_at < $1 AND provider = $2
		ORDER BY received_at
		LIMIT 500`, before, b.Provider.Name())
	return rows, err
}
