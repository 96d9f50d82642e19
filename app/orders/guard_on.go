//go:build !noguard_doublebuy

package orders

const guardDoubleBuy = true
