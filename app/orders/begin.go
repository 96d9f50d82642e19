package orders

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/payments"
)

// resume takes up a checkout that its form has begun before.
func (s *Service) resume(ctx context.Context, w *wish, c Checkout) (Started, error) {
	if !slices.Equal(w.inputs, c.inputs) {
		return Started{}, errOtherForm
	}
	if c.Status == CheckoutOpen && !c.ExpiresAt.After(s.DB.Now()) {
		var err error
		if c, err = s.look(ctx, c, true); err != nil {
			return Started{}, err
		}
	}
	return s.goOn(ctx, c)
}

// goOn says where a checkout's buyer goes next, and opens the payment page if that is still to be done.
func (s *Service) goOn(ctx context.Context, c Checkout) (Started, error) {
	switch {
	case c.Status == CheckoutExpired:
		return Started{}, errOldForm
	case c.Status != CheckoutOpen:
		return s.inside(ctx, c)
	case c.SessionURL != "":
		return Started{Checkout: c.ID, URL: c.SessionURL, Outside: true}, nil
	}
	// A buyer who closes the browser now must not leave a page of which we know nothing.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 40*time.Second)
	defer cancel()
	url, err := s.begin(ctx, c)
	if err != nil {
		return Started{}, err
	}
	return Started{Checkout: c.ID, URL: url, Outside: true}, nil
}

// inside is where the order is, once there is nothing to pay at the provider's any more.
func (s *Service) inside(ctx context.Context, c Checkout) (Started, error) {
	ids, err := s.listOrderIDs(ctx, s.DB, c.ID)
	if err != nil {
		return Started{}, err
	}
	out := Started{Checkout: c.ID, URL: s.AppURL + s.ReturnPath(c.ID)}
	if c.Status == CheckoutPaid && len(ids) == 1 {
		out.URL = s.URL(ids[0])
	}
	return out, nil
}

// begin opens the payment page, one request at a time in this process; the provider's key does the same
// for all processes together.
func (s *Service) begin(ctx context.Context, c Checkout) (url string, err error) {
	v, err, _ := s.beginning.Do(c.ID.String(), func() (any, error) { return s.beginOnce(ctx, c) })
	if err != nil {
		return "", err
	}
	return v.(string), nil
}

func (s *Service) beginOnce(ctx context.Context, c Checkout) (string, error) {
	for try := 1; ; try++ {
		sess, err := s.open(ctx, c)
		if err == nil {
			return s.record(ctx, c.ID, sess)
		}
		now, ferr := s.findCheckout(ctx, s.DB, c.ID) // another process may have been quicker
		if ferr == nil && now.SessionURL != "" {
			return now.SessionURL, nil
		}
		var pe *payments.Error
		errors.As(err, &pe)
		switch {
		case payments.OutcomeOf(err) == payments.Refused:
			return "", s.refused(ctx, c, err)
		case pe != nil && pe.Answered && try < 3:
			// An error that the provider keeps under the key, and a look-up has found no page: a new key.
			if c, err = s.nextAttempt(ctx, c); err != nil {
				return "", err
			}
		case payments.OutcomeOf(err) == payments.Again && try < 5:
			if err := pause(ctx, time.Duration(try)*200*time.Millisecond); err != nil {
				return "", err
			}
		default:
			slog.WarnContext(ctx, "payment page not opened", "checkout", c.ID, "err", err)
			return "", errs.Wrap(errs.Unavailable, err, errNoAnswer.Message)
		}
	}
}

// open asks for the page, or looks for it where asking again is not allowed or did not help.
func (s *Service) open(ctx context.Context, c Checkout) (payments.Session, error) {
	if s.DB.Now().Sub(c.CreatedAt) >= payments.KeyLife {
		return s.seek(ctx, c)
	}
	in, err := s.beginInput(ctx, c)
	if err != nil {
		return payments.Session{}, err
	}
	p, err := s.provider(c)
	if err != nil {
		return payments.Session{}, err
	}
	failpoint.Hit("provider.begin.before_call")
	sess, err := p.Begin(ctx, in)
	failpoint.Hit("provider.begin.after_call")
	var pe *payments.Error
	if errors.As(err, &pe) && (pe.Answered || pe.Code == "idempotency_error") {
		if found, ferr := s.seek(ctx, c); ferr == nil {
			return found, nil
		} else if !errors.Is(ferr, payments.ErrNone) {
			return payments.Session{}, &payments.Error{Outcome: payments.Doubt, Cause: ferr}
		}
	}
	return sess, err
}

// seek looks for a page whose number we do not have.
func (s *Service) seek(ctx context.Context, c Checkout) (payments.Session, error) {
	p, err := s.provider(c)
	if err != nil {
		return payments.Session{}, err
	}
	failpoint.Hit("provider.find.before_call")
	sess, err := p.Find(ctx, payments.FindInput{Checkout: c.ID, Email: c.Email, CreatedAt: c.CreatedAt})
	failpoint.Hit("provider.find.after_call")
	return sess, err
}

func (s *Service) beginInput(ctx context.Context, c Checkout) (payments.BeginInput, error) {
	in := payments.BeginInput{Checkout: c.ID, Attempt: c.attempt, Email: c.Email, Total: c.Total, ExpiresAt: c.ExpiresAt, Locale: c.Locale, Shop: c.statement,
		SuccessURL: s.AppURL + s.ReturnPath(c.ID), CancelURL: s.AppURL + s.CancelPath(c.ID)}
	all, err := s.listOrdersOfCheckout(ctx, s.DB, c.ID)
	for _, o := range all {
		for _, i := range o.Items {
			in.Lines = append(in.Lines, payments.Line{Name: i.Name, Unit: i.Unit, Quantity: i.Quantity})
		}
	}
	return in, err
}

// record keeps the page's number and address.
func (s *Service) record(ctx context.Context, c id.Checkout, sess payments.Session) (url string, err error) {
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		n, err := s.updateSession(ctx, tx, c, sess)
		if err == nil && n == 0 {
			err = s.openCase(ctx, tx, "second page:"+sess.ID, "A checkout has two payment pages.", details{"checkout": c.String(), "session": sess.ID})
		}
		failpoint.Hit("checkout.record.before_commit")
		return err
	})
	if err != nil {
		return "", fmt.Errorf("record session of %s: %w", c, err)
	}
	failpoint.Hit("checkout.record.after_commit")
	if sess.URL == "" { // found, and over already
		return s.AppURL + s.ReturnPath(c), nil
	}
	return sess.URL, nil
}

// nextAttempt takes a new key after a look-up has shown that the old one's page does not exist.
func (s *Service) nextAttempt(ctx context.Context, c Checkout) (Checkout, error) {
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		err := s.updateAttempt(ctx, tx, c)
		failpoint.Hit("checkout.attempt.before_commit")
		return err
	})
	failpoint.Hit("checkout.attempt.after_commit")
	if err != nil {
		return c, fmt.Errorf("next attempt of %s: %w", c.ID, err)
	}
	return s.findCheckout(ctx, s.DB, c.ID)
}

// refused ends a checkout for which no page can be opened: nobody can pay it.
func (s *Service) refused(ctx context.Context, c Checkout, cause error) error {
	slog.ErrorContext(ctx, "payment page refused", "checkout", c.ID, "err", cause)
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := s.settle(ctx, tx, fact{Fact: payments.Fact{Checkout: c.ID, State: payments.Over}, refused: true})
		failpoint.Hit("checkout.refused.before_commit")
		return err
	})
	failpoint.Hit("checkout.refused.after_commit")
	if err != nil {
		return errors.Join(err, cause)
	}
	if s.DB.Now().Sub(c.CreatedAt) > 4*time.Minute { // too late to open a page that lives for half an hour
		return errOldForm
	}
	return errs.Wrap(errs.Conflict, cause, "The payment service does not take this order. You have not been charged.")
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
