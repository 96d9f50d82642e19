package accounts

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"database/sql"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"vitrine/app/audit"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/job"
)

// The second step is TOTP (RFC 6238) as every authenticator app knows it: SHA-1, six digits, 30 seconds.
const (
	stepLength    = 30        // seconds
	stepsAside    = 1         // how far a phone's clock may be off, in steps
	secretSize    = 20        // bytes, as long as the hash
	setupLife     = time.Hour // from showing the secret to its first code
	recoveryCodes = 10

	freeFailures = 5 // wrong codes in a row; each one more doubles the wait
	firstWait    = time.Minute
	longestWait  = time.Hour
)

// Factor is where a person's second step stands.
type Factor struct {
	On    bool
	Since time.Time
	Codes int // recovery codes that are left
}

// FactorSetup is what goes into an authenticator app: as a picture made of URL, or typed.
type FactorSetup struct{ URL, Secret string }

var (
	errFactorOn   = errs.New(errs.Conflict, "Two-step sign-in is on already.")
	errFactorOff  = errs.New(errs.Conflict, "Two-step sign-in is not on.")
	errNoSetup    = errs.New(errs.Gone, "This took longer than an hour, or was begun anew. Please set it up again.")
	errFactorCode = errs.Field("code", "That is not the code your app shows now. Codes change every 30 seconds.")
	errFactorUsed = errs.Field("code", "This code has been used. Wait for the next one, it comes within 30 seconds.")
	errFactorKept = errs.New(errs.Forbidden, "Operators cannot go without two-step sign-in.")
)

type factorRow struct {
	User      id.User      `db:"user_id"`
	Secret    []byte       `db:"secret"`
	CreatedAt time.Time    `db:"created_at"`
	Confirmed sql.NullTime `db:"confirmed_at"`
	LastStep  int64        `db:"last_step"`
	Failures  int          `db:"failures"`
	Blocked   sql.NullTime `db:"blocked_until"`
}

// lockFactor takes the row for the rest of the transaction: codes of one person are looked at one after another.
func lockFactor(ctx context.Context, tx *db.Tx, user id.User) (r factorRow, err error) {
	err = tx.Get(ctx, &r, `
		SELECT user_id, secret, created_at, confirmed_at, last_step, failures, blocked_until
		FROM two_factors WHERE user_id = $1 FOR UPDATE`, user)
	return r, err
}

// Factor tells whether the second step is on, and how many recovery codes are left.
func (s *Service) Factor(ctx context.Context, user id.User) (Factor, error) {
	var r struct {
		At    time.Time `db:"confirmed_at"`
		Codes int       `db:"codes"`
	}
	err := s.DB.Get(ctx, &r, `
		SELECT confirmed_at, (SELECT count(*) FROM recovery_codes r WHERE r.user_id = f.user_id AND r.used_at IS NULL) AS codes
		FROM two_factors f WHERE f.user_id = $1 AND f.confirmed_at IS NOT NULL`, user)
	if db.None(err) {
		return Factor{}, nil
	}
	return Factor{On: err == nil, Since: r.At, Codes: r.Codes}, err
}

// HasFactor reports whether signing in takes a second step; it fills web.Factors.
func (s *Service) HasFactor(ctx context.Context, user id.User) (ok bool, err error) {
	err = s.DB.Get(ctx, &ok, `SELECT EXISTS (SELECT 1 FROM two_factors WHERE user_id = $1 AND confirmed_at IS NOT NULL)`, user)
	return ok, err
}

// BeginFactor makes a secret that is to be confirmed by a code. One that was begun within the hour stays, so that
// pressing twice does not make a scanned picture worthless.
func (s *Service) BeginFactor(ctx context.Context, user id.User) error {
	raw := make([]byte, secretSize)
	rand.Read(raw)
	sealed, err := s.seal(user, raw)
	if err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `
			INSERT INTO two_factors (user_id, secret, created_at)
			VALUES ($1, $2, $3)
			ON CONFLICT (user_id) DO UPDATE SET
				secret = EXCLUDED.secret,
				created_at = EXCLUDED.created_at,
				last_step = 0,
				failures = 0,
				blocked_until = NULL
			WHERE two_factors.confirmed_at IS NULL AND two_factors.created_at <= $4`,
			user, sealed, tx.Now, tx.Now.Add(-setupLife)); err != nil {
			return err
		}
		r, err := lockFactor(ctx, tx, user)
		if err == nil && r.Confirmed.Valid {
			return errFactorOn
		}
		return err
	})
}

// FactorSetup is the secret that waits for its first code. Only its owner is ever shown it.
func (s *Service) FactorSetup(ctx context.Context, user id.User) (FactorSetup, error) {
	u, err := s.User(ctx, user)
	if err != nil {
		return FactorSetup{}, err
	}
	var sealed []byte
	err = s.DB.Get(ctx, &sealed, `
		SELECT secret FROM two_factors
		WHERE user_id = $1 AND confirmed_at IS NULL AND created_at > $2`, user, s.DB.Now().Add(-setupLife))
	if db.None(err) {
		return FactorSetup{}, errNoSetup
	}
	if err != nil {
		return FactorSetup{}, err
	}
	raw, err := s.unseal(user, sealed)
	if err != nil {
		return FactorSetup{}, err
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "Vitrine", AccountName: u.Email, Secret: raw, Period: stepLength})
	if err != nil {
		return FactorSetup{}, err
	}
	return FactorSetup{URL: key.URL(), Secret: key.Secret()}, nil
}

// ConfirmFactor turns the second step on by a code of the secret that was shown, and returns the recovery codes,
// which are never shown again. Every other session and token of the person ends: none of them has shown a code.
func (s *Service) ConfirmFactor(ctx context.Context, user id.User, code, keep string) (codes []string, err error) {
	err = s.locked(ctx, user, func(tx *db.Tx, r factorRow) (answer, err error) {
		switch {
		case r.Confirmed.Valid:
			return errFactorOn, nil
		case r.Secret == nil || !r.CreatedAt.After(tx.Now.Add(-setupLife)):
			return errNoSetup, nil
		}
		if answer, err := s.take(ctx, tx, r, code); answer != nil || err != nil {
			return answer, err
		}
		if _, err := tx.Exec(ctx, `UPDATE two_factors SET confirmed_at = $2 WHERE user_id = $1`, user, tx.Now); err != nil {
			return nil, err
		}
		if codes, err = s.writeCodes(ctx, tx, user); err != nil {
			return nil, err
		}
		if err := s.endAll(ctx, tx, user, keep, "accounts.factor_on"); err != nil {
			return nil, err
		}
		return nil, job.Enqueue(ctx, tx, FactorNews{User: user, What: FactorIsOn, At: tx.Now})
	})
	return codes, err
}

// ProveFactor takes a code of the app, or a recovery code, each once. left is how many recovery codes remain when
// one was used, and -1 otherwise.
func (s *Service) ProveFactor(ctx context.Context, user id.User, code string) (left int, err error) {
	err = s.locked(ctx, user, func(tx *db.Tx, r factorRow) (answer, err error) {
		left = -1
		if !r.Confirmed.Valid {
			return errFactorOff, nil
		}
		by := "app"
		if answer, err = s.takeEither(ctx, tx, r, code, &left); answer != nil || err != nil {
			return answer, err
		}
		if left >= 0 {
			by = "recovery"
		}
		return nil, audit.Log(ctx, tx, user, "accounts.factor_proven", "user:"+user.String(), map[string]any{"by": by})
	})
	return left, err
}

// EndFactor turns the second step off, by a code. Operators cannot.
func (s *Service) EndFactor(ctx context.Context, user id.User, code, keep string) error {
	u, err := s.User(ctx, user)
	if err != nil {
		return err
	}
	if u.Role == "admin" {
		return errFactorKept
	}
	return s.locked(ctx, user, func(tx *db.Tx, r factorRow) (answer, err error) {
		if !r.Confirmed.Valid {
			return errFactorOff, nil
		}
		left := -1
		if answer, err := s.takeEither(ctx, tx, r, code, &left); answer != nil || err != nil {
			return answer, err
		}
		if err := s.dropFactor(ctx, tx, user); err != nil {
			return nil, err
		}
		return nil, s.endAll(ctx, tx, user, keep, "accounts.factor_off")
	})
}

// dropFactor removes the second step and says so.
func (s *Service) dropFactor(ctx context.Context, tx *db.Tx, user id.User) error {
	n, err := tx.Exec(ctx, `DELETE FROM two_factors WHERE user_id = $1 AND confirmed_at IS NOT NULL`, user)
	if err != nil || n == 0 {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM recovery_codes WHERE user_id = $1`, user); err != nil {
		return err
	}
	return job.Enqueue(ctx, tx, FactorNews{User: user, What: FactorIsOff, At: tx.Now})
}

// locked runs f with the person's row; one who has none gets an empty row. What f answers is told only after the
// transaction, which ends well: a wrong code must stay counted.
func (s *Service) locked(ctx context.Context, user id.User, f func(*db.Tx, factorRow) (answer, err error)) error {
	var answer error
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		r, err := lockFactor(ctx, tx, user)
		if err != nil && !db.None(err) {
			return err
		}
		answer, err = f(tx, r)
		return err
	})
	if err != nil {
		return err
	}
	return answer
}

// takeEither takes a code of the app or a recovery code, whichever it looks like.
func (s *Service) takeEither(ctx context.Context, tx *db.Tx, r factorRow, code string, left *int) (answer, err error) {
	if looksRecovery(code) {
		return s.takeRecovery(ctx, tx, r, code, left)
	}
	return s.take(ctx, tx, r, code)
}

// take looks at a code of the app. A right one uses up its 30 seconds and all before.
func (s *Service) take(ctx context.Context, tx *db.Tx, r factorRow, code string) (answer, err error) {
	if answer := blocked(r, tx.Now); answer != nil {
		return answer, nil
	}
	raw, err := s.unseal(r.User, r.Secret)
	if err != nil {
		return nil, err
	}
	step, ok, err := stepOf(raw, squeeze(code), tx.Now)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return errFactorCode, failed(ctx, tx, r)
	case guardCodeOnce && step <= r.LastStep:
		return errFactorUsed, nil // nobody gains by trying it again, so it does not count as a guess
	}
	_, err = tx.Exec(ctx, `UPDATE two_factors SET last_step = $2, failures = 0, blocked_until = NULL WHERE user_id = $1`, r.User, step)
	return nil, err
}

// stepOf finds the 30 seconds to which a code belongs, among now and its neighbours.
func stepOf(raw []byte, code string, now time.Time) (step int64, ok bool, err error) {
	secret := otpSecret(raw)
	for d := int64(-stepsAside); d <= stepsAside; d++ {
		at := now.Unix()/stepLength + d
		want, err := hotp.GenerateCodeCustom(secret, uint64(at), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, false, err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, ok = at, true
		}
	}
	return step, ok, nil
}

// blocked is the refusal while someone has to wait after many wrong codes.
func blocked(r factorRow, now time.Time) error {
	if !r.Blocked.Valid || !r.Blocked.Time.After(now) {
		return nil
	}
	minutes := int(r.Blocked.Time.Sub(now)/time.Minute) + 1
	return errs.New(errs.TooMany, "That were too many wrong codes. Please wait %d minutes and try again.", minutes)
}

// failed counts a wrong code; from the fifth in a row on, each makes everyone wait twice as long. The fifth is mailed:
// whoever gets as far as typing codes has shown the password.
func failed(ctx context.Context, tx *db.Tx, r factorRow) error {
	var until *time.Time
	if n := r.Failures + 1; n >= freeFailures {
		wait := min(firstWait<<min(n-freeFailures, 10), longestWait)
		at := tx.Now.Add(wait)
		until = &at
	}
	if _, err := tx.Exec(ctx, `UPDATE two_factors SET failures = failures + 1, blocked_until = $2 WHERE user_id = $1`, r.User, until); err != nil {
		return err
	}
	if r.Failures+1 != freeFailures || !r.Confirmed.Valid {
		return nil
	}
	return job.Enqueue(ctx, tx, FactorNews{User: r.User, What: CodesGuessed, At: tx.Now})
}

// squeeze drops what people put between digits.
func squeeze(code string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '\u00a0', '\u2009', '\u202f', '\u2011', '\u2013':
			return -1
		}
		return r
	}, code)
}
