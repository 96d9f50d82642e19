package builder

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/errs"
	"vitrine/app/pagecache"
	"vitrine/app/products"
	"vitrine/app/web"
	"vitrine/views/text"
)

// feedMost is how many products a feed has, the newest.
const feedMost = 50

// feed is what a shop sells, for those who read feeds.
type feed struct {
	sh     Shown
	title  string
	about  string
	offers []products.Offer
}

// updated is when the newest of it changed.
func (f feed) updated() time.Time {
	at := f.sh.PublishedAt
	for _, o := range f.offers {
		if o.UpdatedAt.After(at) {
			at = o.UpdatedAt
		}
	}
	return at.UTC()
}

// summary is what an entry says of a product.
func (f feed) summary(ctx context.Context, o products.Offer) string {
	words := []string{o.Price.Format()}
	if o.Price.IsZero() {
		words[0] = text.T(ctx, "Free")
	}
	if o.SoldOut {
		words = append(words, text.T(ctx, "Sold out"))
	}
	if o.Summary != "" {
		words = append(words, o.Summary)
	}
	return strings.Join(words, " · ")
}

func (f *Front) atom(c echo.Context) error {
	return f.feed(c, "/feed.xml", "application/atom+xml; charset=utf-8", func(ctx context.Context, fd feed) ([]byte, error) {
		var b bytes.Buffer
		b.WriteString(xml.Header)
		err := xml.NewEncoder(&b).Encode(atomOf(ctx, fd))
		return b.Bytes(), err
	})
}

func (f *Front) jsonFeed(c echo.Context) error {
	return f.feed(c, "/feed.json", "application/feed+json; charset=utf-8", func(ctx context.Context, fd feed) ([]byte, error) {
		return json.Marshal(jsonFeedOf(ctx, fd))
	})
}

// feed answers with what a shop sells, from memory if it is there.
func (f *Front) feed(c echo.Context, path, kind string, write func(context.Context, feed) ([]byte, error)) error {
	slug, domain := strings.ToLower(c.Param("slug")), web.Domain(c.Request().Context())
	return f.Cache.Serve(keepQuery(c), c.Request(), pageKey(domain, slug, path), func(ctx context.Context) (pagecache.Page, error) {
		sh, err := f.Find(ctx, slug)
		if errs.Is(err, errs.NotFound) {
			return f.nothing(ctx, slug, path)
		}
		if err != nil {
			return pagecache.Page{}, err
		}
		if sh.Domain != domain {
			return elsewhere(sh, domain, path), nil
		}
		fd := feed{sh: sh, title: sh.Name, about: text.T(ctx, "The window of %s.", sh.Name)}
		if !sh.Closed {
			if fd.offers, err = f.Products.OffersOfShop(ctx, f.DB, sh.ID); err != nil {
				return pagecache.Page{}, err
			}
			fd.offers = fd.offers[:min(len(fd.offers), feedMost)]
		}
		out := pagecache.Page{Type: kind, Tags: []string{sh.ID.String()}}
		for _, o := range fd.offers {
			out.Tags = append(out.Tags, o.ID.String())
		}
		out.Body, err = write(ctx, fd)
		return out, err
	})
}

type atomLink struct {
	Rel  string `xml:"rel,attr,omitempty"`
	Type string `xml:"type,attr,omitempty"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	ID      string     `xml:"id"`
	Title   string     `xml:"title"`
	Updated string     `xml:"updated"`
	Links   []atomLink `xml:"link"`
	Summary string     `xml:"summary"`
}

type atomFeed struct {
	XMLName  xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	ID       string      `xml:"id"`
	Title    string      `xml:"title"`
	Subtitle string      `xml:"subtitle"`
	Updated  string      `xml:"updated"`
	Author   string      `xml:"author>name"`
	Links    []atomLink  `xml:"link"`
	Entries  []atomEntry `xml:"entry"`
}

// atomOf writes a feed as RFC 4287 has it. The ids outlive every change of address.
func atomOf(ctx context.Context, f feed) atomFeed {
	out := atomFeed{ID: "urn:uuid:" + f.sh.ID.String(), Title: f.title, Subtitle: f.about, Updated: f.updated().Format(time.RFC3339), Author: f.title,
		Links: []atomLink{{Rel: "self", Type: "application/atom+xml", Href: f.sh.URL + "/feed.xml"}, {Rel: "alternate", Type: "text/html", Href: f.sh.URL}}}
	for _, o := range f.offers {
		e := atomEntry{ID: "urn:uuid:" + o.ID.String(), Title: o.Name, Updated: o.UpdatedAt.UTC().Format(time.RFC3339), Summary: f.summary(ctx, o),
			Links: []atomLink{{Rel: "alternate", Type: "text/html", Href: f.sh.URL + "/p/" + o.Slug}}}
		if img := o.Cover.Largest(); img.URL != "" {
			e.Links = append(e.Links, atomLink{Rel: "enclosure", Type: "image/" + img.Format, Href: img.URL})
		}
		out.Entries = append(out.Entries, e)
	}
	return out
}

// jsonFeedOf writes a feed as JSON Feed 1.1 has it.
func jsonFeedOf(ctx context.Context, f feed) object {
	items := []object{}
	for _, o := range f.offers {
		item := object{"id": "urn:uuid:" + o.ID.String(), "url": f.sh.URL + "/p/" + o.Slug, "title": o.Name, "content_text": f.summary(ctx, o), "date_modified": o.UpdatedAt.UTC().Format(time.RFC3339)}
		if img := o.Cover.Largest().URL; img != "" {
			item["image"] = img
		}
		items = append(items, item)
	}
	return object{"version": "https://jsonfeed.org/version/1.1", "title": f.title, "description": f.about, "home_page_url": f.sh.URL, "feed_url": f.sh.URL + "/feed.json",
		"authors": []object{{"name": f.title, "url": f.sh.URL}}, "items": items}
}
