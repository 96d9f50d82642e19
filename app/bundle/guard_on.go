//go:build !noguard

package bundle

// guardDigest refuses entries whose bytes are not those that were signed.
const guardDigest = true
