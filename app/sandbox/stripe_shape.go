package sandbox

import (
	"strconv"
	"strings"
)

// null is v, or JSON's null where v says nothing.
func null[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

func metaOf(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func (st *Stripe) shapeSession(s session) obj {
	o := obj{
		"id": s.ID, "object": "checkout.session", "livemode": false, "created": s.Created, "expires_at": s.ExpiresAt,
		"status": s.Status, "payment_status": s.Paid, "mode": "payment", "ui_mode": "hosted", "currency": s.Currency,
		"amount_subtotal": s.Total, "amount_total": s.Total, "metadata": metaOf(s.Meta), "client_reference_id": null(s.Ref),
		"customer": null(s.Customer), "customer_email": null(s.Email), "customer_creation": nil, "customer_details": nil,
		"payment_intent": null(s.Intent), "payment_method_types": s.Methods, "payment_method_options": obj{},
		"payment_method_collection": "if_required", "payment_method_configuration_details": nil,
		"success_url": s.Success, "cancel_url": null(s.Cancel), "url": nil, "submit_type": null(s.Submit), "locale": null(s.Locale),
		"billing_address_collection": null(s.Address), "total_details": obj{"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
		"automatic_tax": obj{"enabled": false, "liability": nil, "status": nil}, "phone_number_collection": obj{"enabled": false},
		"custom_fields":    []any{},
		"custom_text":      obj{"after_submit": nil, "shipping_address": nil, "submit": nil, "terms_of_service_acceptance": nil},
		"invoice_creation": obj{"enabled": false, "invoice_data": obj{"account_tax_ids": nil, "custom_fields": nil, "description": nil, "footer": nil, "issuer": nil, "metadata": obj{}, "rendering_options": nil}},
		"shipping_options": []any{}, "after_expiration": nil, "allow_promotion_codes": nil, "client_secret": nil, "consent": nil,
		"consent_collection": nil, "currency_conversion": nil, "invoice": nil, "payment_link": nil, "recovered_from": nil,
		"setup_intent": nil, "shipping_address_collection": nil, "shipping_cost": nil, "shipping_details": nil, "subscription": nil,
	}
	if s.Customer == "" || s.CustomerAlways {
		o["customer_creation"] = "if_required"
		if s.CustomerAlways {
			o["customer_creation"] = "always"
		}
	}
	if s.Status == "open" {
		o["url"] = st.payURL(s.ID)
	}
	if s.SubmitText != "" {
		o["custom_text"].(obj)["submit"] = obj{"message": s.SubmitText}
	}
	if !s.MethodsGiven {
		o["payment_method_configuration_details"] = obj{"id": "pmc_1SandboxDefault0000000000", "parent": nil}
	}
	switch {
	case s.Details != nil:
		o["customer_details"] = obj{"address": addressOf(s.Details.Country, s.Details.Postal), "email": null(s.Details.Email),
			"name": null(s.Details.Name), "phone": nil, "tax_exempt": "none", "tax_ids": []any{}}
	case s.Email != "":
		o["customer_details"] = obj{"address": nil, "email": s.Email, "name": nil, "phone": nil, "tax_exempt": "none", "tax_ids": nil}
	}
	return o
}

func addressOf(country, postal string) obj {
	return obj{"city": nil, "country": null(country), "line1": nil, "line2": nil, "postal_code": null(postal), "state": nil}
}

func (st *Stripe) shapeItem(s session, it item) obj {
	total := it.Unit * it.Quantity
	return obj{"id": it.ID, "object": "item", "amount_discount": 0, "amount_subtotal": total, "amount_tax": 0, "amount_total": total,
		"currency": s.Currency, "description": it.Name, "quantity": it.Quantity,
		"price": obj{"id": it.Price, "object": "price", "active": false, "billing_scheme": "per_unit", "created": s.Created,
			"currency": s.Currency, "custom_unit_amount": nil, "livemode": false, "lookup_key": nil, "metadata": obj{}, "nickname": nil,
			"product": it.Product, "recurring": nil, "tax_behavior": orElse(it.Tax, "unspecified"), "tiers_mode": nil, "transform_quantity": nil,
			"type": "one_time", "unit_amount": it.Unit, "unit_amount_decimal": strconv.FormatInt(it.Unit, 10)}}
}

func shapeProduct(s session, it item) obj {
	images := it.Images
	if images == nil {
		images = []string{}
	}
	return obj{"id": it.Product, "object": "product", "active": false, "created": s.Created, "default_price": nil, "description": null(it.Description),
		"images": images, "livemode": false, "metadata": metaOf(it.Meta), "name": it.Name, "package_dimensions": nil, "shippable": nil,
		"statement_descriptor": nil, "tax_code": nil, "unit_label": nil, "updated": s.Created, "url": nil, "features": []any{}, "type": "service"}
}

func orElse(v, other string) string {
	if v == "" {
		return other
	}
	return v
}

func (st *Stripe) shapeIntent(p intent) obj {
	o := obj{
		"id": p.ID, "object": "payment_intent", "livemode": false, "created": p.Created, "amount": p.Amount, "amount_capturable": 0,
		"amount_details": obj{"tip": obj{}}, "amount_received": p.Received, "application": nil, "application_fee_amount": nil,
		"automatic_payment_methods": nil, "canceled_at": null(p.CanceledAt), "cancellation_reason": null(p.CancelReason),
		"capture_method": "automatic", "client_secret": p.Secret, "confirmation_method": "automatic", "currency": p.Currency,
		"customer": null(p.Customer), "description": null(p.Data.Description), "invoice": nil, "last_payment_error": nil,
		"latest_charge": null(p.Latest), "metadata": metaOf(p.Data.Meta), "next_action": nil, "on_behalf_of": nil, "payment_method": nil,
		"payment_method_configuration_details": nil, "payment_method_options": methodOptions(p.Methods), "payment_method_types": p.Methods,
		"processing": nil, "receipt_email": null(p.Data.Receipt), "review": nil, "setup_future_usage": nil, "shipping": nil, "source": nil,
		"statement_descriptor": null(p.Data.Descriptor), "statement_descriptor_suffix": null(p.Data.Suffix), "status": p.Status,
		"transfer_data": nil, "transfer_group": null(p.Data.Group),
	}
	if p.Automatic {
		o["automatic_payment_methods"] = obj{"allow_redirects": "always", "enabled": true}
		if p.NoRedirects {
			o["automatic_payment_methods"] = obj{"allow_redirects": "never", "enabled": true}
		}
		o["payment_method_configuration_details"] = obj{"id": "pmc_1SandboxDefault0000000000", "parent": nil}
	}
	if p.Method != nil && p.Status != "requires_payment_method" {
		o["payment_method"] = p.Method.ID
	}
	if p.Status == "requires_action" {
		o["next_action"] = obj{"type": "redirect_to_url", "redirect_to_url": obj{"url": st.challengeURL(p), "return_url": null(st.returnURL(p))}}
	}
	if e := p.LastError; e != nil {
		last := obj{"charge": null(e.Charge), "code": e.Code, "doc_url": "https://stripe.com/docs/error-codes/" + strings.ReplaceAll(e.Code, "_", "-"),
			"message": e.Message, "type": "card_error"}
		if e.Charge == "" {
			delete(last, "charge")
			last["type"] = "invalid_request_error"
		}
		if e.Decline != "" {
			last["decline_code"] = e.Decline
		}
		if e.Method != nil {
			last["payment_method"] = shapeMethod(*e.Method)
		}
		o["last_payment_error"] = last
	}
	return o
}

func methodOptions(methods []string) obj {
	o := obj{}
	for _, m := range methods {
		switch m {
		case "card":
			o[m] = obj{"installments": nil, "mandate_options": nil, "network": nil, "request_three_d_secure": "automatic"}
		default:
			o[m] = obj{}
		}
	}
	return o
}

func billing(m method) obj {
	return obj{"address": addressOf(m.BillingCountry, m.Postal), "email": null(m.Email), "name": null(m.Name), "phone": nil}
}

func shapeMethod(m method) obj {
	o := obj{"id": m.ID, "object": "payment_method", "billing_details": billing(m), "created": m.Created, "customer": nil,
		"livemode": false, "metadata": obj{}, "type": m.Kind}
	switch m.Kind {
	case "sepa_debit":
		o["sepa_debit"] = obj{"bank_code": "37040044", "branch_code": "", "country": m.Country, "fingerprint": m.Fingerprint, "generated_from": nil, "last4": m.Last4}
	default:
		o["card"] = obj{"brand": m.Brand, "checks": obj{"address_line1_check": nil, "address_postal_code_check": nil, "cvc_check": "pass"},
			"country": m.Country, "exp_month": m.ExpMonth, "exp_year": m.ExpYear, "fingerprint": m.Fingerprint, "funding": m.funding(),
			"generated_from": nil, "last4": m.Last4, "networks": obj{"available": []string{m.Brand}, "preferred": nil},
			"three_d_secure_usage": obj{"supported": true}, "wallet": nil}
	}
	return o
}

func (st *Stripe) shapeCharge(c charge) obj {
	o := obj{
		"id": c.ID, "object": "charge", "livemode": false, "created": c.Created, "amount": c.Amount, "amount_captured": 0,
		"amount_refunded": c.Refunded, "application": nil, "application_fee": nil, "application_fee_amount": nil,
		"balance_transaction": null(c.Txn), "billing_details": billing(c.Method), "calculated_statement_descriptor": nil,
		"captured": c.Status == "succeeded", "currency": c.Currency, "customer": null(c.Customer), "description": null(c.Data.Description),
		"disputed": c.Dispute != "", "failure_balance_transaction": null(c.FailureTxn), "failure_code": null(c.FailCode),
		"failure_message": null(c.FailMessage), "fraud_details": obj{}, "invoice": nil, "metadata": metaOf(c.Meta), "on_behalf_of": nil,
		"outcome": shapeOutcome(c.Outcome), "paid": c.Status != "failed", "payment_intent": c.Intent, "payment_method": c.Method.ID,
		"payment_method_details": c.methodDetails(), "radar_options": obj{}, "receipt_email": null(c.Data.Receipt), "receipt_number": nil,
		"receipt_url": nil, "refunded": c.Refunded == c.Amount && c.Status == "succeeded", "review": nil, "shipping": nil, "source": nil,
		"source_transfer": nil, "statement_descriptor": null(c.Data.Descriptor), "statement_descriptor_suffix": null(c.Data.Suffix),
		"status": c.Status, "transfer_data": nil, "transfer_group": null(c.Data.Group),
	}
	if c.Status == "succeeded" {
		o["amount_captured"] = c.Amount
		o["receipt_url"] = st.srv.base + "/stripe/receipts/" + c.ID
		descriptor := "VITRINE SANDBOX"
		if c.Data.Suffix != "" {
			descriptor = "VITRINE* " + strings.ToUpper(c.Data.Suffix)
		}
		o["calculated_statement_descriptor"] = orElse(c.Data.Descriptor, descriptor)
	}
	return o
}

func shapeOutcome(v outcome) any {
	if v.Type == "" {
		return nil
	}
	o := obj{"network_status": v.Network, "reason": null(v.Reason), "seller_message": v.Message, "type": v.Type}
	if v.Level != "not_assessed" { // cards only
		o["risk_level"], o["risk_score"] = v.Level, v.Score
	} else {
		o["risk_level"] = v.Level
	}
	return o
}

func (c charge) methodDetails() obj {
	m := c.Method
	if m.Kind == "sepa_debit" {
		return obj{"type": m.Kind, "sepa_debit": obj{"bank_code": "37040044", "branch_code": "", "country": m.Country, "fingerprint": m.Fingerprint,
			"last4": m.Last4, "mandate": "mandate_" + m.ID[3:]}}
	}
	var secure any
	if c.ThreeDS != "" {
		secure = obj{"authentication_flow": "challenge", "electronic_commerce_indicator": "05", "exemption_indicator": nil, "result": c.ThreeDS,
			"result_reason": nil, "transaction_id": "3ds-" + m.Fingerprint, "version": "2.2.0"}
	}
	return obj{"type": "card", "card": obj{"amount_authorized": c.Amount, "brand": m.Brand,
		"checks":  obj{"address_line1_check": nil, "address_postal_code_check": nil, "cvc_check": cvcCheck(c)},
		"country": m.Country, "exp_month": m.ExpMonth, "exp_year": m.ExpYear, "extended_authorization": obj{"status": "disabled"},
		"fingerprint": m.Fingerprint, "funding": m.funding(), "incremental_authorization": obj{"status": "unavailable"}, "installments": nil,
		"last4": m.Last4, "mandate": nil, "multicapture": obj{"status": "unavailable"}, "network": m.Brand, "network_token": obj{"used": false},
		"overcapture": obj{"maximum_amount_capturable": c.Amount, "status": "unavailable"}, "three_d_secure": secure, "wallet": nil}}
}

func cvcCheck(c charge) string {
	if c.FailCode == "incorrect_cvc" {
		return "fail"
	}
	return "pass"
}

func shapeRefund(r refund) obj {
	details := obj{"type": "card", "card": obj{"type": "refund", "reference_status": "pending", "reference_type": "acquirer_reference_number"}}
	if r.Kind == "sepa_debit" {
		details = obj{"type": "sepa_bank_transfer", "sepa_bank_transfer": obj{}}
	}
	o := obj{"id": r.ID, "object": "refund", "amount": r.Amount, "balance_transaction": null(r.Txn), "charge": r.Charge, "created": r.Created,
		"currency": r.Currency, "destination_details": details, "metadata": metaOf(r.Meta), "payment_intent": r.Intent, "reason": null(r.Reason),
		"receipt_number": nil, "source_transfer_reversal": nil, "status": r.Status, "transfer_reversal": nil}
	if r.Failure != "" {
		o["failure_reason"], o["failure_balance_transaction"] = r.Failure, null(r.FailureTxn)
	}
	return o
}

func shapeTxn(x txn, now int64) obj {
	status := "pending"
	if x.AvailableOn <= now {
		status = "available"
	}
	fees := []any{}
	if x.Fee != 0 {
		fees = append(fees, obj{"amount": x.Fee, "application": nil, "currency": x.Currency, "description": x.FeeLabel, "type": "stripe_fee"})
	}
	return obj{"id": x.ID, "object": "balance_transaction", "amount": x.Amount, "available_on": x.AvailableOn, "created": x.Created,
		"currency": x.Currency, "description": null(x.Description), "exchange_rate": nil, "fee": x.Fee, "fee_details": fees, "net": x.Amount - x.Fee,
		"reporting_category": x.Category, "source": x.Source, "status": status, "type": x.Type}
}

func shapeCustomer(c customer) obj {
	return obj{"id": c.ID, "object": "customer", "address": nil, "balance": 0, "created": c.Created, "currency": nil, "default_source": nil,
		"delinquent": false, "description": null(c.Description), "discount": nil, "email": null(c.Email), "invoice_prefix": c.Prefix,
		"invoice_settings": obj{"custom_fields": nil, "default_payment_method": nil, "footer": nil, "rendering_options": nil}, "livemode": false,
		"metadata": metaOf(c.Meta), "name": null(c.Name), "next_invoice_sequence": 1, "phone": null(c.Phone), "preferred_locales": []any{},
		"shipping": nil, "tax_exempt": "none", "test_clock": nil}
}

func shapeHook(h hook) obj {
	return obj{"id": h.ID, "object": "webhook_endpoint", "api_version": null(h.Version), "application": nil, "created": h.Created,
		"description": null(h.Description), "enabled_events": h.Types, "livemode": false, "metadata": metaOf(h.Meta), "status": "enabled", "url": h.URL}
}
