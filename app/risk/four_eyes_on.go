//go:build !noguard_four_eyes

package risk

// guardFourEyes lets nobody confirm the own choice.
const guardFourEyes = true
