//go:build noguard_risk_review

// Test: vitrine/app/risk TestAFlaggedOrderDeliversAndPaysNothingUntilItIsDecided

package risk

const guardReview = false
