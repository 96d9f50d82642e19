package risk

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/text/language"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/payments"
)

// fraudCodes are the refusals by which a bank says that a card is in the wrong hands.
var fraudCodes = []string{"fraudulent", "stolen_card", "lost_card", "pickup_card", "merchant_blacklist"}

// buying is what a checkout's row and its orders tell the rules.
type buying struct {
	IP       string         `db:"client_ip"`
	Net      string         `db:"client_net"`
	Browser  string         `db:"client_browser"`
	Country  string         `db:"client_country"`
	Locale   string         `db:"locale"`
	Email    string         `db:"email"`
	Currency money.Currency `db:"currency"`
	Total    int64          `db:"total_minor"`
	Test     bool           `db:"test"`
	Own      bool           `db:"own"`
}

func findBuying(ctx context.Context, q db.Q, c id.Checkout) (b buying, err error) {
	err = q.Get(ctx, &b, `
		SELECT c.client_ip, c.client_net, c.client_browser, coalesce(c.client_country, '') AS client_country, c.locale, c.email, c.currency, c.total_minor, c.test,
			NOT EXISTS (SELECT 1 FROM orders o JOIN users u ON u.id = o.creator_id WHERE o.checkout_id = c.id AND u.email <> c.email) AS own
		FROM checkouts c
		WHERE c.id = $1`, c)
	return b, err
}

// keys of a checkout, with the card where one is known.
func (s *Service) keys(b buying, provider string, c payments.Card) map[Kind]string {
	k := map[Kind]string{IP: b.IP, Net: b.Net, Browser: b.Browser, Email: s.emailKey(b.Email)}
	if !s.TestCards {
		k[Card] = s.cardKey(provider, c.Fingerprint)
	}
	return filled(k)
}

func filled(k map[Kind]string) map[Kind]string {
	maps.DeleteFunc(k, func(_ Kind, v string) bool { return v == "" })
	return k
}

// gather reads what the rules see of a payment that was just made.
func (s *Service) gather(ctx context.Context, tx *db.Tx, c orders.Checkout, f payments.Fact) (Inputs, error) {
	b, err := findBuying(ctx, tx, c.ID)
	if err != nil {
		return Inputs{}, fmt.Errorf("buyer of %s: %w", c.ID, err)
	}
	in := Inputs{At: tx.Now, Stage: Paid, Currency: b.Currency, Total: b.Total, Own: b.Own, Provider: c.Provider, Level: f.Risk, Score: f.Score,
		Disposable: Disposable(b.Email), CardCountry: f.Card.Country, ClientCountry: b.Country, Region: region(b.Locale), Funding: f.Card.Funding,
		Keys: s.keys(b, c.Provider, f.Card)}
	if in.Sellers, err = listSellers(ctx, tx, c.ID); err != nil {
		return in, fmt.Errorf("sellers of %s: %w", c.ID, err)
	}
	return in, s.recall(ctx, tx, &in, paidAttempt(c.ID), nil)
}

// recall completes inputs with what their keys did before, and with the blocks they meet.
func (s *Service) recall(ctx context.Context, q db.Q, in *Inputs, attempt string, products []id.Product) (err error) {
	if in.Seen, err = listSeen(ctx, q, in.Keys, attempt, in.At); err != nil {
		return fmt.Errorf("signals: %w", err)
	}
	if in.Blocks, err = listHits(ctx, q, in.Keys, products, in.At); err != nil {
		return fmt.Errorf("blocks: %w", err)
	}
	return nil
}

// region is that of a locale which names one.
func region(locale string) string {
	t, err := language.Parse(locale)
	if err != nil {
		return ""
	}
	if r, confidence := t.Region(); confidence == language.Exact {
		return r.String()
	}
	return ""
}

func listSellers(ctx context.Context, q db.Q, c id.Checkout) ([]Seller, error) {
	var rows []struct {
		Hours int `db:"hours"`
		Sales int `db:"sales"`
	}
	err := q.Select(ctx, &rows, `
		SELECT greatest(0, floor(extract(epoch FROM c.paid_at - u.created_at) / 3600))::int AS hours,
			(SELECT count(*) FROM (SELECT 1 FROM orders x WHERE x.creator_id = o.creator_id AND x.paid_at IS NOT NULL AND NOT x.test AND x.checkout_id <> c.id LIMIT 50) few)::int AS sales
		FROM orders o JOIN users u ON u.id = o.creator_id JOIN checkouts c ON c.id = o.checkout_id
		WHERE o.checkout_id = $1
		ORDER BY o.id`, c)
	out := make([]Seller, len(rows))
	for i, r := range rows {
		out[i] = Seller(r)
	}
	return out, err
}

// pairs are keys as two columns.
func pairs(keys map[Kind]string) (ks, vs []string) {
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		ks, vs = append(ks, string(k)), append(vs, keys[k])
	}
	return ks, vs
}

// listSeen counts what keys did in the month before a moment. Of each key the newest five hundred tries count: every
// limit is far below.
func listSeen(ctx context.Context, q db.Q, keys map[Kind]string, attempt string, at time.Time) (map[Kind]Seen, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	var rows []struct {
		Kind        Kind `db:"kind"`
		PaidHour    int  `db:"paid_hour"`
		PaidDay     int  `db:"paid_day"`
		PaidWeek    int  `db:"paid_week"`
		FreeDay     int  `db:"free_day"`
		FailedDay   int  `db:"failed_day"`
		CardsDay    int  `db:"cards_day"`
		CardsWeek   int  `db:"cards_week"`
		PaidCards   int  `db:"paid_cards"`
		Emails      int  `db:"emails"`
		FraudsMonth int  `db:"frauds_month"`
	}
	ks, vs := pairs(keys)
	err := q.Select(ctx, &rows, `
		SELECT k.kind,
			count(*) FILTER (WHERE s.outcome = 'paid' AND s.at > $4::timestamptz - interval '1 hour') AS paid_hour,
			count(*) FILTER (WHERE s.outcome = 'paid' AND s.at > $4::timestamptz - interval '1 day') AS paid_day,
			count(*) FILTER (WHERE s.outcome = 'paid' AND s.at > $4::timestamptz - interval '7 days') AS paid_week,
			count(*) FILTER (WHERE s.outcome = 'free' AND s.at > $4::timestamptz - interval '1 day') AS free_day,
			count(*) FILTER (WHERE s.outcome = 'failed' AND s.at > $4::timestamptz - interval '1 day') AS failed_day,
			count(DISTINCT s.card) FILTER (WHERE s.outcome = 'failed' AND s.card <> '' AND s.at > $4::timestamptz - interval '1 day') AS cards_day,
			count(DISTINCT s.card) FILTER (WHERE s.outcome = 'failed' AND s.card <> '' AND s.at > $4::timestamptz - interval '7 days') AS cards_week,
			count(DISTINCT s.card) FILTER (WHERE s.outcome = 'paid' AND s.card <> '' AND s.at > $4::timestamptz - interval '1 day') AS paid_cards,
			count(DISTINCT s.email) FILTER (WHERE s.email <> '' AND s.at > $4::timestamptz - interval '7 days') AS emails,
			count(*) FILTER (WHERE s.outcome = 'failed' AND s.code = ANY($5::text[])) AS frauds_month
		FROM unnest($1::text[], $2::text[]) AS k (kind, key)
		CROSS JOIN LATERAL (
			SELECT outcome, card, email, code, at FROM risk_signals
			WHERE kind = k.kind AND key = k.key AND attempt <> $3 AND at > $4::timestamptz - interval '30 days' AND at <= $4
			ORDER BY at DESC
			LIMIT 500) s
		GROUP BY k.kind`, db.Array(ks), db.Array(vs), attempt, at, db.Array(fraudCodes))
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	out := make(map[Kind]Seen, len(rows))
	for _, r := range rows {
		out[r.Kind] = Seen{r.PaidHour, r.PaidDay, r.PaidWeek, r.FreeDay, r.FailedDay, r.CardsDay, r.CardsWeek, r.PaidCards, r.Emails, r.FraudsMonth}
	}
	return out, nil
}

// signal is one try as it is kept.
type signal struct {
	attempt string
	outcome string // paid, free, failed
	keys    map[Kind]string
	card    string
	email   string
	code    string
	goods   []id.Product
}

func paidAttempt(c id.Checkout) string { return "paid:" + c.String() }

// note keeps a try under each of its keys; a try that is known already stays as it is.
func note(ctx context.Context, tx *db.Tx, s signal) (fresh bool, err error) {
	ks, vs := pairs(s.keys)
	for _, p := range s.goods {
		ks, vs = append(ks, string(Product)), append(vs, p.String())
	}
	n, err := tx.Exec(ctx, `
		INSERT INTO risk_signals (attempt, kind, key, outcome, card, email, code, at, expires_at)
		SELECT $1, k.kind, k.key, $4, $5, $6, $7, $8, $9 FROM unnest($2::text[], $3::text[]) AS k (kind, key)
		ON CONFLICT ON CONSTRAINT risk_signals_pkey DO NOTHING`,
		s.attempt, db.Array(ks), db.Array(vs), s.outcome, s.card, s.email, s.code, tx.Now, tx.Now.Add(memory))
	return n > 0, err
}

func listGoods(ctx context.Context, q db.Q, c id.Checkout) (ps []id.Product, err error) {
	err = q.Select(ctx, &ps, `
		SELECT DISTINCT i.product_id FROM order_items i JOIN orders o ON o.id = i.order_id
		WHERE o.checkout_id = $1
		ORDER BY i.product_id`, c)
	return ps, err
}
