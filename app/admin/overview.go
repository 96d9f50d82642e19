package admin

import (
	"context"
	"encoding/json"
	"time"

	"vitrine/app/db"
	"vitrine/app/money"
)

// Count is how many wait, since when the oldest does, and how much money it is.
type Count struct {
	N      int
	Oldest time.Time // zero: there is none
	Sums   []money.Amount
}

// Overview is everything that needs somebody.
type Overview struct {
	Cases    Count
	Reviews  Count
	Unknown  Count // payouts
	Failed   Count
	Held     Count
	Requests Count // of buyers, older than three days
	Disputes Count // to be answered within two days
	Inbox    Count // events that are not applied
	Outbox   Count // jobs that are due
	Dead     Count // jobs that were given up
	Check    Checked
	Runs     []Run // the last one of each provider
}

const (
	late     = 3 * 24 * time.Hour // after which a buyer's request is the operator's, too
	soon     = 48 * time.Hour     // before which a dispute must be answered
	overdue  = 26 * time.Hour     // after which a reconciliation is missing
	stale    = 2 * time.Hour      // after which a check of the book is missing
	backlog  = 5 * time.Minute    // after which jobs and events have waited for too long
	unsure   = time.Hour          // after which nobody may be unsure about a payout
	allCases = 5000               // as many are added up
)

// Look reads the overview.
func (s *Service) Look(ctx context.Context) (o Overview, err error) {
	now := s.DB.Now()
	var rows []struct {
		What     string         `db:"what"`
		Currency money.Currency `db:"currency"`
		N        int            `db:"n"`
		Sum      int64          `db:"sum"`
		Oldest   *time.Time     `db:"oldest"`
	}
	if err := s.DB.Select(ctx, &rows, `
		SELECT 'reviews' AS what, currency::text AS currency, count(*) AS n, sum(stake_minor)::bigint AS sum, min(opened_at) AS oldest
		FROM risk_reviews WHERE decided_at IS NULL GROUP BY currency
		UNION ALL SELECT state, currency::text, count(*), sum(amount_minor)::bigint, min(CASE WHEN state = 'unknown' THEN coalesce(doubt_at, created_at) ELSE created_at END)
		FROM payouts WHERE state IN ('unknown', 'failed', 'held') GROUP BY state, currency
		UNION ALL SELECT 'requests', o.currency::text, count(*), sum(o.total_minor - o.refunded_minor)::bigint, min(r.created_at)
		FROM refund_requests r JOIN orders o ON o.id = r.order_id WHERE r.state = 'open' AND r.created_at < $1 GROUP BY o.currency
		UNION ALL SELECT 'disputes', currency::text, count(*), sum(amount_minor)::bigint, min(due_at)
		FROM disputes WHERE status IN ('inquiry', 'needs_response') AND answer IN ('drafting', 'sending', 'failed') AND due_at < $2 GROUP BY currency
		UNION ALL SELECT 'inbox', '', count(*), 0, min(received_at) FROM webhook_inbox WHERE applied_at IS NULL
		UNION ALL SELECT 'outbox', '', count(*), 0, min(run_at) FROM outbox WHERE done_at IS NULL AND failed_at IS NULL AND run_at <= $3
		UNION ALL SELECT 'dead', '', count(*), 0, min(failed_at) FROM outbox WHERE done_at IS NULL AND failed_at IS NOT NULL
		ORDER BY 1, 2`, now.Add(-late), now.Add(soon), now); err != nil {
		return o, err
	}
	into := map[string]*Count{"reviews": &o.Reviews, "unknown": &o.Unknown, "failed": &o.Failed, "held": &o.Held, "requests": &o.Requests, "disputes": &o.Disputes,
		"inbox": &o.Inbox, "outbox": &o.Outbox, "dead": &o.Dead}
	for _, r := range rows {
		c := into[r.What]
		c.N += r.N
		if r.Oldest != nil && (c.Oldest.IsZero() || r.Oldest.Before(c.Oldest)) {
			c.Oldest = r.Oldest.UTC()
		}
		if r.Currency != "" {
			c.Sums = append(c.Sums, money.Amount{Minor: r.Sum, Currency: r.Currency})
		}
	}
	if o.Cases, err = s.countCases(ctx); err != nil {
		return o, err
	}
	if o.Check, err = s.LastCheck(ctx); err != nil {
		return o, err
	}
	o.Runs, err = s.lastRuns(ctx)
	return o, err
}

func (s *Service) countCases(ctx context.Context) (c Count, err error) {
	open, err := s.Cases(ctx, Choice{Limit: allCases})
	if err != nil {
		return c, err
	}
	sums := map[money.Currency]int64{}
	for _, k := range open {
		c.N++
		if since := k.Since(); c.Oldest.IsZero() || since.Before(c.Oldest) {
			c.Oldest = since
		}
		if a, ok := k.Stake(); ok {
			sums[a.Currency] += a.Minor
		}
	}
	for _, cur := range money.Known() {
		if sums[cur] != 0 {
			c.Sums = append(c.Sums, money.Amount{Minor: sums[cur], Currency: cur})
		}
	}
	return c, nil
}

type checkRow struct {
	At       time.Time `db:"created_at"`
	Took     int64     `db:"took_ms"`
	Entries  int       `db:"entries"`
	Lines    int       `db:"lines"`
	Wrong    int       `db:"wrong"`
	Findings []byte    `db:"findings"`
	Trouble  string    `db:"trouble"`
}

func (r checkRow) read() (Checked, error) {
	c := Checked{At: r.At.UTC(), Took: time.Duration(r.Took) * time.Millisecond, Entries: r.Entries, Lines: r.Lines, Wrong: r.Wrong, Trouble: r.Trouble}
	return c, json.Unmarshal(r.Findings, &c.Findings)
}

// LastCheck is the last check of the book; its time is zero when there was none.
func (s *Service) LastCheck(ctx context.Context) (Checked, error) {
	var r checkRow
	err := s.DB.Get(ctx, &r, `SELECT created_at, took_ms, entries, lines, wrong, findings, trouble FROM money_checks ORDER BY n DESC LIMIT 1`)
	if db.None(err) {
		return Checked{}, nil
	}
	if err != nil {
		return Checked{}, err
	}
	return r.read()
}

// ChecksKept lists the last checks of the book, the newest first.
func (s *Service) ChecksKept(ctx context.Context) ([]Checked, error) {
	var rows []checkRow
	if err := s.DB.Select(ctx, &rows, `SELECT created_at, took_ms, entries, lines, wrong, findings, trouble FROM money_checks ORDER BY n DESC LIMIT 200`); err != nil {
		return nil, err
	}
	out := make([]Checked, len(rows))
	for i, r := range rows {
		var err error
		if out[i], err = r.read(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// lastRuns has a row for each provider, also for one whose account was never compared.
func (s *Service) lastRuns(ctx context.Context) (out []Run, err error) {
	for _, p := range s.Providers {
		var rows []Run
		if err := s.DB.Select(ctx, &rows, `
			SELECT provider, day, from_at, to_at, stage, cursor, lines, entries, differences, trouble, started_at, done_at
			FROM reconciliations WHERE provider = $1 ORDER BY day DESC LIMIT 2`, p.Name()); err != nil {
			return nil, err
		}
		switch {
		case len(rows) == 0:
			out = append(out, Run{Provider: p.Name()})
		case len(rows) == 2 && rows[0].DoneAt == nil:
			rows[1].Trouble = rows[0].Trouble // the last one that came to its end, and what is wrong since
			out = append(out, rows[1])
		default:
			out = append(out, rows[0])
		}
	}
	return out, nil
}

// Runs lists the comparisons of accounts, the newest first.
func (s *Service) Runs(ctx context.Context) (rows []Run, err error) {
	err = s.DB.Select(ctx, &rows, `
		SELECT provider, day, from_at, to_at, stage, cursor, lines, entries, differences, trouble, started_at, done_at
		FROM reconciliations ORDER BY day DESC, provider LIMIT 200`)
	return rows, err
}
