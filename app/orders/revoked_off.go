//go:build noguard

// Test: vitrine/app/orders TestDownloadAfterRefundIsRefused

package orders

import "vitrine/app/noguard"

var guardRevoked = !noguard.Removed("revoked")
