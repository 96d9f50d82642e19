//go:build !noguard_assist_budget

package assist

const guardBudget = true
