package sandbox

import (
	"strconv"
	"strings"
)

// currencies Stripe charges in. The table is the sandbox's own on purpose: it checks the product's.
var currencyCodes = strings.Fields(`usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd
cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl hrk htg huf idr ils inr
isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mro mur mvr mwk mxn myr mzn nad ngn
nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top try
ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw`)

var (
	zeroDecimal  = set("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf")
	threeDecimal = set("bhd jod kwd omr tnd")
	wholeOnly    = set("isk ugx") // two decimals by name, none in fact
	knownCode    = set(strings.Join(currencyCodes, " "))

	leastCharge = map[string]int64{"usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250,
		"eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50, "pln": 200,
		"ron": 200, "sek": 300, "sgd": 50, "thb": 1000}

	// cardFee is what the provider keeps: basis points and a fixed part in minor units.
	cardFee = map[string][2]int64{"eur": {150, 25}, "usd": {290, 30}, "gbp": {150, 20}, "chf": {290, 30}, "cad": {290, 30}, "aud": {175, 30},
		"jpy": {360, 0}, "krw": {340, 0}, "kwd": {290, 100}, "huf": {290, 8500}, "czk": {150, 650}, "sek": {150, 180}, "nok": {240, 200}, "dkk": {150, 180}, "pln": {150, 100}}

	symbols = map[string]string{"eur": "€", "usd": "$", "gbp": "£", "jpy": "¥", "inr": "₹", "krw": "₩", "aud": "A$", "cad": "CA$", "nzd": "NZ$", "brl": "R$", "mxn": "MX$", "hkd": "HK$", "twd": "NT$", "ils": "₪", "vnd": "₫"}
)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

func exponent(cur string) int {
	switch {
	case zeroDecimal[cur]:
		return 0
	case threeDecimal[cur]:
		return 3
	}
	return 2
}

// format writes 1900 eur as €19.00.
func format(minor int64, cur string) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	digits := strconv.FormatInt(minor, 10)
	exp := exponent(cur)
	for len(digits) <= exp {
		digits = "0" + digits
	}
	whole, frac := digits[:len(digits)-exp], digits[len(digits)-exp:]
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if exp > 0 {
		whole += "." + frac
	}
	if s, ok := symbols[cur]; ok {
		return sign + s + whole
	}
	return sign + strings.ToUpper(cur) + "\u00a0" + whole
}

func least(cur string) int64 {
	if n, ok := leastCharge[cur]; ok {
		return n
	}
	if exponent(cur) == 3 {
		return 500
	}
	return 50
}

func most(cur string) int64 {
	if cur == "idr" {
		return 999_999_999_999
	}
	return 99_999_999
}

func feeFor(kind, cur string, amount int64) int64 {
	rate, ok := cardFee[cur]
	if !ok {
		rate = [2]int64{290, 30}
		if exponent(cur) == 0 {
			rate[1] = 0
		}
	}
	if kind == "sepa_debit" {
		rate = [2]int64{0, 35}
	}
	return min(amount, (amount*rate[0]+5000)/10000+rate[1])
}

// currency reads and lowers a currency parameter.
func (p *params) currency(name string) string {
	v := strings.ToLower(p.need(name, 5000))
	if v != "" && !knownCode[v] {
		p.fail(invalid(p.name(name), "", "Invalid currency: %s. Stripe currently supports these currencies: %s", clip(v), strings.Join(currencyCodes, ", ")))
		return ""
	}
	return v
}

// chargeable reports why an amount cannot be charged; nil when it can.
func chargeable(param, cur string, amount int64) *apiError {
	switch {
	case amount > most(cur):
		return invalid(param, "amount_too_large", "Amount must be no more than %s", format(most(cur), cur))
	case amount < least(cur):
		return invalid(param, "amount_too_small", "Amount must be at least %s %s", format(least(cur), cur), cur)
	case threeDecimal[cur] && amount%10 != 0, wholeOnly[cur] && amount%100 != 0:
		return invalid(param, "", "Invalid amount: %d is not payable in %s, whose last digit must be 0.", amount, cur)
	}
	return nil
}
