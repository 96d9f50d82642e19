// Package earnings follows a creator's money through the book: the way of one order from the payment to the bank,
// and the log of everything that moved. It only reads.
package earnings

import (
	"context"
	"errors"
	"strings"
	"time"

	"vitrine/app/db"
	"vitrine/app/errs"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
	"vitrine/app/orders"
	"vitrine/app/payments"
	"vitrine/app/payouts"
)

// Service is the way in.
type Service struct {
	DB      *db.DB
	Orders  *orders.Service
	Payouts *payouts.Service
}

// Kinds of transactions, as a filter names them.
const (
	KindSale    = "sale"
	KindRefund  = "refund"
	KindDispute = "dispute"
	KindHold    = "hold"    // set aside until a person has looked, and no longer
	KindSettled = "settled" // pending money that became available
	KindPayout  = "payout"
	KindOther   = "other"
)

// entryKinds are the kinds of entries that each of them means.
var entryKinds = map[string][]string{
	KindSale: {"sale"}, KindRefund: {"refund"}, KindDispute: {"dispute"}, KindHold: {"hold", "release"}, KindSettled: {"mature"}, KindPayout: {"payout"},
}

// Transaction is one entry of the book as its creator sees it. Net is what it changed in what is theirs; Moved is
// what only went from one state to another.
type Transaction struct {
	ID               id.Entry
	At               time.Time
	Kind             string
	Step             string // what of its kind: reserved, sent, returned … for payouts, hold or release
	Order            id.Order
	Number           int // of the order, or of the payout
	Payout           id.Payout
	Currency         money.Currency
	Gross, Fee, Net  money.Amount
	Moved            money.Amount
	Provider         string
	Ref              string // the provider's number: a charge, a refund, a dispute, a payout
	Movement         string // the provider's number of the line on its account
	ProviderFee      money.Amount
	ProviderFeeKnown bool
}

// Filter chooses among a creator's transactions. The zero value wants the newest fifty.
type Filter struct {
	Kind     string
	From, To time.Time // To is not in it
	Order    int       // its number; 0: any
	Currency money.Currency
	After    string
	Limit    int
}

var errNoPage = errs.New(errs.NotFound, "There is no such page.")

// List is a page of a creator's transactions, newest first; next is empty on the last one.
func (s *Service) List(ctx context.Context, creator id.User, f Filter) (page []Transaction, next string, err error) {
	if f.Limit <= 0 || f.Limit > 1000 {
		f.Limit = 50
	}
	var before id.Entry
	if f.After != "" {
		if before, err = id.Parse[id.EntryKind](f.After); err != nil {
			return nil, "", errNoPage
		}
	}
	var found []ledger.Posted
	if f.Order > 0 {
		found, err = s.ofOrder(ctx, creator, f, before)
	} else {
		r := ledger.Range{Accounts: accounts(creator), Kinds: entryKinds[f.Kind], From: f.From, To: f.To, Before: before, Limit: f.Limit + 1}
		if f.Currency != "" {
			r.Currencies = []money.Currency{f.Currency}
		}
		found, err = ledger.Recent(ctx, s.DB, r)
	}
	if err != nil {
		return nil, "", err
	}
	if len(found) > f.Limit {
		found = found[:f.Limit]
		next = found[f.Limit-1].ID.String()
	}
	page, err = s.describe(ctx, creator, found)
	return page, next, err
}

// ofOrder is the same for the orders with one number: there are few, and what happened to them is little.
func (s *Service) ofOrder(ctx context.Context, creator id.User, f Filter, before id.Entry) ([]ledger.Posted, error) {
	numbered, err := s.Orders.Numbered(ctx, s.DB, creator, f.Order)
	if err != nil || len(numbered) == 0 {
		return nil, err
	}
	all, err := ledger.About(ctx, s.DB, numbered)
	if err != nil {
		return nil, err
	}
	var out []ledger.Posted
	for i := len(all) - 1; i >= 0; i-- {
		p := all[i]
		switch {
		case f.Kind != "" && !has(entryKinds[f.Kind], p.Kind), f.Currency != "" && currencyOf(creator, p) != f.Currency:
		case p.At.Before(f.From), !f.To.IsZero() && !p.At.Before(f.To):
		case !before.IsZero() && p.ID.String() >= before.String():
		default:
			out = append(out, p)
		}
	}
	return out, nil
}

func has(all []string, s string) bool {
	for _, x := range all {
		if x == s {
			return true
		}
	}
	return false
}

func accounts(u id.User) []ledger.Account {
	return []ledger.Account{ledger.Pending(u), ledger.Available(u), ledger.Held(u), ledger.InFlight(u)}
}

// currencyOf is the currency of a creator's lines in an entry.
func currencyOf(u id.User, p ledger.Posted) money.Currency {
	for _, l := range p.Lines {
		for _, a := range accounts(u) {
			if l.Account == a {
				return l.Amount.Currency
			}
		}
	}
	return ""
}

// describe reads entries as a creator sees them, with the numbers by which people and providers call things.
func (s *Service) describe(ctx context.Context, creator id.User, found []ledger.Posted) ([]Transaction, error) {
	out := make([]Transaction, 0, len(found))
	var about []id.Order
	for _, p := range found {
		t := read(creator, p)
		if t.Currency == "" {
			continue // none of their money
		}
		if !t.Order.IsZero() {
			about = append(about, t.Order)
		}
		out = append(out, t)
	}
	briefs, err := s.Orders.Briefs(ctx, s.DB, creator, about)
	if err != nil {
		return nil, err
	}
	moved, err := s.movements(ctx, briefs)
	if err != nil {
		return nil, err
	}
	sent := map[id.Payout]payouts.Payout{}
	for i := range out {
		t := &out[i]
		if !t.Payout.IsZero() {
			if err := s.namePayout(ctx, creator, t, sent); err != nil {
				return nil, err
			}
			continue
		}
		b := briefs[t.Order]
		t.Number, t.Provider = b.Number, b.Provider
		if t.Kind == KindSale {
			if t.Ref = b.Charge; t.Ref == "" {
				t.Ref = b.Intent
			}
		}
		t.match(b, moved[b.Intent])
	}
	return out, nil
}

func (s *Service) movements(ctx context.Context, briefs map[id.Order]orders.Brief) (map[string][]payments.Mirrored, error) {
	intents := make([]string, 0, len(briefs))
	for _, b := range briefs {
		if b.Intent != "" {
			intents = append(intents, b.Intent)
		}
	}
	all, err := payments.MovementsOf(ctx, s.DB, intents)
	out := map[string][]payments.Mirrored{}
	for _, m := range all {
		out[m.Intent] = append(out[m.Intent], m)
	}
	return out, err
}

// match finds the line of the provider's account that a transaction came with.
func (t *Transaction) match(b orders.Brief, all []payments.Mirrored) {
	for _, m := range all {
		fits := false
		switch t.Kind {
		case KindSale:
			fits = m.Kind == payments.MovementCharge && (m.Source == b.Charge || b.Charge == "")
		case KindRefund:
			fits = m.Kind == payments.MovementRefund && m.Source == t.Ref && (m.Amount.Minor > 0) == (t.Gross.Minor > 0)
		case KindDispute:
			fits = m.Kind == payments.MovementDispute && m.Source == t.Ref && (m.Amount.Minor > 0) == (t.Gross.Minor > 0)
		}
		if fits && m.Provider == t.Provider {
			t.Movement, t.ProviderFee, t.ProviderFeeKnown = m.ID, m.Fee, true
			return
		}
	}
}

func (s *Service) namePayout(ctx context.Context, creator id.User, t *Transaction, known map[id.Payout]payouts.Payout) error {
	p, ok := known[t.Payout]
	if !ok {
		var err error
		if p, err = s.Payouts.Get(ctx, creator, t.Payout); err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
		known[t.Payout] = p
	}
	t.Number, t.Provider, t.Ref = p.Number, p.Provider, p.Ref
	return nil
}

// read is an entry as its creator sees it.
func read(creator id.User, p ledger.Posted) Transaction {
	c := currencyOf(creator, p)
	none := money.Amount{Currency: c}
	t := Transaction{ID: p.ID, At: p.At, Currency: c, Kind: KindOther, Gross: none, Fee: none, Net: p.Sum(c, accounts(creator)...), Moved: none}
	kind, rest, _ := strings.Cut(p.Key, ":")
	subject, cause, _ := strings.Cut(rest, ":")
	for k, of := range entryKinds {
		if has(of, p.Kind) {
			t.Kind = k
		}
	}
	if p.Kind == "payout" {
		t.Payout, _ = id.Parse[id.PayoutKind](subject)
		t.Step = cause
	} else {
		t.Order, _ = id.Parse[id.OrderKind](subject)
		t.Step = kind
		t.Ref = reference(p.Kind, cause)
	}
	for _, l := range p.Lines {
		switch {
		case l.Amount.Currency != c:
		case strings.HasPrefix(string(l.Account), "provider:") && l.Account != ledger.ProviderFees:
			t.Gross = t.Gross.Sub(l.Amount)
		case l.Account == ledger.PlatformFees:
			t.Fee = t.Fee.Add(l.Amount)
		case l.Amount.Minor > 0 && t.Net.IsZero():
			t.Moved = t.Moved.Add(l.Amount)
		}
	}
	return t
}

// reference is the provider's number in what caused an entry: refunds end in their state, disputes in two sums.
func reference(kind, cause string) string {
	if cause == "paid" || strings.HasPrefix(cause, "seen-") {
		return ""
	}
	parts := strings.Split(cause, "-")
	cut := map[string]int{"refund": 1, "dispute": 2}[kind]
	if cut == 0 || len(parts) <= cut {
		return ""
	}
	return strings.Join(parts[:len(parts)-cut], "-")
}

// Each walks through all that a filter chooses, newest first, a page at a time.
func (s *Service) Each(ctx context.Context, creator id.User, f Filter, page func([]Transaction) error) error {
	f.Limit = 500
	for {
		all, next, err := s.List(ctx, creator, f)
		if err == nil {
			err = page(all)
		}
		if err != nil || next == "" {
			return err
		}
		if next == f.After {
			return errors.New("transactions: the page after is the page itself")
		}
		f.After = next
	}
}
