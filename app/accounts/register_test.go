package accounts_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/app/apptest"
	"vitrine/app/id"
	"vitrine/app/web/webtest"
)

const password = "seven green lamps"

func address() string { return "mira-" + strings.ToLower(id.Token()[:12]) + "@mail.test" }

func join(b *webtest.Browser, email, pass string) *webtest.Page {
	return b.Post("/join", url.Values{"email": {email}, "password": {pass}, "time_zone": {"Europe/Paris"}})
}

var digits = regexp.MustCompile(`\b\d{6}\b`)

// code is the newest that was mailed to an address.
func code(t *testing.T, w *apptest.World, email string) string {
	t.Helper()
	w.Work()
	ms := w.Mails(email, "is your code")
	if len(ms) == 0 {
		t.Fatal("no code was mailed")
	}
	newest := ms[0]
	for _, m := range ms {
		if m.At.After(newest.At) {
			newest = m
		}
	}
	return digits.FindString(newest.Subject)
}

// Fifty people, or one who clicks a lot, register one address at once. There is one account, nobody can tell
// from the answer who was first, and nothing breaks.
func TestTwoRegistrationsAtOnceMakeOneAccount(t *testing.T) {
	w := apptest.New(t)
	email := address()
	const n = 50
	pages := make([]*webtest.Page, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		b := w.Browser()
		wg.Go(func() {
			<-start
			pages[i] = join(b, email, fmt.Sprintf("%s %d", password, i))
		})
	}
	close(start)
	wg.Wait()
	for i, p := range pages {
		if p.Status != http.StatusSeeOther || p.Header.Get("Location") != "/join/code" {
			t.Errorf("racer %d: %d to %q", i, p.Status, p.Header.Get("Location"))
		}
	}
	if users := w.Count(`SELECT count(*) FROM users WHERE email = $1`, email); users != 1 {
		t.Errorf("%d accounts", users)
	}
	w.Work()
	if m := len(w.Mails(email, "is your code")); m != 1 {
		t.Errorf("%d codes were mailed", m)
	}
}

func TestACodeIsGuessedFiveTimesAtMost(t *testing.T) {
	w := apptest.New(t)
	b, email := w.Browser(), address()
	join(b, email, password).Goes("/join/code")
	right := code(t, w, email)
	wrong := "000000"
	if right == wrong {
		wrong = "111111"
	}
	for range 5 {
		b.Post("/join/code", url.Values{"code": {wrong}}).Is(http.StatusUnprocessableEntity)
	}
	b.Post("/join/code", url.Values{"code": {right}}).Is(http.StatusUnprocessableEntity).Has("too many tries")
	b.Post("/join/code/resend", nil).Is(http.StatusOK) // too soon: nothing happens
	if fresh := code(t, w, email); fresh != right {
		t.Error("a new code within half a minute")
	}
	w.Pass(31 * time.Second)
	b.Post("/join/code/resend", nil).Is(http.StatusOK)
	fresh := code(t, w, email)
	b.Post("/join/code", url.Values{"code": {right + "0"}}).Is(http.StatusUnprocessableEntity)
	b.Post("/join/code", url.Values{"code": {fresh[:3] + " " + fresh[3:]}}).Is(http.StatusSeeOther).Goes("/start")
}

func TestACodeEndsAfterAQuarterOfAnHour(t *testing.T) {
	w := apptest.New(t)
	b, email := w.Browser(), address()
	join(b, email, password)
	c := code(t, w, email)
	w.Pass(16 * time.Minute)
	b.Post("/join/code", url.Values{"code": {c}}).Is(http.StatusUnprocessableEntity).Has("no longer good")
}

// Whoever can read the mails gets the address; who typed it before and never proved it loses their session.
func TestAnUnprovedAddressCanBeRegisteredAgain(t *testing.T) {
	w := apptest.New(t)
	squatter, owner, email := w.Browser(), w.Browser(), address()
	join(squatter, email, "the squatter's words")
	w.Pass(time.Minute)
	join(owner, email, password).Goes("/join/code")
	squatter.Get("/start").Is(http.StatusSeeOther).Goes("/login?next=%2Fstart")
	owner.Post("/join/code", url.Values{"code": {code(t, w, email)}}).Goes("/start")
	login(w.Browser(), email, "the squatter's words").Is(http.StatusUnprocessableEntity)
	login(w.Browser(), email, password).Is(http.StatusSeeOther)
}

func login(b *webtest.Browser, email, pass string) *webtest.Page {
	return b.Post("/login", url.Values{"email": {email}, "password": {pass}})
}

var varying = regexp.MustCompile(`[a-z]+-[a-z0-9]{10,12}@mail\.test`)

// Known, unknown and without a password: the answers of signing in, signing up and forgetting are alike.
func TestNobodyLearnsWhoHasAnAccount(t *testing.T) {
	w := apptest.New(t)
	c, google, nobody := w.Creator(), address(), address()
	w.Exec(`INSERT INTO users (id, email, email_verified_at, name, created_at, updated_at) VALUES ($1, $2, now(), 'G', now(), now())`, id.New[id.UserKind](), google)
	for name, ask := range map[string]func(email string) *webtest.Page{
		"login":  func(e string) *webtest.Page { return login(w.Browser(), e, "not the password") },
		"forgot": func(e string) *webtest.Page { return w.Browser().Post("/forgot", url.Values{"email": {e}}) },
		"join":   func(e string) *webtest.Page { return join(w.Browser(), e, password) },
		"join code": func(e string) *webtest.Page {
			b := w.Browser()
			join(b, e, password)
			return b.Get("/join/code")
		},
		"api": func(e string) *webtest.Page {
			return w.Browser().Do(http.MethodPost, "/api/v1/login", "application/json", fmt.Sprintf(`{"email":%q,"password":"not the password"}`, e))
		},
	} {
		var first string
		for _, e := range []string{c.Email, google, nobody} {
			p := ask(e)
			said := fmt.Sprint(p.Status, p.Header.Get("Location"), varying.ReplaceAllString(p.Body, "ADDRESS"))
			if first == "" {
				first = said
			}
			if said != first {
				t.Errorf("%s tells %s apart:\n%.300s\n%.300s", name, e, first, said)
			}
		}
	}
	w.Work()
	if n := len(w.Mails(c.Email, "account already")); n == 0 {
		t.Error("the owner of the account heard nothing")
	}
}

func TestASessionIsNewAtEverySignIn(t *testing.T) {
	w := apptest.New(t)
	c := w.Creator()
	b := w.Browser()
	b.SetCookie("/", &http.Cookie{Name: "vitrine", Value: "planted-by-someone-else", Path: "/"})
	login(b, c.Email, apptest.Password).Is(http.StatusSeeOther)
	first := session(t, b)
	if first == "planted-by-someone-else" {
		t.Fatal("a planted cookie became a session")
	}
	login(b, c.Email, apptest.Password)
	second := session(t, b)
	if second == first {
		t.Error("signing in kept the old token")
	}
	stale := w.Browser()
	stale.SetCookie("/", &http.Cookie{Name: "vitrine", Value: first, Path: "/"})
	stale.Get("/app/today").Is(http.StatusSeeOther)
	if got := b.Post("/logout", nil).Header.Get("Clear-Site-Data"); got == "" {
		t.Error("nothing is cleared at logout")
	}
	stale.SetCookie("/", &http.Cookie{Name: "vitrine", Value: second, Path: "/"})
	stale.Get("/app/today").Is(http.StatusSeeOther)

	one, two := w.SignIn(c.Email), w.SignIn(c.Email)
	one.Post("/app/settings/security/others", nil)
	one.Get("/app/today").Is(http.StatusOK)
	two.Get("/app/today").Is(http.StatusSeeOther)
	c.Get("/app/today").Is(http.StatusSeeOther)
}

func session(t *testing.T, b *webtest.Browser) string {
	t.Helper()
	for _, c := range b.Cookies("/") {
		if c.Name == "vitrine" {
			return c.Value
		}
	}
	t.Fatal("no session")
	return ""
}

func TestAResetLinkOpensOnce(t *testing.T) {
	w := apptest.New(t)
	c := w.Creator()
	ask := func() string {
		w.Browser().Post("/forgot", url.Values{"email": {strings.ToUpper(c.Email)}}).Is(http.StatusOK)
		w.Work()
		ms := w.Mails(c.Email, "new password")
		_, rest, ok := strings.Cut(ms[len(ms)-1].Text, "/reset/")
		if !ok {
			t.Fatalf("no link in %s", ms[len(ms)-1].Text)
		}
		return "/reset/" + strings.Fields(rest)[0]
	}
	link := ask()
	b := w.Browser()
	b.Get(link).Is(http.StatusOK)
	b.Post(link, url.Values{"password": {"short"}}).Is(http.StatusUnprocessableEntity)
	b.Post(link, url.Values{"password": {password}}).Is(http.StatusSeeOther)
	b.Get("/app/today").Is(http.StatusOK)
	c.Get("/app/today").Is(http.StatusSeeOther) // every session before is over
	w.Browser().Get(link).Is(http.StatusGone)
	w.Browser().Post(link, url.Values{"password": {"another one here"}}).Is(http.StatusGone)
	login(w.Browser(), c.Email, apptest.Password).Is(http.StatusUnprocessableEntity)
	login(w.Browser(), c.Email, password).Is(http.StatusSeeOther)
}

func TestWhatWasTypedOutlivesTheSession(t *testing.T) {
	w := apptest.New(t)
	c := w.Creator()
	p := c.Get("/app/settings/profile").Is(http.StatusOK)
	w.Exec(`DELETE FROM sessions`)
	answer := c.Post("/app/settings/profile", url.Values{"name": {"Ada <b>Typed</b> This"}, "time_zone": {"Europe/Rome"}, "password": {"never keep this"}})
	answer.Is(http.StatusSeeOther).Goes("/login?next=%2Fresume")
	if p.Status != http.StatusOK {
		t.Fatal(p.Status)
	}
	page := c.Submit(c.Follow(answer), `form[action="/login"]`, map[string]string{"email": c.Email, "password": apptest.Password}).Goes("/resume")
	c.Follow(page).Is(http.StatusOK).Has("Ada &lt;b&gt;Typed").HasNot("never keep this")
	if n := w.Count(`SELECT count(*) FROM sessions WHERE encode(data, 'escape') LIKE '%never keep this%'`); n != 0 {
		t.Error("a password is kept in a session")
	}
}
