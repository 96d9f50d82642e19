//go:build noguard_fresh

// Test: vitrine/app/accounts TestAProofGrowsOldAfterTenMinutes

package web

// Only `make guards` builds without the guard, to prove that its test notices.
const guardFresh = false
