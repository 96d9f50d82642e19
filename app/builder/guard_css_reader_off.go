//go:build noguard_css_reader

// Test: vitrine/app/builder TestOwnCSSReachesItsPageAlone

package builder

// Only `make guards` builds without the guard, to prove that its test notices.
const guardCSSReader = false
