//go:build noguard_bundle

// Test: vitrine/app/bundle TestAChangedArchiveIsRefused

package bundle

const guardDigest = false
