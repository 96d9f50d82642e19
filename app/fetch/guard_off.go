//go:build noguard_ssrf

// Test: vitrine/app/fetch TestANameThatMovesIsNotFollowed

package fetch

// Only to prove that a test fails without the guard; see `make guards`.
const guardSSRF = false
