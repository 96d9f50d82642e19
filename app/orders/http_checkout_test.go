package orders_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"testing"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/id"
	"vitrine/app/orders"
	"vitrine/app/sandbox"
	"vitrine/app/web/webtest"
)

const goodCard = "4242424242424242"

func start(ps ...id.Product) string {
	q := url.Values{}
	for _, p := range ps {
		q.Add("p", p.String())
		q.Add("q", "1")
	}
	return "/checkout/start?" + q.Encode()
}

// stored counts everything that buying may write.
func (w *pages) stored() (n int) {
	w.t.Helper()
	if err := w.db.Get(w.t.Context(), &n, `
		SELECT (SELECT count(*) FROM checkouts) + (SELECT count(*) FROM orders) + (SELECT count(*) FROM buyers) + (SELECT count(*) FROM outbox)
			+ (SELECT count(*) FROM holds) + (SELECT count(*) FROM sessions) + (SELECT count(*) FROM downloads) + (SELECT count(*) FROM library_links)`); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *pages) set(f func(ctx context.Context, tx *db.Tx) (int64, error)) {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx *db.Tx) error {
		n, err := f(ctx, tx)
		if err == nil && n == 0 {
			err = fmt.Errorf("nothing changed")
		}
		return err
	})
}

// file gives a product something to download.
func (w *pages) file(p id.Product, owner dbtest.Person) id.File {
	w.t.Helper()
	f := id.New[id.FileKind]()
	key := "files/" + f.String()
	if err := outside.bucket.Put(w.t.Context(), key, "application/pdf", strings.NewReader(fileBody)); err != nil {
		w.t.Fatal(err)
	}
	w.tx(func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `
			INSERT INTO files (id, creator_id, purpose, name, content_type, size, key, status, created_at)
			VALUES ($1, $2, 'product', 'glazes.pdf', 'application/pdf', $3, $4, 'ready', $5)`, f, owner.User, len(fileBody), key, tx.Now); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO product_files (product_id, file_id, creator_id, pos, created_at) VALUES ($1, $2, $3, 1, $4)`, p, f, owner.User, tx.Now)
		return err
	})
	return f
}

func (w *pages) fill(b *webtest.Browser, p *webtest.Page, email string) *webtest.Page {
	w.t.Helper()
	return b.Submit(p, "#checkout", map[string]string{"email": email, "consent": "on"})
}

// session is the number of the payment page that an answer leads to.
func session(t *testing.T, p *webtest.Page) string {
	t.Helper()
	to := p.Is(http.StatusSeeOther).Header.Get("Location")
	if !strings.Contains(to, "/stripe/pay/") {
		t.Fatalf("leads to %q, not to the payment page", to)
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	return path.Base(u.Path)
}

func TestFromTheCheckoutPageToTheFile(t *testing.T) {
	w := newPagesOn(t, dbtest.Fresh(t))
	product := w.owner.Product(t, w.db, 1900, 3)
	file := w.file(product, w.owner)
	before := w.stored()
	b := w.browser()
	p := b.Get(start(product)).Is(http.StatusOK).Has("Forty glazes").Has("1 item from Ada&#39;s shop").Has("Pay €19").Has("3 left")
	if w.stored() != before || len(b.Cookies("/")) != 0 {
		t.Fatal("looking at the checkout wrote something or set a cookie")
	}
	if p.Doc().Find(`input[name=consent][checked]`).Length() != 0 || p.Doc().Find("#test, script").Length() != 0 {
		t.Fatal("consent is ticked beforehand, or a guest sees the test order, or there is script")
	}
	next, err := w.stripe.Pay(session(t, w.fill(b, p, " Paid+"+strings.ToUpper(w.owner.Slug)+"@Mail.Test ")), goodCard, "")
	if err != nil {
		t.Fatal(err)
	}
	p = b.Follow(b.Get(next).Is(http.StatusSeeOther)).Is(http.StatusOK).Has("Thank you").Has("Order 1 from")
	p = b.Submit(p, `form[action$="`+file.String()+`"]`, nil).Is(http.StatusSeeOther)
	if _, body := fetch(t, p.Header.Get("Location"), ""); body != fileBody {
		t.Fatalf("the file says %q", body)
	}
	w.drain()
	says(t, only(t, w.mails("paid+"+w.owner.Slug+"@mail.test", "")), "Forty glazes", "€19", p.URL.Scheme+"://"+p.URL.Host+"/o/")
	only(t, w.mails(w.owner.Email, "You sold"))
	if w.drain() != 0 {
		t.Fatal("there was more to send")
	}
}

func TestWhatIsFreeComesAtOnce(t *testing.T) {
	w := newPagesOn(t, dbtest.Fresh(t))
	product := w.owner.Product(t, w.db, 0, -1)
	w.file(product, w.owner)
	b := w.browser()
	p := b.Get(start(product)).Has("Get it free").HasNot("Stripe")
	p = b.Follow(w.fill(b, p, "free+"+w.owner.Slug+"@mail.test")).Is(http.StatusOK).Has("Thank you").Has("Nothing to pay")
	if p.Doc().Find(`form[action*="/f/"]`).Length() != 1 {
		t.Fatal("no download")
	}
	w.drain()
	only(t, w.mails("free+"+w.owner.Slug+"@mail.test", ""))
}

func TestAddressesThatSellNothingSayWhy(t *testing.T) {
	w := newPages(t)
	good := w.owner.Product(t, w.db, 1900, -1)
	draft := w.owner.Product(t, w.db, 1900, -1)
	w.set(func(ctx context.Context, tx *db.Tx) (int64, error) {
		return tx.Exec(ctx, `UPDATE products SET is_active = false WHERE id = $1`, draft)
	})
	soldOut, two := w.owner.Product(t, w.db, 1900, 0), w.owner.Product(t, w.db, 1900, 2)
	closed := dbtest.Creator(t, w.db)
	inClosed := closed.Product(t, w.db, 1900, -1)
	w.set(func(ctx context.Context, tx *db.Tx) (int64, error) {
		return tx.Exec(ctx, `UPDATE shops SET closed_at = $2, closed_reason = 'Back in May.' WHERE id = $1`, closed.Shop, tx.Now)
	})
	p := func(p id.Product, q string) string { return "?p=" + p.String() + "&q=" + url.QueryEscape(q) }
	for query, want := range map[string]struct {
		status int
		says   string
	}{
		"":                                      {404, "The link may be old"},
		"?q=1":                                  {404, "The link may be old"},
		"?p=":                                   {404, "The link may be old"},
		"?p=x&q=1":                              {404, "The link may be old"},
		"?p=" + strings.Repeat("a", 9000):       {404, "The link may be old"},
		p(id.New[id.ProductKind](), "1"):        {404, "The link may be old"},
		p(good, "0"):                            {422, "between 1 and 99"},
		p(good, "-1"):                           {422, "between 1 and 99"},
		p(good, "100"):                          {422, "between 1 and 99"},
		p(good, "2147483648"):                   {422, "between 1 and 99"},
		p(good, "1.5"):                          {422, "between 1 and 99"},
		p(good, "1e1"):                          {422, "between 1 and 99"},
		p(good, "+1"):                           {422, "between 1 and 99"},
		p(good, " 1"):                           {422, "between 1 and 99"},
		p(good, "0x1"):                          {422, "between 1 and 99"},
		p(good, "٣"):                            {422, "between 1 and 99"},
		p(good, ""):                             {422, "between 1 and 99"},
		p(good, "60") + "&" + p(good, "60")[1:]: {422, "between 1 and 99"},
		p(draft, "1"):                           {409, "not for sale"},
		p(soldOut, "1"):                         {409, "sold out"},
		p(two, "3"):                             {409, "Only 2 are left"},
		p(inClosed, "1"):                        {409, "Back in May."},
		p(good, "1"):                            {200, "Pay €19"},
		p(good, "3"):                            {200, "Pay €57"},
		"?p=" + good.String():                   {200, "Pay €19"},
	} {
		b := w.browser()
		pg := b.Get("/checkout/start" + query)
		if pg.Status != want.status || !strings.Contains(pg.Body, want.says) {
			t.Errorf("%.80s: %d, want %d %q\n%s", query, pg.Status, want.status, want.says, pg.Text("main"))
		}
		if want.status != 200 && (!strings.Contains(pg.Body, "Nothing was charged") || pg.Doc().Find("form").Length() != 0) {
			t.Errorf("%.80s: does not say that nothing was charged, or still has a form", query)
		}
		if want.status == 409 && pg.Doc().Find(`#instead[href*="/@shop-"]`).Length() != 1 {
			t.Errorf("%.80s: no way back to the shop", query)
		}
	}
	var lines []id.Product
	for range orders.MaxLines + 1 {
		lines = append(lines, good)
	}
	w.browser().Get(start(lines...)).Is(http.StatusNotFound)
}

func TestWhatWasTypedStaysAndNothingIsStored(t *testing.T) {
	w := newPagesOn(t, dbtest.Fresh(t))
	product := w.owner.Product(t, w.db, 1900, -1)
	before := w.stored()
	b := w.browser()
	page := b.Get(start(product))
	p := b.Submit(page, "#checkout", map[string]string{"email": "ines@mail", "consent": "on"}).Is(http.StatusUnprocessableEntity).Has("One thing to fix")
	f := p.Doc().Find("#checkout")
	if f.Find("#email").AttrOr("value", "") != "ines@mail" || f.Find("#consent[checked]").Length() != 1 || f.Find(`#email[aria-invalid=true]`).Length() != 1 {
		t.Fatalf("not kept: %s", p.Body)
	}
	key := func(p *webtest.Page) string { return p.Doc().Find(`input[name=key]`).AttrOr("value", "") }
	if key(p) != key(page) {
		t.Error("another key for the same form")
	}
	b.Submit(page, "#checkout", map[string]string{"email": "ines@mail.test"}).Is(http.StatusUnprocessableEntity).Has(`href="#consent"`)
	b.Submit(page, "#checkout", nil).Is(http.StatusUnprocessableEntity).Has("2 things to fix")
	if w.stored() != before {
		t.Fatal("a refused form was stored")
	}
	w.fill(b, p, "ines@mail.test").Is(http.StatusSeeOther)
}

func TestNoFieldCanBeBent(t *testing.T) {
	w := newPagesOn(t, dbtest.Fresh(t))
	product, draft := w.owner.Product(t, w.db, 1900, -1), w.owner.Product(t, w.db, 1900, -1)
	w.set(func(ctx context.Context, tx *db.Tx) (int64, error) {
		return tx.Exec(ctx, `UPDATE products SET is_active = false WHERE id = $1`, draft)
	})
	before := w.stored()
	bad := map[string][]string{
		"p":        {"", "x", id.New[id.ProductKind]().String(), draft.String(), product.String() + "'", strings.Repeat("0", 36)},
		"q":        {"", "0", "-1", "1.5", "1e3", "100", "2147483648", "9223372036854775808", "NaN", "1 OR 1=1", "2"},
		"key":      {"", "x", strings.Repeat("a", 10000), "00000000-0000-0000-0000-000000000000", "01890000-0000-7000-8000-000000000000", "ffffffff-ffff-7fff-bfff-ffffffffffff"},
		"expected": {"", "0", "1", "-1900", "1899", "1901", "19.00", "1.9e3", "0x76c", "9223372036854775808", "NaN"},
		"currency": {"", "USD", "eur", "JPY", "XXX", "EUR'"},
		"email":    {"", "x", "a@b", "a@b.", "@mail.test", "a b@mail.test", "a@mail.test\r\nBcc: b@mail.test", "<a@mail.test>", "A <a@mail.test>", "a@mail.test,b@mail.test", strings.Repeat("a", 250) + "@mail.test"},
		"consent":  {""},
		"test":     {"1"},
	}
	page := w.browser().Get(start(product))
	for field, values := range bad {
		for _, v := range values {
			form := webtest.Filled(page.Doc().Find("#checkout"))
			form.Set("email", "ines@mail.test")
			form.Set("consent", "on")
			form.Set(field, v)
			p := w.browser().Post("/checkout", form)
			if p.Status < 400 || p.Status >= 500 {
				t.Errorf("%s = %.40q: %d to %q", field, v, p.Status, p.Header.Get("Location"))
			}
		}
	}
	for field, v := range map[string]string{"price": "1", "total": "1", "paid_at": "2026-01-01", "status": "paid", "creator_id": "x", "provider": "none"} {
		form := webtest.Filled(page.Doc().Find("#checkout"))
		form.Set(field, v)
		w.browser().Post("/checkout", form).Is(http.StatusUnprocessableEntity)
	}
	if w.stored() != before {
		t.Fatal("something was stored")
	}
}

func TestNaughtyAddressesBuyNothingUnwanted(t *testing.T) {
	w := newPages(t)
	product := w.owner.Product(t, w.db, 0, -1)
	page := w.browser().Get(start(product))
	for _, s := range naughty(t) {
		form := webtest.Filled(page.Doc().Find("#checkout"))
		form.Set("email", s)
		form.Set("consent", "on")
		form.Set("key", orders.NewKey())
		p := w.browser().Post("/checkout", form)
		switch p.Status {
		case http.StatusSeeOther: // a few of them are addresses
		case http.StatusUnprocessableEntity:
			if got, want := p.Doc().Find("#email").AttrOr("value", ""), typed(s); got != want {
				t.Errorf("typed %q, kept %q", want, got)
			}
		default:
			t.Errorf("%q answered %d", s, p.Status)
		}
	}
}

func TestAChangedPriceIsShownBeforeAnythingIsBought(t *testing.T) {
	w := newPagesOn(t, dbtest.Fresh(t))
	product := w.owner.Product(t, w.db, 1900, -1)
	before := w.stored()
	b := w.browser()
	page := b.Get(start(product))
	w.set(func(ctx context.Context, tx *db.Tx) (int64, error) {
		return tx.Exec(ctx, `UPDATE products SET price_minor = 2100 WHERE id = $1`, product)
	})
	p := w.fill(b, page, "ines@mail.test").Is(http.StatusConflict).Has("It is now €21").Has("Pay €21").HasNot("Pay €19")
	if p.Doc().Find("#email").AttrOr("value", "") != "ines@mail.test" || p.Doc().Find("#consent[checked]").Length() != 1 {
		t.Fatal("what was typed is lost")
	}
	if w.stored() != before {
		t.Fatal("something was stored")
	}
	session(t, b.Submit(p, "#checkout", nil))
}

func TestSoldOutMeanwhileIsSaidKindly(t *testing.T) {
	w := newPages(t)
	product := w.owner.Product(t, w.db, 1900, 1)
	first, second := w.browser(), w.browser()
	a, b := first.Get(start(product)), second.Get(start(product))
	session(t, w.fill(first, a, "a@mail.test"))
	w.fill(second, b, "b@mail.test").Is(http.StatusConflict).Has("sold out").Has("Nothing was charged")
}

func TestOneFormIsOneCheckoutHoweverOftenItIsSent(t *testing.T) {
	w := newPagesOn(t, dbtest.Fresh(t))
	product := w.owner.Product(t, w.db, 1900, 10)
	page := w.browser().Get(start(product))
	page.Doc() // parsed once, before the race
	var mu sync.Mutex
	to := map[string]int{}
	var wg sync.WaitGroup
	for range 8 {
		b := w.browser()
		wg.Go(func() {
			p := w.fill(b, page, "ines@mail.test")
			mu.Lock()
			defer mu.Unlock()
			to[p.Header.Get("Location")]++
		})
	}
	wg.Wait()
	if len(to) != 1 || to[""] != 0 {
		t.Fatalf("led to %v", to)
	}
	var n, left int
	if err := w.db.Get(t.Context(), &n, `SELECT count(*) FROM checkouts`); err != nil || n != 1 {
		t.Fatalf("%d checkouts, %v", n, err)
	}
	if err := w.db.Get(t.Context(), &left, `SELECT available FROM stock WHERE product_id = $1`, product); err != nil || left != 9 {
		t.Fatalf("%d left, %v", left, err)
	}
	b := w.browser()
	p := w.fill(b, page, "other@mail.test").Is(http.StatusConflict) // back, changed, sent again
	session(t, b.Submit(p, "#checkout", nil))
}

func TestAProviderThatIsAwayCostsNothing(t *testing.T) {
	w := newPagesOn(t, dbtest.Fresh(t))
	product := w.owner.Product(t, w.db, 1900, -1)
	b := w.browser()
	page := b.Get(start(product))
	w.stripe.Inject(sandbox.Fault{Kind: sandbox.Unavailable})
	p := w.fill(b, page, "ines@mail.test").Is(http.StatusServiceUnavailable).Has("You have not been charged")
	if p.Doc().Find(`input[name=key]`).AttrOr("value", "") != page.Doc().Find(`input[name=key]`).AttrOr("value", "") {
		t.Fatal("the retry would be another checkout")
	}
	w.stripe.ClearFaults()
	session(t, b.Submit(p, "#checkout", nil))
	var n int
	if err := w.db.Get(t.Context(), &n, `SELECT count(*) FROM checkouts`); err != nil || n != 1 {
		t.Fatalf("%d checkouts, %v", n, err)
	}
}

func TestTheOwnerTriesTheShop(t *testing.T) {
	w := newPagesOn(t, dbtest.Fresh(t))
	product := w.owner.Product(t, w.db, 1900, 1)
	w.file(product, w.owner)
	b := w.signedIn(w.owner)
	page := b.Get(start(product)).Has("Run a test order")
	form := webtest.Filled(page.Doc().Find("#checkout"))
	form.Set("email", w.owner.Email)
	form.Set("consent", "on")
	form.Set("test", "1")
	b.Follow(b.Post("/checkout", form)).Is(http.StatusOK).Has("This is a test order").Has("glazes.pdf")
	var left int
	if err := w.db.Get(t.Context(), &left, `SELECT available FROM stock WHERE product_id = $1`, product); err != nil || left != 1 {
		t.Fatalf("%d left, %v", left, err)
	}
	w.drain()
	only(t, w.mails(w.owner.Email, "Test order"))
	w.set(func(ctx context.Context, tx *db.Tx) (int64, error) {
		return tx.Exec(ctx, `UPDATE products SET is_active = false WHERE id = $1`, product)
	})
	p := b.Get(start(product)).Is(http.StatusOK).Has("Nobody else can buy this now")
	if p.Doc().Find("#pay").Length() != 0 || p.Doc().Find("#test").Length() != 1 {
		t.Fatal("a draft can be paid, or not be tried")
	}
	stranger := w.signedIn(dbtest.Creator(t, w.db))
	stranger.Get(start(product)).Is(http.StatusConflict)
	other := w.owner.Product(t, w.db, 1900, -1)
	stranger.Get(start(other)).Is(http.StatusOK).HasNot("Run a test order")
}
