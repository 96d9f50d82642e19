//go:build !noguard_domainproof

package domains

const guardProof = true
