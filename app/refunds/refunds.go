// Package refunds gives buyers money back: a creator, an operator or a review asks for it, the provider does it, and
// orders book what the provider says. A refund is set aside first, so that two of them never exceed what was paid.
package refunds

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/inventory"
	"vitrine/app/job"
	"vitrine/app/money"
	"vitrine/app/orders"
)

// State of a refund. It only moves forward; failed may follow on succeeded, when the buyer's bank refuses it.
type State string

const (
	Asked     State = "asked"
	Sending   State = "sending" // the provider is being asked, or the answer was lost
	Pending   State = "pending" // the provider has it
	Succeeded State = "succeeded"
	Failed    State = "failed"  // the buyer's bank did not take it; the money is the creator's again
	Refused   State = "refused" // the provider did not do it
)

// Source is who has asked.
type Source string

const (
	ByCreator Source = "creator"
	ByAdmin   Source = "admin"
	ByRisk    Source = "risk" // the end of a review
)

// Reasons that a person can choose, in the order of the form.
var Reasons = []string{"asked", "broken", "duplicate", "mistake", "goodwill"}

// Item is so many copies of one of an order's items.
type Item struct {
	Item     id.Item `json:"item"`
	Quantity int     `json:"quantity"`
}

// Input asks for a refund.
type Input struct {
	Key     string // one form, one refund
	Order   id.Order
	Amount  money.Amount
	Items   []Item // what it is for, when it is for certain items
	Reason  string
	Note    string // the creator's own, or what the reviewer wrote
	Restock bool   // the items are on sale again
	Access  string // "": closed when all is given back; "close"; "keep"
	Source  Source
	By      id.User // zero: nobody, a deadline
	Fraud   bool    // told to the provider
}

// Refund is money that somebody here has asked to give back.
type Refund struct {
	ID        id.Refund
	Order     id.Order
	Checkout  id.Checkout
	Shop      id.Shop
	Creator   id.User
	Amount    money.Amount
	Items     []Item
	Reason    string
	Note      string
	Restock   bool
	Access    string
	Source    Source
	By        id.User
	State     State
	Ref       string // the provider's number
	Trouble   string // why it was not done, in words
	SendingAt time.Time
	EndedAt   time.Time
	CreatedAt time.Time
}

// Service is the way in.
type Service struct {
	DB     *db.DB
	Orders *orders.Service
	Stock  *inventory.Service
}

// Failpoints are the places where the kill tests let a process die.
var Failpoints = []string{
	"refunds.ask.before_commit", "refunds.ask.after_commit",
	"refunds.begin.before_commit", "refunds.begin.after_commit",
	"refunds.call.before_call", "refunds.call.after_call",
	"refunds.record.before_commit", "refunds.record.after_commit",
}

var errNoRefund = errs.New(errs.NotFound, "There is no such refund.")

// Create asks for a refund of one of the creator's orders. The same form gives the same refund.
func (s *Service) Create(ctx context.Context, creator id.User, in Input) (r id.Refund, err error) {
	in.Source, in.By = ByCreator, creator
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		o, err := s.Orders.Get(ctx, creator, in.Order)
		if err == nil {
			r, err = s.issue(ctx, tx, o, in)
		}
		failpoint.Hit("refunds.ask.before_commit")
		return err
	})
	failpoint.Hit("refunds.ask.after_commit")
	return r, err
}

// Issue asks for a refund on behalf of the instance, within the caller's transaction.
func (s *Service) Issue(ctx context.Context, tx *db.Tx, in Input) (id.Refund, error) {
	o, err := s.Orders.Find(ctx, tx, in.Order)
	if err != nil {
		return id.Refund{}, err
	}
	return s.issue(ctx, tx, o, in)
}

// Rest refunds all of an order that is left, within the caller's transaction; nothing left is fine. The key names why.
func (s *Service) Rest(ctx context.Context, tx *db.Tx, order id.Order, key, note string, fraud bool) error {
	o, err := s.Orders.Find(ctx, tx, order)
	if err != nil {
		return err
	}
	left := Left(o)
	if left.Minor <= 0 || o.Test || !o.Status.Sold() {
		return nil
	}
	reason := "review"
	if fraud {
		reason = "fraud"
	}
	_, err = s.issue(ctx, tx, o, Input{Key: key, Order: order, Amount: left, Reason: reason, Note: note, Source: ByRisk, Fraud: fraud, Access: "close"})
	return err
}

// Left is what of an order can still be given back.
func Left(o orders.Order) money.Amount {
	return o.Total.Sub(o.Refunded).Sub(o.Disputed).Sub(o.Refunding)
}

func (s *Service) issue(ctx context.Context, tx *db.Tx, o orders.Order, in Input) (id.Refund, error) {
	if err := check(o, in); err != nil {
		return id.Refund{}, err
	}
	have, inputs, err := s.findKey(ctx, tx, in.Key)
	switch {
	case err == nil && !slices.Equal(inputs, in.inputs()):
		return id.Refund{}, errs.New(errs.Conflict, "This form was sent before with other contents. Please open the page again.")
	case err == nil:
		return have, nil
	case !db.None(err):
		return id.Refund{}, err
	}
	if err := s.Orders.ReserveRefund(ctx, tx, o.Creator, o.ID, in.Amount); err != nil {
		return id.Refund{}, err
	}
	r := id.New[id.RefundKind]()
	if err := s.insert(ctx, tx, r, o, in); db.Violates(err, "refunds_form_key_unique") {
		return id.Refund{}, errs.New(errs.Conflict, "This refund is being asked for already. Please look at the order.")
	} else if err != nil {
		return id.Refund{}, err
	}
	if err := s.Orders.KeepAccess(ctx, tx, o.ID, in.Access == "keep"); err != nil {
		return id.Refund{}, err
	}
	if err := s.answerRequest(ctx, tx, o.ID); err != nil {
		return id.Refund{}, err
	}
	return r, job.Enqueue(ctx, tx, Send{r}, job.On(job.Money), job.Key("refund-send:"+r.String()))
}

// check says what is wrong with a form.
func check(o orders.Order, in Input) error {
	var f errs.Form
	if in.Amount.Minor <= 0 || in.Amount.Currency != o.Total.Currency {
		f.Add("amount", "Enter an amount above zero.")
	}
	if !slices.Contains(Reasons, in.Reason) && in.Source == ByCreator {
		f.Add("reason", "Choose a reason.")
	}
	if len([]rune(in.Note)) > 500 {
		f.Add("note", "Keep the note below 500 characters.")
	}
	if in.Access != "" && in.Access != "keep" && in.Access != "close" {
		f.Add("access", "Choose what happens with the downloads.")
	}
	for _, i := range in.Items {
		at := slices.IndexFunc(o.Items, func(x orders.Item) bool { return x.ID == i.Item })
		if at < 0 || i.Quantity < 1 || i.Quantity > o.Items[at].Quantity {
			f.Add("items", "Choose copies of what was bought.")
			break
		}
	}
	if in.Key == "" || len(in.Key) > 200 {
		f.Add("key", "This page is too old. Please open it again.")
	}
	if o.Test || o.Total.IsZero() {
		return errs.New(errs.Conflict, "Nothing was paid for this order, so there is nothing to give back.")
	}
	return f.Err()
}

// inputs tells whether a form is sent again or another one under the same key.
func (in Input) inputs() []byte {
	items, err := json.Marshal(in.Items)
	if err != nil {
		panic(err) // ids and numbers always have a form
	}
	h := sha256.Sum256(fmt.Appendf(nil, "%s %s %s %v %s %s\n%s", in.Order, in.Amount, in.Reason, in.Restock, in.Access, in.Note, items))
	return h[:]
}

// Of lists an order's refunds, oldest first.
func (s *Service) Of(ctx context.Context, creator id.User, o id.Order) ([]Refund, error) {
	return s.listOf(ctx, s.DB, creator, o)
}

// Find reads a refund without asking who wants it: for jobs and operators.
func (s *Service) Find(ctx context.Context, r id.Refund) (Refund, error) {
	out, err := s.find(ctx, s.DB, r)
	if db.None(err) {
		err = errNoRefund
	}
	return out, err
}

// ItemsAmount is what certain copies of an order's items cost: their share of what the items came to.
func ItemsAmount(o orders.Order, items []Item) money.Amount {
	sum := money.Amount{Currency: o.Total.Currency}
	for _, i := range items {
		at := slices.IndexFunc(o.Items, func(x orders.Item) bool { return x.ID == i.Item })
		if at < 0 || i.Quantity < 1 || i.Quantity > o.Items[at].Quantity {
			continue
		}
		t := o.Items[at]
		sum = sum.Add(t.Total.Split(int64(i.Quantity), int64(t.Quantity-i.Quantity))[0])
	}
	return sum
}

// Effect is what a refund will do, by the functions that book it.
type Effect struct {
	Buyer   money.Amount // gets it
	Fee     money.Amount // the platform gives back of its fee
	Creator money.Amount // bears it
	From    string       // where the order's money is: pending, available, held
	Below   money.Amount // how far the balance goes below zero; zero when it does not
}

// Preview computes the effect; available is the creator's balance now.
func Preview(o orders.Order, amount, available money.Amount) Effect {
	e := Effect{Buyer: amount, Creator: orders.NetOf(o, o.Refunded.Add(o.Refunding).Add(amount)).Sub(orders.NetOf(o, o.Refunded.Add(o.Refunding))), From: "pending",
		Below: money.Amount{Currency: amount.Currency}}
	e.Fee = amount.Sub(e.Creator)
	switch {
	case !o.Held.IsZero():
		e.From = "held"
	case !o.Matured.IsZero():
		e.From = "available"
		if after := available.Sub(e.Creator); after.Minor < 0 {
			e.Below = after.Neg()
		}
	}
	return e
}
