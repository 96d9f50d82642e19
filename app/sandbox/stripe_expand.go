package sandbox

import "strings"

// expandable names, by object, the properties that expand[] may fill in.
var expandable = map[string]string{
	"checkout.session":    " payment_intent customer line_items setup_intent subscription invoice payment_link ",
	"payment_intent":      " latest_charge customer payment_method invoice review on_behalf_of application ",
	"charge":              " balance_transaction failure_balance_transaction payment_intent customer refunds review on_behalf_of application invoice ",
	"refund":              " balance_transaction failure_balance_transaction charge payment_intent transfer_reversal source_transfer_reversal ",
	"balance_transaction": " source ",
	"dispute":             " charge payment_intent ",

	"transfer":                  " balance_transaction destination destination_payment source_transaction ",
	"transfer_reversal":         " balance_transaction destination_payment_refund source_refund transfer ",
	"payout":                    " balance_transaction destination failure_balance_transaction original_payout reversed_by ",
	"bank_account":              " account customer ",
	"capability":                " account ",
	"radar.early_fraud_warning": " charge payment_intent ",
	"price":                     " product ",
	"customer":                  " default_source test_clock ",
}

// expand fills in one path such as latest_charge.balance_transaction.
func (st *Stripe) expand(o obj, path, rest string, depth int) *apiError {
	name, rest, _ := strings.Cut(rest, ".")
	if depth > 4 {
		return invalid("expand", "", "You cannot expand more than 4 levels of a property. Property: %s", path)
	}
	kind, _ := o["object"].(string)
	inner, embedded := o[name].(obj)
	if list, ok := o[name].([]obj); ok && kind == "list" && name == "data" {
		for _, it := range list {
			if rest == "" {
				return invalid("expand", "", "This property cannot be expanded (data).")
			}
			if e := st.expand(it, path, rest, depth+1); e != nil {
				return e
			}
		}
		return nil
	}
	if !embedded {
		if !strings.Contains(expandable[kind], " "+name+" ") {
			return invalid("expand", "", "This property cannot be expanded (%s).", path)
		}
		inner = st.related(o, kind, name)
		if inner == nil {
			return nil // null stays null
		}
		o[name] = inner
	}
	if rest == "" {
		return nil
	}
	return st.expand(inner, path, rest, depth+1)
}

// related is the object that property name of o stands for.
func (st *Stripe) related(o obj, kind, name string) obj {
	id, _ := o[name].(string)
	self, _ := o["id"].(string)
	switch {
	case kind == "checkout.session" && name == "line_items":
		s := st.sessions.rows[self]
		return listOf(st.items(s), false, "/v1/checkout/sessions/"+self+"/line_items")
	case kind == "charge" && name == "refunds":
		var data []obj
		c := st.charges.rows[self]
		for i := len(c.Refunds) - 1; i >= 0 && len(data) < 10; i-- {
			data = append(data, shapeRefund(st.refunds.rows[c.Refunds[i]]))
		}
		return listOf(data, len(c.Refunds) > 10, "/v1/charges/"+self+"/refunds")
	case id == "":
		return nil
	case name == "payment_method":
		if m := st.intents.rows[self].Method; m != nil {
			return shapeMethod(*m)
		}
	case name == "product":
		for _, s := range st.sessions.rows {
			for _, it := range s.Items {
				if it.Product == id {
					return shapeProduct(s, it)
				}
			}
		}
	}
	return st.byID(id)
}

// byID draws any object by its prefix; nil when there is none.
func (st *Stripe) byID(id string) obj {
	prefix, _, _ := strings.Cut(id, "_")
	switch prefix {
	case "cs":
		if s, ok := st.sessions.rows[id]; ok {
			return st.shapeSession(s)
		}
	case "pi":
		if p, ok := st.intents.rows[id]; ok {
			return st.shapeIntent(p)
		}
	case "ch", "py":
		if c, ok := st.charges.rows[id]; ok {
			return st.shapeCharge(c)
		}
	case "re", "pyr":
		if r, ok := st.refunds.rows[id]; ok {
			return shapeRefund(r)
		}
	case "txn":
		if x, ok := st.txns.rows[id]; ok {
			return shapeTxn(x, st.srv.Now().Unix())
		}
	case "cus":
		if c, ok := st.customers.rows[id]; ok {
			return shapeCustomer(c)
		}
	case "du", "dp":
		if d, ok := st.disputes.rows[id]; ok {
			return st.shapeDispute(d)
		}
	}
	return st.connectByID(prefix, id)
}

func listOf(data []obj, more bool, url string) obj {
	if data == nil {
		data = []obj{}
	}
	return obj{"object": "list", "data": data, "has_more": more, "url": url}
}
