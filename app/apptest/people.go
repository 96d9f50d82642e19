package apptest

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"vitrine/app/embedded"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/products"
	"vitrine/app/storefronts"
	"vitrine/app/web/webtest"
)

// Password opens every account of Creator.
const Password = "a lit window at night"

// FileBody is what the file of every product holds.
const FileBody = "Forty glazes that do not run.\n"

// Creator is someone with a published shop, signed in.
type Creator struct {
	*webtest.Browser
	w       *World
	User    id.User
	Email   string
	Shop    storefronts.Shop
	Product id.Product // on sale at 19.00, with a real file
	Slug    string     // of the product
}

// Creator opens a shop with one product and signs its owner in.
func (w *World) Creator() *Creator {
	w.T.Helper()
	ctx := context.Background()
	tag := strings.ToLower(id.Token()[:10])
	c := &Creator{w: w, Email: "ada-" + tag + "@mail.test"}
	must := func(err error) {
		w.T.Helper()
		if err != nil {
			w.T.Fatal(err)
		}
	}
	var err error
	c.User, err = w.App.Accounts.Provision(ctx, c.Email, Password, "Ada Test", "creator")
	must(err)
	c.Shop, err = w.App.Shops.Create(ctx, c.User, storefronts.NewShop{Name: "Ada " + tag, Slug: "ada-" + tag, Currency: "EUR"})
	must(err)
	c.AddProduct("Forty glazes", "19.00")
	who := storefronts.Who{User: c.User, Shop: c.Shop.ID}
	draft, err := w.App.Builder.Draft(ctx, who)
	must(err)
	c.Shop, err = w.App.Builder.Publish(ctx, who, draft.Shop.Seq)
	must(err)
	c.Browser = w.SignIn(c.Email)
	return c
}

// AddProduct puts another one on sale; it becomes c.Product.
func (c *Creator) AddProduct(name, price string) id.Product {
	w := c.w
	w.T.Helper()
	ctx := context.Background()
	f, err := w.App.Files.Store(ctx, c.User, files.ForProduct, "glazes.txt", int64(len(FileBody)), bytes.NewReader([]byte(FileBody)))
	if err != nil {
		w.T.Fatal(err)
	}
	Eventually(w.T, 20*time.Second, "the file is looked at", func() bool {
		w.workFiles()
		now, err := w.App.Files.Get(ctx, c.User, f.ID)
		return err == nil && now.Status == files.Ready
	})
	p, err := w.App.Products.Create(ctx, products.Who{User: c.User, Shop: c.Shop.ID, Currency: c.Shop.Currency},
		products.Input{Name: name, Price: price, Active: true, Files: []string{f.ID.String()}})
	if err != nil {
		w.T.Fatal(err)
	}
	c.Product, c.Slug = p.ID, p.Slug
	return p.ID
}

// workFiles does the jobs of files, whether a worker runs or not: they may run twice.
func (w *World) workFiles() {
	var due []struct {
		Kind    string `db:"kind"`
		Payload string `db:"payload"`
	}
	if err := w.DB.Select(context.Background(), &due, `SELECT kind, payload FROM outbox WHERE done_at IS NULL AND kind LIKE 'files:%'`); err != nil {
		w.T.Fatal(err)
	}
	for _, j := range due {
		if err := w.App.Jobs.Run(context.Background(), j.Kind, []byte(j.Payload)); err != nil {
			w.T.Fatalf("%s: %v", j.Kind, err)
		}
	}
}

// SignIn opens a browser and signs in with Password.
func (w *World) SignIn(email string) *webtest.Browser {
	w.T.Helper()
	b := w.Browser()
	p := b.Submit(b.Get("/login").Is(http.StatusOK), `form[action="/login"]`, map[string]string{"email": email, "password": Password})
	if p.Status != http.StatusSeeOther {
		w.T.Fatalf("sign-in of %s answered %d", email, p.Status)
	}
	return b
}

// Sale is one purchase from the buyer's side.
type Sale struct {
	*webtest.Browser
	Email   string
	Session string // at the provider
	Order   *webtest.Page
}

// Begin goes to the checkout page, fills the form, and stops before the payment page.
func (w *World) Begin(p id.Product) *Sale {
	w.T.Helper()
	s := &Sale{Browser: w.Browser(), Email: "ines-" + strings.ToLower(id.Token()[:10]) + "@mail.test"}
	page := s.Get("/checkout/start?p=" + p.String() + "&q=1").Is(http.StatusOK)
	answer := s.Submit(page, `form[action="/checkout"]`, map[string]string{"email": s.Email, "consent": "on"}).Is(http.StatusSeeOther)
	u, err := url.Parse(answer.Header.Get("Location"))
	if err != nil || !strings.HasPrefix(u.String(), w.Box.URL()) {
		w.T.Fatalf("checkout goes to %q", answer.Header.Get("Location"))
	}
	s.Session = u.Path[strings.LastIndex(u.Path, "/")+1:]
	return s
}

// Pay pays with a card on the provider's page; next is where the browser goes from there.
func (w *World) Pay(s *Sale, card string) (next string) {
	w.T.Helper()
	next, err := w.Stripe.Pay(s.Session, card, "")
	if err != nil {
		w.T.Fatal(err)
	}
	return next
}

// Good is a card that works.
const Good = "4242424242424242"

// Buy buys one copy with a card that works and returns on the order's page. The events are still on their way.
func (w *World) Buy(p id.Product) *Sale {
	w.T.Helper()
	s := w.Begin(p)
	s.Order = s.Follow(s.Get(w.Pay(s, Good)))
	return s
}

// Mails are those that came to an address and whose subject contains s.
func (w *World) Mails(to, s string) (out []embedded.Mail) {
	for _, m := range w.SMTP.Messages(to) {
		if strings.Contains(m.Subject, s) {
			out = append(out, m)
		}
	}
	return out
}
