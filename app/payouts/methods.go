package payouts

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"vitrine/app/audit"
	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/event"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/payments"
)

// ChangeDelay is for how long nothing is sent to a method after a change, so that who was robbed of an account can
// answer the mail that told of it. The first method ever is no change: there is nobody to be robbed.
const ChangeDelay = 72 * time.Hour

// Pages of ours that the provider sends the creator back to.
const (
	ReturnPath  = "/app/payouts/methods/return"
	RefreshPath = "/app/payouts/methods/continue"
)

// Methods lists where a creator can be paid out to, the current one first.
func (s *Service) Methods(ctx context.Context, creator id.User) ([]Method, error) {
	all, err := s.listMethods(ctx, s.DB, creator)
	now := s.DB.Now()
	for i := range all {
		if !all[i].WaitingUntil.After(now) {
			all[i].Waiting, all[i].WaitingUntil = "", time.Time{}
		}
	}
	return all, err
}

// Connect opens a creator's account at Stripe, once, and returns the page on which they fill it in. The row is there
// before the call and its generation is part of the call's key: a second click, a lost answer and a crash find the same
// account.
func (s *Service) Connect(ctx context.Context, who Who, country string) (url string, err error) {
	country = strings.ToUpper(strings.TrimSpace(country))
	if s.Connector == nil {
		return "", errNoConnector
	}
	if len(country) != 2 || strings.Trim(country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return "", errs.Field("country", "Choose the country that you live or have your business in.")
	}
	m, err := s.beginAccount(ctx, who, country)
	if err != nil {
		return "", err
	}
	if m.Account == "" {
		if m, err = s.open(ctx, m); err != nil {
			return "", err
		}
	}
	return s.link(ctx, m, false)
}

var (
	errNoConnector = errs.New(errs.Unavailable, "Bank accounts cannot be connected here at the moment.")
	errDoubt       = errs.New(errs.Unavailable, "Stripe did not answer. Nothing is lost; please try again in a minute.")
	errNoAccount   = errs.New(errs.NotFound, "There is no Stripe account yet. Connect one first.")
)

// beginAccount finds the creator's account, or writes the row of a new one, and notes when it was first asked for.
func (s *Service) beginAccount(ctx context.Context, who Who, country string) (m Method, err error) {
	err = s.inMethod(ctx, func(tx *db.Tx) error {
		if err := s.lockCreator(ctx, tx, who.User); err != nil {
			return err
		}
		fresh := Method{ID: id.New[id.MethodKind](), Creator: who.User, Provider: Stripe, Country: country, State: Incomplete, email: who.Email}
		if err := s.insertMethod(ctx, tx, fresh); err != nil {
			return err
		}
		if m, err = s.accountOf(ctx, tx, who.User); err != nil {
			return err
		}
		if m.ID == fresh.ID {
			if err := audit.Log(ctx, tx, who.User, "payouts.connect", "user:"+who.User.String(), map[string]any{"provider": Stripe, "country": country}); err != nil {
				return err
			}
		}
		if m, err = s.takeMethod(ctx, tx, m.ID); err != nil || !m.opening.IsZero() {
			return err
		}
		m.opening = tx.Now
		return s.updateMethod(ctx, tx, m)
	})
	if err != nil {
		return m, fmt.Errorf("connect: %w", err)
	}
	return m, nil
}

// inMethod changes methods in one transaction.
func (s *Service) inMethod(ctx context.Context, f func(tx *db.Tx) error) error {
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		err := f(tx)
		failpoint.Hit("payouts.method.before_commit")
		return err
	})
	failpoint.Hit("payouts.method.after_commit")
	return err
}

func (m Method) input(now time.Time) payments.AccountInput {
	since := m.opening
	if since.After(now) {
		since = now // a clock was wrong
	}
	return payments.AccountInput{Creator: m.Creator, Generation: m.generation, Email: m.email, Country: m.Country, Since: since.Add(-searchBack)}
}

// open asks for the account. Whoever asks first makes it; after that, or when the key may be forgotten, it is sought.
func (s *Service) open(ctx context.Context, m Method) (Method, error) {
	now := s.DB.Now()
	age := now.Sub(m.opening)
	var a payments.Account
	var err error
	if age > keyMargin/2 || age < -keyMargin/2 { // an earlier try has ended by now, somehow
		if a, err = s.seek(ctx, m); err == nil {
			return s.opened(ctx, m, a)
		}
		if !errors.Is(err, payments.ErrNone) {
			return m, errs.Wrap(errs.Unavailable, err, errDoubt.Message)
		}
		if age >= payments.KeyLife-keyMargin {
			return s.reopen(ctx, m)
		}
	}
	failpoint.Hit("payouts.open.before_call")
	a, err = s.Connector.Open(ctx, m.input(now))
	failpoint.Hit("payouts.open.after_call")
	if err == nil {
		return s.opened(ctx, m, a)
	}
	if e := (*payments.Error)(nil); errors.As(err, &e) && e.Answered && e.Outcome == payments.Doubt { // the key would meet the same error again
		a, serr := s.seek(ctx, m)
		switch {
		case serr == nil:
			return s.opened(ctx, m, a)
		case errors.Is(serr, payments.ErrNone) && age > keyMargin/2:
			return m, errors.Join(s.forget(ctx, m), errs.Wrap(errs.Unavailable, err, errDoubt.Message))
		}
	}
	return m, s.unopened(ctx, m, err)
}

func (s *Service) seek(ctx context.Context, m Method) (payments.Account, error) {
	failpoint.Hit("payouts.seek.before_call")
	a, err := s.Connector.Seek(ctx, m.input(s.DB.Now()))
	failpoint.Hit("payouts.seek.after_call")
	return a, err
}

// unopened is what to say when no account came.
func (s *Service) unopened(ctx context.Context, m Method, cause error) error {
	if payments.OutcomeOf(cause) != payments.Refused {
		return errs.Wrap(errs.Unavailable, cause, errDoubt.Message)
	}
	if err := s.forget(ctx, m); err != nil {
		return err
	}
	return errs.Wrap(errs.Invalid, cause, "Stripe opens no account with this e-mail and country. Check the country, or write to us.")
}

// forget gives up a row whose account was never made; the next has another key.
func (s *Service) forget(ctx context.Context, m Method) error {
	return s.inMethod(ctx, func(tx *db.Tx) error {
		row, err := s.takeMethod(ctx, tx, m.ID)
		if err != nil || row.Account != "" {
			return err
		}
		row.State = Gone
		return s.updateMethod(ctx, tx, row)
	})
}

// reopen gives up a row whose account was never made, past the life of its key, for one of the next generation.
func (s *Service) reopen(ctx context.Context, m Method) (Method, error) {
	err := s.forget(ctx, m)
	if err != nil {
		return m, err
	}
	if m, err = s.beginAccount(ctx, Who{User: m.Creator, Email: m.email}, m.Country); err != nil || m.Account != "" {
		return m, err
	}
	return s.open(ctx, m)
}

// opened keeps the number of an account.
func (s *Service) opened(ctx context.Context, m Method, a payments.Account) (Method, error) {
	ctx, cancel := settleContext(ctx)
	defer cancel()
	asked := s.DB.Now()
	err := s.inMethod(ctx, func(tx *db.Tx) error {
		row, err := s.takeMethod(ctx, tx, m.ID)
		if err != nil {
			return err
		}
		if row.Account != "" && row.Account != a.Number {
			return fmt.Errorf("payout method %s: two accounts, %s and %s", m.ID, row.Account, a.Number)
		}
		row.Account = a.Number
		if m, err = s.applyAccount(ctx, tx, row, a, asked); err != nil {
			return err
		}
		return event.Emit(ctx, tx, Changed, m.Creator.String())
	})
	if err != nil {
		return m, fmt.Errorf("open account: %w", err)
	}
	return m, nil
}

// link is a page at the provider. It works once and for minutes, so it is made anew each time.
func (s *Service) link(ctx context.Context, m Method, update bool) (string, error) {
	failpoint.Hit("payouts.link.before_call")
	url, err := s.Connector.Link(ctx, payments.LinkInput{Account: m.Account, ReturnURL: s.AppURL + ReturnPath, RefreshURL: s.AppURL + RefreshPath, Update: update})
	failpoint.Hit("payouts.link.after_call")
	return url, s.unlinked(err)
}

func (s *Service) unlinked(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, payments.ErrNone):
		return errs.Wrap(errs.Gone, err, "This Stripe account is not connected any more. Disconnect it here and connect another.")
	case payments.OutcomeOf(err) == payments.Refused:
		return errs.Wrap(errs.Conflict, err, "Stripe does not open this page for the account as it is now.")
	}
	return errs.Wrap(errs.Unavailable, err, errDoubt.Message)
}

// account is the creator's connected account with its number.
func (s *Service) account(ctx context.Context, creator id.User) (Method, error) {
	m, err := s.accountOf(ctx, s.DB, creator)
	if db.None(err) {
		return m, errNoAccount
	}
	if err == nil && m.Account == "" {
		if s.Connector == nil {
			return m, errNoConnector
		}
		return s.open(ctx, m)
	}
	return m, err
}

// Continue is the page on which a creator goes on filling in what is missing.
func (s *Service) Continue(ctx context.Context, creator id.User) (url string, err error) {
	return s.page(ctx, creator, func(m Method) (string, error) { return s.link(ctx, m, false) })
}

// Update is the page on which a creator changes what they gave before.
func (s *Service) Update(ctx context.Context, creator id.User) (url string, err error) {
	return s.page(ctx, creator, func(m Method) (string, error) { return s.link(ctx, m, true) })
}

// Dashboard is the creator's own page at Stripe.
func (s *Service) Dashboard(ctx context.Context, creator id.User) (url string, err error) {
	return s.page(ctx, creator, func(m Method) (string, error) {
		failpoint.Hit("payouts.dashboard.before_call")
		url, err := s.Connector.Dashboard(ctx, m.Account)
		failpoint.Hit("payouts.dashboard.after_call")
		return url, s.unlinked(err)
	})
}

func (s *Service) page(ctx context.Context, creator id.User, f func(Method) (string, error)) (string, error) {
	m, err := s.account(ctx, creator)
	if err != nil {
		return "", err
	}
	if s.Connector == nil {
		return "", errNoConnector
	}
	return f(m)
}

// Returned asks how the account stands after the creator came back from Stripe, done or not.
func (s *Service) Returned(ctx context.Context, creator id.User) (Method, error) {
	m, err := s.account(ctx, creator)
	if err != nil {
		return m, err
	}
	if err := s.lookAt(ctx, m.ID); err != nil {
		return m, errs.Wrap(errs.Unavailable, err, errDoubt.Message)
	}
	return s.findMethod(ctx, s.DB, m.ID)
}
