package embedded

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

// S3Options say which pages may talk to the bucket from a browser, and where to listen; Addr is chosen when empty.
type S3Options struct {
	Origins []string
	Addr    string
}

// S3 is a gateway to a folder, run as a child of this same binary: the library changes the working directory
// of its process.
type S3 struct {
	cmd   *exec.Cmd
	done  chan error
	state s3State
}

// s3State is kept in the folder, so that addresses that were signed before a restart still open.
type s3State struct{ Addr, Key, Secret string }

// childMark is the environment variable that turns a test binary into the gateway.
const childMark = "VITRINE_S3_CHILD"

// StartS3 serves the objects in dir.
func StartS3(ctx context.Context, dir string, o S3Options) (*S3, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	st, err := readState(filepath.Join(dir, "gateway.json"), o.Addr)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &S3{cmd: exec.Command(self, "s3d", dir, st.Addr, strings.Join(o.Origins, ",")), done: make(chan error, 1), state: st}
	s.cmd.Env = append(os.Environ(), childMark+"=1", "S3D_KEY="+st.Key, "S3D_SECRET="+st.Secret)
	s.cmd.Stderr = os.Stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	bindToParent(s.cmd.SysProcAttr)
	if err := startBound(s.cmd, s.done); err != nil {
		return nil, err
	}
	if err := s.ready(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func readState(file, addr string) (s3State, error) {
	var st s3State
	if b, err := os.ReadFile(file); err == nil {
		if err := json.Unmarshal(b, &st); err != nil {
			return st, fmt.Errorf("%s: %w", file, err)
		}
	}
	if st.Secret == "" {
		st.Key, st.Secret = "vitrine", rand.Text()
	}
	if addr != "" {
		st.Addr = addr
	}
	if st.Addr == "" || !isFree(st.Addr) {
		port, err := freePort()
		if err != nil {
			return st, err
		}
		st.Addr = fmt.Sprintf("127.0.0.1:%d", port)
	}
	b, err := json.Marshal(st)
	if err != nil {
		return st, err
	}
	return st, os.WriteFile(file, b, 0o600)
}

func isFree(addr string) bool {
	l, err := net.Listen("tcp", addr)
	if err == nil {
		l.Close()
	}
	return err == nil
}

func (s *S3) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint()+"/healthz", nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(r); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-s.done:
			return fmt.Errorf("the local S3 ended: %w", err)
		case <-ctx.Done():
			return errors.New("the local S3 did not start in time")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *S3) Endpoint() string { return "http://" + s.state.Addr }
func (s *S3) Key() string      { return s.state.Key }
func (s *S3) Secret() string   { return s.state.Secret }

// Stop ends the gateway.
func (s *S3) Stop() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
	case <-time.After(3 * time.Second):
		s.cmd.Process.Kill()
	}
}

// ChildMain turns the process into the gateway when it was started as one. Test binaries call it first.
func ChildMain() {
	if os.Getenv(childMark) != "" && len(os.Args) > 1 && os.Args[1] == "s3d" {
		os.Exit(S3Child(os.Args[2:]))
	}
}

// S3Child is the gateway itself: s3d DIR ADDR ORIGINS.
func S3Child(args []string) int {
	if len(args) != 3 {
		log.Print("usage: s3d DIR ADDR ORIGINS")
		return 2
	}
	if err := serveS3(args[0], args[1], args[2]); err != nil {
		log.Print("local S3: ", err)
		return 1
	}
	return 0
}

func serveS3(dir, addr, origins string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	for _, d := range []string{"/objects", "/meta"} {
		if err := os.MkdirAll(dir+d, 0o700); err != nil {
			return err
		}
	}
	side, err := meta.NewSideCar(dir + "/meta")
	if err != nil {
		return err
	}
	be, err := posix.New(dir+"/objects", side, posix.PosixOpts{SideCarDir: dir + "/meta", CopyObjectThreshold: 5 << 30})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return embedgw.RunVersityGW(ctx, be, &embedgw.Config{
		RootUserAccess: os.Getenv("S3D_KEY"), RootUserSecret: os.Getenv("S3D_SECRET"), Region: "us-east-1", Ports: []string{addr},
		MaxConnections: 1024, MaxRequests: 512, MultipartMaxParts: 10000, CORSAllowOrigin: origins,
		HealthPath: "/healthz", Quiet: true, DisableACLs: true, KeepAlive: true,
	})
}
