//go:build noguard_css_site

// Test: vitrine/app/builder TestOneSiteForAllMeansNoCSS

package builder

// Only `make guards` builds without the guard, to prove that its test notices.
const guardCSSSite = false
