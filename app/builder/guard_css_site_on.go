//go:build !noguard

package builder

const guardCSSSite = true
