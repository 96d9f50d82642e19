package builder

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"vitrine/app/card"
	"vitrine/app/config"
	"vitrine/app/errs"
	"vitrine/app/live"
	"vitrine/app/pagecache"
	"vitrine/app/products"
	"vitrine/app/storefronts"
	"vitrine/app/web"
	"vitrine/static"
	"vitrine/views/layout"
	views "vitrine/views/storefronts"
	"vitrine/views/text"
	"vitrine/views/ui"
)

// Front is what visitors see of shops: pages without script and cookie, the same for everyone.
type Front struct {
	*Service
	Cache  *pagecache.Cache
	Config *config.Config
	Cards  Cards                                                        // nil: cards are drawn anew each time
	Media  func(ctx context.Context, url string) (io.ReadCloser, error) // opens a picture; nil: cards have none
}

// Shown is a published shop with its content.
type Shown struct {
	storefronts.Shop
	Content Content
	URL     string
	At      time.Time // as of when: scheduled blocks come and go
}

// Page is a public page before it gets the shop's frame.
type Page struct {
	Status             int // 0 is 200
	Title, Description string
	Path               string // under the shop's address: "", "/p/pot"
	OGType             string
	JSONLD             any
	sign               *sign  // what its card shows; nil for none
	moved              string // to which path of the shop it has moved; empty: it is here
	NoIndex            bool
	Inline             bool // even a long stylesheet of the shop's own stands in the page: a draft's cannot be fetched
	Main, Bar          templ.Component
	Tags               []string  // what it shows beside the shop: ids of products
	Frames             []string  // hosts whose frames a visitor may open
	Until              time.Time // when a scheduled block comes or goes; zero: never
}

// Draw makes a page of a shop.
type Draw func(ctx context.Context, sh Shown) (Page, error)

// Routes are those of the shop host that anyone may read.
func (f *Front) Routes(r *web.Router) {
	g := r.On(web.Shop, "", web.NoCookie)
	g.GET("/@:slug", f.home)
	g.GET("/@:slug/p/:product", f.product)
	g.GET("/@:slug/style/:name", f.style)
	g.GET("/preview/:token", f.preview)
	g.GET("/@:slug/feed.xml", f.atom)
	g.GET("/@:slug/feed.json", f.jsonFeed)
	g.GET("/sitemap.xml", f.sitemap)
	g.GET("/robots.txt", f.robots)
	r.On(web.Media, "", web.NoCookie).GET("/card/:name", f.card)
}

// Listen drops pages from memory when what they show has changed.
func (f *Front) Listen(l *live.Listener) {
	shop := func(shop string) {
		f.Cache.Drop(shop)
		f.Cache.Drop(sitemapTag)
	}
	l.AtOnce(storefronts.Published, shop)
	l.AtOnce(storefronts.Gone, f.Cache.Forget)
	l.AtOnce("products.changed", shop)
	l.AtOnce(Pictured, shop)
	l.AtOnce("inventory.changed", f.Cache.Drop)
	l.OnStart(f.Cache.Clear)
	l.OnGap(f.Cache.DropAll)
}

func (f *Front) home(c echo.Context) error {
	return f.Serve(c, "", func(ctx context.Context, sh Shown) (Page, error) {
		g, err := f.goodsOf(ctx, f.DB, sh.ID, sh.Content)
		if err != nil {
			return Page{}, err
		}
		return f.drawHome(ctx, sh, g), nil
	})
}

func (f *Front) product(c echo.Context) error {
	slug := strings.ToLower(c.Param("product"))
	return f.Serve(c, "/p/"+slug, func(ctx context.Context, sh Shown) (Page, error) { return f.drawProduct(ctx, sh, slug) })
}

func (f *Front) drawProduct(ctx context.Context, sh Shown, slug string) (Page, error) {
	p, err := f.Products.PublicPage(ctx, f.DB, products.PublicShop{ID: sh.ID, Name: sh.Name, URL: sh.URL, Closed: sh.Closed, AppURL: f.Config.AppURL}, slug)
	if errs.Is(err, errs.NotFound) {
		if now, moved := f.Products.Moved(ctx, f.DB, sh.ID, slug); moved == nil {
			return Page{moved: "/p/" + now}, nil
		} else if !errs.Is(moved, errs.NotFound) {
			return Page{}, moved
		}
	}
	if err != nil {
		return Page{}, err
	}
	return Page{Title: headTitle(p.Title, sh.Name), Description: clip(p.Description, descriptionRunes), Path: "/p/" + slug, OGType: "product", JSONLD: p.JSONLD, NoIndex: sh.Closed,
		Main: p.Main, Bar: p.Bar, Tags: []string{p.Product.String()}, sign: productSign(sh, p)}, nil
}

// Fresh draws a shop's front page past the cache: what a miss costs.
func (f *Front) Fresh(ctx context.Context, slug string) (pagecache.Page, error) {
	sh, err := f.Find(ctx, slug)
	if err != nil {
		return pagecache.Page{}, err
	}
	g, err := f.goodsOf(ctx, f.DB, sh.ID, sh.Content)
	if err != nil {
		return pagecache.Page{}, err
	}
	return f.framed(ctx, sh, f.drawHome(ctx, sh, g))
}

// Serve answers a GET with a page of the shop whose slug is in the address, from memory if it is there. path is
// the page's address under the shop's.
func (f *Front) Serve(c echo.Context, path string, draw Draw) error {
	slug, domain := strings.ToLower(c.Param("slug")), web.Domain(c.Request().Context())
	return f.Cache.Serve(keepQuery(c), c.Request(), pageKey(domain, slug, path), func(ctx context.Context) (pagecache.Page, error) {
		sh, err := f.Find(ctx, slug)
		if errs.Is(err, errs.NotFound) {
			return f.nothing(ctx, slug, path)
		}
		if errs.Is(err, errs.Gone) {
			return f.gone(ctx, sh, path)
		}
		if err != nil {
			return pagecache.Page{}, err
		}
		if sh.Domain != domain {
			return elsewhere(sh, domain, path), nil
		}
		p, err := draw(ctx, sh)
		switch errs.KindOf(err) {
		case "":
		case errs.NotFound, errs.Gone:
			p = Page{Status: web.Status(err), Title: sh.Name, Path: path, NoIndex: true, Main: views.Gone(views.GoneProps{Shop: sh.Name, URL: sh.URL})}
		default:
			return pagecache.Page{}, err
		}
		if p.moved != "" {
			return pagecache.Page{Status: http.StatusMovedPermanently, Location: sh.URL + p.moved}, nil
		}
		return f.framed(ctx, sh, p)
	})
}

// Answer sends a page that is for one visitor alone, such as a form that could not be taken.
func (f *Front) Answer(c echo.Context, sh Shown, p Page) error {
	out, err := f.framed(c.Request().Context(), sh, p)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Security-Policy", out.CSP)
	h.Set("Cache-Control", "no-store")
	return c.HTMLBlob(out.Status, out.Body)
}

// Find reads a published shop; unknown and unpublished ones are errs.NotFound.
func (f *Front) Find(ctx context.Context, slug string) (Shown, error) {
	if !storefronts.ValidSlug(slug) {
		return Shown{}, errs.New(errs.NotFound, "There is no shop at this address.")
	}
	sh, err := f.Shops.Shown(ctx, f.DB, slug)
	if err != nil {
		return Shown{}, err
	}
	if sh.Deleted {
		return Shown{Shop: sh.Shop}, errs.New(errs.Gone, "This shop is gone.")
	}
	if sh.Content == nil {
		return Shown{}, errs.New(errs.NotFound, "This window is not open yet.")
	}
	out := Shown{Shop: sh.Shop, URL: f.Shops.URL(sh.Shop), At: f.DB.Now()}
	if err := json.Unmarshal(sh.Content, &out.Content); err != nil {
		return Shown{}, fmt.Errorf("read version %s: %w", sh.PublishedVersion, err)
	}
	return out, nil
}

// nothing leads from a former address to the present one, or says that there is no shop.
func (f *Front) nothing(ctx context.Context, slug, path string) (pagecache.Page, error) {
	now, err := f.Shops.Moved(ctx, slug)
	if err == nil {
		return pagecache.Page{Status: http.StatusMovedPermanently, Location: f.Shops.ShopURL + "/@" + now + path}, nil
	}
	if !errs.Is(err, errs.NotFound) {
		return pagecache.Page{}, err
	}
	sh := Shown{Content: Content{Look: storefronts.Look{Theme: "daylight", HeaderStyle: "plain"}}, URL: f.Config.AppURL}
	return f.framed(ctx, sh, Page{Status: http.StatusNotFound, Title: text.T(ctx, "No window here"), Path: path, NoIndex: true,
		Main: views.NoShop(views.NoShopProps{Slug: slug, AppURL: f.Config.AppURL})})
}

// gone is every page of a shop that its creator has deleted.
func (f *Front) gone(ctx context.Context, sh Shown, path string) (pagecache.Page, error) {
	frame := Shown{Shop: storefronts.Shop{ID: sh.ID}, Content: Content{Look: storefronts.Look{Theme: "daylight", HeaderStyle: "plain"}}, URL: f.Config.AppURL}
	return f.framed(ctx, frame, Page{Status: http.StatusGone, Title: text.T(ctx, "This shop is gone"), Path: path, NoIndex: true, Main: views.GoneShop(f.Config.AppURL)})
}

// framed puts a page into its shop's frame.
func (f *Front) framed(ctx context.Context, sh Shown, p Page) (pagecache.Page, error) {
	d, err := f.dressed(ctx, sh.Content.Look)
	if err != nil {
		return pagecache.Page{}, err
	}
	if p.Inline {
		d = d.whole()
	}
	sp, err := f.shopPage(sh, p, d)
	if err != nil {
		return pagecache.Page{}, err
	}
	b := templ.GetBuffer()
	defer templ.ReleaseBuffer(b)
	if err := layout.Shop(sp).Render(ui.Local(templ.WithChildren(ctx, p.Main)), b); err != nil {
		return pagecache.Page{}, fmt.Errorf("draw %s%s: %w", sh.Slug, p.Path, err)
	}
	out := pagecache.Page{Status: p.Status, Until: p.Until, Body: bytes.Clone(b.Bytes()), CSP: web.ShopPolicy(f.Config, d.hash, p.Frames...), Tags: append([]string{sh.ID.String()}, p.Tags...)}
	if sh.Domain != "" {
		out.CSP = strings.Replace(out.CSP, "font-src "+f.Config.ShopURL, "font-src "+sh.URL, 1)
	}
	if sp.StyleURL != "" {
		out.CSP = strings.Replace(out.CSP, d.hash+"'", d.hash+"' "+sp.StyleURL, 1)
	}
	if out.Status == 0 {
		out.Status = http.StatusOK
	}
	return out, nil
}

func (f *Front) shopPage(sh Shown, p Page, d dress) (layout.ShopPage, error) {
	sp := layout.ShopPage{
		Title: p.Title, Description: p.Description, SiteName: sh.Name, NoIndex: p.NoIndex, OGType: p.OGType,
		Theme: sh.Content.Look.Theme, ThemeColor: d.color, Style: d.style,
		IconURL: static.Path("favicon.svg"), FontURL: d.font, Look: d.classes, PlainHeader: sh.Content.Look.HeaderStyle != "awning",
		ShopURL: sh.URL, ShopName: sh.Name, HomeLink: p.Path != "" && sh.Name != "", AppURL: f.Config.AppURL, Bar: p.Bar,
	}
	if d.own != "" {
		sp.StyleURL = sh.URL + "/style/" + d.ownName
	}
	if sp.OGType == "" {
		sp.OGType = "website"
	}
	if sh.Name != "" && p.Status == 0 {
		sp.Canonical = sh.URL + p.Path
		sp.FeedURL = sh.URL + "/feed"
	}
	if p.sign != nil {
		sp.Image, sp.ImageAlt, sp.ImageWidth, sp.ImageHeight = f.cardURL(p.sign), p.sign.Name, card.Width, card.Height
	}
	if p.JSONLD != nil {
		b, err := json.Marshal(p.JSONLD) // escapes < and > and &
		if err != nil {
			return sp, err
		}
		sp.JSONLD = string(b)
	}
	return sp, nil
}
