//go:build noguard

// Test: vitrine/app TestUnsafeRoutesRefuseCrossSiteCalls

package web

import "vitrine/app/noguard"

var guardSameOrigin = !noguard.Removed("origin")
