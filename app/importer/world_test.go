package importer_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"vitrine/app/apptest"
	"vitrine/app/builder"
	"vitrine/app/config"
	"vitrine/app/id"
	"vitrine/app/importer"
	"vitrine/app/importer/source"
	"vitrine/app/products"
	"vitrine/app/storefronts"
)

func TestMain(m *testing.M) {
	if os.Getenv("IMPORT_VICTIM") != "" {
		os.Exit(victim())
	}
	os.Exit(apptest.Main(m))
}

// site is somebody's page on this machine, which the test lets be read.
type site struct {
	*httptest.Server
	mu    sync.Mutex
	pages map[string]string
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{pages: map[string]string{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if p, ok := s.pages[r.URL.Path]; ok {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Write([]byte(p))
			return
		}
		if strings.HasPrefix(r.URL.Path, "/img/") {
			w.Header().Set("Content-Type", "image/png")
			w.Write(picture())
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) put(path, html string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[path] = html
	return s.URL + path
}

var picture = sync.OnceValue(func() []byte {
	m := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for i := range m.Pix {
		m.Pix[i] = byte(i)
	}
	m.Set(1, 1, color.White)
	var b bytes.Buffer
	png.Encode(&b, m)
	return b.Bytes()
})

// bench is a running product, a page to read, and a creator with a shop of their own.
type bench struct {
	*apptest.World
	site *site
	c    *apptest.Creator
	who  storefronts.Who
	s    *importer.Service
}

func newBench(t *testing.T) *bench {
	t.Helper()
	s := newSite(t)
	w := apptest.New(t, func(c *config.Config) { c.FetchAllow = []string{s.Listener.Addr().String()} })
	c := w.Creator()
	return &bench{w, s, c, storefronts.Who{User: c.User, Shop: c.Shop.ID}, w.App.Importer}
}

const workshop = `<!doctype html><html><head><title>Werkstatt Lind</title></head><body><h1>Werkstatt Lind</h1><p>Keramik aus Halle.</p>
<h2>Laden</h2><div class="card"><img src="/img/tasse.png" alt="Blaue Tasse"><h3>Blaue Tasse</h3><p>Fasst 250 ml.</p><span>24,50 €</span><a href="/p/tasse">Kaufen</a></div>
<div class="card"><h3>Poster</h3><span>$12.00</span></div>
<h2>Links</h2><p><a href="https://example.com/kurse">Kurse</a></p><p><a href="https://www.instagram.com/lind">Instagram</a></p><p><a href="tel:123">Anruf</a></p>
<img src="/img/ofen.png" alt="Der Ofen"><img src="/weg.png" alt="Weg"></body></html>`

// read brings a page as far as the list to choose from.
func (b *bench) read(t *testing.T, url string) importer.Outlook {
	t.Helper()
	n := id.New[id.ImportKind]()
	if err := b.s.Address(t.Context(), b.who, n, url); err != nil {
		t.Fatal(err)
	}
	b.Work()
	return b.outlook(t, n)
}

func (b *bench) file(t *testing.T, name string, body []byte) importer.Outlook {
	t.Helper()
	n := id.New[id.ImportKind]()
	if err := b.s.Document(t.Context(), b.who, n, name, body); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return b.outlook(t, n)
}

func (b *bench) outlook(t *testing.T, n id.Import) importer.Outlook {
	t.Helper()
	o, err := b.s.Outlook(t.Context(), b.who, n)
	if err != nil {
		t.Fatal(err)
	}
	if o.Import.State != importer.Found {
		t.Fatalf("%s: %s", o.Import.State, o.Import.Failure)
	}
	return o
}

// all is everything, whether it can come or not.
func all(o importer.Outlook) importer.Choice {
	c := importer.Choice{Keys: map[string]bool{}, People: true, Mine: true}
	for _, r := range o.Import.Set.Records {
		c.Keys[r.Key] = true
	}
	return c
}

func (b *bench) take(t *testing.T, o importer.Outlook, c importer.Choice) importer.Import {
	t.Helper()
	if err := b.s.Take(t.Context(), b.who, o.Import.ID, c); err != nil {
		t.Fatal(err)
	}
	i, err := b.s.Get(t.Context(), b.who, o.Import.ID)
	if err != nil || i.State != importer.Taken {
		t.Fatal(i.State, err)
	}
	return i
}

// window is what the draft says, a line for each block.
func (b *bench) window(t *testing.T) []string {
	t.Helper()
	blocks, err := b.App.Builder.Blocks(t.Context(), b.DB, b.who)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, x := range blocks {
		s := string(x.Kind) + ": " + strings.Join(strings.Fields(x.Props.Title+" "+x.Props.Text+" "+x.Props.URL), " ")
		for _, y := range x.Props.Socials {
			s += " " + y.Label
		}
		for range x.Props.Pictures {
			s += " +picture"
		}
		out = append(out, strings.TrimSpace(s))
	}
	return out
}

// goods are the names and prices of products that are not archived.
func (b *bench) goods(t *testing.T) map[string]string {
	t.Helper()
	ps, _, err := b.App.Products.List(t.Context(), products.Who{User: b.who.User, Shop: b.who.Shop, Currency: "EUR"}, false, id.Product{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, p := range ps {
		out[p.Name] = p.Price.Decimal()
	}
	return out
}

func why(i importer.Import) map[string]string {
	out := map[string]string{}
	for _, l := range i.Report {
		s := string(l.Outcome)
		for _, n := range l.Notes {
			s += "; " + n.Text
		}
		out[l.What] = s
	}
	return out
}

// samples are all pages and tables at hand, our own and those of others.
func samples(t *testing.T) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, glob := range []string{"source/testdata/*.html", "../../../shared/data/*/*.html", "../../../shared/data/*/*.csv"} {
		files, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		if len(files) == 0 {
			t.Logf("no files at %s", glob)
		}
		for _, f := range files {
			if strings.Contains(f, "/tax/") {
				continue
			}
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			out[filepath.Base(f)] = b
		}
	}
	return out
}

func kinds(blocks []builder.Block, k builder.Kind) (n int) {
	for _, b := range blocks {
		if b.Kind == k {
			n++
		}
	}
	return n
}

func counted(s source.Set, k source.Kind) (n int) {
	for _, r := range s.Records {
		if r.Kind == k {
			n++
		}
	}
	return n
}
