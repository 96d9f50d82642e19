//go:build noguard_refund_limit

// Test: vitrine/app/orders TestRefundsAtOnceNeverExceedTheTotal

package orders

const guardRefundLimit = false
