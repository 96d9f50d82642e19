package builder_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"vitrine/app/builder"
	"vitrine/app/db/dbtest"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/products"
	"vitrine/app/storefronts"
)

func TestAnyHistoryOfMovesEndsAsAPlainListWould(t *testing.T) {
	d := dbtest.Shared(t)
	s := &builder.Service{DB: d, Shops: storefronts.New(d, ""), Products: &shelf{}}
	ctx := context.Background()
	rapid.Check(t, func(rt *rapid.T) {
		p := dbtest.Creator(t, d)
		who := storefronts.Who{User: p.User, Shop: p.Shop}
		var model []id.Block // with removed ones in their places
		gone := map[id.Block]bool{}
		insert := func(b, after id.Block) {
			model = slices.DeleteFunc(model, func(x id.Block) bool { return x == b })
			model = slices.Insert(model, slices.Index(model, after)+1, b) // not found is -1: first
		}
		live := func() []id.Block {
			return slices.DeleteFunc(slices.Clone(model), func(x id.Block) bool { return gone[x] })
		}
		must := func(err error) {
			if err != nil {
				rt.Fatal(err)
			}
		}
		pick := func(label string, first bool) id.Block {
			from := model
			if first {
				from = append([]id.Block{{}}, model...)
			}
			return rapid.SampledFrom(from).Draw(rt, label)
		}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			op := rapid.SampledFrom([]string{"add", "move", "move", "to", "by", "remove", "restore", "copy"}).Draw(rt, "op")
			if len(model) == 0 {
				op = "add"
			}
			switch op {
			case "add":
				b, after := id.New[id.BlockKind](), pick("after", true)
				_, err := s.Add(ctx, who, b, builder.Link, after)
				must(err)
				insert(b, after)
			case "copy":
				b, of := id.New[id.BlockKind](), pick("of", false)
				_, err := s.Duplicate(ctx, who, of, b)
				if gone[of] {
					wantGone(rt, err)
					continue
				}
				must(err)
				insert(b, of)
			case "move":
				b, after := pick("block", false), pick("after", true)
				err := s.Move(ctx, who, b, after)
				if b == after {
					must(err)
					continue
				}
				if gone[b] {
					wantGone(rt, err)
					continue
				}
				must(err)
				insert(b, after)
			case "to", "by":
				b, n := pick("block", false), rapid.IntRange(-3, 12).Draw(rt, "n")
				at := slices.Index(live(), b)
				var moved bool
				var now, of int
				var err error
				if op == "to" {
					moved, now, of, err = s.MoveTo(ctx, who, b, n)
				} else {
					moved, now, of, err = s.MoveBy(ctx, who, b, n)
					n += at + 1
				}
				if gone[b] {
					wantGone(rt, err)
					continue
				}
				must(err)
				rest := slices.DeleteFunc(live(), func(x id.Block) bool { return x == b })
				want := min(max(n, 1), len(rest)+1)
				if now != want || of != len(rest)+1 || moved != (want != at+1) {
					rt.Fatalf("moved %v to %d of %d, want %d of %d from %d", moved, now, of, want, len(rest)+1, at+1)
				}
				if moved {
					var after id.Block
					if want > 1 {
						after = rest[want-2]
					}
					insert(b, after)
				}
			case "remove":
				b := pick("block", false)
				must(s.Remove(ctx, who, b))
				gone[b] = true
			case "restore":
				b := pick("block", false)
				must(s.Restore(ctx, who, b))
				delete(gone, b)
			}
			bs, err := s.Blocks(ctx, d, who)
			must(err)
			got := []id.Block{}
			for _, b := range bs {
				got = append(got, b.ID)
			}
			if want := live(); !slices.Equal(got, want) && len(got)+len(want) > 0 {
				rt.Fatalf("after %s:\n got %v\nwant %v", op, got, want)
			}
		}
	})
}

func wantGone(t *rapid.T, err error) {
	if !errs.Is(err, errs.NotFound) {
		t.Fatalf("a removed block was used: %v", err)
	}
}

// Halving a gap sixteen times exhausts it; the window then rebalances and goes on.
func TestPositionsNeverRunOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.add(t, builder.Link, id.Block{})
	b := w.add(t, builder.Link, a.ID)
	var want []id.Block
	for range 40 {
		c := w.add(t, builder.Link, a.ID)
		want = append([]id.Block{c.ID}, want...)
	}
	want = append(append([]id.Block{a.ID}, want...), b.ID)
	if got := w.order(t); !slices.Equal(got, want) {
		t.Fatalf("order lost after %d inserts", len(want))
	}
}

func TestAskingTwiceAddsOneBlock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fresh, copied := id.New[id.BlockKind](), id.New[id.BlockKind]()
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if _, err := w.Add(context.Background(), w.who, fresh, builder.Link, id.Block{}); err != nil {
				t.Errorf("add: %v", err)
			}
			if _, err := w.Duplicate(context.Background(), w.who, fresh, copied); err != nil {
				t.Errorf("duplicate: %v", err)
			}
		})
	}
	wg.Wait()
	if got := w.order(t); !slices.Equal(got, []id.Block{fresh, copied}) {
		t.Fatalf("%d blocks", len(got))
	}
}

// Two devices edit one block from the same version: one is written, the other is told both texts.
func TestTwoDevicesLoseNoUpdate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.add(t, builder.Link, id.Block{})
	var won, stale atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			mine := builder.Props{Title: fmt.Sprintf("Device %d", i), URL: "https://example.com"}
			_, err := w.Edit(context.Background(), w.who, b.ID, b.V, mine)
			var s *builder.Stale
			switch {
			case err == nil:
				won.Add(1)
			case errors.As(err, &s) && s.Mine.Title == mine.Title && strings.HasPrefix(s.Theirs.Props.Title, "Device ") && s.Theirs.V == b.V+1 && !s.At.IsZero():
				stale.Add(1)
			default:
				t.Errorf("unexpected: %v", err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || stale.Load() != 7 {
		t.Fatalf("%d written, %d told", won.Load(), stale.Load())
	}
}

// Each device reads, changes its own part and writes, and begins again when it was too late: every change counts.
func TestInterleavedDevicesWhoRetryLoseNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.add(t, builder.Contact, id.Block{})
	w.edit(t, b, builder.Props{Title: "T", Text: ""})
	var wg sync.WaitGroup
	for d := range 3 {
		wg.Go(func() {
			for i := range 5 {
				for {
					now, err := w.Block(context.Background(), w.DB, w.who, b.ID)
					if err != nil {
						t.Error(err)
						return
					}
					p := now.Props
					p.Text += fmt.Sprintf("[%d-%d]", d, i)
					_, err = w.Edit(context.Background(), w.who, b.ID, now.V, p)
					var s *builder.Stale
					if errors.As(err, &s) {
						continue
					}
					if err != nil {
						t.Error(err)
					}
					break
				}
			}
		})
	}
	wg.Wait()
	now, _ := w.Block(t.Context(), w.DB, w.who, b.ID)
	for d := range 3 {
		for i := range 5 {
			if strings.Count(now.Props.Text, fmt.Sprintf("[%d-%d]", d, i)) != 1 {
				t.Errorf("change %d of device %d is lost: %q", i, d, now.Props.Text)
			}
		}
	}
}

func TestMovesAndEditsOfTwoDevicesDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var blocks []builder.Block
	for range 6 {
		blocks = append(blocks, w.add(t, builder.Link, id.Block{}))
	}
	var wg sync.WaitGroup
	for d := range 2 {
		wg.Go(func() {
			for i := range 20 {
				b := blocks[(i*5+d*3)%6]
				if err := w.Move(context.Background(), w.who, b.ID, blocks[(i+d)%6].ID); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for i, b := range blocks {
			if _, err := w.Edit(context.Background(), w.who, b.ID, b.V, builder.Props{Title: fmt.Sprint(i)}); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	now, _ := w.Blocks(t.Context(), w.DB, w.who)
	if len(now) != 6 {
		t.Fatalf("%d blocks", len(now))
	}
	for i, b := range blocks {
		j := slices.IndexFunc(now, func(x builder.Block) bool { return x.ID == b.ID })
		if j < 0 || now[j].Props.Title != fmt.Sprint(i) {
			t.Errorf("block %d: %+v", i, now)
		}
	}
}

func TestTheSameTextAgainIsNoChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.add(t, builder.Link, id.Block{})
	p := builder.Props{Title: "Stockists", URL: "example.com"}
	first, err := w.Edit(t.Context(), w.who, b.ID, b.V, p)
	if err != nil || !first.Changed || first.Block.Props.URL != "https://example.com" {
		t.Fatalf("%+v %v", first, err)
	}
	for _, bv := range []int{first.Block.V, b.V} { // also from an old form: nothing would be lost
		again, err := w.Edit(t.Context(), w.who, b.ID, bv, p)
		if err != nil || again.Changed || again.Block.V != first.Block.V {
			t.Fatalf("from version %d: %+v %v", bv, again, err)
		}
	}
}

func TestEditsAreChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := newWorld(t)
	theirs := w.shelf.put(products.Offer{Shop: other.who.Shop, Name: "Not mine", Active: true})
	long := strings.Repeat("é", 501)
	for _, c := range []struct {
		kind  builder.Kind
		props builder.Props
		field string
	}{
		{builder.Header, builder.Props{Title: long}, "title"},
		{builder.Header, builder.Props{Text: long}, "text"},
		{builder.Header, builder.Props{Status: long}, "status"},
		{builder.Header, builder.Props{Socials: []builder.Social{{Label: "x", URL: "javascript:alert(1)"}}}, "socials"},
		{builder.Header, builder.Props{Socials: []builder.Social{{Label: long, URL: "https://example.com"}}}, "socials"},
		{builder.Header, builder.Props{Socials: slices.Repeat([]builder.Social{{URL: "https://example.com"}}, 6)}, "socials"},
		{builder.Product, builder.Props{Note: long}, "note"},
		{builder.Product, builder.Props{Product: id.New[id.ProductKind]()}, "product"},
		{builder.Product, builder.Props{Product: theirs.ID}, "product"},
		{builder.Link, builder.Props{Title: long}, "title"},
		{builder.Link, builder.Props{URL: "http://example.com"}, "url"},
		{builder.Link, builder.Props{Note: long}, "note"},
		{builder.Contact, builder.Props{Text: long}, "text"},
		{builder.Contact, builder.Props{Button: long}, "button"},
	} {
		b := w.add(t, c.kind, id.Block{})
		_, err := w.Edit(t.Context(), w.who, b.ID, b.V, c.props)
		if f := errs.Fields(err); len(f) != 1 || f[0].Name != c.field {
			t.Errorf("%s %s: %v", c.kind, c.field, err)
		}
		if now, _ := w.Block(t.Context(), w.DB, w.who, b.ID); now.V != b.V {
			t.Errorf("%s %s: written all the same", c.kind, c.field)
		}
		if err := w.Remove(t.Context(), w.who, b.ID); err != nil {
			t.Fatal(err)
		}
	}
}

func TestABlockKeepsOnlyWhatItsKindSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.add(t, builder.Link, id.Block{})
	got := w.edit(t, b, builder.Props{Title: " a \n\t b \x00\x1b", Text: "x", Status: "x", Note: "n", Button: "x", Socials: []builder.Social{{URL: "https://example.com"}}})
	if !got.Props.Equal(builder.Props{Title: "a b", Note: "n"}) {
		t.Fatalf("%+v", got.Props)
	}
}

func TestAHeaderStandsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.add(t, builder.Header, id.Block{})
	if _, err := w.Add(t.Context(), w.who, id.New[id.BlockKind](), builder.Header, id.Block{}); !errs.Is(err, errs.Conflict) {
		t.Fatal(err)
	}
	if _, err := w.Duplicate(t.Context(), w.who, h.ID, id.New[id.BlockKind]()); !errs.Is(err, errs.Conflict) {
		t.Fatal(err)
	}
	if err := w.Remove(t.Context(), w.who, h.ID); err != nil {
		t.Fatal(err)
	}
	w.add(t, builder.Header, id.Block{})
	if err := w.Restore(t.Context(), w.who, h.ID); !errs.Is(err, errs.Conflict) {
		t.Fatalf("two headers by undo: %v", err)
	}
}

func TestANewProductBlockShowsWhatIsNotShownYet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.product("A"), w.product("B")
	w.shelf.put(products.Offer{Shop: w.who.Shop, Name: "Draft"})
	got := []id.Product{w.add(t, builder.Product, id.Block{}).Props.Product, w.add(t, builder.Product, id.Block{}).Props.Product, w.add(t, builder.Product, id.Block{}).Props.Product}
	if !slices.Equal(got, []id.Product{a.ID, b.ID, {}}) {
		t.Fatalf("%v", got)
	}
}

func TestAWindowIsNotEndless(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range builder.MaxBlocks {
		w.add(t, builder.Link, id.Block{})
	}
	if _, err := w.Add(t.Context(), w.who, id.New[id.BlockKind](), builder.Link, id.Block{}); !errs.Is(err, errs.Conflict) {
		t.Fatal(err)
	}
}

func TestAnotherCreatorsBlocksAreNotThere(t *testing.T) {
	t.Parallel()
	w, thief := newWorld(t), newWorld(t)
	b := w.add(t, builder.Link, id.Block{})
	own := thief.add(t, builder.Link, id.Block{})
	ctx := t.Context()
	for name, try := range map[string]func() error{
		"edit":      func() error { _, err := thief.Edit(ctx, thief.who, b.ID, 1, builder.Props{Title: "x"}); return err },
		"move":      func() error { return thief.Move(ctx, thief.who, b.ID, id.Block{}) },
		"after":     func() error { return thief.Move(ctx, thief.who, own.ID, b.ID) },
		"to":        func() error { _, _, _, err := thief.MoveTo(ctx, thief.who, b.ID, 1); return err },
		"hide":      func() error { return thief.Hide(ctx, thief.who, b.ID, true) },
		"remove":    func() error { return thief.Remove(ctx, thief.who, b.ID) },
		"restore":   func() error { return thief.Restore(ctx, thief.who, b.ID) },
		"duplicate": func() error { _, err := thief.Duplicate(ctx, thief.who, b.ID, id.New[id.BlockKind]()); return err },
		"overwrite": func() error { _, err := thief.Add(ctx, thief.who, b.ID, builder.Link, id.Block{}); return err },
		"other shop": func() error {
			return thief.Remove(ctx, storefronts.Who{User: thief.who.User, Shop: w.who.Shop}, b.ID)
		},
	} {
		if err := try(); !errs.Is(err, errs.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	now, err := w.Blocks(ctx, w.DB, w.who)
	if err != nil || len(now) != 1 || now[0].V != 1 || now[0].Hidden {
		t.Fatalf("%+v %v", now, err)
	}
}
