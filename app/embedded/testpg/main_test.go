package main

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const mainMark = "VITRINE_TESTPG_MAIN"

// TestMain is testpg itself when the tests start it as such.
func TestMain(m *testing.M) {
	if os.Getenv(mainMark) != "" {
		main()
	}
	os.Exit(m.Run())
}

// testpg is a wrapper around command with a temp folder that only it uses.
func testpg(t *testing.T, command ...string) (*exec.Cmd, string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tmp, err := os.MkdirTemp("/tmp", "vt-testpg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(tmp) })
	cmd := exec.Command(self, append([]string{"--"}, command...)...)
	cmd.Dir = filepath.Join("..", "..", "..")
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), mainMark+"=1", "TMPDIR="+tmp, "TEST_DATABASE_URL=")
	return cmd, tmp
}

func exitCode(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit == nil {
		return 0
	}
	return exit.ExitCode()
}

func nothingLeft(t *testing.T, tmp string) {
	t.Helper()
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestTheCommandGetsAPostgresAndItsExitCodePasses(t *testing.T) {
	for script, want := range map[string]int{
		`case "$TEST_DATABASE_URL" in host=*dbname*) exit 3;; host=*) exit 0;; esac; exit 4`: 0,
		`exit 7`:         7,
		`kill -KILL $$`:  128 + 9,
		`exec /no/thing`: 127,
	} {
		cmd, tmp := testpg(t, "sh", "-c", script+" 2>/dev/null")
		if got := exitCode(t, cmd.Run()); got != want {
			t.Errorf("%s: %d", script, got)
		}
		nothingLeft(t, tmp)
	}
}

func TestAServerThatIsThereIsPassedOn(t *testing.T) {
	cmd, tmp := testpg(t, "sh", "-c", `echo "$TEST_DATABASE_URL"`)
	cmd.Env = append(cmd.Env, "TEST_DATABASE_URL=host=theirs")
	out, err := cmd.Output()
	if err != nil || strings.TrimSpace(string(out)) != "host=theirs" {
		t.Errorf("%s %v", out, err)
	}
	nothingLeft(t, tmp)
}

func TestSignalsReachTheCommand(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		cmd, tmp := testpg(t, "sh", "-c", `trap 'exit 21' INT TERM HUP; echo ready; while :; do sleep 0.05; done`)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadBytes('\n'); err != nil || !bytes.Equal(line, []byte("ready\n")) {
			t.Fatalf("%q %v", line, err)
		}
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		if got := exitCode(t, cmd.Wait()); got != 21 {
			t.Errorf("%v: exit code %d", s, got)
		}
		nothingLeft(t, tmp)
	}
}
