package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/embedded"
	"vitrine/app/id"
	"vitrine/app/job"
)

type note struct {
	N int `json:"n"`
}

func (note) Kind() string { return "test:note" }

type stranger struct{}

func (stranger) Kind() string { return "test:stranger" }

// shift is a database, a Redis and a registry of one kind of job.
type shift struct {
	t     *testing.T
	db    *db.DB
	redis *embedded.Redis
	reg   *job.Registry
	mu    sync.Mutex
	runs  map[int]int
}

func newShift(t *testing.T, spec job.Spec, do func(ctx context.Context, n int) error) *shift {
	t.Helper()
	s := &shift{t: t, db: dbtest.Fresh(t), reg: job.NewRegistry(), runs: map[int]int{}}
	var err error
	if s.redis, err = embedded.StartRedis(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.redis.Stop() })
	job.Handle(s.reg, spec, func(ctx context.Context, n note) error {
		s.mu.Lock()
		s.runs[n.N]++
		s.mu.Unlock()
		return do(ctx, n.N)
	})
	return s
}

func (s *shift) ran(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs[n]
}

func (s *shift) enqueue(tasks ...job.Task) {
	s.t.Helper()
	s.enqueueOn(job.Default, tasks...)
}

func (s *shift) enqueueOn(queue string, tasks ...job.Task) {
	s.t.Helper()
	if err := s.db.InTx(context.Background(), func(tx *db.Tx) error {
		for _, t := range tasks {
			if err := job.Enqueue(context.Background(), tx, t, job.On(queue)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shift) notes(from, to int) {
	var ts []job.Task
	for i := from; i < to; i++ {
		ts = append(ts, note{i})
	}
	s.enqueue(ts...)
}

func (s *shift) options() asynq.RedisConnOpt {
	o, err := Redis(s.redis.URL())
	if err != nil {
		s.t.Fatal(err)
	}
	return o
}

// start runs a worker until stop or the end of the test.
func (s *shift) start() (stop func()) {
	s.t.Helper()
	o := s.options()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := (&Worker{DB: s.db, Registry: s.reg, Redis: o, Lease: 3 * time.Second}).Run(ctx); err != nil {
			s.t.Error(err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	s.t.Cleanup(stop)
	return stop
}

func (s *shift) count(query string) (n int) {
	s.t.Helper()
	if err := s.db.Pool().GetContext(context.Background(), &n, query); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *shift) eventually(within time.Duration, what string, ok func() bool) {
	s.t.Helper()
	over, tick := time.After(within), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-over:
			s.t.Fatalf("not within %s: %s", within, what)
		case <-tick.C:
		}
	}
}

const open, done = `SELECT count(*) FROM outbox WHERE done_at IS NULL AND failed_at IS NULL`, `SELECT count(*) FROM outbox WHERE done_at IS NOT NULL`

func TestEveryJobRunsOnceWithTwoWorkers(t *testing.T) {
	s := newShift(t, job.Spec{}, func(context.Context, int) error { return nil })
	s.start()
	s.start()
	s.notes(0, 500)
	s.eventually(30*time.Second, "500 jobs are done", func() bool { return s.count(done) == 500 })
	for i := range 500 {
		if s.ran(i) != 1 {
			t.Errorf("job %d ran %d times", i, s.ran(i))
		}
	}
}

func TestAFailedJobIsTriedAgainAndGivenUpInSight(t *testing.T) {
	s := newShift(t, job.Spec{Attempts: 3}, func(_ context.Context, n int) error {
		switch n {
		case 1:
			return job.Permanent(errors.New("never"))
		case 2:
			panic("oh")
		}
		return errors.New("not yet")
	})
	s.start()
	s.notes(0, 3)
	s.enqueue(stranger{})
	state := func(n int) (r struct {
		Attempts int        `db:"attempts"`
		Failed   *time.Time `db:"failed_at"`
		RunAt    time.Time  `db:"run_at"`
		Error    *string    `db:"last_error"`
	}) {
		if err := s.db.Pool().Get(&r, `SELECT attempts, failed_at, run_at, last_error FROM outbox WHERE kind = 'test:note' AND payload->>'n' = $1`, fmt.Sprint(n)); err != nil {
			t.Fatal(err)
		}
		return r
	}
	s.eventually(15*time.Second, "a permanent error and an unknown kind are given up", func() bool {
		return state(1).Failed != nil && s.count(`SELECT count(*) FROM outbox WHERE kind = 'test:stranger' AND failed_at IS NOT NULL AND last_error LIKE '%no handler%'`) == 1
	})
	if s.ran(1) != 1 {
		t.Errorf("a permanent error was tried %d times", s.ran(1))
	}
	for try := 1; try < 3; try++ {
		for _, n := range []int{0, 2} {
			s.eventually(15*time.Second, "the error is noted", func() bool { r := state(n); return r.Attempts == try && r.Error != nil && s.ran(n) == try })
			if wait := time.Until(state(n).RunAt); wait < time.Duration(1<<try)*time.Second-1500*time.Millisecond || wait > time.Duration(1<<try)*time.Second {
				t.Errorf("after try %d the next is in %s", try, wait)
			}
		}
		if _, err := s.db.Pool().Exec(`UPDATE outbox SET run_at = now(), last_error = NULL WHERE failed_at IS NULL`); err != nil {
			t.Fatal(err)
		}
	}
	s.eventually(15*time.Second, "both are given up", func() bool { return state(0).Failed != nil && state(2).Failed != nil })
	if e := *state(2).Error; e != "panic: oh" {
		t.Errorf("the panic is noted as %q", e)
	}
}

func TestRedisMayForgetEverything(t *testing.T) {
	gate := make(chan struct{})
	s := newShift(t, job.Spec{Timeout: 5 * time.Second}, func(_ context.Context, n int) error {
		if n >= 250 {
			<-gate
		}
		return nil
	})
	s.notes(0, 500)
	s.start()
	s.eventually(20*time.Second, "half is done and some are at work", func() bool {
		return s.count(done) >= 100 && s.count(`SELECT count(*) FROM outbox WHERE dispatches > 0 AND done_at IS NULL`) > 0
	})
	s.redis.FlushAll()
	close(gate)
	s.redis.FlushAll()
	s.eventually(40*time.Second, "all 500 are done", func() bool {
		return s.count(done) == 500
	})
	for i := range 500 {
		if s.ran(i) != 1 {
			t.Errorf("job %d ran %d times", i, s.ran(i))
		}
	}
}

// A shop's photographs are made smaller while a receipt is due.
func TestWhatNobodyWaitsForKeepsNobodyWaiting(t *testing.T) {
	gate := make(chan struct{})
	var begun atomic.Int64
	s := newShift(t, job.Spec{}, func(_ context.Context, n int) error {
		if n < 50 {
			begun.Add(1)
			<-gate
		}
		return nil
	})
	s.start()
	end := sync.OnceFunc(func() { close(gate) })
	t.Cleanup(end) // comes before the worker's own
	var long []job.Task
	for n := range 50 {
		long = append(long, note{n})
	}
	s.enqueueOn(job.Batch, long...)
	s.eventually(20*time.Second, "the long work has begun", func() bool { return begun.Load() > 0 })
	for i, queue := range []string{job.Money, job.Default, job.Slow} {
		s.enqueueOn(queue, note{100 + i})
	}
	s.eventually(20*time.Second, "what is due is done beside it", func() bool { return s.count(done) == 3 })
	end()
	s.eventually(20*time.Second, "the long work is done too", func() bool { return s.count(done) == 53 })
}

func TestALateHandOverDoesNothing(t *testing.T) {
	s := newShift(t, job.Spec{}, func(context.Context, int) error { return nil })
	s.notes(7, 8)
	var row id.Job
	if err := s.db.Pool().Get(&row, `UPDATE outbox SET dispatches = 2 RETURNING id`); err != nil {
		t.Fatal(err)
	}
	w := &Worker{DB: s.db, Registry: s.reg}
	for _, dispatch := range []int{1, 3, 2, 2} { // an old one, one that never was, the right one, and it again
		if err := w.handle(t.Context(), asynq.NewTask(taskKind, []byte(fmt.Sprintf("%s %d", row, dispatch)))); err != nil {
			t.Errorf("hand-over %d: %v", dispatch, err)
		}
	}
	if s.ran(7) != 1 || s.count(done) != 1 {
		t.Errorf("ran %d times, %d done", s.ran(7), s.count(done))
	}
	if err := w.handle(t.Context(), asynq.NewTask(taskKind, []byte("noise"))); !errors.Is(err, asynq.SkipRetry) {
		t.Errorf("noise: %v", err)
	}
}

// A job whose worker was stopped in the middle is noted as failed for now and runs again.
func TestAJobThatIsCutOffRunsAgain(t *testing.T) {
	var tries atomic.Int64
	begun := make(chan struct{})
	s := newShift(t, job.Spec{Timeout: time.Second}, func(ctx context.Context, _ int) error {
		if tries.Add(1) == 1 {
			close(begun)
			<-ctx.Done() // its time is over, or the worker is leaving
			return ctx.Err()
		}
		return nil
	})
	s.notes(0, 1)
	stop := s.start()
	<-begun
	stop()
	if n := s.count(open); n != 1 {
		t.Fatalf("%d jobs are open", n)
	}
	s.start()
	s.eventually(20*time.Second, "it is done", func() bool { return s.count(done) == 1 })
}

func TestASweepRunsInOnePlaceAtATime(t *testing.T) {
	s := newShift(t, job.Spec{}, func(context.Context, int) error { return nil })
	inside, goOn := make(chan struct{}), make(chan struct{})
	slow := job.Sweep{Name: "sweep:test", Every: time.Minute, Run: func(context.Context) error { close(inside); <-goOn; return nil }}
	w := &Worker{DB: s.db, Registry: s.reg}
	first := make(chan error, 1)
	go func() { first <- w.sweepOnce(context.Background(), slow) }()
	<-inside
	again := slow
	again.Run = func(context.Context) error { t.Error("two at once"); return nil }
	if err := w.sweepOnce(t.Context(), again); !errors.Is(err, errNoHolder) {
		t.Errorf("the second one: %v", err)
	}
	close(goOn)
	if err := <-first; err != nil {
		t.Error(err)
	}
	did := false
	again.Run = func(context.Context) error { did = true; return nil }
	if err := w.sweepOnce(t.Context(), again); err != nil || !did {
		t.Errorf("afterwards: %v, ran %v", err, did)
	}
}

// Every sweep holds a connection for its lock and needs another: with more sweeps than connections they all
// waited for each other.
func TestManySweepsFitIntoASmallPool(t *testing.T) {
	d, err := db.Open(t.Context(), dbtest.Fresh(t).URL(), db.Options{MaxOpen: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	reg := job.NewRegistry()
	var ran atomic.Int64
	for i := range 12 {
		reg.Every(fmt.Sprintf("sweep:%d", i), time.Hour, func(ctx context.Context) error {
			ran.Add(1)
			return d.InTx(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE outbox SET attempts = attempts`)
				return err
			})
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		(&Worker{DB: d, Registry: reg}).sweep(ctx)
	}()
	for ran.Load() < 12 && ctx.Err() == nil {
		var one int
		if err := d.Get(ctx, &one, `SELECT 1`); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	}
	if ran.Load() < 12 {
		t.Errorf("%d of 12 sweeps ran within 10 s", ran.Load())
	}
	cancel()
	<-finished
}
