//go:build noguard

// Test: vitrine/app/inventory TestInvariant04TenCopiesAndFiveHundredBuyers

package inventory

import "vitrine/app/noguard"

var guardStock = !noguard.Removed("stock")
