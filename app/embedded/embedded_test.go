package embedded

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	ChildMain()
	os.Exit(m.Run())
}

func root(t *testing.T) string {
	t.Helper()
	r, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func open(t *testing.T, p *Postgres) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", p.URL("vitrine"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestPostgresKeepsWhatWasCommittedThroughAKill(t *testing.T) {
	dir := t.TempDir()
	p, err := StartPostgres(t.Context(), dir, PostgresOptions{Root: root(t)})
	if err != nil {
		t.Fatal(err)
	}
	db := open(t, p)
	if _, err := db.Exec(`CREATE TABLE kept (n int); INSERT INTO kept VALUES (42)`); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.done
	at := time.Now()
	if p, err = StartPostgres(t.Context(), dir, PostgresOptions{Root: root(t)}); err != nil {
		t.Fatal(err)
	}
	t.Logf("started again in %v", time.Since(at))
	defer p.Stop()
	var n int
	if err := open(t, p).QueryRow(`SELECT n FROM kept`).Scan(&n); err != nil || n != 42 {
		t.Fatalf("%d, %v", n, err)
	}
}

func TestPostgresOfAnotherMajorIsNamed(t *testing.T) {
	dir := t.TempDir()
	os.MkdirAll(filepath.Join(dir, "data"), 0o700)
	os.WriteFile(filepath.Join(dir, "data", "PG_VERSION"), []byte("9\n"), 0o600)
	_, err := StartPostgres(t.Context(), dir, PostgresOptions{Root: root(t)})
	if err == nil {
		t.Fatal("a cluster of Postgres 9 was opened")
	}
	t.Log(err)
}
