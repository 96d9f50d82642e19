// testpg runs a command with a fast, throw-away Postgres for its tests: testpg -- go test ./...
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"vitrine/app/embedded"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "testpg:", err)
		os.Exit(max(code, 1))
	}
	os.Exit(code)
}

// run answers with the command's exit code, and an error for what went wrong around it.
func run(args []string) (code int, err error) {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return 2, errors.New("usage: testpg -- COMMAND")
	}
	sigs := make(chan os.Signal, 8)
	signal.Notify(sigs, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go noticeOrphan(os.Getppid(), sigs)
	if os.Getenv("TEST_DATABASE_URL") == "" {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		p, err := embedded.StartTestPostgres(ctx, ".")
		if err != nil {
			return 1, err
		}
		defer func() { err = errors.Join(err, p.Stop()) }()
		if err := os.Setenv("TEST_DATABASE_URL", p.URL("")); err != nil {
			return 1, err
		}
	}
	return command(args, sigs)
}

// command runs to its end and gets the signals that we get. Ours is not to end it otherwise.
func command(args []string, sigs <-chan os.Signal) (int, error) {
	select {
	case s := <-sigs: // while Postgres started
		return 128 + int(s.(syscall.Signal)), nil
	default:
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 127, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-sigs:
			if err := cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
				return 1, err
			}
		case err := <-ended:
			var exit *exec.ExitError
			if !errors.As(err, &exit) {
				return 0, err
			}
			if w, ok := exit.Sys().(syscall.WaitStatus); ok && w.Signaled() {
				return 128 + int(w.Signal()), nil
			}
			return exit.ExitCode(), nil
		}
	}
}

// noticeOrphan tells us to end when `go run` above us was ended by a signal, which it does not pass on.
func noticeOrphan(parent int, sigs chan<- os.Signal) {
	for range time.Tick(500 * time.Millisecond) {
		if os.Getppid() != parent {
			sigs <- syscall.SIGTERM
			return
		}
	}
}
