//go:build noguard

// Test: vitrine/app/accounts TestAProofGrowsOldAfterTenMinutes

package web

import "vitrine/app/noguard"

var guardFresh = !noguard.Removed("fresh")
