// Package db opens Postgres, begins transactions and names constraint failures.
//
// Statements are constants: the methods take an unexported string type, so that a query joined from
// pieces at run time does not compile. That is also what lets every statement be prepared once.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// stmt is a constant statement with $n parameters.
type stmt string

// Q reads: a DB or a Tx.
type Q interface {
	// Get scans one row into dest; sql.ErrNoRows when there is none.
	Get(ctx context.Context, dest any, query stmt, args ...any) error
	// Select scans all rows into the slice dest.
	Select(ctx context.Context, dest any, query stmt, args ...any) error
}

// DB is a pool of connections.
type DB struct {
	pool     *sqlx.DB
	url      string
	prepared sync.Map // stmt → *sqlx.Stmt
	prepare  bool
	Clock    func() time.Time // injected; never ask the wall clock in a feature
}

// Options of a pool. Prepare is switched off behind a transaction pooler that cannot keep prepared statements.
type Options struct {
	MaxOpen int
	Prepare bool
}

// Open connects to url, a lib/pq URL or key=value string. Sessions run in UTC with a lock timeout of 3 s.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	url = withParams(url)
	x, err := sqlx.ConnectContext(ctx, "postgres", url)
	if err != nil {
		return nil, fmt.Errorf("connect to Postgres: %w", err)
	}
	if o.MaxOpen == 0 {
		o.MaxOpen = 20
	}
	x.SetMaxOpenConns(o.MaxOpen)
	x.SetMaxIdleConns(o.MaxOpen)
	x.SetConnMaxIdleTime(5 * time.Minute)
	return &DB{pool: x, url: url, prepare: o.Prepare, Clock: time.Now}, nil
}

func withParams(url string) string {
	if strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://") {
		sep := "?"
		if strings.Contains(url, "?") {
			sep = "&"
		}
		return url + sep + "TimeZone=UTC&lock_timeout=3000&statement_timeout=30000"
	}
	return url + " TimeZone=UTC lock_timeout=3000 statement_timeout=30000"
}

// URL is what a listener of its own connects to.
func (d *DB) URL() string { return d.url }

// Pool is for migrations and for tools that need the plain database/sql handle.
func (d *DB) Pool() *sqlx.DB { return d.pool }

// Now is the injected time in UTC, to the microsecond that Postgres keeps.
func (d *DB) Now() time.Time { return d.Clock().UTC().Truncate(time.Microsecond) }

func (d *DB) Close() error { return d.pool.Close() }

// Ping reports whether Postgres answers.
func (d *DB) Ping(ctx context.Context) error { return d.pool.PingContext(ctx) }

func (d *DB) statement(ctx context.Context, q stmt) (*sqlx.Stmt, error) {
	if s, ok := d.prepared.Load(q); ok {
		return s.(*sqlx.Stmt), nil
	}
	s, err := d.pool.PreparexContext(ctx, string(q))
	if err != nil {
		return nil, err
	}
	if have, loaded := d.prepared.LoadOrStore(q, s); loaded {
		s.Close()
		return have.(*sqlx.Stmt), nil
	}
	return s, nil
}

func (d *DB) Get(ctx context.Context, dest any, query stmt, args ...any) error {
	if !d.prepare {
		return d.pool.GetContext(ctx, dest, string(query), args...)
	}
	s, err := d.statement(ctx, query)
	if err != nil {
		return err
	}
	return s.GetContext(ctx, dest, args...)
}

func (d *DB) Select(ctx context.Context, dest any, query stmt, args ...any) error {
	if !d.prepare {
		return d.pool.SelectContext(ctx, dest, string(query), args...)
	}
	s, err := d.statement(ctx, query)
	if err != nil {
		return err
	}
	return s.SelectContext(ctx, dest, args...)
}

// Tx is what writing functions demand, so that nothing is written outside a transaction.
type Tx struct {
	x     *sqlx.Tx
	d     *DB
	Now   time.Time // one time for all rows of the transaction
	after []func()
}

func (t *Tx) Get(ctx context.Context, dest any, query stmt, args ...any) error {
	s, err := t.statement(ctx, query)
	if err != nil {
		return err
	}
	if s == nil {
		return t.x.GetContext(ctx, dest, string(query), args...)
	}
	return s.GetContext(ctx, dest, args...)
}

func (t *Tx) Select(ctx context.Context, dest any, query stmt, args ...any) error {
	s, err := t.statement(ctx, query)
	if err != nil {
		return err
	}
	if s == nil {
		return t.x.SelectContext(ctx, dest, string(query), args...)
	}
	return s.SelectContext(ctx, dest, args...)
}

// Exec runs a statement and returns how many rows it changed.
func (t *Tx) Exec(ctx context.Context, query stmt, args ...any) (int64, error) {
	s, err := t.statement(ctx, query)
	if err != nil {
		return 0, err
	}
	var res sql.Result
	if s == nil {
		res, err = t.x.ExecContext(ctx, string(query), args...)
	} else {
		res, err = s.ExecContext(ctx, args...)
	}
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// statement prepares once on the pool; inside the transaction database/sql binds it to its connection.
func (t *Tx) statement(ctx context.Context, q stmt) (*sqlx.Stmt, error) {
	if !t.d.prepare {
		return nil, nil
	}
	if s, ok := t.d.prepared.Load(q); ok {
		return t.x.StmtxContext(ctx, s.(*sqlx.Stmt)), nil
	}
	// Preparing on the pool needs a second connection, which a full pool cannot give while this one waits.
	s, err := t.x.PreparexContext(ctx, string(q))
	if err != nil {
		return nil, err
	}
	go t.d.warm(q)
	return s, nil
}

func (d *DB) warm(q stmt) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	d.statement(ctx, q) // on failure the next transaction prepares for itself again
}

// AfterCommit runs f once the transaction is durable, and never if it rolls back.
func (t *Tx) AfterCommit(f func()) { t.after = append(t.after, f) }

// InTx runs f in a transaction, and again (three tries in all) when Postgres asks for it after a
// deadlock or a serialisation failure. So f touches nothing but tx, and no network.
func (d *DB) InTx(ctx context.Context, f func(*Tx) error) error {
	for try := 1; ; try++ {
		tx, err := d.once(ctx, f)
		if err == nil {
			for _, a := range tx.after {
				a()
			}
			return nil
		}
		if try == 3 || !retryable(err) {
			return err
		}
	}
}

func (d *DB) once(ctx context.Context, f func(*Tx) error) (*Tx, error) {
	x, err := d.pool.BeginTxx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer x.Rollback() // does nothing after Commit
	tx := &Tx{x: x, d: d, Now: d.Now()}
	if err := f(tx); err != nil {
		return nil, err
	}
	return tx, x.Commit()
}

func retryable(err error) bool {
	var pe *pq.Error
	return errors.As(err, &pe) && (pe.Code == "40001" || pe.Code == "40P01")
}

// Violates reports whether err broke the named constraint.
func Violates(err error, constraint string) bool {
	var pe *pq.Error
	return errors.As(err, &pe) && pe.Constraint == constraint
}

// Busy reports whether err says that a lock could not be had in time.
func Busy(err error) bool {
	var pe *pq.Error
	return errors.As(err, &pe) && pe.Code == "55P03"
}

// None reports whether err says that there was no row.
func None(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// Array hands a slice to a statement as a Postgres array.
func Array(v any) any { return pq.Array(v) }
