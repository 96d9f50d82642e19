package builder_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"pgregory.net/rapid"

	"vitrine/app/builder"
	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/storefronts"
	"vitrine/app/web/webtest"
)

// picture is the draft as one text: what visitors would see, and what is hidden.
func picture(t interface{ Fatal(...any) }, s *builder.Service, who storefronts.Who) string {
	d, err := s.Draft(context.Background(), who)
	if err != nil {
		t.Fatal(err)
	}
	for i := range d.Blocks {
		d.Blocks[i].V = 0
	}
	b, err := json.Marshal([]any{d.Blocks, d.Shop.Look()})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Whatever is done, undoing all of it leads back through every state in between, and redoing leads forward again.
func TestUndoAndRedoWalkThroughAnyHistory(t *testing.T) {
	d := dbtest.Shared(t)
	s := &builder.Service{DB: d, Shops: storefronts.New(d, ""), Products: &shelf{}}
	rapid.Check(t, func(rt *rapid.T) {
		p := dbtest.Creator(t, d)
		who := storefronts.Who{User: p.User, Shop: p.Shop}
		states, seqs := []string{picture(rt, s, who)}, []int64{0}
		n := rapid.IntRange(1, 14).Draw(rt, "steps")
		for i := range n {
			act(rt, s, who, fmt.Sprintf("%d", i))
			h, err := s.History(context.Background(), d, who)
			if err != nil || h.Redo != nil {
				rt.Fatalf("%+v %v", h.Redo, err)
			}
			seq := int64(0)
			if h.Undo != nil {
				seq = h.Undo.Seq
			}
			for len(seqs) > 1 && seqs[len(seqs)-1] >= seq { // what was typed in a row is one step
				states, seqs = states[:len(states)-1], seqs[:len(seqs)-1]
			}
			if seq > 0 {
				states, seqs = append(states, picture(rt, s, who)), append(seqs, seq)
			}
		}
		for range 2 {
			at := len(states) - 1
			for ; at > 0; at-- {
				h, err := s.History(context.Background(), d, who)
				if err != nil || h.Undo == nil {
					rt.Fatalf("nothing to undo at %d: %v", at, err)
				}
				if _, err := s.Undo(context.Background(), who, h.Undo.Seq); err != nil {
					rt.Fatal(err)
				}
				if got := picture(rt, s, who); got != states[at-1] {
					rt.Fatalf("undone to\n%s\nwant\n%s", got, states[at-1])
				}
				if rapid.Bool().Draw(rt, "again") { // a lost answer: the same request once more
					if op, err := s.Undo(context.Background(), who, h.Undo.Seq); err != nil || op != nil {
						rt.Fatalf("undone twice: %v %v", op, err)
					}
				}
			}
			if h, err := s.History(context.Background(), d, who); err != nil || h.Undo != nil {
				rt.Fatalf("more to undo than was done: %+v %v", h.Undo, err)
			}
			for ; at < len(states)-1; at++ {
				h, _ := s.History(context.Background(), d, who)
				if h.Redo == nil {
					rt.Fatal("nothing to redo")
				}
				if _, err := s.Redo(context.Background(), who, h.Redo.Seq); err != nil {
					rt.Fatal(err)
				}
				if got := picture(rt, s, who); got != states[at+1] {
					rt.Fatalf("redone to\n%s\nwant\n%s", got, states[at+1])
				}
			}
		}
	})
}

// act does one thing that a creator can do.
func act(rt *rapid.T, s *builder.Service, who storefronts.Who, name string) {
	ctx := context.Background()
	bs, err := s.Blocks(ctx, s.DB, who)
	if err != nil {
		rt.Fatal(err)
	}
	var pick, after builder.Block
	if len(bs) > 0 {
		pick = bs[rapid.IntRange(0, len(bs)-1).Draw(rt, "block")]
		if k := rapid.IntRange(-1, len(bs)-1).Draw(rt, "after"); k >= 0 {
			after = bs[k]
		}
	}
	what := rapid.SampledFrom([]string{"add", "edit", "move", "to", "copy", "hide", "schedule", "remove", "dress", "propose", "replace"}).Draw(rt, "what")
	if len(bs) == 0 && what != "dress" && what != "propose" {
		what = "add"
	}
	look := storefronts.Look{Theme: rapid.SampledFrom([]string{"daylight", "afterhours", "house"}).Draw(rt, "theme"), BrandColor: "#2637c4", HeaderStyle: "plain"}
	link := builder.Props{Title: name, URL: "https://example.com/" + name}
	switch what {
	case "add":
		_, err = s.Add(ctx, who, id.New[id.BlockKind](), builder.Link, after.ID)
	case "edit":
		in := link
		if pick.Kind == builder.Text {
			in = builder.Props{Text: name}
		}
		_, err = s.Edit(ctx, who, pick.ID, pick.V, in)
	case "move":
		err = s.Move(ctx, who, pick.ID, after.ID)
	case "to":
		_, _, _, err = s.MoveTo(ctx, who, pick.ID, rapid.IntRange(1, len(bs)).Draw(rt, "to"))
	case "copy":
		_, err = s.Duplicate(ctx, who, pick.ID, id.New[id.BlockKind]())
	case "hide":
		err = s.Hide(ctx, who, pick.ID, rapid.Bool().Draw(rt, "hidden"))
	case "schedule":
		err = s.Schedule(ctx, who, pick.ID, builder.Hours{From: time.Date(2026, 12, 1, rapid.IntRange(0, 20).Draw(rt, "hour"), 0, 0, 0, time.UTC)})
	case "remove":
		err = s.Remove(ctx, who, pick.ID)
	case "dress":
		_, err = s.Dress(ctx, who, look)
	case "propose", "replace":
		err = s.DB.InTx(ctx, func(tx *db.Tx) error {
			return s.Apply(ctx, tx, who, builder.Proposal{Verb: "wrote a page", Replace: what == "replace", Look: &look,
				Blocks: []builder.Proposed{{ID: id.New[id.BlockKind](), Kind: builder.Text, Props: builder.Props{Text: name}}, {ID: id.New[id.BlockKind](), Kind: builder.Link, Props: link}}})
		})
	}
	if err != nil {
		rt.Fatal(err)
	}
}

func TestLettersTypedInARowAreOneStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.edit(t, w.add(t, builder.Link, id.Block{}), builder.Props{Title: "M", URL: "https://example.com"})
	for _, title := range []string{"Ma", "Map", "Maps"} {
		b = w.edit(t, b, builder.Props{Title: title, URL: "https://example.com"})
	}
	w.edit(t, b, builder.Props{Title: "Maps", URL: "https://example.com", Note: "Here"})
	titles := func() []string {
		var out []string
		for {
			h, err := w.History(t.Context(), w.DB, w.who)
			if err != nil {
				t.Fatal(err)
			}
			if h.Undo == nil {
				return out
			}
			if _, err := w.Undo(t.Context(), w.who, h.Undo.Seq); err != nil {
				t.Fatal(err)
			}
			now := "gone"
			if bs, _ := w.Blocks(t.Context(), w.DB, w.who); len(bs) > 0 {
				now = bs[0].Props.Title + bs[0].Props.Note
			}
			out = append(out, now)
		}
	}
	if got := titles(); !slices.Equal(got, []string{"Maps", "M", "", "gone"}) {
		t.Errorf("%q", got)
	}
}

func TestSomethingNewForgetsWhatWasUndone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.add(t, builder.Link, id.Block{})
	h, _ := w.History(t.Context(), w.DB, w.who)
	if _, err := w.Undo(t.Context(), w.who, h.Undo.Seq); err != nil {
		t.Fatal(err)
	}
	w.add(t, builder.Text, id.Block{})
	now, err := w.History(t.Context(), w.DB, w.who)
	if err != nil || now.Redo != nil {
		t.Fatalf("%+v %v", now.Redo, err)
	}
	if got := w.order(t); slices.Contains(got, a.ID) || len(got) != 1 {
		t.Errorf("%v", got)
	}
	// The label of the button that one device still shows is of a step that is gone.
	if _, err := w.Undo(t.Context(), w.who, h.Undo.Seq); !errs.Is(err, errs.Conflict) && err != nil {
		t.Error(err)
	}
	w.add(t, builder.Quote, id.Block{})
	if _, err := w.Undo(t.Context(), w.who, now.Undo.Seq); !errs.Is(err, errs.Conflict) {
		t.Errorf("the newer step of another device was undone unseen: %v", err)
	}
}

func TestProposalsOfOneGroupAreOneStepWithTheirProducts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.add(t, builder.Link, id.Block{})
	was := picture(t, w.Service, w.who)
	pot := w.product("Pot")
	for i := range 3 {
		p := builder.Proposal{Verb: "wrote a page", Group: "g", Replace: i == 0, Blocks: []builder.Proposed{{ID: id.New[id.BlockKind](), Kind: builder.Text, Props: builder.Props{Text: fmt.Sprint(i)}}}}
		if i == 1 {
			p.Products = []id.Product{pot.ID}
			p.Blocks[0] = builder.Proposed{ID: id.New[id.BlockKind](), Kind: builder.Product, Props: builder.Props{Product: pot.ID}}
		}
		for range 2 { // a job that runs twice
			if err := w.DB.InTx(t.Context(), func(tx *db.Tx) error { return w.Apply(t.Context(), tx, w.who, p) }); err != nil {
				t.Fatal(err)
			}
			p.Replace, p.Products = false, nil
		}
	}
	if got := w.order(t); len(got) != 3 || slices.Contains(got, old.ID) {
		t.Fatalf("%v", got)
	}
	h, _ := w.History(t.Context(), w.DB, w.who)
	if _, err := w.Undo(t.Context(), w.who, h.Undo.Seq); err != nil {
		t.Fatal(err)
	}
	if now := picture(t, w.Service, w.who); now != was {
		t.Errorf("undone to\n%s\nwant\n%s", now, was)
	}
	if o, _ := w.shelf.Offers(t.Context(), w.DB, []id.Product{pot.ID}); o[0].Active {
		t.Error("the product that came with it has stayed")
	}
	bad := builder.Proposal{Verb: "wrote a page", Blocks: []builder.Proposed{{ID: id.New[id.BlockKind](), Kind: builder.Text, Props: builder.Props{Text: "kept?"}},
		{ID: id.New[id.BlockKind](), Kind: builder.Link, Props: builder.Props{Title: "x", URL: "javascript:alert(1)"}}}}
	if err := w.DB.InTx(t.Context(), func(tx *db.Tx) error { return w.Apply(t.Context(), tx, w.who, bad) }); !errs.Is(err, errs.Invalid) {
		t.Errorf("a bad address was taken: %v", err)
	}
	if now := picture(t, w.Service, w.who); now != was {
		t.Error("half of a proposal is in the window")
	}
}

func TestAnEarlierDraftComesBackAndCanBeSentAwayAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	head := w.add(t, builder.Header, id.Block{})
	link := w.edit(t, w.add(t, builder.Link, head.ID), builder.Props{Title: "Map", URL: "https://example.com"})
	if err := w.Hide(t.Context(), w.who, link.ID, true); err != nil {
		t.Fatal(err)
	}
	first := picture(t, w.Service, w.who)
	w.publish(t)
	drafts, err := w.Drafts(t.Context(), w.who)
	if err != nil || len(drafts) == 0 || drafts[0].Version.IsZero() || drafts[0].Blocks != 2 {
		t.Fatalf("%+v %v", drafts, err)
	}
	if err := w.Remove(t.Context(), w.who, head.ID); err != nil {
		t.Fatal(err)
	}
	w.add(t, builder.Text, link.ID)
	if _, err := w.Dress(t.Context(), w.who, storefronts.Look{Theme: "afterhours", BrandColor: "#2637c4", HeaderStyle: "plain"}); err != nil {
		t.Fatal(err)
	}
	second := picture(t, w.Service, w.who)
	if err := w.BringBack(t.Context(), w.who, drafts[0].ID); err != nil {
		t.Fatal(err)
	}
	if now := picture(t, w.Service, w.who); now != first {
		t.Fatalf("brought back\n%s\nwant\n%s", now, first)
	}
	h, _ := w.History(t.Context(), w.DB, w.who)
	if _, err := w.Undo(t.Context(), w.who, h.Undo.Seq); err != nil {
		t.Fatal(err)
	}
	if now := picture(t, w.Service, w.who); now != second {
		t.Fatalf("undone to\n%s\nwant\n%s", now, second)
	}
	other := newWorld(t)
	if err := other.BringBack(t.Context(), other.who, drafts[0].ID); !errs.Is(err, errs.NotFound) {
		t.Errorf("somebody else's draft: %v", err)
	}
}

func TestUndoAndRedoInBothBrowsers(t *testing.T) {
	both(t, func(t *testing.T, s studio) {
		a := s.edit(t, s.add(t, builder.Link, id.Block{}), builder.Props{Title: "Map", URL: "https://example.com"})
		p := s.saved(t, s.post(path(a.ID, "/hide"), url.Values{"open": {a.ID.String()}}), "/app/window?b="+a.ID.String()+"#blk-"+a.ID.String())
		bar := func() *goquery.Selection { return s.get("/app/window").Is(200).Doc().Find("#history-bar") }
		if got := bar().Find("#undo").AttrOr("aria-label", ""); got != "Undo: hid Map" {
			t.Fatalf("the button says %q\n%s", got, p.Body)
		}
		form := webtest.Filled(bar().Find("form:has(#undo)"))
		s.saved(t, s.post("/app/window/undo", form), "/app/window")
		if b, _ := s.Block(t.Context(), s.DB, s.who, a.ID); b.Hidden {
			t.Fatal("not undone")
		}
		again := s.post("/app/window/undo", form) // the answer was lost: once more
		if s.htmx {
			again.Is(204)
		} else {
			again.Is(303)
		}
		if b, _ := s.Block(t.Context(), s.DB, s.who, a.ID); b.Props.Title != "Map" {
			t.Fatal("undone twice")
		}
		if got := bar().Find("#redo").AttrOr("aria-label", ""); got != "Do again: hid Map" {
			t.Errorf("the button says %q", got)
		}
		s.saved(t, s.post("/app/window/redo", webtest.Filled(bar().Find("form:has(#redo)"))), "/app/window")
		if b, _ := s.Block(t.Context(), s.DB, s.who, a.ID); !b.Hidden {
			t.Fatal("not done again")
		}
		if bar().Find("#redo").AttrOr("aria-disabled", "") != "true" || bar().Find("[disabled]").Length() > 0 {
			t.Error("nothing to do again, and the button does not say so or takes the focus away")
		}
		old := webtest.Filled(bar().Find("form:has(#undo)"))
		s.add(t, builder.Text, a.ID)
		s.post("/app/window/undo", old).Is(409)
		s.post("/app/window/undo", url.Values{"seq": {"x"}})
	})
}

func TestSchedulingInBothBrowsers(t *testing.T) {
	both(t, func(t *testing.T, s studio) {
		a := s.edit(t, s.add(t, builder.Link, id.Block{}), builder.Props{Title: "Map", URL: "https://example.com"})
		wellFormed(t, s.get(path(a.ID, "/hours")).Is(200).Has("Europe/Paris"))
		s.post(path(a.ID, "/hours"), url.Values{"from": {"2026-12-24T18:00"}, "until": {"2026-12-24T17:00"}}).Is(422).Has("after the beginning").Has(`value="2026-12-24T18:00"`)
		s.post(path(a.ID, "/hours"), url.Values{"from": {"tomorrow"}}).Is(422).Has("Write a date")
		s.saved(t, s.post(path(a.ID, "/hours"), url.Values{"from": {"2026-12-24T18:00"}, "until": {""}}), "/app/window?b="+a.ID.String()+"#blk-"+a.ID.String())
		b, _ := s.Block(t.Context(), s.DB, s.who, a.ID)
		if want := time.Date(2026, 12, 24, 17, 0, 0, 0, time.UTC); !b.Hours.From.Equal(want) || !b.Hours.Until.IsZero() {
			t.Fatalf("%+v", b.Hours)
		}
		s.get("/app/window").Has("Shown from 24 December 2026, 18:00")
		if got := s.changes(t); !slices.Contains(got, "Link added: Map") {
			t.Errorf("%q", got)
		}
		newStudio(t, s.htmx).post(path(a.ID, "/hours"), url.Values{"from": {""}}).Is(404)
	})
}

func TestAScheduledBlockComesAndGoesByTheClock(t *testing.T) {
	t.Parallel()
	d := dbtest.Fresh(t)
	at := time.Date(2026, 12, 24, 12, 0, 0, 0, time.UTC)
	d.Clock = func() time.Time { return at }
	p := dbtest.Creator(t, d)
	s := &builder.Service{DB: d, Shops: storefronts.New(d, shopURL), Products: &shelf{}}
	w := world{s, storefronts.Who{User: p.User, Shop: p.Shop}, p.Slug, &shelf{}}
	b := w.edit(t, w.add(t, builder.Link, id.Block{}), builder.Props{Title: "Sale", URL: "https://example.com"})
	if err := s.Schedule(t.Context(), w.who, b.ID, builder.Hours{From: at.Add(time.Hour), Until: at.Add(2 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	w.publish(t)
	f := &builder.Front{Service: s, Config: testConfig()}
	for _, c := range []struct {
		after time.Duration
		there bool
		until time.Duration
	}{{0, false, time.Hour}, {time.Hour, true, 2 * time.Hour}, {2*time.Hour - time.Second, true, 2 * time.Hour}, {2 * time.Hour, false, 0}} {
		begin := at
		at = at.Add(c.after)
		page, err := f.Fresh(t.Context(), p.Slug)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(page.Body), "Sale"); got != c.there {
			t.Errorf("after %s: shown %v", c.after, got)
		}
		if want := begin.Add(c.until); c.until > 0 && !page.Until.Equal(want) || c.until == 0 && !page.Until.IsZero() {
			t.Errorf("after %s: kept until %s", c.after, page.Until)
		}
		at = begin
	}
}

func TestHistoryIsForgottenAfterThirtyDays(t *testing.T) {
	t.Parallel()
	d := dbtest.Fresh(t)
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	d.Clock = func() time.Time { return at }
	p := dbtest.Creator(t, d)
	s := &builder.Service{DB: d, Shops: storefronts.New(d, shopURL), Products: &shelf{}}
	w := world{s, storefronts.Who{User: p.User, Shop: p.Shop}, p.Slug, &shelf{}}
	reg := job.NewRegistry()
	s.Jobs(reg)
	sweep := func() {
		t.Helper()
		for _, x := range reg.Sweeps() {
			if err := x.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	head := w.add(t, builder.Header, id.Block{})
	w.publish(t)
	gone := w.add(t, builder.Text, head.ID)
	if err := s.Remove(t.Context(), w.who, gone.ID); err != nil {
		t.Fatal(err)
	}
	at = at.Add(builder.HistoryKept - time.Minute)
	sweep()
	if h, _ := s.History(t.Context(), d, w.who); h.Undo == nil {
		t.Fatal("forgotten too early")
	}
	at = at.Add(2 * time.Minute)
	sweep()
	h, err := s.History(t.Context(), d, w.who)
	drafts, err2 := s.Drafts(t.Context(), w.who)
	if err != nil || err2 != nil || h.Undo != nil || len(drafts) != 1 || drafts[0].Version.IsZero() {
		t.Fatalf("%+v %+v %v %v", h, drafts, err, err2)
	}
	if err := s.Restore(t.Context(), w.who, gone.ID); !errs.Is(err, errs.NotFound) {
		t.Errorf("a removed block is kept for ever: %v", err)
	}
	if err := s.BringBack(t.Context(), w.who, drafts[0].ID); err != nil {
		t.Errorf("what was published cannot be brought back: %v", err)
	}
}
