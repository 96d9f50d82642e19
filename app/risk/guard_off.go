//go:build noguard

// Test: vitrine/app/risk TestAFlaggedOrderDeliversAndPaysNothingUntilItIsDecided

package risk

import "vitrine/app/noguard"

var guardReview = !noguard.Removed("risk_review")
