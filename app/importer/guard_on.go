//go:build !noguard_import

package importer

// guardOwner keeps what one creator brings away from all others.
const guardOwner = true
