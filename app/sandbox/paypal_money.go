package sandbox

import (
	"slices"
	"strconv"
	"strings"
)

// ppCurrencies are the ones that PayPal moves. The table is the sandbox's own on purpose: it checks the product's.
var (
	ppCurrencies = set("AUD BRL CAD CNY CZK DKK EUR HKD HUF ILS JPY MYR MXN TWD NZD NOK PHP PLN GBP SGD SEK CHF THB USD")
	ppWhole      = set("HUF JPY TWD")

	// ppFixed is the fixed part of what PayPal keeps of a payment, in minor units.
	ppFixed = map[string]int64{"AUD": 30, "BRL": 60, "CAD": 30, "CHF": 55, "CZK": 1000, "DKK": 260, "EUR": 39, "GBP": 30, "HKD": 235, "HUF": 90, "ILS": 120, "JPY": 40,
		"MXN": 400, "MYR": 200, "NOK": 280, "NZD": 45, "PHP": 1500, "PLN": 135, "SEK": 325, "SGD": 50, "THB": 1100, "TWD": 10, "USD": 49}
	// ppPayoutCap is the most that one payout costs; below, it is two per cent.
	ppPayoutCap = map[string]int64{"AUD": 125, "BRL": 200, "CAD": 125, "CHF": 130, "CZK": 2400, "DKK": 600, "EUR": 85, "GBP": 65, "HKD": 700, "HUF": 210, "ILS": 400, "JPY": 120,
		"MXN": 1100, "MYR": 400, "NOK": 675, "NZD": 150, "PHP": 5000, "PLN": 300, "SEK": 900, "SGD": 160, "THB": 3600, "TWD": 33, "USD": 100}
	// ppDisputeFee is what a lost dispute costs on top.
	ppDisputeFee = map[string]int64{"EUR": 1400, "USD": 1500, "GBP": 1200, "CHF": 1500, "JPY": 1875, "HUF": 4585, "TWD": 485}
)

const ppRate = 299 // basis points

func ppFee(cur string, amount int64) int64 {
	return min(amount, (amount*ppRate+5000)/10000+ppFixed[cur])
}

func ppPayoutFee(cur string, amount int64) int64 {
	most, ok := ppPayoutCap[cur]
	if !ok {
		most = 100
	}
	return min((amount*2+50)/100, most)
}

func ppFeeOfDispute(cur string) int64 {
	if n, ok := ppDisputeFee[cur]; ok {
		return n
	}
	return 1500
}

// ppMoney is an amount as orders and payments write it; payouts say currency.
type ppMoney struct {
	Code  string `json:"currency_code"`
	Value string `json:"value"`
}

func ppDigits(cur string) int {
	if ppWhole[cur] {
		return 0
	}
	return 2
}

// ppDecimal writes minor units as a decimal string with the currency's own digits.
func ppDecimal(minor int64, cur string) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	digits, n := strconv.FormatInt(minor, 10), ppDigits(cur)
	for len(digits) <= n {
		digits = "0" + digits
	}
	if n == 0 {
		return sign + digits
	}
	return sign + digits[:len(digits)-n] + "." + digits[len(digits)-n:]
}

func ppAmount(minor int64, cur string) obj {
	return obj{"currency_code": cur, "value": ppDecimal(minor, cur)}
}

// ppOldAmount is an amount as the v1 payouts write it.
func ppOldAmount(minor int64, cur string) obj {
	return obj{"currency": cur, "value": ppDecimal(minor, cur)}
}

// read answers the amount in minor units, or says what is wrong with it. The field is a JSON pointer.
func (m ppMoney) read(field string) (int64, *ppError) {
	if m.Code == "" {
		return 0, ppBad(field+"/currency_code", "", "MISSING_REQUIRED_PARAMETER", "A required field is missing.")
	}
	if len(m.Code) != 3 {
		return 0, ppBad(field+"/currency_code", m.Code, "INVALID_STRING_LENGTH", "The value of a field is either too short or too long.")
	}
	if m.Value == "" {
		return 0, ppBad(field+"/value", "", "MISSING_REQUIRED_PARAMETER", "A required field is missing.")
	}
	whole, frac, dot := strings.Cut(m.Value, ".")
	if len(m.Value) > 32 || (dot && !allDigits(frac)) || (!allDigits(strings.TrimPrefix(whole, "-")) && (!dot || strings.TrimPrefix(whole, "-") != "")) {
		return 0, ppBad(field+"/value", clip(m.Value), "INVALID_PARAMETER_SYNTAX", "The value of a field does not conform to the expected format.")
	}
	if !ppCurrencies[m.Code] {
		return 0, ppNo(field+"/currency_code", "CURRENCY_NOT_SUPPORTED", "Currency code is not currently supported. Please refer https://developer.paypal.com/docs/api/reference/currency-codes/ for list of supported currency codes.")
	}
	n := ppDigits(m.Code)
	if n == 0 && dot {
		return 0, ppNo(field+"/value", "DECIMALS_NOT_SUPPORTED", "Currency does not support decimals.")
	}
	if len(frac) > n {
		return 0, ppNo(field+"/value", "DECIMAL_PRECISION", "The value of the field should not be more than two decimal places.")
	}
	for len(frac) < n {
		frac += "0"
	}
	v, err := strconv.ParseInt(whole+frac, 10, 64)
	if err != nil || v > 999_999_999_99 {
		return 0, ppNo(field+"/value", "MAX_VALUE_EXCEEDED", "Should be less than or equal to 999999999.99 for currencies with decimals.")
	}
	return v, nil
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// positive reads an amount that must not be nothing.
func (m ppMoney) positive(field string) (int64, *ppError) {
	n, e := m.read(field)
	if e == nil && n <= 0 {
		e = ppNo(field+"/value", "CANNOT_BE_ZERO_OR_NEGATIVE", "Must be greater than zero. If the currency supports decimals, only two decimal place precision is supported.")
	}
	return n, e
}

// ppTxn is one movement of the account, as the transaction search lists it.
type ppTxn struct {
	ID       string `json:"id"`
	Code     string `json:"code"` // T0006 and so on
	Created  int64  `json:"created"`
	Updated  int64  `json:"updated"`
	Ref      string `json:"ref,omitempty"`
	RefType  string `json:"ref_type,omitempty"` // ODR an order, TXN a transaction
	Amount   int64  `json:"amount"`             // signed
	Fee      int64  `json:"fee"`                // signed: what is kept is negative
	Currency string `json:"currency"`
	Status   string `json:"status"` // S done, P pending, V taken back
	Invoice  string `json:"invoice,omitempty"`
	Custom   string `json:"custom,omitempty"`
	Subject  string `json:"subject,omitempty"`
	Note     string `json:"note,omitempty"`
	Payer    string `json:"payer,omitempty"` // e-mail address of the other side
	Hold     bool   `json:"hold,omitempty"`  // withheld, not gone
}

// book writes a movement down; it counts at once.
func (pp *PayPal) book(t *tx, x ppTxn) {
	if x.ID == "" {
		x.ID = ppID(17)
	}
	x.Status = orElse(x.Status, "S")
	x.Created, x.Updated = t.now.Unix(), t.now.Unix()
	put(t, pp.txns, x.ID, x)
}

// purse is the balance in one currency; withheld is what disputes hold back.
func (pp *PayPal) purse(cur string) (available, withheld int64) {
	for _, x := range pp.txns.rows {
		if x.Currency != cur {
			continue
		}
		available += x.Amount + x.Fee
		if x.Hold {
			withheld -= x.Amount
		}
	}
	return available, withheld
}

// Balance is what the platform has: Pending is withheld for disputes.
func (pp *PayPal) Balance(currency string) Balance {
	b := Balance{Currency: strings.ToUpper(currency)}
	pp.db.see(func() { b.Available, b.Pending = pp.purse(b.Currency) })
	return b
}

// Fund pays minor units into the account from the platform's bank, or takes them out.
func (pp *PayPal) Fund(currency string, minor int64) error {
	currency = strings.ToUpper(currency)
	if !ppCurrencies[currency] {
		return ppNo("/currency", "CURRENCY_NOT_SUPPORTED", "PayPal does not move "+clip(currency)+".")
	}
	return pp.do(func(t *tx) error {
		code := "T0300"
		if minor < 0 {
			code = "T0400"
		}
		pp.book(t, ppTxn{Code: code, Amount: minor, Currency: currency, Subject: "Bank"})
		return nil
	})
}

// currencies in which something was moved, in the order they came.
func (pp *PayPal) currencies() []string {
	out := []string{}
	for _, id := range pp.txns.order {
		if c := pp.txns.rows[id].Currency; !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}
