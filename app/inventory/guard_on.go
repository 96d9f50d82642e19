//go:build !noguard

package inventory

const guardStock = true
