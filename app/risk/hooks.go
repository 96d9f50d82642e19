package risk

import (
	"context"
	"fmt"
	"time"

	"vitrine/app/db"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/orders"
	"vitrine/app/payments"
)

// Admit refuses a checkout before anything is written: what is blocked, who tries out cards, who takes free things
// over and over. A refusal says nothing of the rule behind it.
func (s *Service) Admit(ctx context.Context, in orders.StartInput, q orders.Quote) error {
	if in.Test {
		return nil
	}
	seen := Inputs{At: s.DB.Now(), Stage: Admit, Currency: q.Total.Currency, Total: q.Total.Minor, Provider: in.Provider, Disposable: Disposable(in.Email),
		Region: region(in.Locale), Own: ownGoods(in, q)}
	c := in.Client.Hashed(s.Secret)
	seen.ClientCountry = c.Country
	seen.Keys = filled(map[Kind]string{IP: c.IP, Net: c.Net, Browser: c.Browser, Email: s.emailKey(in.Email)})
	goods := make([]id.Product, len(q.Lines))
	for i, l := range q.Lines {
		goods[i] = l.Offer.Product
	}
	if err := s.recall(ctx, s.DB, &seen, "", goods); err != nil {
		return err
	}
	rules := Current()
	verdict, reasons := rules.Evaluate(seen)
	if verdict != Blocked {
		return nil
	}
	d := Decision{Key: "admit:" + in.Key, Stage: Admit, Verdict: verdict, Rules: rules.Version, Inputs: seen, Reasons: reasons}
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		err := insertDecision(ctx, tx, d)
		failpoint.Hit("risk.admit.before_commit")
		return err
	})
	if err != nil {
		return fmt.Errorf("keep a refusal: %w", err)
	}
	failpoint.Hit("risk.admit.after_commit")
	for _, h := range seen.Blocks {
		if h.Kind == Product {
			return errAttacked
		}
	}
	return errRefused
}

// ownGoods reports whether all that is bought is the buyer's own.
func ownGoods(in orders.StartInput, q orders.Quote) bool {
	for _, l := range q.Lines {
		if in.By.IsZero() || l.Offer.Creator != in.By {
			return false
		}
	}
	return len(q.Lines) > 0
}

// Assess decides on a payment in the transaction that marks it paid. Flagged and blocked orders go before a person; what
// is blocked is given back without one.
func (s *Service) Assess(ctx context.Context, tx *db.Tx, c orders.Checkout, f payments.Fact) (flagged bool, err error) {
	if c.Test {
		return false, nil
	}
	in, err := s.gather(ctx, tx, c, f)
	if err != nil {
		return false, err
	}
	rules := Current()
	verdict, reasons := rules.Evaluate(in)
	all, err := listOrders(ctx, tx, c.ID)
	if err != nil {
		return false, fmt.Errorf("orders of %s: %w", c.ID, err)
	}
	for _, o := range all {
		d := Decision{Key: "order:" + o.ID.String(), Order: o.ID, Checkout: c.ID, Stage: Paid, Verdict: verdict, Rules: rules.Version, Inputs: in, Reasons: reasons}
		if err := insertDecision(ctx, tx, d); err != nil {
			return false, err
		}
	}
	if err := s.remember(ctx, tx, c, f, in); err != nil {
		return false, err
	}
	if verdict == Allowed || !guardReview {
		return false, nil
	}
	for _, o := range all {
		if err := s.open(ctx, tx, o, verdict); err != nil {
			return false, fmt.Errorf("review of %s: %w", o.ID, err)
		}
	}
	return true, nil
}

// remember keeps a payment for the rules to come.
func (s *Service) remember(ctx context.Context, tx *db.Tx, c orders.Checkout, f payments.Fact, in Inputs) error {
	goods, err := listGoods(ctx, tx, c.ID)
	if err != nil {
		return fmt.Errorf("goods of %s: %w", c.ID, err)
	}
	sig := signal{attempt: paidAttempt(c.ID), outcome: "paid", keys: in.Keys, card: s.cardKey(c.Provider, f.Card.Fingerprint), email: in.Keys[Email], goods: goods}
	if in.Total == 0 {
		sig.outcome = "free"
	}
	_, err = note(ctx, tx, sig)
	return err
}

// open puts an order before a person.
func (s *Service) open(ctx context.Context, tx *db.Tx, o orderFacts, v Verdict) error {
	r := id.New[id.ReviewKind]()
	due := tx.Now.Add(Deadline)
	if v == Blocked {
		due = tx.Now
	}
	n, err := tx.Exec(ctx, `
		INSERT INTO risk_reviews (id, order_id, checkout_id, shop_id, creator_id, currency, stake_minor, state, opened_at, due_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', $8, $9)
		ON CONFLICT ON CONSTRAINT risk_reviews_order_unique DO NOTHING`,
		r, o.ID, o.Checkout, o.Shop, o.Creator, o.Currency, o.Total, tx.Now, due)
	if err != nil || n == 0 {
		return err
	}
	if err := history(ctx, tx, r, id.User{}, "opened", string(v), nil); err != nil {
		return err
	}
	if v == Blocked {
		return job.Enqueue(ctx, tx, Expire{r}, job.On(job.Money), job.Key("risk-expire:"+r.String()))
	}
	return job.EnqueueAll(ctx, tx,
		job.Item{Task: Expire{r}, Options: []job.Option{job.On(job.Money), job.At(due), job.Key("risk-expire:" + r.String())}},
		job.Item{Task: Tell{Review: r, What: TellOpened}, Options: []job.Option{job.Key("risk-tell:" + r.String() + ":opened")}})
}

// Attempted hears of a payment that failed: it is remembered, and who tries out cards is blocked.
func (s *Service) Attempted(ctx context.Context, tx *db.Tx, c orders.Checkout, f payments.Fact) error {
	b, err := findBuying(ctx, tx, c.ID)
	if err != nil {
		return fmt.Errorf("buyer of %s: %w", c.ID, err)
	}
	if b.Test {
		return nil
	}
	goods, err := listGoods(ctx, tx, c.ID)
	if err != nil {
		return fmt.Errorf("goods of %s: %w", c.ID, err)
	}
	keys, card := s.keys(b, c.Provider, f.Card), s.cardKey(c.Provider, f.Card.Fingerprint)
	fresh, err := note(ctx, tx, signal{attempt: "failed:" + c.ID.String() + ":" + f.Charge + ":" + card + ":" + f.Note, outcome: "failed", keys: keys, card: card,
		email: keys[Email], code: f.Note, goods: goods})
	if err != nil || !fresh {
		return err
	}
	return s.defend(ctx, tx, keys, f.Note, goods)
}

// defend blocks what a failed try has shown to be an attack.
func (s *Service) defend(ctx context.Context, tx *db.Tx, keys map[Kind]string, code string, goods []id.Product) error {
	seen, err := listSeen(ctx, tx, keys, "", tx.Now)
	if err != nil {
		return fmt.Errorf("signals: %w", err)
	}
	_, reasons := Current().Evaluate(Inputs{Stage: Admit, Total: 1, Seen: seen})
	testing := map[Kind]bool{}
	for _, r := range reasons {
		testing[r.Kind] = r.Code == CodeTesting
	}
	stolen := isFraud(code)
	for _, k := range kinds { // in one order, so that two tries at once do not wait for each other in a ring
		life, why := time.Duration(0), ""
		if testing[k] {
			life, why = time.Duration(Current().CardTesting[k].points)*24*time.Hour, WhyTesting
		}
		if d := afterRefusal[k]; stolen && d > life {
			life, why = d, WhyFraud
		}
		if why == "" {
			continue
		}
		if err := block(ctx, tx, ban{kind: k, key: keys[k], life: life, why: why}); err != nil {
			return err
		}
	}
	for _, p := range goods {
		attacked, err := underAttack(ctx, tx, p, tx.Now)
		if err != nil {
			return fmt.Errorf("product %s: %w", p, err)
		}
		if !attacked {
			continue
		}
		if err := block(ctx, tx, ban{kind: Product, key: p.String(), life: attack, why: WhyAttack}); err != nil {
			return err
		}
	}
	return nil
}

func isFraud(code string) bool {
	for _, c := range fraudCodes {
		if c == code {
			return true
		}
	}
	return false
}

// underAttack: sixty failures within ten minutes, or ten in a row within two days. A single clumsy buyer is no attack, so
// three different cards must be among them.
func underAttack(ctx context.Context, q db.Q, p id.Product, at time.Time) (yes bool, err error) {
	err = q.Get(ctx, &yes, `
		WITH newest AS (
			SELECT outcome, card, at FROM risk_signals
			WHERE kind = 'product' AND key = $1 AND at > $2::timestamptz - interval '2 days'
			ORDER BY at DESC, attempt DESC
			LIMIT 60
		), ten AS (
			SELECT outcome, card FROM newest ORDER BY at DESC LIMIT 10
		)
		SELECT (SELECT count(*) = 60 AND bool_and(outcome = 'failed') AND min(at) > $2::timestamptz - interval '10 minutes' AND count(DISTINCT card) >= 3 FROM newest)
			OR (SELECT count(*) = 10 AND bool_and(outcome = 'failed') AND count(DISTINCT card) >= 3 FROM ten)`, p.String(), at)
	return yes, err
}

// orderFacts is what a review needs of an order.
type orderFacts struct {
	ID       id.Order    `db:"id"`
	Checkout id.Checkout `db:"checkout_id"`
	Shop     id.Shop     `db:"shop_id"`
	Creator  id.User     `db:"creator_id"`
	Currency string      `db:"currency"`
	Total    int64       `db:"total_minor"`
}

func listOrders(ctx context.Context, q db.Q, c id.Checkout) (os []orderFacts, err error) {
	err = q.Select(ctx, &os, `SELECT id, checkout_id, shop_id, creator_id, currency, total_minor FROM orders WHERE checkout_id = $1 ORDER BY id`, c)
	return os, err
}
