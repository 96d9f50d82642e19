// Package fees says what the platform takes of a sale. There is one function for it: the quote before
// publishing and the booking after the sale cannot differ.
package fees

import (
	"context"
	"fmt"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/money"
)

// Fee is how a total is shared. Platform + Net is the total, always.
type Fee struct {
	Platform money.Amount
	Net      money.Amount
	Version  int // of the schedule it follows; an order keeps it
	Bps      int
	Fixed    money.Amount
}

// Schedule is what holds for a currency from a moment on.
type Schedule struct {
	Version  int
	Currency money.Currency
	Bps      int
	Fixed    money.Amount
	StartsAt time.Time
}

// Of applies the schedule: basis points of the total and a fixed part, never more than the total, nothing of nothing.
func (s Schedule) Of(total money.Amount) Fee {
	f := Fee{Version: s.Version, Bps: s.Bps, Fixed: s.Fixed, Platform: money.Amount{Currency: total.Currency}}
	if total.Minor > 0 {
		f.Platform = total.Bps(int64(s.Bps)).Add(s.Fixed)
		if f.Platform.Minor > total.Minor {
			f.Platform = total
		}
	}
	f.Net = total.Sub(f.Platform)
	return f
}

// Service reads the schedules.
type Service struct{}

// For is the fee on a total sold at a moment.
func (s *Service) For(ctx context.Context, q db.Q, total money.Amount, at time.Time) (Fee, error) {
	sc, err := s.At(ctx, q, total.Currency, at)
	if err != nil {
		return Fee{}, err
	}
	return sc.Of(total), nil
}

// At is the schedule in force for a currency at a moment.
func (s *Service) At(ctx context.Context, q db.Q, c money.Currency, at time.Time) (Schedule, error) {
	var row struct {
		Version  int       `db:"version"`
		Bps      int       `db:"bps"`
		Fixed    int64     `db:"fixed_minor"`
		StartsAt time.Time `db:"starts_at"`
	}
	err := q.Get(ctx, &row, `
		SELECT version, bps, fixed_minor, starts_at
		FROM fee_schedules
		WHERE currency = $1 AND starts_at <= $2
		ORDER BY starts_at DESC
		LIMIT 1`, c, at)
	if db.None(err) {
		return Schedule{}, errs.New(errs.Invalid, "There is no fee set for %s yet.", string(c))
	}
	if err != nil {
		return Schedule{}, fmt.Errorf("fee of %s: %w", c, err)
	}
	return Schedule{row.Version, c, row.Bps, money.Amount{Minor: row.Fixed, Currency: c}, row.StartsAt}, nil
}

// Change lets another schedule begin in the future. What is in force, or was, never changes.
func (s *Service) Change(ctx context.Context, tx *db.Tx, n Schedule) (version int, err error) {
	if !n.StartsAt.After(tx.Now) {
		return 0, errs.Field("starts_at", "A new fee can only begin in the future.")
	}
	if n.Currency != n.Fixed.Currency {
		return 0, errs.Field("fixed", "The fixed part must be in %s.", string(n.Currency))
	}
	err = tx.Get(ctx, &version, `
		INSERT INTO fee_schedules (currency, bps, fixed_minor, starts_at, created_at)
		VALUES ($1, $2, $3, $4, $5)
		RETURNING version`, n.Currency, n.Bps, n.Fixed.Minor, n.StartsAt, tx.Now)
	switch {
	case db.Violates(err, "fee_schedules_start_unique"):
		return 0, errs.Field("starts_at", "Another fee begins at the same moment.")
	case db.Violates(err, "fee_schedules_bps_range"):
		return 0, errs.Field("bps", "The share must be between 0 and 100 %.")
	case db.Violates(err, "fee_schedules_fixed_not_negative"):
		return 0, errs.Field("fixed", "The fixed part cannot be negative.")
	}
	return version, err
}
