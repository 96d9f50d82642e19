//go:build !noguard_assist_address

package assist

const guardAddress = true
