package sandbox

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

func (st *Stripe) pageRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /stripe/pay/{id}", st.payPage)
	mux.HandleFunc("POST /stripe/pay/{id}", st.pay)
	mux.HandleFunc("GET /stripe/3ds/{id}/{token}", st.challengePage)
	mux.HandleFunc("POST /stripe/3ds/{id}/{token}", st.challenge)
	mux.HandleFunc("GET /stripe/receipts/{id}", st.receiptPage)
	st.connectPages(mux)
}

// payForm is what the buyer typed; it comes back with every answer, but for the security code.
type payForm struct {
	Email, Method, Number, Expiry, CVC, Name, Country, Postal, IBAN string

	Alert  string
	Errors map[string]string
}

type payPage struct {
	payForm
	ID, Title, Amount, Button string
	Lines                     []payLine
	Cancel                    string
	EmailFixed                bool
	Card, SEPA, Free, Address bool
	SubmitText                string
	Countries                 []country
	Groups                    []cardGroup
	Accounts                  []account
}

type payLine struct{ Name, Description, Quantity, Unit, Total string }

// titles are the brands as people write them.
var titles = map[string]string{"visa": "Visa", "mastercard": "Mastercard", "amex": "American Express", "": "Bank account"}

type cardGroup struct {
	Name  string
	Cards []card
}

// Spaced is the number as it stands on a card.
func (c card) Spaced() string {
	if c.Brand == "amex" {
		return c.Number[:4] + " " + c.Number[4:10] + " " + c.Number[10:]
	}
	var b strings.Builder
	for i, r := range c.Number {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func cardGroups() []cardGroup {
	var out []cardGroup
	for _, c := range testCards {
		if len(out) == 0 || out[len(out)-1].Name != c.Group {
			out = append(out, cardGroup{Name: c.Group})
		}
		g := &out[len(out)-1]
		g.Cards = append(g.Cards, c)
	}
	return out
}

func (st *Stripe) page(s session, f payForm) payPage {
	verb := map[string]string{"book": "Book", "donate": "Donate"}[s.Submit]
	p := payPage{payForm: f, ID: s.ID, Amount: format(s.Total, s.Currency), Cancel: st.cancelURL(s), EmailFixed: s.Email != "",
		Card: slices.Contains(s.Methods, "card"), SEPA: slices.Contains(s.Methods, "sepa_debit"), Free: s.Total == 0, Address: s.Address == "required",
		SubmitText: s.SubmitText, Countries: countries, Groups: cardGroups(), Accounts: testAccounts}
	p.Button = orElse(verb, "Pay") + " " + p.Amount
	if p.Free {
		p.Button = "Complete order"
	}
	p.Title = p.Button
	for _, it := range s.Items {
		l := payLine{Name: it.Name, Description: it.Description, Total: format(it.Unit*it.Quantity, s.Currency)}
		if it.Quantity > 1 {
			l.Quantity, l.Unit = format(it.Quantity, "jpy")[len("¥"):], format(it.Unit, s.Currency)
		}
		p.Lines = append(p.Lines, l)
	}
	if s.Email != "" {
		p.Email = s.Email
	}
	if p.Method == "" || !slices.Contains(s.Methods, p.Method) {
		p.Method = s.Methods[0]
	}
	return p
}

// open finds a session that can still be paid, or shows why not.
func (st *Stripe) open(w http.ResponseWriter, id string) (session, intent, bool) {
	if err := st.sweep(); err != nil {
		st.srv.log.Error("sandbox: sweep", "error", err)
	}
	var s session
	var p intent
	var ok bool
	st.db.see(func() { s, ok = st.sessions.rows[id]; p = st.intents.rows[s.Intent] })
	switch {
	case !ok:
		st.srv.message(w, http.StatusNotFound, message{Title: "This payment page does not exist", Text: "Check the link, or go back to the shop and start again."})
	case s.Status == "expired":
		m := message{Title: "This payment page has expired", Text: "Nothing was charged. Go back to the shop and start again."}
		if s.Cancel != "" {
			m.Link, m.LinkText = st.cancelURL(s), "Back to the shop"
		}
		st.srv.message(w, http.StatusGone, m)
	case s.Status == "complete":
		st.srv.message(w, http.StatusOK, message{Title: "You have already paid", Text: "This payment is complete. You were charged once.",
			Rows: [][2]string{{"Amount", format(s.Total, s.Currency)}}, Link: st.successURL(s), LinkText: "Go to your order"})
	default:
		return s, p, true
	}
	return s, p, false
}

func (st *Stripe) payPage(w http.ResponseWriter, r *http.Request) {
	s, p, ok := st.open(w, r.PathValue("id"))
	if !ok {
		return
	}
	f := payForm{Country: "DE", Method: "card"}
	if k, known := cardBy(func(k card) bool { return k.Number == digitsOnly(r.URL.Query().Get("card")) }); known {
		f.Number, f.Expiry, f.CVC, f.Name = k.Spaced(), "12 / 34", "123", "Robin Buyer"
		if k.Brand == "amex" {
			f.CVC = "1234"
		}
	}
	if i := slices.IndexFunc(testAccounts, func(a account) bool { return a.IBAN == r.URL.Query().Get("iban") }); i >= 0 {
		f.IBAN, f.Method, f.Name = testAccounts[i].IBAN, "sepa_debit", "Robin Buyer"
	}
	if f.Number+f.IBAN != "" && s.Email == "" {
		f.Email = "robin.buyer@example.com"
	}
	if e := p.LastError; e != nil && r.URL.Query().Get("tried") != "" {
		f.Alert = buyerText(e.Code, e.Message)
		if m := e.Method; m != nil { // back from the bank: nobody types their name twice
			f.Email, f.Name, f.Country, f.Postal, f.Method = m.Email, m.Name, m.BillingCountry, m.Postal, m.Kind
		}
	}
	st.srv.show(w, http.StatusOK, "pay.html", st.page(s, f), s.Success, s.Cancel)
}

func buyerText(code, text string) string {
	if code == "payment_intent_authentication_failure" {
		return "We could not check that it is you. Nothing was charged. Try again, or use another card."
	}
	return text + " Nothing was charged. Check the details, or use another card."
}

// pay answers a form that does not do with the page and 200: a browser would report any 4xx as an error on its console.
func (st *Stripe) pay(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, bodySize)
	s, _, ok := st.open(w, r.PathValue("id"))
	if !ok {
		return
	}
	v := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	f := payForm{Email: v("email"), Method: v("method"), Number: v("number"), Expiry: v("expiry"), CVC: v("cvc"), Name: v("name"),
		Country: v("country"), Postal: v("postal"), IBAN: v("iban")}
	m := st.read(&f, s)
	if len(f.Errors) > 0 {
		f.CVC = ""
		st.srv.show(w, http.StatusOK, "pay.html", st.page(s, f), s.Success, s.Cancel)
		return
	}
	next, err := st.payNow(s.ID, m)
	var e *apiError
	switch {
	case errors.As(err, &e):
		f.CVC, f.Alert = "", buyerText(e.Code, e.Message)
		st.srv.show(w, http.StatusOK, "pay.html", st.page(s, f), s.Success, s.Cancel)
	case err != nil:
		st.srv.message(w, http.StatusInternalServerError, message{Title: "Something went wrong", Text: "Try again in a moment. " + err.Error()})
	default:
		http.Redirect(w, r, next, http.StatusSeeOther)
	}
}

// payNow pays an open session once, however many press Pay at the same time.
func (st *Stripe) payNow(id string, m method) (next string, err error) {
	err = st.do(func(t *tx) error {
		s, ok := st.sessions.rows[id]
		switch {
		case !ok:
			return missing("checkout.session", id, "session")
		case s.Status == "complete":
			next = st.successURL(s)
			return nil
		case s.Status != "open":
			return invalid("", "", "This payment page has expired.")
		}
		var err error
		next, err = st.paySession(t, s, m)
		return err
	})
	return next, err
}

// Pay pays a session as a buyer with a test card or IBAN would, without a browser. next is where the browser would
// go: the success page, or the 3-D Secure page. A declined card is an error.
func (st *Stripe) Pay(sessionID, number, email string) (next string, err error) {
	var s session
	var ok bool
	st.db.see(func() { s, ok = st.sessions.rows[sessionID] })
	if !ok {
		return "", missing("checkout.session", sessionID, "session")
	}
	f := payForm{Email: orElse(s.Email, email), Method: "card", Number: number, Expiry: "12/34", CVC: "123", Name: "Robin Buyer", Country: "DE", Postal: "10115"}
	if validIBAN(strings.ToUpper(digitsOnly(number))) {
		f.Method, f.IBAN = "sepa_debit", number
	}
	if strings.HasPrefix(digitsOnly(number), "3") {
		f.CVC = "1234"
	}
	m := st.read(&f, s)
	for field, text := range f.Errors {
		return "", invalid(field, "", "%s", text)
	}
	return st.payNow(sessionID, m)
}

// read checks the form and makes a payment method of it.
func (st *Stripe) read(f *payForm, s session) method {
	f.Errors = map[string]string{}
	now := st.srv.Now()
	if s.Email != "" {
		f.Email = s.Email
	} else if !validEmail(f.Email) {
		f.Errors["email"] = "Enter your e-mail address, such as name@example.com."
	}
	m := method{ID: newID("pm"), Kind: f.Method, Name: f.Name, Email: f.Email, BillingCountry: f.Country, Postal: f.Postal, Created: now.Unix()}
	if s.Total == 0 {
		return m
	}
	if f.Name == "" {
		f.Errors["name"] = "Enter the name on the card or account."
	}
	if !slices.ContainsFunc(countries, func(c country) bool { return c.Code == f.Country }) {
		f.Errors["country"] = "Choose a country."
	}
	switch {
	case !slices.Contains(s.Methods, f.Method):
		f.Errors["method"] = "Choose how to pay."
	case f.Method == "sepa_debit":
		f.readIBAN(&m)
	default:
		f.readCard(&m, now)
	}
	return m
}

func (f *payForm) readIBAN(m *method) {
	iban := strings.ToUpper(digitsOnly(f.IBAN))
	if !validIBAN(iban) {
		f.Errors["iban"] = "This IBAN is not valid. Check it for a typing mistake."
		return
	}
	m.Last4, m.Country, m.Fingerprint = iban[len(iban)-4:], iban[:2], fingerprint(iban)
	if slices.ContainsFunc(testAccounts, func(a account) bool { return a.IBAN == iban }) {
		m.IBAN = iban
	}
}

func (f *payForm) readCard(m *method, now time.Time) {
	number := digitsOnly(f.Number)
	k, known := cardBy(func(k card) bool { return k.Number == number })
	switch {
	case number == "":
		f.Errors["number"] = "Enter a card number."
	case !luhn(number):
		f.Errors["number"] = "Your card number is not valid. Check it for a typing mistake."
	case !known:
		f.Errors["number"] = "This is the sandbox: real cards do not work here. Use one of the test cards below."
	}
	month, year, ok := expiry(f.Expiry)
	switch {
	case !ok:
		f.Errors["expiry"] = "Enter the month and year, such as 12 / 34."
	case year*12+month < int64(now.Year())*12+int64(now.Month()):
		f.Errors["expiry"] = "Your card's expiry date is in the past."
	case year > int64(now.Year())+50:
		f.Errors["expiry"] = "Your card's expiry year is not valid."
	}
	digits := 3
	if k.Brand == "amex" {
		digits = 4
	}
	if len(f.CVC) != digits || strings.Trim(f.CVC, "0123456789") != "" {
		f.Errors["cvc"] = map[int]string{3: "Enter the 3 digits on the back of the card.", 4: "Enter the 4 digits on the front of the card."}[digits]
	}
	if len(f.Errors) == 0 {
		m.Token, m.Brand, m.Last4, m.Country, m.ExpMonth, m.ExpYear, m.Fingerprint = k.Token, k.Brand, number[len(number)-4:], orElse(k.Country, "US"), month, year, fingerprint(number)
	}
}
