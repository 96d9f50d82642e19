package refunds

import (
	"context"
	"encoding/json"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/orders"
)

type row struct {
	ID        id.Refund      `db:"id"`
	Order     id.Order       `db:"order_id"`
	Checkout  id.Checkout    `db:"checkout_id"`
	Shop      id.Shop        `db:"shop_id"`
	Creator   id.User        `db:"creator_id"`
	Currency  money.Currency `db:"currency"`
	Amount    int64          `db:"amount_minor"`
	Items     []byte         `db:"items"`
	Reason    string         `db:"reason"`
	Note      string         `db:"note"`
	Restock   bool           `db:"restock"`
	Access    string         `db:"access"`
	Source    Source         `db:"source"`
	By        *id.User       `db:"by_user"`
	State     State          `db:"state"`
	Ref       string         `db:"ref"`
	Trouble   string         `db:"trouble"`
	SendingAt *time.Time     `db:"sending_at"`
	EndedAt   *time.Time     `db:"ended_at"`
	CreatedAt time.Time      `db:"created_at"`
}

func (r row) refund() (Refund, error) {
	out := Refund{ID: r.ID, Order: r.Order, Checkout: r.Checkout, Shop: r.Shop, Creator: r.Creator, Amount: money.Amount{Minor: r.Amount, Currency: r.Currency}, Reason: r.Reason,
		Note: r.Note, Restock: r.Restock, Access: r.Access, Source: r.Source, By: value(r.By), State: r.State, Ref: r.Ref, Trouble: r.Trouble,
		SendingAt: value(r.SendingAt), EndedAt: value(r.EndedAt), CreatedAt: r.CreatedAt}
	return out, json.Unmarshal(r.Items, &out.Items)
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func (s *Service) insert(ctx context.Context, tx *db.Tx, r id.Refund, o orders.Order, in Input) error {
	items := in.Items
	if items == nil {
		items = []Item{}
	}
	b, err := json.Marshal(items)
	if err != nil {
		return err
	}
	by := (*string)(nil)
	if !in.By.IsZero() {
		v := in.By.String()
		by = &v
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO refunds (id, form_key, inputs, order_id, checkout_id, shop_id, creator_id, currency, amount_minor, reason, note, items, restock, access, source, by_user, state,
			created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 'asked', $17, $17)`,
		r, in.Key, in.inputs(), o.ID, o.Checkout, o.Shop, o.Creator, in.Amount.Currency, in.Amount.Minor, in.Reason, in.Note, string(b), in.Restock, in.Access, string(in.Source), by, tx.Now)
	return err
}

func (s *Service) findKey(ctx context.Context, q db.Q, key string) (id.Refund, []byte, error) {
	var r struct {
		ID     id.Refund `db:"id"`
		Inputs []byte    `db:"inputs"`
	}
	err := q.Get(ctx, &r, `SELECT id, inputs FROM refunds WHERE form_key = $1`, key)
	return r.ID, r.Inputs, err
}

func (s *Service) find(ctx context.Context, q db.Q, r id.Refund) (Refund, error) {
	var x row
	if err := q.Get(ctx, &x, `
		SELECT id, order_id, checkout_id, shop_id, creator_id, currency, amount_minor, items, reason, note, restock, access, source, by_user, state, ref, trouble, sending_at, ended_at, created_at
		FROM refunds WHERE id = $1`, r); err != nil {
		return Refund{}, err
	}
	return x.refund()
}

func (s *Service) listOf(ctx context.Context, q db.Q, creator id.User, o id.Order) ([]Refund, error) {
	var rows []row
	if err := q.Select(ctx, &rows, `
		SELECT id, order_id, checkout_id, shop_id, creator_id, currency, amount_minor, items, reason, note, restock, access, source, by_user, state, ref, trouble, sending_at, ended_at, created_at
		FROM refunds WHERE creator_id = $1 AND order_id = $2 ORDER BY created_at, id`, creator, o); err != nil {
		return nil, err
	}
	out := make([]Refund, len(rows))
	for i, r := range rows {
		var err error
		if out[i], err = r.refund(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *Service) listUnfinished(ctx context.Context, q db.Q, before time.Time) ([]id.Refund, error) {
	var ids []id.Refund
	err := q.Select(ctx, &ids, `SELECT id FROM refunds WHERE state IN ('asked', 'sending') AND updated_at < $1 ORDER BY id LIMIT 200`, before)
	return ids, err
}
