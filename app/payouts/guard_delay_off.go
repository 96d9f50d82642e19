//go:build noguard

// Test: vitrine/app/payouts TestAChangedMethodIsNotPaidToFor72Hours

package payouts

import "vitrine/app/noguard"

var guardDelay = !noguard.Removed("payout_delay")
