package admin_test

import (
	"testing"
	"time"

	"vitrine/app/id"
)

// Each fault rings by itself, and falls silent when it is over.
func TestEveryFaultRings(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.night()
	if err := w.s.CheckMoney(t.Context()); err != nil {
		t.Fatal(err)
	}
	rings := func() map[string]string {
		t.Helper()
		if err := w.s.Alarm(t.Context()); err != nil {
			t.Fatal(err)
		}
		all, err := w.s.Alarms(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if got := rings(); len(got) != 0 {
		t.Fatalf("%v", got)
	}
	at := w.now().Add(-6 * time.Minute)
	job := func(failed any) {
		w.exec(`INSERT INTO outbox (id, kind, payload, queue, run_at, created_at, failed_at) VALUES ($1, 'x', '{}', 'money', $2, $2, $3)`, id.New[id.JobKind](), at, failed)
	}
	for name, c := range map[string]struct {
		fault func()
		over  string
	}{
		"payouts": {func() { w.payout("unknown", 900) }, `UPDATE payouts SET state = 'released'`},
		"outbox":  {func() { job(nil) }, `UPDATE outbox SET done_at = now()`},
		"jobs":    {func() { job(at) }, `UPDATE outbox SET done_at = now()`},
		"inbox": {func() {
			w.exec(`INSERT INTO webhook_inbox (id, provider, event_id, type, body, received_at) VALUES (gen_random_uuid(), 'stripe', 'evt_x', 'x', '', $1)`, at)
		}, `DELETE FROM webhook_inbox`},
		"book": {func() { w.exec(`UPDATE money_checks SET wrong = 1`) }, `UPDATE money_checks SET wrong = 0`},
	} {
		c.fault()
		if got := rings(); len(got) != 1 || got[name] == "" {
			t.Errorf("%s does not ring alone: %v", name, got)
		}
		w.exec(c.over)
		if got := rings(); len(got) != 0 {
			t.Errorf("%s rings on: %v", name, got)
		}
	}
	w.pass(27 * time.Hour)
	if got := rings(); len(got) != 2 || got["check"] == "" || got["account stripe"] == "" {
		t.Errorf("a day later: %v", got)
	}
}
