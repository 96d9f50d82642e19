//go:build !noguard

package web

const guardFresh = true
