//go:build noguard

// Test: vitrine/app/refunds TestARefundIsNeverSentAgainPastTheLifeOfItsKey

package refunds

import "vitrine/app/noguard"

var guardResend = !noguard.Removed("refund_resend")
