package sandbox

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	codeLife  = time.Minute
	tokenLife = time.Hour
)

// Person can be picked on the account chooser.
type Person struct {
	Sub      string `json:"sub"`
	Email    string `json:"email"`
	Name     string `json:"name"`
	Verified bool   `json:"verified"`
}

// Initial is the letter in the circle.
func (p Person) Initial() string {
	for _, r := range p.Name + p.Email {
		return strings.ToUpper(string(r))
	}
	return "?"
}

var people = []Person{
	{"108231749502736401001", "lea.martin@example.com", "Léa Martin", true},
	{"108231749502736401002", "noah.weber@example.com", "Noah Weber", true},
	{"108231749502736401003", "sam.rivera@example.com", "Sam Rivera", false},
}

// Google stands in for Google sign-in: an OpenID provider where one picks a person.
type Google struct {
	srv    *Server
	db     *store
	key    func() (*rsa.PrivateKey, error) // made when first needed
	grants *table[grant]

	mu        sync.Mutex
	redirects []string
}

// grant is a code or, once it was used, an access token. The row's id is its hash.
type grant struct {
	Who       Person `json:"who"`
	Kind      string `json:"kind"` // code, token
	Nonce     string `json:"nonce"`
	Challenge string `json:"challenge"`
	Redirect  string `json:"redirect"`
	Scope     string `json:"scope"`
	At        int64  `json:"at"`
}

func (g grant) alive(now time.Time) bool {
	life := codeLife
	if g.Kind == "token" {
		life = tokenLife
	}
	return now.Sub(time.Unix(g.At, 0)) < life
}

func newGoogle(srv *Server, db *store) *Google {
	return &Google{srv: srv, db: db, redirects: srv.opt.GoogleRedirects, grants: newLoose[grant](db, "google_grant"),
		key: sync.OnceValues(func() (*rsa.PrivateKey, error) { return readKey(srv.opt.Dir) })}
}

func keyID(k *rsa.PrivateKey) string {
	sum := sha256.Sum256(k.N.Bytes())
	return hex.EncodeToString(sum[:10])
}

// readKey keeps one signing key a folder, so that a product which cached the key set survives our restart.
func readKey(dir string) (*rsa.PrivateKey, error) {
	if dir == "" {
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	path := filepath.Join(dir, "google_key.pem")
	b, err := os.ReadFile(path)
	if err == nil {
		block, _ := pem.Decode(b)
		if block == nil {
			return nil, fmt.Errorf("%s holds no key", path)
		}
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	part := path + ".part"
	if err := os.WriteFile(part, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k)}), 0o600); err != nil {
		return nil, err
	}
	return k, os.Rename(part, path)
}

// Issuer, ID and Secret are what the product is configured with.
func (g *Google) Issuer() string { return g.srv.base + "/google" }
func (g *Google) ID() string     { return g.srv.opt.GoogleID }
func (g *Google) Secret() string { return g.srv.opt.GoogleSecret }

// People are those on the chooser.
func (g *Google) People() []Person { return append([]Person(nil), g.srv.opt.People...) }

// SetRedirects names the exact addresses that sign-in may return to.
func (g *Google) SetRedirects(addresses ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.redirects = addresses
}

func (g *Google) known(redirect string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, a := range g.redirects {
		if a == redirect {
			return true
		}
	}
	return false
}

func (g *Google) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /google/.well-known/openid-configuration", g.discovery)
	mux.HandleFunc("GET /google/jwks", g.jwks)
	mux.HandleFunc("GET /google/authorize", g.authorize)
	mux.HandleFunc("POST /google/authorize", g.pick)
	mux.HandleFunc("POST /google/token", g.token)
	mux.HandleFunc("GET /google/userinfo", g.userinfo)
	mux.HandleFunc("POST /google/userinfo", g.userinfo)
}

func (g *Google) discovery(w http.ResponseWriter, _ *http.Request) {
	iss := g.Issuer()
	say(w, http.StatusOK, obj{"issuer": iss, "authorization_endpoint": iss + "/authorize", "token_endpoint": iss + "/token",
		"userinfo_endpoint": iss + "/userinfo", "jwks_uri": iss + "/jwks", "response_types_supported": []string{"code"},
		"response_modes_supported": []string{"query"}, "grant_types_supported": []string{"authorization_code"},
		"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
		"scopes_supported": []string{"openid", "email", "profile"}, "code_challenge_methods_supported": []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "client_secret_basic"},
		"claims_supported":                      []string{"aud", "email", "email_verified", "exp", "iat", "iss", "name", "sub"}})
}

func (g *Google) jwks(w http.ResponseWriter, _ *http.Request) {
	k, err := g.key()
	if err != nil {
		say(w, http.StatusInternalServerError, obj{"error": "server_error", "error_description": err.Error()})
		return
	}
	b := base64.RawURLEncoding.EncodeToString
	say(w, http.StatusOK, obj{"keys": []obj{{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": keyID(k), "n": b(k.N.Bytes()),
		"e": b(big.NewInt(int64(k.E)).Bytes())}}})
}

// token changes a code, once and within a minute, for an access token and a signed id token.
func (g *Google) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, bodySize)
	fail := func(status int, code, why string) { say(w, status, obj{"error": code, "error_description": why}) }
	id, secret, ok := r.BasicAuth()
	if !ok {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if id != g.ID() || subtle.ConstantTimeCompare([]byte(secret), []byte(g.Secret())) != 1 {
		fail(http.StatusUnauthorized, "invalid_client", "The OAuth client was not found or its secret is wrong.")
		return
	}
	if r.PostFormValue("grant_type") != "authorization_code" {
		fail(http.StatusBadRequest, "unsupported_grant_type", "Only authorization_code is known here.")
		return
	}
	access := "ya29.sandbox-" + random(40)
	var got grant
	err := g.db.do(g.srv.Now, func(t *tx) error {
		key := hashed(r.PostFormValue("code"))
		var found bool
		if got, found = g.grants.rows[key]; !found || got.Kind != "code" {
			return spent("The code is unknown or was used before.")
		}
		drop(t, g.grants, key) // spent, whatever is wrong with the rest
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		switch {
		case !got.alive(t.now):
			return spent("The code is older than a minute.")
		case got.Redirect != r.PostFormValue("redirect_uri"):
			return spent("The redirect_uri is not the one of the sign-in.")
		case base64.RawURLEncoding.EncodeToString(sum[:]) != got.Challenge:
			return spent("The code_verifier does not fit the code_challenge.")
		}
		got.Kind, got.At = "token", t.now.Unix()
		put(t, g.grants, hashed(access), got)
		return nil
	})
	if err != nil {
		fail(http.StatusBadRequest, "invalid_grant", err.Error())
		return
	}
	idToken, err := g.sign(got)
	if err != nil {
		fail(http.StatusInternalServerError, "server_error", err.Error())
		return
	}
	say(w, http.StatusOK, obj{"access_token": access, "token_type": "Bearer", "expires_in": int(tokenLife / time.Second), "scope": got.Scope, "id_token": idToken})
}

// spent refuses a code and spends it all the same.
type spent string

func (s spent) Error() string { return string(s) }
func (spent) keep() bool      { return true }

func hashed(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func (g *Google) sign(got grant) (string, error) {
	k, err := g.key()
	if err != nil {
		return "", err
	}
	now := g.srv.Now().Unix()
	b64 := func(v any) (string, error) {
		b, err := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(b), err
	}
	head, err := b64(obj{"alg": "RS256", "kid": keyID(k), "typ": "JWT"})
	if err != nil {
		return "", err
	}
	claims := obj{"iss": g.Issuer(), "aud": g.ID(), "azp": g.ID(), "sub": got.Who.Sub, "iat": now, "exp": now + int64(tokenLife/time.Second), "nonce": got.Nonce}
	for k, v := range got.claims() {
		claims[k] = v
	}
	body, err := b64(claims)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(head + "." + body))
	sig, err := rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, sum[:])
	return head + "." + body + "." + base64.RawURLEncoding.EncodeToString(sig), err
}

// claims are what the scopes allow to tell.
func (g grant) claims() obj {
	o := obj{"sub": g.Who.Sub}
	for _, s := range strings.Fields(g.Scope) {
		switch s {
		case "email":
			o["email"], o["email_verified"] = g.Who.Email, g.Who.Verified
		case "profile":
			o["name"] = g.Who.Name
			first, last, _ := strings.Cut(g.Who.Name, " ")
			o["given_name"] = first
			if last != "" {
				o["family_name"] = last
			}
		}
	}
	return o
}

func (g *Google) userinfo(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	now := g.srv.Now()
	var got grant
	var ok bool
	g.db.see(func() { got, ok = g.grants.rows[hashed(token)] })
	if !ok || got.Kind != "token" || !got.alive(now) {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		say(w, http.StatusUnauthorized, obj{"error": "invalid_token"})
		return
	}
	say(w, http.StatusOK, got.claims())
}
