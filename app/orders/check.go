package orders

import (
	"context"
	"fmt"
	"strings"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
)

// Checks are what must hold between orders, ledger and stock.
func (s *Service) Checks() []ledger.Checker {
	return []ledger.Checker{s.checkSales, s.checkEntries, s.checkRefunds, s.checkDisputes, s.checkNumbers, s.checkStates, s.checkHolds, s.checkWaiting}
}

// CheckMoney verifies the whole book against itself, the orders, the stock, and the provider's account.
func (s *Service) CheckMoney(ctx context.Context) (ledger.Report, error) {
	compare, err := s.Compare(ctx)
	if err != nil {
		return ledger.Report{}, err
	}
	return ledger.Check(ctx, s.DB, append(s.Checks(), compare)...)
}

const batch = 2000

// soldRow is what booking and checking need of an order.
type soldRow struct {
	ID          id.Order       `db:"id"`
	Shop        id.Shop        `db:"shop_id"`
	Creator     id.User        `db:"creator_id"`
	Test        bool           `db:"test"`
	Status      Status         `db:"status"`
	Provider    string         `db:"provider"`
	Currency    money.Currency `db:"currency"`
	Total       int64          `db:"total_minor"`
	Fee         int64          `db:"fee_minor"`
	Net         int64          `db:"net_minor"`
	Refunded    int64          `db:"refunded_minor"`
	RefundedNet int64          `db:"refunded_net_minor"`
	Disputed    int64          `db:"disputed_minor"`
	DisputedNet int64          `db:"disputed_net_minor"`
}

func (r soldRow) order() Order {
	in := func(n int64) money.Amount { return money.Amount{Minor: n, Currency: r.Currency} }
	return Order{ID: r.ID, Shop: r.Shop, Creator: r.Creator, Test: r.Test, Status: r.Status, Provider: r.Provider,
		Total: in(r.Total), Fee: in(r.Fee), Net: in(r.Net), Refunded: in(r.Refunded), RefundedNet: in(r.RefundedNet)}
}

// eachSold walks through all orders that are money, oldest first.
func (s *Service) eachSold(ctx context.Context, q db.Q, each func([]soldRow) error) error {
	var after id.Order
	for {
		var rows []soldRow
		if err := q.Select(ctx, &rows, `
			SELECT id, shop_id, creator_id, test, status, provider, currency, total_minor, fee_minor, net_minor, refunded_minor, refunded_net_minor,
				disputed_minor, disputed_net_minor
			FROM orders
			WHERE id > $1 AND paid_at IS NOT NULL AND NOT test AND total_minor > 0
			ORDER BY id
			LIMIT $2`, after.String(), batch); err != nil {
			return fmt.Errorf("read orders: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		if err := each(rows); err != nil {
			return err
		}
		after = rows[len(rows)-1].ID
	}
}

// checkSales: every paid order has its sale in the book, line for line.
func (s *Service) checkSales(ctx context.Context, q db.Q) (out []ledger.Finding, err error) {
	err = s.eachSold(ctx, q, func(rows []soldRow) error {
		keys := make([]string, len(rows))
		for i, r := range rows {
			keys[i] = saleKey(r.ID)
		}
		moves, err := ledger.ByKeys(ctx, q, keys)
		if err != nil {
			return err
		}
		lines := map[string]map[ledger.Account]money.Amount{}
		for _, m := range moves {
			if lines[m.Key] == nil {
				lines[m.Key] = map[ledger.Account]money.Amount{}
			}
			lines[m.Key][m.Account] = money.Amount{Minor: m.Amount, Currency: m.Currency}
		}
		for _, r := range rows {
			if why := compareSale(r.order(), lines[saleKey(r.ID)]); why != "" {
				out = append(out, ledger.Finding{Check: "sale", Subject: r.ID.String(), Detail: why})
			}
		}
		return nil
	})
	return out, err
}

func compareSale(o Order, have map[ledger.Account]money.Amount) string {
	if have == nil {
		return "is paid but not in the book"
	}
	want := 0
	for _, l := range sale(o).Lines {
		if l.Amount.IsZero() {
			continue
		}
		want++
		if have[l.Account] != l.Amount {
			return fmt.Sprintf("the book says %s for %s, the order %s", have[l.Account], l.Account, l.Amount)
		}
	}
	if len(have) != want {
		return fmt.Sprintf("the book has %d lines, the order %d", len(have), want)
	}
	return ""
}

// checkEntries: every sale in the book belongs to a paid order.
func (s *Service) checkEntries(ctx context.Context, q db.Q) (out []ledger.Finding, err error) {
	err = ledger.Entries(ctx, q, "sale", func(rows []ledger.Movement) error {
		var keys []string
		for i, m := range rows {
			if i == 0 || rows[i-1].Key != m.Key {
				keys = append(keys, strings.TrimPrefix(m.Key, "sale:"))
			}
		}
		var strays []string
		if err := q.Select(ctx, &strays, `
			SELECT k FROM unnest($1::text[]) AS k
			WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.id::text = k AND o.id = k::uuid AND o.paid_at IS NOT NULL AND NOT o.test)`, db.Array(keys)); err != nil {
			return fmt.Errorf("orders of entries: %w", err)
		}
		for _, k := range strays {
			out = append(out, ledger.Finding{Check: "sale", Subject: k, Detail: "is in the book but no paid order"})
		}
		return nil
	})
	return out, err
}

// checkRefunds: what orders say was given back is what the book says.
func (s *Service) checkRefunds(ctx context.Context, q db.Q) (out []ledger.Finding, err error) {
	return s.checkBack(ctx, q, "refund", func(r soldRow) (all, net int64) { return r.Refunded, r.RefundedNet })
}

// checkDisputes: what orders say banks have taken is what the book says.
func (s *Service) checkDisputes(ctx context.Context, q db.Q) (out []ledger.Finding, err error) {
	return s.checkBack(ctx, q, "dispute", func(r soldRow) (all, net int64) { return r.Disputed, r.DisputedNet })
}

func (s *Service) checkBack(ctx context.Context, q db.Q, kind string, of func(soldRow) (all, net int64)) (out []ledger.Finding, err error) {
	type sums struct{ all, net int64 }
	booked := map[string]sums{}
	err = ledger.Entries(ctx, q, kind, func(rows []ledger.Movement) error {
		for _, m := range rows {
			o, _, _ := strings.Cut(strings.TrimPrefix(m.Key, kind+":"), ":")
			b := booked[o]
			switch {
			case strings.HasPrefix(string(m.Account), "creator:"):
				b.net -= m.Amount
			case strings.HasPrefix(string(m.Account), "provider:"):
				b.all += m.Amount
			}
			booked[o] = b
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = s.eachSold(ctx, q, func(rows []soldRow) error {
		for _, r := range rows {
			b := booked[r.ID.String()]
			delete(booked, r.ID.String())
			if all, net := of(r); b.all != all || b.net != net {
				out = append(out, ledger.Finding{Check: kind, Subject: r.ID.String(),
					Detail: fmt.Sprintf("the book says %d (%d the creator's), the order %d (%d) %s", b.all, b.net, all, net, r.Currency)})
			}
			if r.Refunded == r.Total && r.RefundedNet != r.Net {
				out = append(out, ledger.Finding{Check: "refund", Subject: r.ID.String(), Detail: "all was given back, but not all of the creator's part"})
			}
		}
		return nil
	})
	for o := range booked {
		out = append(out, ledger.Finding{Check: kind, Subject: o, Detail: "is in the book but no paid order"})
	}
	return out, err
}

// checkNumbers: a shop's order numbers run from 1 without gaps.
func (s *Service) checkNumbers(ctx context.Context, q db.Q) (out []ledger.Finding, err error) {
	var rows []struct {
		Shop  id.Shop `db:"shop_id"`
		Last  int     `db:"last"`
		Count int     `db:"count"`
		Max   int     `db:"max"`
	}
	err = q.Select(ctx, &rows, `
		SELECT c.shop_id, c.last, count(o.number) AS count, coalesce(max(o.number), 0) AS max
		FROM order_counters c LEFT JOIN orders o ON o.shop_id = c.shop_id AND o.number IS NOT NULL
		GROUP BY c.shop_id, c.last
		HAVING count(o.number) <> c.last OR coalesce(max(o.number), 0) <> c.last
		LIMIT 100`)
	for _, r := range rows {
		out = append(out, ledger.Finding{Check: "numbers", Subject: "shop " + r.Shop.String(),
			Detail: fmt.Sprintf("%d orders are numbered, the highest %d, the counter says %d", r.Count, r.Max, r.Last)})
	}
	return out, err
}

// checkStates: orders, their checkouts and what they grant agree.
func (s *Service) checkStates(ctx context.Context, q db.Q) (out []ledger.Finding, err error) {
	var rows []struct {
		ID  id.Order `db:"id"`
		Why string   `db:"why"`
	}
	err = q.Select(ctx, &rows, `
		SELECT id, why FROM (
			SELECT o.id, CASE
				WHEN (o.paid_at IS NOT NULL) <> (c.status = 'paid') THEN 'order ' || o.status || ', checkout ' || c.status
				WHEN (o.paid_at IS NOT NULL) <> (o.status IN ('paid', 'partly_refunded', 'refunded')) THEN 'status ' || o.status || ' and paid_at disagree'
				WHEN (o.number IS NOT NULL) <> (o.paid_at IS NOT NULL AND NOT o.test) THEN 'number is missing, or should be'
				WHEN o.status = 'refunded' AND o.refunded_minor <> o.total_minor THEN 'refunded, but not all of it'
				WHEN o.status = 'paid' AND o.refunded_minor <> 0 THEN 'paid, but something was given back'
				WHEN o.paid_at IS NOT NULL AND i.items <> i.granted THEN i.items || ' items, ' || i.granted || ' granted'
				WHEN o.paid_at IS NULL AND i.granted > 0 THEN 'granted without being paid'
				WHEN o.status = 'refunded' AND i.live > 0 AND o.total_minor > 0 AND NOT o.keep_access THEN 'refunded, but still granted'
				WHEN i.total <> o.subtotal_minor THEN 'the items do not add up'
				END AS why
			FROM orders o JOIN checkouts c ON c.id = o.checkout_id
			CROSS JOIN LATERAL (
				SELECT count(*) AS items, count(e.id) AS granted, count(e.id) FILTER (WHERE e.revoked_at IS NULL) AS live, sum(t.total_minor) AS total
				FROM order_items t LEFT JOIN entitlements e ON e.item_id = t.id
				WHERE t.order_id = o.id
			) i
		) x WHERE why IS NOT NULL
		LIMIT 100`)
	for _, r := range rows {
		out = append(out, ledger.Finding{Check: "state", Subject: r.ID.String(), Detail: r.Why})
	}
	if err != nil {
		return out, err
	}
	var sums []id.Checkout
	err = q.Select(ctx, &sums, `
		SELECT c.id FROM checkouts c
		WHERE c.total_minor <> (SELECT coalesce(sum(o.total_minor), -1) FROM orders o WHERE o.checkout_id = c.id)
		LIMIT 100`)
	for _, c := range sums {
		out = append(out, ledger.Finding{Check: "state", Subject: "checkout " + c.String(), Detail: "its orders do not add up"})
	}
	return out, err
}

// checkHolds: goods are set aside only for checkouts that may still be paid, and sold only to those that were.
func (s *Service) checkHolds(ctx context.Context, q db.Q) (out []ledger.Finding, err error) {
	held, err := s.Stock.Held(ctx, q)
	if err != nil {
		return nil, err
	}
	for len(held) > 0 {
		n := min(len(held), batch)
		page := held[:n]
		held = held[n:]
		ids := make([]string, n)
		for i, h := range page {
			ids[i] = h.Checkout.String()
		}
		var rows []struct {
			ID     id.Checkout    `db:"id"`
			Status CheckoutStatus `db:"status"`
		}
		if err := q.Select(ctx, &rows, `SELECT id, status FROM checkouts WHERE id = ANY($1::uuid[])`, db.Array(ids)); err != nil {
			return out, fmt.Errorf("checkouts of holds: %w", err)
		}
		status := map[id.Checkout]CheckoutStatus{}
		for _, r := range rows {
			status[r.ID] = r.Status
		}
		for _, h := range page {
			st, known := status[h.Checkout]
			switch {
			case h.Sold && st != CheckoutPaid:
				out = append(out, ledger.Finding{Check: "holds", Subject: h.Checkout.String(), Detail: "goods are sold, the checkout is not paid"})
			case !h.Sold && (st == CheckoutPaid || st == CheckoutExpired):
				out = append(out, ledger.Finding{Check: "holds", Subject: h.Checkout.String(), Detail: "goods are still held, the checkout is " + string(st)})
			case !h.Sold && !known && h.ExpiresAt.Before(s.DB.Now().Add(-time.Hour)):
				out = append(out, ledger.Finding{Check: "holds", Subject: h.Checkout.String(), Detail: "goods are held for a checkout that never was"})
			}
		}
	}
	return out, nil
}

// checkWaiting: nothing waits for long, and no case is open.
func (s *Service) checkWaiting(ctx context.Context, q db.Q) (out []ledger.Finding, err error) {
	var events int
	now := s.DB.Now()
	if s.Inbox != nil {
		if events, err = s.Inbox.Waiting(ctx, q, now.Add(-time.Hour)); err != nil {
			return nil, err
		}
	}
	if events > 0 {
		out = append(out, ledger.Finding{Check: "inbox", Subject: "webhooks", Detail: fmt.Sprintf("%d wait for more than an hour", events)})
	}
	var open []struct {
		Key  string `db:"key"`
		What string `db:"what"`
	}
	if err := q.Select(ctx, &open, `SELECT key, what FROM money_cases WHERE closed_at IS NULL AND NOT starts_with(key, 'check:') ORDER BY created_at LIMIT 100`); err != nil {
		return out, err
	}
	for _, c := range open {
		out = append(out, ledger.Finding{Check: "case", Subject: c.Key, Detail: c.What})
	}
	var late int
	if err := q.Get(ctx, &late, `SELECT count(*) FROM checkouts WHERE status = 'open' AND expires_at < $1`, now.Add(-time.Hour)); err != nil {
		return out, err
	}
	if late > 0 {
		out = append(out, ledger.Finding{Check: "checkouts", Subject: "open", Detail: fmt.Sprintf("%d should have ended an hour ago", late)})
	}
	return out, nil
}
