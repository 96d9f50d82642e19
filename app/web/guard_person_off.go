//go:build noguard

// Test: vitrine/app TestEditsThatWaitedAreTakenFromNobodyElse

package web

import "vitrine/app/noguard"

var guardPerson = !noguard.Removed("person")
