//go:build !noguard_inbox

package payments

const guardInbox = true
