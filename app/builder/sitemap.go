package builder

import (
	"bytes"
	"context"
	"encoding/xml"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/id"
	"vitrine/app/pagecache"
)

const (
	sitemapTag   = "sitemap"
	sitemapMost  = 50_000 // addresses in one file, by the format's own rule
	sitemapShops = 1_000  // shops read at once
)

type sitemapURL struct {
	Loc     string `xml:"loc"`
	LastMod string `xml:"lastmod"`
}

// sitemap lists the published shops and their active products.
func (f *Front) sitemap(c echo.Context) error {
	return f.Cache.Serve(c.Response(), c.Request(), sitemapTag, func(ctx context.Context) (pagecache.Page, error) {
		var set struct {
			XMLName xml.Name     `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
			URLs    []sitemapURL `xml:"url"`
		}
		for after := (id.Shop{}); len(set.URLs) < sitemapMost; {
			shops, err := f.Shops.Listed(ctx, f.DB, after, sitemapShops)
			if err != nil {
				return pagecache.Page{}, err
			}
			slugs, ids := map[id.Shop]string{}, []id.Shop{}
			for _, s := range shops {
				slugs[s.ID], ids, after = s.Slug, append(ids, s.ID), s.ID
				set.URLs = append(set.URLs, sitemapURL{f.Shops.ShopURL + "/@" + s.Slug, stamp(s.UpdatedAt)})
			}
			if len(ids) > 0 {
				paths, err := f.Products.PublicPaths(ctx, f.DB, ids)
				if err != nil {
					return pagecache.Page{}, err
				}
				for _, p := range paths {
					set.URLs = append(set.URLs, sitemapURL{f.Shops.ShopURL + "/@" + slugs[p.Shop] + "/p/" + p.Slug, stamp(p.UpdatedAt)})
				}
			}
			if len(shops) < sitemapShops {
				break
			}
		}
		set.URLs = set.URLs[:min(len(set.URLs), sitemapMost)]
		var b bytes.Buffer
		b.WriteString(xml.Header)
		if err := xml.NewEncoder(&b).Encode(set); err != nil {
			return pagecache.Page{}, err
		}
		return pagecache.Page{Body: b.Bytes(), Type: "application/xml; charset=utf-8", Tags: []string{sitemapTag}}, nil
	})
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02") }

func (f *Front) robots(c echo.Context) error {
	return f.Cache.Serve(c.Response(), c.Request(), "robots", func(context.Context) (pagecache.Page, error) {
		body := "User-agent: *\nAllow: /\nDisallow: /@*/contact\n\nSitemap: " + f.Shops.ShopURL + "/sitemap.xml\n"
		return pagecache.Page{Body: []byte(body), Type: "text/plain; charset=utf-8"}, nil
	})
}
