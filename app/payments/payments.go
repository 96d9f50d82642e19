// Package payments is the port to whoever moves the buyer's money, and the inbox of what they tell us.
//
// A provider's answers and events are both turned into Facts: how one payment stood at one moment. Facts may
// come twice and in any order; what follows from them is decided in orders.
package payments

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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
	// Session asks how a page stands. Where a buyer has agreed and no more, it takes the money; ErrNone when the
	// provider has forgotten the page, which nobody can pay then.
	Session(ctx context.Context, sessionID string) (Session, error)
	// Find looks for the page of a checkout whose number we never learned; ErrNone when there is none.
	Find(ctx context.Context, in FindInput) (Session, error)
	// Expire closes an open page, so that nobody can pay there any more. It answers how the page stands now,
	// which may be paid.
	Expire(ctx context.Context, sessionID string) (Session, error)
	// Payment asks how a payment stands: what was charged, given back and disputed so far. Its fact is whole.
	Payment(ctx context.Context, intentID string) (Fact, error)
	// Refund gives back a part of a payment. The key is made from the refund's id; after KeyLife, or in doubt,
	// Payment tells whether it was done.
	Refund(ctx context.Context, in RefundInput) (Refund, error)
	// ParseWebhook checks the signature on the raw body and reads the event.
	ParseWebhook(body []byte, header http.Header) (Event, error)
	// ParseEvent reads a body that ParseWebhook has accepted before.
	ParseEvent(body []byte) (Event, error)
	// Movements lists what moved on the account since a moment, oldest or newest first, page by page.
	Movements(ctx context.Context, since time.Time, each func(Movement) error) error
}

// Settling is how long a movement may be known to one side only: what has just happened is on its way to us, and a
// provider's report may be hours late, as its Lag says.
func Settling(p Provider) time.Duration {
	const usual = 10 * time.Minute
	if late, ok := p.(interface{ Lag() time.Duration }); ok {
		return usual + late.Lag()
	}
	return usual
}

// Intents takes payments whose card form an integrator shows, with a secret that only that payment has.
type Intents interface {
	// Intent opens a payment. The key is made as for Begin.
	Intent(ctx context.Context, in BeginInput) (Intent, error)
	// FindIntent looks for the payment of a checkout whose number we never learned; ErrNone when there is none.
	FindIntent(ctx context.Context, in FindInput) (Intent, error)
	// ReadIntent asks how it stands, with its secret.
	ReadIntent(ctx context.Context, intentID string) (Intent, error)
	// Confirm pays with a means of payment that the provider knows by a number of its own.
	Confirm(ctx context.Context, in ConfirmInput) (Intent, error)
	// CancelIntent ends a payment that is not made, so that it cannot be any more. It answers how it stands now,
	// which may be paid.
	CancelIntent(ctx context.Context, intentID string) (Intent, error)
}

// Intent is a payment that an integrator's page completes.
type Intent struct {
	Fact   Fact
	Secret string
	Status string // the provider's word
	Next   string // where the buyer must go to prove who they are; empty when nowhere
}

// ConfirmInput says how an intent is to be paid.
type ConfirmInput struct {
	Intent    string
	Key       string
	Method    string // the provider's number of a card or the like
	ReturnURL string
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
	Approved   State = "approved"   // the buyer has agreed, and nothing was taken yet: ask for the session, which takes it
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
	Refunded money.Amount // given back so far, in all, less what came back
	Risk     string       // the provider's level: normal, elevated, highest
	Score    int          // the provider's score, 0 to 100; 0 when there is none
	Card     Card
	Note     string // for the log: a decline's code

	Whole    bool // Refunds and Disputes are all there are
	Refunds  []Refund
	Disputes []Dispute
}

// Card is what we may know of the means of payment.
type Card struct {
	Fingerprint string // the same for the same card, at one provider; for PayPal the payer's id
	Country     string // ISO 3166-1 alpha-2
	Brand       string
	Funding     string // credit, debit, prepaid
	Last4       string
}

// RefundInput asks for a refund. The same request must always give the same input.
type RefundInput struct {
	Request id.Refund // the key of the call is refund-<Request>; travels with the refund
	Order   id.Order  // travels with the refund
	Intent  string
	Charge  string
	Amount  money.Amount
	Fraud   bool
	Note    string // for the buyer, where the provider shows one
}

// Key is the idempotency key of the call.
func (in RefundInput) Key() string { return "refund-" + in.Request.String() }

// RefundState is how a refund stands. A refund that succeeded can still fail: the buyer's bank refused it.
type RefundState string

const (
	RefundPending   RefundState = "pending"
	RefundSucceeded RefundState = "succeeded"
	RefundFailed    RefundState = "failed" // or canceled: the money is ours again
)

// Refund is one refund at the provider.
type Refund struct {
	ID      string // the provider's
	Intent  string
	Request id.Refund // zero: it was begun at the provider's
	Order   id.Order  // zero: it is shared by all orders of the payment
	Amount  money.Amount
	State   RefundState
	Failure string // the provider's word for why it failed
	At      time.Time
}

// DisputeStatus is how a dispute stands.
type DisputeStatus string

const (
	DisputeInquiry DisputeStatus = "inquiry"        // a question of the bank; no money has moved
	DisputeOpen    DisputeStatus = "needs_response" // evidence is waited for
	DisputeReview  DisputeStatus = "under_review"   // evidence was sent
	DisputeWon     DisputeStatus = "won"
	DisputeLost    DisputeStatus = "lost"
	DisputeClosed  DisputeStatus = "closed" // an inquiry that came to nothing
)

// Final reports whether nothing more is to be done; won and lost may still flip.
func (s DisputeStatus) Final() bool {
	return s == DisputeWon || s == DisputeLost || s == DisputeClosed
}

// Dispute is one dispute at the provider. Withdrawn and Reinstated are sums over all its movements, so that they
// only ever grow.
type Dispute struct {
	ID         string
	Intent     string
	Charge     string
	Reason     string // the provider's word
	Status     DisputeStatus
	Amount     money.Amount
	Withdrawn  money.Amount // taken from our account, fees not counted
	Reinstated money.Amount // given back to it
	Due        time.Time    // until when evidence is taken; zero when none is
	At         time.Time
}

// Event is a provider's signed message.
type Event struct {
	ID       string
	Type     string
	Provider string
	Created  time.Time
	Live     bool
	Fact     Fact
	Known    bool // false: a type we do not act on
	Look     bool // the event says that something changed, but not how the payment stands now: ask

	Account *Account // a connected account changed, or went away
	Payout  *Payment // a payout to a creator changed
	Warning *Warning // a bank says early that a payment was fraud
}

// Warning is an early fraud warning.
type Warning struct {
	ID     string
	Intent string
	Charge string
	Kind   string // the provider's word
	At     time.Time
}

// Movement is one line of the provider's account.
type Movement struct {
	ID        string
	Kind      MovementKind
	Intent    string    // the payment it belongs to, when it does
	Source    string    // the provider's object: a charge, refund, dispute, transfer
	Payout    id.Payout // ours, that a transfer or payout was for
	Amount    money.Amount
	Fee       money.Amount // what the provider kept of it; negative when it gave a fee back
	At        time.Time
	Available time.Time // when the provider lets us use it
}

// MovementKind says what a movement was for.
type MovementKind string

const (
	MovementCharge  MovementKind = "charge"
	MovementRefund  MovementKind = "refund"  // and a refund that came back
	MovementDispute MovementKind = "dispute" // taken, or given back
	MovementPayout  MovementKind = "payout"  // to a creator, or what came back of it
	MovementOther   MovementKind = "other"   // fees of their own, money that the platform moved to or from its bank
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
