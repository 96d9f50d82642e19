package builder_test

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"vitrine/app/builder"
	"vitrine/app/config"
	"vitrine/app/id"
	"vitrine/app/pagecache"
	"vitrine/app/storefronts"
	"vitrine/app/web"
	"vitrine/app/web/webtest"
)

// studio is a creator at the window, in a browser with or without script.
type studio struct {
	world
	b    *webtest.Browser
	htmx bool
}

type people struct{ shops *storefronts.Service }

func (p people) Person(ctx context.Context, user id.User, chosen id.Shop) (web.Person, error) {
	sh, err := p.shops.FirstOf(ctx, user, chosen)
	return web.Person{ID: user, Verified: true, Role: "creator", Name: "Ada", TimeZone: "Europe/Paris", Shop: sh.ID, ShopName: sh.Name, ShopSlug: sh.Slug, Currency: string(sh.Currency)}, err
}

func newStudio(t *testing.T, htmx bool) studio {
	t.Helper()
	w := newWorld(t)
	w.Shops.ShopURL = shopURL
	return studio{w, w.browser(t), htmx}
}

func (w world) browser(t *testing.T) *webtest.Browser { return w.browserAt(t, testConfig()) }

func (w world) browserAt(t *testing.T, cfg *config.Config) *webtest.Browser {
	t.Helper()
	r, err := web.NewRouter(cfg, web.NewSessions(cfg, w.DB), web.NewLimiter(nil))
	if err != nil {
		t.Fatal(err)
	}
	r.People = people{w.Shops}
	r.On(web.App, "/test", web.Anyone).POST("/in", func(c echo.Context) error {
		if err := web.SignIn(c, w.who.User); err != nil {
			return err
		}
		return c.NoContent(204)
	})
	front := &builder.Front{Service: w.Service, Cache: pagecache.New(pagecache.Options{}), Config: cfg}
	(&builder.Handler{Service: w.Service, Front: front}).Routes(r)
	front.Routes(r)
	b := webtest.New(t, r, cfg.AppURL)
	b.Post("/test/in", nil).Is(204)
	return b
}

func (s studio) get(path string) *webtest.Page {
	s.b.HTMX = false
	return s.b.Get(path)
}

// post sends a form in the way of the studio's browser.
func (s studio) post(path string, form url.Values) *webtest.Page {
	s.b.HTMX = s.htmx
	defer func() { s.b.HTMX = false }()
	return s.b.Post(path, form)
}

func both(t *testing.T, f func(t *testing.T, s studio)) {
	t.Parallel()
	for name, htmx := range map[string]bool{"htmx": true, "plain": false} {
		t.Run(name, func(t *testing.T) { f(t, newStudio(t, htmx)) })
	}
}

func path(b id.Block, what string) string { return "/app/window/blocks/" + b.String() + what }

// saved checks the answer to a change of structure: the list with what stands around it, or a page to go to.
func (s studio) saved(t *testing.T, p *webtest.Page, to string) *webtest.Page {
	t.Helper()
	if !s.htmx {
		p.Is(303).Goes(to)
		to, _, _ = strings.Cut(to, "#")
		return s.get(to).Is(200)
	}
	p.Is(200)
	if p.Doc().Find("ol#blocks").Length() != 1 {
		t.Fatalf("no list in\n%s", p.Body)
	}
	oob := p.Doc().Find("[hx-swap-oob]")
	if n := oob.Length(); n < 4 || n > 5 {
		t.Errorf("%d parts out of band", n)
	}
	if p.Doc().Find("#dock[hx-swap-oob], #save-state[hx-swap-oob], #publish-count[hx-swap-oob]").Length() != 3 {
		t.Errorf("the dock, the state or the count is missing")
	}
	if !slices.Contains(p.Header.Values("Vary"), "HX-Request") {
		t.Errorf("Vary %q", p.Header.Values("Vary"))
	}
	return p
}

func TestAddingInBothBrowsers(t *testing.T) {
	both(t, func(t *testing.T, s studio) {
		p := s.get("/app/window").Is(200).Has("Your window is empty")
		wellFormed(t, p)
		sheet := s.get("/app/window/add").Is(200)
		wellFormed(t, sheet)
		if n := sheet.Doc().Find("button.kind").Length(); n != len(builder.Kinds) {
			t.Fatalf("%d kinds offered", n)
		}
		form := webtest.Filled(sheet.Doc().Find("form:has(#add-header)"))
		fresh, _ := id.Parse[id.BlockKind](form.Get("id"))
		for range 2 { // a double click
			s.saved(t, s.post("/app/window/blocks", form), "/app/window?b="+fresh.String()+"#blk-"+fresh.String()).Has("Beside the lamp").Has("data-autofocus")
		}
		if got := s.order(t); !slices.Equal(got, []id.Block{fresh}) {
			t.Fatalf("%v", got)
		}
		again := s.get("/app/window/add?after=" + fresh.String()).Is(200)
		if again.Doc().Find("#add-header").Length() != 0 {
			t.Error("a second header is offered")
		}
		form.Set("id", id.New[id.BlockKind]().String())
		if p := s.post("/app/window/blocks", form).Is(409); !strings.Contains(p.Body+p.Header.Get("HX-Trigger"), "already has a header") {
			t.Errorf("no reason: %s", p.Body)
		}
		form = webtest.Filled(again.Doc().Find("form:has(#add-link)"))
		link, _ := id.Parse[id.BlockKind](form.Get("id"))
		s.saved(t, s.post("/app/window/blocks", form), "/app/window?b="+link.String()+"#blk-"+link.String()).Has("Where it leads")
		if got := s.order(t); !slices.Equal(got, []id.Block{fresh, link}) {
			t.Fatalf("%v", got)
		}
		for _, bad := range []url.Values{{"kind": {"script"}, "id": {id.New[id.BlockKind]().String()}}, {"kind": {"link"}}, {"kind": {"link"}, "id": {"x"}}} {
			if p := s.post("/app/window/blocks", bad); p.Status != 422 && p.Status != 404 {
				t.Errorf("%v: %d", bad, p.Status)
			}
		}
	})
}

func TestMovingHidingRemovingInBothBrowsers(t *testing.T) {
	both(t, func(t *testing.T, s studio) {
		var ids []id.Block
		for _, n := range []string{"A", "B", "C"} {
			b := s.add(t, builder.Link, last(ids))
			s.edit(t, b, builder.Props{Title: n, URL: "https://example.com"})
			ids = append(ids, b.ID)
		}
		a, b, c := ids[0], ids[1], ids[2]
		open := "/app/window?b=" + a.String() + "#blk-" + a.String()
		want := func(w ...id.Block) {
			t.Helper()
			if got := s.order(t); !slices.Equal(got, w) {
				t.Fatalf("order %v, want %v", got, w)
			}
		}
		p := s.saved(t, s.post(path(a, "/move"), url.Values{"to": {"down"}, "open": {a.String()}}), open)
		want(b, a, c)
		if s.htmx && p.Text("#say") != "A, position 2 of 3" {
			t.Errorf("said %q", p.Text("#say"))
		}
		if p.Doc().Find("#edit-"+a.String()).Length() != 1 {
			t.Error("the open block has closed")
		}
		s.saved(t, s.post(path(a, "/move"), url.Values{"to": {"up"}}), "/app/window")
		want(a, b, c)
		if p := s.post(path(a, "/move"), url.Values{"to": {"up"}}); s.htmx {
			p.Is(204)
		} else {
			p.Is(303)
		}
		places := s.get(path(c, "/place")).Is(200).Has("C is here")
		s.saved(t, s.post(path(c, "/move"), webtest.Filled(places.Doc().Find("form:has(#place-1)"))), "/app/window?b="+c.String()+"#blk-"+c.String())
		want(c, a, b)
		s.saved(t, s.post("/app/window/move", url.Values{"id": {c.String()}, "after": {b.String()}}), "/app/window")
		want(a, b, c)
		s.saved(t, s.post("/app/window/move", url.Values{"id": {c.String()}, "after": {""}}), "/app/window")
		want(c, a, b)
		for _, bad := range []url.Values{{"id": {"x"}}, {"id": {id.New[id.BlockKind]().String()}}, {"id": {c.String()}, "after": {"x"}}} {
			s.post("/app/window/move", bad).Is(404)
		}
		s.post(path(a, "/move"), url.Values{"to": {"sideways"}}).Is(422)

		p = s.saved(t, s.post(path(a, "/hide"), url.Values{"open": {a.String()}}), open)
		if got := p.Text("#dock-hide"); got != "Show" {
			t.Errorf("the dock offers %q", got)
		}
		s.saved(t, s.post(path(a, "/show"), nil), "/app/window")

		fresh := id.New[id.BlockKind]()
		s.saved(t, s.post(path(a, "/copy"), url.Values{"fresh": {fresh.String()}}), "/app/window?b="+fresh.String()+"#blk-"+fresh.String())
		want(c, a, fresh, b)

		p = s.saved(t, s.post(path(a, "/remove"), nil), "/app/window?removed="+a.String())
		want(c, fresh, b)
		if s.htmx {
			var trigger struct{ Toast struct{ Text, Undo string } }
			if err := json.Unmarshal([]byte(p.Header.Get("HX-Trigger")), &trigger); err != nil || trigger.Toast.Undo != path(a, "/restore") || trigger.Toast.Text != "Removed: A" {
				t.Fatalf("%v %+v", err, trigger)
			}
			s.saved(t, s.post(trigger.Toast.Undo, nil), "")
		} else {
			s.b.Submit(p, "form:has(#bring-back)", nil).Is(303)
		}
		want(c, a, fresh, b)
		s.post(path(id.New[id.BlockKind](), "/remove"), nil).Is(404)
		s.post("/app/window/blocks/x/remove", nil).Is(404)
	})
}

func last(ids []id.Block) id.Block {
	if len(ids) == 0 {
		return id.Block{}
	}
	return ids[len(ids)-1]
}

func TestEditingWithScriptNeverTouchesTheText(t *testing.T) {
	t.Parallel()
	s := newStudio(t, true)
	b := s.add(t, builder.Link, id.Block{})
	form := url.Values{"bv": {"1"}, "title": {"Map"}, "url": {"example.com"}, "note": {""}}
	patch := func(f url.Values) *webtest.Page {
		s.b.HTMX = true
		defer func() { s.b.HTMX = false }()
		return s.b.Do("PATCH", path(b.ID, ""), "application/x-www-form-urlencoded", f.Encode())
	}
	p := patch(form).Is(200)
	for _, id := range []string{"bv-" + b.ID.String(), "save-state", "publish-count", "errs-" + b.ID.String(), "conflict-" + b.ID.String()} {
		if p.Doc().Find("#"+id+"[hx-swap-oob]").Length() != 1 {
			t.Errorf("no #%s out of band", id)
		}
	}
	if p.Doc().Find("body > :not([hx-swap-oob])").Length() != 0 {
		t.Errorf("something is not out of band: %s", p.Body)
	}
	if p.Doc().Find("textarea, input:not([type=hidden])").Length() != 0 {
		t.Errorf("a field came back: %s", p.Body)
	}
	if got := p.Doc().Find("#bv-"+b.ID.String()).AttrOr("value", ""); got != "2" {
		t.Errorf("version %s", got)
	}
	if !strings.Contains(p.Text("#save-state"), "Saved ") || p.Text("#publish-count") != "Publish 2" {
		t.Errorf("%q %q", p.Text("#save-state"), p.Text("#publish-count"))
	}
	form.Set("bv", "2")
	patch(form).Is(204) // input and change may both fire
	form.Set("url", "javascript:alert(1)")
	p = patch(form).Is(422)
	if p.Header.Get("HX-Reswap") != "none" || !strings.Contains(p.Text("#errs-"+b.ID.String()), "https://example.com") || p.Text("#save-state") != "Not saved yet" || p.Doc().Find("[name=faulty]").Length() != 1 {
		t.Errorf("%v\n%s", p.Header, p.Body)
	}
	form.Set("url", "example.com")
	form.Set("faulty", "1")
	p = patch(form).Is(200) // back to what is saved: the message must go
	if p.Text("#errs-"+b.ID.String()) != "" {
		t.Error("the message stays")
	}
	form.Set("title", "Mine")
	form.Set("bv", "1")
	p = patch(form).Is(409)
	if p.Header.Get("HX-Reswap") != "none" || !strings.Contains(p.Text("#conflict-"+b.ID.String()), "Changed on another device at") || p.Doc().Find("#bv-"+b.ID.String()).Length() != 0 {
		t.Errorf("%v\n%s", p.Header, p.Body)
	}
	keep := webtest.Filled(p.Doc().Find("form:has([name=keep])"))
	s.saved(t, s.post(path(b.ID, ""), keep), "").Has(`value="Mine"`)
	if now, _ := s.Block(t.Context(), s.DB, s.who, b.ID); now.Props.Title != "Mine" || now.V != 3 {
		t.Errorf("%+v", now)
	}
	patch(url.Values{"bv": {"3"}}).Is(200)
	s.b.HTMX = true
	s.b.Do("PATCH", path(id.New[id.BlockKind](), ""), "application/x-www-form-urlencoded", "").Is(404)
}

func TestEditingWithoutScript(t *testing.T) {
	t.Parallel()
	s := newStudio(t, false)
	b := s.add(t, builder.Header, id.Block{})
	address := "/app/window?b=" + b.ID.String()
	edit := "#edit-" + b.ID.String()
	p := s.get(address).Is(200)
	wellFormed(t, p)
	if p.Doc().Find("noscript").Length() == 0 {
		t.Fatal("no button to save")
	}
	s.b.Submit(p, edit, map[string]string{"title": "Noor", "text": "Pots.", "url1": "instagram.com/noor", "url3": "noor@example.com", "label3": "Write"}).Is(303).Goes(address + "#blk-" + b.ID.String())
	now, _ := s.Block(t.Context(), s.DB, s.who, b.ID)
	if want := []builder.Social{{Label: "Instagram", URL: "https://instagram.com/noor"}, {Label: "Write", URL: "mailto:noor@example.com"}}; !slices.Equal(now.Props.Socials, want) {
		t.Fatalf("%+v", now.Props.Socials)
	}
	bad := s.b.Submit(s.get(address), edit, map[string]string{"title": "Still typed", "url2": "javascript:alert(1)"}).Is(422)
	wellFormed(t, bad)
	if bad.Doc().Find("[name=title]").AttrOr("value", "") != "Still typed" || bad.Doc().Find("[name=url2]").AttrOr("value", "") != "javascript:alert(1)" {
		t.Fatal("what was typed is lost")
	}
	bad.Has("Where else to find you: Write an address like")

	old := s.get(address)
	s.edit(t, now, builder.Props{Title: "Theirs"})
	clash := s.b.Submit(old, edit, map[string]string{"title": "Mine"}).Is(409).Has("Changed on another device at")
	wellFormed(t, clash)
	if clash.Doc().Find("[name=title]").First().AttrOr("value", "") != "Mine" {
		t.Fatal("what was typed is lost")
	}
	if got := clash.Text(".clash .two"); !strings.Contains(got, "Mine") || !strings.Contains(got, "Theirs") {
		t.Errorf("%q", got)
	}
	s.b.Submit(clash, ".clash form", nil).Is(303)
	if now, _ := s.Block(t.Context(), s.DB, s.who, b.ID); now.Props.Title != "Mine" {
		t.Fatalf("%+v", now)
	}
}

func TestPublishingInBothBrowsers(t *testing.T) {
	both(t, func(t *testing.T, s studio) {
		s.product("Pot")
		s.add(t, builder.Product, id.Block{})
		p := s.get("/app/window/publish").Is(200).Has("Product added: Pot").Has("has no picture")
		wellFormed(t, p)
		form := webtest.Filled(p.Doc().Find("form:has(#publish-now)"))
		gone := 303
		if s.htmx {
			gone = 204
		}
		s.post("/app/window/publish", form).Is(gone).Goes("/app/window/publish")
		p = s.get("/app/window/publish").Is(200).Has("Everyone sees it now.").Has(shopURL + "/@" + s.slug)
		wellFormed(t, p)
		if p.Doc().Find("#publish-now").Length() != 0 {
			t.Error("nothing to publish, yet a button")
		}
		s.add(t, builder.Contact, id.Block{})
		s.post("/app/window/publish", form).Is(409).Has("has changed since you looked").Has("Contact form added")
		s.post("/app/window/publish", url.Values{"seq": {"x"}}).Is(409)
		form = webtest.Filled(s.get("/app/window/publish").Doc().Find("form:has(#publish-now)"))
		s.post("/app/window/publish", form).Is(gone)
		if len(s.content(t).Blocks) != 2 {
			t.Fatal("not published")
		}
		s.post("/app/window/publish/undo", nil).Is(gone)
		if len(s.content(t).Blocks) != 1 {
			t.Fatal("not taken back")
		}
		s.post("/app/window/unpublish", nil).Is(gone)
		if s.content(t) != nil {
			t.Fatal("still public")
		}
		s.post("/app/window/publish/undo", nil).Is(409)
		s.post("/app/window/unpublish", nil).Is(409)
	})
}

func TestTheming(t *testing.T) {
	both(t, func(t *testing.T, s studio) {
		p := s.get("/app/window/theme").Is(200)
		wellFormed(t, p)
		form := func() url.Values {
			return webtest.Filled(s.get("/app/window/theme").Doc().Find("form[action='/app/window/theme']"))
		}
		look := func() storefronts.Look {
			sh, err := s.Shops.Mine(t.Context(), s.DB, s.who)
			if err != nil {
				t.Fatal(err)
			}
			return sh.Look()
		}
		ok := 303
		if s.htmx {
			ok = 200
		}
		f := form()
		f.Set("hex", "FFE600")
		s.post("/app/window/theme", f).Is(ok)
		if got := look(); got != (storefronts.Look{Theme: "house", BrandColor: "#ffe600", HeaderStyle: "awning"}).Whole() {
			t.Fatalf("%+v", got)
		}
		s.get("/app/window/theme").Is(200).Has("We adjusted the lettering").Has("/app/window/theme.css?c=ffe600")
		s.get("/app/window").Has("/app/window/theme.css?c=ffe600").Has(`data-theme="house"`)
		for _, way := range []string{"pick", "swatch"} {
			f = form()
			f.Set(way, map[string]string{"pick": "#112233", "swatch": "#0b6e4f"}[way])
			s.post("/app/window/theme", f).Is(ok)
			if look().BrandColor != f.Get(way) {
				t.Fatalf("%s: %+v", way, look())
			}
		}
		f = form()
		f.Set("theme", "afterhours")
		f.Set("header", "plain")
		s.post("/app/window/theme", f).Is(ok)
		if got := look(); got.Theme != "afterhours" || got.HeaderStyle != "plain" || got.BrandColor != "#0b6e4f" {
			t.Fatalf("%+v", got)
		}
		f.Set("hex", "red;}body{display:none")
		p = s.post("/app/window/theme", f).Is(422)
		if p.Doc().Find("[name=hex]").AttrOr("value", "") != "red;}body{display:none" {
			t.Error("what was typed is lost")
		}
		css := s.get("/app/window/theme.css?c=ffe600").Is(200)
		if !strings.HasPrefix(css.Header.Get("Content-Type"), "text/css") || !strings.HasPrefix(css.Body, "[data-theme=house]{") {
			t.Errorf("%v %s", css.Header, css.Body)
		}
		for _, c := range []string{"", "x", "red}", "ffe600;}*{", url.QueryEscape("</style>")} {
			s.get("/app/window/theme.css?c=" + c).Is(404)
		}
	})
}

// preview follows the way from the window to the draft on the shop host.
func (s studio) preview(t *testing.T) *webtest.Page {
	t.Helper()
	to := s.get("/app/window/preview").Is(303).Header.Get("Location")
	if !strings.HasPrefix(to, shopURL+"/preview/") {
		t.Fatalf("the preview is at %s", to)
	}
	return s.get(to)
}

func TestThePreviewIsThePublicPage(t *testing.T) {
	t.Parallel()
	s := newStudio(t, false)
	s.product("Pot")
	s.edit(t, s.add(t, builder.Link, id.Block{}), builder.Props{Title: "Map", URL: "https://example.com"})
	s.add(t, builder.Product, id.Block{})
	p := s.preview(t).Is(200).Has("Pot").Has("Map").Has("Preview of a draft.")
	wellFormed(t, p)
	csp := p.Header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "form-action 'none'") || strings.Contains(csp, "script-src") || !strings.Contains(csp, "'sha256-") {
		t.Errorf("%q", csp)
	}
	if p.Doc().Find("meta[name=robots]").AttrOr("content", "") != "noindex" || p.Header.Get("Cache-Control") != "no-store" {
		t.Error("a preview may be indexed or kept")
	}
	if s.content(t) != nil {
		t.Error("looking at it published it")
	}
	s.get(p.URL.String() + "!").Is(404)
	whose := newStudio(t, false)
	mine, theirs := strings.Split(p.URL.String(), "/preview/")[1], whose.preview(t).URL.String()
	s.get(strings.Replace(theirs, whose.who.Shop.String(), strings.Split(mine, ".")[0], 1)).Is(404)
	late := strings.Split(mine, ".")
	late[2] = "zzzz"
	s.get(shopURL + "/preview/" + strings.Join(late, ".")).Is(404)
}

func TestTheWindowIsItsCreatorsOwn(t *testing.T) {
	t.Parallel()
	s, thief := newStudio(t, true), newStudio(t, true)
	b := s.add(t, builder.Link, id.Block{})
	for _, what := range []string{"/move", "/copy", "/hide", "/show", "/remove", "/restore", ""} {
		thief.post(path(b.ID, what), url.Values{"to": {"up"}, "fresh": {id.New[id.BlockKind]().String()}, "title": {"Stolen"}, "bv": {"1"}}).Is(404)
	}
	thief.get(path(b.ID, "/place")).Is(404)
	thief.get("/app/window?b=" + b.ID.String()).Is(200).HasNot(b.ID.String())
	thief.get("/app/window?removed=" + b.ID.String()).Is(200).HasNot(b.ID.String())
	if now, _ := s.Block(t.Context(), s.DB, s.who, b.ID); now.V != 1 || now.Hidden {
		t.Fatalf("%+v", now)
	}
}
