package builder_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"vitrine/app/builder"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/storefronts"
)

func (w world) publish(t *testing.T) storefronts.Shop {
	t.Helper()
	r, err := w.Review(t.Context(), w.who)
	if err != nil {
		t.Fatal(err)
	}
	sh, err := w.Publish(t.Context(), w.who, r.Shop.Seq)
	if err != nil {
		t.Fatal(err)
	}
	return sh
}

func (w world) changes(t *testing.T) []string {
	t.Helper()
	r, err := w.Review(t.Context(), w.who)
	if err != nil {
		t.Fatal(err)
	}
	return sentences(r.Changes)
}

func sentences(in []builder.Sentence) []string {
	out := []string{}
	for _, c := range in {
		out = append(out, fmt.Sprintf(c.Text, c.Args...))
	}
	return out
}

func (w world) content(t *testing.T) *builder.Content {
	t.Helper()
	sh, err := w.Shops.Shown(t.Context(), w.DB, w.slug)
	if err != nil {
		t.Fatal(err)
	}
	if sh.Content == nil {
		return nil
	}
	var c builder.Content
	if err := json.Unmarshal(sh.Content, &c); err != nil {
		t.Fatal(err)
	}
	return &c
}

func TestPublishShowsTheDraftAndCountsWhatChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pot := w.product("Pot")
	head := w.add(t, builder.Header, id.Block{})
	link := w.edit(t, w.add(t, builder.Link, head.ID), builder.Props{Title: "Map", URL: "https://example.com"})
	more := w.edit(t, w.add(t, builder.Link, link.ID), builder.Props{Title: "Care", URL: "https://example.com"})
	prod := w.add(t, builder.Product, more.ID)
	secret := w.edit(t, w.add(t, builder.Contact, prod.ID), builder.Props{Title: "Later"})
	if err := w.Hide(t.Context(), w.who, secret.ID, true); err != nil {
		t.Fatal(err)
	}
	if got := w.changes(t); !slices.Equal(got, []string{"Your window becomes public", "Header added", "Link added: Map", "Link added: Care", "Product added: Pot"}) {
		t.Fatalf("%q", got)
	}
	if w.content(t) != nil {
		t.Fatal("shown before it was published")
	}
	sh := w.publish(t)
	if !sh.Published || len(w.changes(t)) != 0 {
		t.Fatalf("%+v, still %q", sh, w.changes(t))
	}
	c := w.content(t)
	if len(c.Blocks) != 4 || c.Blocks[3].Props.Product != pot.ID || c.Look.Theme != "daylight" {
		t.Fatalf("%+v", c)
	}

	w.edit(t, link, builder.Props{Title: "Stockists", URL: "https://example.com"})
	if err := w.Move(t.Context(), w.who, prod.ID, id.Block{}); err != nil {
		t.Fatal(err)
	}
	if err := w.Hide(t.Context(), w.who, secret.ID, false); err != nil {
		t.Fatal(err)
	}
	if err := w.Remove(t.Context(), w.who, head.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Shops.SetLook(t.Context(), w.who, storefronts.Look{Theme: "house", BrandColor: "#ff0000", HeaderStyle: "plain"}); err != nil {
		t.Fatal(err)
	}
	want := []string{"Theme: House colour #ff0000", "Header without an awning", "Product moved: Pot", "Link changed: Stockists", "Contact form added: Later", "Header removed"}
	if got := w.changes(t); !slices.Equal(got, want) {
		t.Fatalf("%q", got)
	}
	if c := w.content(t); len(c.Blocks) != 4 || c.Blocks[1].Props.Title != "Map" {
		t.Fatal("the public page changed without a publish")
	}
}

func TestWhatIsUndoneIsNoChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.add(t, builder.Link, id.Block{})
	b := w.add(t, builder.Link, a.ID)
	w.publish(t)
	ctx := t.Context()
	for name, twice := range map[string][2]func() error{
		"move":   {func() error { return w.Move(ctx, w.who, b.ID, id.Block{}) }, func() error { return w.Move(ctx, w.who, b.ID, a.ID) }},
		"remove": {func() error { return w.Remove(ctx, w.who, a.ID) }, func() error { return w.Restore(ctx, w.who, a.ID) }},
		"hide":   {func() error { return w.Hide(ctx, w.who, a.ID, true) }, func() error { return w.Hide(ctx, w.who, a.ID, false) }},
	} {
		if err := twice[0](); err != nil {
			t.Fatal(err)
		}
		if got := w.changes(t); len(got) != 1 {
			t.Errorf("%s: %q", name, got)
		}
		if err := twice[1](); err != nil {
			t.Fatal(err)
		}
		if got := w.changes(t); len(got) != 0 {
			t.Errorf("%s undone: %q", name, got)
		}
	}
}

func TestWhatWasNotReviewedIsNotPublished(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add(t, builder.Link, id.Block{})
	r, err := w.Review(t.Context(), w.who)
	if err != nil {
		t.Fatal(err)
	}
	w.add(t, builder.Link, id.Block{}) // on another device
	if _, err := w.Publish(t.Context(), w.who, r.Shop.Seq); !errs.Is(err, errs.Conflict) {
		t.Fatal(err)
	}
	if w.content(t) != nil {
		t.Fatal("published all the same")
	}
}

func TestADoubleClickPublishesOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add(t, builder.Link, id.Block{})
	r, _ := w.Review(t.Context(), w.who)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if _, err := w.Publish(context.Background(), w.who, r.Shop.Seq); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var n int
	if err := w.DB.Get(t.Context(), &n, `SELECT count(*) FROM versions WHERE shop_id = $1`, w.who.Shop); err != nil || n != 1 {
		t.Fatalf("%d versions, %v", n, err)
	}
	if _, err := w.Shops.TakeBack(t.Context(), w.who); err != nil || w.content(t) != nil {
		t.Fatal("taking it back shows the same again")
	}
}

func TestTakingAPublishBackLeavesTheDraft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.edit(t, w.add(t, builder.Link, id.Block{}), builder.Props{Title: "One"})
	w.publish(t)
	b = w.edit(t, b, builder.Props{Title: "Two"})
	w.publish(t)
	if _, err := w.Shops.TakeBack(t.Context(), w.who); err != nil {
		t.Fatal(err)
	}
	if c := w.content(t); c.Blocks[0].Props.Title != "One" {
		t.Fatalf("%+v", c)
	}
	if got := w.changes(t); !slices.Equal(got, []string{"Link changed: Two"}) {
		t.Fatalf("%q", got)
	}
	if now, _ := w.Block(t.Context(), w.DB, w.who, b.ID); now.Props.Title != "Two" {
		t.Fatal("the draft is gone")
	}
}

func TestWarningsNameWhatVisitorsWillNotSee(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pot := w.product("Pot")
	pot.Active = false
	empty, draft := w.add(t, builder.Product, id.Block{}), builder.Block{}
	w.edit(t, empty, builder.Props{})
	draft = w.add(t, builder.Product, id.Block{})
	w.edit(t, draft, builder.Props{Product: pot.ID})
	w.shelf.put(pot)
	w.edit(t, w.add(t, builder.Link, id.Block{}), builder.Props{Title: "No address"})
	r, err := w.Review(t.Context(), w.who)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(sentences(r.Warnings), "\n")
	for _, want := range []string{"no product", "“Pot” is a draft", "“No address” has no address"} {
		if !strings.Contains(all, want) {
			t.Errorf("no warning %q in\n%s", want, all)
		}
	}
}
