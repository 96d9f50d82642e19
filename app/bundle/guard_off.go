//go:build noguard

// Test: vitrine/app/bundle TestAChangedArchiveIsRefused

package bundle

import "vitrine/app/noguard"

var guardDigest = !noguard.Removed("bundle")
