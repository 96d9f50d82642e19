//go:build !noguard

package orders

const guardDoubleBuy = true
