package db_test

import (
	"context"
	"errors"
	"testing"

	"github.com/lib/pq"

	"vitrine/app/db"
	"vitrine/app/db/dbtest"
)

func TestATransactionIsTriedAgainAfterADeadlockAlone(t *testing.T) {
	d := dbtest.Shared(t)
	for _, c := range []struct {
		err   error
		tries int
	}{{&pq.Error{Code: "40P01"}, 3}, {&pq.Error{Code: "40001"}, 3}, {&pq.Error{Code: "23505"}, 1}, {errors.New("x"), 1}} {
		n, after := 0, 0
		err := d.InTx(t.Context(), func(tx *db.Tx) error { n++; tx.AfterCommit(func() { after++ }); return c.err })
		if !errors.Is(err, c.err) || n != c.tries || after != 0 {
			t.Errorf("%v: %d tries, %d after, %v", c.err, n, after, err)
		}
	}
	n, after := 0, 0
	err := d.InTx(t.Context(), func(tx *db.Tx) error {
		n++
		tx.AfterCommit(func() { after++ })
		if n == 1 {
			return &pq.Error{Code: "40P01"}
		}
		return nil
	})
	if err != nil || n != 2 || after != 1 {
		t.Errorf("%v, %d tries, %d after", err, n, after)
	}
}

func TestABrokenConstraintHasItsName(t *testing.T) {
	d := dbtest.Fresh(t)
	p := dbtest.Creator(t, d)
	err := d.InTx(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec(context.Background(), `INSERT INTO users (id, email, name, created_at, updated_at) VALUES (gen_random_uuid(), $1, '', now(), now())`, p.Email)
		return err
	})
	if !db.Violates(err, "users_email_unique") || db.Violates(err, "users_pkey") || db.None(err) || db.Busy(err) {
		t.Errorf("%v", err)
	}
}
