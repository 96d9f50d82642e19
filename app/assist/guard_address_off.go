//go:build noguard_assist_address

// Test: vitrine/app/assist TestFiveHundredHostileAnswers

package assist

// Only `make guards` builds without the guard, to prove that its test notices.
const guardAddress = false
