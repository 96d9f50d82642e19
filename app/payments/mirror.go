package payments

import (
	"context"
	"fmt"
	"time"

	"vitrine/app/db"
	"vitrine/app/failpoint"
	"vitrine/app/job"
	"vitrine/app/ledger"
	"vitrine/app/money"
)

// Mirror keeps the providers' accounts, line by line, and books what they keep of each: the fees are the platform's.
type Mirror struct {
	DB        *db.DB
	Providers Providers
}

const (
	pullEvery = 15 * time.Minute
	overlap   = 3 * 24 * time.Hour // lines may become visible later than they are dated
	pullBatch = 200
)

// Jobs registers the pulling.
func (m *Mirror) Jobs(r *job.Registry) { r.Every("payments:movements", pullEvery, m.Pull) }

// Pull takes in what has moved at every provider since the last time.
func (m *Mirror) Pull(ctx context.Context) error {
	for _, p := range m.Providers {
		var last *time.Time
		if err := m.DB.Get(ctx, &last, `SELECT max(at) FROM provider_movements WHERE provider = $1`, p.Name()); err != nil {
			return fmt.Errorf("last movement of %s: %w", p.Name(), err)
		}
		since := time.Time{}
		if last != nil {
			since = last.Add(-overlap)
		}
		if err := m.PullSince(ctx, p, since); err != nil {
			return fmt.Errorf("movements of %s: %w", p.Name(), err)
		}
	}
	return nil
}

// PullSince takes in everything that a provider dates after a moment. Lines that are known change nothing.
func (m *Mirror) PullSince(ctx context.Context, p Provider, since time.Time) error {
	var page []Movement
	flush := func() error {
		if len(page) == 0 {
			return nil
		}
		err := m.DB.InTx(ctx, func(tx *db.Tx) error {
			err := m.keep(ctx, tx, p.Name(), page)
			failpoint.Hit("payments.pull.before_commit")
			return err
		})
		failpoint.Hit("payments.pull.after_commit")
		page = page[:0]
		return err
	}
	failpoint.Hit("payments.pull.before_call")
	err := p.Movements(ctx, since, func(v Movement) error {
		if page = append(page, v); len(page) < pullBatch {
			return nil
		}
		return flush()
	})
	failpoint.Hit("payments.pull.after_call")
	if err != nil {
		return err
	}
	return flush()
}

func (m *Mirror) keep(ctx context.Context, tx *db.Tx, provider string, page []Movement) error {
	var es []ledger.Entry
	for _, v := range page {
		payout := (*string)(nil)
		if !v.Payout.IsZero() {
			s := v.Payout.String()
			payout = &s
		}
		if v.Available.IsZero() {
			v.Available = v.At
		}
		n, err := tx.Exec(ctx, `
			INSERT INTO provider_movements (provider, ref, kind, intent, source, payout_id, currency, amount_minor, fee_currency, fee_minor, at, available_at, seen_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
			ON CONFLICT ON CONSTRAINT provider_movements_pkey DO NOTHING`,
			provider, v.ID, string(v.Kind), v.Intent, v.Source, payout, v.Amount.Currency, v.Amount.Minor, v.Fee.Currency, v.Fee.Minor, v.At, v.Available, tx.Now)
		if err != nil {
			return fmt.Errorf("movement %s: %w", v.ID, err)
		}
		if n == 1 && !v.Fee.IsZero() {
			es = append(es, ledger.Entry{Key: "fee:" + provider + ":" + v.ID, Kind: "fee", Lines: []ledger.Line{
				{Account: ledger.Provider(provider), Amount: v.Fee}, {Account: ledger.ProviderFees, Amount: v.Fee.Neg()}}})
		}
	}
	_, err := ledger.PostAll(ctx, tx, es)
	return err
}

// FeesBooked sums the fees of a provider's lines that are in the book, by currency.
func FeesBooked(ctx context.Context, q db.Q, provider string) (map[money.Currency]int64, error) {
	var rows []struct {
		Currency money.Currency `db:"fee_currency"`
		Sum      int64          `db:"sum"`
	}
	err := q.Select(ctx, &rows, `SELECT fee_currency, sum(fee_minor)::bigint AS sum FROM provider_movements WHERE provider = $1 GROUP BY fee_currency`, provider)
	out := map[money.Currency]int64{}
	for _, r := range rows {
		out[r.Currency] = r.Sum
	}
	return out, err
}
