package payments

import (
	"context"
	"fmt"
	"net/http"
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
	"payments.look.before_call", "payments.look.after_call",
	"payments.pull.before_call", "payments.pull.after_call",
	"payments.pull.before_commit", "payments.pull.after_commit",
}

// Apply is the job that applies one event of the inbox.
type Apply struct {
	Inbox id.Inbox `json:"inbox"`
}

func (Apply) Kind() string { return "payments:apply" }

// Inbox keeps what providers tell us until it is applied, and remembers that it was.
type Inbox struct {
	DB        *db.DB
	Providers Providers
	// Effect does what follows from an event, in the transaction that marks it as applied. It says in a
	// word what came of it.
	Effect func(ctx context.Context, tx *db.Tx, e Event) (outcome string, err error)
	// Wants says whether an event that does not tell how its payment stands is worth asking about.
	Wants func(ctx context.Context, q db.Q, e Event) (bool, error)
}

// Providers are all that may take payments; the first is the one that is offered first.
type Providers []Provider

// By finds a provider by its name.
func (ps Providers) By(name string) (Provider, bool) {
	for _, p := range ps {
		if p.Name() == name {
			return p, true
		}
	}
	return nil, false
}

// Receive takes a webhook in: checked, stored once, to be applied by a worker. A nil error means that the
// provider need not send it again.
func (b *Inbox) Receive(ctx context.Context, provider string, body []byte, header http.Header) error {
	p, ok := b.Providers.By(provider)
	if !ok {
		return fmt.Errorf("%w: no provider %q", ErrEvent, provider)
	}
	e, err := p.ParseWebhook(body, header)
	if err != nil {
		return err
	}
	err = b.DB.InTx(ctx, func(tx *db.Tx) error {
		row := id.New[id.InboxKind]()
		fresh, err := b.insert(ctx, tx, row, provider, e, body)
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

// Apply applies a stored event, once: the effects and the mark are one transaction. What the event does not
// tell is asked before it.
func (b *Inbox) Apply(ctx context.Context, row id.Inbox) error {
	e, err := b.read(ctx, row)
	if db.None(err) {
		return nil // applied, by whoever was first
	}
	if err != nil {
		return fmt.Errorf("read event %s: %w", row, err)
	}
	err = b.DB.InTx(ctx, func(tx *db.Tx) error {
		if err := b.take(ctx, tx, row); db.None(err) {
			return nil
		} else if err != nil {
			return err
		}
		outcome := "ignored"
		if e.Known {
			var err error
			if outcome, err = b.Effect(ctx, tx, e); err != nil {
				return fmt.Errorf("%s: %w", e.Type, err)
			}
		}
		err := b.mark(ctx, tx, row, outcome)
		failpoint.Hit("payments.apply.before_commit")
		return err
	})
	if err != nil {
		return fmt.Errorf("apply %s: %w", row, err)
	}
	failpoint.Hit("payments.apply.after_commit")
	return nil
}

// read reads a stored event. Where it only says that something changed, the payment is asked how it stands now;
// a payment that the provider does not know leaves the event as it is.
func (b *Inbox) read(ctx context.Context, row id.Inbox) (Event, error) {
	var stored struct {
		Provider string `db:"provider"`
		Body     []byte `db:"body"`
	}
	if err := b.DB.Get(ctx, &stored, `SELECT provider, body FROM webhook_inbox WHERE id = $1 AND ($2 OR applied_at IS NULL)`, row, !guardInbox); err != nil {
		return Event{}, err
	}
	p, ok := b.Providers.By(stored.Provider)
	if !ok {
		return Event{}, job.Permanent(fmt.Errorf("no provider %q", stored.Provider))
	}
	e, err := p.ParseEvent(stored.Body)
	if err != nil {
		return e, job.Permanent(err)
	}
	e.Provider = p.Name()
	if !e.Known || !e.Look || e.Fact.Intent == "" || b.Wants == nil {
		return e, nil
	}
	if want, err := b.Wants(ctx, b.DB, e); err != nil || !want {
		return e, err
	}
	failpoint.Hit("payments.look.before_call")
	f, err := p.Payment(ctx, e.Fact.Intent)
	failpoint.Hit("payments.look.after_call")
	switch {
	case OutcomeOf(err) == Refused:
	case err != nil:
		return e, err
	default:
		if f.Session == "" {
			f.Session = e.Fact.Session
		}
		if f.Checkout.IsZero() {
			f.Checkout = e.Fact.Checkout
		}
		e.Fact = f
	}
	return e, nil
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

func (b *Inbox) insert(ctx context.Context, tx *db.Tx, row id.Inbox, provider string, e Event, body []byte) (fresh bool, err error) {
	eventID := e.ID
	if !guardInbox {
		eventID += "-" + row.String() // as if every delivery were news
	}
	n, err := tx.Exec(ctx, `
		INSERT INTO webhook_inbox (id, provider, event_id, type, body, received_at)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT ON CONSTRAINT webhook_inbox_event_unique DO NOTHING`, row, provider, eventID, e.Type, body, tx.Now)
	return n == 1, err
}

// take locks an event that is not applied yet, against other workers that have the same job.
func (b *Inbox) take(ctx context.Context, tx *db.Tx, row id.Inbox) error {
	var have id.Inbox
	if !guardInbox {
		return tx.Get(ctx, &have, `SELECT id FROM webhook_inbox WHERE id = $1`, row)
	}
	return tx.Get(ctx, &have, `SELECT id FROM webhook_inbox WHERE id = $1 AND applied_at IS NULL FOR UPDATE`, row)
}

func (b *Inbox) mark(ctx context.Context, tx *db.Tx, row id.Inbox, outcome string) error {
	_, err := tx.Exec(ctx, `UPDATE webhook_inbox SET applied_at = $2, outcome = $3 WHERE id = $1`, row, tx.Now, outcome)
	return err
}

func (b *Inbox) listWaiting(ctx context.Context, q db.Q, before time.Time) ([]id.Inbox, error) {
	var rows []id.Inbox
	err := q.Select(ctx, &rows, `
		SELECT id FROM webhook_inbox
		WHERE applied_at IS NULL AND received_at < $1
		ORDER BY received_at
		LIMIT 500`, before)
	return rows, err
}
