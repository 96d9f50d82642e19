package admin

import (
	"context"
	"fmt"
	"strings"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/payments"
)

// witnessed marks the lines that the provider has shown, and puts those before a person that are not what they were.
func (s *Service) witnessed(ctx context.Context, tx *db.Tx, r Run, page []payments.Movement) error {
	refs := make([]string, len(page))
	for i, m := range page {
		refs[i] = m.ID
	}
	have, err := s.linesByRef(ctx, tx, r.Provider, refs)
	if err != nil {
		return err
	}
	kept := make(map[string]line, len(have))
	for _, l := range have {
		kept[l.Ref] = l
	}
	for _, m := range page {
		l, ok := kept[m.ID]
		if !ok {
			return fmt.Errorf("line %s was read and is not in the mirror", m.ID)
		}
		if l.Amount == m.Amount.Minor && l.Currency == m.Amount.Currency && l.Fee == m.Fee.Minor && l.Kind == m.Kind && (m.Fee.IsZero() || l.FeeIn == m.Fee.Currency) {
			continue
		}
		d := Difference{Fault: lineChanged, Subject: "line " + m.ID, Theirs: m.Amount, Ours: l.amount(), Since: m.At, Lines: []string{m.ID}, Intent: m.Intent}
		if d.Theirs == d.Ours {
			d.Theirs, d.Ours = m.Fee, l.fee()
		}
		if err := s.found(ctx, tx, r, d); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, `UPDATE provider_movements SET listed_at = $3 WHERE provider = $1 AND ref = ANY($2::text[])`, r.Provider, db.Array(refs), r.StartedAt)
	return err
}

// pageGone looks for lines of the window that the provider has shown before and does not show any more.
func (s *Service) pageGone(ctx context.Context, tx *db.Tx, r *Run) (cursor string, err error) {
	var rows []line
	if err := tx.Select(ctx, &rows, `
		SELECT ref, kind, intent, coalesce(payout_id::text, '') AS payout, currency, amount_minor, fee_currency, fee_minor, at FROM provider_movements
		WHERE provider = $1 AND at >= $2 AND at < $3 AND listed_at IS DISTINCT FROM $4 AND seen_at < $4 AND ref > $5
		ORDER BY ref
		LIMIT $6`, r.Provider, r.From, r.StartedAt.Add(-r.settle), r.StartedAt, r.Cursor, s.page()); err != nil {
		return "", err
	}
	for _, l := range rows {
		d := Difference{Fault: lineGone, Subject: "line " + l.Ref, Theirs: l.amount().Sub(l.amount()), Ours: l.amount(), Since: l.At, Lines: []string{l.Ref}, Intent: l.Intent}
		if err := s.found(ctx, tx, *r, d); err != nil {
			return "", err
		}
		cursor = l.Ref
	}
	return cursor, nil
}

// pageTheirs: every line of the provider's account has its booking.
func (s *Service) pageTheirs(ctx context.Context, tx *db.Tx, r *Run) (cursor string, err error) {
	at, ref, err := position(r.Cursor)
	if err != nil {
		return "", err
	}
	if r.Cursor == "" {
		at = r.From
	}
	var rows []line
	if err := tx.Select(ctx, &rows, `
		SELECT ref, kind, intent, coalesce(payout_id::text, '') AS payout, currency, amount_minor, fee_currency, fee_minor, at FROM provider_movements
		WHERE provider = $1 AND (at, ref) > ($2, $3)
		ORDER BY at, ref
		LIMIT $4`, r.Provider, at, ref, s.page()); err != nil {
		return "", err
	}
	in := newScope()
	for _, l := range rows {
		in.take(l)
		cursor = l.At.UTC().Format(time.RFC3339Nano) + " " + l.Ref
	}
	return cursor, s.foundIn(ctx, tx, *r, in)
}

// position reads a cursor of pageTheirs.
func position(cursor string) (at time.Time, ref string, err error) {
	if cursor == "" {
		return at, "", nil
	}
	when, ref, _ := strings.Cut(cursor, " ")
	at, err = time.Parse(time.RFC3339Nano, when)
	return at, ref, err
}

// pageOurs: every entry on the provider's account has its line there.
func (s *Service) pageOurs(ctx context.Context, tx *db.Tx, r *Run) (cursor string, err error) {
	after := r.Cursor
	if after == "" {
		after = earliest(r.From).String()
	}
	var entries []id.Entry
	if err := tx.Select(ctx, &entries, `SELECT id FROM ledger_entries WHERE id > $1::uuid ORDER BY id LIMIT $2`, after, s.page()); err != nil {
		return "", err
	}
	if len(entries) == 0 {
		return "", nil
	}
	posted, err := s.entriesOf(ctx, tx, r.Provider, after, entries[len(entries)-1])
	if err != nil {
		return "", err
	}
	r.Entries += len(posted)
	in, err := s.scopeOf(ctx, tx, r.Provider, posted)
	if err != nil {
		return "", err
	}
	return entries[len(entries)-1].String(), s.foundIn(ctx, tx, *r, in)
}

// earliest is the smallest id that an entry of a moment, or after it, can have. Clocks may differ by a day.
func earliest(t time.Time) (e id.Entry) {
	ms := max(t.Add(-24*time.Hour).UnixMilli(), 0)
	for i := range 6 {
		e[i] = byte(ms >> (40 - 8*i))
	}
	return e
}

// scopeOf says what entries are about.
func (s *Service) scopeOf(ctx context.Context, tx *db.Tx, provider string, posted []ledger.Posted) (scope, error) {
	in := newScope()
	about := map[string][]ledger.Posted{}
	for _, e := range posted {
		kind, _, _ := strings.Cut(e.Key, ":")
		switch kind {
		case "sale", "refund", "dispute":
			about[subjectOf(e.Key)] = append(about[subjectOf(e.Key)], e)
			continue
		case "fee":
			if ref, ok := strings.CutPrefix(e.Key, feeKey(provider, "")); ok {
				in.fees[ref] = true
				continue
			}
		case "payout":
			if p, err := id.Parse[id.PayoutKind](subjectOf(e.Key)); err == nil {
				in.payouts[p.String()] = true
				continue
			}
		}
		in.entries = append(in.entries, e)
	}
	known, err := s.intentsOf(ctx, tx, about)
	if err != nil {
		return in, err
	}
	for subject, es := range about {
		if intent := known[subject]; intent != "" {
			in.intents[intent] = true
		} else {
			in.entries = append(in.entries, es...)
		}
	}
	return in, nil
}

// pageCases looks again at cases that were open before and were not found in this run: what agrees now is closed.
func (s *Service) pageCases(ctx context.Context, tx *db.Tx, r *Run) (cursor string, err error) {
	var rows []struct {
		Key string `db:"key"`
	}
	if err := tx.Select(ctx, &rows, `
		SELECT key FROM money_cases
		WHERE closed_at IS NULL AND starts_with(key, 'difference:') AND details->>'provider' = $1 AND found_at IS DISTINCT FROM $2 AND key > $3
		ORDER BY key
		LIMIT $4`, r.Provider, r.StartedAt, r.Cursor, s.page()); err != nil {
		return "", err
	}
	for _, c := range rows {
		cursor = c.Key
		in, still, err := s.again(ctx, tx, *r, c.Key)
		if err != nil {
			return "", err
		}
		if still {
			continue
		}
		diffs, err := s.compare(ctx, tx, r.Provider, in)
		if err != nil {
			return "", err
		}
		if len(diffs) > 0 {
			for _, d := range diffs {
				if err := s.found(ctx, tx, *r, d); err != nil {
					return "", err
				}
			}
			continue
		}
		if _, err := tx.Exec(ctx, `
			UPDATE money_cases SET closed_at = $2, touched_at = $2, actor_id = NULL, why = 'Both sides agree again.' WHERE key = $1 AND closed_at IS NULL`, c.Key, tx.Now); err != nil {
			return "", err
		}
	}
	return cursor, nil
}

// again says what a case is about. Still: it is about a line that this run has not read, so that nothing is known.
func (s *Service) again(ctx context.Context, tx *db.Tx, r Run, key string) (in scope, still bool, err error) {
	in = newScope()
	name := strings.TrimSuffix(strings.TrimPrefix(key, "difference:"), ":"+r.Provider)
	kind, rest, named := strings.Cut(name, " ")
	switch {
	case named && kind == "payout":
		in.payouts[rest] = true
	case named && kind == "fee":
		in.fees[rest] = true
	case named && kind == "entry":
		posted, err := s.entriesByKey(ctx, tx, rest)
		if err != nil {
			return in, false, err
		}
		in, err = s.scopeOf(ctx, tx, r.Provider, posted)
		return in, false, err
	case named && kind == "line":
		var listed bool
		err := tx.Get(ctx, &listed, `SELECT coalesce((SELECT listed_at IS NOT DISTINCT FROM $3 FROM provider_movements WHERE provider = $1 AND ref = $2), true)`, r.Provider, rest, r.StartedAt)
		return in, !listed, err
	default:
		in.intents[name] = true
	}
	return in, false, nil
}
