package sandbox

import (
	"net/http"
	"net/url"
	"strings"
)

// Buyer is a made-up account that pays with PayPal.
type Buyer struct {
	Key, Given, Surname, Email, Country, ID string
	Label                                   string // what happens
	Does                                    string
}

// ppBuyers are the accounts that the approval page offers.
var ppBuyers = []Buyer{
	{"robin", "Robin", "Buyer", "robin@buyer.test", "DE", "ROBINBUYERAAA", "Pays at once", ""},
	{"ida", "Ida", "Declined", "ida@buyer.test", "FR", "IDADECLINEDAA", "The bank declines", "decline"},
	{"kim", "Kim", "Careful", "kim@buyer.test", "NL", "KIMCAREFULAAA", "The bank asks once more", "confirm"},
	{"eli", "Eli", "Echeck", "eli@buyer.test", "US", "ELIECHECKAAAA", "Arrives after three days", "later"},
	{"noa", "Noa", "Bounce", "noa@buyer.test", "US", "NOABOUNCEAAAA", "Bounces after three days", "bounce"},
	{"sam", "Sam", "Refused", "sam@buyer.test", "GB", "SAMREFUSEDAAA", "PayPal declines", "refuse"},
	{"mia", "Mia", "Complains", "mia@buyer.test", "IT", "MIACOMPLAINSA", "Pays, then opens a dispute", "dispute"},
	{"leo", "Leo", "Slow", "leo@buyer.test", "ES", "LEOSLOWAAAAAA", "Pays; refunds take a day", "slow"},
	{"uma", "Uma", "Closed", "uma@buyer.test", "AT", "UMACLOSEDAAAA", "Pays; refunds fail after a day", "closed"},
}

// Buyers are the made-up accounts.
func (pp *PayPal) Buyers() []Buyer { return ppBuyers }

// buyerOf finds an account by key or address.
func buyerOf(who string) (Buyer, bool) {
	for _, b := range ppBuyers {
		if who != "" && (b.Key == who || strings.EqualFold(b.Email, who)) {
			return b, true
		}
	}
	return Buyer{}, false
}

func (b Buyer) Name() string { return b.Given + " " + b.Surname }

func (b Buyer) payer() obj {
	return obj{"payer_id": b.ID, "email_address": b.Email, "name": obj{"given_name": b.Given, "surname": b.Surname}, "address": obj{"country_code": b.Country}}
}

// Approve is what a buyer does on the approval page; buyer is the key or address of one of Buyers, or "" for the
// first. It answers where the browser goes next.
func (pp *PayPal) Approve(order, buyer string) (next string, err error) {
	b, ok := buyerOf(orElse(buyer, ppBuyers[0].Key))
	if !ok {
		return "", ppUnknown("buyer", buyer)
	}
	err = pp.do(func(t *tx) error {
		next, err = pp.approve(t, order, b)
		return err
	})
	return next, err
}

// Decline approves with an account whose bank says no: the capture is answered with INSTRUMENT_DECLINED.
func (pp *PayPal) Decline(order string) (next string, err error) { return pp.Approve(order, "ida") }

// Cancel is the buyer's way back to the shop without paying.
func (pp *PayPal) Cancel(order string) (next string, err error) {
	pp.db.see(func() {
		o, ok := pp.orders.rows[order]
		if !ok {
			err = ppUnknown("order", order)
		}
		next = o.cancelURL()
	})
	return next, err
}

// Void ends an order that was not captured.
func (pp *PayPal) Void(order string) error {
	return pp.do(func(t *tx) error {
		o, ok := pp.orders.rows[order]
		if !ok {
			return ppUnknown("order", order)
		}
		if o.Status == "COMPLETED" {
			return pp.capturable(o)
		}
		o.Status, o.Updated = "VOIDED", t.now.Unix()
		put(t, pp.orders, o.ID, o)
		return nil
	})
}

func (pp *PayPal) approve(t *tx, id string, b Buyer) (string, error) {
	o, ok := pp.orders.rows[id]
	if !ok || o.late(t.now) {
		return "", ppUnknown("order", id)
	}
	if o.Status == "COMPLETED" || o.Status == "VOIDED" {
		return "", pp.capturable(o)
	}
	o.Proved = o.Status == "PAYER_ACTION_REQUIRED" && o.Buyer == b.Key
	o.Status, o.Buyer, o.Updated = "APPROVED", b.Key, t.now.Unix()
	put(t, pp.orders, o.ID, o)
	err := pp.emit(t, ppNews{Type: "CHECKOUT.ORDER.APPROVED", Kind: "checkout-order", Version: "2.0", About: o.ID,
		Summary: "An order has been approved by buyer", Resource: pp.shapeOrder(o, true)})
	return withQuery(o.Return, "token", o.ID, "PayerID", b.ID), err
}

func (o ppOrder) cancelURL() string { return withQuery(o.Cancel, "token", o.ID) }

// withQuery adds names and values to an address; no address stays none.
func withQuery(address string, pairs ...string) string {
	u, err := url.Parse(address)
	if address == "" || err != nil {
		return ""
	}
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Add(pairs[i], pairs[i+1])
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += q.Encode()
	return u.String()
}

func (pp *PayPal) pageRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /paypal/checkoutnow", pp.approvePage)
	mux.HandleFunc("POST /paypal/checkoutnow", pp.approvePost)
}

type ppPage struct {
	Title, Token, Brand, Amount, Button, Cancel, Alert, Chosen string
	Lines                                                      []payLine
	Buyers                                                     []Buyer
}

// asked finds the order that the page is about, or says why there is nothing to do.
func (pp *PayPal) asked(w http.ResponseWriter, token string) (o ppOrder, ok bool) {
	var known bool
	now := pp.srv.Now()
	pp.db.see(func() { o, known = pp.orders.rows[token] })
	switch {
	case !known:
		pp.srv.message(w, http.StatusNotFound, message{Title: "No such order", Text: "Start again in the shop.", Link: "/", LinkText: "What the sandbox has"})
	case o.over(now):
		m := message{Title: "This order is over", Text: "It was paid or ended, or nobody paid it for three hours. Nothing more can be paid here."}
		if o.Cancel != "" {
			m.Link, m.LinkText = o.cancelURL(), "Back to the shop"
		}
		pp.srv.message(w, http.StatusGone, m)
	default:
		return o, true
	}
	return o, false
}

func (pp *PayPal) approvePage(w http.ResponseWriter, r *http.Request) {
	o, ok := pp.asked(w, r.URL.Query().Get("token"))
	if !ok {
		return
	}
	pp.showOrder(w, http.StatusOK, o, "")
}

func (pp *PayPal) showOrder(w http.ResponseWriter, status int, o ppOrder, alert string) {
	total, cur := o.total()
	p := ppPage{Title: "Pay with PayPal", Token: o.ID, Brand: orElse(o.Brand, "the shop"), Amount: ppShow(total, cur), Button: "Continue to review your order", Cancel: o.cancelURL(), Alert: alert, Buyers: ppBuyers,
		Chosen: orElse(o.Buyer, ppBuyers[0].Key)}
	if o.Action == "PAY_NOW" {
		p.Button = "Pay " + ppShow(total, cur)
	}
	if b, has := buyerOf(o.Buyer); has && alert == "" {
		switch b.Does {
		case "confirm":
			p.Alert = "Your bank asks you to confirm this payment once more."
		case "decline":
			p.Alert = "Your bank has declined. Choose another account."
		}
	}
	for _, u := range o.Units {
		for _, it := range u.Items {
			line := payLine{Name: it.Name, Description: it.Description, Unit: ppShowMoney(it.Unit), Total: ppShowMoney(it.Unit)}
			if it.Quantity != "1" {
				line.Quantity, line.Total = it.Quantity, ""
			}
			p.Lines = append(p.Lines, line)
		}
		if len(u.Items) == 0 {
			p.Lines = append(p.Lines, payLine{Name: orElse(u.Description, "Order"), Total: ppShow(u.minor(), cur)})
		}
	}
	pp.srv.show(w, status, "paypal.html", p, o.Return, o.Cancel)
}

func ppShowMoney(m ppMoney) string {
	n, e := m.read("")
	if e != nil {
		return m.Value + " " + m.Code
	}
	return ppShow(n, m.Code)
}

// ppShow writes an amount for a person. PayPal's digits are not Stripe's: a forint has none.
func ppShow(minor int64, cur string) string {
	if low := strings.ToLower(cur); exponent(low) == ppDigits(cur) {
		return format(minor, low)
	}
	return cur + "\u00a0" + ppDecimal(minor, cur)
}

func (pp *PayPal) approvePost(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, bodySize)
	o, ok := pp.asked(w, r.PostFormValue("token"))
	if !ok {
		return
	}
	who := r.PostFormValue("buyer")
	switch r.PostFormValue("do") {
	case "cancel":
		pp.leave(w, r, o.cancelURL(), "You did not pay")
		return
	case "decline":
		who = "ida"
	}
	if _, known := buyerOf(who); !known {
		pp.showOrder(w, http.StatusUnprocessableEntity, o, "Choose an account to pay with.")
		return
	}
	next, err := pp.Approve(o.ID, who)
	if err != nil {
		pp.showOrder(w, http.StatusConflict, o, err.Error())
		return
	}
	pp.leave(w, r, next, "You have approved the payment")
}

// leave sends the buyer back to the shop, or stays where the shop named no address.
func (pp *PayPal) leave(w http.ResponseWriter, r *http.Request, next, title string) {
	if next == "" {
		pp.srv.message(w, http.StatusOK, message{Title: title, Text: "The shop named no address to return to. You can close this page."})
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}
