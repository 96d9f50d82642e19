package orders

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/payments"
)

// IntentInput is what an integrator asks for: products and quantities, never prices.
type IntentInput struct {
	User     id.User // whose token it is; the products must be theirs
	Key      string  // the integrator's idempotency key
	Lines    []Line
	Email    string
	Consent  bool  // to immediate delivery, as the integrator's page has asked
	Expected int64 // the total in minor units that the page showed; 0 when it did not say
	Locale   string
	Provider string
}

// PaymentIntent is a payment that an integrator's page completes.
type PaymentIntent struct {
	Checkout id.Checkout
	Intent   string
	Secret   string // for the provider's script on the integrator's page
	Total    money.Amount
	Status   string // the provider's word: requires_payment_method, requires_action, processing, succeeded, canceled
	Next     string // where the buyer must go now
	OrderURL string // once it is paid
	Decline  string // why a confirmation failed
}

var (
	errNoKey    = errs.Field("idempotency_key", "Send an Idempotency-Key of 1 to 200 characters.")
	errNoIntent = errs.New(errs.NotFound, "There is no such payment.")
	errKeyUsed  = errs.New(errs.Conflict, "This Idempotency-Key was used with another request.")
)

// intents is the provider that takes payments on other people's pages.
func (s *Service) intents() (payments.Provider, payments.Intents, error) {
	for _, p := range s.Providers {
		if i, ok := p.(payments.Intents); ok {
			return p, i, nil
		}
	}
	return nil, nil, errs.New(errs.Unavailable, "Payments by card are not configured here.")
}

// CreateIntent begins a checkout whose card form the integrator shows. The same key gives the same payment.
func (s *Service) CreateIntent(ctx context.Context, in IntentInput) (PaymentIntent, error) {
	w, err := s.intentWish(in)
	if err != nil {
		return PaymentIntent{}, err
	}
	have, err := s.findCheckoutByKey(ctx, s.DB, w.key)
	switch {
	case err == nil && string(have.inputs) != string(w.inputs):
		return PaymentIntent{}, errKeyUsed
	case err == nil:
		return s.openIntent(ctx, have)
	case !db.None(err):
		return PaymentIntent{}, fmt.Errorf("find checkout: %w", err)
	}
	if err := s.priceIntent(ctx, w, in); err != nil {
		return PaymentIntent{}, err
	}
	if w.held, err = s.hold(ctx, w); err != nil {
		return PaymentIntent{}, err
	}
	c, fresh, err := s.write(ctx, w)
	if err != nil {
		return PaymentIntent{}, err
	}
	if !fresh {
		if err := s.letGo(ctx, w.id); err != nil {
			return PaymentIntent{}, err
		}
		if string(c.inputs) != string(w.inputs) {
			return PaymentIntent{}, errKeyUsed
		}
	}
	return s.openIntent(ctx, c)
}

// intentWish checks what can be checked without the database.
func (s *Service) intentWish(in IntentInput) (*wish, error) {
	p, _, err := s.intents()
	if err != nil {
		return nil, err
	}
	w := &wish{StartInput: StartInput{Email: in.Email, Consent: in.Consent, Locale: in.Locale, Provider: p.Name()}, id: id.New[id.CheckoutKind](), intent: true}
	var f errs.Form
	var ok bool
	if w.Email, ok = address(in.Email); !ok {
		f.Add("email", "Enter an e-mail address like name@example.com.")
	}
	if !in.Consent {
		f.Add("consent", "The buyer must agree to immediate delivery on your page.")
	}
	if in.Key == "" || len(in.Key) > 200 {
		f.Add("idempotency_key", errNoKey.Message)
	}
	if w.Lines, err = tidy(in.Lines); err != nil {
		return nil, err
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	h := sha256.Sum256([]byte(in.Key))
	w.key = fmt.Sprintf("api:%s:%x", in.User, h)
	w.Expected.Minor = in.Expected
	w.inputs = w.fingerprint()
	return w, nil
}

// priceIntent quotes; the products must be the integrator's own.
func (s *Service) priceIntent(ctx context.Context, w *wish, in IntentInput) (err error) {
	if w.quote, err = s.QuoteFor(ctx, w.Lines, id.User{}); err != nil {
		return err
	}
	if !w.quote.ownedBy(in.User) {
		return errNoProduct
	}
	if in.Expected != 0 && in.Expected != w.quote.Total.Minor {
		return errs.Wrap(errs.Conflict, &PriceChanged{w.quote.Total}, "The price has changed. It is now %s. Nothing was charged.", w.quote.Total.Format())
	}
	w.until = s.DB.Now().Add(pageLife)
	if s.Admit != nil {
		return s.Admit(ctx, w.StartInput, w.quote)
	}
	return nil
}

// openIntent opens the payment of a checkout, or reads the one that is open.
func (s *Service) openIntent(ctx context.Context, c Checkout) (PaymentIntent, error) {
	if c.Provider == free {
		return s.intentOf(ctx, c, payments.Intent{Status: "succeeded"})
	}
	_, p, err := s.intents()
	if err != nil {
		return PaymentIntent{}, err
	}
	if c.PaymentIntent != "" {
		i, err := s.readIntent(ctx, p, c.PaymentIntent)
		if err != nil {
			return PaymentIntent{}, err
		}
		return s.intentOf(ctx, c, i)
	}
	i, err := s.beginIntent(ctx, p, c)
	switch {
	case payments.OutcomeOf(err) == payments.Refused:
		return PaymentIntent{}, s.refused(ctx, c, err)
	case err != nil:
		return PaymentIntent{}, errs.Wrap(errs.Unavailable, err, errNoAnswer.Message)
	}
	if err := s.recordIntent(ctx, c.ID, i.Fact.Intent); err != nil {
		return PaymentIntent{}, err
	}
	return s.intentOf(ctx, c, i)
}

func (s *Service) readIntent(ctx context.Context, p payments.Intents, intent string) (payments.Intent, error) {
	failpoint.Hit("provider.intent_read.before_call")
	i, err := p.ReadIntent(ctx, intent)
	failpoint.Hit("provider.intent_read.after_call")
	if err != nil {
		err = errs.Wrap(errs.Unavailable, err, errNoAnswer.Message)
	}
	return i, err
}

func (s *Service) beginIntent(ctx context.Context, p payments.Intents, c Checkout) (payments.Intent, error) {
	if s.DB.Now().Sub(c.CreatedAt) >= payments.KeyLife {
		return s.seekIntent(ctx, p, c)
	}
	in, err := s.beginInput(ctx, c)
	if err != nil {
		return payments.Intent{}, err
	}
	failpoint.Hit("provider.intent.before_call")
	i, err := p.Intent(ctx, in)
	failpoint.Hit("provider.intent.after_call")
	var pe *payments.Error
	if errors.As(err, &pe) && pe.Answered { // an error that the provider keeps under the key
		if found, ferr := s.seekIntent(ctx, p, c); ferr == nil {
			return found, nil
		}
	}
	return i, err
}

func (s *Service) seekIntent(ctx context.Context, p payments.Intents, c Checkout) (payments.Intent, error) {
	failpoint.Hit("provider.intent_find.before_call")
	i, err := p.FindIntent(ctx, payments.FindInput{Checkout: c.ID, Email: c.Email, CreatedAt: c.CreatedAt})
	failpoint.Hit("provider.intent_find.after_call")
	return i, err
}

func (s *Service) recordIntent(ctx context.Context, c id.Checkout, intent string) error {
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE checkouts SET payment_intent_id = $2, updated_at = $3 WHERE id = $1 AND (payment_intent_id IS NULL OR payment_intent_id = $2)`, c, intent, tx.Now)
		if err == nil && n == 0 {
			err = s.openCase(ctx, tx, "second payment:"+intent, "A checkout has two payments.", details{"checkout": c.String(), "intent": intent})
		}
		failpoint.Hit("checkout.intent.before_commit")
		return err
	})
	failpoint.Hit("checkout.intent.after_commit")
	return err
}

// ConfirmIntent pays a payment that the integrator has begun, with a means of payment known to the provider.
func (s *Service) ConfirmIntent(ctx context.Context, user id.User, key string, in payments.ConfirmInput) (PaymentIntent, error) {
	if key == "" || len(key) > 200 {
		return PaymentIntent{}, errNoKey
	}
	provider, p, err := s.intents()
	if err != nil {
		return PaymentIntent{}, err
	}
	c, err := s.ByPayment(ctx, s.DB, provider.Name(), in.Intent)
	if errs.Is(err, errs.NotFound) || err == nil && !(c.intent && len(c.Orders) > 0 && c.Orders[0].Creator == user) {
		return PaymentIntent{}, errNoIntent
	}
	if err != nil {
		return PaymentIntent{}, err
	}
	if in.ReturnURL == "" {
		in.ReturnURL = s.AppURL + s.ReturnPath(c.ID)
	}
	in.Key = fmt.Sprintf("confirm-%s-%x", c.ID, sha256.Sum256([]byte(key)))
	failpoint.Hit("provider.confirm.before_call")
	i, err := p.Confirm(ctx, in)
	failpoint.Hit("provider.confirm.after_call")
	var pe *payments.Error
	switch {
	case errors.As(err, &pe) && pe.Outcome == payments.Refused: // declined, or not possible in this state: the payment says which
		if i, err = s.readIntent(ctx, p, in.Intent); err != nil {
			return PaymentIntent{}, err
		}
		out, err := s.intentOf(ctx, c, i)
		out.Decline = pe.Code
		return out, err
	case err != nil:
		return PaymentIntent{}, errs.Wrap(errs.Unavailable, err, "The payment service does not answer. Ask again with the same Idempotency-Key; nothing is paid twice.")
	}
	if _, err := s.look(ctx, c, false); err != nil {
		return PaymentIntent{}, err
	}
	return s.intentOf(ctx, c, i)
}

// askIntent asks how the payment of an integrator's checkout stands; with end it is ended first when it is open.
func (s *Service) askIntent(ctx context.Context, c Checkout, end bool) (payments.Session, error) {
	provider, p, err := s.intents()
	if err != nil {
		return payments.Session{}, err
	}
	if c.PaymentIntent == "" {
		i, err := s.seekIntent(ctx, p, c)
		if err != nil {
			return payments.Session{}, err
		}
		c.PaymentIntent = i.Fact.Intent
	}
	if end {
		failpoint.Hit("provider.intent_cancel.before_call")
		_, err := p.CancelIntent(ctx, c.PaymentIntent)
		failpoint.Hit("provider.intent_cancel.after_call")
		if err != nil {
			return payments.Session{}, err
		}
	}
	failpoint.Hit("provider.intent_look.before_call")
	f, err := provider.Payment(ctx, c.PaymentIntent)
	failpoint.Hit("provider.intent_look.after_call")
	return payments.Session{Fact: f}, err
}

func (s *Service) intentOf(ctx context.Context, c Checkout, i payments.Intent) (PaymentIntent, error) {
	out := PaymentIntent{Checkout: c.ID, Intent: i.Fact.Intent, Secret: i.Secret, Total: c.Total, Status: i.Status, Next: i.Next}
	now, err := s.findCheckout(ctx, s.DB, c.ID)
	if err != nil || now.Status != CheckoutPaid {
		return out, err
	}
	ids, err := s.listOrderIDs(ctx, s.DB, c.ID)
	if err == nil && len(ids) == 1 {
		out.OrderURL = s.URL(ids[0])
	}
	return out, err
}
