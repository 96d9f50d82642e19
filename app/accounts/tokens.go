package accounts

import (
	"context"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
)

const (
	issuer      = "vitrine"
	audience    = "vitrine-api"
	refreshLife = 30 * 24 * time.Hour
)

// Tokens are what the API hands out: a short access token, and a refresh token that is good once.
type Tokens struct {
	Access    string
	ExpiresIn time.Duration
	Refresh   string
}

var errToken = errs.New(errs.Unauthorized, "This token is not good any more. Please sign in again.")

// NewTokens begins a family of refresh tokens for a person.
func (s *Service) NewTokens(ctx context.Context, user id.User) (Tokens, error) {
	var t Tokens
	err := s.DB.InTx(ctx, func(tx *db.Tx) (err error) {
		t, err = s.mint(ctx, tx, user, uuid.Must(uuid.NewV7()))
		return err
	})
	return t, err
}

func (s *Service) mint(ctx context.Context, tx *db.Tx, user id.User, family uuid.UUID) (Tokens, error) {
	t := Tokens{ExpiresIn: s.Expires, Refresh: id.Token()}
	if _, err := tx.Exec(ctx, `
		INSERT INTO api_tokens (hash, family, user_id, expires_at, created_at)
		VALUES ($1, $2, $3, $4, $5)`, id.Hash(t.Refresh), family, user, tx.Now.Add(refreshLife), tx.Now); err != nil {
		return Tokens{}, err
	}
	var err error
	t.Access, err = jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Issuer: issuer, Audience: jwt.ClaimStrings{audience}, Subject: user.String(), ID: family.String(),
		IssuedAt: jwt.NewNumericDate(tx.Now), ExpiresAt: jwt.NewNumericDate(tx.Now.Add(s.Expires)),
	}).SignedString(s.signingKey())
	return t, err
}

// signingKey is not the secret itself: what signs tokens signs nothing else.
func (s *Service) signingKey() []byte { return []byte(id.Derive(s.Secret, "jwt")) }

// TokenUser reads an access token; it fills web.Tokens. The family must not have been revoked.
func (s *Service) TokenUser(ctx context.Context, access string) (id.User, error) {
	var c jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(access, &c, func(*jwt.Token) (any, error) { return s.signingKey(), nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(s.DB.Now))
	if err != nil {
		return id.User{}, errToken
	}
	user, err := id.Parse[id.UserKind](c.Subject)
	if err != nil {
		return id.User{}, errToken
	}
	var live bool
	err = s.DB.Get(ctx, &live, `SELECT EXISTS (SELECT 1 FROM api_tokens WHERE family = $1::uuid AND revoked_at IS NULL)`, c.ID)
	if err == nil && !live {
		err = errToken
	}
	return user, err
}

// Refresh trades a refresh token for new ones. One that comes a second time was stolen, by someone on one side
// or the other: its whole family ends.
func (s *Service) Refresh(ctx context.Context, refresh string) (Tokens, error) {
	if id.CheckToken(refresh) != nil {
		return Tokens{}, errToken
	}
	var t Tokens
	var answer error
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		answer = nil
		var r struct {
			Family uuid.UUID `db:"family"`
			User   id.User   `db:"user_id"`
		}
		err := tx.Get(ctx, &r, `
			UPDATE api_tokens SET used_at = $2
			WHERE hash = $1 AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $2
			RETURNING family, user_id`, id.Hash(refresh), tx.Now)
		if db.None(err) {
			answer = errToken
			_, err = tx.Exec(ctx, `
				UPDATE api_tokens SET revoked_at = $2
				WHERE family IN (SELECT family FROM api_tokens WHERE hash = $1 AND used_at IS NOT NULL) AND revoked_at IS NULL`, id.Hash(refresh), tx.Now)
			return err
		}
		if err != nil {
			return err
		}
		t, err = s.mint(ctx, tx, r.User, r.Family)
		return err
	})
	return t, errors.Join(err, answer)
}

// Revoke ends the family of a refresh token; unknown ones are no error.
func (s *Service) Revoke(ctx context.Context, refresh string) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `
			UPDATE api_tokens SET revoked_at = $2
			WHERE family IN (SELECT family FROM api_tokens WHERE hash = $1) AND revoked_at IS NULL`, id.Hash(refresh), tx.Now)
		return err
	})
}
