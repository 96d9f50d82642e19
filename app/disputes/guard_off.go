//go:build noguard_dispute_once

// Test: vitrine/app/disputes TestAnAnswerIsSentOnce

package disputes

const guardOnce = false
