package builder

import (
	"context"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/storefronts"
)

// Proposed is a block that somebody else than the creator's own hand puts into the window.
type Proposed struct {
	ID     id.Block // made by who proposes, so that proposing twice adds one block
	Kind   Kind
	Props  Props
	Hidden bool
}

// Proposal is blocks that are written by a model, brought from another page or read from a file. All of it becomes
// one step of the history.
type Proposal struct {
	Verb     string            // what was done, for the history: a text of the catalogue, without a name
	Group    string            // proposals with the same one, one after the other, are one step; empty: this alone
	Replace  bool              // every block there is is taken out first
	After    id.Block          // where the first one goes; zero: at the end
	Blocks   []Proposed        // each passes the checks of what people type
	Products []id.Product      // made in the same transaction: undoing the step archives them
	Look     *storefronts.Look // nil: as it is
}

// Apply puts a proposal into the draft, all of it or nothing. It is refused as a person's own edits would be.
func (s *Service) Apply(ctx context.Context, tx *db.Tx, who storefronts.Who, p Proposal) error {
	st := step{verb: p.Verb, made: p.Products}
	if p.Group != "" {
		st.same = "run:" + p.Group
	}
	_, err := s.take(ctx, tx, who, st, func() error { return s.put(ctx, tx, who, p) })
	return err
}

func (s *Service) put(ctx context.Context, tx *db.Tx, who storefronts.Who, p Proposal) error {
	blocks, err := listBlocks(ctx, tx, who)
	if err != nil {
		return err
	}
	if p.Replace {
		for _, b := range blocks {
			if err := updateRemoved(ctx, tx, who, b.ID, true); err != nil {
				return err
			}
		}
	}
	after := p.After
	if after.IsZero() && len(blocks) > 0 {
		after = blocks[len(blocks)-1].ID
	}
	for _, b := range p.Blocks {
		if !b.Kind.Valid() || b.ID.IsZero() {
			return errs.New(errs.Invalid, "Choose what to add.")
		}
		if _, err := findBlock(ctx, tx, who, b.ID); err == nil {
			after = b.ID
			continue
		}
		props, err := CheckProps(b.Kind, b.Props)
		if err != nil {
			return err
		}
		if err := s.checkGoods(ctx, tx, who, props, Props{}); err != nil {
			return err
		}
		if err := s.place(ctx, tx, who, Block{ID: b.ID, Kind: b.Kind, Props: props, Hidden: b.Hidden}, after); err != nil {
			return err
		}
		after = b.ID
	}
	if p.Look != nil {
		return s.Shops.ApplyLook(ctx, tx, who, *p.Look)
	}
	return nil
}
