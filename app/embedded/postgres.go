// Package embedded runs the services that Vitrine needs on the machine of a developer or a test: Postgres, Redis,
// S3 and a mail server. Production uses none of it.
package embedded

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
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
	bin, dir, sock string
	opts           PostgresOptions
	mode           identity
	uid, gid       int
	port           int
	cmd            *exec.Cmd
	done           chan error
}

// identity is how the server runs when we are root, which Postgres refuses to be.
type identity int

const (
	ourselves  identity = iota
	namespace           // as uid 1000 of a user namespace in which root's files stay root's
	nobodyUser          // as nobody, where namespaces are forbidden
)

// StartPostgres starts a server on dir, making the cluster there if need be. A server that an earlier,
// killed run left behind is stopped first.
func StartPostgres(ctx context.Context, dir string, o PostgresOptions) (*Postgres, error) {
	bin, err := findPostgres(o.Root)
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = 100
	}
	p := &Postgres{bin: bin, dir: dir, opts: o, done: make(chan error, 1)}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("postgres folder: %w", err)
	}
	if err := p.checkOwner(); err != nil {
		return nil, err
	}
	if err := p.chooseIdentity(); err != nil {
		return nil, err
	}
	if err := p.initCluster(); err != nil {
		return nil, err
	}
	if err := p.stopLeftover(); err != nil {
		return nil, err
	}
	if p.sock, err = os.MkdirTemp("", "vt"); err != nil { // a short path: a socket's name has at most 107 bytes
		return nil, err
	}
	if p.mode == nobodyUser {
		if err := os.Chown(p.sock, p.uid, p.gid); err != nil {
			return nil, err
		}
	}
	for try := 1; ; try++ {
		if err = p.launch(ctx); err == nil {
			return p, nil
		}
		if try == 3 || ctx.Err() != nil {
			os.RemoveAll(p.sock)
			return nil, err
		}
	}
}

// URL is what lib/pq connects to. The database "vitrine" is there from the start.
func (p *Postgres) URL(db string) string { return p.prefix() + " dbname=" + db }

func (p *Postgres) prefix() string {
	return fmt.Sprintf("host=%s port=%d user=vitrine sslmode=disable", p.sock, p.port)
}

// Stop ends the server in order, within a few seconds.
func (p *Postgres) Stop() error {
	defer os.RemoveAll(p.sock)
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-p.done:
		return err
	case <-time.After(15 * time.Second):
		p.cmd.Process.Signal(syscall.SIGQUIT)
		return errors.New("postgres did not stop in time")
	}
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }

// checkOwner names the folder that root made and another user cannot use, or the other way round.
func (p *Postgres) checkOwner() error {
	st, err := os.Stat(p.data())
	if err != nil {
		return nil // not made yet
	}
	owner, ok := st.Sys().(*syscall.Stat_t)
	if ok && os.Geteuid() != 0 && int(owner.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to another user (uid %d). Use a folder of your own: VITRINE_DATA=./data-of-mine make run", p.dir, owner.Uid)
	}
	return nil
}

func (p *Postgres) attr(longLived bool) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: longLived} // the terminal's Ctrl-C must not reach it before us
	switch p.mode {
	case namespace:
		sameFilesOtherUID(a)
	case nobodyUser:
		a.Credential = &syscall.Credential{Uid: uint32(p.uid), Gid: uint32(p.gid)}
	}
	if longLived {
		bindToParent(a)
	}
	return a
}

func (p *Postgres) run(name string, args ...string) ([]byte, error) {
	c := exec.Command(filepath.Join(p.bin, name), args...)
	c.SysProcAttr, c.Dir = p.attr(false), p.dir
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "TZ=UTC"}
	return c.CombinedOutput()
}

// chooseIdentity: in a user namespace root's files stay root's; where that is forbidden (some containers) the
// server runs as nobody, from a copy if nobody may not enter the checkout.
func (p *Postgres) chooseIdentity() error {
	if os.Geteuid() != 0 {
		if out, err := p.run("postgres", "--version"); err != nil {
			return fmt.Errorf("postgres does not run here: %w: %s", err, out)
		}
		return nil
	}
	if runtime.GOOS == "linux" && os.Getenv("VITRINE_PG_MODE") != "nobody" {
		p.mode = namespace
		if _, err := p.run("postgres", "--version"); err == nil {
			return nil
		}
	}
	p.mode = nobodyUser
	u, err := user.Lookup("nobody")
	if err != nil {
		return fmt.Errorf("Postgres cannot run as root: %w", err)
	}
	if p.uid, err = strconv.Atoi(u.Uid); err != nil {
		return err
	}
	if p.gid, err = strconv.Atoi(u.Gid); err != nil {
		return err
	}
	if err := os.Chown(p.dir, p.uid, p.gid); err != nil {
		return err
	}
	if _, err := p.run("postgres", "--version"); err == nil {
		return nil
	}
	return p.moveToTemp()
}

// moveToTemp works from a copy in /var/tmp, named by the folder it stands for.
func (p *Postgres) moveToTemp() error {
	h := fnv.New32a()
	h.Write([]byte(p.dir))
	base := filepath.Join("/var/tmp", fmt.Sprintf("vitrine-pg-%x", h.Sum32()))
	if err := os.MkdirAll(base, 0o755); err != nil {
		return err
	}
	if out, err := exec.Command("cp", "-a", "--", filepath.Dir(p.bin)+"/.", base).CombinedOutput(); err != nil {
		return fmt.Errorf("copy Postgres to %s: %w: %s", base, err, out)
	}
	p.bin, p.dir = filepath.Join(base, "bin"), filepath.Join(base, "cluster")
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return err
	}
	if err := os.Chown(p.dir, p.uid, p.gid); err != nil {
		return err
	}
	if out, err := p.run("postgres", "--version"); err != nil {
		return fmt.Errorf("postgres does not run as nobody either: %w: %s", err, out)
	}
	return nil
}

// initCluster makes the cluster under another name first, so that a killed initdb leaves nothing half.
func (p *Postgres) initCluster() error {
	have, err := os.ReadFile(filepath.Join(p.data(), "PG_VERSION"))
	if err == nil {
		return p.checkMajor(strings.TrimSpace(string(have)))
	}
	tmp := p.data() + ".tmp"
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	locale := "C.UTF-8"
	if runtime.GOOS == "darwin" {
		locale = "en_US.UTF-8"
	}
	out, err := p.run("initdb", "-D", tmp, "-U", "vitrine", "-E", "UTF8", "--locale="+locale, "-A", "trust", "--no-sync", "--no-instructions")
	if err != nil {
		return fmt.Errorf("make the Postgres cluster: %w\n%s", err, out)
	}
	return os.Rename(tmp, p.data())
}

// checkMajor refuses a cluster of another major version with a word on what to do.
func (p *Postgres) checkMajor(have string) error {
	out, err := p.run("postgres", "--version") // postgres (PostgreSQL) 18.4
	if err != nil {
		return fmt.Errorf("ask Postgres for its version: %w", err)
	}
	f := strings.Fields(string(out))
	want, _, _ := strings.Cut(f[len(f)-1], ".")
	for _, w := range f {
		if w[0] >= '0' && w[0] <= '9' {
			want, _, _ = strings.Cut(w, ".")
			break
		}
	}
	if have != want {
		return fmt.Errorf("%s was made by Postgres %s and this is Postgres %s. Move the folder away, or set VITRINE_PG_BIN to the bin folder of a Postgres %s", p.dir, have, want, have)
	}
	return nil
}

// stopLeftover ends the server of a run that was killed, where the system did not do so by itself.
func (p *Postgres) stopLeftover() error {
	pid := pidOf(p.data())
	if pid <= 0 || syscall.Kill(pid, 0) != nil || zombie(pid) {
		return nil
	}
	if out, err := p.run("pg_ctl", "stop", "-D", p.data(), "-m", "fast", "-w", "-t", "30"); err != nil && pidOf(p.data()) == pid {
		return fmt.Errorf("stop the Postgres that an earlier run left (process %d): %w: %s", pid, err, out)
	}
	return nil
}

// zombie reports whether the process has ended and only waits to be collected.
func zombie(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return strings.HasPrefix(rest, "Z")
}

func pidOf(data string) int {
	f, err := os.Open(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return 0
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Scan()
	n, _ := strconv.Atoi(strings.TrimSpace(sc.Text()))
	return n
}

func (p *Postgres) args() []string {
	set := []string{
		"listen_addresses=", "unix_socket_directories=" + p.sock, fmt.Sprintf("max_connections=%d", p.opts.MaxConnections),
		"shared_buffers=64MB", "timezone=UTC", "log_min_messages=warning",
	}
	if p.opts.Fast {
		set = append(set, "fsync=off", "full_page_writes=off", "synchronous_commit=off", "autovacuum=off", "max_wal_size=4GB")
	}
	args := []string{"-D", p.data(), "-p", strconv.Itoa(p.port)}
	for _, s := range set {
		args = append(args, "-c", s)
	}
	return args
}

func (p *Postgres) launch(ctx context.Context) error {
	logFile, err := os.OpenFile(filepath.Join(p.dir, "postgres.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer logFile.Close()
	if p.port, err = freePort(); err != nil { // only the socket's name; nothing listens on it
		return err
	}
	p.cmd = exec.Command(filepath.Join(p.bin, "postgres"), p.args()...)
	p.cmd.SysProcAttr, p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = p.attr(true), p.dir, logFile, logFile
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TZ=UTC"}
	if err := startBound(p.cmd, p.done); err != nil {
		return err
	}
	return p.ready(ctx)
}

// startBound starts a child that dies with us. The kernel binds that to the thread that started it, so the
// thread is kept for the child's life.
func startBound(cmd *exec.Cmd, done chan<- error) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			done <- cmd.Wait()
		}
	}()
	return <-started
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
		case err := <-p.done:
			return fmt.Errorf("postgres ended: %w\n%s", err, tail(filepath.Join(p.dir, "postgres.log"), 1500))
		case <-ctx.Done():
			return fmt.Errorf("postgres is not ready: %w", ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func makeDatabase(ctx context.Context, db *sql.DB) error {
	var n int
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM pg_database WHERE datname = 'vitrine'`).Scan(&n); err != nil || n > 0 {
		return err
	}
	_, err := db.ExecContext(ctx, `CREATE DATABASE vitrine`)
	return err
}

func tail(file string, n int) []byte {
	b, _ := os.ReadFile(file)
	return b[max(0, len(b)-n):]
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
