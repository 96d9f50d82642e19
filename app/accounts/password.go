package accounts

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"vitrine/app/errs"
)

// params are OWASP's choice for argon2id: 19 MiB, two passes, one lane.
var params = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// gate lets a few hashes run at once: each takes 19 MiB and a tenth of a second.
var gate = make(chan struct{}, 4)

// dummy is compared against when there is no account, so that the answer takes as long.
const dummy = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$mC0aHrxvqUDR2Ex0jS2wJvDQjNoaaVwN8hjdZfSlHU8"

func enter(ctx context.Context) (func(), error) {
	select {
	case gate <- struct{}{}:
		return func() { <-gate }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func hashPassword(ctx context.Context, password string) (string, error) {
	leave, err := enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return argon2id.CreateHash(password, params)
}

// matches compares in the same time whether there is a hash or not.
func matches(ctx context.Context, password, hash string) (bool, error) {
	leave, err := enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	if hash == "" {
		_, err := argon2id.ComparePasswordAndHash(password, dummy)
		return false, err
	}
	return argon2id.ComparePasswordAndHash(password, hash)
}

// common are the passwords that are tried first by anyone who guesses, of ten letters or more.
var common = map[string]bool{
	"1234567890": true, "12345678910": true, "0123456789": true, "0987654321": true, "password123": true, "password1234": true,
	"qwertyuiop": true, "qwerty12345": true, "1q2w3e4r5t": true, "iloveyou123": true, "letmein123": true, "welcome123": true,
	"administrator": true, "passwordpassword": true, "1111111111": true, "0000000000": true, "abcdefghij": true, "abcd123456": true,
	"football123": true, "baseball123": true, "princess123": true, "sunshine123": true, "superman123": true, "charlie123": true,
	"correcthorsebatterystaple": true, "qwertyuiop123": true, "asdfghjkl123": true, "zaq12wsxcde3": true, "trustno1trustno1": true,
}

// checkPassword: length counts, composition does not (NIST SP 800-63B).
func checkPassword(f *errs.Form, field, password, email string) {
	n := utf8.RuneCountInString(password)
	lower := strings.ToLower(password)
	switch {
	case n < 10:
		f.Add(field, "Use 10 characters or more. A few words in a row are fine.")
	case len(password) > 256:
		f.Add(field, "Use 256 characters or fewer.")
	case common[lower] || strings.Trim(lower, lower[:1]) == "":
		f.Add(field, "This password is one of those that are tried first. Use another.")
	case email != "" && (strings.EqualFold(password, email) || strings.EqualFold(password, strings.Split(email, "@")[0])):
		f.Add(field, "Your address is no password. Use another.")
	}
}
