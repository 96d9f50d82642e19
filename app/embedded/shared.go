package embedded

import (
	"context"
	"os"
	"sync"
)

// private is the server of a test binary that was started without `make test`.
var private struct {
	sync.Mutex
	server *Postgres
	dir    string
}

// SharedPostgres returns how to reach a Postgres for tests: the one that TEST_DATABASE_URL names (a
// connection string without dbname, which the testpg wrapper sets for all test binaries of a run), or else a
// private one for this process, ended by StopShared.
func SharedPostgres(ctx context.Context, root string) (func(db string) string, error) {
	if prefix := os.Getenv("TEST_DATABASE_URL"); prefix != "" {
		return func(db string) string { return prefix + " dbname=" + db }, nil
	}
	private.Lock()
	defer private.Unlock()
	if private.server == nil {
		dir, err := os.MkdirTemp("", "vtpg")
		if err != nil {
			return nil, err
		}
		p, err := StartPostgres(ctx, dir, PostgresOptions{Root: root, Fast: true, MaxConnections: 300})
		if err != nil {
			os.RemoveAll(dir)
			return nil, err
		}
		private.server, private.dir = p, dir
	}
	return private.server.URL, nil
}

// StopShared ends the private server, if there is one.
func StopShared() {
	private.Lock()
	defer private.Unlock()
	if private.server != nil {
		private.server.Stop()
		os.RemoveAll(private.dir)
		private.server = nil
	}
}
