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

// testpg is a wrapper around command with a temp folder that only it uses. It starts a server unless one is given.
func testpg(t *testing.T, server string, command ...string) (*exec.Cmd, string) {
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
	cmd.Env = append(os.Environ(), mainMark+"=1", "TMPDIR="+tmp, "TEST_DATABASE_URL="+server)
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

func TestTheCommandGetsAPostgresThatEndsWithIt(t *testing.T) {
	cmd, tmp := testpg(t, "", "sh", "-c", `echo "$TEST_DATABASE_URL"; exit 7`)
	out, err := cmd.Output()
	if got := exitCode(t, err); got != 7 || !strings.HasPrefix(string(out), "host=") || strings.Contains(string(out), "dbname") {
		t.Errorf("exit code %d, %s", got, out)
	}
	nothingLeft(t, tmp)
}

func TestExitCodesAndAServerThatIsGivenPass(t *testing.T) {
	for script, want := range map[string]int{
		`test "$TEST_DATABASE_URL" = host=theirs`: 0,
		`exit 3`:                          3,
		`kill -KILL $$`:                   128 + 9,
		`exec /no/such/thing 2>/dev/null`: 127,
	} {
		cmd, tmp := testpg(t, "host=theirs", "sh", "-c", script)
		if got := exitCode(t, cmd.Run()); got != want {
			t.Errorf("%s: %d", script, got)
		}
		nothingLeft(t, tmp)
	}
}

func TestSignalsReachTheCommand(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		cmd, tmp := testpg(t, "", "sh", "-c", `trap 'exit 21' INT TERM HUP; echo ready; while :; do sleep 0.05; done`)
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
