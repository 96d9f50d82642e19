package sandbox

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

func sameJSON(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

// disabled is Stripe's word for why an account cannot be paid; "" when it can.
func (a connected) disabled() string {
	switch {
	case a.Stopped != "":
		return a.Stopped
	case len(a.Past) > 0:
		return "requirements.past_due"
	case len(a.Pending) > 0:
		return "requirements.pending_verification"
	}
	return ""
}

func (a connected) payouts() bool {
	return a.Submitted && a.disabled() == "" && a.Bank != nil && a.Bank.Status != "errored"
}

// capability is active once the form is filled in. Payouts can be stopped while money still comes in, but not where a
// deadline was missed (for more than the bank account) or the account was rejected.
func (a connected) capability(name string) string {
	why := a.disabled()
	switch {
	case !slices.Contains(a.Wants, name):
		return "unrequested"
	case !a.Submitted || slices.ContainsFunc(a.Past, func(s string) bool { return s != "external_account" }) || strings.HasPrefix(why, "rejected."):
		return "inactive"
	case why == "requirements.pending_verification":
		return "pending"
	}
	return "active"
}

func words(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (a connected) requirements() obj {
	problems := []obj{}
	for _, p := range a.Problems {
		problems = append(problems, obj{"code": p.Code, "reason": p.Reason, "requirement": p.Requirement})
	}
	eventually := slices.Clone(a.Due)
	for _, p := range a.Past {
		if !slices.Contains(eventually, p) {
			eventually = append(eventually, p)
		}
	}
	return obj{"alternatives": []any{}, "current_deadline": null(a.Deadline), "currently_due": words(a.Due), "disabled_reason": null(a.disabled()),
		"errors": problems, "eventually_due": words(eventually), "past_due": words(a.Past), "pending_verification": words(a.Pending)}
}

func noRequirements() obj { return connected{}.requirements() }

func shapeAccount(a connected) obj {
	caps := obj{}
	for _, name := range a.Wants {
		caps[name] = a.capability(name)
	}
	profile := obj{"annual_revenue": nil, "estimated_worker_count": nil, "monthly_estimated_revenue": nil, "support_address": nil}
	for _, n := range profileNames {
		profile[n] = null(a.Profile[n])
	}
	banks := []obj{}
	if a.Bank != nil {
		banks = append(banks, shapeBank(*a.Bank, a.ID))
	}
	external := listOf(banks, false, "/v1/accounts/"+a.ID+"/external_accounts")
	external["total_count"] = len(banks)
	return obj{"id": a.ID, "object": "account", "business_profile": profile, "business_type": null(a.Business), "capabilities": caps,
		"charges_enabled": a.capability("transfers") == "active" || a.capability("card_payments") == "active",
		"controller":      obj{"type": "application", "is_controller": true}, "country": a.Country, "created": a.Created, "default_currency": a.Currency,
		"details_submitted": a.Submitted, "email": null(a.Email), "external_accounts": external, "future_requirements": noRequirements(),
		"metadata": metaOf(a.Meta), "payouts_enabled": a.payouts(), "requirements": a.requirements(), "settings": a.settings(),
		"tos_acceptance": obj{"date": null(a.Accepted), "ip": nil, "user_agent": nil}, "type": "express"}
}

func (a connected) settings() obj {
	return obj{"bacs_debit_payments": obj{"display_name": nil, "service_user_number": nil},
		"branding":     obj{"icon": nil, "logo": nil, "primary_color": nil, "secondary_color": nil},
		"card_issuing": obj{"tos_acceptance": obj{"date": nil, "ip": nil}},
		"card_payments": obj{"decline_on": obj{"avs_failure": false, "cvc_failure": false}, "statement_descriptor_prefix": nil,
			"statement_descriptor_prefix_kana": nil, "statement_descriptor_prefix_kanji": nil},
		"dashboard": obj{"display_name": null(a.Profile["name"]), "timezone": "Etc/UTC"}, "invoices": obj{"default_account_tax_ids": nil},
		"payments": obj{"statement_descriptor": nil, "statement_descriptor_kana": nil, "statement_descriptor_kanji": nil,
			"statement_descriptor_prefix_kana": nil, "statement_descriptor_prefix_kanji": nil},
		"payouts":             obj{"debit_negative_balances": false, "schedule": obj{"delay_days": a.Delay, "interval": a.Interval}, "statement_descriptor": null(a.Descriptor)},
		"sepa_debit_payments": obj{}}
}

func shapeBank(b bank, account string) obj {
	return obj{"id": b.ID, "object": "bank_account", "account": account, "account_holder_name": null(b.Holder), "account_holder_type": "individual",
		"account_type": nil, "available_payout_methods": []string{"standard"}, "bank_name": "STRIPE TEST BANK", "country": b.Country, "currency": b.Currency,
		"default_for_currency": true, "fingerprint": fingerprint("bank " + b.Country + b.Last4), "future_requirements": noRequirements(), "last4": b.Last4, "metadata": obj{},
		"requirements": noRequirements(), "routing_number": "110000000", "status": b.Status}
}

func shapeCapability(a connected, name string) obj {
	asked := slices.Contains(a.Wants, name)
	o := obj{"id": name, "object": "capability", "account": a.ID, "future_requirements": noRequirements(), "requested": asked, "requested_at": nil,
		"requirements": a.requirements(), "status": a.capability(name)}
	if asked {
		o["requested_at"] = a.Created
	}
	return o
}

// connectByID is byID for what connected accounts have.
func (st *Stripe) connectByID(prefix, id string) obj {
	switch prefix {
	case "acct":
		if a, ok := st.accounts.rows[id]; ok && a.Gone == "" {
			return shapeAccount(a)
		}
	case "ba":
		for _, a := range st.accounts.rows {
			if a.Bank != nil && a.Bank.ID == id {
				return shapeBank(*a.Bank, a.ID)
			}
		}
	case "tr":
		if tr, ok := st.transfers.rows[id]; ok {
			return st.shapeTransfer(tr)
		}
	case "trr":
		if r, ok := st.reversals.rows[id]; ok {
			return shapeReversal(r)
		}
	case "po":
		if p, ok := st.payouts.rows[id]; ok {
			return shapePayout(p)
		}
	}
	return nil
}
