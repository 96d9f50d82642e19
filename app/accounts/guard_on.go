//go:build !noguard

package accounts

const guardEmail = true
