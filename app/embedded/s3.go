package embedded

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// S3Options say which pages may talk to the buckets from a browser, and where to listen. Without Addr it is the
// address of the last time on this folder, if that is free.
type S3Options struct {
	Origins []string
	Addr    string
}

// S3 is a gateway to a folder, run as a child of this same binary (s3child.go).
type S3 struct {
	child *child
	stdin io.Closer
	lock  *os.File
	state s3State
}

// s3State is kept in the folder, so that addresses that were signed before a restart still open.
type s3State struct{ Addr, Key, Secret string }

// StartS3 serves the objects in dir.
func StartS3(ctx context.Context, dir string, o S3Options) (*S3, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := mine(dir); err != nil {
		return nil, fmt.Errorf("the folder of S3: %w", err)
	}
	s := &S3{}
	if s.lock, err = lockDir(dir); err != nil {
		return nil, err
	}
	if err = s.start(ctx, dir, o); err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	return s, nil
}

func (s *S3) start(ctx context.Context, dir string, o S3Options) error {
	file := filepath.Join(dir, "gateway.json")
	if err := s.readState(file); err != nil {
		return err
	}
	if o.Addr != "" {
		s.state.Addr = o.Addr
	}
	for try := 1; ; try++ {
		if s.state.Addr == "" || (o.Addr == "" && !soonFree(ctx, s.state.Addr)) {
			addr, err := freeAddr()
			if err != nil {
				return err
			}
			s.state.Addr = addr
		}
		err := s.launch(ctx, dir, o.Origins)
		if err == nil {
			break
		}
		if o.Addr != "" || try == 3 || ctx.Err() != nil {
			return err
		}
		s.state.Addr = "" // somebody took the port in between
	}
	b, err := json.Marshal(s.state)
	if err == nil {
		err = writeFile(file, b)
	}
	if err != nil {
		s.stop()
	}
	return err
}

func (s *S3) readState(file string) error {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		s.state = s3State{Key: "vitrine", Secret: rand.Text()}
		return nil
	}
	if err != nil {
		return err
	}
	err = json.Unmarshal(b, &s.state)
	if err == nil && s.state.Secret == "" {
		err = errors.New("it holds no secret")
	}
	if err != nil {
		return fmt.Errorf("%s cannot be used: %w. Remove it; links that were signed before then end", file, err)
	}
	return nil
}

func (s *S3) launch(ctx context.Context, dir string, origins []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "s3d", dir, s.state.Addr, strings.Join(origins, ","))
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TZ=UTC", childMark + "=1", "S3D_KEY=" + s.state.Key, "S3D_SECRET=" + s.state.Secret}
	cmd.Stderr = os.Stderr
	if s.stdin, err = cmd.StdinPipe(); err != nil { // its end tells the child that we are gone
		return err
	}
	if s.child, err = startChild(cmd); err != nil {
		return fmt.Errorf("start the local S3: %w", err)
	}
	if err := s.ready(ctx); err != nil {
		s.stop()
		return err
	}
	return nil
}

func (s *S3) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	go func() { // whoever has the port instead may never answer
		select {
		case <-s.child.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint()+"/healthz", nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(r)
		if err == nil {
			res.Body.Close()
		}
		select {
		case <-s.child.ended:
			return fmt.Errorf("the local S3 ended (is %s taken?): %w", s.state.Addr, s.child.err)
		case <-ctx.Done():
			return fmt.Errorf("the local S3 did not start on %s: %w", s.state.Addr, errors.Join(ctx.Err(), s.child.stop(syscall.SIGTERM, time.Second)))
		case <-time.After(10 * time.Millisecond):
			if err == nil && res.StatusCode == http.StatusOK {
				return nil
			}
		}
	}
}

// Endpoint, Key and Secret are what a client needs; the region is us-east-1.
func (s *S3) Endpoint() string { return "http://" + s.state.Addr }
func (s *S3) Key() string      { return s.state.Key }
func (s *S3) Secret() string   { return s.state.Secret }

// Stop ends the gateway. A transfer that is not done in 300 ms is cut, and resumed by whoever made it.
func (s *S3) Stop() {
	s.stop()
	s.lock.Close()
}

func (s *S3) stop() {
	if err := s.child.stop(syscall.SIGTERM, 3*time.Second); err != nil {
		slog.Warn("the local S3 did not stop in order", "err", err)
	}
	s.stdin.Close()
}

// soonFree waits a little for the gateway of a run that was killed just now.
func soonFree(ctx context.Context, addr string) bool {
	for until := time.Now().Add(1500 * time.Millisecond); ; {
		l, err := net.Listen("tcp", addr)
		if err == nil {
			return l.Close() == nil
		}
		if time.Now().After(until) || ctx.Err() != nil {
			return false
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
