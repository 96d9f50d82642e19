//go:build noguard

// Test: vitrine/app/disputes TestAnAnswerIsSentOnce

package disputes

import "vitrine/app/noguard"

var guardOnce = !noguard.Removed("dispute_once")
