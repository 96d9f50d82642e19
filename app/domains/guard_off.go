//go:build noguard_domainproof

// Test: vitrine/app/domains TestAnUnprovedDomainIsNeverServed

package domains

// Only `make guards` builds without the guard, to prove that its test notices.
const guardProof = false
