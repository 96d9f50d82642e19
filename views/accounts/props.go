// Package accounts draws signing up and in, and what people see of their own account.
package accounts

import (
	"bytes"
	"context"

	"github.com/a-h/templ"

	"vitrine/views/layout"
	"vitrine/views/text"
)

// Form is what signing up and in share: what was typed, and what was wrong with it.
type Form struct {
	Email   string
	Next    string
	Errors  map[string]string
	Refusal string // an error that belongs to no field
	Google  bool
}

// Code is the page for six digits.
type Code struct {
	Email   string
	Errors  map[string]string
	News    string
	Refusal string
}

// ResetForm is the page behind the mailed link.
type ResetForm struct {
	Token  string
	Errors map[string]string
}

// LinkForm asks for the password once before Google is linked.
type LinkForm struct {
	Email  string
	Errors map[string]string
}

// Kept is a form that was sent while nobody was signed in.
type Kept struct {
	Path   string
	Proof  bool // a proof was missing, not the session
	Fields []KeptField
}

// shown is how many fields there are to read.
func (k Kept) shown() (n int) {
	for _, f := range k.Fields {
		if f.Label != "" {
			n++
		}
	}
	return n
}

// KeptField is one of its fields. Shown ones are for reading, all are sent again.
type KeptField struct{ Label, Name, Value string }

// You is the menu under the last tab.
type You struct {
	Name, Email, ShopName, ShopURL string
	Admin                          bool
}

// Profile is the form of name, zone and language.
type Profile struct {
	Name, TimeZone, Locale string
	Zones                  []string
	Errors                 map[string]string
}

// Security is passwords and devices.
type Security struct {
	HasPassword, Google bool
	Errors              map[string]string
	Devices             []Device
}

// Device is an open session.
type Device struct {
	Key, Name, Seen string
	Here            bool
}

// Mail is a mail's two bodies.
type Mail struct {
	main  templ.Component
	frame layout.MailPage
	Text  string
}

// HTML draws the mail for readers that show it.
func (m Mail) HTML(ctx context.Context) (string, error) {
	var b bytes.Buffer
	err := layout.Mail(m.frame).Render(templ.WithChildren(ctx, m.main), &b)
	return b.String(), err
}

// CodeMail brings the six digits.
func CodeMail(ctx context.Context, code string) Mail {
	title := text.T(ctx, "Your code")
	say := text.T(ctx, "Type it where you opened your account. It is good for 15 minutes.")
	foot := text.T(ctx, "If you did not open an account with Vitrine, you need not do anything.")
	return Mail{codeMail(say, code), layout.MailPage{Title: title, Preview: say, Footer: foot}, title + ": " + code + "\n\n" + say + "\n\n" + foot + "\n"}
}

// ResetMail brings the link to a new password.
func ResetMail(ctx context.Context, url string) Mail {
	title := text.T(ctx, "Choose a new password")
	say := text.T(ctx, "Someone, probably you, asked for a new password. The link is good for an hour and opens once.")
	foot := text.T(ctx, "If it was not you, your old password stays as it is.")
	return Mail{linkMail(say, text.T(ctx, "Choose a new password"), url), layout.MailPage{Title: title, Preview: say, Footer: foot},
		title + "\n\n" + say + "\n\n" + url + "\n\n" + foot + "\n"}
}

// KnownMail answers a second registration.
func KnownMail(ctx context.Context, app string) Mail {
	title := text.T(ctx, "You have an account already")
	say := text.T(ctx, "Someone, probably you, tried to open an account with this address. You have one: sign in, or choose a new password if you have forgotten it.")
	foot := text.T(ctx, "If it was not you, you need not do anything.")
	return Mail{linkMail(say, text.T(ctx, "Sign in"), app+"/login"), layout.MailPage{Title: title, Preview: say, Footer: foot},
		title + "\n\n" + say + "\n\n" + app + "/login\n" + app + "/forgot\n\n" + foot + "\n"}
}
