package payouts_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/ledger"
	"vitrine/app/mail"
	"vitrine/app/money"
	"vitrine/app/payments"
	"vitrine/app/payouts"
)

const secret = "a secret for the tests of payouts, long enough"

// world is payouts on a database of its own, with two providers that obey the port and a clock that tests move.
type world struct {
	t      testing.TB
	d      *db.DB
	s      *payouts.Service
	mails  *payouts.Mails
	stripe *bank
	paypal *bank
	jobs   *job.Registry
	box    *outbox

	mu    sync.Mutex
	at    time.Time // the true time
	wrong time.Duration
	holds map[id.User]string
	quiet bool // mails stay unwritten
}

// monday is the first of January 2029: a payout day of every plan.
var monday = time.Date(2029, 1, 1, 12, 0, 0, 0, time.UTC)

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, d: dbtest.Lend(t), jobs: job.NewRegistry(), at: monday, holds: map[id.User]string{}, box: &outbox{}}
	w.d.Clock = w.clock
	w.stripe, w.paypal = newBank("stripe", payments.KeyLife, w.now), newBank("paypal", 30*24*time.Hour, w.now)
	w.s = &payouts.Service{DB: w.d, Payers: map[string]payments.Payer{"stripe": w.stripe, "paypal": w.paypal}, Connector: w.stripe, Holds: w.why,
		AppURL: "http://localhost:8080", Secret: secret, Hour: 6}
	w.mails = &payouts.Mails{Payouts: w.s, Address: address, Sender: w.box}
	w.s.Jobs(w.jobs)
	w.mails.Jobs(w.jobs)
	return w
}

func address(_ context.Context, u id.User) (email, locale string, err error) {
	return u.String()[24:] + "@creators.test", "en", nil
}

// outbox keeps the mails that were sent.
type outbox struct {
	mu  sync.Mutex
	all []mail.Message
}

func (o *outbox) Send(_ context.Context, m mail.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, m)
	return nil
}

// to are the mails to an address.
func (o *outbox) to(address string) (out []mail.Message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range o.all {
		if m.To == address {
			out = append(out, m)
		}
	}
	return out
}

// now is the true time; clock is what our process believes.
func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at.Add(w.wrong)
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

// jump sets our clock off the true one.
func (w *world) jump(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = d
}

func (w *world) why(_ context.Context, _ db.Q, u id.User) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.holds[u], nil
}

func (w *world) hold(u id.User, why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holds[u] = why
}

// exec changes what the features would; the pool takes any text.
func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	if _, err := w.d.Pool().ExecContext(context.Background(), query, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) count(query string, args ...any) (n int) {
	w.t.Helper()
	if err := w.d.Pool().GetContext(context.Background(), &n, query, args...); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) tx(f func(ctx context.Context, tx *db.Tx) error) {
	w.t.Helper()
	if err := w.d.InTx(context.Background(), func(tx *db.Tx) error { return f(context.Background(), tx) }); err != nil {
		w.t.Fatal(err)
	}
}

// creator is someone with a way to be paid.
func (w *world) creator() payouts.Who {
	w.t.Helper()
	u := w.newcomer()
	w.connect(u, "6789")
	return u
}

// crowd is many creators whose methods are ready, every fourth at PayPal.
func (w *world) crowd(n int) (all []payouts.Who) {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx *db.Tx) error {
		for i := range n {
			u, m := id.New[id.UserKind](), id.New[id.MethodKind]()
			if _, err := tx.Exec(ctx, `
				INSERT INTO users (id, email, email_verified_at, name, created_at, updated_at)
				VALUES ($1, $2, $3, 'Ada Test', $3, $3)`, u, u.String()+"@example.test", tx.Now); err != nil {
				return err
			}
			provider, number, address := "stripe", "acct_"+u.String(), ""
			if i%4 == 3 {
				provider, number, address = "paypal", "", u.String()+"@paypal.test"
			}
			if _, err := tx.Exec(ctx, `
				INSERT INTO payout_methods (id, creator_id, provider, generation, email, number, address, state, is_current, ready_at, created_at, updated_at)
				VALUES ($1, $2, $3, 1, '', $4, $5, 'ready', true, $6, $6, $6)`, m, u, provider, number, address, tx.Now); err != nil {
				return err
			}
			if number != "" {
				w.stripe.accounts[number] = &payments.Account{Number: number, Creator: u, Submitted: true, Payouts: true, Bank: "6789"}
			}
			all = append(all, payouts.Who{User: u})
		}
		return nil
	})
	return all
}

// newcomer has none.
func (w *world) newcomer() payouts.Who {
	w.t.Helper()
	p := dbtest.Creator(w.t, w.d)
	return payouts.Who{User: p.User, Email: p.Email}
}

// connect opens an account and fills it in.
func (w *world) connect(u payouts.Who, digits string) payouts.Method {
	w.t.Helper()
	ctx := context.Background()
	if _, err := w.s.Connect(ctx, u, "de"); err != nil {
		w.t.Fatal(err)
	}
	w.stripe.fill(w.method(u).Account, digits, "")
	m, err := w.s.Returned(ctx, u.User)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

// method is the creator's newest Stripe account.
func (w *world) method(u payouts.Who) payouts.Method {
	w.t.Helper()
	all, err := w.s.Methods(context.Background(), u.User)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range all {
		if m.Provider == "stripe" {
			return m
		}
	}
	w.t.Fatal("no account")
	return payouts.Method{}
}

// earn makes a sale whose money is available at once.
func (w *world) earn(u id.User, net money.Amount) id.Order {
	w.t.Helper()
	o := id.New[id.OrderKind]()
	w.book(sale(u, o, net)...)
	return o
}

// refund gives something of a sale back.
func (w *world) refund(u id.User, o id.Order, net money.Amount) {
	w.t.Helper()
	w.book(back(u, o, net))
}

func (w *world) book(es ...ledger.Entry) {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx *db.Tx) error { return book(ctx, tx, es...) })
}

func book(ctx context.Context, tx *db.Tx, es ...ledger.Entry) error {
	_, err := ledger.PostAll(ctx, tx, es)
	return err
}

func sale(u id.User, o id.Order, net money.Amount) []ledger.Entry {
	fee := money.Amount{Minor: net.Minor/20 + 25, Currency: net.Currency}
	return []ledger.Entry{
		{Key: "sale:" + o.String(), Kind: "sale", Lines: []ledger.Line{
			{Account: ledger.Provider("stripe"), Amount: net.Add(fee).Neg()}, {Account: ledger.PlatformFees, Amount: fee}, {Account: ledger.Pending(u), Amount: net}}},
		{Key: "mature:" + o.String(), Kind: "mature", Lines: []ledger.Line{{Account: ledger.Pending(u), Amount: net.Neg()}, {Account: ledger.Available(u), Amount: net}}},
	}
}

func back(u id.User, o id.Order, net money.Amount) ledger.Entry {
	fee := money.Amount{Minor: net.Minor / 20, Currency: net.Currency}
	return ledger.Entry{Key: "refund:" + o.String() + ":" + id.Token(), Kind: "refund", Lines: []ledger.Line{
		{Account: ledger.Provider("stripe"), Amount: net.Add(fee)}, {Account: ledger.PlatformFees, Amount: fee.Neg()}, {Account: ledger.Available(u), Amount: net.Neg()}}}
}

// run is the daily job, now.
func (w *world) run() {
	w.t.Helper()
	if err := w.s.Run(context.Background(), w.d.Now()); err != nil {
		w.t.Fatal(err)
	}
}

// due are jobs that a worker would take now.
type dueJob struct {
	ID      id.Job `db:"id"`
	Kind    string `db:"kind"`
	Payload string `db:"payload"`
}

func (w *world) due() (due []dueJob) {
	w.t.Helper()
	if err := w.d.Pool().SelectContext(context.Background(), &due, `
		SELECT id, kind, payload FROM outbox
		WHERE done_at IS NULL AND run_at <= $1 AND kind LIKE 'payouts:%' AND NOT ($2 AND kind = 'payouts:mail')
		ORDER BY id`, w.d.Now(), w.quiet); err != nil {
		w.t.Fatal(err)
	}
	return due
}

// work does the jobs that are due, as a worker does, until none is left. A job whose process dies is done again by
// nobody: the sweep must find what it left.
func (w *world) work() {
	w.t.Helper()
	for range 50 {
		due := w.due()
		if len(due) == 0 {
			return
		}
		ids := make([]string, len(due))
		for i, j := range due {
			ids[i] = j.ID.String()
		}
		w.exec(`UPDATE outbox SET done_at = now() WHERE id = ANY($1::uuid[])`, db.Array(ids))
		for _, j := range due {
			w.survive(func() error { return w.jobs.Run(context.Background(), j.Kind, []byte(j.Payload)) })
		}
	}
	w.t.Fatal("the jobs never end")
}

// survive does something during which the process may die or a call may be lost.
func (w *world) survive(f func() error) {
	w.t.Helper()
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(crash); !ok {
				panic(r)
			}
		}
	}()
	if err := f(); err != nil && !strings.Contains(err.Error(), "timeout") && !strings.Contains(err.Error(), "another worker") {
		w.t.Fatal(err)
	}
}

// settle lets time pass until nothing is open any more, with every call going well.
func (w *world) settle() {
	w.t.Helper()
	w.stripe.fault, w.paypal.fault = nil, nil
	for n := range 40 {
		w.survive(func() error { return w.s.Sweep(context.Background()) })
		w.work()
		if w.count(`SELECT count(*) FROM payouts WHERE state IN ('reserved', 'sending', 'unknown') OR state = 'failed' AND stuck_at IS NULL`) == 0 {
			return
		}
		w.pass(26 * time.Hour)
		if n > 2 {
			w.pass(10 * 24 * time.Hour) // what waits for PayPal's keys to be forgotten
		}
	}
	w.t.Fatalf("payouts are open for good: %s", w.states())
}

func (w *world) states() string {
	var rows []string
	if err := w.d.Pool().SelectContext(context.Background(), &rows, `
		SELECT state || ' ' || count(*) FROM payouts GROUP BY state ORDER BY state`); err != nil {
		w.t.Fatal(err)
	}
	return strings.Join(rows, ", ")
}

func (w *world) list(u id.User) []payouts.Payout {
	w.t.Helper()
	all, _, err := w.s.List(context.Background(), u, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// only is the creator's one payout.
func (w *world) only(u id.User) payouts.Payout {
	w.t.Helper()
	all := w.list(u)
	if len(all) != 1 {
		w.t.Fatalf("%d payouts, want one", len(all))
	}
	return all[0]
}

func (w *world) outlook(u id.User, c money.Currency) payouts.Outlook {
	w.t.Helper()
	all, err := w.s.Outlook(context.Background(), u)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, o := range all {
		if o.Currency == c {
			return o
		}
	}
	w.t.Fatalf("no outlook in %s", c)
	return payouts.Outlook{}
}

func (w *world) balance(a ledger.Account, c money.Currency) int64 {
	w.t.Helper()
	b, err := ledger.Balance(context.Background(), w.d, a, c)
	if err != nil {
		w.t.Fatal(err)
	}
	return b.Minor
}

// clean fails unless the book is as it must be, agrees with the providers, and nobody was paid twice.
func (w *world) clean() {
	w.t.Helper()
	r, err := ledger.Check(context.Background(), w.d, w.s.Checks()...)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range r.Findings {
		w.t.Errorf("check-money: %s", f)
	}
	for _, b := range []*bank{w.stripe, w.paypal} {
		if twice := b.twice(); len(twice) > 0 {
			w.t.Errorf("%s paid twice: %v", b.name, twice)
		}
		booked := map[money.Currency]int64{}
		var rows []struct {
			Currency money.Currency `db:"currency"`
			Sum      int64          `db:"sum"`
		}
		if err := w.d.Pool().SelectContext(context.Background(), &rows, `
			SELECT l.currency, sum(l.amount)::bigint AS sum
			FROM ledger_lines l JOIN ledger_entries e ON e.id = l.entry_id
			WHERE e.kind = 'payout' AND l.account = $1
			GROUP BY l.currency`, "provider:"+b.name); err != nil {
			w.t.Fatal(err)
		}
		for _, x := range rows {
			booked[x.Currency] = x.Sum
		}
		out := b.out()
		for c, n := range out {
			if booked[c] != n {
				w.t.Errorf("%s paid %d %s, the book says %d", b.name, n, c, booked[c])
			}
			delete(booked, c)
		}
		for c, n := range booked {
			if n != 0 {
				w.t.Errorf("%s paid no %s, the book says %d", b.name, c, n)
			}
		}
	}
}

func eur(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "EUR"} }

// audit reports whether the long counts are wanted.
func audit() bool { return os.Getenv("VITRINE_AUDIT") == "1" }

// times is how often something is tried.
func times(ci, long int) int {
	if audit() {
		return long
	}
	return ci
}

func text(p payouts.Payout) string {
	return fmt.Sprintf("payout %d %s %s", p.Number, p.Amount, p.State)
}

// link is the token in the newest link that was mailed to a creator.
func (w *world) link(u payouts.Who) string {
	w.t.Helper()
	w.work()
	to, _, _ := address(context.Background(), u.User)
	const mark = "/app/payouts/methods/confirm/"
	all := w.box.to(to)
	for i := len(all) - 1; i >= 0; i-- {
		if _, after, ok := strings.Cut(all[i].Text, mark); ok {
			return after[:26]
		}
	}
	w.t.Fatal("no link was mailed")
	return ""
}

// arrive lets the creator's newest payout arrive.
func (w *world) arrive(u id.User) {
	w.t.Helper()
	p := w.list(u)[0]
	w.news(p, payments.PaymentPaid, "")
}

// news is an event of the provider's about a payout that has just changed.
func (w *world) news(p payouts.Payout, to payments.PaymentState, failure string) {
	w.t.Helper()
	b := map[string]*bank{"stripe": w.stripe, "paypal": w.paypal}[p.Provider]
	e := b.flip(p.ID, to, failure)
	w.tx(func(ctx context.Context, tx *db.Tx) error { return w.s.ApplyPayment(ctx, tx, p.Provider, e) })
}
