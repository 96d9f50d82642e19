//go:build !noguard

package builder

const guardCSSReader = true
