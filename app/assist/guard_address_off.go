//go:build noguard

// Test: vitrine/app/assist TestFiveHundredHostileAnswers

package assist

import "vitrine/app/noguard"

var guardAddress = !noguard.Removed("assist_address")
