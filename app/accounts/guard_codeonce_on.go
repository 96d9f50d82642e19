//go:build !noguard_codeonce

package accounts

const guardCodeOnce = true
