//go:build noguard

// Test: vitrine/app/builder TestOwnCSSReachesItsPageAlone

package builder

import "vitrine/app/noguard"

var guardCSSReader = !noguard.Removed("css_reader")
