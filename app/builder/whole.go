package builder

import (
	"context"
	"fmt"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/storefronts"
)

// Whole reads all of a draft, and what is published; nil for nothing.
func (s *Service) Whole(ctx context.Context, q db.Q, who storefronts.Who) (Whole, *Content, error) {
	sh, err := s.Shops.Mine(ctx, q, who)
	if err != nil {
		return Whole{}, nil, err
	}
	blocks, err := listAll(ctx, q, who)
	if err != nil {
		return Whole{}, nil, err
	}
	shown, err := s.shown(ctx, q, who, sh)
	return wholeOf(blocks, sh.Look()), shown, err
}

// Become makes the draft what a whole one says, as one step of the history. verb names the step; made are products
// that come with it. Blocks pass the checks of what people type.
func (s *Service) Become(ctx context.Context, tx *db.Tx, who storefronts.Who, verb string, made []id.Product, w Whole) error {
	if len(w.Blocks) > MaxBlocks {
		return errs.New(errs.Conflict, "A window has room for %d blocks. Remove one first.", MaxBlocks)
	}
	headers := 0
	for i, b := range w.Blocks {
		props, err := CheckProps(b.Kind, b.Props)
		if err == nil {
			err = s.checkGoods(ctx, tx, who, props, Props{})
		}
		if err != nil {
			return fmt.Errorf("block %d, %s: %w", i+1, b.Kind, err)
		}
		w.Blocks[i].Props = props
		if b.Kind == Header {
			headers++
		}
	}
	if headers > 1 {
		return errs.New(errs.Conflict, "Your window already has a header.")
	}
	_, err := s.take(ctx, tx, who, step{verb: verb, made: made}, func() error { return s.become(ctx, tx, who, w) })
	return err
}

// Show publishes the draft as it is, without a review.
func (s *Service) Show(ctx context.Context, tx *db.Tx, who storefronts.Who) error {
	sh, err := s.Shops.Lock(ctx, tx, who)
	if err != nil {
		return err
	}
	d, err := s.draft(ctx, tx, who, sh)
	if err != nil {
		return err
	}
	return s.show(ctx, tx, who, sh, d.content())
}
