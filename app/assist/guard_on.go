//go:build !noguard_assist_price

package assist

const guardPrice = true
