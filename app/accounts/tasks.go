package accounts

import (
	"context"
	"errors"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/job"
	"vitrine/app/mail"
	"vitrine/views/text"

	view "vitrine/views/accounts"
)

// SendCode mails the code or link that was issued at Sent; a newer one makes it superfluous.
type SendCode struct {
	User    id.User   `json:"user"`
	Purpose Purpose   `json:"purpose"`
	Sent    time.Time `json:"sent"`
}

// SendKnown tells someone that their address was used to sign up again.
type SendKnown struct {
	User id.User `json:"user"`
}

// ForgotPassword issues a reset link. User is zero where nobody has the address.
type ForgotPassword struct {
	User id.User `json:"user"`
}

func (SendCode) Kind() string       { return "accounts:code" }
func (SendKnown) Kind() string      { return "accounts:known" }
func (ForgotPassword) Kind() string { return "accounts:forgot" }

// Sender hands a mail over.
type Sender interface {
	Send(ctx context.Context, m mail.Message) error
}

// Tasks registers the jobs of this feature and its sweep.
func (s *Service) Tasks(reg *job.Registry, out Sender) {
	job.Handle(reg, job.Spec{Attempts: 12}, func(ctx context.Context, t SendCode) error { return s.sendCode(ctx, out, t) })
	job.Handle(reg, job.Spec{Attempts: 12}, func(ctx context.Context, t SendKnown) error { return s.sendKnown(ctx, out, t) })
	job.Handle(reg, job.Spec{}, func(ctx context.Context, t ForgotPassword) error {
		if t.User.IsZero() {
			return nil
		}
		return s.DB.InTx(ctx, func(tx *db.Tx) error { return s.issue(ctx, tx, t.User, Reset) })
	})
	job.Handle(reg, job.Spec{Attempts: 12}, func(ctx context.Context, t FactorNews) error { return s.sendFactorNews(ctx, out, t) })
	reg.Every("sweep:accounts", time.Hour, s.sweep)
}

func (s *Service) sendCode(ctx context.Context, out Sender, t SendCode) error {
	c, err := findCode(ctx, s.DB, t.User, t.Purpose)
	if db.None(err) || err == nil && !c.SentAt.Equal(t.Sent) {
		return nil // used, or replaced by a newer one
	}
	if err != nil {
		return err
	}
	u, err := s.User(ctx, t.User)
	if err != nil {
		return ignoreGone(err)
	}
	ctx = text.With(ctx, u.Locale)
	secret := s.secretOf(t.User, t.Purpose, t.Sent)
	m := mail.Message{To: u.Email, ID: id.Derive(s.Secret, "mail", string(t.Purpose), t.User.String(), t.Sent.String())}
	if t.Purpose == Verify {
		m.Subject = text.T(ctx, "%s is your code for Vitrine", secret)
		return send(ctx, out, m, view.CodeMail(ctx, secret))
	}
	m.Subject = text.T(ctx, "Choose a new password")
	return send(ctx, out, m, view.ResetMail(ctx, s.AppURL+"/reset/"+secret))
}

func (s *Service) sendKnown(ctx context.Context, out Sender, t SendKnown) error {
	u, err := s.User(ctx, t.User)
	if err != nil {
		return ignoreGone(err)
	}
	ctx = text.With(ctx, u.Locale)
	return send(ctx, out, mail.Message{To: u.Email, Subject: text.T(ctx, "You have an account already")}, view.KnownMail(ctx, s.AppURL))
}

func ignoreGone(err error) error {
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	return err
}

func send(ctx context.Context, out Sender, m mail.Message, b view.Mail) error {
	html, err := b.HTML(ctx)
	if err != nil {
		return err
	}
	m.HTML, m.Text = html, b.Text
	err = out.Send(ctx, m)
	if errors.Is(err, mail.ErrRefused) {
		return job.Permanent(err)
	}
	return err
}

// sweep drops what is over.
func (s *Service) sweep(ctx context.Context) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM sessions WHERE expires_at < $1`, tx.Now); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM email_codes WHERE expires_at < $1`, tx.Now.Add(-24*time.Hour)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM two_factors WHERE confirmed_at IS NULL AND created_at < $1`, tx.Now.Add(-setupLife)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DELETE FROM api_tokens WHERE expires_at < $1`, tx.Now)
		return err
	})
}
