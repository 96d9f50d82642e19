// Package payments is the port to whoever moves the buyer's money, and the inbox of what they tell us.
//
// A provider's answers and events are both turned into Facts: how one payment stood at one moment. Facts may
// come twice and in any order; what follows from them is decided in orders.
package payments

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vitrine/app/id"
	"vitrine/app/money"
)

// Provider takes payments on a page of its own.
type Provider interface {
	// Name is what rows and ledger accounts call it: "stripe".
	Name() string
	// Begin opens the payment page of a checkout. The key is made from the checkout's id, so a second call
	// with the same input finds the same page, for as long as KeyLife.
	Begin(ctx context.Context, in BeginInput) (Session, error)
	// Session asks how a page stands.
	Session(ctx context.Context, sessionID string) (Session, error)
	// Find looks for the page of a checkout whose number we never learned; ErrNone when there is none.
	Find(ctx context.Context, in FindInput) (Session, error)
	// Expire closes an open page, so that nobody can pay there any more. It answers how the page stands now,
	// which may be paid.
	Expire(ctx context.Context, sessionID string) (Session, error)
	// Payment asks how a payment stands: what was charged and given back so far.
	Payment(ctx context.Context, intentID string) (Fact, error)
	// ParseWebhook checks the signature on the raw body and reads the event.
	ParseWebhook(body []byte, signature string) (Event, error)
	// ParseEvent reads a body that ParseWebhook has accepted before.
	ParseEvent(body []byte) (Event, error)
	// Movements lists what moved on the account since a moment, oldest or newest first, page by page.
	Movements(ctx context.Context, since time.Time, each func(Movement) error) error
}

// KeyLife is for how long a provider remembers a key; after that a call is never sent again, only looked up.
const KeyLife = 24 * time.Hour

// BeginInput is everything a payment page is made of. The same checkout must always give the same input.
type BeginInput struct {
	Checkout   id.Checkout
	Attempt    int // above 0 only after a look-up has shown that the attempt before never happened
	Email      string
	Lines      []Line
	Total      money.Amount
	SuccessURL string
	CancelURL  string
	ExpiresAt  time.Time
	Locale     string
	Shop       string // stands on the buyer's bank statement where that is allowed
}

// Key is the idempotency key of the call.
func (in BeginInput) Key() string {
	if in.Attempt == 0 {
		return "checkout-" + in.Checkout.String()
	}
	return fmt.Sprintf("checkout-%s-%d", in.Checkout, in.Attempt)
}

// Line is one position on the payment page.
type Line struct {
	Name     string
	Unit     money.Amount
	Quantity int
}

// FindInput is what we know of a page without knowing its number.
type FindInput struct {
	Checkout  id.Checkout
	Email     string
	CreatedAt time.Time
}

// Session is a payment page.
type Session struct {
	ID        string
	URL       string // empty when it is not open
	Open      bool
	ExpiresAt time.Time
	Fact      Fact
}

// State is how a payment stands. Facts are partial; Unknown tells nothing new.
type State string

const (
	Unknown    State = ""
	Waiting    State = "waiting"    // the buyer may still pay
	Processing State = "processing" // a delayed method is under way
	Succeeded  State = "succeeded"
	Over       State = "over" // nothing was paid and nothing can be paid there
)

// Fact is how one payment stood at one moment.
type Fact struct {
	Checkout id.Checkout // zero when the provider's object does not name one of ours
	Session  string
	Intent   string
	Charge   string
	State    State
	Amount   money.Amount // what was, or would be, taken
	Refunded money.Amount // given back so far, in all
	Risk     string
	Note     string // for the log: a decline's code
}

// Event is a provider's signed message.
type Event struct {
	ID      string
	Type    string
	Created time.Time
	Live    bool
	Fact    Fact
	Known   bool // false: a type we do not act on
}

// Movement is one line of the provider's account.
type Movement struct {
	ID     string
	Kind   MovementKind
	Intent string // the payment it belongs to, when it does
	Amount money.Amount
	Fee    money.Amount // what the provider kept of it
	At     time.Time
}

// MovementKind tells charges and refunds from what this scope does not book.
type MovementKind string

const (
	MovementCharge MovementKind = "charge"
	MovementRefund MovementKind = "refund"
	MovementOther  MovementKind = "other"
)

// ErrNone says that the provider knows of no such thing.
var ErrNone = errors.New("the provider knows nothing of it")

// Error is why a call to a provider did not go as asked.
type Error struct {
	Outcome  Outcome
	Answered bool   // in doubt although there was an answer: a stored error that the same key will meet again
	Code     string // the provider's
	Message  string // the provider's words, for the log
	Cause    error
}

// Outcome says what is known after a call that failed.
type Outcome string

const (
	// Refused: it was not done, and asking again in the same way cannot change that.
	Refused Outcome = "refused"
	// Again: it was not done; ask again later.
	Again Outcome = "again"
	// Doubt: it may have been done. Look it up; never assume.
	Doubt Outcome = "doubt"
)

func (e *Error) Error() string {
	return fmt.Sprintf("provider %s %s: %v", e.Outcome, e.Code, e.Cause)
}
func (e *Error) Unwrap() error { return e.Cause }

// OutcomeOf is empty for no error, and Doubt for what is not a provider's error.
func OutcomeOf(err error) Outcome {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Outcome
	}
	return Doubt
}

var (
	// ErrSignature says that a webhook was not signed by the provider, or too long ago.
	ErrSignature = errors.New("webhook signature does not hold")
	// ErrEvent says that a signed body is not an event that we can take: another version, another mode.
	ErrEvent = errors.New("webhook is not for us")
)
