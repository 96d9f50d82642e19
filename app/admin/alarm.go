package admin

import (
	"context"
	"log/slog"
	"maps"
	"slices"
)

// Alarms are the things that nobody may overlook, in words for the log; none when all is well.
func (s *Service) Alarms(ctx context.Context) (map[string]string, error) {
	o, err := s.Look(ctx)
	if err != nil {
		return nil, err
	}
	now, out := s.DB.Now(), map[string]string{}
	if o.Unknown.N > 0 && now.Sub(o.Unknown.Oldest) > unsure {
		out["payouts"] = "the fate of a payout is not known for more than an hour"
	}
	if o.Outbox.N > 0 && now.Sub(o.Outbox.Oldest) > backlog {
		out["outbox"] = "a job is due for more than five minutes"
	}
	if o.Inbox.N > 0 && now.Sub(o.Inbox.Oldest) > backlog {
		out["inbox"] = "a provider's event is not applied for more than five minutes"
	}
	if o.Dead.N > 0 {
		out["jobs"] = "a job was given up"
	}
	if !o.Check.At.IsZero() && now.Sub(o.Check.At) > stale {
		out["check"] = "the book was not checked for more than two hours"
	}
	if o.Check.Wrong > 0 {
		out["book"] = "the book does not add up"
	}
	for _, r := range o.Runs {
		if r.DoneAt != nil && now.Sub(*r.DoneAt) > overdue {
			out["account "+r.Provider] = "the account was not compared with the book for more than a day"
		}
	}
	return out, nil
}

// Alarm says in the log what has begun to be wrong, and what is over.
func (s *Service) Alarm(ctx context.Context) error {
	have, err := s.Alarms(ctx)
	if err != nil {
		return err
	}
	s.alarming.Lock()
	defer s.alarming.Unlock()
	for _, k := range slices.Sorted(maps.Keys(have)) {
		if _, known := s.alarms[k]; !known {
			slog.ErrorContext(ctx, "alarm: "+have[k], "alarm", k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(s.alarms)) {
		if _, still := have[k]; !still {
			slog.InfoContext(ctx, "alarm is over", "alarm", k)
		}
	}
	s.alarms = have
	return nil
}
