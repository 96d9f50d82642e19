package sandbox

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

var locales = strings.Fields(`auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR
ro ru sk sl sv th tr vi zh zh-HK zh-TW`)

func (st *Stripe) createSession(c *call) (obj, error) {
	s := session{ID: "cs_test_a1" + random(56), Created: c.t.now.Unix(), Status: "open", Paid: "unpaid"}
	switch mode := c.need("mode", 20); mode {
	case "payment", "":
	case "setup", "subscription":
		c.fail(unsupported("mode=" + mode))
	default:
		c.fail(invalid("mode", "", "Invalid mode: must be one of payment, setup, or subscription"))
	}
	if ui := c.enum("ui_mode", "hosted", "embedded"); ui == "embedded" {
		c.fail(unsupported("ui_mode=embedded"))
	}
	st.readBuyer(c, &s)
	readItems(c, &s)
	readMethods(c, &s)
	s.Success, s.Cancel = c.url("success_url", true), c.url("cancel_url", false)
	s.Ref, s.Meta = c.text("client_reference_id", 200), c.newMeta("metadata")
	s.Submit, s.Locale = c.enum("submit_type", "auto", "book", "donate", "pay"), c.enum("locale", locales...)
	s.Address = c.enum("billing_address_collection", "auto", "required")
	s.SubmitText = c.obj("custom_text").obj("submit").text("message", 1200)
	s.Data = c.obj("payment_intent_data").intentData()
	s.ExpiresAt = readExpiry(c)
	c.refuse("after_expiration", "allow_promotion_codes", "automatic_tax", "consent_collection", "custom_fields", "customer_update", "discounts",
		"invoice_creation", "payment_method_collection", "payment_method_configuration", "payment_method_options", "phone_number_collection",
		"redirect_on_completion", "return_url", "setup_intent_data", "shipping_address_collection", "shipping_options", "subscription_data",
		"tax_id_collection", "currency")
	if err := c.done(); err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	put(c.t, st.sessions, s.ID, s)
	st.plan(c.t, "expire", s.ID, time.Unix(s.ExpiresAt, 0))
	return st.shapeSession(s), nil
}

func (st *Stripe) readBuyer(c *call, s *session) {
	s.Email, s.Customer = c.email("customer_email"), c.str("customer")
	s.CustomerAlways = c.enum("customer_creation", "always", "if_required") == "always"
	if s.Customer == "" {
		return
	}
	if s.Email != "" {
		c.fail(invalid("customer", "", "You may only specify one of these parameters: customer, customer_email."))
	}
	cus, ok := st.customers.rows[s.Customer]
	if !ok {
		c.fail(missingRef("customer", s.Customer, "customer"))
	}
	s.Email = cus.Email
}

func readItems(c *call, s *session) {
	list := c.list("line_items")
	switch {
	case len(list) == 0:
		c.fail(invalid("line_items", "parameter_missing", "The `line_items` parameter is required in payment mode."))
	case len(list) > 100:
		c.fail(invalid("line_items", "", "A Checkout Session can have up to 100 line items."))
	}
	for _, li := range list {
		it := item{ID: newID("li"), Price: newID("price"), Product: "prod_" + random(14)}
		data := li.obj("price_data")
		switch {
		case data.has():
			readPrice(data, s, &it)
		case li.str("price") != "":
			c.fail(missingRef("price", li.str("price"), li.name("price")))
		default:
			c.fail(invalid(li.name("price"), "parameter_missing", "You must specify either `price` or `price_data` when creating a checkout session line item."))
		}
		if n, ok := li.num("quantity", 1, 999_999); ok {
			it.Quantity = n
		} else if li.n.kids["quantity"] == nil {
			c.fail(invalid(li.name("quantity"), "parameter_missing", "Quantity is required. Add `quantity` to `%s`", li.path))
		}
		li.refuse("adjustable_quantity", "tax_rates", "dynamic_tax_rates")
		s.Items = append(s.Items, it)
	}
}

func readPrice(data *params, s *session, it *item) {
	cur := data.currency("currency")
	if s.Currency != "" && cur != "" && cur != s.Currency {
		data.fail(invalid(data.name("currency"), "", "All line items must have the same currency."))
	}
	s.Currency = orElse(s.Currency, cur)
	n, ok := data.num("unit_amount", 0, most(cur))
	if !ok && data.n.kids["unit_amount"] == nil {
		data.fail(invalid(data.name("unit_amount"), "parameter_missing", "Missing required param: %s.", data.name("unit_amount")))
	}
	it.Unit = n
	it.Tax = data.enum("tax_behavior", "exclusive", "inclusive", "unspecified")
	data.refuse("unit_amount_decimal", "recurring")
	if id := data.str("product"); id != "" {
		data.fail(missingRef("product", id, data.name("product")))
		return
	}
	p := data.obj("product_data")
	if !p.has() {
		data.lacks("product_data")
		return
	}
	it.Name, it.Description, it.Meta = p.need("name", 250), p.text("description", 5000), p.newMeta("metadata")
	it.Images = p.strs("images")
	if len(it.Images) > 8 {
		p.fail(invalid(p.name("images"), "", "You can pass up to 8 images."))
	}
	for _, u := range it.Images {
		if v, err := url.Parse(u); err != nil || v.Host == "" {
			p.fail(invalid(p.name("images"), "url_invalid", "Not a valid URL"))
		}
	}
	p.str("tax_code")
}

func readMethods(c *call, s *session) {
	s.Methods = c.strs("payment_method_types")
	s.MethodsGiven = len(s.Methods) > 0
	if !s.MethodsGiven {
		s.Methods = []string{"card"}
		if s.Currency == "eur" {
			s.Methods = append(s.Methods, "sepa_debit")
		}
	}
	for i, m := range s.Methods {
		switch {
		case m != "card" && m != "sepa_debit":
			c.fail(invalid(fmt.Sprintf("payment_method_types[%d]", i), "", "The sandbox knows the payment method types card and sepa_debit, not %s.", clip(m)))
		case m == "sepa_debit" && s.Currency != "" && s.Currency != "eur":
			c.fail(invalid("payment_method_types", "", "The payment method `sepa_debit` cannot be used with currency %s: it takes eur.", s.Currency))
		case slices.Contains(s.Methods[:i], m):
			c.fail(invalid("payment_method_types", "", "Duplicate payment method type: %s", m))
		}
	}
}

func readExpiry(c *call) int64 {
	at, ok := c.num("expires_at", 0, 1<<40)
	if !ok {
		return c.t.now.Add(24 * time.Hour).Unix()
	}
	switch wait := at - c.t.now.Unix(); {
	case wait < 30*60-5: // a few seconds for the way
		c.fail(invalid("expires_at", "", "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."))
	case wait > 24*3600+5:
		c.fail(invalid("expires_at", "", "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."))
	}
	return at
}

func (p *params) intentData() intentData {
	d := intentData{Meta: p.newMeta("metadata"), Description: p.text("description", 1000), Group: p.text("transfer_group", 255),
		Descriptor: p.text("statement_descriptor", 22), Suffix: p.text("statement_descriptor_suffix", 22), Receipt: p.email("receipt_email")}
	for _, name := range []string{"statement_descriptor", "statement_descriptor_suffix"} {
		v := p.str(name)
		if strings.ContainsAny(v, `<>\'"*`) {
			p.fail(invalid(p.name(name), "", `The statement descriptor cannot contain any of the characters <>\'"*.`))
		}
		if v != "" && !strings.ContainsFunc(v, func(r rune) bool { return (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z') }) {
			p.fail(invalid(p.name(name), "", "The statement descriptor must contain at least one alphabetic character."))
		}
	}
	p.refuse("application_fee_amount", "on_behalf_of", "setup_future_usage", "shipping", "transfer_data", "capture_method")
	return d
}

// check looks at what only the whole can tell.
func (s *session) check() error {
	for _, it := range s.Items {
		if it.Unit > 0 && it.Quantity > most(s.Currency)/it.Unit {
			return invalid("", "amount_too_large", "The Checkout Session's total amount must be no more than %s.", format(most(s.Currency), s.Currency))
		}
		s.Total += it.Unit * it.Quantity
	}
	if s.Total == 0 {
		return nil // nothing to pay: the page only asks to confirm
	}
	if e := chargeable("", s.Currency, s.Total); e != nil {
		if e.Code == "amount_too_small" {
			e.Message = "The Checkout Session's total amount due must add up to at least " + format(least(s.Currency), s.Currency) + " " + s.Currency
		}
		return e
	}
	return nil
}

func (st *Stripe) getSession(c *call) (obj, error) {
	if err := c.done(); err != nil {
		return nil, err
	}
	s, ok := st.sessions.rows[c.id]
	if !ok {
		return nil, missing("checkout.session", c.id, "session")
	}
	return st.shapeSession(s), nil
}

func (st *Stripe) listSessions(c *call) (obj, error) {
	pg := c.pages()
	pi, cus, status := c.str("payment_intent"), c.str("customer"), c.enum("status", "open", "complete", "expired")
	c.refuse("subscription", "payment_link")
	email := c.obj("customer_details").str("email")
	if err := c.done(); err != nil {
		return nil, err
	}
	return cut(pg, "/v1/checkout/sessions", "checkout.session", st.sessions.order, func(id string) bool {
		s := st.sessions.rows[id]
		return pg.holds(s.Created) && (pi == "" || s.Intent == pi) && (cus == "" || s.Customer == cus) && (status == "" || s.Status == status) &&
			(email == "" || (s.Details != nil && s.Details.Email == email))
	}, func(id string) obj { return st.shapeSession(st.sessions.rows[id]) })
}

func (st *Stripe) expireCall(c *call) (obj, error) {
	if err := c.done(); err != nil {
		return nil, err
	}
	s, ok := st.sessions.rows[c.id]
	if !ok {
		return nil, missing("checkout.session", c.id, "session")
	}
	if s.Status != "open" {
		return nil, refused("", "", "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of `%s`.", s.Status)
	}
	if err := st.expireSession(c.t, s.ID); err != nil {
		return nil, err
	}
	return st.shapeSession(st.sessions.rows[s.ID]), nil
}

func (st *Stripe) items(s session) []obj {
	out := make([]obj, 0, len(s.Items))
	for _, it := range s.Items {
		out = append(out, st.shapeItem(s, it))
	}
	return out
}

func (st *Stripe) listItems(c *call) (obj, error) {
	pg := c.pages()
	if err := c.done(); err != nil {
		return nil, err
	}
	s, ok := st.sessions.rows[c.id]
	if !ok {
		return nil, missing("checkout.session", c.id, "session")
	}
	ids, byID := []string{}, map[string]item{}
	for _, it := range slices.Backward(s.Items) { // cut turns them round again
		ids, byID[it.ID] = append(ids, it.ID), it
	}
	return cut(pg, "/v1/checkout/sessions/"+s.ID+"/line_items", "item", ids, func(string) bool { return true },
		func(id string) obj { return st.shapeItem(s, byID[id]) })
}

func (st *Stripe) successURL(s session) string {
	return strings.ReplaceAll(s.Success, "{CHECKOUT_SESSION_ID}", s.ID)
}

func (st *Stripe) cancelURL(s session) string {
	return strings.ReplaceAll(s.Cancel, "{CHECKOUT_SESSION_ID}", s.ID)
}
