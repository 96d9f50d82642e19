//go:build !noguard

package assist

const guardPrice = true
