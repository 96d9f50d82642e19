package accounts

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"

	"vitrine/app/audit"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/job"
)

// recoveryLength is how many letters a recovery code has: 50 bits, which the wait after wrong codes keeps safe.
const (
	recoveryLength = 10
	digits         = "0123456789"
)

var errRecovery = errs.Field("code", "That is none of your recovery codes, or it has been used.")

// NewRecoveryCodes makes ten new ones; the ones before are worth nothing from then on.
func (s *Service) NewRecoveryCodes(ctx context.Context, user id.User) (codes []string, err error) {
	err = s.locked(ctx, user, func(tx *db.Tx, r factorRow) (answer, err error) {
		if !r.Confirmed.Valid {
			return errFactorOff, nil
		}
		if codes, err = s.writeCodes(ctx, tx, user); err != nil {
			return nil, err
		}
		return nil, audit.Log(ctx, tx, user, "accounts.recovery_renewed", "user:"+user.String(), nil)
	})
	return codes, err
}

func (s *Service) writeCodes(ctx context.Context, tx *db.Tx, user id.User) ([]string, error) {
	if _, err := tx.Exec(ctx, `DELETE FROM recovery_codes WHERE user_id = $1`, user); err != nil {
		return nil, err
	}
	var codes []string
	for len(codes) < recoveryCodes {
		c := strings.ToLower(rand.Text()[:recoveryLength])
		if slices.Contains(codes, c) || !looksRecovery(c) {
			continue
		}
		if _, err := tx.Exec(ctx, `INSERT INTO recovery_codes (user_id, hash, created_at) VALUES ($1, $2, $3)`, user, s.recoveryHash(user, c), tx.Now); err != nil {
			return nil, err
		}
		codes = append(codes, c)
	}
	for i, c := range codes {
		codes[i] = c[:recoveryLength/2] + "-" + c[recoveryLength/2:]
	}
	return codes, nil
}

// recoveryHash takes the secret of the instance too: who has the table alone can try nothing.
func (s *Service) recoveryHash(user id.User, code string) []byte {
	return id.Hash(id.Derive(s.Secret, "recovery", user.String(), code))
}

// looksRecovery tells a recovery code from one of the app, which is digits alone.
func looksRecovery(code string) bool { return strings.Trim(squeeze(code), digits) != "" }

// takeRecovery uses a recovery code up.
func (s *Service) takeRecovery(ctx context.Context, tx *db.Tx, r factorRow, code string, left *int) (answer, err error) {
	if answer := blocked(r, tx.Now); answer != nil {
		return answer, nil
	}
	n, err := tx.Exec(ctx, `UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND hash = $2 AND used_at IS NULL`,
		r.User, s.recoveryHash(r.User, strings.ToLower(squeeze(code))), tx.Now)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return errRecovery, failed(ctx, tx, r)
	}
	if _, err := tx.Exec(ctx, `UPDATE two_factors SET failures = 0, blocked_until = NULL WHERE user_id = $1`, r.User); err != nil {
		return nil, err
	}
	if err := tx.Get(ctx, left, `SELECT count(*) FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL`, r.User); err != nil {
		return nil, err
	}
	return nil, job.Enqueue(ctx, tx, FactorNews{User: r.User, What: RecoveryUsed, Left: *left, At: tx.Now})
}

// sealer encrypts with a key that is derived from the secret of the instance and used for nothing else.
func (s *Service) sealer() (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(s.Secret), nil, "vitrine two factors", 32)
	if err != nil {
		return nil, err
	}
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(b)
}

// seal binds the secret to its owner: copied into somebody else's row it does not open.
func (s *Service) seal(user id.User, raw []byte) ([]byte, error) {
	a, err := s.sealer()
	if err != nil {
		return nil, err
	}
	return a.Seal(nil, nil, raw, []byte(user.String())), nil
}

func (s *Service) unseal(user id.User, sealed []byte) ([]byte, error) {
	a, err := s.sealer()
	if err != nil {
		return nil, err
	}
	raw, err := a.Open(nil, nil, sealed, []byte(user.String()))
	if err != nil {
		return nil, fmt.Errorf("the second factor of %s does not open; was SECRET_KEY changed? %w", user, err)
	}
	return raw, nil
}

// otpSecret is a secret as authenticator apps write it.
func otpSecret(raw []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)
}
