//go:build noguard_four_eyes

// Test: vitrine/app/risk TestTwoPersonsDecideAboveTheLimit

package risk

const guardFourEyes = false
