package builder

import (
	"context"

	"vitrine/app/db"
	"vitrine/app/storefronts"
)

// Revise changes what blocks of the window say, as Apply adds them: all or nothing, and one step of the history
// with its neighbours of the same group. Blocks that were removed stay removed.
func (s *Service) Revise(ctx context.Context, tx *db.Tx, who storefronts.Who, verb, group string, changed []Proposed) error {
	st := step{verb: verb}
	if group != "" {
		st.same = "run:" + group
	}
	_, err := s.take(ctx, tx, who, st, func() error {
		for _, p := range changed {
			r, err := findBlock(ctx, tx, who, p.ID)
			if err != nil {
				return err
			}
			have, err := r.block()
			if err != nil {
				return err
			}
			props, err := CheckProps(have.Kind, p.Props)
			if err != nil {
				return err
			}
			if r.Removed || props.Equal(have.Props) {
				continue
			}
			if err := s.checkGoods(ctx, tx, who, props, have.Props); err != nil {
				return err
			}
			if err := updateProps(ctx, tx, who, p.ID, props); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}
