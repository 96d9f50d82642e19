//go:build !noguard_stock

package inventory

const guardStock = true
