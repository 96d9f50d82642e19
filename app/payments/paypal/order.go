package paypal

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"vitrine/app/id"
	"vitrine/app/money"
	"vitrine/app/payments"
)

// order is what a buyer is asked to pay, as PayPal shows it.
type order struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Units  []struct {
		Custom   string `json:"custom_id"`
		Amount   value  `json:"amount"`
		Payments struct {
			Captures []capture `json:"captures"`
			Refunds  []refund  `json:"refunds"`
		} `json:"payments"`
	} `json:"purchase_units"`
	Payer struct {
		ID      string `json:"payer_id"`
		Address struct {
			Country string `json:"country_code"`
		} `json:"address"`
	} `json:"payer"`
	Links []link `json:"links"`
}

// capture is money that was taken, or is on its way.
type capture struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Details struct {
		Reason string `json:"reason"`
	} `json:"status_details"`
	Amount value  `json:"amount"`
	Custom string `json:"custom_id"`
	More   struct {
		Related struct {
			Order string `json:"order_id"`
		} `json:"related_ids"`
	} `json:"supplementary_data"`
	Links []link `json:"links"`
}

// refund is a part of a capture that goes back.
type refund struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Details struct {
		Reason string `json:"reason"`
	} `json:"status_details"`
	Amount  value     `json:"amount"`
	Custom  string    `json:"custom_id"`
	Created time.Time `json:"create_time"`
	Links   []link    `json:"links"`
}

type item struct {
	Name     string `json:"name"`
	Quantity string `json:"quantity"`
	Unit     value  `json:"unit_amount"`
}

type unitAmount struct {
	value
	Breakdown map[string]value `json:"breakdown,omitempty"`
}

type unitIn struct {
	Custom      string     `json:"custom_id"`
	Invoice     string     `json:"invoice_id"`
	Description string     `json:"description,omitempty"`
	Soft        string     `json:"soft_descriptor,omitempty"`
	Amount      unitAmount `json:"amount"`
	Items       []item     `json:"items,omitempty"`
}

type experience struct {
	ReturnURL string `json:"return_url"`
	CancelURL string `json:"cancel_url"`
	Action    string `json:"user_action"`
	Shipping  string `json:"shipping_preference"`
	Landing   string `json:"landing_page"`
	Locale    string `json:"locale,omitempty"`
	Brand     string `json:"brand_name,omitempty"`
}

type orderIn struct {
	Intent string   `json:"intent"`
	Units  []unitIn `json:"purchase_units"`
	Source struct {
		PayPal struct {
			Email   string     `json:"email_address,omitempty"`
			Context experience `json:"experience_context"`
		} `json:"paypal"`
	} `json:"payment_source"`
}

// Begin makes the order and answers where its buyer agrees to it. PayPal knows the key for six hours. An order that
// is made after that stands beside one that nobody was ever shown, and that nobody can pay.
func (c *Client) Begin(ctx context.Context, in payments.BeginInput) (payments.Session, error) {
	o, err := request(in)
	if err != nil {
		return payments.Session{}, err
	}
	var out order
	if err := c.call(ctx, http.MethodPost, "/v2/checkout/orders", in.Key(), o, &out); err != nil {
		return payments.Session{}, err
	}
	s, err := session(out)
	s.ExpiresAt = in.ExpiresAt
	return s, err
}

func request(in payments.BeginInput) (orderIn, error) {
	total, err := amount(in.Total)
	if err != nil {
		return orderIn{}, err
	}
	u := unitIn{Custom: in.Checkout.String(), Invoice: in.Checkout.String(), Soft: clip(ascii(in.Shop), 22), Amount: unitAmount{value: total}}
	sum := money.Amount{Currency: in.Total.Currency}
	var names []string
	for _, l := range in.Lines {
		unit, err := amount(l.Unit)
		if err != nil {
			return orderIn{}, err
		}
		sum = sum.Add(l.Unit.Times(int64(l.Quantity)))
		names = append(names, l.Name)
		u.Items = append(u.Items, item{Name: clip(l.Name, 127), Quantity: strconv.Itoa(l.Quantity), Unit: unit})
	}
	if sum == in.Total && len(u.Items) > 0 {
		u.Amount.Breakdown = map[string]value{"item_total": total}
	} else { // PayPal wants parts to come to the whole
		u.Items = nil
	}
	u.Description = clip(strings.Join(names, ", "), 127)
	o := orderIn{Intent: "CAPTURE", Units: []unitIn{u}}
	o.Source.PayPal.Email = in.Email
	o.Source.PayPal.Context = experience{ReturnURL: in.SuccessURL, CancelURL: in.CancelURL, Action: "PAY_NOW", Shipping: "NO_SHIPPING", Landing: "NO_PREFERENCE",
		Locale: locale(in.Locale), Brand: clip(in.Shop, 127)}
	return o, nil
}

// clip cuts a text where PayPal would refuse it.
func clip(s string, most int) string {
	r := []rune(strings.TrimSpace(s))
	if len(r) > most {
		r = append(r[:most-1], '…')
	}
	return string(r)
}

// ascii keeps what may stand on a card's statement.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune("-*. ", r) {
			return r
		}
		return -1
	}, s)
}

// locale is the language of PayPal's pages; what is not a plain one is left to them.
func locale(s string) string {
	lang, _, _ := strings.Cut(s, "-")
	if len(lang) == 2 {
		return lang
	}
	return ""
}

// Session asks how an order stands. Of one that its buyer has agreed to, the money is taken now: agreeing is all that
// happens on PayPal's page. Whoever asks twice, or at once, takes it once.
func (c *Client) Session(ctx context.Context, sessionID string) (payments.Session, error) {
	o, err := c.order(ctx, sessionID)
	if missing(err) {
		return payments.Session{}, payments.ErrNone // PayPal forgets what nobody agreed to in time
	}
	if err != nil {
		return payments.Session{}, err
	}
	if o.Status != "APPROVED" {
		return session(o)
	}
	var taken order
	err = c.call(ctx, http.MethodPost, "/v2/checkout/orders/"+url.PathEscape(o.ID)+"/capture", "capture-"+o.ID, nil, &taken)
	switch why := refusal(err); why {
	case "":
		if err != nil {
			return payments.Session{}, err
		}
	case "DUPLICATE_INVOICE_ID": // another order of the same checkout was paid: of this one nothing is ever taken
		return closed(o)
	case "ORDER_ALREADY_CAPTURED", "ORDER_VOIDED", "ORDER_COMPLETED_OR_VOIDED": // someone was quicker
	default:
		return declined(o, why, err)
	}
	if o, err = c.order(ctx, o.ID); err != nil {
		return payments.Session{}, err
	}
	return session(o)
}

// closed is an order of which nothing is taken any more.
func closed(o order) (payments.Session, error) {
	s, err := session(o)
	s.Open, s.URL, s.Fact.State = false, "", payments.Over
	return s, err
}

// declined is an order that its buyer has agreed to, but for which PayPal or the bank does not pay. The buyer may go
// back there and choose another way.
func declined(o order, why string, cause error) (payments.Session, error) {
	s, err := session(o)
	s.Open, s.Fact.State, s.Fact.Note = true, payments.Waiting, strings.ToLower(why)
	var p *problem
	if errors.As(cause, &p) {
		for _, l := range p.Links {
			if l.Rel == "redirect" || l.Rel == "payer-action" || l.Rel == "approve" {
				s.URL = l.Href
			}
		}
	}
	return s, err
}

func (c *Client) order(ctx context.Context, number string) (o order, err error) {
	err = c.call(ctx, http.MethodGet, "/v2/checkout/orders/"+url.PathEscape(number), "", nil, &o)
	return o, err
}

// Find finds nothing, and that is enough: the address of an order whose number we never learned was never shown to
// anybody, so that nobody can agree to it, and without us taking it no money moves.
func (c *Client) Find(context.Context, payments.FindInput) (payments.Session, error) {
	return payments.Session{}, payments.ErrNone
}

// Expire ends an order that its buyer has not agreed to. PayPal has no call for that and needs none: from now on
// nobody takes the money. One that was agreed to in the meantime is taken.
func (c *Client) Expire(ctx context.Context, sessionID string) (payments.Session, error) {
	s, err := c.Session(ctx, sessionID)
	if err == nil && s.Open {
		s.Open, s.URL, s.Fact.State, s.Fact.Note = false, "", payments.Over, ""
	}
	return s, err
}

// Payment asks how an order stands, with its refunds and disputes. It may be asked for by the number of its capture:
// that is all that some events tell.
func (c *Client) Payment(ctx context.Context, intentID string) (payments.Fact, error) {
	o, err := c.order(ctx, intentID)
	if missing(err) {
		var p capture
		if err := c.call(ctx, http.MethodGet, "/v2/payments/captures/"+url.PathEscape(intentID), "", nil, &p); err != nil {
			return payments.Fact{}, err
		}
		if o, err = c.order(ctx, p.order()); err != nil {
			return payments.Fact{}, err
		}
	}
	if err != nil {
		return payments.Fact{}, err
	}
	f, err := fact(o)
	if err != nil || f.Charge == "" {
		return f, err
	}
	f.Disputes, err = c.disputes(ctx, f)
	f.Whole = true
	return f, err
}

// order is the number of the order that a capture belongs to.
func (p capture) order() string {
	if p.More.Related.Order != "" {
		return p.More.Related.Order
	}
	return last(p.Links, "up", "orders")
}

// session reads an order as a payment page.
func session(o order) (payments.Session, error) {
	f, err := fact(o)
	s := payments.Session{ID: o.ID, Fact: f}
	for _, l := range o.Links {
		if (l.Rel == "payer-action" || l.Rel == "approve") && f.State == payments.Waiting {
			s.Open, s.URL = true, l.Href
		}
	}
	return s, err
}

// fact reads an order: one unit, and one capture of all of it.
func fact(o order) (payments.Fact, error) {
	f := payments.Fact{Session: o.ID, Intent: o.ID, Card: payments.Card{Fingerprint: o.Payer.ID, Country: o.Payer.Address.Country, Brand: Name}}
	if o.Payer.ID == "" {
		f.Card = payments.Card{}
	}
	switch o.Status {
	case "CREATED", "SAVED", "PAYER_ACTION_REQUIRED":
		f.State = payments.Waiting
	case "APPROVED":
		f.State = payments.Approved
	case "VOIDED":
		f.State = payments.Over
	}
	for _, u := range o.Units {
		f.Checkout = checkout(u.Custom)
		a, err := u.Amount.read()
		if err != nil {
			return f, err
		}
		f.Amount, f.Refunded = a, money.Amount{Currency: a.Currency}
		for _, p := range u.Payments.Captures {
			if err := p.into(&f); err != nil {
				return f, err
			}
		}
		for _, r := range u.Payments.Refunds {
			v, err := r.read(o.ID)
			if err != nil {
				return f, err
			}
			f.Refunds = append(f.Refunds, v)
			if v.State != payments.RefundFailed {
				f.Refunded = f.Refunded.Add(v.Amount)
			}
		}
	}
	return f, nil
}

// into adds what a capture says to a fact.
func (p capture) into(f *payments.Fact) (err error) {
	f.Charge, f.State = p.ID, captured(p.Status)
	if f.State == payments.Over {
		f.Charge, f.Note = "", strings.ToLower(p.Status+" "+p.Details.Reason)
	}
	f.Amount, err = p.Amount.read()
	return err
}

func captured(status string) payments.State {
	switch status {
	case "COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED":
		return payments.Succeeded
	case "PENDING":
		return payments.Processing
	case "DECLINED", "FAILED", "DENIED":
		return payments.Over
	}
	return payments.Unknown
}

func checkout(custom string) id.Checkout {
	v, err := id.Parse[id.CheckoutKind](custom)
	if err != nil {
		return id.Checkout{}
	}
	return v
}
