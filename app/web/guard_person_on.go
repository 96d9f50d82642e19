//go:build !noguard

package web

const guardPerson = true
