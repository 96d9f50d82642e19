//go:build noguard

// Test: vitrine/app/assist TestNobodyTakesMoreThanADayHolds

package assist

import "vitrine/app/noguard"

var guardBudget = !noguard.Removed("assist_budget")
