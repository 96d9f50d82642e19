package risk

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"vitrine/app/audit"
	"vitrine/app/db"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/orders"
)

// Entry is a review as the queue shows it.
type Entry struct {
	Review
	Number   int
	ShopName string
	ShopSlug string
	First    string // who has chosen first
	Decider  string
	Reasons  []Reason
}

// entryRow is a review with what the queue shows beside it.
type entryRow struct {
	reviewRow
	Number   *int   `db:"number"`
	ShopName string `db:"shop_name"`
	ShopSlug string `db:"shop_slug"`
	First    string `db:"first_name"`
	Decider  string `db:"decider_name"`
	Reasons  []byte `db:"reasons"`
}

func (r entryRow) entry() (Entry, error) {
	e := Entry{Review: r.review(), ShopName: r.ShopName, ShopSlug: r.ShopSlug, First: r.First, Decider: r.Decider}
	if r.Number != nil {
		e.Number = *r.Number
	}
	if err := json.Unmarshal(r.Reasons, &e.Reasons); err != nil {
		return e, fmt.Errorf("reasons of review %s: %w", r.ID, err)
	}
	return e, nil
}

// Queue lists what waits, the nearest deadline first.
func (s *Service) Queue(ctx context.Context) ([]Entry, error) {
	var rows []entryRow
	err := s.DB.Select(ctx, &rows, `
		SELECT r.id, r.order_id, r.checkout_id, r.shop_id, r.creator_id, r.currency, r.stake_minor, r.state, r.opened_at, r.due_at, r.holds, r.assignee_id,
			r.choice, r.choice_by, r.choice_why, r.choice_at, r.decided_by, r.decided_at,
			o.number, s.name AS shop_name, s.slug AS shop_slug, coalesce(f.name, '') AS first_name, '' AS decider_name, coalesce(d.reasons, '[]') AS reasons
		FROM risk_reviews r JOIN orders o ON o.id = r.order_id JOIN shops s ON s.id = r.shop_id
			LEFT JOIN users f ON f.id = r.choice_by LEFT JOIN risk_decisions d ON d.order_id = r.order_id
		WHERE r.decided_at IS NULL
		ORDER BY r.due_at, r.id
		LIMIT 200`)
	return entries(rows, err)
}

// Done lists what was decided, the newest first.
func (s *Service) Done(ctx context.Context) ([]Entry, error) {
	var rows []entryRow
	err := s.DB.Select(ctx, &rows, `
		SELECT r.id, r.order_id, r.checkout_id, r.shop_id, r.creator_id, r.currency, r.stake_minor, r.state, r.opened_at, r.due_at, r.holds, r.assignee_id,
			r.choice, r.choice_by, r.choice_why, r.choice_at, r.decided_by, r.decided_at,
			o.number, s.name AS shop_name, s.slug AS shop_slug, coalesce(f.name, '') AS first_name, coalesce(u.name, '') AS decider_name, coalesce(d.reasons, '[]') AS reasons
		FROM risk_reviews r JOIN orders o ON o.id = r.order_id JOIN shops s ON s.id = r.shop_id
			LEFT JOIN users f ON f.id = r.choice_by LEFT JOIN users u ON u.id = r.decided_by LEFT JOIN risk_decisions d ON d.order_id = r.order_id
		WHERE r.decided_at IS NOT NULL
		ORDER BY r.decided_at DESC, r.id DESC
		LIMIT 100`)
	return entries(rows, err)
}

func entries(rows []entryRow, err error) ([]Entry, error) {
	if err != nil {
		return nil, err
	}
	out := make([]Entry, len(rows))
	for i, r := range rows {
		if out[i], err = r.entry(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Case is all that a person needs to decide on an order.
type Case struct {
	Review
	Order    orders.Order
	Shop     ShopFacts
	Decision Decision // zero: the order was sold before there were rules
	Replayed Verdict  // what the rules of its time say now: the same, or something is wrong
	Today    Verdict  // what today's rules would say
	TodayWhy []Reason
	Others   []orders.Order // of the same buyer, the newest first
	Warnings []string       // kinds of the banks' early warnings
	History  []Moment
	First    string // who has chosen first
	Two      bool   // two persons must agree
	Own      bool   // the one who looks has chosen first, and cannot be the second
	Prev     id.Review
	Next     id.Review
}

// ShopFacts are a shop's figures.
type ShopFacts struct {
	Name     string     `db:"name"`
	Slug     string     `db:"slug"`
	Since    time.Time  `db:"created_at"` // of the creator's account
	Shut     *time.Time `db:"shut_at"`
	Orders   int        `db:"orders"`
	Month    int        `db:"month"`
	Refunded int        `db:"refunded"`
	Disputed int        `db:"disputed"`
	Reviews  int        `db:"reviews"`
	Bad      int        `db:"bad"` // reviews that ended in a refund
	Gross    int64      `db:"gross"`
	Held     int64      `db:"held"`
	Currency string     `db:"currency"`
}

// Amount is a sum in the shop's currency.
func (f ShopFacts) Amount(minor int64) money.Amount {
	return money.Amount{Minor: minor, Currency: money.Currency(f.Currency)}
}

// View opens a case for a person. That it was looked at is noted: it shows who bought what.
func (s *Service) View(ctx context.Context, actor id.User, r id.Review) (Case, error) {
	c, err := s.read(ctx, actor, r)
	if err != nil {
		return c, err
	}
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		err := audit.Log(ctx, tx, actor, "risk.view", "order:"+c.Order.ID.String(), nil)
		failpoint.Hit("risk.view.before_commit")
		return err
	})
	failpoint.Hit("risk.view.after_commit")
	return c, err
}

func (s *Service) read(ctx context.Context, actor id.User, r id.Review) (Case, error) {
	have, err := s.Get(ctx, s.DB, r)
	if err != nil {
		return Case{}, err
	}
	c := Case{Review: have, Two: s.TwoPersons(have.Stake), Own: guardFourEyes && have.State == Confirming && have.ChoiceBy == actor}
	steps := []func() error{
		func() (err error) { c.Order, err = s.Orders.Find(ctx, s.DB, have.Order); return err },
		func() error { return s.judge(ctx, &c) },
		func() (err error) { c.Shop, err = s.shopFacts(ctx, have.Shop); return err },
		func() error { return s.others(ctx, &c) },
		func() (err error) { c.Warnings, err = s.WarningsOf(ctx, s.DB, have.Checkout); return err },
		func() (err error) { c.History, err = s.History(ctx, r); return err },
		func() error { return s.neighbours(ctx, &c) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return c, fmt.Errorf("case %s: %w", r, err)
		}
	}
	return c, nil
}

// judge reads what the rules said, and asks them again.
func (s *Service) judge(ctx context.Context, c *Case) error {
	d, err := s.DecisionOf(ctx, s.DB, c.Review.Order)
	if err == errNoDecision {
		return nil
	}
	if err != nil {
		return err
	}
	c.Decision = d
	if c.Replayed, _, err = s.Replay(ctx, d); err != nil && err != errNoRules {
		return err
	}
	c.Today, c.TodayWhy = Current().Evaluate(d.Inputs)
	return nil
}

func (s *Service) others(ctx context.Context, c *Case) error {
	all, err := s.Orders.OfBuyer(ctx, c.Order.Buyer)
	if err != nil {
		return err
	}
	for _, o := range all {
		if o.ID != c.Order.ID && len(c.Others) < 20 {
			c.Others = append(c.Others, o)
		}
	}
	return nil
}

func (s *Service) shopFacts(ctx context.Context, shop id.Shop) (f ShopFacts, err error) {
	err = s.DB.Get(ctx, &f, `
		SELECT s.name, s.slug, u.created_at, s.shut_at, s.currency,
			(SELECT count(*) FROM risk_reviews r WHERE r.shop_id = s.id) AS reviews,
			(SELECT count(*) FROM risk_reviews r WHERE r.shop_id = s.id AND r.state = 'refused') AS bad,
			o.orders, o.month, o.refunded, o.disputed, o.gross, o.held
		FROM shops s JOIN users u ON u.id = s.creator_id
		CROSS JOIN LATERAL (
			SELECT count(*) AS orders, count(*) FILTER (WHERE paid_at > $2::timestamptz - interval '30 days') AS month,
				count(*) FILTER (WHERE refunded_minor > 0) AS refunded, count(*) FILTER (WHERE disputed_minor > 0) AS disputed,
				coalesce(sum(total_minor - refunded_minor - disputed_minor), 0)::bigint AS gross,
				coalesce(sum(net_minor - refunded_net_minor - disputed_net_minor) FILTER (WHERE held_at IS NOT NULL), 0)::bigint AS held
			FROM orders WHERE shop_id = s.id AND paid_at IS NOT NULL AND NOT test) o
		WHERE s.id = $1`, shop, s.DB.Now())
	return f, err
}

// neighbours are the cases before and after in the queue, and who has chosen first.
func (s *Service) neighbours(ctx context.Context, c *Case) error {
	var n struct {
		Prev  id.Review `db:"prev"`
		Next  id.Review `db:"next"`
		First string    `db:"first"`
	}
	err := s.DB.Get(ctx, &n, `
		SELECT (SELECT id FROM risk_reviews WHERE decided_at IS NULL AND (due_at, id) < ($1, $2) ORDER BY due_at DESC, id DESC LIMIT 1) AS prev,
			(SELECT id FROM risk_reviews WHERE decided_at IS NULL AND (due_at, id) > ($1, $2) ORDER BY due_at, id LIMIT 1) AS next,
			coalesce((SELECT coalesce(NULLIF(name, ''), email::text) FROM users WHERE id = $3), '') AS first`, c.Due, c.Review.ID, c.ChoiceBy)
	c.Prev, c.Next, c.First = n.Prev, n.Next, n.First
	return err
}

// BlockBuyer puts the buyer of a reviewed order on the blocklist: the card, the address, the browser, and for a week
// where they came from.
func (s *Service) BlockBuyer(ctx context.Context, actor id.User, r id.Review, why string) error {
	why, err := cleanReason(why)
	if err != nil {
		return err
	}
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		have, err := s.Get(ctx, tx, r)
		if err != nil {
			return err
		}
		keys, err := s.keysOf(ctx, tx, have.Checkout)
		if err == nil {
			err = blockKeys(ctx, tx, keys, WhyReview, have.Order, actor, afterFraud)
		}
		if err == nil {
			err = history(ctx, tx, r, actor, "blocked", why, nil)
		}
		if err == nil {
			err = audit.Log(ctx, tx, actor, "risk.block", "order:"+have.Order.String(), map[string]any{"reason": why})
		}
		failpoint.Hit("risk.block.before_commit")
		return err
	})
	if err != nil {
		return err
	}
	failpoint.Hit("risk.block.after_commit")
	return nil
}
