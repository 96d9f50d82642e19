package builder

import (
	"context"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/storefronts"
)

// gap is how far apart positions are after a rebalance: a move then writes one row.
const gap = 1 << 16

var errNoBlock = errs.New(errs.NotFound, "This block is not in your window any more.")

// spot is a block's place. Removed blocks keep theirs, so that bringing them back is exact.
type spot struct {
	ID      id.Block `db:"id"`
	Pos     int64    `db:"pos"`
	Removed bool     `db:"removed"`
}

// placeAfter finds the position directly after a block (removed ones count), or before all for the zero id.
// moving is left out of account. The caller holds the shop's lock.
func placeAfter(ctx context.Context, tx *db.Tx, who storefronts.Who, after, moving id.Block) (int64, error) {
	for range 2 {
		spots, err := listSpots(ctx, tx, who)
		if err != nil {
			return 0, err
		}
		low, high, found := between(spots, after, moving)
		if !found {
			return 0, errNoBlock
		}
		if high-low >= 2 {
			return low + (high-low)/2, nil
		}
		if err := rebalance(ctx, tx, who); err != nil {
			return 0, err
		}
	}
	return 0, errs.New(errs.Internal, "no room between two blocks after a rebalance")
}

// between returns the positions of the neighbours of the place after a block.
func between(spots []spot, after, moving id.Block) (low, high int64, found bool) {
	const edge = gap
	found = after.IsZero()
	seen := false // the left neighbour, or the beginning
	if found {
		seen = true
	}
	for _, s := range spots {
		if s.ID == moving {
			continue
		}
		if seen {
			if after.IsZero() {
				return s.Pos - 2*edge, s.Pos, true
			}
			return low, s.Pos, true
		}
		if s.ID == after {
			low, seen, found = s.Pos, true, true
		}
	}
	return low, low + 2*edge, found
}

func listSpots(ctx context.Context, q db.Q, who storefronts.Who) ([]spot, error) {
	var out []spot
	err := q.Select(ctx, &out, `
		SELECT id, pos, removed_at IS NOT NULL AS removed FROM blocks
		WHERE shop_id = $1 AND creator_id = $2
		ORDER BY pos, id`, who.Shop, who.User)
	return out, err
}

func rebalance(ctx context.Context, tx *db.Tx, who storefronts.Who) error {
	_, err := tx.Exec(ctx, `
		UPDATE blocks b SET pos = n.rank * 65536
		FROM (SELECT id, row_number() OVER (ORDER BY pos, id) AS rank FROM blocks WHERE shop_id = $1 AND creator_id = $2) n
		WHERE b.id = n.id AND b.pos <> n.rank * 65536`, who.Shop, who.User)
	return err
}
