package orders

import (
	"context"
	"errors"
	"fmt"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/event"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/inventory"
	"vitrine/app/job"
	"vitrine/app/ledger"
	"vitrine/app/payments"
)

// fact is what a provider says about a payment, however we heard of it.
type fact struct {
	payments.Fact
	refused bool // no page was ever opened
	first   bool // it made the checkout paid: what was told before counts now
}

// ApplyEvent does what follows from a provider's event; it says in a word what came of it.
func (s *Service) ApplyEvent(ctx context.Context, tx *db.Tx, e payments.Event) (outcome string, err error) {
	return s.settle(ctx, tx, fact{Fact: e.Fact})
}

// WantsLook says whether it is worth asking how the payment of an event stands. A sale that is booked, with what the
// bank said of it, is old news.
func (s *Service) WantsLook(ctx context.Context, q db.Q, e payments.Event) (bool, error) {
	f := e.Fact
	if f.State != payments.Succeeded || f.Refunded.Minor > 0 || f.Charge != "" {
		return true, nil
	}
	var known bool
	err := q.Get(ctx, &known, `
		SELECT EXISTS (SELECT 1 FROM checkouts c JOIN orders o ON o.checkout_id = c.id
			WHERE (c.id = $1 OR c.session_id = NULLIF($2, '') OR c.payment_intent_id = NULLIF($3, '')) AND c.status = 'paid' AND o.charge_id IS NOT NULL)`,
		f.Checkout, f.Session, f.Intent)
	return !known, err
}

// settle brings a checkout up to what a fact says. Facts come from webhooks, look-ups and sweeps, twice and in
// any order: a state only ever moves forward, so all orders end the same. The checkout's row is locked first.
func (s *Service) settle(ctx context.Context, tx *db.Tx, f fact) (outcome string, err error) {
	c, err := s.takeCheckout(ctx, tx, f)
	if db.None(err) {
		return "not ours", nil
	}
	if err != nil {
		return "", fmt.Errorf("take checkout: %w", err)
	}
	if f.Session != "" && c.Session != "" && f.Session != c.Session && f.State != payments.Succeeded {
		return "another page", nil
	}
	switch f.State {
	case payments.Succeeded:
		return s.succeed(ctx, tx, c, f)
	case payments.Approved:
		if c.Status != CheckoutOpen {
			return "known", nil
		}
		return "agreed", job.Enqueue(ctx, tx, Watch{Checkout: c.ID, Agreed: true}, job.On(job.Money), job.Key("agreed:"+c.ID.String()))
	case payments.Processing:
		n, err := s.updateProcessing(ctx, tx, c.ID, f)
		return word(n, "processing"), err
	case payments.Over:
		if f.Session == "" && !f.refused && (f.Intent == "" || f.Intent != c.PaymentIntent) {
			return "noted", nil // a payment that ended says nothing about the page, unless it is the one under way
		}
		n, err := s.updateExpired(ctx, tx, c.ID)
		if err != nil || n == 0 {
			return word(n, "expired"), err
		}
		return "expired", s.Stock.Release(ctx, tx, c.ID)
	}
	return s.note(ctx, tx, c, f)
}

// note takes in what does not change how the checkout stands: an attempt that failed, a refund, a dispute.
func (s *Service) note(ctx context.Context, tx *db.Tx, c Checkout, f fact) (string, error) {
	if f.Note != "" && s.Attempted != nil {
		if err := s.Attempted(ctx, tx, c, f.Fact); err != nil {
			return "", err
		}
	}
	if len(f.Refunds)+len(f.Disputes) == 0 {
		return "noted", nil
	}
	did, err := s.apply(ctx, tx, c, f)
	if err != nil || did {
		return "taken back", err
	}
	return "known", nil
}

func word(n int64, did string) string {
	if n == 0 {
		return "known"
	}
	return did
}

// succeed books a payment, and what was given back of it so far.
func (s *Service) succeed(ctx context.Context, tx *db.Tx, c Checkout, f fact) (string, error) {
	if why := wrongMoney(c, f); why != "" {
		return "mismatch", s.openCase(ctx, tx, "mismatch:"+c.ID.String()+":"+f.Intent, why,
			details{"checkout": c.ID.String(), "intent": f.Intent, "paid": f.Amount.String(), "asked": c.Total.String()})
	}
	outcome := "known"
	switch c.Status {
	case CheckoutPaid:
		if err := s.complete(ctx, tx, c.ID, f); err != nil {
			return "", err
		}
	case CheckoutExpired:
		ok, err := s.revive(ctx, tx, c, f)
		if err != nil || !ok {
			return "too late", err
		}
		fallthrough
	default:
		outcome = "paid"
		if err := s.markPaid(ctx, tx, &c, f); err != nil {
			return "", err
		}
		f.first = true
	}
	did, err := s.apply(ctx, tx, c, f)
	if err != nil || did {
		return "taken back", err
	}
	return outcome, nil
}

// wrongMoney says what is wrong with a payment; only what was asked for is taken as paid.
func wrongMoney(c Checkout, f fact) string {
	switch {
	case c.Provider == free:
		return "A payment came for a checkout that costs nothing."
	case f.Amount != c.Total:
		return "The provider took another amount than was asked for."
	case f.Intent != "" && c.PaymentIntent != "" && f.Intent != c.PaymentIntent:
		return "A checkout was paid twice."
	}
	return ""
}

// revive takes the goods again for a payment that the provider reports after its own end of the page. That
// cannot be, by the provider's rules; if it is, we neither oversell nor hide it.
func (s *Service) revive(ctx context.Context, tx *db.Tx, c Checkout, f fact) (bool, error) {
	all, err := s.listOrdersOfCheckout(ctx, tx, c.ID)
	if err != nil {
		return false, err
	}
	var lines []inventory.Line
	for _, o := range all {
		for _, i := range o.Items {
			lines = append(lines, inventory.Line{Product: i.Product, Quantity: i.Quantity})
		}
	}
	ok, err := s.Stock.Retake(ctx, tx, c.ID, lines, tx.Now.Add(pageLife))
	if err != nil {
		return false, err
	}
	if !ok {
		return false, s.openCase(ctx, tx, "too late:"+c.ID.String(), "A payment came after its goods were given to others.",
			details{"checkout": c.ID.String(), "intent": f.Intent, "paid": f.Amount.String()})
	}
	return true, s.reopen(ctx, tx, c.ID)
}

// markPaid books a checkout as paid: numbers, goods, what the buyer may download, the ledger, and the jobs
// that follow, in one transaction. It is the only way to paid, for money and for what costs nothing.
func (s *Service) markPaid(ctx context.Context, tx *db.Tx, c *Checkout, f fact) error {
	all, err := s.updatePaid(ctx, tx, *c, f)
	if err != nil {
		return fmt.Errorf("checkout %s: %w", c.ID, err)
	}
	if len(all) == 0 {
		return nil // someone was first
	}
	c.Status, c.PaidAt, c.SessionURL = CheckoutPaid, tx.Now, ""
	if !c.Test {
		if _, err := s.Stock.Sell(ctx, tx, c.ID); err != nil {
			return fmt.Errorf("sell: %w", err)
		}
	}
	flagged := false
	if s.Assess != nil && !c.Test {
		if flagged, err = s.Assess(ctx, tx, *c, f.Fact); err != nil {
			return fmt.Errorf("assess: %w", err)
		}
	}
	if err := s.announce(ctx, tx, all, flagged); err != nil {
		return err
	}
	// Last, what other sales of the shop wait for: its counter and its accounts.
	if err := s.numberOrders(ctx, tx, c.ID, f); err != nil {
		return fmt.Errorf("number orders: %w", err)
	}
	if err := s.book(ctx, tx, all); err != nil || !flagged {
		return err
	}
	return s.flag(ctx, tx, *c)
}

// announce enqueues the mails and tells the open screens. Of an order that is flagged the creator hears once it is
// decided.
func (s *Service) announce(ctx context.Context, tx *db.Tx, all []Order, flagged bool) error {
	var mails []job.Item
	for _, o := range all {
		mails = append(mails, job.Item{Task: SendReceipt{Order: o.ID}, Options: []job.Option{job.Key("receipt:" + o.ID.String())}})
		if !o.Test && !flagged {
			mails = append(mails, job.Item{Task: SendSale{o.ID}, Options: []job.Option{job.Key("sale:" + o.ID.String())}})
		}
		if err := event.Emit(ctx, tx, EventPaid, o.Shop.String()); err != nil {
			return err
		}
	}
	return job.EnqueueAll(ctx, tx, mails...)
}

// book posts the sales. What costs nothing, and tests, are not money.
func (s *Service) book(ctx context.Context, tx *db.Tx, all []Order) error {
	var es []ledger.Entry
	for _, o := range all {
		if !o.Test && !o.Total.IsZero() {
			es = append(es, sale(o))
		}
	}
	if _, err := ledger.PostAll(ctx, tx, es); err != nil {
		return fmt.Errorf("book: %w", err)
	}
	return nil
}

// sale is the ledger's entry of an order.
func sale(o Order) ledger.Entry {
	return ledger.Entry{Key: saleKey(o.ID), Kind: "sale", Lines: []ledger.Line{
		{Account: ledger.Provider(o.Provider), Amount: o.Total.Neg()},
		{Account: ledger.PlatformFees, Amount: o.Fee},
		{Account: ledger.Pending(o.Creator), Amount: o.Net},
	}}
}

func saleKey(o id.Order) string { return "sale:" + o.String() }

// Return is what the page knows to which the provider sends the buyer back. Where the webhook was slower, it
// asks the provider and applies the answer in the same way.
func (s *Service) Return(ctx context.Context, token string) (Checkout, error) {
	c, err := s.Checkout(ctx, token)
	if err != nil || c.Status.Final() || c.Provider == free {
		return c, err
	}
	now, err := s.look(ctx, c, false)
	if err != nil {
		return c, err
	}
	c, err = s.Checkout(ctx, token)
	c.Declined = now.Declined
	return c, err
}

// look asks the provider how a checkout stands and applies the answer. With end, a page that is still open
// is closed first, so that the answer is the last word.
func (s *Service) look(ctx context.Context, c Checkout, end bool) (Checkout, error) {
	sess, err := s.ask(ctx, c, end)
	f := fact{Fact: sess.Fact}
	switch {
	case errors.Is(err, payments.ErrNone) && end:
		// Its time is over and there is no such page: nobody can pay.
		f = fact{Fact: payments.Fact{Checkout: c.ID, State: payments.Over}, refused: true}
	case errors.Is(err, payments.ErrNone):
		return c, nil
	case err != nil:
		return c, errs.Wrap(errs.Unavailable, err, "The payment service does not answer. Please try again in a moment.")
	}
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		f.Checkout = c.ID
		_, err := s.settle(ctx, tx, f)
		if err == nil {
			err = s.touch(ctx, tx, c.ID)
		}
		failpoint.Hit("checkout.look.before_commit")
		return err
	})
	if err != nil {
		return c, fmt.Errorf("settle %s: %w", c.ID, err)
	}
	failpoint.Hit("checkout.look.after_commit")
	c, err = s.findCheckout(ctx, s.DB, c.ID)
	if c.Status == CheckoutOpen && sess.Open {
		c.Declined = sess.Fact.Note
	}
	return c, err
}

func (s *Service) ask(ctx context.Context, c Checkout, end bool) (payments.Session, error) {
	if c.intent {
		return s.askIntent(ctx, c, end)
	}
	if c.Session == "" {
		sess, err := s.seek(ctx, c)
		if err != nil || !end || !sess.Open {
			return sess, err
		}
		c.Session = sess.ID
	}
	p, err := s.provider(c)
	if err != nil {
		return payments.Session{}, err
	}
	failpoint.Hit("provider.session.before_call")
	sess, err := p.Session(ctx, c.Session)
	failpoint.Hit("provider.session.after_call")
	if err != nil || !end || !sess.Open {
		return sess, err
	}
	failpoint.Hit("provider.expire.before_call")
	sess, err = p.Expire(ctx, c.Session)
	failpoint.Hit("provider.expire.after_call")
	return sess, err
}
