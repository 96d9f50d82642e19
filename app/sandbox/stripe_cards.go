package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// card is what one of Stripe's documented test numbers does.
type card struct {
	Number, Brand, Label string
	Group                string // heading on the pages
	Token                string // pm_card_… for the API
	Code, Decline        string // of the error, when it is declined
	Message              string
	ThreeDS              bool
	Risk                 string // elevated, highest
	Blocked              bool   // by Radar, always
	Dispute              string // a dispute follows, with this reason; "inquiry" is only a question, "warning" only a warning
	Country, Funding     string // where they are not US and credit
	Refund               string // "failed": a refund is taken back later, "pending": it takes its time
	AtOnce               bool   // the money is available at once
}

const (
	generic = "Your card was declined."
	later   = "An error occurred while processing your card. Try again in a little bit."
)

var testCards = []card{
	{Number: "4242424242424242", Brand: "visa", Label: "Succeeds", Group: "Succeed", Token: "pm_card_visa"},
	{Number: "5555555555554444", Brand: "mastercard", Label: "Succeeds, Mastercard", Group: "Succeed", Token: "pm_card_mastercard"},
	{Number: "378282246310005", Brand: "amex", Label: "Succeeds, American Express", Group: "Succeed", Token: "pm_card_amex"},
	{Number: "4000056655665556", Brand: "visa", Label: "Succeeds, debit card", Group: "Succeed", Token: "pm_card_visa_debit", Funding: "debit"},
	{Number: "5105105105105100", Brand: "mastercard", Label: "Succeeds, prepaid card", Group: "Succeed", Token: "pm_card_mastercard_prepaid", Funding: "prepaid"},
	{Number: "4000002760000016", Brand: "visa", Label: "Succeeds, card from Germany", Group: "Succeed", Token: "pm_card_de", Country: "DE"},
	{Number: "4000002500000003", Brand: "visa", Label: "Succeeds, card from France", Group: "Succeed", Token: "pm_card_fr", Country: "FR"},
	{Number: "4000000760000002", Brand: "visa", Label: "Succeeds, card from Brazil", Group: "Succeed", Token: "pm_card_br", Country: "BR"},
	{Number: "4000000000000077", Brand: "visa", Label: "Succeeds, available at once", Group: "Succeed", Token: "pm_card_bypassPending", AtOnce: true},
	{Number: "4000000000000002", Brand: "visa", Label: "Declined", Group: "Decline", Token: "pm_card_visa_chargeDeclined", Code: "card_declined", Decline: "generic_decline", Message: generic},
	{Number: "4000000000009995", Brand: "visa", Label: "Insufficient funds", Group: "Decline", Token: "pm_card_visa_chargeDeclinedInsufficientFunds", Code: "card_declined", Decline: "insufficient_funds", Message: "Your card has insufficient funds."},
	{Number: "4000000000009987", Brand: "visa", Label: "Lost card", Group: "Decline", Token: "pm_card_visa_chargeDeclinedLostCard", Code: "card_declined", Decline: "lost_card", Message: generic},
	{Number: "4000000000009979", Brand: "visa", Label: "Stolen card", Group: "Decline", Token: "pm_card_visa_chargeDeclinedStolenCard", Code: "card_declined", Decline: "stolen_card", Message: generic},
	{Number: "4000000000000069", Brand: "visa", Label: "Expired card", Group: "Decline", Token: "pm_card_chargeDeclinedExpiredCard", Code: "expired_card", Message: "Your card has expired."},
	{Number: "4000000000000127", Brand: "visa", Label: "Wrong security code", Group: "Decline", Token: "pm_card_chargeDeclinedIncorrectCvc", Code: "incorrect_cvc", Message: "Your card's security code is incorrect."},
	{Number: "4000000000000119", Brand: "visa", Label: "Processing error", Group: "Decline", Token: "pm_card_chargeDeclinedProcessingError", Code: "processing_error", Message: later},
	{Number: "4000000000006975", Brand: "visa", Label: "Too many tries", Group: "Decline", Token: "pm_card_visa_chargeDeclinedVelocityLimitExceeded", Code: "card_declined", Decline: "card_velocity_exceeded", Message: generic},
	{Number: "4000002500003155", Brand: "visa", Label: "3-D Secure", Group: "3-D Secure", Token: "pm_card_authenticationRequiredOnSetup", ThreeDS: true},
	{Number: "4000000000003220", Brand: "visa", Label: "3-D Secure 2", Group: "3-D Secure", Token: "pm_card_threeDSecure2Required", ThreeDS: true},
	{Number: "4000002760003184", Brand: "visa", Label: "3-D Secure on every payment", Group: "3-D Secure", Token: "pm_card_authenticationRequired", ThreeDS: true},
	{Number: "4000008400001629", Brand: "visa", Label: "3-D Secure, then declined", Group: "3-D Secure", Token: "pm_card_threeDSecureRequiredChargeDeclined", ThreeDS: true, Code: "card_declined", Decline: "generic_decline", Message: generic},
	{Number: "4000000000009235", Brand: "visa", Label: "Elevated risk", Group: "Risk", Token: "pm_card_riskLevelElevated", Risk: "elevated"},
	{Number: "4000000000004954", Brand: "visa", Label: "Highest risk", Group: "Risk", Token: "pm_card_riskLevelHighest", Risk: "highest"},
	{Number: "4100000000000019", Brand: "visa", Label: "Always blocked", Group: "Risk", Token: "pm_card_radarBlock", Risk: "highest", Blocked: true},
	{Number: "4000000000000259", Brand: "visa", Label: "Disputed a day later", Group: "Afterwards", Token: "pm_card_createDispute", Dispute: "fraudulent"},
	{Number: "4000000000002685", Brand: "visa", Label: "Disputed as not received", Group: "Afterwards", Token: "pm_card_createDisputeProductNotReceived", Dispute: "product_not_received"},
	{Number: "4000000000001976", Brand: "visa", Label: "The bank asks a day later", Group: "Afterwards", Token: "pm_card_createDisputeInquiry", Dispute: "inquiry"},
	{Number: "4000000000005423", Brand: "visa", Label: "Warned of an hour later", Group: "Afterwards", Token: "pm_card_createIssuerFraudRecord", Dispute: "warning"},
	{Number: "4000000000005126", Brand: "visa", Label: "Refund fails later", Group: "Afterwards", Token: "pm_card_refundFail", Refund: "failed"},
	{Number: "4000000000007726", Brand: "visa", Label: "Refund takes its time", Group: "Afterwards", Token: "pm_card_pendingRefund", Refund: "pending"},
}

func cardBy(pick func(card) bool) (card, bool) {
	i := slices.IndexFunc(testCards, pick)
	if i < 0 {
		return card{}, false
	}
	return testCards[i], true
}

// account is one of Stripe's documented IBANs for SEPA debits.
type account struct {
	IBAN, Label string
	Fails       bool
	After       time.Duration
}

var testAccounts = []account{
	{"DE89370400440532013000", "Succeeds after 10 seconds", false, 10 * time.Second},
	{"DE08370400440532013003", "Succeeds after 3 minutes", false, 3 * time.Minute},
	{"DE62370400440532013001", "Fails after 10 seconds", true, 10 * time.Second},
	{"DE78370400440532013004", "Fails after 3 minutes", true, 3 * time.Minute},
}

// method is how somebody pays. Card numbers are not kept: the last four and the test card's name are.
type method struct {
	ID             string `json:"id"`
	Kind           string `json:"kind"` // card, sepa_debit
	Token          string `json:"token,omitempty"`
	Brand          string `json:"brand,omitempty"`
	Last4          string `json:"last4"`
	ExpMonth       int64  `json:"exp_month,omitempty"`
	ExpYear        int64  `json:"exp_year,omitempty"`
	Fingerprint    string `json:"fingerprint"`
	Country        string `json:"country"` // of the bank or card
	Name           string `json:"name,omitempty"`
	Email          string `json:"email,omitempty"`
	BillingCountry string `json:"billing_country,omitempty"`
	Postal         string `json:"postal,omitempty"`
	IBAN           string `json:"iban,omitempty"` // only a documented test account
	Created        int64  `json:"created"`
}

func (m method) card() card {
	c, ok := cardBy(func(c card) bool { return c.Token == m.Token })
	if !ok {
		return testCards[0]
	}
	return c
}

// funding is credit, debit or prepaid.
func (m method) funding() string { return orElse(m.card().Funding, "credit") }

func (m method) account() account {
	for _, a := range testAccounts {
		if a.IBAN == m.IBAN {
			return a
		}
	}
	return testAccounts[0]
}

func fingerprint(number string) string {
	sum := sha256.Sum256([]byte("vitrine sandbox " + number))
	return hex.EncodeToString(sum[:8])
}

func digitsOnly(s string) string {
	return strings.NewReplacer(" ", "", "-", "", "\u00a0", "", "\t", "").Replace(s)
}

func luhn(number string) bool {
	if len(number) < 12 || len(number) > 19 {
		return false
	}
	sum := 0
	for i, r := range number {
		d := int(r - '0')
		if d < 0 || d > 9 {
			return false
		}
		if (len(number)-i)%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// expiry reads 12/34, 12 / 2034 and 1234.
func expiry(s string) (month, year int64, ok bool) {
	s = digitsOnly(s)
	mm, yy, found := strings.Cut(s, "/")
	if !found {
		if len(s) != 4 && len(s) != 6 {
			return 0, 0, false
		}
		mm, yy = s[:2], s[2:]
	}
	m, err1 := strconv.ParseInt(mm, 10, 64)
	y, err2 := strconv.ParseInt(yy, 10, 64)
	if err1 != nil || err2 != nil || m < 1 || m > 12 || (len(yy) != 2 && len(yy) != 4) {
		return 0, 0, false
	}
	if len(yy) == 2 {
		y += 2000
	}
	return m, y, true
}

// validIBAN checks length and the remainder modulo 97.
func validIBAN(s string) bool {
	if len(s) < 15 || len(s) > 34 {
		return false
	}
	var b strings.Builder
	for _, r := range s[4:] + s[:4] {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r >= 'A' && r <= 'Z':
			b.WriteString(strconv.Itoa(int(r-'A') + 10))
		default:
			return false
		}
	}
	n, ok := new(big.Int).SetString(b.String(), 10)
	return ok && new(big.Int).Mod(n, big.NewInt(97)).Int64() == 1
}
