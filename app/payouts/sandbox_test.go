package payouts_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"vitrine/app/ledger"
	"vitrine/app/payments"
	"vitrine/app/payments/stripe"
	"vitrine/app/payouts"
	"vitrine/app/sandbox"
)

// boxed is a world whose Stripe is the sandbox, on the same clock.
type boxed struct {
	*world
	srv *sandbox.Server
	box *sandbox.Stripe
}

func newBoxed(t *testing.T) *boxed {
	t.Helper()
	w := newWorld(t)
	srv, err := sandbox.Start(context.Background(), sandbox.Options{Clock: w.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	b := &boxed{w, srv, srv.Stripe()}
	c := stripe.New(stripe.Options{Key: b.box.Key(), APIURL: b.box.URL(), WebhookSecrets: b.box.WebhookSecret(), Timeout: 5 * time.Second})
	w.s.Payers["stripe"], w.s.Connector = c, c
	return b
}

// call posts what the product would not.
func (b *boxed) call(path, form string) {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodPost, b.box.URL()+path, strings.NewReader(form))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.box.Key())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		b.t.Fatalf("%s: %s %s", path, res.Status, body)
	}
}

// fund gives the platform money that it may use.
func (b *boxed) fund(minor int64) {
	b.t.Helper()
	b.call("/v1/payment_intents", fmt.Sprintf("amount=%d&currency=eur&confirm=true&payment_method=pm_card_bypassPending&payment_method_types[]=card", minor))
}

// later lets time pass at both, and lets the worker find what it can.
func (b *boxed) later(d time.Duration) {
	b.t.Helper()
	b.pass(d)
	if err := b.srv.Advance(0); err != nil {
		b.t.Fatal(err)
	}
	b.survive(func() error { return ours(b.s.Sweep(context.Background())) })
	b.survive(func() error { b.work(); return nil })
}

// ours leaves out what the faults of a test have caused.
func ours(err error) error {
	var e *payments.Error
	if errors.As(err, &e) {
		return nil
	}
	return err
}

// Each call of onboarding goes wrong in each way: there is one account, and it works in the end.
func TestTheSandboxMakesOneAccountWhateverGoesWrong(t *testing.T) {
	t.Parallel()
	for _, kind := range []sandbox.FaultKind{sandbox.DropBefore, sandbox.DropAfter, sandbox.Error500, sandbox.Error500After, sandbox.RateLimit, sandbox.Unavailable} {
		for _, wait := range []time.Duration{time.Minute, 25 * time.Hour} {
			t.Run(fmt.Sprint(kind, " ", wait), func(t *testing.T) {
				b := newBoxed(t)
				u := b.newcomer()
				b.box.Inject(sandbox.Fault{Kind: kind, Call: "POST /v1/accounts", Times: 1})
				var err error
				for range 100 {
					if _, err = b.s.Connect(t.Context(), u, "DE"); err == nil {
						break
					}
					b.pass(wait)
				}
				if err != nil {
					t.Fatal(err)
				}
				n := 0
				for _, a := range b.box.Accounts() {
					if a.Email == u.Email {
						n++
					}
				}
				if n != 1 {
					t.Fatalf("%d accounts", n)
				}
				if err := b.box.Onboard(b.method(u).Account, sandbox.Complete); err != nil {
					t.Fatal(err)
				}
				b.pass(time.Minute)
				if m, err := b.s.Returned(t.Context(), u.User); err != nil || m.State != payouts.Ready || !m.Current || m.Bank == "" {
					t.Fatalf("%+v %v", m, err)
				}
			})
		}
	}
}

// Both steps of a payout go wrong in each way, and it is found out soon or late: the creator gets the money once, and
// the platform's account has lost as much as the book says.
func TestTheSandboxPaysOnceWhateverGoesWrong(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"POST /v1/transfers", "POST /v1/payouts"} {
		for _, kind := range []sandbox.FaultKind{sandbox.DropBefore, sandbox.DropAfter, sandbox.Error500, sandbox.Error500After, sandbox.RateLimit, sandbox.Unavailable} {
			for _, wait := range []time.Duration{10 * time.Minute, 25 * time.Hour} {
				t.Run(fmt.Sprint(call, " ", kind, " ", wait), func(t *testing.T) {
					b := newBoxed(t)
					u := b.onboarded(sandbox.Complete)
					b.fund(20_000)
					before := b.box.Balance("eur")
					b.earn(u.User, eur(5000))
					b.box.Inject(sandbox.Fault{Kind: kind, Call: call, Times: 1})
					b.run()
					b.work()
					for range 12 { // a released payout is followed by the next day's
						b.later(wait)
						b.run()
						b.work()
					}
					for range 8 {
						b.later(26 * time.Hour)
						b.run()
						b.work()
					}
					var got int64
					for _, p := range b.list(u.User) {
						if p.State == payouts.Paid || p.State == payouts.Sent {
							got += p.Amount.Minor
						} else if p.State != payouts.Released && p.State != payouts.Returned {
							t.Errorf("%s %s", text(p), p.Failure)
						}
					}
					after := b.box.Balance("eur")
					if got != 5000 || before.Available-after.Available != 5000 || b.balance(ledger.Available(u.User), "EUR") != 0 {
						t.Fatalf("got %d, the platform had %d and has %d", got, before.Available, after.Available)
					}
					b.check()
				})
			}
		}
	}
}

// check is clean without the banks.
func (b *boxed) check() {
	b.t.Helper()
	r, err := ledger.Check(context.Background(), b.d, b.s.Checks()...)
	if err != nil || len(r.Findings) > 0 {
		b.t.Errorf("%v %v", r.Findings, err)
	}
}

// onboarded is a creator with an account at the sandbox.
func (b *boxed) onboarded(how sandbox.Onboarding) payouts.Who {
	b.t.Helper()
	u := b.newcomer()
	if _, err := b.s.Connect(context.Background(), u, "DE"); err != nil {
		b.t.Fatal(err)
	}
	if err := b.box.Onboard(b.method(u).Account, how); err != nil {
		b.t.Fatal(err)
	}
	b.pass(time.Minute)
	b.returned(u)
	return u
}

// A bank account that takes nothing: the money comes back by itself, without any event, and goes to a better one.
func TestTheSandboxsBankRefusesAndTheMoneyComesBack(t *testing.T) {
	b := newBoxed(t)
	u := b.onboarded(sandbox.WrongBank)
	b.fund(20_000)
	b.earn(u.User, eur(5000))
	b.run()
	b.work()
	for range 6 {
		b.later(26 * time.Hour)
	}
	p := b.only(u.User)
	if p.State != payouts.Returned || b.balance(ledger.Available(u.User), "EUR") != 5000 {
		t.Fatalf("%s %s", text(p), p.Failure)
	}
	if err := b.box.ChangeBank(b.method(u).Account, ""); err != nil {
		t.Fatal(err)
	}
	b.pass(time.Minute)
	b.returned(u)
	b.later(4 * 24 * time.Hour)
	b.run()
	b.work()
	for range 4 {
		b.later(26 * time.Hour)
	}
	if p := b.list(u.User)[0]; p.State != payouts.Paid || p.Number != 2 {
		t.Fatalf("%s %s: %+v", text(p), p.Failure, b.outlook(u.User, "EUR").Reason)
	}
	b.check()
}

// The platform's own account is empty: the creator's money waits, with us to act.
func TestTheSandboxDoesNotCoverAPayout(t *testing.T) {
	b := newBoxed(t)
	u := b.onboarded(sandbox.Complete)
	b.earn(u.User, eur(5000))
	b.run()
	b.work()
	if p := b.only(u.User); p.State != payouts.Released || p.Failure != "balance_insufficient" {
		t.Fatalf("%s %s", text(p), p.Failure)
	}
	if o := b.outlook(u.User, "EUR"); o.Reason == nil || o.Reason.Act != payouts.ActUs || o.Sum != eur(5000) {
		t.Fatalf("%+v", o)
	}
	b.fund(20_000)
	b.later(24 * time.Hour)
	b.run()
	b.work()
	if p := b.list(u.User)[0]; p.State != payouts.Sent {
		t.Fatalf("%s %s", text(p), p.Failure)
	}
	b.check()
}
