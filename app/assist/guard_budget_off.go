//go:build noguard_assist_budget

// Test: vitrine/app/assist TestNobodyTakesMoreThanADayHolds

package assist

// Only `make guards` builds without the guard, to prove that its test notices.
const guardBudget = false
