package files

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"os"
	"sync"
	"testing"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/embedded"
	"vitrine/app/id"
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

// bucketFor is the package's bucket on a real S3.
func bucketFor(t testing.TB) *storage.Bucket {
	t.Helper()
	gateway.Do(func() {
		var err error
		gateway.dir, err = os.MkdirTemp("", "vts3-files")
		if err == nil {
			gateway.s3, err = embedded.StartS3(context.Background(), gateway.dir, embedded.S3Options{Origins: []string{"http://localhost:8080"}})
		}
		if err == nil {
			gateway.bucket = storage.Open(storage.Options{Endpoint: gateway.s3.Endpoint(), Region: "us-east-1", Key: gateway.s3.Key(), Secret: gateway.s3.Secret(), Bucket: "files"})
			err = gateway.bucket.Ensure(context.Background())
		}
		gateway.err = err
	})
	if gateway.err != nil {
		t.Fatal(gateway.err)
	}
	return gateway.bucket
}

type world struct {
	*Service
	d   *db.DB
	who id.User
}

func newWorld(t testing.TB) world {
	d := dbtest.Shared(t)
	return world{New(d, bucketFor(t), "http://media.test"), d, dbtest.Creator(t, d).User}
}

// put sends one part as a browser would and returns the status.
func put(t testing.TB, u PartURL, body []byte) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, u.URL, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	return res.StatusCode
}

// send uploads body in parts and completes it; the check has not run yet.
func (w world) send(t testing.TB, p Purpose, name string, body []byte) File {
	t.Helper()
	f, err := w.Start(t.Context(), w.who, p, name, int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= f.Parts(); n++ {
		w.sendPart(t, f, n, body)
	}
	f, err = w.Complete(t.Context(), w.who, f.ID)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (w world) sendPart(t testing.TB, f File, n int, body []byte) {
	t.Helper()
	urls, err := w.PartURLs(t.Context(), w.who, f.ID, []int{n})
	if err != nil {
		t.Fatal(err)
	}
	from := int64(n-1) * f.PartSize
	if status := put(t, urls[0], body[from:from+urls[0].Size]); status != http.StatusOK {
		t.Fatalf("part %d: %d", n, status)
	}
}

// arrive is send with the check done.
func (w world) arrive(t testing.TB, p Purpose, name string, body []byte) File {
	t.Helper()
	f := w.send(t, p, name, body)
	if err := w.check(t.Context(), Check{f.ID}); err != nil {
		t.Fatal(err)
	}
	return w.now(t, f)
}

func (w world) now(t testing.TB, f File) File {
	t.Helper()
	f, err := w.Get(t.Context(), w.who, f.ID)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (w world) has(t testing.TB, key string) bool {
	t.Helper()
	_, err := w.bucket.Head(t.Context(), key)
	return err == nil
}

// noise is a picture that does not compress well, the same each time.
func noise(wide, high int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, wide, high))
	seed := uint32(7)
	for i := range m.Pix {
		seed = seed*1664525 + 1013904223
		m.Pix[i] = byte(seed >> 24)
		if i%4 == 3 {
			m.Pix[i] = 255
		}
	}
	return m
}

// photo is smooth like a photograph.
func photo(wide, high int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, wide, high))
	for y := range high {
		for x := range wide {
			m.SetRGBA(x, y, color.RGBA{byte(x * 255 / wide), byte(y * 255 / high), byte((x*x + y*y) >> 9), 255})
		}
	}
	return m
}

func jpegOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprint(err))
	}
	return v
}
