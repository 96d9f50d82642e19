package sandboxtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"vitrine/app/sandbox"
)

// MockVersion is the stripe-mock that `make` installs into bin/.
const MockVersion = "v0.203.0"

// StripeMock runs Stripe's own request checker for the length of the test and answers its base URL. The test is
// skipped where the program is neither in bin/, nor on the path, nor can be built from the module proxy.
func StripeMock(t testing.TB) string {
	t.Helper()
	bin, err := mockBinary()
	if err != nil {
		t.Skipf("stripe-mock is not here (GOBIN=$PWD/bin go install github.com/stripe/stripe-mock@%s puts it into bin/): %v", MockVersion, err)
	}
	plain, secure := freeAddr(t), freeAddr(t)
	ctx, cancel := context.WithCancel(context.Background())
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, bin, "-http-addr", plain, "-https-addr", secure)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatalf("start stripe-mock: %v", err)
	}
	died := make(chan error, 1)
	go func() { died <- cmd.Wait() }()
	t.Cleanup(func() { cancel(); <-died })
	if err := listens(plain, died); err != nil {
		t.Fatalf("stripe-mock: %v\n%s", err, said.String())
	}
	return "http://" + plain
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func listens(addr string, died chan error) error {
	deadline := time.After(15 * time.Second)
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case err := <-died:
			died <- err
			return fmt.Errorf("ended at once: %w", err)
		case <-deadline:
			return errors.New("does not answer")
		case <-poll.C:
			if c, err := net.Dial("tcp", addr); err == nil {
				return c.Close()
			}
		}
	}
}

func mockBinary() (string, error) {
	name := "stripe-mock"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if root, err := moduleRoot(); err == nil {
		if bin := filepath.Join(root, "bin", name); executable(bin) {
			return bin, nil
		}
	}
	if bin, err := exec.LookPath(name); err == nil {
		return bin, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "vitrine", "stripe-mock-"+MockVersion)
	if bin := filepath.Join(dir, name); executable(bin) {
		return bin, nil
	}
	return build(dir, name)
}

func executable(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}

// build installs the program outside of this module, whose go.mod does not know it.
func build(dir, name string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "install", "github.com/stripe/stripe-mock@"+MockVersion)
	cmd.Dir = os.TempDir()
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=-mod=mod")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
	}
	return filepath.Join(dir, name), nil
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod above")
		}
		dir = up
	}
}

// Replay sends calls that the sandbox recorded (Stripe().Record, then Calls) to stripe-mock and fails for each one that
// it refuses: the sandbox must not let the product do what Stripe would not.
func Replay(t testing.TB, mock string, calls []sandbox.Call) {
	t.Helper()
	if len(calls) == 0 {
		t.Error("no calls were recorded: there is nothing to replay")
	}
	seen := map[string]bool{}
	for _, c := range calls {
		id := c.Method + " " + c.Path + "?" + c.Query + " " + string(c.Body)
		if seen[id] {
			continue
		}
		seen[id] = true
		if why := Refusal(t, mock, c); why != "" {
			t.Errorf("stripe-mock refuses %s %s: %s\n%s%s", c.Method, c.Path, why, c.Query, c.Body)
		}
	}
}

// Refusal is why stripe-mock refuses a call; "" when it takes it.
func Refusal(t testing.TB, mock string, c sandbox.Call) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	status, body, err := c.Replay(ctx, mock, "sk_test_123")
	if err != nil {
		t.Fatal(err)
	}
	if status == http.StatusOK {
		return ""
	}
	var e struct{ Error struct{ Message string } }
	if json.Unmarshal(body, &e) != nil || e.Error.Message == "" {
		return fmt.Sprintf("%d %s", status, body)
	}
	return fmt.Sprintf("%d %s", status, strings.TrimSpace(e.Error.Message))
}
