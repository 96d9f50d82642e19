//go:build !noguard

package refunds

// guardResend keeps a refund from being sent again once the provider may have forgotten its key.
const guardResend = true
