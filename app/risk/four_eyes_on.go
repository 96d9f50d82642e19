//go:build !noguard

package risk

// guardFourEyes lets nobody confirm the own choice.
const guardFourEyes = true
