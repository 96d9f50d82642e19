//go:build noguard_payout_resend

// Test: vitrine/app/payouts TestInvariant06NothingIsSentAgainPastTheLifeOfItsKey

package payouts

// Only `make guards` builds without the guard, to prove that its test notices.
const guardResend = false
