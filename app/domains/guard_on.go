//go:build !noguard

package domains

const guardProof = true
