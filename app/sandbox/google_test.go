package sandbox_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/markbates/goth/providers/openidConnect"

	"vitrine/app/sandbox"
)

const callback = "http://localhost:8080/auth/google/callback"

const verifier = "a-verifier-of-more-than-forty-three-characters-for-pkce"

func signIn(s *sandbox.Server) url.Values {
	sum := sha256.Sum256([]byte(verifier))
	return url.Values{"client_id": {s.Google().ID()}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid email profile"}, "state": {"st"},
		"nonce": {"no"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}
}

func changed(v url.Values, name, value string) url.Values {
	out := url.Values{}
	for k := range v {
		out.Set(k, v.Get(k))
	}
	out.Set(name, value)
	return out
}

func googleServer(t *testing.T, opt sandbox.Options) *sandbox.Server {
	opt.GoogleRedirects = []string{callback}
	return start(t, opt)
}

func codeOf(t *testing.T, p page) string {
	t.Helper()
	u, err := url.Parse(p.Location)
	if err != nil || p.Status != http.StatusSeeOther || !strings.HasPrefix(p.Location, callback+"?") || u.Query().Get("state") != "st" || u.Query().Get("code") == "" {
		t.Fatalf("no code: %d %s", p.Status, p.Location)
	}
	return u.Query().Get("code")
}

// TestSignInThroughGothAndGoOIDC goes the way of the product.
func TestSignInThroughGothAndGoOIDC(t *testing.T) {
	s := googleServer(t, sandbox.Options{})
	ctx := context.Background()
	provider, err := openidConnect.NewNamed("google", s.Google().ID(), s.Google().Secret(), callback, s.Google().Issuer()+"/.well-known/openid-configuration", "openid", "profile", "email")
	if err != nil {
		t.Fatal(err)
	}
	op, err := oidc.NewProvider(ctx, s.Google().Issuer())
	if err != nil {
		t.Fatal(err)
	}
	for i, who := range s.Google().People() {
		session, err := provider.BeginAuth("st")
		if err != nil {
			t.Fatal(err)
		}
		address, _ := session.GetAuthURL()
		u, _ := url.Parse(address)
		ask := u.Query()
		for k, v := range signIn(s) {
			ask[k] = v
		}
		u.RawQuery = ask.Encode()
		b := newBuyer(t)
		p := b.get(u.String())
		if p.Status != 200 || !strings.Contains(p.Body, who.Email) || !strings.Contains(p.Body, "Use another e-mail") || !strings.Contains(p.Body, "localhost:8080") {
			t.Fatalf("chooser: %d", p.Status)
		}
		form := url.Values{"sub": {who.Sub}}
		for _, m := range regexp.MustCompile(`type="hidden" name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(p.Body, -1) {
			form.Set(m[1], html.UnescapeString(m[2]))
		}
		code := codeOf(t, b.post(s.URL()+"/google/authorize", form))
		if _, err := session.Authorize(provider, url.Values{"code": {code}, "code_verifier": {verifier}}); err != nil {
			t.Fatal(err)
		}
		idToken, err := op.Verifier(&oidc.Config{ClientID: s.Google().ID()}).Verify(ctx, session.(*openidConnect.Session).IDToken)
		if err != nil || idToken.Nonce != "no" || idToken.Subject != who.Sub {
			t.Fatalf("%+v %v", idToken, err)
		}
		user, err := provider.FetchUser(session)
		if err != nil || user.Email != who.Email || user.Name != who.Name || user.RawData["email_verified"] != (i < 2) {
			t.Errorf("%+v %v", user, err)
		}
	}
}

func exchange(t *testing.T, s *sandbox.Server, v url.Values) (int, map[string]any) {
	t.Helper()
	rs, err := http.PostForm(s.URL()+"/google/token", v)
	if err != nil {
		t.Fatal(err)
	}
	defer rs.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(rs.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return rs.StatusCode, out
}

func TestCodeWorksOnceAndOnlyForItsOwner(t *testing.T) {
	s := googleServer(t, sandbox.Options{})
	b := newBuyer(t)
	good := func() url.Values {
		form := signIn(s)
		form.Set("sub", s.Google().People()[0].Sub)
		return url.Values{"grant_type": {"authorization_code"}, "client_id": {s.Google().ID()}, "client_secret": {s.Google().Secret()}, "redirect_uri": {callback},
			"code_verifier": {verifier}, "code": {codeOf(t, b.post(s.URL()+"/google/authorize", form))}}
	}
	for _, c := range []struct {
		name, value, err string
		status           int
	}{
		{"client_secret", "wrong", "invalid_client", 401}, {"client_id", "wrong", "invalid_client", 401}, {"code", "wrong", "invalid_grant", 400},
		{"redirect_uri", "http://localhost:8080/other", "invalid_grant", 400}, {"code_verifier", "wrong", "invalid_grant", 400}, {"grant_type", "password", "unsupported_grant_type", 400},
	} {
		if status, out := exchange(t, s, changed(good(), c.name, c.value)); status != c.status || out["error"] != c.err {
			t.Errorf("%s: %d %v", c.name, status, out)
		}
	}
	v := good()
	if status, _ := exchange(t, s, changed(v, "code_verifier", "wrong")); status != 400 {
		t.Fatal("wrong verifier accepted")
	}
	if status, _ := exchange(t, s, v); status != 400 {
		t.Error("a code works after a wrong verifier")
	}
	v = good()
	status, out := exchange(t, s, v)
	if status != 200 || out["token_type"] != "Bearer" {
		t.Fatalf("%d %v", status, out)
	}
	if status, out := exchange(t, s, v); status != 400 || out["error"] != "invalid_grant" {
		t.Errorf("second use: %d %v", status, out)
	}
	v = good()
	if err := s.Advance(time.Minute); err != nil {
		t.Fatal(err)
	}
	if status, _ := exchange(t, s, v); status != 400 {
		t.Error("a code works after a minute")
	}
	if err := s.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequest("GET", s.URL()+"/google/userinfo", nil)
	req.Header.Set("Authorization", "Bearer "+out["access_token"].(string))
	if p := b.read(http.DefaultClient.Do(req)); p.Status != 401 {
		t.Errorf("token after an hour: %d", p.Status)
	}
}

func TestBadSignInRequests(t *testing.T) {
	s := googleServer(t, sandbox.Options{})
	b := newBuyer(t)
	for _, c := range []struct {
		name, value string
		status      int
		err         string
	}{
		{"client_id", "other", 400, ""}, {"redirect_uri", "http://evil.test/", 400, ""}, {"redirect_uri", callback + "/", 400, ""},
		{"code_challenge", "", 303, "invalid_request"}, {"code_challenge_method", "plain", 303, "invalid_request"}, {"nonce", "", 303, "invalid_request"},
		{"state", "", 303, "invalid_request"}, {"scope", "email", 303, "invalid_scope"}, {"response_type", "token", 303, "unsupported_response_type"},
	} {
		p := b.get(s.URL() + "/google/authorize?" + changed(signIn(s), c.name, c.value).Encode())
		u, _ := url.Parse(p.Location)
		if p.Status != c.status || (c.err != "" && u.Query().Get("error") != c.err) || (c.err == "" && p.Location != "") {
			t.Errorf("%s=%q: %d %s", c.name, c.value, p.Status, p.Location)
		}
	}
	p := b.get(s.URL() + "/google/authorize?" + signIn(s).Encode())
	if !strings.Contains(p.Body, html.EscapeString(callback+"?error=access_denied&state=st")) {
		t.Error("no way to cancel")
	}
	if csp := p.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "form-action") || strings.Contains(csp, "unsafe") {
		t.Errorf("CSP %q", csp)
	}
}

func TestAnotherEmailKeepsItsSubject(t *testing.T) {
	s := googleServer(t, sandbox.Options{})
	b := newBuyer(t)
	info := func(email string) map[string]any {
		form := signIn(s)
		form.Set("email", email)
		code := codeOf(t, b.post(s.URL()+"/google/authorize", form))
		_, out := exchange(t, s, url.Values{"grant_type": {"authorization_code"}, "client_id": {s.Google().ID()}, "client_secret": {s.Google().Secret()}, "redirect_uri": {callback},
			"code_verifier": {verifier}, "code": {code}})
		claims, err := base64.RawURLEncoding.DecodeString(strings.Split(out["id_token"].(string), ".")[1])
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(claims, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	one, two, other := info("kim@example.org"), info("Kim@example.org"), info("ola@example.org")
	if one["sub"] != two["sub"] || one["sub"] == other["sub"] || one["email"] != "kim@example.org" || one["email_verified"] != true {
		t.Errorf("%v %v %v", one, two, other)
	}
	form := signIn(s)
	form.Set("email", "nobody")
	if p := b.post(s.URL()+"/google/authorize", form); p.Status != 200 || !strings.Contains(p.Body, `value="nobody"`) {
		t.Errorf("bad address: %d", p.Status)
	}
}

func TestSigningKeySurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	keys := func() string {
		s := googleServer(t, sandbox.Options{Dir: dir})
		defer s.Close()
		return newBuyer(t).get(s.URL() + "/google/jwks").Body
	}
	if one, two := keys(), keys(); one != two || !strings.Contains(one, `"RS256"`) {
		t.Error(one, two)
	}
}
