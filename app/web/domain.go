package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
)

// AskPath is where a proxy asks whether a name is the domain of a shop.
const AskPath = "/domains/ask"

type domainKey struct{}

// Domain is the creator's domain that a request came to; empty on our own hosts.
func Domain(ctx context.Context) string {
	d, _ := ctx.Value(domainKey{}).(string)
	return d
}

// everywhere is what the shop host has at the same address for all domains.
var everywhere = []string{"/assets/", "/m/", "/robots.txt", "/sitemap.xml"}

// serveDomain shows at a creator's domain what the shop host has under their shop's address, and nothing else. A
// host that is nobody's gets 421.
func (r *Router) serveDomain(w http.ResponseWriter, req *http.Request) {
	slug, domain := "", ""
	if r.Domains != nil {
		var err error
		if slug, domain, err = r.Domains(req.Context(), req.Host); err != nil {
			slog.WarnContext(req.Context(), "look up a host", "err", err)
			http.Error(w, "This page cannot be shown right now.", http.StatusServiceUnavailable)
			return
		}
	}
	if slug == "" {
		http.Error(w, "This host is not served here.", http.StatusMisdirectedRequest)
		return
	}
	inner := req.WithContext(context.WithValue(req.Context(), domainKey{}, domain))
	inner.URL = shopAddress(req.URL, slug)
	r.hosts[Shop].ServeHTTP(w, inner)
}

// shopAddress is where the shop host has what stands at an address of a domain.
func shopAddress(u *url.URL, slug string) *url.URL {
	out := *u
	for _, p := range everywhere {
		if u.Path == p || strings.HasSuffix(p, "/") && strings.HasPrefix(u.Path, p) {
			return &out
		}
	}
	home := "/@" + slug
	if u.Path == "/" || u.Path == "" {
		out.Path, out.RawPath = home, ""
		return &out
	}
	out.Path = home + u.Path
	if u.RawPath != "" {
		out.RawPath = home + u.RawPath
	}
	return &out
}
