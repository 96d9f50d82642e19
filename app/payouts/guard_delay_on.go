//go:build !noguard

package payouts

// guardDelay: nothing is sent to a method that was changed less than 72 hours ago.
const guardDelay = true
