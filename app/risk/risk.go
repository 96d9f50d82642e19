// Package risk looks for fraud: rules decide on every order, a person decides on what they flag, and both leave a
// trail that can be walked again.
//
// A verdict comes from Rules.Evaluate, a function of its inputs alone. The inputs are stored with it, so each
// decision can be replayed, and asked what today's rules would say. Personal values are kept as hashes under the
// instance's secret, and what was only seen expires.
//
// An order that is flagged delivers nothing and pays nothing until a person has decided, or until its time is over:
// then the buyer has the money back.
package risk

import (
	"context"
	"embed"
	"strings"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/storefronts"
)

// Service is the way in.
type Service struct {
	DB     *db.DB
	Orders *orders.Service
	Shops  *storefronts.Service
	Secret string // keys are hashed under it
	AppURL string // no trailing slash

	// Refund gives all that is left of an order back to its buyer. Whoever reads about the refund may read the note.
	Refund func(ctx context.Context, tx *db.Tx, order id.Order, note string, fraud bool) error
	// FourEyes is the stake from which two persons decide, by currency. Of a currency that is not in it, two always do.
	FourEyes map[money.Currency]int64
	// TestCards says that the providers are in test mode, where everyone pays with the same few cards: they are told
	// apart, but not followed.
	TestCards bool
}

// Deadlines of a review.
const (
	Deadline = 72 * time.Hour // from its beginning; then the order is refunded
	MaxHold  = 7              // days that a hold adds from now
	MaxHolds = 2
)

// How long blocks last. Those of addresses always end.
const (
	week     = 7 * 24 * time.Hour
	halfYear = 183 * 24 * time.Hour
	attack   = 6 * time.Hour // of a product
	memory   = 31 * 24 * time.Hour
)

var (
	errRefused  = errs.New(errs.Forbidden, "We cannot take this order at the moment. You have not been charged. If you think that is a mistake, please write to the seller.")
	errAttacked = errs.New(errs.Conflict, "This product cannot be bought for a few hours, because somebody tries out stolen cards on it. You have not been charged. Please come back later.")
	errNoReview = errs.New(errs.NotFound, "There is no such review.")
)

// DefaultFourEyes is about five hundred euros in each currency.
func DefaultFourEyes() map[money.Currency]int64 {
	out := map[money.Currency]int64{}
	for c, hundred := range first.Hundred {
		out[c] = 5 * hundred
	}
	return out
}

// ParseFourEyes reads "EUR:500 USD:550.00"; what it does not name stays as DefaultFourEyes has it.
func ParseFourEyes(s string) (map[money.Currency]int64, error) {
	out := DefaultFourEyes()
	for _, part := range strings.Fields(strings.ReplaceAll(s, ",", " ")) {
		code, amount, _ := strings.Cut(part, ":")
		c := money.Currency(strings.ToUpper(code))
		if !c.Valid() {
			return nil, errs.New(errs.Invalid, "%q is no currency of Vitrine", code)
		}
		a, err := money.Parse(amount, c)
		if err != nil {
			return nil, errs.Wrap(errs.Invalid, err, "%q is no amount in %s", amount, code)
		}
		out[c] = a.Minor
	}
	return out, nil
}

// hash is the key of a personal value, the same as stands in the checkout's row.
func (s *Service) hash(k Kind, value string) string {
	return orders.Fingerprint(s.Secret, string(k), value)
}

// cardKey tells the cards of one provider apart.
func (s *Service) cardKey(provider, fingerprint string) string {
	if fingerprint == "" {
		return ""
	}
	return s.hash(Card, provider+" "+fingerprint)
}

// emailKey is the same for all spellings of an address that reach one person: with a tag behind a plus, and at Google
// with dots.
func (s *Service) emailKey(email string) string {
	user, host, ok := strings.Cut(strings.ToLower(strings.TrimSpace(email)), "@")
	if !ok {
		return ""
	}
	user, _, _ = strings.Cut(user, "+")
	if host == "googlemail.com" {
		host = "gmail.com"
	}
	if host == "gmail.com" {
		user = strings.ReplaceAll(user, ".", "")
	}
	return s.hash(Email, user+"@"+host)
}

//go:embed disposable.txt
var disposableList embed.FS

var disposable = func() map[string]bool {
	b, err := disposableList.ReadFile("disposable.txt")
	if err != nil {
		panic(err) // the file is named in the line above
	}
	out := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			out[line] = true
		}
	}
	return out
}()

// Disposable reports whether an address is of a service for throw-away ones. A subdomain of one counts.
func Disposable(email string) bool {
	_, host, _ := strings.Cut(strings.ToLower(strings.TrimSpace(email)), "@")
	for host != "" {
		if disposable[host] {
			return true
		}
		_, host, _ = strings.Cut(host, ".")
	}
	return false
}
