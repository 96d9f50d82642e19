package risk

import (
	"context"
	"fmt"
	"strings"
	"time"

	"vitrine/app/audit"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/failpoint"
	"vitrine/app/id"
)

// Why a block stands.
const (
	WhyTesting = "card_testing"
	WhyFraud   = "refused_as_fraud"
	WhyWarning = "bank_warning"
	WhyReview  = "review"
	WhyAttack  = "product_attacked"
)

// Block is one row of the blocklist.
type Block struct {
	ID        id.Case    `db:"id"`
	Kind      Kind       `db:"kind"`
	Key       string     `db:"key"`
	Why       string     `db:"why"`
	Note      string     `db:"note"`
	Order     id.Order   `db:"order_id"`
	By        string     `db:"by_name"` // empty: the rules
	Until     *time.Time `db:"until_at"`
	CreatedAt time.Time  `db:"created_at"`
	LiftedAt  *time.Time `db:"lifted_at"`
	LiftedBy  string     `db:"lifted_by_name"`
	LiftedWhy string     `db:"lifted_why"`
	Product   string     `db:"product"` // the name of one
}

// Active reports whether the block stands at a moment.
func (b Block) Active(at time.Time) bool {
	return b.LiftedAt == nil && (b.Until == nil || b.Until.After(at))
}

// Short is enough of the key for two rows to be told apart.
func (b Block) Short() string {
	if b.Kind == Product {
		return b.Product
	}
	return "…" + b.Key[max(0, len(b.Key)-8):]
}

// ban is a block to be made; zero life: for good.
type ban struct {
	kind  Kind
	key   string
	life  time.Duration
	why   string
	note  string
	order id.Order
	by    id.User
}

// block adds to the blocklist, one key after the other in one order. A block that stands is made longer, never shorter.
func block(ctx context.Context, tx *db.Tx, b ban) error {
	if b.key == "" {
		return nil
	}
	until := &time.Time{}
	if *until = tx.Now.Add(b.life); b.life == 0 {
		until = nil
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO risk_blocks (id, kind, key, why, note, order_id, by_id, until_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (kind, key) WHERE lifted_at IS NULL DO UPDATE SET
			until_at = CASE WHEN risk_blocks.until_at IS NULL OR excluded.until_at IS NULL THEN NULL ELSE greatest(risk_blocks.until_at, excluded.until_at) END,
			why = excluded.why, note = excluded.note, order_id = excluded.order_id, by_id = excluded.by_id, created_at = excluded.created_at
		WHERE risk_blocks.until_at IS NOT NULL`,
		id.New[id.CaseKind](), string(b.kind), b.key, b.why, b.note, b.order, b.by, until, tx.Now)
	if err != nil {
		return fmt.Errorf("block %s: %w", b.kind, err)
	}
	return nil
}

// blockKeys blocks what is known of a buyer: the card, the address and the browser, and for a while where they come from.
func blockKeys(ctx context.Context, tx *db.Tx, keys map[Kind]string, why string, order id.Order, by id.User, lives map[Kind]time.Duration) error {
	for _, k := range kinds {
		life, ok := lives[k]
		if !ok {
			continue
		}
		if err := block(ctx, tx, ban{kind: k, key: keys[k], life: life, why: why, order: order, by: by}); err != nil {
			return err
		}
	}
	return nil
}

// afterFraud is for how long a buyer is blocked whose card was stolen, as a bank or a person says.
var afterFraud = map[Kind]time.Duration{Card: 0, Email: 0, Browser: halfYear, IP: week}

// afterRefusal is for how long after a bank refused a card as stolen. Owners of lost cards exist, so it is short.
var afterRefusal = map[Kind]time.Duration{Card: halfYear, Email: week, Browser: week}

// listHits finds the blocks that keys and products meet.
func listHits(ctx context.Context, q db.Q, keys map[Kind]string, products []id.Product, at time.Time) ([]Hit, error) {
	ks, vs := pairs(keys)
	for _, p := range products {
		ks, vs = append(ks, string(Product)), append(vs, p.String())
	}
	if len(ks) == 0 {
		return nil, nil
	}
	var rows []struct {
		Kind Kind   `db:"kind"`
		Why  string `db:"why"`
	}
	err := q.Select(ctx, &rows, `
		SELECT DISTINCT b.kind, b.why
		FROM unnest($1::text[], $2::text[]) AS k (kind, key) JOIN risk_blocks b ON b.kind = k.kind AND b.key = k.key
		WHERE b.lifted_at IS NULL AND (b.until_at IS NULL OR b.until_at > $3)
		ORDER BY b.kind, b.why`, db.Array(ks), db.Array(vs), at)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	out := make([]Hit, len(rows))
	for i, r := range rows {
		out[i] = Hit(r)
	}
	return out, nil
}

// Blocks lists the blocklist, newest first; active ones, or those that are over.
func (s *Service) Blocks(ctx context.Context, active bool, before id.Case) ([]Block, error) {
	var out []Block
	err := s.DB.Select(ctx, &out, `
		SELECT b.id, b.kind, b.key, b.why, b.note, b.order_id, b.until_at, b.created_at, b.lifted_at, b.lifted_why,
			coalesce(u.name, '') AS by_name, coalesce(l.name, '') AS lifted_by_name, coalesce(p.name, '') AS product
		FROM risk_blocks b LEFT JOIN users u ON u.id = b.by_id LEFT JOIN users l ON l.id = b.lifted_by
			LEFT JOIN products p ON b.kind = 'product' AND p.id::text = b.key
		WHERE (b.lifted_at IS NULL AND (b.until_at IS NULL OR b.until_at > $1)) = $2 AND ($3::uuid IS NULL OR b.id < $3)
		ORDER BY b.id DESC
		LIMIT $4`, s.DB.Now(), active, before, pageSize+1)
	return out, err
}

const pageSize = 50

// Lift ends a block.
func (s *Service) Lift(ctx context.Context, actor id.User, b id.Case, why string) error {
	why, err := cleanReason(why)
	if err != nil {
		return err
	}
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(ctx, `
			UPDATE risk_blocks SET lifted_at = $2, lifted_by = $3, lifted_why = $4
			WHERE id = $1 AND lifted_at IS NULL AND (until_at IS NULL OR until_at > $2)`, b, tx.Now, actor, why)
		if err == nil && n == 0 {
			err = errs.New(errs.Conflict, "This block is over already.")
		}
		if err == nil {
			err = audit.Log(ctx, tx, actor, "risk.lift", "block:"+b.String(), map[string]any{"reason": why})
		}
		failpoint.Hit("risk.lift.before_commit")
		return err
	})
	if err != nil {
		return err
	}
	failpoint.Hit("risk.lift.after_commit")
	return nil
}

// cleanReason wants a few words: every step of a person is explained to the next one.
func cleanReason(s string) (string, error) {
	s = strings.Join(strings.Fields(s), " ")
	switch n := len([]rune(s)); {
	case n < 3:
		return s, errs.Field("reason", "Give a reason in a few words. It goes into the history.")
	case n > 500:
		return s, errs.Field("reason", "Please use at most %d characters.", 500)
	}
	return s, nil
}
