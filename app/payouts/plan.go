package payouts

import (
	"context"
	"time"

	"vitrine/app/audit"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/failpoint"
	"vitrine/app/id"
)

// A day is midnight UTC of a date in the instance's zone: dates are counted, never hours of them, so that a day of
// 23 or 25 hours is one day.
type day = time.Time

const date = "2006-01-02"

func (s *Service) zone() *time.Location {
	if s.Zone == nil {
		return time.UTC
	}
	return s.Zone
}

func (s *Service) dayOf(t time.Time) day {
	y, m, d := t.In(s.zone()).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// moment is when a day's payouts begin: the first instant of that date at which the clock on the wall shows the hour
// or later, also on days on which that hour is left out.
func (s *Service) moment(d day) time.Time {
	y, m, n := d.Date()
	t := time.Date(y, m, n, s.Hour, 0, 0, 0, s.zone())
	for s.dayOf(t).Before(d) || s.dayOf(t).Equal(d) && t.Hour() < s.Hour {
		t = t.Add(15 * time.Minute)
	}
	return t.UTC()
}

// latest is the last day whose moment has come.
func (s *Service) latest(at time.Time) day {
	d := s.dayOf(at)
	if at.Before(s.moment(d)) {
		d = d.AddDate(0, 0, -1)
	}
	return d
}

// due reports whether a plan pays on a day.
func (p Plan) due(d day) bool {
	switch p {
	case Daily:
		return true
	case Weekly:
		return d.Weekday() == time.Monday
	case Monthly:
		return d.Day() == 1
	}
	return false
}

// within reports whether a plan pays on one of the days after from, up to and with to.
func (p Plan) within(from, to day) bool {
	for d := to; d.After(from); d = d.AddDate(0, 0, -1) {
		if p.due(d) {
			return true
		}
		if to.Sub(d) > 31*24*time.Hour {
			break // every plan but the paused one has paid by then
		}
	}
	return false
}

// next is the first moment after t at which a plan pays; zero when it never does.
func (s *Service) next(p Plan, t time.Time) time.Time {
	if p == Paused {
		return time.Time{}
	}
	for d := s.latest(t).AddDate(0, 0, 1); ; d = d.AddDate(0, 0, 1) {
		if p.due(d) {
			return s.moment(d)
		}
	}
}

// Plan is how often a creator is paid out; daily until they choose.
func (s *Service) Plan(ctx context.Context, creator id.User) (Plan, error) {
	return s.findPlan(ctx, s.DB, creator)
}

func (p Plan) known() bool { return p == Daily || p == Weekly || p == Monthly || p == Paused }

// SetPlan changes how often a creator is paid out.
func (s *Service) SetPlan(ctx context.Context, creator id.User, p Plan) error {
	if !p.known() {
		return errs.Field("plan", "Choose daily, weekly, monthly or paused.")
	}
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		changed, err := s.upsertPlan(ctx, tx, creator, p)
		if err != nil || !changed {
			return err
		}
		if err := audit.Log(ctx, tx, creator, "payouts.plan", "user:"+creator.String(), map[string]any{"plan": string(p)}); err != nil {
			return err
		}
		err = s.refresh(ctx, tx, creator)
		failpoint.Hit("payouts.plan.before_commit")
		return err
	})
	failpoint.Hit("payouts.plan.after_commit")
	return err
}
