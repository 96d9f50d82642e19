package payouts

import (
	"context"
	"fmt"
	"strings"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
)

// Checks are what must hold between payouts and the book.
func (s *Service) Checks() []ledger.Checker {
	return []ledger.Checker{ledger.ClaimsMatch, s.checkInFlight, s.checkEntries, s.checkStrays, s.checkNumbers, s.checkSilence}
}

// checkInFlight: what is in flight in the book is what is set aside and has not left.
func (s *Service) checkInFlight(ctx context.Context, q db.Q) (out []ledger.Finding, err error) {
	var rows []struct {
		Creator  string         `db:"creator"`
		Currency money.Currency `db:"currency"`
		Open     int64          `db:"open"`
		Booked   int64          `db:"booked"`
	}
	err = q.Select(ctx, &rows, `
		SELECT coalesce(p.creator, b.creator) AS creator, coalesce(p.currency, b.currency) AS currency, coalesce(p.open, 0) AS open, coalesce(b.booked, 0) AS booked
		FROM (
			SELECT creator_id::text AS creator, currency, sum(amount_minor)::bigint AS open FROM payouts
			WHERE state IN ('held', 'reserved', 'sending', 'unknown')
			GROUP BY creator_id, currency
		) p FULL JOIN (
			SELECT split_part(account, ':', 2) AS creator, currency, sum(balance)::bigint AS booked FROM account_balances
			WHERE account LIKE 'creator:%:in\_flight' AND balance <> 0
			GROUP BY account, currency
		) b ON b.creator = p.creator AND b.currency = p.currency
		WHERE coalesce(p.open, 0) <> coalesce(b.booked, 0)
		LIMIT 100`)
	for _, r := range rows {
		out = append(out, ledger.Finding{Check: "in flight", Subject: "creator " + r.Creator,
			Detail: fmt.Sprintf("the payouts say %d, the book says %d %s", r.Open, r.Booked, r.Currency)})
	}
	return out, err
}

// entries are what stands in the book of a payout.
type entries struct{ reserved, sent, late, released, returned bool }

// wrong says what does not fit a payout's state.
func (p Payout) wrong(e entries) string {
	left := e.sent || e.late
	switch {
	case !e.reserved:
		return "was never set aside"
	case e.sent && e.late, e.sent && e.released, e.late && !e.released:
		return "has left in two ways"
	case p.State.Open() && (left || e.released || e.returned):
		return "is set aside and booked as gone"
	case (p.State == Released || p.State == Canceled) && (left || !e.released || e.returned):
		return "was given back and is not booked so"
	case (p.State == Sent || p.State == Paid || p.State == Failed) && (!left || e.returned):
		return "has left and is not booked so"
	case p.State == Returned && (!left || !e.returned):
		return "came back and is not booked so"
	}
	return ""
}

// checkEntries: every payout's entries are those of its state, with its amount, and its statement adds up.
func (s *Service) checkEntries(ctx context.Context, q db.Q) (out []ledger.Finding, err error) {
	var after id.Payout
	for {
		var rows []payoutRow
		if err := q.Select(ctx, &rows, `
			SELECT `+payoutColumns+` FROM payouts p
			WHERE p.id > $1
			ORDER BY p.id
			LIMIT 1000`, after.String()); err != nil {
			return out, fmt.Errorf("read payouts: %w", err)
		}
		if len(rows) == 0 {
			return out, nil
		}
		found, err := s.checkPage(ctx, q, payoutsOf(rows))
		if err != nil {
			return out, err
		}
		out, after = append(out, found...), rows[len(rows)-1].ID
	}
}

func (s *Service) checkPage(ctx context.Context, q db.Q, ps []Payout) (out []ledger.Finding, err error) {
	var keys []string
	for _, p := range ps {
		for _, k := range []string{":reserved", ":sent", ":late", ":released", ":returned"} {
			keys = append(keys, claim(p.ID)+k)
		}
	}
	moves, err := ledger.ByKeys(ctx, q, keys)
	if err != nil {
		return nil, err
	}
	have, sums := map[string]*entries{}, map[string]int64{}
	for _, m := range moves {
		cut := strings.LastIndex(m.Key, ":")
		e := have[m.Key[:cut]]
		if e == nil {
			e = &entries{}
			have[m.Key[:cut]] = e
		}
		switch m.Key[cut:] {
		case ":reserved":
			e.reserved = true
		case ":sent":
			e.sent = true
		case ":late":
			e.late = true
		case ":released":
			e.released = true
		case ":returned":
			e.returned = true
		}
		sums[m.Key+" "+string(m.Account)] += m.Amount
	}
	for _, p := range ps {
		e := have[claim(p.ID)]
		if e == nil {
			e = &entries{}
		}
		why := p.wrong(*e)
		if n := sums[claim(p.ID)+":reserved "+string(ledger.InFlight(p.Creator))]; why == "" && n != p.Amount.Minor {
			why = fmt.Sprintf("is %s, and %d were set aside", p.Amount, n)
		}
		if why != "" {
			out = append(out, ledger.Finding{Check: "payout", Subject: p.ID.String(), Detail: why + " (" + string(p.State) + ")"})
		}
	}
	return out, nil
}

// checkStrays: every entry about a payout belongs to one.
func (s *Service) checkStrays(ctx context.Context, q db.Q) (out []ledger.Finding, err error) {
	err = ledger.Entries(ctx, q, "payout", func(rows []ledger.Movement) error {
		seen := map[string]bool{}
		var ids []string
		for _, m := range rows {
			p, ok := payoutOf(m.Key)
			if !ok {
				out = append(out, ledger.Finding{Check: "payout", Subject: m.Key, Detail: "names no payout"})
				continue
			}
			if !seen[p.String()] {
				seen[p.String()] = true
				ids = append(ids, p.String())
			}
		}
		var strays []string
		if err := q.Select(ctx, &strays, `
			SELECT k::text FROM unnest($1::uuid[]) AS k
			WHERE NOT EXISTS (SELECT 1 FROM payouts p WHERE p.id = k)`, db.Array(ids)); err != nil {
			return fmt.Errorf("payouts of entries: %w", err)
		}
		for _, k := range strays {
			out = append(out, ledger.Finding{Check: "payout", Subject: k, Detail: "is in the book but no payout"})
		}
		return nil
	})
	return out, err
}

// checkNumbers: a creator's payouts are counted without gaps.
func (s *Service) checkNumbers(ctx context.Context, q db.Q) (out []ledger.Finding, err error) {
	var rows []id.User
	err = q.Select(ctx, &rows, `
		SELECT p.creator_id FROM payouts p JOIN payout_plans n ON n.creator_id = p.creator_id
		GROUP BY p.creator_id, n.last_number
		HAVING count(*) <> n.last_number OR max(p.number) <> n.last_number
		LIMIT 100`)
	for _, u := range rows {
		out = append(out, ledger.Finding{Check: "payout numbers", Subject: "creator " + u.String(), Detail: "do not run from 1 without gaps"})
	}
	return out, err
}

// checkSilence: everybody who has money to be paid has a payout or a reason. It is noted within a day.
func (s *Service) checkSilence(ctx context.Context, q db.Q) (out []ledger.Finding, err error) {
	now := s.DB.Now()
	err = ledger.Purses(ctx, q, func(ps []ledger.Purse) error {
		for _, p := range ps {
			all, err := s.standings(ctx, q, p.Creator, now)
			if err != nil {
				return err
			}
			for _, st := range all {
				if st.purse.Currency != p.Currency || Payable(p.Available).IsZero() || s.judge(st) != nil {
					continue
				}
				if st.next.IsZero() {
					out = append(out, ledger.Finding{Check: "silence", Subject: "creator " + p.Creator.String(), Detail: fmt.Sprintf("%s wait for nothing", p.Available)})
				}
			}
		}
		return nil
	})
	return out, err
}
