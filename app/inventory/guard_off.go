//go:build noguard_stock

// Test: vitrine/app/inventory TestInvariant04TenCopiesAndFiveHundredBuyers

package inventory

// Only `make guards` builds without the guard, to prove that its test notices.
const guardStock = false
