package files

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/storage"
)

func TestAnUploadGoesOnAfterAReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := bytes.Repeat([]byte("glaze 0123456789"), 20<<20/16)
	f, err := w.Start(t.Context(), w.who, ForProduct, "Forty glazes.bin", int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	if f.Parts() != 3 || f.PartLength(3) != 4<<20 {
		t.Fatalf("%d parts, the last of %d bytes", f.Parts(), f.PartLength(3))
	}
	w.sendPart(t, f, 3, body)
	w.sendPart(t, f, 1, body)

	p, err := w.Progress(t.Context(), w.who, f.ID) // the page was loaded again
	if err != nil || !slices.Equal(p.Have, []int{1, 3}) {
		t.Fatalf("have %v, %v", p.Have, err)
	}
	_, err = w.Complete(t.Context(), w.who, f.ID)
	var m *Missing
	if !errors.As(err, &m) || !slices.Equal(m.Parts, []int{2}) || errs.KindOf(err) != errs.Conflict {
		t.Fatalf("completed without part 2: %v", err)
	}
	w.sendPart(t, f, 2, body)
	if _, err := w.Complete(t.Context(), w.who, f.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.check(t.Context(), Check{f.ID}); err != nil {
		t.Fatal(err)
	}
	f = w.now(t, f)
	if f.Status != Ready || f.Key != checked(f.ID) || f.ContentType != "text/plain" && f.ContentType != plainType {
		t.Fatalf("%+v", f)
	}
	link, err := w.Link(t.Context(), f, 10*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil || !bytes.Equal(got, body) {
		t.Fatalf("came back with %d bytes, %v", len(got), err)
	}
	if d := res.Header.Get("Content-Disposition"); !strings.HasPrefix(d, `attachment; filename="Forty glazes.bin"`) {
		t.Error(d)
	}
}

func TestAPartTakesItsExactLengthAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := must(w.Start(t.Context(), w.who, ForProduct, "a.bin", 100))
	urls := must(w.PartURLs(t.Context(), w.who, f.ID, []int{1}))
	for _, n := range []int{0, 99, 101, 5000} {
		if s := put(t, urls[0], make([]byte, n)); s == http.StatusOK {
			t.Errorf("%d bytes were taken for 100", n)
		}
	}
	other := must(w.Start(t.Context(), w.who, ForProduct, "b.bin", 100))
	tampered := urls[0]
	tampered.URL = strings.Replace(tampered.URL, f.ID.String(), other.ID.String(), 1)
	if s := put(t, tampered, make([]byte, 100)); s == http.StatusOK {
		t.Error("an address for one key opened another")
	}
	tampered.URL = strings.Replace(urls[0].URL, "partNumber=1", "partNumber=2", 1)
	if s := put(t, tampered, make([]byte, 100)); s == http.StatusOK {
		t.Error("an address for one part opened another")
	}
	if s := put(t, urls[0], make([]byte, 100)); s != http.StatusOK {
		t.Errorf("the right length: %d", s)
	}
}

func TestStartRefusesWhatCannotBeUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		purpose Purpose
		size    int64
		want    string
	}{
		{ForProduct, 0, "empty"}, {ForProduct, -1, "empty"}, {ForProduct, MaxProduct + 1, "1 GB"}, {ForImage, MaxImage + 1, "20 MB"},
		{ForImage, 0, "empty"}, {"avatar", 10, "what the file is for"}, {"", 10, "what the file is for"},
	} {
		if _, err := w.Start(t.Context(), w.who, c.purpose, "x.png", c.size); !errs.Is(err, errs.Invalid) || !strings.Contains(errs.Message(err), c.want) {
			t.Errorf("%s of %d bytes: %v", c.purpose, c.size, err)
		}
	}
	f := must(w.Start(t.Context(), w.who, ForProduct, "big.zip", MaxProduct))
	if f.Parts() != 64 || f.PartSize != 16<<20 {
		t.Errorf("1 GiB travels in %d parts of %d", f.Parts(), f.PartSize)
	}
	for _, n := range [][]int{nil, {0}, {-1}, {65}, make([]int, 101)} {
		if _, err := w.PartURLs(t.Context(), w.who, f.ID, n); !errs.Is(err, errs.Invalid) {
			t.Errorf("parts %v: %v", n, err)
		}
	}
}

func TestOpenUploadsAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range maxOpen {
		f := must(fresh(w.who, ForProduct, "a", 5))
		if err := w.insert(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Start(t.Context(), w.who, ForProduct, "a", 5); !errs.Is(err, errs.TooMany) {
		t.Fatal(err)
	}
}

func TestUploadsBelongToTheirCreator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := must(w.Start(t.Context(), w.who, ForProduct, "a.bin", 10))
	eve := dbtest.Creator(t, w.d).User
	check := func(what string, err error) {
		t.Helper()
		if !errs.Is(err, errs.NotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := w.Progress(t.Context(), eve, f.ID)
	check("progress", err)
	_, err = w.PartURLs(t.Context(), eve, f.ID, []int{1})
	check("parts", err)
	_, err = w.Complete(t.Context(), eve, f.ID)
	check("complete", err)
	check("abort", w.Abort(t.Context(), eve, f.ID))
	check("use", w.d.InTx(t.Context(), func(tx *db.Tx) error { _, err := w.Use(t.Context(), tx, eve, ForProduct, f.ID); return err }))
	check("use as another thing", w.d.InTx(t.Context(), func(tx *db.Tx) error { _, err := w.Use(t.Context(), tx, w.who, ForImage, f.ID); return err }))
	_, err = w.Progress(t.Context(), w.who, id.New[id.FileKind]())
	check("unknown", err)
}

func TestCompletingTwiceChecksOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := must(w.Start(t.Context(), w.who, ForProduct, "a.bin", 10))
	w.sendPart(t, f, 1, []byte("0123456789"))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := w.Complete(t.Context(), w.who, f.ID); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var jobs int
	if err := w.d.Get(t.Context(), &jobs, `SELECT count(*) FROM outbox WHERE kind = 'files:check' AND payload->>'File' = $1`, f.ID.String()); err != nil || jobs != 1 {
		t.Fatalf("%d checks, %v", jobs, err)
	}
	var ready sync.Map
	w.OnReady(func(_ context.Context, _ *db.Tx, f File) error { ready.Store(f.ID, true); return nil })
	for range 3 {
		if err := w.check(t.Context(), Check{f.ID}); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := w.Complete(t.Context(), w.who, f.ID); err != nil || got.Status != Ready {
		t.Fatalf("%+v %v", got, err)
	}
	if _, ok := ready.Load(f.ID); !ok {
		t.Error("nobody was told that the file is ready")
	}
	if err := w.tidy(t.Context(), Tidy{f.ID}); err != nil {
		t.Fatal(err)
	}
	if w.has(t, quarantine(f.ID)) || !w.has(t, checked(f.ID)) {
		t.Error("quarantine is not empty, or the file is gone")
	}
}

func TestTheCheckGoesOnAfterACrash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.send(t, ForProduct, "a.bin", []byte("0123456789"))
	if _, err := w.join(t.Context(), f); err != nil { // joined, then the worker died
		t.Fatal(err)
	}
	if err := w.check(t.Context(), Check{f.ID}); err != nil {
		t.Fatal(err)
	}
	if f = w.now(t, f); f.Status != Ready {
		t.Fatalf("%+v", f)
	}
}

func TestAStoppedUploadLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := must(w.Start(t.Context(), w.who, ForProduct, "a.bin", 10))
	w.sendPart(t, f, 1, []byte("0123456789"))
	if err := w.Abort(t.Context(), w.who, f.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.tidy(t.Context(), Tidy{f.ID}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.bucket.ListParts(t.Context(), f.Key, f.Upload); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("parts are still there: %v", err)
	}
	if _, err := w.PartURLs(t.Context(), w.who, f.ID, []int{1}); !errs.Is(err, errs.Gone) {
		t.Error(err)
	}
	if got, err := w.Complete(t.Context(), w.who, f.ID); err != nil || got.Status != Refused {
		t.Errorf("%+v %v", got, err)
	}
}

func TestTheSweepGivesUpWhatIsOldAndKeepsWhatIsUsed(t *testing.T) {
	t.Parallel()
	d := dbtest.Fresh(t)
	start := time.Now()
	d.Clock = func() time.Time { return start }
	w := world{New(d, bucketFor(t), "http://media.test"), d, dbtest.Creator(t, d).User}
	open := must(w.Start(t.Context(), w.who, ForProduct, "open.bin", 10))
	w.sendPart(t, open, 1, []byte("0123456789"))
	used := w.arrive(t, ForProduct, "used.bin", []byte("used"))
	unused := w.arrive(t, ForImage, "unused.png", pngOf(t, photo(400, 300)))
	stuck := w.send(t, ForProduct, "stuck.bin", []byte("stuck"))
	if err := d.InTx(t.Context(), func(tx *db.Tx) error { _, err := w.Use(t.Context(), tx, w.who, ForProduct, used.ID); return err }); err != nil {
		t.Fatal(err)
	}
	pic := must(w.Pictures(t.Context(), d, []id.File{unused.ID}))[unused.ID]

	d.Clock = func() time.Time { return start.Add(KeepOpen - time.Minute) }
	if err := w.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.now(t, open).Status != Uploading || w.now(t, unused).Status != Ready {
		t.Fatal("swept too early")
	}
	d.Clock = func() time.Time { return start.Add(KeepOpen + time.Minute) }
	for range 2 {
		if err := w.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []File{open, unused, stuck} {
		if f = w.now(t, f); f.Status != Refused || f.DeletedAt == nil || w.has(t, quarantine(f.ID)) || w.has(t, checked(f.ID)) {
			t.Errorf("%s: %s, %v", f.Name, f.Status, f.DeletedAt)
		}
	}
	if len(pic.Sources) == 0 || w.has(t, sizeKey(unused.ID, pic.Sources[0].Width, pic.Sources[0].Format)) {
		t.Error("a size of the unused picture is still there")
	}
	if f := w.now(t, used); f.Status != Ready || !w.has(t, checked(f.ID)) {
		t.Errorf("%+v", f)
	}
}

func TestTheSweepAbortsUploadsThatNoRowKnows(t *testing.T) {
	t.Parallel()
	bucketFor(t)
	b := storage.Open(storage.Options{Endpoint: gateway.s3.Endpoint(), Region: "us-east-1", Key: gateway.s3.Key(), Secret: gateway.s3.Secret(), Bucket: "swept"})
	if err := b.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := New(dbtest.Shared(t), b, "")
	up := must(b.CreateMultipart(t.Context(), "quarantine/lost", plainType))
	other := must(b.CreateMultipart(t.Context(), "elsewhere/lost", plainType))
	if err := s.sweepBucket(t.Context(), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if open := must(b.Unfinished(t.Context(), "quarantine/")); len(open) != 1 || open[0].ID != up {
		t.Fatalf("a fresh upload was aborted: %+v", open)
	}
	if err := s.sweepBucket(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if open := must(b.Unfinished(t.Context(), "")); len(open) != 1 || open[0].ID != other {
		t.Fatalf("%+v", open)
	}
}

func TestNamesAreMadeHarmless(t *testing.T) {
	for in, want := range map[string]string{
		"../../etc/passwd": "passwd", `C:\Users\x\a.pdf`: "a.pdf", "": "file", "...": "file", "a\u202efdp.exe": "afdp.exe", "a\x00b\r\n.zip": "ab.zip",
		".htaccess": "htaccess", "日本語.pdf": "日本語.pdf", "/": "file", strings.Repeat("é", 400) + ".pdf": strings.Repeat("é", 251) + ".pdf", "\xff.png": "png",
	} {
		if got := cleanName(in); got != want {
			t.Errorf("%q became %q, not %q", in, got, want)
		}
	}
	if d := Disposition("Guïde \"1\"; x=%.pdf"); d != `attachment; filename="Gu_de _1_; x=_.pdf"; filename*=UTF-8''Gu%C3%AFde%20%221%22%3B%20x%3D%25.pdf` {
		t.Error(d)
	}
}
