package earnings_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/config"
	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/earnings"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/payments"
	"vitrine/app/payouts"
	"vitrine/app/web"
	"vitrine/app/web/webtest"
)

const secret = "a secret for the tests of earnings, long enough"

// monday is the first of January 2029.
var monday = time.Date(2029, 1, 1, 12, 0, 0, 0, time.UTC)

// world is the log on a database of its own, with orders as the money path leaves them and a provider that pays.
type world struct {
	t      *testing.T
	d      *db.DB
	at     time.Time
	s      *earnings.Service
	router *web.Router
	bank   *bank
	n      atomic.Int64
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, d: dbtest.Fresh(t), at: monday, bank: &bank{}}
	real, err := db.Open(t.Context(), w.d.URL(), db.Options{MaxOpen: 4}) // sessions live by the true time
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { real.Close() })
	w.d.Clock = func() time.Time { return w.at }
	o := &orders.Service{DB: w.d, Secret: secret, AppURL: "http://localhost:8080", Settlement: 7 * 24 * time.Hour}
	p := &payouts.Service{DB: w.d, Payers: map[string]payments.Payer{"stripe": w.bank}, AppURL: "http://localhost:8080", Secret: secret, Hour: 6, Matures: o.NextMature, Numbers: o.Numbers}
	w.s = &earnings.Service{DB: w.d, Orders: o, Payouts: p}
	cfg := &config.Config{Port: 8080, SecretKey: secret, StripeCheckoutOrigin: "https://checkout.stripe.com"}
	cfg.Complete()
	r, err := web.NewRouter(cfg, web.NewSessions(cfg, real), web.NewLimiter(nil))
	if err != nil {
		t.Fatal(err)
	}
	r.People, r.Tokens = folk{w.d}, folk{w.d}
	(&earnings.Handler{Service: w.s}).Routes(r)
	r.On(web.App, "/test-in", web.Anyone).POST("/:user", func(c echo.Context) error {
		u, err := id.Parse[id.UserKind](c.Param("user"))
		if err != nil {
			return err
		}
		return web.SignIn(c, u)
	})
	w.router = r
	return w
}

// bank takes every payout.
type bank struct{ refuse bool }

func (b *bank) Name() string           { return "stripe" }
func (b *bank) KeyLife() time.Duration { return payments.KeyLife }
func (b *bank) Pay(_ context.Context, in payments.PayInput) (payments.Payment, error) {
	if b.refuse {
		return payments.Payment{}, &payments.Error{Outcome: payments.Refused, Code: "account_closed", Cause: fmt.Errorf("refused")}
	}
	return b.Look(context.Background(), in)
}
func (b *bank) Look(_ context.Context, in payments.PayInput) (payments.Payment, error) {
	return payments.Payment{Payout: in.Payout, Ref: "po_" + in.Payout.String()[24:], State: payments.PaymentSent, Amount: in.Amount}, nil
}
func (b *bank) Recover(context.Context, payments.PayInput) error { return nil }

// folk finds the person and the first shop; an access token is the person's id.
type folk struct{ d *db.DB }

func (f folk) User(_ context.Context, token string) (id.User, error) {
	return id.Parse[id.UserKind](token)
}

func (f folk) Person(ctx context.Context, u id.User, _ id.Shop) (web.Person, error) {
	var r struct {
		Email string  `db:"email"`
		Shop  id.Shop `db:"shop"`
		Slug  string  `db:"slug"`
	}
	err := f.d.Get(ctx, &r, `SELECT u.email, s.id AS shop, s.slug FROM users u JOIN shops s ON s.creator_id = u.id WHERE u.id = $1`, u)
	if db.None(err) {
		return web.Person{}, errs.New(errs.NotFound, "There is no such person.")
	}
	return web.Person{ID: u, Email: r.Email, Role: "creator", Verified: true, Shop: r.Shop, ShopSlug: r.Slug, Currency: "EUR", TimeZone: "Pacific/Auckland"}, err
}

func (w *world) browser() *webtest.Browser {
	b := webtest.New(w.t, w.router, "http://localhost:8080")
	n := w.n.Add(1)
	b.Remote = fmt.Sprintf("10.8.%d.%d:4000", n>>8&255, n&255)
	return b
}

func (w *world) signedIn(p dbtest.Person) *webtest.Browser {
	b := w.browser()
	b.Post("/test-in/"+p.User.String(), nil).Is(http.StatusOK)
	return b
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	if _, err := w.d.Pool().ExecContext(context.Background(), query, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) post(e ledger.Entry) {
	w.t.Helper()
	if err := w.d.InTx(context.Background(), func(tx *db.Tx) error {
		_, err := ledger.Post(context.Background(), tx, e)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
}

// creator can be paid out to.
func (w *world) creator() dbtest.Person {
	w.t.Helper()
	p := dbtest.Creator(w.t, w.d)
	w.exec(`INSERT INTO payout_methods (id, creator_id, provider, generation, email, number, bank, currency, state, is_current, ready_at, created_at, updated_at)
		VALUES ($1, $2, 'stripe', 1, $3, $4, '6789', '', 'ready', true, $5, $5, $5)`, id.New[id.MethodKind](), p.User, p.Email, "acct_"+p.Slug, monday.Add(-time.Hour))
	return p
}

// sale is an order as it stands in the tables and the book.
type sale struct {
	id       id.Order
	checkout id.Checkout
	of       dbtest.Person
	number   int
	intent   string
	charge   string
	total    money.Amount
	fee      money.Amount
}

func (s sale) net() money.Amount { return s.total.Sub(s.fee) }

func (w *world) sell(p dbtest.Person, number int, total money.Amount) sale {
	w.t.Helper()
	s := sale{id: id.New[id.OrderKind](), checkout: id.New[id.CheckoutKind](), of: p, number: number, intent: "pi_" + id.Token(), charge: fmt.Sprintf("ch_%d_%s", number, id.Token()[:6]), total: total, fee: total.Bps(500)}
	buyer := id.New[id.BuyerKind]()
	w.exec(`INSERT INTO buyers (id, email, created_at) VALUES ($1, $2, $3)`, buyer, id.Token()+"@mail.test", w.at)
	w.exec(`INSERT INTO checkouts (id, client_key, inputs, token_hash, buyer_id, email, currency, total_minor, provider, status, session_id, payment_intent_id, expires_at, paid_at, created_at, updated_at)
		VALUES ($1, $2, '', $3, $4, 'ines@mail.test', $5, $6, 'stripe', 'paid', $7, $8, $9, $9, $9, $9)`,
		s.checkout, "key-"+s.checkout.String(), id.Hash(s.checkout.String()), buyer, total.Currency, total.Minor, "cs_"+id.Token(), s.intent, w.at)
	w.exec(`INSERT INTO orders (id, checkout_id, shop_id, creator_id, buyer_id, number, token_hash, status, email, currency, subtotal_minor, total_minor, fee_minor, net_minor, fee_version, provider, payment_intent_id, charge_id, paid_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 'paid', 'ines@mail.test', $8, $9, $9, $10, $11, 1, 'stripe', $12, $13, $14, $14, $14)`,
		s.id, s.checkout, p.Shop, p.User, buyer, number, id.Hash(s.id.String()), total.Currency, total.Minor, s.fee.Minor, s.net().Minor, s.intent, s.charge, w.at)
	w.post(ledger.Entry{Key: "sale:" + s.id.String(), Kind: "sale", Lines: []ledger.Line{
		{Account: ledger.Provider("stripe"), Amount: total.Neg()}, {Account: ledger.PlatformFees, Amount: s.fee}, {Account: ledger.Pending(p.User), Amount: s.net()}}})
	w.exec(`INSERT INTO provider_movements (provider, ref, kind, intent, source, currency, amount_minor, fee_currency, fee_minor, at, available_at, seen_at)
		VALUES ('stripe', $1, 'charge', $2, $3, $4, $5, $4, 55, $6, $6, $6)`, "txn_"+s.charge, s.intent, s.charge, total.Currency, total.Minor, w.at)
	return s
}

func (w *world) mature(s sale) {
	w.t.Helper()
	w.exec(`UPDATE orders SET matured_at = $2 WHERE id = $1`, s.id, w.at)
	w.post(ledger.Entry{Key: "mature:" + s.id.String(), Kind: "mature", Lines: []ledger.Line{{Account: ledger.Pending(s.of.User), Amount: s.net().Neg()}, {Account: ledger.Available(s.of.User), Amount: s.net()}}})
}

// back books a refund or dispute of a part, from where the money is.
func (w *world) back(s sale, kind, cause string, part money.Amount, from ledger.Account) {
	w.t.Helper()
	net := orders.NetOf(orders.Order{Total: s.total, Fee: s.fee, Net: s.net()}, part)
	column := map[string]string{"refund": "refunded", "dispute": "disputed"}[kind]
	w.exec(`UPDATE orders SET `+column+`_minor = `+column+`_minor + $2, `+column+`_net_minor = `+column+`_net_minor + $3 WHERE id = $1`, s.id, part.Minor, net.Minor)
	w.post(ledger.Entry{Key: kind + ":" + s.id.String() + ":" + cause, Kind: kind, Lines: []ledger.Line{
		{Account: ledger.Provider("stripe"), Amount: part}, {Account: ledger.PlatformFees, Amount: part.Sub(net).Neg()}, {Account: from, Amount: net.Neg()}}})
}

// payOut makes the payouts that are due and sends them.
func (w *world) payOut(p dbtest.Person) payouts.Payout {
	w.t.Helper()
	ctx := context.Background()
	if err := w.s.Payouts.Run(ctx, w.at); err != nil {
		w.t.Fatal(err)
	}
	all, _, err := w.s.Payouts.List(ctx, p.User, "")
	if err != nil || len(all) == 0 {
		w.t.Fatalf("no payout: %v", err)
	}
	if err := w.s.Payouts.Send(ctx, all[0].ID); err != nil {
		w.t.Fatal(err)
	}
	out, err := w.s.Payouts.Get(ctx, p.User, all[0].ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) news(p payouts.Payout, to payments.PaymentState, failure string) {
	w.t.Helper()
	ctx := context.Background()
	if err := w.d.InTx(ctx, func(tx *db.Tx) error {
		return w.s.Payouts.ApplyPayment(ctx, tx, "stripe", payments.Payment{Payout: p.ID, Ref: p.Ref, State: to, Amount: p.Amount, Failure: failure})
	}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) pass(d time.Duration) { w.at = w.at.Add(d) }

func eur(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "EUR"} }
