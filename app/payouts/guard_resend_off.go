//go:build noguard

// Test: vitrine/app/payouts TestInvariant06NothingIsSentAgainPastTheLifeOfItsKey

package payouts

import "vitrine/app/noguard"

var guardResend = !noguard.Removed("payout_resend")
