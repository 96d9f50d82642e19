package payouts

import (
	"context"
	"fmt"
	"strings"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
	"vitrine/views/text"
)

// Statement says which lines a creator's payout is made of.
func (s *Service) Statement(ctx context.Context, creator id.User, payout id.Payout) (Statement, error) {
	p, err := s.Get(ctx, creator, payout)
	if err != nil {
		return Statement{}, err
	}
	return s.statement(ctx, s.DB, p)
}

func (s *Service) statement(ctx context.Context, q db.Q, p Payout) (Statement, error) {
	by := claim(p.ID)
	took, err := ledger.Claims(ctx, q, by)
	if err != nil {
		return Statement{}, err
	}
	out := Statement{Payout: p}
	var keys, sales []string
	for _, c := range took {
		keys = append(keys, c.Key)
		if o, ok := orderOf(c.Key); ok {
			sales = append(sales, "sale:"+o.String())
		}
	}
	moves, err := movesOf(ctx, q, append(keys, sales...))
	if err != nil {
		return out, fmt.Errorf("lines of payout %s: %w", p.ID, err)
	}
	names, err := s.names(ctx, q, p.Creator, took)
	if err != nil {
		return out, err
	}
	sum := money.Amount{Currency: p.Amount.Currency}
	for _, c := range took {
		if c.Key == by+":reserved" {
			continue // what moved all the others away
		}
		l := line(ctx, c, moves, names)
		out.Lines, sum = append(out.Lines, l), sum.Add(l.Net)
	}
	if !p.Carried.IsZero() {
		none := money.Amount{Currency: p.Amount.Currency}
		l := StatementLine{At: p.CreatedAt, Kind: "carried", Text: text.T(ctx, "Carried over to the next payout"), Gross: none, Fee: none, Net: p.Carried.Neg()}
		out.Lines, sum = append(out.Lines, l), sum.Add(l.Net)
	}
	if sum != p.Amount {
		return out, fmt.Errorf("payout %s: its lines add up to %s, it is %s", p.ID, sum, p.Amount)
	}
	return out, nil
}

// move is what an entry took in and what the platform kept of it.
type move struct{ gross, fee, net int64 }

func movesOf(ctx context.Context, q db.Q, keys []string) (map[string]move, error) {
	out := map[string]move{}
	for len(keys) > 0 {
		n := min(len(keys), 2000)
		rows, err := ledger.ByKeys(ctx, q, keys[:n])
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			m := out[r.Key]
			switch {
			case r.Account == ledger.PlatformFees:
				m.fee += r.Amount
			case strings.HasPrefix(string(r.Account), "provider:"):
				m.gross -= r.Amount
			case strings.HasPrefix(string(r.Account), "creator:"):
				m.net += r.Amount
			}
			out[r.Key] = m
		}
		keys = keys[n:]
	}
	return out, nil
}

// names are the numbers by which people call what the lines come from.
type names struct {
	orders  map[id.Order]int
	payouts map[id.Payout]int
}

func (s *Service) names(ctx context.Context, q db.Q, creator id.User, took []ledger.Claimed) (n names, err error) {
	var orders []id.Order
	var payouts []string
	for _, c := range took {
		if o, ok := orderOf(c.Key); ok {
			orders = append(orders, o)
		}
		if p, ok := payoutOf(c.Key); ok {
			payouts = append(payouts, p.String())
		}
	}
	if s.Numbers != nil && len(orders) > 0 {
		if n.orders, err = s.Numbers(ctx, q, orders); err != nil {
			return n, fmt.Errorf("order numbers: %w", err)
		}
	}
	var rows []struct {
		ID     id.Payout `db:"id"`
		Number int       `db:"number"`
	}
	if err := q.Select(ctx, &rows, `SELECT id, number FROM payouts WHERE id = ANY($1::uuid[]) AND creator_id = $2`, db.Array(payouts), creator); err != nil {
		return n, fmt.Errorf("payout numbers: %w", err)
	}
	n.payouts = make(map[id.Payout]int, len(rows))
	for _, r := range rows {
		n.payouts[r.ID] = r.Number
	}
	return n, nil
}

// orderOf is the order that an entry is about.
func orderOf(key string) (id.Order, bool) {
	kind, rest, _ := strings.Cut(key, ":")
	if kind == "payout" {
		return id.Order{}, false
	}
	first, _, _ := strings.Cut(rest, ":")
	o, err := id.Parse[id.OrderKind](first)
	return o, err == nil
}

// line is a line of the book in words.
func line(ctx context.Context, c ledger.Claimed, moves map[string]move, n names) StatementLine {
	in := func(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: c.Currency} }
	kind, _, _ := strings.Cut(c.Key, ":")
	l := StatementLine{At: c.CreatedAt.UTC(), Gross: in(0), Fee: in(0), Net: in(c.Amount)}
	if p, ok := payoutOf(c.Key); ok {
		l.Kind, l.Number = "payout", n.payouts[p]
		switch {
		case strings.HasSuffix(c.Key, ":reserved"):
			l.Kind, l.Text = "carried", text.T(ctx, "Carried over from payout %d", l.Number)
		case strings.HasSuffix(c.Key, ":late"):
			l.Text = text.T(ctx, "Payout %d, which had left after all", l.Number)
		default:
			l.Text = text.T(ctx, "Payout %d came back", l.Number)
		}
		return l
	}
	if o, ok := orderOf(c.Key); ok {
		l.Order, l.Number = o, n.orders[o]
	}
	switch kind {
	case "sale", "mature", "release":
		l.Kind = "sale"
		l.Gross, l.Fee = shares(moves["sale:"+l.Order.String()], l.Net)
		l.Text = named(ctx, "Sale, order %d", "Sale", l.Number)
	case "refund":
		l.Kind = "refund"
		l.Gross, l.Fee = shares(moves[c.Key], l.Net)
		l.Text = named(ctx, "Refund, order %d", "Refund", l.Number)
	case "dispute":
		l.Kind = "dispute"
		l.Gross, l.Fee = shares(moves[c.Key], l.Net)
		l.Text = named(ctx, "Dispute, order %d", "Dispute", l.Number)
	case "hold":
		l.Kind = "hold"
		l.Text = named(ctx, "Held, order %d", "Held", l.Number)
		if c.Amount > 0 {
			l.Kind, l.Text = "release", named(ctx, "No longer held, order %d", "No longer held", l.Number)
		}
	default:
		l.Kind, l.Text = "other", text.T(ctx, "Correction")
	}
	return l
}

func named(ctx context.Context, with, without string, number int) string {
	if number == 0 {
		return text.T(ctx, without)
	}
	return text.T(ctx, with, number)
}

// shares are the gross and the fee that belong to a net part of a sale or of what was given back of it: all of it as it
// was booked, or in proportion.
func shares(m move, net money.Amount) (gross, fee money.Amount) {
	in := func(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: net.Currency} }
	switch {
	case m.net == net.Minor:
		fee = in(m.fee)
	case m.net == 0:
		fee = in(0)
	default:
		a, b := abs(net.Minor), abs(m.net)
		if a >= b {
			fee = in(m.fee)
		} else {
			fee = in(abs(m.fee)).Split(a, b-a)[0]
		}
		if net.Minor < 0 {
			fee = in(-abs(fee.Minor))
		}
	}
	return net.Add(fee), fee
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}
