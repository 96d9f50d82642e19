package embedded

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestKill9OfTheParentEndsTheChildrenAndLosesNothing(t *testing.T) {
	dir := t.TempDir()
	cmd, s := startWorld(t, dir)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if runtime.GOOS == "linux" {
		eventually(t, "Postgres ends with its parent", func() bool { return gone(s.Postgres) })
	}
	eventually(t, "S3 ends with its parent", func() bool { return gone(s.S3) })

	p := startPostgres(t, filepath.Join(dir, "postgres"))
	if n := number(t, p, `SELECT n FROM kept`); n != 42 {
		t.Errorf("the row says %d", n)
	}
	if _, err := os.Stat(s.Socket); !os.IsNotExist(err) {
		t.Errorf("the killed run's socket folder %s is still there: %v", s.Socket, err)
	}
	g, err := StartS3(t.Context(), filepath.Join(dir, "s3"), S3Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Stop()
	if g.Endpoint() != s.Endpoint {
		t.Errorf("S3 was at %s and is at %s: links that were signed before are dead", s.Endpoint, g.Endpoint())
	}
	o, err := client(g).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("files"), Key: aws.String("a/b.txt")})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(o.Body); err != nil || string(b) != "kept" || aws.ToString(o.ContentType) != "text/plain" {
		t.Errorf("the object is %q %s, %v", b, aws.ToString(o.ContentType), err)
	}
	m, err := StartSMTP(SMTPOptions{Dir: filepath.Join(dir, "mail")})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Stop()
	if got := m.Messages("ada@example.test"); len(got) != 1 || got[0].Subject != "kept" || got[0].At.IsZero() {
		t.Errorf("mails: %+v", got)
	}
}

func TestPostgresKeepsRowsThroughRestartAndKill9OfItself(t *testing.T) {
	dir := t.TempDir()
	p := startPostgres(t, dir)
	exec1(t, p, `CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)`)
	socket := p.sock
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(); err != nil {
		t.Fatal("a second Stop: ", err)
	}
	if _, err := os.Stat(socket); !os.IsNotExist(err) {
		t.Errorf("the socket folder is still there: %v", err)
	}

	p = startPostgres(t, dir)
	exec1(t, p, `INSERT INTO kept VALUES (2)`)
	if err := p.child.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.child.ended
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}

	p = startPostgres(t, dir)
	if n := number(t, p, `SELECT count(*) FROM kept`); n != 2 {
		t.Errorf("%d rows of 2", n)
	}
}

// Where the system has no way to bind a child to its parent, a killed run leaves a server.
func TestALeftoverServerIsStoppedFirst(t *testing.T) {
	dir := withCluster(t, t.TempDir())
	left := startPostgres(t, dir)
	exec1(t, left, `CREATE TABLE kept (n int)`)
	left.lock.Close() // as the kernel does for a killed process
	p := startPostgres(t, dir)
	<-left.child.ended
	if left.child.err != nil {
		t.Errorf("the leftover ended with %v", left.child.err)
	}
	if n := number(t, p, `SELECT count(*) FROM kept`); n != 0 {
		t.Errorf("%d rows", n)
	}
}

func TestAnotherProgramWithTheOldNumberIsLeftAlone(t *testing.T) {
	dir := withCluster(t, t.TempDir())
	p := startPostgres(t, dir)
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	other := exec.Command("sleep", "60")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { other.Process.Kill(); other.Wait() }()
	stale := strconv.Itoa(other.Process.Pid) + "\n" + p.data() + "\n1\n5432\n/tmp\n\n"
	if err := os.WriteFile(filepath.Join(p.data(), "postmaster.pid"), []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	startPostgres(t, dir)
	if gone(other.Process.Pid) {
		t.Error("a program that only had the number was ended")
	}
}

func TestPostgresRunsSideBySideButNotTwiceOnOneFolder(t *testing.T) {
	dir := t.TempDir()
	a, b := startPostgres(t, withCluster(t, filepath.Join(dir, "a"))), startPostgres(t, withCluster(t, filepath.Join(dir, "b")))
	exec1(t, a, `CREATE TABLE only_a (n int)`)
	if n := number(t, b, `SELECT count(*) FROM pg_tables WHERE tablename = 'only_a'`); n != 0 {
		t.Error("the two share a cluster")
	}
	_, err := StartPostgres(t.Context(), filepath.Join(dir, "a"), PostgresOptions{Root: root(t)})
	if err == nil || !strings.Contains(err.Error(), "in use by another Vitrine") {
		t.Fatalf("a second server on one folder: %v", err)
	}
	if n := number(t, a, `SELECT count(*) FROM only_a`); n != 0 {
		t.Error("the first server suffered")
	}
}

func TestFastGivesUpDurabilityAndNoTCPIsOpen(t *testing.T) {
	p, err := StartPostgres(t.Context(), t.TempDir(), PostgresOptions{Root: root(t), Fast: true})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	if n := number(t, p, `SELECT count(*) FROM pg_settings WHERE (name, setting) IN (('fsync','off'), ('full_page_writes','off'),
		('synchronous_commit','off'), ('max_connections','300'), ('listen_addresses',''), ('unix_socket_permissions','0700'))`); n != 6 {
		t.Errorf("%d of 6 settings hold", n)
	}
}

func TestPostgresOfAnotherMajorIsNamed(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "data", "PG_VERSION"), []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := StartPostgres(t.Context(), dir, PostgresOptions{Root: root(t)})
	if err == nil || !strings.Contains(err.Error(), "made by Postgres 9") || !strings.Contains(err.Error(), "VITRINE_PG_BIN") {
		t.Fatal(err)
	}
}

func TestSomebodyElsesClusterIsLeftToThem(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make another user's folder")
	}
	dir := withCluster(t, t.TempDir())
	p := startPostgres(t, dir)
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Lchown(p.data(), 12345, 12345); err != nil {
		t.Fatal(err)
	}
	_, err := StartPostgres(t.Context(), dir, PostgresOptions{Root: root(t)})
	if err == nil || !strings.Contains(err.Error(), "number 12345") || !strings.Contains(err.Error(), "VITRINE_DATA") {
		t.Fatal(err)
	}
	if st, err := os.Stat(p.data()); err != nil || ownerOf(st) != 12345 {
		t.Errorf("the folder changed hands: %v", err)
	}
}

func TestAnOrdinaryUserIsToldWhoseFolderItIs(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may use every folder")
	}
	for _, dir := range []string{"/usr", "/root/vitrine-data"} { // root's own, and one below a folder that is closed
		for what, err := range map[string]error{
			"Postgres": second(StartPostgres(t.Context(), dir, PostgresOptions{Root: root(t)})),
			"S3":       second(StartS3(t.Context(), dir, S3Options{})),
			"mail":     second(StartSMTP(SMTPOptions{Dir: dir})),
		} {
			if err == nil || !strings.Contains(err.Error(), "another user") && !strings.Contains(err.Error(), "number 0") || !strings.Contains(err.Error(), "VITRINE_DATA") {
				t.Errorf("%s on %s: %v", what, dir, err)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

// Without user namespaces root runs the server as nobody; where nobody may not enter, from a copy. Going to and fro
// between the three keeps what is there.
func TestRootRunsPostgresAsNobodyToo(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root changes identity")
	}
	dir := t.TempDir()
	open, err := os.MkdirTemp("/tmp", "vt-nobody")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(open)
	if err := os.Chmod(open, 0o755); err != nil {
		t.Fatal(err)
	}
	modes := []struct{ name, mode, dir string }{
		{"namespace", "", filepath.Join(open, "pg")}, {"nobody", "nobody", filepath.Join(open, "pg")}, {"namespace again", "", filepath.Join(open, "pg")},
		{"closed folder, namespace", "", filepath.Join(dir, "closed", "pg")}, {"closed folder, nobody", "nobody", filepath.Join(dir, "closed", "pg")},
		{"closed folder, namespace again", "", filepath.Join(dir, "closed", "pg")},
	}
	if err := os.Mkdir(filepath.Join(dir, "closed"), 0o700); err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for _, m := range modes {
		t.Setenv("VITRINE_PG_MODE", m.mode)
		t.Log(m.name)
		p := startPostgres(t, m.dir)
		exec1(t, p, `CREATE TABLE IF NOT EXISTS kept (n int); INSERT INTO kept VALUES (1)`)
		rows[m.dir]++
		if n := number(t, p, `SELECT count(*) FROM kept`); n != rows[m.dir] {
			t.Errorf("%s: %d rows of %d", m.name, n, rows[m.dir])
		}
		if uid := uidOf(t, p.child.cmd.Process.Pid); namespaces() && (m.mode == "nobody") != (uid != 0) {
			t.Errorf("%s: the server's uid is %d", m.name, uid)
		}
		if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
		if p.dir != p.home {
			t.Cleanup(func() { os.RemoveAll(filepath.Dir(p.dir)) })
		}
	}
}

func TestACopiedFolderDoesNotShareAClusterWithItsOriginal(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root keeps a cluster elsewhere")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "elsewhere"), []byte("/var/tmp/vitrine-pg-000000000000/cluster\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := StartPostgres(t.Context(), dir, PostgresOptions{Root: root(t)}); err == nil || !strings.Contains(err.Error(), "copied or moved") {
		t.Fatal(err)
	}
}

func TestTheFolderOfBinariesMayBeRelative(t *testing.T) {
	p, err := StartPostgres(t.Context(), withCluster(t, t.TempDir()), PostgresOptions{Root: "../.."})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	if p.dir != p.home && namespaces() {
		t.Errorf("it runs from a copy in %s", p.dir)
	}
}

// namespaces reports whether this system lets us make user namespaces.
func namespaces() bool {
	c := exec.Command("true")
	c.SysProcAttr = identity{namespace: true}.attr()
	return runtime.GOOS == "linux" && c.Run() == nil
}

func uidOf(t *testing.T, pid int) int {
	st, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid)))
	if err != nil {
		t.Fatal(err)
	}
	return int(st.Sys().(*syscall.Stat_t).Uid)
}

func TestALongTempFolderStillHasRoomForTheSocket(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("long ", 30))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", long)
	dir := filepath.Join(long, "data of 'mine'")
	p := startPostgres(t, withCluster(t, dir))
	if n := number(t, p, `SELECT 1`); n != 1 {
		t.Error(n)
	}
}

func TestASpaceInTheSocketsPathIsQuoted(t *testing.T) {
	tmp, err := os.MkdirTemp("/tmp", "vt 'q'")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	t.Setenv("TMPDIR", tmp)
	if n := number(t, startPostgres(t, withCluster(t, filepath.Join(tmp, "pg"))), `SELECT 1`); n != 1 {
		t.Error(n)
	}
}

func TestACancelledStartLeavesNothingRunning(t *testing.T) {
	dir := withCluster(t, t.TempDir())
	p := startPostgres(t, dir)
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := StartPostgres(ctx, dir, PostgresOptions{Root: root(t)}); err == nil {
		t.Fatal("it started")
	}
	if _, err := os.Stat(filepath.Join(p.data(), "postmaster.pid")); !os.IsNotExist(err) {
		t.Errorf("a server was left: %v", err)
	}
	startPostgres(t, dir)
}
