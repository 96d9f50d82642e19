package assist

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/app/builder"
	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/fees"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/inventory"
	"vitrine/app/money"
	"vitrine/app/products"
	"vitrine/app/sandbox"
	"vitrine/app/storage"
	"vitrine/app/storefronts"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

// world is a shop with everything real around it but the model and the photographs, which are the sandbox's.
type world struct {
	*Service
	t     *testing.T
	who   storefronts.Who
	slug  string
	box   *sandbox.Server
	goods *products.Service
	slept *naps
}

// naps are the waits of a client, which take no time here.
type naps struct {
	mu  sync.Mutex
	all []time.Duration
}

func (n *naps) wait(ctx context.Context, d time.Duration) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, d)
	return ctx.Err()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	d := dbtest.Shared(t)
	box, err := sandbox.Start(t.Context(), sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	p := dbtest.Creator(t, d)
	f := files.New(d, storage.Open(storage.Options{}), "http://media.localhost")
	goods := products.New(d, f, &fees.Service{}, &inventory.Service{DB: d})
	shops := storefronts.New(d, "http://shop.localhost")
	n := &naps{}
	w := &world{t: t, who: storefronts.Who{User: p.User, Shop: p.Shop}, slug: p.Slug, box: box, goods: goods, slept: n}
	w.Service = &Service{DB: d, Shops: shops, Window: &builder.Service{DB: d, Shops: shops, Products: goods, Pictures: f}, Goods: goods,
		Model:  NewModel(Options{URL: box.LLM().URL(), Key: "k", Model: "moonshotai/kimi-k2-instruct-0905", Now: d.Now, Wait: n.wait, Idle: 2 * time.Second}),
		Budget: Budget{Creator: 1 << 40, Instance: 1 << 50, In: 1_000_000, Out: 3_000_000}}
	sh, err := shops.Mine(t.Context(), d, w.who)
	if err == nil {
		err = d.InTx(t.Context(), func(tx *db.Tx) error { return w.Window.Furnish(t.Context(), tx, sh) })
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// write starts a run and writes it, as a job would.
func (w *world) write(in Input) Run {
	w.t.Helper()
	if in.Key == "" {
		in.Key = id.Token()
	}
	if in.Kind == "" {
		in.Kind = ForWindow
	}
	r, err := w.Start(w.t.Context(), w.who, in)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.Write(w.t.Context(), r.ID); err != nil {
		w.t.Fatal(err)
	}
	return w.look(r)
}

func (w *world) look(r Run) Run {
	w.t.Helper()
	r, err := w.Run(w.t.Context(), w.who, r.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) blocks() []builder.Block {
	w.t.Helper()
	bs, err := w.Window.Blocks(w.t.Context(), w.DB, w.who)
	if err != nil {
		w.t.Fatal(err)
	}
	return bs
}

func (w *world) kinds() string {
	var out []string
	for _, b := range w.blocks() {
		out = append(out, string(b.Kind))
	}
	return strings.Join(out, " ")
}

func (w *world) product(name string, minor int64) id.Product {
	w.t.Helper()
	p, err := w.goods.Create(w.t.Context(), products.Who{User: w.who.User, Shop: w.who.Shop, Currency: "EUR"}, products.Input{Name: name, Price: money.Amount{Minor: minor, Currency: "EUR"}.Decimal()})
	if err != nil {
		w.t.Fatal(err)
	}
	return p.ID
}

const potter = "I'm a potter in Porto. I sell mugs for €24 and an evening at the wheel for €60. Find me at instagram.com/ana.barro."
