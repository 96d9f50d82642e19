package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// initCluster makes the cluster under another name first, so that a killed initdb leaves nothing half.
func (p *Postgres) initCluster() error {
	have, err := os.ReadFile(filepath.Join(p.data(), "PG_VERSION"))
	if err == nil {
		return p.checkMajor(strings.TrimSpace(string(have)))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	tmp := p.data() + ".tmp"
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	locale := "C.UTF-8"
	if runtime.GOOS == "darwin" {
		locale = "en_US.UTF-8"
	}
	out, err := p.command("initdb", "-D", tmp, "-U", "vitrine", "-E", "UTF8", "--locale="+locale, "-A", "trust", "--no-sync", "--no-instructions").CombinedOutput()
	if err != nil {
		return fmt.Errorf("make the Postgres cluster: %w\n%s", err, out)
	}
	return os.Rename(tmp, p.data())
}

// checkMajor refuses a cluster of another major version with a word on what to do.
func (p *Postgres) checkMajor(have string) error {
	out, err := p.command("postgres", "--version").CombinedOutput() // postgres (PostgreSQL) 18.4 (Debian …)
	if err != nil {
		return fmt.Errorf("ask Postgres for its version: %w: %s", err, out)
	}
	_, after, _ := strings.Cut(string(out), "(PostgreSQL) ")
	number, _, _ := strings.Cut(after, " ")
	want, _, _ := strings.Cut(strings.TrimSpace(number), ".")
	if have != want {
		return fmt.Errorf("%s was made by Postgres %s and this is Postgres %s. Move the folder away to begin with an empty one, or set VITRINE_PG_BIN to the bin folder of a Postgres %s", p.data(), have, want, have)
	}
	return nil
}

// stopLeftover ends the server of a run that was killed, where the system did not do so by itself. We hold the
// folder's lock, so nobody uses that server. A file whose number now belongs to another program, or to a process
// that only waits to be collected, is removed: Postgres would take it for a running server.
func (p *Postgres) stopLeftover() error {
	file := filepath.Join(p.data(), "postmaster.pid")
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 {
		return os.Remove(file)
	}
	for asked, until := false, time.Now().Add(30*time.Second); p.serves(pid); {
		if !asked {
			if err := syscall.Kill(pid, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("stop the Postgres that an earlier run left (process %d): %w", pid, err)
			}
			asked = true
		}
		if time.Now().After(until) {
			return fmt.Errorf("the Postgres that an earlier run left (process %d) does not stop: end it and start again", pid)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if syscall.Kill(pid, 0) == nil {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// serves reports whether the process is a server on our data. The command line of one that has ended is empty.
func (p *Postgres) serves(pid int) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil && runtime.GOOS != "linux" {
		line, err = exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	}
	return err == nil && bytes.Contains(line, []byte(p.data()))
}

// sockFile remembers the socket's folder, so that a killed run's can be removed.
func (p *Postgres) sockFile() string { return filepath.Join(p.dir, "socket") }

// sockPrefix begins the name of every socket folder.
const sockPrefix = "vt"

// makeSocketDir makes a folder with a short path: a socket's name has room for some 100 bytes.
func (p *Postgres) makeSocketDir() error {
	if err := p.removeStaleSocket(); err != nil {
		return err
	}
	room := 103 - len("/"+sockPrefix+"4294967295/.s.PGSQL."+port)
	var err error
	for _, parent := range []string{os.TempDir(), "/tmp", p.dir} {
		if len(parent) > room || (p.identity.nobody && parent != "/tmp") { // nobody may not be let into others
			continue
		}
		if p.sock, err = os.MkdirTemp(parent, sockPrefix); err == nil {
			break
		}
	}
	if p.sock == "" {
		return fmt.Errorf("no folder with a path short enough for Postgres's socket: set TMPDIR to one of at most %d bytes: %w", room, err)
	}
	if p.identity.nobody {
		if err := os.Lchown(p.sock, p.identity.uid, p.identity.gid); err != nil {
			return err
		}
	}
	return writeFile(p.sockFile(), []byte(p.sock))
}

func (p *Postgres) removeStaleSocket() error {
	b, err := os.ReadFile(p.sockFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	old := string(b)
	st, err := os.Lstat(old)
	if err != nil || !st.IsDir() || !strings.HasPrefix(filepath.Base(old), sockPrefix) || (ownerOf(st) != os.Geteuid() && !isNobody(ownerOf(st))) {
		return nil // gone, or not ours any more
	}
	entries, err := os.ReadDir(old)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".s.PGSQL.") {
			return nil // it holds something else: leave it
		}
	}
	return os.RemoveAll(old)
}
