//go:build noguard_import

// Test: vitrine/app/importer TestWhatOthersBringIsNotFound

package importer

// Only to prove that a test fails without the guard; see `make guards`.
const guardOwner = false
