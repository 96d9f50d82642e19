package sandbox

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	mrand "math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// Defaults for what Options leaves empty.
const (
	DefaultPayPalID     = "AVitrineSandboxClientAVitrineSandboxClient"
	DefaultPayPalSecret = "EVitrineSandboxSecret"
	// PayPalWebhookID is the number of the webhook that SetWebhook sets; what is sent there is signed with it.
	PayPalWebhookID = "0VITRINE0SANDBOX0"
	// PayPalMerchant is the platform's own account.
	PayPalMerchant = "VITRINESANDBX"
)

const paypalSeller = "shop@vitrine.test"

// PayPal stands in for PayPal's REST API: orders, payments, disputes, payouts, the transaction search, and webhooks
// that are signed by a certificate of its own.
type PayPal struct {
	srv *Server
	db  *store

	tokens   *table[ppToken]
	orders   *table[ppOrder]
	captures *table[ppCapture]
	refunds  *table[ppRefund]
	disputes *table[ppDispute]
	batches  *table[ppBatch]
	items    *table[ppItem]
	txns     *table[ppTxn]
	hooks    *table[ppHook]
	events   *table[ppEvent]
	sendings *table[sending]
	answers  *table[ppAnswer]
	dues     *table[due]
	keys     *table[ppKeys]

	post     *ppPostman
	faults   faults
	recorder recorder
	rng      *mrand.Rand // under db.mu; for faults only
	settings ppSettings  // under db.mu
}

// ppSettings are what tests switch.
type ppSettings struct {
	Webhooks WebhookFaults
	Lag      time.Duration // so much later does the transaction search know of a movement
}

func newPayPal(srv *Server, db *store, seed uint64) *PayPal {
	pp := &PayPal{srv: srv, db: db, rng: mrand.New(mrand.NewPCG(seed, 4))}
	pp.tokens = newLoose[ppToken](db, "pp_token")
	pp.orders = newTable[ppOrder](db, "pp_order")
	pp.captures = newTable[ppCapture](db, "pp_capture")
	pp.refunds = newTable[ppRefund](db, "pp_refund")
	pp.disputes = newTable[ppDispute](db, "pp_dispute")
	pp.batches = newTable[ppBatch](db, "pp_batch")
	pp.items = newTable[ppItem](db, "pp_item")
	pp.txns = newTable[ppTxn](db, "pp_txn")
	pp.hooks = newTable[ppHook](db, "pp_hook")
	pp.events = newTable[ppEvent](db, "pp_event")
	pp.sendings = newTable[sending](db, "pp_sending")
	pp.answers = newLoose[ppAnswer](db, "pp_answer")
	pp.dues = newLoose[due](db, "pp_due")
	pp.keys = newTable[ppKeys](db, "pp_keys")
	pp.faults.rng = mrand.New(mrand.NewPCG(seed, 5))
	pp.faults.busy = map[string]bool{}
	pp.post = newPPPostman(pp)
	return pp
}

// URL is the base address for the product's client; ClientID, Secret and WebhookID are what it is configured with.
func (pp *PayPal) URL() string       { return pp.srv.base + "/paypal" }
func (pp *PayPal) ClientID() string  { return pp.srv.opt.PayPalClientID }
func (pp *PayPal) Secret() string    { return pp.srv.opt.PayPalSecret }
func (pp *PayPal) WebhookID() string { return PayPalWebhookID }

func (pp *PayPal) do(fn func(*tx) error) error {
	err := pp.db.do(pp.srv.Now, fn)
	pp.post.wake()
	return err
}

// worthKeeping is what Server.worthKeeping is for Stripe's rows.
func (pp *PayPal) worthKeeping(kind, id string, now time.Time) bool {
	month := now.AddDate(0, 0, -30).Unix()
	switch kind {
	case "pp_event":
		return pp.events.rows[id].Created >= month
	case "pp_sending":
		e, ok := pp.events.rows[pp.sendings.rows[id].Event]
		return ok && e.Created >= month
	case "pp_answer":
		return !pp.answers.rows[id].forgotten(now)
	case "pp_token":
		return pp.tokens.rows[id].Until > now.Unix()
	}
	return true
}

const capitals = "ABCDEFGHJKLMNPQRSTUVWXY0123456789"

// ppID is a number as PayPal makes them: capitals and digits.
func ppID(n int) string {
	var b strings.Builder
	size := big.NewInt(int64(len(capitals)))
	for range n {
		i, err := rand.Int(rand.Reader, size)
		if err != nil {
			panic(err) // the system has no randomness
		}
		b.WriteByte(capitals[i.Int64()])
	}
	return b.String()
}

func (pp *PayPal) plan(t *tx, what, id string, at time.Time) {
	put(t, pp.dues, what+":"+id, due{at.Unix(), what, id})
}

func (pp *PayPal) unplan(t *tx, what, id string) { drop(t, pp.dues, what+":"+id) }

// sweep does what is due.
func (pp *PayPal) sweep() error {
	now := pp.srv.Now()
	var ready []due
	old := false
	pp.db.see(func() {
		for _, k := range pp.dues.ids() {
			if d := pp.dues.rows[k]; d.At <= now.Unix() {
				ready = append(ready, d)
			}
		}
		for _, a := range pp.answers.rows {
			old = old || a.forgotten(now)
		}
		for _, k := range pp.tokens.rows {
			old = old || k.Until <= now.Unix()
		}
	})
	for _, d := range ready {
		err := pp.do(func(t *tx) error {
			if _, still := pp.dues.rows[d.What+":"+d.ID]; !still {
				return nil
			}
			return pp.happen(t, d)
		})
		if err != nil {
			return err
		}
	}
	if !old {
		return nil
	}
	return pp.do(func(t *tx) error {
		for _, k := range pp.answers.ids() {
			if pp.answers.rows[k].forgotten(t.now) {
				drop(t, pp.answers, k)
			}
		}
		for _, k := range pp.tokens.ids() {
			if pp.tokens.rows[k].Until <= t.now.Unix() {
				drop(t, pp.tokens, k)
			}
		}
		return nil
	})
}

func (pp *PayPal) happen(t *tx, d due) error {
	pp.unplan(t, d.What, d.ID)
	switch d.What {
	case "settle":
		return pp.settle(t, d.ID)
	case "refund":
		return pp.finishRefund(t, d.ID)
	case "dispute":
		_, err := pp.open(t, ppDispute{Capture: d.ID, Reason: "MERCHANDISE_OR_SERVICE_NOT_RECEIVED", Stage: "CHARGEBACK"})
		return err
	case "overdue":
		return pp.decide(t, d.ID, "RESOLVED_BUYER_FAVOUR")
	case "batch":
		return pp.runBatch(t, d.ID)
	case "unclaimed":
		return pp.setItem(t, d.ID, "RETURNED", "")
	}
	return nil
}

// Settle ends a pending capture now, or all of them when capture is "". It answers how many.
func (pp *PayPal) Settle(capture string) (int, error) { return pp.hurry("settle", capture) }

// SettleRefunds ends a pending refund now, or all of them.
func (pp *PayPal) SettleRefunds(refund string) (int, error) { return pp.hurry("refund", refund) }

// SettlePayouts works through a batch of payouts now, or through all that wait.
func (pp *PayPal) SettlePayouts(batch string) (int, error) { return pp.hurry("batch", batch) }

func (pp *PayPal) hurry(what, id string) (int, error) {
	n := 0
	err := pp.do(func(t *tx) error {
		for _, k := range pp.dues.ids() {
			d := pp.dues.rows[k]
			if d.What != what || (id != "" && d.ID != id) {
				continue
			}
			if err := pp.happen(t, d); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

// ppStamp writes a moment as PayPal does.
func ppStamp(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }

// ppLink is one of the links that PayPal's answers carry.
func ppLink(href, rel, method string) obj { return obj{"href": href, "rel": rel, "method": method} }

// ppDetail is one line of an error.
type ppDetail struct {
	Field, Value, Location, Issue, Description string
	Links                                      []obj // payouts v1 points at the batch that exists
}

// ppError is an answer in the shape of PayPal's errors.
type ppError struct {
	Status  int
	Name    string
	Message string
	Details []ppDetail
	Links   []obj
	Kept    bool // the change stands
}

func (e *ppError) Error() string {
	if len(e.Details) > 0 {
		return e.Name + " " + e.Details[0].Issue
	}
	return e.Name + ": " + e.Message
}
func (e *ppError) keep() bool { return e.Kept }

func (e *ppError) body(debugID string) obj {
	o := obj{"name": e.Name, "message": e.Message, "debug_id": debugID}
	if e.Details != nil {
		out := []obj{}
		for _, d := range e.Details {
			one := obj{"issue": d.Issue}
			for k, v := range map[string]string{"field": d.Field, "value": d.Value, "location": d.Location, "description": d.Description} {
				if v != "" {
					one[k] = v
				}
			}
			if d.Links != nil {
				one["link"] = d.Links
			}
			out = append(out, one)
		}
		o["details"] = out
	}
	if e.Links != nil {
		o["links"] = e.Links
	}
	return o
}

// ppBad is a request that breaks the schema.
func ppBad(field, value, issue, description string) *ppError {
	return &ppError{Status: http.StatusBadRequest, Name: "INVALID_REQUEST", Message: "Request is not well-formed, syntactically incorrect, or violates schema.",
		Details: []ppDetail{{Field: field, Value: value, Location: "body", Issue: issue, Description: description}}}
}

// ppNo is a request that is well-formed, but cannot be done.
func ppNo(field, issue, description string) *ppError {
	return &ppError{Status: http.StatusUnprocessableEntity, Name: "UNPROCESSABLE_ENTITY",
		Message: "The requested action could not be performed, semantically incorrect, or failed business validation.",
		Details: []ppDetail{{Field: field, Issue: issue, Description: description}}}
}

func ppMissing() *ppError {
	return &ppError{Status: http.StatusNotFound, Name: "RESOURCE_NOT_FOUND", Message: "The specified resource does not exist.",
		Details: []ppDetail{{Issue: "INVALID_RESOURCE_ID", Description: "Specified resource ID does not exist. Please check the resource ID and try again."}}}
}

// ppUnknown is what the Go methods say where the API would answer 404.
func ppUnknown(kind, id string) error {
	e := ppMissing()
	e.Message = fmt.Sprintf("No such %s: %s", kind, clip(id))
	return e
}

// ppControl turns an error of the API into what /control answers.
func ppControl(err error) error {
	var e *ppError
	if !errors.As(err, &e) {
		return err
	}
	code := e.Name
	if len(e.Details) > 0 {
		code = e.Details[0].Issue
	}
	return &apiError{Status: e.Status, Code: code, Message: e.Message}
}
