//go:build !noguard_fresh

package web

const guardFresh = true
