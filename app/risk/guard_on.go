//go:build !noguard

package risk

// guardReview puts flagged orders before a person, so that nothing of them is delivered or paid out.
const guardReview = true
