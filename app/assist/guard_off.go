//go:build noguard

// Test: vitrine/app/assist TestFiveHundredHostileAnswers

package assist

import "vitrine/app/noguard"

var guardPrice = !noguard.Removed("assist_price")
