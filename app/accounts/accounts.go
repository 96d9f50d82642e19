// Package accounts knows who people are: signing up, in and out, by password or by Google, on pages and by API.
//
// Nobody learns here whether an address has an account: known and unknown get the same answer, and the mail tells.
package accounts

import (
	"context"
	"net/mail"
	"strings"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
)

// User is a person with an account.
type User struct {
	ID         id.User
	Email      string
	VerifiedAt time.Time // zero until the address is verified
	Name       string
	Role       string // creator or admin
	Locale     string
	TimeZone   string
	HasPass    bool
	CreatedAt  time.Time
}

// Verified reports whether the address is known to be theirs.
func (u User) Verified() bool { return !u.VerifiedAt.IsZero() }

// Service is the way in. Secret derives codes and link tokens.
type Service struct {
	DB      *db.DB
	Secret  string
	AppURL  string
	Expires time.Duration // of access tokens
	Google  *Google       // nil where signing in with Google is not set up
}

var errNoUser = errs.New(errs.NotFound, "There is no such person.")

// User finds a person by id.
func (s *Service) User(ctx context.Context, user id.User) (User, error) {
	u, err := findUser(ctx, s.DB, user)
	if db.None(err) {
		return User{}, errNoUser
	}
	return u, err
}

// cleanEmail is the address as it is stored and compared; false when it cannot be one.
func cleanEmail(s string) (string, bool) {
	s = strings.TrimSpace(s)
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || len(s) > 254 || strings.ContainsAny(s, "\"\\ ") {
		return "", false
	}
	local, domain, _ := strings.Cut(s, "@")
	if len(local) > 64 || !strings.Contains(domain, ".") || strings.HasPrefix(domain, ".") || strings.HasSuffix(domain, ".") || strings.Contains(domain, "..") {
		return "", false
	}
	return strings.ToLower(s), true
}

func checkEmail(f *errs.Form, s string) string {
	e, ok := cleanEmail(s)
	if !ok {
		f.Add("email", "Give a whole address, like ines@mail.example.")
	}
	return e
}

func checkZone(name string) string {
	if _, err := time.LoadLocation(name); err != nil || name == "" || name == "Local" {
		return "UTC"
	}
	return name
}
