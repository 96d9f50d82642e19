package builder_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"vitrine/app/builder"
	"vitrine/app/db"
	"vitrine/app/event"
	"vitrine/app/live"
	"vitrine/app/products"
)

// until draws the page until it says what it should, or fails after five seconds.
func (s street) until(t *testing.T, what string, ok func(body string) bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; {
		if body := s.web.Get(s.home()).Body; ok(body) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the page never showed %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// The real road: a commit, Postgres' notice, the listener, the cache.
func TestAChangeReachesVisitorsByItself(t *testing.T) {
	t.Parallel()
	s := furnished(t)
	l := live.NewListener()
	s.front.Listen(l)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx, s.DB.URL()) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	emit := func(name, subject string) {
		t.Helper()
		if err := s.DB.InTx(t.Context(), func(tx *db.Tx) error { return event.Emit(t.Context(), tx, name, subject) }); err != nil {
			t.Fatal(err)
		}
	}
	has := func(want string) func(string) bool {
		return func(body string) bool { return strings.Contains(body, want) }
	}
	offers, _ := s.shelf.OffersOfShop(t.Context(), nil, s.who.Shop)
	pot := offers[0]
	change := func(f func(o *products.Offer)) { f(&pot); s.shelf.put(pot) }

	// The listener may still be connecting: the first notice is repeated until it has been heard.
	s.web.Get(s.home()).Is(200).Has("€19")
	change(func(o *products.Offer) { o.Price.Minor = 2300 })
	s.until(t, "the new price", func(body string) bool {
		emit("products.changed", s.who.Shop.String())
		return strings.Contains(body, "€23")
	})
	if strings.Contains(s.web.Get(s.home()).Body, "€19") {
		t.Fatal("the old price came back")
	}
	change(func(o *products.Offer) { o.SoldOut = true })
	emit("inventory.changed", pot.ID.String())
	s.until(t, "that it is sold out", func(body string) bool { return strings.Count(body, "Sold out") == 2 })

	bs, err := s.Blocks(t.Context(), s.DB, s.who)
	if err != nil {
		t.Fatal(err)
	}
	s.edit(t, bs[0], builder.Props{Title: "Second lettering"})
	if strings.Contains(s.web.Get(s.home()).Body, "Second lettering") {
		t.Fatal("a draft is public")
	}
	s.publish(t)
	s.until(t, "what was published", has("Second lettering"))
	if _, err := s.Shops.TakeBack(t.Context(), s.who); err != nil {
		t.Fatal(err)
	}
	s.until(t, "what was there before", has("Noor Adeyemi"))
	if _, err := s.Shops.Close(t.Context(), s.who, "Holiday"); err != nil {
		t.Fatal(err)
	}
	s.until(t, "that it is closed", has("is closed for now"))
	if _, err := s.Shops.Reopen(t.Context(), s.who); err != nil {
		t.Fatal(err)
	}
	s.until(t, "the window again", has("Write to me"))
	if _, err := s.Shops.Rename(t.Context(), s.who, "Renamed", freshSlug()); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); s.web.Get(s.home()).Status != 301; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the old address never led on")
		}
	}
}
