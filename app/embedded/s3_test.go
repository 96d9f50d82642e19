package embedded

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const bucket = "files"

var (
	appOrigin   = "http://localhost:8080"
	mediaOrigin = "http://media.localhost:8080"
)

func startS3(t *testing.T, dir string) (*S3, *s3.Client) {
	t.Helper()
	at := time.Now()
	g, err := StartS3(t.Context(), dir, S3Options{Origins: []string{appOrigin, mediaOrigin}})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("S3 started in %v", time.Since(at).Round(time.Millisecond))
	t.Cleanup(g.Stop)
	c := client(g)
	if _, err := c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String(bucket)}); err != nil {
		if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
			t.Fatal(err)
		}
	}
	return g, c
}

func put(t *testing.T, c *s3.Client, key, body string) {
	t.Helper()
	if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader(body), ContentType: aws.String("application/pdf")}); err != nil {
		t.Fatal(err)
	}
}

func signedGet(t *testing.T, c *s3.Client, in *s3.GetObjectInput) string {
	t.Helper()
	in.Bucket = aws.String(bucket)
	r, err := s3.NewPresignClient(c).PresignGetObject(t.Context(), in, s3.WithPresignExpires(10*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	return r.URL
}

// ask sends a request with headers in pairs and returns the answer with its body read.
func ask(t *testing.T, method, target string, body []byte, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

func TestASignedLinkIsRefusedWhenItWasTamperedWith(t *testing.T) {
	g, c := startS3(t, t.TempDir())
	put(t, c, "a.pdf", "%PDF-1.4")
	put(t, c, "secret.pdf", "%PDF-secret")
	good := signedGet(t, c, &s3.GetObjectInput{Key: aws.String("a.pdf"), ResponseContentDisposition: aws.String(`attachment; filename="Guide.pdf"`)})
	if res, body := ask(t, "GET", good, nil); res.StatusCode != 200 || body != "%PDF-1.4" {
		t.Fatalf("the link itself: %d %s", res.StatusCode, body)
	}
	u, err := url.Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	change := func(name, value string) string {
		v, q := *u, u.Query()
		q.Set(name, value)
		v.RawQuery = q.Encode()
		return v.String()
	}
	for name, bad := range map[string]string{
		"another object":  strings.Replace(good, "/a.pdf", "/secret.pdf", 1),
		"another name":    strings.Replace(good, "Guide", "Virus", 1),
		"a longer life":   change("X-Amz-Expires", "86400"),
		"a later time":    change("X-Amz-Date", time.Now().Add(time.Minute).UTC().Format("20060102T150405Z")),
		"no signature":    g.Endpoint() + "/files/secret.pdf",
		"a zero for it":   change("X-Amz-Signature", strings.Repeat("0", 64)),
		"somebody else's": change("X-Amz-Credential", strings.Replace(u.Query().Get("X-Amz-Credential"), "vitrine", "someone", 1)),
	} {
		if res, body := ask(t, "GET", bad, nil); res.StatusCode/100 != 4 || strings.Contains(body, "%PDF") {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	if res, _ := ask(t, "PUT", good, []byte("x")); res.StatusCode != 403 {
		t.Errorf("a link to read takes a write: %d", res.StatusCode)
	}
}

func TestOnlyTheGivenOriginsMayUpload(t *testing.T) {
	_, c := startS3(t, t.TempDir())
	r, err := s3.NewPresignClient(c).PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("up.pdf"), ContentType: aws.String("application/pdf")})
	if err != nil {
		t.Fatal(err)
	}
	preflight := func(origin string) *http.Response {
		res, _ := ask(t, "OPTIONS", r.URL, nil, "Origin", origin, "Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "content-type")
		return res
	}
	for _, origin := range []string{appOrigin, mediaOrigin} {
		h := preflight(origin)
		if h.StatusCode/100 != 2 || h.Header.Get("Access-Control-Allow-Origin") != origin || !strings.Contains(h.Header.Get("Access-Control-Allow-Methods"), "PUT") ||
			!strings.Contains(strings.ToLower(h.Header.Get("Access-Control-Allow-Headers")), "content-type") {
			t.Errorf("%s: %d %v", origin, h.StatusCode, h.Header)
		}
		res, body := ask(t, "PUT", r.URL, []byte("%PDF"), "Origin", origin, "Content-Type", "application/pdf")
		if got := res.Header.Values("Access-Control-Allow-Origin"); res.StatusCode != 200 || len(got) != 1 || got[0] != origin {
			t.Errorf("PUT from %s: %d %v %s", origin, res.StatusCode, got, body)
		}
		if res.Header.Get("ETag") == "" || !strings.Contains(res.Header.Get("Access-Control-Expose-Headers"), "ETag") {
			t.Errorf("the page cannot read the ETag: %v", res.Header)
		}
	}
	for _, origin := range []string{"https://evil.example", "http://localhost:8081", "http://localhost:80801", "null"} {
		if h := preflight(origin); h.StatusCode != 403 || h.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("preflight from %s: %d %v", origin, h.StatusCode, h.Header)
		}
		if res, _ := ask(t, "PUT", r.URL, []byte("%PDF"), "Origin", origin, "Content-Type", "application/pdf"); res.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s may read the answer: %v", origin, res.Header)
		}
	}
}

func TestAMultipartUploadResumesAfterAKill(t *testing.T) {
	dir := t.TempDir()
	g, c := startS3(t, dir)
	up, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String(bucket), Key: aws.String("big"), ContentType: aws.String("video/mp4")})
	if err != nil {
		t.Fatal(err)
	}
	parts := [][]byte{bytes.Repeat([]byte("a"), 5<<20), bytes.Repeat([]byte("b"), 5<<20), []byte("end")}
	links := make([]string, len(parts))
	for i := range parts {
		r, err := s3.NewPresignClient(c).PresignUploadPart(t.Context(), &s3.UploadPartInput{Bucket: aws.String(bucket), Key: aws.String("big"), UploadId: up.UploadId, PartNumber: aws.Int32(int32(i + 1))}, s3.WithPresignExpires(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		links[i] = r.URL
	}
	upload := func(i int) {
		if res, body := ask(t, "PUT", links[i], parts[i], "Origin", appOrigin); res.StatusCode != 200 {
			t.Fatalf("part %d: %d %s", i+1, res.StatusCode, body)
		}
	}
	upload(0)
	if err := g.child.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-g.child.ended
	g.Stop()

	_, c = startS3(t, dir) // the same address and secret: the links that were signed before still hold
	upload(1)
	upload(2)
	list, err := c.ListParts(t.Context(), &s3.ListPartsInput{Bucket: aws.String(bucket), Key: aws.String("big"), UploadId: up.UploadId})
	if err != nil || len(list.Parts) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	var done []types.CompletedPart
	for _, p := range list.Parts {
		done = append(done, types.CompletedPart{PartNumber: p.PartNumber, ETag: p.ETag})
	}
	if _, err := c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: aws.String(bucket), Key: aws.String("big"), UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: done}}); err != nil {
		t.Fatal(err)
	}
	_, body := ask(t, "GET", signedGet(t, c, &s3.GetObjectInput{Key: aws.String("big")}), nil)
	if body != string(bytes.Join(parts, nil)) {
		t.Errorf("%d bytes came back of %d", len(body), 10<<20+3)
	}
}

func TestADownloadHasItsNameAndResumes(t *testing.T) {
	_, c := startS3(t, t.TempDir())
	put(t, c, "a.pdf", "0123456789")
	name := `attachment; filename="Guide.pdf"; filename*=UTF-8''Gu%C3%AFde.pdf`
	link := signedGet(t, c, &s3.GetObjectInput{Key: aws.String("a.pdf"), ResponseContentDisposition: &name, ResponseContentType: aws.String("application/octet-stream")})
	res, body := ask(t, "GET", link, nil, "Range", "bytes=4-")
	if res.StatusCode != 206 || body != "456789" || res.Header.Get("Content-Range") != "bytes 4-9/10" {
		t.Errorf("%d %q %v", res.StatusCode, body, res.Header)
	}
	if res.Header.Get("Content-Disposition") != name || res.Header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("%v", res.Header)
	}
}

func TestS3MovesOnWhenItsPortIsTaken(t *testing.T) {
	dir := t.TempDir()
	g, c := startS3(t, dir)
	put(t, c, "a.pdf", "kept")
	old, secret := g.Endpoint(), g.Secret()
	g.Stop()
	ln, err := net.Listen("tcp", strings.TrimPrefix(old, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	g, c = startS3(t, dir)
	if g.Endpoint() == old || g.Secret() != secret {
		t.Errorf("%s then %s", old, g.Endpoint())
	}
	if _, body := ask(t, "GET", signedGet(t, c, &s3.GetObjectInput{Key: aws.String("a.pdf")}), nil); body != "kept" {
		t.Error(body)
	}
	if st, err := os.Stat(filepath.Join(dir, "gateway.json")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the secret's file: %v %v", st, err)
	}
	if _, err := StartS3(t.Context(), t.TempDir(), S3Options{Addr: ln.Addr().String()}); err == nil {
		t.Error("it came up on an address that was asked for and is taken")
	}
}

func TestAnIdleBrowserDoesNotHoldUpTheEnd(t *testing.T) {
	g, _ := startS3(t, t.TempDir())
	conn, err := net.Dial("tcp", g.state.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	g.Stop()
	if g.child.err != nil {
		t.Errorf("it was killed: %v", g.child.err)
	}
}
