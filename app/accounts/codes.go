package accounts

import (
	"context"
	"crypto/subtle"
	"strings"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/event"
	"vitrine/app/id"
	"vitrine/app/job"
)

// Purpose is what a mailed code or link is for.
type Purpose string

const (
	Verify Purpose = "verify" // six digits
	Reset  Purpose = "reset"  // a link
)

const (
	codeLife   = 15 * time.Minute
	resetLife  = time.Hour
	codeTries  = 5
	resendWait = 30 * time.Second
)

// secretOf derives the code or the link's token from the moment it was sent. Only its hash is stored, and the
// mail job works it out again.
func (s *Service) secretOf(user id.User, p Purpose, sent time.Time) string {
	at := sent.UTC().Format(time.RFC3339Nano)
	if p == Verify {
		return id.DeriveCode(s.Secret, "verify", user.String(), at)
	}
	return id.Derive(s.Secret, "reset", user.String(), at)
}

// issue makes a new code, which ends the one before, and lets a job mail it. Within resendWait of the last one
// nothing happens.
func (s *Service) issue(ctx context.Context, tx *db.Tx, user id.User, p Purpose) error {
	life := codeLife
	if p == Reset {
		life = resetLife
	}
	n, err := tx.Exec(ctx, `
		INSERT INTO email_codes (user_id, purpose, hash, attempts, sent_at, expires_at)
		VALUES ($1, $2, $3, 0, $4, $5)
		ON CONFLICT (user_id, purpose) DO UPDATE SET
			hash = EXCLUDED.hash,
			attempts = 0,
			sent_at = EXCLUDED.sent_at,
			expires_at = EXCLUDED.expires_at
		WHERE email_codes.sent_at <= $6`,
		user, p, id.Hash(s.secretOf(user, p, tx.Now)), tx.Now, tx.Now.Add(life), tx.Now.Add(-resendWait))
	if err != nil || n == 0 {
		return err
	}
	return job.Enqueue(ctx, tx, SendCode{User: user, Purpose: p, Sent: tx.Now})
}

var (
	errCode     = errs.Field("code", "That is not the code we sent. Look at the newest mail.")
	errCodeOld  = errs.Field("code", "This code is no longer good. Ask for a new one.")
	errCodeMany = errs.Field("code", "That were too many tries. Ask for a new code.")
)

// VerifyEmail takes the six digits. Each try counts, whatever comes of it.
func (s *Service) VerifyEmail(ctx context.Context, user id.User, code string) error {
	code = strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\u00a0' {
			return -1
		}
		return r
	}, code)
	var answer error
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		answer = nil
		var c codeRow
		err := tx.Get(ctx, &c, `
			UPDATE email_codes SET attempts = attempts + 1
			WHERE user_id = $1 AND purpose = 'verify'
			RETURNING hash, attempts, sent_at, expires_at`, user)
		switch {
		case db.None(err):
			answer = errCodeOld
			return nil
		case err != nil:
			return err
		case c.Attempts > codeTries:
			answer = errCodeMany // the try is kept: the transaction ends well
			return nil
		case !c.ExpiresAt.After(tx.Now):
			answer = errCodeOld
			return nil
		case subtle.ConstantTimeCompare(c.Hash, id.Hash(code)) != 1:
			answer = errCode
			return nil
		}
		if err := deleteCode(ctx, tx, user, Verify); err != nil {
			return err
		}
		return setVerified(ctx, tx, user)
	})
	if err != nil {
		return err
	}
	return answer
}

// Resend mails a new code to someone who is signed in and not verified.
func (s *Service) Resend(ctx context.Context, user id.User) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error { return s.issue(ctx, tx, user, Verify) })
}

// Forgot mails a reset link when the address has an account; nobody can tell from outside.
func (s *Service) Forgot(ctx context.Context, email string) error {
	var f errs.Form
	email = checkEmail(&f, email)
	if err := f.Err(); err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		r, err := findByEmail(ctx, tx, email)
		if err != nil && !db.None(err) {
			return err
		}
		return job.Enqueue(ctx, tx, ForgotPassword{User: r.ID}) // zero for nobody: the same work either way
	})
}

var errReset = errs.New(errs.Gone, "This link has been used or is too old. Ask for a new one.")

// CheckReset reports whether the link still opens.
func (s *Service) CheckReset(ctx context.Context, token string) error {
	_, err := s.resetUser(ctx, s.DB, token)
	return err
}

func (s *Service) resetUser(ctx context.Context, q db.Q, token string) (user id.User, err error) {
	if id.CheckToken(token) != nil {
		return user, errReset
	}
	err = q.Get(ctx, &user, `SELECT user_id FROM email_codes WHERE purpose = 'reset' AND hash = $1 AND expires_at > $2`, id.Hash(token), s.DB.Now())
	if db.None(err) {
		return user, errReset
	}
	return user, err
}

// ResetPassword sets a new password by a mailed link, once. It proves the address too, and ends every session.
func (s *Service) ResetPassword(ctx context.Context, token, password string) (id.User, error) {
	user, err := s.resetUser(ctx, s.DB, token)
	if err != nil {
		return user, err
	}
	u, err := s.User(ctx, user)
	if err != nil {
		return user, err
	}
	var f errs.Form
	checkPassword(&f, "password", password, u.Email)
	if err := f.Err(); err != nil {
		return user, err
	}
	hash, err := hashPassword(ctx, password)
	if err != nil {
		return user, err
	}
	return user, s.DB.InTx(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(ctx, `DELETE FROM email_codes WHERE user_id = $1 AND purpose = 'reset' AND hash = $2`, user, id.Hash(token))
		if err != nil {
			return err
		}
		if n == 0 {
			return errReset
		}
		if err := setPassword(ctx, tx, user, hash); err != nil {
			return err
		}
		if err := setVerified(ctx, tx, user); err != nil {
			return err
		}
		return s.endAll(ctx, tx, user, "", "accounts.password_reset")
	})
}

// SignedOut is the event of a session's end; its subject is the session's stored name.
const SignedOut = "accounts.signed_out"

func emitSignedOut(ctx context.Context, tx *db.Tx, keys []string) error {
	for _, k := range keys {
		if err := event.Emit(ctx, tx, SignedOut, k); err != nil {
			return err
		}
	}
	return nil
}
