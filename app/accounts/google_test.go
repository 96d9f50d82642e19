package accounts_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"vitrine/app/accounts"
	"vitrine/app/apptest"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/sandbox"
)

// google is the product's side on a stand-in of its own.
func google(t *testing.T) (*accounts.Google, *sandbox.Server) {
	t.Helper()
	const back = "http://localhost:8080/auth/google/back"
	box, err := sandbox.Start(t.Context(), sandbox.Options{GoogleID: "vitrine", GoogleSecret: "secret", GoogleRedirects: []string{back}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	g := box.Google()
	return &accounts.Google{Issuer: g.Issuer(), ClientID: g.ID(), Secret: g.Secret(), Callback: back}, box
}

// choose picks a person on the chooser's page, as a browser would, and returns what comes back to us.
func choose(t *testing.T, address string, p sandbox.Person) url.Values {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	form := u.Query()
	form.Set("sub", p.Sub)
	res, err := c.PostForm(u.Scheme+"://"+u.Host+u.Path, form)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	to, err := res.Location()
	if err != nil {
		t.Fatalf("%s answered %s: %v", u, res.Status, err)
	}
	return to.Query()
}

func person(t *testing.T, box *sandbox.Server, verified bool) sandbox.Person {
	t.Helper()
	for _, p := range box.Google().People() {
		if p.Verified == verified {
			return p
		}
	}
	t.Fatalf("nobody with verified=%v", verified)
	return sandbox.Person{}
}

func TestGoogleSaysWhoItIsOnce(t *testing.T) {
	g, box := google(t)
	p := person(t, box, true)
	to, flow, err := g.Begin(t.Context(), "/app/today")
	if err != nil {
		t.Fatal(err)
	}
	back := choose(t, to, p)
	if _, err := g.Finish(t.Context(), flow, back.Get("state")+"x", back.Get("code")); !errs.Is(err, errs.Invalid) {
		t.Errorf("another state: %v", err)
	}
	if _, err := g.Finish(t.Context(), accounts.Flow{}, "", back.Get("code")); !errs.Is(err, errs.Invalid) {
		t.Errorf("no flow at all: %v", err)
	}
	c, err := g.Finish(t.Context(), flow, back.Get("state"), back.Get("code"))
	if err != nil || c.Subject != p.Sub || c.Email != p.Email || !c.Verified {
		t.Fatalf("%+v, %v", c, err)
	}
	if _, err := g.Finish(t.Context(), flow, back.Get("state"), back.Get("code")); !errs.Is(err, errs.Invalid) {
		t.Errorf("the same code again: %v", err)
	}
}

func TestGoogleAnswersOfAnotherFlowAreRefused(t *testing.T) {
	g, box := google(t)
	p := person(t, box, true)
	for name, spoil := range map[string]func(*accounts.Flow){
		"nonce":    func(f *accounts.Flow) { f.Nonce = "another" },
		"verifier": func(f *accounts.Flow) { f.Verifier = strings.Repeat("v", 52) },
	} {
		to, flow, err := g.Begin(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		back := choose(t, to, p)
		spoil(&flow)
		if c, err := g.Finish(t.Context(), flow, back.Get("state"), back.Get("code")); !errs.Is(err, errs.Invalid) {
			t.Errorf("another %s: %+v, %v", name, c, err)
		}
	}
}

func TestAnAddressWithAnAccountIsNotTakenOverByGoogle(t *testing.T) {
	w := apptest.New(t)
	s := w.App.Accounts
	email := address()
	claims := accounts.Claims{Subject: "g-" + id.Token(), Email: email, Name: "Mira", Verified: true}

	if _, _, err := s.Arrive(t.Context(), accounts.Claims{Subject: "g-x", Email: email}, "en"); !errs.Is(err, errs.Invalid) {
		t.Errorf("an unverified address: %v", err)
	}
	mine, _, err := s.Register(t.Context(), accounts.NewUser{Email: email, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	if _, what, err := s.Arrive(t.Context(), claims, "en"); err != nil || what != accounts.NotTheirs {
		t.Errorf("an account that nobody has verified: %v, %v", what, err)
	}
	if err := s.VerifyEmail(t.Context(), mine, code(t, w, email)); err != nil {
		t.Fatal(err)
	}
	user, what, err := s.Arrive(t.Context(), claims, "en")
	if err != nil || what != accounts.AskPassword || user != mine {
		t.Fatalf("a verified account: %v %v, %v", user, what, err)
	}
	if err := s.Link(t.Context(), mine, claims, "not the password"); !errs.Is(err, errs.Invalid) {
		t.Errorf("linked with a wrong password: %v", err)
	}
	if err := s.Link(t.Context(), mine, claims, password); err != nil {
		t.Fatal(err)
	}
	if user, what, err := s.Arrive(t.Context(), claims, "en"); err != nil || what != accounts.SignedIn || user != mine {
		t.Errorf("after linking: %v %v, %v", user, what, err)
	}
	moved := claims
	moved.Email = address() // Google lets people change their address; the subject stays
	if user, what, err := s.Arrive(t.Context(), moved, "en"); err != nil || what != accounts.SignedIn || user != mine {
		t.Errorf("with another address: %v %v, %v", user, what, err)
	}
	other := accounts.Claims{Subject: "g-" + id.Token(), Email: email, Verified: true}
	if _, what, err := s.Arrive(t.Context(), other, "en"); err != nil || what != accounts.AskPassword {
		t.Errorf("another Google account with the same address: %v, %v", what, err)
	}
}
