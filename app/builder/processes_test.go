package builder_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"vitrine/app/builder"
	"vitrine/app/db"
	"vitrine/app/event"
	"vitrine/app/live"
	"vitrine/app/pagecache"
	"vitrine/app/products"
	"vitrine/app/storefronts"
	"vitrine/app/web"
	"vitrine/app/web/webtest"
)

// process is one of several that show the same shop: its own memory, its own ear, and the Redis of all.
type process struct {
	web   *webtest.Browser
	cache *pagecache.Cache
	heard chan string // each notice, once it has been acted upon
}

func (s street) process(t *testing.T, redisAddr string) process {
	t.Helper()
	cfg := testConfig()
	r, err := web.NewRouter(cfg, nil, web.NewLimiter(nil))
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(&redis.Options{Addr: redisAddr})
	p := process{cache: pagecache.New(pagecache.Options{Redis: client, Release: "1"}), heard: make(chan string, 1000)}
	f := &builder.Front{Service: s.Service, Cache: p.cache, Config: cfg}
	f.Routes(r)
	p.web = webtest.New(t, r, shopURL)
	l := live.NewListener()
	f.Listen(l)
	for _, name := range []string{storefronts.Published, "products.changed", "inventory.changed"} {
		l.AtOnce(name, func(subject string) { p.heard <- subject })
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- l.Run(ctx, s.DB.URL()) }()
	go func() { p.cache.Share(ctx, l.Hearing); ended <- nil }()
	t.Cleanup(func() {
		stop()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		client.Close()
	})
	for end := time.Now().Add(5 * time.Second); !l.Hearing(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the process never heard")
		}
	}
	return p
}

// wait returns when the process has heard of subject.
func (p process) wait(t *testing.T, subject string) {
	t.Helper()
	late := time.After(5 * time.Second)
	for {
		select {
		case got := <-p.heard:
			if got == subject {
				return
			}
		case <-late:
			t.Fatal("no notice came")
		}
	}
}

// A publishes, changes prices and stock, many times a second: from the moment that B has its notice, B shows the new page.
func TestAnotherProcessShowsNoOldPageAfterItsNotice(t *testing.T) {
	t.Parallel()
	s := furnished(t)
	addr := miniredis.RunT(t).Addr()
	a, b := s.process(t, addr), s.process(t, addr)
	shop := s.who.Shop.String()
	offers, _ := s.shelf.OffersOfShop(t.Context(), nil, s.who.Shop)
	pot := offers[0]
	emit := func(name, subject string) {
		t.Helper()
		if err := s.DB.InTx(t.Context(), func(tx *db.Tx) error { return event.Emit(t.Context(), tx, name, subject) }); err != nil {
			t.Fatal(err)
		}
	}
	see := func(p process, who, want string) {
		t.Helper()
		if body := p.web.Get(s.home()).Is(200).Body; !strings.Contains(body, want) {
			t.Fatalf("%s had its notice and shows no %s", who, want)
		}
	}
	begin := time.Now()
	for i := range 20 {
		pot.Price.Minor = int64(5000 + i*100)
		s.shelf.put(pot)
		emit("products.changed", shop)
		for _, p := range []process{b, a} {
			p.wait(t, shop)
			see(p, "a process", fmt.Sprintf("€%d", 50+i))
		}
	}
	if took := time.Since(begin); took > 15*time.Second { // each would wait a second
		t.Fatalf("20 changes took %s: they waited for each other", took)
	}
	s.shelf.put(products.Offer{ID: pot.ID, Shop: pot.Shop, Name: pot.Name, Slug: pot.Slug, Price: pot.Price, Active: true, SoldOut: true})
	emit("inventory.changed", pot.ID.String())
	b.wait(t, pot.ID.String())
	if n := strings.Count(b.web.Get(s.home()).Body, "Sold out"); n != 2 {
		t.Fatalf("%d products are sold out", n)
	}
	blocks, err := s.Blocks(t.Context(), s.DB, s.who)
	if err != nil {
		t.Fatal(err)
	}
	s.edit(t, blocks[0], builder.Props{Title: "Second lettering"})
	s.publish(t)
	b.wait(t, shop)
	see(b, "b", "Second lettering")
	a.wait(t, shop)
	see(a, "a", "Second lettering")
}

// Postgres is gone: what is in memory is served, what had been dropped stands in, and what nobody drew is said to be away.
func TestPagesOutliveTheDatabase(t *testing.T) {
	t.Parallel()
	s := furnished(t)
	lost := *s.Service
	d, err := db.Open(t.Context(), s.DB.URL(), db.Options{MaxOpen: 2})
	if err != nil {
		t.Fatal(err)
	}
	lost.DB, lost.Shops = d, storefronts.New(d, shopURL)
	s.front.Service = &lost
	if icon := s.web.Get(s.home()).Is(200).Has("€19").Doc().Find("link[rel=icon]").AttrOr("href", ""); !strings.HasPrefix(icon, "/assets/favicon") {
		t.Errorf("a browser would ask for an icon that is not there: %q", icon)
	}
	s.web.Get(s.home() + "/p/forty-glazes").Is(200)
	d.Close()
	fresh := s.web.Get(s.home()).Is(200).Has("€19")
	if got := fresh.Header.Get("Cache-Control"); got != pagecache.Control {
		t.Errorf("a page in memory is kept by others as %q", got)
	}
	s.front.Cache.Drop(s.who.Shop.String())
	for _, path := range []string{"", "/p/forty-glazes"} {
		if got := s.web.Get(s.home() + path).Is(200).Header.Get("Cache-Control"); got != "no-cache" {
			t.Errorf("a page that stands in is kept by others as %q", got)
		}
	}
	s.web.Get(shopURL + "/@" + s.slug + "/p/guide").Is(503)
}

// A window is taken down, and then Postgres goes away: neither memory nor Redis shows it again.
func TestAWindowThatWasTakenDownIsNotShownFromMemory(t *testing.T) {
	t.Parallel()
	s := furnished(t)
	p := s.process(t, miniredis.RunT(t).Addr())
	p.web.Get(s.home()).Is(200)
	p.web.Get(s.home() + "/p/forty-glazes").Is(200)
	if _, err := s.Shops.Unpublish(t.Context(), s.who); err != nil {
		t.Fatal(err)
	}
	p.wait(t, s.who.Shop.String())
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if n, _ := p.cache.Stats(); n == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("its pages are still kept")
		}
	}
}
