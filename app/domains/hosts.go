package domains

import (
	"context"
	"net"
	"strings"
	"sync"
	"time"

	"vitrine/app/errs"
	"vitrine/app/live"
	"vitrine/app/storefronts"
)

// Hosts knows which shop is shown at which host. What it has read it believes for a minute, or until it hears of a
// change; while the database is away it believes it for ten.
type Hosts struct {
	*Service

	mu    sync.Mutex
	known map[string]known
	round int // counts what was heard: an answer from before is not kept
}

type known struct {
	shop  string // its id
	slug  string // empty: nothing is shown there
	at    time.Time
	stale bool
}

const (
	believed  = time.Minute
	standsIn  = 10 * time.Minute
	mostHosts = 10_000
)

// Listen drops what has changed.
func (h *Hosts) Listen(l *live.Listener) {
	l.AtOnce(Changed, func(domain string) { h.outdate(func(host string, _ known) bool { return host == domain }) })
	l.AtOnce(storefronts.Published, func(shop string) { h.outdate(func(_ string, k known) bool { return k.shop == shop }) })
	l.OnGap(func() { h.outdate(func(string, known) bool { return true }) })
}

func (h *Hosts) outdate(which func(host string, k known) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.round++
	for host, k := range h.known {
		if which(host, k) {
			k.stale = true
			h.known[host] = k
		}
	}
}

// Shown is the slug of the shop that is shown at a host, and its name without a port; empty for no shop.
func (h *Hosts) Shown(ctx context.Context, host string) (slug, domain string, err error) {
	domain, ok := hostName(host)
	if !ok {
		return "", "", nil
	}
	h.mu.Lock()
	k, found := h.known[domain]
	round := h.round
	h.mu.Unlock()
	now := h.DB.Now()
	if found && !k.stale && now.Sub(k.at) < believed {
		return k.slug, domain, nil
	}
	sh, err := h.Shops.ByDomain(ctx, h.DB, domain)
	if err != nil && !errs.Is(err, errs.NotFound) {
		if found && now.Sub(k.at) < standsIn {
			return k.slug, domain, nil
		}
		return "", "", errs.Wrap(errs.Unavailable, err, "This page cannot be shown right now. Please try again in a minute.")
	}
	k = known{at: now}
	if err == nil {
		k.shop, k.slug = sh.ID.String(), sh.Slug
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.round == round {
		if len(h.known) >= mostHosts || h.known == nil {
			h.known = map[string]known{}
		}
		h.known[domain] = k
	}
	return k.slug, domain, nil
}

// hostName reads a Host header as name servers write names; false when it cannot be a domain of a creator.
func hostName(host string) (string, bool) {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if len(host) > 253 || !strings.Contains(host, ".") || net.ParseIP(host) != nil {
		return "", false
	}
	for _, r := range host {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.' {
			return "", false
		}
	}
	return host, true
}
