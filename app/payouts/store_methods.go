package payouts

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/payments"
)

const methodColumns = `m.id, m.creator_id, m.provider, m.generation, m.email, m.number, m.address, m.country, m.currency, m.bank, m.state, m.due, m.deadline,
	m.disabled, m.is_current, m.opening_at, m.looked_at, m.ready_at, m.payable_from, m.trouble_at, m.trouble_until, m.trouble, m.troubles, m.created_at,
	coalesce((SELECT c.what FROM payout_changes c WHERE c.method_id = m.id AND c.done_at IS NULL AND c.dropped_at IS NULL LIMIT 1), '') AS waiting,
	(SELECT c.expires_at FROM payout_changes c WHERE c.method_id = m.id AND c.done_at IS NULL AND c.dropped_at IS NULL LIMIT 1) AS waiting_until`

type methodRow struct {
	ID           id.Method   `db:"id"`
	Creator      id.User     `db:"creator_id"`
	Provider     string      `db:"provider"`
	Generation   int         `db:"generation"`
	Email        string      `db:"email"`
	Number       string      `db:"number"`
	Address      string      `db:"address"`
	Country      string      `db:"country"`
	Currency     string      `db:"currency"`
	Bank         string      `db:"bank"`
	State        MethodState `db:"state"`
	Due          []byte      `db:"due"`
	Deadline     *time.Time  `db:"deadline"`
	Disabled     string      `db:"disabled"`
	Current      bool        `db:"is_current"`
	Opening      *time.Time  `db:"opening_at"`
	Looked       *time.Time  `db:"looked_at"`
	Readied      *time.Time  `db:"ready_at"`
	PayableFrom  *time.Time  `db:"payable_from"`
	TroubleAt    *time.Time  `db:"trouble_at"`
	TroubleUntil *time.Time  `db:"trouble_until"`
	Trouble      string      `db:"trouble"`
	Troubles     int         `db:"troubles"`
	Created      time.Time   `db:"created_at"`
	Waiting      string      `db:"waiting"`
	WaitingUntil *time.Time  `db:"waiting_until"`
}

func (r methodRow) method() (Method, error) {
	m := Method{ID: r.ID, Creator: r.Creator, Provider: r.Provider, Account: r.Number, Address: r.Address, Country: r.Country, Currency: r.Currency, Bank: r.Bank,
		State: r.State, Deadline: moment(r.Deadline), Since: r.Created, PayableFrom: moment(r.PayableFrom), Disabled: r.Disabled, Trouble: r.Trouble,
		TroubleAt: moment(r.TroubleAt), RestsUntil: moment(r.TroubleUntil), Current: r.Current, Waiting: r.Waiting, WaitingUntil: moment(r.WaitingUntil),
		generation: r.Generation, email: r.Email, opening: moment(r.Opening), looked: moment(r.Looked), readied: moment(r.Readied), troubles: r.Troubles}
	if len(r.Due) > 0 {
		if err := json.Unmarshal(r.Due, &m.Due); err != nil {
			return m, fmt.Errorf("payout method %s: %w", r.ID, err)
		}
	}
	return m, nil
}

func methodsOf(rows []methodRow) ([]Method, error) {
	out := make([]Method, len(rows))
	for i, r := range rows {
		m, err := r.method()
		if err != nil {
			return nil, err
		}
		out[i] = m
	}
	return out, nil
}

// listMethods are a creator's, the current one first, without those that are gone.
func (s *Service) listMethods(ctx context.Context, q db.Q, creator id.User) ([]Method, error) {
	var rows []methodRow
	if err := q.Select(ctx, &rows, `
		SELECT `+methodColumns+` FROM payout_methods m
		WHERE m.creator_id = $1 AND m.state <> 'gone'
		ORDER BY m.is_current DESC, m.created_at DESC, m.id DESC`, creator); err != nil {
		return nil, fmt.Errorf("payout methods: %w", err)
	}
	return methodsOf(rows)
}

func (s *Service) findMethod(ctx context.Context, q db.Q, m id.Method) (Method, error) {
	var r methodRow
	if err := q.Get(ctx, &r, `SELECT `+methodColumns+` FROM payout_methods m WHERE m.id = $1`, m); err != nil {
		return Method{}, err
	}
	return r.method()
}

func (s *Service) takeMethod(ctx context.Context, tx *db.Tx, m id.Method) (Method, error) {
	var r methodRow
	if err := tx.Get(ctx, &r, `SELECT `+methodColumns+` FROM payout_methods m WHERE m.id = $1 FOR UPDATE OF m`, m); err != nil {
		return Method{}, err
	}
	return r.method()
}

// currentMethod is where payouts go to; false when there is none.
func (s *Service) currentMethod(ctx context.Context, q db.Q, creator id.User) (Method, bool, error) {
	var rows []methodRow
	err := q.Select(ctx, &rows, `SELECT `+methodColumns+` FROM payout_methods m WHERE m.creator_id = $1 AND m.is_current`, creator)
	if err != nil || len(rows) == 0 {
		return Method{}, false, err
	}
	m, err := rows[0].method()
	return m, err == nil, err
}

// accountOf is a creator's connected account that is not gone; db.None when there is none.
func (s *Service) accountOf(ctx context.Context, q db.Q, creator id.User) (Method, error) {
	var r methodRow
	if err := q.Get(ctx, &r, `SELECT `+methodColumns+` FROM payout_methods m WHERE m.creator_id = $1 AND m.provider = 'stripe' AND m.state <> 'gone'`, creator); err != nil {
		return Method{}, err
	}
	return r.method()
}

func (s *Service) methodByNumber(ctx context.Context, q db.Q, number string) (Method, error) {
	var r methodRow
	if err := q.Get(ctx, &r, `SELECT `+methodColumns+` FROM payout_methods m WHERE m.provider = 'stripe' AND m.number = $1 AND m.number <> ''`, number); err != nil {
		return Method{}, err
	}
	return r.method()
}

// insertMethod adds one of the next generation. None is added where a connected account is there already.
func (s *Service) insertMethod(ctx context.Context, tx *db.Tx, m Method) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO payout_methods (id, creator_id, provider, generation, email, address, country, state, created_at, updated_at)
		SELECT $1, $2, $3, 1 + coalesce((SELECT max(generation) FROM payout_methods WHERE creator_id = $2 AND provider = $3), 0), $4, $5, $6, $7, $8, $8
		ON CONFLICT DO NOTHING`, m.ID, m.Creator, m.Provider, m.email, m.Address, m.Country, string(m.State), tx.Now)
	return err
}

// updateMethod writes what a locked method has become.
func (s *Service) updateMethod(ctx context.Context, tx *db.Tx, m Method) error {
	due, err := json.Marshal(nonNil(m.Due))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		UPDATE payout_methods SET
			number = $2, country = $3, currency = $4, bank = $5, state = $6, due = $7, deadline = $8, disabled = $9, is_current = $10, opening_at = $11,
			looked_at = $12, ready_at = $13, payable_from = $14, trouble_at = $15, trouble_until = $16, trouble = $17, troubles = $18,
			gone_at = CASE WHEN $6 = 'gone' THEN coalesce(gone_at, $19) END, updated_at = $19
		WHERE id = $1`,
		m.ID, m.Account, m.Country, m.Currency, m.Bank, string(m.State), string(due), nullTime(m.Deadline), m.Disabled, m.Current, nullTime(m.opening),
		nullTime(m.looked), nullTime(m.readied), nullTime(m.PayableFrom), nullTime(m.TroubleAt), nullTime(m.RestsUntil), m.Trouble, m.troubles, tx.Now)
	if err != nil {
		return fmt.Errorf("payout method %s: %w", m.ID, err)
	}
	return nil
}

func nonNil(r []payments.Requirement) []payments.Requirement {
	if r == nil {
		return []payments.Requirement{}
	}
	return r
}

// everReady reports whether the creator has had a method before that money could be sent to: the next one is a change.
func (s *Service) everReady(ctx context.Context, q db.Q, creator id.User, but id.Method) (ever bool, err error) {
	err = q.Get(ctx, &ever, `SELECT EXISTS (SELECT 1 FROM payout_methods WHERE creator_id = $1 AND id <> $2 AND ready_at IS NOT NULL)`, creator, but)
	return ever, err
}

// listStaleAccounts are connected accounts that nobody has asked about since a moment.
func (s *Service) listStaleAccounts(ctx context.Context, q db.Q, before time.Time) ([]id.Method, error) {
	var rows []id.Method
	err := q.Select(ctx, &rows, `
		SELECT id FROM payout_methods
		WHERE provider = 'stripe' AND state <> 'gone' AND number <> '' AND (coalesce(looked_at, created_at) < $1 OR looked_at > $2)
		ORDER BY looked_at
		LIMIT 200`, before, before.Add(lookEvery+time.Hour))
	return rows, err
}

// change is something that the mailed link does.
type change struct {
	ID      id.Grant  `db:"id"`
	Creator id.User   `db:"creator_id"`
	Method  id.Method `db:"method_id"`
	What    string    `db:"what"`
	Expires time.Time `db:"expires_at"`
}

const (
	changeUse        = "use"
	changeDisconnect = "disconnect"
)

// insertChange drops the changes that wait and adds one.
func (s *Service) insertChange(ctx context.Context, tx *db.Tx, c change, hash []byte) error {
	if _, err := tx.Exec(ctx, `
		UPDATE payout_changes SET dropped_at = $2
		WHERE creator_id = $1 AND done_at IS NULL AND dropped_at IS NULL`, c.Creator, tx.Now); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO payout_changes (id, creator_id, method_id, what, token_hash, expires_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, c.ID, c.Creator, c.Method, c.What, hash, c.Expires, tx.Now)
	return err
}

// peekChange finds the change behind a link.
func (s *Service) peekChange(ctx context.Context, q db.Q, hash []byte) (c change, err error) {
	err = q.Get(ctx, &c, `SELECT id, creator_id, method_id, what, expires_at FROM payout_changes WHERE token_hash = $1`, hash)
	return c, err
}

// useUpChange is true once, while the link works.
func (s *Service) useUpChange(ctx context.Context, tx *db.Tx, creator id.User, c id.Grant) (bool, error) {
	n, err := tx.Exec(ctx, `
		UPDATE payout_changes SET done_at = $3
		WHERE id = $1 AND creator_id = $2 AND done_at IS NULL AND dropped_at IS NULL AND expires_at > $3`, c, creator, tx.Now)
	return n == 1, err
}

// lockCreator lets one at a time change where a creator is paid out to.
func (s *Service) lockCreator(ctx context.Context, tx *db.Tx, creator id.User) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO payout_plans (creator_id, changed_at) VALUES ($1, $2)
		ON CONFLICT ON CONSTRAINT payout_plans_pkey DO UPDATE SET changed_at = payout_plans.changed_at`, creator, tx.Now)
	return err
}

func (s *Service) findChange(ctx context.Context, q db.Q, c id.Grant) (out change, err error) {
	err = q.Get(ctx, &out, `
		SELECT id, creator_id, method_id, what, expires_at FROM payout_changes
		WHERE id = $1 AND done_at IS NULL AND dropped_at IS NULL`, c)
	return out, err
}
