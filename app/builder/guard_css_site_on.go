//go:build !noguard_css_site

package builder

const guardCSSSite = true
