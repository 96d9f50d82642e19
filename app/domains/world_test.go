package domains_test

import (
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/domains"
	"vitrine/app/id"
	"vitrine/app/storefronts"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

// names is a name server on a port of its own.
type names struct {
	conn net.PacketConn
	mu   sync.Mutex
	txt  map[string][]string
	a    map[string]string
	mute bool // answers with a failure
}

func newNames(t *testing.T) *names {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &names{conn: conn, txt: map[string][]string{}, a: map[string]string{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			k, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if out := n.answer(buf[:k]); out != nil {
				conn.WriteTo(out, from)
			}
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return n
}

func (n *names) answer(query []byte) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	var p dnsmessage.Parser
	head, err := p.Start(query)
	if err != nil {
		return nil
	}
	q, err := p.Question()
	if err != nil {
		return nil
	}
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	h := dnsmessage.Header{ID: head.ID, Response: true, Authoritative: true, RecursionAvailable: true}
	texts, ip := n.txt[name], n.a[name]
	switch {
	case n.mute:
		h.RCode = dnsmessage.RCodeServerFailure
	case texts == nil && ip == "":
		h.RCode = dnsmessage.RCodeNameError
	}
	b := dnsmessage.NewBuilder(nil, h)
	b.EnableCompression()
	if b.StartQuestions() != nil || b.Question(q) != nil || b.StartAnswers() != nil {
		return nil
	}
	if !n.mute {
		r := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 1}
		switch {
		case q.Type == dnsmessage.TypeTXT:
			for _, t := range texts {
				if b.TXTResource(r, dnsmessage.TXTResource{TXT: []string{t}}) != nil {
					return nil
				}
			}
		case q.Type == dnsmessage.TypeA && ip != "":
			if b.AResource(r, dnsmessage.AResource{A: netip.MustParseAddr(ip).As4()}) != nil {
				return nil
			}
		}
	}
	out, err := b.Finish()
	if err != nil {
		return nil
	}
	return out
}

const ours = "192.0.2.80"

// point lets a domain lead somewhere, with the texts of its record.
func (n *names) point(domain, ip string, texts ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.a[domain], n.txt[domains.Record(domain)] = ip, texts
}

func (n *names) silence(on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mute = on
}

// registry is the service with a name server and a clock of its own.
type registry struct {
	*domains.Service
	hosts *domains.Hosts
	names *names
	late  *time.Duration
}

func newRegistry(t *testing.T) registry {
	t.Helper()
	shared := dbtest.Shared(t)
	d, err := db.Open(t.Context(), shared.URL(), db.Options{MaxOpen: 5, Prepare: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	late := new(time.Duration)
	d.Clock = func() time.Time { return time.Now().Add(*late) }
	n := newNames(t)
	n.point("shop.vitrine.test", ours)
	s := &domains.Service{DB: d, Shops: storefronts.New(d, "https://shop.vitrine.test"), Resolver: domains.At(n.conn.LocalAddr().String()),
		Own: []string{"app.vitrine.test", "shop.vitrine.test", "media.vitrine.test"}, Target: "shop.vitrine.test"}
	return registry{s, &domains.Hosts{Service: s}, n, late}
}

func (r registry) creator(t *testing.T) storefronts.Who {
	t.Helper()
	p := dbtest.Creator(t, r.DB)
	return storefronts.Who{User: p.User, Shop: p.Shop}
}

// fresh is a domain that no other test has.
func fresh() string { return "pots-" + strings.ToLower(id.Token()[:10]) + ".example" }

func (r registry) claim(t *testing.T, who storefronts.Who, domain string) domains.Claim {
	t.Helper()
	c, err := r.Claim(t.Context(), who, domain)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (r registry) look(t *testing.T, who storefronts.Who, want domains.State) domains.Claim {
	t.Helper()
	c, err := r.Look(t.Context(), who.Shop)
	if err != nil {
		t.Fatal(err)
	}
	if c.State != want {
		t.Errorf("%s is %s (%s), want %s", c.Domain, c.State, c.Reason, want)
	}
	return c
}

// shown checks whose shop is served at a domain; nobody's for the zero shop.
func (r registry) shown(t *testing.T, domain string, want id.Shop) {
	t.Helper()
	slug, _, err := (&domains.Hosts{Service: r.Service}).Shown(t.Context(), domain)
	if err != nil {
		t.Fatal(err)
	}
	if want.IsZero() {
		if slug != "" {
			t.Errorf("%s shows %s", domain, slug)
		}
		return
	}
	sh, err := r.Shops.ByID(t.Context(), r.DB, want)
	if err != nil || slug != sh.Slug || sh.Domain != domain {
		t.Errorf("%s shows %q, want %q at %q (%v)", domain, slug, sh.Slug, sh.Domain, err)
	}
}

// served has a shop with a verified domain.
func (r registry) served(t *testing.T) (storefronts.Who, domains.Claim) {
	t.Helper()
	who := r.creator(t)
	c := r.claim(t, who, fresh())
	r.names.point(c.Domain, ours, c.Token)
	c = r.look(t, who, domains.Verified)
	r.shown(t, c.Domain, who.Shop)
	return who, c
}
