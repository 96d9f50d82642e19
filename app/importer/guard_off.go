//go:build noguard

// Test: vitrine/app/importer TestWhatOthersBringIsNotFound

package importer

import "vitrine/app/noguard"

var guardOwner = !noguard.Removed("import")
