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

// insertCheckout writes buyer, checkout, orders and items in one statement, or finds the checkout that the key
// belongs to; fresh says which.
func (s *Service) insertCheckout(ctx context.Context, tx *db.Tx, w *wish) (c Checkout, fresh bool, err error) {
	c = Checkout{ID: w.id, Email: w.Email, Total: w.quote.Total, Provider: w.Provider, Status: CheckoutOpen, Test: w.Test,
		Locale: w.Locale, ExpiresAt: w.until, CreatedAt: tx.Now, inputs: w.inputs, intent: w.intent}
	if w.Test || w.quote.Total.IsZero() {
		c.Provider = free
	}
	if w.quote.Shops == 1 {
		c.statement = w.quote.Lines[0].Offer.ShopName
	}
	if c.Locale == "" {
		c.Locale = "en"
	}
	cols, err := s.columns(ctx, tx, w)
	if err != nil {
		return c, false, err
	}
	for try := 0; ; try++ {
		r, err := s.insertAll(ctx, tx, w, c, cols)
		switch {
		case err != nil:
			return c, false, err
		case r.Buyer == nil && try == 0: // the address was first seen elsewhere at this very moment; now it can be read
			continue
		case r.Fresh == 1:
			c.Buyer = *r.Buyer
			return c, true, nil
		}
		c, err = s.findCheckoutByKey(ctx, tx, w.key)
		return c, false, err
	}
}

func kindOf(c Checkout) string {
	if c.intent {
		return "intent"
	}
	return "page"
}

type inserted struct {
	Buyer *id.Buyer `db:"buyer"`
	Fresh int       `db:"fresh"`
	Count int       `db:"orders"`
	Items int       `db:"items"`
}

func (s *Service) insertAll(ctx context.Context, tx *db.Tx, w *wish, c Checkout, o *columns) (r inserted, err error) {
	err = tx.Get(ctx, &r, `
		WITH known AS (
			SELECT id FROM buyers WHERE email = $5
		), new AS (
			INSERT INTO buyers (id, email, created_at)
			SELECT $4, $5, $12 WHERE NOT EXISTS (SELECT 1 FROM known)
			ON CONFLICT ON CONSTRAINT buyers_email_unique DO NOTHING
			RETURNING id
		), buyer AS (
			SELECT id FROM known UNION ALL SELECT id FROM new
		), checkout AS (
			INSERT INTO checkouts (id, client_key, inputs, token_hash, buyer_id, email, currency, total_minor, provider, status, statement, test,
				consented_at, locale, expires_at, created_at, updated_at, client_ip, client_net, client_browser, client_country, kind)
			SELECT $1, $2, $3, $15, buyer.id, $5, $6, $7, $8, 'open', $9, $10, $12, $11, $13, $12, $12, $30, $31, $32, NULLIF($33, ''), $34 FROM buyer
			ON CONFLICT DO NOTHING -- id and token follow from the key: the same form at the same moment meets itself in any of the three
			RETURNING id, buyer_id
		), orders AS (
			INSERT INTO orders (id, checkout_id, shop_id, creator_id, buyer_id, token_hash, status, test, email, currency, subtotal_minor,
				total_minor, fee_minor, net_minor, fee_version, provider, created_at, updated_at)
			SELECT u.id, checkout.id, u.shop, u.creator, checkout.buyer_id, u.token, 'pending', $10, $5, $6, u.total,
				u.total, u.fee, u.total - u.fee, u.version, $8, $12, $12
			FROM checkout, unnest($16::uuid[], $17::uuid[], $18::uuid[], $19::bytea[], $20::bigint[], $21::bigint[], $22::int[]) AS u (id, shop, creator, token, total, fee, version)
			RETURNING id
		), items AS (
			INSERT INTO order_items (id, order_id, shop_id, creator_id, product_id, name, unit_minor, quantity, total_minor, currency)
			SELECT u.id, u.order_id, u.shop, u.creator, u.product, u.name, u.unit, u.quantity, u.unit * u.quantity, $6
			FROM checkout, unnest($14::uuid[], $23::uuid[], $24::uuid[], $25::uuid[], $26::uuid[], $27::text[], $28::bigint[], $29::int[])
				AS u (id, order_id, shop, creator, product, name, unit, quantity)
			RETURNING id
		)
		SELECT (SELECT id FROM buyer) AS buyer, (SELECT count(*) FROM checkout) AS fresh, (SELECT count(*) FROM orders) AS orders, (SELECT count(*) FROM items) AS items`,
		c.ID, w.key, c.inputs, id.New[id.BuyerKind](), c.Email, c.Total.Currency, c.Total.Minor, c.Provider,
		c.statement, c.Test, c.Locale, tx.Now, c.ExpiresAt, db.Array(o.item), id.Hash(s.CheckoutToken(c.ID)),
		db.Array(o.order), db.Array(o.shop), db.Array(o.creator), db.Array(o.token), db.Array(o.total), db.Array(o.fee), db.Array(o.version),
		db.Array(o.itemOrder), db.Array(o.itemShop), db.Array(o.itemCreator), db.Array(o.product), db.Array(o.name), db.Array(o.unit), db.Array(o.quantity),
		w.Client.ip(s.Secret), w.Client.net(s.Secret), w.Client.browser(s.Secret), w.Client.country(), kindOf(c))
	if err != nil {
		return r, fmt.Errorf("insert checkout: %w", err)
	}
	return r, nil
}

// columns are the orders of a checkout and their items as one statement takes them.
type columns struct {
	order, shop, creator []string
	token                [][]byte
	total, fee, version  []int64

	item, itemOrder, itemShop, itemCreator, product, name []string
	unit, quantity                                        []int64
}

// columns parts the wish by shops, with the fees as they are at this moment.
func (s *Service) columns(ctx context.Context, q db.Q, w *wish) (*columns, error) {
	schedule, err := s.Fees.At(ctx, q, w.quote.Total.Currency, s.DB.Now())
	if err != nil {
		return nil, err
	}
	c := &columns{}
	for _, part := range w.quote.byShop() {
		o, first := id.New[id.OrderKind](), part[0].Offer
		total := part[0].Total
		for _, l := range part[1:] {
			total = total.Add(l.Total)
		}
		fee := schedule.Of(total)
		c.order, c.shop, c.creator = append(c.order, o.String()), append(c.shop, first.Shop.String()), append(c.creator, first.Creator.String())
		c.token, c.total = append(c.token, id.Hash(s.Token(o))), append(c.total, total.Minor)
		c.fee, c.version = append(c.fee, fee.Platform.Minor), append(c.version, int64(fee.Version))
		for _, l := range part {
			c.item, c.itemOrder = append(c.item, id.New[id.ItemKind]().String()), append(c.itemOrder, o.String())
			c.itemShop, c.itemCreator = append(c.itemShop, first.Shop.String()), append(c.itemCreator, first.Creator.String())
			c.product, c.name = append(c.product, l.Offer.Product.String()), append(c.name, l.Offer.Name)
			c.unit, c.quantity = append(c.unit, l.Offer.Price.Minor), append(c.quantity, int64(l.Quantity))
		}
	}
	return c, nil
}

func (s *Service) enqueueWatch(ctx context.Context, tx *db.Tx, c Checkout) error {
	return job.Enqueue(ctx, tx, Watch{Checkout: c.ID}, job.On(job.Money), job.At(c.ExpiresAt.Add(30*time.Second)), job.Key("watch:"+c.ID.String()))
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
		SELECT id, inputs, buyer_id, email, currency, total_minor, provider, status, session_id, session_url, attempt, statement, kind,
			payment_intent_id, test, locale, expires_at, paid_at, created_at
		FROM checkouts
		WHERE id = coalesce(
			(SELECT id FROM checkouts WHERE id = $1),
			(SELECT id FROM checkouts WHERE session_id = $2),
			(SELECT id FROM checkouts WHERE payment_intent_id = $3))
		FOR UPDATE`, f.Checkout, f.Session, f.Intent)
	return r.checkout(), err
}

// updatePaid makes the step to paid, grants what was bought, and returns the orders as they are to be booked;
// none means that the step was made before.
func (s *Service) updatePaid(ctx context.Context, tx *db.Tx, c Checkout, f fact) ([]Order, error) {
	var rows []soldRow
	err := tx.Select(ctx, &rows, `
		WITH checkout AS (
			UPDATE checkouts SET status = 'paid', paid_at = $2, updated_at = $2, session_url = '',
				payment_intent_id = coalesce(payment_intent_id, NULLIF($3, '')), session_id = coalesce(session_id, NULLIF($4, ''))
			WHERE id = $1 AND status IN ('open', 'processing')
			RETURNING id
		), granted AS (
			INSERT INTO entitlements (id, order_id, item_id, product_id, creator_id, created_at)
			SELECT i.id, i.order_id, i.id, i.product_id, i.creator_id, $2
			FROM checkout JOIN orders o ON o.checkout_id = checkout.id JOIN order_items i ON i.order_id = o.id
			ON CONFLICT ON CONSTRAINT entitlements_item_unique DO NOTHING
		)
		SELECT o.id, o.shop_id, o.creator_id, o.status, o.test, o.provider, o.currency, o.total_minor, o.fee_minor, o.net_minor, o.refunded_minor, o.refunded_net_minor
		FROM checkout JOIN orders o ON o.checkout_id = checkout.id
		ORDER BY o.id`, c.ID, tx.Now, f.Intent, f.Session)
	out := make([]Order, len(rows))
	for i, r := range rows {
		out[i] = r.order()
	}
	return out, err
}

// reopen undoes an end that came too early, once the goods are set aside again.
func (s *Service) reopen(ctx context.Context, tx *db.Tx, c id.Checkout) error {
	if _, err := tx.Exec(ctx, `UPDATE checkouts SET status = 'processing', updated_at = $2 WHERE id = $1 AND status = 'expired'`, c, tx.Now); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE orders SET status = 'processing', updated_at = $2 WHERE checkout_id = $1 AND status = 'expired'`, c, tx.Now)
	return err
}

// numberOrders makes a checkout's orders paid and gives them the shops' next numbers; tests get none.
func (s *Service) numberOrders(ctx context.Context, tx *db.Tx, c id.Checkout, f fact) error {
	_, err := tx.Exec(ctx, `
		WITH next AS (
			INSERT INTO order_counters (shop_id, last)
			SELECT shop_id, 1 FROM orders WHERE checkout_id = $1 AND status IN ('pending', 'processing') AND NOT test
			ORDER BY shop_id
			ON CONFLICT ON CONSTRAINT order_counters_pkey DO UPDATE SET last = order_counters.last + 1
			RETURNING shop_id, last
		)
		UPDATE orders o SET status = 'paid', number = (SELECT last FROM next WHERE next.shop_id = o.shop_id), paid_at = $2, updated_at = $2,
			payment_intent_id = NULLIF($3, ''), charge_id = NULLIF($4, ''), risk_level = $5, risk_score = $6
		WHERE o.checkout_id = $1 AND o.status IN ('pending', 'processing')`, c, tx.Now, f.Intent, f.Charge, f.Risk, f.Score)
	return err
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
			risk_level = CASE WHEN $4 = '' THEN risk_level ELSE $4 END, risk_score = CASE WHEN $4 = '' THEN risk_score ELSE $5 END
		WHERE checkout_id = $1 AND (payment_intent_id IS NULL AND $2 <> '' OR charge_id IS NULL AND $3 <> '' OR risk_level = '' AND $4 <> '')`,
		c, f.Intent, f.Charge, f.Risk, f.Score)
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
