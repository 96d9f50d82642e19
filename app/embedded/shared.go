package embedded

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// private is the server of a test binary that was started without `make test`.
var private struct {
	sync.Mutex
	server *TestPostgres
}

// SharedPostgres returns how to reach a Postgres for tests: the one that TEST_DATABASE_URL names (a
// connection string without dbname, which the testpg wrapper sets for all test binaries of a run), or else a
// private one for this process, ended by StopShared.
func SharedPostgres(ctx context.Context, root string) (func(db string) string, error) {
	if dsn := os.Getenv("TEST_DATABASE_URL"); dsn != "" {
		return func(db string) string { return withDatabase(dsn, db) }, nil
	}
	private.Lock()
	defer private.Unlock()
	if private.server == nil {
		p, err := StartTestPostgres(ctx, root)
		if err != nil {
			return nil, err
		}
		private.server = p
	}
	return private.server.URL, nil
}

// StopShared ends the private server, if there is one.
func StopShared() {
	private.Lock()
	defer private.Unlock()
	if private.server == nil {
		return
	}
	if err := private.server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the tests' Postgres:", err)
	}
	private.server = nil
}

// withDatabase names the database in a connection string of either form.
func withDatabase(dsn, db string) string {
	if db == "" {
		return dsn
	}
	if u, err := url.Parse(dsn); err == nil && strings.HasPrefix(u.Scheme, "postgres") {
		u.Path = "/" + db
		return u.String()
	}
	return dsn + " dbname=" + db
}

// TestPostgres is a fast server in a folder that goes with it.
type TestPostgres struct {
	*Postgres
	dir string
}

const testDirs = "vtpg"

// StartTestPostgres starts one, and removes the folders of those whose process was killed.
func StartTestPostgres(ctx context.Context, root string) (*TestPostgres, error) {
	in := roomForTests()
	if err := sweepTestDirs(in, time.Now().Add(-2*time.Minute)); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(in, testDirs)
	if err != nil {
		return nil, err
	}
	p, err := StartPostgres(ctx, dir, PostgresOptions{Root: root, Fast: true})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &TestPostgres{p, dir}, nil
}

// roomForTests is a folder in memory where there is one with room, as a clone of the template takes 15 ms there and
// 600 on a disk; otherwise that for temporary files.
func roomForTests() string {
	const memory, room = "/dev/shm", 6 << 30
	var st syscall.Statfs_t
	if os.Getenv("TMPDIR") != "" || syscall.Statfs(memory, &st) != nil || uint64(st.Bavail)*uint64(st.Bsize) < room {
		return os.TempDir()
	}
	return memory
}

// Stop ends the server and removes its folder.
func (t *TestPostgres) Stop() error { return errors.Join(t.Postgres.Stop(), os.RemoveAll(t.dir)) }

// sweepTestDirs removes folders of ours from before a time whose lock nobody holds: a server's process holds it
// while it lives.
func sweepTestDirs(in string, before time.Time) error {
	dirs, err := filepath.Glob(filepath.Join(in, testDirs+"*"))
	if err != nil {
		return err
	}
	for _, d := range dirs {
		st, err := os.Lstat(d)
		if err != nil || !st.IsDir() || st.ModTime().After(before) || (ownerOf(st) != os.Geteuid() && !isNobody(ownerOf(st))) {
			continue
		}
		p := &Postgres{home: d, dir: d}
		lock, err := lockDir(d)
		if err != nil {
			continue // alive
		}
		if err := errors.Join(p.stopLeftover(), p.removeStaleSocket(), os.RemoveAll(d), lock.Close()); err != nil {
			return fmt.Errorf("remove an old test folder: %w", err)
		}
	}
	return nil
}
