package sandbox

import (
	"strings"
	"time"
)

// payout sends money from an account's balance to its bank.
type payout struct {
	ID         string            `json:"id"`
	Account    string            `json:"account,omitempty"` // "" is the platform's own
	Created    int64             `json:"created"`
	Arrives    int64             `json:"arrives"`
	Amount     int64             `json:"amount"`
	Currency   string            `json:"currency"`
	Status     string            `json:"status"` // pending, in_transit, paid, failed, canceled
	Bank       string            `json:"bank"`
	Fails      string            `json:"fails,omitempty"` // the code it will fail with
	Txn        string            `json:"txn"`
	Failure    string            `json:"failure,omitempty"`
	FailureTxn string            `json:"failure_txn,omitempty"`
	PaidAt     int64             `json:"paid_at,omitempty"`
	Note       string            `json:"note,omitempty"` // description
	Descriptor string            `json:"descriptor,omitempty"`
	Meta       map[string]string `json:"meta,omitempty"`
}

// payoutFailures are Stripe's codes and words.
var payoutFailures = map[string]string{
	"account_closed":                   "The bank account has been closed.",
	"account_frozen":                   "The bank account has been frozen.",
	"bank_account_restricted":          "The bank account has restrictions on either the type, or the number, of payouts allowed.",
	"bank_ownership_changed":           "The destination bank account is no longer valid because its branch has changed ownership.",
	"could_not_process":                "The bank could not process this payout.",
	"debit_not_authorized":             "Debit transactions are not approved on the bank account.",
	"declined":                         "The bank has declined this transfer. Please contact the bank before retrying.",
	"insufficient_funds":               "Your Stripe account has insufficient funds to cover the payout.",
	"invalid_account_number":           "The routing number seems correct, but the account number is invalid.",
	"incorrect_account_holder_name":    "Your bank notified us that the bank account holder name on file is incorrect.",
	"incorrect_account_holder_address": "Your bank notified us that the bank account holder address on file is incorrect.",
	"incorrect_account_holder_tax_id":  "Your bank notified us that the bank account holder tax ID on file is incorrect.",
	"invalid_currency":                 "The bank was unable to process this payout because of its currency. This is probably because the bank account cannot accept payments in that currency.",
	"no_account":                       "The bank account details on file are probably incorrect. No bank account could be located with those details.",
	"unsupported_card":                 "The bank no longer supports payouts to this card.",
}

// bankStays are the failures after which Stripe still sends to the same bank account.
var bankStays = set("could_not_process declined insufficient_funds debit_not_authorized")

// workdays counts on from at, weekends left out; it answers midnight.
func workdays(at time.Time, n int) time.Time {
	day := at.UTC().Truncate(24 * time.Hour)
	for n > 0 {
		day = day.AddDate(0, 0, 1)
		if wd := day.Weekday(); wd != time.Saturday && wd != time.Sunday {
			n--
		}
	}
	return day
}

const (
	payoutDays = 2 // work days on the way
	flipDays   = 5 // work days in which a paid payout can still fail
)

func (st *Stripe) createPayout(c *call) (obj, error) {
	p := payout{ID: newID("po"), Account: c.acct, Created: c.t.now.Unix(), Status: "pending", Currency: c.currency("currency")}
	n, ok := c.num("amount", 1, 1<<40)
	if !ok && c.n.kids["amount"] == nil {
		c.lacks("amount")
	}
	p.Amount, p.Note, p.Descriptor, p.Meta = n, c.text("description", 1000), c.text("statement_descriptor", 22), c.newMeta("metadata")
	to := c.str("destination")
	if c.enum("method", "instant", "standard") == "instant" {
		c.fail(unsupported("method=instant"))
	}
	c.enum("source_type", "bank_account", "card", "fpx")
	switch {
	case ok && set("huf twd isk ugx")[p.Currency] && n%100 != 0:
		c.fail(invalid("amount", "parameter_invalid_integer", "Invalid amount: payouts in %s must be in whole units, so that the amount is evenly divisible by 100.", strings.ToUpper(p.Currency)))
	case p.Descriptor != "" && strings.ContainsAny(p.Descriptor, `<>\'"*`):
		c.fail(invalid("statement_descriptor", "", `The statement descriptor cannot contain any of the characters <>\'"*.`))
	}
	if err := c.done(); err != nil {
		return nil, err
	}
	if err := st.payable(c.t, &p, to); err != nil {
		return nil, err
	}
	arrives := workdays(c.t.now, payoutDays)
	p.Arrives = arrives.Unix()
	p.Txn = st.book(c.t, txn{Account: p.Account, Amount: -p.Amount, Currency: p.Currency, Type: "payout", Category: "payout", Source: p.ID, Description: orElse(p.Note, "STRIPE PAYOUT"), AvailableOn: p.Arrives})
	put(c.t, st.payouts, p.ID, p)
	st.plan(c.t, "transit", p.ID, workdays(c.t.now, 1))
	st.plan(c.t, "arrive", p.ID, arrives)
	return shapePayout(p), st.emitFor(c.t, p.Account, "payout.created", shapePayout(p), nil)
}

// payable finds the bank and checks that the money is there.
func (st *Stripe) payable(t *tx, p *payout, to string) error {
	b := &bank{ID: "ba_1SandboxPlatform0000000", Currency: p.Currency}
	if p.Account != "" {
		a := st.accounts.rows[p.Account]
		b = a.Bank
		switch {
		case b == nil || b.Currency != p.Currency:
			return refused("", "", "Sorry, you don't have any external accounts in that currency (%s).", p.Currency)
		case !a.payouts():
			return refused("", "payouts_not_allowed", "Payouts are not enabled for this account (%s): %s.", a.ID, orElse(a.disabled(), "its external account cannot take them"))
		}
	}
	if to != "" && to != b.ID {
		return missingRef("external account", to, "destination")
	}
	if st.purses(p.Account, t.now.Unix())[p.Currency].Available < p.Amount {
		return refused("", "balance_insufficient", "You have insufficient funds in your Stripe account for this transfer. Your card balance is too low. You can use the /v1/balance endpoint to view your Stripe balance (for more details, see stripe.com/docs/api#balance).")
	}
	p.Bank, p.Fails = b.ID, b.Fails
	return nil
}

func (st *Stripe) findPayout(c *call) (payout, error) {
	p, ok := st.payouts.rows[c.id]
	if !ok || p.Account != c.acct {
		return p, missing("payout", c.id, "payout")
	}
	return p, nil
}

func (st *Stripe) getPayout(c *call) (obj, error) {
	if err := c.done(); err != nil {
		return nil, err
	}
	p, err := st.findPayout(c)
	if err != nil {
		return nil, err
	}
	return shapePayout(p), nil
}

func (st *Stripe) updatePayout(c *call) (obj, error) {
	meta, given := c.meta("metadata")
	if err := c.done(); err != nil {
		return nil, err
	}
	p, err := st.findPayout(c)
	if err != nil || !given {
		return shapePayout(p), err
	}
	old := p.Meta
	p.Meta = mergeMeta(p.Meta, meta)
	put(c.t, st.payouts, p.ID, p)
	return shapePayout(p), st.emitFor(c.t, p.Account, "payout.updated", shapePayout(p), obj{"metadata": metaOf(old)})
}

func (st *Stripe) listPayouts(c *call) (obj, error) {
	pg, to := c.pages(), c.str("destination")
	status := c.enum("status", "canceled", "failed", "in_transit", "paid", "pending")
	from, until := c.span("arrival_date")
	if err := c.done(); err != nil {
		return nil, err
	}
	return cut(pg, "/v1/payouts", "payout", st.payouts.order, func(id string) bool {
		p := st.payouts.rows[id]
		return p.Account == c.acct && pg.holds(p.Created) && (status == "" || p.Status == status) && (to == "" || p.Bank == to) &&
			p.Arrives >= from && (until == 0 || p.Arrives <= until)
	}, func(id string) obj { return shapePayout(st.payouts.rows[id]) })
}

func (st *Stripe) cancelPayout(c *call) (obj, error) {
	if err := c.done(); err != nil {
		return nil, err
	}
	p, err := st.findPayout(c)
	if err != nil {
		return nil, err
	}
	if p.Status != "pending" {
		return nil, refused("", "", "Payouts can only be canceled while their status is pending. The status of %s is %s.", p.ID, p.Status)
	}
	p.FailureTxn = st.book(c.t, txn{Account: p.Account, Amount: p.Amount, Currency: p.Currency, Type: "payout_cancel", Category: "payout_reversal", Source: p.ID, Description: "STRIPE PAYOUT CANCELED"})
	if err := st.movePayout(c.t, &p, "canceled"); err != nil {
		return nil, err
	}
	return shapePayout(p), st.emitFor(c.t, p.Account, "payout.canceled", shapePayout(p), nil)
}

// movePayout writes a new status and tells of it; what ends here is not waited for any more.
func (st *Stripe) movePayout(t *tx, p *payout, status string) error {
	before := obj{"status": p.Status}
	p.Status = status
	put(t, st.payouts, p.ID, *p)
	st.unplan(t, "transit", p.ID)
	if status != "in_transit" {
		st.unplan(t, "arrive", p.ID)
	}
	return st.emitFor(t, p.Account, "payout.updated", shapePayout(*p), before)
}

// transit is the moment at which a payout is handed to the bank.
func (st *Stripe) transit(t *tx, id string) error {
	p, ok := st.payouts.rows[id]
	if !ok || p.Status != "pending" {
		return nil
	}
	return st.movePayout(t, &p, "in_transit")
}

// arrive ends a payout on its way: it is paid, or the bank account turns out to be wrong.
func (st *Stripe) arrive(t *tx, id string) error {
	st.unplan(t, "arrive", id)
	if err := st.transit(t, id); err != nil {
		return err
	}
	p, ok := st.payouts.rows[id]
	switch {
	case !ok || p.Status != "in_transit":
		return nil
	case p.Fails != "":
		return st.failPayout(t, p, p.Fails)
	}
	p.PaidAt = t.now.Unix()
	if err := st.movePayout(t, &p, "paid"); err != nil {
		return err
	}
	return st.emitFor(t, p.Account, "payout.paid", shapePayout(p), nil)
}

// failPayout gives the money back to the account's balance. Where the bank account is at fault, Stripe sends nothing
// more to it until the creator has given another one.
func (st *Stripe) failPayout(t *tx, p payout, code string) error {
	p.Failure = code
	p.FailureTxn = st.book(t, txn{Account: p.Account, Amount: p.Amount, Currency: p.Currency, Type: "payout_failure", Category: "payout_reversal", Source: p.ID, Description: "STRIPE PAYOUT FAILURE"})
	if err := st.movePayout(t, &p, "failed"); err != nil {
		return err
	}
	if err := st.emitFor(t, p.Account, "payout.failed", shapePayout(p), nil); err != nil {
		return err
	}
	a := st.accounts.rows[p.Account]
	if p.Account == "" || a.Gone != "" || bankStays[code] || a.Bank == nil || a.Bank.ID != p.Bank || a.Bank.Status == "errored" {
		return nil
	}
	return st.distrust(t, a, code)
}

// distrust marks a bank account as wrong.
func (st *Stripe) distrust(t *tx, a connected, code string) error {
	b := *a.Bank
	b.Status = "errored"
	a.Bank = &b
	a.Due, a.Past = with(a.Due, "external_account"), with(a.Past, "external_account")
	a.Problems = append(without(a.Problems, "external_account"), problem{"external_account", "external_account_invalid", payoutFailures[code]})
	if err := st.emitFor(t, a.ID, "account.external_account.updated", shapeBank(b, a.ID), obj{"status": "new"}); err != nil {
		return err
	}
	return st.changeAccount(t, a)
}

func shapePayout(p payout) obj {
	o := obj{"id": p.ID, "object": "payout", "amount": p.Amount, "arrival_date": p.Arrives, "automatic": false, "balance_transaction": p.Txn, "created": p.Created,
		"currency": p.Currency, "description": null(p.Note), "destination": p.Bank, "failure_balance_transaction": null(p.FailureTxn), "failure_code": null(p.Failure),
		"failure_message": null(payoutFailures[p.Failure]), "livemode": false, "metadata": metaOf(p.Meta), "method": "standard", "original_payout": nil,
		"reconciliation_status": "not_applicable", "reversed_by": nil, "source_type": "card", "statement_descriptor": null(p.Descriptor), "status": p.Status, "type": "bank_account"}
	return o
}
