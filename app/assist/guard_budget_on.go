//go:build !noguard

package assist

const guardBudget = true
