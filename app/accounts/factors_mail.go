package accounts

import (
	"context"
	"time"

	"vitrine/app/id"
	"vitrine/app/mail"
	"vitrine/views/text"

	view "vitrine/views/accounts"
)

// What happened to a second step, for the mail about it.
const (
	FactorIsOn   = "on"
	FactorIsOff  = "off"
	RecoveryUsed = "recovery"
	CodesGuessed = "guessed" // five wrong codes in a row
)

// FactorNews tells a person what happened to their second step: they should know if it was not them.
type FactorNews struct {
	User id.User   `json:"user"`
	What string    `json:"what"`
	Left int       `json:"left"`
	At   time.Time `json:"at"`
}

func (FactorNews) Kind() string { return "accounts:factor" }

func (s *Service) sendFactorNews(ctx context.Context, out Sender, t FactorNews) error {
	u, err := s.User(ctx, t.User)
	if err != nil {
		return ignoreGone(err)
	}
	ctx = text.With(ctx, u.Locale)
	zone, err := time.LoadLocation(u.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	n := view.FactorNews{At: t.At.In(zone).Format("2 Jan 2006, 15:04 MST"), Left: t.Left, URL: s.AppURL + "/app/security", Reset: s.AppURL + "/forgot"}
	m := mail.Message{To: u.Email, ID: id.Derive(s.Secret, "mail", "factor", t.What, t.User.String(), t.At.UTC().Format(time.RFC3339Nano))}
	switch t.What {
	case FactorIsOn:
		m.Subject = text.T(ctx, "Two-step sign-in is on")
		return send(ctx, out, m, view.FactorOnMail(ctx, n))
	case FactorIsOff:
		m.Subject = text.T(ctx, "Two-step sign-in is off")
		return send(ctx, out, m, view.FactorOffMail(ctx, n))
	case CodesGuessed:
		m.Subject = text.T(ctx, "Someone types wrong codes")
		return send(ctx, out, m, view.CodesGuessedMail(ctx, n))
	}
	m.Subject = text.T(ctx, "A recovery code was used")
	return send(ctx, out, m, view.RecoveryUsedMail(ctx, n))
}
