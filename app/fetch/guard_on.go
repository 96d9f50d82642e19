//go:build !noguard

package fetch

// guardSSRF keeps connections out of every network that is not the public one, whatever a name resolved to.
const guardSSRF = true
