//go:build noguard_stock

// Test: vitrine/app/inventory TestTenCopiesAndTwoHundredBuyers

package inventory

// Only `make guards` builds without the guard, to prove that its test notices.
const guardStock = false
