//go:build noguard_revoked

// Test: vitrine/app/orders TestDownloadAfterRefundIsRefused

package orders

// Only to prove that a test fails without the guard; see `make guards`.
const guardRevoked = false
