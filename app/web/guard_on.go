//go:build !noguard_origin

package web

const guardSameOrigin = true
