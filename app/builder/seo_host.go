package builder

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"vitrine/app/pagecache"
)

// pageKey is the name of a page in the cache: what a domain shows is kept apart from what the shop host does.
func pageKey(domain, slug, path string) string {
	if domain != "" {
		return "//" + domain + path
	}
	return slug + path
}

// elsewhere answers a request for a shop that is shown at another host than the one it came to.
func elsewhere(sh Shown, domain, path string) pagecache.Page {
	if domain == "" {
		return pagecache.Page{Status: http.StatusMovedPermanently, Location: sh.URL + path}
	}
	return pagecache.Page{Status: http.StatusMisdirectedRequest, Type: "text/plain; charset=utf-8", Body: []byte("This host is not served here.\n")}
}

// keepQuery lets a redirect take along what stands after the question mark, which is no part of a page's name in
// the cache.
func keepQuery(c echo.Context) http.ResponseWriter {
	if q := c.Request().URL.RawQuery; q != "" {
		return &queryKeeper{c.Response(), q}
	}
	return c.Response()
}

type queryKeeper struct {
	http.ResponseWriter
	query string
}

func (k *queryKeeper) WriteHeader(status int) {
	if to := k.Header().Get("Location"); status == http.StatusMovedPermanently && to != "" && !strings.Contains(to, "?") {
		k.Header().Set("Location", to+"?"+k.query)
	}
	k.ResponseWriter.WriteHeader(status)
}
