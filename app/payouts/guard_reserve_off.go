//go:build noguard

// Test: vitrine/app/payouts TestInvariant06FiftyRequestsOnOneBalanceAreOnePayout

package payouts

import "vitrine/app/noguard"

var guardReserve = !noguard.Removed("payout_reserve")
