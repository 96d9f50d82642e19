//go:build noguard

// Test: vitrine/app/domains TestAnUnprovedDomainIsNeverServed

package domains

import "vitrine/app/noguard"

var guardProof = !noguard.Removed("domainproof")
