//go:build !noguard

package payments

const guardInbox = true
