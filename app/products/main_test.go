package products_test

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"os"
	"sync"
	"testing"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/embedded"
	"vitrine/app/fees"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/inventory"
	"vitrine/app/job"
	"vitrine/app/products"
	"vitrine/app/storage"
)

var gateway struct {
	sync.Once
	dir    string
	s3     *embedded.S3
	bucket *storage.Bucket
	err    error
}

func TestMain(m *testing.M) {
	code := dbtest.Main(m)
	if gateway.s3 != nil {
		gateway.s3.Stop()
	}
	os.RemoveAll(gateway.dir)
	os.Exit(code)
}

func bucketFor(t testing.TB) *storage.Bucket {
	t.Helper()
	gateway.Do(func() {
		var err error
		gateway.dir, err = os.MkdirTemp("", "vts3-products")
		if err == nil {
			gateway.s3, err = embedded.StartS3(context.Background(), gateway.dir, embedded.S3Options{})
		}
		if err == nil {
			gateway.bucket = storage.Open(storage.Options{Endpoint: gateway.s3.Endpoint(), Region: "us-east-1", Key: gateway.s3.Key(), Secret: gateway.s3.Secret(), Bucket: "products"})
			err = gateway.bucket.Ensure(context.Background())
		}
		gateway.err = err
	})
	if gateway.err != nil {
		t.Fatal(gateway.err)
	}
	return gateway.bucket
}

// world is products with everything below them real.
type world struct {
	*products.Service
	d     *db.DB
	stock *inventory.Service
	jobs  *job.Registry
	who   products.Who
	slug  string
}

func newWorld(t testing.TB) world {
	d := dbtest.Shared(t)
	f := files.New(d, bucketFor(t), "http://media.test")
	w := world{d: d, stock: &inventory.Service{DB: d}, jobs: job.NewRegistry()}
	f.Tasks(w.jobs)
	w.Service = products.New(d, f, &fees.Service{}, w.stock)
	return w.as(t)
}

// as is the same world for another creator.
func (w world) as(t testing.TB) world {
	p := dbtest.Creator(t, w.d)
	w.who, w.slug = products.Who{User: p.User, Shop: p.Shop, Currency: "EUR"}, p.Slug
	return w
}

// store uploads a file; it still waits for its check.
func (w world) store(t testing.TB, p files.Purpose, name string, body []byte) files.File {
	t.Helper()
	f, err := w.Files.Store(t.Context(), w.who.User, p, name, int64(len(body)), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (w world) check(t testing.TB, f id.File) {
	t.Helper()
	b, err := json.Marshal(files.Check{File: f})
	if err == nil {
		err = w.jobs.Run(t.Context(), "files:check", b)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// file is a product file that is ready.
func (w world) file(t testing.TB, name string) string {
	t.Helper()
	f := w.store(t, files.ForProduct, name, []byte("%PDF-1.7 "+name))
	w.check(t, f.ID)
	return f.ID.String()
}

// picture is an image that is ready.
func (w world) picture(t testing.TB) string {
	t.Helper()
	f := w.store(t, files.ForImage, "cover.png", drawing(t))
	w.check(t, f.ID)
	return f.ID.String()
}

func drawing(t testing.TB) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 400, 300))
	for y := range 300 {
		for x := range 400 {
			m.SetRGBA(x, y, color.RGBA{byte(x), byte(y), 90, 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// good is a form that can be saved as a draft.
func good(name string) products.Input { return products.Input{Name: name, Price: "19"} }

func (w world) make(t testing.TB, in products.Input) products.Product {
	t.Helper()
	p, err := w.Create(t.Context(), w.who, in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sold is a product on sale with one file.
func (w world) sold(t testing.TB, name string) products.Product {
	t.Helper()
	in := good(name)
	in.Files, in.Active = []string{w.file(t, "glazes.pdf")}, true
	return w.make(t, in)
}

// form is the form of p as its page shows it.
func form(p products.Product) products.Input {
	in := products.Input{Name: p.Name, Slug: p.Slug, Summary: p.Summary, Description: p.Description, Price: p.Price.Decimal(), CoverAlt: p.CoverAlt, Active: p.Active}
	if !p.CoverID.IsZero() {
		in.Cover = p.CoverID.String()
	}
	for _, f := range p.Files {
		in.Files = append(in.Files, f.ID.String())
	}
	return in
}
