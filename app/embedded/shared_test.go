package embedded

import (
	"database/sql"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"
)

func TestSharedPostgresTakesTheOneThatIsNamed(t *testing.T) {
	for prefix, want := range map[string]string{
		"host=/tmp/x port=5432 user=u sslmode=disable": "host=/tmp/x port=5432 user=u sslmode=disable dbname=mine",
		"postgres://u:p@localhost:5/?sslmode=disable":  "postgres://u:p@localhost:5/mine?sslmode=disable",
		"postgresql://localhost":                       "postgresql://localhost/mine",
	} {
		t.Setenv("TEST_DATABASE_URL", prefix)
		url, err := SharedPostgres(t.Context(), root(t))
		if err != nil {
			t.Fatal(err)
		}
		if got := url("mine"); got != want {
			t.Errorf("%s", got)
		}
		if _, err := pq.NewConnector(url("mine")); err != nil {
			t.Error(err)
		}
	}
}

func TestSharedPostgresIsOneForTheWholeBinary(t *testing.T) {
	t.Setenv("TEST_DATABASE_URL", "")
	var wg sync.WaitGroup
	urls := make([]string, 20)
	for i := range urls {
		wg.Go(func() {
			url, err := SharedPostgres(t.Context(), root(t))
			if err != nil {
				t.Error(err)
				return
			}
			urls[i] = url("vitrine")
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	dir := private.server.dir
	for _, u := range urls {
		if u != urls[0] {
			t.Errorf("%s and %s", u, urls[0])
		}
	}
	db, err := sql.Open("postgres", urls[0])
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Ping(); err != nil {
		t.Error(err)
	}
	StopShared()
	StopShared()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", dir, err)
	}
}

func TestFoldersOfKilledTestsAreSweptAndLiveOnesAreNot(t *testing.T) {
	tmp := t.TempDir()
	dead, live, other := filepath.Join(tmp, "vtpg1"), filepath.Join(tmp, "vtpg2"), filepath.Join(tmp, "vtx3")
	p := startPostgres(t, withCluster(t, live))
	for _, d := range []string{dead, other} {
		if err := os.MkdirAll(filepath.Join(d, "data"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := sweepTestDirs(tmp, time.Now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead); err != nil {
		t.Errorf("a young folder was swept: %v", err)
	}
	if err := sweepTestDirs(tmp, time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead); !os.IsNotExist(err) {
		t.Errorf("the dead one is there: %v", err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Errorf("something else was swept: %v", err)
	}
	if n := number(t, p, `SELECT 1`); n != 1 {
		t.Error("the live one suffered")
	}
}
