package admin

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"vitrine/app/db"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
	"vitrine/app/payments"
)

// Faults name how the two sides differ.
const (
	chargeUnbooked  = "charge_unbooked" // they have taken a payment that is not in the book
	chargeUnknown   = "charge_unknown"  // the book has a sale that they know nothing of
	chargeAmount    = "charge_amount"
	refundUnbooked  = "refund_unbooked"
	refundUnknown   = "refund_unknown"
	refundAmount    = "refund_amount"
	disputeUnbooked = "dispute_unbooked"
	disputeUnknown  = "dispute_unknown"
	disputeAmount   = "dispute_amount"
	payoutUnbooked  = "payout_unbooked"
	payoutUnknown   = "payout_unknown"
	payoutAmount    = "payout_amount"
	feeUnbooked     = "fee_unbooked"
	feeUnknown      = "fee_unknown"
	feeAmount       = "fee_amount"
	entryStray      = "entry_stray"  // an entry on the provider's account that names nothing
	lineStray       = "line_stray"   // a line that names nothing
	lineChanged     = "line_changed" // the provider shows another line than it once did
	lineGone        = "line_gone"
)

// scope is a set of things that both sides may know: payments by the provider's number, payouts by ours, fees by the
// line that brought them, and entries and lines that name none of these.
type scope struct {
	intents, payouts, fees map[string]bool
	entries                []ledger.Posted
	lines                  []line
}

func newScope() scope {
	return scope{intents: map[string]bool{}, payouts: map[string]bool{}, fees: map[string]bool{}}
}

func keys(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// line is a line of a provider's account as the mirror has it.
type line struct {
	Ref      string                `db:"ref"`
	Kind     payments.MovementKind `db:"kind"`
	Intent   string                `db:"intent"`
	Payout   string                `db:"payout"`
	Currency money.Currency        `db:"currency"`
	Amount   int64                 `db:"amount_minor"`
	FeeIn    money.Currency        `db:"fee_currency"`
	Fee      int64                 `db:"fee_minor"`
	At       time.Time             `db:"at"`
}

// take puts a line into the scope.
func (s *scope) take(l line) {
	if l.Fee != 0 {
		s.fees[l.Ref] = true
	}
	switch {
	case l.Kind == payments.MovementOther: // the platform's own money
	case l.Kind == payments.MovementPayout && l.Payout != "":
		s.payouts[l.Payout] = true
	case l.Kind != payments.MovementPayout && l.Intent != "":
		s.intents[l.Intent] = true
	case l.Amount != 0:
		s.lines = append(s.lines, l)
	}
}

// side is what one side has of a thing, by what it was for and currency.
type side struct {
	sums map[string]int64 // "charge EUR"
	last time.Time        // when it last moved there
	refs []string
}

func (s *side) add(what string, c money.Currency, minor int64, at time.Time, ref string) {
	if s.sums == nil {
		s.sums = map[string]int64{}
	}
	s.sums[what+" "+string(c)] += minor
	if at.After(s.last) {
		s.last = at
	}
	if ref != "" && len(s.refs) < 20 && !slices.Contains(s.refs, ref) {
		s.refs = append(s.refs, ref)
	}
}

// Difference is a thing of which the two sides say different things.
type Difference struct {
	Fault    string
	Subject  string // names it in the case's key
	Theirs   money.Amount
	Ours     money.Amount
	Since    time.Time
	Lines    []string // at the provider
	Entries  []string // in the book
	Payout   string
	Intent   string
	Checkout string
	Orders   []string
}

// pair are both sides of one thing.
type pair struct{ theirs, ours side }

// differ says what differs, the gravest first; nothing when both sides agree.
func (p pair) differ() (fault string, theirs, ours money.Amount, ok bool) {
	for _, what := range []string{"charge", "refund", "dispute", "payout", "fee", "entry"} {
		for _, c := range money.Known() {
			k := what + " " + string(c)
			t, o := p.theirs.sums[k], p.ours.sums[k]
			if t == o {
				continue
			}
			switch {
			case o == 0:
				fault = what + "_unbooked"
			case t == 0:
				fault = what + "_unknown"
			default:
				fault = what + "_amount"
			}
			return fault, money.Amount{Minor: t, Currency: c}, money.Amount{Minor: o, Currency: c}, true
		}
	}
	return "", theirs, ours, false
}

// since is when the younger side last moved.
func (p pair) since() time.Time {
	if p.ours.last.After(p.theirs.last) {
		return p.ours.last
	}
	return p.theirs.last
}

func (p pair) difference(subject string) (Difference, bool) {
	fault, theirs, ours, ok := p.differ()
	return Difference{Fault: fault, Subject: subject, Theirs: theirs, Ours: ours, Since: p.since(), Lines: p.theirs.refs, Entries: p.ours.refs}, ok
}

// compare holds everything in a scope against the other side, each with its whole history.
func (s *Service) compare(ctx context.Context, tx *db.Tx, provider string, in scope) (out []Difference, err error) {
	for _, f := range []func(context.Context, *db.Tx, string, scope) ([]Difference, error){s.comparePayments, s.comparePayouts, s.compareFees} {
		found, err := f(ctx, tx, provider, in)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	strays, err := s.compareStrays(ctx, tx, provider, in)
	if err != nil {
		return nil, err
	}
	out = append(out, strays...)
	for _, l := range in.lines {
		out = append(out, Difference{Fault: lineStray, Subject: "line " + l.Ref, Theirs: money.Amount{Minor: l.Amount, Currency: l.Currency}, Ours: money.Amount{Currency: l.Currency}, Since: l.At, Lines: []string{l.Ref}})
	}
	return out, nil
}

// moneyBack joins refunds and disputes where the book has them in another order than the provider: what was given back
// twice is booked once, and only the sum says whether anything is wrong. A payment that the book does not have and that
// was given back as a whole concerns nobody.
func (p *pair) moneyBack(underWay money.Amount) {
	for _, c := range money.Known() {
		if k := string(c); len(p.ours.sums) == 0 && p.theirs.sums["charge "+k]+p.theirs.sums["refund "+k]+p.theirs.sums["dispute "+k] == 0 {
			for _, what := range []string{"charge ", "refund ", "dispute "} {
				delete(p.theirs.sums, what+k)
			}
		}
		r, d := "refund "+string(c), "dispute "+string(c)
		theirs, ours := p.theirs.sums[r]+p.theirs.sums[d], p.ours.sums[r]+p.ours.sums[d]
		if theirs == ours || underWay.Currency == c && theirs == ours+underWay.Minor {
			for _, m := range []map[string]int64{p.theirs.sums, p.ours.sums} {
				delete(m, r)
				delete(m, d)
			}
		}
	}
}

func (s *Service) comparePayments(ctx context.Context, tx *db.Tx, provider string, in scope) (out []Difference, err error) {
	if len(in.intents) == 0 {
		return nil, nil
	}
	all := map[string]*pair{}
	for _, i := range keys(in.intents) {
		all[i] = &pair{}
	}
	theirs, err := s.linesOf(ctx, tx, provider, keys(in.intents), nil)
	if err != nil {
		return nil, err
	}
	for _, l := range theirs {
		all[l.Intent].theirs.add(string(l.Kind), l.Currency, l.Amount, l.At, l.Ref)
	}
	known, posted, err := s.booked(ctx, tx, provider, keys(in.intents))
	if err != nil {
		return nil, err
	}
	of := map[string]sold{}
	for _, k := range known {
		of[k.Order.String()] = k
	}
	for _, e := range posted {
		k, ok := of[subjectOf(e.Key)]
		if !ok {
			continue
		}
		what := e.Kind
		if what == "sale" {
			what = "charge"
		}
		for _, l := range e.Lines {
			if l.Account == ledger.Provider(provider) {
				all[k.Intent].ours.add(what, l.Amount.Currency, -l.Amount.Minor, e.At, e.Key)
			}
		}
	}
	pending, err := s.underWay(ctx, tx, provider, keys(in.intents))
	if err != nil {
		return nil, err
	}
	for _, i := range keys(in.intents) {
		all[i].moneyBack(pending[i])
		d, differs := all[i].difference(i)
		if !differs {
			continue
		}
		d.Intent = i
		for _, k := range known {
			if k.Intent == i {
				d.Checkout = k.Checkout.String()
				d.Orders = append(d.Orders, k.Order.String())
			}
		}
		out = append(out, d)
	}
	return out, nil
}

// correction begins the key of the entry that takes a wrong one back.
const correction = "undo:"

// compareStrays: an entry on the provider's account that names nothing has no other side, unless it was taken back.
func (s *Service) compareStrays(ctx context.Context, tx *db.Tx, provider string, in scope) (out []Difference, err error) {
	var names, all []string
	for _, e := range in.entries {
		if base := strings.TrimPrefix(e.Key, correction); !slices.Contains(names, base) {
			names, all = append(names, base), append(all, base, correction+base)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	moves, err := ledger.ByKeys(ctx, tx, all)
	if err != nil {
		return nil, err
	}
	strays := map[string]*pair{}
	for _, m := range moves {
		if m.Account != ledger.Provider(provider) {
			continue
		}
		base := strings.TrimPrefix(m.Key, correction)
		if strays[base] == nil {
			strays[base] = &pair{}
		}
		strays[base].ours.add("entry", m.Currency, -m.Amount, m.CreatedAt, m.Key)
	}
	for _, base := range names {
		if p := strays[base]; p != nil {
			if d, differs := p.difference("entry " + base); differs {
				d.Fault = entryStray
				out = append(out, d)
			}
		}
	}
	return out, nil
}

// subjectOf is what stands between the first and the second colon of an entry's key.
func subjectOf(key string) string {
	_, rest, _ := strings.Cut(key, ":")
	subject, _, _ := strings.Cut(rest, ":")
	return subject
}

func (s *Service) comparePayouts(ctx context.Context, tx *db.Tx, provider string, in scope) (out []Difference, err error) {
	if len(in.payouts) == 0 {
		return nil, nil
	}
	all := map[string]*pair{}
	var entries []string
	for _, p := range keys(in.payouts) {
		all[p] = &pair{}
		for _, end := range []string{":sent", ":late", ":returned"} {
			entries = append(entries, "payout:"+p+end)
		}
	}
	theirs, err := s.linesOf(ctx, tx, provider, nil, keys(in.payouts))
	if err != nil {
		return nil, err
	}
	for _, l := range theirs {
		all[l.Payout].theirs.add("payout", l.Currency, l.Amount, l.At, l.Ref)
	}
	ours, err := ledger.ByKeys(ctx, tx, entries)
	if err != nil {
		return nil, err
	}
	for _, m := range ours {
		if m.Account == ledger.Provider(provider) {
			all[subjectOf(m.Key)].ours.add("payout", m.Currency, -m.Amount, m.CreatedAt, m.Key)
		}
	}
	for _, p := range keys(in.payouts) {
		if d, differs := all[p].difference("payout " + p); differs {
			d.Payout = p
			out = append(out, d)
		}
	}
	return out, nil
}

func (s *Service) compareFees(ctx context.Context, tx *db.Tx, provider string, in scope) (out []Difference, err error) {
	if len(in.fees) == 0 {
		return nil, nil
	}
	all := map[string]*pair{}
	var entries []string
	for _, ref := range keys(in.fees) {
		all[ref] = &pair{}
		entries = append(entries, feeKey(provider, ref))
	}
	theirs, err := s.linesByRef(ctx, tx, provider, keys(in.fees))
	if err != nil {
		return nil, err
	}
	for _, l := range theirs {
		all[l.Ref].theirs.add("fee", l.FeeIn, l.Fee, l.At, l.Ref)
	}
	ours, err := ledger.ByKeys(ctx, tx, entries)
	if err != nil {
		return nil, err
	}
	for _, m := range ours {
		if m.Account == ledger.Provider(provider) {
			all[strings.TrimPrefix(m.Key, feeKey(provider, ""))].ours.add("fee", m.Currency, m.Amount, m.CreatedAt, m.Key)
		}
	}
	for _, ref := range keys(in.fees) {
		if d, differs := all[ref].difference("fee " + ref); differs {
			out = append(out, d)
		}
	}
	return out, nil
}

func feeKey(provider, ref string) string { return fmt.Sprintf("fee:%s:%s", provider, ref) }

// sold is an order with the payment that it was paid by.
type sold struct {
	Order    id.Order    `db:"id"`
	Checkout id.Checkout `db:"checkout_id"`
	Intent   string      `db:"intent"`
}
