package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

func (st *Stripe) createIntent(c *call) (obj, error) {
	id := newID("pi")
	p := intent{ID: id, Secret: id + "_secret_" + random(25), Created: c.t.now.Unix(), Status: "requires_payment_method", Methods: []string{"card"}}
	amount, ok := c.num("amount", 1, 1<<40)
	if !ok && c.n.kids["amount"] == nil {
		c.lacks("amount")
	}
	p.Amount, p.Currency = amount, c.currency("currency")
	if ok && p.Currency != "" {
		if e := chargeable("amount", p.Currency, amount); e != nil {
			c.fail(e)
		}
	}
	st.readIntentMethods(c, &p)
	p.Data = c.intentFields()
	st.readCustomer(c, &p)
	confirm, _ := c.flag("confirm")
	m := st.readMethod(c)
	p.ReturnURL = c.url("return_url", false)
	c.enum("confirmation_method", "automatic")
	c.enum("capture_method", "automatic", "automatic_async")
	c.flag("off_session")
	if p.ReturnURL != "" && !confirm {
		c.fail(invalid("return_url", "", "A `return_url` can only be given together with `confirm`."))
	}
	c.refuse("payment_method_data", "payment_method_options", "mandate", "mandate_data", "use_stripe_sdk", "error_on_requires_action", "payment_method_configuration", "radar_options")
	if err := c.done(); err != nil {
		return nil, err
	}
	if m != nil {
		p.Method, p.Status = m, "requires_confirmation"
	}
	put(c.t, st.intents, p.ID, p)
	if err := st.emit(c.t, "payment_intent.created", st.shapeIntent(p), nil); err != nil || !confirm {
		return st.shapeIntent(p), err
	}
	return st.confirmWith(c, p, m)
}

// intentFields are the fields that create and update share, read from the top level.
func (c *call) intentFields() intentData {
	d := intentData{Meta: c.newMeta("metadata"), Description: c.text("description", 1000), Group: c.text("transfer_group", 255),
		Descriptor: c.text("statement_descriptor", 22), Suffix: c.text("statement_descriptor_suffix", 22), Receipt: c.email("receipt_email")}
	c.refuse("application_fee_amount", "on_behalf_of", "setup_future_usage", "shipping", "transfer_data")
	return d
}

func (st *Stripe) readIntentMethods(c *call, p *intent) {
	auto := c.obj("automatic_payment_methods")
	on, _ := auto.flag("enabled")
	p.NoRedirects = auto.enum("allow_redirects", "always", "never") == "never"
	types := c.strs("payment_method_types")
	if on && len(types) > 0 {
		c.fail(invalid("payment_method_types", "", "You may only specify one of these parameters: automatic_payment_methods, payment_method_types."))
	}
	for i, m := range types {
		if m != "card" && m != "sepa_debit" {
			c.fail(invalid(fmt.Sprintf("payment_method_types[%d]", i), "", "The sandbox knows the payment method types card and sepa_debit, not %s.", clip(m)))
		}
	}
	p.Automatic = len(types) == 0 // the default since 2023-08-16
	if len(types) > 0 {
		p.Methods = types
	} else if p.Currency == "eur" {
		p.Methods = []string{"card", "sepa_debit"}
	}
}

func (st *Stripe) readCustomer(c *call, p *intent) {
	if id := c.str("customer"); id != "" {
		if _, ok := st.customers.rows[id]; !ok {
			c.fail(missingRef("customer", id, "customer"))
		}
		p.Customer = id
	}
}

// readMethod reads one of the documented test tokens, pm_card_visa and the like.
func (st *Stripe) readMethod(c *call) *method {
	id := c.str("payment_method")
	if id == "" {
		return nil
	}
	k, ok := cardBy(func(k card) bool { return k.Token == id || strings.Replace(k.Token, "_visa_", "_", 1) == id })
	if !ok {
		c.fail(missingRef("PaymentMethod", id, "payment_method"))
		return nil
	}
	return &method{ID: newID("pm"), Kind: "card", Token: k.Token, Brand: k.Brand, Last4: k.Number[len(k.Number)-4:], Country: orElse(k.Country, "US"),
		ExpMonth: int64(c.t.now.Month()), ExpYear: int64(c.t.now.Year() + 1), Fingerprint: fingerprint(k.Number), Created: c.t.now.Unix()}
}

// confirmWith confirms and answers the intent; a declined card is an error that names it.
func (st *Stripe) confirmWith(c *call, p intent, m *method) (obj, error) {
	if m == nil {
		m = p.Method
	}
	if m == nil {
		return nil, invalid("payment_method", "payment_intent_unexpected_state", "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.")
	}
	if p.Automatic && !p.NoRedirects && p.ReturnURL == "" {
		return nil, invalid("", "", "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods might redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents.")
	}
	p, err := st.confirm(c.t, p, *m)
	if err != nil {
		return nil, err
	}
	return st.shapeIntent(p), nil
}

func (st *Stripe) findIntent(c *call) (intent, error) {
	p, ok := st.intents.rows[c.id]
	if !ok {
		return p, missing("payment_intent", c.id, "intent")
	}
	return p, nil
}

func (st *Stripe) getIntent(c *call) (obj, error) {
	c.str("client_secret")
	if err := c.done(); err != nil {
		return nil, err
	}
	p, err := st.findIntent(c)
	if err != nil {
		return nil, err
	}
	return st.shapeIntent(p), nil
}

func (st *Stripe) listIntents(c *call) (obj, error) {
	pg, cus := c.pages(), c.str("customer")
	if err := c.done(); err != nil {
		return nil, err
	}
	return cut(pg, "/v1/payment_intents", "payment_intent", st.intents.order, func(id string) bool {
		p := st.intents.rows[id]
		return pg.holds(p.Created) && (cus == "" || p.Customer == cus)
	}, func(id string) obj { return st.shapeIntent(st.intents.rows[id]) })
}

func wrongState(p intent, verb string) *apiError {
	e := refused("", "payment_intent_unexpected_state", "This PaymentIntent's status is %s: you cannot %s it.", p.Status, verb)
	if p.Session != "" {
		e.Code, e.Message = "", "You cannot "+verb+" a PaymentIntent that was created by a Checkout Session. Expire the Checkout Session instead."
	}
	return e
}

func (st *Stripe) confirmIntent(c *call) (obj, error) {
	p, err := st.findIntent(c)
	if err != nil {
		return nil, err
	}
	m := st.readMethod(c)
	if v := c.url("return_url", false); v != "" {
		p.ReturnURL = v
	}
	if v := c.email("receipt_email"); v != "" {
		p.Data.Receipt = v
	}
	c.flag("off_session")
	c.refuse("payment_method_data", "payment_method_options", "mandate", "mandate_data", "use_stripe_sdk", "error_on_requires_action", "shipping", "setup_future_usage", "capture_method", "radar_options", "payment_method_types")
	if err := c.done(); err != nil {
		return nil, err
	}
	if p.Session != "" || !slices.Contains([]string{"requires_payment_method", "requires_confirmation", "requires_action"}, p.Status) {
		return nil, wrongState(p, "confirm")
	}
	return st.confirmWith(c, p, m)
}

func (st *Stripe) updateIntent(c *call) (obj, error) {
	p, err := st.findIntent(c)
	if err != nil {
		return nil, err
	}
	old := p
	amount, amountGiven := c.num("amount", 1, 1<<40)
	meta, metaGiven := c.meta("metadata")
	d := c.intentFields()
	st.readCustomer(c, &p)
	m := st.readMethod(c)
	c.refuse("currency", "payment_method_data", "payment_method_options", "payment_method_types", "capture_method", "payment_method_configuration")
	if err := c.done(); err != nil {
		return nil, err
	}
	if amountGiven {
		if e := chargeable("amount", p.Currency, amount); e != nil {
			return nil, e
		}
		p.Amount = amount
	}
	if metaGiven {
		p.Data.Meta = mergeMeta(p.Data.Meta, meta)
		if len(meta) == 0 {
			p.Data.Meta = nil
		}
	}
	for _, f := range []struct{ to, from *string }{{&p.Data.Description, &d.Description}, {&p.Data.Group, &d.Group},
		{&p.Data.Descriptor, &d.Descriptor}, {&p.Data.Suffix, &d.Suffix}, {&p.Data.Receipt, &d.Receipt}} {
		*f.to = orElse(*f.from, *f.to)
	}
	if m != nil {
		p.Method, p.Status = m, "requires_confirmation"
	}
	if slices.Contains([]string{"succeeded", "processing", "canceled"}, old.Status) && (p.Amount != old.Amount || m != nil || p.Customer != old.Customer) || (old.Session != "" && p.Amount != old.Amount) {
		return nil, wrongState(old, "update")
	}
	put(c.t, st.intents, p.ID, p)
	return st.shapeIntent(p), nil
}

func (st *Stripe) cancelIntent(c *call) (obj, error) {
	why := c.enum("cancellation_reason", "abandoned", "duplicate", "fraudulent", "requested_by_customer")
	if err := c.done(); err != nil {
		return nil, err
	}
	p, err := st.findIntent(c)
	if err != nil {
		return nil, err
	}
	if s := st.sessions.rows[p.Session]; s.Status == "open" || !slices.Contains([]string{"requires_payment_method", "requires_confirmation", "requires_action"}, p.Status) {
		return nil, wrongState(p, "cancel")
	}
	p.Status, p.CanceledAt, p.CancelReason, p.Challenge = "canceled", c.t.now.Unix(), why, ""
	put(c.t, st.intents, p.ID, p)
	return st.shapeIntent(p), st.emit(c.t, "payment_intent.canceled", st.shapeIntent(p), nil)
}
