//go:build !noguard

package orders

// guardRefundLimit keeps refunds that are under way at the same time from giving back more than was paid.
const guardRefundLimit = true
