package payments

import (
	"context"
	"time"

	"vitrine/app/id"
	"vitrine/app/money"
)

// Payer sends money from the platform's account to a creator's.
type Payer interface {
	Name() string
	// KeyLife is for how long a payout may be sent again under its key; after that it is only looked up.
	KeyLife() time.Duration
	// Pay sends a payout. The key is made from its id. An *Error says what is known when it did not go as asked:
	// only Refused and Again mean that no money has left.
	Pay(ctx context.Context, in PayInput) (Payment, error)
	// Look asks how a payout stands, by its number or, where we never learned it, by ours; ErrNone when the
	// provider has never heard of it.
	Look(ctx context.Context, in PayInput) (Payment, error)
	// Recover brings the money of a failed payout back to the platform's account, where the provider leaves it
	// elsewhere. Refused: the creator's account does not cover it. Doing it twice moves it once.
	Recover(ctx context.Context, in PayInput) error
}

// PayInput is everything a payout is made of. The same payout must always give the same input.
type PayInput struct {
	Payout  id.Payout
	To      string // a connected account's number, or an address
	Amount  money.Amount
	Note    string    // for the creator's statement
	Since   time.Time // when it was first sent, for looking it up
	Ref     string    // the provider's number, when we know it
	Advance string    // the number of the step before it, when there is one: a transfer
}

// Key is the idempotency key of the call.
func (in PayInput) Key() string { return "payout-" + in.Payout.String() }

// PaymentState is how a payout stands at the provider.
type PaymentState string

const (
	PaymentSent     PaymentState = "sent"     // taken, on its way
	PaymentPaid     PaymentState = "paid"     // arrived; may still come back
	PaymentFailed   PaymentState = "failed"   // it will not arrive
	PaymentReturned PaymentState = "returned" // it arrived, or lay waiting, and came back
)

// Payment is one payout at the provider.
type Payment struct {
	Payout  id.Payout // zero when the provider's object does not name one of ours
	Account string    // the connected account's
	Ref     string
	Advance string
	State   PaymentState
	Amount  money.Amount
	Fee     money.Amount // what the provider takes of us for it
	Failure string       // the provider's code
	Why     string       // the provider's words
	Arrives time.Time
}

// Connector keeps the accounts that creators have at the provider.
type Connector interface {
	// Open makes a creator's account. The key is made from creator and generation, so that retries make one.
	Open(ctx context.Context, in AccountInput) (Account, error)
	// Seek finds an account that Open may have made without our learning its number; ErrNone when it did not.
	Seek(ctx context.Context, in AccountInput) (Account, error)
	// Account asks how an account stands; ErrNone when it is gone, or no longer ours to use.
	Account(ctx context.Context, number string) (Account, error)
	// Link is a page of the provider's where the creator fills in what is missing. It works once, for minutes.
	Link(ctx context.Context, in LinkInput) (url string, err error)
	// Dashboard is the creator's own page at the provider.
	Dashboard(ctx context.Context, number string) (url string, err error)
}

// AccountInput is what an account is made of.
type AccountInput struct {
	Creator    id.User
	Generation int // counts the accounts of a creator who has changed to another one
	Email      string
	Country    string // ISO 3166-1 alpha-2
	Since      time.Time
}

// LinkInput asks for an onboarding page.
type LinkInput struct {
	Account    string
	ReturnURL  string // where the creator comes back to, done or not
	RefreshURL string // where a link that is over leads
	Update     bool   // to change what is there, not to fill in what is missing
}

// Account is a creator's account at the provider.
type Account struct {
	Number    string
	Creator   id.User // zero when the account does not name one of ours
	Country   string
	Currency  string // of its bank account
	Bank      string // the last digits
	Submitted bool   // the creator has gone through the form
	Payouts   bool   // money can be sent to it
	Due       []Requirement
	Deadline  time.Time // until when; zero when there is none
	Disabled  string    // the provider's word for why it is stopped
	Gone      bool      // disconnected, or rejected for good
}

// Requirement is one thing that the provider still wants to know.
type Requirement struct {
	Code    string // the provider's, such as individual.verification.document
	Past    bool   // its time is over: payouts are stopped until it is there
	Pending bool   // it was given and is being looked at
	Why     string // what was wrong with what was given
}

// Disputer answers disputes at the provider.
type Disputer interface {
	// Dispute asks how a dispute stands.
	Dispute(ctx context.Context, number string) (Dispute, error)
	// Upload hands over a file for evidence and returns its number. The key is made from ours.
	Upload(ctx context.Context, in EvidenceFile) (number string, err error)
	// Submit sends evidence: with Final the bank gets it and nothing can be added.
	Submit(ctx context.Context, in Evidence) (Dispute, error)
	// Accept gives a dispute up.
	Accept(ctx context.Context, number string) (Dispute, error)
}

// EvidenceFile is a picture or PDF.
type EvidenceFile struct {
	Key         string
	Name        string
	ContentType string
	Body        []byte
}

// Evidence is what a dispute is answered with. Texts have at most 20,000 characters together with all others;
// files are numbers from Upload.
type Evidence struct {
	Dispute         string
	Key             string
	ProductName     string
	BuyerEmail      string
	BuyerName       string
	BuyerIP         string
	AccessLog       string // who has fetched what and when
	ReceiptFile     string
	PolicyFile      string
	PolicyText      string // how the buyer agreed to it
	ServiceFile     string // proof of delivery
	ServiceDate     string
	ShippingCarrier string
	Tracking        string
	RefusalReason   string // why no refund was given
	Text            string // the creator's own words
	OtherFile       string
	Final           bool
}
