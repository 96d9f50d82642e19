package builder_test

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/andybalholm/brotli"
	"golang.org/x/net/html"

	"vitrine/app/builder"
	"vitrine/app/config"
	"vitrine/app/db/dbtest"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/pagecache"
	"vitrine/app/products"
	"vitrine/app/storefronts"
	"vitrine/app/web"
	"vitrine/app/web/webtest"
	"vitrine/views/layout"
)

const (
	appURL  = "http://localhost:8080"
	shopURL = "http://shop.localhost:8080"
)

func testConfig() *config.Config {
	c := &config.Config{Port: 8080, SecretKey: config.Secret(strings.Repeat("s", 32)), Dev: true, StripeCheckoutOrigin: "https://checkout.stripe.com"}
	c.Complete()
	return c
}

type selection = goquery.Selection

// street is a world with its public pages.
type street struct {
	world
	front *builder.Front
	web   *webtest.Browser
}

func newStreet(t *testing.T) street {
	t.Helper()
	w := newWorld(t)
	w.Shops.ShopURL = shopURL
	cfg := testConfig()
	r, err := web.NewRouter(cfg, nil, web.NewLimiter(nil))
	if err != nil {
		t.Fatal(err)
	}
	f := &builder.Front{Service: w.Service, Cache: pagecache.New(pagecache.Options{}), Config: cfg}
	f.Routes(r)
	return street{w, f, webtest.New(t, r, shopURL)}
}

func (s street) home() string { return shopURL + "/@" + s.slug }

// open publishes and forgets what was drawn before, as the event would make it.
func (s street) open(t *testing.T) {
	t.Helper()
	s.publish(t)
	s.front.Cache.Drop(s.who.Shop.String())
}

func furnished(t *testing.T) street {
	s := newStreet(t)
	head := s.edit(t, s.add(t, builder.Header, id.Block{}), builder.Props{Title: "Noor Adeyemi", Text: "Wheel-thrown stoneware.", Status: "Next kiln opens Thursday",
		Socials: []builder.Social{{URL: "https://instagram.com/noor"}, {Label: "Write", URL: "noor@example.com"}}})
	s.shelf.put(products.Offer{Shop: s.who.Shop, Name: "Forty glazes", Slug: "forty-glazes", Summary: "PDF, 84 pages", Price: money.Amount{Minor: 1900, Currency: "EUR"}, Active: true,
		Cover: products.Picture{Alt: "A book", Width: 1600, Height: 1200, Color: "#aabbcc", Sources: []products.PictureSource{{Width: 720, URL: "http://media.localhost:8080/m/x/720.jpeg", Format: "jpeg"},
			{Width: 720, URL: "http://media.localhost:8080/m/x/720.webp", Format: "webp"}}}})
	s.shelf.put(products.Offer{Shop: s.who.Shop, Name: "Free guide", Slug: "guide", Price: money.Amount{Currency: "EUR"}, Active: true})
	s.shelf.put(products.Offer{Shop: s.who.Shop, Name: "Gone vase", Slug: "vase", Price: money.Amount{Minor: 6800, Currency: "EUR"}, Active: true, SoldOut: true})
	last := head
	for range 3 {
		last = s.add(t, builder.Product, last.ID)
	}
	last = s.edit(t, s.add(t, builder.Link, last.ID), builder.Props{Title: "Stockists", URL: "https://example.com/map", Note: "Map"})
	s.edit(t, s.add(t, builder.Contact, last.ID), builder.Props{Title: "Write to me", Text: "One.\n\nTwo.", Button: "Send it"})
	s.open(t)
	return s
}

func TestThePublicPageShowsThePublishedWindow(t *testing.T) {
	t.Parallel()
	s := furnished(t)
	p := s.web.Get(s.home()).Is(200)
	if got := p.Text("h1"); got != "Noor Adeyemi" {
		t.Errorf("h1 %q", got)
	}
	for sel, want := range map[string]string{
		".lede": "Wheel-thrown stoneware.", ".fascia .lamp": "Next kiln opens Thursday", ".social": "InstagramWrite", ".links a span:first-child": "Stockists",
		".contact h2": "Write to me", ".contact button": "Send it", "title": "Noor Adeyemi",
	} {
		if got := p.Text(sel); strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
			t.Errorf("%s: %q, want %q", sel, got, want)
		}
	}
	if got := p.Text(".mullion .tag"); got != "€19FreeSold out" {
		t.Errorf("tags %q", got)
	}
	for sel, want := range map[string]string{
		`link[rel=canonical]`: s.home(), `meta[property="og:url"]`: s.home(), `meta[property="og:title"]`: "Noor Adeyemi", `meta[name=description]`: "Wheel-thrown stoneware.",
		`html`: "en", `.mullion li:first-child a`: s.home() + "/p/forty-glazes", `.contact form`: s.home() + "/contact",
	} {
		n := p.Doc().Find(sel).First()
		got := n.AttrOr("content", n.AttrOr("href", n.AttrOr("lang", n.AttrOr("action", ""))))
		if got != want {
			t.Errorf("%s: %q, want %q", sel, got, want)
		}
	}
	if p.Doc().Find("img").Length() != 1 || p.Doc().Find("img").AttrOr("fetchpriority", "") != "high" || p.Doc().Find("img").AttrOr("width", "") == "" {
		t.Error("the first picture is not wanted first")
	}
	if p.Doc().Find("a.skip").AttrOr("href", "") != "#window" || p.Doc().Find("main#window").Length() != 1 {
		t.Error("no way past the header")
	}
}

func TestTheDataForMachinesIsWhole(t *testing.T) {
	t.Parallel()
	s := furnished(t)
	raw := s.web.Get(s.home()).Doc().Find(`script[type="application/ld+json"]`).Text()
	var d struct {
		Graph []struct {
			Type       string `json:"@type"`
			MainEntity struct {
				Name   string
				SameAs []string
			}
			ItemListElement []struct {
				Position int
				Item     struct {
					Name, URL string
					Offers    *struct{ Price, PriceCurrency, Availability string }
				}
			}
		} `json:"@graph"`
	}
	if err := json.Unmarshal([]byte(raw), &d); err != nil || len(d.Graph) != 2 {
		t.Fatalf("%v in %s", err, raw)
	}
	items := d.Graph[1].ItemListElement
	if d.Graph[0].Type != "ProfilePage" || len(d.Graph[0].MainEntity.SameAs) != 1 || len(items) != 3 {
		t.Fatalf("%+v", d)
	}
	if o := items[0].Item.Offers; o == nil || o.Price != "19.00" || o.PriceCurrency != "EUR" || !strings.HasSuffix(o.Availability, "InStock") {
		t.Errorf("%+v", items[0].Item)
	}
	if items[1].Item.Offers != nil || !strings.HasSuffix(items[2].Item.Offers.Availability, "SoldOut") {
		t.Errorf("%+v", items)
	}
}

func TestThePublicPageRunsNothingAndSetsNothing(t *testing.T) {
	t.Parallel()
	s := furnished(t)
	for _, look := range []storefronts.Look{{Theme: "daylight", BrandColor: "#2637c4", HeaderStyle: "awning"}, {Theme: "afterhours", BrandColor: "#2637c4", HeaderStyle: "plain"}, {Theme: "house", BrandColor: "#ffe600", HeaderStyle: "awning"}} {
		if _, err := s.Shops.SetLook(t.Context(), s.who, look); err != nil {
			t.Fatal(err)
		}
		s.open(t)
		p := s.web.Get(s.home()).Is(200)
		p.Doc().Find("script").Each(func(_ int, n *selection) {
			if n.AttrOr("type", "") != "application/ld+json" {
				t.Errorf("a script: %s", n.Text())
			}
		})
		if c := p.Header.Values("Set-Cookie"); len(c) > 0 {
			t.Errorf("a cookie: %v", c)
		}
		csp := p.Header.Get("Content-Security-Policy")
		style := between(p.Body, "<style>", "</style>")
		if style == "" || !strings.Contains(csp, "style-src '"+layout.StyleHash(style)+"'") || strings.Contains(csp, "script-src") || !strings.HasPrefix(csp, "default-src 'none'") {
			t.Errorf("%s: the policy %q does not name the style", look.Theme, csp)
		}
		if strings.Contains(p.Body, " style=") || regexp.MustCompile(`\son[a-z]+=`).MatchString(p.Body) || strings.Contains(strings.ReplaceAll(p.Body, "rel=\"canonical\"", ""), "stylesheet") {
			t.Errorf("%s: an inline style, a handler or an outside file", look.Theme)
		}
		if got := p.Doc().Find("html").AttrOr("data-theme", ""); got != look.Theme {
			t.Errorf("theme %q, want %q", got, look.Theme)
		}
		if p.Doc().Find(".awning").Length() == 1 != (look.HeaderStyle == "awning") {
			t.Errorf("%s: awning is wrong", look.Theme)
		}
		if strings.Contains(style, "[data-theme=house]{") != (look.Theme == "house") {
			t.Errorf("%s: house colours are wrong", look.Theme)
		}
	}
}

func between(s, a, b string) string {
	_, s, ok := strings.Cut(s, a)
	if !ok {
		return ""
	}
	s, _, _ = strings.Cut(s, b)
	return s
}

func TestLiveFactsAreLive(t *testing.T) {
	t.Parallel()
	s := furnished(t)
	offers, _ := s.shelf.OffersOfShop(t.Context(), nil, s.who.Shop)
	pot := offers[0]
	draw := func() *webtest.Page { s.front.Cache.DropAll(); return s.web.Get(s.home()).Is(200) }
	pot.Price.Minor, pot.Name = 2100, "Fifty glazes"
	s.shelf.put(pot)
	draw().Has("€21").Has("Fifty glazes").HasNot("Forty glazes")
	pot.SoldOut = true
	s.shelf.put(pot)
	if got := draw().Text(".mullion li:first-child .tag"); got != "Sold out" {
		t.Errorf("%q", got)
	}
	pot.Active = false
	s.shelf.put(pot)
	if p := draw().HasNot("Fifty glazes"); p.Doc().Find(".mullion li").Length() != 2 {
		t.Error("the others are gone, too")
	}
	s.web.Get(s.home() + "/p/" + pot.Slug).Is(404).Has("Not in the window any more")
}

func TestAProductAloneCanBeBoughtAtOnce(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	pot := s.product("Pot")
	b := s.add(t, builder.Product, id.Block{})
	s.open(t)
	buy := s.web.Get(s.home()).Is(200).Doc().Find("a.btn--go")
	if got := buy.AttrOr("href", ""); got != appURL+"/checkout/start?p="+pot.ID.String()+"&q=1" {
		t.Fatalf("%q", got)
	}
	s.product("Vase")
	s.add(t, builder.Product, b.ID)
	s.open(t)
	if p := s.web.Get(s.home()); p.Doc().Find("a.btn--go").Length() != 0 || p.Doc().Find(".mullion .lot").Length() != 2 {
		t.Fatal("two products do not share one window")
	}
}

func TestAddressesWithoutAShop(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	s.web.Get(s.home()).Is(404).Has("No window here") // not published
	s.web.Get(shopURL + "/@no-such-shop-" + id.Token()[:6]).Is(404).Has("No window here")
	s.web.Get(shopURL + "/@" + strings.Repeat("x", 300)).Is(404)
	s.web.Get(shopURL + "/@%3Cscript%3Ealert(1)%3C%2Fscript%3E").Is(404).HasNot("<script>alert")
	s.web.Get(shopURL + "/@%00%ff").Is(404)
	s.open(t)
	s.web.Get(s.home()).Is(200).Has("is setting up")
	s.web.Get(shopURL + "/@" + strings.ToUpper(s.slug)).Is(200)
	s.web.Get(s.home() + "/p/nothing").Is(404).Has("Not in the window any more")
	to := freshSlug()
	if _, err := s.Shops.Rename(t.Context(), s.who, "New name", to); err != nil {
		t.Fatal(err)
	}
	s.front.Cache.DropAll()
	s.web.Get(s.home()).Is(301).Goes(shopURL + "/@" + to)
	s.web.Get(s.home() + "/p/pot?x=1").Is(301).Goes(shopURL + "/@" + to + "/p/pot?x=1")
	s.web.Get(shopURL + "/@" + to).Is(200)
	if _, err := s.Shops.Unpublish(t.Context(), s.who); err != nil {
		t.Fatal(err)
	}
	s.front.Cache.DropAll()
	s.web.Get(shopURL + "/@" + to).Is(404)
}

func freshSlug() string { return "noor-" + id.Token()[:10] }

func TestAClosedShopSaysWhy(t *testing.T) {
	t.Parallel()
	s := furnished(t)
	if _, err := s.Shops.Close(t.Context(), s.who, "On <b>holiday</b> until June"); err != nil {
		t.Fatal(err)
	}
	s.front.Cache.DropAll()
	p := s.web.Get(s.home()).Is(200).Has("is closed for now").HasNot("Forty glazes").HasNot("<b>holiday").Has("Noor Adeyemi")
	if got := p.Text(".shut"); !strings.Contains(got, "On <b>holiday</b> until June") || !strings.Contains(got, "Closed since ") {
		t.Errorf("%q", got)
	}
	if p.Doc().Find("form, .btn--go").Length() != 0 {
		t.Error("something can be sent or bought")
	}
}

func TestTheSitemapListsWhatIsPublished(t *testing.T) {
	t.Parallel()
	s, hidden := furnished(t), newStreet(t)
	hidden.product("Secret")
	p := s.web.Get("/sitemap.xml").Is(200)
	var set struct {
		URLs []struct {
			Loc string `xml:"loc"`
		} `xml:"url"`
	}
	if err := xml.Unmarshal([]byte(p.Body), &set); err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, u := range set.URLs {
		have[u.Loc] = true
	}
	if !have[s.home()] || !have[s.home()+"/p/guide"] || have[hidden.home()] {
		t.Fatalf("%v", have)
	}
	s.web.Get("/robots.txt").Is(200).Has("Sitemap: " + shopURL + "/sitemap.xml")
}

func TestASecondVisitIsServedFromMemory(t *testing.T) {
	t.Parallel()
	s := furnished(t)
	p := s.web.Get(s.home()).Is(200)
	s.web.Header.Set("If-None-Match", p.Header.Get("ETag"))
	s.web.Get(s.home()).Is(304)
	s.web.Header.Del("If-None-Match")
	s.web.Header.Set("Accept-Encoding", "br")
	q := s.web.Get(s.home()).Is(200)
	b, err := io.ReadAll(brotli.NewReader(strings.NewReader(q.Body)))
	if err != nil || string(b) != p.Body || q.Header.Get("Content-Encoding") != "br" {
		t.Fatal("the compressed page is another one", err)
	}
	if n := len(q.Body); n > 10_000 {
		t.Errorf("%d bytes of HTML and CSS", n)
	}
	if q.Header.Get("Vary") != "Accept-Encoding" || !strings.Contains(q.Header.Get("Cache-Control"), "s-maxage=10") {
		t.Errorf("%v", q.Header)
	}
}

// The whole page is parsed strictly: every element that HTML wants closed is closed, ids are unique, and what
// refers to an id finds it.
func TestThePublicPageIsWellFormed(t *testing.T) {
	t.Parallel()
	s := furnished(t)
	wellFormed(t, s.web.Get(s.home()).Is(200))
	wellFormed(t, s.web.Get(s.home()+"/p/guide").Is(200))
	wellFormed(t, s.web.Get(shopURL+"/@nobody-here").Is(404))
}

var void = map[string]bool{"area": true, "base": true, "br": true, "col": true, "embed": true, "hr": true, "img": true, "input": true, "link": true, "meta": true, "source": true, "track": true, "wbr": true,
	"path": true, "circle": true}

func wellFormed(t *testing.T, p *webtest.Page) {
	t.Helper()
	z := html.NewTokenizer(strings.NewReader(p.Body))
	var open []string
	for {
		switch z.Next() {
		case html.ErrorToken:
			if len(open) > 0 {
				t.Errorf("%s: left open: %v", p.URL, open)
			}
			ids := map[string]int{}
			p.Doc().Find("[id]").Each(func(_ int, n *selection) { ids[n.AttrOr("id", "")]++ })
			for k, n := range ids {
				if n > 1 || k == "" || strings.ContainsAny(k, " \t") {
					t.Errorf("%s: %d elements with id %q", p.URL, n, k)
				}
			}
			for _, attr := range []string{"for", "aria-labelledby", "aria-describedby"} {
				p.Doc().Find("[" + attr + "]").Each(func(_ int, n *selection) {
					for _, ref := range strings.Fields(n.AttrOr(attr, "")) {
						if ids[ref] == 0 {
							t.Errorf("%s: %s=%q refers to nothing", p.URL, attr, ref)
						}
					}
				})
			}
			p.Doc().Find("a, button, input:not([type=hidden]), select, textarea").Not("template *").Each(func(_ int, n *selection) {
				if n.AttrOr("id", "") == "" {
					out, _ := n.Html()
					t.Errorf("%s: something focusable has no id: %s %s", p.URL, n.AttrOr("name", n.AttrOr("href", "")), out)
				}
			})
			return
		case html.StartTagToken:
			n, _ := z.TagName()
			if !void[string(n)] {
				open = append(open, string(n))
			}
		case html.EndTagToken:
			n, _ := z.TagName()
			if void[string(n)] {
				continue
			}
			if len(open) == 0 || open[len(open)-1] != string(n) {
				t.Errorf("%s: </%s> closes %v", p.URL, n, open)
				return
			}
			open = open[:len(open)-1]
		}
	}
}

func TestNothingACreatorWritesBecomesMarkup(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	evil := `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`
	s.shelf.put(products.Offer{Shop: s.who.Shop, Name: evil, Slug: "evil", Summary: evil, Price: money.Amount{Minor: 100, Currency: "EUR"}, Active: true, Cover: products.Picture{Alt: evil, Width: 1, Height: 1,
		Sources: []products.PictureSource{{Width: 1, URL: "http://media.localhost:8080/m/x/1.jpeg", Format: "jpeg"}}}})
	if _, err := s.Shops.Rename(t.Context(), s.who, evil, s.slug); err != nil {
		t.Fatal(err)
	}
	head := s.edit(t, s.add(t, builder.Header, id.Block{}), builder.Props{Title: evil, Text: evil, Status: evil[:50], Socials: []builder.Social{{Label: evil[:30], URL: "https://example.com"}}})
	prod := s.add(t, builder.Product, head.ID)
	s.edit(t, prod, builder.Props{Product: prod.Props.Product, Note: evil})
	s.edit(t, s.add(t, builder.Link, prod.ID), builder.Props{Title: evil, Note: evil[:40], URL: "https://example.com/?q=%3Cscript%3E"})
	s.edit(t, s.add(t, builder.Contact, prod.ID), builder.Props{Title: evil, Text: evil, Button: evil[:30]})
	s.open(t)
	for _, address := range []string{s.home(), s.home() + "/p/evil"} {
		p := s.web.Get(address).Is(200)
		noMarkup(t, p)
		wellFormed(t, p)
	}
}

func noMarkup(t *testing.T, p *webtest.Page) {
	t.Helper()
	p.Doc().Find("script").Each(func(_ int, n *selection) {
		if n.AttrOr("src", "") == "" && n.AttrOr("type", "") != "application/ld+json" {
			t.Errorf("%s: a script came through: %s", p.URL, n.Text())
		}
	})
	if p.Doc().Find("[onerror], img[src=x]").Length() > 0 || strings.Contains(p.Body, "<script>alert") || strings.Contains(p.Body, "<img src=x") {
		t.Errorf("%s: markup came through", p.URL)
	}
}

func TestAPageOutlivesTheDatabase(t *testing.T) {
	t.Parallel()
	s := furnished(t)
	s.web.Get(s.home()).Is(200)
	broken := dbtest.Fresh(t)
	broken.Close()
	s.front.Cache.Drop(s.who.Shop.String())
	s.front.Service.DB = broken
	s.web.Get(s.home()).Is(200).Has("Forty glazes")
	s.web.Get(shopURL + "/@someone-else").Is(503)
}
