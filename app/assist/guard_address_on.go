//go:build !noguard

package assist

const guardAddress = true
