package orders_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/id"
	"vitrine/app/orders"
)

// drain does the library jobs that were asked for since the last time, as relay and worker would.
func (w *pages) drain() (ran int) {
	w.t.Helper()
	var jobs []struct {
		ID      id.Job `db:"id"`
		Kind    string `db:"kind"`
		Payload string `db:"payload"`
	}
	if err := w.db.Select(w.t.Context(), &jobs, `SELECT id, kind, payload FROM outbox WHERE done_at IS NULL AND kind LIKE 'orders:%' ORDER BY id`); err != nil {
		w.t.Fatal(err)
	}
	for _, j := range jobs {
		if err := w.jobs.Run(w.t.Context(), j.Kind, json.RawMessage(j.Payload)); err != nil {
			w.t.Fatalf("%s: %v", j.Kind, err)
		}
		w.tx(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE outbox SET done_at = $2 WHERE id = $1`, j.ID, tx.Now)
			return err
		})
	}
	return len(jobs)
}

var libraryLink = regexp.MustCompile(`http://localhost:8080(/my/[a-z2-7]{26})`)

func TestTheLibraryListsEverythingBoughtWithAnAddress(t *testing.T) {
	w := newPagesOn(t, dbtest.Fresh(t))
	other := dbtest.Creator(t, w.db)
	o := w.sell(sale{Number: 1})
	second := w.sell(sale{Owner: other, Email: o.Email, Number: 1})
	test := w.sell(sale{Email: o.Email, Test: true})
	waiting := w.sell(sale{Email: o.Email, Status: orders.Processing})
	stranger := w.sell(sale{})
	b := w.browser()
	p := b.Get("/my").Is(http.StatusOK)
	p = b.Submit(p, "#library", map[string]string{"email": " " + strings.ToUpper(o.Email) + " "}).Is(http.StatusSeeOther).Goes("/my?sent=1")
	b.Follow(p).Has("is on its way").HasNot(o.Email)
	w.drain()
	m := only(t, w.mails(o.Email, ""))
	link := libraryLink.FindStringSubmatch(m.Text)
	if link == nil || !strings.Contains(m.HTML, link[1]) {
		t.Fatalf("no link in both parts of:\n%s", m.Text)
	}
	p = w.browser().Get(link[1]).Is(http.StatusOK)
	for _, x := range []sold{o, second} {
		p.Has(x.Path)
	}
	for _, x := range []sold{test, waiting, stranger} {
		p.HasNot(x.Path)
	}
	if got := p.Header.Get("Referrer-Policy"); got != "no-referrer" {
		t.Errorf("Referrer-Policy %q", got)
	}
	var kept int
	if err := w.db.Get(t.Context(), &kept, `SELECT count(*) FROM library_links WHERE hash = $1`, id.Hash(strings.TrimPrefix(link[1], "/my/"))); err != nil || kept != 1 {
		t.Fatalf("%d hashed links, %v", kept, err)
	}
	w.db.Clock = func() time.Time { return time.Now().Add(24*time.Hour + time.Minute) }
	w.browser().Get(link[1]).Is(http.StatusGone).Has("does not work any more").Has(`id="library"`).HasNot(o.Path)
	if err := w.handler.Library.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.db.Get(t.Context(), &kept, `SELECT count(*) FROM library_links`); err != nil || kept != 0 {
		t.Fatalf("%d links after the sweep, %v", kept, err)
	}
}

func TestKnownAndUnknownAddressesGetTheSameAnswer(t *testing.T) {
	w := newPagesOn(t, dbtest.Fresh(t))
	o := w.sell(sale{})
	ask := func(email string) (all string) {
		b := w.browser()
		p := b.Post("/my", url.Values{"email": {email}})
		for range 2 {
			p.Header.Del("X-Request-Id")
			h, err := json.Marshal(p.Header) // in the order of the names
			if err != nil {
				t.Fatal(err)
			}
			all += fmt.Sprintf("%d %s\n%s\n", p.Status, h, p.Body)
			p = b.Follow(p)
		}
		return all
	}
	known, unknown := ask(o.Email), ask("nobody@mail.test")
	if known != unknown {
		t.Fatalf("known:\n%s\nunknown:\n%s", known, unknown)
	}
	var jobs int
	if err := w.db.Get(t.Context(), &jobs, `SELECT count(*) FROM outbox WHERE kind = 'orders:library'`); err != nil || jobs != 2 {
		t.Fatalf("%d jobs for 2 addresses, %v", jobs, err)
	}
	w.drain()
	only(t, w.mails(o.Email, ""))
	if got := w.mails("nobody@mail.test", ""); len(got) != 0 {
		t.Fatal("a stranger got mail")
	}
}

func TestAskingTwiceForOneRequestMailsOneLink(t *testing.T) {
	w := newPages(t)
	o := w.sell(sale{})
	buyer, err := w.service.FindBuyer(t.Context(), o.Email)
	if err != nil {
		t.Fatal(err)
	}
	job := orders.SendLibrary{Request: id.New[id.JobKind](), Buyer: buyer}
	w.must(job)
	w.must(job)
	ms := w.mails(o.Email, "")
	if len(ms) == 0 || libraryLink.FindString(ms[0].Text) != libraryLink.FindString(ms[len(ms)-1].Text) {
		t.Fatal("two links for one request")
	}
	w.must(orders.SendLibrary{Request: id.New[id.JobKind]()}) // an unknown address
}

func TestMailsToOneAddressAreLimited(t *testing.T) {
	w := newPages(t)
	o := w.sell(sale{})
	var last int
	for range 6 { // from six places, so that only the address is the same
		last = w.browser().Post("/my", url.Values{"email": {o.Email}}).Status
	}
	if last != http.StatusTooManyRequests {
		t.Fatalf("the sixth mail in a minute answered %d", last)
	}
}

func TestLibraryLinksCannotBeGuessed(t *testing.T) {
	w := newPages(t)
	o := w.sell(sale{})
	for _, tok := range []string{"x", id.Token(), o.Token, strings.Repeat("a", 26), "%00", "..%2f", strings.Repeat("a", 5000)} {
		if p := w.browser().Get("/my/" + tok); p.Status != http.StatusGone && p.Status != http.StatusNotFound || strings.Contains(p.Body, o.Path) {
			t.Errorf("%.30q answered %d", tok, p.Status)
		}
	}
}

func TestNaughtyAddressesAreAnsweredKindlyAndKept(t *testing.T) {
	w := newPages(t)
	for _, s := range naughty(t) {
		p := w.browser().Post("/my", url.Values{"email": {s}})
		if p.Status != http.StatusUnprocessableEntity && p.Status != http.StatusSeeOther {
			t.Errorf("%q answered %d", s, p.Status)
			continue
		}
		if p.Status == http.StatusUnprocessableEntity {
			if got, want := p.Doc().Find("#email").AttrOr("value", ""), typed(s); got != want {
				t.Errorf("typed %q, kept %q", want, got)
			}
		}
	}
}
