package orders

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/money"
)

// orderRow is a row of orders with what its checkout knows of the buyer.
type orderRow struct {
	ID         id.Order       `db:"id"`
	Checkout   id.Checkout    `db:"checkout_id"`
	Shop       id.Shop        `db:"shop_id"`
	Creator    id.User        `db:"creator_id"`
	Buyer      id.Buyer       `db:"buyer_id"`
	Number     *int           `db:"number"`
	Status     Status         `db:"status"`
	Test       bool           `db:"test"`
	Email      string         `db:"email"`
	Locale     string         `db:"locale"`
	Currency   money.Currency `db:"currency"`
	Subtotal   int64          `db:"subtotal_minor"`
	Discount   int64          `db:"discount_minor"`
	Tax        int64          `db:"tax_minor"`
	Shipping   int64          `db:"shipping_minor"`
	Total      int64          `db:"total_minor"`
	Fee        int64          `db:"fee_minor"`
	Net        int64          `db:"net_minor"`
	FeeVersion int            `db:"fee_version"`
	Refunded   int64          `db:"refunded_minor"`
	RefundNet  int64          `db:"refunded_net_minor"`
	Disputed   int64          `db:"disputed_minor"`
	DispNet    int64          `db:"disputed_net_minor"`
	Refunding  int64          `db:"refunding_minor"`
	MaturedAt  *time.Time     `db:"matured_at"`
	HeldAt     *time.Time     `db:"held_at"`
	HeldWhy    string         `db:"held_why"`
	Review     Review         `db:"review"`
	Score      int            `db:"risk_score"`
	KeepAccess bool           `db:"keep_access"`
	Provider   string         `db:"provider"`
	Intent     *string        `db:"payment_intent_id"`
	Charge     *string        `db:"charge_id"`
	Risk       string         `db:"risk_level"`
	PaidAt     *time.Time     `db:"paid_at"`
	CreatedAt  time.Time      `db:"created_at"`
}

func (r orderRow) order() Order {
	in := func(n int64) money.Amount { return money.Amount{Minor: n, Currency: r.Currency} }
	return Order{
		ID: r.ID, Checkout: r.Checkout, Shop: r.Shop, Creator: r.Creator, Buyer: r.Buyer, Number: deref(r.Number),
		Status: r.Status, Test: r.Test, Email: r.Email, Locale: r.Locale,
		Subtotal: in(r.Subtotal), Discount: in(r.Discount), Tax: in(r.Tax), Shipping: in(r.Shipping), Total: in(r.Total),
		Fee: in(r.Fee), Net: in(r.Net), Refunded: in(r.Refunded), RefundedNet: in(r.RefundNet), FeeVersion: r.FeeVersion,
		Provider: r.Provider, PaymentIntent: deref(r.Intent), Charge: deref(r.Charge), Risk: r.Risk,
		CreatedAt: r.CreatedAt, PaidAt: deref(r.PaidAt),
		Disputed: in(r.Disputed), DisputedNet: in(r.DispNet), Refunding: in(r.Refunding), Matured: deref(r.MaturedAt), Held: deref(r.HeldAt), HeldWhy: r.HeldWhy,
		Review: r.Review, Score: r.Score, KeepAccess: r.KeepAccess,
	}
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func (s *Service) findOrder(ctx context.Context, q db.Q, o id.Order) (Order, error) {
	var r orderRow
	err := q.Get(ctx, &r, `
		SELECT o.id, o.checkout_id, o.shop_id, o.creator_id, o.buyer_id, o.number, o.status, o.test, o.email, c.locale, o.currency,
			o.subtotal_minor, o.discount_minor, o.tax_minor, o.shipping_minor, o.total_minor, o.fee_minor, o.net_minor, o.fee_version,
			o.refunded_minor, o.refunded_net_minor, o.disputed_minor, o.disputed_net_minor, o.refunding_minor, o.matured_at, o.held_at, o.held_why,
			o.review, o.risk_score, o.keep_access, o.provider, o.payment_intent_id, o.charge_id, o.risk_level, o.paid_at, o.created_at
		FROM orders o JOIN checkouts c ON c.id = o.checkout_id
		WHERE o.id = $1`, o)
	if err != nil {
		return Order{}, err
	}
	return s.withItems(ctx, q, r.order())
}

func (s *Service) findOrderOf(ctx context.Context, q db.Q, creator id.User, o id.Order) (Order, error) {
	var r orderRow
	err := q.Get(ctx, &r, `
		SELECT o.id, o.checkout_id, o.shop_id, o.creator_id, o.buyer_id, o.number, o.status, o.test, o.email, c.locale, o.currency,
			o.subtotal_minor, o.discount_minor, o.tax_minor, o.shipping_minor, o.total_minor, o.fee_minor, o.net_minor, o.fee_version,
			o.refunded_minor, o.refunded_net_minor, o.disputed_minor, o.disputed_net_minor, o.refunding_minor, o.matured_at, o.held_at, o.held_why,
			o.review, o.risk_score, o.keep_access, o.provider, o.payment_intent_id, o.charge_id, o.risk_level, o.paid_at, o.created_at
		FROM orders o JOIN checkouts c ON c.id = o.checkout_id
		WHERE o.id = $1 AND o.creator_id = $2 AND o.paid_at IS NOT NULL`, o, creator)
	if err != nil {
		return Order{}, err
	}
	return s.withItems(ctx, q, r.order())
}

func (s *Service) findOrderByToken(ctx context.Context, q db.Q, hash []byte) (Order, error) {
	var r orderRow
	err := q.Get(ctx, &r, `
		SELECT o.id, o.checkout_id, o.shop_id, o.creator_id, o.buyer_id, o.number, o.status, o.test, o.email, c.locale, o.currency,
			o.subtotal_minor, o.discount_minor, o.tax_minor, o.shipping_minor, o.total_minor, o.fee_minor, o.net_minor, o.fee_version,
			o.refunded_minor, o.refunded_net_minor, o.disputed_minor, o.disputed_net_minor, o.refunding_minor, o.matured_at, o.held_at, o.held_why,
			o.review, o.risk_score, o.keep_access, o.provider, o.payment_intent_id, o.charge_id, o.risk_level, o.paid_at, o.created_at
		FROM orders o JOIN checkouts c ON c.id = o.checkout_id
		WHERE o.token_hash = $1`, hash)
	if err != nil {
		return Order{}, err
	}
	return s.withItems(ctx, q, r.order())
}

func (s *Service) listOrdersOfCheckout(ctx context.Context, q db.Q, c id.Checkout) ([]Order, error) {
	var rows []orderRow
	err := q.Select(ctx, &rows, `
		SELECT o.id, o.checkout_id, o.shop_id, o.creator_id, o.buyer_id, o.number, o.status, o.test, o.email, c.locale, o.currency,
			o.subtotal_minor, o.discount_minor, o.tax_minor, o.shipping_minor, o.total_minor, o.fee_minor, o.net_minor, o.fee_version,
			o.refunded_minor, o.refunded_net_minor, o.disputed_minor, o.disputed_net_minor, o.refunding_minor, o.matured_at, o.held_at, o.held_why,
			o.review, o.risk_score, o.keep_access, o.provider, o.payment_intent_id, o.charge_id, o.risk_level, o.paid_at, o.created_at
		FROM orders o JOIN checkouts c ON c.id = o.checkout_id
		WHERE o.checkout_id = $1
		ORDER BY o.id`, c)
	return s.all(ctx, q, rows, err)
}

func (s *Service) listOrdersOfBuyer(ctx context.Context, q db.Q, b id.Buyer) ([]Order, error) {
	var rows []orderRow
	err := q.Select(ctx, &rows, `
		SELECT o.id, o.checkout_id, o.shop_id, o.creator_id, o.buyer_id, o.number, o.status, o.test, o.email, c.locale, o.currency,
			o.subtotal_minor, o.discount_minor, o.tax_minor, o.shipping_minor, o.total_minor, o.fee_minor, o.net_minor, o.fee_version,
			o.refunded_minor, o.refunded_net_minor, o.disputed_minor, o.disputed_net_minor, o.refunding_minor, o.matured_at, o.held_at, o.held_why,
			o.review, o.risk_score, o.keep_access, o.provider, o.payment_intent_id, o.charge_id, o.risk_level, o.paid_at, o.created_at
		FROM orders o JOIN checkouts c ON c.id = o.checkout_id
		WHERE o.buyer_id = $1 AND o.paid_at IS NOT NULL AND NOT o.test
		ORDER BY o.created_at DESC, o.id DESC
		LIMIT 500`, b)
	return s.all(ctx, q, rows, err)
}

func (s *Service) listOrders(ctx context.Context, q db.Q, creator id.User, shop id.Shop, f Filter, at time.Time, last id.Order) ([]Order, error) {
	var rows []orderRow
	err := q.Select(ctx, &rows, `
		SELECT o.id, o.checkout_id, o.shop_id, o.creator_id, o.buyer_id, o.number, o.status, o.test, o.email, c.locale, o.currency,
			o.subtotal_minor, o.discount_minor, o.tax_minor, o.shipping_minor, o.total_minor, o.fee_minor, o.net_minor, o.fee_version,
			o.refunded_minor, o.refunded_net_minor, o.disputed_minor, o.disputed_net_minor, o.refunding_minor, o.matured_at, o.held_at, o.held_why,
			o.review, o.risk_score, o.keep_access, o.provider, o.payment_intent_id, o.charge_id, o.risk_level, o.paid_at, o.created_at
		FROM orders o JOIN checkouts c ON c.id = o.checkout_id
		WHERE o.shop_id = $1 AND o.creator_id = $2 AND o.paid_at IS NOT NULL
			AND (o.paid_at, o.id) < ($3, $4)
			AND CASE $5
				WHEN 'paid' THEN o.status = 'paid' AND NOT o.test
				WHEN 'refunded' THEN o.status IN ('partly_refunded', 'refunded') AND NOT o.test
				WHEN 'test' THEN o.test
				ELSE true END
			AND ($6 = '' OR o.number::text = ltrim($6, '#') OR starts_with(lower(o.email::text), lower($6)))
		ORDER BY o.paid_at DESC, o.id DESC
		LIMIT $7`, shop, creator, at, last.String(), string(f.Show), strings.TrimSpace(f.Search), f.Limit+1)
	return s.all(ctx, q, rows, err)
}

// withItems completes one order.
func (s *Service) withItems(ctx context.Context, q db.Q, o Order) (Order, error) {
	all := []Order{o}
	err := s.addItems(ctx, q, all)
	return all[0], err
}

func (s *Service) all(ctx context.Context, q db.Q, rows []orderRow, err error) ([]Order, error) {
	if err != nil {
		return nil, fmt.Errorf("orders: %w", err)
	}
	out := make([]Order, len(rows))
	for i, r := range rows {
		out[i] = r.order()
	}
	return out, s.addItems(ctx, q, out)
}

type itemRow struct {
	ID       id.Item        `db:"id"`
	Order    id.Order       `db:"order_id"`
	Product  id.Product     `db:"product_id"`
	Name     string         `db:"name"`
	Unit     int64          `db:"unit_minor"`
	Quantity int            `db:"quantity"`
	Discount int64          `db:"discount_minor"`
	Tax      int64          `db:"tax_minor"`
	Shipping int64          `db:"shipping_minor"`
	Total    int64          `db:"total_minor"`
	Currency money.Currency `db:"currency"`
}

func (r itemRow) item() Item {
	in := func(n int64) money.Amount { return money.Amount{Minor: n, Currency: r.Currency} }
	return Item{ID: r.ID, Product: r.Product, Name: r.Name, Quantity: r.Quantity, Unit: in(r.Unit),
		Discount: in(r.Discount), Tax: in(r.Tax), Shipping: in(r.Shipping), Total: in(r.Total)}
}

func (s *Service) addItems(ctx context.Context, q db.Q, all []Order) error {
	if len(all) == 0 {
		return nil
	}
	at, ids := make(map[id.Order]int, len(all)), make([]string, len(all))
	for i, o := range all {
		at[o.ID], ids[i] = i, o.ID.String()
	}
	var rows []itemRow
	if err := q.Select(ctx, &rows, `
		SELECT id, order_id, product_id, name, unit_minor, quantity, discount_minor, tax_minor, shipping_minor, total_minor, currency
		FROM order_items
		WHERE order_id = ANY($1::uuid[])
		ORDER BY id`, db.Array(ids)); err != nil {
		return fmt.Errorf("items: %w", err)
	}
	for _, r := range rows {
		o := &all[at[r.Order]]
		o.Items = append(o.Items, r.item())
	}
	return nil
}

type checkoutRow struct {
	ID         id.Checkout    `db:"id"`
	Inputs     []byte         `db:"inputs"`
	Buyer      id.Buyer       `db:"buyer_id"`
	Email      string         `db:"email"`
	Currency   money.Currency `db:"currency"`
	Total      int64          `db:"total_minor"`
	Provider   string         `db:"provider"`
	Status     CheckoutStatus `db:"status"`
	Session    *string        `db:"session_id"`
	SessionURL string         `db:"session_url"`
	Attempt    int            `db:"attempt"`
	Statement  string         `db:"statement"`
	Kind       string         `db:"kind"`
	Intent     *string        `db:"payment_intent_id"`
	Test       bool           `db:"test"`
	Locale     string         `db:"locale"`
	ExpiresAt  time.Time      `db:"expires_at"`
	PaidAt     *time.Time     `db:"paid_at"`
	CreatedAt  time.Time      `db:"created_at"`
}

func (r checkoutRow) checkout() Checkout {
	return Checkout{ID: r.ID, Buyer: r.Buyer, Email: r.Email, Total: money.Amount{Minor: r.Total, Currency: r.Currency}, Provider: r.Provider,
		Status: r.Status, Session: deref(r.Session), SessionURL: r.SessionURL, PaymentIntent: deref(r.Intent), Test: r.Test, Locale: r.Locale,
		ExpiresAt: r.ExpiresAt, PaidAt: deref(r.PaidAt), CreatedAt: r.CreatedAt, inputs: r.Inputs, attempt: r.Attempt, statement: r.Statement, intent: r.Kind == "intent"}
}

func (s *Service) findCheckoutByToken(ctx context.Context, q db.Q, hash []byte) (Checkout, error) {
	var r checkoutRow
	err := q.Get(ctx, &r, `
		SELECT id, inputs, buyer_id, email, currency, total_minor, provider, status, session_id, session_url, attempt, statement, kind,
			payment_intent_id, test, locale, expires_at, paid_at, created_at
		FROM checkouts WHERE token_hash = $1`, hash)
	return r.checkout(), err
}

func (s *Service) findCheckoutByKey(ctx context.Context, q db.Q, key string) (Checkout, error) {
	var r checkoutRow
	err := q.Get(ctx, &r, `
		SELECT id, inputs, buyer_id, email, currency, total_minor, provider, status, session_id, session_url, attempt, statement, kind,
			payment_intent_id, test, locale, expires_at, paid_at, created_at
		FROM checkouts WHERE client_key = $1`, key)
	return r.checkout(), err
}

func (s *Service) findCheckout(ctx context.Context, q db.Q, c id.Checkout) (Checkout, error) {
	var r checkoutRow
	err := q.Get(ctx, &r, `
		SELECT id, inputs, buyer_id, email, currency, total_minor, provider, status, session_id, session_url, attempt, statement, kind,
			payment_intent_id, test, locale, expires_at, paid_at, created_at
		FROM checkouts WHERE id = $1`, c)
	return r.checkout(), err
}

func (s *Service) findBuyer(ctx context.Context, q db.Q, email string) (id.Buyer, error) {
	var b id.Buyer
	err := q.Get(ctx, &b, `SELECT id FROM buyers WHERE email = $1`, normalEmail(email))
	return b, err
}

func (s *Service) listEntitlements(ctx context.Context, q db.Q, o id.Order) ([]Entitlement, error) {
	var rows []struct {
		ID      id.Grant   `db:"id"`
		Order   id.Order   `db:"order_id"`
		Item    id.Item    `db:"item_id"`
		Product id.Product `db:"product_id"`
		Creator id.User    `db:"creator_id"`
		Name    string     `db:"name"`
		Revoked bool       `db:"revoked"`
	}
	err := q.Select(ctx, &rows, `
		SELECT e.id, e.order_id, e.item_id, e.product_id, e.creator_id, i.name, e.revoked_at IS NOT NULL AS revoked
		FROM entitlements e JOIN order_items i ON i.id = e.item_id
		WHERE e.order_id = $1
		ORDER BY e.item_id`, o)
	if err != nil {
		return nil, fmt.Errorf("entitlements: %w", err)
	}
	out := make([]Entitlement, len(rows))
	for i, r := range rows {
		out[i] = Entitlement(r)
	}
	return out, nil
}

func (s *Service) sumSales(ctx context.Context, q db.Q, creator id.User, shop id.Shop, c money.Currency, from time.Time) (Sales, error) {
	var r struct {
		Orders   int   `db:"orders"`
		Gross    int64 `db:"gross"`
		Refunded int64 `db:"refunded"`
		Net      int64 `db:"net"`
	}
	err := q.Get(ctx, &r, `
		SELECT count(*) AS orders, coalesce(sum(total_minor), 0) AS gross, coalesce(sum(refunded_minor), 0) AS refunded,
			coalesce(sum(net_minor - refunded_net_minor), 0) AS net
		FROM orders
		WHERE shop_id = $1 AND creator_id = $2 AND currency = $3 AND paid_at >= $4 AND NOT test`, shop, creator, c, from)
	in := func(n int64) money.Amount { return money.Amount{Minor: n, Currency: c} }
	return Sales{r.Orders, in(r.Gross), in(r.Refunded), in(r.Net)}, err
}

func normalEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// A cursor is the last row of the page before: time and id.
func cursor(o Order) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(o.PaidAt.UnixMicro(), 10) + " " + o.ID.String()))
}

func parseCursor(s string) (time.Time, id.Order, error) {
	if s == "" {
		return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), id.Order{}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return time.Time{}, id.Order{}, err
	}
	at, last, _ := strings.Cut(string(b), " ")
	micro, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return time.Time{}, id.Order{}, err
	}
	o, err := id.Parse[id.OrderKind](last)
	return time.UnixMicro(micro).UTC(), o, err
}
