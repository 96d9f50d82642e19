package orders_test

import (
	"context"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/orders"
)

func (w *pages) downloads(o sold) (count, today int) {
	w.t.Helper()
	var r struct {
		Count int `db:"count"`
		Today int `db:"day_count"`
	}
	err := w.db.Get(w.t.Context(), &r, `SELECT count, day_count FROM downloads WHERE entitlement_id = $1 AND file_id = $2`, o.Grant, o.File)
	if err != nil && !db.None(err) {
		w.t.Fatal(err)
	}
	return r.Count, r.Today
}

func (w *pages) revoke(o sold) {
	w.tx(func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE orders SET status = 'refunded', refunded_minor = total_minor WHERE id = $1`, o.Order); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE entitlements SET revoked_at = $2 WHERE id = $1`, o.Grant, tx.Now)
		return err
	})
}

// fetch follows a download link as a browser does.
func fetch(t *testing.T, url, byteRange string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if byteRange != "" {
		r.Header.Set("Range", byteRange)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

func TestADownloadIsCountedAndArrives(t *testing.T) {
	w := newPages(t)
	o := w.sell(sale{})
	b := w.browser()
	p := b.Get(o.Path).Is(http.StatusOK).Has("glazes.pdf").Has("PDF, 27 B")
	if n, _ := w.downloads(o); n != 0 {
		t.Fatalf("looking at the page counted %d downloads", n)
	}
	p = b.Submit(p, `form[action$="`+o.File.String()+`"]`, nil).Is(http.StatusSeeOther)
	res, body := fetch(t, p.Header.Get("Location"), "")
	if res.StatusCode != http.StatusOK || body != fileBody {
		t.Fatalf("bucket answered %d %q", res.StatusCode, body)
	}
	if res, body = fetch(t, p.Header.Get("Location"), "bytes=6-11"); res.StatusCode != http.StatusPartialContent || body != "glazes" {
		t.Fatalf("range answered %d %q", res.StatusCode, body)
	}
	if !strings.Contains(p.Header.Get("Location"), "X-Amz-Expires=600") {
		t.Fatal("the link does not end after ten minutes")
	}
	if n, today := w.downloads(o); n != 1 || today != 1 {
		t.Fatalf("counted %d, today %d, want 1, 1", n, today)
	}
}

func TestFileNamesOfAnyScriptArrive(t *testing.T) {
	w := newPages(t)
	for _, name := range []string{"釉薬 40.pdf", "Глазури.pdf", "طلاء.pdf", "glaçure \"n° 1\";.pdf", "a%20b+c.pdf", "🏺.pdf", "50% off\\.pdf"} {
		o := w.sell(sale{FileName: name})
		p := w.browser().Post(o.Path+"/f/"+o.File.String(), nil).Is(http.StatusSeeOther)
		res, _ := fetch(t, p.Header.Get("Location"), "")
		kind, params, err := mime.ParseMediaType(res.Header.Get("Content-Disposition"))
		if err != nil || kind != "attachment" || params["filename"] != name {
			t.Errorf("%q arrived as %q (%v), from %q", name, params["filename"], err, res.Header.Get("Content-Disposition"))
		}
	}
}

func TestDownloadAfterRefundIsRefused(t *testing.T) {
	w := newPages(t)
	o := w.sell(sale{})
	b := w.browser()
	b.Post(o.Path+"/f/"+o.File.String(), nil).Is(http.StatusSeeOther)
	w.revoke(o)
	p := b.Post(o.Path+"/f/"+o.File.String(), nil).Is(http.StatusGone).Has("refunded")
	if p.Header.Get("Location") != "" {
		t.Fatal("a refused download has an address")
	}
	if n, _ := w.downloads(o); n != 1 {
		t.Fatalf("counted %d, want the 1 before the refund", n)
	}
	if b.Get(o.Path).Is(http.StatusOK).Has("Closed since the refund").Doc().Find(`form[action*="/f/"]`).Length() != 0 {
		t.Fatal("the page still offers the download")
	}
}

// The refund may land between looking and counting; the counting statement decides.
func TestARefundAtTheSameMomentWins(t *testing.T) {
	w := newPages(t)
	for range 20 {
		o := w.sell(sale{NoObject: true})
		reached, goOn := make(chan struct{}), make(chan struct{})
		d := *w.handler.Delivery
		d.Bucket = pausing{reached, goOn}
		result := make(chan error, 1)
		go func() {
			_, err := d.Open(context.WithoutCancel(t.Context()), o.Token, o.File)
			result <- err
		}()
		<-reached
		w.revoke(o)
		close(goOn)
		if err := <-result; !errs.Is(err, errs.Gone) {
			t.Fatalf("the download answered %v, want gone", err)
		}
		if n, _ := w.downloads(o); n != 0 {
			t.Fatalf("counted %d", n)
		}
	}
}

func TestTheDailyCapHoldsWhenManyDownloadAtOnce(t *testing.T) {
	w := newPages(t)
	o := w.sell(sale{})
	start, results := make(chan struct{}), make(chan error, 60)
	var wg sync.WaitGroup
	for range cap(results) {
		wg.Go(func() {
			<-start
			_, err := w.handler.Delivery.Open(context.WithoutCancel(t.Context()), o.Token, o.File)
			results <- err
		})
	}
	close(start)
	wg.Wait()
	close(results)
	got := map[errs.Kind]int{}
	for err := range results {
		got[errs.KindOf(err)]++
	}
	if got[""] != orders.DailyCap || got[errs.TooMany] != 60-orders.DailyCap {
		t.Fatalf("%v, want %d served and the rest told to wait", got, orders.DailyCap)
	}
	w.browser().Post(o.Path+"/f/"+o.File.String(), nil).Is(http.StatusTooManyRequests).Has("tomorrow")
	w.browser().Get(o.Path).Has("Downloaded 25 times today")
}

func TestTheCapEndsWithTheDayAndSurvivesAClockSetBack(t *testing.T) {
	w := newPagesOn(t, dbtest.Fresh(t))
	o := w.sell(sale{})
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	count := func(at time.Time) error {
		w.db.Clock = func() time.Time { return at }
		_, err := w.handler.Delivery.Open(t.Context(), o.Token, o.File)
		return err
	}
	for i := range orders.DailyCap {
		if err := count(noon); err != nil {
			t.Fatalf("download %d: %v", i+1, err)
		}
	}
	for _, at := range []time.Time{noon, noon.Add(11*time.Hour + 59*time.Minute), noon.AddDate(0, 0, -1)} {
		if err := count(at); !errs.Is(err, errs.TooMany) {
			t.Fatalf("at %s: %v, want too many", at, err)
		}
	}
	if err := count(noon.Add(12 * time.Hour)); err != nil {
		t.Fatalf("after midnight: %v", err)
	}
	if n, today := w.downloads(o); n != orders.DailyCap+1 || today != 1 {
		t.Fatalf("counted %d, today %d", n, today)
	}
}

func TestNoFileWithoutRight(t *testing.T) {
	w := newPages(t)
	o, other := w.sell(sale{}), w.sell(sale{})
	pending, expired := w.sell(sale{Status: orders.Processing}), w.sell(sale{Status: orders.Expired})
	for name, c := range map[string]struct {
		path   string
		status int
	}{
		"a file of another order": {o.Path + "/f/" + other.File.String(), http.StatusNotFound},
		"no file at all":          {o.Path + "/f/" + id.New[id.FileKind]().String(), http.StatusNotFound},
		"not an id":               {o.Path + "/f/x", http.StatusNotFound},
		"a guessed token":         {"/o/" + id.Token() + "/f/" + o.File.String(), http.StatusNotFound},
		"a malformed token":       {"/o/x/f/" + o.File.String(), http.StatusNotFound},
		"an unpaid order":         {pending.Path + "/f/" + pending.File.String(), http.StatusConflict},
		"an order never paid":     {expired.Path + "/f/" + expired.File.String(), http.StatusConflict},
	} {
		if p := w.browser().Post(c.path, nil); p.Status != c.status || p.Header.Get("Location") != "" {
			t.Errorf("%s: %d to %q, want %d", name, p.Status, p.Header.Get("Location"), c.status)
		}
	}
	for _, s := range []sold{o, other, pending, expired} {
		if n, _ := w.downloads(s); n != 0 {
			t.Errorf("order %s: counted %d", s.Order, n)
		}
	}
}

func TestABucketThatIsAwayCostsNoDownload(t *testing.T) {
	w := newPages(t)
	o, gone := w.sell(sale{}), w.sell(sale{NoObject: true})
	w.bucket.cut(true)
	w.browser().Post(o.Path+"/f/"+o.File.String(), nil).Is(http.StatusServiceUnavailable).Has("Your purchase is safe").Has("glazes.pdf")
	w.bucket.cut(false)
	w.browser().Post(gone.Path+"/f/"+gone.File.String(), nil).Is(http.StatusServiceUnavailable).Has("replacing this file")
	for _, s := range []sold{o, gone} {
		if n, _ := w.downloads(s); n != 0 {
			t.Errorf("counted %d for a file that never came", n)
		}
	}
	w.browser().Post(o.Path+"/f/"+o.File.String(), nil).Is(http.StatusSeeOther)
}

func TestFilesStayClosedWhileAPersonLooks(t *testing.T) {
	w := newPages(t)
	o := w.sell(sale{})
	set := func(review string) {
		w.tx(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE orders SET review = $2 WHERE id = $1`, o.Order, review)
			return err
		})
	}
	b := w.browser()
	open := b.Get(o.Path).Is(http.StatusOK)
	for _, review := range []string{"open", "refused"} {
		set(review)
		if p := b.Get(o.Path).Is(http.StatusOK).Has("We are checking your order"); p.Doc().Find(`form[action*="/f/"]`).Length() != 0 {
			t.Errorf("%s: the page offers the file", review)
		}
		b.Submit(open, `form[action$="`+o.File.String()+`"]`, nil).Is(http.StatusConflict)
		if n, _ := w.downloads(o); n != 0 {
			t.Fatalf("%s: %d downloads", review, n)
		}
	}
	set("approved")
	b.Submit(b.Get(o.Path), `form[action$="`+o.File.String()+`"]`, nil).Is(http.StatusSeeOther)
}
