// Package embedded runs the services that Vitrine needs on the machine of a developer or a test: Postgres, Redis,
// S3 and a mail server. Production uses none of it.
package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	_ "github.com/lib/pq" // the driver under database/sql
)

// PostgresOptions say where npm put the binaries (Root holds node_modules) and how the server is used. Fast
// gives up durability, for tests.
type PostgresOptions struct {
	Root           string
	Fast           bool
	MaxConnections int
}

// Postgres is a private server on a socket in a folder of its own: no TCP port, so no other user and no clash.
type Postgres struct {
	home, dir string // what the caller named, and where the cluster is: nearly always the same
	bin, sock string
	opts      PostgresOptions
	identity  identity
	lock      *os.File
	child     *child
}

// StartPostgres starts a server on dir, making the cluster there if need be. A server that an earlier,
// killed run left behind is stopped first.
func StartPostgres(ctx context.Context, dir string, o PostgresOptions) (*Postgres, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = 100
		if o.Fast {
			o.MaxConnections = 300
		}
	}
	p := &Postgres{home: dir, dir: dir, opts: o}
	if err := mine(dir); err != nil {
		return nil, fmt.Errorf("the folder of Postgres: %w", err)
	}
	if p.lock, err = lockDir(dir); err != nil {
		return nil, err
	}
	if err := p.start(ctx); err != nil {
		return nil, errors.Join(err, p.release())
	}
	return p, nil
}

func (p *Postgres) start(ctx context.Context) (err error) {
	if p.bin, err = findPostgres(p.opts.Root); err != nil {
		return err
	}
	for _, step := range []func() error{p.chooseIdentity, p.settleOwner, p.initCluster, p.stopLeftover, p.makeSocketDir} {
		if err := step(); err != nil {
			return err
		}
	}
	// After a kill -9 of the server alone its sessions need a moment to notice: until then a new one refuses.
	for pause := 50 * time.Millisecond; ; pause *= 2 {
		if err = p.launch(ctx); err == nil || pause > 400*time.Millisecond || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// URL is what lib/pq connects to. The database "vitrine" is there from the start. Without a name it is what
// belongs into TEST_DATABASE_URL.
func (p *Postgres) URL(db string) string {
	host := p.sock
	if strings.ContainsAny(host, ` '\`) {
		host = "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(host) + "'"
	}
	return withDatabase("host="+host+" port="+port+" user=vitrine sslmode=disable", db)
}

// port is only a part of the socket's name. The folder around it is this server's own, so it is always the same.
const port = "5432"

// Stop ends the server in order: sessions are cut, what was committed is on disk.
func (p *Postgres) Stop() error {
	err := p.child.stop(syscall.SIGINT, 15*time.Second)
	return errors.Join(err, p.release())
}

// release gives back what is only ours while the server runs.
func (p *Postgres) release() error {
	var err error
	if p.sock != "" {
		err = errors.Join(os.RemoveAll(p.sock), os.Remove(p.sockFile()))
		p.sock = ""
	}
	if p.lock != nil {
		err = errors.Join(err, p.lock.Close())
		p.lock = nil
	}
	return err
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }

// command is one of Postgres's programs under the identity that it runs as.
func (p *Postgres) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(p.bin, name), args...)
	c.SysProcAttr, c.Dir = p.identity.attr(), p.dir
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "TZ=UTC"}
	return c
}

func (p *Postgres) args() []string {
	set := []string{
		"listen_addresses=", "unix_socket_directories=" + p.sock, "unix_socket_permissions=0700",
		fmt.Sprintf("max_connections=%d", p.opts.MaxConnections),
		"shared_buffers=64MB", "timezone=UTC", "log_min_messages=warning",
	}
	if p.opts.Fast {
		set = append(set, "fsync=off", "full_page_writes=off", "synchronous_commit=off", "autovacuum=off", "max_wal_size=4GB")
	}
	args := []string{"-D", p.data(), "-p", port}
	for _, s := range set {
		args = append(args, "-c", s)
	}
	return args
}

func (p *Postgres) launch(ctx context.Context) error {
	logs, err := p.openLog()
	if err != nil {
		return err
	}
	defer logs.Close()
	cmd := p.command("postgres", p.args()...)
	cmd.Stdout, cmd.Stderr = logs, logs
	if p.child, err = startChild(cmd); err != nil {
		return fmt.Errorf("start Postgres: %w", err)
	}
	if err := p.ready(ctx); err != nil {
		return errors.Join(err, p.child.stop(syscall.SIGINT, 5*time.Second))
	}
	return nil
}

func (p *Postgres) logFile() string { return filepath.Join(p.dir, "postgres.log") }

// openLog appends, and begins anew past a megabyte.
func (p *Postgres) openLog() (*os.File, error) {
	how := os.O_CREATE | os.O_APPEND | os.O_WRONLY
	if st, err := os.Stat(p.logFile()); err == nil && st.Size() > 1<<20 {
		how |= os.O_TRUNC
	}
	return os.OpenFile(p.logFile(), how, 0o600)
}

func (p *Postgres) ready(ctx context.Context) error {
	db, err := sql.Open("postgres", p.URL("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	for {
		if db.PingContext(ctx) == nil {
			return makeDatabase(ctx, db)
		}
		select {
		case <-p.child.ended:
			return fmt.Errorf("postgres ended: %w\n%s", p.child.err, tail(p.logFile(), 1500))
		case <-ctx.Done():
			return fmt.Errorf("postgres is not ready: %w\n%s", ctx.Err(), tail(p.logFile(), 1500))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func makeDatabase(ctx context.Context, db *sql.DB) error {
	var have bool
	if err := db.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'vitrine')`).Scan(&have); err != nil || have {
		return err
	}
	_, err := db.ExecContext(ctx, `CREATE DATABASE vitrine`)
	return err
}

func tail(file string, n int) []byte {
	b, err := os.ReadFile(file)
	if err != nil {
		return []byte(err.Error())
	}
	return b[max(0, len(b)-n):]
}
