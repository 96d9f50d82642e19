package admin_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"vitrine/app/admin"
	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/fees"
	"vitrine/app/id"
	"vitrine/app/inventory"
	"vitrine/app/ledger"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/payments"
	"vitrine/app/payments/stripe"
	"vitrine/app/payouts"
	"vitrine/app/sandbox"
)

const secret = "a secret of the tests, long enough for any key"

// office is the operator's area on a database of its own, with the sandbox as Stripe behind a provider whose account can
// be bent.
type office struct {
	t      *testing.T
	d      *db.DB
	s      *admin.Service
	orders *orders.Service
	stripe *sandbox.Stripe
	bent   *bent
	owner  dbtest.Person

	mu   sync.Mutex
	skew time.Duration
}

// bent is a provider whose account shows other lines than there are.
type bent struct {
	payments.Provider
	mu     sync.Mutex
	extra  []payments.Movement
	change func(payments.Movement) (payments.Movement, bool)
	fail   error
	shown  int
}

func (b *bent) Movements(ctx context.Context, since time.Time, each func(payments.Movement) error) error {
	b.mu.Lock()
	extra, change, fail := append([]payments.Movement(nil), b.extra...), b.change, b.fail
	b.mu.Unlock()
	if fail != nil {
		return fail
	}
	n := 0
	show := func(m payments.Movement) error {
		if m.At.Before(since) {
			return nil
		}
		if change != nil {
			var ok bool
			if m, ok = change(m); !ok {
				return nil
			}
		}
		n++
		return each(m)
	}
	for _, m := range extra {
		if err := show(m); err != nil {
			return err
		}
	}
	err := b.Provider.Movements(ctx, since, show)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shown = n
	return err
}

func (b *bent) bend(change func(payments.Movement) (payments.Movement, bool)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.change = change
}

func (b *bent) show(ms ...payments.Movement) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.extra = append(b.extra, ms...)
}

// unshow takes the lines with a number away.
func (b *bent) unshow(ref string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var left []payments.Movement
	for _, m := range b.extra {
		if m.ID != ref {
			left = append(left, m)
		}
	}
	b.extra = left
}

func newOffice(t *testing.T) *office {
	t.Helper()
	w := &office{t: t, d: dbtest.Fresh(t)}
	w.d.Clock = w.now
	box, err := sandbox.Start(context.Background(), sandbox.Options{Clock: w.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	w.stripe = box.Stripe()
	client := stripe.New(stripe.Options{Key: w.stripe.Key(), APIURL: w.stripe.URL(), WebhookSecrets: w.stripe.WebhookSecret(), Timeout: 5 * time.Second})
	w.bent = &bent{Provider: client}
	ps := payments.Providers{w.bent}
	w.orders = &orders.Service{DB: w.d, Catalogue: shelf{}, Fees: &fees.Service{}, Stock: &inventory.Service{DB: w.d}, Providers: ps,
		Settlement: 7 * 24 * time.Hour, Secret: secret, AppURL: "http://localhost:8080"}
	pay := &payouts.Service{DB: w.d, Payers: map[string]payments.Payer{"stripe": client}, Connector: client, AppURL: "http://localhost:8080", Secret: secret}
	w.s = &admin.Service{DB: w.d, Orders: w.orders, Payouts: pay, Providers: ps, Check: w.orders.CheckMoney}
	w.owner = dbtest.Creator(t, w.d)
	w.exec(`UPDATE shops SET published_version_id = $1, published_at = now() WHERE id = $1`, w.owner.Shop)
	return w
}

func (w *office) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.skew)
}

func (w *office) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.skew += d
}

func (w *office) exec(query string, args ...any) {
	w.t.Helper()
	if _, err := w.d.Pool().ExecContext(context.Background(), query, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *office) count(query string, args ...any) (n int) {
	w.t.Helper()
	if err := w.d.Pool().GetContext(context.Background(), &n, query, args...); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *office) tx(f func(ctx context.Context, tx *db.Tx) error) {
	w.t.Helper()
	if err := w.d.InTx(context.Background(), func(tx *db.Tx) error { return f(context.Background(), tx) }); err != nil {
		w.t.Fatal(err)
	}
}

// sell makes a sale, up to what the provider tells of it.
func (w *office) sell(total int64, p id.Product) orders.Checkout {
	w.t.Helper()
	k, err := id.Parse[id.CheckoutKind](orders.NewKey())
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range 6 {
		k[i] = byte(w.now().UnixMilli() >> (40 - 8*i))
	}
	st, err := w.orders.Start(context.Background(), orders.StartInput{Key: k.String(), Email: "ines." + id.Token()[:6] + "@mail.test", Consent: true, Expected: eur(total), Locale: "en",
		Lines: []orders.Line{{Product: p, Quantity: 1}}})
	if err != nil {
		w.t.Fatal(err)
	}
	token := w.orders.CheckoutToken(st.Checkout)
	c, err := w.orders.Checkout(context.Background(), token)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.stripe.Pay(c.Session, "4242424242424242", ""); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.orders.Return(context.Background(), token); err != nil {
		w.t.Fatal(err)
	}
	if c, err = w.orders.Checkout(context.Background(), token); err != nil || c.Status != orders.CheckoutPaid {
		w.t.Fatal(c.Status, err)
	}
	return c
}

// night lets a day pass and the comparison run.
func (w *office) night() admin.Run {
	w.t.Helper()
	w.pass(24 * time.Hour)
	return w.run()
}

func (w *office) run() admin.Run {
	w.t.Helper()
	if err := w.s.Nightly(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	var r admin.Run
	if err := w.d.Pool().GetContext(context.Background(), &r, `SELECT provider, day, from_at, to_at, stage, cursor, lines, entries, differences, trouble, started_at, done_at
		FROM reconciliations ORDER BY day DESC LIMIT 1`); err != nil {
		w.t.Fatal(err)
	}
	return r
}

// faults are the open differences, by what they are about.
func (w *office) faults() map[string]string {
	w.t.Helper()
	var rows []struct {
		Key   string `db:"key"`
		Fault string `db:"fault"`
	}
	if err := w.d.Pool().SelectContext(context.Background(), &rows, `SELECT key, coalesce(details->>'fault', '') AS fault FROM money_cases WHERE closed_at IS NULL`); err != nil {
		w.t.Fatal(err)
	}
	out := map[string]string{}
	for _, r := range rows {
		out[r.Key] = r.Fault
	}
	return out
}

func (w *office) post(key string, lines ...ledger.Line) {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx *db.Tx) error {
		posted, err := ledger.Post(ctx, tx, ledger.Entry{Key: key, Kind: key[:cut(key)], Lines: lines})
		if err == nil && !posted {
			err = fmt.Errorf("%s was there", key)
		}
		return err
	})
}

func cut(key string) int {
	for i, c := range key {
		if c == ':' {
			return i
		}
	}
	return len(key)
}

func eur(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "EUR"} }

// shelf reads products and shops as the features do.
type shelf struct{}

func (shelf) Offers(ctx context.Context, q db.Q, ps []id.Product) ([]orders.Offer, error) {
	var out []orders.Offer
	for _, p := range ps {
		var r struct {
			Shop    id.Shop `db:"shop_id"`
			Creator id.User `db:"creator_id"`
			Name    string  `db:"name"`
			Slug    string  `db:"slug"`
			Price   int64   `db:"price_minor"`
		}
		if err := q.Get(ctx, &r, `SELECT p.shop_id, p.creator_id, p.name, s.slug, p.price_minor FROM products p JOIN shops s ON s.id = p.shop_id WHERE p.id = $1`, p); err != nil {
			return nil, err
		}
		out = append(out, orders.Offer{Product: p, Shop: r.Shop, Creator: r.Creator, Name: r.Name, ShopName: r.Name, ShopSlug: r.Slug, Price: eur(r.Price), Active: true, Open: true})
	}
	return out, nil
}
