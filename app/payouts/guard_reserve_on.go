//go:build !noguard

package payouts

// guardReserve: a balance is decided on under its lock, and its lines are taken once.
const guardReserve = true
