package payouts_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/payments"
)

// bank is a provider as the port describes it, with a clock of its own that is always right. A key that it has
// forgotten makes a second payment, as the real ones do.
type bank struct {
	name string
	life time.Duration
	now  func() time.Time

	mu       sync.Mutex
	keys     map[string]answer
	wires    []*wire
	accounts map[string]*payments.Account
	opened   map[string]int          // accounts made, by creator
	calls    map[string]int          // by name
	fault    func(call string) fault // nil: none
}

type answer struct {
	at  time.Time
	w   *wire
	err error
	acc *payments.Account
}

// wire is one payment that really was made.
type wire struct {
	payout    id.Payout
	to        string
	amount    money.Amount
	at        time.Time
	state     payments.PaymentState
	failure   string
	recovered bool
	locked    bool // the money cannot be brought back
	n         int
}

// fault is what goes wrong with one call.
type fault int

const (
	fine       fault = iota
	lostBefore       // it never reached the provider
	lostAfter        // it was done, and the answer was lost
	crashBefore
	crashAfter // the process dies with the answer in its hands
	refuse
	poor   // the platform's account does not cover it
	busy   // not now
	stored // an error that the key keeps
	bounce // taken, and fails at once
)

func newBank(name string, life time.Duration, now func() time.Time) *bank {
	return &bank{name: name, life: life, now: now, keys: map[string]answer{}, accounts: map[string]*payments.Account{}, opened: map[string]int{}, calls: map[string]int{}}
}

func (b *bank) Name() string           { return b.name }
func (b *bank) KeyLife() time.Duration { return b.life }

// crash is what a test takes for the death of the process.
type crash struct{}

func (b *bank) next(call string) fault {
	b.calls[call]++
	if b.fault == nil {
		return fine
	}
	return b.fault(call)
}

// fail lets every call about payments go wrong. Looking at an account goes well: it comes before the payment.
func (b *bank) fail(f fault) {
	b.fault = func(call string) fault {
		if call == "account" {
			return fine
		}
		return f
	}
}

var errTimeout = &payments.Error{Outcome: payments.Doubt, Cause: errors.New("timeout")}

func (b *bank) Pay(_ context.Context, in payments.PayInput) (payments.Payment, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.next("pay")
	switch f {
	case lostBefore:
		return payments.Payment{}, errTimeout
	case crashBefore:
		panic(crash{})
	case busy:
		return payments.Payment{}, &payments.Error{Outcome: payments.Again, Code: "rate_limit", Cause: errors.New("busy")}
	}
	a, known := b.keys[in.Key()]
	if known && b.now().Sub(a.at) >= b.life {
		known = false
	}
	if !known {
		a = b.make(in, f)
		b.keys[in.Key()] = a
	}
	switch {
	case f == crashAfter:
		panic(crash{})
	case f == lostAfter:
		return payments.Payment{}, errTimeout
	case a.err != nil:
		return payments.Payment{}, a.err
	}
	return b.payment(a.w), nil
}

func (b *bank) make(in payments.PayInput, f fault) answer {
	a := answer{at: b.now()}
	switch f {
	case refuse:
		a.err = &payments.Error{Outcome: payments.Refused, Code: "payouts_not_allowed", Cause: errors.New("no")}
	case poor:
		a.err = &payments.Error{Outcome: payments.Refused, Code: "balance_insufficient", Cause: errors.New("no funds")}
	case stored:
		a.err = &payments.Error{Outcome: payments.Doubt, Answered: true, Code: "api_error", Cause: errors.New("500")}
	default:
		a.w = &wire{payout: in.Payout, to: in.To, amount: in.Amount, at: a.at, state: payments.PaymentSent, n: len(b.wires) + 1}
		if f == bounce {
			a.w.state, a.w.failure = payments.PaymentFailed, "account_closed"
		}
		b.wires = append(b.wires, a.w)
	}
	return a
}

func (b *bank) payment(w *wire) payments.Payment {
	return payments.Payment{Payout: w.payout, Account: w.to, Ref: fmt.Sprintf("po_%s_%d", b.name, w.n), Advance: fmt.Sprintf("tr_%d", w.n), State: w.state,
		Amount: w.amount, Failure: w.failure, Arrives: w.at.Add(48 * time.Hour)}
}

func (b *bank) find(p id.Payout) *wire {
	for _, w := range b.wires {
		if w.payout == p {
			return w
		}
	}
	return nil
}

func (b *bank) Look(_ context.Context, in payments.PayInput) (payments.Payment, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch b.next("look") {
	case lostBefore, lostAfter:
		return payments.Payment{}, errTimeout
	case crashBefore, crashAfter:
		panic(crash{})
	case busy:
		return payments.Payment{}, &payments.Error{Outcome: payments.Again, Cause: errors.New("busy")}
	}
	if w := b.find(in.Payout); w != nil {
		return b.payment(w), nil
	}
	return payments.Payment{}, payments.ErrNone
}

func (b *bank) Recover(_ context.Context, in payments.PayInput) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.next("recover")
	switch f {
	case lostBefore:
		return errTimeout
	case crashBefore:
		panic(crash{})
	}
	w := b.find(in.Payout)
	switch {
	case w == nil:
		return payments.ErrNone
	case w.locked:
		return &payments.Error{Outcome: payments.Refused, Code: "balance_insufficient", Cause: errors.New("not covered")}
	}
	w.recovered = true
	switch f {
	case lostAfter:
		return errTimeout
	case crashAfter:
		panic(crash{})
	}
	return nil
}

// flip changes a payment at the provider and says what its event would.
func (b *bank) flip(p id.Payout, to payments.PaymentState, failure string) payments.Payment {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.find(p)
	if w == nil {
		return payments.Payment{}
	}
	if w.state != payments.PaymentFailed {
		w.state, w.failure = to, failure
	}
	return b.payment(w)
}

func (b *bank) lock(p id.Payout, locked bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.find(p).locked = locked
}

// out is what has left the platform's account and not come back, by currency.
func (b *bank) out() map[money.Currency]int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	sums := map[money.Currency]int64{}
	for _, w := range b.wires {
		if !w.recovered {
			sums[w.amount.Currency] += w.amount.Minor
		}
	}
	return sums
}

// twice are payouts for which more than one payment was made.
func (b *bank) twice() []id.Payout {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := map[id.Payout]int{}
	for _, w := range b.wires {
		n[w.payout]++
	}
	var out []id.Payout
	for p, k := range n {
		if k > 1 {
			out = append(out, p)
		}
	}
	return out
}

func (b *bank) wired() []wire {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]wire, len(b.wires))
	for i, w := range b.wires {
		out[i] = *w
	}
	return out
}

// Open makes an account once a key.
func (b *bank) Open(_ context.Context, in payments.AccountInput) (payments.Account, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.next("open")
	switch f {
	case lostBefore:
		return payments.Account{}, errTimeout
	case crashBefore:
		panic(crash{})
	case refuse:
		return payments.Account{}, &payments.Error{Outcome: payments.Refused, Code: "country_unsupported", Cause: errors.New("no")}
	}
	key := fmt.Sprintf("account-%s-%d", in.Creator, in.Generation)
	a, known := b.keys[key]
	if !known || b.now().Sub(a.at) >= b.life {
		acc := &payments.Account{Number: fmt.Sprintf("acct_%s_%d", b.name, len(b.accounts)+1), Creator: in.Creator, Country: in.Country,
			Due: []payments.Requirement{{Code: "external_account"}, {Code: "individual.verification.document"}}}
		a = answer{at: b.now(), acc: acc}
		b.accounts[acc.Number] = acc
		b.keys[key] = a
		b.opened[key]++
	}
	switch f {
	case lostAfter:
		return payments.Account{}, errTimeout
	case crashAfter:
		panic(crash{})
	}
	return *a.acc, nil
}

func (b *bank) Seek(_ context.Context, in payments.AccountInput) (payments.Account, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f := b.next("seek"); f == lostBefore || f == lostAfter {
		return payments.Account{}, errTimeout
	}
	if a, ok := b.keys[fmt.Sprintf("account-%s-%d", in.Creator, in.Generation)]; ok {
		return *a.acc, nil
	}
	return payments.Account{}, payments.ErrNone
}

func (b *bank) Account(_ context.Context, number string) (payments.Account, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f := b.next("account"); f == lostBefore || f == lostAfter {
		return payments.Account{}, errTimeout
	}
	if a, ok := b.accounts[number]; ok && !a.Gone {
		return *a, nil
	}
	return payments.Account{}, payments.ErrNone
}

func (b *bank) Link(_ context.Context, in payments.LinkInput) (string, error) {
	return "https://connect.test/setup/" + in.Account, nil
}

func (b *bank) Dashboard(_ context.Context, number string) (string, error) {
	return "https://connect.test/express/" + number, nil
}

// fill is a creator who fills everything in.
func (b *bank) fill(number, digits, currency string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.accounts[number]
	a.Submitted, a.Payouts, a.Due, a.Bank, a.Currency = true, true, nil, digits, currency
}

func (b *bank) change(number string, f func(a *payments.Account)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(b.accounts[number])
}

// made counts the accounts of a creator.
func (b *bank) made(u id.User) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range slices.Collect(maps.Keys(b.opened)) {
		if strings.Contains(k, u.String()) {
			n += b.opened[k]
		}
	}
	return n
}
