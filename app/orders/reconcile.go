package orders

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"vitrine/app/db"
	"vitrine/app/failpoint"
	"vitrine/app/id"
	"vitrine/app/ledger"
	"vitrine/app/money"
	"vitrine/app/payments"
)

// settling is how long a payment may be known to one side only.
const settling = 10 * time.Minute

// Difference is a payment of which the provider and we say different things.
type Difference struct {
	Intent   string
	Checkout id.Checkout // zero: we know nothing of it
	Theirs   money.Amount
	Ours     money.Amount
	Since    time.Time
}

// account is the provider's account as far as it is about payments.
type account struct {
	since  time.Time
	net    map[string]money.Amount // by payment: charged less given back
	at     map[string]time.Time    // of the last movement
	total  map[money.Currency]int64
	fees   map[money.Currency]int64
	others map[money.Currency]int64
}

// readAccount asks for everything that moved since a moment.
func (s *Service) readAccount(ctx context.Context, since time.Time) (account, error) {
	a := account{since: since, net: map[string]money.Amount{}, at: map[string]time.Time{}, total: map[money.Currency]int64{}, fees: map[money.Currency]int64{}, others: map[money.Currency]int64{}}
	failpoint.Hit("provider.movements.before_call")
	err := s.Provider.Movements(ctx, since, func(m payments.Movement) error {
		a.fees[m.Fee.Currency] += m.Fee.Minor
		if m.Kind == payments.MovementOther {
			a.others[m.Amount.Currency] += m.Amount.Minor
			return nil
		}
		a.total[m.Amount.Currency] += m.Amount.Minor
		have, ok := a.net[m.Intent]
		if !ok {
			have = money.Amount{Currency: m.Amount.Currency}
		}
		a.net[m.Intent] = have.Add(m.Amount)
		if m.At.After(a.at[m.Intent]) {
			a.at[m.Intent] = m.At
		}
		return nil
	})
	failpoint.Hit("provider.movements.after_call")
	if err != nil {
		return a, fmt.Errorf("read the provider's account: %w", err)
	}
	return a, nil
}

// Compare reads the provider's whole account and returns a check of it against the book: per currency against
// the ledger's account, and per payment both ways. Payments of the last minutes may be on their way to us.
func (s *Service) Compare(ctx context.Context) (ledger.Checker, error) {
	a, err := s.readAccount(ctx, time.Time{})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, q db.Q) ([]ledger.Finding, error) {
		diffs, err := s.differences(ctx, q, a)
		if err != nil {
			return nil, err
		}
		now := s.DB.Now()
		explained := map[money.Currency]int64{}
		var out []ledger.Finding
		for _, d := range diffs {
			f := ledger.Finding{Check: "provider", Subject: d.Intent, Note: now.Sub(d.Since) < settling,
				Detail: fmt.Sprintf("they have %s, we %s, for %s", d.Theirs, d.Ours, now.Sub(d.Since).Round(time.Second))}
			explained[d.Theirs.Currency] += d.Theirs.Minor
			explained[d.Ours.Currency] -= d.Ours.Minor
			out = append(out, f)
		}
		sums, err := s.compareSums(ctx, q, a, explained)
		return append(out, sums...), err
	}, nil
}

// compareSums holds the provider's sums against the ledger, less the differences that are listed one by one.
func (s *Service) compareSums(ctx context.Context, q db.Q, a account, explained map[money.Currency]int64) ([]ledger.Finding, error) {
	var out []ledger.Finding
	for _, c := range money.Known() {
		b, err := ledger.Balance(ctx, q, ledger.Provider(s.Provider.Name()), c)
		if err != nil {
			return out, err
		}
		theirs, ours := a.total[c], -b.Minor
		if theirs == 0 && ours == 0 && a.fees[c] == 0 && a.others[c] == 0 {
			continue
		}
		in := func(n int64) money.Amount { return money.Amount{Minor: n, Currency: c} }
		out = append(out, ledger.Finding{Check: "provider", Subject: string(c), Note: true,
			Detail: fmt.Sprintf("charged less given back %s, in the book %s, kept by the provider %s, other movements %s", in(theirs), in(ours), in(a.fees[c]), in(a.others[c]))})
		if theirs-ours != explained[c] {
			out = append(out, ledger.Finding{Check: "provider", Subject: string(c),
				Detail: fmt.Sprintf("the account has %s, the book %s, and payments explain %s", in(theirs), in(ours), in(explained[c]))})
		}
	}
	return out, nil
}

// differences compares payment by payment, both ways.
func (s *Service) differences(ctx context.Context, q db.Q, a account) ([]Difference, error) {
	ours, err := s.listPayments(ctx, q, slices.Sorted(maps.Keys(a.net)), a.since)
	if err != nil {
		return nil, err
	}
	var out []Difference
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
		out = append(out, Difference{Intent: p.Intent, Checkout: p.Checkout, Theirs: theirs, Ours: mine, Since: since})
	}
	for intent, theirs := range a.net {
		out = append(out, Difference{Intent: intent, Theirs: theirs, Ours: money.Amount{Currency: theirs.Currency}, Since: a.at[intent]})
	}
	slices.SortFunc(out, func(a, b Difference) int { return a.Since.Compare(b.Since) })
	return out, nil
}

// Reconcile looks for payments that no event has told us about, asks how each stands, and applies the answer
// as it would have applied the event. What still differs is put before a person, never adjusted.
func (s *Service) Reconcile(ctx context.Context) error {
	now := s.DB.Now()
	a, err := s.readAccount(ctx, now.Add(-reach))
	if err != nil {
		return err
	}
	suspects, err := s.differences(ctx, s.DB, a)
	if err != nil {
		return err
	}
	for _, d := range suspects {
		if now.Sub(d.Since) < settling {
			continue
		}
		if err := s.learn(ctx, d); err != nil {
			return fmt.Errorf("reconcile %s: %w", d.Intent, err)
		}
	}
	return nil
}

// reach is how far back a regular reconciliation reads. A payment that began before looks like a difference
// at first; asking settles that too.
const reach = 40 * 24 * time.Hour

// learn asks how a payment stands, applies the answer, and reports what differs even then.
func (s *Service) learn(ctx context.Context, d Difference) error {
	failpoint.Hit("provider.payment.before_call")
	f, err := s.Provider.Payment(ctx, d.Intent)
	failpoint.Hit("provider.payment.after_call")
	d.Theirs = money.Amount{Currency: d.Theirs.Currency}
	switch {
	case payments.OutcomeOf(err) == payments.Refused: // they know nothing of it
		f = payments.Fact{Intent: d.Intent}
	case err != nil:
		return err
	case f.State == payments.Succeeded:
		d.Theirs = f.Amount
		if f.Refunded.Minor > 0 {
			d.Theirs = f.Amount.Sub(f.Refunded)
		}
	}
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		err := s.learnIn(ctx, tx, d, f)
		failpoint.Hit("reconcile.learn.before_commit")
		return err
	})
	failpoint.Hit("reconcile.learn.after_commit")
	return err
}

func (s *Service) learnIn(ctx context.Context, tx *db.Tx, d Difference, f payments.Fact) error {
	if _, err := s.settle(ctx, tx, fact{Fact: f}); err != nil {
		return err
	}
	ours, err := s.listPayments(ctx, tx, []string{d.Intent}, tx.Now.Add(time.Hour))
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
	return s.openCase(ctx, tx, fmt.Sprintf("difference:%s:%d:%d", d.Intent, d.Theirs.Minor, d.Ours.Minor), "The provider's account and the book differ.",
		details{"intent": d.Intent, "theirs": d.Theirs.String(), "ours": d.Ours.String()})
}

// payment is one of our paid checkouts as the provider should know it.
type payment struct {
	Checkout id.Checkout    `db:"id"`
	Intent   string         `db:"payment_intent_id"`
	Currency money.Currency `db:"currency"`
	Net      int64          `db:"net"`
	At       time.Time      `db:"paid_at"`
}

// listPayments lists paid checkouts: those that the provider named, and all that were paid since.
func (s *Service) listPayments(ctx context.Context, q db.Q, intents []string, since time.Time) ([]payment, error) {
	var rows []payment
	err := q.Select(ctx, &rows, `
		SELECT c.id, coalesce(c.payment_intent_id, 'none for checkout ' || c.id) AS payment_intent_id, c.currency, c.paid_at,
			(SELECT sum(o.total_minor - o.refunded_minor)::bigint FROM orders o WHERE o.checkout_id = c.id) AS net
		FROM checkouts c
		WHERE c.status = 'paid' AND c.provider = $1 AND (c.paid_at >= $2 OR c.payment_intent_id = ANY($3::text[]))`, s.Provider.Name(), since, db.Array(intents))
	if err != nil {
		return nil, fmt.Errorf("paid checkouts: %w", err)
	}
	return rows, nil
}
