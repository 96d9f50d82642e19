package dbtest

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jmoiron/sqlx"

	"vitrine/app/db"
)

// lent are clones that tests take one after the other.
var lent struct {
	sync.Mutex
	free   []*db.DB
	names  []string
	seeded []string // tables that migrations have filled
}

// Lend is a database like Fresh's that goes to another test afterwards, emptied. It costs a tenth of a clone; what it
// takes for granted is that a test changes rows only, and none that migrations have written.
func Lend(t testing.TB) *db.DB {
	t.Helper()
	d, err := take()
	if err != nil {
		t.Fatal(err)
	}
	real := d.Clock
	t.Cleanup(func() {
		d.Clock = real
		if err := empty(d); err != nil {
			t.Errorf("empty the database: %v", err)
			return
		}
		lent.Lock()
		defer lent.Unlock()
		lent.free = append(lent.free, d)
	})
	return d
}

func take() (*db.DB, error) {
	lent.Lock()
	defer lent.Unlock()
	if n := len(lent.free); n > 0 {
		d := lent.free[n-1]
		lent.free = lent.free[:n-1]
		return d, nil
	}
	name := fmt.Sprintf("vt_%d_lent_%d", os.Getpid(), len(lent.names))
	d, err := clone(name)
	if err != nil {
		return nil, err
	}
	lent.names = append(lent.names, name)
	if lent.seeded == nil {
		lent.seeded, err = filled(d.Pool(), nil)
	}
	return d, err
}

// filled are the tables with rows, but for some.
func filled(q *sqlx.DB, but []string) (with []string, err error) {
	var all []string
	if err := q.Select(&all, `
		SELECT format('%I', c.relname) FROM pg_class c
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND NOT format('%I', c.relname) = ANY (string_to_array($1, ','))`, strings.Join(but, ",")); err != nil {
		return nil, err
	}
	for i, t := range all {
		all[i] = fmt.Sprintf("SELECT '%s' WHERE EXISTS (SELECT FROM %s)", t, t)
	}
	return with, q.Select(&with, strings.Join(all, " UNION ALL "))
}

// empty removes what tests have written. Triggers that forbid it, and references, are no concern of replicas.
func empty(d *db.DB) error {
	ctx := context.Background()
	tables, err := filled(d.Pool(), lent.seeded)
	if err != nil || len(tables) == 0 {
		return err
	}
	c, err := d.Pool().Connx(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, q := range []string{
		"SET session_replication_role = replica",
		"DELETE FROM " + strings.Join(tables, "; DELETE FROM "),
		"RESET session_replication_role",
		"VACUUM " + strings.Join(tables, ", "), // else the next tests would read what the last ones have left
		// a table that is known to be empty is read from end to end, even when it is full: plans are kept
		"UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE oid IN ('" + strings.Join(tables, "'::regclass, '") + "'::regclass)",
	} {
		if _, err := c.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// dropLent ends them all.
func dropLent() {
	lent.Lock()
	defer lent.Unlock()
	for _, d := range lent.free {
		d.Close()
	}
	if os.Getenv("KEEPDB") != "" {
		return
	}
	for _, n := range lent.names {
		drop(n)
	}
}
