package builder

import (
	"cmp"
	"context"
	"slices"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/event"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/products"
	"vitrine/app/storefronts"
)

// Changed is the event of a draft that has changed; its subject is the shop.
const Changed = "window.changed"

// HistoryKept is how long a change can be undone.
const HistoryKept = 30 * 24 * time.Hour

// step is one thing that a creator does to a draft. Neighbours in the history with the same name are one step:
// letters typed one after the other, blocks that come one by one.
type step struct {
	verb  string // what was done, a text of the catalogue: "Moved: %s", or without a name
	block Block  // whom it was done to
	name  string // what that is called; empty for the name of its kind
	same  string
	soon  time.Duration // how close neighbours must be; 0: any distance
	made  []id.Product  // products that came with it, and go with it
}

// change is what a step did: what it takes to undo it, and to do it again.
type change struct {
	Blocks   []delta              `json:"blocks,omitempty"`
	Look     *[2]storefronts.Look `json:"look,omitempty"`
	Products []id.Product         `json:"products,omitempty"`
}

// delta is what became of one block: each pair is before and after, and missing when it is the same.
type delta struct {
	ID      id.Block  `json:"id"`
	Props   *[2]Props `json:"props,omitempty"`
	Hidden  *[2]bool  `json:"hidden,omitempty"`
	Removed *[2]bool  `json:"removed,omitempty"` // a block that did not exist was removed
	Hours   *[2]Hours `json:"hours,omitempty"`
	Place   *[2]place `json:"place,omitempty"`
}

// place is where a block stands in the window: after which one, and as which of all.
type place struct {
	After id.Block `json:"after"`
	N     int      `json:"n"`
}

func (c change) nothing() bool { return len(c.Blocks) == 0 && c.Look == nil && len(c.Products) == 0 }

// take runs f as one step: under the shop's lock, and so that it can be undone. What changes nothing leaves no
// trace. It returns the shop as it is after.
func (s *Service) take(ctx context.Context, tx *db.Tx, who storefronts.Who, st step, f func() error) (storefronts.Shop, error) {
	sh, err := s.Shops.Lock(ctx, tx, who)
	if err != nil {
		return sh, err
	}
	before, err := listAll(ctx, tx, who)
	if err != nil {
		return sh, err
	}
	if err := f(); err != nil {
		return sh, err
	}
	after, err := listAll(ctx, tx, who)
	if err != nil {
		return sh, err
	}
	now, err := s.Shops.Mine(ctx, tx, who)
	if err != nil {
		return sh, err
	}
	ch := compare(before, after)
	ch.Products = st.made
	if was, is := sh.Look(), now.Look(); was != is {
		ch.Look = &[2]storefronts.Look{was, is}
	}
	if ch.nothing() {
		return now, nil
	}
	if err := s.keepDraft(ctx, tx, sh, before, sh.Look()); err != nil {
		return sh, err
	}
	if now, err = s.Shops.Touch(ctx, tx, who); err != nil {
		return sh, err
	}
	if err := forgetUndone(ctx, tx, who); err != nil {
		return sh, err
	}
	if err := s.record(ctx, tx, who, now.Seq, st, ch); err != nil {
		return sh, err
	}
	return now, event.Emit(ctx, tx, Changed, who.Shop.String())
}

// record writes a step down, together with the one before it if both are one.
func (s *Service) record(ctx context.Context, tx *db.Tx, who storefronts.Who, seq int64, st step, ch change) error {
	if st.same != "" {
		last, err := lastOp(ctx, tx, who)
		if err != nil {
			return err
		}
		if last != nil && last.Step == st.same && (st.soon == 0 || tx.Now.Sub(last.UpdatedAt) < st.soon) {
			merged := last.Change.and(ch)
			if merged.nothing() {
				return deleteOp(ctx, tx, who, last.Seq)
			}
			return updateOp(ctx, tx, who, last.Seq, merged)
		}
	}
	return insertOp(ctx, tx, who, seq, st, ch)
}

// compare finds what became of the blocks. Places are told among those that are in the window: a block that comes
// back finds the one it stood after, whatever became of the ones that are gone.
func compare(before, after []state) change {
	was, is := index(before), index(after)
	moved := outOfOrder(was.window, is.window)
	var out change
	for _, b := range after {
		old, known := was.at[b.ID]
		if !known {
			old = state{Removed: true, Block: b.Block}
		}
		d := delta{ID: b.ID}
		if !old.Props.Equal(b.Props) {
			d.Props = &[2]Props{old.Props, b.Props}
		}
		if old.Hidden != b.Hidden {
			d.Hidden = &[2]bool{old.Hidden, b.Hidden}
		}
		if old.Removed != b.Removed {
			d.Removed = &[2]bool{old.Removed, b.Removed}
		}
		if !old.Hours.Equal(b.Hours) {
			d.Hours = &[2]Hours{old.Hours, b.Hours}
		}
		if moved[b.ID] || d.Removed != nil {
			d.Place = &[2]place{was.place[b.ID], is.place[b.ID]}
		}
		if !d.empty() {
			out.Blocks = append(out.Blocks, d)
		}
	}
	return out
}

type indexed struct {
	at     map[id.Block]state
	place  map[id.Block]place // of those in the window
	window []Part
}

func index(blocks []state) indexed {
	x := indexed{at: map[id.Block]state{}, place: map[id.Block]place{}}
	var last id.Block
	for _, b := range blocks {
		x.at[b.ID] = b
		if !b.Removed {
			x.place[b.ID] = place{last, len(x.window)}
			x.window = append(x.window, Part{ID: b.ID})
			last = b.ID
		}
	}
	return x
}

func (d delta) empty() bool {
	return d.Props == nil && d.Hidden == nil && d.Removed == nil && d.Hours == nil && d.Place == nil
}

// and is c followed by next, as one change.
func (c change) and(next change) change {
	out := change{Look: pair(c.Look, next.Look, func(a, b storefronts.Look) bool { return a == b }), Products: append(slices.Clone(c.Products), next.Products...)}
	have := map[id.Block]int{}
	for _, d := range c.Blocks {
		have[d.ID] = len(out.Blocks)
		out.Blocks = append(out.Blocks, d)
	}
	for _, d := range next.Blocks {
		i, ok := have[d.ID]
		if !ok {
			out.Blocks = append(out.Blocks, d)
			continue
		}
		a := out.Blocks[i]
		out.Blocks[i] = delta{d.ID, pair(a.Props, d.Props, Props.Equal), pair(a.Hidden, d.Hidden, same), pair(a.Removed, d.Removed, same),
			pair(a.Hours, d.Hours, Hours.Equal), pair(a.Place, d.Place, func(place, place) bool { return false })}
	}
	out.Blocks = slices.DeleteFunc(out.Blocks, delta.empty)
	return out
}

func same(a, b bool) bool { return a == b }

// pair is before and after of two changes in a row; nil when they cancel each other out.
func pair[T any](a, b *[2]T, equal func(a, b T) bool) *[2]T {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case equal(a[0], b[1]):
		return nil
	}
	return &[2]T{a[0], b[1]}
}

// Op is a step of the history, as a person reads of it.
type Op struct {
	Seq  int64
	What Sentence
}

// History is what can be undone and what can be done again; nil where there is nothing.
type History struct{ Undo, Redo *Op }

// History reads both ends of the history.
func (s *Service) History(ctx context.Context, q db.Q, who storefronts.Who) (h History, err error) {
	last, err := lastOp(ctx, q, who)
	if err != nil {
		return h, err
	}
	next, err := nextOp(ctx, q, who)
	if err != nil {
		return h, err
	}
	return History{last.op(), next.op()}, nil
}

func (r *opRow) op() *Op {
	if r == nil {
		return nil
	}
	return &Op{r.Seq, r.sentence()}
}

// sentence is what was done, in words of the catalogue.
func (r *opRow) sentence() Sentence {
	switch {
	case r.Kind == "":
		return say(r.Verb)
	case r.Name == "":
		return say(r.Verb, r.Kind.Label())
	}
	return say(r.Verb, r.Name)
}

var errMoved = errs.New(errs.Conflict, "Your window was changed on another device. Look at it before you undo that.")

// Undo takes back the last step. seq is the one that its creator saw: asking twice for the same one takes back
// one, and a newer one by another device is not taken back unseen. It returns what was undone, nil for nothing.
func (s *Service) Undo(ctx context.Context, who storefronts.Who, seq int64) (*Op, error) {
	return s.travel(ctx, who, seq, 0)
}

// Redo does again the step that was undone last.
func (s *Service) Redo(ctx context.Context, who storefronts.Who, seq int64) (*Op, error) {
	return s.travel(ctx, who, seq, 1)
}

// travel applies one side of a step's change: 0 is before it, 1 after.
func (s *Service) travel(ctx context.Context, who storefronts.Who, seq int64, side int) (*Op, error) {
	var out *Op
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		sh, err := s.Shops.Lock(ctx, tx, who)
		if err != nil {
			return err
		}
		find := lastOp
		if side == 1 {
			find = nextOp
		}
		op, err := find(ctx, tx, who)
		if err != nil || op == nil {
			return err
		}
		if op.Seq != seq {
			if done, err := isDone(ctx, tx, who, seq); err != nil || done == (side == 1) {
				return err
			}
			return errMoved
		}
		blocks, err := listAll(ctx, tx, who)
		if err != nil {
			return err
		}
		if err := s.keepDraft(ctx, tx, sh, blocks, sh.Look()); err != nil {
			return err
		}
		if err := s.apply(ctx, tx, who, op.Change, side); err != nil {
			return err
		}
		if err := markOp(ctx, tx, who, op.Seq, side == 0); err != nil {
			return err
		}
		out = op.op()
		if _, err := s.Shops.Touch(ctx, tx, who); err != nil {
			return err
		}
		return event.Emit(ctx, tx, Changed, who.Shop.String())
	})
	return out, err
}

// apply puts one side of a change into the draft. The history is a line, so the draft is at its other side.
func (s *Service) apply(ctx context.Context, tx *db.Tx, who storefronts.Who, ch change, side int) error {
	blocks := slices.Clone(ch.Blocks)
	slices.SortStableFunc(blocks, func(a, b delta) int { return cmp.Compare(a.n(side), b.n(side)) })
	for _, d := range blocks {
		if err := applyDelta(ctx, tx, who, d, side); err != nil {
			return err
		}
	}
	if ch.Look != nil {
		if err := s.Shops.ApplyLook(ctx, tx, who, ch.Look[side]); err != nil {
			return err
		}
	}
	for _, p := range ch.Products {
		if err := s.Products.SetArchived(ctx, tx, products.Who{User: who.User, Shop: who.Shop}, p, side == 0); err != nil {
			return err
		}
	}
	return nil
}

// n is as which of all a block stands, so that each finds the one before it in its place.
func (d delta) n(side int) int {
	if d.Place == nil {
		return -1
	}
	return d.Place[side].N
}

func applyDelta(ctx context.Context, tx *db.Tx, who storefronts.Who, d delta, side int) error {
	if d.Removed != nil {
		if err := updateRemoved(ctx, tx, who, d.ID, d.Removed[side]); err != nil {
			return err
		}
	}
	if d.Props != nil {
		if err := updateProps(ctx, tx, who, d.ID, d.Props[side]); err != nil {
			return err
		}
	}
	if d.Hidden != nil {
		if err := updateHidden(ctx, tx, who, d.ID, d.Hidden[side]); err != nil {
			return err
		}
	}
	if d.Hours != nil {
		if err := updateHours(ctx, tx, who, d.ID, d.Hours[side]); err != nil {
			return err
		}
	}
	if d.Place == nil || d.Removed != nil && d.Removed[side] {
		return nil
	}
	pos, err := placeAfter(ctx, tx, who, d.Place[side].After, d.ID)
	if err != nil {
		return err
	}
	return updatePos(ctx, tx, who, d.ID, pos)
}

// Jobs registers what the worker does for windows.
func (s *Service) Jobs(r *job.Registry) { r.Every("sweep:window-history", 24*time.Hour, s.forget) }

// forget drops what is too old to be undone.
func (s *Service) forget(ctx context.Context) error {
	return purge(ctx, s.DB, s.DB.Now().Add(-HistoryKept))
}
