package sandbox

import (
	"fmt"
	"net/http"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	ppBatchKeys  = 30 * 24 * time.Hour // for so long is a sender_batch_id refused a second time
	ppUnclaimed  = 30 * 24 * time.Hour // then what nobody claimed comes back
	ppBatchDelay = 2 * time.Second     // between a batch's coming and its being worked through
)

// ppBatch is one call of the Payouts API.
type ppBatch struct {
	ID        string   `json:"id"`
	Sender    string   `json:"sender,omitempty"` // sender_batch_id
	Subject   string   `json:"subject,omitempty"`
	Message   string   `json:"message,omitempty"`
	Status    string   `json:"status"` // PENDING, PROCESSING, SUCCESS, DENIED
	Currency  string   `json:"currency"`
	Created   int64    `json:"created"`
	Completed int64    `json:"completed,omitempty"`
	Items     []string `json:"items"`
}

// ppItem is one payout in a batch.
type ppItem struct {
	ID        string `json:"id"`
	Batch     string `json:"batch"`
	Txn       string `json:"txn,omitempty"`
	Status    string `json:"status"` // PENDING, SUCCESS, FAILED, UNCLAIMED, RETURNED, ONHOLD, BLOCKED, REFUNDED, REVERSED
	Kind      string `json:"kind"`
	Receiver  string `json:"receiver"`
	Amount    int64  `json:"amount"`
	Fee       int64  `json:"fee"`
	Sender    string `json:"sender,omitempty"` // sender_item_id
	Note      string `json:"note,omitempty"`
	Error     string `json:"error,omitempty"`
	Processed int64  `json:"processed,omitempty"`
	Out       bool   `json:"out,omitempty"`     // its money has left the balance
	FeeBack   bool   `json:"feeback,omitempty"` // and its fee came back
}

// ppFailures are the reasons that items carry, in PayPal's words.
var ppFailures = map[string]string{
	"RECEIVER_UNREGISTERED":        "The recipient for this payout does not have an account. A link to sign up for an account was sent to the recipient. However, if the recipient does not claim this payout within 30 days, the funds will be returned to your account.",
	"RECEIVER_UNCONFIRMED":         "The receiver's email is unconfirmed. Any payment made to this account will appear as UNCLAIMED until the receiver's account is confirmed. Payments will be returned if they are not claimed within 30 days.",
	"RECEIVER_ACCOUNT_LOCKED":      "Receiver's account is locked.",
	"RECEIVER_ACCOUNT_INVALID":     "Receiver's account is invalid.",
	"RECEIVER_COUNTRY_NOT_ALLOWED": "Receiver's country is not allowed.",
	"RECEIVER_REFUSED":             "The receiver has refused this payment.",
	"RISK_DECLINE":                 "This transaction was declined due to risk concerns.",
	"TRANSACTION_LIMIT_EXCEEDED":   "The sender's account exceeds the limit of a single payment.",
}

// ppReceivers is what happens to a payout by the name before the @, or before a plus there. Anybody else is paid.
var ppReceivers = map[string][2]string{
	"unclaimed": {"UNCLAIMED", "RECEIVER_UNREGISTERED"}, "unregistered": {"UNCLAIMED", "RECEIVER_UNREGISTERED"}, "unconfirmed": {"UNCLAIMED", "RECEIVER_UNCONFIRMED"},
	"locked": {"FAILED", "RECEIVER_ACCOUNT_LOCKED"}, "failed": {"FAILED", "RECEIVER_UNREGISTERED"}, "invalid": {"FAILED", "RECEIVER_ACCOUNT_INVALID"}, "country": {"FAILED", "RECEIVER_COUNTRY_NOT_ALLOWED"},
	"onhold": {"ONHOLD", ""}, "blocked": {"BLOCKED", "RISK_DECLINE"}, "pending": {"PENDING", ""},
}

type ppBatchIn struct {
	Header struct {
		Sender  string `json:"sender_batch_id"`
		Kind    string `json:"recipient_type"`
		Subject string `json:"email_subject"`
		Message string `json:"email_message"`
	} `json:"sender_batch_header"`
	Items []struct {
		Kind     string `json:"recipient_type"`
		Receiver string `json:"receiver"`
		Sender   string `json:"sender_item_id"`
		Note     string `json:"note"`
		Amount   struct {
			Currency string `json:"currency"`
			Value    string `json:"value"`
		} `json:"amount"`
	} `json:"items"`
}

func ppInvalid(field, issue string) *ppError {
	return ppOld("VALIDATION_ERROR", "Invalid request - see details", ppDetail{Field: field, Location: "body", Issue: issue})
}

func (pp *PayPal) batchURL(id string) string { return pp.URL() + "/v1/payments/payouts/" + id }

// createBatch takes payouts. The same sender_batch_id is refused for thirty days, and taken as new after that; a
// PayPal-Request-Id keeps nobody from paying twice here.
func (pp *PayPal) createBatch(c *ppCall) (ppReply, error) {
	var in ppBatchIn
	if err := c.read(&in); err != nil {
		return ppReply{}, err
	}
	if err := ppLongOld("sender_batch_header.sender_batch_id", in.Header.Sender, 256); err != nil {
		return ppReply{}, err
	}
	if e := pp.duplicate(c.t, in.Header.Sender); e != nil {
		return ppReply{}, e
	}
	b := ppBatch{ID: ppID(13), Sender: orElse(in.Header.Sender, "Payouts_"+ppID(8)), Subject: in.Header.Subject, Message: in.Header.Message, Status: "PENDING", Created: c.t.now.Unix()}
	items, err := in.read(&b)
	if err != nil {
		return ppReply{}, err
	}
	if !pp.affords(b.Currency, items) {
		return ppReply{}, &ppError{Status: http.StatusUnprocessableEntity, Name: "INSUFFICIENT_FUNDS", Message: "Sender does not have sufficient funds. Please add funds and retry.", Details: []ppDetail{}, Links: []obj{}}
	}
	for _, it := range items {
		put(c.t, pp.items, it.ID, it)
	}
	put(c.t, pp.batches, b.ID, b)
	pp.plan(c.t, "batch", b.ID, c.t.now.Add(ppBatchDelay))
	link := ppLink(pp.batchURL(b.ID), "self", "GET")
	link["encType"] = "application/json"
	return ppReply{Status: http.StatusCreated, Body: obj{"batch_header": obj{"payout_batch_id": b.ID, "batch_status": b.Status, "sender_batch_header": b.header()}, "links": []obj{link}}}, nil
}

func (pp *PayPal) duplicate(t *tx, sender string) *ppError {
	if sender == "" {
		return nil
	}
	for _, id := range slices.Backward(pp.batches.order) {
		old := pp.batches.rows[id]
		if old.Sender != sender || t.now.Sub(time.Unix(old.Created, 0)) >= ppBatchKeys {
			continue
		}
		link := ppLink(pp.batchURL(old.ID), "self", "GET")
		link["encType"] = "application/json"
		return ppOld("USER_BUSINESS_ERROR", "User business error.", ppDetail{Field: "SENDER_BATCH_ID", Location: "body", Issue: "Batch with given sender_batch_id already exists", Links: []obj{link}})
	}
	return nil
}

// ppLongOld is ppLong in the words of the v1 calls.
func ppLongOld(field, v string, most int) error {
	if len([]rune(v)) > most {
		return ppInvalid(field, fmt.Sprintf("Length cannot be more than %d", most))
	}
	return nil
}

// read checks the items and makes rows of them.
func (in ppBatchIn) read(b *ppBatch) ([]ppItem, error) {
	if n := len(in.Items); n == 0 || n > 15_000 {
		return nil, ppInvalid("items", "A batch has 1 to 15,000 items")
	}
	out := make([]ppItem, 0, len(in.Items))
	for i, it := range in.Items {
		at := fmt.Sprintf("items[%d]", i)
		kind := orElse(it.Kind, orElse(in.Header.Kind, "EMAIL"))
		if kind != "EMAIL" {
			return nil, ppInvalid(at+".recipient_type", "The sandbox pays to EMAIL only")
		}
		if a, err := mail.ParseAddress(it.Receiver); err != nil || a.Address != it.Receiver || len(it.Receiver) > 127 {
			return nil, ppInvalid(at+".receiver", "Receiver is invalid or does not match with recipient type")
		}
		if err := ppLongOld(at+".sender_item_id", it.Sender, 63); err != nil {
			return nil, err
		}
		if err := ppLongOld(at+".note", it.Note, 4000); err != nil {
			return nil, err
		}
		n, e := ppMoney{it.Amount.Currency, it.Amount.Value}.positive(at + ".amount")
		if e != nil {
			return nil, ppInvalid(at+".amount.value", e.Details[0].Description)
		}
		if i > 0 && it.Amount.Currency != b.Currency {
			return nil, ppInvalid(at+".amount.currency", "All items in a batch must have the same currency")
		}
		b.Currency = it.Amount.Currency
		row := ppItem{ID: ppID(13), Batch: b.ID, Status: "PENDING", Kind: kind, Receiver: it.Receiver, Amount: n, Fee: ppPayoutFee(b.Currency, n), Sender: it.Sender, Note: it.Note}
		out = append(out, row)
		b.Items = append(b.Items, row.ID)
	}
	return out, nil
}

// affords reports whether the balance covers these items beside those that already wait.
func (pp *PayPal) affords(cur string, items []ppItem) bool {
	has, _ := pp.purse(cur)
	for _, id := range pp.batches.order {
		if b := pp.batches.rows[id]; b.Status == "PENDING" && b.Currency == cur {
			for _, item := range b.Items {
				items = append(items, pp.items.rows[item])
			}
		}
	}
	for _, it := range items {
		has -= it.Amount + it.Fee
	}
	return has >= 0
}

// runBatch pays what waits in a batch, or denies all of it where the money is gone meanwhile.
func (pp *PayPal) runBatch(t *tx, id string) error {
	b := pp.batches.rows[id]
	b.Status = "PROCESSING"
	put(t, pp.batches, id, b)
	if err := pp.tellBatch(t, b); err != nil {
		return err
	}
	waiting := slices.DeleteFunc(pp.itemsOf(b), func(it ppItem) bool { return it.Processed != 0 })
	affordable := pp.affords(b.Currency, waiting)
	for _, it := range waiting { // what a test has moved on already stays where it is
		item, to, why := it.ID, "SUCCESS", ""
		name, _, _ := strings.Cut(it.Receiver, "@")
		name, _, _ = strings.Cut(strings.ToLower(name), "+")
		if r, special := ppReceivers[name]; special {
			to, why = r[0], r[1]
		}
		if !affordable {
			to, why = "FAILED", "INSUFFICIENT_FUNDS"
		}
		if err := pp.setItem(t, item, to, why); err != nil {
			return err
		}
	}
	b = pp.batches.rows[id]
	b.Status, b.Completed = "DENIED", t.now.Unix()
	if slices.ContainsFunc(pp.itemsOf(b), func(it ppItem) bool { return it.Status != "FAILED" }) {
		b.Status = "SUCCESS"
	}
	put(t, pp.batches, id, b)
	return pp.tellBatch(t, b)
}

func (pp *PayPal) itemsOf(b ppBatch) []ppItem {
	out := make([]ppItem, 0, len(b.Items))
	for _, id := range b.Items {
		out = append(out, pp.items.rows[id])
	}
	return out
}

// ppItemEvents are the words of events, which are not those of states. There is none for PENDING.
var ppItemEvents = map[string]string{"SUCCESS": "SUCCEEDED", "FAILED": "FAILED", "UNCLAIMED": "UNCLAIMED", "RETURNED": "RETURNED", "ONHOLD": "HELD", "BLOCKED": "BLOCKED", "REFUNDED": "REFUNDED",
	"REVERSED": "REFUNDED"}

// ppItemPaths are the states that may follow one another.
var ppItemPaths = map[string][]string{
	"PENDING":   {"PENDING", "SUCCESS", "FAILED", "UNCLAIMED", "ONHOLD", "BLOCKED"},
	"UNCLAIMED": {"SUCCESS", "RETURNED"},
	"ONHOLD":    {"SUCCESS", "FAILED", "BLOCKED", "RETURNED"},
	"BLOCKED":   {"SUCCESS", "RETURNED", "FAILED"},
	"SUCCESS":   {"REFUNDED", "REVERSED", "RETURNED"},
}

// SetItem moves a payout on: to SUCCESS, FAILED, PENDING, UNCLAIMED, RETURNED, ONHOLD, BLOCKED, REFUNDED or REVERSED.
// A reason is one of PayPal's, such as RECEIVER_ACCOUNT_LOCKED.
func (pp *PayPal) SetItem(item, state string, reason ...string) error {
	return pp.do(func(t *tx) error {
		it, ok := pp.items.rows[item]
		if !ok {
			return ppUnknown("payout item", item)
		}
		if !slices.Contains(ppItemPaths[it.Status], state) {
			return ppOld("ITEM_INCORRECT_STATUS", "A payout cannot go from "+it.Status+" to "+clip(state)+".")
		}
		return pp.setItem(t, item, state, strings.Join(reason, ""))
	})
}

// setItem moves a payout on and tells of it.
func (pp *PayPal) setItem(t *tx, id, state, why string) error {
	pp.shift(t, id, state, why)
	if name, told := ppItemEvents[state]; told {
		return pp.tellItem(t, id, name)
	}
	return nil
}

func (pp *PayPal) tellItem(t *tx, id, name string) error {
	it := pp.items.rows[id]
	return pp.emit(t, ppNews{Type: "PAYMENT.PAYOUTS-ITEM." + name, Kind: "payouts_item", About: id, Summary: "A payout item has the state " + it.Status, Resource: pp.shapeItem(it)})
}

// shift moves a payout on, and its money with it.
func (pp *PayPal) shift(t *tx, id, state, why string) {
	it := pp.items.rows[id]
	b := pp.batches.rows[it.Batch]
	it.Status, it.Error, it.Processed = state, why, t.now.Unix()
	pp.unplan(t, "unclaimed", id)
	switch state {
	case "SUCCESS", "UNCLAIMED", "ONHOLD", "BLOCKED", "PENDING":
		if !it.Out {
			it.Out, it.Txn = true, ppID(17)
			pp.book(t, ppTxn{ID: it.Txn, Code: "T0001", Amount: -it.Amount, Fee: -it.Fee, Currency: b.Currency, Custom: it.Sender, Subject: b.Subject, Note: it.Note, Payer: it.Receiver})
		}
		if state == "UNCLAIMED" {
			it.Error = orElse(it.Error, "RECEIVER_UNREGISTERED")
			pp.plan(t, "unclaimed", id, t.now.Add(ppUnclaimed))
		}
	default:
		pp.bringBack(t, &it, b)
	}
	put(t, pp.items, id, it)
}

// bringBack returns the money of a payout that did not arrive or did not stay. The fee comes back with what never
// reached anybody, and is kept where the receiver had the money.
func (pp *PayPal) bringBack(t *tx, it *ppItem, b ppBatch) {
	if !it.Out {
		return
	}
	it.Out = false
	x := ppTxn{Code: "T1115", Ref: it.Txn, RefType: "TXN", Amount: it.Amount, Currency: b.Currency, Custom: it.Sender, Subject: b.Subject, Payer: it.Receiver}
	switch it.Status {
	case "REVERSED":
		x.Code = "T1114"
	case "RETURNED", "FAILED":
		x.Fee, it.FeeBack = it.Fee, true
	}
	pp.book(t, x)
}

func (pp *PayPal) tellBatch(t *tx, b ppBatch) error {
	return pp.emit(t, ppNews{Type: "PAYMENT.PAYOUTSBATCH." + b.Status, Kind: "payouts", About: b.ID, Summary: "Payouts batch has the state " + b.Status,
		Resource: obj{"batch_header": pp.shapeHeader(b), "links": []obj{ppLink(pp.batchURL(b.ID), "self", "GET")}}})
}

func (b ppBatch) header() obj {
	h := obj{"sender_batch_id": b.Sender}
	if b.Subject != "" {
		h["email_subject"] = b.Subject
	}
	if b.Message != "" {
		h["email_message"] = b.Message
	}
	return h
}

func (pp *PayPal) shapeHeader(b ppBatch) obj {
	var sum, fees int64
	for _, it := range pp.itemsOf(b) {
		if it.Status == "FAILED" {
			continue
		}
		sum += it.Amount
		if !it.FeeBack {
			fees += it.Fee
		}
	}
	h := obj{"payout_batch_id": b.ID, "batch_status": b.Status, "time_created": ppStamp(b.Created), "sender_batch_header": b.header(), "funding_source": "BALANCE",
		"amount": ppOldAmount(sum, b.Currency), "fees": ppOldAmount(fees, b.Currency), "payments": len(b.Items)}
	if b.Completed != 0 {
		h["time_completed"] = ppStamp(b.Completed)
	}
	return h
}

func (pp *PayPal) itemURL(id string) string { return pp.URL() + "/v1/payments/payouts-item/" + id }

func (pp *PayPal) shapeItem(it ppItem) obj {
	b := pp.batches.rows[it.Batch]
	fee := it.Fee
	if it.FeeBack || it.Txn == "" {
		fee = 0
	}
	inner := obj{"recipient_type": it.Kind, "amount": ppOldAmount(it.Amount, b.Currency), "receiver": it.Receiver}
	if it.Sender != "" {
		inner["sender_item_id"] = it.Sender
	}
	if it.Note != "" {
		inner["note"] = it.Note
	}
	o := obj{"payout_item_id": it.ID, "transaction_status": it.Status, "payout_item_fee": ppOldAmount(fee, b.Currency), "payout_batch_id": it.Batch, "sender_batch_id": b.Sender, "payout_item": inner,
		"links": []obj{ppLink(pp.itemURL(it.ID), "item", "GET"), ppLink(pp.batchURL(it.Batch), "batch", "GET")}}
	if it.Txn != "" {
		o["transaction_id"], o["activity_id"] = it.Txn, "0E"+it.Txn[2:]
	}
	if it.Processed != 0 {
		o["time_processed"] = ppStamp(it.Processed)
	}
	if it.Error != "" {
		o["errors"] = obj{"name": it.Error, "message": orElse(ppFailures[it.Error], it.Error), "information_link": "https://developer.paypal.com/docs/api/payments.payouts-batch/#errors", "details": []obj{}, "links": []obj{}}
	}
	return o
}

func (pp *PayPal) getBatch(c *ppCall) (ppReply, error) {
	b, ok := pp.batches.rows[c.id]
	if !ok {
		return ppReply{}, ppMissing()
	}
	q := c.URL.Query()
	size, err1 := strconv.Atoi(orElse(q.Get("page_size"), "1000"))
	page, err2 := strconv.Atoi(orElse(q.Get("page"), "1"))
	if err1 != nil || err2 != nil || size < 1 || size > 1000 || page < 1 {
		return ppReply{}, ppInvalid("page", "Page and page size are positive; a page has at most 1,000 items")
	}
	all := []obj{}
	for _, it := range pp.itemsOf(b) {
		all = append(all, pp.shapeItem(it))
	}
	from := min((page-1)*size, len(all))
	pages := (len(all) + size - 1) / size
	link := ppLink(pp.batchURL(b.ID)+fmt.Sprintf("?page_size=%d&page=%d&total_required=true", size, page), "self", "GET")
	return ppReply{Status: http.StatusOK, Body: obj{"batch_header": pp.shapeHeader(b), "items": all[from:min(from+size, len(all))], "total_items": len(all), "total_pages": pages, "links": []obj{link}}}, nil
}

func (pp *PayPal) getItem(c *ppCall) (ppReply, error) {
	it, ok := pp.items.rows[c.id]
	if !ok {
		return ppReply{}, ppMissing()
	}
	return ppReply{Status: http.StatusOK, Body: pp.shapeItem(it)}, nil
}

// cancelItem takes back a payout that nobody has claimed yet.
func (pp *PayPal) cancelItem(c *ppCall) (ppReply, error) {
	it, ok := pp.items.rows[c.id]
	if !ok {
		return ppReply{}, ppMissing()
	}
	switch it.Status {
	case "UNCLAIMED":
	case "RETURNED":
		return ppReply{}, ppOld("ITEM_ALREADY_CANCELLED", "Item has already been cancelled")
	default:
		return ppReply{}, ppOld("ITEM_INCORRECT_STATUS", "Item is not in UNCLAIMED status")
	}
	pp.shift(c.t, it.ID, "RETURNED", it.Error)
	return ppReply{Status: http.StatusOK, Body: pp.shapeItem(pp.items.rows[it.ID])}, pp.tellItem(c.t, it.ID, "CANCELED")
}
