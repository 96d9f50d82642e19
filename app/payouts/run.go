package payouts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"vitrine/app/db"
	"vitrine/app/event"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/ledger"
	"vitrine/app/money"
)

// Changed is the event after which a creator's pages about money are out of date; its subject is the creator.
const Changed = "payouts.changed"

// Run makes the payouts of a day: the last one whose hour has come at a moment. It may run as often as it likes and in
// several processes at once; a balance is gone through once a day. Days that were missed are made up for.
func (s *Service) Run(ctx context.Context, at time.Time) error {
	d := s.latest(at)
	done, from, err := s.findDay(ctx, s.DB, d)
	if err != nil || done {
		return err
	}
	var all []error
	err = ledger.Purses(ctx, s.DB, func(ps []ledger.Purse) error {
		for _, p := range ps {
			if err := s.runOne(ctx, p, from, d); err != nil {
				slog.WarnContext(ctx, "a payout was not made", "creator", p.Creator, "err", err)
				all = append(all, err)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		return nil
	})
	if err := errors.Join(append(all, err)...); err != nil {
		return fmt.Errorf("payouts of %s: %w", d.Format(date), err)
	}
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		err := s.insertDay(ctx, tx, d)
		failpoint.Hit("payouts.day.before_commit")
		return err
	})
	failpoint.Hit("payouts.day.after_commit")
	return err
}

// runOne pays one balance, or notes why not, once a day.
func (s *Service) runOne(ctx context.Context, p ledger.Purse, from, d day) error {
	if ran, err := s.ran(ctx, s.DB, p.Creator, p.Currency, d); err != nil || ran {
		return err
	}
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		fresh, err := s.insertRun(ctx, tx, p.Creator, p.Currency, d)
		if err != nil || !fresh {
			return err
		}
		out, v, err := s.decide(ctx, tx, p.Creator, p.Currency, func(st standing) bool {
			plan := st.plan
			if st.again() && plan != Paused {
				plan = Daily
			}
			return plan == Paused || plan.within(from, d)
		})
		if err != nil {
			return err
		}
		err = s.closeRun(ctx, tx, p.Creator, p.Currency, d, out.ID, v)
		failpoint.Hit("payouts.reserve.before_commit")
		return err
	})
	failpoint.Hit("payouts.reserve.after_commit")
	if err != nil {
		return fmt.Errorf("payout of %s in %s: %w", p.Creator, p.Currency, err)
	}
	return nil
}

// Request makes a payout now, without waiting for the day. Where none can be made the reason says why; it is nil when
// there is nothing to pay.
func (s *Service) Request(ctx context.Context, creator id.User, c money.Currency) (p Payout, why *Reason, err error) {
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		out, v, err := s.decide(ctx, tx, creator, c, func(standing) bool { return true })
		if err != nil {
			return err
		}
		p, why = out, nil
		if v != nil && out.ID.IsZero() {
			r := s.reason(ctx, *v, c, reasonRow{}, tx.Now)
			why = &r
		}
		failpoint.Hit("payouts.request.before_commit")
		return nil
	})
	failpoint.Hit("payouts.request.after_commit")
	if err != nil {
		return Payout{}, nil, fmt.Errorf("payout of %s in %s: %w", creator, c, err)
	}
	return p, why, nil
}

// decide pays a balance if nothing is in the way, under the lock of its row: what is read here stays true until the
// transaction ends.
func (s *Service) decide(ctx context.Context, tx *db.Tx, creator id.User, c money.Currency, due func(standing) bool) (Payout, *verdict, error) {
	if guardReserve {
		if _, err := ledger.Lock(ctx, tx, ledger.Available(creator), c); err != nil {
			return Payout{}, nil, err
		}
	}
	all, err := s.standings(ctx, tx, creator, tx.Now)
	if err != nil {
		return Payout{}, nil, err
	}
	var out Payout
	var why *verdict
	for _, st := range all {
		if st.purse.Currency != c {
			continue
		}
		why = s.judge(st)
		if why != nil && why.blocks || Payable(st.purse.Available).IsZero() || !due(st) {
			break
		}
		if out, err = s.reserve(ctx, tx, st); err != nil {
			return Payout{}, nil, err
		}
	}
	if out.ID.IsZero() {
		return out, why, s.note(ctx, tx, creator, all)
	}
	return out, why, s.refresh(ctx, tx, creator)
}

// reserve takes the lines of a balance, sets the sum aside and writes the payout and its job. What does not fit into
// the currency's unit is put back as a line of its own.
func (s *Service) reserve(ctx context.Context, tx *db.Tx, st standing) (Payout, error) {
	u, c, m := st.purse.Creator, st.purse.Currency, st.method
	p := Payout{ID: id.New[id.PayoutKind](), Creator: u, State: Reserved, Method: m.ID, Provider: m.Provider, To: m.Shown(), target: m.target()}
	by := claim(p.ID)
	sum := st.purse.Available
	if guardReserve {
		var err error
		if sum, _, err = ledger.Claim(ctx, tx, ledger.Available(u), c, by); err != nil {
			return p, err
		}
	}
	p.Amount = Payable(sum)
	p.Carried = sum.Sub(p.Amount)
	if st.holds != "" {
		p.State, p.Why = Held, st.holds
	}
	var err error
	if p.Number, err = s.takeNumber(ctx, tx, u); err != nil {
		return p, err
	}
	if err := s.insertPayout(ctx, tx, p); err != nil {
		return p, err
	}
	took := ledger.Line{Account: ledger.Available(u), Amount: sum.Neg()}
	if _, err := ledger.Post(ctx, tx, ledger.Entry{Key: by + ":reserved", Kind: "payout", Lines: []ledger.Line{
		took, {Account: ledger.Available(u), Amount: p.Carried}, {Account: ledger.InFlight(u), Amount: p.Amount}}}); err != nil {
		return p, err
	}
	if guardReserve {
		if err := ledger.ClaimOwn(ctx, tx, by+":reserved", took, by); err != nil {
			return p, err
		}
	}
	if p.State == Reserved {
		if err := s.enqueueSend(ctx, tx, p.ID, tx.Now); err != nil {
			return p, err
		}
	}
	return p, event.Emit(ctx, tx, Changed, u.String())
}

// claim is the name in which a payout takes lines, and the beginning of its entries' keys.
func claim(p id.Payout) string { return "payout:" + p.String() }

// payoutOf reads it back.
func payoutOf(by string) (id.Payout, bool) {
	rest, ok := strings.CutPrefix(by, "payout:")
	if !ok {
		return id.Payout{}, false
	}
	rest, _, _ = strings.Cut(rest, ":")
	p, err := id.Parse[id.PayoutKind](rest)
	return p, err == nil
}

// target is where a payer sends to.
func (m Method) target() string {
	if m.Provider == PayPal {
		return m.Address
	}
	return m.Account
}

// SendTask is the job that sends a payout.
type SendTask struct {
	Payout id.Payout `json:"payout"`
}

func (SendTask) Kind() string { return "payouts:send" }

func (s *Service) enqueueSend(ctx context.Context, tx *db.Tx, p id.Payout, at time.Time) error {
	return job.Enqueue(ctx, tx, SendTask{p}, job.On(job.Money), job.At(at))
}

// findDay says whether a day was gone through, and which was before it.
func (s *Service) findDay(ctx context.Context, q db.Q, d day) (done bool, before day, err error) {
	var row struct {
		Done   bool       `db:"done"`
		Before *time.Time `db:"before"`
	}
	err = q.Get(ctx, &row, `
		SELECT EXISTS (SELECT 1 FROM payout_days WHERE run_date = $1::date) AS done,
			(SELECT max(run_date) FROM payout_days WHERE run_date < $1::date) AS before`, d.Format(date))
	before = d.AddDate(0, 0, -1)
	if row.Before != nil {
		y, m, n := row.Before.Date()
		before = time.Date(y, m, n, 0, 0, 0, 0, time.UTC)
	}
	return row.Done, before, err
}

func (s *Service) insertDay(ctx context.Context, tx *db.Tx, d day) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO payout_days (run_date, done_at) VALUES ($1::date, $2)
		ON CONFLICT ON CONSTRAINT payout_days_pkey DO NOTHING`, d.Format(date), tx.Now)
	return err
}

func (s *Service) ran(ctx context.Context, q db.Q, creator id.User, c money.Currency, d day) (done bool, err error) {
	err = q.Get(ctx, &done, `
		SELECT EXISTS (SELECT 1 FROM payout_runs WHERE creator_id = $1 AND currency = $2 AND run_date = $3::date)`, creator, c, d.Format(date))
	return done, err
}

// insertRun is true for the one who goes through a balance on a day; others wait until that is decided.
func (s *Service) insertRun(ctx context.Context, tx *db.Tx, creator id.User, c money.Currency, d day) (fresh bool, err error) {
	n, err := tx.Exec(ctx, `
		INSERT INTO payout_runs (creator_id, currency, run_date, created_at) VALUES ($1, $2, $3::date, $4)
		ON CONFLICT ON CONSTRAINT payout_runs_pkey DO NOTHING`, creator, c, d.Format(date), tx.Now)
	return n == 1, err
}

func (s *Service) closeRun(ctx context.Context, tx *db.Tx, creator id.User, c money.Currency, d day, p id.Payout, v *verdict) error {
	code := ""
	if p.IsZero() && v != nil {
		code = v.Code
	}
	_, err := tx.Exec(ctx, `
		UPDATE payout_runs SET payout_id = $4, reason = $5
		WHERE creator_id = $1 AND currency = $2 AND run_date = $3::date`, creator, c, d.Format(date), p, code)
	return err
}
