//go:build noguard

// Test: vitrine/app/builder TestOneSiteForAllMeansNoCSS

package builder

import "vitrine/app/noguard"

var guardCSSSite = !noguard.Removed("css_site")
