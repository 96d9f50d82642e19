package sandbox

import (
	"crypto/rand"
	"encoding/json"
	"math/big"
	mrand "math/rand/v2"
	"strings"
	"time"
)

// APIVersion is the only one the stand-in speaks: that of stripe-go v76.
const APIVersion = "2023-10-16"

// Stripe stands in for Stripe: it keeps payments, moves money and sends signed events.
type Stripe struct {
	srv *Server
	db  *store
	key string

	sessions  *table[session]
	intents   *table[intent]
	charges   *table[charge]
	refunds   *table[refund]
	txns      *table[txn]
	customers *table[customer]
	disputes  *table[dispute]
	hooks     *table[hook]
	events    *table[event]
	sendings  *table[sending]
	answers   *table[answer]
	dues      *table[due]

	accounts  *table[connected]
	links     *table[link]
	transfers *table[transfer]
	reversals *table[reversal]
	payouts   *table[payout]
	warnings  *table[warning]
	uploads   *table[upload]

	post     *postman
	faults   faults
	recorder recorder
	rng      *mrand.Rand // under db.mu; for faults only
	settings settings    // under db.mu
}

// settings are what tests switch.
type settings struct {
	Webhooks     WebhookFaults
	AllowHighest bool // let cards of the highest risk through, as an account can choose
}

func newStripe(srv *Server, db *store, seed uint64) *Stripe {
	st := &Stripe{srv: srv, db: db, key: srv.opt.StripeKey, rng: mrand.New(mrand.NewPCG(seed, 2))}
	st.sessions = newTable[session](db, "session")
	st.intents = newTable[intent](db, "intent")
	st.charges = newTable[charge](db, "charge")
	st.refunds = newTable[refund](db, "refund")
	st.txns = newTable[txn](db, "txn")
	st.customers = newTable[customer](db, "customer")
	st.disputes = newTable[dispute](db, "dispute")
	st.hooks = newTable[hook](db, "hook")
	st.events = newTable[event](db, "event")
	st.sendings = newTable[sending](db, "sending")
	st.answers = newLoose[answer](db, "answer")
	st.dues = newLoose[due](db, "due")
	st.accounts = newTable[connected](db, "account")
	st.links = newLoose[link](db, "link")
	st.transfers = newTable[transfer](db, "transfer")
	st.reversals = newTable[reversal](db, "reversal")
	st.payouts = newTable[payout](db, "payout")
	st.warnings = newTable[warning](db, "warning")
	st.uploads = newTable[upload](db, "file")
	st.faults.rng = mrand.New(mrand.NewPCG(seed, 3))
	st.faults.busy = map[string]bool{}
	st.post = newPostman(st)
	return st
}

// URL is the base for stripe-go's backend; Key and WebhookSecret are what the product is configured with.
func (st *Stripe) URL() string           { return st.srv.base + "/stripe" }
func (st *Stripe) Key() string           { return st.key }
func (st *Stripe) WebhookSecret() string { return st.srv.opt.WebhookSecret }

func (st *Stripe) payURL(session string) string { return st.srv.base + "/stripe/pay/" + session }

func (st *Stripe) do(fn func(*tx) error) error {
	err := st.db.do(st.srv.Now, fn)
	st.post.wake()
	return err
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func random(n int) string {
	var b strings.Builder
	size := big.NewInt(int64(len(letters)))
	for range n {
		i, err := rand.Int(rand.Reader, size)
		if err != nil {
			panic(err) // the system has no randomness
		}
		b.WriteByte(letters[i.Int64()])
	}
	return b.String()
}

func newID(prefix string) string { return prefix + "_1" + random(23) }

// Balance is what the platform holds in one currency.
type Balance struct {
	Currency           string
	Pending, Available int64
}

// Balance is what the platform has in currency.
func (st *Stripe) Balance(currency string) Balance { return st.BalanceOf("", currency) }

// BalanceOf sums every balance transaction of a connected account in currency; account "" is the platform.
func (st *Stripe) BalanceOf(account, currency string) Balance {
	b := Balance{Currency: strings.ToLower(currency)}
	now := st.srv.Now().Unix()
	st.db.see(func() {
		if has, ok := st.purses(account, now)[b.Currency]; ok {
			b = has
		}
	})
	return b
}

// due is something that happens by itself when the clock gets there.
type due struct {
	At   int64  `json:"at"`
	What string `json:"what"` // expire, settle, refund, dispute, transit, arrive, deadline, inquiry, warn, evidence, verified
	ID   string `json:"id"`
}

func (st *Stripe) plan(t *tx, what, id string, at time.Time) {
	put(t, st.dues, what+":"+id, due{at.Unix(), what, id})
}

func (st *Stripe) unplan(t *tx, what, id string) { drop(t, st.dues, what+":"+id) }

// sweep does what is due.
func (st *Stripe) sweep() error {
	now := st.srv.Now()
	var ready []due
	old := false
	st.db.see(func() {
		for _, k := range st.dues.ids() {
			if d := st.dues.rows[k]; d.At <= now.Unix() {
				ready = append(ready, d)
			}
		}
		for _, a := range st.answers.rows {
			if a.forgotten(now) {
				old = true
				break
			}
		}
	})
	for _, d := range ready {
		err := st.do(func(t *tx) error {
			if _, still := st.dues.rows[d.What+":"+d.ID]; !still {
				return nil
			}
			return st.happen(t, d)
		})
		if err != nil {
			return err
		}
	}
	if !old {
		return nil
	}
	return st.do(func(t *tx) error {
		for _, k := range st.answers.ids() {
			if st.answers.rows[k].forgotten(t.now) {
				drop(t, st.answers, k)
			}
		}
		return nil
	})
}

func (st *Stripe) happen(t *tx, d due) error {
	st.unplan(t, d.What, d.ID)
	switch d.What {
	case "expire":
		return st.expireSession(t, d.ID)
	case "settle":
		return st.settle(t, d.ID)
	case "refund":
		return st.finishRefund(t, d.ID)
	case "dispute":
		return st.openDispute(t, d.ID, st.charges.rows[d.ID].Method.card().Dispute, 0)
	case "inquiry":
		return st.openInquiry(t, d.ID, "fraudulent")
	case "warn":
		_, err := st.warn(t, d.ID, "unauthorized_use_of_card")
		return err
	case "evidence":
		return st.silence(t, d.ID)
	case "transit":
		return st.transit(t, d.ID)
	case "arrive":
		return st.arrive(t, d.ID)
	case "verified":
		return st.verified(t, d.ID)
	case "deadline":
		return st.overdue(t, d.ID)
	}
	return nil
}

// Settle ends a delayed payment now, or all of them when paymentIntent is "". It answers how many.
func (st *Stripe) Settle(paymentIntent string) (int, error) {
	return st.hurry("settle", paymentIntent)
}

// SettleRefunds ends pending refunds, and takes back those that fail later.
func (st *Stripe) SettleRefunds() (int, error) { return st.hurry("refund", "") }

func (st *Stripe) hurry(what, id string) (int, error) {
	n := 0
	err := st.do(func(t *tx) error {
		for _, k := range st.dues.ids() {
			d := st.dues.rows[k]
			if d.What != what || (id != "" && d.ID != id) {
				continue
			}
			if err := st.happen(t, d); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

// emit records an event of the platform's own and queues it for every endpoint that wants it.
func (st *Stripe) emit(t *tx, kind string, object, previous obj) error {
	return st.emitFor(t, "", kind, object, previous)
}

// emitFor records an event of a connected account; one that has gone away tells the platform nothing more.
func (st *Stripe) emitFor(t *tx, account, kind string, object, previous obj) error {
	if gone := st.accounts.rows[account].Gone; gone != "" && kind != "account.application.deauthorized" {
		return nil
	}
	if st.settings.Webhooks.loses(st.rng, kind) {
		return nil
	}
	data := obj{"object": object}
	if previous != nil {
		data["previous_attributes"] = previous
	}
	raw, err := json.Marshal(data)
	if err != nil {
		return err
	}
	e := event{ID: newID("evt"), Created: t.now.Unix(), Type: kind, Data: raw, Request: t.req.ID, Key: t.req.Key, Account: account}
	put(t, st.events, e.ID, e)
	for _, id := range st.hooks.order {
		if h := st.hooks.rows[id]; h.wants(e) {
			st.enqueue(t, e, h)
		}
	}
	return nil
}
