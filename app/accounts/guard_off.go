//go:build noguard_email

// Test: vitrine/app/accounts TestTwoRegistrationsAtOnceMakeOneAccount

package accounts

// Only `make guards` builds without the guard, to prove that its test notices.
const guardEmail = false
