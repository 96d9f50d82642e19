//go:build !noguard

package accounts

const guardCodeOnce = true
