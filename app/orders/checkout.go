package orders

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/inventory"
	"vitrine/app/money"
)

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
	Provider string  // who takes the money; empty: the first
	Client   Client
}

// Client is what a buyer's browser shows of itself. It is kept hashed, and only for the rules against fraud.
type Client struct {
	IP        string
	UserAgent string
	Browser   string // a random first-party cookie
	Country   string // as a trusted proxy says; may be empty
}

// Started says where the buyer goes next.
type Started struct {
	Checkout id.Checkout
	URL      string
	Outside  bool // the URL is the provider's
}

// PriceChanged is the cause of a Conflict: the page showed another total.
type PriceChanged struct{ Total money.Amount }

func (p *PriceChanged) Error() string { return "the total is now " + p.Total.String() }

const (
	pageLife = 35 * time.Minute // of the payment page; the provider wants half an hour at least
	keyAge   = 48 * time.Hour   // of a form
)

var (
	errOldForm   = errs.Field("key", "This page is too old. Please open it again.")
	errOtherForm = errs.New(errs.Conflict, "This form was sent before with other contents. Please open the page again.")
	errNoAnswer  = errs.New(errs.Unavailable, "The payment page does not answer. You have not been charged. Please try again.")
	errNotOwner  = errs.New(errs.Forbidden, "Only the shop's owner can make a test order.")
)

// NewKey makes one form one checkout. It is drawn into the page, so that drawing writes nothing.
func NewKey() string { return id.New[id.CheckoutKind]().String() }

// Start begins a checkout, or finds the one that the same form has begun: the goods are set aside, the
// orders written, the payment page opened, in this order. A crash between any two steps is taken up where
// it happened by the same form, and ended by the sweep when nobody comes back.
func (s *Service) Start(ctx context.Context, in StartInput) (Started, error) {
	w, err := s.wish(in)
	if err != nil {
		return Started{}, err
	}
	have, err := s.findCheckoutByKey(ctx, s.DB, w.key)
	if err == nil {
		return s.resume(ctx, w, have)
	}
	if !db.None(err) {
		return Started{}, fmt.Errorf("find checkout: %w", err)
	}
	if err := s.price(ctx, w); err != nil {
		return Started{}, err
	}
	if w.quote.Total.Minor > 0 && !s.Takes(w.Provider, w.quote.Total) {
		return Started{}, errs.Field("provider", "PayPal does not take this currency. Please pay by card.")
	}
	if s.Admit != nil && !w.Test {
		if err := s.Admit(ctx, w.StartInput, w.quote); err != nil {
			return Started{}, err
		}
	}
	if w.held, err = s.hold(ctx, w); err != nil {
		return Started{}, err
	}
	c, fresh, err := s.write(ctx, w)
	if err != nil {
		return Started{}, err
	}
	if !fresh { // another request with the same key was quicker
		if c.ID != w.id {
			err = s.letGo(ctx, w.id)
		}
		if err != nil {
			return Started{}, err
		}
		return s.resume(ctx, w, c)
	}
	return s.goOn(ctx, c)
}

// wish is a form that has been read.
type wish struct {
	StartInput
	id     id.Checkout
	key    string
	inputs []byte
	until  time.Time // when the payment page ends
	quote  Quote
	held   int // limited products that are set aside
	intent bool
}

// wish checks what can be checked without the database.
func (s *Service) wish(in StartInput) (*wish, error) {
	w := &wish{StartInput: in, key: in.Key}
	var f errs.Form
	var ok bool
	if w.Email, ok = address(in.Email); !ok {
		f.Add("email", "Enter an e-mail address like name@example.com.")
	}
	if !in.Consent {
		f.Add("consent", "Please agree, so that you can download right away.")
	}
	var err error
	if w.Lines, err = tidy(in.Lines); err != nil {
		return nil, err
	}
	key, err := id.Parse[id.CheckoutKind](in.Key)
	if age := s.DB.Now().Sub(made(key)); err != nil || age > keyAge || age < -time.Hour {
		f.Add("key", errOldForm.Message)
	}
	if w.Provider == "" && len(s.Providers) > 0 {
		w.Provider = s.Providers[0].Name()
	}
	if _, ok := s.Providers.By(w.Provider); !ok {
		f.Add("provider", "Choose how to pay.")
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	if !guardDoubleBuy {
		key = id.New[id.CheckoutKind]()
		w.key = key.String()
	}
	w.inputs = w.fingerprint()
	w.id = s.checkoutID(key, w.inputs)
	return w, nil
}

// fingerprint tells whether a form is sent again or another one under the same key.
func (w *wish) fingerprint() []byte {
	h := sha256.New()
	fmt.Fprintf(h, "%q %s %v %s\n", w.Email, w.Expected, w.Test, w.Provider)
	for _, l := range w.Lines {
		fmt.Fprintf(h, "%s %d\n", l.Product, l.Quantity)
	}
	return h.Sum(nil)
}

// checkoutID follows from the form's key and contents, so that a form that is sent twice at once sets goods
// aside under one id, and never under that of a form with other contents. It keeps the key's time.
func (s *Service) checkoutID(key id.Checkout, inputs []byte) id.Checkout {
	m := hmac.New(sha256.New, []byte(s.Secret))
	m.Write([]byte("checkout id"))
	m.Write(key[:])
	m.Write(inputs)
	out := key
	copy(out[6:], m.Sum(nil))
	out[6], out[8] = out[6]&0x0f|0x70, out[8]&0x3f|0x80
	return out
}

// made is the time within a UUIDv7.
func made(c id.Checkout) time.Time {
	ms := int64(c[0])<<40 | int64(c[1])<<32 | int64(c[2])<<24 | int64(c[3])<<16 | int64(c[4])<<8 | int64(c[5])
	return time.UnixMilli(ms)
}

// address checks and normalises a buyer's address.
func address(s string) (string, bool) {
	s = normalEmail(s)
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || len(s) > 254 {
		return s, false
	}
	user, host, _ := strings.Cut(s, "@")
	if len(user) > 64 || !strings.Contains(host, ".") || strings.HasSuffix(host, ".") || strings.ContainsAny(s, " \"[]()<>,;:\\\x00") {
		return s, false
	}
	return s, true
}

// tidy adds up lines of one product and puts them in one order.
func tidy(in []Line) ([]Line, error) {
	if len(in) == 0 || len(in) > MaxLines {
		return nil, errNoProduct
	}
	var out []Line
	for _, l := range in {
		i := slices.IndexFunc(out, func(o Line) bool { return o.Product == l.Product })
		if i < 0 {
			i = len(out)
			out = append(out, Line{Product: l.Product})
		}
		if l.Quantity < 1 || l.Quantity > 99 {
			return nil, errQuantity
		}
		if out[i].Quantity += l.Quantity; out[i].Quantity > 99 {
			return nil, errQuantity
		}
	}
	slices.SortFunc(out, func(a, b Line) int { return cmp.Compare(a.Product.String(), b.Product.String()) })
	return out, nil
}

// price quotes afresh and compares with what the page showed.
func (s *Service) price(ctx context.Context, w *wish) (err error) {
	owner := id.User{}
	if w.Test {
		owner = w.By
	}
	if w.quote, err = s.QuoteFor(ctx, w.Lines, owner); err != nil {
		return err
	}
	if w.Test && (w.By.IsZero() || !w.quote.ownedBy(w.By)) {
		return errNotOwner
	}
	if w.Expected != w.quote.Total {
		return errs.Wrap(errs.Conflict, &PriceChanged{w.quote.Total}, "The price has changed. It is now %s. Nothing was charged.", w.quote.Total.Format())
	}
	w.until = s.DB.Now().Add(pageLife)
	return nil
}

// hold sets the goods aside. Tests take nothing, and of what is unlimited there is always enough.
func (s *Service) hold(ctx context.Context, w *wish) (int, error) {
	if w.Test || !slices.ContainsFunc(w.quote.Lines, func(l QuoteLine) bool { return l.Left >= 0 }) {
		return 0, nil
	}
	lines := make([]inventory.Line, len(w.Lines))
	for i, l := range w.Lines {
		lines[i] = inventory.Line(l)
	}
	return s.Stock.Reserve(ctx, w.id, lines, w.until)
}

// errTooSlow undoes an order whose goods were given back while it was written.
var errTooSlow = errors.New("the hold ended before the order was written")

// write makes the checkout and its orders one fact. What costs nothing, and a test, is paid in the same breath.
func (s *Service) write(ctx context.Context, w *wish) (c Checkout, fresh bool, err error) {
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		c, fresh, err = s.writeIn(ctx, tx, w)
		failpoint.Hit("checkout.write.before_commit")
		return err
	})
	if errors.Is(err, errTooSlow) {
		return c, false, errs.Wrap(errs.Unavailable, err, "That took too long. You have not been charged. Please try again.")
	}
	if err != nil {
		return c, false, fmt.Errorf("write checkout: %w", err)
	}
	failpoint.Hit("checkout.write.after_commit")
	return c, fresh, nil
}

func (s *Service) writeIn(ctx context.Context, tx *db.Tx, w *wish) (Checkout, bool, error) {
	c, fresh, err := s.insertCheckout(ctx, tx, w)
	if err != nil || !fresh {
		return c, false, err
	}
	if w.held > 0 {
		open, err := s.Stock.Extend(ctx, tx, w.id, w.until)
		if err != nil {
			return c, false, err
		}
		if int(open) != w.held {
			return c, false, errTooSlow
		}
	}
	if c.Provider == free {
		err = s.markPaid(ctx, tx, &c, fact{})
		return c, true, err
	}
	return c, true, s.enqueueWatch(ctx, tx, c)
}

// letGo gives back what was set aside for a checkout that will not be.
func (s *Service) letGo(ctx context.Context, c id.Checkout) error {
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		err := s.Stock.Release(ctx, tx, c)
		failpoint.Hit("checkout.let_go.before_commit")
		return err
	})
	failpoint.Hit("checkout.let_go.after_commit")
	return err
}
