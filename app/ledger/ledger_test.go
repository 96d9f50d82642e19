package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func eur(n int64) money.Amount { return money.Amount{Minor: n, Currency: "EUR"} }

// sale is DESIGN 4.7's first line: provider −100, platform +5, creator +95.
func sale(creator id.User) ledger.Entry {
	return ledger.Entry{Key: "sale:" + id.New[id.OrderKind]().String(), Kind: "sale", Lines: []ledger.Line{
		{Account: ledger.Provider("stripe"), Amount: eur(-100)},
		{Account: ledger.PlatformFees, Amount: eur(5)},
		{Account: ledger.Pending(creator), Amount: eur(95)},
	}}
}

func post(t *testing.T, d *db.DB, e ledger.Entry) (posted bool, err error) {
	t.Helper()
	err = d.InTx(t.Context(), func(tx *db.Tx) error {
		posted, err = ledger.Post(t.Context(), tx, e)
		return err
	})
	return posted, err
}

func balance(t *testing.T, d *db.DB, a ledger.Account, c money.Currency) int64 {
	t.Helper()
	b, err := ledger.Balance(t.Context(), d, a, c)
	if err != nil {
		t.Fatal(err)
	}
	return b.Minor
}

func TestAFactIsRecordedOnce(t *testing.T) {
	d := dbtest.Shared(t)
	u := id.New[id.UserKind]()
	e := sale(u)
	if posted, err := post(t, d, e); err != nil || !posted {
		t.Fatalf("first: %v %v", posted, err)
	}
	e.Lines[0], e.Lines[2] = e.Lines[2], e.Lines[0] // the order of lines is not part of the fact
	if posted, err := post(t, d, e); err != nil || posted {
		t.Fatalf("second: %v %v", posted, err)
	}
	e.Lines[0].Amount, e.Lines[1].Amount = eur(94), eur(6)
	if _, err := post(t, d, e); !errors.Is(err, ledger.ErrOtherLines) {
		t.Fatalf("other lines: %v", err)
	}
	if got := balance(t, d, ledger.Pending(u), "EUR"); got != 95 {
		t.Fatalf("balance %d, want 95", got)
	}
}

func TestPostRefusesBadEntriesBeforeAnySQL(t *testing.T) {
	u := id.New[id.UserKind]()
	bad := map[string]func(e *ledger.Entry){
		"unbalanced":         func(e *ledger.Entry) { e.Lines[0].Amount = eur(-99) },
		"other currency":     func(e *ledger.Entry) { e.Lines[0].Amount.Currency = "USD" },
		"unknown currency":   func(e *ledger.Entry) { e.Lines[0].Amount.Currency = "XXX" },
		"no lines":           func(e *ledger.Entry) { e.Lines = nil },
		"only zeros":         func(e *ledger.Entry) { e.Lines = []ledger.Line{{Account: ledger.PlatformFees, Amount: eur(0)}} },
		"no key":             func(e *ledger.Entry) { e.Key = "" },
		"no kind":            func(e *ledger.Entry) { e.Kind = "" },
		"account misspelled": func(e *ledger.Entry) { e.Lines[1].Account = "platform:fee" },
		"account of nobody":  func(e *ledger.Entry) { e.Lines[2].Account = "creator::pending" },
		"absurd amount":      func(e *ledger.Entry) { e.Lines[0].Amount = eur(-1 << 62) },
	}
	for name, spoil := range bad {
		e := sale(u)
		spoil(&e)
		if _, err := ledger.Post(t.Context(), nil, e); !errors.Is(err, ledger.ErrUnbalanced) && !errors.Is(err, ledger.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheDatabaseRefusesWhatPostWouldNeverWrite(t *testing.T) {
	d := dbtest.Shared(t)
	ctx := t.Context()
	e := sale(id.New[id.UserKind]())
	if _, err := post(t, d, e); err != nil {
		t.Fatal(err)
	}
	eid := id.New[id.EntryKind]()
	head := func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO ledger_entries (id, key, kind, inputs, created_at) VALUES ($1, $2, 'sale', '\x00', $3)`, eid, eid.String(), tx.Now)
		return err
	}
	for constraint, write := range map[string]func(tx *db.Tx) error{
		"ledger_entry_balances": func(tx *db.Tx) error {
			if err := head(tx); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `INSERT INTO ledger_lines (entry_id, n, account, currency, amount) VALUES ($1, 1, 'platform:fees', 'EUR', 5)`, eid)
			return err
		},
		"ledger_entry_has_lines": head,
		"ledger_lines_append_only": func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `
				INSERT INTO ledger_lines (entry_id, n, account, currency, amount)
				SELECT id, 9 + v.n, 'platform:fees', 'EUR', v.amount
				FROM ledger_entries, (VALUES (0, 5), (1, -5)) AS v (n, amount) WHERE key = $1`, e.Key)
			return err
		},
	} {
		if err := d.InTx(ctx, write); !db.Violates(err, constraint) {
			t.Errorf("%s: %v", constraint, err)
		}
	}
}

func TestInvariant02TheLedgerCannotBeEdited(t *testing.T) {
	d := dbtest.Fresh(t)
	ctx := t.Context()
	if _, err := post(t, d, sale(id.New[id.UserKind]())); err != nil {
		t.Fatal(err)
	}
	// Once as who made the tables, and once as a role of the application that was granted everything.
	role := fmt.Sprintf("vt_app_%d", os.Getpid())
	pool := d.Pool()
	pool.MustExecContext(ctx, `CREATE ROLE `+role)
	pool.MustExecContext(ctx, `GRANT ALL ON ALL TABLES IN SCHEMA public TO `+role)
	t.Cleanup(func() {
		pool.MustExec(`DROP OWNED BY ` + role)
		pool.MustExec(`DROP ROLE ` + role)
	})
	c, err := pool.Connx(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, as := range []string{"NONE", role} {
		if _, err := c.ExecContext(ctx, `SET ROLE `+as); err != nil {
			t.Fatal(err)
		}
		for _, q := range []string{
			`UPDATE ledger_entries SET kind = 'gift'`, `DELETE FROM ledger_entries`, `TRUNCATE ledger_entries CASCADE`,
			`UPDATE ledger_lines SET amount = amount + 1`, `DELETE FROM ledger_lines`, `TRUNCATE ledger_lines`,
			`UPDATE ledger_lines SET amount = 1 WHERE false`,
			`DELETE FROM account_balances`, `TRUNCATE account_balances`,
			`UPDATE ledger_claims SET n = n + 1`, `DELETE FROM ledger_claims`, `TRUNCATE ledger_claims`,
			`UPDATE fee_schedules SET bps = 0`, `DELETE FROM fee_schedules`, `TRUNCATE fee_schedules`,
		} {
			_, err := c.ExecContext(ctx, q)
			if err == nil {
				t.Errorf("as %s: %s was done", as, q)
			} else if !db.Violates(err, "ledger_entries_append_only") && !db.Violates(err, "ledger_lines_append_only") &&
				!db.Violates(err, "account_balances_append_only") && !db.Violates(err, "ledger_claims_append_only") && !db.Violates(err, "fee_schedules_append_only") {
				t.Errorf("as %s: %s: %v", as, q, err)
			}
		}
	}
	if _, err := c.ExecContext(ctx, `RESET ROLE`); err != nil {
		t.Fatal(err)
	}
	if r, err := ledger.Check(ctx, d); err != nil || !r.OK() || r.Entries != 1 || r.Lines != 3 {
		t.Fatalf("afterwards: %+v %v", r, err)
	}
}

func TestTwelvePostersOfOneFact(t *testing.T) {
	d := dbtest.Shared(t)
	for round := range 20 {
		u := id.New[id.UserKind]()
		e := sale(u)
		var won atomic.Int32
		var wg sync.WaitGroup
		start := make(chan struct{})
		for range 12 {
			wg.Go(func() {
				<-start
				err := d.InTx(context.Background(), func(tx *db.Tx) error {
					posted, err := ledger.Post(context.Background(), tx, e)
					if posted {
						tx.AfterCommit(func() { won.Add(1) })
					}
					return err
				})
				if err != nil {
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		close(start)
		wg.Wait()
		if won.Load() != 1 || balance(t, d, ledger.Pending(u), "EUR") != 95 {
			t.Fatalf("round %d: %d posted, balance %d", round, won.Load(), balance(t, d, ledger.Pending(u), "EUR"))
		}
	}
}

// Transactions that touch the same accounts in opposite order would wait for each other without the sorting.
func TestPostersOfManyFactsDoNotDeadlock(t *testing.T) {
	d := dbtest.Shared(t)
	a, b := id.New[id.UserKind](), id.New[id.UserKind]()
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for range 25 {
				es := []ledger.Entry{sale(a), sale(b), sale(a)}
				if w%2 == 1 {
					es[0], es[1] = es[1], es[0]
				}
				tries := 0
				if err := d.InTx(context.Background(), func(tx *db.Tx) error {
					tries++
					_, err := ledger.PostAll(context.Background(), tx, es)
					return err
				}); err != nil || tries > 1 {
					t.Errorf("%d tries: %v", tries, err)
				}
			}
		})
	}
	wg.Wait()
	if got := balance(t, d, ledger.Pending(a), "EUR") + balance(t, d, ledger.Pending(b), "EUR"); got != 8*25*3*95 {
		t.Fatalf("balance %d", got)
	}
}

func TestReverseTakesAnEntryBack(t *testing.T) {
	d := dbtest.Shared(t)
	u := id.New[id.UserKind]()
	e := sale(u)
	if _, err := post(t, d, e); err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		if err := d.InTx(t.Context(), func(tx *db.Tx) error {
			posted, err := ledger.Reverse(t.Context(), tx, e.Key, "undo:"+e.Key, "reversal")
			if posted != want {
				t.Errorf("posted %v, want %v", posted, want)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if got := balance(t, d, ledger.Pending(u), "EUR"); got != 0 {
		t.Fatalf("balance %d, want 0", got)
	}
	err := d.InTx(t.Context(), func(tx *db.Tx) error {
		_, err := ledger.Reverse(t.Context(), tx, "sale:never", "undo:never", "reversal")
		return err
	})
	if err == nil {
		t.Fatal("reversed what was never posted")
	}
}

// The check must see what only someone with power over the database can have done.
func TestInvariant03CheckFindsATamperedBook(t *testing.T) {
	d := dbtest.Fresh(t)
	ctx := t.Context()
	e := sale(id.New[id.UserKind]())
	if _, err := post(t, d, e); err != nil {
		t.Fatal(err)
	}
	tamper := func(q string) {
		t.Helper()
		c, err := d.Pool().Connx(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, s := range []string{`SET session_replication_role = replica`, q, `SET session_replication_role = DEFAULT`} {
			if _, err := c.ExecContext(ctx, s); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := func(checks ...string) {
		t.Helper()
		r, err := ledger.Check(ctx, d)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range r.Findings {
			got = append(got, f.Check)
		}
		if fmt.Sprint(got) != fmt.Sprint(checks) {
			t.Fatalf("found %v, want %v", r.Findings, checks)
		}
	}
	want()
	tamper(`UPDATE account_balances SET balance = balance + 1 WHERE account = 'platform:fees'`)
	want("balance")
	tamper(`UPDATE account_balances SET balance = balance - 1 WHERE account = 'platform:fees'`)
	tamper(`UPDATE ledger_lines SET amount = amount + 1 WHERE account = 'platform:fees'`)
	want("unbalanced", "balance")
	tamper(`DELETE FROM ledger_lines`)
	tamper(`DELETE FROM account_balances`)
	want("empty entry")
}
