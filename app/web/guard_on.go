//go:build !noguard

package web

const guardSameOrigin = true
