package products_test

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"vitrine/app/config"
	"vitrine/app/files"
	"vitrine/app/id"
	"vitrine/app/products"
	"vitrine/app/web"
	"vitrine/app/web/webtest"
)

// people gives the one who is signed in the shop of the test.
type people struct{ w world }

func (p people) Person(_ context.Context, user id.User, _ id.Shop) (web.Person, error) {
	return web.Person{ID: user, Verified: true, Role: "creator", Shop: p.w.who.Shop, ShopName: "Ada's shop", ShopSlug: p.w.slug, Currency: "EUR", TimeZone: "Europe/Paris"}, nil
}

func (w world) browser(t *testing.T, htmx bool) *webtest.Browser {
	t.Helper()
	cfg := &config.Config{Port: 8080, SecretKey: config.Secret(strings.Repeat("s", 32)), StripeCheckoutOrigin: "https://checkout.stripe.com"}
	cfg.Complete()
	limits := web.NewLimiter(nil)
	limits.Off = true
	r, err := web.NewRouter(cfg, web.NewSessions(cfg, w.d), limits)
	if err != nil {
		t.Fatal(err)
	}
	r.People = people{w}
	r.On(web.App, "/test", web.Anyone).POST("/in", func(c echo.Context) error {
		if err := web.SignIn(c, w.who.User); err != nil {
			return err
		}
		return c.NoContent(204)
	})
	r.On(web.App, "/test", web.Anyone).POST("/out", func(c echo.Context) error {
		if err := web.SignOut(c); err != nil {
			return err
		}
		return c.NoContent(204)
	})
	r.On(web.App, "/test", web.Anyone).GET("/kept", func(c echo.Context) error {
		s, _ := web.Stashed(c)
		return c.JSON(200, s.Form)
	})
	(&products.Handler{Service: w.Service, ShopURL: cfg.ShopURL}).Routes(r)
	b := webtest.New(t, r, "http://localhost:8080")
	b.Post("/test/in", nil).Is(204)
	b.HTMX = htmx
	return b
}

// press sends the product form of a page as it stands, with changes, by one of its buttons.
func press(b *webtest.Browser, p *webtest.Page, button string, changes map[string]string) *webtest.Page {
	form := webtest.Filled(p.Doc().Find("#product"))
	for k, v := range changes {
		form.Set(k, v)
	}
	form.Set("do", button)
	return b.Post(p.Doc().Find("#product").AttrOr("action", ""), form)
}

// withFile sends the form as a browser without JavaScript does when files were chosen.
func withFile(t *testing.T, b *webtest.Browser, p *webtest.Page, button string, changes map[string]string, field, name string, body []byte) *webtest.Page {
	t.Helper()
	var s bytes.Buffer
	m := multipart.NewWriter(&s)
	form := webtest.Filled(p.Doc().Find("#product"))
	for k, v := range changes {
		form.Set(k, v)
	}
	form.Set("do", button)
	for k, vs := range form {
		for _, v := range vs {
			if err := m.WriteField(k, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	f, err := m.CreateFormFile(field, name)
	if err == nil {
		_, err = f.Write(body)
	}
	if err == nil {
		err = m.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Do("POST", p.Doc().Find("#product").AttrOr("action", ""), m.FormDataContentType(), s.String())
}

func fieldOf(p *webtest.Page, name string) string {
	s := p.Doc().Find("#product [name='" + name + "']")
	if s.Is("textarea") {
		return s.Text()
	}
	return s.AttrOr("value", "")
}

func TestAFirstProductWithoutScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t, false)
	b.Get("/app/products").Is(200).Has("Nothing for sale yet").Has("/app/products/new")
	page := b.Get("/app/products/new").Is(200)
	typed := map[string]string{"name": "Forty glazes", "price": "1e3", "description": "**All** <script>alert(1)</script>", "summary": "PDF"}
	page = withFile(t, b, page, "active", typed, "upload", "glazes.pdf", []byte("%PDF-1.7")).Is(422).Has("glazes.pdf").Has("plain number")
	for k, want := range typed {
		if got := fieldOf(page, k); got != want {
			t.Errorf("%s is %q", k, got)
		}
	}
	saved := press(b, page, "active", map[string]string{"price": "19"}).Is(303) // the file is not sent again
	page = b.Follow(saved).Is(200).Has("is on sale").Has("glazes.pdf").Has("Ready").Has("You get €17.80 of €19 (our fee €1.20).").Has("http://shop.localhost:8080/@" + w.slug + "/p/forty-glazes").HasNot("<script>alert")
	b.Get("/app/products").Is(200).Has("Forty glazes").Has("€19").Has("On sale").Has("1 file")

	page = withFile(t, b, page, "active", map[string]string{"cover_alt": "Nine tiles"}, "cover_upload", "cover.png", drawing(t))
	page = b.Follow(page.Is(303)).Is(200).Has("Making its sizes")
	cover, err := id.Parse[id.FileKind](fieldOf(page, "cover"))
	if err != nil {
		t.Fatal(err)
	}
	w.check(t, cover)
	b.Get("/app/products").Is(200).Has("/m/" + cover.String() + "/").Has("Nine tiles")
}

func TestMistakesKeepWhatWasTyped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, htmx := range []bool{false, true} {
		b := w.browser(t, false)
		page := b.Get("/app/products/new").Is(200)
		b.HTMX = htmx
		typed := map[string]string{"name": "Ta\"<b>'s & co", "price": "1e3", "description": "a\n\n\"b\" </textarea><script>", "summary": "x", "slug": "a b", "limited": "on", "left": "many", "cover_alt": "alt\""}
		page = press(b, page, "active", typed).Is(422)
		for k, want := range typed {
			if k == "limited" {
				continue
			}
			if got := fieldOf(page, k); got != want {
				t.Errorf("htmx %v: %s is %q", htmx, k, got)
			}
		}
		if _, on := page.Doc().Find("#limited").Attr("checked"); !on {
			t.Error("the tick is lost")
		}
		if n := page.Doc().Find("#errors li").Length(); n != 3 {
			t.Errorf("%d mistakes are named: %s", n, page.Text("#errors"))
		}
		for _, f := range []string{"price", "slug", "left"} {
			if page.Doc().Find("#"+f).AttrOr("aria-invalid", "") != "true" || page.Doc().Find("#"+f+"-error").Length() != 1 {
				t.Errorf("%s is not marked", f)
			}
		}
		if whole := page.Doc().Find("nav.tabs").Length() == 1; whole == htmx {
			t.Errorf("htmx %v got a whole page: %v", htmx, whole)
		}
	}
}

func TestSavingStaysOnThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.sold(t, "First")
	b := w.browser(t, false)
	page := b.Get("/app/products/" + p.ID.String()).Is(200)
	b.HTMX = true
	page = press(b, page, "active", map[string]string{"name": "Second"}).Is(200)
	if page.Doc().Find("html body nav").Length() > 0 || page.Text("h1") != "Second" || fieldOf(page, "v") != "2" || !strings.Contains(page.Header.Get("HX-Trigger"), "Second") {
		t.Errorf("%s %v", page.Body, page.Header)
	}
	page = press(b, page, "draft", nil).Is(200).Has("Put on sale")
	press(b, page, "keep", nil).Is(200).Has("Put on sale")
	b.HTMX = true
	fresh := b.Get("/app/products/new")
	made := press(b, fresh, "draft", map[string]string{"name": "Third", "price": "0"}).Is(204)
	if !strings.HasPrefix(made.Header.Get("HX-Redirect"), "/app/products/") {
		t.Error(made.Header)
	}
}

func TestAnOlderFormKeepsBothTexts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.sold(t, "First")
	for _, htmx := range []bool{false, true} {
		b := w.browser(t, false)
		page := b.Get("/app/products/" + p.ID.String()).Is(200)
		now, err := w.Get(t.Context(), w.who, p.ID)
		if err != nil {
			t.Fatal(err)
		}
		in := form(now)
		in.Name, in.Description = "Theirs & <i>", "their text"
		if _, err := w.Save(t.Context(), w.who, p.ID, now.Version, in); err != nil {
			t.Fatal(err)
		}
		b.HTMX = htmx
		page = press(b, page, "active", map[string]string{"name": "Mine", "description": "my text"}).Is(409).Has("Changed elsewhere")
		if fieldOf(page, "name") != "Mine" || fieldOf(page, "description") != "my text" {
			t.Error("mine is lost")
		}
		if got := page.Text("#conflict dl"); !strings.Contains(got, "Theirs & <i>") || !strings.Contains(got, "their text") {
			t.Error("theirs is not shown: ", got)
		}
		if page.Doc().Find("#keep-mine").AttrOr("form", "") != "product" {
			t.Error("mine cannot be kept")
		}
		page = press(b, page, "keep", nil)
		if b.HTMX = false; page.Status != 200 && page.Status != 303 {
			t.Fatalf("%d %s", page.Status, page.Body)
		}
		if now, err = w.Get(t.Context(), w.who, p.ID); err != nil || now.Name != "Mine" || now.Description != "my text" {
			t.Errorf("%+v %v", now, err)
		}
	}
}

func TestFilesAreMovedAndRemovedOnSaving(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := good("Three")
	a, b2, c := w.file(t, "a.pdf"), w.file(t, "b.pdf"), w.file(t, "c.pdf")
	in.Files = []string{a, b2, c}
	p := w.make(t, in)
	names := func(fs []files.File) (s string) {
		for _, f := range fs {
			s += f.Name[:1]
		}
		return s
	}
	b := w.browser(t, false)
	page := b.Get("/app/products/" + p.ID.String())
	page = press(b, page, "up:"+c, map[string]string{"summary": "typed meanwhile"}).Is(200).Has("Not saved yet")
	page = press(b, page, "down:"+a, nil).Is(200)
	page = press(b, page, "up:"+c, nil).Is(200)    // is first already
	page = press(b, page, "down:"+b2, nil).Is(200) // is last already
	if now, err := w.Get(t.Context(), w.who, p.ID); err != nil || names(now.Files) != "abc" || now.Version != 1 {
		t.Errorf("moving wrote: %s %v", names(now.Files), err)
	}
	page = press(b, page, "remove:"+a, nil).Is(200)
	if fieldOf(page, "summary") != "typed meanwhile" {
		t.Error("what was typed is lost")
	}
	press(b, page, "draft", nil).Is(303)
	if now, err := w.Get(t.Context(), w.who, p.ID); err != nil || names(now.Files) != "cb" || now.Summary != "typed meanwhile" {
		t.Errorf("%s %v", names(now.Files), err)
	}
}

func TestOnlyWhatTheFormHasCanBeSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	eve := w.as(t)
	p := w.sold(t, "Mine")
	hers := eve.sold(t, "Hers")
	b := w.browser(t, false)
	page := b.Get("/app/products/" + p.ID.String())
	form := webtest.Filled(page.Doc().Find("#product"))
	for k, v := range map[string]string{
		"id": hers.ID.String(), "shop_id": eve.who.Shop.String(), "creator_id": eve.who.User.String(), "price_minor": "1", "currency": "JPY", "is_active": "true",
		"archived_at": "2020-01-01", "product_type": "tip", "created_at": "2020-01-01", "key": "x", "available": "99", "balance": "1", "paid_at": "now", "Price": "1", "Shop": "x",
	} {
		form.Set(k, v)
	}
	form.Set("do", "draft")
	b.Post("/app/products/"+p.ID.String()+"?price=1&name=query&shop="+eve.who.Shop.String(), form).Is(303)
	now, err := w.Get(t.Context(), w.who, p.ID)
	if err != nil || now.Name != "Mine" || now.Price.String() != "19.00 EUR" || now.Shop != w.who.Shop || now.Active || now.Left != products.Unlimited {
		t.Errorf("%+v %v", now, err)
	}
	var kind string
	if err := w.d.Get(t.Context(), &kind, `SELECT product_type FROM products WHERE id = $1`, p.ID); err != nil || kind != "digital" {
		t.Error(kind, err)
	}
}

func TestOthersPagesAreNotFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	eve := w.as(t)
	hers := eve.sold(t, "Hers")
	at := "/app/products/" + hers.ID.String()
	b := w.browser(t, false)
	fresh := webtest.Filled(b.Get("/app/products/new").Doc().Find("#product"))
	b.Get(at).Is(404).HasNot("Hers")
	b.Post(at, fresh).Is(404)
	b.Post(at+"/archive", nil).Is(404)
	b.Post(at+"/restoration", nil).Is(404)
	b.Get("/app/products/x").Is(404)
	b.Get("/app/products/files/" + hers.Files[0].ID.String()).Is(404)
	b.Get("/app/products/covers/" + eve.picture(t)).Is(404)
	b.Get("/app/products/files/x").Is(404)
	b.Get("/app/products?before=x").Is(200).HasNot("Hers")
	// A form that names her file is told so, and shows nothing of it.
	form := url.Values{"name": {"x"}, "price": {"5"}, "files": {hers.Files[0].ID.String()}, "cover": {eve.picture(t)}, "do": {"draft"}}
	b.Post("/app/products", form).Is(422).HasNot("glazes.pdf").HasNot("cover.png")
	if now, err := eve.Get(t.Context(), eve.who, hers.ID); err != nil || now.Archived || !now.Active {
		t.Errorf("%+v %v", now, err)
	}
}

func TestNaughtyStringsInEveryField(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t, false)
	b.HTMX = true
	for i, s := range naughty(t) {
		form := url.Values{"do": {"draft"}}
		for _, k := range []string{"name", "slug", "summary", "description", "price", "left", "left_was", "cover", "cover_alt", "files", "v", "limited"} {
			form.Set(k, s)
		}
		p := b.Post("/app/products", form)
		if p.Status != 422 || p.Doc().Find("#errors li").Length() == 0 {
			t.Fatalf("%q: %d %s", s, p.Status, p.Body)
		}
		if i%5 == 0 { // and where it belongs: in the texts of a product
			p = b.Post("/app/products", url.Values{"do": {"draft"}, "price": {"5"}, "name": {"x" + s}, "summary": {s}, "description": {s}, "cover_alt": {s}})
			if p.Status != 204 && p.Status != 422 {
				t.Fatalf("%q: %d %s", s, p.Status, p.Body)
			}
			if to := p.Header.Get("HX-Redirect"); to != "" {
				b.Get(to).Is(200)
			}
		}
		b.Get("/app/products/quote?price=" + url.QueryEscape(s)).Is(200)
		b.Get("/app/products?before=" + url.QueryEscape(s) + "&archived=" + url.QueryEscape(s)).Is(200)
	}
	b.Get("/app/products").Is(200).HasNot("<script>alert")
}

func TestTheQuoteAnswersWhileTyping(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t, true)
	for price, want := range map[string]string{"19": "You get €17.80 of €19 (our fee €1.20).", "0": "Free for buyers", "": "Here you see", "0.10": "The least that can be charged is €0.50", "abc": "plain number", "0.50": "You get €0.22 of €0.50"} {
		p := b.Get("/app/products/quote?price=" + url.QueryEscape(price)).Is(200).Has(want)
		if p.Doc().Find("#quote").Length() != 1 {
			t.Error(p.Body)
		}
	}
}

func TestArchivingThroughThePages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.sold(t, "Old one")
	b := w.browser(t, false)
	page := b.Get("/app/products/" + p.ID.String())
	b.Submit(page, "form.parchive", nil).Is(303).Goes("/app/products")
	b.Get("/app/products").Is(200).HasNot("Old one")
	b.Get("/app/products?archived=1").Is(200).Has("Old one").Has("Archived")
	page = b.Get("/app/products/" + p.ID.String()).Is(200).Has("Bring it back")
	if page.Doc().Find("#product").Length() != 0 {
		t.Error("an archived product has a form")
	}
	b.Submit(page, "form.parchive", nil).Is(303)
	b.Get("/app/products").Is(200).Has("Old one").Has("Draft")
}

func TestAFormSentWithoutASessionIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t, false)
	page := b.Get("/app/products/new").Is(200)
	b.Post("/test/out", nil).Is(204)
	gone := withFile(t, b, page, "draft", map[string]string{"name": "Typed before", "price": "7", "description": "long text"}, "upload", "a.pdf", []byte("%PDF-1.7"))
	if to := gone.Header.Get("Location"); to != "/login?next=%2Fresume" {
		t.Fatalf("%d %q", gone.Status, to)
	}
	kept := b.Get("/test/kept").Is(200)
	kept.Has("Typed before").Has("long text").HasNot("%PDF")
}
