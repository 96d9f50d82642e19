//go:build noguard

// Test: vitrine/app/risk TestTwoPersonsDecideAboveTheLimit

package risk

import "vitrine/app/noguard"

var guardFourEyes = !noguard.Removed("four_eyes")
