package builder

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/storefronts"
)

// draftEvery is how far apart kept drafts are, at least.
const draftEvery = 10 * time.Minute

// Kept is a draft as it was at one time.
type Kept struct {
	ID        id.Draft   `db:"id"`
	Seq       int64      `db:"seq"`
	Version   id.Version `db:"version_id"` // zero: it was not published then
	Blocks    int        `db:"blocks"`
	CreatedAt time.Time  `db:"created_at"`
}

// Whole is all of a draft: more than visitors would see of it.
type Whole struct {
	Look   storefronts.Look `json:"look"`
	Blocks []WholePart      `json:"blocks"`
}

// WholePart is a block of it.
type WholePart struct {
	Part
	Hidden bool `json:"hidden,omitempty"`
}

func wholeOf(blocks []state, look storefronts.Look) Whole {
	w := Whole{Look: look, Blocks: []WholePart{}}
	for _, b := range blocks {
		if !b.Removed {
			w.Blocks = append(w.Blocks, WholePart{b.part(), b.Hidden})
		}
	}
	return w
}

// keepDraft keeps the draft as it is, unless one was kept in the last ten minutes. The caller is about to change it.
func (s *Service) keepDraft(ctx context.Context, tx *db.Tx, sh storefronts.Shop, blocks []state, look storefronts.Look) error {
	var fresh bool
	err := tx.Get(ctx, &fresh, `SELECT EXISTS (SELECT 1 FROM drafts WHERE shop_id = $1 AND creator_id = $2 AND created_at > $3)`, sh.ID, sh.Creator, tx.Now.Add(-draftEvery))
	if err != nil || fresh || len(blocks) == 0 {
		return err
	}
	return insertDraft(ctx, tx, sh, id.Version{}, wholeOf(blocks, look))
}

func insertDraft(ctx context.Context, tx *db.Tx, sh storefronts.Shop, v id.Version, w Whole) error {
	raw, err := json.Marshal(w)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO drafts (id, shop_id, creator_id, seq, version_id, content, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, id.New[id.DraftKind](), sh.ID, sh.Creator, sh.Seq, v, string(raw), tx.Now)
	return err
}

// KeptShown is how many drafts the history shows.
const KeptShown = 50

// Drafts are those kept, newest first.
func (s *Service) Drafts(ctx context.Context, who storefronts.Who) (out []Kept, err error) {
	err = s.DB.Select(ctx, &out, `
		SELECT id, seq, version_id, jsonb_array_length(content -> 'blocks') AS blocks, created_at FROM drafts
		WHERE shop_id = $1 AND creator_id = $2 ORDER BY id DESC LIMIT 50`, who.Shop, who.User)
	return out, err
}

var errNoDraft = errs.New(errs.NotFound, "This version is not kept any more.")

func findDraft(ctx context.Context, q db.Q, who storefronts.Who, d id.Draft) (Whole, error) {
	var raw []byte
	err := q.Get(ctx, &raw, `SELECT content FROM drafts WHERE id = $1 AND shop_id = $2 AND creator_id = $3`, d, who.Shop, who.User)
	if db.None(err) {
		return Whole{}, errNoDraft
	}
	var w Whole
	if err == nil {
		err = json.Unmarshal(raw, &w)
	}
	return w, err
}

// content is what visitors would see of a kept draft.
func (w Whole) content() Content {
	c := Content{Look: w.Look, Blocks: []Part{}}
	for _, b := range w.Blocks {
		if !b.Hidden {
			c.Blocks = append(c.Blocks, b.Part)
		}
	}
	return c
}

// BringBack makes the draft what a kept one was. Nothing is published, and it can be undone.
func (s *Service) BringBack(ctx context.Context, who storefronts.Who, d id.Draft) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		if _, err := s.Shops.Lock(ctx, tx, who); err != nil {
			return err
		}
		w, err := findDraft(ctx, tx, who, d)
		if err != nil {
			return err
		}
		_, err = s.take(ctx, tx, who, step{verb: "brought an earlier version back"}, func() error { return s.become(ctx, tx, who, w) })
		return err
	})
}

// become puts the blocks of a kept draft into the window in its order, and takes all others out.
func (s *Service) become(ctx context.Context, tx *db.Tx, who storefronts.Who, w Whole) error {
	all, err := listAll(ctx, tx, who)
	if err != nil {
		return err
	}
	have := map[id.Block]state{}
	for _, b := range all {
		have[b.ID] = b
	}
	var after id.Block
	for _, p := range w.Blocks {
		if err := s.bring(ctx, tx, who, p, have, after); err != nil {
			return fmt.Errorf("bring back block %s: %w", p.ID, err)
		}
		delete(have, p.ID)
		after = p.ID
	}
	for _, b := range have {
		if !b.Removed {
			if err := updateRemoved(ctx, tx, who, b.ID, true); err != nil {
				return err
			}
		}
	}
	return s.Shops.ApplyLook(ctx, tx, who, w.Look)
}

func (s *Service) bring(ctx context.Context, tx *db.Tx, who storefronts.Who, p WholePart, have map[id.Block]state, after id.Block) error {
	pos, err := placeAfter(ctx, tx, who, after, p.ID)
	if err != nil {
		return err
	}
	is, known := have[p.ID]
	if !known { // it was removed so long ago that it is gone
		n, err := insertBlock(ctx, tx, who, Block{ID: p.ID, Kind: p.Kind, Props: p.Props, Hidden: p.Hidden, Hours: p.Hours}, pos)
		if err == nil && n == 0 {
			err = errNoBlock
		}
		return err
	}
	if is.Removed {
		if err := updateRemoved(ctx, tx, who, p.ID, false); err != nil {
			return err
		}
	}
	if !is.Props.Equal(p.Props) {
		if err := updateProps(ctx, tx, who, p.ID, p.Props); err != nil {
			return err
		}
	}
	if is.Hidden != p.Hidden {
		if err := updateHidden(ctx, tx, who, p.ID, p.Hidden); err != nil {
			return err
		}
	}
	if !is.Hours.Equal(p.Hours) {
		if err := updateHours(ctx, tx, who, p.ID, p.Hours); err != nil {
			return err
		}
	}
	return updatePos(ctx, tx, who, p.ID, pos)
}
