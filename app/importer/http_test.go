package importer_test

import (
	"bytes"
	"encoding/csv"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"vitrine/app/id"
	"vitrine/app/importer/source"
	"vitrine/app/web/webtest"
)

// send posts a form with a file, as a browser without a script does.
func send(t *testing.T, b *webtest.Browser, to string, fields map[string]string, name string, body []byte) *webtest.Page {
	t.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for k, v := range fields {
		if err := w.WriteField(k, v); err != nil {
			t.Fatal(err)
		}
	}
	f, err := w.CreateFormFile("file", name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Do(http.MethodPost, to, w.FormDataContentType(), buf.String())
}

// From the address to the report and back, with nothing but forms.
func TestBringingAPageWithoutAScript(t *testing.T) {
	b := newBench(t)
	url := b.site.put("/", workshop)
	before := b.window(t)
	page := b.c.Get("/app/window/bring").Is(200).Has("Address of your page").Has(`enctype="multipart/form-data"`)
	answer := b.c.Submit(page, "form.bring", map[string]string{"url": url}).Is(http.StatusSeeOther)
	at := answer.Header.Get("Location")
	b.c.Get(at).Is(200).Has("Reading your page").Has(`http-equiv="refresh"`)
	b.Work()
	page = b.c.Get(at).Is(200).HasNot(`http-equiv="refresh"`).Has("Blaue Tasse").Has("€24.50").Has("Prices are never converted")
	page.Has("2 links").HasNot("In place of what I have")

	page = b.c.Submit(page, `form[action="`+at+`"]`, nil).Is(http.StatusUnprocessableEntity).Has("Tick this if it is yours").Has(`href="#mine"`)
	if n := page.Doc().Find(`input[name="take"][checked]`).Length(); n != 9 {
		t.Errorf("%d boxes are still ticked", n)
	}
	b.c.Submit(page, `form[action="`+at+`"]`, map[string]string{"mine": "on"}).Is(http.StatusSeeOther).Goes(at)
	page = b.c.Get(at).Is(200).Has("Stayed out, and why").Has("3 pictures are still on their way.").Has(`http-equiv="refresh"`)
	sum := 0
	page.Doc().Find(".bring__sum div:not(.is-strong) dd").Each(func(_ int, s *goquery.Selection) { sum += number(t, s.Text()) })
	if all := number(t, page.Doc().Find(".bring__sum .is-strong dd").Text()); sum != all || all != 11 {
		t.Errorf("%d are accounted for, of %d", sum, all)
	}
	b.Work()
	b.c.Get(at).Is(200).HasNot("still on their way").Has("Pictures that could not be fetched").Has("/weg.png")

	r := csv.NewReader(strings.NewReader(b.c.Get(at + "/report.csv").Is(200).Body))
	rows, err := r.ReadAll()
	if err != nil || len(rows) != 12 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	b.c.Get(at + "/report.html").Is(200).Has("<!doctype html>").HasNot("<script").HasNot("Undo all of it")
	b.c.Get("/app/window/bring").Is(200).Has(url)

	b.c.Submit(b.c.Get(at), `form[action="`+at+`/undo"]`, nil).Is(http.StatusSeeOther).Goes("/app/window")
	if got := b.window(t); len(got) != len(before) {
		t.Errorf("undone, the window is %q", got)
	}
	b.c.Post(at+"/undo", nil).Is(http.StatusSeeOther)
}

func number(t *testing.T, s string) (n int) {
	t.Helper()
	for _, r := range strings.TrimSpace(s) {
		if r < '0' || r > '9' {
			t.Fatalf("%q is no number", s)
		}
		n = n*10 + int(r-'0')
	}
	return n
}

func TestBringingAFileWithoutAScript(t *testing.T) {
	b := newBench(t)
	list := []byte("Email,Name,Status\nmia@example.com,Mia,active\nbo@example.com,Bo,unsubscribed\nnobody,,active\n")
	answer := send(t, b.c.Browser, "/app/window/bring", map[string]string{"url": "", "id": id.New[id.ImportKind]().String()}, "list.csv", list).Is(http.StatusSeeOther)
	at := answer.Header.Get("Location")
	page := b.c.Get(at).Is(200).Has("1 person for your audience").Has("They have asked not to be written to any more.").HasNot("mia@example.com")
	b.c.Submit(page, `form[action="`+at+`"]`, map[string]string{"mine": "on"}).Is(http.StatusSeeOther)
	page = b.c.Get(at).Is(200).Has("1 person came into your audience.").Has("Row 3").HasNot("Undo all of it").HasNot("@example.com")
	b.c.Submit(page, `form[action="`+at+`/people"]`, nil).Is(http.StatusSeeOther)
	if n := b.Count(`SELECT count(*) FROM audience_members`); n != 0 {
		t.Errorf("%d people are left", n)
	}
	for name, c := range map[string]struct {
		body []byte
		want string
	}{
		"empty.csv": {nil, "This file is empty."}, "a.zip": {[]byte("PK\x03\x04xx"), "neither a page nor a table"}, "odd.csv": {[]byte("a,b\n1,2\n"), "no column that we know"},
		"big.csv": {bytes.Repeat([]byte("a@example.com\n"), source.MaxFile/14+1), "more than 5 MB"}, "huge.csv": {make([]byte, source.MaxFile+1<<20), "more than 5 MB"},
	} {
		send(t, b.c.Browser, "/app/window/bring", map[string]string{"url": ""}, name, c.body).Is(http.StatusUnprocessableEntity).Has(c.want).Has(`href="#file"`)
	}
	b.c.Post("/app/window/bring", url.Values{"url": {""}}).Is(http.StatusUnprocessableEntity).Has("Write the address of your page, or choose a file.")
}

func TestAShopIsOpenedByBringingAPage(t *testing.T) {
	b := newBench(t)
	if _, err := b.App.Accounts.Provision(t.Context(), "new@mail.test", "a lit window at night", "Nora New", "creator"); err != nil {
		t.Fatal(err)
	}
	n := b.SignIn("new@mail.test")
	page := n.Get("/start/bring").Is(200).Has("Name of your shop")
	send(t, n, "/start/bring", map[string]string{"name": "Nora", "slug": "nora-new", "currency": "EUR"}, "bad.zip", []byte("PK\x03\x04xx")).Is(http.StatusUnprocessableEntity).Has("neither a page nor a table")
	if got := b.Count(`SELECT count(*) FROM shops WHERE slug = 'nora-new'`); got != 0 {
		t.Error("a shop was opened for a file that cannot be read")
	}
	n.Submit(page, "form.bring", map[string]string{"name": "Nora", "slug": b.c.Shop.Slug, "url": b.site.URL}).Is(http.StatusUnprocessableEntity).Has("This address is taken")
	answer := n.Submit(page, "form.bring", map[string]string{"name": "Nora", "slug": "nora-new", "currency": "EUR", "url": b.site.put("/", workshop)}).Is(http.StatusSeeOther)
	at := answer.Header.Get("Location")
	b.Work()
	page = n.Get(at).Is(200).Has("Blaue Tasse").HasNot("In place of what I have")
	n.Submit(page, `form[action="`+at+`"]`, map[string]string{"mine": "on"}).Is(http.StatusSeeOther)
	n.Get("/app/window").Is(200).Has("Werkstatt Lind")
	n.Get("/start/bring").Goes("/app/window/bring")
}

func TestWhatOthersBringIsNotFound(t *testing.T) {
	b := newBench(t)
	o := b.read(t, b.site.put("/", workshop))
	other := b.Creator()
	at := "/app/window/bring/" + o.Import.ID.String()
	other.Get(at).Is(http.StatusNotFound)
	other.Post(at, url.Values{"mine": {"on"}, "take": {"0", "1"}}).Is(http.StatusNotFound)
	b.take(t, o, all(o))
	for _, p := range []string{"", "/report.csv", "/report.html"} {
		other.Get(at + p).Is(http.StatusNotFound)
	}
	for _, p := range []string{"/undo", "/people"} {
		other.Post(at+p, nil).Is(http.StatusNotFound)
	}
	if got := b.window(t); len(got) != 7 {
		t.Errorf("the window is %q", got)
	}
	other.Get("/app/window/bring/nonsense").Is(http.StatusNotFound)
}

// One creator asks for so many pages an hour, and not for one more.
func TestReadingHasALimit(t *testing.T) {
	b := newBench(t)
	last := http.StatusOK
	for range 25 {
		if last = b.c.Post("/app/window/bring", url.Values{"url": {"https://example.com"}}).Status; last == http.StatusTooManyRequests {
			break
		}
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the last answer was %d", last)
	}
	if n := b.Count(`SELECT count(*) FROM imports`); n > 20 {
		t.Errorf("%d were begun", n)
	}
}
