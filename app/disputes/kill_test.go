package disputes_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/disputes"
	"vitrine/app/fees"
	"vitrine/app/id"
	"vitrine/app/inventory"
	"vitrine/app/orders"
	"vitrine/app/payments"
	"vitrine/app/payments/stripe"
	"vitrine/app/sandbox"
)

// victim is what the test binary does when it is started to be killed: one thing that a web process or a worker does.
func victim() int {
	ctx, env := context.Background(), os.Getenv
	d, err := db.Open(ctx, env("DISPUTES_DB"), db.Options{MaxOpen: 4})
	if err != nil {
		return complain(err)
	}
	at, err := time.Parse(time.RFC3339Nano, env("DISPUTES_AT"))
	if err != nil {
		return complain(err)
	}
	d.Clock = func() time.Time { return at }
	c := stripe.New(stripe.Options{Key: env("DISPUTES_KEY"), APIURL: env("DISPUTES_STRIPE"), Timeout: 5 * time.Second})
	o := &orders.Service{DB: d, Fees: &fees.Service{}, Stock: &inventory.Service{DB: d}, Secret: env("DISPUTES_SECRET"), AppURL: "http://localhost:8080", Providers: payments.Providers{c}}
	s := &disputes.Service{DB: d, Orders: o, Disputers: map[string]payments.Disputer{"stripe": c}}
	user, _ := id.Parse[id.UserKind](env("DISPUTES_USER"))
	dispute, _ := id.Parse[id.DisputeKind](env("DISPUTES_DISPUTE"))
	switch env("DISPUTES_VICTIM") {
	case "send":
		err = s.Send(ctx, user, dispute)
	case "accept":
		err = s.Accept(ctx, user, dispute)
	case "remind":
		err = s.Remind(ctx, dispute)
	case "deliver":
		err = s.Deliver(ctx, dispute)
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

// die has a process do something and be killed at a failpoint.
func (b *bench) die(t *testing.T, binary, failpoint, do string, d disputes.Dispute) {
	t.Helper()
	mark := filepath.Join(t.TempDir(), "mark")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = append(os.Environ(), "DISPUTES_VICTIM="+do, "DISPUTES_DB="+b.DB.URL(), "DISPUTES_AT="+b.Now().Format(time.RFC3339Nano), "DISPUTES_KEY="+b.Stripe.Key(), "DISPUTES_STRIPE="+b.Stripe.URL(),
		"DISPUTES_SECRET="+b.Config.SecretKey.Reveal(), "DISPUTES_USER="+b.c.User.String(), "DISPUTES_DISPUTE="+d.ID.String(), "VITRINE_FAILPOINT="+failpoint, "VITRINE_FAILPOINT_MARK="+mark)
	out, err := cmd.CombinedOutput()
	reached, _ := os.ReadFile(mark)
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if string(reached) != failpoint || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Fatalf("%s never came to %s: %v %q\n%s", do, failpoint, err, reached, out)
	}
}

// death is one way to come to some failpoints.
type death struct {
	names  string // what the failpoints' names begin with
	do     string // what the process does
	accept bool   // the dispute is given up, not answered
	late   bool   // the keys of the calls are past their life
}

var deaths = []death{
	{names: "disputes.send.", do: "send"},
	{names: "disputes.send.", do: "accept", accept: true},
	{names: "disputes.send.", do: "remind"},
	{names: "disputes.record.", do: "deliver"},
	{names: "disputes.record.", do: "deliver", accept: true},
	{names: "disputes.look.", do: "deliver", late: true},
	{names: "disputes.look.", do: "deliver", late: true, accept: true},
	{names: "disputes.upload.", do: "deliver"},
	{names: "disputes.submit.", do: "deliver"},
	{names: "disputes.accept.", do: "deliver", accept: true},
}

// calm is which of the runs without a death ends the same.
func (x death) calm() string {
	switch {
	case x.accept:
		return "accept"
	case x.do == "remind":
		return "remind"
	}
	return "send"
}

// killing is a bench with sales to dispute: they are made before time passes, since no form lives so long.
type killing struct {
	*bench
	binary string
	sales  []orders.Checkout
}

// open has the bank take back the next sale; a word and a file for the answer are there.
func (k *killing) open(t *testing.T) (orders.Checkout, disputes.Dispute) {
	t.Helper()
	c := k.sales[0]
	k.sales = k.sales[1:]
	if err := k.Stripe.Dispute(c.PaymentIntent, "product_not_received"); err != nil {
		t.Fatal(err)
	}
	k.Settle()
	d := k.of(t, c)
	if err := k.s.Save(t.Context(), k.c.User, d.ID, "She wrote that it works.", ""); err != nil {
		t.Fatal(err)
	}
	if err := k.s.Attach(t.Context(), k.c.User, d.ID, "delivery", "letter.png", png); err != nil {
		t.Fatal(err)
	}
	return c, d
}

func (k *killing) of(t *testing.T, c orders.Checkout) disputes.Dispute {
	t.Helper()
	all, err := k.s.OfOrder(t.Context(), k.c.User, c.Orders[0].ID)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d disputes of the order: %v", len(all), err)
	}
	return all[0]
}

// do takes a step of the creator or of the time.
func (k *killing) do(t *testing.T, what string, d disputes.Dispute) {
	t.Helper()
	var err error
	switch what {
	case "send":
		err = k.s.Send(t.Context(), k.c.User, d.ID)
	case "accept":
		err = k.s.Accept(t.Context(), k.c.User, d.ID)
	case "remind":
		k.Pass(d.Due.Sub(k.Now()) - 23*time.Hour)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// seen is what there was before a dispute.
type seen struct{ uploads, mails int }

func (k *killing) look() seen {
	return seen{len(k.Stripe.Uploads()), len(k.Mails(k.c.Email, ""))}
}

// end lets the bank decide, and tells all that became of the sale, without numbers that differ from one to the next.
func (k *killing) end(t *testing.T, c orders.Checkout, before seen) string {
	t.Helper()
	d := k.of(t, c)
	all := []string{"answer " + string(d.Answer)}
	if d.Answer == disputes.Sent {
		if err := k.Stripe.Decide(d.Ref, true); err != nil {
			t.Fatal(err)
		}
	}
	k.Settle()
	if err := k.App.Orders.Ask(t.Context(), c.ID); err != nil { // what was not told
		t.Fatal(err)
	}
	k.Settle()
	d = k.of(t, c)
	o, err := k.App.Orders.Find(t.Context(), k.DB, d.Order)
	if err != nil {
		t.Fatal(err)
	}
	after := k.look()
	all = append(all, fmt.Sprintf("%s %s, automatic %v, %q", d.Answer, d.Status, d.Automatic, d.Trouble), fmt.Sprintf("order %s, disputed %s, net %s", o.Status, o.Disputed, o.DisputedNet),
		fmt.Sprintf("%d files at the bank, %d mails", after.uploads-before.uploads, after.mails-before.mails))
	p, _ := k.App.Orders.ProviderOf(c.Provider)
	f, err := p.Payment(t.Context(), c.PaymentIntent)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range f.Disputes {
		all = append(all, fmt.Sprintf("at the provider %s, taken %s, given %s", x.Status, x.Withdrawn, x.Reinstated))
	}
	var lines []string
	if err := k.DB.Select(t.Context(), &lines, `
		SELECT e.kind || ' ' || l.account || ' ' || l.amount FROM ledger_entries e JOIN ledger_lines l ON l.entry_id = e.id
		WHERE e.key LIKE '%' || $1 || '%' ORDER BY 1`, o.ID.String()); err != nil {
		t.Fatal(err)
	}
	return strings.Join(append(all, lines...), "\n")
}

// ways are those on which what a dead process left behind is found: the job that nobody finished, the sweep where the job
// is lost too, and both after the provider has told what it heard.
var ways = map[string]func(*testing.T, *killing){
	"job": func(_ *testing.T, k *killing) { k.Work() },
	"sweep": func(t *testing.T, k *killing) {
		k.Exec(`DELETE FROM outbox WHERE kind IN ('disputes:deliver', 'disputes:remind')`)
		k.Pass(6 * time.Minute)
		if err := k.s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		k.Work()
	},
	"event": func(_ *testing.T, k *killing) { k.Settle() },
}

// A process is killed at each place where one may die between two steps of an answer. Whoever finds what it left, the bank
// has one answer, the money went each way once, and all is as if nobody had died.
func TestInvariant09AKillAtEveryFailpointOfDisputesLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	k := &killing{binary: filepath.Join(t.TempDir(), "victim")}
	if out, err := exec.Command("go", "test", "-c", "-tags", "failpoint", "-ldflags", "-s -w", "-o", k.binary, "vitrine/app/disputes").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	for _, name := range disputes.Failpoints {
		if !slices.ContainsFunc(deaths, func(x death) bool { return strings.HasPrefix(name, x.names) }) {
			t.Fatalf("no scenario comes to %s", name)
		}
	}
	k.bench = newBench(t)
	k.sell(3 + len(ways)*2*len(deaths))
	calm := map[string]string{}
	for do, ends := range map[string]string{"send": "sent won, automatic false", "accept": "accepted lost", "remind": "sent won, automatic true"} {
		before := k.look()
		c, d := k.open(t)
		k.do(t, do, d)
		k.Settle()
		if calm[do] = k.end(t, c, before); !strings.Contains(calm[do], ends) || strings.Count(calm[do], "at the provider") != 1 {
			t.Fatalf("%s without a death:\n%s", do, calm[do])
		}
	}
	n := 0
	for way, recover := range ways {
		for _, x := range deaths {
			for _, name := range disputes.Failpoints {
				if !strings.HasPrefix(name, x.names) {
					continue
				}
				n++
				t.Run(fmt.Sprintf("%s %s %s", name, x.calm(), way), func(t *testing.T) { k.kill(t, name, x, way == "event", recover, calm[x.calm()]) })
				if t.Failed() {
					return // one world for all: what follows would only meet the rest of it
				}
			}
		}
	}
	k.clean()
	if u := k.Count(`SELECT count(*) FROM (SELECT 1 FROM ledger_lines GROUP BY entry_id, currency HAVING sum(amount) <> 0) x`); u != 0 {
		t.Errorf("%d entries do not balance", u)
	}
	t.Logf("%d kills at %d failpoints", n, len(disputes.Failpoints))
}

func (k *killing) kill(t *testing.T, failpoint string, x death, told bool, recover func(*testing.T, *killing), want string) {
	before := k.look()
	c, d := k.open(t)
	if !told {
		k.Stripe.Misbehave(sandbox.WebhookFaults{Lose: 1})
		defer k.Stripe.Misbehave(sandbox.WebhookFaults{})
	}
	if x.do == "deliver" {
		k.do(t, x.calm(), d)
	} else if x.do == "remind" {
		k.do(t, "remind", d)
	}
	if x.late {
		k.Pass(25 * time.Hour)
	}
	k.die(t, k.binary, failpoint, x.do, d)
	if x.do != "deliver" && x.do != "remind" && k.of(t, c).Answer == disputes.Drafting {
		if strings.HasSuffix(failpoint, ".after_commit") {
			t.Fatal("the step was committed and is lost")
		}
		k.do(t, x.do, d) // the page did not answer: the button is pressed again
	}
	recover(t, k)
	k.Stripe.Misbehave(sandbox.WebhookFaults{})
	if err := k.s.Deliver(t.Context(), d.ID); err != nil { // and nothing is left to be done
		t.Fatal(err)
	}
	if got := k.end(t, c, before); got != want {
		t.Fatalf("after a death:\n%s\n\nwithout:\n%s", got, want)
	}
}

// sell makes sales.
func (k *killing) sell(n int) {
	k.T.Helper()
	for range n {
		sale := k.Buy(k.c.Product)
		k.World.Settle()
		var c id.Checkout
		if err := k.DB.Get(k.T.Context(), &c, `SELECT id FROM checkouts WHERE email = $1`, sale.Email); err != nil {
			k.T.Fatal(err)
		}
		have, err := k.App.Orders.Checkout(k.T.Context(), k.App.Orders.CheckoutToken(c))
		if err != nil {
			k.T.Fatal(err)
		}
		k.sales = append(k.sales, have)
	}
}
