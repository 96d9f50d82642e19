package refunds_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/fees"
	"vitrine/app/id"
	"vitrine/app/inventory"
	"vitrine/app/orders"
	"vitrine/app/payments"
	"vitrine/app/payments/stripe"
	"vitrine/app/refunds"
	"vitrine/app/sandbox"
)

// victim is what the test binary does when it is started to be killed: one thing that a web process or a worker does.
func victim() int {
	ctx, env := context.Background(), os.Getenv
	d, err := db.Open(ctx, env("REFUNDS_DB"), db.Options{MaxOpen: 4})
	if err != nil {
		return complain(err)
	}
	at, err := time.Parse(time.RFC3339Nano, env("REFUNDS_AT"))
	if err != nil {
		return complain(err)
	}
	d.Clock = func() time.Time { return at }
	stock := &inventory.Service{DB: d}
	o := &orders.Service{DB: d, Fees: &fees.Service{}, Stock: stock, Secret: env("REFUNDS_SECRET"), AppURL: "http://localhost:8080",
		Providers: payments.Providers{stripe.New(stripe.Options{Key: env("REFUNDS_KEY"), APIURL: env("REFUNDS_STRIPE"), Timeout: 5 * time.Second})}}
	s := &refunds.Service{DB: d, Orders: o, Stock: stock}
	o.OnRefund = s.Heard
	switch env("REFUNDS_VICTIM") {
	case "ask":
		user, _ := id.Parse[id.UserKind](env("REFUNDS_USER"))
		order, _ := id.Parse[id.OrderKind](env("REFUNDS_ORDER"))
		_, err = s.Create(ctx, user, form(env("REFUNDS_FORM"), order))
	case "send":
		refund, _ := id.Parse[id.RefundKind](env("REFUNDS_REFUND"))
		err = s.Send(ctx, refund)
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

// form is the one that is sent: a part of the money, the copy on sale again, the download closed. All that must happen once.
func form(key string, o id.Order) refunds.Input {
	return refunds.Input{Key: key, Order: o, Amount: eur(700), Reason: "asked", Restock: true, Access: "close"}
}

// die has a process do something and be killed at a failpoint.
func (d *desk) die(t *testing.T, binary, failpoint, do string, in refunds.Input, r id.Refund) {
	t.Helper()
	mark := filepath.Join(t.TempDir(), "mark")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = append(os.Environ(), "REFUNDS_VICTIM="+do, "REFUNDS_DB="+d.DB.URL(), "REFUNDS_AT="+d.Now().Format(time.RFC3339Nano), "REFUNDS_KEY="+d.Stripe.Key(), "REFUNDS_STRIPE="+d.Stripe.URL(),
		"REFUNDS_SECRET="+d.Config.SecretKey.Reveal(), "REFUNDS_USER="+d.c.User.String(), "REFUNDS_ORDER="+in.Order.String(), "REFUNDS_FORM="+in.Key, "REFUNDS_REFUND="+r.String(),
		"VITRINE_FAILPOINT="+failpoint, "VITRINE_FAILPOINT_MARK="+mark)
	out, err := cmd.CombinedOutput()
	reached, _ := os.ReadFile(mark)
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if string(reached) != failpoint || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Fatalf("%s never came to %s: %v %q\n%s", do, failpoint, err, reached, out)
	}
}

// story is all that became of an order, without numbers that differ from one to the next.
func (d *desk) story(o orders.Order) string {
	d.T.Helper()
	o = d.order(o.ID)
	p, _ := d.App.Orders.ProviderOf(o.Provider)
	f, err := p.Payment(d.T.Context(), o.PaymentIntent)
	if err != nil {
		d.T.Fatal(err)
	}
	all := []string{fmt.Sprintf("order %s, %s back, net %s, %s under way", o.Status, o.Refunded, o.RefundedNet, o.Refunding)}
	for _, r := range f.Refunds {
		all = append(all, fmt.Sprintf("at the provider %s %s", r.Amount, r.State))
	}
	rs, err := d.s.Of(d.T.Context(), d.c.User, o.ID)
	if err != nil {
		d.T.Fatal(err)
	}
	for _, r := range rs {
		all = append(all, fmt.Sprintf("ours %s %s %q", r.Amount, r.State, r.Trouble))
	}
	gs, err := d.App.Orders.Entitlements(d.T.Context(), d.DB, o.ID)
	if err != nil {
		d.T.Fatal(err)
	}
	for _, g := range gs {
		all = append(all, fmt.Sprintf("closed %v", g.Revoked))
	}
	var lines []string
	if err := d.DB.Select(d.T.Context(), &lines, `
		SELECT e.kind || ' ' || l.account || ' ' || l.amount FROM ledger_entries e JOIN ledger_lines l ON l.entry_id = e.id
		WHERE e.key LIKE '%' || $1 || '%' ORDER BY 1`, o.ID.String()); err != nil {
		d.T.Fatal(err)
	}
	all = append(append(all, lines...), fmt.Sprintf("%d mails", len(d.Mails(o.Email, "Your refund"))))
	return strings.Join(all, "\n")
}

func (d *desk) unbalanced() int {
	return d.Count(`SELECT count(*) FROM (SELECT 1 FROM ledger_lines GROUP BY entry_id, currency HAVING sum(amount) <> 0) x`)
}

// ways are those on which what a dead process left behind is found: the job that nobody finished, the sweep where the job
// is lost too, and the provider's event, which may be quicker than both.
var ways = map[string]func(*testing.T, *desk){
	"job": func(_ *testing.T, d *desk) { d.Work() },
	"sweep": func(t *testing.T, d *desk) {
		d.Exec(`DELETE FROM outbox WHERE kind = 'refunds:send'`)
		d.Pass(6 * time.Minute)
		if err := d.s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.Work()
	},
	"event": func(_ *testing.T, d *desk) { d.Settle() },
}

// A process is killed at each place where one may die between two steps of a refund. Whoever finds what it left, the buyer
// has the money once, the books know of it once, and all is as if nobody had died.
func TestInvariant09AKillAtEveryFailpointOfRefundsLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	binary := filepath.Join(t.TempDir(), "victim")
	if out, err := exec.Command("go", "test", "-c", "-tags", "failpoint", "-ldflags", "-s -w", "-o", binary, "vitrine/app/refunds").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	d := newDesk(t)
	d.Exec(`INSERT INTO stock (product_id, shop_id, creator_id, available, updated_at) VALUES ($1, $2, $3, 100, now())`, d.c.Product, d.c.Shop.ID, d.c.User)
	left := func() int { return d.Count(`SELECT available FROM stock WHERE product_id = $1`, d.c.Product) }
	scenarios := map[string]string{"refunds.ask.": "ask", "refunds.begin.": "send", "refunds.call.": "send", "refunds.record.": "send"}
	calm := d.sold()
	d.ask(form("calm", calm.ID))
	d.Settle()
	want, n := d.story(calm), 0
	if strings.Count(want, "at the provider") != 1 || !strings.Contains(want, "ours 7.00 EUR succeeded") || !strings.Contains(want, "0.00 EUR under way") {
		t.Fatalf("without a death:\n%s", want)
	}
	for way, recover := range ways {
		for _, failpoint := range refunds.Failpoints {
			do, ok := scenarios[failpoint[:strings.LastIndex(failpoint, ".")+1]]
			if !ok {
				t.Fatalf("no scenario comes to %s", failpoint)
			}
			n++
			t.Run(failpoint+" "+way, func(t *testing.T) {
				o, in := d.sold(), refunds.Input{}
				in = form(id.New[id.RefundKind]().String(), o.ID)
				stock := left()
				if way != "event" {
					d.Stripe.Misbehave(sandbox.WebhookFaults{Lose: 1})
					defer d.Stripe.Misbehave(sandbox.WebhookFaults{})
				}
				var r id.Refund
				if do == "send" {
					r = d.ask(in).ID
				}
				d.die(t, binary, failpoint, do, in, r)
				if do == "ask" {
					d.ask(in) // the page did not answer: the form is sent again
				}
				recover(t, d)
				for again := range 2 { // and nothing is left to be done
					if got := d.story(o); got != want || left() != stock+1 {
						t.Fatalf("after %d more tries, %d copies more on sale:\n%s\n\nwithout a death:\n%s", again, left()-stock, got, want)
					}
					rs, err := d.s.Of(t.Context(), d.c.User, o.ID)
					if err != nil {
						t.Fatal(err)
					}
					if err := d.s.Send(t.Context(), rs[0].ID); err != nil {
						t.Fatal(err)
					}
					d.Settle()
				}
				if u := d.unbalanced(); u != 0 {
					t.Errorf("%d entries do not balance", u)
				}
			})
			if t.Failed() {
				return // one world for all: what follows would only meet the rest of it
			}
		}
	}
	d.clean()
	t.Logf("%d kills at %d failpoints", n, len(refunds.Failpoints))
}
