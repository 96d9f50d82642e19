package orders

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"vitrine/app/db"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
	"vitrine/app/payments"
)

// Difference is a payment, or a payout, of which a provider and we say different things.
type Difference struct {
	Provider string
	Intent   string
	Payout   id.Payout   // zero: it is a payment
	Checkout id.Checkout // zero: we know nothing of it
	Theirs   money.Amount
	Ours     money.Amount
	OnWay    bool // a refund that is under way at the provider's explains it
	Since    time.Time
}

// account is a provider's account as far as it is about buyers and creators.
type account struct {
	provider payments.Provider
	since    time.Time
	net      map[string]money.Amount // by payment: charged less what was taken back; and by payout
	at       map[string]time.Time    // of the last movement
	payouts  map[string]id.Payout
	total    map[money.Currency]int64
	fees     map[money.Currency]int64
	others   map[money.Currency]int64
}

// readAccount asks for everything that moved since a moment.
func (s *Service) readAccount(ctx context.Context, p payments.Provider, since time.Time) (account, error) {
	a := account{provider: p, since: since, net: map[string]money.Amount{}, at: map[string]time.Time{}, payouts: map[string]id.Payout{},
		total: map[money.Currency]int64{}, fees: map[money.Currency]int64{}, others: map[money.Currency]int64{}}
	failpoint.Hit("provider.movements.before_call")
	err := p.Movements(ctx, since, func(m payments.Movement) error {
		a.fees[m.Fee.Currency] += m.Fee.Minor
		key := m.Intent
		switch {
		case m.Kind == payments.MovementOther:
			a.others[m.Amount.Currency] += m.Amount.Minor
			return nil
		case m.Kind == payments.MovementPayout:
			key = "payout " + m.Payout.String()
			a.payouts[key] = m.Payout
		}
		a.total[m.Amount.Currency] += m.Amount.Minor
		have, ok := a.net[key]
		if !ok {
			have = money.Amount{Currency: m.Amount.Currency}
		}
		a.net[key] = have.Add(m.Amount)
		if m.At.After(a.at[key]) {
			a.at[key] = m.At
		}
		return nil
	})
	failpoint.Hit("provider.movements.after_call")
	if err != nil {
		return a, fmt.Errorf("read the account at %s: %w", p.Name(), err)
	}
	return a, nil
}

// Compare reads the providers' whole accounts and returns a check of them against the book: per currency against
// the ledger's account, and per payment and payout both ways. What moved in the last minutes may be on its way to us.
func (s *Service) Compare(ctx context.Context) (ledger.Checker, error) {
	var all []ledger.Checker
	for _, p := range s.Providers {
		a, err := s.readAccount(ctx, p, time.Time{})
		if err != nil {
			return nil, err
		}
		all = append(all, s.compare(a))
	}
	return func(ctx context.Context, q db.Q) (out []ledger.Finding, err error) {
		for _, check := range all {
			found, err := check(ctx, q)
			if out = append(out, found...); err != nil {
				return out, err
			}
		}
		return out, nil
	}, nil
}

func (s *Service) compare(a account) ledger.Checker {
	return func(ctx context.Context, q db.Q) ([]ledger.Finding, error) {
		diffs, err := s.differences(ctx, q, a)
		if err != nil {
			return nil, err
		}
		now := s.DB.Now()
		explained := map[money.Currency]int64{}
		var out []ledger.Finding
		for _, d := range diffs {
			f := ledger.Finding{Check: "provider", Subject: d.Intent, Note: d.OnWay || now.Sub(d.Since) < payments.Settling(a.provider),
				Detail: fmt.Sprintf("they have %s, we %s, for %s", d.Theirs, d.Ours, now.Sub(d.Since).Round(time.Second))}
			explained[d.Theirs.Currency] += d.Theirs.Minor
			explained[d.Ours.Currency] -= d.Ours.Minor
			out = append(out, f)
		}
		sums, err := s.compareSums(ctx, q, a, explained)
		return append(out, sums...), err
	}
}

// compareSums holds the provider's sums against the ledger, less the differences that are listed one by one.
func (s *Service) compareSums(ctx context.Context, q db.Q, a account, explained map[money.Currency]int64) ([]ledger.Finding, error) {
	var out []ledger.Finding
	booked, err := payments.FeesBooked(ctx, q, a.provider.Name())
	if err != nil {
		return nil, fmt.Errorf("fees of %s: %w", a.provider.Name(), err)
	}
	for _, c := range money.Known() {
		b, err := ledger.Balance(ctx, q, ledger.Provider(a.provider.Name()), c)
		if err != nil {
			return out, err
		}
		theirs, ours := a.total[c], -b.Minor+booked[c] // fees are compared by themselves
		if theirs == 0 && ours == 0 && a.fees[c] == 0 && a.others[c] == 0 {
			continue
		}
		in := func(n int64) money.Amount { return money.Amount{Minor: n, Currency: c} }
		out = append(out, ledger.Finding{Check: "provider", Subject: string(c), Note: true,
			Detail: fmt.Sprintf("%s: moved for buyers and creators %s, in the book %s; kept by the provider %s, in the book %s; the platform's own movements %s",
				a.provider.Name(), in(theirs), in(ours), in(a.fees[c]), in(booked[c]), in(a.others[c]))})
		if theirs-ours != explained[c] {
			out = append(out, ledger.Finding{Check: "provider", Subject: string(c),
				Detail: fmt.Sprintf("the account has %s, the book %s, and payments explain %s", in(theirs), in(ours), in(explained[c]))})
		}
	}
	return out, nil
}

// differences compares payment by payment, both ways.
func (s *Service) differences(ctx context.Context, q db.Q, a account) ([]Difference, error) {
	out, err := s.payoutDifferences(ctx, q, a)
	if err != nil {
		return nil, err
	}
	ours, err := s.listPayments(ctx, q, a.provider.Name(), slices.Sorted(maps.Keys(a.net)), a.since)
	if err != nil {
		return nil, err
	}
	for _, p := range ours {
		theirs, known := a.net[p.Intent]
		delete(a.net, p.Intent)
		mine := money.Amount{Minor: p.Net, Currency: p.Currency}
		if !known {
			theirs = money.Amount{Currency: p.Currency}
		}
		if theirs == mine {
			continue
		}
		since := a.at[p.Intent]
		if !known {
			since = p.At
		}
		out = append(out, Difference{Provider: a.provider.Name(), Intent: p.Intent, Checkout: p.Checkout, Theirs: theirs, Ours: mine, OnWay: theirs.Minor == p.Net+p.Pending, Since: since})
	}
	for intent, theirs := range a.net {
		out = append(out, Difference{Provider: a.provider.Name(), Intent: intent, Theirs: theirs, Ours: money.Amount{Currency: theirs.Currency}, Since: a.at[intent]})
	}
	slices.SortFunc(out, func(a, b Difference) int { return a.Since.Compare(b.Since) })
	return out, nil
}

// Reconcile looks for payments that no event has told us about, asks how each stands, and applies the answer
// as it would have applied the event. What still differs is put before a person, never adjusted.
func (s *Service) Reconcile(ctx context.Context) error {
	for _, p := range s.Providers {
		if err := s.ReconcileWith(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// payoutDifferences compares payout by payout, both ways, and takes them off the account.
func (s *Service) payoutDifferences(ctx context.Context, q db.Q, a account) ([]Difference, error) {
	name := a.provider.Name()
	lines, err := ledger.LinesSince(ctx, q, "payout", ledger.Provider(name), a.since)
	if err != nil {
		return nil, fmt.Errorf("payouts in the book: %w", err)
	}
	keys := slices.Collect(maps.Keys(a.payouts))
	since := map[string]time.Time{}
	for _, l := range lines { // payout:<id>:sent
		p, err := id.Parse[id.PayoutKind](strings.Split(l.Key, ":")[1])
		if err != nil {
			return nil, fmt.Errorf("entry %s: %w", l.Key, err)
		}
		key := "payout " + p.String()
		if _, theirs := a.payouts[key]; !theirs {
			a.payouts[key], a.net[key] = p, money.Amount{Currency: l.Currency}
			keys = append(keys, key)
		}
		since[key] = l.CreatedAt
	}
	slices.Sort(keys)
	var out []Difference
	for _, key := range keys {
		theirs, p := a.net[key], a.payouts[key]
		delete(a.net, key)
		lines, err := ledger.ByKeys(ctx, q, []string{"payout:" + p.String() + ":sent", "payout:" + p.String() + ":returned"})
		if err != nil {
			return nil, err
		}
		ours := money.Amount{Currency: theirs.Currency}
		for _, l := range lines {
			if l.Account == ledger.Provider(name) && l.Currency == ours.Currency {
				ours.Minor -= l.Amount
			}
		}
		at := a.at[key]
		if since[key].After(at) {
			at = since[key]
		}
		if ours != theirs {
			out = append(out, Difference{Provider: name, Intent: key, Payout: p, Theirs: theirs, Ours: ours, Since: at})
		}
	}
	return out, nil
}

// ReconcileWith does so for one provider.
func (s *Service) ReconcileWith(ctx context.Context, p payments.Provider) error {
	now := s.DB.Now()
	a, err := s.readAccount(ctx, p, now.Add(-reach))
	if err != nil {
		return err
	}
	suspects, err := s.differences(ctx, s.DB, a)
	if err != nil {
		return err
	}
	for _, d := range suspects {
		if d.OnWay || now.Sub(d.Since) < payments.Settling(p) {
			continue
		}
		if err := s.learn(ctx, p, d); err != nil {
			return fmt.Errorf("reconcile %s: %w", d.Intent, err)
		}
	}
	return nil
}

// reach is how far back a regular reconciliation reads. A payment that began before looks like a difference
// at first; asking settles that too.
const reach = 40 * 24 * time.Hour

// learn asks how a payment stands, applies the answer, and reports what differs even then.
func (s *Service) learn(ctx context.Context, p payments.Provider, d Difference) error {
	var f payments.Fact
	if d.Payout.IsZero() {
		var err error
		if f, err = s.inquire(ctx, p, &d); err != nil {
			return err
		}
	}
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		err := s.learnIn(ctx, tx, d, f)
		failpoint.Hit("reconcile.learn.before_commit")
		return err
	})
	failpoint.Hit("reconcile.learn.after_commit")
	return err
}

// inquire asks how a payment stands now.
func (s *Service) inquire(ctx context.Context, p payments.Provider, d *Difference) (payments.Fact, error) {
	failpoint.Hit("provider.payment.before_call")
	f, err := p.Payment(ctx, d.Intent)
	failpoint.Hit("provider.payment.after_call")
	d.Theirs = money.Amount{Currency: d.Theirs.Currency}
	switch {
	case payments.OutcomeOf(err) == payments.Refused: // they know nothing of it
		return payments.Fact{Intent: d.Intent}, nil
	case err != nil:
		return f, err
	case f.State == payments.Succeeded:
		d.Theirs = f.Amount
		if f.Refunded.Minor > 0 {
			d.Theirs = f.Amount.Sub(f.Refunded)
		}
		for _, v := range f.Disputes {
			d.Theirs = d.Theirs.Sub(v.Withdrawn).Add(v.Reinstated)
		}
	}
	return f, nil
}

func (s *Service) learnIn(ctx context.Context, tx *db.Tx, d Difference, f payments.Fact) error {
	if !d.Payout.IsZero() { // payouts ask for themselves; what differs after a while is for a person
		return s.openDifference(ctx, tx, d)
	}
	if _, err := s.settle(ctx, tx, fact{Fact: f}); err != nil {
		return err
	}
	ours, err := s.listPayments(ctx, tx, d.Provider, []string{d.Intent}, tx.Now.Add(time.Hour))
	if err != nil {
		return err
	}
	d.Ours = money.Amount{Currency: d.Theirs.Currency}
	if len(ours) > 0 {
		d.Ours = money.Amount{Minor: ours[0].Net, Currency: ours[0].Currency}
	}
	if d.Ours == d.Theirs {
		return nil
	}
	return s.openDifference(ctx, tx, d)
}

// openDifference puts a difference before a person, once for what it is about. The nightly comparison knows the case by
// the same key, says more about it, and closes it when both sides agree again.
func (s *Service) openDifference(ctx context.Context, tx *db.Tx, d Difference) error {
	b, err := json.Marshal(details{"provider": d.Provider, "intent": d.Intent, "theirs": d.Theirs.String(), "ours": d.Ours.String(), "since": d.Since.UTC().Format(time.RFC3339)})
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO money_cases (id, key, what, details, created_at, touched_at) VALUES ($1, $2, $3, $4, $5, $5)
		ON CONFLICT ON CONSTRAINT money_cases_key_unique DO UPDATE SET closed_at = NULL, touched_at = excluded.touched_at
		WHERE money_cases.closed_at IS NOT NULL`, id.New[id.EntryKind](), "difference:"+d.Intent+":"+d.Provider, "The provider's account and the book differ.", string(b), tx.Now)
	return err
}

// payment is one of our paid checkouts as the provider should know it.
type payment struct {
	Checkout id.Checkout    `db:"id"`
	Intent   string         `db:"payment_intent_id"`
	Currency money.Currency `db:"currency"`
	Net      int64          `db:"net"`
	Pending  int64          `db:"pending"` // given back in our book; some providers move it only when it is done
	At       time.Time      `db:"paid_at"`
}

// listPayments lists paid checkouts: those that the provider named, and all that were paid since.
func (s *Service) listPayments(ctx context.Context, q db.Q, provider string, intents []string, since time.Time) ([]payment, error) {
	var rows []payment
	err := q.Select(ctx, &rows, `
		SELECT c.id, coalesce(c.payment_intent_id, 'none for checkout ' || c.id) AS payment_intent_id, c.currency, c.paid_at,
			(SELECT sum(o.total_minor - o.refunded_minor - o.disputed_minor)::bigint FROM orders o WHERE o.checkout_id = c.id) AS net,
			(SELECT coalesce(sum(r.amount_minor), 0)::bigint FROM payment_refunds r WHERE r.checkout_id = c.id AND r.state = 'pending') AS pending
		FROM checkouts c
		WHERE c.status = 'paid' AND c.provider = $1 AND (c.paid_at >= $2 OR c.payment_intent_id = ANY($3::text[]))`, provider, since, db.Array(intents))
	if err != nil {
		return nil, fmt.Errorf("paid checkouts: %w", err)
	}
	return rows, nil
}
