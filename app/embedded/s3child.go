package embedded

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
	"github.com/versity/versitygw/s3err"
)

// childMark is the environment variable that turns a test binary into the gateway.
const childMark = "VITRINE_S3_CHILD"

// ChildMain turns the process into the gateway when it was started as one. Test binaries call it first.
func ChildMain() {
	if os.Getenv(childMark) != "" && len(os.Args) > 1 && os.Args[1] == "s3d" {
		os.Exit(S3Child(os.Args[2:]))
	}
}

// S3Child is the gateway itself: s3d DIR ADDR ORIGINS. It is a process of its own because the library changes the
// working directory and allows one gateway a process.
func S3Child(args []string) int {
	if len(args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: s3d DIR ADDR ORIGINS")
		return 2
	}
	if err := serveS3(args[0], args[1], strings.Split(args[2], ",")); err != nil {
		slog.Error("local S3", "err", err)
		return 1
	}
	return 0
}

func serveS3(dir, addr string, origins []string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	objects, sidecar := filepath.Join(dir, "objects"), filepath.Join(dir, "meta")
	for _, d := range []string{objects, sidecar} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return err
		}
	}
	side, err := meta.NewSideCar(sidecar)
	if err != nil {
		return err
	}
	files, err := posix.New(objects, side, posix.PosixOpts{SideCarDir: sidecar, CopyObjectThreshold: 5 << 30})
	if err != nil {
		return err
	}
	be, err := withCORS(files, origins)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	go func() {
		defer stop()
		io.Copy(io.Discard, os.Stdin) // ends when whoever started us does, on every system
	}()
	ended := make(chan error, 1)
	go func() {
		ended <- embedgw.RunVersityGW(ctx, be, &embedgw.Config{
			RootUserAccess: os.Getenv("S3D_KEY"), RootUserSecret: os.Getenv("S3D_SECRET"), Region: "us-east-1", Ports: []string{addr},
			MaxConnections: 1024, MaxRequests: 512, MultipartMaxParts: 10000,
			HealthPath: "/healthz", Quiet: true, DisableACLs: true, KeepAlive: true,
		})
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(300 * time.Millisecond): // it would wait 10 s for connections that are open and not used
		return nil
	}
}

// openTo answers for buckets that have no CORS rules of their own. The library's own default is one origin, sent to
// every page that asks.
type openTo struct {
	backend.Backend
	rules []byte
}

func withCORS(be backend.Backend, origins []string) (backend.Backend, error) {
	rule := auth.CORSRule{
		AllowedMethods: []auth.CORSHTTPMethod{http.MethodGet, http.MethodHead, http.MethodPut},
		AllowedHeaders: []auth.CORSHeader{"*"},
		ExposeHeaders:  []auth.CORSHeader{"ETag"},
	}
	for _, o := range origins {
		if o != "" {
			rule.AllowedOrigins = append(rule.AllowedOrigins, auth.CORSOrigin(o))
		}
	}
	if len(rule.AllowedOrigins) == 0 {
		return be, nil
	}
	maxAge := int32(600)
	rule.MaxAgeSeconds = &maxAge
	cfg := auth.CORSConfiguration{Rules: []auth.CORSRule{rule}}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	b, err := xml.Marshal(cfg)
	return openTo{be, b}, err
}

func (o openTo) GetBucketCors(ctx context.Context, bucket string) ([]byte, error) {
	b, err := o.Backend.GetBucketCors(ctx, bucket)
	var s3 s3err.S3Error
	if errors.As(err, &s3) && s3.BaseError().Code == "NoSuchCORSConfiguration" {
		return o.rules, nil
	}
	return b, err
}
