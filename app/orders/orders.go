// Package orders sells: it quotes, holds the goods, sends the buyer to pay, and when the provider says so
// books the sale and delivers. Prices come from our tables only; the form names things.
package orders

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/singleflight"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/fees"
	"vitrine/app/id"
	"vitrine/app/inventory"
	"vitrine/app/money"
	"vitrine/app/payments"
)

// Status of an order. It only moves forward: pending → processing → paid → partly_refunded → refunded, or from
// one of the first two to expired.
type Status string

const (
	Pending        Status = "pending"    // the buyer is at the payment page
	Processing     Status = "processing" // a delayed method: the money is on its way
	Paid           Status = "paid"
	PartlyRefunded Status = "partly_refunded"
	Refunded       Status = "refunded"
	Expired        Status = "expired" // nothing was paid and nothing will be
)

// Sold reports whether the buyer has paid, whatever came after.
func (s Status) Sold() bool { return s == Paid || s == PartlyRefunded || s == Refunded }

// Order is what a buyer takes from one shop.
type Order struct {
	ID       id.Order
	Checkout id.Checkout
	Shop     id.Shop
	Creator  id.User
	Buyer    id.Buyer
	Number   int // runs per shop without gaps; 0 until paid, and for tests
	Status   Status
	Test     bool // the owner trying the shop: outside the book and the stock
	Email    string
	Locale   string // of the buyer, for mails

	Subtotal, Discount, Tax, Shipping, Total money.Amount
	Fee, Net, Refunded                       money.Amount
	RefundedNet                              money.Amount // the creator's part of Refunded
	Disputed, DisputedNet                    money.Amount // withdrawn by buyers' banks and not given back
	Refunding                                money.Amount // asked of the provider and not answered yet
	FeeVersion                               int

	Provider      string // "stripe", "paypal", or "none" when nothing was to pay
	PaymentIntent string
	Charge        string
	Risk          string // the provider's level
	Score         int    // the provider's score
	Review        Review
	Matured       time.Time // when its money became available; zero: not yet
	Held          time.Time // since when its money is held; zero: it is not
	HeldWhy       string
	KeepAccess    bool // downloads stay although all is given back
	CreatedAt     time.Time
	PaidAt        time.Time // zero until paid
	Items         []Item
}

// Item is one product of an order, as it was at that moment.
type Item struct {
	ID                             id.Item
	Product                        id.Product
	Name                           string
	Quantity                       int
	Unit                           money.Amount
	Discount, Tax, Shipping, Total money.Amount
}

// Checkout is one payment for one to many orders, one a shop.
type Checkout struct {
	ID            id.Checkout
	Buyer         id.Buyer
	Email         string
	Total         money.Amount
	Provider      string
	Status        CheckoutStatus
	Session       string // the provider's
	SessionURL    string // where the buyer pays; empty when there is nothing to do there any more
	PaymentIntent string
	Test          bool
	Locale        string
	ExpiresAt     time.Time
	PaidAt        time.Time
	CreatedAt     time.Time
	Orders        []Order
	Declined      string // why the bank said no just now, in the provider's word; only in the answer to a look

	inputs    []byte
	intent    bool // an integrator's page takes the payment
	attempt   int
	statement string
}

// CheckoutStatus is the state of the payment.
type CheckoutStatus string

const (
	CheckoutOpen       CheckoutStatus = "open"
	CheckoutProcessing CheckoutStatus = "processing"
	CheckoutPaid       CheckoutStatus = "paid"
	CheckoutExpired    CheckoutStatus = "expired"
)

// Final reports whether nothing will change the status any more.
func (s CheckoutStatus) Final() bool { return s == CheckoutPaid || s == CheckoutExpired }

// Offer is what orders must know of a product to sell it.
type Offer struct {
	Product  id.Product
	Shop     id.Shop
	Creator  id.User
	Name     string
	ShopName string
	ShopSlug string
	Price    money.Amount
	Active   bool
	Open     bool   // the shop is published and takes orders
	Closed   string // what the shop says when it is closed on purpose
}

// Catalogue tells what is for sale. It answers only for products it knows.
type Catalogue interface {
	Offers(ctx context.Context, q db.Q, products []id.Product) ([]Offer, error)
}

// Service is the way in.
type Service struct {
	DB         *db.DB
	Catalogue  Catalogue
	Fees       *fees.Service
	Stock      *inventory.Service
	Providers  payments.Providers // the first takes what nobody chose
	Inbox      *payments.Inbox    // only asked what waits in it
	Secret     string             // link tokens are derived from it
	AppURL     string             // no trailing slash
	Settlement time.Duration      // from the sale until its money is available to the creator

	Hooks

	beginning singleflight.Group
}

// Hooks are what features above have to say. Each may be nil.
type Hooks struct {
	// Admit refuses a checkout before anything is written.
	Admit func(ctx context.Context, in StartInput, q Quote) error
	// Assess says whether a paid checkout must be looked at by a person before it is delivered and its money moves.
	Assess func(ctx context.Context, tx *db.Tx, c Checkout, f payments.Fact) (flagged bool, err error)
	// Attempted hears of a payment that failed.
	Attempted func(ctx context.Context, tx *db.Tx, c Checkout, f payments.Fact) error
	// OnRefund hears of a provider's refund of an order, once a state.
	OnRefund func(ctx context.Context, tx *db.Tx, o id.Order, r payments.Refund) error
	// OnDispute hears of a dispute of a checkout's orders, once a change.
	OnDispute func(ctx context.Context, tx *db.Tx, all []Order, d payments.Dispute) error
}

// ProviderOf finds the provider that a checkout or order names.
func (s *Service) ProviderOf(name string) (payments.Provider, bool) { return s.Providers.By(name) }

// Takes reports whether a provider is configured and takes an amount: not each has every currency, and all its digits.
func (s *Service) Takes(provider string, a money.Amount) bool {
	p, ok := s.Providers.By(provider)
	if !ok {
		return false
	}
	limited, ok := p.(interface{ Takes(money.Amount) bool })
	return !ok || limited.Takes(a)
}

// provider is the one that a checkout was begun with.
func (s *Service) provider(c Checkout) (payments.Provider, error) {
	if p, ok := s.Providers.By(c.Provider); ok {
		return p, nil
	}
	return nil, fmt.Errorf("checkout %s: no provider %q is configured", c.ID, c.Provider)
}

// Token is what stands in the order's secret link, /o/{token}.
func (s *Service) Token(o id.Order) string { return id.Derive(s.Secret, "order", o.String()) }

// CheckoutToken is what stands in /checkout/return/{token}.
func (s *Service) CheckoutToken(c id.Checkout) string {
	return id.Derive(s.Secret, "checkout", c.String())
}

// URL is the order's page for its buyer.
func (s *Service) URL(o id.Order) string { return s.AppURL + "/o/" + s.Token(o) }

// ReturnPath and CancelPath are where the provider sends the buyer back to.
func (s *Service) ReturnPath(c id.Checkout) string { return "/checkout/return/" + s.CheckoutToken(c) }
func (s *Service) CancelPath(c id.Checkout) string { return "/checkout/back/" + s.CheckoutToken(c) }

var (
	errNoOrder    = errs.New(errs.NotFound, "There is no such order.")
	errNoCheckout = errs.New(errs.NotFound, "There is no such checkout.")
)

// ByToken finds the order behind a secret link. Expired ones are found too: the page says what happened.
func (s *Service) ByToken(ctx context.Context, token string) (Order, error) {
	if id.CheckToken(token) != nil {
		return Order{}, errNoOrder
	}
	return one(s.findOrderByToken(ctx, s.DB, id.Hash(token)))
}

// Get finds an order of one of the creator's shops. Someone else's is not found.
func (s *Service) Get(ctx context.Context, creator id.User, o id.Order) (Order, error) {
	return one(s.findOrderOf(ctx, s.DB, creator, o))
}

// Find reads an order without asking who wants it: for jobs.
func (s *Service) Find(ctx context.Context, q db.Q, o id.Order) (Order, error) {
	return one(s.findOrder(ctx, q, o))
}

// Checkout finds the checkout behind a return link, with its orders.
func (s *Service) Checkout(ctx context.Context, token string) (Checkout, error) {
	if id.CheckToken(token) != nil {
		return Checkout{}, errNoCheckout
	}
	c, err := s.findCheckoutByToken(ctx, s.DB, id.Hash(token))
	if db.None(err) {
		return Checkout{}, errNoCheckout
	}
	if err != nil {
		return Checkout{}, err
	}
	c.Orders, err = s.listOrdersOfCheckout(ctx, s.DB, c.ID)
	return c, err
}

// Show is which of the paid orders a list holds.
type Show string

const (
	ShowAll      Show = ""         // tests among them
	ShowPaid     Show = "paid"     // nothing of it refunded
	ShowRefunded Show = "refunded" // in part or in full
	ShowTests    Show = "test"
)

// Filter chooses among a shop's orders. The zero value wants the newest 25 of all.
type Filter struct {
	Show   Show
	Search string // an order's number, or the beginning of a buyer's address
	After  string // the cursor that the page before returned
	Limit  int
}

// List is a page of a shop's paid orders, newest first, without items; next is empty on the last page.
func (s *Service) List(ctx context.Context, creator id.User, shop id.Shop, f Filter) (page []Order, next string, err error) {
	if f.Limit <= 0 || f.Limit > 100 {
		f.Limit = 25
	}
	at, last, err := parseCursor(f.After)
	if err != nil {
		return nil, "", errs.New(errs.NotFound, "There is no such page.")
	}
	page, err = s.listOrders(ctx, s.DB, creator, shop, f, at, last)
	if err != nil || len(page) <= f.Limit {
		return page, "", err
	}
	page = page[:f.Limit]
	return page, cursor(page[f.Limit-1]), nil
}

// OfBuyer is everything that was bought with an address, newest first, with items. Test orders are not in it.
func (s *Service) OfBuyer(ctx context.Context, b id.Buyer) ([]Order, error) {
	return s.listOrdersOfBuyer(ctx, s.DB, b)
}

// FindBuyer finds a buyer by address; errs.NotFound when nobody has bought with it.
func (s *Service) FindBuyer(ctx context.Context, email string) (id.Buyer, error) {
	b, err := s.findBuyer(ctx, s.DB, email)
	if db.None(err) {
		return b, errs.New(errs.NotFound, "Nothing was bought with this address.")
	}
	return b, err
}

// Entitlement is what an order lets its buyer have.
type Entitlement struct {
	ID      id.Grant
	Order   id.Order
	Item    id.Item
	Product id.Product
	Creator id.User
	Name    string // of the item
	Revoked bool
}

// Entitlements lists what an order grants; empty until it is paid.
func (s *Service) Entitlements(ctx context.Context, q db.Q, o id.Order) ([]Entitlement, error) {
	return s.listEntitlements(ctx, q, o)
}

// Sales are sums of one shop over a stretch of time, tests left out. Net is what remains for the creator.
type Sales struct {
	Orders               int
	Gross, Refunded, Net money.Amount
}

// SalesSince sums a shop's sales from a moment on.
func (s *Service) SalesSince(ctx context.Context, q db.Q, creator id.User, shop id.Shop, c money.Currency, from time.Time) (Sales, error) {
	return s.sumSales(ctx, q, creator, shop, c, from)
}

func one(o Order, err error) (Order, error) {
	if db.None(err) {
		return Order{}, errNoOrder
	}
	return o, err
}
