//go:build !noguard

package payouts

// guardResend: what may have left is looked up, and sent again only while its key is remembered.
const guardResend = true
