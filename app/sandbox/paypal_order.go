package sandbox

import (
	"net/http"
	"strings"
	"time"
)

// ppOpen is how long an order waits for a buyer.
const ppOpen = 3 * time.Hour

// ppOrder is what a buyer is asked to pay.
type ppOrder struct {
	ID       string   `json:"id"`
	Status   string   `json:"status"` // CREATED, PAYER_ACTION_REQUIRED, APPROVED, COMPLETED, VOIDED
	Created  int64    `json:"created"`
	Updated  int64    `json:"updated"`
	Gone     bool     `json:"gone,omitempty"` // nobody paid in time
	Units    []ppUnit `json:"units"`
	Source   bool     `json:"source,omitempty"` // payment_source.paypal was given
	Return   string   `json:"return,omitempty"`
	Cancel   string   `json:"cancel,omitempty"`
	Action   string   `json:"action,omitempty"` // PAY_NOW, CONTINUE
	Brand    string   `json:"brand,omitempty"`
	Locale   string   `json:"locale,omitempty"`
	Hint     string   `json:"hint,omitempty"`   // the buyer's address as the shop knows it
	Buyer    string   `json:"buyer,omitempty"`  // key of the account that approved
	Proved   bool     `json:"proved,omitempty"` // that buyer has confirmed what the bank asked
	Captures []string `json:"captures,omitempty"`
}

// ppUnit is one purchase unit. Amounts are kept as they were written.
type ppUnit struct {
	Reference   string       `json:"reference_id"`
	Custom      string       `json:"custom_id,omitempty"`
	Invoice     string       `json:"invoice_id,omitempty"`
	Description string       `json:"description,omitempty"`
	Soft        string       `json:"soft_descriptor,omitempty"`
	Amount      ppUnitAmount `json:"amount"`
	Items       []ppUnitItem `json:"items,omitempty"`
}

type ppUnitAmount struct {
	ppMoney
	Breakdown map[string]ppMoney `json:"breakdown,omitempty"`
}

type ppUnitItem struct {
	Name        string   `json:"name"`
	Quantity    string   `json:"quantity"`
	Unit        ppMoney  `json:"unit_amount"`
	Tax         *ppMoney `json:"tax,omitempty"`
	Description string   `json:"description,omitempty"`
	SKU         string   `json:"sku,omitempty"`
	Category    string   `json:"category,omitempty"`
	URL         string   `json:"url,omitempty"`
}

// minor is the unit's amount; it was checked when the order was made.
func (u ppUnit) minor() int64 {
	n, e := u.Amount.read("")
	if e != nil {
		panic(e)
	}
	return n
}

// total is the sum of an order; all units have one currency.
func (o ppOrder) total() (int64, string) {
	sum := int64(0)
	for _, u := range o.Units {
		sum += u.minor()
	}
	return sum, o.Units[0].Amount.Code
}

// over reports whether a buyer can do nothing more with it.
func (o ppOrder) over(now time.Time) bool {
	return o.Gone || o.Status == "VOIDED" || o.Status == "COMPLETED" || o.late(now)
}

// late: nobody approved in time. PayPal forgets such an order.
func (o ppOrder) late(now time.Time) bool {
	return (o.Status == "CREATED" || o.Status == "PAYER_ACTION_REQUIRED") && !now.Before(time.Unix(o.Created, 0).Add(ppOpen))
}

// ppContext is application_context, or what replaced it.
type ppContext struct {
	Return string `json:"return_url"`
	Cancel string `json:"cancel_url"`
	Action string `json:"user_action"`
	Brand  string `json:"brand_name"`
	Locale string `json:"locale"`
}

type ppOrderIn struct {
	Intent string     `json:"intent"`
	Units  []ppUnit   `json:"purchase_units"`
	Old    *ppContext `json:"application_context"`
	Source *struct {
		PayPal *struct {
			Context ppContext `json:"experience_context"`
			Email   string    `json:"email_address"`
		} `json:"paypal"`
	} `json:"payment_source"`
}

func (pp *PayPal) createOrder(c *ppCall) (ppReply, error) {
	var in ppOrderIn
	if err := c.read(&in); err != nil {
		return ppReply{}, err
	}
	if e := in.check(c); e != nil {
		return ppReply{}, e
	}
	now := c.t.now.Unix()
	o := ppOrder{ID: ppID(17), Status: "CREATED", Created: now, Updated: now, Units: in.Units}
	var ctx ppContext
	if in.Old != nil {
		ctx = *in.Old
	}
	if in.Source != nil {
		o.Source, o.Status, o.Hint, ctx = true, "PAYER_ACTION_REQUIRED", in.Source.PayPal.Email, in.Source.PayPal.Context
	}
	o.Return, o.Cancel, o.Action, o.Brand, o.Locale = ctx.Return, ctx.Cancel, orElse(ctx.Action, "CONTINUE"), ctx.Brand, ctx.Locale
	for i := range o.Units {
		o.Units[i].Reference = orElse(o.Units[i].Reference, "default")
	}
	put(c.t, pp.orders, o.ID, o)
	status := http.StatusCreated
	if o.Source {
		status = http.StatusOK // as PayPal: what waits for its payer is not 201
	}
	return ppReply{status, pp.shapeOrder(o, c.full()), "order:" + o.ID}, nil
}

func (pp *PayPal) order(c *ppCall) (ppOrder, error) {
	o, ok := pp.orders.rows[c.id]
	if !ok || o.Gone || o.late(c.t.now) {
		return o, ppMissing()
	}
	return o, nil
}

func (pp *PayPal) getOrder(c *ppCall) (ppReply, error) {
	o, err := pp.order(c)
	if err != nil {
		return ppReply{}, err
	}
	return ppReply{Status: http.StatusOK, Body: pp.shapeOrder(o, true)}, nil
}

func (pp *PayPal) approveURL(o ppOrder) string {
	return pp.srv.base + "/paypal/checkoutnow?token=" + o.ID
}

func (pp *PayPal) selfURL(o ppOrder) string { return pp.URL() + "/v2/checkout/orders/" + o.ID }

func (pp *PayPal) shapeOrder(o ppOrder, full bool) obj {
	out := obj{"id": o.ID, "status": o.Status}
	links := []obj{ppLink(pp.selfURL(o), "self", "GET")}
	switch {
	case o.Status == "COMPLETED" || o.Status == "VOIDED":
	case o.Status == "APPROVED":
		links = append(links, ppLink(pp.selfURL(o)+"/capture", "capture", "POST"))
	case o.Source:
		links = append(links, ppLink(pp.approveURL(o), "payer-action", "GET"))
	default:
		links = append(links, ppLink(pp.approveURL(o), "approve", "GET"), ppLink(pp.selfURL(o)+"/capture", "capture", "POST"))
	}
	out["links"] = links
	b, paid := buyerOf(o.Buyer)
	if o.Source && !paid {
		out["payment_source"] = obj{"paypal": obj{}}
	}
	if paid {
		out["payer"] = b.payer()
		out["payment_source"] = obj{"paypal": obj{"email_address": b.Email, "account_id": b.ID, "account_status": "VERIFIED", "name": obj{"given_name": b.Given, "surname": b.Surname}, "address": obj{"country_code": b.Country}}}
	}
	if !full {
		return out
	}
	out["intent"], out["create_time"] = "CAPTURE", ppStamp(o.Created)
	if o.Updated != o.Created {
		out["update_time"] = ppStamp(o.Updated)
	}
	units := []obj{}
	for i, u := range o.Units {
		units = append(units, pp.shapeUnit(o, i, u))
	}
	out["purchase_units"] = units
	return out
}

func (pp *PayPal) shapeUnit(o ppOrder, i int, u ppUnit) obj {
	amount := obj{"currency_code": u.Amount.Code, "value": ppDecimal(u.minor(), u.Amount.Code)}
	if u.Amount.Breakdown != nil {
		amount["breakdown"] = u.Amount.Breakdown
	}
	one := obj{"reference_id": u.Reference, "amount": amount, "payee": obj{"email_address": paypalSeller, "merchant_id": PayPalMerchant}}
	for k, v := range map[string]string{"custom_id": u.Custom, "invoice_id": u.Invoice, "description": u.Description, "soft_descriptor": u.Soft} {
		if v != "" {
			one[k] = v
		}
	}
	if len(u.Items) > 0 {
		one["items"] = u.Items
	}
	if i < len(o.Captures) {
		one["payments"] = pp.shapePayments(o.Captures[i])
	}
	return one
}

// shapePayments are the capture of a unit and what was given back of it.
func (pp *PayPal) shapePayments(capture string) obj {
	c := pp.captures.rows[capture]
	p := obj{"captures": []obj{pp.shapeCapture(c)}}
	back := []obj{}
	for _, id := range pp.refunds.order {
		if r := pp.refunds.rows[id]; r.Capture == capture {
			back = append(back, pp.shapeRefund(r, true))
		}
	}
	if len(back) > 0 {
		p["refunds"] = back
	}
	return p
}

// shapeCaptured is the answer to a capture: a short order, but the captures are whole.
func (pp *PayPal) shapeCaptured(o ppOrder, full bool) obj {
	out := pp.shapeOrder(o, full)
	if full {
		return out
	}
	units := []obj{}
	for i, u := range o.Units {
		one := obj{"reference_id": u.Reference}
		if i < len(o.Captures) {
			one["payments"] = pp.shapePayments(o.Captures[i])
		}
		units = append(units, one)
	}
	out["purchase_units"] = units
	return out
}

// captureOrder takes the money of an order that its buyer has approved.
func (pp *PayPal) captureOrder(c *ppCall) (ppReply, error) {
	o, err := pp.order(c)
	if err != nil {
		return ppReply{}, err
	}
	if err := c.read(&struct{}{}); err != nil {
		return ppReply{}, err
	}
	if e := pp.capturable(o); e != nil {
		return ppReply{}, e
	}
	b, _ := buyerOf(o.Buyer)
	if b.Does == "confirm" && !o.Proved {
		o.Status, o.Updated = "PAYER_ACTION_REQUIRED", c.t.now.Unix()
		put(c.t, pp.orders, o.ID, o)
		e := ppNo("", "PAYER_ACTION_REQUIRED", "Payer needs to perform the following action before proceeding with payment.")
		e.Kept, e.Links = true, []obj{ppLink(pp.approveURL(o), "payer-action", "GET")}
		return ppReply{}, e
	}
	o.Status, o.Updated = "COMPLETED", c.t.now.Unix()
	for _, u := range o.Units {
		id, err := pp.take(c.t, o, u, b)
		if err != nil {
			return ppReply{}, err
		}
		o.Captures = append(o.Captures[:len(o.Captures):len(o.Captures)], id)
	}
	put(c.t, pp.orders, o.ID, o)
	return ppReply{http.StatusCreated, pp.shapeCaptured(o, c.full()), "captured:" + o.ID}, nil
}

// capturable says why an order cannot be captured; nil when it can.
func (pp *PayPal) capturable(o ppOrder) *ppError {
	switch o.Status {
	case "COMPLETED":
		return ppNo("", "ORDER_ALREADY_CAPTURED", "Order already captured. If 'intent=CAPTURE' only one capture per order is allowed.")
	case "VOIDED":
		return ppNo("", "ORDER_VOIDED", "Order has been voided and hence cannot be captured.")
	case "CREATED", "PAYER_ACTION_REQUIRED":
		e := ppNo("", "ORDER_NOT_APPROVED", "Payer has not yet approved the Order for payment. Please redirect the payer to the 'rel':'approve' url returned as part of the HATEOAS links within the Create Order call or provide a valid payment_source in the request.")
		if o.Buyer != "" {
			e = ppNo("", "PAYER_ACTION_REQUIRED", "Payer needs to perform the following action before proceeding with payment.")
			e.Links = []obj{ppLink(pp.approveURL(o), "payer-action", "GET")}
		}
		return e
	}
	if b, _ := buyerOf(o.Buyer); b.Does == "decline" {
		e := ppNo("", "INSTRUMENT_DECLINED", "The instrument presented was either declined by the processor or bank, or it can't be used for this payment.")
		e.Links = []obj{ppLink(pp.approveURL(o), "redirect", "GET")}
		return e
	}
	for _, u := range o.Units {
		if u.Invoice != "" && pp.invoiced(u.Invoice) {
			return ppNo("/purchase_units/@reference_id=='"+u.Reference+"'/invoice_id", "DUPLICATE_INVOICE_ID", "Duplicate Invoice ID detected. To avoid a potential duplicate transaction your account setting requires that Invoice Id be unique for each transaction.")
		}
	}
	return nil
}

func (pp *PayPal) invoiced(invoice string) bool {
	for _, c := range pp.captures.rows {
		if strings.EqualFold(c.Invoice, invoice) && c.Status != "DECLINED" {
			return true
		}
	}
	return false
}
