package apptest

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"

	"vitrine/app/id"
	"vitrine/app/web/webtest"
)

// Operator runs the instance, and is signed in with both steps.
type Operator struct {
	*webtest.Browser
	w      *World
	User   id.User
	Email  string
	Secret string   // of the second step
	Codes  []string // for recovery
}

// Admin signs an operator in with a second step. Secret and Codes are theirs.
func (w *World) Admin() *Operator {
	w.T.Helper()
	ctx := context.Background()
	o := &Operator{w: w, Email: "op-" + strings.ToLower(id.Token()[:10]) + "@mail.test"}
	must := func(err error) {
		w.T.Helper()
		if err != nil {
			w.T.Fatal(err)
		}
	}
	var err error
	o.User, err = w.App.Accounts.Provision(ctx, o.Email, Password, "Op Test", "admin")
	must(err)
	must(w.App.Accounts.BeginFactor(ctx, o.User))
	setup, err := w.App.Accounts.FactorSetup(ctx, o.User)
	must(err)
	o.Secret = setup.Secret
	o.Codes, err = w.App.Accounts.ConfirmFactor(ctx, o.User, o.Code(0), "")
	must(err)
	w.Exec(`UPDATE two_factors SET last_step = 0 WHERE user_id = $1`, o.User) // so that the same 30 seconds do to sign in
	o.Browser = w.SignIn(o.Email)
	o.Submit(o.Get("/login/code").Is(http.StatusOK), "#by-app", map[string]string{"code": o.Code(0)}).Is(http.StatusSeeOther)
	return o
}

// Code is what the operator's app shows now, or so many steps of 30 seconds from now. Each is good once.
func (o *Operator) Code(steps int) string { return o.w.Code(o.Secret, steps) }

// Code is what an authenticator app that knows secret shows now, or so many steps of 30 seconds from now.
func (w *World) Code(secret string, steps int) string {
	w.T.Helper()
	code, err := totp.GenerateCode(secret, w.Now().Add(time.Duration(steps)*30*time.Second))
	if err != nil {
		w.T.Fatal(err)
	}
	return code
}
