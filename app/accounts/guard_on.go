//go:build !noguard_email

package accounts

const guardEmail = true
