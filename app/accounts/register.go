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

// Provision makes an account with a verified address for someone whose address the operator vouches for, or
// gives the account that has this address the password and the role.
func (s *Service) Provision(ctx context.Context, email, password, name, role string) (id.User, error) {
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
	u := User{ID: id.New[id.UserKind](), Email: email, Name: name, Role: role, Locale: "en", TimeZone: "UTC"}
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		u.VerifiedAt = tx.Now
		ok, err := insertUser(ctx, tx, u, hash)
		if err != nil {
			return err
		}
		if !ok {
			if u.ID, err = s.promote(ctx, tx, email, hash, role); err != nil {
				return err
			}
		}
		return audit.Log(ctx, tx, u.ID, "accounts.provisioned", "user:"+u.ID.String(), map[string]any{"role": role})
	})
	return u.ID, err
}

func (s *Service) promote(ctx context.Context, tx *db.Tx, email, hash, role string) (id.User, error) {
	have, err := findByEmail(ctx, tx, email)
	if err != nil {
		return id.User{}, err
	}
	if _, err := tx.Exec(ctx, `UPDATE users SET role = $2, updated_at = $3 WHERE id = $1`, have.ID, role, tx.Now); err != nil {
		return id.User{}, err
	}
	if err := setPassword(ctx, tx, have.ID, hash); err != nil {
		return id.User{}, err
	}
	if err := setVerified(ctx, tx, have.ID); err != nil {
		return id.User{}, err
	}
	// Whoever may run this may read everything anyway: it is also the way back in for an operator who has lost both
	// the phone and the recovery codes.
	if err := s.dropFactor(ctx, tx, have.ID); err != nil {
		return id.User{}, err
	}
	return have.ID, s.endAll(ctx, tx, have.ID, "", "accounts.role_changed") // a new role, a new sign-in
}

// Known reports whether an address has an account: for the operator's tools, never for a page.
func (s *Service) Known(ctx context.Context, email string) (user id.User, ok bool, err error) {
	r, err := findByEmail(ctx, s.DB, email)
	if db.None(err) {
		return user, false, nil
	}
	return r.ID, err == nil, err
}
