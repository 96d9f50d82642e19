package sandbox

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

type chooser struct {
	Title  string
	To     string
	Ask    map[string]string // the request, carried along in the forms
	People []Person
	Cancel string
	Email  string
	Name   string
	Errors map[string]string
}

// carried are the parameters of a sign-in that the forms keep.
var carried = []string{"client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge", "code_challenge_method"}

// asks checks a sign-in request. What is wrong with the client or the address is told here; the rest goes back to the product.
func (g *Google) asks(w http.ResponseWriter, r *http.Request) (ask map[string]string, back *url.URL, ok bool) {
	ask = map[string]string{}
	for _, k := range carried {
		ask[k] = r.FormValue(k)
	}
	switch {
	case ask["client_id"] != g.ID():
		g.srv.message(w, http.StatusBadRequest, message{Title: "Access blocked: unknown client", Text: "client_id is not the one that the sandbox was started with."})
		return nil, nil, false
	case !g.known(ask["redirect_uri"]): // never redirect to an unknown place
		g.srv.message(w, http.StatusBadRequest, message{Title: "Access blocked: redirect_uri_mismatch", Text: "The sandbox does not know the redirect_uri " + ask["redirect_uri"]})
		return nil, nil, false
	}
	back, err := url.Parse(ask["redirect_uri"])
	if err != nil {
		g.srv.message(w, http.StatusBadRequest, message{Title: "Access blocked: redirect_uri_mismatch", Text: "The redirect_uri is not an address."})
		return nil, nil, false
	}
	bad := ""
	switch {
	case ask["response_type"] != "code":
		bad = "unsupported_response_type"
	case !slices.Contains(strings.Fields(ask["scope"]), "openid"):
		bad = "invalid_scope"
	case ask["code_challenge_method"] != "S256" || len(ask["code_challenge"]) != 43 || ask["nonce"] == "" || ask["state"] == "":
		bad = "invalid_request"
	}
	if bad != "" {
		http.Redirect(w, r, returning(back, ask, "error", bad), http.StatusSeeOther)
		return nil, nil, false
	}
	return ask, back, true
}

func returning(back *url.URL, ask map[string]string, name, value string) string {
	u := *back
	q := u.Query()
	q.Set(name, value)
	q.Set("state", ask["state"])
	u.RawQuery = q.Encode()
	return u.String()
}

func (g *Google) authorize(w http.ResponseWriter, r *http.Request) {
	ask, back, ok := g.asks(w, r)
	if !ok {
		return
	}
	g.choose(w, http.StatusOK, ask, back, chooser{Email: r.URL.Query().Get("login_hint")})
}

func (g *Google) choose(w http.ResponseWriter, status int, ask map[string]string, back *url.URL, c chooser) {
	c.Title, c.To, c.Ask, c.People = "Choose an account", back.Host, ask, g.srv.opt.People
	c.Cancel = returning(back, ask, "error", "access_denied")
	g.srv.show(w, status, "google.html", c, ask["redirect_uri"])
}

func (g *Google) pick(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, bodySize)
	ask, back, ok := g.asks(w, r)
	if !ok {
		return
	}
	who, ok := g.person(r.PostFormValue("sub"))
	if !ok {
		c := chooser{Email: strings.TrimSpace(r.PostFormValue("email")), Name: strings.TrimSpace(r.PostFormValue("name")), Errors: map[string]string{}}
		if !validEmail(c.Email) {
			c.Errors["email"] = "Enter an e-mail address, such as name@example.com."
			g.choose(w, http.StatusOK, ask, back, c)
			return
		}
		who = g.stranger(c.Email, c.Name, r.PostFormValue("unverified") == "")
	}
	code := "4/0Sandbox" + random(40)
	err := g.db.do(g.srv.Now, func(t *tx) error {
		for id, old := range g.grants.rows {
			if !old.alive(t.now) {
				drop(t, g.grants, id)
			}
		}
		put(t, g.grants, hashed(code), grant{Who: who, Kind: "code", Nonce: ask["nonce"], Challenge: ask["code_challenge"], Redirect: ask["redirect_uri"],
			Scope: ask["scope"], At: t.now.Unix()})
		return nil
	})
	if err != nil {
		http.Redirect(w, r, returning(back, ask, "error", "server_error"), http.StatusSeeOther)
		return
	}
	http.Redirect(w, r, returning(back, ask, "code", code), http.StatusSeeOther)
}

func (g *Google) person(sub string) (Person, bool) {
	i := slices.IndexFunc(g.srv.opt.People, func(p Person) bool { return p.Sub == sub })
	if i < 0 {
		return Person{}, false
	}
	return g.srv.opt.People[i], true
}

// stranger has the same sub whenever the same address signs in.
func (g *Google) stranger(email, name string, verified bool) Person {
	email = strings.ToLower(email)
	for _, p := range g.srv.opt.People {
		if p.Email == email {
			return p
		}
	}
	if name == "" {
		name, _, _ = strings.Cut(email, "@")
	}
	sum := sha256.Sum256([]byte(email))
	return Person{Sub: fmt.Sprintf("2%020d", binary.BigEndian.Uint64(sum[:8])), Email: email, Name: name, Verified: verified}
}
