//go:build noguard_codeonce

// Test: vitrine/app/accounts TestOneCodeAtOnceOpensOneDoor

package accounts

// Only `make guards` builds without the guard, to prove that its test notices.
const guardCodeOnce = false
