//go:build noguard_payout_delay

// Test: vitrine/app/payouts TestAChangedMethodIsNotPaidToFor72Hours

package payouts

// Only `make guards` builds without the guard, to prove that its test notices.
const guardDelay = false
