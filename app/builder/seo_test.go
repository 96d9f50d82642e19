package builder_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"image/jpeg"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/app/builder"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/products"
	"vitrine/app/storage"
	"vitrine/app/web"
	"vitrine/app/web/webtest"
)

// drawer is a bucket of cards.
type drawer struct {
	mu   sync.Mutex
	kept map[string][]byte
	puts int
}

func (d *drawer) Get(_ context.Context, key string, _, _ int64) (io.ReadCloser, storage.Object, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, ok := d.kept[key]
	if !ok {
		return nil, storage.Object{}, storage.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(b)), storage.Object{}, nil
}

func (d *drawer) Put(_ context.Context, key, _ string, body io.ReadSeeker) error {
	b, err := io.ReadAll(body)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kept[key] = b
	d.puts++
	return err
}

func content(p *webtest.Page, selector string) string {
	n := p.Doc().Find(selector).First()
	return n.AttrOr("content", n.AttrOr("href", ""))
}

func TestTheHeadSaysWhatOthersNeed(t *testing.T) {
	t.Parallel()
	s := furnished(t)
	for _, path := range []string{"", "/p/forty-glazes"} {
		p := s.web.Get(s.home() + path).Is(200)
		at := s.home() + path
		for sel, want := range map[string]string{
			`link[rel=canonical]`: at, `link[hreflang=en]`: at, `link[hreflang=x-default]`: at, `meta[property="og:url"]`: at, `meta[property="og:image:width"]`: "1200", `meta[property="og:image:height"]`: "630",
			`meta[name="twitter:card"]`: "summary_large_image", `link[type="application/atom+xml"]`: s.home() + "/feed.xml", `link[type="application/feed+json"]`: s.home() + "/feed.json",
		} {
			if got := content(p, sel); got != want {
				t.Errorf("%s: %s is %q, want %q", at, sel, got, want)
			}
		}
		if img := content(p, `meta[property="og:image"]`); !strings.HasPrefix(img, "http://media.localhost:8080/card/") {
			t.Errorf("%s: the card is at %q", at, img)
		}
		if content(p, `meta[property="og:image:alt"]`) == "" || content(p, `meta[name=description]`) == "" || content(p, `meta[name=robots]`) != "" {
			t.Errorf("%s: the head is not whole", at)
		}
	}
}

func TestTitlesAndDescriptionsHaveSensibleLengths(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	long := strings.Repeat("Handmade stoneware ", 20)
	s.shelf.put(products.Offer{Shop: s.who.Shop, Name: strings.TrimSpace(long[:120]), Slug: "long", Summary: long, Price: money.Amount{Minor: 100, Currency: "EUR"}, Active: true})
	if _, err := s.Shops.Rename(t.Context(), s.who, strings.Repeat("Noor ", 15), s.slug); err != nil {
		t.Fatal(err)
	}
	head := s.edit(t, s.add(t, builder.Header, id.Block{}), builder.Props{Title: strings.TrimSpace(long[:80]), Text: strings.TrimSpace(long[:200])})
	s.add(t, builder.Product, head.ID)
	s.open(t)
	for _, path := range []string{"", "/p/long"} {
		p := s.web.Get(s.home() + path).Is(200)
		if n := len([]rune(p.Text("title"))); n > 70 || n < 20 {
			t.Errorf("%s: a title of %d characters", path, n)
		}
		if n := len([]rune(content(p, `meta[name=description]`))); n > 160 || n < 100 {
			t.Errorf("%s: a description of %d characters", path, n)
		}
		if !strings.Contains(p.Text("title"), "Noor") && path != "" {
			t.Errorf("%s: %q does not name the shop", path, p.Text("title"))
		}
	}
}

func TestWhatIsNotForSearchEnginesSaysSo(t *testing.T) {
	t.Parallel()
	s := furnished(t)
	check := func(path string, status int) {
		t.Helper()
		p := s.web.Get(s.home() + path).Is(status)
		if content(p, `meta[name=robots]`) != "noindex" || content(p, `link[rel=canonical]`) != "" && status != 200 {
			t.Errorf("%s is for search engines", path)
		}
	}
	check("/p/nothing", 404)
	if _, err := s.Shops.Close(t.Context(), s.who, "Holiday"); err != nil {
		t.Fatal(err)
	}
	s.front.Cache.Drop(s.who.Shop.String())
	check("", 200)
	check("/p/forty-glazes", 200)
	empty := newStreet(t)
	empty.open(t)
	if p := empty.web.Get(empty.home()).Is(200); content(p, `meta[name=robots]`) != "noindex" {
		t.Error("an empty window is for search engines")
	}
}

func TestTheDataForMachinesIsValid(t *testing.T) {
	t.Parallel()
	s := furnished(t)
	for _, name := range []string{"Noor's", `</script> "quoted" \ & <b>`} {
		if _, err := s.Shops.Rename(t.Context(), s.who, name, s.slug); err != nil {
			t.Fatal(err)
		}
		s.front.Cache.DropAll()
		for _, f := range webtest.SchemaFaults(t, s.web.Get(s.home()).Is(200).Doc().Find(`script[type="application/ld+json"]`).Text()) {
			t.Error(f)
		}
	}
}

func TestACardIsDrawnOnceAndKeptForEver(t *testing.T) {
	t.Parallel()
	s := furnished(t)
	d := &drawer{kept: map[string][]byte{}}
	s.front.Cards = d
	asked := ""
	s.front.Media = func(_ context.Context, url string) (io.ReadCloser, error) {
		asked = url
		return io.NopCloser(bytes.NewReader(onePixel(t))), nil
	}
	home, product := content(s.web.Get(s.home()), `meta[property="og:image"]`), content(s.web.Get(s.home()+"/p/forty-glazes"), `meta[property="og:image"]`)
	if home == product {
		t.Fatal("one card for two pages")
	}
	fastest := time.Minute
	for _, address := range []string{home, product, home} {
		began := time.Now()
		p := s.web.Get(address).Is(200)
		fastest = min(fastest, time.Since(began))
		img, err := jpeg.DecodeConfig(strings.NewReader(p.Body))
		if err != nil || img.Width != 1200 || img.Height != 630 || p.Header.Get("Content-Type") != "image/jpeg" || !strings.Contains(p.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %v, %v, %v", address, img, err, p.Header)
		}
	}
	if d.puts != 2 || !strings.HasSuffix(asked, "/m/x/720.jpeg") || fastest > time.Second {
		t.Errorf("%d drawn, picture %q, %v", d.puts, asked, fastest)
	}
	if _, err := s.Shops.Rename(t.Context(), s.who, "Another name", s.slug+"x"); err != nil {
		t.Fatal(err)
	}
	s.web.Get(home).Is(200) // what was drawn stays
	delete(d.kept, "cards/"+home[strings.LastIndexByte(home, '/')+1:])
	to := s.web.Get(home).Is(302).Header.Get("Location")
	if to == home || s.web.Get(to).Is(200).Body == "" {
		t.Errorf("the former card leads to %q", to)
	}
	for _, bad := range []string{"x.jpg", "../s", strings.Replace(home[strings.LastIndexByte(home, '/')+1:], "s", "q", 1), "s" + id.New[id.ShopKind]().String() + "-0123456789abcdef.jpg", "p" + id.New[id.ProductKind]().String() + "-0123456789abcdef.jpg"} {
		s.web.Get("http://media.localhost:8080/card/" + url.PathEscape(bad)).Is(404)
	}
}

func onePixel(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, pixel(), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFeedsHaveTheShapeOfTheirFormats(t *testing.T) {
	t.Parallel()
	s := furnished(t)
	p := s.web.Get(s.home() + "/feed.xml").Is(200)
	if ct := p.Header.Get("Content-Type"); ct != "application/atom+xml; charset=utf-8" {
		t.Error(ct)
	}
	var atom struct {
		XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
		ID      string   `xml:"id"`
		Title   string   `xml:"title"`
		Updated string   `xml:"updated"`
		Author  string   `xml:"author>name"`
		Links   []struct {
			Rel  string `xml:"rel,attr"`
			Href string `xml:"href,attr"`
		} `xml:"link"`
		Entries []struct {
			ID, Title, Updated, Summary string `xml:",any"`
			IDs                         string `xml:"id"`
			Name                        string `xml:"title"`
			At                          string `xml:"updated"`
			Words                       string `xml:"summary"`
			Links                       []struct {
				Rel  string `xml:"rel,attr"`
				Href string `xml:"href,attr"`
			} `xml:"link"`
		} `xml:"entry"`
	}
	if err := xml.Unmarshal([]byte(p.Body), &atom); err != nil {
		t.Fatal(err)
	}
	if atom.ID != "urn:uuid:"+s.who.Shop.String() || atom.Title == "" || atom.Author == "" || len(atom.Entries) != 3 || len(atom.Links) != 2 || atom.Links[0].Href != s.home()+"/feed.xml" {
		t.Errorf("%+v", atom)
	}
	if _, err := time.Parse(time.RFC3339, atom.Updated); err != nil {
		t.Error(err)
	}
	seen := map[string]bool{}
	for _, e := range atom.Entries {
		if _, err := time.Parse(time.RFC3339, e.At); err != nil || !strings.HasPrefix(e.IDs, "urn:uuid:") || seen[e.IDs] || e.Name == "" || e.Words == "" || len(e.Links) == 0 || !strings.HasPrefix(e.Links[0].Href, s.home()+"/p/") {
			t.Errorf("%+v, %v", e, err)
		}
		seen[e.IDs] = true
	}
	p = s.web.Get(s.home() + "/feed.json").Is(200)
	var feed struct {
		Version, Title string
		HomePageURL    string `json:"home_page_url"`
		FeedURL        string `json:"feed_url"`
		Items          []struct {
			ID, URL, Title string
			Text           string `json:"content_text"`
			Modified       string `json:"date_modified"`
		}
	}
	if err := json.Unmarshal([]byte(p.Body), &feed); err != nil {
		t.Fatal(err)
	}
	if feed.Version != "https://jsonfeed.org/version/1.1" || feed.Title == "" || feed.HomePageURL != s.home() || feed.FeedURL != s.home()+"/feed.json" || len(feed.Items) != 3 {
		t.Errorf("%+v", feed)
	}
	for _, i := range feed.Items {
		if i.ID == "" || i.URL == "" || i.Text == "" || i.Modified == "" {
			t.Errorf("%+v", i)
		}
	}
	s.web.Get(shopURL + "/@nobody-at-all/feed.xml").Is(404)
}

// domained is a street whose shop is shown at a domain of its own.
func domained(t *testing.T) (s street, domain string) {
	t.Helper()
	s = furnished(t)
	domain = "pots-" + strings.ToLower(id.Token()[:10]) + ".test"
	if err := s.DB.InTx(t.Context(), func(tx *dbTx) error { return s.Shops.SetDomain(t.Context(), tx, s.who.Shop, domain) }); err != nil {
		t.Fatal(err)
	}
	r, err := web.NewRouter(testConfig(), nil, web.NewLimiter(nil))
	if err != nil {
		t.Fatal(err)
	}
	s.front.Routes(r)
	r.Domains = func(_ context.Context, host string) (string, string, error) {
		if name, _, _ := strings.Cut(host, ":"); name == domain {
			return s.slug, domain, nil
		}
		return "", "", nil
	}
	s.web = webtest.New(t, r, "http://"+domain+":8080")
	s.front.Cache.DropAll()
	return s, domain
}

func TestAShopAtItsOwnDomain(t *testing.T) {
	t.Parallel()
	s, domain := domained(t)
	at := "http://" + domain + ":8080"
	s.web.Get(s.home()).Is(301).Goes(at)
	s.web.Get(s.home() + "/p/forty-glazes?utm=x&y=1").Is(301).Goes(at + "/p/forty-glazes?utm=x&y=1")
	s.web.Get(s.home() + "/feed.xml").Is(301).Goes(at + "/feed.xml")
	home := s.web.Get(at + "/").Is(200).Has("Forty glazes")
	if got := content(home, `link[rel=canonical]`); got != at {
		t.Errorf("canonical %q", got)
	}
	if strings.Contains(home.Body, "/@"+s.slug) {
		t.Error("a link leads to the shop host")
	}
	if csp := home.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "font-src "+at+"/assets/") {
		t.Errorf("the policy refuses the lettering: %s", csp)
	}
	p := s.web.Get(at + "/p/forty-glazes").Is(200)
	if got := content(p, `link[rel=canonical]`); got != at+"/p/forty-glazes" {
		t.Errorf("canonical %q", got)
	}
	s.web.Get(at + "/p/former-forty-glazes?x=1").Is(301).Goes(at + "/p/forty-glazes?x=1")
	s.web.Get(at + "/feed.json").Is(200).Has(at + "/p/forty-glazes")
	s.web.Get(at + "/robots.txt").Is(200).Has("Sitemap: " + at + "/sitemap.xml")
	m := s.web.Get(at + "/sitemap.xml").Is(200).Has("<loc>" + at + "/p/forty-glazes</loc>")
	if strings.Count(m.Body, "<url>") != 4 || strings.Contains(m.Body, "shop.localhost") {
		t.Errorf("the list of the domain: %s", m.Body)
	}
	if strings.Contains(s.web.Get(shopURL+"/sitemap.xml").Is(200).Body, domain) || strings.Contains(s.web.Get(shopURL+"/sitemap.xml").Body, s.slug) {
		t.Error("the shop host lists pages of the domain")
	}
	for _, path := range []string{"/@" + s.slug, "/preview/x", "/p", "/nothing", "/login", "/app/today"} {
		if got := s.web.Get(at + path).Status; got != 404 {
			t.Errorf("%s answers %d", path, got)
		}
	}
	for _, host := range []string{"evil.test", "www." + domain, domain + ".evil.test", "localhost.evil.test"} {
		s.web.Get("http://" + host + ":8080/").Is(421)
	}
	if err := s.DB.InTx(t.Context(), func(tx *dbTx) error { return s.Shops.SetDomain(t.Context(), tx, s.who.Shop, "") }); err != nil {
		t.Fatal(err)
	}
	s.front.Cache.Drop(s.who.Shop.String())
	s.web.Get(at + "/").Is(421) // whatever the table of hosts still believes
	s.web.Get(s.home()).Is(200)
}

func TestARenamedProductLeadsToItsAddress(t *testing.T) {
	t.Parallel()
	s := furnished(t)
	s.web.Get(s.home() + "/p/former-forty-glazes").Is(301).Goes(s.home() + "/p/forty-glazes")
	s.web.Get(s.home() + "/p/former-nothing").Is(404)
	if !slices.Contains(s.web.Get(s.home()+"/p/forty-glazes").Header.Values("Vary"), "Accept-Encoding") {
		t.Error("not a page of the cache")
	}
}
