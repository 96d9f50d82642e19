//go:build noguard

// Test: vitrine/app/orders TestRefundsAtOnceNeverExceedTheTotal

package orders

import "vitrine/app/noguard"

var guardRefundLimit = !noguard.Removed("refund_limit")
