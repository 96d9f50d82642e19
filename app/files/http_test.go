package files

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"vitrine/app/config"
	"vitrine/app/id"
	"vitrine/app/web"
	"vitrine/app/web/webtest"
)

// people takes the session at its word; each has a shop.
type people struct{}

func (people) Person(_ context.Context, user id.User, _ id.Shop) (web.Person, error) {
	return web.Person{ID: user, Verified: true, Role: "creator", Shop: id.New[id.ShopKind](), ShopSlug: "test", Currency: "EUR"}, nil
}

// browser is one in which who is signed in; a second one of a guest is had with the zero id.
func (w world) browser(t *testing.T, who id.User) *webtest.Browser {
	t.Helper()
	cfg := &config.Config{Port: 8080, SecretKey: config.Secret(strings.Repeat("s", 32)), StripeCheckoutOrigin: "https://checkout.stripe.com"}
	cfg.Complete()
	limits := web.NewLimiter(nil)
	limits.Off = true
	r, err := web.NewRouter(cfg, web.NewSessions(cfg, w.d), limits)
	if err != nil {
		t.Fatal(err)
	}
	r.People = people{}
	r.On(web.App, "/test", web.Anyone).POST("/in", func(c echo.Context) error {
		if err := web.SignIn(c, who); err != nil {
			return err
		}
		return c.NoContent(204)
	})
	(&Handler{Service: w.Service}).Routes(r)
	b := webtest.New(t, r, "http://localhost:8080")
	if !who.IsZero() {
		b.Post("/test/in", nil).Is(204)
	}
	return b
}

func decode[T any](t *testing.T, p *webtest.Page) (v T) {
	t.Helper()
	if ct := p.Header.Get("Content-Type"); !strings.HasPrefix(ct, "application/json") {
		t.Fatalf("%s answered %d %s: %s", p.URL, p.Status, ct, p.Body)
	}
	if err := json.Unmarshal([]byte(p.Body), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

type failure struct {
	Error struct {
		Kind, Message string
		Fields        map[string]string
	}
	Missing []int
}

func TestTheIslandUploadsAPicture(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t, w.who)
	body := pngOf(t, photo(500, 400))
	f := decode[upload](t, b.Do("POST", "/app/files", "application/json", fmt.Sprintf(`{"purpose":"image","name":"a.png","size":%d}`, len(body))).Is(201))
	if f.Status != Uploading || f.Parts != 1 || f.PartSize != 8<<20 || len(f.Have) != 0 {
		t.Fatalf("%+v", f)
	}
	at := "/app/files/" + f.ID.String()
	lack := decode[failure](t, b.Do("POST", at+"/completion", "", "").Is(409))
	if len(lack.Missing) != 1 || lack.Missing[0] != 1 || lack.Error.Message == "" {
		t.Fatalf("%+v", lack)
	}
	parts := decode[struct{ URLs []PartURL }](t, b.Do("POST", at+"/parts", "application/json", `{"numbers":[1]}`).Is(200))
	if s := put(t, parts.URLs[0], body); s != 200 {
		t.Fatal(s)
	}
	if f = decode[upload](t, b.Get(at).Is(200)); len(f.Have) != 1 {
		t.Fatalf("%+v", f)
	}
	if f = decode[upload](t, b.Do("POST", at+"/completion", "", "").Is(202)); f.Status != Checking {
		t.Fatalf("%+v", f)
	}
	if err := w.check(t.Context(), Check{f.ID}); err != nil {
		t.Fatal(err)
	}
	f = decode[upload](t, b.Get(at).Is(200))
	if f.Status != Ready || f.Picture == nil || !strings.HasPrefix(f.Picture.URL, "http://media.test/m/"+f.ID.String()+"/") || f.Picture.Width != 500 {
		t.Fatalf("%+v", f)
	}
	b.Do("DELETE", at, "", "").Is(204)
	if decode[upload](t, b.Get(at).Is(200)).Status != Ready {
		t.Error("a finished file was stopped")
	}
}

func TestTheIslandIsToldWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t, w.who)
	for _, body := range []string{
		``, `{`, `[]`, `{"purpose":"product","name":"a","size":1,"key":"media/x"}`, `{"purpose":"product","name":"a","size":1,"creator_id":"x"}`,
		`{"purpose":"product","name":"a","size":"1"}`, `{"purpose":"product","name":"a","size":1.5}`, `{"purpose":"product","name":"a","size":1e30}`,
		`{"purpose":"product","name":"a","size":0}`, `{"purpose":"product","name":"a","size":-5}`, `{"purpose":"product","name":"a","size":9223372036854775807}`,
		`{"purpose":"other","name":"a","size":1}`, `{"purpose":"product","name":"a","size":1}{}`, `{"purpose":"product","name":"` + strings.Repeat("a", 20<<10) + `","size":1}`,
	} {
		p := b.Do("POST", "/app/files", "application/json", body)
		if e := decode[failure](t, p.Is(422)); e.Error.Message == "" {
			t.Errorf("%s: %s", body, p.Body)
		}
	}
	for _, at := range []string{"/app/files/x", "/app/files/" + id.New[id.FileKind]().String(), "/app/files/..%2f..%2fx"} {
		b.Get(at).Is(404)
		b.Do("POST", at+"/completion", "", "").Is(404)
		b.Do("POST", at+"/parts", "application/json", `{"numbers":[1]}`).Is(404)
		b.Do("DELETE", at, "", "").Is(404)
	}
	f := must(w.Start(t.Context(), w.who, ForProduct, "a", 5))
	for _, body := range []string{`{}`, `{"numbers":[]}`, `{"numbers":[0]}`, `{"numbers":[2]}`, `{"numbers":[1.5]}`, `{"numbers":"1"}`} {
		decode[failure](t, b.Do("POST", "/app/files/"+f.ID.String()+"/parts", "application/json", body).Is(422))
	}
}

func TestUploadsAreForTheirCreatorAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := must(w.Start(t.Context(), w.who, ForProduct, "a", 5))
	at := "/app/files/" + f.ID.String()
	eve := w.browser(t, newWorld(t).who)
	eve.Get(at).Is(404)
	eve.Do("POST", at+"/parts", "application/json", `{"numbers":[1]}`).Is(404)
	eve.Do("POST", at+"/completion", "", "").Is(404)
	eve.Do("DELETE", at, "", "").Is(404)
	guest := w.browser(t, id.User{})
	guest.HTMX = true
	guest.Get(at).Is(401)
	guest.Do("POST", "/app/files", "application/json", `{}`).Is(401)
	ada := w.browser(t, w.who)
	ada.Header.Set("Sec-Fetch-Site", "cross-site")
	ada.Do("POST", "/app/files", "application/json", `{"purpose":"product","name":"a","size":1}`).Is(403)
}

func TestPicturesAreServedForEver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.arrive(t, ForImage, "a.jpg", jpegOf(t, photo(400, 300)))
	b := w.browser(t, id.User{})
	at := "http://media.localhost:8080/m/" + f.ID.String()
	p := b.Get(at + "/360.jpg").Is(200)
	for k, want := range map[string]string{
		"Content-Type": "image/jpeg", "Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff", "Set-Cookie": "",
		"Cross-Origin-Resource-Policy": "cross-origin", "Content-Length": fmt.Sprint(len(p.Body)),
	} {
		if got := p.Header.Get(k); got != want {
			t.Errorf("%s: %q", k, got)
		}
	}
	shop := b.Get("http://shop.localhost:8080/m/" + f.ID.String() + "/360.jpg").Is(200)
	if shop.Body != p.Body || shop.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Error("the shop's host shows another picture")
	}
	for _, csp := range []string{p.Header.Get("Content-Security-Policy"), shop.Header.Get("Content-Security-Policy")} {
		if !strings.Contains(csp, "sandbox") || !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "style-src") {
			t.Error(csp)
		}
	}
	if h := b.Do("HEAD", at+"/360.jpg", "", "").Is(200); h.Body != "" || h.Header.Get("Content-Length") != fmt.Sprint(len(p.Body)) {
		t.Errorf("%d %v", len(h.Body), h.Header)
	}
	b.Header.Set("If-None-Match", p.Header.Get("ETag"))
	if again := b.Get(at + "/360.jpg").Is(304); again.Body != "" || again.Header.Get("ETag") == "" {
		t.Errorf("%q", again.Body)
	}
	b.Header.Del("If-None-Match")
	for _, miss := range []string{
		at + "/361.jpg", at + "/360.png", at + "/0360.jpg", at + "/360.jpg.exe", at + "/360", at + "/-1.jpg", at + "/9999.jpg", at + "/..%2f..%2ffiles%2f" + f.ID.String(),
		"http://media.localhost:8080/m/" + strings.ToUpper(f.ID.String()) + "/360.jpg", "http://media.localhost:8080/m/x/360.jpg", "http://media.localhost:8080/m/" + id.New[id.FileKind]().String() + "/360.jpg",
		"http://media.localhost:8080/", "http://localhost:8080/m/" + f.ID.String() + "/360.jpg",
	} {
		b.Get(miss).Is(404)
	}
}

// formOf is what a browser without JavaScript sends.
func formOf(fields [][2]string, name string, body []byte) (contentType, form string) {
	var s strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&s, "--XX\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", f[0], f[1])
	}
	fmt.Fprintf(&s, "--XX\r\nContent-Disposition: form-data; name=\"upload\"; filename=%q\r\nContent-Type: text/html\r\n\r\n%s\r\n--XX--\r\n", name, body)
	return "multipart/form-data; boundary=XX", s.String()
}

func readForm(t *testing.T, contentType, form string) (echo.Context, []Sent, error) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form))
	r.Header.Set("Content-Type", contentType)
	c := echo.New().NewContext(r, httptest.NewRecorder())
	sent, err := ReadForm(c)
	t.Cleanup(func() { CloseAll(sent) })
	return c, sent, err
}

func TestAFormBringsItsFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ct, form := formOf([][2]string{{"name", "Forty\x00 glazes"}, {"files", "a"}, {"files", "b"}}, "../a.pdf", []byte("%PDF-1.7 hello"))
	c, sent, err := readForm(t, ct, form)
	if err != nil || len(sent) != 1 || sent[0].Field != "upload" || sent[0].Size != 14 {
		t.Fatalf("%+v %v", sent, err)
	}
	if web.Text(c, "name") != "Forty glazes" || len(c.Request().PostForm["files"]) != 2 {
		t.Error(c.Request().PostForm)
	}
	f, err := w.StoreSent(t.Context(), w.who, ForProduct, sent[0])
	if err != nil || f.Name != "a.pdf" || f.Status != Ready {
		t.Fatalf("%+v %v", f, err)
	}
	if err := w.check(t.Context(), Check{f.ID}); err != nil {
		t.Fatal(err)
	}
	if f = w.now(t, f); f.Status != Ready || f.ContentType != "application/pdf" {
		t.Errorf("%+v", f)
	}
	_, sent, err = readForm(t, "multipart/form-data; boundary=XX", "--XX\r\nContent-Disposition: form-data; name=\"upload\"; filename=\"\"\r\n\r\n\r\n--XX--\r\n")
	if err != nil || len(sent) != 0 {
		t.Errorf("a field left empty is %+v, %v", sent, err)
	}
	ct, form = formOf(nil, "empty.pdf", nil)
	_, sent, err = readForm(t, ct, form)
	if err != nil || len(sent) != 1 {
		t.Fatal(sent, err)
	}
	if _, err := w.StoreSent(t.Context(), w.who, ForProduct, sent[0]); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Error(err)
	}
}

func TestAFileTooLargeForAFormDoesNotLoseTheFields(t *testing.T) {
	w := newWorld(t)
	ct, form := formOf([][2]string{{"name", "kept"}}, "big.bin", make([]byte, MaxPlain+5))
	before, _ := filepath.Glob(filepath.Join(os.TempDir(), "vitrine-upload-*"))
	c, sent, err := readForm(t, ct, form)
	if err != nil || len(sent) != 1 || !sent[0].TooBig || sent[0].Size != MaxPlain+5 || web.Text(c, "name") != "kept" {
		t.Fatalf("%+v %v", sent, err)
	}
	after, _ := filepath.Glob(filepath.Join(os.TempDir(), "vitrine-upload-*"))
	if len(after) > len(before) {
		t.Errorf("left behind: %v", after)
	}
	if _, err := w.StoreSent(t.Context(), w.who, ForProduct, sent[0]); web.Status(err) != 413 || !strings.Contains(err.Error(), "32 MB") {
		t.Error(err)
	}
	if _, _, err := readForm(t, ct, "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"+strings.Repeat("x", formLimit+1)+"\r\n--XX--\r\n"); web.Status(err) != 413 {
		t.Error(err)
	}
	if _, _, err := readForm(t, "application/x-www-form-urlencoded", "a="+strings.Repeat("x", formLimit+1)); web.Status(err) != 413 {
		t.Error(err)
	}
	for _, broken := range []string{"--XX\r\nContent-Disposition: form-data; name=\"upload\"; filename=\"a\"\r\n\r\nabc"} {
		if _, _, err := readForm(t, ct, broken); web.Status(err) != 422 {
			t.Errorf("%q: %v", broken, err)
		}
	}
	if c, _, err := readForm(t, "application/x-www-form-urlencoded", "name=plain"); err != nil || web.Text(c, "name") != "plain" {
		t.Error(err)
	}
}
