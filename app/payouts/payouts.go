// Package payouts brings creators their money: where it goes to, when, and why not yet.
//
// A payout takes the exact lines of a balance under its lock, sets the sum aside in the book, and only then calls
// the provider with a key made from its own id. What is not known to have left is looked up, never guessed. Every
// balance has a payout or a reason.
package payouts

import (
	"context"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/payments"
)

// Service is the way in.
type Service struct {
	DB        *db.DB
	Payers    map[string]payments.Payer // by name
	Connector payments.Connector        // Stripe's; nil: no accounts can be opened
	// Holds says why a creator's payouts must wait for a person: a shop that was closed, an account under review.
	// Empty: they need not. It may be nil.
	Holds   func(ctx context.Context, q db.Q, creator id.User) (why string, err error)
	Enabled map[string]bool // providers that may pay out; nil: all that there are
	AppURL  string          // no trailing slash
	Secret  string          // link tokens are derived from it
	Zone    *time.Location  // of the instance; nil is UTC
	Hour    int             // of the day, in that zone, from which payouts are made
	// Matures is when the first of a creator's pending money becomes available; zero when that is not known. It may be nil.
	Matures func(ctx context.Context, q db.Q, creator id.User, c money.Currency) (time.Time, error)
	// Numbers are what orders are called in their shops, for statements. It may be nil.
	Numbers func(ctx context.Context, q db.Q, orders []id.Order) (map[id.Order]int, error)
}

// Who is the person who asks for a change.
type Who struct {
	User  id.User
	Email string
	Why   string // an operator's reason, for the audit log
}

// MethodState is how far a method has come.
type MethodState string

const (
	Unconfirmed MethodState = "unconfirmed" // the mailed link was not followed
	Incomplete  MethodState = "incomplete"  // the provider still asks for things
	Ready       MethodState = "ready"
	Restricted  MethodState = "restricted" // it could be paid to before; the provider has stopped it
	Gone        MethodState = "gone"       // disconnected, or replaced before it was confirmed
)

// Method is where a creator is paid out to.
type Method struct {
	ID          id.Method
	Creator     id.User
	Provider    string
	Account     string // Stripe's number of the connected account
	Address     string // at PayPal
	Country     string
	Currency    string // of the bank account, when known
	Bank        string // the last digits
	State       MethodState
	Due         []payments.Requirement
	Deadline    time.Time
	Since       time.Time
	PayableFrom time.Time // after a change; zero or past: now
	Disabled    string    // the provider's word
	Trouble     string    // why the last payout came back from there
	TroubleAt   time.Time
	RestsUntil  time.Time // when it is tried again after that
	Current     bool
	Waiting     string // "use" or "disconnect": a change that waits for the mailed link
	// WaitingUntil is how long the link works.
	WaitingUntil time.Time

	generation int
	email      string
	opening    time.Time
	looked     time.Time
	readied    time.Time
	troubles   int
}

// Plan is how often a creator is paid out.
type Plan string

const (
	Daily   Plan = "daily"
	Weekly  Plan = "weekly"  // on Mondays
	Monthly Plan = "monthly" // on the first day
	Paused  Plan = "paused"
)

// Plans lists them as a form shows them.
func Plans() []Plan { return []Plan{Daily, Weekly, Monthly, Paused} }

// State of a payout. It moves forward: held → reserved → sending → (unknown) → sent → paid → failed → returned, or
// ends before it left as released or canceled. Failed may follow on sent and paid for as long as the provider says so.
type State string

const (
	Held     State = "held"     // set aside; a person must look first
	Reserved State = "reserved" // set aside; about to be sent
	Sending  State = "sending"  // the provider is being asked
	Unknown  State = "unknown"  // the answer was lost; it is looked up until it is known
	Sent     State = "sent"     // the provider has it
	Paid     State = "paid"     // it has arrived, and may still come back for a week
	Failed   State = "failed"   // it will not arrive; its money is being brought back
	Returned State = "returned" // the money is back in the balance
	Released State = "released" // refused before it left; the money is back in the balance
	Canceled State = "canceled" // by the operator, before it left
)

// Open reports whether the money is set aside and has not left.
func (s State) Open() bool { return s == Held || s == Reserved || s == Sending || s == Unknown }

// Provisional is for how long a payout that was sent counts as one that may come back. A failure is taken later too.
const Provisional = 7 * 24 * time.Hour

// Payout is one sum on its way to a creator.
type Payout struct {
	ID        id.Payout
	Creator   id.User
	Number    int // runs per creator
	Amount    money.Amount
	Fee       money.Amount // what the provider takes of the platform for it
	Carried   money.Amount // what did not fit into the currency's unit and stays for the next
	State     State
	Method    id.Method
	Provider  string
	To        string // as a person knows it: "Bank account ending in 6789", "ada@example.com"
	Ref       string // the provider's number
	CreatedAt time.Time
	SentAt    time.Time
	ArrivesAt time.Time
	PaidAt    time.Time
	FinalAt   time.Time // until when it is provisional
	EndedAt   time.Time // returned, released or canceled
	StuckAt   time.Time // since when its money cannot be brought back
	Failure   string    // a code
	Why       string    // a sentence

	target   string
	advance  string
	approved id.User
	attempts int
	doubt    time.Time
	tried    time.Time
	lease    time.Time
	looked   time.Time
	updated  time.Time
}

// Who must act for money to move.
const (
	ActYou      = "you"
	ActUs       = "us"
	ActProvider = "provider"
	ActNobody   = "nobody" // time will do it, or the next sales
)

// Reason is why money is not on its way.
type Reason struct {
	Code         string
	Text         string
	Act          string
	Since, Until time.Time
	Payout       id.Payout
	Currency     money.Currency
}

// Outlook is a creator's money in one currency. Either Next and Sum say when how much is sent, or Reason says why
// nothing is.
type Outlook struct {
	Currency                                 money.Currency
	Pending, Available, Held, InFlight, Owed money.Amount
	Next                                     time.Time
	Sum                                      money.Amount
	Reason                                   *Reason
}

// Statement says which lines a payout is made of. They sum to its amount.
type Statement struct {
	Payout
	Lines []StatementLine
}

// StatementLine is one line of the book. Gross less Fee is Net; both are zero where only Net is known.
type StatementLine struct {
	At              time.Time
	Kind            string // sale, refund, dispute, hold, release, payout, carried, other
	Text            string
	Order           id.Order // zero: none
	Number          int      // of the order, or of the payout that it came from
	Gross, Fee, Net money.Amount
}

var (
	errNoPayout = errs.New(errs.NotFound, "There is no such payout.")
	errNoMethod = errs.New(errs.NotFound, "There is no such payout method.")
)
