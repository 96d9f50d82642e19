package builder

import (
	"bytes"
	"context"
	"encoding/xml"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/pagecache"
	"vitrine/app/products"
	"vitrine/app/storefronts"
	"vitrine/app/web"
)

const (
	sitemapTag   = "sitemap"
	sitemapMost  = 50_000 // addresses in one file, by the format's own rule
	sitemapShops = 1_000  // shops read at once
)

type sitemapImage struct {
	Loc string `xml:"http://www.google.com/schemas/sitemap-image/1.1 loc"`
}

type sitemapURL struct {
	Loc     string         `xml:"loc"`
	LastMod string         `xml:"lastmod"`
	Images  []sitemapImage `xml:"http://www.google.com/schemas/sitemap-image/1.1 image"`
}

type sitemap struct {
	XMLName xml.Name     `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
	URLs    []sitemapURL `xml:"url"`
}

// sitemap lists the pages of a host: on the shop host the published shops that are shown there and their active
// products, on a creator's domain those of the one shop.
func (f *Front) sitemap(c echo.Context) error {
	domain := web.Domain(c.Request().Context())
	return f.Cache.Serve(c.Response(), c.Request(), pageKey(domain, "", sitemapTag), func(ctx context.Context) (pagecache.Page, error) {
		var set sitemap
		var err error
		out := pagecache.Page{Type: "application/xml; charset=utf-8", Tags: []string{sitemapTag}}
		if domain == "" {
			err = f.listAll(ctx, &set)
		} else {
			var shop id.Shop
			if shop, err = f.listDomain(ctx, &set, domain); err == nil {
				out.Tags = []string{shop.String()}
			}
		}
		if err != nil {
			return pagecache.Page{}, err
		}
		set.URLs = set.URLs[:min(len(set.URLs), sitemapMost)]
		var b bytes.Buffer
		b.WriteString(xml.Header)
		err = xml.NewEncoder(&b).Encode(set)
		out.Body = b.Bytes()
		return out, err
	})
}

func (f *Front) listAll(ctx context.Context, set *sitemap) error {
	for after := (id.Shop{}); len(set.URLs) < sitemapMost; {
		shops, err := f.Shops.ListedHere(ctx, f.DB, after, sitemapShops)
		if err != nil {
			return err
		}
		homes, ids := map[id.Shop]string{}, []id.Shop{}
		for _, s := range shops {
			after, homes[s.ID], ids = s.ID, f.Shops.URL(storefronts.Shop{Slug: s.Slug}), append(ids, s.ID)
			set.URLs = append(set.URLs, sitemapURL{Loc: homes[s.ID], LastMod: stamp(s.UpdatedAt)})
		}
		if err := f.listProducts(ctx, set, homes, ids); err != nil || len(shops) < sitemapShops {
			return err
		}
	}
	return nil
}

func (f *Front) listDomain(ctx context.Context, set *sitemap, domain string) (id.Shop, error) {
	sh, err := f.Shops.ByDomain(ctx, f.DB, domain)
	if err != nil || !sh.Published || sh.Closed {
		if err == nil || errs.Is(err, errs.NotFound) {
			err = nil // a domain without pages has an empty list of them
		}
		return sh.ID, err
	}
	home := f.Shops.URL(sh)
	set.URLs = append(set.URLs, sitemapURL{Loc: home, LastMod: stamp(sh.PublishedAt)})
	return sh.ID, f.listProducts(ctx, set, map[id.Shop]string{sh.ID: home}, []id.Shop{sh.ID})
}

// listProducts adds the pages of shops' products with their pictures.
func (f *Front) listProducts(ctx context.Context, set *sitemap, homes map[id.Shop]string, shops []id.Shop) error {
	if len(shops) == 0 {
		return nil
	}
	paths, err := f.Products.PublicPaths(ctx, f.DB, shops)
	if err != nil {
		return err
	}
	pictures, err := f.covers(ctx, paths)
	if err != nil {
		return err
	}
	for _, p := range paths {
		u := sitemapURL{Loc: homes[p.Shop] + "/p/" + p.Slug, LastMod: stamp(p.UpdatedAt)}
		if img := pictures[p.Cover]; img != "" {
			u.Images = []sitemapImage{{img}}
		}
		set.URLs = append(set.URLs, u)
	}
	return nil
}

// covers are the addresses of products' pictures.
func (f *Front) covers(ctx context.Context, paths []products.PublicPath) (map[id.File]string, error) {
	var ids []id.File
	for _, p := range paths {
		if !p.Cover.IsZero() {
			ids = append(ids, p.Cover)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := f.Pictures.Pictures(ctx, f.DB, ids)
	out := make(map[id.File]string, len(found))
	for file, p := range found {
		out[file] = p.Largest().URL
	}
	return out, err
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02") }

func (f *Front) robots(c echo.Context) error {
	domain := web.Domain(c.Request().Context())
	return f.Cache.Serve(c.Response(), c.Request(), pageKey(domain, "", "robots"), func(context.Context) (pagecache.Page, error) {
		home, form := f.Shops.ShopURL, "/@*/contact"
		if domain != "" {
			home, form = f.Shops.URL(storefronts.Shop{Domain: domain}), "/contact"
		}
		body := "User-agent: *\nAllow: /\nDisallow: " + form + "\n\nSitemap: " + home + "/sitemap.xml\n"
		return pagecache.Page{Body: []byte(body), Type: "text/plain; charset=utf-8"}, nil
	})
}
