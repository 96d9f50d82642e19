package risk_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/errs"
	"vitrine/app/fees"
	"vitrine/app/id"
	"vitrine/app/inventory"
	"vitrine/app/job"
	"vitrine/app/ledger"
	"vitrine/app/mail"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/payments"
	"vitrine/app/payments/stripe"
	"vitrine/app/risk"
	"vitrine/app/sandbox"
	"vitrine/app/storefronts"
)

const secret = "a secret of the tests, long enough for any key"

// Cards of the sandbox.
const (
	good     = "4242424242424242"
	elevated = "4000000000009235"
	highest  = "4000000000004954"
	stolen   = "4000000000009979"
	declined = "4000000000000002"
)

// desk is the money path with the rules in it, on a database of its own, with the sandbox as its Stripe.
type desk struct {
	t      *testing.T
	d      *db.DB
	s      *risk.Service
	orders *orders.Service
	stripe *sandbox.Stripe
	box    *sandbox.Server
	inbox  *payments.Inbox
	jobs   *job.Registry
	owner  dbtest.Person
	mails  *post

	mu      sync.Mutex
	skew    time.Duration
	refunds []id.Order
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	w := &desk{t: t, d: dbtest.Fresh(t), jobs: job.NewRegistry(), mails: &post{}}
	w.d.Clock = w.now
	box, err := sandbox.Start(context.Background(), sandbox.Options{Clock: w.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	w.box, w.stripe = box, box.Stripe()
	w.stripe.AllowHighestRisk(true)
	p := stripe.New(stripe.Options{Key: w.stripe.Key(), APIURL: w.stripe.URL(), WebhookSecrets: w.stripe.WebhookSecret(), Timeout: 5 * time.Second})
	w.orders = &orders.Service{DB: w.d, Catalogue: shelf{}, Fees: &fees.Service{}, Stock: &inventory.Service{DB: w.d}, Providers: payments.Providers{p},
		Settlement: 7 * 24 * time.Hour, Secret: secret, AppURL: "http://localhost:8080"}
	w.s = &risk.Service{DB: w.d, Orders: w.orders, Shops: storefronts.New(w.d, "http://shop.localhost:8080"), Secret: secret, AppURL: "http://localhost:8080",
		FourEyes: risk.DefaultFourEyes(), Refund: w.refund}
	w.orders.Admit, w.orders.Assess, w.orders.Attempted = w.s.Admit, w.s.Assess, w.s.Attempted
	w.inbox = &payments.Inbox{DB: w.d, Providers: payments.Providers{p}, Effect: w.orders.ApplyEvent, Wants: w.orders.WantsLook}
	w.orders.Inbox = w.inbox
	w.s.Jobs(w.jobs)
	(&risk.Mails{Service: w.s, Sellers: sellers, Sender: w.mails}).Jobs(w.jobs)
	w.owner = w.shop()
	return w
}

func (w *desk) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.skew)
}

func (w *desk) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.skew += d
}

// refund does what the refunds feature does first: it sets all that is left aside, and remembers that it was asked.
func (w *desk) refund(ctx context.Context, tx *db.Tx, o id.Order, _ string, _ bool) error {
	have, err := w.orders.Find(ctx, tx, o)
	if err != nil {
		return err
	}
	rest := have.Total.Sub(have.Refunded).Sub(have.Refunding)
	if rest.IsZero() {
		return errs.New(errs.Conflict, "All of this order is given back already, or is about to be.")
	}
	if err := w.orders.ReserveRefund(ctx, tx, have.Creator, o, rest); err != nil {
		return err
	}
	tx.AfterCommit(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.refunds = append(w.refunds, o)
	})
	return nil
}

func (w *desk) refunded() []id.Order {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]id.Order(nil), w.refunds...)
}

// finish lets the provider do what the refunds of an order asked for.
func (w *desk) finish(o orders.Order) {
	w.t.Helper()
	p, _ := w.orders.ProviderOf("stripe")
	r, err := p.Refund(context.Background(), payments.RefundInput{Request: id.New[id.RefundKind](), Order: o.ID, Intent: o.PaymentIntent, Charge: o.Charge, Amount: o.Total, Fraud: true})
	if err != nil {
		w.t.Fatal(err)
	}
	w.tx(func(ctx context.Context, tx *db.Tx) error {
		if err := w.orders.EndRefund(ctx, tx, o.ID, o.Total); err != nil {
			return err
		}
		return w.orders.ApplyRefund(ctx, tx, "stripe", r)
	})
}

// shop opens a published shop of a creator who has sold before.
func (w *desk) shop() dbtest.Person {
	w.t.Helper()
	p := dbtest.Creator(w.t, w.d)
	w.exec(`UPDATE shops SET published_version_id = $1, published_at = now() WHERE id = $1`, p.Shop)
	w.exec(`UPDATE users SET created_at = created_at - interval '90 days' WHERE id = $1`, p.User)
	return p
}

// admin is an operator.
func (w *desk) admin() id.User {
	w.t.Helper()
	p := dbtest.Creator(w.t, w.d)
	w.exec(`UPDATE users SET role = 'admin', name = 'Op ' || right(id::text, 4) WHERE id = $1`, p.User)
	return p.User
}

func (w *desk) exec(query string, args ...any) {
	w.t.Helper()
	if _, err := w.d.Pool().ExecContext(context.Background(), query, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *desk) count(query string, args ...any) (n int) {
	w.t.Helper()
	if err := w.d.Pool().GetContext(context.Background(), &n, query, args...); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *desk) tx(f func(ctx context.Context, tx *db.Tx) error) {
	w.t.Helper()
	if err := w.d.InTx(context.Background(), func(tx *db.Tx) error { return f(context.Background(), tx) }); err != nil {
		w.t.Fatal(err)
	}
}

// buyer is one visitor with a browser.
type buyer struct {
	email  string
	client orders.Client
}

var visitors = struct {
	sync.Mutex
	n int
}{}

func someone() buyer {
	visitors.Lock()
	defer visitors.Unlock()
	visitors.n++
	n := visitors.n
	return buyer{email: fmt.Sprintf("buyer%d@mail.test", n), client: orders.Client{IP: fmt.Sprintf("203.%d.%d.7", n>>8&255, n&255), Browser: id.Token(), Country: "DE"}}
}

func (w *desk) form(b buyer, total int64, ps ...id.Product) orders.StartInput {
	in := orders.StartInput{Key: w.key(), Email: b.email, Consent: true, Expected: eur(total), Locale: "en", Client: b.client}
	for _, p := range ps {
		in.Lines = append(in.Lines, orders.Line{Product: p, Quantity: 1})
	}
	return in
}

// key is that of a form that was drawn now, whatever the time is.
func (w *desk) key() string {
	k, err := id.Parse[id.CheckoutKind](orders.NewKey())
	if err != nil {
		w.t.Fatal(err)
	}
	ms := w.now().UnixMilli()
	for i := range 6 {
		k[i] = byte(ms >> (40 - 8*i))
	}
	return k.String()
}

func (w *desk) start(b buyer, total int64, ps ...id.Product) (orders.Started, error) {
	return w.orders.Start(context.Background(), w.form(b, total, ps...))
}

func (w *desk) begin(b buyer, total int64, ps ...id.Product) orders.Checkout {
	w.t.Helper()
	st, err := w.start(b, total, ps...)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.checkout(st.Checkout)
}

func (w *desk) checkout(c id.Checkout) orders.Checkout {
	w.t.Helper()
	co, err := w.orders.Checkout(context.Background(), w.orders.CheckoutToken(c))
	if err != nil {
		w.t.Fatal(err)
	}
	return co
}

// sell makes a sale with a card, up to what the provider tells us of it.
func (w *desk) sell(b buyer, card string, total int64, ps ...id.Product) orders.Checkout {
	w.t.Helper()
	c := w.begin(b, total, ps...)
	if total > 0 {
		if _, err := w.stripe.Pay(c.Session, card, ""); err != nil {
			w.t.Fatal(err)
		}
		if _, err := w.orders.Return(context.Background(), w.orders.CheckoutToken(c.ID)); err != nil {
			w.t.Fatal(err)
		}
	}
	return w.checkout(c.ID)
}

// fails lets a payment fail as its event tells it: with a card that is told apart by its fingerprint.
func (w *desk) fails(c orders.Checkout, fingerprint, code string) {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx *db.Tx) error {
		_, err := w.orders.ApplyEvent(ctx, tx, payments.Event{Provider: "stripe", Known: true, Fact: payments.Fact{Checkout: c.ID, Note: code, Card: payments.Card{Fingerprint: fingerprint, Country: "DE"}}})
		return err
	})
}

func (w *desk) order(o id.Order) orders.Order {
	w.t.Helper()
	have, err := w.orders.Find(context.Background(), w.d, o)
	if err != nil {
		w.t.Fatal(err)
	}
	return have
}

func (w *desk) review(o id.Order) risk.Review {
	w.t.Helper()
	r, err := w.s.OfOrder(context.Background(), w.d, o)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// held is what is on the owner's accounts.
func (w *desk) held(p dbtest.Person) (pending, held int64) {
	w.t.Helper()
	a, err := ledger.Balance(context.Background(), w.d, ledger.Pending(p.User), "EUR")
	if err != nil {
		w.t.Fatal(err)
	}
	b, err := ledger.Balance(context.Background(), w.d, ledger.Held(p.User), "EUR")
	if err != nil {
		w.t.Fatal(err)
	}
	return a.Minor, b.Minor
}

// work does the jobs of this feature that are due.
func (w *desk) work() {
	w.t.Helper()
	for {
		var due []struct {
			ID      id.Job `db:"id"`
			Kind    string `db:"kind"`
			Payload string `db:"payload"`
		}
		if err := w.d.Pool().SelectContext(context.Background(), &due, `
			SELECT id, kind, payload FROM outbox WHERE done_at IS NULL AND run_at <= $1 AND kind LIKE 'risk:%' ORDER BY id`, w.d.Now()); err != nil {
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

// clean fails unless the book is as it must be.
func (w *desk) clean() {
	w.t.Helper()
	r, err := w.orders.CheckMoney(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range r.Findings {
		if !f.Note {
			w.t.Errorf("check-money: %s", f)
		}
	}
}

// post keeps the mails.
type post struct {
	mu   sync.Mutex
	sent []mail.Message
}

func (p *post) Send(_ context.Context, m mail.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, m)
	return nil
}

func (p *post) to(address string) (out []mail.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.sent {
		if m.To == address {
			out = append(out, m)
		}
	}
	return out
}

func sellers(ctx context.Context, q db.Q, shop id.Shop) (orders.Seller, error) {
	var r struct {
		Name  string `db:"name"`
		Slug  string `db:"slug"`
		Email string `db:"email"`
	}
	err := q.Get(ctx, &r, `SELECT s.name, s.slug, u.email FROM shops s JOIN users u ON u.id = s.creator_id WHERE s.id = $1`, shop)
	return orders.Seller{Name: r.Name, URL: "http://shop.localhost:8080/@" + r.Slug, Email: r.Email, Locale: "en", TimeZone: "UTC"}, err
}

func eur(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "EUR"} }

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
