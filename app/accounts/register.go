package accounts

import (
	"context"

	"vitrine/app/audit"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/job"
)

// NewUser is the form of /join.
type NewUser struct{ Email, Password, Locale, TimeZone string }

// Register makes an account that is not verified yet and mails a code. For an address that has one already the
// answer is the same, and the mail says so: isNew is false and nobody is signed in.
func (s *Service) Register(ctx context.Context, in NewUser) (user id.User, isNew bool, err error) {
	var f errs.Form
	email := checkEmail(&f, in.Email)
	checkPassword(&f, "password", in.Password, email)
	if err := f.Err(); err != nil {
		return user, false, err
	}
	hash, err := hashPassword(ctx, in.Password)
	if err != nil {
		return user, false, err
	}
	u := User{ID: id.New[id.UserKind](), Email: email, Role: "creator", Locale: in.Locale, TimeZone: checkZone(in.TimeZone)}
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		isNew = false
		ok, err := insertUser(ctx, tx, u, hash)
		if err != nil {
			return err
		}
		if ok || !guardEmail {
			isNew = true
			return s.issue(ctx, tx, u.ID, Verify)
		}
		have, err := findByEmail(ctx, tx, email)
		if err != nil {
			return err
		}
		if have.VerifiedAt.Valid {
			return job.Enqueue(ctx, tx, SendKnown{User: have.ID})
		}
		// Nobody has proved that the address is theirs: whoever began before starts over, and the code goes to
		// the one who can read the mails.
		u.ID, isNew = have.ID, true
		if err := setPassword(ctx, tx, have.ID, hash); err != nil {
			return err
		}
		if err := s.endAll(ctx, tx, have.ID, "", "accounts.registered_again"); err != nil {
			return err
		}
		return s.issue(ctx, tx, have.ID, Verify)
	})
	return u.ID, isNew, err
}

// CreateAdmin makes an operator with a verified address, or makes the person behind an address one.
func (s *Service) CreateAdmin(ctx context.Context, email, password string) (id.User, error) {
	var f errs.Form
	email = checkEmail(&f, email)
	checkPassword(&f, "password", password, email)
	if err := f.Err(); err != nil {
		return id.User{}, err
	}
	hash, err := hashPassword(ctx, password)
	if err != nil {
		return id.User{}, err
	}
	u := User{ID: id.New[id.UserKind](), Email: email, Role: "admin", Locale: "en", TimeZone: "UTC"}
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		u.VerifiedAt = tx.Now
		ok, err := insertUser(ctx, tx, u, hash)
		if err != nil {
			return err
		}
		if !ok {
			have, err := findByEmail(ctx, tx, email)
			if err != nil {
				return err
			}
			u.ID = have.ID
			if _, err := tx.Exec(ctx, `UPDATE users SET role = 'admin', updated_at = $2 WHERE id = $1`, u.ID, tx.Now); err != nil {
				return err
			}
			if err := setPassword(ctx, tx, u.ID, hash); err != nil {
				return err
			}
			if err := s.endAll(ctx, tx, u.ID, "", "accounts.role_changed"); err != nil { // a new role, a new sign-in
				return err
			}
		}
		return audit.Log(ctx, tx, u.ID, "accounts.admin_created", "user:"+u.ID.String(), nil)
	})
	return u.ID, err
}
