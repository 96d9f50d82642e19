package source

import (
	"regexp"
	"strings"

	"vitrine/app/money"
)

// signs are what stands beside amounts, and the currencies that each may mean.
var signs = []struct{ sign, currencies string }{
	{"US$", "USD"}, {"CA$", "CAD"}, {"C$", "CAD"}, {"AU$", "AUD"}, {"A$", "AUD"}, {"NZ$", "NZD"}, {"MX$", "MXN"}, {"R$", "BRL"}, {"NT$", "TWD"}, {"HK$", "HKD"}, {"S$", "SGD"},
	{"€", "EUR"}, {"£", "GBP"}, {"¥", "JPY CNY"}, {"￥", "JPY CNY"}, {"円", "JPY"}, {"₩", "KRW"}, {"원", "KRW"}, {"zł", "PLN"}, {"Kč", "CZK"}, {"Ft", "HUF"}, {"₹", "INR"}, {"₺", "TRY"}, {"₽", "RUB"}, {"₪", "ILS"}, {"₫", "VND"}, {"฿", "THB"},
	{"CHF", "CHF"}, {"Fr.", "CHF"}, {"kr.", "DKK SEK NOK"}, {"kr", "SEK NOK DKK"}, {"元", "CNY TWD"}, {"Euro", "EUR"},
	{"$", "USD CAD AUD NZD MXN TWD"},
	{"EUR", "EUR"}, {"USD", "USD"}, {"GBP", "GBP"}, {"CAD", "CAD"}, {"AUD", "AUD"}, {"NZD", "NZD"}, {"SEK", "SEK"}, {"NOK", "NOK"}, {"DKK", "DKK"}, {"PLN", "PLN"}, {"CZK", "CZK"},
	{"HUF", "HUF"}, {"MXN", "MXN"}, {"BRL", "BRL"}, {"JPY", "JPY"}, {"KRW", "KRW"}, {"TWD", "TWD"}, {"KWD", "KWD"}, {"INR", "INR"}, {"SGD", "SGD"}, {"HKD", "HKD"}, {"CNY", "CNY"},
}

var (
	signPattern = func() string {
		var all []string
		for _, s := range signs {
			all = append(all, regexp.QuoteMeta(s.sign))
		}
		return "(?:" + strings.Join(all, "|") + ")"
	}()
	number     = `\d{1,3}(?:[ .,'’\x{a0}\x{202f}]\d{3})+(?:[.,]\d{1,3})?|\d+(?:[.,]\d{1,4})?`
	pricesIn   = regexp.MustCompile(`(?:` + signPattern + `[ \x{a0}\x{202f}]?(?:` + number + `)(?:,[-–—]+)?)|(?:(?:` + number + `)(?:,[-–—]+)?[ \x{a0}\x{202f}]?` + signPattern + `)`)
	digitsIn   = regexp.MustCompile(number)
	dashedTail = regexp.MustCompile(`[.,][-–—]+$`)
)

// prices are the amounts with a sign that a text names, as they stand there.
func prices(s string) []string {
	var out []string
	for _, at := range pricesIn.FindAllStringIndex(s, -1) {
		p := s[at[0]:at[1]]
		if wordy(s, at[0], -1) || wordy(s, at[1], 1) {
			continue // part of a longer word or number
		}
		out = append(out, p)
	}
	return out
}

// wordy reports whether a letter or digit goes on where a price ends that ends with one itself.
func wordy(s string, at, dir int) bool {
	letter := func(b byte) bool { return b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z' }
	if dir < 0 {
		return at > 0 && letter(s[at-1]) && letter(s[at])
	}
	return at < len(s) && letter(s[at]) && letter(s[at-1])
}

// amount reads a price as it stands: its number, and the currencies that its sign may mean.
func amount(s string) (num, currencies string, ok bool) {
	s = strings.TrimSpace(s)
	for _, x := range signs {
		if rest, found := strings.CutPrefix(s, x.sign); found {
			s, currencies = rest, x.currencies
			break
		}
		if rest, found := strings.CutSuffix(s, x.sign); found {
			s, currencies = rest, x.currencies
			break
		}
	}
	s = dashedTail.ReplaceAllString(strings.TrimSpace(s), "")
	if digitsIn.FindString(s) != s || s == "" {
		return "", "", false
	}
	return s, currencies, true
}

// samePrice reports whether two amounts are the same money, however they are written.
func samePrice(a, b string) bool {
	na, ca, ok := amount(a)
	nb, cb, ok2 := amount(b)
	if !ok || !ok2 {
		return strings.TrimSpace(a) == strings.TrimSpace(b)
	}
	if ca != "" && cb != "" && !strings.Contains(ca, cb) && !strings.Contains(cb, ca) {
		return false
	}
	x, err := money.Parse(na, "EUR")
	y, err2 := money.Parse(nb, "EUR")
	return err == nil && err2 == nil && x == y || na == nb
}
