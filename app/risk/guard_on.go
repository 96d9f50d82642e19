//go:build !noguard_risk_review

package risk

// guardReview puts flagged orders before a person, so that nothing of them is delivered or paid out.
const guardReview = true
