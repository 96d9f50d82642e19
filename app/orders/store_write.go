package orders

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/payments"
)

// free is the provider of what costs nothing and of tests.
const free = "none"

// insertCheckout writes the checkout, or finds the one that its key belongs to; fresh says which.
func (s *Service) insertCheckout(ctx context.Context, tx *db.Tx, w *wish) (c Checkout, fresh bool, err error) {
	buyer, err := s.ensureBuyer(ctx, tx, w.Email)
	if err != nil {
		return c, false, fmt.Errorf("buyer: %w", err)
	}
	c = Checkout{ID: w.id, Buyer: buyer, Email: w.Email, Total: w.quote.Total, Provider: s.Provider.Name(), Status: CheckoutOpen, Test: w.Test,
		Locale: w.Locale, ExpiresAt: w.until, CreatedAt: tx.Now, inputs: w.inputs}
	if w.Test || w.quote.Total.IsZero() {
		c.Provider = free
	}
	if w.quote.Shops == 1 {
		c.statement = w.quote.Lines[0].Offer.ShopName
	}
	if c.Locale == "" {
		c.Locale = "en"
	}
	n, err := tx.Exec(ctx, `
		INSERT INTO checkouts (id, client_key, inputs, token_hash, buyer_id, email, currency, total_minor, provider, status, statement, test,
			consented_at, locale, expires_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'open', $10, $11, $12, $13, $14, $12, $12)
		ON CONFLICT ON CONSTRAINT checkouts_client_key_unique DO NOTHING`,
		c.ID, w.key, c.inputs, id.Hash(s.CheckoutToken(c.ID)), buyer, c.Email, c.Total.Currency, c.Total.Minor, c.Provider,
		c.statement, c.Test, tx.Now, c.Locale, c.ExpiresAt)
	if err != nil || n == 1 {
		return c, true, err
	}
	c, err = s.findCheckoutByKey(ctx, tx, w.key)
	return c, false, err
}

func (s *Service) ensureBuyer(ctx context.Context, tx *db.Tx, email string) (id.Buyer, error) {
	b, err := s.findBuyer(ctx, tx, email)
	if !db.None(err) {
		return b, err
	}
	if _, err := tx.Exec(ctx, `
		INSERT INTO buyers (id, email, created_at) VALUES ($1, $2, $3)
		ON CONFLICT ON CONSTRAINT buyers_email_unique DO NOTHING`, id.New[id.BuyerKind](), email, tx.Now); err != nil {
		return b, err
	}
	return s.findBuyer(ctx, tx, email)
}

// insertOrder writes what the checkout takes from one shop, with the fee as it is at this moment.
func (s *Service) insertOrder(ctx context.Context, tx *db.Tx, w *wish, c Checkout, part []QuoteLine) error {
	total := part[0].Total
	for _, l := range part[1:] {
		total = total.Add(l.Total)
	}
	fee, err := s.Fees.For(ctx, tx, total, tx.Now)
	if err != nil {
		return err
	}
	o, first := id.New[id.OrderKind](), part[0].Offer
	if _, err := tx.Exec(ctx, `
		INSERT INTO orders (id, checkout_id, shop_id, creator_id, buyer_id, token_hash, status, test, email, currency, subtotal_minor,
			total_minor, fee_minor, net_minor, fee_version, provider, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, $8, $9, $10, $10, $11, $12, $13, $14, $15, $15)`,
		o, c.ID, first.Shop, first.Creator, c.Buyer, id.Hash(s.Token(o)), c.Test, c.Email, total.Currency, total.Minor,
		fee.Platform.Minor, fee.Net.Minor, fee.Version, c.Provider, tx.Now); err != nil {
		return fmt.Errorf("insert order: %w", err)
	}
	var ids, products, names []string
	var units, quantities, totals []int64
	for _, l := range part {
		ids, products, names = append(ids, id.New[id.ItemKind]().String()), append(products, l.Offer.Product.String()), append(names, l.Offer.Name)
		units, quantities, totals = append(units, l.Offer.Price.Minor), append(quantities, int64(l.Quantity)), append(totals, l.Total.Minor)
	}
	if _, err := tx.Exec(ctx, `
		INSERT INTO order_items (id, order_id, shop_id, creator_id, product_id, name, unit_minor, quantity, total_minor, currency)
		SELECT u.id, $1, $2, $3, u.product, u.name, u.unit, u.quantity, u.total, $4
		FROM unnest($5::uuid[], $6::uuid[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[]) AS u (id, product, name, unit, quantity, total)`,
		o, first.Shop, first.Creator, total.Currency, db.Array(ids), db.Array(products), db.Array(names), db.Array(units), db.Array(quantities), db.Array(totals)); err != nil {
		return fmt.Errorf("insert items: %w", err)
	}
	return nil
}

func (s *Service) enqueueWatch(ctx context.Context, tx *db.Tx, c Checkout) error {
	return job.Enqueue(ctx, tx, Watch{c.ID}, job.On(job.Money), job.At(c.ExpiresAt.Add(30*time.Second)), job.Key("watch:"+c.ID.String()))
}

// updateSession keeps the payment page; a page that is known already stays.
func (s *Service) updateSession(ctx context.Context, tx *db.Tx, c id.Checkout, sess payments.Session) (int64, error) {
	return tx.Exec(ctx, `
		UPDATE checkouts SET session_id = $2, updated_at = $4, session_url = CASE WHEN status = 'open' THEN $3 ELSE '' END
		WHERE id = $1 AND (session_id IS NULL OR session_id = $2)`, c, sess.ID, sess.URL, tx.Now)
}

func (s *Service) updateAttempt(ctx context.Context, tx *db.Tx, c Checkout) error {
	_, err := tx.Exec(ctx, `
		UPDATE checkouts SET attempt = attempt + 1, updated_at = $3
		WHERE id = $1 AND attempt = $2 AND session_id IS NULL AND status = 'open'`, c.ID, c.attempt, tx.Now)
	return err
}

// takeCheckout locks the checkout that a fact is about, by whatever the fact knows of it.
func (s *Service) takeCheckout(ctx context.Context, tx *db.Tx, f fact) (Checkout, error) {
	var r checkoutRow
	err := tx.Get(ctx, &r, `
		SELECT id, inputs, buyer_id, email, currency, total_minor, provider, status, session_id, session_url, attempt, statement,
			payment_intent_id, test, locale, expires_at, paid_at, created_at
		FROM checkouts
		WHERE id = coalesce(
			(SELECT id FROM checkouts WHERE id = $1),
			(SELECT id FROM checkouts WHERE session_id = $2),
			(SELECT id FROM checkouts WHERE payment_intent_id = $3))
		FOR UPDATE`, f.Checkout, f.Session, f.Intent)
	return r.checkout(), err
}

// updatePaid makes the step to paid; no row means that it was made before.
func (s *Service) updatePaid(ctx context.Context, tx *db.Tx, c Checkout, f fact) (int64, error) {
	return tx.Exec(ctx, `
		UPDATE checkouts SET status = 'paid', paid_at = $2, updated_at = $2, session_url = '',
			payment_intent_id = coalesce(payment_intent_id, NULLIF($3, '')), session_id = coalesce(session_id, NULLIF($4, ''))
		WHERE id = $1 AND status IN ('open', 'processing')`, c.ID, tx.Now, f.Intent, f.Session)
}

// reopen undoes an end that came too early, once the goods are set aside again.
func (s *Service) reopen(ctx context.Context, tx *db.Tx, c id.Checkout) error {
	if _, err := tx.Exec(ctx, `UPDATE checkouts SET status = 'processing', updated_at = $2 WHERE id = $1 AND status = 'expired'`, c, tx.Now); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE orders SET status = 'processing', updated_at = $2 WHERE checkout_id = $1 AND status = 'expired'`, c, tx.Now)
	return err
}

type paidRow struct {
	ID id.Order `db:"id"`
}

// numberOrders makes a checkout's orders paid and gives them the shops' next numbers; tests get none.
func (s *Service) numberOrders(ctx context.Context, tx *db.Tx, c id.Checkout, f fact) ([]id.Order, error) {
	var rows []paidRow
	err := tx.Select(ctx, &rows, `
		WITH next AS (
			INSERT INTO order_counters (shop_id, last)
			SELECT shop_id, 1 FROM orders WHERE checkout_id = $1 AND status IN ('pending', 'processing') AND NOT test
			ORDER BY shop_id
			ON CONFLICT ON CONSTRAINT order_counters_pkey DO UPDATE SET last = order_counters.last + 1
			RETURNING shop_id, last
		)
		UPDATE orders o SET status = 'paid', number = (SELECT last FROM next WHERE next.shop_id = o.shop_id), paid_at = $2, updated_at = $2,
			payment_intent_id = NULLIF($3, ''), charge_id = NULLIF($4, ''), risk_level = $5
		WHERE o.checkout_id = $1 AND o.status IN ('pending', 'processing')
		RETURNING o.id`, c, tx.Now, f.Intent, f.Charge, f.Risk)
	out := make([]id.Order, len(rows))
	for i, r := range rows {
		out[i] = r.ID
	}
	return out, err
}

// complete fills in what a later fact knows of a payment that is booked.
func (s *Service) complete(ctx context.Context, tx *db.Tx, c id.Checkout, f fact) error {
	if _, err := tx.Exec(ctx, `
		UPDATE checkouts SET payment_intent_id = coalesce(payment_intent_id, NULLIF($2, '')), session_id = coalesce(session_id, NULLIF($3, ''))
		WHERE id = $1 AND (payment_intent_id IS NULL AND $2 <> '' OR session_id IS NULL AND $3 <> '')`, c, f.Intent, f.Session); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		UPDATE orders SET payment_intent_id = coalesce(payment_intent_id, NULLIF($2, '')), charge_id = coalesce(charge_id, NULLIF($3, '')),
			risk_level = CASE WHEN $4 = '' THEN risk_level ELSE $4 END
		WHERE checkout_id = $1 AND (payment_intent_id IS NULL AND $2 <> '' OR charge_id IS NULL AND $3 <> '' OR risk_level = '' AND $4 <> '')`,
		c, f.Intent, f.Charge, f.Risk)
	return err
}

func (s *Service) insertEntitlements(ctx context.Context, tx *db.Tx, c id.Checkout) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO entitlements (id, order_id, item_id, product_id, creator_id, created_at)
		SELECT i.id, i.order_id, i.id, i.product_id, i.creator_id, $2
		FROM order_items i JOIN orders o ON o.id = i.order_id
		WHERE o.checkout_id = $1
		ON CONFLICT ON CONSTRAINT entitlements_item_unique DO NOTHING`, c, tx.Now)
	return err
}

// updateProcessing notes that a delayed method is under way.
func (s *Service) updateProcessing(ctx context.Context, tx *db.Tx, c id.Checkout, f fact) (int64, error) {
	n, err := tx.Exec(ctx, `
		UPDATE checkouts SET status = 'processing', updated_at = $2, session_url = '',
			payment_intent_id = coalesce(payment_intent_id, NULLIF($3, '')), session_id = coalesce(session_id, NULLIF($4, ''))
		WHERE id = $1 AND status = 'open'`, c, tx.Now, f.Intent, f.Session)
	if err != nil || n == 0 {
		return n, err
	}
	return tx.Exec(ctx, `UPDATE orders SET status = 'processing', updated_at = $2 WHERE checkout_id = $1 AND status = 'pending'`, c, tx.Now)
}

// updateExpired ends a checkout that nobody has paid.
func (s *Service) updateExpired(ctx context.Context, tx *db.Tx, c id.Checkout) (int64, error) {
	n, err := tx.Exec(ctx, `
		UPDATE checkouts SET status = 'expired', session_url = '', updated_at = $2
		WHERE id = $1 AND status IN ('open', 'processing')`, c, tx.Now)
	if err != nil || n == 0 {
		return n, err
	}
	return tx.Exec(ctx, `
		UPDATE orders SET status = 'expired', updated_at = $2
		WHERE checkout_id = $1 AND status IN ('pending', 'processing')`, c, tx.Now)
}

func (s *Service) listOrderIDs(ctx context.Context, q db.Q, c id.Checkout) ([]id.Order, error) {
	var ids []id.Order
	err := q.Select(ctx, &ids, `SELECT id FROM orders WHERE checkout_id = $1 ORDER BY id`, c)
	return ids, err
}

// updateRefunded raises what was given back; no row means that as much was known before.
func (s *Service) updateRefunded(ctx context.Context, tx *db.Tx, o Order, refunded, net int64) (int64, error) {
	return tx.Exec(ctx, `
		UPDATE orders SET refunded_minor = $2, refunded_net_minor = $3, updated_at = $4,
			status = CASE WHEN $2 = total_minor THEN 'refunded' ELSE 'partly_refunded' END
		WHERE id = $1 AND status IN ('paid', 'partly_refunded') AND refunded_minor < $2`, o.ID, refunded, net, tx.Now)
}

func (s *Service) revokeEntitlements(ctx context.Context, tx *db.Tx, o id.Order) error {
	_, err := tx.Exec(ctx, `UPDATE entitlements SET revoked_at = $2 WHERE order_id = $1 AND revoked_at IS NULL`, o, tx.Now)
	return err
}

// details are what a person needs to look into a case: ids and sums, nothing personal.
type details map[string]string

// openCase puts something before a person, once a key.
func (s *Service) openCase(ctx context.Context, tx *db.Tx, key, what string, d details) error {
	b, err := json.Marshal(d)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO money_cases (id, key, what, details, created_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT ON CONSTRAINT money_cases_key_unique DO NOTHING`, id.New[id.EntryKind](), key, what, string(b), tx.Now)
	return err
}

// listDue lists checkouts whose page should be over, and delayed payments of which nothing was heard for a while.
func (s *Service) listDue(ctx context.Context, q db.Q, over, silent time.Time) ([]id.Checkout, error) {
	var ids []id.Checkout
	err := q.Select(ctx, &ids, `
		SELECT id FROM checkouts
		WHERE status = 'open' AND expires_at < $1 OR status = 'processing' AND expires_at < $1 AND updated_at < $2
		ORDER BY expires_at
		LIMIT 200`, over, silent)
	return ids, err
}

func (s *Service) touch(ctx context.Context, tx *db.Tx, c id.Checkout) error {
	_, err := tx.Exec(ctx, `UPDATE checkouts SET updated_at = $2 WHERE id = $1`, c, tx.Now)
	return err
}
