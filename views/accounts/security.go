package accounts

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/a-h/templ"

	"vitrine/views/layout"
	"vitrine/views/text"
)

// CodeStep is the page of the second step. SignedIn: the person is, and shows a code again.
type CodeStep struct {
	Next     string
	SignedIn bool
	Errors   map[string]string
	Refusal  string
}

// Again asks someone who is signed in to show that it is them, by what they have: Password, Google, Code.
type Again struct {
	Email, Next            string
	Password, Google, Code bool
	Kept                   bool // a form waits to be sent
	Errors                 map[string]string
	Refusal                string
}

// Factor is the page that says where the second step stands.
type Factor struct {
	On          bool
	Since, Next string
	Codes       int
	Admin, Shop bool
}

// QR is a picture to scan: Size squares wide, Path the dark ones.
type QR struct {
	Size int
	Path string
}

func (q QR) box() string { return fmt.Sprintf("0 0 %d %d", q.Size, q.Size) }

// Setup shows the secret, as a picture and for typing, and asks for its first code.
type Setup struct {
	QR                QR
	Secret, URL, Next string
	Errors            map[string]string
	Refusal           string
}

// groups is the secret in fours, for reading and typing.
func (s Setup) groups() string {
	var out []string
	for rest := s.Secret; rest != ""; {
		n := min(4, len(rest))
		out, rest = append(out, rest[:n]), rest[n:]
	}
	return strings.Join(out, " ")
}

// Codes shows recovery codes, this once.
type Codes struct {
	Codes       []string
	Email, Next string
	First       bool // two-step sign-in has just been turned on
}

func (c Codes) text(ctx context.Context) string {
	return text.T(ctx, "Recovery codes for %s. Each opens once.", "Vitrine, "+c.Email) + "\n\n" + strings.Join(c.Codes, "\n") + "\n"
}

// file is the codes as a file that a link saves, without asking the server for them again.
func (c Codes) file(ctx context.Context) templ.SafeURL {
	return templ.SafeURL("data:text/plain;charset=utf-8;base64," + base64.StdEncoding.EncodeToString([]byte(c.text(ctx))))
}

// Off is the form that turns the second step off.
type Off struct {
	Errors  map[string]string
	Refusal string
}

// FactorNews is what the mails about the second step say.
type FactorNews struct {
	At, URL, Reset string
	Left           int
}

func factorMail(ctx context.Context, title, say, label, url, foot string) Mail {
	return Mail{linkMail(say, label, url), layout.MailPage{Title: title, Preview: say, Footer: foot}, title + "\n\n" + say + "\n\n" + url + "\n\n" + foot + "\n"}
}

// FactorOnMail says that two-step sign-in was set up.
func FactorOnMail(ctx context.Context, n FactorNews) Mail {
	return factorMail(ctx, text.T(ctx, "Two-step sign-in is on"),
		text.T(ctx, "Since %s signing in to your account takes a code of an authenticator app. You were signed out everywhere else. Keep the recovery codes where you find them without your phone.", n.At),
		text.T(ctx, "Look at your security"), n.URL,
		text.T(ctx, "If it was not you, someone has your password: choose a new one at %s and write to us.", n.Reset))
}

// FactorOffMail says that two-step sign-in was turned off.
func FactorOffMail(ctx context.Context, n FactorNews) Mail {
	return factorMail(ctx, text.T(ctx, "Two-step sign-in is off"),
		text.T(ctx, "Since %s your password or Google alone opens your account.", n.At),
		text.T(ctx, "Look at your security"), n.URL,
		text.T(ctx, "If it was not you, choose a new password now at %s and set two-step sign-in up again.", n.Reset))
}

// RecoveryUsedMail says that a recovery code was used.
func RecoveryUsedMail(ctx context.Context, n FactorNews) Mail {
	return factorMail(ctx, text.T(ctx, "A recovery code was used"),
		text.N(ctx, n.Left, "At %[2]s one of your recovery codes was used to sign in. %[1]d is left.", "At %[2]s one of your recovery codes was used to sign in. %[1]d are left.", n.At),
		text.T(ctx, "Look at your security"), n.URL,
		text.T(ctx, "If it was not you, someone has your password and your codes: choose a new password now at %s and make new codes.", n.Reset))
}

// CodesGuessedMail says that someone who has the password tries codes.
func CodesGuessedMail(ctx context.Context, n FactorNews) Mail {
	return factorMail(ctx, text.T(ctx, "Someone types wrong codes"),
		text.T(ctx, "Until %s five wrong codes in a row were typed for your account, after the right password. More tries have to wait, longer each time.", n.At),
		text.T(ctx, "Look at your security"), n.URL,
		text.T(ctx, "If it was not you, someone has your password: choose a new one at %s. Without a code it opens nothing.", n.Reset))
}
