package builder_test

import (
	"context"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/a-h/templ"

	"vitrine/app/builder"
	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/products"
	"vitrine/app/storefronts"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

// shelf is a catalogue in memory, so that a test can say what is for sale without going through products.
type shelf struct {
	mu     sync.Mutex
	offers []products.Offer
}

func (s *shelf) put(o products.Offer) products.Offer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.ID.IsZero() {
		o.ID = id.New[id.ProductKind]()
	}
	o.Left = -1
	s.offers = slices.DeleteFunc(s.offers, func(x products.Offer) bool { return x.ID == o.ID })
	s.offers = append(s.offers, o)
	return o
}

func (s *shelf) Offers(_ context.Context, _ db.Q, ids []id.Product) (out []products.Offer, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.offers {
		if slices.Contains(ids, o.ID) {
			out = append(out, o)
		}
	}
	return out, nil
}

func (s *shelf) OffersOfShop(_ context.Context, _ db.Q, shop id.Shop) (out []products.Offer, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.offers {
		if o.Shop == shop && o.Active {
			out = append(out, o)
		}
	}
	return out, nil
}

func (s *shelf) SetArchived(_ context.Context, _ *db.Tx, who products.Who, product id.Product, archived bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.offers {
		if s.offers[i].ID == product && s.offers[i].Shop == who.Shop {
			s.offers[i].Active = !archived
		}
	}
	return nil
}

func (s *shelf) PublicPage(_ context.Context, _ db.Q, shop products.PublicShop, slug string) (products.PublicPage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.offers {
		if o.Shop == shop.ID && o.Active && o.Slug == slug {
			return products.PublicPage{Product: o.ID, Title: o.Name, Description: o.Summary, Price: o.Price.Format(), Cover: o.Cover, Main: templ.Raw("<h1>" + templ.EscapeString(o.Name) + "</h1>")}, nil
		}
	}
	return products.PublicPage{}, errs.New(errs.NotFound, "There is nothing at this address.")
}

func (s *shelf) Moved(_ context.Context, _ db.Q, shop id.Shop, slug string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.offers {
		if o.Shop == shop && slug == "former-"+o.Slug {
			return o.Slug, nil
		}
	}
	return "", errs.New(errs.NotFound, "There is nothing at this address.")
}

func (s *shelf) PublicPaths(_ context.Context, _ db.Q, shops []id.Shop) (out []products.PublicPath, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.offers {
		if o.Active && slices.Contains(shops, o.Shop) {
			out = append(out, products.PublicPath{Shop: o.Shop, Slug: o.Slug, UpdatedAt: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)})
		}
	}
	return out, nil
}

type world struct {
	*builder.Service
	who   storefronts.Who
	slug  string
	shelf *shelf
}

func newWorld(t *testing.T) world {
	t.Helper()
	d := dbtest.Shared(t)
	p := dbtest.Creator(t, d)
	sh := &shelf{}
	s := &builder.Service{DB: d, Shops: storefronts.New(d, "http://shop.localhost"), Products: sh}
	return world{s, storefronts.Who{User: p.User, Shop: p.Shop}, p.Slug, sh}
}

func (w world) add(t *testing.T, k builder.Kind, after id.Block) builder.Block {
	t.Helper()
	b, err := w.Add(t.Context(), w.who, id.New[id.BlockKind](), k, after)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (w world) edit(t *testing.T, b builder.Block, p builder.Props) builder.Block {
	t.Helper()
	e, err := w.Edit(t.Context(), w.who, b.ID, b.V, p)
	if err != nil {
		t.Fatal(err)
	}
	return e.Block
}

func (w world) order(t *testing.T) []id.Block {
	t.Helper()
	bs, err := w.Blocks(t.Context(), w.DB, w.who)
	if err != nil {
		t.Fatal(err)
	}
	out := []id.Block{}
	for _, b := range bs {
		out = append(out, b.ID)
	}
	return out
}

func (w world) product(name string) products.Offer {
	return w.shelf.put(products.Offer{Shop: w.who.Shop, Creator: w.who.User, Name: name, Slug: "p-" + id.Token()[:8], Price: money.Amount{Minor: 1900, Currency: "EUR"}, Active: true})
}
