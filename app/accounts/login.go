package accounts

import (
	"context"

	"vitrine/app/audit"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
)

var errLogin = errs.New(errs.Invalid, "This address and password do not belong together.")

// Login checks a password. Unknown addresses, accounts without a password and wrong passwords all get the same
// answer, in the same time.
func (s *Service) Login(ctx context.Context, email, password string) (User, error) {
	email, ok := cleanEmail(email)
	var r userRow
	if ok {
		var err error
		if r, err = findByEmail(ctx, s.DB, email); err != nil && !db.None(err) {
			return User{}, err
		}
	}
	same, err := matches(ctx, clipBytes(password, 256), r.PasswordHash.String)
	if err != nil {
		return User{}, err
	}
	if !same || r.ID.IsZero() || !r.PasswordHash.Valid {
		return User{}, errLogin
	}
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		return audit.Log(ctx, tx, r.ID, "accounts.signed_in", "user:"+r.ID.String(), map[string]any{"by": "password"})
	})
	return r.user(), err
}

// ProvePassword is CheckPassword for a form with one password, whoever has none included.
func (s *Service) ProvePassword(ctx context.Context, user id.User, password string) error {
	err := s.CheckPassword(ctx, user, clipBytes(password, 256))
	if errs.Is(err, errs.Invalid) {
		return errs.Field("password", "That is not your password.")
	}
	return err
}

func clipBytes(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// CheckPassword asks someone who is signed in for their password again.
func (s *Service) CheckPassword(ctx context.Context, user id.User, password string) error {
	r, err := findRow(ctx, s.DB, user)
	if err != nil {
		return err
	}
	same, err := matches(ctx, password, r.PasswordHash.String)
	if err != nil {
		return err
	}
	if !same {
		return errs.Field("current", "That is not your present password.")
	}
	return nil
}

// ChangePassword sets a new one and ends every other session. Who came by Google sets their first without an
// old one.
func (s *Service) ChangePassword(ctx context.Context, user id.User, current, fresh, keep string) error {
	u, err := s.User(ctx, user)
	if err != nil {
		return err
	}
	var f errs.Form
	checkPassword(&f, "password", fresh, u.Email)
	if err := f.Err(); err != nil {
		return err
	}
	if u.HasPass {
		if err := s.CheckPassword(ctx, user, current); err != nil {
			return err
		}
	}
	hash, err := hashPassword(ctx, fresh)
	if err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		if err := setPassword(ctx, tx, user, hash); err != nil {
			return err
		}
		return s.endAll(ctx, tx, user, keep, "accounts.password_changed")
	})
}

// Devices are a person's open sessions, the one used last first.
func (s *Service) Devices(ctx context.Context, user id.User) ([]Device, error) {
	return listSessions(ctx, s.DB, user, s.DB.Now())
}

// EndDevice signs one of a person's devices out.
func (s *Service) EndDevice(ctx context.Context, user id.User, key string) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		ok, err := endSession(ctx, tx, user, key)
		if err != nil {
			return err
		}
		if !ok {
			return errs.New(errs.NotFound, "That device is signed out already.")
		}
		return emitSignedOut(ctx, tx, []string{key})
	})
}

// EndOthers signs out everywhere but here; an empty keep ends this session too.
func (s *Service) EndOthers(ctx context.Context, user id.User, keep string) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error { return s.endAll(ctx, tx, user, keep, "accounts.signed_out_everywhere") })
}

// endAll ends sessions and API tokens and notes why.
func (s *Service) endAll(ctx context.Context, tx *db.Tx, user id.User, keep, why string) error {
	ended, err := endSessions(ctx, tx, user, keep)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE api_tokens SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL`, user, tx.Now); err != nil {
		return err
	}
	if err := emitSignedOut(ctx, tx, ended); err != nil {
		return err
	}
	return audit.Log(ctx, tx, user, why, "user:"+user.String(), nil)
}

// SetProfile changes how a person is called and how dates are told.
func (s *Service) SetProfile(ctx context.Context, user id.User, name, zone, locale string) error {
	if len([]rune(name)) > 100 {
		return errs.Field("name", "Use 100 characters or fewer.")
	}
	if zone != checkZone(zone) {
		return errs.Field("time_zone", "Choose a time zone from the list.")
	}
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE users SET name = $2, time_zone = $3, locale = $4, updated_at = $5 WHERE id = $1`, user, name, zone, locale, tx.Now)
		return err
	})
}
