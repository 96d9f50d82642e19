package payouts_test

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

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/payments"
	"vitrine/app/payments/stripe"
	"vitrine/app/payouts"
	"vitrine/app/sandbox"
)

// victim is what the test binary does when it is started to be killed: one thing that a web process or a worker does.
func victim() int {
	env := os.Getenv
	ctx := context.Background()
	d, err := db.Open(ctx, env("PAYOUTS_DB"), db.Options{MaxOpen: 4})
	if err != nil {
		return complain(err)
	}
	at, err := time.Parse(time.RFC3339Nano, env("PAYOUTS_AT"))
	if err != nil {
		return complain(err)
	}
	d.Clock = func() time.Time { return at }
	c := stripe.New(stripe.Options{Key: env("PAYOUTS_KEY"), APIURL: env("PAYOUTS_STRIPE"), Timeout: 5 * time.Second})
	s := &payouts.Service{DB: d, Payers: map[string]payments.Payer{"stripe": c}, Connector: c, AppURL: "http://localhost:8080", Secret: secret, Hour: 6}
	user, err := id.Parse[id.UserKind](env("PAYOUTS_USER"))
	if err != nil {
		return complain(err)
	}
	payout, _ := id.Parse[id.PayoutKind](env("PAYOUTS_PAYOUT"))
	switch env("PAYOUTS_VICTIM") {
	case "run":
		err = s.Run(ctx, at)
	case "request":
		_, _, err = s.Request(ctx, user, "EUR")
	case "send":
		err = s.Send(ctx, payout)
	case "recover":
		err = s.Recover(ctx, payout)
	case "sweep":
		err = s.Sweep(ctx)
	case "reasons":
		err = s.SweepReasons(ctx)
	case "accounts":
		err = s.SweepAccounts(ctx)
	case "plan":
		err = s.SetPlan(ctx, user, payouts.Weekly)
	case "connect":
		_, err = s.Connect(ctx, payouts.Who{User: user, Email: env("PAYOUTS_EMAIL")}, "DE")
	case "returned":
		_, err = s.Returned(ctx, user)
	case "dashboard":
		_, err = s.Dashboard(ctx, user)
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

// killing is a world in which processes are killed.
type killing struct {
	*boxed
	binary, mark string
}

func newKilling(t *testing.T) *killing {
	t.Helper()
	k := &killing{boxed: newBoxed(t), binary: filepath.Join(t.TempDir(), "victim"), mark: filepath.Join(t.TempDir(), "mark")}
	if out, err := exec.Command("go", "test", "-c", "-tags", "failpoint", "-ldflags", "-s -w", "-o", k.binary, "vitrine/app/payouts").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	k.fund(10_000_000)
	return k
}

// die has a process do something and be killed at a failpoint.
func (k *killing) die(t *testing.T, failpoint, do string, u payouts.Who, p id.Payout) {
	t.Helper()
	os.Remove(k.mark)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, k.binary)
	cmd.Env = append(os.Environ(), "PAYOUTS_VICTIM="+do, "PAYOUTS_DB="+k.d.URL(), "PAYOUTS_AT="+k.now().Format(time.RFC3339Nano), "PAYOUTS_KEY="+k.box.Key(),
		"PAYOUTS_STRIPE="+k.box.URL(), "PAYOUTS_USER="+u.User.String(), "PAYOUTS_EMAIL="+u.Email, "PAYOUTS_PAYOUT="+p.String(),
		"VITRINE_FAILPOINT="+failpoint, "VITRINE_FAILPOINT_MARK="+k.mark)
	out, err := cmd.CombinedOutput()
	reached, _ := os.ReadFile(k.mark)
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if string(reached) != failpoint || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Fatalf("%s never came to %s: %v %q\n%s", do, failpoint, err, reached, out)
	}
}

// ready is a creator with money and an account.
func (k *killing) ready(t *testing.T) payouts.Who {
	k.t = t
	u := k.onboarded(sandbox.Complete)
	k.earn(u.User, eur(5000))
	return u
}

// asked is ready, with a payout that waits for its job.
func (k *killing) asked(t *testing.T) (payouts.Who, id.Payout) {
	u := k.ready(t)
	p, why, err := k.s.Request(t.Context(), u.User, "EUR")
	if err != nil || why != nil {
		t.Fatalf("%v %v", why, err)
	}
	return u, p.ID
}

// sent is asked, with the payout sent and nothing heard of it for a day.
func (k *killing) sent(t *testing.T) (payouts.Who, payouts.Payout) {
	u, p := k.asked(t)
	if err := k.s.Send(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	k.pass(25 * time.Hour)
	if err := k.srv.Advance(0); err != nil {
		t.Fatal(err)
	}
	return u, k.only(u.User)
}

// finish lets others go on after the death, until the creator has the money; then it looks whether they have it once.
func (k *killing) finish(t *testing.T, u payouts.Who, before sandbox.Balance) {
	t.Helper()
	k.box.ClearFaults()
	if _, err := k.s.Connect(t.Context(), u, "DE"); err != nil {
		t.Fatal(err)
	}
	if m := k.method(u); m.State != payouts.Ready {
		if err := k.box.Onboard(m.Account, sandbox.Complete); err != nil {
			t.Fatal(err)
		}
		k.pass(time.Minute)
		k.returned(u)
	}
	if k.count(`SELECT count(*) FROM ledger_lines WHERE account = $1`, string(ledger.Available(u.User))) == 0 {
		k.earn(u.User, eur(5000))
	}
	k.plan(u, payouts.Daily)
	paid := func() (sum int64) {
		for _, p := range k.list(u.User) {
			if p.State == payouts.Paid {
				sum += p.Amount.Minor
			}
		}
		return sum
	}
	for n := 0; paid() != 5000; n++ {
		if n == 20 {
			t.Fatalf("%v: %+v", k.list(u.User), k.outlook(u.User, "EUR"))
		}
		k.run()
		k.work()
		k.later(26 * time.Hour)
		if err := k.s.Choose(t.Context(), u, k.method(u).ID); err != nil {
			t.Fatal(err)
		}
	}
	after := k.box.Balance("eur")
	if before.Available-after.Available != 5000 || k.balance(ledger.Available(u.User), "EUR") != 0 {
		t.Fatalf("the platform had %d and has %d; %v", before.Available, after.Available, k.list(u.User))
	}
	accounts := 0
	for _, a := range k.box.Accounts() {
		if a.Email == u.Email {
			accounts++
		}
	}
	if accounts != 1 {
		t.Fatalf("%d accounts", accounts)
	}
	k.check()
}

// A process is killed at each place where one may die between two steps of a payout or of opening an account. Whatever
// comes after, the creator has one account and the money once.
func TestInvariant09AKillAtEveryFailpointOfPayoutsLosesNothing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts many processes")
	}
	k := newKilling(t)
	scenarios := map[string]func(t *testing.T, failpoint string) payouts.Who{}
	for _, s := range []struct {
		do    func(t *testing.T, failpoint string) payouts.Who
		names []string
	}{
		{k.dieRunning, []string{"payouts.reserve.", "payouts.day."}},
		{k.dieRequesting, []string{"payouts.request."}},
		{k.dieSending, []string{"payouts.begin.", "payouts.pay.", "payouts.record."}},
		{k.dieLooking, []string{"payouts.look."}},
		{k.dieAsking, []string{"payouts.ask."}},
		{k.dieRecovering, []string{"payouts.recover."}},
		{k.dieAtHome("plan"), []string{"payouts.plan."}},
		{k.dieAtHome("reasons"), []string{"payouts.reasons."}},
		{k.dieAtHome("accounts"), []string{"payouts.sweep_mail."}},
		{k.dieAtHome("returned"), []string{"payouts.account."}},
		{k.dieAtHome("dashboard"), []string{"payouts.dashboard."}},
		{k.dieConnecting, []string{"payouts.method.", "payouts.open.", "payouts.link."}},
		{k.dieSeeking, []string{"payouts.seek."}},
	} {
		for _, n := range s.names {
			for _, edge := range []string{"before_commit", "after_commit", "before_call", "after_call"} {
				if slices.Contains(payouts.Failpoints, n+edge) {
					scenarios[n+edge] = s.do
				}
			}
		}
	}
	for _, name := range payouts.Failpoints {
		do, ok := scenarios[name]
		if !ok {
			t.Errorf("no scenario comes to %s", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			k.t = t
			before := k.box.Balance("eur")
			k.finish(t, do(t, name), before)
		})
		k.t = t
		if t.Failed() {
			break // one world for all: what follows would only meet the rest of it
		}
	}
	t.Logf("%d failpoints", len(payouts.Failpoints))
}

func (k *killing) dieRunning(t *testing.T, failpoint string) payouts.Who {
	k.pass(24 * time.Hour)
	u := k.ready(t)
	k.die(t, failpoint, "run", u, id.Payout{})
	return u
}

func (k *killing) dieRequesting(t *testing.T, failpoint string) payouts.Who {
	u := k.ready(t)
	k.die(t, failpoint, "request", u, id.Payout{})
	return u
}

func (k *killing) dieSending(t *testing.T, failpoint string) payouts.Who {
	u, p := k.asked(t)
	k.die(t, failpoint, "send", u, p)
	return u
}

// dieLooking: an answer was lost, and the process dies while it asks.
func (k *killing) dieLooking(t *testing.T, failpoint string) payouts.Who {
	u, p := k.asked(t)
	k.box.Inject(sandbox.Fault{Kind: sandbox.DropAfter, Call: "POST /v1/payouts", Times: 1})
	if err := k.s.Send(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	k.pass(10 * time.Minute)
	k.die(t, failpoint, "send", u, p)
	return u
}

// dieAsking: nothing was heard of a payout, and the process dies while it asks.
func (k *killing) dieAsking(t *testing.T, failpoint string) payouts.Who {
	u, _ := k.sent(t)
	k.die(t, failpoint, "sweep", u, id.Payout{})
	return u
}

// dieRecovering: a payout failed, and the process dies while it brings the money back.
func (k *killing) dieRecovering(t *testing.T, failpoint string) payouts.Who {
	u, p := k.sent(t)
	if err := k.box.FailPayout(p.Ref, "could_not_process"); err != nil {
		t.Fatal(err)
	}
	if err := k.s.Sweep(t.Context()); err != nil { // it hears so
		t.Fatal(err)
	}
	if got := k.only(u.User); got.State != payouts.Failed {
		t.Fatal(text(got))
	}
	k.die(t, failpoint, "recover", u, p.ID)
	return u
}

// dieAtHome: something that sends no money.
func (k *killing) dieAtHome(do string) func(t *testing.T, failpoint string) payouts.Who {
	return func(t *testing.T, failpoint string) payouts.Who {
		u := k.ready(t)
		k.die(t, failpoint, do, u, id.Payout{})
		return u
	}
}

func (k *killing) dieConnecting(t *testing.T, failpoint string) payouts.Who {
	u := k.newcomer()
	k.die(t, failpoint, "connect", u, id.Payout{})
	return u
}

// dieSeeking: the account was made and its number lost, long ago.
func (k *killing) dieSeeking(t *testing.T, failpoint string) payouts.Who {
	u := k.newcomer()
	k.box.Inject(sandbox.Fault{Kind: sandbox.DropAfter, Call: "POST /v1/accounts", Times: 1})
	if _, err := k.s.Connect(t.Context(), u, "DE"); err == nil {
		t.Fatal("the answer came all the same")
	}
	k.pass(26 * time.Hour)
	k.die(t, failpoint, "connect", u, id.Payout{})
	return u
}
