package orders_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/fees"
	"vitrine/app/id"
	"vitrine/app/inventory"
	"vitrine/app/job"
	"vitrine/app/ledger"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/payments"
	"vitrine/app/payments/stripe"
	"vitrine/app/sandbox"
)

// till is the money path on a database of its own, with the sandbox as its Stripe and a clock that both share.
type till struct {
	t      *testing.T
	d      *db.DB
	s      *orders.Service
	box    *sandbox.Server
	stripe *sandbox.Stripe
	inbox  *payments.Inbox
	jobs   *job.Registry
	owner  dbtest.Person

	mu   sync.Mutex
	skew time.Duration
}

func newTill(t *testing.T) *till {
	t.Helper()
	w := &till{t: t, d: dbtest.Fresh(t), jobs: job.NewRegistry()}
	w.d.Clock = w.now
	box, err := sandbox.Start(context.Background(), sandbox.Options{Clock: w.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		box.Close()
		if t.Failed() {
			t.Logf("sandbox seed %d", box.Seed())
		}
	})
	w.box, w.stripe = box, box.Stripe()
	provider := stripe.New(stripe.Options{Key: w.stripe.Key(), APIURL: w.stripe.URL(), WebhookSecrets: w.stripe.WebhookSecret(), Timeout: 5 * time.Second})
	w.s = &orders.Service{DB: w.d, Catalogue: shelf{}, Fees: &fees.Service{}, Stock: &inventory.Service{DB: w.d}, Providers: payments.Providers{provider}, Settlement: 7 * 24 * time.Hour, Secret: secret, AppURL: "http://localhost:8080"}
	w.inbox = &payments.Inbox{DB: w.d, Providers: payments.Providers{provider}, Effect: w.s.ApplyEvent, Wants: w.s.WantsLook}
	w.s.Inbox = w.inbox
	w.inbox.Jobs(w.jobs)
	w.s.Jobs(w.jobs)
	hook := httptest.NewServer(http.HandlerFunc(w.receive))
	t.Cleanup(hook.Close)
	if err := w.stripe.SetWebhook(hook.URL, w.stripe.WebhookSecret()); err != nil {
		t.Fatal(err)
	}
	w.owner = w.shop("EUR")
	return w
}

func (w *till) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.skew)
}

// pass lets time pass for everyone.
func (w *till) pass(d time.Duration) {
	w.t.Helper()
	w.mu.Lock()
	w.skew += d
	w.mu.Unlock()
	if err := w.box.Advance(0); err != nil { // it does what has become due
		w.t.Fatal(err)
	}
}

func (w *till) receive(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = w.inbox.Receive(r.Context(), "stripe", body, r.Header)
	}
	if err != nil {
		http.Error(rw, err.Error(), http.StatusServiceUnavailable)
	}
}

// shop opens a published shop of a new creator.
func (w *till) shop(c money.Currency) dbtest.Person {
	w.t.Helper()
	p := dbtest.Creator(w.t, w.d)
	w.exec(`UPDATE shops SET currency = $2, published_version_id = $1, published_at = now() WHERE id = $1`, p.Shop, string(c))
	return p
}

func (w *till) product(p dbtest.Person, price int64, stock int) id.Product {
	w.t.Helper()
	pid := p.Product(w.t, w.d, price, stock)
	w.exec(`UPDATE products SET currency = (SELECT currency FROM shops WHERE id = shop_id) WHERE id = $1`, pid)
	return pid
}

// exec changes what the features would; the pool takes any text.
func (w *till) exec(query string, args ...any) {
	w.t.Helper()
	if _, err := w.d.Pool().ExecContext(context.Background(), query, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *till) count(query string, args ...any) (n int) {
	w.t.Helper()
	if err := w.d.Pool().GetContext(context.Background(), &n, query, args...); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// form is what a buyer sends who wants one copy each.
func (w *till) form(total money.Amount, ps ...id.Product) orders.StartInput {
	in := orders.StartInput{Key: orders.NewKey(), Email: "Ines." + id.Token()[:6] + "@Mail.test", Consent: true, Expected: total, Locale: "en"}
	for _, p := range ps {
		in.Lines = append(in.Lines, orders.Line{Product: p, Quantity: 1})
	}
	return in
}

func (w *till) start(in orders.StartInput) orders.Started {
	w.t.Helper()
	st, err := w.s.Start(context.Background(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	return st
}

func (w *till) checkout(c id.Checkout) orders.Checkout {
	w.t.Helper()
	co, err := w.s.Checkout(context.Background(), w.s.CheckoutToken(c))
	if err != nil {
		w.t.Fatal(err)
	}
	return co
}

// good is a card that works.
const good = "4242424242424242"

// pay pays on the hosted page.
func (w *till) pay(c id.Checkout, card string) orders.Checkout {
	w.t.Helper()
	co := w.checkout(c)
	if _, err := w.stripe.Pay(co.Session, card, ""); err != nil {
		w.t.Fatal(err)
	}
	return co
}

// deliver waits until every event has arrived.
func (w *till) deliver() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := w.stripe.Flush(ctx); err != nil {
		w.t.Fatal(err)
	}
}

// work does the jobs of the money path that are due, as a worker does, until none is left.
func (w *till) work() {
	w.t.Helper()
	for {
		var due []struct {
			ID      id.Job `db:"id"`
			Kind    string `db:"kind"`
			Payload string `db:"payload"`
		}
		if err := w.d.Pool().SelectContext(context.Background(), &due, `
			SELECT id, kind, payload FROM outbox
			WHERE done_at IS NULL AND run_at <= $1 AND kind IN ('payments:apply', 'checkouts:watch') ORDER BY id`, w.d.Now()); err != nil {
			w.t.Fatal(err)
		}
		if len(due) == 0 {
			return
		}
		for _, j := range due {
			if err := w.jobs.Run(context.Background(), j.Kind, []byte(j.Payload)); err != nil {
				w.t.Fatalf("%s %s: %v", j.Kind, j.Payload, err)
			}
			w.exec(`UPDATE outbox SET done_at = now() WHERE id = $1`, j.ID)
		}
	}
}

// settle lets all events arrive and be applied.
func (w *till) settle() {
	w.t.Helper()
	w.deliver()
	w.work()
}

// sale makes a whole sale of one copy.
func (w *till) sell(p id.Product, total money.Amount) orders.Checkout {
	w.t.Helper()
	st := w.start(w.form(total, p))
	w.pay(st.Checkout, good)
	w.settle()
	return w.checkout(st.Checkout)
}

func (w *till) balance(a ledger.Account, c money.Currency) int64 {
	w.t.Helper()
	b, err := ledger.Balance(context.Background(), w.d, a, c)
	if err != nil {
		w.t.Fatal(err)
	}
	return b.Minor
}

func (w *till) left(p id.Product) int {
	w.t.Helper()
	m, err := w.s.Stock.Left(context.Background(), w.d, []id.Product{p})
	if err != nil {
		w.t.Fatal(err)
	}
	return m[p]
}

// giveBack refunds on the provider's side, as its dashboard does; 0 gives everything back.
func (w *till) giveBack(c orders.Checkout, minor int64) {
	w.t.Helper()
	form := "payment_intent=" + c.PaymentIntent
	if minor > 0 {
		form += fmt.Sprintf("&amount=%d", minor)
	}
	w.call("/v1/refunds", form)
}

// sessions counts the payment pages that were ever opened, up to a hundred.
func (w *till) sessions() int {
	w.t.Helper()
	all, _ := w.ask(http.MethodGet, "/v1/checkout/sessions?limit=100", "")["data"].([]any)
	return len(all)
}

// call posts to the sandbox what only its dashboard would.
func (w *till) call(path, form string) map[string]any {
	w.t.Helper()
	return w.ask(http.MethodPost, path, form)
}

func (w *till) ask(method, path, form string) map[string]any {
	w.t.Helper()
	req, err := http.NewRequest(method, w.stripe.URL()+path, strings.NewReader(form))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.stripe.Key())
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil || res.StatusCode != http.StatusOK {
		w.t.Fatalf("%s: %s %v %v", path, res.Status, out, err)
	}
	return out
}

// audit checks the whole book, against itself and the provider.
func (w *till) audit() []ledger.Finding {
	w.t.Helper()
	ctx := context.Background()
	r, err := w.s.CheckMoney(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []ledger.Finding
	for _, f := range r.Findings {
		if !f.Note || f.Subject[0] == 'p' { // differences count at once; the sums per currency are only listed
			out = append(out, f)
		}
	}
	return out
}

// clean fails unless the whole book is as it must be.
func (w *till) clean() {
	w.t.Helper()
	for _, f := range w.audit() {
		w.t.Errorf("check-money: %s", f)
	}
}

// shelf reads products and shops as the features do.
type shelf struct{}

func (shelf) Offers(ctx context.Context, q db.Q, ps []id.Product) ([]orders.Offer, error) {
	ids := make([]string, len(ps))
	for i, p := range ps {
		ids[i] = p.String()
	}
	var rows []struct {
		Product  id.Product     `db:"id"`
		Shop     id.Shop        `db:"shop_id"`
		Creator  id.User        `db:"creator_id"`
		Name     string         `db:"name"`
		ShopName string         `db:"shop_name"`
		ShopSlug string         `db:"slug"`
		Price    int64          `db:"price_minor"`
		Currency money.Currency `db:"currency"`
		Active   bool           `db:"is_active"`
		Open     bool           `db:"open"`
		Closed   string         `db:"closed_reason"`
	}
	err := q.Select(ctx, &rows, `
		SELECT p.id, p.shop_id, p.creator_id, p.name, s.name AS shop_name, s.slug, p.price_minor, p.currency, p.is_active,
			s.published_version_id IS NOT NULL AND s.closed_at IS NULL AS open, s.closed_reason
		FROM products p JOIN shops s ON s.id = p.shop_id
		WHERE p.id = ANY($1::uuid[])`, db.Array(ids))
	var out []orders.Offer
	for _, r := range rows {
		out = append(out, orders.Offer{Product: r.Product, Shop: r.Shop, Creator: r.Creator, Name: r.Name, ShopName: r.ShopName, ShopSlug: r.ShopSlug,
			Price: money.Amount{Minor: r.Price, Currency: r.Currency}, Active: r.Active, Open: r.Open, Closed: r.Closed})
	}
	return out, err
}

// sandbox5 delivers everything five times, in no order.
func sandbox5() sandbox.WebhookFaults { return sandbox.WebhookFaults{Duplicate: 4, Shuffle: true} }

func kwd(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "KWD"} }

type txn = *db.Tx

func tx(t *testing.T, w *till, f func(ctx context.Context, tx txn) error) {
	t.Helper()
	if err := w.d.InTx(context.Background(), func(tx *db.Tx) error { return f(context.Background(), tx) }); err != nil {
		t.Fatal(err)
	}
}
