package accounts_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"vitrine/app/apptest"
	"vitrine/app/sandbox"
	"vitrine/app/web"
	"vitrine/app/web/webtest"
)

const freshPath = "/app/test-fresh"

// till registers a route that asks for a fresh proof, and returns what was sent to it.
func till(w *apptest.World) *[]url.Values {
	var got []url.Values
	g := w.App.Router.On(web.App, freshPath, web.Creator)
	g.GET("", func(c echo.Context) error { return c.String(http.StatusOK, "open") }, web.Fresh)
	g.POST("", func(c echo.Context) error {
		if err := c.Request().ParseMultipartForm(1 << 20); err != nil && err != http.ErrNotMultipart {
			return err
		}
		got = append(got, c.Request().PostForm)
		return c.String(http.StatusOK, "taken")
	}, web.Fresh)
	return &got
}

func TestAProofGrowsOldAfterTenMinutes(t *testing.T) {
	w := apptest.New(t)
	got := till(w)
	c := w.Creator()
	again := "/login/again?next=" + url.QueryEscape(freshPath)
	c.Get(freshPath).Is(http.StatusOK)
	c.Get("/login/again").Goes("/app/today") // needless
	w.Pass(9*time.Minute + 50*time.Second)
	c.Get(freshPath).Is(http.StatusOK)
	c.Post(freshPath, url.Values{"iban": {"x"}}).Is(http.StatusOK)
	w.Pass(11 * time.Second)
	c.Get(freshPath).Is(http.StatusSeeOther).Goes(again)
	c.Get(freshPath + "?a=1&b=2").Goes("/login/again?next=" + url.QueryEscape(freshPath+"?a=1&b=2"))
	c.HTMX = true
	c.Get(freshPath).Is(http.StatusUnauthorized).Goes(again)
	c.HTMX = false
	c.Get("/app/you").Is(http.StatusOK) // nothing else asks

	asking := 0
	for _, r := range w.App.Router.Table() {
		if !r.Fresh || strings.Contains(r.Path, ":") {
			continue
		}
		asking++
		p := c.Do(r.Method, r.Path, "application/x-www-form-urlencoded", "a=b")
		if p.Status != http.StatusSeeOther || !strings.HasPrefix(p.Header.Get("Location"), "/login/again?next=") {
			t.Errorf("%s %s does not ask: %d", r.Method, r.Path, p.Status)
		}
	}
	if asking < 8 {
		t.Errorf("only %d routes ask", asking)
	}

	typed := url.Values{"iban": {"DE89 3704 0044 0532 0130 00"}, "note": {"two\nlines & \"quotes\" <b>"}, "tag": {"a", "b"}, "password": {"secret words"}, "recovery": {"abcde-fghij"}}
	for _, c.HTMX = range []bool{false, true} {
		before, token := len(*got), cookie(c.Browser)
		p := c.Post(freshPath, typed).Goes("/login/again?next=%2Fresume")
		if len(*got) != before {
			t.Fatal("it was let through")
		}
		c.HTMX = false
		ask := c.Follow(p).Is(http.StatusOK).Has("is kept").Has(`autocomplete="current-password"`)
		c.Submit(ask, "#again", map[string]string{"password": "not the words"}).Is(http.StatusUnprocessableEntity).Has("not your password").Has("is kept")
		c.Get(freshPath).Goes(again)
		resume := c.Follow(c.Submit(ask, "#again", map[string]string{"password": apptest.Password}).Goes("/resume")).Is(http.StatusOK)
		if cookie(c.Browser) == token {
			t.Error("the session kept its token")
		}
		resume.Has("DE89 3704 0044 0532 0130 00").HasNot("secret words").HasNot("abcde-fghij").HasNot("signed out")
		c.Submit(resume, `form[action="`+freshPath+`"]`, nil).Is(http.StatusOK)
		sent := (*got)[len(*got)-1]
		for _, k := range []string{"iban", "note", "tag"} {
			if strings.Join(sent[k], "|") != strings.Join(typed[k], "|") {
				t.Errorf("%s arrived as %q", k, sent[k])
			}
		}
		c.Get("/resume").Goes("/app/today") // what has arrived is kept no longer
		w.Pass(11 * time.Minute)
	}

	// A button without any field is pressed again where it is; a form of many parts is kept.
	c.Header.Set("Referer", w.Config.AppURL+"/app/you")
	c.Post(freshPath, nil).Goes("/login/again?next=%2Fapp%2Fyou")
	c.HTMX = true
	c.Header.Set("HX-Current-URL", w.Config.AppURL+"/app/orders?page=2")
	c.Post(freshPath, nil).Is(http.StatusUnauthorized).Goes("/login/again?next=" + url.QueryEscape("/app/orders?page=2"))
	c.HTMX = false
	c.Header = http.Header{}
	const parts = "--x\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nin parts\r\n--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nabc\r\n--x--\r\n"
	c.Do(http.MethodPost, freshPath, "multipart/form-data; boundary=x", parts).Goes("/login/again?next=%2Fresume")
	// What cannot be kept leads back to where it was typed.
	c.Header.Set("Referer", w.Config.AppURL+"/app/you?x=1")
	c.Post(freshPath, url.Values{"note": {strings.Repeat("x", 70<<10)}}).Goes("/login/again?next=" + url.QueryEscape("/app/you?x=1"))
	c.Header.Set("Referer", "https://evil.example/app/you")
	c.Post(freshPath, url.Values{"note": {strings.Repeat("x", 70<<10)}}).Goes("/login/again?next=" + url.QueryEscape("/app/today"))
	c.Header.Del("Referer")
	w.Browser().Get(freshPath).Goes("/login?next=" + url.QueryEscape(freshPath))
}

func TestShowingItAgainWithTwoSteps(t *testing.T) {
	w := apptest.New(t)
	got := till(w)
	c := w.Creator()
	secret, codes := setUp(t, w, c.Browser, "")
	w.Pass(11 * time.Minute)
	ask := c.Follow(c.Post(freshPath, url.Values{"iban": {"x"}})).Is(http.StatusOK).Has(`autocomplete="one-time-code"`)
	send := func(password, code, recovery string) *webtest.Page {
		return c.Submit(ask, "#again", map[string]string{"password": password, "code": code, "recovery": recovery})
	}
	send(apptest.Password, "", "").Is(http.StatusUnprocessableEntity)
	send(apptest.Password, w.Code(secret, 99), "").Is(http.StatusUnprocessableEntity).Has("not the code")
	send("not the words", w.Code(secret, 0), "").Is(http.StatusUnprocessableEntity).Has("not your password")
	c.Get(freshPath).Is(http.StatusSeeOther)
	send(apptest.Password, w.Code(secret, 0), "").Goes("/resume") // the wrong password has not used the code up
	c.Get(freshPath).Is(http.StatusOK)
	w.Pass(11 * time.Minute)
	c.Get(freshPath).Is(http.StatusSeeOther)
	send(apptest.Password, "", codes[0]).Goes("/resume")
	c.Get(freshPath).Is(http.StatusOK)
	if len(*got) != 0 {
		t.Error("something was sent unasked")
	}

	// Nobody tries passwords here for ever, whatever address they come from.
	w.Pass(11 * time.Minute)
	refused := 0
	for i := range 20 {
		c.Remote = "198.51.100." + string(rune('1'+i%9)) + ":1"
		if c.Post("/login/again", url.Values{"password": {"guess"}}).Status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused < 8 {
		t.Errorf("%d of 20 guesses were refused", refused)
	}
}

func TestOnlyTheSameGoogleAccountShowsItAgain(t *testing.T) {
	w := apptest.New(t)
	var verified []sandbox.Person
	for _, p := range w.Box.Google().People() {
		if p.Verified {
			verified = append(verified, p)
		}
	}
	mine, other := verified[0], verified[1]
	through := func(b *webtest.Browser, answer *webtest.Page, p sandbox.Person) *webtest.Page {
		t.Helper()
		return b.Get("/auth/google/back?" + choose(t, answer.Is(http.StatusSeeOther).Header.Get("Location"), p).Encode())
	}
	b := w.Browser()
	through(b, b.Submit(b.Get("/login"), `form[action="/auth/google"]`, nil), mine).Goes("/app/today")
	b.Get("/app/security").Is(http.StatusOK)
	w.Pass(11 * time.Minute)
	ask := b.Follow(b.Get("/app/security/setup")).Is(http.StatusOK)
	if ask.Doc().Find("#again").Length() != 0 {
		t.Error("a password is asked of who has none")
	}
	b.Post("/login/again", url.Values{"password": {""}}).Is(http.StatusUnprocessableEntity)
	// An open browser is not enough to choose a first password, which would then show anything.
	b.Post("/app/settings/security/password", url.Values{"password": {apptest.Password}}).Goes("/login/again?next=%2Fapp%2Fsettings%2Fsecurity")
	if n := w.Count(`SELECT count(*) FROM users WHERE email = $1 AND password_hash IS NOT NULL`, mine.Email); n != 0 {
		t.Error("a password was chosen")
	}
	through(b, b.Submit(ask, "#again-google", nil), other).Is(http.StatusUnprocessableEntity).Has("not the Google account")
	b.Get("/app/security/setup").Is(http.StatusSeeOther).Goes("/login/again?next=%2Fapp%2Fsecurity%2Fsetup")
	if n := w.Count(`SELECT count(*) FROM users WHERE email = $1`, other.Email); n != 0 {
		t.Error("somebody else's account was made on the way")
	}
	through(b, b.Submit(ask, "#again-google", nil), mine).Goes("/app/security/setup")
	secret, _ := setUp(t, w, b, "")
	w.Pass(11 * time.Minute)

	// With two steps, Google alone is not enough: neither again nor at the door.
	ask = b.Follow(b.Get("/app/security/codes"))
	through(b, b.Submit(ask, "#again-google", nil), mine).Goes("/login/code?next=" + url.QueryEscape("/app/security/codes"))
	b.Get("/app/security/codes").Is(http.StatusSeeOther)
	b.Submit(b.Get("/login/code?next=/app/security/codes"), "#by-app", map[string]string{"code": w.Code(secret, 0)}).Goes("/app/security/codes")
	renewed := b.Submit(b.Get("/app/security/codes").Is(http.StatusOK), "#renewal", nil).Is(http.StatusOK)
	if n := renewed.Doc().Find("#codes li").Length(); n != 10 {
		t.Errorf("%d new codes", n)
	}
	in := w.Browser()
	through(in, in.Submit(in.Get("/login"), `form[action="/auth/google"]`, nil), mine).Goes("/login/code")
	in.Get("/app/security").Is(http.StatusSeeOther).Goes("/login?next=%2Fapp%2Fsecurity")
}
