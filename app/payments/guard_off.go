//go:build noguard

// Test: vitrine/app/payments TestFiveDeliveriesAndEightWorkers

package payments

import "vitrine/app/noguard"

var guardInbox = !noguard.Removed("inbox")
