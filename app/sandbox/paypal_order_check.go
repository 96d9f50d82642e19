package sandbox

import (
	"fmt"
	"net/url"
	"strconv"
)

// check says what PayPal would not take of a new order.
func (in ppOrderIn) check(c *ppCall) error {
	switch in.Intent {
	case "CAPTURE":
	case "":
		return ppBad("/intent", "", "MISSING_REQUIRED_PARAMETER", "A required field is missing.")
	case "AUTHORIZE":
		return ppNo("/intent", "PERMISSION_DENIED", "The sandbox captures at once; it keeps no authorizations.")
	default:
		return ppBad("/intent", clip(in.Intent), "INVALID_PARAMETER_VALUE", "The value of a field is invalid.")
	}
	if n := len(in.Units); n == 0 || n > 10 {
		return ppBad("/purchase_units", "", "INVALID_ARRAY_MIN_ITEMS", "The number of items in an array parameter is too small or too large.")
	}
	seen := map[string]bool{}
	for i, u := range in.Units {
		ref := orElse(u.Reference, "default")
		at := "/purchase_units/@reference_id=='" + ref + "'"
		if len(in.Units) > 1 && u.Reference == "" {
			return ppNo(fmt.Sprintf("/purchase_units/%d/reference_id", i), "REFERENCE_ID_REQUIRED", "'reference_id' is required for each 'purchase_unit' if multiple 'purchase_unit' are provided.")
		}
		if seen[ref] {
			return ppNo(at+"/reference_id", "DUPLICATE_REFERENCE_ID", "'reference_id' must be unique if multiple 'purchase_unit' are provided.")
		}
		seen[ref] = true
		if e := u.check(at); e != nil {
			return e
		}
		if u.Amount.Code != in.Units[0].Amount.Code {
			return ppNo(at+"/amount/currency_code", "MULTI_CURRENCY_ORDER", "Multiple differing values of currency_code are not supported. Entire Order request must have the same currency code.")
		}
	}
	return in.checkContext(c)
}

func (in ppOrderIn) checkContext(c *ppCall) error {
	ctx, at := in.Old, "/application_context"
	if in.Source != nil {
		if in.Source.PayPal == nil {
			return ppNo("/payment_source", "PAYMENT_SOURCE_INFO_CANNOT_BE_VERIFIED", "The sandbox takes payments from PayPal accounts only.")
		}
		if c.Header.Get("PayPal-Request-Id") == "" {
			e := ppBad("PayPal-Request-Id", "", "PAYPAL_REQUEST_ID_REQUIRED", "A PayPal-Request-Id is required if you are trying to process payment for an Order. Please specify a PayPal-Request-Id or Create the Order without a 'payment_source' specified.")
			e.Details[0].Location = "header"
			return e
		}
		if in.Old != nil {
			return ppNo("/application_context", "INCOMPATIBLE_PARAMETER_VALUE", "The value of the field is incompatible with other parameters: use payment_source.paypal.experience_context alone.")
		}
		ctx, at = &in.Source.PayPal.Context, "/payment_source/paypal/experience_context"
	}
	if ctx == nil {
		return nil
	}
	for name, v := range map[string]string{"return_url": ctx.Return, "cancel_url": ctx.Cancel} {
		if u, err := url.Parse(v); v != "" && (err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http")) {
			return ppBad(at+"/"+name, clip(v), "INVALID_PARAMETER_SYNTAX", "The value of a field does not conform to the expected format.")
		}
	}
	if ctx.Action != "" && ctx.Action != "PAY_NOW" && ctx.Action != "CONTINUE" {
		return ppBad(at+"/user_action", clip(ctx.Action), "INVALID_PARAMETER_VALUE", "The value of a field is invalid.")
	}
	if n := len(ctx.Locale); n != 0 && (n < 2 || n > 10) {
		return ppBad(at+"/locale", clip(ctx.Locale), "INVALID_STRING_LENGTH", "The value of a field is either too short or too long.")
	}
	return ppLong(at+"/brand_name", ctx.Brand, 127)
}

// ppLong refuses a text that is too long. It answers nil itself, not a nil *ppError.
func ppLong(field, v string, most int) error {
	if len([]rune(v)) > most {
		return ppBad(field, clip(v), "INVALID_STRING_MAX_LENGTH", "The value of a field is too long.")
	}
	return nil
}

func (u ppUnit) check(at string) error {
	total, e := u.Amount.positive(at + "/amount")
	if e != nil {
		return e
	}
	for _, f := range []struct {
		name, v string
		most    int
	}{{"reference_id", u.Reference, 256}, {"custom_id", u.Custom, 127}, {"invoice_id", u.Invoice, 127}, {"description", u.Description, 127}, {"soft_descriptor", u.Soft, 22}} {
		if err := ppLong(at+"/"+f.name, f.v, f.most); err != nil {
			return err
		}
	}
	items, err := u.checkItems(at)
	if err != nil {
		return err
	}
	return u.checkSums(at, total, items)
}

// checkItems answers what the items come to.
func (u ppUnit) checkItems(at string) (int64, error) {
	sum := int64(0)
	for i, it := range u.Items {
		here := fmt.Sprintf("%s/items/%d", at, i)
		if it.Name == "" {
			return 0, ppBad(here+"/name", "", "MISSING_REQUIRED_PARAMETER", "A required field is missing.")
		}
		if err := ppLong(here+"/name", it.Name, 127); err != nil {
			return 0, err
		}
		if err := ppLong(here+"/description", it.Description, 127); err != nil {
			return 0, err
		}
		n, err := strconv.Atoi(it.Quantity)
		if err != nil || n < 1 || len(it.Quantity) > 10 {
			return 0, ppBad(here+"/quantity", clip(it.Quantity), "INVALID_PARAMETER_SYNTAX", "The value of a field does not conform to the expected format.")
		}
		each, e := it.Unit.read(here + "/unit_amount")
		if e != nil {
			return 0, e
		}
		if it.Unit.Code != u.Amount.Code {
			return 0, ppNo(here+"/unit_amount/currency_code", "CURRENCY_MISMATCH", "Currency of the item differs from that of the amount.")
		}
		if it.Category != "" && it.Category != "DIGITAL_GOODS" && it.Category != "PHYSICAL_GOODS" && it.Category != "DONATION" {
			return 0, ppBad(here+"/category", clip(it.Category), "INVALID_PARAMETER_VALUE", "The value of a field is invalid.")
		}
		sum += each * int64(n)
	}
	return sum, nil
}

// checkSums wants the parts to come to the whole.
func (u ppUnit) checkSums(at string, total, items int64) error {
	b := u.Amount.Breakdown
	if _, has := b["item_total"]; len(u.Items) > 0 && !has {
		return ppNo(at+"/amount/breakdown/item_total", "ITEM_TOTAL_REQUIRED", "If item details are specified (items.unit_amount and items.quantity) corresponding amount.breakdown.item_total is required.")
	}
	sum := int64(0)
	for name, m := range b {
		n, e := m.read(at + "/amount/breakdown/" + name)
		if e != nil {
			return e
		}
		switch name {
		case "item_total":
			if len(u.Items) > 0 && n != items {
				return ppNo(at+"/amount/breakdown/item_total", "ITEM_TOTAL_MISMATCH", "Should equal sum of (unit_amount * quantity) across all items for a given purchase_unit.")
			}
			sum += n
		case "shipping", "handling", "tax_total", "insurance":
			sum += n
		case "shipping_discount", "discount":
			sum -= n
		default:
			return ppBad(at+"/amount/breakdown/"+clip(name), "", "INVALID_PARAMETER_VALUE", "The value of a field is invalid.")
		}
	}
	if b != nil && sum != total {
		return ppNo(at+"/amount/value", "AMOUNT_MISMATCH", "Should equal item_total + tax_total + shipping + handling + insurance - shipping_discount - discount.")
	}
	return nil
}
