package orders

import (
	"context"

	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/money"
)

// Line is what a form asks for: a thing and a number, never a price.
type Line struct {
	Product  id.Product
	Quantity int
}

// Quote is what the lines cost now.
type Quote struct {
	Lines []QuoteLine
	Total money.Amount
	Shops int
}

// QuoteLine is one product of a quote.
type QuoteLine struct {
	Offer    Offer
	Quantity int
	Total    money.Amount
	Left     int // -1: unlimited
}

// PriceChanged is the cause of a Conflict: the page showed another total.
type PriceChanged struct{ Total money.Amount }

func (p *PriceChanged) Error() string { return "the total is now " + p.Total.String() }

// StartInput is what a buyer sends from the checkout page.
type StartInput struct {
	Key      string // from NewKey, drawn into the form
	Lines    []Line
	Email    string
	Consent  bool         // to immediate delivery
	Expected money.Amount // the total that the page showed
	Locale   string
	Test     bool    // the owner tries the own shop
	By       id.User // who is signed in, if anyone
}

// Started says where the buyer goes next.
type Started struct {
	Checkout id.Checkout
	URL      string
	Outside  bool // the URL is the provider's
}

var errSoon = errs.New(errs.Unavailable, "Buying starts soon.")

// NewKey makes one form one checkout.
func NewKey() string { return id.New[id.CheckoutKind]().String() }

// Quote prices the lines.
func (s *Service) Quote(ctx context.Context, lines []Line) (Quote, error) { return Quote{}, errSoon }

// Start begins the checkout.
func (s *Service) Start(ctx context.Context, in StartInput) (Started, error) {
	return Started{}, errSoon
}

// Return asks how the payment went.
func (s *Service) Return(ctx context.Context, token string) (Checkout, error) {
	return s.Checkout(ctx, token)
}
