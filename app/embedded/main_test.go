package embedded

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// worldMark makes this test binary a stand-in for `vitrine dev`, to be killed.
const worldMark = "VITRINE_TEST_WORLD"

func TestMain(m *testing.M) {
	ChildMain()
	if dir := os.Getenv(worldMark); dir != "" {
		if err := world(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	code := m.Run()
	StopShared()
	if dir, _ := made(); dir != "" {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// seen is what the world tells before it is killed.
type seen struct {
	Postgres, S3 int // process ids
	Socket       string
	Endpoint     string
}

// world starts everything, commits one thing to each, tells so, and waits for its death.
func world(dir string) error {
	ctx := context.Background()
	p, err := StartPostgres(ctx, filepath.Join(dir, "postgres"), PostgresOptions{Root: "../.."})
	if err != nil {
		return err
	}
	db, err := sql.Open("postgres", p.URL("vitrine"))
	if err != nil {
		return err
	}
	if _, err := db.Exec(`CREATE TABLE kept (n int); INSERT INTO kept VALUES (42)`); err != nil {
		return err
	}
	g, err := StartS3(ctx, filepath.Join(dir, "s3"), S3Options{})
	if err != nil {
		return err
	}
	c := client(g)
	if _, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("files")}); err != nil {
		return err
	}
	if _, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("files"), Key: aws.String("a/b.txt"), Body: strings.NewReader("kept"), ContentType: aws.String("text/plain")}); err != nil {
		return err
	}
	m, err := StartSMTP(SMTPOptions{Dir: filepath.Join(dir, "mail")})
	if err != nil {
		return err
	}
	if err := deliver(m, "ada@example.test", "Subject: kept\r\n\r\nkept\r\n"); err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(seen{p.child.cmd.Process.Pid, g.child.cmd.Process.Pid, p.sock, g.Endpoint()}); err != nil {
		return err
	}
	select {}
}

// startWorld starts the test binary as a world on dir and returns once everything in it is committed.
func startWorld(t *testing.T, dir string) (*exec.Cmd, seen) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), worldMark+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal("the child told nothing: ", err)
	}
	var s seen
	if err := json.Unmarshal(line, &s); err != nil {
		t.Fatal(err)
	}
	return cmd, s
}

func root(t *testing.T) string {
	t.Helper()
	r, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// made is a cluster that tests begin with: making one takes most of a second.
var made = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "vt-made")
	if err != nil {
		return "", err
	}
	p, err := StartPostgres(context.Background(), dir, PostgresOptions{Root: "../.."})
	if err != nil {
		return dir, err
	}
	return dir, p.Stop()
})

// withCluster copies the one that was made to dir.
func withCluster(t *testing.T, dir string) string {
	t.Helper()
	from, err := made()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := copyTree(from, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func startPostgres(t *testing.T, dir string) *Postgres {
	t.Helper()
	at := time.Now()
	p, err := StartPostgres(t.Context(), dir, PostgresOptions{Root: root(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("Postgres started in %v", time.Since(at).Round(time.Millisecond))
	t.Cleanup(func() { p.Stop() })
	return p
}

func exec1(t *testing.T, p *Postgres, statement string) {
	t.Helper()
	db, err := sql.Open("postgres", p.URL("vitrine"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func number(t *testing.T, p *Postgres, query string) int {
	t.Helper()
	db, err := sql.Open("postgres", p.URL("vitrine"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n int
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func client(g *S3) *s3.Client {
	return s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(g.Endpoint()), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(g.Key(), g.Secret(), ""),
	})
}

// deliver speaks SMTP by hand: a test world has no other sender.
func deliver(s *SMTP, to, message string) error {
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "smtp://"))
	if err != nil {
		return err
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for _, say := range []string{"", "HELO test", "MAIL FROM:<shop@example.test>", "RCPT TO:<" + to + ">", "DATA", message + "."} {
		if say != "" {
			if _, err := io.WriteString(conn, say+"\r\n"); err != nil {
				return err
			}
		}
		answer, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		if answer[0] != '2' && answer[0] != '3' {
			return fmt.Errorf("%s: %s", say, answer)
		}
	}
	return nil
}

// eventually polls until ok, for what another process does.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for until := time.Now().Add(15 * time.Second); !ok(); {
		if time.Now().After(until) {
			t.Fatal("not within 15 s: ", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// gone: a process that has ended but was not collected counts as gone.
func gone(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return syscall.Kill(pid, 0) != nil
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return strings.HasPrefix(rest, "Z") || strings.HasPrefix(rest, "X")
}
