package paypal

import (
	"fmt"
	"strconv"
	"strings"

	"vitrine/app/money"
	"vitrine/app/payments"
)

// digits are how many digits after the point PayPal takes; what is not here it does not take. Three currencies have
// none although they are counted in hundredths.
var digits = map[money.Currency]int{
	"EUR": 2, "USD": 2, "GBP": 2, "CHF": 2, "CAD": 2, "AUD": 2, "NZD": 2, "SEK": 2, "NOK": 2, "DKK": 2, "PLN": 2, "CZK": 2, "MXN": 2, "BRL": 2,
	"HUF": 0, "JPY": 0, "TWD": 0,
}

// Takes reports whether an amount can be paid through PayPal: in a currency that it has, without digits that it does not.
func (c *Client) Takes(a money.Amount) bool {
	_, err := write(a)
	return err == nil
}

// value is an amount as PayPal writes it: currency_code in new calls, currency in old ones.
type value struct {
	Code  string `json:"currency_code,omitempty"`
	Old   string `json:"currency,omitempty"`
	Value string `json:"value"`
}

// write makes a decimal string. What PayPal cannot take is refused here, as PayPal would.
func write(a money.Amount) (string, error) {
	n, ok := digits[a.Currency]
	if !ok {
		return "", refuse("CURRENCY_NOT_SUPPORTED", a)
	}
	s := a.Decimal()
	if n == 0 && a.Currency.Exponent() > 0 {
		whole, frac, _ := strings.Cut(s, ".")
		if strings.Trim(frac, "0") != "" {
			return "", refuse("DECIMALS_NOT_SUPPORTED", a)
		}
		s = whole
	}
	return s, nil
}

func refuse(code string, a money.Amount) error {
	return &payments.Error{Outcome: payments.Refused, Code: code, Message: "PayPal does not take " + a.String(), Cause: fmt.Errorf("%s: %s", code, a)}
}

func amount(a money.Amount) (value, error) {
	s, err := write(a)
	return value{Code: string(a.Currency), Value: s}, err
}

// read is the amount in our smallest unit; with a sign where PayPal writes one.
func (v value) read() (money.Amount, error) {
	c := money.Currency(v.Code)
	if c == "" {
		c = money.Currency(v.Old)
	}
	if !c.Valid() {
		return money.Amount{}, fmt.Errorf("paypal names the currency %q", c)
	}
	s, neg := strings.CutPrefix(v.Value, "-")
	whole, frac, _ := strings.Cut(s, ".")
	e := c.Exponent()
	if strings.Trim(frac[min(e, len(frac)):], "0") != "" {
		return money.Amount{}, fmt.Errorf("paypal writes %q %s", v.Value, c)
	}
	frac = (frac + strings.Repeat("0", e))[:e]
	n, err := strconv.ParseInt(whole+frac, 10, 64)
	if err != nil {
		return money.Amount{}, fmt.Errorf("paypal writes %q %s: %w", v.Value, c, err)
	}
	if neg {
		n = -n
	}
	return money.Amount{Minor: n, Currency: c}, nil
}
