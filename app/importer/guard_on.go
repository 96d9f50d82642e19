//go:build !noguard

package importer

// guardOwner keeps what one creator brings away from all others.
const guardOwner = true
