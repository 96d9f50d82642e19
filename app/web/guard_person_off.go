//go:build noguard_person

// Test: vitrine/app TestEditsThatWaitedAreTakenFromNobodyElse

package web

// Only `make guards` builds without the guard, to prove that its test notices.
const guardPerson = false
