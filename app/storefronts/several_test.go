package storefronts_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/app/db/dbtest"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/storefronts"
)

func another(t *testing.T, s *storefronts.Service, user id.User, key string) storefronts.Shop {
	t.Helper()
	sh, err := s.Another(t.Context(), user, storefronts.NewShop{Name: "Second", Slug: freshSlug(), Currency: "EUR", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return sh
}

func TestACreatorHasTenShopsAtMostHoweverManyAreAskedForAtOnce(t *testing.T) {
	t.Parallel()
	d := dbtest.Shared(t)
	s := storefronts.New(d, "http://shop.test")
	p := dbtest.Creator(t, d)
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			_, err := s.Another(context.Background(), p.User, storefronts.NewShop{Name: "More", Slug: freshSlug(), Currency: "EUR"})
			if err != nil && !errs.Is(err, errs.Conflict) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all, err := s.All(t.Context(), p.User)
	if err != nil || len(all) != storefronts.MaxShops {
		t.Fatalf("%d shops, %v", len(all), err)
	}
	if err := s.Delete(t.Context(), storefronts.Who{User: p.User, Shop: all[3].ID}); err != nil {
		t.Fatal(err)
	}
	another(t, s, p.User, "")
	if _, err := s.BringBack(t.Context(), storefronts.Who{User: p.User, Shop: all[3].ID}); !errs.Is(err, errs.Conflict) {
		t.Errorf("brought back as the eleventh: %v", err)
	}
}

func TestOneKeyOpensOneShop(t *testing.T) {
	t.Parallel()
	d := dbtest.Shared(t)
	s := storefronts.New(d, "http://shop.test")
	p, q := dbtest.Creator(t, d), dbtest.Creator(t, d)
	slug := freshSlug()
	var mu sync.Mutex
	got := map[id.Shop]bool{}
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			sh, err := s.Another(context.Background(), p.User, storefronts.NewShop{Name: "One", Slug: slug, Currency: "EUR", Key: "k"})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			got[sh.ID] = true
			mu.Unlock()
		})
	}
	wg.Wait()
	if len(got) != 1 {
		t.Errorf("%d shops of one key", len(got))
	}
	if other := another(t, s, q.User, "k"); got[other.ID] {
		t.Error("another creator's key found this shop")
	}
}

func TestTheShopAtWorkIsTheChosenOneOfOnesOwn(t *testing.T) {
	t.Parallel()
	d := dbtest.Shared(t)
	s := storefronts.New(d, "http://shop.test")
	p, q := dbtest.Creator(t, d), dbtest.Creator(t, d)
	b := another(t, s, p.User, "")
	for _, c := range []struct{ chosen, want id.Shop }{{id.Shop{}, p.Shop}, {b.ID, b.ID}, {q.Shop, p.Shop}} {
		if sh, err := s.FirstOf(t.Context(), p.User, c.chosen); err != nil || sh.ID != c.want {
			t.Errorf("chose %s, works on %s, want %s (%v)", c.chosen, sh.ID, c.want, err)
		}
	}
	if err := s.Delete(t.Context(), storefronts.Who{User: p.User, Shop: b.ID}); err != nil {
		t.Fatal(err)
	}
	if sh, err := s.FirstOf(t.Context(), p.User, b.ID); err != nil || sh.ID != p.Shop {
		t.Errorf("works on a deleted shop: %s %v", sh.ID, err)
	}
	if err := s.Delete(t.Context(), storefronts.Who{User: p.User, Shop: p.Shop}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.FirstOf(t.Context(), p.User, b.ID); !errs.Is(err, errs.NotFound) {
		t.Errorf("works on something with nothing left: %v", err)
	}
	if err := s.Delete(t.Context(), storefronts.Who{User: p.User, Shop: q.Shop}); !errs.Is(err, errs.NotFound) {
		t.Errorf("deleted somebody else's shop: %v", err)
	}
}

func TestAnAddressIsKeptForNinetyDaysAndThenFree(t *testing.T) {
	t.Parallel()
	d := dbtest.Fresh(t)
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	begin := at
	d.Clock = func() time.Time { return at }
	s := storefronts.New(d, "http://shop.test")
	p, q := dbtest.Creator(t, d), dbtest.Creator(t, d)
	who := storefronts.Who{User: p.User, Shop: p.Shop}
	if _, err := s.Rename(t.Context(), who, "Noor", "noor-first"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Rename(t.Context(), who, "Noor", "noor-now"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Delete(t.Context(), who); err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Hour) // deleting again must not begin the days anew
	}
	take := func(slug string) error {
		_, err := s.Another(t.Context(), q.User, storefronts.NewShop{Name: "Taker", Slug: slug, Currency: "EUR"})
		return err
	}
	at = begin.Add(storefronts.Regret - time.Minute)
	if gone, err := s.Deleted(t.Context(), p.User); err != nil || len(gone) != 1 {
		t.Fatalf("%v %v", gone, err)
	}
	at = begin.Add(storefronts.Regret + time.Minute)
	if _, err := s.BringBack(t.Context(), who); !errs.Is(err, errs.Conflict) {
		t.Errorf("brought back after the thirty days: %v", err)
	}
	if gone, _ := s.Deleted(t.Context(), p.User); len(gone) != 0 {
		t.Error("offered after the thirty days")
	}
	at = begin.Add(89 * 24 * time.Hour)
	for _, slug := range []string{"noor-now", "noor-first"} {
		free, _, _, err := s.Free(t.Context(), slug)
		if err != nil || free || !errs.Is(take(slug), errs.Invalid) {
			t.Errorf("%s was given away on the 89th day", slug)
		}
	}
	at = begin.Add(91 * 24 * time.Hour)
	for _, slug := range []string{"noor-now", "noor-first"} {
		free, _, _, err := s.Free(t.Context(), slug)
		if err != nil || !free {
			t.Errorf("%s is not free on the 91st day: %v", slug, err)
		}
		if err := take(slug); err != nil {
			t.Errorf("%s: %v", slug, err)
		}
	}
	now, err := s.ByID(t.Context(), d, p.Shop)
	if err != nil || !strings.HasPrefix(now.Slug, "gone-") {
		t.Errorf("%s %v", now.Slug, err)
	}
	r := dbtest.Creator(t, d)
	if err := s.Delete(t.Context(), storefronts.Who{User: r.User, Shop: r.Shop}); err != nil {
		t.Fatal(err)
	}
	at = at.Add(91 * 24 * time.Hour)
	reg := job.NewRegistry()
	s.Tasks(reg)
	for range 2 {
		for _, x := range reg.Sweeps() {
			if err := x.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if sh, err := s.ByID(t.Context(), d, r.Shop); err != nil || !strings.HasPrefix(sh.Slug, "gone-") {
		t.Errorf("the sweep left %s, %v", sh.Slug, err)
	}
}

func TestADeletedShopComesBackClosed(t *testing.T) {
	t.Parallel()
	d := dbtest.Shared(t)
	s := storefronts.New(d, "http://shop.test")
	p := dbtest.Creator(t, d)
	who := storefronts.Who{User: p.User, Shop: p.Shop}
	if err := s.Delete(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	sh, err := s.BringBack(t.Context(), who)
	if err != nil || sh.Deleted || !sh.Closed || sh.Slug != p.Slug {
		t.Fatalf("%+v %v", sh, err)
	}
	if sh, err = s.Reopen(t.Context(), who); err != nil || sh.Closed {
		t.Fatalf("%+v %v", sh, err)
	}
	if again, err := s.BringBack(t.Context(), who); err != nil || again.Closed {
		t.Errorf("%+v %v", again, err)
	}
}
