//go:build noguard_payout_reserve

// Test: vitrine/app/payouts TestInvariant06FiftyRequestsOnOneBalanceAreOnePayout

package payouts

// Only `make guards` builds without the guard, to prove that its test notices.
const guardReserve = false
