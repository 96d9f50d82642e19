//go:build noguard

// Test: vitrine/app/orders TestFilesStayClosedWhileAPersonLooks

package orders

import "vitrine/app/noguard"

var guardReview = !noguard.Removed("review")
