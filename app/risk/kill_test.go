package risk_test

import (
	"context"
	"encoding/json"
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
	"vitrine/app/errs"
	"vitrine/app/fees"
	"vitrine/app/id"
	"vitrine/app/inventory"
	"vitrine/app/job"
	"vitrine/app/mail"
	"vitrine/app/orders"
	"vitrine/app/payments"
	"vitrine/app/payments/stripe"
	"vitrine/app/risk"
	"vitrine/app/storefronts"
)

// mission is what a process does, with what it needs to know for it.
type mission struct {
	Do      string
	User    id.User
	Review  id.Review
	Choice  risk.Choice
	Block   id.Case
	Product id.Product
	Key     string // of the form
	Email   string // of the buyer, with the browser
	Client  orders.Client
}

// victim is what the test binary does when it is started to be killed: one thing that a web process or a worker does.
func victim() int {
	ctx, env := context.Background(), os.Getenv
	d, err := db.Open(ctx, env("RISK_DB"), db.Options{MaxOpen: 4})
	if err != nil {
		return complain(err)
	}
	at, err := time.Parse(time.RFC3339Nano, env("RISK_AT"))
	if err != nil {
		return complain(err)
	}
	d.Clock = func() time.Time { return at }
	var m mission
	if err := json.Unmarshal([]byte(env("RISK_VICTIM")), &m); err != nil {
		return complain(err)
	}
	w := &desk{d: d, jobs: job.NewRegistry()}
	w.orders = &orders.Service{DB: d, Catalogue: shelf{}, Fees: &fees.Service{}, Stock: &inventory.Service{DB: d}, Settlement: 7 * 24 * time.Hour, Secret: secret, AppURL: "http://localhost:8080",
		Providers: payments.Providers{stripe.New(stripe.Options{Key: env("RISK_KEY"), APIURL: env("RISK_STRIPE"), Timeout: 5 * time.Second})}}
	w.s = &risk.Service{DB: d, Orders: w.orders, Shops: storefronts.New(d, "http://shop.localhost:8080"), Secret: secret, AppURL: "http://localhost:8080", FourEyes: risk.DefaultFourEyes(), Refund: w.refund}
	w.orders.Admit, w.orders.Assess, w.orders.Attempted = w.s.Admit, w.s.Assess, w.s.Attempted
	w.s.Jobs(w.jobs)
	(&risk.Mails{Service: w.s, Sellers: sellers, Sender: letterbox(env("RISK_POST"))}).Jobs(w.jobs)
	if err := w.perform(ctx, m); err != nil {
		return complain(err)
	}
	return 0
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// letterbox is a file with the numbers of the mails that were sent.
type letterbox string

func (l letterbox) Send(_ context.Context, m mail.Message) error {
	f, err := os.OpenFile(string(l), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = fmt.Fprintln(f, m.ID)
	return err
}

// perform does what a mission says, in whatever process.
func (w *desk) perform(ctx context.Context, m mission) (err error) {
	const why = "looked at it together"
	switch m.Do {
	case "admit":
		_, err = w.orders.Start(ctx, orders.StartInput{Key: m.Key, Email: m.Email, Consent: true, Expected: eur(1900), Locale: "en", Client: m.Client, Lines: []orders.Line{{Product: m.Product, Quantity: 1}}})
		if errs.Is(err, errs.Forbidden) { // as it should be
			err = nil
		}
	case "choose":
		_, err = w.s.Choose(ctx, m.User, m.Review, m.Choice, why)
	case "hold":
		err = w.s.Hold(ctx, m.User, m.Review, 5, why)
	case "expire":
		err = w.s.Expire(ctx, m.Review)
	case "reopen":
		err = w.s.Unshut(ctx, m.User, m.Review, why)
	case "sweep":
		err = w.s.Sweep(ctx)
	case "lift":
		err = w.s.Lift(ctx, m.User, m.Block, why)
	case "view":
		_, err = w.s.View(ctx, m.User, m.Review)
	case "block":
		err = w.s.BlockBuyer(ctx, m.User, m.Review, why)
	case "mail":
		var payload []byte
		if payload, err = json.Marshal(risk.Tell{Review: m.Review, What: risk.TellOpened}); err == nil {
			err = w.jobs.Run(ctx, risk.Tell{}.Kind(), payload)
		}
	}
	return err
}

// die has a process do something and be killed at a failpoint.
func (w *desk) die(binary, dir, failpoint string, m mission) {
	w.t.Helper()
	mark := filepath.Join(dir, "mark")
	what, err := json.Marshal(m)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = append(os.Environ(), "RISK_VICTIM="+string(what), "RISK_DB="+w.d.URL(), "RISK_AT="+w.now().Format(time.RFC3339Nano), "RISK_KEY="+w.stripe.Key(), "RISK_STRIPE="+w.stripe.URL(),
		"RISK_POST="+filepath.Join(dir, "post"), "VITRINE_FAILPOINT="+failpoint, "VITRINE_FAILPOINT_MARK="+mark)
	out, err := cmd.CombinedOutput()
	reached, _ := os.ReadFile(mark)
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if string(reached) != failpoint || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		w.t.Fatalf("%s never came to %s: %v %q\n%s", m.Do, failpoint, err, reached, out)
	}
}

// suspect is an order before a person, with everything to act on it.
func (w *desk) suspect() (mission, orders.Order) {
	b, p := someone(), w.owner.Product(w.t, w.d, 1900, -1)
	o := w.sell(b, highest, 1900, p).Orders[0]
	return mission{User: w.admin(), Review: w.review(o.ID).ID, Product: p, Key: w.key(), Email: b.email, Client: b.client}, o
}

func (w *desk) must(m mission, do string) {
	w.t.Helper()
	m.Do = do
	if err := w.perform(context.Background(), m); err != nil {
		w.t.Fatal(err)
	}
}

// scene is a way to come to some failpoints.
type scene struct {
	name    string
	names   string // what the failpoints' names begin with
	do      string
	set     func(w *desk, m *mission)
	done    string // counts to one when the step is taken; $1 is the review
	machine bool   // nobody tries it again: what is left is found without a person
	once    bool   // whoever tries it again is told that it is done
	again   bool   // the second try is the same as the first
	ends    string // a line of what becomes of it
}

const decided = `SELECT count(*) FROM risk_reviews WHERE id = $1 AND decided_at IS NOT NULL`

var scenes = []scene{
	{name: "admit", ends: "decision admit blocked", names: "risk.admit.", do: "admit", set: func(w *desk, m *mission) { w.must(*m, "block") }, done: `SELECT count(*) FROM risk_decisions WHERE $1::uuid IS NOT NULL AND key LIKE 'admit:%'`, again: true},
	{name: "approve", ends: "order paid 0 of 1900", names: "risk.choose.", do: "choose", set: func(_ *desk, m *mission) { m.Choice = risk.Approve }, done: decided, once: true},
	{name: "refund", ends: "order paid 1900 of 1900", names: "risk.choose.", do: "choose", set: func(_ *desk, m *mission) { m.Choice = risk.Refund }, done: decided, once: true},
	{name: "close", ends: "order paid 1900 of 1900", names: "risk.choose.", do: "choose", set: func(_ *desk, m *mission) { m.Choice = risk.Close }, done: decided, once: true},
	{name: "hold", ends: "history held", names: "risk.hold.", do: "hold", done: `SELECT count(*) FROM risk_reviews WHERE id = $1 AND holds = 1`},
	{name: "expire", ends: "order paid 1900 of 1900", names: "risk.expire.", do: "expire", set: func(w *desk, _ *mission) { w.pass(73 * time.Hour) }, done: decided, machine: true},
	{name: "reopen", ends: "history reopened", names: "risk.reopen.", do: "reopen", set: func(w *desk, m *mission) {
		m.Choice = risk.Close
		w.must(*m, "choose")
	}, done: `SELECT count(*) FROM shops s JOIN risk_reviews r ON r.shop_id = s.id WHERE r.id = $1 AND s.shut_at IS NULL`},
	{name: "warning", ends: "order paid 1900 of 1900", names: "risk.warning.", do: "sweep", set: early, done: `SELECT count(*) FROM risk_warnings WHERE $1::uuid IS NOT NULL AND resolved_at IS NOT NULL`, machine: true},
	{name: "forget", ends: "history approve", names: "risk.forget.", do: "sweep", set: func(w *desk, m *mission) {
		w.must(*m, "block")
		w.must(*m, "admit")
		m.Choice = risk.Approve
		w.must(*m, "choose")
		w.pass(200 * 24 * time.Hour)
	}, done: `SELECT 1 - count(*) FROM risk_decisions WHERE $1::uuid IS NOT NULL AND order_id IS NULL`, machine: true},
	{name: "lift", ends: "block email review true", names: "risk.lift.", do: "lift", set: func(w *desk, m *mission) {
		w.must(*m, "block")
		var err error
		if m.Block, err = id.Parse[id.CaseKind](w.text(`SELECT id::text FROM risk_blocks WHERE kind = 'email'`)); err != nil {
			w.t.Fatal(err)
		}
	}, done: `SELECT count(*) FROM risk_blocks WHERE $1::uuid IS NOT NULL AND lifted_at IS NOT NULL`, once: true},
	{name: "view", ends: "log risk.view", names: "risk.view.", do: "view", done: `SELECT count(*) FROM audit_log WHERE $1::uuid IS NOT NULL AND action = 'risk.view'`},
	{name: "block", ends: "history blocked", names: "risk.block.", do: "block", done: `SELECT count(*) FROM risk_history WHERE review_id = $1 AND action = 'blocked'`},
	{name: "mail", ends: "1 mails", names: "risk.mail.", do: "mail", done: `SELECT count(*) FROM risk_mails WHERE $1::uuid IS NOT NULL AND sent_at IS NOT NULL`, machine: true},
}

// early has a bank warn of a payment before it is known here.
func early(w *desk, m *mission) {
	c := w.begin(someone(), 1900, m.Product)
	if _, err := w.stripe.Pay(c.Session, elevated, ""); err != nil {
		w.t.Fatal(err)
	}
	p, _ := w.orders.ProviderOf("stripe")
	sess, err := p.Session(w.t.Context(), c.Session)
	if err != nil {
		w.t.Fatal(err)
	}
	w.warn("issfr_1", orders.Order{PaymentIntent: sess.Fact.Intent, Charge: sess.Fact.Charge}, "misc")
	if _, err := w.orders.Return(w.t.Context(), w.orders.CheckoutToken(c.ID)); err != nil {
		w.t.Fatal(err)
	}
}

// play runs a scene, with a death at a failpoint or without one, and tells all that became of it.
func (x scene) play(t *testing.T, binary, failpoint string) string {
	t.Helper()
	w, dir := newDesk(t), t.TempDir()
	m, o := w.suspect()
	m.Do = x.do
	if x.set != nil {
		x.set(w, &m)
	}
	done := func() bool { return w.count(x.done, m.Review) == 1 }
	if done() {
		t.Fatal("done before it has begun")
	}
	if failpoint != "" {
		w.die(binary, dir, failpoint, m)
		if want := strings.HasSuffix(failpoint, ".after_commit") && x.do != "mail"; done() != want { // a mail's first commit only claims it
			t.Fatalf("after the death: done %v, want %v", done(), want)
		}
	}
	if !x.machine && (!done() || x.again) {
		w.must(m, x.do)
	}
	if x.once {
		if err := w.perform(t.Context(), m); !errs.Is(err, errs.Conflict) {
			t.Errorf("done twice: %v", err)
		}
	}
	for range 2 { // the second time there is nothing left to do
		w.pass(2 * time.Minute)
		w.work()
		if err := w.s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if !done() {
		t.Fatal("never done")
	}
	if u := w.count(`SELECT count(*) FROM (SELECT 1 FROM ledger_lines GROUP BY entry_id, currency HAVING sum(amount) <> 0) x`); u != 0 {
		t.Errorf("%d entries do not balance", u)
	}
	w.clean()
	return w.story(t, o, filepath.Join(dir, "post"))
}

// story is all that there is, without numbers and times that differ from one to the next.
func (w *desk) story(t *testing.T, o orders.Order, box string) string {
	t.Helper()
	o = w.order(o.ID)
	r := w.review(o.ID)
	pending, held := w.held(w.owner)
	all := []string{fmt.Sprintf("order %s, review %s %s, %d holds, %s under way, held %v", o.Status, o.Review, r.State, r.Holds, o.Refunding, !o.Held.IsZero()), fmt.Sprintf("pending %d, held %d", pending, held)}
	for _, query := range []string{
		`SELECT 'history ' || action FROM risk_history ORDER BY 1`,
		`SELECT 'log ' || action FROM audit_log WHERE action LIKE 'risk.%' ORDER BY 1`,
		`SELECT 'decision ' || stage || ' ' || verdict FROM risk_decisions ORDER BY 1`,
		`SELECT 'block ' || kind || ' ' || why || ' ' || (lifted_at IS NOT NULL) FROM risk_blocks ORDER BY 1`,
		`SELECT 'signal ' || kind || ' ' || count(*) FROM risk_signals GROUP BY kind ORDER BY 1`,
		`SELECT 'warning ' || outcome FROM risk_warnings ORDER BY 1`,
		`SELECT 'mail ' || kind || ' ' || (sent_at IS NOT NULL) FROM risk_mails ORDER BY 1`,
		`SELECT 'shop ' || (shut_at IS NOT NULL) FROM shops ORDER BY 1`,
		`SELECT 'order ' || status || ' ' || refunding_minor || ' of ' || total_minor FROM orders ORDER BY 1`,
		`SELECT 'checkout ' || status FROM checkouts ORDER BY 1`,
		`SELECT e.kind || ' ' || regexp_replace(l.account, '[0-9a-f-]{36}', '') || ' ' || l.amount FROM ledger_entries e JOIN ledger_lines l ON l.entry_id = e.id ORDER BY 1`,
	} {
		var lines []string
		if err := w.d.Pool().SelectContext(t.Context(), &lines, query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		all = append(all, lines...)
	}
	sent, _ := os.ReadFile(box)
	mails := strings.Fields(string(sent))
	for _, m := range w.mails.sent {
		mails = append(mails, m.ID)
	}
	slices.Sort(mails)
	return strings.Join(append(all, fmt.Sprintf("%d mails", len(slices.Compact(mails)))), "\n")
}

// A process is killed at each place where one may die between two steps of a decision. What comes after does the rest:
// there is one decision, one refund at most, one line in the log, and all is as if nobody had died.
func TestInvariant09AKillAtEveryFailpointOfRiskLosesNothing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts many processes")
	}
	binary := filepath.Join(t.TempDir(), "victim")
	if out, err := exec.Command("go", "test", "-c", "-tags", "failpoint", "-ldflags", "-s -w", "-o", binary, "vitrine/app/risk").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	for _, name := range risk.Failpoints {
		if !slices.ContainsFunc(scenes, func(x scene) bool { return strings.HasPrefix(name, x.names) }) {
			t.Errorf("no scenario comes to %s", name)
		}
	}
	for _, x := range scenes {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			want := x.play(t, "", "")
			if !slices.Contains(strings.Split(want, "\n"), x.ends) {
				t.Fatalf("without a death:\n%s", want)
			}
			for _, name := range risk.Failpoints {
				if !strings.HasPrefix(name, x.names) {
					continue
				}
				t.Run(name, func(t *testing.T) {
					if got := x.play(t, binary, name); got != want {
						t.Errorf("after a death:\n%s\n\nwithout:\n%s", got, want)
					}
				})
			}
		})
	}
}
