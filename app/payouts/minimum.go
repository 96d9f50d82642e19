package payouts

import "vitrine/app/money"

// minimums are the smallest sums that are paid out, about ten euros each, in minor units. They are whole multiples of
// the unit below.
var minimums = map[money.Currency]int64{
	"EUR": 1000, "USD": 1000, "GBP": 1000, "CHF": 1000, "CAD": 1500, "AUD": 1500, "NZD": 1500, "SEK": 10000, "NOK": 10000, "DKK": 7500,
	"PLN": 5000, "CZK": 25000, "HUF": 400000, "MXN": 20000, "BRL": 5000, "JPY": 1500, "KRW": 15000, "TWD": 30000, "KWD": 3000,
}

// units are what a payout must be a multiple of, in minor units: banks know no hundredths of a forint or a new Taiwan
// dollar, and no thousandths of a dinar. Yen and won have no minor unit to begin with.
var units = map[money.Currency]int64{"HUF": 100, "TWD": 100, "KWD": 10}

// most is the largest payout in minor units: providers take eight digits. What is above it follows with the next.
const most = 99_999_999

// Minimum is the smallest sum that is paid out.
func Minimum(c money.Currency) money.Amount {
	if n, ok := minimums[c]; ok {
		return money.Amount{Minor: n, Currency: c}
	}
	return money.Amount{Minor: 1000, Currency: c}
}

// Payable is what of a balance one payout can carry: a multiple of the currency's unit, nothing below the minimum.
func Payable(available money.Amount) money.Amount {
	unit := max(units[available.Currency], 1)
	n := min(available.Minor, most)
	n -= n % unit
	if n < Minimum(available.Currency).Minor {
		n = 0
	}
	return money.Amount{Minor: n, Currency: available.Currency}
}
