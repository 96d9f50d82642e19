package payouts

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/views/text"
)

// Outlook says for each currency where a creator's money is, and what it waits for.
func (s *Service) Outlook(ctx context.Context, creator id.User) ([]Outlook, error) {
	now := s.DB.Now()
	all, err := s.standings(ctx, s.DB, creator, now)
	if err != nil {
		return nil, err
	}
	rows, err := s.listReasons(ctx, s.DB, creator)
	if err != nil {
		return nil, err
	}
	unfinished, err := s.listUnfinished(ctx, s.DB, creator)
	if err != nil {
		return nil, err
	}
	out := make([]Outlook, 0, len(all))
	for _, st := range all {
		p := st.purse
		none := money.Amount{Currency: p.Currency}
		o := Outlook{Currency: p.Currency, Pending: p.Pending, Available: p.Available, Held: p.Held, InFlight: p.InFlight, Owed: none, Sum: none}
		for _, u := range unfinished {
			if u.Amount.Currency == p.Currency && !u.State.Open() {
				o.InFlight = o.InFlight.Add(u.Amount)
			}
		}
		if p.Available.Minor < 0 {
			o.Available, o.Owed = none, p.Available.Neg()
		}
		v := s.judge(st)
		if v != nil {
			r := s.reason(ctx, *v, p.Currency, rows[p.Currency], now)
			o.Reason = &r
		}
		if (v == nil || !v.blocks) && !st.next.IsZero() {
			if sum := Payable(p.Available); !sum.IsZero() {
				o.Next, o.Sum = st.next, sum
			}
		}
		out = append(out, o)
	}
	return out, nil
}

// Reasons are why a creator's money is not on its way, one a currency at most.
func (s *Service) Reasons(ctx context.Context, creator id.User) ([]Reason, error) {
	all, err := s.Outlook(ctx, creator)
	var out []Reason
	for _, o := range all {
		if o.Reason != nil {
			out = append(out, *o.Reason)
		}
	}
	return out, err
}

// reason is a verdict in words. It holds since it was first noted.
func (s *Service) reason(ctx context.Context, v verdict, c money.Currency, noted reasonRow, now time.Time) Reason {
	r := Reason{Code: v.Code, Text: s.words(ctx, v), Act: v.Act, Since: v.Since, Until: v.Until, Payout: v.Payout, Currency: c}
	if r.Since.IsZero() {
		r.Since = now
		if noted.Code == v.Code {
			r.Since = noted.Since.UTC()
		}
	}
	return r
}

// refresh notes what a creator's balances wait for now, and clears what holds no more.
func (s *Service) refresh(ctx context.Context, tx *db.Tx, creator id.User) error {
	all, err := s.standings(ctx, tx, creator, tx.Now)
	if err != nil {
		return err
	}
	return s.note(ctx, tx, creator, all)
}

// note is refresh for who has just read the standings.
func (s *Service) note(ctx context.Context, tx *db.Tx, creator id.User, all []standing) error {
	have, err := s.listReasons(ctx, tx, creator)
	if err != nil {
		return err
	}
	english := text.With(ctx, text.English)
	for _, st := range all {
		c := st.purse.Currency
		v := s.judge(st)
		if v == nil {
			continue
		}
		r := s.reason(english, *v, c, have[c], tx.Now)
		if old, ok := have[c]; !ok || !old.same(r) {
			if err := s.noteReason(ctx, tx, creator, r); err != nil {
				return fmt.Errorf("reason of %s: %w", creator, err)
			}
		}
		delete(have, c)
	}
	for c := range have {
		if err := s.clearReason(ctx, tx, creator, c); err != nil {
			return fmt.Errorf("reason of %s: %w", creator, err)
		}
	}
	return nil
}

// reasonRow is a reason as it was noted.
type reasonRow struct {
	Currency money.Currency `db:"currency"`
	Code     string         `db:"code"`
	Act      string         `db:"act"`
	Text     string         `db:"text"`
	Payout   id.Payout      `db:"payout_id"`
	Since    time.Time      `db:"since"`
	Until    *time.Time     `db:"until"`
}

func (r reasonRow) same(n Reason) bool {
	return r.Code == n.Code && r.Act == n.Act && r.Text == n.Text && r.Payout == n.Payout && moment(r.Until).Equal(n.Until)
}

func (s *Service) listReasons(ctx context.Context, q db.Q, creator id.User) (map[money.Currency]reasonRow, error) {
	var rows []reasonRow
	err := q.Select(ctx, &rows, `
		SELECT currency, code, act, text, payout_id, since, until FROM payout_reasons
		WHERE creator_id = $1 AND cleared_at IS NULL`, creator)
	out := make(map[money.Currency]reasonRow, len(rows))
	for _, r := range rows {
		out[r.Currency] = r
	}
	return out, err
}

// noteReason puts a reason in the place of the one before: the same code is brought up to date, another begins anew.
func (s *Service) noteReason(ctx context.Context, tx *db.Tx, creator id.User, r Reason) error {
	if _, err := tx.Exec(ctx, `
		UPDATE payout_reasons SET cleared_at = $4
		WHERE creator_id = $1 AND currency = $2 AND cleared_at IS NULL AND code <> $3`, creator, r.Currency, r.Code, tx.Now); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO payout_reasons (id, creator_id, currency, code, act, text, payout_id, since, until)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (creator_id, currency) WHERE cleared_at IS NULL DO UPDATE SET
			code = excluded.code, act = excluded.act, text = excluded.text, payout_id = excluded.payout_id, until = excluded.until`,
		id.New[id.EntryKind](), creator, r.Currency, r.Code, r.Act, r.Text, r.Payout, r.Since, nullTime(r.Until))
	return err
}

func (s *Service) clearReason(ctx context.Context, tx *db.Tx, creator id.User, c money.Currency) error {
	_, err := tx.Exec(ctx, `
		UPDATE payout_reasons SET cleared_at = $3
		WHERE creator_id = $1 AND currency = $2 AND cleared_at IS NULL`, creator, c, tx.Now)
	return err
}

// List is a page of a creator's payouts, newest first; next is empty on the last page.
func (s *Service) List(ctx context.Context, creator id.User, after string) (page []Payout, next string, err error) {
	before := 0
	if after != "" {
		if before, err = strconv.Atoi(after); err != nil || before < 1 {
			return nil, "", errs.New(errs.NotFound, "There is no such page.")
		}
	}
	const size = 25
	page, err = s.listPayouts(ctx, s.DB, creator, before, size+1)
	if err != nil || len(page) <= size {
		return page, "", err
	}
	page = page[:size]
	return page, strconv.Itoa(page[size-1].Number), nil
}

// Get finds a creator's payout. Someone else's is not found.
func (s *Service) Get(ctx context.Context, creator id.User, p id.Payout) (Payout, error) {
	out, err := s.findPayoutOf(ctx, s.DB, creator, p)
	if db.None(err) {
		return Payout{}, errNoPayout
	}
	return out, err
}

// Find reads a payout without asking who wants it: for the operator and for jobs.
func (s *Service) Find(ctx context.Context, p id.Payout) (Payout, error) {
	out, err := s.findPayout(ctx, s.DB, p)
	if db.None(err) {
		return Payout{}, errNoPayout
	}
	return out, err
}

// Attention lists, for the operator, payouts that do not move by themselves: held, unknown, failed and not back yet.
func (s *Service) Attention(ctx context.Context) ([]Payout, error) {
	return s.listAttention(ctx, s.DB)
}

// Waiting is a balance that does not move, for the operator.
type Waiting struct {
	Creator id.User
	Reason  Reason
}

// Blocked lists, for the operator, all reasons that are in force; act chooses by who must do something, "" is all.
func (s *Service) Blocked(ctx context.Context, act string) ([]Waiting, error) {
	var rows []struct {
		Creator id.User `db:"creator_id"`
		reasonRow
	}
	err := s.DB.Select(ctx, &rows, `
		SELECT creator_id, currency, code, act, text, payout_id, since, until FROM payout_reasons
		WHERE cleared_at IS NULL AND ($1 = '' OR act = $1)
		ORDER BY since
		LIMIT 500`, act)
	out := make([]Waiting, len(rows))
	for i, r := range rows {
		out[i] = Waiting{r.Creator, Reason{Code: r.Code, Text: r.Text, Act: r.Act, Since: r.Since.UTC(), Until: moment(r.Until), Payout: r.Payout, Currency: r.Currency}}
	}
	return out, err
}
