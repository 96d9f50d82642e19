package storefronts_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/storefronts"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func setup(t *testing.T) (*storefronts.Service, storefronts.Who, dbtest.Person) {
	t.Helper()
	d := dbtest.Shared(t)
	p := dbtest.Creator(t, d)
	return storefronts.New(d, "http://shop.localhost"), storefronts.Who{User: p.User, Shop: p.Shop}, p
}

// newcomer is a verified user without a shop.
func newcomer(t *testing.T, d *db.DB) id.User {
	t.Helper()
	u := id.New[id.UserKind]()
	err := d.InTx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `
			INSERT INTO users (id, email, email_verified_at, name, created_at, updated_at)
			VALUES ($1, $2, $3, 'Noor', $3, $3)`, u, u.String()+"@example.test", tx.Now)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func freshSlug() string { return "noor-" + id.Token()[:10] }

func fieldOf(err error) string {
	if f := errs.Fields(err); len(f) > 0 {
		return f[0].Name
	}
	return ""
}

func TestACreatorOpensOneShop(t *testing.T) {
	t.Parallel()
	s, _, _ := setup(t)
	u := newcomer(t, s.DB)
	furnished := 0
	s.Furnish = func(_ context.Context, _ *db.Tx, sh storefronts.Shop) error { furnished++; return nil }
	slug := freshSlug()
	sh, err := s.Create(t.Context(), u, storefronts.NewShop{Name: "  Noor \t Adeyemi ", Slug: "@" + strings.ToUpper(slug), Currency: "EUR"})
	if err != nil {
		t.Fatal(err)
	}
	if sh.Name != "Noor Adeyemi" || sh.Slug != slug || sh.Currency != "EUR" || sh.Published || sh.Creator != u || furnished != 1 {
		t.Fatalf("%+v, furnished %d times", sh, furnished)
	}
	if _, err := s.Create(t.Context(), u, storefronts.NewShop{Name: "Two", Slug: freshSlug(), Currency: "EUR"}); !errs.Is(err, errs.Conflict) {
		t.Fatalf("a second shop: %v", err)
	}
	got, err := s.FirstOf(t.Context(), u, id.Shop{})
	if err != nil || got.ID != sh.ID {
		t.Fatalf("%v %v", got.ID, err)
	}
}

func TestTwoStartsAtOnceMakeOneShop(t *testing.T) {
	t.Parallel()
	s, _, _ := setup(t)
	u := newcomer(t, s.DB)
	var made atomic.Int64
	together(8, func(i int) {
		_, err := s.Create(context.Background(), u, storefronts.NewShop{Name: "Noor", Slug: fmt.Sprintf("%s%d", freshSlug(), i), Currency: "EUR"})
		if err == nil {
			made.Add(1)
		} else if !errs.Is(err, errs.Conflict) {
			t.Errorf("unexpected: %v", err)
		}
	})
	if made.Load() != 1 {
		t.Fatalf("%d shops", made.Load())
	}
}

func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() { <-start; f(i) })
	}
	close(start)
	wg.Wait()
}

func TestTwoCreatorsCannotTakeOneAddressAtOnce(t *testing.T) {
	t.Parallel()
	s, _, _ := setup(t)
	for range 5 {
		users := make([]id.User, 6)
		for i := range users {
			users[i] = newcomer(t, s.DB)
		}
		slug := freshSlug()
		var made atomic.Int64
		together(len(users), func(i int) {
			_, err := s.Create(context.Background(), users[i], storefronts.NewShop{Name: "N", Slug: slug, Currency: "EUR"})
			if err == nil {
				made.Add(1)
			} else if fieldOf(err) != "slug" {
				t.Errorf("unexpected: %v", err)
			}
		})
		if made.Load() != 1 {
			t.Fatalf("%d creators got the address", made.Load())
		}
	}
}

// One shop leaves an address while another takes it: afterwards the address leads to one shop only.
func TestAnAddressBeingLeftIsNotTakenByAnother(t *testing.T) {
	t.Parallel()
	s, _, _ := setup(t)
	for range 10 {
		a, b := dbtest.Creator(t, s.DB), newcomer(t, s.DB)
		var took error
		together(2, func(i int) {
			if i == 0 {
				if _, err := s.Rename(context.Background(), storefronts.Who{User: a.User, Shop: a.Shop}, "A", freshSlug()); err != nil {
					t.Errorf("rename: %v", err)
				}
				return
			}
			_, took = s.Create(context.Background(), b, storefronts.NewShop{Name: "B", Slug: a.Slug, Currency: "EUR"})
		})
		if fieldOf(took) != "slug" {
			t.Fatalf("the address was taken over: %v", took)
		}
	}
}

func TestAddressesAreChecked(t *testing.T) {
	t.Parallel()
	s, _, p := setup(t)
	u := newcomer(t, s.DB)
	for _, slug := range []string{"ab", "-ab", "ab-", "a--b", "a b c", "noor_", "nöör", "admin", "api", "checkout", "vitrine", "vitrine-help", "xn--abc", "a.b.c", "a/b/c",
		strings.Repeat("a", 41), p.Slug, strings.ToUpper(p.Slug), "<script>", "abc\x00"} {
		_, err := s.Create(t.Context(), u, storefronts.NewShop{Name: "Noor", Slug: slug, Currency: "EUR"})
		if fieldOf(err) != "slug" {
			t.Errorf("%q: %v", slug, err)
		}
	}
	for _, in := range []storefronts.NewShop{{Name: "", Slug: freshSlug(), Currency: "EUR"}, {Name: " \n ", Slug: freshSlug(), Currency: "EUR"}, {Name: strings.Repeat("é", 81), Slug: freshSlug(), Currency: "EUR"}} {
		if _, err := s.Create(t.Context(), u, in); fieldOf(err) != "name" {
			t.Errorf("name %q: %v", in.Name, err)
		}
	}
	for _, cur := range []string{"", "eur", "XXX", "BTC", "EUR "} {
		if _, err := s.Create(t.Context(), u, storefronts.NewShop{Name: "Noor", Slug: freshSlug(), Currency: cur}); fieldOf(err) != "currency" {
			t.Errorf("currency %q: %v", cur, err)
		}
	}
}

func TestAnAddressIsSuggestedFromTheName(t *testing.T) {
	for name, want := range map[string]string{
		"Noor Adeyemi": "noor-adeyemi", "  Åsa's Keramik & Glas ": "asas-keramik-and-glas", "Straße 9": "strasse-9", "Łódź": "lodz", "日本": "", "": "", "!!!": "",
		"Jo": "jo-shop", "Admin": "admin-shop", "a": "a-shop", "Crème Brûlée": "creme-brulee", "---x---y---": "x-y",
	} {
		got := storefronts.Suggest(name)
		if got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
		if got != "" && !storefronts.ValidSlug(got) {
			t.Errorf("%q: %q cannot be an address", name, got)
		}
	}
	if got := storefronts.Suggest(strings.Repeat("very long name ", 9)); !storefronts.ValidSlug(got) {
		t.Errorf("%q", got)
	}
}

func TestATakenAddressComesWithOnesThatAreFree(t *testing.T) {
	t.Parallel()
	s, _, p := setup(t)
	free, why, others, err := s.Free(t.Context(), p.Slug)
	if err != nil || free || why == nil || len(others) != 3 {
		t.Fatalf("%v %v %v %v", free, why, others, err)
	}
	for _, o := range others {
		if free, _, _, err := s.Free(t.Context(), o); err != nil || !free {
			t.Errorf("suggested %q: %v %v", o, free, err)
		}
	}
	if free, why, others, _ := s.Free(t.Context(), "!!"); free || why == nil || len(others) == 0 {
		t.Errorf("nonsense: %v %v %v", free, why, others)
	}
	if free, _, _, _ := s.Free(t.Context(), freshSlug()); !free {
		t.Error("a free address is called taken")
	}
}

func TestTheOldAddressLeadsToTheShop(t *testing.T) {
	t.Parallel()
	s, who, p := setup(t)
	second, third := freshSlug(), freshSlug()
	for _, slug := range []string{second, third} {
		if _, err := s.Rename(t.Context(), who, "Renamed", slug); err != nil {
			t.Fatal(err)
		}
	}
	for _, old := range []string{p.Slug, second, strings.ToUpper(second)} {
		if now, err := s.Moved(t.Context(), old); err != nil || now != third {
			t.Errorf("%s leads to %q, %v", old, now, err)
		}
		if _, err := s.BySlug(t.Context(), old); !errs.Is(err, errs.NotFound) {
			t.Errorf("%s is still a shop: %v", old, err)
		}
	}
	if _, err := s.Create(t.Context(), newcomer(t, s.DB), storefronts.NewShop{Name: "X", Slug: second, Currency: "EUR"}); fieldOf(err) != "slug" {
		t.Errorf("another shop took a former address: %v", err)
	}
	if sh, err := s.Rename(t.Context(), who, "Back", p.Slug); err != nil || sh.Slug != p.Slug {
		t.Fatalf("back to the first: %v", err)
	}
	if _, err := s.Moved(t.Context(), p.Slug); !errs.Is(err, errs.NotFound) {
		t.Errorf("the present address is also a former one: %v", err)
	}
	if now, err := s.Moved(t.Context(), third); err != nil || now != p.Slug {
		t.Errorf("%q %v", now, err)
	}
}

func TestTheCurrencyIsFixedAfterTheFirstSale(t *testing.T) {
	t.Parallel()
	s, who, _ := setup(t)
	var told []string
	s.Recurrency = append(s.Recurrency, func(_ context.Context, _ *db.Tx, shop id.Shop, from, to money.Currency) error {
		told = append(told, string(from)+string(to))
		return nil
	})
	if sh, err := s.SetCurrency(t.Context(), who, "JPY"); err != nil || sh.Currency != "JPY" {
		t.Fatalf("%+v %v", sh, err)
	}
	if _, err := s.SetCurrency(t.Context(), who, "JPY"); err != nil || fmt.Sprint(told) != "[EURJPY]" {
		t.Fatalf("%v %v", told, err)
	}
	s.HasSales = func(context.Context, db.Q, id.Shop) (bool, error) { return true, nil }
	if _, err := s.SetCurrency(t.Context(), who, "USD"); fieldOf(err) != "currency" {
		t.Fatalf("changed after a sale: %v", err)
	}
	if _, err := s.SetCurrency(t.Context(), who, "JPY"); err != nil {
		t.Fatalf("the same again: %v", err)
	}
	s.HasSales = func(context.Context, db.Q, id.Shop) (bool, error) { return false, errors.New("broken") }
	if _, err := s.SetCurrency(t.Context(), who, "USD"); err == nil {
		t.Fatal("an error in the check meant yes")
	}
	if sh, _ := s.ByID(t.Context(), s.DB, who.Shop); sh.Currency != "JPY" {
		t.Fatalf("now %s", sh.Currency)
	}
}

func TestTheLookIsCheckedAndCounted(t *testing.T) {
	t.Parallel()
	s, who, _ := setup(t)
	before, _ := s.ByID(t.Context(), s.DB, who.Shop)
	sh, err := s.SetLook(t.Context(), who, storefronts.Look{Theme: "house", BrandColor: " FA0 ", HeaderStyle: "plain"})
	if err != nil || sh.BrandColor != "#ffaa00" || sh.Seq != before.Seq+1 {
		t.Fatalf("%+v %v", sh, err)
	}
	if l := sh.Look(); l.Lettering != "sign" || l.Spacing != "normal" || l.Background != "plain" || l.CSS != "" {
		t.Fatalf("nothing was chosen, and the shop wears %+v", l)
	}
	again, err := s.SetLook(t.Context(), who, sh.Look())
	if err != nil || again.Seq != sh.Seq {
		t.Fatalf("the same look counted as a change: %v", err)
	}
	for field, l := range map[string]storefronts.Look{
		"theme":      {Theme: "neon", BrandColor: "#123456", HeaderStyle: "plain"},
		"color":      {Theme: "house", BrandColor: "red;}body{x", HeaderStyle: "plain"},
		"header":     {Theme: "house", BrandColor: "#123456", HeaderStyle: "tent"},
		"lettering":  {Theme: "house", BrandColor: "#123456", HeaderStyle: "plain", Lettering: "Comic Sans"},
		"spacing":    {Theme: "house", BrandColor: "#123456", HeaderStyle: "plain", Spacing: "0"},
		"background": {Theme: "house", BrandColor: "#123456", HeaderStyle: "plain", Background: "url(//thief)"},
		"css":        {Theme: "house", BrandColor: "#123456", HeaderStyle: "plain", CSS: strings.Repeat("p{}", storefronts.MaxCSS/3+1)},
	} {
		if _, err := s.SetLook(t.Context(), who, l); fieldOf(err) != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestTheDatabaseTakesEveryLookThatIsOffered(t *testing.T) {
	t.Parallel()
	s, who, _ := setup(t)
	wear := func(change func(*storefronts.Look)) {
		t.Helper()
		l := storefronts.Look{Theme: "daylight", BrandColor: "#123456", HeaderStyle: "plain"}.Whole()
		change(&l)
		if _, err := s.SetLook(t.Context(), who, l); err != nil {
			t.Errorf("%+v: %v", l, err)
		}
		if sh, err := s.Mine(t.Context(), s.DB, who); err != nil || sh.Look() != l {
			t.Errorf("kept %+v, not %+v: %v", sh.Look(), l, err)
		}
	}
	for _, x := range storefronts.Themes {
		wear(func(l *storefronts.Look) { l.Theme = x })
	}
	for _, x := range storefronts.Headers {
		wear(func(l *storefronts.Look) { l.HeaderStyle = x })
	}
	for _, x := range storefronts.Letterings {
		wear(func(l *storefronts.Look) { l.Lettering = x })
	}
	for _, x := range storefronts.Spacings {
		wear(func(l *storefronts.Look) { l.Spacing = x })
	}
	for _, x := range storefronts.Backgrounds {
		wear(func(l *storefronts.Look) { l.Background = x })
	}
	wear(func(l *storefronts.Look) { l.CSS = "p { color: red }\n/* “£” */" })
}

func TestAnotherCreatorsShopIsNotThere(t *testing.T) {
	t.Parallel()
	s, who, _ := setup(t)
	thief := storefronts.Who{User: dbtest.Creator(t, s.DB).User, Shop: who.Shop}
	ctx := t.Context()
	before, _ := s.ByID(ctx, s.DB, who.Shop)
	for name, try := range map[string]func() error{
		"rename": func() error { _, err := s.Rename(ctx, thief, "Mine", freshSlug()); return err },
		"look": func() error {
			_, err := s.SetLook(ctx, thief, storefronts.Look{Theme: "house", BrandColor: "#000000", HeaderStyle: "plain"})
			return err
		},
		"currency":  func() error { _, err := s.SetCurrency(ctx, thief, "USD"); return err },
		"close":     func() error { _, err := s.Close(ctx, thief, "x"); return err },
		"reopen":    func() error { _, err := s.Reopen(ctx, thief); return err },
		"unpublish": func() error { _, err := s.Unpublish(ctx, thief); return err },
		"take back": func() error { _, err := s.TakeBack(ctx, thief); return err },
		"mine":      func() error { _, err := s.Mine(ctx, s.DB, thief); return err },
	} {
		if err := try(); !errs.Is(err, errs.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if after, _ := s.ByID(ctx, s.DB, who.Shop); after != before {
		t.Errorf("changed: %+v", after)
	}
	if sh, err := s.FirstOf(ctx, thief.User, who.Shop); err != nil || sh.ID == who.Shop {
		t.Errorf("chose another's shop: %v %v", sh.ID, err)
	}
}

func TestClosingKeepsItsFirstDate(t *testing.T) {
	t.Parallel()
	s, who, _ := setup(t)
	a, err := s.Close(t.Context(), who, " On holiday \n until June ")
	if err != nil || !a.Closed || a.ClosedReason != "On holiday until June" || a.ClosedAt.IsZero() {
		t.Fatalf("%+v %v", a, err)
	}
	b, err := s.Close(t.Context(), who, "Longer")
	if err != nil || !b.ClosedAt.Equal(a.ClosedAt) || b.ClosedReason != "Longer" {
		t.Fatalf("%+v %v", b, err)
	}
	if _, err := s.Close(t.Context(), who, strings.Repeat("x", 201)); fieldOf(err) != "reason" {
		t.Fatal(err)
	}
	c, err := s.Reopen(t.Context(), who)
	if err != nil || c.Closed || c.ClosedReason != "" || !c.ClosedAt.IsZero() {
		t.Fatalf("%+v %v", c, err)
	}
}

func publish(t *testing.T, s *storefronts.Service, who storefronts.Who, content string) {
	t.Helper()
	err := s.DB.InTx(t.Context(), func(tx *db.Tx) error {
		sh, err := s.Touch(t.Context(), tx, who)
		if err != nil {
			return err
		}
		_, err = s.Publish(t.Context(), tx, sh, []byte(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTakingBackReturnsToWhatWasShownBefore(t *testing.T) {
	t.Parallel()
	s, who, p := setup(t)
	shown := func() string {
		sh, err := s.Shown(t.Context(), s.DB, p.Slug)
		if err != nil {
			t.Fatal(err)
		}
		return string(sh.Content)
	}
	takeBack := func() {
		t.Helper()
		if _, err := s.TakeBack(t.Context(), who); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, s, who, `{"n": 1}`)
	publish(t, s, who, `{"n": 2}`)
	takeBack()
	if shown() != `{"n": 1}` {
		t.Fatal(shown())
	}
	publish(t, s, who, `{"n": 3}`)
	takeBack()
	if shown() != `{"n": 1}` { // not 2, which was taken back before
		t.Fatal(shown())
	}
	takeBack()
	if shown() != "" {
		t.Fatal(shown())
	}
	if _, err := s.TakeBack(t.Context(), who); !errs.Is(err, errs.Conflict) {
		t.Fatal(err)
	}
	publish(t, s, who, `{"n": 4}`)
	sh, err := s.Unpublish(t.Context(), who)
	if err != nil || sh.Published || shown() != "" {
		t.Fatalf("%+v %v", sh, err)
	}
}

func TestVersionsAreNeverChanged(t *testing.T) {
	t.Parallel()
	s, who, _ := setup(t)
	publish(t, s, who, `{}`)
	for name, try := range map[string]func(*db.Tx) error{
		"update": func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE versions SET seq = 9 WHERE shop_id = $1`, who.Shop)
			return err
		},
		"delete": func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `DELETE FROM versions WHERE shop_id = $1`, who.Shop)
			return err
		},
	} {
		if err := s.DB.InTx(t.Context(), try); !db.Violates(err, "versions_append_only") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
