package accounts

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/markbates/goth"
	"github.com/markbates/goth/providers/openidConnect"

	"vitrine/app/audit"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
)

// Google signs people in by OpenID Connect. goth does the exchange; state, nonce, PKCE and the token's
// signature, which it leaves out, are checked here. The provider is asked for its addresses on first use.
type Google struct {
	Issuer, ClientID, Secret, Callback string

	mu       sync.Mutex
	provider goth.Provider
	verifier *oidc.IDTokenVerifier
}

// Flow is what must be remembered between leaving for Google and coming back.
type Flow struct {
	State, Nonce, Verifier, Session, Next string
	Again                                 bool // someone who is signed in shows that it is them
}

// Claims are what Google says of a person.
type Claims struct {
	Subject, Email, Name string
	Verified             bool
}

var errGoogleAway = errs.New(errs.Unavailable, "Google does not answer at the moment. Sign in with your password, or try again.")

func (g *Google) ready(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.provider != nil {
		return nil
	}
	p, err := openidConnect.NewNamed("google", g.ClientID, g.Secret, g.Callback, g.Issuer+"/.well-known/openid-configuration", "openid", "profile", "email")
	if err != nil {
		return errs.Wrap(errs.Unavailable, err, errGoogleAway.Message)
	}
	op, err := oidc.NewProvider(context.WithoutCancel(ctx), g.Issuer)
	if err != nil {
		return errs.Wrap(errs.Unavailable, err, errGoogleAway.Message)
	}
	g.provider, g.verifier = p, op.Verifier(&oidc.Config{ClientID: g.ClientID})
	return nil
}

// Begin returns where to send the person, and what to keep in their session meanwhile.
func (g *Google) Begin(ctx context.Context, next string) (to string, f Flow, err error) {
	if err := g.ready(ctx); err != nil {
		return "", f, err
	}
	f = Flow{State: rand.Text(), Nonce: rand.Text(), Verifier: rand.Text() + rand.Text(), Next: next}
	s, err := g.provider.BeginAuth(f.State)
	if err != nil {
		return "", f, err
	}
	raw, err := s.GetAuthURL()
	if err != nil {
		return "", f, err
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "", f, err
	}
	q := u.Query()
	sum := sha256.Sum256([]byte(f.Verifier))
	q.Set("nonce", f.Nonce)
	q.Set("code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]))
	q.Set("code_challenge_method", "S256")
	u.RawQuery = q.Encode()
	f.Session = s.Marshal()
	return u.String(), f, nil
}

var errGoogle = errs.New(errs.Invalid, "Signing in with Google did not work. Please try again.")

// Finish turns what Google sent back into who it was.
func (g *Google) Finish(ctx context.Context, f Flow, state, code string) (Claims, error) {
	if f.State == "" || state != f.State || code == "" {
		return Claims{}, errGoogle
	}
	if err := g.ready(ctx); err != nil {
		return Claims{}, err
	}
	s, err := g.provider.UnmarshalSession(f.Session)
	if err == nil {
		_, err = s.Authorize(g.provider, url.Values{"code": {code}, "code_verifier": {f.Verifier}})
	}
	if err != nil {
		return Claims{}, errs.Wrap(errs.Invalid, err, errGoogle.Message)
	}
	os, ok := s.(*openidConnect.Session)
	if !ok {
		return Claims{}, fmt.Errorf("google session is a %T", s)
	}
	token, err := g.verifier.Verify(ctx, os.IDToken)
	if err == nil && token.Nonce != f.Nonce {
		err = errors.New("nonce")
	}
	if err != nil {
		return Claims{}, errs.Wrap(errs.Invalid, err, errGoogle.Message)
	}
	var c struct {
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
		Name     string `json:"name"`
	}
	if err := token.Claims(&c); err != nil {
		return Claims{}, errs.Wrap(errs.Invalid, err, errGoogle.Message)
	}
	return Claims{token.Subject, c.Email, c.Name, c.Verified}, nil
}

// Arrived is what comes of a person who was sent back by Google.
type Arrived int

const (
	SignedIn    Arrived = iota // known, or new
	AskPassword                // the address has an account with a password: it must be shown once
	NotTheirs                  // the address has an account that nobody has verified
)

var errUnverified = errs.New(errs.Invalid, "Google has not verified this address, so it cannot be used to sign in here.")

// Arrive finds or makes the account behind Google's claims. The identity is Google's subject, never the address:
// an address that has an account is not taken over.
func (s *Service) Arrive(ctx context.Context, c Claims, locale string) (user id.User, what Arrived, err error) {
	email, ok := cleanEmail(c.Email)
	if !ok || !c.Verified {
		return user, 0, errUnverified
	}
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		err := tx.Get(ctx, &user, `
			SELECT user_id FROM identities i JOIN users u ON u.id = i.user_id
			WHERE i.provider = 'google' AND i.subject = $1 AND u.deleted_at IS NULL`, c.Subject)
		if err == nil {
			what = SignedIn
			return audit.Log(ctx, tx, user, "accounts.signed_in", "user:"+user.String(), map[string]any{"by": "google"})
		}
		if !db.None(err) {
			return err
		}
		u := User{ID: id.New[id.UserKind](), Email: email, VerifiedAt: tx.Now, Name: clip(c.Name, 100), Role: "creator", Locale: locale, TimeZone: "UTC"}
		isNew, err := insertUser(ctx, tx, u, "")
		if err != nil {
			return err
		}
		if isNew {
			user, what = u.ID, SignedIn
			return link(ctx, tx, user, c)
		}
		have, err := findByEmail(ctx, tx, email)
		if err != nil {
			return err
		}
		user, what = have.ID, AskPassword
		if !have.VerifiedAt.Valid {
			what = NotTheirs
		}
		return nil
	})
	return user, what, err
}

// Link joins a Google identity to an account whose password was just shown.
func (s *Service) Link(ctx context.Context, user id.User, c Claims, password string) error {
	if err := s.CheckPassword(ctx, user, password); err != nil {
		return errs.Field("password", "That is not the password of this account.")
	}
	return s.DB.InTx(ctx, func(tx *db.Tx) error { return link(ctx, tx, user, c) })
}

func link(ctx context.Context, tx *db.Tx, user id.User, c Claims) error {
	email, _ := cleanEmail(c.Email)
	_, err := tx.Exec(ctx, `
		INSERT INTO identities (provider, subject, user_id, email, created_at)
		VALUES ('google', $1, $2, $3, $4)`, c.Subject, user, email, tx.Now)
	if db.Violates(err, "identities_user_provider_unique") {
		return errs.New(errs.Conflict, "This account is linked to another Google account already.")
	}
	if err != nil {
		return err
	}
	return audit.Log(ctx, tx, user, "accounts.google_linked", "user:"+user.String(), nil)
}

// HasGoogle reports whether a Google identity is linked.
func (s *Service) HasGoogle(ctx context.Context, user id.User) (ok bool, err error) {
	err = s.DB.Get(ctx, &ok, `SELECT EXISTS (SELECT 1 FROM identities WHERE user_id = $1 AND provider = 'google')`, user)
	return ok, err
}

// IsGoogle reports whether Google's claims are of the identity that is linked to this person.
func (s *Service) IsGoogle(ctx context.Context, user id.User, c Claims) (ok bool, err error) {
	err = s.DB.Get(ctx, &ok, `SELECT EXISTS (SELECT 1 FROM identities WHERE user_id = $1 AND provider = 'google' AND subject = $2)`, user, c.Subject)
	return ok, err
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
