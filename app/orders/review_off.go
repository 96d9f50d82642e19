//go:build noguard_review

// Test: vitrine/app/orders TestFilesStayClosedWhileAPersonLooks

package orders

const guardReview = false
