//go:build !noguard_css_reader

package builder

const guardCSSReader = true
