//go:build noguard_origin

// Test: vitrine/app TestUnsafeRoutesRefuseCrossSiteCalls

package web

// Only `make guards` builds without the guard, to prove that its test notices.
const guardSameOrigin = false
