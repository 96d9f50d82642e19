package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

func (st *Stripe) getCharge(c *call) (obj, error) {
	if err := c.done(); err != nil {
		return nil, err
	}
	ch, ok := st.charges.rows[c.id]
	if !ok {
		return nil, missing("charge", c.id, "id")
	}
	return st.shapeCharge(ch), nil
}

func (st *Stripe) updateCharge(c *call) (obj, error) {
	meta, metaGiven := c.meta("metadata")
	description, receipt := c.text("description", 1000), c.email("receipt_email")
	c.refuse("customer", "fraud_details", "shipping", "transfer_group")
	if err := c.done(); err != nil {
		return nil, err
	}
	ch, ok := st.charges.rows[c.id]
	if !ok {
		return nil, missing("charge", c.id, "id")
	}
	before := obj{}
	if metaGiven {
		before["metadata"] = metaOf(ch.Meta)
		ch.Meta = mergeMeta(ch.Meta, meta)
	}
	if description != "" {
		before["description"] = null(ch.Data.Description)
		ch.Data.Description = description
	}
	if receipt != "" {
		before["receipt_email"] = null(ch.Data.Receipt)
		ch.Data.Receipt = receipt
	}
	put(c.t, st.charges, ch.ID, ch)
	return st.shapeCharge(ch), st.emit(c.t, "charge.updated", st.shapeCharge(ch), before)
}

func (st *Stripe) listCharges(c *call) (obj, error) {
	pg := c.pages()
	pi, cus, group := c.str("payment_intent"), c.str("customer"), c.str("transfer_group")
	if err := c.done(); err != nil {
		return nil, err
	}
	ids := st.charges.order
	if pi != "" {
		ids = st.intents.rows[pi].Charges
	}
	return cut(pg, "/v1/charges", "charge", ids, func(id string) bool {
		ch := st.charges.rows[id]
		return pg.holds(ch.Created) && (cus == "" || ch.Customer == cus) && (group == "" || ch.Data.Group == group)
	}, func(id string) obj { return st.shapeCharge(st.charges.rows[id]) })
}

func (st *Stripe) getBalance(c *call) (obj, error) {
	if err := c.done(); err != nil {
		return nil, err
	}
	return st.shapeBalance(c.acct), nil
}

func (st *Stripe) getTxn(c *call) (obj, error) {
	if err := c.done(); err != nil {
		return nil, err
	}
	x, ok := st.txns.rows[c.id]
	if !ok || x.Account != c.acct {
		return nil, missing("balance transaction", c.id, "id")
	}
	return shapeTxn(x, c.t.now.Unix()), nil
}

func (st *Stripe) listTxns(c *call) (obj, error) {
	pg := c.pages()
	kind, cur, source := c.str("type"), strings.ToLower(c.str("currency")), c.str("source")
	out := c.str("payout")
	if err := c.done(); err != nil {
		return nil, err
	}
	if p, ok := st.payouts.rows[out]; out != "" {
		if !ok || p.Account != c.acct {
			return nil, missingRef("payout", out, "payout")
		}
		return nil, invalid("payout", "", "Balance transaction history can only be filtered on automatic transfers, not manual.") // the sandbox has no others
	}
	return cut(pg, "/v1/balance_transactions", "balance transaction", st.txns.order, func(id string) bool {
		x := st.txns.rows[id]
		return x.Account == c.acct && pg.holds(x.Created) && (kind == "" || x.Type == kind) && (cur == "" || x.Currency == cur) && (source == "" || x.Source == source)
	}, func(id string) obj { return shapeTxn(st.txns.rows[id], c.t.now.Unix()) })
}

func (st *Stripe) getEvent(c *call) (obj, error) {
	if err := c.done(); err != nil {
		return nil, err
	}
	e, ok := st.events.rows[c.id]
	if !ok || e.Account != c.acct {
		return nil, missing("event", c.id, "id")
	}
	return st.shapeEvent(e), nil
}

func (st *Stripe) listEvents(c *call) (obj, error) {
	pg, kind, kinds := c.pages(), c.str("type"), c.strs("types")
	success, asked := c.flag("delivery_success")
	if kind != "" && len(kinds) > 0 {
		c.fail(invalid("types", "", "You may only specify one of these parameters: type, types."))
	}
	if len(kinds) > 20 {
		c.fail(invalid("types", "", "You may specify up to 20 types."))
	}
	if err := c.done(); err != nil {
		return nil, err
	}
	family, star := strings.CutSuffix(kind, "*")
	return cut(pg, "/v1/events", "event", st.events.order, func(id string) bool {
		e := st.events.rows[id]
		return e.Account == c.acct && pg.holds(e.Created) && (kind == "" || e.Type == kind || (star && strings.HasPrefix(e.Type, family))) &&
			(len(kinds) == 0 || slices.Contains(kinds, e.Type)) && (!asked || st.reached(e) == success)
	}, func(id string) obj { return st.shapeEvent(st.events.rows[id]) })
}

// reached reports whether every endpoint took the event.
func (st *Stripe) reached(e event) bool {
	for _, id := range st.hooks.order {
		if s, ok := st.sendings.rows[e.ID+":"+id+":0"]; ok && s.State != "done" {
			return false
		}
	}
	return true
}

func invoicePrefix() string { return strings.ToUpper(random(8)) }

func (st *Stripe) createCustomer(c *call) (obj, error) {
	cus := customer{ID: "cus_" + random(14), Created: c.t.now.Unix(), Email: c.email("email"), Name: c.text("name", 256), Phone: c.text("phone", 20),
		Description: c.text("description", 5000), Prefix: invoicePrefix(), Meta: c.newMeta("metadata")}
	c.refuse("address", "balance", "cash_balance", "coupon", "invoice_prefix", "invoice_settings", "next_invoice_sequence", "payment_method",
		"preferred_locales", "promotion_code", "shipping", "source", "tax", "tax_exempt", "tax_id_data", "test_clock")
	if err := c.done(); err != nil {
		return nil, err
	}
	put(c.t, st.customers, cus.ID, cus)
	return shapeCustomer(cus), st.emit(c.t, "customer.created", shapeCustomer(cus), nil)
}

func (st *Stripe) getCustomer(c *call) (obj, error) {
	if err := c.done(); err != nil {
		return nil, err
	}
	cus, ok := st.customers.rows[c.id]
	if !ok {
		return nil, missing("customer", c.id, "id")
	}
	return shapeCustomer(cus), nil
}

func (st *Stripe) createHook(c *call) (obj, error) {
	h := hook{ID: newID("we"), Created: c.t.now.Unix(), URL: c.url("url", true), Types: c.strs("enabled_events"), Secret: "whsec_" + random(32),
		Version: c.str("api_version"), Description: c.text("description", 5000), Meta: c.newMeta("metadata")}
	if len(h.Types) == 0 {
		c.lacks("enabled_events")
	}
	for i, kind := range h.Types {
		if kind != "*" && !strings.Contains(kind, ".") {
			c.fail(invalid(fmt.Sprintf("enabled_events[%d]", i), "", "Invalid enabled_events[%d]: %s is not an event type", i, clip(kind)))
		}
	}
	if h.Version != "" && h.Version != APIVersion {
		c.fail(invalid("api_version", "", "Invalid Stripe API version: %s. The sandbox speaks %s only.", clip(h.Version), APIVersion))
	}
	h.Reach = "own"
	if connect, _ := c.flag("connect"); connect {
		h.Reach = "connect"
	}
	if err := c.done(); err != nil {
		return nil, err
	}
	put(c.t, st.hooks, h.ID, h)
	o := shapeHook(h)
	o["secret"] = h.Secret // told once
	return o, nil
}

func (st *Stripe) listHooks(c *call) (obj, error) {
	pg := c.pages()
	if err := c.done(); err != nil {
		return nil, err
	}
	return cut(pg, "/v1/webhook_endpoints", "webhook endpoint", st.hooks.order, func(id string) bool { return pg.holds(st.hooks.rows[id].Created) },
		func(id string) obj { return shapeHook(st.hooks.rows[id]) })
}
