package admin_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"vitrine/app/admin"
	"vitrine/app/db"
	"vitrine/app/fees"
	"vitrine/app/id"
	"vitrine/app/inventory"
	"vitrine/app/orders"
	"vitrine/app/payments"
	"vitrine/app/payments/stripe"
)

// victim is what the test binary does when it is started to be killed: one thing that a worker or a web process does.
func victim() int {
	ctx, env := context.Background(), os.Getenv
	d, err := db.Open(ctx, env("ADMIN_DB"), db.Options{MaxOpen: 4})
	if err != nil {
		return complain(err)
	}
	at, err := time.Parse(time.RFC3339Nano, env("ADMIN_AT"))
	if err != nil {
		return complain(err)
	}
	d.Clock = func() time.Time { return at }
	ps := payments.Providers{stripe.New(stripe.Options{Key: env("ADMIN_KEY"), APIURL: env("ADMIN_STRIPE"), Timeout: 5 * time.Second})}
	o := &orders.Service{DB: d, Catalogue: shelf{}, Fees: &fees.Service{}, Stock: &inventory.Service{DB: d}, Providers: ps, Secret: secret, AppURL: "http://localhost:8080"}
	s := &admin.Service{DB: d, Orders: o, Providers: ps, Check: o.CheckMoney, Page: 2}
	switch env("ADMIN_VICTIM") {
	case "nightly":
		err = s.Nightly(ctx)
	case "check":
		err = s.CheckMoney(ctx)
	case "close":
		user, _ := id.Parse[id.UserKind](env("ADMIN_USER"))
		n, _ := id.Parse[id.CaseKind](env("ADMIN_CASE"))
		err = s.Close(ctx, user, n, "looked into")
	}
	if err != nil {
		return complain(err)
	}
	return 0
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// A process is killed at each place where one may die in the operator's area. What comes after does the rest: every
// difference is one case that was opened once, and every act is in the log or was not done.
func TestInvariant09AKillAtEveryFailpointOfTheNightLosesNothing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds a test binary")
	}
	binary, mark := filepath.Join(t.TempDir(), "victim"), filepath.Join(t.TempDir(), "mark")
	if out, err := exec.Command("go", "test", "-c", "-tags", "failpoint", "-ldflags", "-s -w", "-o", binary, "vitrine/app/admin").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	kills := map[string][]string{"check": {"admin.check.before_commit", "admin.check.after_commit"}, "close": {"admin.case.before_commit", "admin.case.after_commit"}}
	for _, f := range admin.Failpoints {
		if !slices.Contains(kills["check"], f) && !slices.Contains(kills["close"], f) {
			kills["nightly"] = append(kills["nightly"], f)
		}
	}
	w := newOffice(t)
	product := w.owner.Product(t, w.d, 1900, -1)
	op, n, closed := w.admin(), 0, 0
	for do, failpoints := range kills {
		for _, failpoint := range failpoints {
			n++
			key := plants[10].plant(w, w.sell(1900, product), fmt.Sprintf("z%d", n)) // a stray entry
			w.pass(24 * time.Hour)
			if do != "nightly" {
				w.run()
			}
			w.die(binary, mark, failpoint, do, op, w.caseOf(key))
			if do == "close" {
				c, _, err := w.s.Case(t.Context(), op, w.caseOf(key))
				if err != nil {
					t.Fatal(err)
				}
				if !c.Open() {
					closed++
				}
				if log := w.count(`SELECT count(*) FROM audit_log WHERE action = 'admin.case.close'`); log != closed || !c.Open() != (failpoint == "admin.case.after_commit") {
					t.Errorf("%s: closed %v, %d acts in the log", failpoint, !c.Open(), log)
				}
				continue
			}
			r := w.run()
			if r.Stage != "done" || r.Differences != w.count(`SELECT count(*) FROM money_cases WHERE closed_at IS NULL AND key LIKE 'difference:%'`) {
				t.Errorf("%s: %+v", failpoint, r)
			}
			if w.count(`SELECT count(*) FROM money_case_events e JOIN money_cases c ON c.id = e.case_id WHERE c.key = $1`, key) != 1 {
				t.Errorf("%s: the case was not opened once", failpoint)
			}
		}
	}
	if len(w.faults()) != w.count(`SELECT count(*) FROM money_cases WHERE closed_at IS NULL`) || w.count(`SELECT count(*) FROM money_cases WHERE key LIKE 'difference:%'`) != n {
		t.Errorf("%d differences, cases %v", n, w.faults())
	}
}

func (w *office) caseOf(key string) string {
	return w.one(`SELECT coalesce(max(id::text), '') FROM money_cases WHERE key = $1`, key)
}

// die has a process do something and be killed at a failpoint.
func (w *office) die(binary, mark, failpoint, do string, op id.User, n string) {
	w.t.Helper()
	os.Remove(mark)
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = append(os.Environ(), "ADMIN_VICTIM="+do, "ADMIN_DB="+w.d.URL(), "ADMIN_AT="+w.now().Format(time.RFC3339Nano), "ADMIN_KEY="+w.stripe.Key(), "ADMIN_STRIPE="+w.stripe.URL(),
		"ADMIN_USER="+op.String(), "ADMIN_CASE="+n, "VITRINE_FAILPOINT="+failpoint, "VITRINE_FAILPOINT_MARK="+mark)
	out, err := cmd.CombinedOutput()
	reached, _ := os.ReadFile(mark)
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if string(reached) != failpoint || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		w.t.Fatalf("%s never came to %s: %v %q\n%s", do, failpoint, err, reached, out)
	}
}
